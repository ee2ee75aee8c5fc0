/* fn: a layer that is a function of the host, f(x, params…), with its derivative from the tape. */
#include "nn/net/plan.h"
#include "nn/net/walk.h"

#include "base/family.h"
#include "base/memory.h"
#include "tensor/shape.h"

#include <stddef.h>
#include <string.h>

typedef struct fn_settings {
    nb_layer_head head;
    bool per_step; /* the user's word that f works on each step alone */
} fn_settings;

enum {
    PROBE_EXAMPLES = 2, /* more than one, so that a function that drops the examples shows */
    PROBE_FREE = 5,  /* what the first free size is tried with; the next one more, and so on … */
    PROBE_OTHER = 11 /* … and, a second time, with others */
};

/* f(x, value[0], …) of `count` values. */
static nb_tensor *call(nb_ctx *ctx, const nb_layer *layer, const nb_plan *plan, nb_tensor *x,
                       nb_tensor *const *value, int count)
{
    size_t bytes = ((size_t)count + 1) * sizeof(nb_tensor *);
    nb_tensor **in = nb_alloc(ctx, bytes);
    if (!in) return NULL;
    in[0] = x;
    for (int i = 0; i < count; i++) in[1 + i] = value[i];
    nb_tensor *out = layer->host->call(ctx, layer->host, in, 1 + count);
    if (!out) nb_fail_in(ctx, "%s", plan->where);
    nb_free(ctx, in, bytes);
    return out;
}

/* ---- What f makes of a form ------------------------------------------------------------------ */

/* Zeros of the input's form, its free sizes from `free` on. */
static nb_tensor *probe_input(nb_ctx *ctx, const nb_form *in, int free)
{
    int64_t shape[NB_MAX_DIMS] = {PROBE_EXAMPLES};
    for (int i = 0; i < in->dims; i++)
        shape[1 + i] = in->size[i] < 0 ? free - 1 - in->size[i] : in->size[i];
    return nb_tensor_zeros(ctx, ctx->dtype, in->dims + 1, shape);
}

/* What f gives for zeros, its parameters zeros too. */
static nb_tensor *probe(nb_ctx *ctx, const nb_layer *layer, const nb_plan *plan, int free)
{
    int count = plan->params, made = 0;
    nb_tensor *out = NULL, *x = probe_input(ctx, &plan->in, free);
    nb_tensor **value = x ? nb_alloc_zero(ctx, (size_t)count, sizeof(nb_tensor *)) : NULL;
    for (; value && made < count; made++) {
        const nb_param *param = &plan->param[made];
        value[made] = nb_tensor_zeros(ctx, ctx->dtype, param->dims, param->shape);
        if (!value[made]) break;
    }
    if (value && made == count) out = call(ctx, layer, plan, x, value, count);
    for (int i = 0; value && i < count; i++) nb_tensor_release(ctx, value[i]);
    nb_free(ctx, value, (size_t)count * sizeof(nb_tensor *));
    nb_tensor_release(ctx, x);
    return out;
}

static nb_status check_examples(nb_ctx *ctx, const nb_plan *plan, const nb_tensor *out)
{
    char text[NB_SHAPE_TEXT];
    if (out->dims >= 2 && out->shape[0] == PROBE_EXAMPLES) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE,
                   "%s gave %s for %d examples; it must give as many examples, one after the "
                   "other in the first dimension",
                   plan->where, nb_shape_text(out->dims, out->shape, text), PROBE_EXAMPLES);
}

/* A size that changed with the input's is the free size that it is equal to in both, or one of its
 * own. */
static int64_t free_size(nb_planner *planner, const nb_form *in, int64_t first, int64_t other)
{
    for (int i = 0; i < in->dims; i++) {
        int64_t size = in->size[i];
        if (size < 0 && first == PROBE_FREE - 1 - size && other == PROBE_OTHER - 1 - size)
            return size;
    }
    return nb_plan_free(planner);
}

