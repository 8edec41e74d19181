// Two dark red apples on slate.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
View(<0.2, 2.8, -7.6>, <0.2, 0.95, 0>, 34)
Slate()
Lamp(<-6, 7, -1>, <0, 1, 0>, 3, rgb <1.0, 0.96, 0.92> * 1.0)
Lamp(<7, 5, -5>, <0, 1, 0>, 3, rgb <0.75, 0.85, 1.0> * 0.2)
Softbox(<-5, 4.5, -2>, <0, 1, 0>, 1.6, 3, 8)
Apple(4, 1.05, 0.5, 0.1, <-8, 30, -6>, <-0.75, 0, 0.3>, 1)
Apple(4, 1.02, 0.5, 0.1, <-48, 10, -30>, <1.15, 0, -0.55>, 1)
object { Apple_Leaf() scale 0.9 rotate <15, 160, -18> translate <-0.8, 1.95, 0.3> }
