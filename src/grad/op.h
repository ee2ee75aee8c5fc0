/* Ops: what is differentiable. One constant descriptor per op beside its functions, one list of
 * names (ops.def). The bindings' methods, their argument checking, the help and the gradient check
 * walk the table; to add an op is to write one descriptor and one line. */
#ifndef NB_OP_H
#define NB_OP_H

#include "base/family.h"
#include "base/option.h"
#include "kernel/kernel.h"
#include "tensor/tensor.h"

/* Inputs and saved tensors are as many as the largest op takes, a recurrent one: x, two weights,
 * two biases, two states, lengths. */
enum { NB_MAX_INPUTS = 8, NB_MAX_SAVED = 6, NB_MAX_RESULTS = 3, NB_MAX_LETTERS = 3 };

typedef struct nb_op nb_op;
typedef struct nb_record nb_record;

/* A counted block that records may share with what they came from (runs of activations). */
typedef struct nb_shared {
    size_t refs;
    size_t bytes; /* of the whole block, this head included */
    void (*free)(nb_ctx *ctx, struct nb_shared *block); /* gives back what it holds, or NULL */
} nb_shared;

/* A block of `bytes` with one owner, zeroed behind its head; NULL when memory ends. */
nb_shared *nb_shared_new(nb_ctx *ctx, size_t bytes);
/* Both allow NULL; `end` is what the last owner's release does. */
static inline nb_shared *nb_shared_retain(nb_shared *shared)
{
    if (shared) shared->refs++;
    return shared;
}
void nb_shared_end(nb_ctx *ctx, nb_shared *shared);
static inline void nb_shared_release(nb_ctx *ctx, nb_shared *shared)
{
    if (shared && --shared->refs == 0) nb_shared_end(ctx, shared);
}

/* Dimensions that a call names, counted from 0, in its order; count 0: none. */
typedef struct nb_dims {
    int count;
    int at[NB_MAX_DIMS];
} nb_dims;

/* The arguments of an op that are no tensors: every op has one of these, or none. */
typedef union nb_attr {
    /* reshape, expand; rep, where it is how often. First, for it is the widest: a call that names
     * nothing has zeros everywhere. */
    struct nb_attr_sizes {
        int64_t at[NB_MAX_DIMS];
        int count;
    } sizes;
    /* permute; squeeze, softmax, log_softmax, cumsum and cumprod, which take one or none. All that
     * take dimensions begin with them. */
    nb_dims dims;
    /* sum, mean, prod, logsumexp, max, min, all, any; argmax, argmin and median, which take one
     * dimension or none */
    struct nb_attr_reduce {
        nb_dims dims;
        bool keep; /* the dimensions stay, with size 1 */
    } reduce;
    /* var, std */
    struct nb_attr_var {
        struct nb_attr_reduce over;
        double correction; /* squares are divided by n - correction */
    } var;
    /* norm */
    struct nb_attr_norm {
        struct nb_attr_reduce over;
        double p;
    } norm;
    /* sort, of one dimension or none */
    struct nb_attr_sort {
        nb_dims dims;
        bool descending;
    } sort;
    /* topk, of one dimension or none */
    struct nb_attr_topk {
        nb_dims dims;
        bool smallest;
        int64_t k;
    } topk;
    /* index_select, pick, gather, scatter_add; unsqueeze, of the output */
    int dim;
    /* select */
    struct nb_attr_select {
        int dim;
        int64_t index;
    } select;
    /* narrow */
    struct nb_attr_narrow {
        int dim;
        int64_t start, length, step;
    } narrow;
    /* cat; forward says where each input begins in the output, for backward */
    struct nb_attr_cat {
        int dim;
        int64_t start[NB_MAX_INPUTS];
    } cat;
    /* ops of unary.c, as their kernels take them; clamp: low and high */
    struct nb_attr_unary {
        double p, q;
    } unary;
    /* histogram; a NaN is the data's */
    struct nb_attr_histogram {
        int64_t bins;
        double min, max;
    } histogram;
    /* allclose */
    struct nb_attr_allclose {
        double rtol, atol;
        bool nan; /* NaN is close to NaN */
    } allclose;
    /* batch_norm, apply_norm, group_norm */
    struct nb_attr_channels {
        int dim;        /* of the channels */
        int64_t groups; /* that a group_norm makes of them */
        double epsilon; /* added to the variance */
    } channels;
    /* triu, tril, diag: 0 is the main one, a positive one above it */
    int64_t diagonal;
    /* to */
    nb_dtype dtype;
    /* rnn, lstm, gru */
    struct nb_attr_recurrent {
        nb_unary kernel; /* of rnn: its activation */
        double p, q;
        bool back;  /* from each sequence's end to its beginning */
        bool last;  /* the output of the last step taken alone: (n, units) */
        bool state; /* more[0]: the state after it, off the tape */
    } recurrent;
    /* attention_core; causal: 1 or 0 */
    struct nb_attr_attention {
        int64_t heads, causal;
    } attention;
    /* activate, dense, and where a struct of theirs begins with it: nb_kernel_runs
     * (grad/activate.h), or NULL */
    nb_shared *shared;
    /* dense_chain */
    struct nb_attr_chain {
        nb_shared *shared; /* nb_chain (grad/chain.h), or NULL */
        bool z;            /* the last layer gives z */
        /* Its rows are of several pieces, each with the bits that it has by itself; borrowed until
         * backward is over. NULL: of one */
        const struct nb_piled *rows;
    } chain;
    /* conv, conv_transpose, max_pool, avg_pool: by extents, one or two */
    struct nb_attr_window {
        nb_shared *shared;
        int32_t kernel[2]; /* of pools; a convolution's is that of its weights, and where it has a
                              pool behind it forward puts the sizes of a map here */
        int32_t stride[2], dilation[2];
        int32_t low[2], high[2]; /* zeros before the first and behind the last */
        int32_t extra[2];        /* numbers more that conv_transpose gives; strides of `pool` */
        int32_t groups;
        int32_t pool[2]; /* conv: the window of a max_pool behind it, none overlapping; 0: none */
    } window;
} nb_attr;

