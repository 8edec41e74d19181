// The sun setting over the sea.
#version 3.7;
#include "common.inc"
#include "land.inc"
View(<0, 2.4, -12>, <0, 3.2, 0>, 50)
Sun_Glow(<0.12, 0.14, 1>, srgb <0.16, 0.24, 0.48>, srgb <1.0, 0.60, 0.32>, srgb <1.0, 0.74, 0.42>, srgb <0.95, 0.50, 0.42>, 0.62)
Sun(<0.12, 0.16, 1>, srgb <1.0, 0.70, 0.42> * 1.2)
Water(srgb <0.04, 0.10, 0.15>, 0.35, 0.9)
object { Range(200, 2.5, 1.0) pigment { srgb <0.16, 0.14, 0.17> } scale <60, 7, 20> translate <-52, -0.4, 60> }
#for (K, 0, 26)
  sphere {
    0, Between(0.2, 0.9) scale <1.4, 0.7, 1>
    translate <Between(2.5, 9) , -0.05, Between(-6, -1)>
    pigment { granite color_map { [0 srgb <0.10, 0.09, 0.09>] [1 srgb <0.32, 0.28, 0.26>] } scale 0.3 } normal { granite 0.7 scale 0.5 } finish { diffuse 0.7 specular 0.25 roughness 0.03 }
  }
#end
