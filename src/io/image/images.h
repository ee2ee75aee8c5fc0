/* All images of a folder (folder.h) as tensors. Two passes: the first looks at every header, so
 * that one block holds all; the second reads pixels. */
#ifndef NB_IMAGES_H
#define NB_IMAGES_H

#include "io/image/folder.h"
#include "io/image/pixels.h"
#include "tensor/tensor.h"

typedef struct nb_images_options {
    bool grey;             /* colours become grey; else all images are colour where one is */
    int64_t rows, columns; /* what images are brought to (resample.h), 1 … NB_IMAGE_MOST; 0: none
                              is, and all have the same size */
    int background;        /* as of nb_pixels_split */
} nb_images_options;

/* What was read; each part's images in order of their classes. */
typedef struct nb_images {
    bool parted;
    nb_names *classes;
    nb_tensor *x, *y; /* of train and then valid: NB_U8 (n, channels, rows, columns), class numbers
                         NB_I32 (n) */
    int64_t train, valid;       /* how many there are of each */
    nb_tensor *test_x, *test_y; /* NULL: there is no test */
} nb_images;

/* NB_EIO and NB_EFORMAT name the file; NB_EARG as nb_image_folder_list says, NB_ESHAPE names two
 * files of different sizes. On failure nothing is left. Progress is told as "reading". */
nb_status nb_images_read(nb_ctx *ctx, const char *path, const nb_images_options *options,
                         nb_images *images);
void nb_images_free(nb_ctx *ctx, nb_images *images);

#endif
