/* A network's life, and what it has. */
#include "nn/net/net.h"

#include "base/memory.h"

#include <string.h>

/* ---- Life ----------------------------------------------------------------------------------- */

nb_net *nb_net_of(const nb_layer *layer)
{
    return layer->type == nb_layer_types[NB_LAYER_net] ? (nb_net *)(uintptr_t)layer : NULL;
}

nb_net *nb_net_new(nb_ctx *ctx)
{
    nb_layer *layer = nb_layer_new(ctx, nb_layer_types[NB_LAYER_net]);
    nb_net *net = layer ? nb_net_of(layer) : NULL;
    if (net) net->cost = nb_cost_make(nb_costs[NB_COST_quadratic]);
    return net;
}

nb_net *nb_net_retain(nb_net *net)
{
    nb_layer_retain(&net->layer);
    return net;
}

void nb_net_release(nb_ctx *ctx, nb_net *net)
{
    if (net) nb_layer_release(ctx, &net->layer);
}

/* What others still hold stands alone from now on. */
void nb_net_let_go(nb_net *net)
{
    for (int i = 0; i < net->parts; i++) {
        nb_layer *layer = net->part[i];
        nb_net *inner = nb_net_of(layer);
        if (inner && inner->outer == net) inner->outer = NULL;
        if (layer->owner == net) layer->owner = NULL;
    }
}

void nb_net_drop_lists(nb_ctx *ctx, nb_net *net)
{
    for (int i = 0; i < net->parts; i++) nb_layer_release(ctx, net->part[i]);
    nb_free(ctx, net->part, (size_t)net->parts * sizeof *net->part);
    nb_free(ctx, net->param, (size_t)net->params * sizeof *net->param);
    nb_free(ctx, net->buffer, (size_t)net->buffers * sizeof *net->buffer);
    nb_tensor_release(ctx, net->values);
    nb_tensor_release(ctx, net->grads);
    nb_tensor_release(ctx, net->figures);
    nb_tensor_release(ctx, net->whole);
    nb_home_release(ctx, net->home);
}

/* ---- What it has ----------------------------------------------------------------------------- */

nb_net *nb_net_root(nb_net *net)
{
    while (net->outer) net = net->outer;
    return net;
}

nb_form nb_net_input(const nb_net *net)
{
    const nb_form *here = net->layer.plan ? &net->layer.plan->in : NULL;
    nb_form form;
    if (!net->in_dims && here) {
        form = nb_form_input(here->dims, here->size);
        form.reading = here->reading;
        return form;
    }
    form = nb_form_input(net->in_dims, net->in_size);
    if (net->in_reading) form.reading = net->in_reading;
    /* Else it would be space to a convolution, and its weights have other sizes there. */
    if (form.reading == NB_OPEN && here && here->reading == NB_STEPS) form.reading = NB_STEPS;
    return form;
}

const nb_form *nb_net_in(const nb_net *net)
{
    return &net->layer.plan->in;
}

const nb_form *nb_net_out(const nb_net *net)
{
    return &net->layer.plan->out;
}

/* The layer that made a free size of another one. */
static const nb_layer *maker_of(const nb_net *net, int64_t identity)
{
    for (int i = 0; i < net->parts; i++) {
        const nb_plan *plan = net->part[i]->plan;
        if (net->part[i]->type->steps && plan->out.size[0] == identity &&
            plan->in.size[0] != identity)
            return net->part[i];
    }
    return NULL;
}

static int64_t steps_at(const nb_net *net, int64_t identity, int64_t steps)
{
    if (identity == nb_net_in(net)->size[0]) return steps;
    const nb_layer *maker = maker_of(net, identity);
    if (!maker) return steps;
    int64_t before = steps_at(net, maker->plan->in.size[0], steps);
    return before < 1 ? before : maker->type->steps(maker, before);
}

int64_t nb_net_steps(const nb_net *net, int64_t steps)
{
    return steps_at(net, nb_net_out(net)->size[0], steps);
}

nb_dtype nb_net_in_dtype(const nb_net *net, nb_dtype given)
{
    bool wide = given == NB_F64 || given == NB_I32;
    if (nb_layer_takes_words(&net->layer)) return NB_I32;
    return net->schema.scale && wide ? NB_F64 : net->dtype;
}

nb_status nb_net_set_scale(nb_ctx *ctx, nb_net *net, nb_scale *scale)
{
    const nb_form *in = nb_net_in(net);
    if (scale && nb_layer_takes_words(&net->layer))
        return nb_fail(ctx, NB_EARG, "the network reads words, which have no scale");
    if (scale && nb_scale_check(ctx, scale, in->dims, in->size) != NB_OK) return ctx->status;
    nb_scale_retain(scale);
    nb_scale_release(ctx, net->schema.scale);
    net->schema.scale = scale;
    return NB_OK;
}

/* Paths begin at the root. */
const char *nb_net_path(const nb_net *net, const nb_plan *plan)
{
    size_t own = strlen(net->layer.plan->path);
    return own ? plan->path + own + 1 : plan->path;
}

int64_t nb_net_count(const nb_net *net)
{
    return net->values->shape[0];
}
