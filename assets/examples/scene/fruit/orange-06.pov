// A market pile of oranges, seen from above.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
View(<0, 9.0, -5.0>, <0, 0.8, 0.25>, 29)
plane { y, 0 pigment { srgb <0.12, 0.08, 0.05> } }
Surroundings(srgb 0.6, srgb <0.95, 0.97, 1.0>)
Lamp(<5, 11, -2>, <0, 1, 0>, 4, rgb 0.85)
Softbox(<5, 9, 1>, <0, 1, 0>, 2.6, 3, 3)
#for (R, -3, 2)
  #for (C, -3, 3)
    #local At = <1.94 * C + 0.96 * mod(R + 4, 2) + Between(-0.08, 0.08), Between(0, 0.2), 1.68 * R + Between(-0.08, 0.08)>;
    Orange(Pick(3), Between(0.92, 0.98), <Between(-75, 40), Between(0, 360), Between(-60, 60)>, At)
    #if (rand(Rng) < 0.75)
      Orange(Pick(3), Between(0.92, 0.98), <Between(-80, 0), Between(0, 360), Between(-35, 35)>, At + <0.95, 1.3, 0.6>)
    #end
  #end
#end