/* One call under way. `forward` makes the output; what backward will need goes into saved (owned by
 * the call, then by the record). */
typedef struct nb_call {
    const nb_op *op;
    nb_tensor *in[NB_MAX_INPUTS];
    int inputs;
    nb_attr attr;
    bool recording;            /* a record will be made: save what backward needs */
    bool needs[NB_MAX_INPUTS]; /* inputs through which a gradient flows */
    nb_tensor *into;           /* the output may be written here, or NULL; see nb_call_target */
    unsigned ends; /* bit i: the caller needs input i no longer: the output may be written over it
                      where nobody else sees it */
    nb_tensor *saved[NB_MAX_SAVED];
    nb_shared *kept; /* the same of numbers that nobody else sees; or NULL */
    nb_tensor *more[NB_MAX_RESULTS - 1]; /* further results (the indices of max), without gaps; the
                                            caller owns them */
} nb_call;

/* What an output without dimensions is given back as in Lua, where the call named no dimension. */
typedef enum nb_plain { NB_PLAIN_TENSOR, NB_PLAIN_INTEGER, NB_PLAIN_BOOLEAN } nb_plain;

/* How a user's arguments become a call: one character each, after the tensor itself. Behind the
 * last may stand a table of options, where the op has some.
 * - t: a tensor or a number, an input
 * - x: indices as the user counts, an input: a tensor, or a list of numbers
 * - m: a mask, an input: a u8 tensor, or a list of truths
 * Every letter but the first three fills one field of attr, of the type behind it:
 * - n: a number (double)
 * - c: a count from 0 (int64_t)
 * - b: a whole number or nothing, 0 (int64_t)
 * - d: a dimension (int)
 * - D: a dimension or nothing (nb_dims)
 * - L: dimensions or nothing (nb_dims)
 * - i: a dimension or nothing, 0 (int)
 * - u: a place for a new dimension, 1 … dims + 1 (int)
 * - s: sizes (struct nb_attr_sizes)
 * - e: a dimension and an index, checked against the shape (struct nb_attr_select)
 * - w: a dimension, a start and a length, checked against the shape; behind them a step of 1
 *      (struct nb_attr_narrow)
 * - y: the name of a dtype (nb_dtype) */
struct nb_op {
    const char *name;
    const char *says;             /* what messages call it; NULL: its name */
    const char *signature;        /* as above */
    size_t fills[NB_MAX_LETTERS]; /* the offset in attr of the field of each letter; most ops have
                                     one, at the beginning: 0 */
    const nb_option *options;     /* of a trailing table, into attr; NULL: none */
    const char *usage;            /* "x:sum(dims…, {keep})", for help */
    const char *help;             /* one line */
    const char *example;          /* Lua that runs */
    int kernel;       /* nb_unary, nb_binary or nb_compare, where the functions are shared */
    nb_attr attr;     /* with which a call begins, besides the options' defaults */
    bool shares;      /* its attr is `shared`, on which a record holds */
    bool hidden;      /* no method: called from C only */
    bool in_place;    /* has a form with a trailing _ */
    unsigned promote; /* bit i: input i is brought to the common dtype that computes */
    bool stores;      /* unless these share a dtype: then it stays, i32 and u8 too */
    bool adds_up;   /* where none of these computes, the common dtype is f64: no count is rounded */
    unsigned reads; /* bit i: backward reads the elements of input i */
    bool crosswise; /* … for the gradients of the other inputs only */
    nb_plain plain; /* as above */
    int results;    /* how many it may give; 0 is 1 */
    bool alone;     /* it gives one result unless exactly one dimension is named */
    bool refuses;   /* there is no gradient where one could be expected: an error says so */
    bool by_steps;  /* the rows of its products stand step by step (nb_share) */

