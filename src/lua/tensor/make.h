/* What the files of constructors share: sizes, options, one way to make a tensor and fill it. */
#ifndef NBL_MAKE_H
#define NBL_MAKE_H

#include "lua/nbl.h"

#include "base/random.h"

/* One constructor under way. */
typedef struct nbl_making {
    nb_dtype dtype;
    int dims;
    int64_t shape[NB_MAX_DIMS];
    int64_t seed; /* negative: none was given */
    nb_stream stream;
    double a, b, base;
    nb_tensor *labels;
} nbl_making;

typedef nb_status nbl_fill_fn(nb_ctx *ctx, nb_tensor *tensor, nbl_making *how);

/* The options {dtype} and {dtype, seed}. */
extern const nb_option nbl_dtype_options[];
extern const nb_option nbl_chance_options[];
/* The option seed, in a struct with such a field. */
#define NBL_SEED_OPTION(type)                                                                      \
    {                                                                                              \
        .name = "seed", .help = "draws the same numbers whenever it is given",                     \
        .range = "a whole number from 0", .standard = "what nabla.seed began", .value = -1,        \
        .high = NB_WHOLE_MAX, .kind = NB_INTEGER, .offset = offsetof(type, seed)                   \
    }

/* Sizes from `arg` on, then these options. `standard`: the dtype where none is named; -1:
 * nabla.dtype. */
void nbl_read_making(lua_State *L, int arg, int standard, const nb_option *options,
                     nbl_making *how);
/* The options alone, at `arg`, which is the last argument. */
void nbl_read_options(lua_State *L, int arg, int standard, const nb_option *options,
                      nbl_making *how);
/* Makes the tensor, fills it and pushes it; returns 1. */
int nbl_make(lua_State *L, const nbl_making *how, nbl_fill_fn *fill);
/* The stream of a seed, or the context's next where it is negative. */
nb_stream nbl_stream(lua_State *L, int64_t seed);

/* A number at `arg`; likewise one that is finite. */
double nbl_check_number(lua_State *L, int arg);
double nbl_check_finite(lua_State *L, int arg);
/* Pushes a number as the user would write it, and returns the text. */
const char *nbl_push_number(lua_State *L, double value);
/* Raises "300 does not fit into u8" unless the dtype holds the value. */
void nbl_check_held(lua_State *L, nb_dtype dtype, double value);

/* Reads sizes from `arg` on, as numbers or one table of them; each at least `low`. Returns the
 * argument behind them. */
int nbl_check_sizes(lua_State *L, int arg, int64_t low, int *dims, int64_t *shape);
/* A dtype by its name, or an error. */
nb_dtype nbl_check_dtype(lua_State *L, const char *name);

#endif
