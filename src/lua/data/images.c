/* data.images: folders of images as data sets. */
#include "lua/data/images.h"

#include "lua/data/set.h"
#include "nn/data/read/images.h"

#include <stddef.h>

enum { WHITE = 255, NO_SIZE = 0, NO_BACKGROUND = -1 };

/* ---- Options ---- */

typedef struct image_options {
    nb_sizes size;
    bool grey;
    double background;
} image_options;

static const nb_option image_fields[] = {
    {.name = "size",
     .help =
         "what all images are brought to, 28 or {rows, columns}, whatever their proportions: to "
         "fewer pixels as means of what each covers, to more on straight lines between them",
     .range = "a whole number of pixels from 1 to 65536, or {rows, columns}",
     .standard = "as they are, all of one size",
     .value = NO_SIZE,
     .low = 1,
     .high = NB_IMAGE_MOST,
     .kind = NB_SIZES,
     .most = 2,
     .offset = offsetof(image_options, size)},
    {.name = "grey",
     .help = "one channel for all: colours become 0.299 red + 0.587 green + 0.114 blue (Rec. 601)",
     .kind = NB_BOOLEAN,
     .offset = offsetof(image_options, grey)},
    {.name = "background",
     .help = "what stands behind transparent pixels, from 0, black, to 1, white",
     .range = "a number from 0 to 1",
     .standard = "such a pixel is an error",
     .value = NO_BACKGROUND,
     .high = 1,
     .kind = NB_NUMBER,
     .offset = offsetof(image_options, background)},
    NB_OPTIONS_END,
};

static nb_images_options read_options(lua_State *L, int arg)
{
    image_options given;
    nbl_options(L, arg, image_fields, &given, false);
    nb_images_options to = {.grey = given.grey, .background = NB_NO_BACKGROUND};
    to.rows = given.size.size[0];
    to.columns = given.size.size[given.size.count - 1];
    if (given.background >= 0) to.background = (int)(given.background * WHITE + 0.5);
    return to;
}

/* ---- data.images ---- */

typedef struct images_job {
    const char *path;
    nb_images_options options;
    nb_set **out;
} images_job;

static nb_status load_images(nb_ctx *ctx, void *data)
{
    images_job *work = data;
    ctx->recording = false;
    *work->out = nb_set_read_images(ctx, work->path, &work->options);
    return *work->out ? NB_OK : ctx->status;
}

static int data_images(lua_State *L)
{
    images_job work = {.path = nbl_check_path(L, 1)};
    nbl_no_more(L, 2);
    work.options = read_options(L, 2);
    work.out = nbl_new_set(L);
    nbl_run(L, load_images, &work);
    return 1;
}

/* ---- Registration ---- */

static const nbl_entry entries[] = {
    {"images", data_images, "data.images(folder, [{size, grey, background}])",
     "A data set from a folder with a folder for each class, which is called as that is. x is "
     "(channels, rows, columns), from 0, black, to 1, and is held as bytes: one channel where all "
     "images are grey, or with grey = true, else three. A network of dense layers begins \"1x28x28 "
     "- "
     "flatten\". Files are PNG, PGM or PPM, whatever their names say, and anything else there is "
     "an "
     "error; but files beside the folders are not looked at, nor names that begin with a point, "
     "Thumbs.db and desktop.ini. Folders train, valid (or val) and test that hold the folders of "
     "the "
     "classes are .train, .valid and .test; the set itself is train and valid. Classes are in the "
     "order of their names, numbers of their values.",
     "folder = os.tmpname()\nos.remove(folder)\nos.execute(\"mkdir -p \" .. folder .. \"/dark \" "
     ".. "
     "folder .. \"/light\")\nio.open(folder .. \"/dark/1.pgm\", \"w\"):write(\"P2 2 2 255 9 0 0 "
     "8\"):close()\nio.open(folder .. \"/light/1.pgm\", \"w\"):write(\"P2 2 2 255 250 255 255 "
     "240\"):close()\nset = data.images(folder)\nprint(set)\nprint(set[2])\nos.execute(\"rm -r \" "
     ".. "
     "folder)",
     image_fields},
    {.name = NULL},
};

void nbl_open_images(lua_State *L)
{
    nbl_register(L, "data", entries);
}
