/* Which way pictures take to the terminal. */
#include "lua/pictures.h"

#include "io/picture/strokes.h"
#include "lua/nbl.h"
#include "lua/state.h"

#include "base/machine.h"

#include <string.h>
#include <unistd.h>

enum { USUAL_WIDE = 10, USUAL_HIGH = 20 }; /* pixels of a letter where nobody says */

static const char automatic[] = "auto";

nbl_pictures *nbl_pictures_get(lua_State *L)
{
    nbl_state_push(L, NBL_PICTURES);
    nbl_pictures *pictures = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return pictures;
}

const nb_picture_way *nbl_pictures_way(const nbl_pictures *pictures)
{
    if (!isatty(STDOUT_FILENO)) return &nb_way_blocks;
    if (pictures->chosen) return pictures->chosen;
    if (pictures->kitty && !nb_way_kitty.lacks) return &nb_way_kitty;
    return pictures->sixel && !nb_way_sixel.lacks ? &nb_way_sixel : &nb_way_blocks;
}

static int choose(lua_State *L)
{
    nbl_pictures *pictures = nbl_pictures_get(L);
    nbl_no_more(L, 1);
    if (lua_isnone(L, 1)) {
        lua_pushstring(L, pictures->chosen ? pictures->chosen->name : automatic);
        lua_pushstring(L, nbl_pictures_way(pictures)->name);
        return 2;
    }
    const char *name = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : "";
    const nb_picture_way *way = nb_picture_way_find(name);
    if (!way && strcmp(name, automatic) != 0)
        return nbl_error(L, "it is \"kitty\", \"sixel\", \"blocks\" or \"auto\", not %s",
                         nbl_describe(L, 1));
    if (way && way->lacks)
        return nbl_error(L,
                         "this program was built without %s, so it cannot show %s; \"blocks\" "
                         "shows pictures everywhere",
                         way->lacks, way->name);
    pictures->chosen = way;
    return 0;
}

/* For stdlib: the name of the way that a picture takes now, and how many pixels wide and high a
 * letter is; nothing where letters show it. */
static int way_now(lua_State *L)
{
    const nbl_pictures *pictures = nbl_pictures_get(L);
    const nb_picture_way *way = nbl_pictures_way(pictures);
    int wide = pictures->cell_wide, high = pictures->cell_high;
    if (!way->write) return 0;
    if (!wide && !nb_machine_cell(STDOUT_FILENO, &wide, &high)) {
        wide = USUAL_WIDE;
        high = USUAL_HIGH;
    }
    lua_pushstring(L, way->name);
    lua_pushinteger(L, wide);
    lua_pushinteger(L, high);
    return 3;
}

typedef struct writing {
    const nb_picture_way *way;
    nb_picture picture;
    const char *pixels;
    int64_t rows, columns;
    nb_text *text;
} writing;

static nb_status write_picture(nb_ctx *ctx, void *data)
{
    writing *w = data;
    nb_text_free(w->text);
    return nb_picture_write(ctx, w->way, &w->picture, (const uint8_t *)w->pixels, w->rows,
                            w->columns, w->text);
}

/* For stdlib: (way, pixels, rows, columns, rows and columns of the picture in pixels, in letters).
 * What shows pixels, a string of 3 bytes each, on a terminal. */
static int picture(lua_State *L)
{
    size_t bytes;
    writing w = {.way = nb_picture_way_find(luaL_checkstring(L, 1))};
    w.pixels = luaL_checklstring(L, 2, &bytes);
    w.rows = luaL_checkinteger(L, 3);
    w.columns = luaL_checkinteger(L, 4);
    w.picture.rows = luaL_checkinteger(L, 5);
    w.picture.columns = luaL_checkinteger(L, 6);
    w.picture.high = luaL_checkinteger(L, 7);
    w.picture.wide = luaL_checkinteger(L, 8);
    luaL_argcheck(L, w.way && w.way->write, 1, "a way of pixels");
    bool fits = w.rows >= 0 && w.columns >= 0 && w.columns <= NB_PICTURE_MOST &&
                w.rows <= NB_PICTURE_MOST && (uint64_t)(w.rows * w.columns) * 3 == bytes;
    luaL_argcheck(L, fits, 2, "3 bytes for each pixel");
    w.text = nbl_new_text(L);
    nbl_run(L, write_picture, &w);
    nbl_push_text(L, w.text);
    return 1;
}

/* ---- Curves ---- */

typedef struct curve {
    nb_strokes *strokes;
    const double *points;
    size_t count;
    double width;
    bool dots;
    uint8_t colour[3];
} curve;