    /* Checks shapes, makes the output: a tensor of its own, without a link (an alias where nothing
     * changes). NULL with the message set. */
    nb_tensor *(*forward)(nb_ctx *ctx, nb_call *call);
    /* grad[i] = a new reference to the gradient of input i, for every i with record->needs[i]; an
     * entry may stay NULL when the op handed that gradient on itself (nb_tape_product). NULL
     * function: the op has no gradient; its output ends the tape. */
    nb_status (*backward)(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad);

    /* For the checks: shapes of the inputs, "2x3 2x3, 3x2t 3x2, - 3, 2x3 /1" (comma between
     * samples, - a number, t: the transposed view of a contiguous tensor, c: a condition, u8 of 0
     * and 1, i: indices as the user counts, within the dimension that the sample names, of all
     * elements where it names none, p: likewise counted from 0, k: class numbers, from 1 to the
     * size of the first input's last dimension, w: words, from 1 to that of its first one, g:
     * square matrices far from singular, s: symmetric ones that are positive definite; /1: an
     * integer argument as the user counts); the interval that values are drawn from; points that
     * are avoided (the kinks). */
    const char *samples;
    /* Samples that the op refuses, each with a text that its message contains: "2x3 2x4: 2x3 and
     * 2x4 do not fit; …". NULL: every shape that the signature lets through is fine. */
    const char *errors;
    double low, high;
    double kinks[2];
    int kinks_count;
};

/* The head of a descriptor: NB_DEFINE_OP(sum) = {.name = "sum", …}; */
#define NB_DEFINE_OP(word) NB_DESCRIPTOR(nb_op, nb_def_##word)

typedef enum nb_op_id {
#define X(name) NB_OP_##name,
#include "grad/ops.def"
#undef X
    NB_OPS
} nb_op_id;

extern const nb_op *const nb_ops[NB_OPS];
/* The op called `name`, hidden ones included, or NULL. */
const nb_op *nb_op_find(const char *name);

/* A call of an op with its defaults, to which inputs are added. */
nb_call nb_call_make(const nb_op *op);
/* Gives back what a call holds besides its output. */
void nb_call_drop(nb_ctx *ctx, nb_call *call);

/* The dtype in which numbers of several kinds meet to compute: the widest of those that do. Where
 * none does, f64 for i32, whose numbers f32 does not all hold, else the context's. */
nb_dtype nb_dtype_meeting(const nb_ctx *ctx, const bool has[NB_DTYPES]);
/* The same for one kind: what a tensor computes in. */
nb_dtype nb_dtype_computing(const nb_ctx *ctx, nb_dtype dtype);
/* What the numbers of one kind add up in: f64 for those that store, so that no count is rounded. */
nb_dtype nb_dtype_adding(nb_dtype dtype);

/* Calls an op: forward, and a record on the output when the context records and an input takes part
 * in a gradient. Returns the output (a new reference) or NULL, and then no further results.
 * call->op, in, inputs and attr are set by the caller; what attr points at is borrowed. */
nb_tensor *nb_op_call(nb_ctx *ctx, nb_call *call);
/* Short forms for C that composes ops; further results are dropped. */
nb_tensor *nb_op1(nb_ctx *ctx, nb_op_id op, nb_tensor *a);
nb_tensor *nb_op2(nb_ctx *ctx, nb_op_id op, nb_tensor *a, nb_tensor *b);
/* The same where `a` is a passing reference: it is given back, and the result written over it where
 * nobody else sees it. NULL stays NULL. */
nb_tensor *nb_then1(nb_ctx *ctx, nb_op_id op, nb_tensor *a);
nb_tensor *nb_then2(nb_ctx *ctx, nb_op_id op, nb_tensor *a, nb_tensor *b);
/* An op on a tensor and a number (the number takes the tensor's dtype); where `a` passes, likewise.
 */
nb_tensor *nb_op_number(nb_ctx *ctx, nb_op_id op, nb_tensor *a, double b);
nb_tensor *nb_then_number(nb_ctx *ctx, nb_op_id op, nb_tensor *a, double b);
/* count > 0 tensors one after the other along `dim`, brought to one dtype (that of all, where they
 * share it); or, of one shape, side by side in a new dimension `dim`. Gradients flow. */
nb_tensor *nb_op_cat(nb_ctx *ctx, nb_tensor *const *list, size_t count, int dim);
nb_tensor *nb_op_stack(nb_ctx *ctx, nb_tensor *const *list, size_t count, int dim);
/* The views of a dimension from start[i] to before start[i + 1], for each of `pieces` > 0, where
 * start begins with 0, never falls and ends with the dimension's size. Gradients flow. Into `out`,
 * new references; nothing after a failure. */
nb_status nb_op_cut(nb_ctx *ctx, nb_tensor *x, int dim, const int64_t *start, size_t pieces,
                    nb_tensor **out);

#endif
