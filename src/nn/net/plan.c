/* Planning a tree: every layer is asked once, at its first place, what it makes of the form that
 * comes to it. */
#include "nn/net/plan.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

struct nb_planner {
    nb_ctx *ctx;
    nb_net *root;
    nb_net *net; /* the innermost network that is being planned */
    nb_plans *plans;
    int64_t frees;                       /* identities of free sizes so far */
    int place;                           /* the next one's number */
    int path[NB_LAYER_DEPTH + 1];        /* of the network's own layers on */
    nb_layer *block[NB_LAYER_DEPTH + 1]; /* that those stand in */
    int before[NB_LAYER_DEPTH + 1];      /* children of each in front of the one under way */
    int depth;
};

/* ---- Plans ---------------------------------------------------------------------------------- */

void nb_plans_free(nb_ctx *ctx, nb_plans *plans)
{
    if (!plans) return;
    for (int i = 0; i < plans->count; i++) nb_plan_drop(ctx, plans->list[i].plan);
    nb_free(ctx, plans->list, (size_t)plans->room * sizeof *plans->list);
    nb_free(ctx, plans, sizeof *plans);
}

static int find_planned(const nb_plans *plans, const nb_layer *layer)
{
    for (int i = 0; i < plans->count; i++)
        if (plans->list[i].layer == layer) return i;
    return -1;
}

static nb_status make_room(nb_planner *p)
{
    nb_plans *plans = p->plans;
    if (plans->count < plans->room) return NB_OK;
    int room = plans->room ? 2 * plans->room : 8;
    size_t size = sizeof *plans->list;
    nb_planned *list =
        nb_resize(p->ctx, plans->list, (size_t)plans->room * size, (size_t)room * size);
    if (!list) return p->ctx->status;
    plans->list = list;
    plans->room = room;
    return NB_OK;
}

/* "3.1" */
static void write_path(const nb_planner *p, char path[NB_PATH_MAX])
{
    size_t used = 0;
    path[0] = '\0';
    for (int i = 0; i < p->depth && used < NB_PATH_MAX; i++)
        used += (size_t)snprintf(path + used, NB_PATH_MAX - used, "%s%d", i ? "." : "", p->path[i]);
}

/* The entry of a layer that is met for the first time; NULL when memory ends. */
static nb_plan *begin_plan(nb_planner *p, nb_layer *layer, const nb_form *in)
{
    nb_plan *plan = make_room(p) == NB_OK ? nb_alloc_zero(p->ctx, 1, sizeof *plan) : NULL;
    if (!plan) return NULL;
    plan->in = *in;
    plan->place = p->place++;
    plan->uses = 1;
    write_path(p, plan->path);
    nb_plan_name(plan, layer->head.name);
    nb_net *owner = layer == &p->root->layer ? NULL : p->net;
    layer->planning = true;
    p->plans->list[p->plans->count++] = (nb_planned){.layer = layer, .plan = plan, .owner = owner};
    return plan;
}

/* What makes steps of features of another form. */
static const char *steps_from(const nb_form *in, char text[NB_SHAPE_TEXT])
{
    int64_t last = in->size[in->dims - 1];
    if (in->reading == NB_STEPS && in->dims == 1) return "put embedding before it";
    if (in->reading == NB_SPACE)
        return "conv goes along steps too, in a network that begins with them, as *x8";
    snprintf(text, NB_SHAPE_TEXT, "write *x%lld for sequences of any length",
             last < 0 ? 8 : (long long)last);
    return text;
}

nb_status nb_plan_steps(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    char text[NB_SHAPE_TEXT], fix[NB_SHAPE_TEXT];
    nb_form *in = &plan->in;
    plan->out = *in;
    plan->out.reading = NB_STEPS;
    if (in->dims != 2 || in->reading == NB_SPACE)
        return nb_fail(planner->ctx, NB_ESHAPE, "%s: %s takes steps of features, not %s%s; %s",
                       plan->where, layer->type->name, in->reading == NB_SPACE ? "the space " : "",
                       nb_form_text(in, text), steps_from(in, fix));
    if (in->size[1] > 0) return NB_OK;
    return nb_fail(planner->ctx, NB_ESHAPE,
                   "%s: %s needs the number of features; the last size of %s is free", plan->where,
                   layer->type->name, nb_form_text(in, text));
}

/* ---- Parameters ----------------------------------------------------------------------------- */

nb_ctx *nb_plan_ctx(const nb_planner *planner)
{
    return planner->ctx;
}

