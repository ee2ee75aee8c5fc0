/* One-dimensional loops over numbers: pointers, counts and strides, no tensors. The folder is
 * compiled once per instruction set; nb_kernels() gives the table that suits the processor.
 *
 * Strides are in elements and may be 0 (one value for all) or negative. Unless a line says
 * otherwise an output may be the very same memory as an input (same pointer, same stride) but not
 * overlap it partly. Every kernel gives the same bits on every instruction set: no fused
 * multiply-add but where it rounds as the two steps do, and sums run in 32 fixed accumulators. The
 * products of product.h are the exception. */
#ifndef NB_KERNEL_H
#define NB_KERNEL_H

#include "base/dtype.h"
#include "base/status.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum nb_unary {
#define X(name, needs) NB_U_##name,
#include "kernel/unary.def"
#undef X
    NB_UNARIES
} nb_unary;

typedef enum nb_binary {
#define X(name) NB_B_##name,
#include "kernel/binary.def"
#undef X
    NB_BINARIES
} nb_binary;

typedef enum nb_compare {
#define X(name, operator) NB_C_##name,
#include "kernel/compare.def"
#undef X
    NB_COMPARES
} nb_compare;

typedef enum nb_fold {
#define X(name, join, start, uses, lane, apart) NB_FOLD_##name,
#include "kernel/fold.def"
#undef X
    NB_FOLDS
} nb_fold;

typedef enum nb_rule_id {
#define X(name, states, numbers) NB_RULE_##name,
#include "kernel/rules.def"
#undef X
    NB_RULES
} nb_rule_id;
enum { NB_RULE_STATES = 4, NB_RULE_NUMBERS = 6 }; /* the most that a rule has */
extern const int nb_rule_states[NB_RULES];

/* How folds of two parts are put together, and what nothing folds to. */
typedef struct nb_fold_rule {
    nb_fold join;
    double start;
} nb_fold_rule;
extern const nb_fold_rule nb_fold_rules[NB_FOLDS];

/* What the slope of a unary function is computed from. */
typedef enum nb_needs { NB_FROM_X, NB_FROM_Y, NB_FROM_NONE, NB_NO_SLOPE } nb_needs;
extern const nb_needs nb_unary_needs[NB_UNARIES];
/* "sigmoid" and so on, for messages and tests. */
extern const char *const nb_unary_names[NB_UNARIES];

/* y[i] = f(x[i]) */
typedef void nb_unary_fn(size_t n, const void *x, ptrdiff_t sx, void *y, ptrdiff_t sy, double p,
                         double q);
/* dx[i] = dy[i] * f'(x[i]); contiguous. x or y is NULL where nb_unary_needs says it is not read.
 * dx may be dy. A dy of 0 gives 0 even where the slope is infinite or NaN. */
typedef void nb_slope_fn(size_t n, const void *x, const void *y, const void *dy, void *dx, double p,
                         double q);
/* One step of an optimizer on n numbers w with gradients g. state: the rule's vectors, c its
 * numbers. */
typedef void nb_rule_fn(size_t n, void *w, const void *g, void *const *state, double rate,
                        const double *c);
typedef void nb_binary_fn(size_t n, const void *a, ptrdiff_t sa, const void *b, ptrdiff_t sb,
                          void *y, ptrdiff_t sy);
typedef void nb_compare_fn(size_t n, const void *a, ptrdiff_t sa, const void *b, ptrdiff_t sb,
                           uint8_t *y, ptrdiff_t sy);
/* y[i] = c[i] ? a[i] : b[i] */
typedef void nb_select_fn(size_t n, const uint8_t *c, ptrdiff_t sc, const void *a, ptrdiff_t sa,
                          const void *b, ptrdiff_t sb, void *y, ptrdiff_t sy);
/* y = scale * x, converted. To integers it rounds towards zero and saturates; NaN gives 0. */
typedef void nb_convert_fn(size_t n, const void *x, ptrdiff_t sx, void *y, ptrdiff_t sy,
                           double scale);
/* y[i] = (x[i] - offset[i step]) * factor[i step], in double inside; contiguous; step 0 or 1. */
typedef void nb_rescale_fn(size_t n, const void *x, const double *offset, const double *factor,
                           size_t step, void *y);

/* n contiguous numbers of a distribution from nb_random_words(dtype) random words for each (n
 * rounded up to even where pairs are drawn). */
typedef void nb_draw_fn(size_t n, const uint32_t *words, void *y, double p, double q);
static inline size_t nb_random_words(nb_dtype dtype)
{
    return nb_dtype_size(dtype) / sizeof(uint32_t);
}

