/* In place of sixel.c where there is no libsixel. */
#include "io/picture/way.h"

const nb_picture_way nb_way_sixel = {
    .name = "sixel", .lacks = "libsixel", .mend = "", .uncover = ""};