static void close_strokes(nb_ctx *ctx, void *strokes)
{
    (void)ctx;
    nb_strokes_close(strokes);
}

typedef struct canvas {
    nb_strokes *strokes;
    int64_t rows, columns;
    uint8_t colour[3];
} canvas;

static nb_status open_canvas(nb_ctx *ctx, void *data)
{
    canvas *c = data;
    return nb_strokes_open(ctx, c->strokes, c->rows, c->columns, c->colour);
}

static nb_status draw_curve(nb_ctx *ctx, void *data)
{
    const curve *c = data;
    (void)ctx;
    nb_status status =
        (c->dots ? nb_strokes_dots : nb_strokes_path)(c->strokes, c->points, c->count, c->width);
    if (!status) nb_strokes_end(c->strokes, c->colour);
    return status;
}

/* The colour {r, g, b} in field `name` of the table at `at`. */
static void read_colour(lua_State *L, int at, const char *name, uint8_t colour[3])
{
    lua_getfield(L, at, name);
    for (int i = 0; i < 3; i++) {
        lua_geti(L, -1, i + 1);
        colour[i] = (uint8_t)luaL_checkinteger(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static double number_field(lua_State *L, int at, const char *name)
{
    lua_getfield(L, at, name);
    double number = luaL_checknumber(L, -1);
    lua_pop(L, 1);
    return number;
}

/* Pushes a block with the numbers of the list in field "points", which are two for each. */
static void read_points(lua_State *L, int at, curve *c)
{
    lua_getfield(L, at, "points");
    luaL_checktype(L, -1, LUA_TTABLE);
    size_t count = lua_rawlen(L, -1) / 2;
    double *to = lua_newuserdatauv(L, 2 * count * sizeof *to, 0);
    for (size_t i = 0; i < 2 * count; i++) {
        lua_rawgeti(L, -2, (lua_Integer)i + 1);
        to[i] = lua_tonumber(L, -1);
        lua_pop(L, 1);
    }
    lua_remove(L, -2);
    c->points = to;
    c->count = count;
}

/* For stdlib: ({rows =, columns =, colour =, each curve {points =, width =, dots =, colour =}}).
 * Three bytes for each pixel of curves on a ground of that colour; points are x, y, x, y … in
 * pixels. */
static int curves(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    canvas c = {.rows = (int64_t)number_field(L, 1, "rows"),
                .columns = (int64_t)number_field(L, 1, "columns")};
    read_colour(L, 1, "colour", c.colour);
    c.strokes = nbl_new_box(L, sizeof *c.strokes, close_strokes);
    nbl_run(L, open_canvas, &c);
    for (lua_Integer i = 1; lua_rawgeti(L, 1, i) == LUA_TTABLE; i++) {
        int at = lua_gettop(L);
        curve one = {.strokes = c.strokes, .width = number_field(L, at, "width")};
        read_colour(L, at, "colour", one.colour);
        lua_getfield(L, at, "dots");
        one.dots = lua_toboolean(L, -1);
        read_points(L, at, &one);
        nbl_run(L, draw_curve, &one);
        lua_settop(L, at - 1);
    }
    lua_pushlstring(L, (const char *)c.strokes->pixels, (size_t)(c.rows * c.columns) * 3);
    return 1;
}

static const nbl_entry entries[] = {
    {"pictures", choose, "nabla.pictures(\"kitty\" | \"sixel\" | \"blocks\" | \"auto\")",
     "How plot.image, plot.heat and curves show pictures on a terminal: in pixels, by kitty's "
     "graphics protocol or as sixel, or in letters: half blocks and Braille. \"auto\", which it is "
     "unless told, takes what the terminal has answered to be able to; it is asked at the first "
     "prompt, but never inside tmux or screen. Files, pipes and text = true always get letters; "
     "with NO_COLOR so does what is neither grey nor an image in its own colours. "
     "Without an argument it gives the setting, and the way that it comes to here.",
     "nabla.pictures()\nnabla.pictures(\"blocks\")", NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL}};

static const luaL_Reg functions_of_stdlib[] = {
    {"_pictures", way_now}, {"_picture", picture}, {"_curves", curves}, {NULL, NULL}};

void nbl_open_pictures(lua_State *L)
{
    nbl_pictures *pictures = lua_newuserdatauv(L, sizeof *pictures, 0);
    *pictures = (nbl_pictures){.chosen = NULL};
    nbl_state_set(L, NBL_PICTURES);
    nbl_register(L, "nabla", entries);
    luaL_setfuncs(L, functions_of_stdlib, 0);
}
