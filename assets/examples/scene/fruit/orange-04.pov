// Two orange halves in a white studio.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
View(<0, 3.8, -6.4>, <0.2, 0.72, 0>, 35)
Studio(rgb 1)
Lamp(<-4, 8, -5>, <0, 1, 0>, 3.0, rgb 0.8)
Softbox(<-6, 5, -4>, <0, 1, 0>, 2.2, 3.2, 4)
Orange_Half(1, <-14, 30, 10>, <-0.65, 0, 0.5>)
Orange_Half(1, <-66, -24, 0>, <0.95, 0, -0.45>)
