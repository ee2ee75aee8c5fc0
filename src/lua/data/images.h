/* data.images. */
#ifndef NBL_DATA_IMAGES_H
#define NBL_DATA_IMAGES_H

#include <lua.h>

/* Adds it to the table on the stack's top. */
void nbl_open_images(lua_State *L);

#endif
