// A cup of tea, an open book and an orange by a window.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
#include "vessels.inc"
#include "things.inc"
View(<0.3, 5.0, -8.2>, <0.2, 0.55, 0.2>, 36)
Linen(srgb <0.86, 0.84, 0.80>)
Lamp(<-7, 7, 1>, <0, 0, 0>, 3, rgb <1.0, 0.96, 0.88> * 0.95)
Softbox(<-6, 6, 1>, <0, 1, 0>, 2.4, 3.2, 4)
object { Tea_Cup(srgb <0.96, 0.96, 0.94>, srgb <0.26, 0.42, 0.62>) rotate -20 * y translate <-0.75, 0, -0.75> }
object { Open_Book(1.75, 2.5, srgb <0.50, 0.16, 0.14>) rotate -22 * y translate <1.35, 0, 1.6> }
object { Book(2.0, 2.7, 0.34, srgb <0.20, 0.34, 0.38>, srgb <0.86, 0.76, 0.50>) rotate 28 * y translate <-2.4, 0, 2.2> }
object { Orange(0, 0.96, <-30, 10, 14>, <0, 0, 0>) scale 0.72 translate <-2.3, 0.34, 2.1> }
object { Orange_Leaf() rotate <0, -40, 10> translate <1.5, 0.08, -1.5> }
