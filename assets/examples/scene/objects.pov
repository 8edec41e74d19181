// One picture of the objects set (see objects.py): a shape in a material before a backdrop. Shape, Material, Backdrop:
// their numbers; Turn: degrees by which the camera goes round; Rise: its height in degrees; Sun_Turn: where the light
// comes from, in degrees; Warmth: of the light in [0, 1]; Seed, below 200,000: draws what has no label (proportions,
// hues, size and place).
#version 3.7;
#declare Fill = 0;
#include "common.inc"
#include "fruit.inc"
#include "backdrops.inc"
#include "vessels.inc"
#include "land.inc"
#include "bodies.inc"
#include "materials.inc"

#macro Thing()
  #switch (Shape)
    #case (0) Shape_Apple() #break
    #case (1) Shape_Pear() #break
    #case (2) Shape_Banana() #break
    #case (3) Shape_Mushroom() #break
    #case (4) Shape_Mug() #break
    #case (5) Shape_Vase() #break
    #case (6) Shape_Bottle() #break
    #case (7) Shape_Bowl() #break
    #case (8) Shape_Teapot() #break
    #case (9) Shape_Chair() #break
    #case (10) Shape_Table() #break
    #case (11) Shape_House() #break
    #case (12) Shape_Cube() #break
    #case (13) Shape_Sphere() #break
    #case (14) Shape_Cone() #break
    #case (15) Shape_Ring() #break
    #case (16) Shape_Star() #break
    #case (17) Shape_Pawn() #break
    #case (18) Shape_Heart() #break
    #case (19) Shape_Snowman() #break
    #else #error "Shape must be a whole number from 0 to 19"
  #end
#end
#macro Its_Material()
  #switch (Material)
    #case (0) Material_Gold() #break
    #case (1) Material_Chrome() #break
    #case (2) Material_Rust() #break
    #case (3) Material_Oak() #break
    #case (4) Material_Ebony() #break
    #case (5) Material_Marble() #break
    #case (6) Material_Granite() #break
    #case (7) Material_Brick() #break
    #case (8) Material_Checker() #break
    #case (9) Material_Stripes() #break
    #case (10) Material_Dots() #break
    #case (11) Material_Glass() #break
    #case (12) Material_Plastic() #break
    #case (13) Material_Moss() #break
    #case (14) Material_Leather() #break
    #case (15) Material_Ceramic() #break
    #else #error "Material must be a whole number from 0 to 15"
  #end
#end

// Indoors a lamp, outdoors a sun; both from the angle Sun_Turn.
#declare Outdoors = (Backdrop = 2 | Backdrop = 3 | Backdrop = 6);
#declare Warm = Mix(srgb <0.90, 0.95, 1.0>, srgb <1.0, 0.82, 0.62>, Warmth);
#declare From = vrotate(<0, 6.5, -5>, Sun_Turn * y);
#if (Outdoors)
  Sun(From, Warm * 1.25)
#else
  Lamp(From, <0, 1, 0>, 3, Warm * 0.95)
  Softbox(From * 0.8, <0, 1, 0>, 2.4, 3, 4)
#end
light_source { <0, 5, -12> rgb 0.22 shadowless }
light_source { <0, 12, 4> rgb 0.2 shadowless }

#switch (Backdrop)
  #case (0) Studio(Mix(rgb 0.97, Hue(0.3, 0.95), rand(Rng))) #break
  #case (1) Wooden_Table(srgb <0.80, 0.62, 0.42>, srgb <0.40, 0.26, 0.16>, srgb <0.72, 0.68, 0.60>, srgb <0.84, 0.80, 0.72>) #break
  #case (2) plane { y, 0 pigment { bozo turbulence 0.8 color_map { [0.1 srgb <0.20, 0.36, 0.09>] [0.6 srgb <0.38, 0.54, 0.18>] [1 srgb <0.52, 0.64, 0.26>] } scale <0.14, 1, 0.3> } normal { bumps 1.2 scale <0.05, 1, 0.15> } } Sky(srgb <0.26, 0.46, 0.80>, srgb <0.76, 0.86, 0.95>, rgb 1, Between(0.2, 0.6)) Haze(200, 3, srgb <0.76, 0.86, 0.95>) #break
  #case (3) plane { y, 0 pigment { srgb <0.87, 0.74, 0.54> } normal { ripples 0.5 scale 0.5 turbulence 0.6 } } Sky(srgb <0.42, 0.36, 0.56>, srgb <1.0, 0.70, 0.46>, srgb <1, 0.80, 0.70>, Between(0.1, 0.5)) Haze(120, 3, srgb <0.98, 0.76, 0.56>) #break
  #case (4) plane { y, 0 pigment { checker color srgb <0.90, 0.92, 0.92>, color srgb <0.24, 0.44, 0.52> scale 1.1 rotate 45 * y } finish { Gloss } interior { ior 1.4 } } Blurred_Wall(11, srgb <0.62, 0.78, 0.80>, srgb <0.74, 0.86, 0.86>, 4) Surroundings(srgb <0.60, 0.74, 0.76>, rgb 0.95) #break
  #case (5) Slate() #break
  #case (6) plane { y, 0 pigment { srgb <0.92, 0.95, 1.0> } normal { bumps 0.5 scale 0.6 } finish { diffuse 0.8 emission 0.05 } } Sky(srgb <0.52, 0.62, 0.76>, srgb <0.84, 0.88, 0.93>, rgb 0.96, Between(0.3, 0.8)) Haze(120, 3, srgb <0.86, 0.90, 0.95>) #break
  #case (7) plane { y, 0 pigment { bozo color_map { [0.2 srgb <0.50, 0.10, 0.14>] [0.8 srgb <0.62, 0.16, 0.18>] } scale 0.3 } normal { bumps 0.6 scale 0.05 } finish { Matt } } Blurred_Wall(9, srgb <0.42, 0.30, 0.46>, srgb <0.52, 0.38, 0.54>, 3) Surroundings(srgb <0.46, 0.34, 0.46>, rgb 0.9) #break
  #else #error "Backdrop must be a whole number from 0 to 7"
#end

object { Thing() Its_Material() scale Between(0.92, 1.08) translate <Between(-0.2, 0.2), 0, Between(-0.2, 0.2)> }

#declare Eye = vrotate(vrotate(<0, 0, -7.5>, Rise * x), Turn * y);
View(<0, 0.95, 0> + Eye, <0, 0.95, 0>, 27)
