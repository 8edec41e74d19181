// One picture of the labelled set. Kind: number of the kind; Seed: picture number.
// View, light, colours, ground, wall and size are drawn anew for every picture, so that colour alone tells little.
#version 3.7;
#declare Fill = 0;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
#include "vessels.inc"
#include "things.inc"
#include "land.inc"
#include "plants.inc"

// ---------------------------------------------------------------- chance

// A camera on a circle around To; Far: distance, Low and High: the range of its height in degrees.
#macro Random_View(To, Far, Low, High, Turn)
  #local A = radians(Between(-Turn, Turn)); #local B = radians(Between(Low, High));
  #local F = Far * Between(0.85, 1.35);
  View(To + F * <sin(A) * cos(B), sin(B), -cos(A) * cos(B)>, To + <Between(-0.35, 0.35), Between(-0.25, 0.25), 0>, 27)
#end

#macro Room_Light()
  Lamp(<Between(-7, 7), Between(6, 9), Between(-6, -2)>, <0, 1, 0>, 3, Mix(rgb 1, srgb <1.0, 0.86, 0.70>, rand(Rng)) * Between(0.7, 1.05))
  light_source { <0, 4, -12> rgb Between(0.12, 0.30) shadowless }
  light_source { <0, 12, 2> rgb Between(0.15, 0.28) shadowless }
  light_source { <0, -6, -8> rgb 0.14 shadowless }
  Softbox(<Between(-6, 6), 5, -4>, <0, 1, 0>, 2.2, 3, 4)
#end

// A table or floor with a wall behind it.
#macro Random_Room()
  #local Wall = Hue(Between(0, 0.6), Between(0.15, 0.85));
  #local Ground = Hue(Between(0, 0.5), Between(0.2, 0.8));
  #switch (Pick(5))
    #case (0) plane { y, 0 Plank_Texture(Between(1.0, 2.2), Mix(srgb <0.80, 0.64, 0.46>, Ground, 0.2), srgb <0.36, 0.24, 0.15>) rotate Between(-40, 40) * y } #break
    #case (1) plane { y, 0 pigment { color Ground } normal { bumps 0.1 scale 0.1 } } #break
    #case (2) plane { y, 0 pigment { checker color Ground, color Ground * 0.75 scale Between(0.5, 1.6) } rotate Between(0, 90) * y } #break
    #case (3) plane { y, 0 pigment { granite color_map { [0.2 color Ground * 0.6] [0.8 color Ground] } scale 0.8 } } #break
    #else plane { y, 0 pigment { rgb 0.9 } finish { diffuse 0.75 emission 0.12 } }
  #end
  #if (rand(Rng) < 0.75)
    plane { -z, -Between(7, 14) pigment { bozo color_map { [0.2 color Wall * 0.8] [0.8 color Wall] } scale Between(1.5, 5) } finish { diffuse 0.35 emission 0.4 } }
  #end
  Surroundings(Wall, rgb 0.95)
  Room_Light()
#end

// Sky, sun and haze for the outdoor kinds.
#macro Random_Sky()
  #local Evening = rand(Rng) * rand(Rng);
  #local Grey = 0.7 * rand(Rng) * rand(Rng);
  #local Zenith = Mix(Mix(srgb <0.22, 0.42, 0.76>, srgb <0.26, 0.26, 0.46>, Evening), rgb 0.45, Grey);
  #local Horizon = Mix(Mix(srgb <0.74, 0.84, 0.93>, srgb <1.0, 0.64, 0.40>, Evening), rgb 0.75, Grey);
  Sky(Zenith, Horizon, Mix(rgb 1, srgb <1.0, 0.72, 0.60>, Evening), Between(0.2, 0.75))
  Sun(<Between(-1, 1), Between(0.4, 1), Between(-1, 0)>, Mix(srgb <1, 0.95, 0.86>, srgb <1.0, 0.70, 0.45>, Evening) * Between(1.0, 1.4))
  light_source { <0, 60, -60> color Mix(Zenith, rgb 1, 0.3) * 0.75 parallel point_at 0 shadowless }
  Haze(Between(60, 400), Between(2, 5), Horizon)
