// Five oranges in a pile with leaves on dark wood.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
View(<0, 3.4, -8.6>, <0, 1.2, 0>, 39)
Wooden_Table(srgb <0.40, 0.30, 0.22>, srgb <0.20, 0.14, 0.10>, srgb <0.14, 0.13, 0.12>, srgb <0.24, 0.22, 0.20>)
Lamp(<-6, 9, -4>, <0, 1, 0>, 3, rgb <1.0, 0.96, 0.9> * 0.95)
Softbox(<-6, 6, -4>, <0, 1, 0>, 2.2, 3, 4)
Orange(0, 0.96, <-30, 10, 20>, <-1.85, 0, 0.2>)
Orange(0, 0.95, <-15, 80, -24>, <0.05, 0, -0.35>)
Orange(2, 0.97, <-45, 30, 10>, <1.95, 0, 0.25>)
Orange(0, 0.96, <20, 120, 10>, <-0.90, 1.48, 0.5>)
Orange(2, 0.96, <-38, 10, -15>, <1.0, 1.50, 0.45>)
Orange(0, 0.96, <-60, 10, 0>, <0, 0, 1.6>)
object { Orange_Leaf() scale 1.3 rotate <-20, 190, -15> translate <-1.7, 0.65, -1.0> }
object { Orange_Leaf() scale 1.2 rotate <25, -20, 16> translate <2.3, 0.15, -1.0> }
