/* The walk: layers one after the other, with what looks on and what waits. */
#include "nn/net/walk.h"

#include "base/memory.h"
#include "grad/lengths.h"
#include "nn/learns.h"
#include "nn/net/chain.h"
#include "nn/net/padding.h"
#include "tensor/shape.h"

#include <string.h>

/* ---- Buffers that wait, and state ------------------------------------------------------------ */

void nb_staged_drop(nb_ctx *ctx, nb_staged *staged)
{
    for (int i = 0; i < staged->count; i++) nb_tensor_release(ctx, staged->figure[i].value);
    nb_free(ctx, staged->figure, (size_t)staged->room * sizeof *staged->figure);
    *staged = (nb_staged){.count = 0};
}

/* Both are contiguous and of one dtype, which was checked when the figures were staged. */
void nb_staged_commit(nb_ctx *ctx, nb_staged *staged)
{
    for (int i = 0; i < staged->count; i++) {
        nb_tensor *buffer = staged->figure[i].buffer->value;
        size_t count = (size_t)nb_tensor_count(buffer);
        memcpy(nb_tensor_data(buffer), nb_tensor_data(staged->figure[i].value),
               count * nb_dtype_size(buffer->dtype));
        nb_tensor_touch(buffer, "training");
    }
    nb_staged_drop(ctx, staged);
}

static int find_staged(const nb_staged *staged, const nb_param *buffer)
{
    for (int i = 0; staged && i < staged->count; i++)
        if (staged->figure[i].buffer == buffer) return i;
    return -1;
}

nb_tensor *nb_walk_buffer(const nb_walk *walk, const nb_layer *layer, int i)
{
    const nb_param *buffer = &layer->plan->buffer[i];
    int at = find_staged(walk->mode.staged, buffer);
    return at < 0 ? buffer->value : walk->mode.staged->figure[at].value;
}

static nb_status add_staged(nb_ctx *ctx, nb_staged *staged, nb_param *buffer, nb_tensor *value)
{
    if (staged->count == staged->room) {
        int room = staged->room ? 2 * staged->room : 4;
        size_t size = sizeof *staged->figure;
        void *list =
            nb_resize(ctx, staged->figure, (size_t)staged->room * size, (size_t)room * size);
        if (!list) return ctx->status;
        staged->figure = list;
        staged->room = room;
    }
    staged->figure[staged->count].buffer = buffer;
    staged->figure[staged->count++].value = nb_tensor_retain(value);
    return NB_OK;
}

nb_status nb_walk_stage(nb_walk *walk, const nb_layer *layer, int i, nb_tensor *figures)
{
    nb_ctx *ctx = walk->ctx;
    nb_staged *staged = walk->mode.staged;
    nb_param *buffer = &layer->plan->buffer[i];
    if (!staged) return NB_OK;
    nb_tensor *whole = nb_tensor_contiguous(ctx, figures);
    if (!whole) return ctx->status;
    nb_status status = NB_OK;
    int at = find_staged(staged, buffer);
    if (!nb_tensor_same_shape(whole, buffer->value) || whole->dtype != buffer->value->dtype) {
        status =
            nb_fail(ctx, NB_ESHAPE, "%s: %s has another shape", layer->plan->where, buffer->name);
    } else if (at < 0) {
        status = add_staged(ctx, staged, buffer, whole);
    } else {
        nb_tensor_release(ctx, staged->figure[at].value);
        staged->figure[at].value = nb_tensor_retain(whole);
    }
    nb_tensor_release(ctx, whole);
    return status;
}

nb_tensor *nb_walk_state(const nb_walk *walk)
{
    const nb_state *state = walk->mode.state;
    return state && state->at && walk->place < state->places ? state->at[walk->place] : NULL;
}

