/* What a kind of image files is to those who read images: one struct of functions. */
#ifndef NB_IMAGE_FORMAT_H
#define NB_IMAGE_FORMAT_H

#include "io/source.h"

/* The most rows and columns of an image. */
enum { NB_IMAGE_MOST = 1 << 16 };

typedef struct nb_image_format nb_image_format;

/* One that is open stays where it is: formats point at it. */
typedef struct nb_image {
    nb_ctx *ctx;
    nb_source *source;
    nb_source *opened; /* the same where it is closed with the image; NULL: it is lent */
    const nb_image_format *format;
    int64_t rows, columns; /* 1 … NB_IMAGE_MOST */
    int samples;           /* bytes of a pixel: grey; grey, alpha; red, green, blue; and alpha */
    bool colour;           /* a pixel may be other than grey */
    void *state;           /* the format's */
} nb_image;

struct nb_image_format {
    bool (*begins)(const uint8_t *head, size_t bytes);
    /* Reads what stands before the pixels, checks that the file can hold as many as it promises
     * (nb_image_check), and fills the fields above. On failure nothing is left behind. */
    nb_status (*open)(nb_image *image);
    /* The next row: columns * samples bytes. */
    nb_status (*row)(nb_image *image, uint8_t *pixels);
    /* What comes behind the last row. */
    nb_status (*end)(nb_image *image);
    void (*close)(nb_image *image);
};

/* NB_EFORMAT where there is no pixel or there are more than may be, and where `least` bytes are
 * needed and at most `most` follow. */
nb_status nb_image_check(const nb_image *image, uint64_t least, uint64_t most);

#endif
