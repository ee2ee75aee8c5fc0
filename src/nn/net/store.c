/* Storage for a tree that is planned: three flat vectors, and every layer's part of them. All that
 * can fail is done first; then the tree takes its new plans over at once. */
#include "nn/net/plan.h"

#include "base/memory.h"
#include "grad/tape.h"
#include "nn/learns.h"
#include "tensor/shape.h"

#include <string.h>

/* What one network of the tree will have: its lists, and its part of the flat vectors. */
typedef struct share {
    nb_net *net;
    nb_layer **part;
    nb_param **param, **buffer;
    int parts, params, buffers;
    int64_t values, figures;
    nb_tensor *views[3]; /* values, grads, figures */
} share;

typedef struct storing {
    nb_ctx *ctx;
    nb_net *net;
    nb_plans *plans;
    nb_dtype dtype;
    uint64_t seed;
    int64_t values, figures;
    nb_tensor *flat[3]; /* values, grads, figures */
    nb_home *home;      /* of the gradients */
    share *shares;      /* a list; the root's first */
    int nets;
} storing;

/* ---- Counting ------------------------------------------------------------------------------- */

static nb_status place_params(storing *s, nb_param *list, int count, int64_t *used)
{
    for (int i = 0; i < count; i++) {
        list[i].start = *used;
        *used += list[i].count;
        if (*used > NB_MAX_ELEMENTS)
            return nb_fail(s->ctx, NB_ESHAPE, "the network has too many parameters");
    }
    return NB_OK;
}

static nb_status count_all(storing *s)
{
    nb_status status = NB_OK;
    for (int i = 0; i < s->plans->count && status == NB_OK; i++) {
        const nb_planned *at = &s->plans->list[i];
        status = place_params(s, at->plan->param, at->plan->params, &s->values);
        if (status == NB_OK)
            status = place_params(s, at->plan->buffer, at->plan->buffers, &s->figures);
        s->nets += nb_net_of(at->layer) != NULL;
    }
    return status;
}

/* A network that had storage of its own comes with its numbers as they are. */
static nb_status check_dtypes(const storing *s)
{
    for (int i = 1; i < s->plans->count; i++) {
        const nb_net *inner = nb_net_of(s->plans->list[i].layer);
        if (!inner || !inner->values || inner->outer || inner->dtype == s->dtype) continue;
        return nb_fail(s->ctx, NB_EARG,
                       "%s is a network in %s, this one is in %s; bring one to "
                       "the other's dtype first, as net:to(\"%s\") does",
                       s->plans->list[i].plan->where, nb_dtype_name(inner->dtype),
                       nb_dtype_name(s->dtype), nb_dtype_name(s->dtype));
    }
    return NB_OK;
}

/* ---- Filling -------------------------------------------------------------------------------- */

/* A part of a flat vector under a parameter's shape. */
static nb_tensor *part(nb_ctx *ctx, const nb_tensor *flat, const nb_param *param)
{
    int64_t stride[NB_MAX_DIMS];
    nb_shape_strides(param->dims, param->shape, stride);
    return nb_tensor_view(ctx, flat, param->dims, param->shape, stride, param->start);
}

static nb_status make_views(storing *s, nb_plan *plan)
{
    nb_ctx *ctx = s->ctx;
    for (int i = 0; i < plan->params; i++) {
        nb_param *param = &plan->param[i];
        param->value = part(ctx, s->flat[0], param);
        param->still = param->value ? nb_tensor_alias(ctx, param->value) : NULL;
        if (!param->still || nb_require_grad_in(ctx, param->value, s->home) != NB_OK)
            return ctx->status;
        nb_leaf_of(param->value)->where = plan->where;
    }
    for (int i = 0; i < plan->buffers; i++) {
        plan->buffer[i].value = part(ctx, s->flat[2], &plan->buffer[i]);
        if (!plan->buffer[i].value) return ctx->status;
    }
    return NB_OK;
}

/* What the layer had under the name, where it still fits. */
static const nb_param *had(const nb_layer *layer, const nb_param *param)
{
    const nb_param *old = nb_layer_param(layer, param->name);
    bool fits = old && old->value && old->dims == param->dims &&
                !memcmp(old->shape, param->shape, (size_t)param->dims * sizeof *param->shape);
    return fits ? old : NULL;
}

/* Its parameters, then its buffers. */
static nb_param *param_at(const nb_plan *plan, int i)
{
    return i < plan->params ? &plan->param[i] : &plan->buffer[i - plan->params];
}

static nb_status begin_one(nb_ctx *ctx, nb_param *param, nb_stream *stream)
{
    nb_status status = param->begin ? nb_tensor_copy(ctx, param->value, param->begin)
                                    : nb_init_fill(ctx, param->init, param->value, param->fan_in,
                                                   param->fan_out, stream);
    nb_tensor_touch(param->value, "reset");
    return status;
}

/* Fills a layer's parameters and buffers, from what `layer` (NULL: no one) has of them. A layer's
 * stream is its number. */