nb_status nb_walk_remember(nb_walk *walk, nb_tensor *tensor)
{
    nb_ctx *ctx = walk->ctx;
    nb_state *state = walk->mode.state;
    int places = walk->net->layer.plan->places;
    if (!state) return NB_OK;
    if (!state->at) {
        state->at = nb_alloc_zero(ctx, (size_t)places, sizeof *state->at);
        if (!state->at) return ctx->status;
        state->places = places;
    }
    nb_tensor_release(ctx, state->at[walk->place]);
    state->at[walk->place] = nb_tensor_retain(tensor);
    return NB_OK;
}

void nb_state_free(nb_ctx *ctx, nb_state *state)
{
    for (int i = 0; state->at && i < state->places; i++) nb_tensor_release(ctx, state->at[i]);
    nb_free(ctx, state->at, (size_t)state->places * sizeof *state->at);
    *state = (nb_state){.places = 0};
}

/* ---- Lengths --------------------------------------------------------------------------------- */

static struct nb_bound *find_bound(const nb_walk *walk, int64_t identity)
{
    for (int i = 0; i < walk->bounds; i++)
        if (walk->bound[i].identity == identity) return &walk->bound[i];
    return NULL;
}

nb_tensor *nb_walk_lengths(const nb_walk *walk, int64_t identity)
{
    const struct nb_bound *bound = find_bound(walk, identity);
    return bound ? bound->lengths : NULL;
}

nb_status nb_walk_bind_lengths(nb_walk *walk, int64_t identity, nb_tensor *lengths)
{
    struct nb_bound *bound = find_bound(walk, identity);
    if (!bound) {
        size_t size = sizeof *bound, bytes = (size_t)walk->bounds * size;
        struct nb_bound *list = nb_resize(walk->ctx, walk->bound, bytes, bytes + size);
        if (!list) return walk->ctx->status;
        walk->bound = list;
        bound = &list[walk->bounds++];
        *bound = (struct nb_bound){.identity = identity};
    }
    nb_tensor_retain(lengths);
    nb_tensor_release(walk->ctx, bound->lengths);
    bound->lengths = lengths;
    return NB_OK;
}

nb_tensor *nb_walk_masked(nb_walk *walk, const nb_form *form, nb_tensor *x)
{
    nb_tensor *lengths = nb_walk_lengths(walk, form->size[0]);
    return lengths ? nb_op2(walk->ctx, NB_OP_mask_steps, x, lengths) : nb_tensor_retain(x);
}

nb_status nb_walk_begin(nb_walk *walk, const nb_tensor *x)
{
    nb_ctx *ctx = walk->ctx;
    const nb_form *in = &walk->net->layer.plan->in;
    nb_tensor *lengths = walk->mode.lengths;
    char text[NB_SHAPE_TEXT];
    if (!lengths) return NB_OK;
    if (in->size[0] >= 0)
        return nb_fail(ctx, NB_ESHAPE,
                       "sequences of different lengths need a free first size, *; the network "
                       "takes %s",
                       nb_form_text(in, text));
    nb_status status = nb_lengths_check(ctx, "x", x, lengths);
    return status == NB_OK ? nb_walk_bind_lengths(walk, in->size[0], lengths) : status;
}

void nb_walk_end(nb_walk *walk)
{
    for (int i = 0; i < walk->bounds; i++) nb_tensor_release(walk->ctx, walk->bound[i].lengths);
    nb_free(walk->ctx, walk->bound, (size_t)walk->bounds * sizeof *walk->bound);
    walk->bound = NULL;
    walk->bounds = 0;
}

/* ---- Opened layers --------------------------------------------------------------------------- */

bool nb_walk_opens(const nb_walk *walk, const nb_layer *layer)
{
    return walk->observer && walk->observer->sum && walk->observer->open == layer;
}

nb_status nb_walk_show(nb_walk *walk, nb_layer *layer, const nb_sum *sum)
{
    return walk->observer->sum(walk, walk->observer->self, layer, sum);
}

/* ---- One layer ------------------------------------------------------------------------------- */

static inline nb_tensor *param_of(const nb_walk *walk, const nb_layer *layer, int i)
{
    const nb_param *param = &layer->plan->param[i];
    return walk->mode.learning && nb_layer_rests(layer) ? param->still : param->value;
}

