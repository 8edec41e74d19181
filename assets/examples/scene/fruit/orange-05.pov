// One orange on linen.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
View(<0, 3.2, -6.8>, <0, 0.88, 0>, 26)
Linen(srgb <0.78, 0.83, 0.86>)
Lamp(<6, 7, -3>, <0, 1, 0>, 2.6, rgb <1.0, 0.97, 0.92> * 0.9)
Softbox(<5.5, 5, -3.5>, <0, 1, 0>, 2.0, 3, 5)
Orange(1, 0.94, <-36, 10, -16>, <0, 0, 0>)
