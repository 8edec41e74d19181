// Flowers in a vase, fruit and a bowl on a table.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
#include "vessels.inc"
#include "plants.inc"
View(<0, 4.2, -13>, <0.1, 2.75, 0>, 36)
Wooden_Table(srgb <0.66, 0.48, 0.32>, srgb <0.40, 0.26, 0.15>, srgb <0.30, 0.36, 0.36>, srgb <0.46, 0.50, 0.47>)
Lamp(<-7, 10, -5>, <0, 2, 0>, 3, rgb <1.0, 0.95, 0.86> * 1.0)
Softbox(<-7, 7, -5>, <0, 2, 0>, 2.4, 3.4, 5)
object { Vase(1.0, 0.42, 1.15) Glaze(3, srgb <0.84, 0.82, 0.76>, srgb <0.24, 0.42, 0.50>) scale 0.95 translate <-0.9, 0, 0.8> }
#declare Outer = array[3] { srgb <0.86, 0.36, 0.40>, srgb <0.95, 0.88, 0.80>, srgb <0.93, 0.66, 0.28> }
#for (K, 0, 8)
  #local A = 360 * K / 9 + Between(-15, 15); #local Lean = (K = 8 ? 5 : Between(16, 34));
  object {
    Flower(11 + Pick(4), 2, 0.42, Between(0.1, 0.35), srgb <0.95, 0.80, 0.40>, Outer[mod(K, 3)],
      srgb <0.55, 0.36, 0.10>, 0.26, 2.2, Between(0.55, 0.75), Between(40, 75))
    rotate Lean * x rotate -A * y translate <-0.9, 2.35 + Between(-0.15, 0.25), 0.8>
  }
#end
object { Bowl(srgb <0.88, 0.86, 0.80>) scale <1.7, 1.35, 1.7> translate <2.3, 0, 0.5> }
union {
  Orange(0, 0.96, <-30, 20, 10>, <1.6, 0.55, 0.1>)
  Apple(1, 0.97, 0.35, 0.07, <-10, 40, 10>, <3.1, 0.55, 0.2>, 1)
  Apple(3, 0.97, 0.35, 0.07, <10, 140, -10>, <2.3, 0.55, 1.5>, 1)
}
Apple(0, 0.97, 0.4, 0.07, <-20, 20, -14>, <0.55, 0, -2.3>, 1)
object { Orange_Half(0, <-50, 20, 0>, <0, 0, 0>) scale 0.9 translate <-2.6, 0, -1.6> }