nb_tensor *nb_walk_param(const nb_walk *walk, const nb_layer *layer, int i)
{
    return param_of(walk, layer, i);
}

nb_tensor *nb_walk_biases(const nb_walk *walk, const nb_layer *layer)
{
    const nb_plan *plan = layer->plan;
    for (int i = 0; i < plan->params; i++)
        if (!strcmp(plan->param[i].name, "b"))
            return nb_tensor_retain(nb_walk_param(walk, layer, i));
    return nb_tensor_zeros(walk->ctx, walk->net->dtype, 1, &plan->neurons);
}

nb_tensor *nb_walk_weight(const nb_walk *walk, const nb_layer *layer)
{
    const nb_param *param = nb_layer_param(layer, "w");
    bool rests = false;
    for (; layer; layer = layer->plan->tied) rests = rests || nb_layer_rests(layer);
    return walk->mode.learning && rests ? param->still : param->value;
}

/* What a layer gave is what it promised: a function of the host can give anything. */
static nb_status check_output(const nb_walk *walk, const nb_layer *layer, const nb_tensor *x,
                              const nb_tensor *out)
{
    nb_ctx *ctx = walk->ctx;
    const nb_plan *plan = layer->plan;
    nb_dtype dtype = layer->type->moves ? x->dtype : walk->net->dtype;
    char given[NB_SHAPE_TEXT], promised[NB_SHAPE_TEXT];
    if (out->dtype != dtype)
        return nb_fail(ctx, NB_ESHAPE,
                       "%s gave %s in a network of %s; make its constants with {dtype = x.dtype}",
                       plan->where, nb_dtype_name(out->dtype), nb_dtype_name(dtype));
    bool same = out->dims == plan->out.dims + 1 && out->shape[0] == x->shape[0] &&
                nb_form_takes(&plan->out, out->shape + 1);
    if (same) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "%s gave %s where %lldx%s was expected", plan->where,
                   nb_shape_text(out->dims, out->shape, given), (long long)x->shape[0],
                   nb_form_text(&plan->out, promised));
}

/* Behind what ends the steps of a stream every call begins anew: there no layer has a state. */
static nb_tensor *forward(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    nb_state *state = walk->mode.state;
    if (!nb_form_is_free(&layer->plan->in)) walk->mode.state = NULL;
    nb_tensor *out = layer->type->forward(walk, layer, x, give);
    walk->mode.state = state;
    if (!out || check_output(walk, layer, x, out) == NB_OK) return out;
    nb_tensor_release(walk->ctx, out);
    return NULL;
}

/* Where steps are padded: with what a function of the host may see of that. */
static nb_tensor *forward_padded(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    nb_ctx *ctx = walk->ctx;
    const nb_plan *plan = layer->plan;
    nb_tensor *in = nb_padding_in(ctx, layer, x, nb_walk_lengths(walk, plan->in.size[0]));
    nb_tensor *out = in ? forward(walk, layer, in, give) : NULL, *clean = NULL;
    if (out) clean = nb_padding_out(ctx, layer, out, nb_walk_lengths(walk, plan->out.size[0]));
    nb_tensor_release(ctx, in);
    nb_tensor_release(ctx, out);
    return clean;
}

static nb_tensor *run_layer(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    return walk->bounds ? forward_padded(walk, layer, x, give) : forward(walk, layer, x, give);
}

/* a from z; off the tape where the cost goes on from z. */
static nb_tensor *activate(nb_walk *walk, nb_layer *layer, nb_tensor *z, bool off)
{
    nb_ctx *ctx = walk->ctx;
    bool recording = ctx->recording;
    nb_runs *runs = nb_runs_retain(layer->plan->runs);
    if (off) ctx->recording = false;
    nb_tensor *a = nb_runs_apply_in(ctx, runs, layer->plan->where, z);
    ctx->recording = recording;
    nb_runs_release(ctx, runs);
    return a;
}