static nb_status fill(nb_ctx *ctx, const nb_layer *layer, nb_plan *plan, uint64_t seed, int number)
{
    nb_stream stream = nb_stream_make(seed, NB_FOR_INIT, (uint64_t)number);
    nb_status status = NB_OK;
    for (int i = 0; i < plan->params + plan->buffers && status == NB_OK; i++) {
        nb_param *param = param_at(plan, i);
        const nb_param *old = layer ? had(layer, param) : NULL;
        status =
            old ? nb_tensor_copy(ctx, param->value, old->value) : begin_one(ctx, param, &stream);
    }
    return status;
}

static nb_status fill_all(storing *s)
{
    nb_status status = NB_OK;
    for (int i = 0; i < s->plans->count && status == NB_OK; i++) {
        const nb_planned *at = &s->plans->list[i];
        status = make_views(s, at->plan);
        if (status == NB_OK) status = fill(s->ctx, at->layer, at->plan, s->seed, at->plan->place);
    }
    return status;
}

static nb_status make_flat(storing *s)
{
    s->flat[0] = nb_tensor_zeros(s->ctx, s->dtype, 1, &s->values);
    s->home = s->flat[0] ? nb_home_new(s->ctx, s->dtype, s->values) : NULL;
    if (!s->home) return s->ctx->status;
    s->flat[1] = nb_tensor_retain(s->home->grads);
    s->flat[2] = nb_tensor_zeros(s->ctx, s->dtype, 1, &s->figures);
    return s->flat[2] ? NB_OK : s->ctx->status;
}

/* ---- Every network's lists ------------------------------------------------------------------- */

/* Whether the layer of entry i stands in `net`, at any depth. */
static bool stands_in(const storing *s, int i, const nb_net *net)
{
    const nb_net *owner = s->plans->list[i].owner;
    while (owner && owner != net) {
        int k = 0;
        while (s->plans->list[k].layer != &owner->layer) k++;
        owner = s->plans->list[k].owner;
    }
    return owner != NULL;
}

/* The entries of a network's layers stand behind its own, next to each other. */
static int end_of(const storing *s, int first, const nb_net *net)
{
    int end = first + 1;
    while (end < s->plans->count && stands_in(s, end, net)) end++;
    return end;
}

static void count_share(const storing *s, share *to, int first, int end)
{
    for (int i = first; i < end; i++) {
        const nb_plan *plan = s->plans->list[i].plan;
        to->parts++;
        to->params += plan->params;
        to->buffers += plan->buffers;
        for (int k = 0; k < plan->params; k++) to->values += plan->param[k].count;
        for (int k = 0; k < plan->buffers; k++) to->figures += plan->buffer[k].count;
    }
}

static void list_share(const storing *s, share *to, int first, int end)
{
    int params = 0, buffers = 0;
    for (int i = first; i < end; i++) {
        const nb_planned *at = &s->plans->list[i];
        to->part[i - first] = at->layer;
        for (int k = 0; k < at->plan->params; k++) to->param[params++] = &at->plan->param[k];
        for (int k = 0; k < at->plan->buffers; k++) to->buffer[buffers++] = &at->plan->buffer[k];
    }
}

static nb_status make_share(storing *s, share *to, int at, const share *root)
{
    nb_ctx *ctx = s->ctx;
    nb_net *net = nb_net_of(s->plans->list[at].layer);
    int first = at + 1, end = at ? end_of(s, at, net) : s->plans->count;
    *to = (share){.net = net};
    count_share(s, to, first, end);
    to->part = nb_alloc_zero(ctx, (size_t)to->parts, sizeof *to->part);
    to->param = nb_alloc_zero(ctx, (size_t)to->params, sizeof *to->param);
    to->buffer = nb_alloc_zero(ctx, (size_t)to->buffers, sizeof *to->buffer);
    if (!to->part || !to->param || !to->buffer) return ctx->status;
    list_share(s, to, first, end);
    if (!root) {
        for (int i = 0; i < 3; i++) to->views[i] = nb_tensor_retain(s->flat[i]);
        return NB_OK;
    }
    int64_t start[3] = {to->params ? to->param[0]->start : 0, 0,
                        to->buffers ? to->buffer[0]->start : 0};
    int64_t length[3] = {to->values, to->values, to->figures};
    start[1] = start[0];
    for (int i = 0; i < 3; i++) {
        to->views[i] = nb_tensor_narrow(ctx, s->flat[i], 0, start[i], length[i], 1);
        if (!to->views[i]) return ctx->status;
    }
    return NB_OK;
}

static nb_status make_shares(storing *s)
{
    s->shares = nb_alloc_zero(s->ctx, (size_t)s->nets, sizeof *s->shares);
    nb_status status = s->shares ? NB_OK : s->ctx->status;
    for (int i = 0, n = 0; i < s->plans->count && status == NB_OK; i++) {
        if (!nb_net_of(s->plans->list[i].layer)) continue;
        status = make_share(s, &s->shares[n], i, n ? s->shares : NULL);
        n++;
    }
    return status;
}

