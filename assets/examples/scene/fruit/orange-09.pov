// Two oranges on slate.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
View(<-0.15, 2.9, -7.4>, <-0.15, 0.9, 0>, 36)
Slate()
Lamp(<6, 7, -1>, <0, 1, 0>, 3, rgb <1.0, 0.96, 0.92> * 1.0)
Lamp(<-7, 5, -5>, <0, 1, 0>, 3, rgb <0.75, 0.85, 1.0> * 0.2)
Softbox(<5, 4.5, -2>, <0, 1, 0>, 1.6, 3, 5)
Orange(0, 0.96, <-30, 30, -16>, <0.8, 0, 0.4>)
Orange(2, 0.97, <-70, 10, 30>, <-1.1, 0, -0.4>)
object { Orange_Leaf() scale 1.1 rotate <15, -40, 10> translate <0.1, 0.1, -1.3> }
