// A game of chess.
#version 3.7;
#include "common.inc"
#include "backdrops.inc"
#include "things.inc"
View(<-3.4, 4.6, -8.6>, <0.1, 0.35, -0.6>, 40)
plane { y, -0.35 Plank_Texture(2.2, srgb <0.62, 0.46, 0.31>, srgb <0.36, 0.24, 0.15>) }
Blurred_Wall(18, srgb <0.36, 0.42, 0.40>, srgb <0.52, 0.56, 0.52>, 5)
Surroundings(srgb <0.55, 0.52, 0.48>, srgb <0.95, 0.96, 1.0>)
Lamp(<-8, 10, -2>, <0, 0, 0>, 3, rgb <1.0, 0.95, 0.86> * 0.95)
Softbox(<-8, 8, -2>, <0, 0, 0>, 3, 4, 4)
Chess_Board(srgb <0.90, 0.80, 0.62>, srgb <0.38, 0.23, 0.14>, srgb <0.40, 0.22, 0.12>)
#declare White_Wood = Turned_Wood(srgb <0.90, 0.78, 0.58>, srgb <0.80, 0.64, 0.42>)
#declare Black_Wood = Turned_Wood(srgb <0.26, 0.14, 0.09>, srgb <0.15, 0.08, 0.05>)
#declare Back = array[8] { 1, 2, 3, 4, 5, 3, 2, 1 }
#macro Put(Kind, Light, File, Rank, Turn)
  object { #if (Light) Chess_Piece(Kind, White_Wood) #else Chess_Piece(Kind, Black_Wood) #end rotate Turn * y translate <File - 3.5, 0, Rank - 3.5> }
#end
#for (F, 0, 7)
  #if (F != 1 & F != 5) Put(Back[F], 1, F, 0, 90) #end
  #if (F != 6) Put(Back[F], 0, F, 7, -90) #end
  Put(0, 1, F, (F = 4 ? 3 : (F = 3 ? 2 : 1)), 0)
  Put(0, 0, F, (F = 4 ? 4 : (F = 0 ? 5 : 6)), 0)
#end
Put(2, 1, 5, 2, 60) Put(3, 1, 2, 3, 0) Put(2, 0, 5, 5, 200)
