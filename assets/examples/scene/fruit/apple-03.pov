// One green apple in a white studio.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
View(<0, 2.5, -6.2>, <0, 0.93, 0>, 24)
Studio(rgb 1)
Lamp(<5, 8, -4>, <0, 1, 0>, 3.0, rgb 0.85)
Softbox(<5.5, 5, -4>, <0, 1, 0>, 2.2, 3.2, 9)
Apple(2, 0.98, 0.3, 0.07, <-10, 100, 8>, <0, 0, 0>, 1)
