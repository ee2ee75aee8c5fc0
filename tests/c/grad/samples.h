/* The samples of an op (nb_op.samples) as calls with inputs, and one run of a call forward and
 * backward. A header alone, as tests/c/support.h. */
#ifndef NB_TEST_SAMPLES_H
#define NB_TEST_SAMPLES_H

#include "base/random.h"
#include "grad/tape.h"

#include "../support.h" /* behind what has arguments of its context's name */

#include <math.h>
#include <stdio.h>

typedef struct sample {
    char text[64]; /* "mul: 2x3 2x3" for messages */
    nb_call
        call; /* op, inputs and attr; in[] are f64 tensors of numbers that f32 holds too, owned */
    int checked; /* so many inputs, from the first, take a gradient (if they compute) */
} sample;

/* Numbers from low to high that f32 holds, none within MARGIN of a kink. */
static inline void draw(nb_tensor *flat, nb_stream *stream, const nb_op *op)
{
    const double margin = 0.05;
    for (int64_t i = 0; i < flat->shape[0]; i++) {
        double x;
        bool near;
        do {
            x = (double)(float)(op->low + (op->high - op->low) * nb_random_unit(stream));
            near = false;
            for (int k = 0; k < op->kinks_count; k++) near |= fabs(x - op->kinks[k]) < margin;
        } while (near);
        nb_tensor_set(flat, &i, flat->dtype == NB_U8 ? nb_random_word(stream) & 1 : x);
    }
}

/* Makes every matrix of t dominate by its diagonal, so that it is far from singular; where
 * `symmetric` its upper triangle mirrors the lower one, so that it is positive definite. f32 still
 * holds the numbers. */
static inline void condition(nb_tensor *t, const nb_op *op, bool symmetric)
{
    int64_t n = t->shape[t->dims - 1], count = nb_tensor_count(t), index[NB_MAX_DIMS];
    double most = (double)n * fmax(fabs(op->low), fabs(op->high));
    for (int64_t k = 0; k < count; k++) {
        int64_t rest = k;
        for (int d = t->dims - 1; d >= 0; rest /= t->shape[d--]) index[d] = rest % t->shape[d];
        int64_t *row = &index[t->dims - 2], *column = row + 1, i = *row, j = *column;
        double x = nb_tensor_get(t, index);
        if (i == j) nb_tensor_set(t, index, (double)(float)(x + most));
        *row = j;
        *column = i;
        if (symmetric && j < i) nb_tensor_set(t, index, x);
    }
}

/* One shape, "2x3" or "-" with t, c, i, p, k, w, g or s behind it, as a tensor; *kind is the last
 * of these but t. Moves *text behind it. */
static inline nb_tensor *read_input(const char **text, nb_stream *stream, const nb_op *op,
                                    char *kind)
{
    int64_t shape[NB_MAX_DIMS], count = 1;
    int dims = 0;
    char *end = (char *)(uintptr_t)*text + 1;
    if (**text != '-') {
        for (const char *at = *text;; at = end + 1) {
            shape[dims++] = strtoll(at, &end, 10);
            count *= shape[dims - 1];
            if (*end != 'x') break;
        }
    }
    bool turned = *end == 't';
    end += turned;
    *kind = *end && strchr("cipkwgs", *end) ? *end++ : 0;
    *text = end;
    if (turned) {
        int64_t last = shape[dims - 1];
        shape[dims - 1] = shape[dims - 2];
        shape[dims - 2] = last;
    }
    bool places = *kind && strchr("ipkw", *kind), matrix = *kind == 'g' || *kind == 's';
    nb_dtype dtype = *kind == 'c' ? NB_U8 : places ? NB_I32 : NB_F64;
    nb_tensor *flat = nb_tensor_new(ctx, dtype, 1, &count);
    assert_non_null(flat);
    if (dtype != NB_I32) draw(flat, stream, op);
    nb_tensor *whole = nb_tensor_reshape(ctx, flat, dims, shape);
    nb_tensor *out = turned ? nb_tensor_transpose(ctx, whole) : nb_tensor_retain(whole);
    if (matrix) condition(out, op, *kind == 's');
    nb_tensor_release(ctx, flat);
    nb_tensor_release(ctx, whole);
    return out;
}

