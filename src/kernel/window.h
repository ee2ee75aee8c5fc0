/* Windows that slide over the planes of an image: what convolutions copy and multiply, and pools.
 *
 * The numbers under one weight lie in stretches, one for each row of places, so that a convolution
 * is a product whose rows are offsets into the image: the image as it is, or a copy with its
 * padding where every row is there once for each remainder of its columns by the stride (a set).
 * Rows that are short beside a vector are copied once for every column of the kernel instead: then
 * all places are one stretch. Rows are sorted by their phase, the remainder by the stride, so that
 * this holds for every stride and dilation. */
#ifndef NB_WINDOW_H
#define NB_WINDOW_H

#include "base/dtype.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From row to row of a plane, and along a row. */
enum { NB_DOWN, NB_ALONG, NB_EXTENTS };

/* How windows stand on a plane: what lies along one dimension has columns of 1. */
typedef struct nb_window {
    int64_t size[NB_EXTENTS];     /* of a plane */
    int64_t out[NB_EXTENTS];      /* places of the window */
    int64_t kernel[NB_EXTENTS];   /* of the window */
    int64_t stride[NB_EXTENTS];   /* from place to place */
    int64_t dilation[NB_EXTENTS]; /* from number to number in the window */
    int64_t low[NB_EXTENTS];      /* zeros before the first */
} nb_window;

/* Numbers from the first to the last under a window. */
static inline int64_t nb_window_reach(int64_t kernel, int64_t dilation)
{
    return dilation * (kernel - 1) + 1;
}

/* Places of a window on `size` numbers, `padding` zeros included; 0 or less: it does not fit. */
static inline int64_t nb_window_places(int64_t size, int64_t reach, int64_t stride)
{
    return size < reach ? 0 : (size - reach) / stride + 1;
}

/* A band of places, rows start … start + count - 1, and how what it needs of an image lies: number
 * i of row r of phase f of set s of a channel, ((s * phases + f) * depth + r) * row + i. */
typedef struct nb_band {
    const nb_window *window;
    int64_t channels, start, count;
    int64_t depth;  /* rows of one phase: a band of `count` or more has room in them */
    int64_t phases; /* remainders of rows by the stride: the first so many */
    int64_t sets;   /* of every row */
    int64_t shift;  /* columns of the image from set to set */
    int64_t row;    /* numbers in a row of a set */
} nb_band;

/* C = start + A B, or C += A B. Element (i, p) of A is at a[a_row[i] + a_column[p]]; row p of B is
 * `rows` stretches of `columns` numbers, the first at b + b_row[p], each b_step behind the one
 * before; likewise row i of C from c + c_row[i]. Rows of a C that is added to may overlap one
 * another; each is added to in turn. Stretches that are shorter than a vector stand alone: rows
 * is 1. */
typedef struct nb_gathered {
    size_t m, k, rows, columns;
    const void *a, *b;
    const ptrdiff_t *a_row, *a_column, *b_row, *c_row;
    ptrdiff_t b_step, c_step;
    void *c;
    const void *start; /* m numbers; NULL: zeros */
    bool adds;         /* to C */
    bool near;         /* all of B stays in a first-level cache */
} nb_gathered;

/* A band of places, rows start … start + count - 1, as rows of what stands under each: `kernel`'s
 * numbers row by row, of each all channels. They come from a plane where channels run fastest,
 * from row start * stride of the image and its zeros on. */
typedef struct nb_patches {
    const nb_window *window;
    int64_t channels, start, count;
    int64_t columns; /* of the plane */
    int64_t ld;      /* numbers from row to row */
} nb_patches;

/* Numbers beyond a plane, and beyond each row, that a copy of rows may touch; entries beyond a list
 * that `find` may write. */
enum { NB_PATCHES_SPARE = 16, NB_FIND_SPARE = 16 };

struct nb_thin;

typedef struct nb_windows {
    /* Copies what a band needs of an image (channels, rows, columns) into `copies`. */
    void (*copy)(const nb_band *band, const void *image, void *copies);
    /* Adds copies to the image where they came from. */
    void (*spread)(const nb_band *band, const void *copies, void *image);
    void (*gathered)(const nb_gathered *job);
    int64_t lanes; /* numbers of a vector */
    /* Of what stands under a window, numbers side by side on a plane from which on products read
     * them there: without a copy vectors go across the lines of caches. */
    int64_t stretch;
    /* Rows from a plane; and added to it, whatever else it holds. */
    void (*patches)(const nb_patches *patches, const void *plane, void *rows);
    void (*spread_patches)(const nb_patches *patches, const void *rows, void *plane);
    /* Places and values of those of n numbers that are not 0: how many. */
    size_t (*find)(size_t n, const void *x, int32_t *place, void *value);
    /* The same of a plane whose numbers are not 0 where the windows of a max_pool found them alone,
     * in the same order: values[i] at place[i], of those from `first` to before `end`. */
    size_t (*find_pooled)(const nb_window *window, const void *values, const int32_t *places,
                          int32_t first, int32_t end, int32_t *place, void *value);
    /* The largest number under every window of a plane and its place in the plane: the first of
     * equals, the last NaN. Padding is left out; every window has a number under it. NULL: places
     * are not wanted. */
    void (*max_pool)(const nb_window *window, const void *x, void *y, int32_t *place);
    /* dx = the sums of dy[i] at place[i], a whole plane. */
    void (*max_pool_slope)(const nb_window *window, const void *dy, const int32_t *place, void *dx);
    /* The mean under every window of a plane, padding counted as zeros; and dx, a whole plane, what
     * it gives back. */
    void (*avg_pool)(const nb_window *window, const void *x, void *y);
    void (*avg_pool_slope)(const nb_window *window, const void *dy, void *dx);
} nb_windows;

#endif
