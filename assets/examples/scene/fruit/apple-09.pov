// One pink apple on dark wood by a window.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
View(<0, 2.2, -6.8>, <0, 0.95, 0>, 27)
Wooden_Table(srgb <0.42, 0.30, 0.21>, srgb <0.22, 0.145, 0.09>, srgb <0.16, 0.15, 0.14>, srgb <0.30, 0.28, 0.25>)
Lamp(<-7, 6, -1>, <0, 1, 0>, 3, rgb <0.95, 0.97, 1.0> * 1.0)
Softbox(<-5, 4, -2.2>, <0, 1, 0>, 2, 3, 8)
Apple(5, 0.96, 0.3, 0.06, <-8, 300, -7>, <-0.1, 0, 0>, 1)
object { Apple_Leaf() scale 0.85 rotate <25, 20, 8> translate <0.8, 0.12, -1.1> }