#end
#macro Random_Lawn()
  #local G = Between(0.7, 1.1);
  #if (rand(Rng) < 0.7) Lawn(srgb <0.44, 0.54, 0.20> * G, srgb <0.22, 0.34, 0.09> * G)
  #else plane { y, 0 pigment { bozo color_map { [0.2 srgb <0.60, 0.52, 0.38> * G] [0.8 srgb <0.76, 0.70, 0.58> * G] } scale 0.8 } normal { bumps 0.7 scale 0.05 } } #end
#end

// ---------------------------------------------------------------- kinds

#macro Any_Turn() <Between(-55, 25), Between(0, 360), Between(-30, 30)> #end
#macro Show_Apple()
  Apple(Pick(6), Between(0.92, 1.06), Between(0.2, 0.5), Between(0.05, 0.1), Any_Turn(), <0, 0, 0>, min(1, Pick(6)))
  #if (rand(Rng) < 0.35) Apple(Pick(6), 0.97, 0.35, 0.07, Any_Turn(), <(Pick(2) * 2 - 1) * 1.9, 0, Between(0, 1.5)>, 1) #end
  Random_Room() Random_View(<0, 0.9, 0>, 6.6, 8, 45, 180)
#end
#macro Show_Orange()
  #local Halved = (rand(Rng) < 0.3);
  #if (Halved) Orange_Half(Pick(3), <Between(-75, -30), Between(-25, 25), 0>, <0, 0, 0>) #else Orange(Pick(3), Between(0.92, 0.98), Any_Turn(), <0, 0, 0>) #end
  #if (rand(Rng) < 0.35) Orange(Pick(3), 0.96, Any_Turn(), <(Pick(2) * 2 - 1) * 1.9, 0, Between(0.3, 1.5)>) #end
  Random_Room() Random_View(<0, 0.9, 0>, 6.6, 8, 45, (Halved ? 35 : 180))
#end
#macro Lemon(Pale, Rich, Turn)
  lathe {
    cubic_spline 11, <0.05, 1.42>, <0, 1.40>, <0.13, 1.33>, <0.30, 1.16>, <0.76, 0.70>, <0.92, 0.0>, <0.76, -0.70>, <0.28, -1.14>, <0.15, -1.26>, <0, -1.28>, <0.05, -1.30> sturm
    pigment { bozo color_map { [0.1 color Pale] [0.9 color Rich] } scale 0.7 }
    normal { average normal_map { [1 crackle 1.0 form <1, 0, 0> scale 0.065] [1 bumps 0.6 scale 0.13] } }
    finish { diffuse 0.78 specular 0.3 roughness 0.03 }
    rotate 90 * z rotate Turn * y translate 0.9 * y
  }
#end
#macro Show_Lemon()
  #local Green = rand(Rng) * rand(Rng);
  #local Rich = Mix(srgb <0.95, 0.80, 0.14>, srgb <0.46, 0.62, 0.14>, Green);
  Lemon(Mix(Rich, srgb <0.97, 0.90, 0.45>, 0.5), Rich, Between(0, 360))
  #if (rand(Rng) < 0.35) object { Lemon(Mix(Rich, srgb <0.97, 0.90, 0.45>, 0.5), Rich, Between(0, 360)) translate <1.9, 0, 1.4> } #end
  Random_Room() Random_View(<0, 0.9, 0>, 6.8, 8, 45, 180)