int64_t nb_plan_free(nb_planner *planner)
{
    return -++planner->frees;
}

/* The initialiser in force: the one asked for, else the main activation's. */
static nb_init initialiser(const nb_layer *layer, const nb_plan *plan)
{
    if (layer->head.init.type) return layer->head.init;
    nb_activation main = plan->runs ? nb_runs_main(plan->runs) : layer->head.activation;
    const char *name = main.type && main.type->init ? main.type->init : "lecun";
    const nb_init_type *type = nb_init_find(name);
    return nb_init_of(type ? type : nb_inits[NB_INIT_lecun]);
}

static const nb_param_spec *find_spec(const nb_layer *layer, const char *name)
{
    for (int i = 0; i < layer->specs; i++)
        if (!strcmp(layer->spec[i].name, name)) return &layer->spec[i];
    return NULL;
}

/* Values that a parameter is to begin with have its shape. */
static nb_status take_values(nb_ctx *ctx, const nb_plan *plan, nb_param *param,
                             const nb_param_spec *spec)
{
    char has[NB_SHAPE_TEXT], needs[NB_SHAPE_TEXT];
    const nb_tensor *value = spec->value;
    if (value->dims == param->dims &&
        !memcmp(value->shape, param->shape, (size_t)param->dims * sizeof *param->shape)) {
        param->begin = nb_tensor_retain(spec->value);
        param->once = spec->once;
        return NB_OK;
    }
    if (spec->once) return NB_OK; /* of another size at this place: it is drawn */
    return nb_fail(ctx, NB_ESHAPE, "%s: the value of %s is %s; the parameter is %s", plan->where,
                   param->name, nb_shape_text(value->dims, value->shape, has),
                   nb_shape_text(param->dims, param->shape, needs));
}

/* One more entry of a list of parameters. */
static nb_param *add_param(nb_planner *p, const nb_plan *plan, nb_param **list, int *count,
                           const nb_param_plan *of)
{
    char text[NB_SHAPE_TEXT];
    int64_t elements = nb_shape_count(of->dims, of->shape);
    if (elements < 0)
        return nb_fail_null(p->ctx, NB_ESHAPE, "%s: parameter %s of %s has too many elements",
                            plan->where, of->name, nb_shape_text(of->dims, of->shape, text));
    size_t bytes = (size_t)*count * sizeof **list;
    nb_param *longer = nb_resize(p->ctx, *list, bytes, bytes + sizeof **list);
    if (!longer) return NULL;
    *list = longer;
    nb_param *param = &longer[(*count)++];
    *param = (nb_param){.dims = of->dims, .count = elements, .neuron_dim = of->neuron_dim};
    snprintf(param->name, sizeof param->name, "%s", of->name);
    memcpy(param->shape, of->shape, (size_t)of->dims * sizeof *of->shape);
    return param;
}

/* Connections into and out of a neuron: a weight has its neurons first. */
static void set_fans(nb_param *param)
{
    param->fan_in = param->fan_out = 1;
    for (int i = 1; i < param->dims; i++) param->fan_in *= param->shape[i];
    for (int i = 0; i < param->dims; i++)
        if (i != 1) param->fan_out *= param->shape[i];
}

/* Whether the layer's initialiser says how this parameter begins, the biases behind the weights. */
static bool begins_biases(const nb_layer *layer, const nb_plan *plan, const nb_param *param)
{
    const nb_init_type *init = layer->head.init.type;
    return init && init->biases && param->dims == 1 && param->neuron_dim == 0 && plan->params > 1;
}

nb_param *nb_plan_param(nb_planner *planner, const nb_layer *layer, nb_plan *plan,
                        const nb_param_plan *of)
{
    nb_param *param = add_param(planner, plan, &plan->param, &plan->params, of);
    if (!param) return NULL;
    const nb_param_spec *spec = find_spec(layer, of->name);
    param->decays = !of->init.type;
    param->init = of->init.type ? of->init : initialiser(layer, plan);
    set_fans(param);
    if (begins_biases(layer, plan, param)) {
        param->init = layer->head.init;
        param->fan_in = plan->param[0].fan_in;
    }
    if (spec && spec->init.type) param->init = spec->init;
    bool whole = !spec || !spec->value || take_values(planner->ctx, plan, param, spec) == NB_OK;
    return whole ? param : NULL;
}