/* ---- Taking over ----------------------------------------------------------------------------- */

/* From here on nothing can fail. */
static void take_lists(const storing *s, share *from)
{
    nb_net *net = from->net;
    nb_net old = *net;
    net->part = from->part;
    net->param = from->param;
    net->buffer = from->buffer;
    net->parts = from->parts;
    net->params = from->params;
    net->buffers = from->buffers;
    net->values = from->views[0];
    net->grads = from->views[1];
    net->figures = from->views[2];
    net->whole = nb_tensor_retain(s->flat[0]);
    net->home = nb_home_retain(s->home);
    net->dtype = s->dtype;
    net->seed = s->seed;
    for (int i = 0; i < net->parts; i++) nb_layer_retain(net->part[i]);
    for (int i = 0; i < old.parts; i++)
        if (old.part[i]->owner == net) old.part[i]->owner = NULL;
    for (int i = 0; i < old.parts; i++) {
        nb_net *inner = nb_net_of(old.part[i]);
        if (inner && inner->outer == net) inner->outer = NULL;
    }
    nb_net_drop_lists(s->ctx, &old);
    *from = (share){.net = NULL};
}

/* Values that a copied layer came with are used up: a reset draws anew. */
static void forget_once(nb_ctx *ctx, nb_layer *layer)
{
    for (int i = 0; i < layer->specs; i++) {
        nb_param_spec *spec = &layer->spec[i];
        if (!spec->once) continue;
        nb_tensor_release(ctx, spec->value);
        spec->value = NULL;
        spec->once = false;
    }
    for (int i = 0; i < layer->plan->params + layer->plan->buffers; i++) {
        nb_param *param = param_at(layer->plan, i);
        if (!param->once) continue;
        nb_tensor_release(ctx, param->begin);
        param->begin = NULL;
    }
}

static void take_over(storing *s)
{
    nb_ctx *ctx = s->ctx;
    for (int n = 0; n < s->nets; n++) take_lists(s, &s->shares[n]);
    for (int i = 0; i < s->plans->count; i++) {
        nb_planned *at = &s->plans->list[i];
        nb_net *inner = nb_net_of(at->layer);
        nb_plan *old = at->layer->plan;
        at->layer->plan = at->plan;
        at->plan = old;
        at->layer->owner = at->owner;
        if (inner) inner->outer = at->owner;
        forget_once(ctx, at->layer);
        nb_layer_fit_tuning(ctx, at->layer);
    }
}

static void drop_share(nb_ctx *ctx, share *of)
{
    nb_free(ctx, of->part, (size_t)of->parts * sizeof *of->part);
    nb_free(ctx, of->param, (size_t)of->params * sizeof *of->param);
    nb_free(ctx, of->buffer, (size_t)of->buffers * sizeof *of->buffer);
    for (int i = 0; i < 3; i++) nb_tensor_release(ctx, of->views[i]);
}

static void finish(storing *s)
{
    for (int n = 0; s->shares && n < s->nets; n++) drop_share(s->ctx, &s->shares[n]);
    nb_free(s->ctx, s->shares, (size_t)s->nets * sizeof *s->shares);
    for (int i = 0; i < 3; i++) nb_tensor_release(s->ctx, s->flat[i]);
    nb_home_release(s->ctx, s->home);
    nb_plans_free(s->ctx, s->plans);
}

nb_status nb_net_store(nb_ctx *ctx, nb_net *net, nb_plans *plans, nb_dtype dtype, uint64_t seed)
{
    storing s = {.ctx = ctx, .net = net, .plans = plans, .dtype = dtype, .seed = seed};
    nb_status status = check_dtypes(&s);
    if (status == NB_OK) status = count_all(&s);
    if (status == NB_OK) status = make_flat(&s);
    if (status == NB_OK) status = fill_all(&s);
    if (status == NB_OK) status = make_shares(&s);
    if (status == NB_OK) take_over(&s);
    finish(&s);
    return status;
}

nb_status nb_net_build(nb_ctx *ctx, nb_net *net, nb_dtype dtype, uint64_t seed)
{
    nb_plans *plans = nb_net_plan_of(ctx, net, &net->layer, dtype);
    return plans ? nb_net_store(ctx, net, plans, dtype, seed) : ctx->status;
}

nb_status nb_net_reset(nb_ctx *ctx, nb_net *net, uint64_t seed)
{
    int first = net->layer.plan->place + 1;
    nb_status status = NB_OK;
    for (int i = 0; i < net->parts && status == NB_OK; i++) {
        nb_plan *plan = net->part[i]->plan;
        status = fill(ctx, NULL, plan, seed, plan->place - first);
    }
    if (status != NB_OK) return status;
    nb_schema_release(ctx, &net->schema);
    for (int i = 0; i < net->parts; i++)
        if (nb_net_of(net->part[i])) nb_schema_release(ctx, &nb_net_of(net->part[i])->schema);
    net->seed = seed;
    return NB_OK;
}
