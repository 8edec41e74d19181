// An orange and a half on a wooden table.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
View(<0, 3.2, -7.2>, <0, 0.8, 0>, 31)
Wooden_Table(srgb <0.80, 0.63, 0.44>, srgb <0.54, 0.36, 0.21>, srgb <0.75, 0.70, 0.62>, srgb <0.88, 0.85, 0.80>)
Lamp(<-4, 8, -5>, <0, 1, 0>, 3, rgb <1.0, 0.95, 0.87> * 0.85)
Softbox(<-5, 6, -3>, <0, 1, 0>, 2.4, 3, 4)
Orange(0, 0.96, <-24, 10, -18>, <-0.75, 0, 0.65>)
Orange_Half(0, <-58, 14, 0>, <0.75, 0, -0.6>)
object { Orange_Leaf() scale 0.95 rotate <-10, -35, 22> translate <-0.75, 1.9, 0.55> }