/* The weight of a planned layer, its own or the one that it takes. */
static const nb_param *weight_of(const nb_planner *p, const nb_layer *layer)
{
    int at = find_planned(p->plans, layer);
    const nb_plan *plan = p->plans->list[at].plan;
    if (plan->tied) return weight_of(p, plan->tied);
    for (int i = 0; i < plan->params; i++)
        if (!strcmp(plan->param[i].name, "w")) return &plan->param[i];
    return NULL;
}

/* What a layer of units x inputs would have to be for a weight. */
static const char *fit_of(const nb_param *w, int dims, const int64_t *shape,
                          char text[NB_SHAPE_TEXT])
{
    long long units = w->shape[0], inputs = w->shape[1];
    if (w->dims != 2 || dims != 2) return "; only a dense layer's or an embedding's fits";
    if (shape[1] == inputs)
        snprintf(text, NB_SHAPE_TEXT, "; make it %lld units", units);
    else if (shape[0] == units)
        snprintf(text, NB_SHAPE_TEXT, "; give it %lld inputs, not %lld", inputs,
                 (long long)shape[1]);
    else
        snprintf(text, NB_SHAPE_TEXT, "; make it %lld units and give it %lld inputs", units,
                 inputs);
    return text;
}

nb_status nb_plan_tie(nb_planner *planner, nb_plan *plan, const char *name, int dims,
                      const int64_t *shape)
{
    char has[NB_SHAPE_TEXT], needs[NB_SHAPE_TEXT], fix[NB_SHAPE_TEXT];
    nb_ctx *ctx = planner->ctx;
    nb_layer *of = nb_layer_find_name(planner->block, planner->before, planner->depth, name);
    if (!of)
        return nb_fail(ctx, NB_EARG,
                       "%s: tied=%s: no layer before it has the name %s; names are looked for "
                       "beside it and outward, up to its network",
                       plan->where, name, name);
    const nb_param *w = weight_of(planner, of);
    const char *where = planner->plans->list[find_planned(planner->plans, of)].plan->where;
    if (!w)
        return nb_fail(ctx, NB_EARG, "%s: tied=%s: %s has no weight w to take", plan->where, name,
                       where);
    if (w->dims != dims || memcmp(w->shape, shape, (size_t)dims * sizeof *shape))
        return nb_fail(ctx, NB_ESHAPE, "%s: tied=%s: the weight of %s is %s; this layer needs %s%s",
                       plan->where, name, where, nb_shape_text(w->dims, w->shape, has),
                       nb_shape_text(dims, shape, needs), fit_of(w, dims, shape, fix));
    plan->tied = nb_layer_retain(of);
    return NB_OK;
}

nb_param *nb_plan_buffer(nb_planner *planner, const nb_layer *layer, nb_plan *plan,
                         const nb_param_plan *of)
{
    nb_param *buffer = add_param(planner, plan, &plan->buffer, &plan->buffers, of);
    if (!buffer) return NULL;
    const nb_param_spec *spec = find_spec(layer, of->name);
    buffer->init = of->init;
    buffer->fan_in = buffer->fan_out = 1;
    bool whole = !spec || !spec->value || take_values(planner->ctx, plan, buffer, spec) == NB_OK;
    return whole ? buffer : NULL;
}

/* ---- Activations ---------------------------------------------------------------------------- */

/* A layer that is planned again keeps what its neurons have, as far as it has them. */
static nb_status keep_runs(nb_ctx *ctx, const nb_runs *had, nb_runs **runs)
{
    int64_t neurons = nb_runs_neurons(*runs);
    for (int64_t i = 0; i < had->count; i++) {
        const nb_run *run = &had->run[i];
        int64_t count = run->start + run->count < neurons ? run->count : neurons - run->start;
        if (count < 1 || (run->activation.type->whole_layer && count < neurons)) continue;
        nb_runs *changed = nb_runs_with(ctx, *runs, run->start, count, run->activation);
        if (!changed) return ctx->status;
        nb_runs_release(ctx, *runs);
        *runs = changed;
    }
    return NB_OK;
}

static nb_status differ(nb_ctx *ctx, const nb_layer *layer, nb_plan *plan)
{
    for (int64_t i = 0; i < layer->differ_count; i++) {
        const nb_run *run = &layer->differs[i];
        if (run->start + run->count > plan->neurons)
            return nb_fail(ctx, NB_EARG, "%s has neurons 1 to %lld, not %lld", plan->where,
                           (long long)plan->neurons, (long long)(run->start + run->count));
        nb_runs *changed = nb_runs_with(ctx, plan->runs, run->start, run->count, run->activation);
        if (!changed) {
            nb_fail_in(ctx, "%s", plan->where);
            return ctx->status;
        }
        nb_runs_release(ctx, plan->runs);
        plan->runs = changed;
    }
    return NB_OK;
}

