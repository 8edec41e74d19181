// A lighthouse on a rocky coast.
#version 3.7;
#include "common.inc"
#include "land.inc"
View(<0, 2.6, -15>, <0.2, 4.0, 0>, 46)
Sky(srgb <0.24, 0.44, 0.74>, srgb <0.84, 0.88, 0.90>, rgb 1, 0.60)
Sun(<-0.9, 0.55, -0.45>, srgb <1.0, 0.90, 0.74> * 1.3)
Haze(90, 2, srgb <0.82, 0.86, 0.90>)
Water(srgb <0.05, 0.16, 0.22>, 0.2, 0.9)
object { Range(260, 3.4, 0.8) pigment { granite color_map { [0 srgb <0.26, 0.22, 0.18>] [1 srgb <0.56, 0.50, 0.42>] } scale 0.06 } normal { granite 0.7 scale 0.05 } scale <13, 5.2, 8> translate <4.2, -0.35, 4> }
sphere { 0, 1 scale <4.6, 1.25, 3.2> translate <2.6, 0.2, 2.6> pigment { granite color_map { [0 srgb <0.28, 0.30, 0.14>] [1 srgb <0.52, 0.54, 0.28>] } scale 0.4 } normal { granite 1.2 scale 0.7 } }
union {
  cone { 0, 0.95, 5.2 * y, 0.58 pigment { gradient y color_map { [0.5 srgb <0.95, 0.94, 0.90>] [0.5 srgb <0.76, 0.18, 0.15>] } scale 2.1 } }
  cylinder { 5.2 * y, 5.35 * y, 0.85 pigment { srgb 0.22 } }
  cylinder { 5.35 * y, 6.0 * y, 0.42 pigment { srgb <0.98, 0.90, 0.62> } finish { emission 0.35 * Lit specular 0.6 reflection { 0.05, 0.5 fresnel on } } interior { ior 1.5 } }
  cone { 6.0 * y, 0.56, 6.6 * y, 0.04 pigment { srgb <0.62, 0.15, 0.13> } finish { diffuse 0.7 specular 0.3 } }
  #for (K, 0, 11) cylinder { <0.8, 5.35, 0>, <0.8, 5.65, 0>, 0.02 rotate 30 * K * y pigment { srgb 0.2 } } #end
  torus { 0.8, 0.02 translate 5.65 * y pigment { srgb 0.2 } }
  box { <-0.16, 0.2, -1.0>, <0.16, 0.8, 0> pigment { srgb <0.25, 0.2, 0.16> } }
  box { <-0.1, 2.9, -0.9>, <0.1, 3.2, 0> pigment { srgb <0.15, 0.18, 0.2> } }
  translate <1.9, 1.25, 2.0>
}
union {
  box { <-1, 0, 0>, <1, 1.0, 1.3> pigment { srgb <0.94, 0.93, 0.90> } }
  prism { linear_spline -1.08, 1.08, 4, <-0.1, 0>, <1.4, 0>, <0.65, 0.65>, <-0.1, 0> rotate <-90, 0, 0> rotate -90 * y scale <-1, 1, 1> translate 1.0 * y pigment { srgb <0.62, 0.24, 0.18> } }
  box { <-0.6, 0.35, -0.02>, <-0.25, 0.7, 0.1> pigment { srgb 0.15 } } box { <0.25, 0.35, -0.02>, <0.6, 0.7, 0.1> pigment { srgb 0.15 } }
  rotate 12 * y translate <4.2, 1.1, 1.9>
}
