// Sand dunes under a blue sky.
#version 3.7;
#include "common.inc"
#include "land.inc"
View(<0, 6.6, -20>, <0, 4.2, 0>, 50)
Sky(srgb <0.22, 0.42, 0.72>, srgb <0.80, 0.85, 0.88>, rgb 1, 0.42)
Sun(<-1, 0.30, 0.45>, srgb <1.0, 0.88, 0.70> * 1.7)
Haze(220, 5, srgb <0.86, 0.82, 0.76>)
object { Dunes(srgb <0.86, 0.66, 0.42>) scale <2, 2.3, 2> translate <4, -3.5, 14> }