/* What a layer gave as a tensor of its own: where it is the input itself, which other layers may
 * read too, its gradient would be theirs together. The reference to out is taken. */
static nb_tensor *apart(nb_ctx *ctx, nb_tensor *x, nb_tensor *out)
{
    if (out != x) return out;
    nb_call call = {.op = nb_ops[NB_OP_reshape], .in = {x}, .inputs = 1};
    call.attr.sizes.count = x->dims;
    memcpy(call.attr.sizes.at, x->shape, (size_t)x->dims * sizeof *x->shape);
    nb_tensor *same = nb_op_call(ctx, &call);
    nb_tensor_release(ctx, out);
    return same;
}

/* z, then a, with the observer behind each. The reference to z is taken. */
static nb_tensor *observed(nb_walk *walk, nb_layer *layer, nb_tensor *z, nb_output give)
{
    nb_ctx *ctx = walk->ctx;
    const nb_observer *observer = walk->observer;
    nb_layer *end = nb_layer_end(layer);
    bool on = give == NB_GIVE_Z && end;
    nb_status status = observer->z ? observer->z(walk, observer->self, layer, &z) : NB_OK;
    nb_tensor *a = NULL;
    if (status == NB_OK && (on || layer->plan->runs)) {
        a = activate(walk, end, z, on);
        if (!a) status = ctx->status;
    } else if (status == NB_OK) {
        a = nb_tensor_retain(z);
    }
    if (status == NB_OK && observer->a) status = observer->a(walk, observer->self, layer, a);
    nb_tensor *out = on ? z : a, *other = on ? a : z;
    nb_tensor_release(ctx, other);
    if (status == NB_OK) return out;
    nb_tensor_release(ctx, out);
    return NULL;
}

static nb_tensor *seen(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    const nb_observer *observer = walk->observer;
    if (observer->in && observer->in(walk, observer->self, layer, x) != NB_OK) return NULL;
    nb_tensor *out = run_layer(walk, layer, x, layer->plan->runs ? NB_GIVE_Z : give);
    if (out) out = apart(walk->ctx, x, out);
    return out ? observed(walk, layer, out, give) : NULL;
}

static nb_tensor *walk_layer(nb_walk *walk, nb_layer *layer, int place, nb_tensor *x,
                             nb_output give)
{
    int outer = walk->place;
    const nb_layer *around = walk->layer;
    walk->place = place;
    walk->layer = layer;
    nb_tensor *out = walk->observer ? seen(walk, layer, x, give) : run_layer(walk, layer, x, give);
    walk->place = outer;
    walk->layer = around;
    return out;
}

/* ---- Dense layers in a row ------------------------------------------------------------------- */

/* Where somebody looks on layers go one by one, as after NABLA_FUSE=0. */
static bool goes_apart(const nb_walk *walk, const nb_tensor *x)
{
    const nb_ctx *ctx = walk->ctx;
    return ctx->apart || ctx->witness || walk->observer || walk->bounds ||
           x->dtype != walk->net->dtype;
}

/* w and b (a new reference) of a layer, as nb_walk_weight and nb_walk_biases say: what has them in
 * their places is spared the search by name. */
static void take_parameters(const nb_walk *walk, const nb_layer *layer, nb_tensor *in[2])
{
    bool plain = layer->plan->params == 2;
    in[0] = plain ? param_of(walk, layer, 0) : nb_walk_weight(walk, layer);
    in[1] = plain ? nb_tensor_retain(param_of(walk, layer, 1)) : nb_walk_biases(walk, layer);
}

/* The last layer's z, or its a where that is made by kernels. */
static nb_tensor *run_chain(nb_walk *walk, nb_layer *const *child, int count, nb_tensor *x, bool z)
{
    nb_tensor *in[NB_MAX_INPUTS] = {x}, *out = NULL;
    int taken = 0;
    bool whole = true;
    for (; taken < count && whole; taken++) {
        take_parameters(walk, child[taken], in + 1 + 2 * taken);
        whole = in[2 + 2 * taken];
    }
    if (whole) out = nb_chain_run(walk->ctx, child, count, in, z, walk->mode.piled);
    for (int i = 0; i < taken; i++) nb_tensor_release(walk->ctx, in[2 + 2 * i]);
    return out;
}