/* What loops that may be long look at: not 0: they leave, and what they would have written is
 * undefined. NULL: nobody can ask. */
typedef const volatile sig_atomic_t nb_stop;

typedef void nb_scan_fn(size_t rows, size_t columns, const void *x, ptrdiff_t sr, ptrdiff_t sc,
                        void *y, ptrdiff_t tr, ptrdiff_t tc, nb_stop *stop);

/* *acc goes on over n elements; c is the parameter of folds that have one. */
typedef void nb_fold_row_fn(size_t n, const void *x, ptrdiff_t sx, double c, double *acc);
/* acc[j] goes on over x[row * sr + j * sc] of every row; c[j] its parameter, NULL for folds without
 * one. */
typedef void nb_fold_columns_fn(size_t rows, size_t columns, const void *x, ptrdiff_t sr,
                                ptrdiff_t sc, const double *c, double *acc);

typedef struct nb_fold_kernels {
    nb_fold_row_fn *row[NB_FOLDS];
    nb_fold_columns_fn *columns[NB_FOLDS];
} nb_fold_kernels;

/* y[i * y_row + j * y_column] = x[i * x_row + j * x_column] for elements of `size` bytes: 1, 4, 8
 */
typedef void nb_copy_matrix_fn(size_t size, size_t rows, size_t columns, const void *x,
                               ptrdiff_t x_row, ptrdiff_t x_column, void *y, ptrdiff_t y_row,
                               ptrdiff_t y_column);

/* What a norm knows of each channel. The mean is in two parts, for the dtype does not hold it. */
typedef enum nb_norm_kind {
    NB_NORM_MEAN,
    NB_NORM_REST,   /* of the mean */
    NB_NORM_SCALE,  /* 1 / √(variance + ε): x̂ = (x - mean) scale */
    NB_NORM_FACTOR, /* gain scale */
    NB_NORM_SHIFT,
    NB_NORM_LESS,  /* what δ factor is less, and */
    NB_NORM_SLOPE, /* less of x̂ */
    NB_NORM_KINDS
} nb_norm_kind;

/* Rows of contiguous numbers, `ld` apart. Kind k of channel c is at coef[k * channels + c]; each
 * row is a channel where `by_row`, else each column. */
typedef struct nb_norm_lines {
    size_t rows, columns, ld, channels;
    const void *coef;
    bool by_row;
} nb_norm_lines;

