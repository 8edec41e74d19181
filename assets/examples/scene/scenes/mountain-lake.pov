// A mountain lake in the last light.
#version 3.7;
#include "common.inc"
#include "land.inc"
#include "plants.inc"
View(<0, 2.2, -16>, <0, 4.3, 10>, 52)
Sun_Glow(<-0.55, 0.16, 1>, srgb <0.20, 0.32, 0.55>, srgb <1.0, 0.72, 0.48>, srgb <1.0, 0.80, 0.55>, srgb <1.0, 0.62, 0.48>, 0.50)
Sun(<-0.9, 0.42, 0.35>, srgb <1.0, 0.72, 0.48> * 1.4)
Haze(260, 4, srgb <0.90, 0.68, 0.58>)
Water(srgb <0.05, 0.09, 0.12>, 0.05, 0.9)
object { Range(400, 3.2, 0.9) Mountain_Texture(srgb <0.42, 0.37, 0.36>, srgb <0.20, 0.28, 0.12>, 0.36) scale <80, 24, 40> translate <4, -0.6, 30> }
object { Range(300, 2.6, 1.0) Mountain_Texture(srgb <0.38, 0.36, 0.38>, srgb <0.18, 0.26, 0.12>, 0.6) scale <44, 13, 20> translate <-24, -0.6, 14> }
#declare Tree1 = Spruce(1100, srgb <0.20, 0.30, 0.15>, srgb <0.06, 0.13, 0.07>, srgb <0.25, 0.18, 0.12>)
#declare Tree2 = Spruce(1100, srgb <0.22, 0.32, 0.14>, srgb <0.07, 0.14, 0.06>, srgb <0.25, 0.18, 0.12>)
#for (K, 0, 34)
  #local X = Between(5.0, 13); 
  object { #if (mod(K, 2)) Tree1 #else Tree2 #end scale Between(0.55, 0.95) rotate Between(0, 360) * y translate <X, 0.0, Between(-1, 4) + 0.25 * X> }
#end
sphere { 0, 1 scale <9, 0.45, 5> translate <13, -0.15, 4> pigment { srgb <0.18, 0.22, 0.10> } normal { bumps 1 scale 0.1 } }
