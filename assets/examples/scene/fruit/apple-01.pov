// One red apple with a leaf in a white studio.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
View(<0.2, 2.3, -6.2>, <0, 0.98, 0>, 26)
Studio(rgb 1)
Lamp(<-5, 8, -5>, <0, 1, 0>, 3.0, rgb 0.85)
Softbox(<-6, 5, -4.5>, <0, 1, 0>, 2.2, 3.2, 9)
Apple(0, 1.0, 0.35, 0.08, <-6, 40, -5>, <0, 0, 0>, 1)
object { Apple_Leaf() scale 0.95 rotate <18, -25, 24> translate <0.1, 1.85, 0> }