/* The table of one dtype that computes. */
typedef struct nb_real_kernels {
    nb_unary_fn *unary[NB_UNARIES];
    nb_slope_fn *slope[NB_UNARIES];
    nb_binary_fn *binary[NB_BINARIES];
    /* y[i] = f(x[i]) and slope[i] = f'(x[i]) in one pass, contiguous, the bits of the two alone;
     * NULL where that gains nothing. slope may be x. And dx[i] = dy[i] slope[i], 0 where dy is; dx
     * may be dy. */
    void (*with_slope[NB_UNARIES])(size_t n, const void *x, void *y, void *slope);
    void (*chain)(size_t n, const void *slope, const void *dy, void *dx);

    void (*fill)(size_t n, void *y, ptrdiff_t sy, double value);
    /* y += alpha * x */
    void (*axpy)(size_t n, double alpha, const void *x, void *y);

    /* How many of n contiguous elements are not 0; and their places and values, so many. */
    size_t (*count_nonzero)(size_t n, const void *x);
    size_t (*nonzeros)(size_t n, const void *x, int32_t *place, void *value);

    /* Sums in double whatever the dtype. */
    double (*sum)(size_t n, const void *x, ptrdiff_t sx);
    double (*sum_squares)(size_t n, const void *x, ptrdiff_t sx);
    double (*dot)(size_t n, const void *a, ptrdiff_t sa, const void *b, ptrdiff_t sb);
    /* sum of (a[i] - b[i])^2; contiguous */
    double (*squared_distance)(size_t n, const void *a, const void *b);
    /* sum of softplus(z[i]) - y[i] z[i]: the binary cross-entropy of sigmoid(z); contiguous */
    double (*sigmoid_cross_entropy)(size_t n, const void *z, const void *y);
    /* y[row * ldy + j] = b[j] for every row: what a product is added to */
    void (*repeat_row)(size_t rows, size_t columns, const void *b, void *y, ptrdiff_t ldy);

    /* The largest (smallest) element's place; the first of equals; the first NaN if there is one. n
     * > 0. */
    size_t (*argmax)(size_t n, const void *x, ptrdiff_t sx);
    size_t (*argmin)(size_t n, const void *x, ptrdiff_t sx);
    /* The same down the columns of x[row * sr + j * sc], rows > 0: the values into best, their
     * places, counted from 0, into place. */
    void (*argmax_columns)(size_t rows, size_t columns, const void *x, ptrdiff_t sr, ptrdiff_t sc,
                           void *best, int32_t *place);
    void (*argmin_columns)(size_t rows, size_t columns, const void *x, ptrdiff_t sr, ptrdiff_t sc,
                           void *best, int32_t *place);
    /* The largest |x[i]| among n contiguous elements, 0 of none; infinite where one of them is NaN
     * or infinite. */
    double (*magnitude)(size_t n, const void *x);
    /* No NaN and no infinity among n contiguous elements. */
    bool (*finite)(size_t n, const void *x);
    /* y[i] = 1 where x[i] is neither NaN nor infinite, else 0 */
    void (*finite_each)(size_t n, const void *x, ptrdiff_t sx, uint8_t *y, ptrdiff_t sy);

    /* y = softmax(x), one row of n > 0, largest subtracted first; returns log sum exp x. */
    double (*softmax)(size_t n, const void *x, void *y, nb_stop *stop);
    /* Rows of x, ld apart, as softmax of their first seen[row] numbers and 0 up to `all`: the bits
     * of softmax with -infinity in these places. */
    void (*softmax_seen)(size_t rows, size_t all, const size_t *seen, size_t ld, void *x);
    /* y = x - log sum exp x; returns it. */
    double (*log_softmax)(size_t n, const void *x, void *y, nb_stop *stop);
    /* dx = y (dy - sum of y dy): the gradient through y = softmax(x), one row; dx may be dy. */
    void (*softmax_slope)(size_t n, const void *y, const void *dy, void *dx, nb_stop *stop);
    /* Layer norm of one row of n > 0: y = gain x̂ + shift, x̂ = (x - mean) / sqrt(variance +
     * epsilon); stats becomes {mean, 1 / sqrt(variance + epsilon)}. */
    void (*norm_row)(size_t n, const void *x, const void *gain, const void *shift, double epsilon,
                     void *y, double *stats);
    /* dx from delta and the row's stats; delta x̂ and delta are added to dgain and dshift. dx may
     * be delta. */
    void (*norm_row_slope)(size_t n, const void *x, const void *gain, const void *delta,
                           const double *stats, void *dx, double *dgain, double *dshift);

    /* One example's step through n units of an lstm: c0 the cells before, zx and zh (4 n) what
     * comes to its gates from the input and from the state. gates (4 n) may be zx; bent becomes
     * tanh c. */
    void (*lstm_row)(size_t n, const void *zx, const void *zh, const void *c0, void *gates, void *c,
                     void *bent, void *h);
    /* dh and dc, the gradients at h and c, become those at the h and c before, as far as these do
     * not go by the gates: of h 0. dz (4 n): at the gates' sums. */
    void (*lstm_row_slope)(size_t n, const void *gates, const void *c0, const void *bent, void *dh,
                           void *dc, void *dz);
    /* Likewise of a gru, with three gates; bh (n) is its inner bias, inner (n) what r multiplies.
     * dx: at what comes from the input, dz: from the state. */
    void (*gru_row)(size_t n, const void *zx, const void *zh, const void *bh, const void *h0,
                    void *gates, void *inner, void *h);
    void (*gru_row_slope)(size_t n, const void *gates, const void *inner, const void *h0, void *dh,
                          void *dx, void *dz);
    /* Norms whose figures are known: y = (x - mean) factor + shift; the sums Σ δ x̂ and Σ δ of each
     * channel, added to dgain and dshift; dx = factor δ - less - slope x̂. y may be x, dx delta. */
    void (*norm_apply)(const nb_norm_lines *lines, const void *x, void *y);
    void (*norm_gather)(const nb_norm_lines *lines, const void *x, const void *delta, double *dgain,
                        double *dshift);
    void (*norm_slope)(const nb_norm_lines *lines, const void *x, const void *delta, void *dx);

    /* y[row] = x[0] + … + x[row] (times) down each column, in double; x and y with strides between
     * rows and between columns. x may be y. */
    nb_scan_fn *running_sum, *running_product;
    /* The gradient of the running product y of n elements: dx[i] = (product of x before i) (sum
     * over k >= i of dy[k] times the product of x behind i up to k). room: n doubles. Right with
     * any number of zeros. */
    void (*running_product_slope)(size_t n, const void *x, ptrdiff_t sx, const void *dy,
                                  ptrdiff_t sd, void *dx, ptrdiff_t st, double *room,
                                  nb_stop *stop);
    /* The gradient of the product of n contiguous elements, none of them 0, from it and *dy: dx[i]
     * = product / x[i] *dy. */
    void (*product_shares)(size_t n, double product, const void *x, const void *dy, void *dx);

    /* The rules of optimizers, in place on n parameters. */
    nb_rule_fn *rule[NB_RULES];
    /* w -= share * w + push * sign(w), where the sign of 0 is 0 */
    void (*shrink)(size_t n, double share, double push, void *w);
    /* g += l2 * w + l1 * sign(w) */
    void (*penalise)(size_t n, double l1, double l2, const void *w, void *g);
    /* x[i] = old[i] where mask[i] is 0 */
    void (*put_back)(size_t n, const uint8_t *mask, const void *old, void *x);
    nb_compare_fn *compare[NB_COMPARES];
    /* y = a + w (b - a), by the end that is nearer: exactly a where w is 0, b where it is 1 */
    void (*lerp)(size_t n, const void *a, ptrdiff_t sa, const void *b, ptrdiff_t sb, const void *w,
                 ptrdiff_t sw, void *y, ptrdiff_t sy);
    nb_draw_fn *draw_uniform;     /* p <= y < q, or y = p where they are equal */
    nb_draw_fn *draw_normal;      /* of mean p and deviation q */
    nb_draw_fn *draw_exponential; /* of mean p; never 0 */
} nb_real_kernels;

