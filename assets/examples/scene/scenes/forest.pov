// A path through a light wood.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "land.inc"
#include "plants.inc"
View(<0, 1.7, -9>, <0.2, 2.3, 0>, 50)
Sky(srgb <0.45, 0.62, 0.85>, srgb <0.92, 0.94, 0.90>, rgb 1, 0.5)
Sun(<0.8, 0.9, -0.6>, srgb <1.0, 0.93, 0.78> * 1.7)
Haze(140, 4, srgb <0.82, 0.88, 0.80>)
plane {
  y, 0
  pigment { function { min(1, max(0, 0.5 + 0.9 * (abs(x - 0.7 * sin(0.35 * z)) - 1.0) + 0.8 * (f_noise3d(2 * x, 0, 2 * z) - 0.5))) }
    pigment_map { [0.35 granite color_map { [0 srgb <0.42, 0.32, 0.20>] [1 srgb <0.66, 0.55, 0.38>] } scale 0.5] [0.65 bozo turbulence 0.7 color_map { [0.2 srgb <0.16, 0.25, 0.08>] [0.8 srgb <0.38, 0.48, 0.16>] } scale 0.5] } }
  normal { bumps 0.9 scale 0.06 }
}
#declare N = 5;
#declare Trees = array[N]
#for (K, 0, N - 1)
  #declare Trees[K] = object { Tree(3200, srgb <Between(0.42, 0.62), Between(0.58, 0.66), 0.20>, srgb <0.14, 0.28, 0.07>, srgb <0.40, 0.32, 0.24>) }
#end
#for (K, 0, 75)
  #local Z = Between(-4.5, 40); #local S = (mod(K, 2) * 2 - 1);
  object { Trees[mod(K, N)] scale Between(1.1, 1.7) * <1, 1.15, 1> rotate Between(0, 360) * y translate <0.7 * sin(0.35 * Z) + S * (2.6 + pow(rand(Rng), 1.3) * 16), 0, Z> }
#end
#declare Grass = object { Tuft(90, srgb <0.48, 0.58, 0.20>, srgb <0.20, 0.32, 0.09>) }
#for (K, 0, 900)
  #local Z = -8.5 + 22 * pow(rand(Rng), 1.6); #local S = (mod(K, 2) * 2 - 1);
  object { Grass scale <1, Between(0.25, 0.5), 1> * Between(0.5, 0.9) rotate Between(0, 360) * y translate <0.7 * sin(0.35 * Z) + S * (1.25 + 9 * rand(Rng)), 0, Z> }
#end
