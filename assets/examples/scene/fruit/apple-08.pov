// Apples of several colours in a white bowl on linen.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
#include "vessels.inc"
View(<0, 4.6, -8.6>, <0, 1.25, 0>, 31)
Linen(srgb <0.80, 0.82, 0.84>)
Lamp(<-6, 9, -3>, <0, 1, 0>, 3, rgb <1.0, 0.97, 0.92> * 0.85)
Softbox(<-6, 7, -4>, <0, 1, 0>, 2.4, 3.2, 6)
object { Bowl(srgb <0.95, 0.95, 0.93>) scale <2.15, 1.6, 2.15> }
Apple(0, 0.97, 0.35, 0.07, <-14, 20, 14>, <-0.98, 0.52, -0.35>, 1)
Apple(3, 0.97, 0.35, 0.07, <-12, 120, -14>, <0.95, 0.52, -0.45>, 1)
Apple(2, 0.97, 0.35, 0.07, <16, 220, 0>, <0.0, 0.52, 1.1>, 1)
Apple(5, 0.95, 0.30, 0.06, <-26, 260, 4>, <0.02, 1.72, 0.1>, 1)