typedef struct nb_kernels {
    const char *isa;                /* "x86-64", "x86-64-v3", "x86-64-v4" or "generic" */
    const nb_real_kernels *real[2]; /* by NB_F32, NB_F64 */
    nb_convert_fn *convert[NB_DTYPES][NB_DTYPES]; /* [from][to] */
    nb_rescale_fn *rescale[NB_DTYPES][2];         /* [from][to], to one that computes */
    nb_select_fn *select[NB_DTYPES];
    nb_copy_matrix_fn *copy_matrix;
    /* memcpy past the caches, for what is larger than they are and not read again at once; other
     * threads see it after streamed_all. */
    void (*stream)(size_t bytes, const void *from, void *to);
    void (*streamed_all)(void);
    nb_compare_fn *compare_u8[NB_COMPARES];
    nb_compare_fn *compare_i32[NB_COMPARES];
    /* n non-zeros, as nonzeros.h says of bytes and narrow columns: index = column, and value =
     * factor number, as `convert` makes it. */
    void (*take_bytes)(size_t n, const uint16_t *column, const uint8_t *number, float factor,
                       int32_t *index, float *value);
    /* Four words for each of `blocks` counters from `counter` on, counted in its first two words:
     * nb_philox of each. */
    void (*philox)(const uint32_t key[2], const uint32_t counter[4], size_t blocks,
                   uint32_t *words);
    /* Whether every x[i] is an index of 1 … size. */
    bool (*counts)(size_t n, const int32_t *x, int32_t size);
    /* to[i]: the place, from 0, of the index x[i], from 1 or from the end (-1 the last), where it
     * has one; false: some have none. */
    bool (*places)(size_t n, const int32_t *x, int32_t size, int32_t *to);

    const nb_fold_kernels *folds[NB_DTYPES];
    const struct nb_products *products[2]; /* product.h's loops, by dtype */
    const struct nb_windows *windows[2];   /* window.h's */
    const struct nb_thin_kernels *thin[2]; /* thin.h's */
} nb_kernels;

/* Chooses the table at the first call; what was chosen, for those who ask again. */
const nb_kernels *nb_kernels_choose(void);
extern _Atomic(const nb_kernels *) nb_kernels_ready;
/* The table in use: the best that the processor has, or the one that NABLA_ISA names. Every op asks
 * several times. */
static inline const nb_kernels *nb_kernels_get(void)
{
    const nb_kernels *ready = atomic_load_explicit(&nb_kernels_ready, memory_order_acquire);
    return ready ? ready : nb_kernels_choose();
}
/* Whether loops ask memory for what they read soon: known with the table, and only of time. */
extern bool nb_asks_ahead;
/* All tables that this processor can run, the best last, for the tests; *count of them. Two may be
 * of one instruction set. */
const nb_kernels *const *nb_kernels_all(size_t *count);
/* What was wrong with NABLA_ISA ("NABLA_ISA=avx9 is none of …"), or NULL. */
const char *nb_kernels_complaint(void);

/* The loops of one dtype; NULL for dtypes that only store. */
static inline const nb_real_kernels *nb_real(nb_dtype dtype)
{
    return nb_dtype_computes(dtype) ? nb_kernels_get()->real[dtype] : NULL;
}

#endif