#end
#macro Show_Pear()
  #local Rich = Mix(srgb <0.70, 0.72, 0.26>, srgb <0.62, 0.28, 0.16>, pow(rand(Rng), 2));
  #local Fat = Between(0.9, 1.1);
  union {
    lathe {
      cubic_spline 13, <0.05, 1.76>, <0, 1.75>, <0.16, 1.79>, <0.36, 1.62>, <0.46, 1.20>, <0.60, 0.72>, <0.90, 0.20>, <1.0, -0.25>, <0.88, -0.66>, <0.52, -0.92>, <0.22, -0.93>, <0, -0.84>, <0.05, -0.8> sturm
      texture {
        pigment { bozo color_map { [0.2 color Rich] [0.8 color Mix(Rich, srgb <0.88, 0.80, 0.34>, Between(0.3, 0.9))] } scale 0.8 }
        normal { bumps 0.15 scale 0.12 } finish { diffuse 0.76 specular 0.2 roughness 0.03 }
      }
      texture { pigment { crackle form <1, 0, 0> color_map { [0.1 color Rich * 0.5 transmit 0.3] [0.18 color Rich transmit 1] [1 color Rich transmit 1] } scale 0.075 } }
    }
    Stem(1.70, 2.25, Between(-0.2, 0.2))
    scale <Fat, 1, Fat> translate 0.93 * y
    #if (rand(Rng) < 0.25) translate -0.93 * y rotate <0, 0, 100> rotate Between(0, 360) * y translate 0.95 * y #else rotate <Between(-6, 6), Between(0, 360), Between(-6, 6)> #end
  }
  Random_Room() Random_View(<0, 1.2, 0>, 8.0, 6, 38, 180)
#end
#macro Show_Tomato()
  #local Red = Mix(srgb <0.84, 0.14, 0.06>, srgb <0.90, 0.56, 0.12>, pow(rand(Rng), 3));
  #local P = array[Orange_Rows][Orange_Columns]
  #local Lobes = 4 + Pick(4); #local Depth = Between(0.01, 0.06);
  #for (I, 0, Orange_Rows - 1)
    #local B = radians(180 * I / (Orange_Rows - 1));
    #for (J, 0, Orange_Columns - 1)
      #local A = radians(360 * J / Orange_Columns);
      #local R = 1 + Depth * cos(Lobes * A) * sin(B) * (0.4 + 0.6 * cos(B));
      #declare P[I][J] = R * <sin(B) * cos(A), 0.80 * cos(B) - 0.20 * exp(-pow(B / 0.4, 2)), sin(B) * sin(A)>;
    #end
  #end
  union {
    object { Grid_Mesh(P, Orange_Rows, Orange_Columns, 1, 1) pigment { bozo color_map { [0 color Red] [1 color Red * 1.15] } } finish { diffuse 0.7 specular 0.4 roughness 0.01 reflection { 0.02, 0.4 fresnel on } } interior { ior 1.42 } }
    #for (K, 0, 4) object { Leaf(0.22, -0.3, 0.2, srgb <0.42, 0.58, 0.20>, srgb <0.20, 0.36, 0.10>) scale Between(0.5, 0.7) rotate (72 * K + Between(-10, 10)) * y translate 0.62 * y } #end
    sphere_sweep { linear_spline 2, 0.6 * y, 0.06, <0.05, 0.85, 0.05>, 0.05 pigment { srgb <0.36, 0.48, 0.16> } }
    rotate <Between(-40, 15), Between(0, 360), Between(-20, 20)> translate 0.82 * y
  }
  Random_Room() Random_View(<0, 0.8, 0>, 6.4, 10, 45, 180)
#end
#macro Show_Mug()
  object { Mug(Hue(Between(0, 0.8), Between(0.25, 0.95)), Hue(Between(0, 0.9), Between(0.2, 0.95)), Between(1.7, 2.5), rand(Rng)) rotate Between(-110, 70) * y }
  Random_Room() Random_View(<0.2, 1.0, 0>, 8.2, 8, 42, 0)
#end
#macro Show_Vase()
  object { Vase(Between(0.6, 1.15), Between(0.25, 0.5), Between(0.7, 1.7)) Glaze(Pick(4), Hue(Between(0, 0.8), Between(0.3, 0.9)), Hue(Between(0, 0.8), Between(0.2, 0.9))) }
  Random_Room() Random_View(<0, 1.5, 0>, 9.5, 4, 32, 0)
#end
#macro Show_Chair()
  object { Chair(Mix(srgb <0.56, 0.38, 0.22>, Hue(0.6, 0.7), rand(Rng)), Hue(Between(0, 0.8), Between(0.3, 0.8)), Pick(3) * 2, Between(0, 0.14)) rotate Between(0, 360) * y }
  Random_Room() Random_View(<0, 1.05, 0>, 7.0, 8, 32, 0)
