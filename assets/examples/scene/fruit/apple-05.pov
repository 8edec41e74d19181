// One yellow apple with a blush on linen.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
View(<0, 3.1, -6.6>, <0, 0.85, 0>, 25)
Linen(srgb <0.93, 0.90, 0.84>)
Lamp(<-6, 7, -3>, <0, 1, 0>, 2.6, rgb <1.0, 0.96, 0.90> * 0.85)
Softbox(<-5.5, 5, -3.5>, <0, 1, 0>, 2.0, 3, 7)
Apple(3, 0.97, 0.35, 0.06, <-14, 60, 10>, <0, 0, 0>, 1)