nb_status nb_plan_neurons(nb_planner *planner, const nb_layer *layer, nb_plan *plan,
                          int64_t neurons)
{
    nb_ctx *ctx = planner->ctx;
    const nb_runs *had = layer->plan ? layer->plan->runs : NULL;
    nb_activation main = had ? nb_runs_main(had) : layer->head.activation;
    if (!main.type) main = nb_activation_of(nb_activations[NB_ACT_sigmoid]);
    plan->neurons = neurons;
    int behind = plan->out.dims - 1 - nb_form_neuron_dim(&plan->out);
    plan->runs = nb_runs_new(ctx, neurons, behind, main);
    if (!plan->runs) return ctx->status;
    return had ? keep_runs(ctx, had, &plan->runs) : differ(ctx, layer, plan);
}

/* ---- The tree ------------------------------------------------------------------------------- */

static nb_status inside_itself(nb_planner *p, const nb_plan *plan)
{
    return nb_fail(p->ctx, NB_EARG, "%s stands in itself; a network cannot hold itself",
                   plan->place < 0 ? "this network" : plan->where);
}

/* Another place of a layer that was planned: the same parameters must fit. */
static nb_status share(nb_planner *p, nb_planned *of, const nb_form *in, nb_form *out)
{
    char path[NB_PATH_MAX], first[NB_SHAPE_TEXT], here[NB_SHAPE_TEXT];
    nb_plan *plan = of->plan;
    write_path(p, path);
    if (!of->whole) return inside_itself(p, plan);
    if (of->owner != p->net)
        return nb_fail(p->ctx, NB_EARG,
                       "layer %s shares %s of another network; the layers of a network are its own",
                       path, plan->where);
    if (!nb_form_same(&plan->in, in)) {
        nb_form_texts(&plan->in, in, first, here);
        return nb_fail(p->ctx, NB_ESHAPE, "layer %s shares %s, which takes %s; %s comes to it here",
                       path, plan->where, first, here);
    }
    plan->uses++;
    p->place += plan->places;
    *out = plan->out;
    return NB_OK;
}

/* A layer belongs to one network. */
static nb_status check_owner(nb_planner *p, const nb_layer *layer)
{
    char path[NB_PATH_MAX];
    const nb_net *net = nb_net_of(layer);
    write_path(p, path);
    if (layer->planning)
        return nb_fail(p->ctx, NB_EARG,
                       "layer %s is being built into a network, which calls this function; it can "
                       "be part of one only",
                       path);
    if (layer->owner && layer->owner != p->net)
        return nb_fail(p->ctx, NB_EARG,
                       "layer %s is part of another network already (%s there); give this one a "
                       "copy, %s:clone()",
                       path, nb_layer_where(layer), net ? "net" : "layer");
    if (net && net->values && net->values->storage->readers > 0)
        return nb_fail(p->ctx, NB_EARG,
                       "layer %s is a network whose values a gradient still needs; call backward "
                       "first, or let go of what net:record gave",
                       path);
    return NB_OK;
}

static nb_status plan_layer(nb_planner *p, nb_layer *layer, const nb_form *in, nb_form *out)
{
    int found = find_planned(p->plans, layer);
    if (found >= 0) return share(p, &p->plans->list[found], in, out);
    nb_status status = check_owner(p, layer);
    nb_plan *plan = status == NB_OK ? begin_plan(p, layer, in) : NULL;
    if (!plan) return p->ctx->status;
    int at = p->plans->count - 1;
    nb_net *outer = p->net, *net = nb_net_of(layer);
    if (net) p->net = net;
    status = layer->type->plan(p, layer, plan);
    p->net = outer;
    plan->places = p->place - plan->place;
    p->plans->list[at].whole = true;
    *out = plan->out;
    return status;
}

