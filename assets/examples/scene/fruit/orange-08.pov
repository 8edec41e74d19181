// Oranges in a blue bowl on a garden table.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
#include "vessels.inc"
View(<0, 3.9, -9.0>, <0, 1.3, 0>, 31)
Garden_Table(srgb <0.72, 0.66, 0.58>, srgb <0.45, 0.39, 0.32>)
Lamp(<-5, 9, -5>, <0, 1, 0>, 2.5, rgb <1.0, 0.96, 0.88> * 0.9)
Softbox(<-6, 7, -4>, <0, 1, 0>, 2.4, 3.2, 4)
object { Bowl(srgb <0.30, 0.46, 0.62>) scale <2.15, 1.6, 2.15> }
Orange(0, 0.96, <-24, 20, 18>, <-0.98, 0.5, -0.35>)
Orange(1, 0.96, <-22, 120, -18>, <0.98, 0.5, -0.45>)
Orange(0, 0.97, <16, 220, 0>, <0.0, 0.5, 1.1>)
Orange(2, 0.95, <-36, 260, 14>, <0.02, 1.74, 0.1>)