#end
#macro Show_Tree()
  #local T = Between(0.65, 1.25);
  #if (rand(Rng) < 0.4)
    object { Spruce(900, srgb <0.26, 0.40, 0.18> * T, srgb <0.08, 0.17, 0.07> * T, srgb <0.3, 0.22, 0.15>) }
  #else
    #local Autumn = pow(rand(Rng), 2);
    object { Tree(1500, Mix(srgb <0.46, 0.60, 0.22>, srgb <0.86, 0.56, 0.20>, Autumn) * T, Mix(srgb <0.14, 0.28, 0.07>, srgb <0.48, 0.20, 0.08>, Autumn) * T, srgb <0.38, 0.30, 0.22>) }
  #end
  Random_Lawn() Random_Sky() Random_View(<0, 2.2, 0>, 12, 1, 14, 60)
#end
#macro Show_House()
  union { House(Between(2.4, 4.6), Between(2.4, 3.4), 1 + Pick(2), 3 + Pick(2), Pick(2), Hue(Between(0, 0.5), Between(0.5, 0.9)), Mix(srgb <0.60, 0.26, 0.18>, Hue(0.3, 0.4), rand(Rng)), rgb Between(0.3, 0.95), Hue(0.6, 0.4)) translate -1.4 * z }
  Random_Lawn() Random_Sky() Random_View(<0, 1.5, 0>, 13, 2, 18, 50)
#end
#macro Show_Mountain()
  object { Range(110, Between(1.8, 3.2), Between(0.8, 1.1)) Mountain_Texture(Mix(srgb <0.44, 0.41, 0.39>, Hue(0.4, 0.5), 0.3), srgb <Between(0.2, 0.5), Between(0.3, 0.45), 0.14>, Between(0.2, 0.9)) scale <46, Between(14, 24), 30> translate <Between(-6, 6), -1, 10> }
  Random_Lawn() Random_Sky() View(<0, Between(1.5, 4), -18>, <Between(-2, 2), Between(3, 5), 0>, 44)
#end
#macro Show_Sea()
  Water(Mix(srgb <0.04, 0.14, 0.20>, Hue(0.5, 0.2), 0.3), Between(0.1, 0.6), Between(0.5, 1.6)) Random_Sky()
  #if (rand(Rng) < 0.4)
    union {
      prism { linear_spline 0, 0.5, 5, <-1.1, 0>, <1.3, 0>, <1.7, 0.5>, <-1.2, 0.5>, <-1.1, 0> rotate -90 * x pigment { color Hue(0.5, 0.7) } }
      triangle { <0.1, 0.7, 0.2>, <0.1, 3.6, 0.2>, <1.5, 0.8, 0.2> pigment { rgb 0.93 } }
      triangle { <0, 0.7, 0.2>, <0, 3.3, 0.2>, <-1.0, 0.8, 0.2> pigment { rgb 0.88 } }
      cylinder { <0.05, 0.3, 0.2>, <0.05, 3.7, 0.2>, 0.04 pigment { srgb <0.4, 0.3, 0.2> } }
      scale Between(0.6, 1.3) translate <Between(-4, 4), -0.1, Between(0, 14)>
    }
  #end
  View(<0, Between(1.2, 4), -14>, <0, Between(0.5, 4), 0>, 46)
#end
#macro Show_Book()
  #switch (Pick(3))
    #case (0) object { Open_Book(1.6, 2.3, Hue(0.7, 0.4)) rotate Between(-50, 50) * y } #break
    #case (1) object { Book(2.0, 2.8, Between(0.25, 0.6), Hue(Between(0.2, 0.9), Between(0.2, 0.7)), Mix(srgb <0.9, 0.8, 0.5>, Hue(0.5, 0.9), rand(Rng))) rotate Between(-70, 70) * y } #break
    #else
      #local H = 0;
      #for (K, 0, 1 + Pick(3))
        #local T = Between(0.25, 0.5);
        object { Book(Between(1.7, 2.2), Between(2.4, 3.0), T, Hue(Between(0.2, 0.9), Between(0.2, 0.7)), Hue(0.4, 0.9)) rotate Between(-30, 30) * y rotate 90 * Pick(2) * y translate H * y }
        #local H = H + T;
      #end
  #end
  Random_Room() Random_View(<0, 0.4, 0>, 8.2, 18, 55, 40)
