// One orange in a white studio.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
View(<0, 2.6, -6.2>, <0, 0.95, 0>, 24)
Studio(rgb 1)
Lamp(<-5, 8, -4>, <0, 1, 0>, 3.0, rgb 0.85)
Softbox(<-6, 5, -4>, <0, 1, 0>, 2.2, 3.2, 6)
Orange(0, 0.96, <-28, 20, 14>, <0, 0, 0>)
