// Hot-air balloons over green hills.
#version 3.7;
#include "common.inc"
#include "land.inc"
#include "plants.inc"
Sky(srgb <0.24, 0.46, 0.80>, srgb <0.88, 0.90, 0.88>, rgb 1, 0.52)
Sun(<-0.8, 0.55, -0.5>, srgb <1.0, 0.92, 0.76> * 1.25)
Haze(60, 3, srgb <0.84, 0.87, 0.88>)
#declare Hills = object { Meadow(150, 8, srgb <0.60, 0.66, 0.26>, srgb <0.24, 0.38, 0.11>) translate <0, 0, 40> }
#declare Eye = trace(Hills, <0, 50, -26>, -y) + 3.2 * y;
View(Eye, <0, Eye.y + 2.6, 0>, 44)
object { Hills }
#declare Hill_Tree = object { Tree(900, srgb <0.40, 0.50, 0.18>, srgb <0.12, 0.24, 0.07>, srgb <0.36, 0.28, 0.2>) }
#macro Balloon(A, B, C, Turn)
  union {
    lathe {
      cubic_spline 9, <0.1, 3.9>, <0, 3.85>, <0.75, 3.68>, <1.5, 2.9>, <1.62, 2.0>, <1.1, 0.8>, <0.42, -0.25>, <0.36, -0.38>, <0.34, -0.5> sturm
      pigment { radial frequency 6 color_map { [0.34 color A] [0.34 color B] [0.67 color B] [0.67 color C] } }
      normal { radial 0.5 sine_wave frequency 18 } finish { diffuse 0.72, 0.25 }
    }
    box { <-0.26, -1.35, -0.26>, <0.26, -0.95, 0.26> pigment { srgb <0.45, 0.30, 0.18> } }
    #for (K, 0, 3) cylinder { <0.24, -0.95, 0.24>, <0.25, -0.35, 0.25>, 0.02 rotate 90 * K * y pigment { srgb 0.2 } } #end
    rotate Turn * y
  }
#end
object { Balloon(srgb <0.82, 0.20, 0.16>, srgb <0.95, 0.80, 0.30>, srgb <0.95, 0.92, 0.86>, 20) scale 1.35 translate <-4.2, Eye.y + 2.6, -6> }
object { Balloon(srgb <0.16, 0.36, 0.62>, srgb <0.93, 0.92, 0.88>, srgb <0.36, 0.64, 0.74>, 50) scale 1.25 translate <4.6, Eye.y + 4.8, 4> }
object { Balloon(srgb <0.30, 0.52, 0.28>, srgb <0.95, 0.70, 0.26>, srgb <0.86, 0.40, 0.20>, 80) scale 1.2 translate <1.2, Eye.y + 4.2, 26> }
object { Balloon(srgb <0.56, 0.28, 0.52>, srgb <0.93, 0.62, 0.56>, srgb <0.97, 0.88, 0.70>, 10) scale 1.2 translate <-14, Eye.y + 9, 34> }
#for (K, 0, 110)
  #local Z = Between(-8, 75); #local X = Between(-0.6, 0.6) * (26 + Z); #local Ground = trace(Hills, <X, 50, Z>, -y);
  object { Hill_Tree scale Between(0.5, 0.9) rotate Between(0, 360) * y translate Ground }
#end