/* Draws the indices of a sample, whose dimension is known by now. */
static inline void draw_indices(const nb_call *call, nb_stream *stream, const char *kinds)
{
    const nb_tensor *x = call->in[0];
    bool named = call->op->signature && strchr(call->op->signature, 'd');
    uint32_t size = (uint32_t)(named ? x->shape[call->attr.dim] : nb_tensor_count(x));
    if (memchr(kinds, 'k', NB_MAX_INPUTS)) size = (uint32_t)x->shape[x->dims - 1];
    if (memchr(kinds, 'w', NB_MAX_INPUTS)) size = (uint32_t)x->shape[0];
    for (int i = 0; i < call->inputs; i++) {
        if (call->in[i]->dtype != NB_I32) continue;
        int32_t *index = nb_tensor_data(call->in[i]);
        for (int64_t k = 0, n = nb_tensor_count(call->in[i]); k < n; k++) {
            uint32_t word = nb_random_word(stream);
            int32_t place = (int32_t)((word >> 1) % size);
            bool from_end = word & 1;
            index[k] = kinds[i] == 'k' || kinds[i] == 'w' ? place + 1
                       : kinds[i] == 'p'                  ? place
                       : from_end                         ? place - (int32_t)size
                                                          : place + 1;
        }
    }
}

/* Fills the fields that an op's signature names with the integers of a sample, in the user's
 * counting. */
static inline void place_numbers(const nb_op *op, nb_attr *attr, const int64_t *number, int count)
{
    for (int i = 0, at = 0; op->signature && op->signature[i]; i++) {
        char letter = op->signature[i];
        void *field = (char *)attr + op->fills[i];
        struct nb_attr_sizes *sizes = field;
        nb_dims *dims = field;
        while (strchr("DL", letter) && at < count) dims->at[dims->count++] = (int)number[at++] - 1;
        while (letter == 's' && at < count) sizes->at[sizes->count++] = number[at++];
        if (letter == 'y') *(nb_dtype *)field = NB_F64;
        if (at == count) continue;
        if (strchr("dui", letter)) *(int *)field = (int)number[at++] - 1;
        if (strchr("cb", letter)) *(int64_t *)field = number[at++];
        if (letter == 'e')
            *(struct nb_attr_select *)field = (struct nb_attr_select){
                .dim = (int)number[at] - 1,
                .index = number[at + 1] - 1,
            };
        if (letter == 'w')
            *(struct nb_attr_narrow *)field = (struct nb_attr_narrow){
                .dim = (int)number[at] - 1,
                .start = number[at + 1] - 1,
                .length = number[at + 2],
                .step = 1,
            };
    }
}

/* Reads the next sample of an op; false behind the last. A sample ends at a comma, or where the
 * text of an error begins. */
static inline bool next_sample(const nb_op *op, const char **at, sample *out)
{
    int64_t number[NB_MAX_DIMS];
    int numbers = 0;
    char kinds[NB_MAX_INPUTS] = {0};
    *out = (sample){.call = nb_call_make(op)};
    while (*at && (**at == ' ' || **at == ',')) ++*at;
    if (!*at || !**at) return false;
    int length = (int)strcspn(*at, ",:");
    snprintf(out->text, sizeof out->text, "%s: %.*s", op->name, length, *at);
    nb_stream stream = nb_stream_make(1, NB_FOR_TENSOR, (uint64_t)length);
    while (**at && **at != ',' && **at != ':') {
        char *end;
        if (**at == ' ') {
            ++*at;
        } else if (**at == '/') {
            number[numbers++] = strtoll(*at + 1, &end, 10);
            *at = end;
        } else {
            int i = out->call.inputs++;
            out->call.in[i] = read_input(at, &stream, op, &kinds[i]);
        }
    }
    place_numbers(op, &out->call.attr, number, numbers);
    draw_indices(&out->call, &stream, kinds);
    /* The targets of a cost are given: they take no gradient. */
    bool cost = strstr(op->name, "_entropy") || strstr(op->name, "_distance") ||
                strstr(op->name, "_likelihood");
    out->checked = op->refuses ? 0 : cost ? 1 : out->call.inputs;
    return true;
}

static inline void free_sample(sample *s)
{
    for (int i = 0; i < s->call.inputs; i++) nb_tensor_release(ctx, s->call.in[i]);
}

/* What a run gives. */
typedef struct outcome {
    nb_tensor *out;
    nb_tensor *grad[NB_MAX_INPUTS];
} outcome;

static inline void free_outcome(outcome *o)
{
    nb_tensor_release(ctx, o->out);
    for (int i = 0; i < NB_MAX_INPUTS; i++) nb_tensor_release(ctx, o->grad[i]);
}

/* The same elements with gaps between them and the dimensions in reverse order in memory. */
static inline nb_tensor *strided(const nb_tensor *t)
{
    int64_t shape[NB_MAX_DIMS];
    int order[NB_MAX_DIMS];
    if (t->dims == 0) return nb_tensor_clone(ctx, t);
    for (int i = 0; i < t->dims; i++) {
        order[i] = t->dims - 1 - i;
        shape[i] = t->shape[order[i]] * (i ? 1 : 2);
    }
    nb_tensor *base = nb_tensor_zeros(ctx, t->dtype, t->dims, shape);
    nb_tensor *part = base ? nb_tensor_narrow(ctx, base, 0, 0, shape[0] / 2, 2) : NULL;
    nb_tensor *view = part ? nb_tensor_permute(ctx, part, order) : NULL;
    if (view && nb_tensor_copy(ctx, view, t) != NB_OK) {
        nb_tensor_release(ctx, view);
        view = NULL;
    }
    nb_tensor_release(ctx, base);
    nb_tensor_release(ctx, part);
    return view;
}