nb_status nb_plan_branch(nb_planner *planner, const nb_layer *block, int b, const nb_form *in,
                         nb_form *out)
{
    nb_form form = *in;
    if (planner->depth > NB_LAYER_DEPTH)
        return nb_fail(planner->ctx, NB_EARG, "layers stand at most %d deep in one another",
                       NB_LAYER_DEPTH);
    nb_status status = NB_OK;
    for (int i = nb_branch_first(block, b); i < nb_branch_end(block, b) && status == NB_OK; i++) {
        planner->block[planner->depth] = (nb_layer *)(uintptr_t)block;
        planner->before[planner->depth] = i;
        planner->path[planner->depth++] = i + 1;
        nb_form next = form;
        status = nb_poll(planner->ctx);
        if (status == NB_OK) status = plan_layer(planner, block->child[i], &form, &next);
        form = next;
        planner->depth--;
    }
    *out = form;
    return status;
}

/* A root's own input, checked. */
static nb_status root_form(nb_ctx *ctx, const nb_net *net, const nb_layer *top, nb_form *form)
{
    char text[NB_SHAPE_TEXT];
    if (top->children < 1) return nb_fail(ctx, NB_EARG, "a network needs at least one layer");
    *form = nb_net_input(net);
    bool whole = form->dims >= 1 && form->dims <= NB_INPUT_DIMS_MAX;
    for (int i = 0; whole && i < form->dims; i++) whole = form->size[i] != 0;
    if (whole && !nb_reading_fits(form->reading, form->dims))
        return nb_fail(ctx, NB_EARG, "an input of %s cannot be %s", nb_form_text(form, text),
                       form->reading == NB_STEPS
                           ? "steps, which are one size, or two, the features last"
                           : "space, which is channels, then one or two extents");
    if (whole && nb_form_count(form) > 0) return NB_OK;
    if (whole)
        return nb_fail(ctx, NB_EARG, "an input of %s has too many elements",
                       nb_form_text(form, text));
    return nb_fail(ctx, NB_EARG, "an input needs 1 to %d sizes of at least 1, not %s",
                   NB_INPUT_DIMS_MAX, nb_shape_text(net->in_dims, net->in_size, text));
}

/* Names stand for layers in notation and files, so each stands for one of a list. */
static nb_status check_names(nb_ctx *ctx, const nb_plans *plans, const nb_layer *top)
{
    for (int p = 0; p < plans->count; p++) {
        const nb_layer *block = p ? plans->list[p].layer : top;
        for (int i = 1; i < block->children; i++) {
            const char *name = block->child[i]->head.name;
            for (int k = 0; *name && k < i; k++)
                if (block->child[k] != block->child[i] && !strcmp(block->child[k]->head.name, name))
                    return nb_fail(ctx, NB_EARG, "layers %d and %d%s%s have the same name, %s",
                                   k + 1, i + 1, plans->list[p].plan->place < 0 ? "" : " of ",
                                   plans->list[p].plan->place < 0 ? "" : plans->list[p].plan->where,
                                   name);
        }
    }
    return NB_OK;
}

static nb_plans *make_plans(nb_ctx *ctx, nb_net *net, const nb_layer *top)
{
    nb_form form, out;
    nb_planner p = {.ctx = ctx, .root = net, .net = net, .place = -1};
    if (root_form(ctx, net, top, &form) != NB_OK) return NULL;
    p.frees = nb_form_frees(&form);
    p.plans = nb_alloc_zero(ctx, 1, sizeof *p.plans);
    nb_plan *plan = p.plans ? begin_plan(&p, &net->layer, &form) : NULL;
    nb_status status = plan ? nb_plan_branch(&p, top, 0, &form, &out) : ctx->status;
    /* A network that grew since it was added to a block is found here. */
    if (status == NB_OK && p.place > NB_LAYER_PLACES) status = nb_too_many_layers(ctx);
    if (status == NB_OK) {
        plan->out = out;
        plan->places = p.place + 1;
        p.plans->list[0].whole = true;
        status = check_names(ctx, p.plans, top);
    }
    for (int i = 0; p.plans && i < p.plans->count; i++) p.plans->list[i].layer->planning = false;
    if (status == NB_OK) return p.plans;
    nb_plans_free(ctx, p.plans);
    return NULL;
}

nb_plans *nb_net_plan_of(nb_ctx *ctx, nb_net *net, const nb_layer *top, nb_dtype dtype)
{
    nb_dtype standard = ctx->dtype;
    /* A function of the host is tried with zeros of the net's dtype, and may make tensors of its
     * own. */
    ctx->dtype = dtype;
    nb_plans *plans = make_plans(ctx, net, top);
    ctx->dtype = standard;
    return plans;
}

nb_plans *nb_net_plan(nb_ctx *ctx, nb_net *net)
{
    return nb_net_plan_of(ctx, net, &net->layer, ctx->dtype);
}
