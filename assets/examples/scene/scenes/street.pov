// A row of painted houses.
#version 3.7;
#include "common.inc"
#include "fruit.inc"
#include "land.inc"
#include "plants.inc"
#include "things.inc"
View(<-3.2, 1.8, -9.5>, <0.6, 2.1, 0>, 50)
Sky(srgb <0.25, 0.45, 0.78>, srgb <0.82, 0.88, 0.93>, rgb 1, 0.55)
Sun(<-0.7, 0.75, -0.65>, srgb <1.0, 0.94, 0.82> * 1.3)
Lawn(srgb <0.42, 0.54, 0.20>, srgb <0.24, 0.36, 0.10>)
box { <-99, -0.1, -6.0>, <99, 0.01, -2.6> pigment { granite color_map { [0 srgb 0.26] [1 srgb 0.38] } scale 0.3 } }
box { <-99, -0.1, -2.6>, <99, 0.10, -1.2> pigment { brick srgb 0.52, color srgb <0.66, 0.64, 0.60> brick_size <0.7, 0.3, 0.5> mortar 0.03 } }
#declare Walls = array[6] { srgb <0.86, 0.48, 0.36>, srgb <0.93, 0.80, 0.46>, srgb <0.46, 0.62, 0.70>, srgb <0.92, 0.90, 0.84>, srgb <0.58, 0.68, 0.48>, srgb <0.84, 0.60, 0.58> }
#declare Roofs = array[3] { srgb <0.62, 0.28, 0.18>, srgb <0.32, 0.32, 0.36>, srgb <0.50, 0.34, 0.26> }
#declare X0 = -7;
#for (K, 0, 7)
  #local W = Between(2.3, 3.3);
  union { House(W, 3, 2 + Pick(2), 3, mod(K, 2), Walls[mod(K, 6)], Roofs[Pick(3)], srgb <0.95, 0.94, 0.90>, srgb <Between(0.2, 0.5), Between(0.15, 0.3), Between(0.15, 0.4)>) translate <X0 + W / 2, 0.1, 0> }
  #declare X0 = X0 + W + 0.1;
#end
#declare Street_Tree = object { Tree(3000, srgb <0.50, 0.62, 0.22>, srgb <0.15, 0.30, 0.08>, srgb <0.36, 0.28, 0.2>) }
object { Street_Tree scale 0.72 translate <-2.3, 0.1, -1.7> }
object { Street_Tree scale 0.75 rotate 130 * y translate <3.4, 0.1, -1.7> }
object { Street_Tree scale 0.75 rotate 250 * y translate <9, 0.1, -1.7> }