/* So many layers at once, the last of which gives `give`. */
static nb_tensor *walk_chain(nb_walk *walk, nb_layer *const *child, int count, nb_tensor *x,
                             nb_output give)
{
    const nb_plan *last = child[count - 1]->plan;
    /* Kept: a function of the host may give the layer other activations while it runs. */
    nb_runs *runs = nb_runs_retain(last->runs);
    bool kernels = runs->kernels;
    nb_tensor *out = run_chain(walk, child, count, x, give == NB_GIVE_Z || !kernels);
    if (out && give == NB_GIVE_A && !kernels) {
        nb_tensor *a = nb_runs_apply_in(walk->ctx, runs, last->where, out);
        nb_tensor_release(walk->ctx, out);
        out = a;
    }
    nb_runs_release(walk->ctx, runs);
    return out;
}

nb_tensor *nb_walk_chain(nb_walk *walk, nb_layer *net, nb_tensor *x)
{
    return walk_chain(walk, net->child, net->children, x, NB_GIVE_A);
}

/* ---- Two layers at once ---------------------------------------------------------------------- */

static bool goes_with_next(const nb_walk *walk, nb_layer *const *child, int left)
{
    const nb_layer_type *type = child[0]->type;
    return left > 1 && type->takes && !walk->mode.state && type->takes(child[0], child[1]);
}

static nb_tensor *walk_both(nb_walk *walk, nb_layer *const *child, int place, nb_tensor *x)
{
    int outer = walk->place;
    const nb_layer *around = walk->layer;
    walk->place = place;
    walk->layer = child[0];
    nb_tensor *out = child[0]->type->forward_both(walk, child[0], child[1], x);
    walk->place = outer;
    walk->layer = around;
    if (!out || check_output(walk, child[1], x, out) == NB_OK) return out;
    nb_tensor_release(walk->ctx, out);
    return NULL;
}

/* ---- Layers one behind the other ------------------------------------------------------------- */

/* Through children first … end - 1. */
static nb_tensor *walk_children(nb_walk *walk, nb_layer *block, int first, int end, nb_tensor *x,
                                nb_output give)
{
    nb_ctx *ctx = walk->ctx;
    int place = walk->place + 1;
    nb_tensor *at = nb_tensor_retain(x);
    for (int i = 0; i < first; i++) place += block->child[i]->plan->places;
    for (int i = first, count; i < end && at; i += count) {
        nb_layer **child = block->child + i;
        bool apart = goes_apart(walk, at), both = !apart && goes_with_next(walk, child, end - i);
        bool chains = !apart && !walk->mode.by_example; /* of one, rows are nobody's to see */
        int chain = chains ? nb_chain_length(child, end - i) : 0;
        count = both ? 2 : chain ? chain : 1;
        nb_output wanted = i + count == end ? give : NB_GIVE_A;
        nb_tensor *next = both    ? walk_both(walk, child, place, at)
                          : chain ? walk_chain(walk, child, chain, at, wanted)
                                  : walk_layer(walk, *child, place, at, wanted);
        nb_tensor_release(ctx, at);
        at = next;
        for (int k = 0; k < count && i + count < end; k++) place += child[k]->plan->places;
    }
    return at;
}

nb_tensor *nb_walk_branch(nb_walk *walk, nb_layer *block, int b, nb_tensor *x, nb_output give)
{
    return walk_children(walk, block, nb_branch_first(block, b), nb_branch_end(block, b), x, give);
}

nb_tensor *nb_walk_from(nb_walk *walk, nb_layer *net, int first, nb_tensor *x, nb_output give)
{
    return walk_children(walk, net, first, net->children, x, give);
}
