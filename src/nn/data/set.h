/* Data sets: examples x, class numbers or targets y, class names. A set holds no numbers of its own
 * but gathers rows (feed.h); a part of a set shares them and holds row numbers. */
#ifndef NB_SET_H
#define NB_SET_H

#include "base/random.h"
#include "nn/data/rows/feed.h"
#include "nn/data/rows/thin.h"
#include "nn/data/schema.h"

typedef struct nb_set {
    size_t refs;
    nb_feed *x;
    nb_scale *scale;  /* what x is of the numbers that are kept, bytes say; NULL: they are x */
    nb_feed *y;       /* as many rows as x, or NULL: none */
    nb_schema schema; /* what they mean. y holds numbers of its classes, as NB_I32; without these
                         targets, or numbers that only a network's output tells to be classes */
    nb_storage *part; /* int32 row numbers; NULL: all rows in order */
    int64_t count;    /* examples in this part */
    char *name;       /* "digits"; NULL: none */
    struct nb_set *train, *valid, *test; /* parts with a name of their own; NULL: none */
} nb_set;

/* x: (n, …); y: NULL, class numbers (n) or (n, steps…), or targets (n, …). y is class numbers where
 * names or a count are given; else one of one dimension is where its dtype is u8 or i32, or where
 * it holds whole numbers from 1 only (reshaped to (n, 1) it is targets), and of others the network
 * decides: numbers of one dimension fewer than its output are classes. names: NULL or `count`
 * strings; names NULL: 1 … count, and with a count of 0 as many as the largest of y says. set_name
 * may be NULL. NB_ESHAPE, NB_EARG: counts that differ, classes outside 1…K or that look counted
 * from 0. */
nb_set *nb_set_new(nb_ctx *ctx, nb_tensor *x, double scale, nb_tensor *y, const char *const *names,
                   int64_t count, const char *set_name);
/* The same from rows x of any kind. */
nb_set *nb_set_of_rows(nb_ctx *ctx, nb_feed *x, double scale, nb_tensor *y,
                       const char *const *names, int64_t count, const char *set_name);
/* A set of sequences of different lengths: x a list of tensors (steps, …). y: as of nb_set_new, one
 * for each sequence, or a list of as many tensors, one row or class number for each step. */
typedef struct nb_sequences {
    nb_tensor *const *x;
    int64_t count;
    nb_tensor *y;             /* or NULL */
    nb_tensor *const *y_list; /* or NULL */
    int64_t y_count;
    const char *const *names; /* of classes, or NULL */
    int64_t classes;          /* so many names */
} nb_sequences;
nb_set *nb_set_of_sequences(nb_ctx *ctx, const nb_sequences *of);
/* A set from rows of any kind. scale, y, classes and name may be NULL; with classes, y holds
 * numbers of theirs as NB_I32. */
nb_set *nb_set_from(nb_ctx *ctx, nb_feed *x, nb_scale *scale, nb_feed *y, nb_classes *classes,
                    const char *name);
nb_set *nb_set_retain(nb_set *set);
void nb_set_release(nb_ctx *ctx, nb_set *set);

/* Parts, new sets without a name. `take`: the first n (n < 0: the last -n). `range`: `count`
 * examples from `start` on. NB_EARG for examples that are not there and for none. `shuffle`: all
 * rows in another order. `split`: a share 0 < s < 1 of each class (stratified, largest remainders:
 * share times count of them in all, rounded down) or, where examples have no class, of all, and the
 * rest, both shuffled; NB_EARG where one would be empty. */
nb_set *nb_set_take(nb_ctx *ctx, const nb_set *set, int64_t n);
nb_set *nb_set_range(nb_ctx *ctx, const nb_set *set, int64_t start, int64_t count);
nb_set *nb_set_shuffle(nb_ctx *ctx, const nb_set *set, uint64_t seed);
nb_status nb_set_split(nb_ctx *ctx, const nb_set *set, double share, uint64_t seed, nb_set **first,
                       nb_set **rest);

/* All examples but those at the positions listed (from 0), each left out once however often it
 * stands there. NB_EARG for one that is not there and where none is left. */
nb_set *nb_set_without(nb_ctx *ctx, const nb_set *set, const int64_t *left_out, int64_t count);

/* Folds for k-fold cross-validation, 2 <= k <= count: all examples, fold behind fold. Folds differ
 * by one example at most, and so do their numbers of any class; within a fold the order is drawn.
 * NB_EARG for another k. */
nb_set *nb_set_folds(nb_ctx *ctx, const nb_set *set, int64_t k, uint64_t seed);
/* Of such a set fold i (from 0) as test and all others as train. */
nb_status nb_set_fold(nb_ctx *ctx, const nb_set *folds, int64_t k, int64_t i, nb_set **train,
                      nb_set **test);