#end
#macro Show_Ball()
  object { Ball(Pick(5), Hue(Between(0.1, 0.9), Between(0.35, 0.95)), Hue(Between(0, 0.9), Between(0.1, 0.9))) }
  #if (rand(Rng) < 0.4) Random_Lawn() Random_Sky() #else Random_Room() #end
  Random_View(<0, 0.95, 0>, 6.8, 6, 40, 0)
#end
#macro Show_Chess()
  #local Light = Mix(srgb <0.90, 0.80, 0.60>, rgb 0.92, rand(Rng)); #local Dark = Mix(srgb <0.28, 0.15, 0.09>, Hue(0.5, 0.15), rand(Rng));
  #for (K, 0, Pick(3))
    #if (Pick(2)) #local C = Light; #else #local C = Dark; #end
    #local T = Turned_Wood(C, C * 0.8)
    object { Chess_Piece(Pick(6), T) rotate Between(0, 360) * y translate <(K = 0 ? 0 : (K = 1 ? 1 : -1)), 0, (K = 0 ? 0 : Between(0, 1.4))> }
  #end
  #if (rand(Rng) < 0.6) object { Chess_Board(Light, Dark, Dark * 1.2) translate <0.5, 0, 0.5> } #end
  Random_Room() Random_View(<0, 0.85, 0>, 5.6, 6, 36, 40)
#end
#macro Show_Flower()
  #local Rows = 1 + Pick(3);
  #local Petals = Hue(Between(0.2, 1), Between(0.6, 1)); #local Heart = Mix(srgb <0.85, 0.62, 0.14>, srgb <0.36, 0.20, 0.10>, rand(Rng));
  object { Flower(5 + Pick(9), Rows, Between(0.3, 0.7), Between(-0.05, 0.5), Mix(Petals, rgb 1, rand(Rng)), Petals, Heart, Between(0.15, 0.34), 2.6, Between(0.8, 1.15), Between(30, 80)) rotate Between(-30, 30) * y }
  #if (rand(Rng) < 0.6) Random_Lawn() Random_Sky() #else Random_Room() #end
  Random_View(<0, 2.2, -0.3>, 7.2, 4, 40, 25)
#end

#macro Show_Banana()
  #local Ripe = Mix(srgb <0.95, 0.80, 0.22>, srgb <0.62, 0.70, 0.22>, pow(rand(Rng), 3));
  #local Spots = srgb <0.36, 0.24, 0.10>;
  #local Many = 1 + Pick(4); #local Bend = Between(0.9, 1.5); #local Lying = Pick(2);
  union {
    #for (K, 0, Many - 1)
      sphere_sweep {
        b_spline 9
        #for (I, 0, 8) #local A = (I - 4) / 4; <1.5 * A, Bend * A * A, 0>, (abs(A) > 0.8 ? 0.09 : 0.40 * sqrt(1 - A * A * 0.85)) #end
        scale <1, 1, 0.92>
        texture { pigment { gradient x color_map { [0 color Spots] [0.06 color Mix(Ripe, srgb <0.6, 0.66, 0.3>, 0.6)] [0.2 color Ripe] [0.9 color Ripe] [0.97 color Spots] } translate -0.5 * x scale 2.9 } finish { diffuse 0.78 specular 0.15 roughness 0.05 } }
        texture { pigment { crackle form <1, 0, 0> color_map { [0.08 color Spots transmit 0.2] [0.16 color Ripe transmit 1] [1 color Ripe transmit 1] } scale Between(0.16, 0.5) } }
        rotate (Lying ? 90 : 0) * x translate <0, 0.42, (K - (Many - 1) / 2) * 0.72> rotate Between(-5, 5) * y
      }
    #end
    rotate Between(0, 360) * y
  }
  Random_Room() Random_View(<0, 0.7, 0>, 7.4, 12, 50, 180)
