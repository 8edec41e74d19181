// Three bicoloured apples on a wooden table.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
View(<0, 3.3, -8.2>, <0, 0.85, 0>, 28)
Wooden_Table(srgb <0.80, 0.62, 0.42>, srgb <0.52, 0.34, 0.19>, srgb <0.72, 0.70, 0.66>, srgb <0.90, 0.88, 0.84>)
Lamp(<-6, 8, -4>, <0, 1, 0>, 3, rgb <1.0, 0.95, 0.88> * 0.9)
Softbox(<-6, 5, -4>, <0, 1, 0>, 2.2, 3.2, 7)
Apple(1, 0.96, 0.35, 0.06, <-5, 160, 6>, <-1.05, 0, 0.9>, 1)
Apple(1, 0.98, 0.3, 0.06, <8, 20, -8>, <1.05, 0, 1.0>, 1)
Apple(0, 0.95, 0.4, 0.07, <-32, 200, 16>, <0.1, 0, -0.85>, 1)