/* The same set with the scale in which the network that learns from it is to see x: of every column
 * (nb_columns_of) its mean becomes 0 and its standard deviation 1; of one that does not vary only
 * the mean is taken away. Learned from the part to train on where it has parts, which get the same
 * scale, else from all of it. x itself stays. NB_EVALUE names an example with NaN or infinity;
 * NB_EARG: x holds words. */
nb_set *nb_set_standardize(nb_ctx *ctx, const nb_set *set);

/* The set with the class and word numbers of `schema`, a network's, whatever they are in the set:
 * those of the same names; the set itself where that changes nothing, as where either has no names.
 * NB_EARG names a class or character that the schema does not know. */
nb_set *nb_set_in_schema(nb_ctx *ctx, nb_set *set, const nb_schema *schema);
/* The same of numbers of `given` as those of `own`, i32, or the tensor itself where that changes
 * nothing. `what` they are: "class", "character". */
nb_tensor *nb_numbers_in(nb_ctx *ctx, nb_tensor *numbers, const nb_classes *given,
                         const nb_classes *own, const char *what);

/* The row of x and y that holds example i (from 0) of this part. */
int64_t nb_set_row(const nb_set *set, int64_t i);
/* Examples order[0 … n - 1] (positions in this part; NULL: start, start + 1, …) as their rows. */
nb_pick nb_set_pick(const nb_set *set, const int32_t *order, int64_t start, int64_t n);

/* Gathers examples order[0 … n - 1] (positions in this part; NULL: start … start + n - 1) into
 * x and y; either may be NULL. x (n, …) of a dtype that computes is scaled; one of integers gets
 * the numbers as they are. y of integers likewise: class numbers stay numbers; in a y that
 * computes, (n, …, K), they become a 1 among zeros (in (n, 1) of two classes 0 and 1), and targets
 * are converted. `ahead`: so many positions follow, as far as the order is known, and their rows
 * are asked for in time. NB_EVALUE names the example that holds what the dtype cannot hold, NaN
 * and infinity included; NB_EARG one whose class is none of 1 … K. */
nb_status nb_set_gather(nb_ctx *ctx, const nb_set *set, const int32_t *order, int64_t start,
                        int64_t n, int64_t ahead, nb_tensor *x, nb_tensor *y);
/* Whether its rows are kept as their non-zeros, and what its scale makes of 0 is 0. */
bool nb_set_is_thin(const nb_set *set);
/* The same examples' x as what is not 0 in it, of such a set: into thin (thin.h). NB_EVALUE as
 * above. */
nb_status nb_set_gather_thin(nb_ctx *ctx, const nb_set *set, const int32_t *order, int64_t start,
                             int64_t n, int64_t ahead, nb_thin *thin);
/* The share of the numbers of x that are not 0, as they are kept; sequences have no padding. */
nb_status nb_set_share(nb_ctx *ctx, const nb_set *set, double *share);
/* How many examples of `set` are among those of `others`: they have the same row of the same x. -1
 * with NB_EMEMORY. */
int64_t nb_set_common(nb_ctx *ctx, const nb_set *set, const nb_set *others);
/* All examples, not standardized, (count, …) in `dtype`, scaled where that computes; class
 * numbers (count, …) as NB_I32, or targets in `dtype`. Whatever they hold: NaN is shown, not
 * refused; but by a dtype that stores what it does not hold, as nb_set_gather says. */
nb_tensor *nb_set_x(nb_ctx *ctx, const nb_set *set, nb_dtype dtype);
nb_tensor *nb_set_y(nb_ctx *ctx, const nb_set *set, nb_dtype dtype);
/* "digits: 1,797 examples · x 64 · 10 classes 0…9 · train 1,437 · test 360" */
void nb_set_describe(nb_text *text, const nb_set *set);

/* ---- For those who make sets and parts ---- */

/* What a set of a file is called, "iris" of "data/iris.csv.gz": a string of the caller's; NULL with
 * NB_EMEMORY. */
char *nb_set_name_of(nb_ctx *ctx, const char *path);

/* Another of the same examples, under the same name, without the parts that have names. */
nb_set *nb_set_copy(nb_ctx *ctx, const nb_set *set);
/* A part with room for `count` row numbers, which the caller writes. */
nb_set *nb_set_part(nb_ctx *ctx, const nb_set *set, int64_t count);
/* All examples of a set in an order drawn for a purpose. */
nb_set *nb_set_shuffled(nb_ctx *ctx, const nb_set *set, uint64_t seed, nb_purpose purpose);

/* NB_EARG where rows overlap: of those drawn for one part others would hold the numbers. */
nb_status nb_set_check_apart(nb_ctx *ctx, const nb_set *set);
/* How many classes a division of the set keeps even: 1 where examples have none, or one at every
 * step. And the class of each example, from 1. */
int64_t nb_set_strata(const nb_set *set);
nb_status nb_set_read_strata(nb_ctx *ctx, const nb_set *set, int32_t *class);

static inline int32_t *nb_part_rows(const nb_set *part)
{
    return part->part->data;
}

#endif
