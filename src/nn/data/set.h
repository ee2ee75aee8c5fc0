/* Data sets: examples x, class numbers or targets y, class names. Bytes stay bytes until a batch is
 * gathered. A part of a set shares its tensors and holds row numbers. */
#ifndef NB_SET_H
#define NB_SET_H

#include "base/random.h"
#include "nn/data/classes.h"
#include "tensor/tensor.h"

/* Row numbers are int32_t. */
#define NB_SET_ROWS_MAX INT32_MAX

typedef struct nb_set {
    size_t refs;
    nb_tensor *x; /* (rows, …) of any dtype, contiguous */
    double scale; /* what the network sees is x * scale */
    nb_tensor *y; /* (rows) class numbers 1…K as NB_I32, or (rows, …) targets; NULL: none */
    nb_classes *classes; /* NULL unless y holds class numbers */
    nb_storage *rows;    /* int32 row numbers of this part; NULL: all rows in order */
    int64_t count;       /* examples in this part */
    char *name;          /* "digits"; NULL: none */
    struct nb_set *train, *valid, *test; /* parts with a name of their own; NULL: none */
} nb_set;

/* x: (n, …); y: NULL, (n) class numbers, or targets (n, …). A y of one dimension is class numbers
 * where names are given, where its dtype is u8 or i32, or where it holds whole numbers from 1 only;
 * reshaped to (n, 1) it is targets. names: NULL (then 1…K) or K strings. set_name may be NULL.
 * NB_ESHAPE, NB_EARG: counts that differ, classes outside 1…K or that look counted from 0. */
nb_set *nb_set_new(nb_ctx *ctx, nb_tensor *x, double scale, nb_tensor *y, const char *const *names,
                   int64_t count, const char *set_name);
nb_set *nb_set_retain(nb_set *set);
void nb_set_release(nb_ctx *ctx, nb_set *set);

/* Parts, new sets without a name. `take`: the first n (n < 0: the last -n). `range`: `count`
 * examples from `start` on. NB_EARG for examples that are not there and for none. `shuffle`: all
 * rows in another order. `split`: a share 0 < s < 1 of each class (stratified, largest remainders:
 * share times count of them in all, rounded down) or of all, and the rest, both shuffled; NB_EARG
 * where one would be empty. */
nb_set *nb_set_take(nb_ctx *ctx, const nb_set *set, int64_t n);
nb_set *nb_set_range(nb_ctx *ctx, const nb_set *set, int64_t start, int64_t count);
nb_set *nb_set_shuffle(nb_ctx *ctx, const nb_set *set, uint64_t seed);
nb_status nb_set_split(nb_ctx *ctx, const nb_set *set, double share, uint64_t seed, nb_set **first,
                       nb_set **rest);

/* The row of x and y that holds example i (from 0) of this part. */
int64_t nb_set_row(const nb_set *set, int64_t i);
/* Gathers examples order[0 … n - 1] (positions in this part; NULL: start … start + n - 1) into x
 * (n, …) of a dtype that computes, scaled, and into y (n, K): one-hot class numbers or targets; y
 * may be NULL. Prefetches the `ahead` positions that follow, which must be there. NB_EVALUE names
 * the example that holds NaN or infinity (or a number that the dtype cannot hold); bytes cannot. */
nb_status nb_set_gather(nb_ctx *ctx, const nb_set *set, const int32_t *order, int64_t start,
                        int64_t n, int64_t ahead, nb_tensor *x, nb_tensor *y);
/* All examples as the network sees them, (count, …) in `dtype`; class numbers (count) as NB_I32, or
 * targets in `dtype`. Whatever they hold: NaN is shown, not refused. */
nb_tensor *nb_set_x(nb_ctx *ctx, const nb_set *set, nb_dtype dtype);
nb_tensor *nb_set_y(nb_ctx *ctx, const nb_set *set, nb_dtype dtype);
/* "digits: 1,797 examples · x 64 · 10 classes 0…9 · train 1,437 · test 360" */
void nb_set_describe(nb_text *text, const nb_set *set);

#endif