#end
#macro Show_Bottle()
  #local Clear = (rand(Rng) < 0.5); #local Fat = Between(0.55, 0.95); #local High = Between(2.2, 3.0); #local Round = Between(0.25, 0.7);
  #local Tint = Hue(Between(0.3, 1), Between(0.25, 0.8));
  #local Top = High + Between(0.5, 1.0);
  union {
    lathe {
      cubic_spline 12, <0.1, 0.05>, <0, 0>, <Fat * 0.92, 0>, <Fat, 0.15>, <Fat, 0.6 * High>, <Fat, High - Round>, <Fat * 0.72, High - 0.15>, <0.24, High + 0.1>, <0.21, Top - 0.1>, <0.27, Top>, <0, Top + 0.02>, <0, Top + 0.1> sturm
      #if (Clear) pigment { color Tint * 1.1 filter 0.75 } finish { specular 0.8 roughness 0.004 reflection { 0.05, 0.5 fresnel on } } interior { ior 1.25 }
      #else pigment { color Tint } finish { diffuse 0.7 specular 0.6 roughness 0.006 reflection { 0.02, 0.3 fresnel on } } interior { ior 1.45 } #end
    }
    cylinder { Top * y, (Top + 0.22) * y, 0.19 pigment { color Mix(srgb <0.70, 0.52, 0.34>, Hue(0.7, 0.5), Pick(2)) } }
    #if (rand(Rng) < 0.7)
      difference {
        cylinder { 0.5 * y, (0.5 + Between(0.5, 0.9)) * y, Fat * 1.025 }
        box { <-2, 0, 0.2>, <2, 4, 2> }
        pigment { color Mix(rgb 0.93, Hue(0.5, 0.7), rand(Rng)) } rotate Between(-30, 30) * y
      }
    #end
    scale 0.85
  }
  Random_Room() Random_View(<0, 1.45, 0>, 9.4, 4, 34, 0)
#end
#macro Mushroom(Cap, Dots, Wide, High)
  union {
    lathe {
      cubic_spline 9, <0.2, High - 0.1>, <0, High - 0.08>, <Wide * 0.6, High - 0.06>, <Wide * 0.98, High - 0.1>, <Wide, High + 0.06>, <Wide * 0.8, High + 0.42 * Wide>, <Wide * 0.4, High + 0.64 * Wide>, <0, High + 0.7 * Wide>, <-0.2, High + 0.7 * Wide> sturm
      pigment { bozo color_map { [0.2 color Cap] [0.8 color Cap * 0.8] } scale 0.5 } finish { diffuse 0.75 specular 0.3 roughness 0.02 }
    }
    #if (Dots)
      #for (K, 0, 22)
        #local B = radians(Between(12, 80)); #local A = radians(137.5 * K);
        sphere { <Wide * 0.97 * sin(B) * cos(A), High + 0.69 * Wide * cos(B), Wide * 0.97 * sin(B) * sin(A)>, Wide * Between(0.05, 0.11) scale <1, 1, 1> pigment { rgb 0.95 } }
      #end
    #end
    lathe { cubic_spline 7, <0.1, -0.1>, <0.24, 0>, <0.34, 0.12>, <0.22, 0.5 * High>, <0.20, High - 0.1>, <0.16, High + 0.1>, <0.1, High + 0.2> sturm pigment { srgb <0.93, 0.89, 0.80> } normal { bumps 0.2 scale <0.05, 0.5, 0.05> } }
  }
#end
#macro Show_Mushroom()
  #local Dots = Pick(2);
  #if (Dots) #local Cap = Mix(srgb <0.80, 0.12, 0.07>, srgb <0.90, 0.50, 0.15>, pow(rand(Rng), 2)); #else #local Cap = Mix(srgb <0.52, 0.34, 0.20>, srgb <0.88, 0.80, 0.66>, rand(Rng)); #end
  object { Mushroom(Cap, Dots, Between(0.9, 1.25), Between(1.0, 1.6)) rotate <Between(-8, 8), Between(0, 360), Between(-8, 8)> }
  #if (rand(Rng) < 0.6) object { Mushroom(Cap, Dots, 1, Between(0.8, 1.3)) scale Between(0.4, 0.7) rotate Between(0, 360) * y translate <(Pick(2) * 2 - 1) * Between(1.2, 1.6), 0, Between(-0.6, 0.6)> } #end
  #if (rand(Rng) < 0.75) Random_Lawn() Random_Sky() #else Random_Room() #end
  Random_View(<0, 1.05, 0>, 7.4, 3, 38, 0)
