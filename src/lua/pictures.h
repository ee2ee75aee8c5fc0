/* Which way pictures take to the terminal: the one that the user asks for, else the best that the
 * terminal has said to take. */
#ifndef NBL_PICTURES_H
#define NBL_PICTURES_H

#include "io/picture/way.h"

#include <lua.h>
#include <stdbool.h>

typedef struct nbl_pictures {
    const nb_picture_way *chosen; /* NULL: "auto" */
    bool kitty, sixel;            /* the terminal takes them, as it has said */
    int cell_wide, cell_high;     /* pixels of a letter, as it has said; 0: it has not */
} nbl_pictures;

/* nabla.pictures, and for stdlib _pictures and _picture, into the table on the stack's top. */
void nbl_open_pictures(lua_State *L);
/* Those of this state, which they live as long as. */
nbl_pictures *nbl_pictures_get(lua_State *L);
/* The way that a picture takes now; blocks where standard output is no terminal. */
const nb_picture_way *nbl_pictures_way(const nbl_pictures *pictures);

#endif