/* A tensor of its own like t: in another dtype where t computes, with gaps where asked. */
static inline nb_tensor *like(nb_tensor *t, nb_dtype dtype, bool gaps)
{
    nb_tensor *same = nb_tensor_convert(ctx, t, nb_dtype_computes(t->dtype) ? dtype : t->dtype, 1);
    nb_tensor *out = !same ? NULL : gaps ? strided(same) : nb_tensor_clone(ctx, same);
    nb_tensor_release(ctx, same);
    return out;
}

/* Backward from o->out with a δ of its own for every element. */
static inline nb_status run_back(const nb_call *call, bool gaps, outcome *o)
{
    nb_tensor *delta = nb_tensor_new(ctx, NB_F64, o->out->dims, o->out->shape);
    nb_tensor *flat = delta ? nb_tensor_reshape(ctx, delta, 1, (const int64_t[]){-1}) : NULL;
    for (int64_t i = 0; flat && i < flat->shape[0]; i++)
        nb_tensor_set(flat, &i, 1 - 0.375 * (double)(i % 5));
    nb_tensor *given = flat ? like(delta, o->out->dtype, gaps) : NULL;
    nb_status status = ctx->status;
    if (given) status = nb_backward(ctx, o->out, &(nb_backward_options){.delta = given});
    nb_tensor_release(ctx, delta);
    nb_tensor_release(ctx, flat);
    nb_tensor_release(ctx, given);
    for (int i = 0; status == NB_OK && i < call->inputs; i++) {
        const nb_leaf *leaf = nb_leaf_of(call->in[i]);
        if (leaf && leaf->grad) o->grad[i] = nb_tensor_retain(leaf->grad);
    }
    return status;
}

/* A sample forward and, where a gradient flows, backward. */
static inline nb_status run(const sample *s, nb_dtype dtype, bool gaps, outcome *o)
{
    nb_call call = s->call;
    nb_status status = NB_OK;
    if (call.op->signature && strchr(call.op->signature, 'y')) call.attr.dtype = dtype;
    *o = (outcome){.out = NULL};
    for (int i = 0; i < call.inputs; i++) call.in[i] = NULL;
    for (int i = 0; i < call.inputs && status == NB_OK; i++) {
        call.in[i] = like(s->call.in[i], dtype, gaps);
        if (!call.in[i])
            status = ctx->status;
        else if (i < s->checked && nb_dtype_computes(call.in[i]->dtype))
            status = nb_require_grad(ctx, call.in[i], true);
    }
    if (status == NB_OK) {
        nb_call made = call;
        o->out = nb_op_call(ctx, &made);
        status = o->out ? NB_OK : ctx->status;
        /* Who gets no output need not give back further results. */
        for (int i = 0; !o->out && i < NB_MAX_RESULTS - 1; i++) assert_null(made.more[i]);
        nb_call_drop(ctx, &made);
    }
    if (status == NB_OK && o->out->link) status = run_back(&call, gaps, o);
    for (int i = 0; i < call.inputs; i++) nb_tensor_release(ctx, call.in[i]);
    if (status == NB_OK) return NB_OK;
    free_outcome(o);
    *o = (outcome){.out = NULL};
    return status;
}

/* |a - b| <= absolute + relative |b| for every element; infinities of one sign are equal. */
static inline bool near(nb_tensor *a, nb_tensor *b, double relative, double absolute)
{
    if (!a || !b) return a == b;
    if (!nb_tensor_same_shape(a, b)) return false;
    nb_tensor *fa = nb_tensor_reshape(ctx, a, 1, (const int64_t[]){-1});
    nb_tensor *fb = nb_tensor_reshape(ctx, b, 1, (const int64_t[]){-1});
    bool ok = true;
    for (int64_t i = 0; i < fa->shape[0]; i++) {
        double x = nb_tensor_get(fa, &i), y = nb_tensor_get(fb, &i);
        ok &= fabs(x - y) <= absolute + relative * fabs(y);
    }
    nb_tensor_release(ctx, fa);
    nb_tensor_release(ctx, fb);
    return ok;
}

static inline bool near_all(outcome *a, outcome *b, double relative, double absolute)
{
    bool ok = near(a->out, b->out, relative, absolute);
    for (int i = 0; i < NB_MAX_INPUTS; i++) ok &= near(a->grad[i], b->grad[i], relative, absolute);
    return ok;
}

#endif
