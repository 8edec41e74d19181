// Two red apples on a branch in front of blurred leaves.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
View(<0, 1.0, -8>, <0.2, 0.45, 0>, 33)
Foliage(9)
Surroundings(srgb <0.40, 0.50, 0.28>, srgb <0.95, 0.98, 1.0>)
Lamp(<-5, 8, -6>, <0, 1, 0>, 2.5, rgb <1.0, 0.96, 0.86> * 0.95)
Softbox(<-5, 5, -4>, <0, 1, 0>, 2, 3, 6)
Apple(0, 1.0, 0.35, 0.08, <4, 10, 7>, <-0.78, -0.75, 0>, 1)
Apple(1, 0.98, 0.35, 0.08, <-4, 250, -8>, <1.12, -1.25, -0.5>, 1)
sphere_sweep {
  cubic_spline 6, <-4, 1.9, 0.6>, 0.1, <-2.6, 1.75, 0.3>, 0.1, <-0.9, 1.36, 0.0>, 0.08, <1.0, 1.0, -0.4>, 0.06, <2.2, 1.15, -0.7>, 0.04, <3, 1.4, -1>, 0.03
  pigment { bozo color_map { [0 srgb <0.25, 0.18, 0.11>] [1 srgb <0.45, 0.36, 0.25>] } scale <0.3, 0.08, 0.1> }
  normal { bumps 0.6 scale 0.06 }
}
#for (K, 0, 15)
  #local X = Between(-2.4, 2.2);
  object {
    Apple_Leaf() scale Between(0.75, 1.15) rotate <Between(-70, -5), 0, Between(-45, 30)> rotate Between(0, 360) * y
    translate <X, 1.3 - 0.16 * X + Between(0, 0.7), 0.35 - 0.15 * X + Between(0, 0.6)>
  }
#end
