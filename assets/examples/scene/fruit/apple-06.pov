// A market pile of green and yellow apples, seen from above.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
View(<0, 9.0, -5.0>, <0, 0.8, 0.25>, 29)
plane { y, 0 pigment { srgb <0.12, 0.10, 0.06> } }
Surroundings(srgb 0.6, srgb <0.95, 0.97, 1.0>)
Lamp(<-5, 11, -2>, <0, 1, 0>, 4, rgb 0.85)
Softbox(<-5, 9, 1>, <0, 1, 0>, 2.6, 3, 5)
#for (R, -3, 2)
  #for (C, -3, 3)
    #local At = <1.92 * C + 0.96 * mod(R + 4, 2) + Between(-0.1, 0.1), Between(0, 0.2), 1.68 * R + Between(-0.1, 0.1)>;
    Apple(2, Between(0.92, 1.0), 0.3, 0.06, <Between(-75, 20), Between(0, 360), Between(-40, 40)>, At, 1)
    #if (rand(Rng) < 0.75)
      Apple((rand(Rng) < 0.2 ? 3 : 2), Between(0.92, 1.0), 0.3, 0.06, <Between(-80, 0), Between(0, 360), Between(-35, 35)>, At + <0.95, 1.25, 0.6>, 1)
    #end
  #end
#end