#end
#macro Show_Snowman()
  #local Snow = texture { pigment { color Mix(srgb <0.94, 0.96, 1.0>, Hue(0.3, 0.95), 0.2 * rand(Rng)) } normal { bumps 0.35 scale 0.12 } finish { diffuse 0.8 emission 0.06 } }
  #local Scarf = Hue(Between(0.5, 1), Between(0.3, 0.7)); #local Coal = rgb 0.06;
  #local Big = Between(0.85, 1.05); #local Mid = Big * Between(0.66, 0.78); #local Head = Mid * Between(0.66, 0.8);
  #local M = Big * 1.55 + Mid * 0.6; #local H = M + Mid * 0.75 + Head * 0.7;
  union {
    sphere { 0, Big scale <1, 0.92, 1> translate 0.88 * Big * y texture { Snow } }
    sphere { M * y, Mid texture { Snow } }
    sphere { H * y, Head texture { Snow } }
    cone { <0, H, -Head * 0.9>, 0.10, <Between(-0.1, 0.1), H - 0.04, -Head - Between(0.4, 0.65)>, 0.01 pigment { srgb <0.93, 0.48, 0.12> } }
    sphere { <-0.17, H + 0.14, -Head * 0.93>, 0.065 pigment { color Coal } } sphere { <0.17, H + 0.14, -Head * 0.93>, 0.065 pigment { color Coal } }
    #for (K, -1, 1) sphere { <0, M + K * 0.26, -Mid * 0.98 * cos(K * 0.3)>, 0.06 pigment { color Coal } } #end
    #if (rand(Rng) < 0.7) torus { Head * 0.82, 0.12 translate (H - Head * 0.72) * y pigment { color Scarf } } cylinder { <0.25, H - Head * 0.72, -Head * 0.8>, <0.38, M - 0.1, -Mid * 1.02>, 0.10 pigment { color Scarf } } #end
    #if (rand(Rng) < 0.7) cylinder { (H + Head * 0.72) * y, (H + Head * 0.78) * y, Head * 0.95 pigment { color Coal } } cylinder { (H + Head * 0.75) * y, (H + Head * 1.6) * y, Head * 0.62 pigment { color Mix(Coal, Scarf, Pick(2)) } } #end
    #for (K, -1, 1, 2) cylinder { <K * Mid * 0.8, M + 0.1, 0>, <K * (Mid + Between(0.6, 0.9)), M + Between(0.2, 0.8), -0.1>, 0.035 pigment { srgb <0.30, 0.20, 0.12> } } #end
    rotate Between(-50, 50) * y scale 0.86
  }
  #if (rand(Rng) < 0.7) plane { y, 0 pigment { srgb <0.92, 0.94, 0.99> } normal { bumps 0.5 scale 0.6 } } #else Random_Lawn() #end
  Random_Sky() Random_View(<0, 1.5, 0>, 9.0, 2, 26, 0)
#end

#switch (Kind)
  #case (0) Show_Apple() #break
  #case (1) Show_Orange() #break
  #case (2) Show_Lemon() #break
  #case (3) Show_Pear() #break
  #case (4) Show_Tomato() #break
  #case (5) Show_Mug() #break
  #case (6) Show_Vase() #break
  #case (7) Show_Chair() #break
  #case (8) Show_Tree() #break
  #case (9) Show_House() #break
  #case (10) Show_Mountain() #break
  #case (11) Show_Sea() #break
  #case (12) Show_Book() #break
  #case (13) Show_Ball() #break
  #case (14) Show_Chess() #break
  #case (15) Show_Flower() #break
  #case (16) Show_Banana() #break
  #case (17) Show_Bottle() #break
  #case (18) Show_Mushroom() #break
  #case (19) Show_Snowman() #break
  #else #error "Kind must be a whole number from 0 to 19"
#end
