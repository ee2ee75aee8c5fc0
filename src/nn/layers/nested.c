/* net: a network as a layer. At the top it is the network itself; in another it is one place. */
#include "nn/net/plan.h"
#include "nn/net/walk.h"

#include "base/family.h"
#include "nn/price.h"

#include <stddef.h>
#include <string.h>

static void free_net(nb_ctx *ctx, nb_layer *layer)
{
    nb_net *net = nb_net_of(layer);
    nb_net_let_go(net);
    nb_schema_release(ctx, &net->schema);
    nb_net_drop_lists(ctx, net);
}

static void copy_net(nb_layer *copy, const nb_layer *of)
{
    nb_net *to = nb_net_of(copy);
    const nb_net *from = nb_net_of(of);
    to->in_dims = from->in_dims;
    memcpy(to->in_size, from->in_size, sizeof to->in_size);
    to->in_reading = from->in_reading;
    to->cost = from->cost;
    to->schema = nb_schema_retain(&from->schema);
    to->seed = from->seed;
}

/* What the network says of its own input holds at its place too. */
static nb_status check_input(nb_ctx *ctx, const nb_net *net, const nb_plan *plan)
{
    char own[NB_SHAPE_TEXT], here[NB_SHAPE_TEXT];
    if (!net->in_dims) return NB_OK;
    nb_form wanted = nb_form_input(net->in_dims, net->in_size);
    if (net->in_reading) wanted.reading = net->in_reading;
    bool fits = wanted.dims == plan->in.dims;
    bool read = wanted.dims > 1 && wanted.reading != NB_OPEN && plan->in.reading != NB_OPEN;
    if (read && wanted.reading != plan->in.reading) fits = false;
    for (int i = 0; fits && i < wanted.dims; i++)
        fits = wanted.size[i] < 0 || wanted.size[i] == plan->in.size[i];
    if (fits) return NB_OK;
    nb_form_texts(&wanted, &plan->in, own, here);
    return nb_fail(ctx, NB_ESHAPE, "%s: the network takes %s; %s comes to it here", plan->where,
                   own, here);
}

static nb_status plan_net(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    nb_ctx *ctx = nb_plan_ctx(planner);
    if (!layer->children)
        return nb_fail(ctx, NB_EARG, "%s: net needs at least one layer in its brackets",
                       plan->where);
    nb_status status = check_input(ctx, nb_net_of(layer), plan);
    return status == NB_OK ? nb_plan_branch(planner, layer, 0, &plan->in, &plan->out) : status;
}

static nb_tensor *forward_net(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    nb_tensor *seen = nb_schema_seen(walk->ctx, &nb_net_of(layer)->schema, x, walk->net->dtype);
    nb_tensor *out = seen ? nb_walk_branch(walk, layer, 0, seen, give) : NULL;
    nb_tensor_release(walk->ctx, seen);
    return out;
}

/* What it gives is its last layer's. */
static nb_price price(const nb_layer *layer)
{
    return nb_price_of_output(layer, 0);
}

static const nb_option options[] = {
    NB_LAYER_PLAIN_OPTIONS,
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_net) = {
    .name = "net",
    .help = "A network that stands in another as one layer; it still trains alone.",
    .usage = "net[LAYERS] [OPTIONS]; in a table, a network: nn.net{4, inner, 2}",
    .example = "inner = nn.net \"4 - 3\"\nouter = nn.net{4, inner, 2}\nprint(outer)",
    .samples = "3 - net[4 tanh - 2] - 2",
    .options = options,
    .branches = 1,
    .bytes = sizeof(nb_net),
    .free = free_net,
    .copy = copy_net,
    .streaming = NB_STREAM_EACH,
    .price = price,
    .plan = plan_net,
    .forward = forward_net,
};
