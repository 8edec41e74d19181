// Three oranges on a branch in front of blurred leaves.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
View(<0, 1.0, -8.6>, <0, 0.05, 0>, 33)
Foliage(9)
Surroundings(srgb <0.40, 0.50, 0.28>, srgb <0.95, 0.98, 1.0>)
Lamp(<5, 8, -6>, <0, 1, 0>, 2.5, rgb <1.0, 0.96, 0.86> * 0.95)
Softbox(<5, 5, -4>, <0, 1, 0>, 2, 3, 4)
Orange(0, 0.96, <6, 10, 12>, <-1.15, -0.7, 0>)
Orange(0, 0.96, <-12, 90, -10>, <0.95, -0.95, -0.2>)
object { Orange(2, 0.97, <8, 200, -5>, <0, 0, 0>) scale 0.92 translate <0.0, -2.35, 0.5> }
sphere_sweep {
  cubic_spline 6, <-4, 1.9, 0.6>, 0.1, <-2.6, 1.75, 0.3>, 0.1, <-1.0, 1.4, 0.0>, 0.08, <1.0, 1.2, -0.3>, 0.06, <2.2, 1.35, -0.5>, 0.04, <3, 1.6, -1>, 0.03
  pigment { bozo color_map { [0 srgb <0.22, 0.20, 0.11>] [1 srgb <0.40, 0.36, 0.22>] } scale <0.3, 0.08, 0.1> }
  normal { bumps 0.6 scale 0.06 }
}
#for (K, 0, 20)
  #local X = Between(-2.5, 2.3);
  object {
    Orange_Leaf() scale Between(0.85, 1.3) rotate <Between(-70, -5), 0, Between(-45, 30)> rotate Between(0, 360) * y
    translate <X, 1.3 - 0.12 * X + Between(0, 0.7), 0.3 - 0.1 * X + Between(0, 0.6)>
  }
#end