/* The output's form from what f gave for two sets of free sizes. */
static nb_status take_form(nb_planner *planner, nb_plan *plan, const nb_tensor *first,
                           const nb_tensor *other)
{
    char text[NB_SHAPE_TEXT];
    nb_form *out = &plan->out;
    nb_ctx *ctx = nb_plan_ctx(planner);
    nb_status status = check_examples(ctx, plan, first);
    if (status != NB_OK) return status;
    if (other && other->dims != first->dims)
        return nb_fail(ctx, NB_ESHAPE,
                       "%s gave %s, and another number of dimensions for other free sizes",
                       plan->where, nb_shape_text(first->dims, first->shape, text));
    *out = (nb_form){.dims = first->dims - 1};
    for (int i = 0; i < out->dims; i++) {
        int64_t size = first->shape[1 + i];
        bool fixed = !other || other->shape[1 + i] == size;
        out->size[i] = fixed ? size : free_size(planner, &plan->in, size, other->shape[1 + i]);
    }
    /* The reading of an input that keeps its dimensions is kept; one size alone is a vector. */
    out->reading = out->dims == plan->in.dims ? plan->in.reading
                   : out->dims == 1           ? NB_VECTOR
                                              : NB_OPEN;
    return NB_OK;
}

/* The output's form is what f gives for zeros. */
static nb_status find_form(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    nb_ctx *ctx = nb_plan_ctx(planner);
    bool recording = ctx->recording, frees = nb_form_is_free(&plan->in);
    ctx->recording = false;
    nb_tensor *first = probe(ctx, layer, plan, PROBE_FREE);
    nb_tensor *other = first && frees ? probe(ctx, layer, plan, PROBE_OTHER) : NULL;
    ctx->recording = recording;
    nb_status status = first && (other || !frees) ? NB_OK : ctx->status;
    if (status == NB_OK) status = take_form(planner, plan, first, other);
    nb_tensor_release(ctx, first);
    nb_tensor_release(ctx, other);
    return status;
}

static nb_status plan_fn(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    nb_ctx *ctx = nb_plan_ctx(planner);
    if (!layer->host)
        return nb_fail(ctx, NB_EARG,
                       "%s: a layer of type fn needs its function; give it in a table, "
                       "nn.net{…, nn.fn{f = …}, …}",
                       plan->where);
    for (int i = 0; i < layer->specs; i++) {
        const nb_param_spec *spec = &layer->spec[i];
        nb_param_plan param = {
            .name = spec->name, .dims = spec->dims, .shape = spec->shape, .neuron_dim = -1};
        if (spec->dims < 2) param.init = nb_init_of(nb_inits[NB_INIT_zeros]);
        if (!nb_plan_param(planner, layer, plan, &param)) return ctx->status;
    }
    return find_form(planner, layer, plan);
}

static nb_tensor *forward(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    nb_ctx *ctx = walk->ctx;
    int count = layer->plan->params;
    (void)give;
    nb_tensor **value = nb_alloc(ctx, (size_t)count * sizeof(nb_tensor *));
    if (!value) return NULL;
    for (int i = 0; i < count; i++) value[i] = nb_walk_param(walk, layer, i);
    nb_tensor *out = call(ctx, layer, layer->plan, x, value, count);
    nb_free(ctx, value, (size_t)count * sizeof(nb_tensor *));
    return out;
}

static const char *whole(const nb_layer *layer)
{
    bool per_step = ((const fn_settings *)layer->settings)->per_step;
    return per_step ? NULL
                    : "may look at the whole sequence; say per_step = true where its function "
                      "works on each step alone";
}

static const nb_option options[] = {
    {.name = "per_step",
     .help = "f works on each step alone, so that net:stream() may call it step by step",
     .kind = NB_BOOLEAN,
     .offset = offsetof(fn_settings, per_step)},
    NB_OPTION_INIT("lecun"),
    NB_LAYER_PLAIN_OPTIONS,
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_fn) = {
    .name = "fn",
    .help =
        "A layer written in Lua: f(x, params…) by tensor methods, its derivative from the tape. "
        "What f draws from tensors' chance in training is a function of the run's seed and the "
        "step, so a resumed run draws the same; what math.random gives is not.",
    .usage = "nn.fn(f), or nn.fn{f = f, params = {{name = \"w\", sizes…, init =}, …}, option =, …}",
    .example = "nn.net{4, nn.fn(function(x) return x * 2 end), 3}",
    .options = options,
    .table_only = true,
    .streaming = NB_STREAM_EACH,
    .whole = whole,
    .plan = plan_fn,
    .forward = forward,
};
