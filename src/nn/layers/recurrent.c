/* rnn, lstm, gru: layers that go through a sequence step by step and hand a state on. Each layer
 * and direction is one op over the whole sequence (grad/ops/recurrent.c), or, for who looks inside,
 * unrolled. */
#include "nn/layers/unrolled.h"
#include "nn/net/plan.h"

#include "base/family.h"
#include "nn/price.h"
#include "nn/sums.h"
#include "tensor/shape.h"

#include <stddef.h>
#include <stdio.h>

typedef struct recurrent_settings {
    nb_layer_head head;
    int64_t units;
    int64_t layers;
    bool both;
    bool last;
} recurrent_settings;

enum { LAYERS_MOST = 64 };

/* What the types differ in. */
typedef struct cell_kind {
    nb_op_id op;
    int gates;
    int states;           /* tensors of its state: h, and c of lstm */
    bool inner_bias;      /* bh */
    int forget;           /* the gate whose bias begins with 1, from 0; -1: none */
    const char *names[4]; /* of the gates */
} cell_kind;

static const cell_kind kinds[] = {
    {.op = NB_OP_rnn, .gates = 1, .states = 1, .forget = -1, .names = {"unit"}},
    {.op = NB_OP_lstm,
     .gates = 4,
     .states = 2,
     .forget = 1,
     .names = {"input", "forget", "cell", "output"}},
    {.op = NB_OP_gru,
     .gates = 3,
     .states = 1,
     .inner_bias = true,
     .forget = -1,
     .names = {"reset", "update", "new"}},
};

static const recurrent_settings *settings_of(const nb_layer *layer)
{
    return (const recurrent_settings *)layer->settings;
}

static const cell_kind *kind_of(const nb_layer *layer)
{
    return &kinds[layer->type == nb_layer_types[NB_LAYER_rnn]    ? 0
                  : layer->type == nb_layer_types[NB_LAYER_lstm] ? 1
                                                                 : 2];
}

static int params_each(const cell_kind *kind)
{
    return kind->inner_bias ? 4 : 3;
}

/* ---- The plan -------------------------------------------------------------------------------- */

/* Its one op takes built-in functions of one number, the same for all units. */
static nb_status accept_activation(nb_ctx *ctx, const nb_layer *layer, const nb_plan *plan,
                                   nb_activation activation)
{
    const nb_activation_type *type = activation.type;
    if (layer->differ_count)
        return nb_fail(ctx, NB_EARG, "%s: %s has one activation for all of its units", plan->where,
                       layer->type->name);
    if (!type || (!type->host && !type->whole_layer)) return NB_OK;
    return nb_fail(ctx, NB_EARG,
                   "%s: the activation of %s is a built-in one that works on each unit alone, such "
                   "as tanh or relu, not %s",
                   plan->where, layer->type->name, type->name);
}

/* "wx_2_back" */
static void param_name(char name[NB_NAME_MAX], const char *word, int64_t layer, bool back)
{
    int used = snprintf(name, NB_NAME_MAX, "%s", word);
    if (layer > 0)
        used += snprintf(name + used, (size_t)(NB_NAME_MAX - used), "_%lld", (long long)layer + 1);
    if (back) snprintf(name + used, (size_t)(NB_NAME_MAX - used), "_back");
}

/* Zeros, but 1 for the forget gate: what a cell holds stays at first (Jozefowicz and others 2015).
 */
static nb_status begin_bias(nb_ctx *ctx, const cell_kind *kind, int64_t units, nb_param *param)
{
    if (kind->forget < 0 || param->begin) return NB_OK;
    nb_tensor *begin = nb_tensor_zeros(ctx, ctx->dtype, 1, param->shape);
    nb_tensor *gate =
        begin ? nb_tensor_narrow(ctx, begin, 0, kind->forget * units, units, 1) : NULL;
    nb_status status = gate ? nb_tensor_fill(ctx, gate, 1) : ctx->status;
    nb_tensor_release(ctx, gate);
    param->begin = nb_tensor_settle(ctx, begin, status);
    return status;
}

/* A weight: uniform up to 1 / √units, unless the layer was told otherwise. */
static nb_param *plan_weight(nb_planner *planner, const nb_layer *layer, nb_plan *plan,
                             const char *name, const int64_t *shape)
{
    nb_param_plan of = {.name = name, .dims = 2, .shape = shape, .neuron_dim = -1};
    if (!layer->head.init.type) of.init = nb_init_of(nb_inits[NB_INIT_uniform]);
    nb_param *param = nb_plan_param(planner, layer, plan, &of);
    if (!param) return NULL;
    param->decays = true;
    if (!layer->head.init.type) param->fan_in = settings_of(layer)->units;
    return param;
}

/* wx wh b, and bh, of one layer and direction with `inputs` inputs. */
static nb_status plan_direction(nb_planner *planner, const nb_layer *layer, nb_plan *plan,
                                int64_t number, bool back, int64_t inputs)
{
    nb_ctx *ctx = nb_plan_ctx(planner);
    const cell_kind *kind = kind_of(layer);
    char name[NB_NAME_MAX];
    int64_t units = settings_of(layer)->units, across = units * kind->gates;
    nb_param_plan bias = {.name = name, .dims = 1, .shape = &across, .neuron_dim = -1};
    bias.init = nb_init_of(nb_inits[NB_INIT_zeros]);
    param_name(name, "wx", number, back);
    if (!plan_weight(planner, layer, plan, name, (const int64_t[]){across, inputs}))
        return ctx->status;
    param_name(name, "wh", number, back);
    if (!plan_weight(planner, layer, plan, name, (const int64_t[]){across, units}))
        return ctx->status;
    param_name(name, "b", number, back);
    nb_param *param = nb_plan_param(planner, layer, plan, &bias);
    if (!param || begin_bias(ctx, kind, units, param) != NB_OK) return ctx->status;
    if (!kind->inner_bias) return NB_OK;
    param_name(name, "bh", number, back);
    bias.shape = &units;
    return nb_plan_param(planner, layer, plan, &bias) ? NB_OK : ctx->status;
}

static nb_status plan_recurrent(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    nb_ctx *ctx = nb_plan_ctx(planner);
    const recurrent_settings *settings = settings_of(layer);
    nb_status status = nb_plan_steps(planner, layer, plan);
    if (status == NB_OK) status = accept_activation(ctx, layer, plan, layer->head.activation);
    int64_t inputs = plan->in.size[1], given = settings->units * (settings->both ? 2 : 1);
    if (settings->last)
        plan->out = nb_form_vector(given);
    else
        plan->out = (nb_form){.reading = NB_STEPS, .dims = 2, .size = {plan->in.size[0], given}};
    for (int64_t l = 0; l < settings->layers && status == NB_OK; l++, inputs = given) {
        status = plan_direction(planner, layer, plan, l, false, inputs);
        if (status == NB_OK && settings->both)
            status = plan_direction(planner, layer, plan, l, true, inputs);
    }
    return status;
}

/* ---- Forward --------------------------------------------------------------------------------- */

/* One pass through the layer's own layers. */
typedef struct recurrent_pass {
    nb_walk *walk;
    nb_layer *layer;
    const cell_kind *kind;
    nb_tensor *before; /* (layers states, n, units): the state of this place, or NULL */
    nb_tensor *after[LAYERS_MOST];
    nb_tensor *lengths; /* or NULL */
} recurrent_pass;

static struct nb_attr_recurrent attr_of(const nb_layer *layer, bool back, bool last)
{
    nb_activation f = layer->head.activation;
    struct nb_attr_recurrent attr = {.kernel = NB_U_tanh, .back = back, .last = last};
    if (!f.type) return attr;
    attr.kernel = f.type->kernel;
    attr.p = f.number[0];
    attr.q = f.number[1];
    return attr;
}

/* The same with its gates in sight. */
static nb_tensor *open_direction(recurrent_pass *pass, nb_tensor *x, int first, bool back,
                                 bool last)
{
    nb_tensor *param[4] = {NULL};
    int count = params_each(pass->kind);
    for (int i = 0; i < count; i++) param[i] = nb_walk_param(pass->walk, pass->layer, first + i);
    const nb_unrolled of = {.walk = pass->walk,
                            .layer = pass->layer,
                            .op = pass->kind->op,
                            .family = first / count * pass->kind->gates,
                            .units = settings_of(pass->layer)->units,
                            .wx = param[0],
                            .wh = param[1],
                            .b = param[2],
                            .bh = param[3],
                            .activation = pass->layer->head.activation,
                            .back = back,
                            .last = last,
                            .lengths = pass->lengths};
    return nb_unroll(&of, x);
}

/* One layer in one direction; its parameters begin at number `first`. */
static nb_tensor *run_direction(recurrent_pass *pass, nb_tensor *x, int64_t number, int first,
                                bool back, bool last)
{
    nb_ctx *ctx = pass->walk->ctx;
    int states = pass->kind->states, count = params_each(pass->kind);
    nb_tensor *before = NULL;
    if (nb_walk_opens(pass->walk, pass->layer)) return open_direction(pass, x, first, back, last);
    nb_call call = {.op = nb_ops[pass->kind->op], .in = {x}, .inputs = 1 + count};
    for (int i = 0; i < count; i++)
        call.in[1 + i] = nb_walk_param(pass->walk, pass->layer, first + i);
    call.attr.recurrent = attr_of(pass->layer, back, last);
    call.attr.recurrent.state = pass->walk->mode.state && !back;
    if (pass->lengths) call.in[call.inputs++] = pass->lengths;
    if (pass->before && !back) {
        before = nb_tensor_narrow(ctx, pass->before, 0, number * states, states, 1);
        if (!before) return NULL;
        call.in[call.inputs++] = before;
    }
    nb_tensor *out = nb_op_call(ctx, &call);
    if (out && call.attr.recurrent.state) pass->after[number] = call.more[0];
    nb_tensor_release(ctx, before);
    return out;
}

/* One layer: what both directions give side by side. */
static nb_tensor *run_layer(recurrent_pass *pass, nb_tensor *x, int64_t number)
{
    nb_ctx *ctx = pass->walk->ctx;
    const recurrent_settings *settings = settings_of(pass->layer);
    bool last = settings->last && number == settings->layers - 1;
    int each = params_each(pass->kind), first = (int)number * each * (settings->both ? 2 : 1);
    nb_tensor *side[2] = {run_direction(pass, x, number, first, false, last), NULL};
    if (!side[0] || !settings->both) return side[0];
    side[1] = run_direction(pass, x, number, first + each, true, last);
    nb_tensor *out = side[1] ? nb_op_cat(ctx, side, 2, side[0]->dims - 1) : NULL;
    nb_tensor_release(ctx, side[0]);
    nb_tensor_release(ctx, side[1]);
    return out;
}

/* Keeps the states of all layers where the pass has a memory. */
static nb_status remember(recurrent_pass *pass)
{
    nb_ctx *ctx = pass->walk->ctx;
    int64_t layers = settings_of(pass->layer)->layers;
    if (!pass->walk->mode.state) return NB_OK;
    nb_tensor *all = nb_op_cat(ctx, pass->after, (size_t)layers, 0);
    nb_status status = all ? nb_walk_remember(pass->walk, all) : ctx->status;
    nb_tensor_release(ctx, all);
    return status;
}

static nb_tensor *forward(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    nb_ctx *ctx = walk->ctx;
    int64_t layers = settings_of(layer)->layers;
    recurrent_pass pass = {.walk = walk, .layer = layer, .kind = kind_of(layer)};
    (void)give;
    pass.before = nb_walk_state(walk);
    pass.lengths = nb_walk_lengths(walk, layer->plan->in.size[0]);
    nb_tensor *at = nb_tensor_retain(x);
    for (int64_t l = 0; l < layers && at; l++) {
        nb_tensor *next = run_layer(&pass, at, l);
        nb_tensor_release(ctx, at);
        at = next;
    }
    nb_status status = at ? remember(&pass) : ctx->status;
    for (int64_t l = 0; l < layers; l++) nb_tensor_release(ctx, pass.after[l]);
    return nb_tensor_settle(ctx, at, status);
}

static const char *whole(const nb_layer *layer)
{
    return settings_of(layer)->both ? "reads each sequence from its end too (both)" : NULL;
}

/* Each direction keeps its states, the gates (gru the inner sum too) and what came in, and gives
 * its output. */
static nb_price price(const nb_layer *layer)
{
    const recurrent_settings *settings = settings_of(layer);
    const cell_kind *kind = kind_of(layer);
    double steps = layer->plan->in.size[0] > 0 ? (double)layer->plan->in.size[0] : 1;
    double units = (double)settings->units, sides = settings->both ? 2 : 1;
    double inputs = (double)layer->plan->in.size[1];
    double each = units * (kind->states + kind->gates + kind->inner_bias + 1);
    nb_price sum = {.products = nb_price_products(layer, steps)};
    for (int64_t l = 0; l < settings->layers; l++, inputs = sides * units)
        sum.kept += sides * steps * (each + inputs);
    return sum;
}

/* ---- z = w a + b: a family for each gate of each layer and direction --------------------------
 */

static int families(const nb_layer *layer)
{
    const recurrent_settings *settings = settings_of(layer);
    return (int)settings->layers * (settings->both ? 2 : 1) * kind_of(layer)->gates;
}

/* Which layer, direction and gate a family is. */
typedef struct gate_place {
    int64_t number;
    bool back;
    int gate;
} gate_place;

static gate_place gate_at(const nb_layer *layer, int i)
{
    int gates = kind_of(layer)->gates, sides = settings_of(layer)->both ? 2 : 1;
    return (gate_place){i / gates / sides, i / gates % sides == 1, i % gates};
}

/* The units of an rnn of one layer and direction go by their numbers. */
static nb_neurons family(const nb_layer *layer, int i)
{
    const recurrent_settings *settings = settings_of(layer);
    gate_place at = gate_at(layer, i);
    int64_t given = settings->units * (settings->both ? 2 : 1);
    int64_t inputs = at.number > 0 ? given : layer->plan->in.size[1];
    nb_neurons of = {.count = settings->units, .inputs = inputs + settings->units};
    if (families(layer) > 1)
        param_name(of.name, kind_of(layer)->names[at.gate], at.number, at.back);
    return of;
}

/* Of the state's own bias, bh, only the neurons of gru's `new` have one. */
static int stretches(const nb_layer *layer, int i, int64_t k, nb_stretch out[NB_STRETCHES])
{
    static const char *const names[] = {"wx", "wh", "b", "bh"};
    const cell_kind *kind = kind_of(layer);
    gate_place at = gate_at(layer, i);
    int64_t row = at.gate * settings_of(layer)->units + k;
    int count = kind->inner_bias && at.gate == kind->gates - 1 ? 4 : 3;
    for (int p = 0; p < count; p++) {
        out[p] = (nb_stretch){.bias = p > 1, .dims = 1, .start = {p == 3 ? k : row}, .count = {1}};
        param_name(out[p].param, names[p], at.number, at.back);
    }
    return count;
}

static const nb_sums_type sums = {families, family, stretches, NULL};

/* ---- The descriptors ------------------------------------------------------------------------- */

#define UNITS_OPTION                                                                               \
    {                                                                                              \
        .name = "units", .help = "numbers of its state, and of its output",                        \
        .range = "a whole number from 1 to 2147483648", .low = 1, .high = (double)NB_SIZE_MAX,     \
        .kind = NB_INTEGER, .place = 1, .required = true,                                          \
        .offset = offsetof(recurrent_settings, units)                                              \
    }
#define RECURRENT_OPTIONS                                                                          \
    {.name = "layers",                                                                             \
     .help = "so many, each over what the one before gives",                                       \
     .range = "a whole number from 1 to 64",                                                       \
     .value = 1,                                                                                   \
     .low = 1,                                                                                     \
     .high = LAYERS_MOST,                                                                          \
     .kind = NB_INTEGER,                                                                           \
     .offset = offsetof(recurrent_settings, layers)},                                              \
        {.name = "both",                                                                           \
         .help = "a second direction, from each sequence's end, beside the first",                 \
         .kind = NB_BOOLEAN,                                                                       \
         .offset = offsetof(recurrent_settings, both)},                                            \
        {.name = "last",                                                                           \
         .help = "give only what stands at the end; of the second direction that is the first "    \
                 "step",                                                                           \
         .kind = NB_BOOLEAN,                                                                       \
         .offset = offsetof(recurrent_settings, last)},                                            \
        {.name = "init",                                                                           \
         .help = "how the weights begin",                                                          \
         .standard = "uniform up to 1 / √units",                                                   \
         .kind = NB_CHOSEN,                                                                        \
         .family = &nb_init_family,                                                                \
         .offset = offsetof(nb_layer_head, init)},                                                 \
        NB_LAYER_PLAIN_OPTIONS, NB_OPTIONS_END

static const nb_option rnn_options[] = {
    UNITS_OPTION,
    {.name = "activation",
     .help = "a built-in one that works on each unit alone",
     .standard = "tanh",
     .kind = NB_CHOSEN,
     .family = &nb_activation_family,
     .offset = offsetof(nb_layer_head, activation)},
    RECURRENT_OPTIONS,
};

static const nb_option gated_options[] = {UNITS_OPTION, RECURRENT_OPTIONS};

NB_DESCRIPTOR(nb_layer_type, nb_layer_rnn) = {
    .name = "rnn",
    .help = "A recurrent layer: h = f(x wxᵀ + h whᵀ + b), step by step, h what the step before "
            "gave.",
    .usage = "rnn UNITS [ACTIVATION] [layers=] [both] [last] [OPTIONS]; nn.rnn{units, option =, …}",
    .example = "nn.net \"*x3 - rnn 8 relu - 2\"",
    .samples = "*x3 - rnn 4 - 2; *x3 - rnn 3 softplus layers=2 both - 2; *x3 - rnn 2 last",
    .options = rnn_options,
    .accepts = accept_activation,
    .gradual = true,
    .streaming = NB_STREAM_STATE,
    .whole = whole,
    .price = price,
    .sums = &sums,
    .plan = plan_recurrent,
    .forward = forward,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_lstm) = {
    .name = "lstm",
    .help = "A recurrent layer that remembers long: gates i f g o of x wxᵀ + h whᵀ + b, cells "
            "c = f c + i g, output h = o tanh(c). Its forget gates' biases begin with 1.",
    .usage = "lstm UNITS [layers=] [both] [last] [OPTIONS]; nn.lstm{units, option =, …}",
    .example = "nn.net \"*x3 - lstm 8 both last - 2 softmax : cross_entropy\"",
    .samples = "*x3 - lstm 4 - 2; *x3 - lstm 3 layers=2 both - 2; *x3 - lstm 2 last",
    .options = gated_options,
    .gradual = true,
    .streaming = NB_STREAM_STATE,
    .whole = whole,
    .price = price,
    .sums = &sums,
    .plan = plan_recurrent,
    .forward = forward,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_gru) = {
    .name = "gru",
    .help = "A recurrent layer with gates r z and n = tanh(x wxᵀ + b + r (h whᵀ + bh)), of which "
            "h = (1 - z) n + z h.",
    .usage = "gru UNITS [layers=] [both] [last] [OPTIONS]; nn.gru{units, option =, …}",
    .example = "nn.net \"*x3 - gru 8 layers=2 - 2\"",
    .samples = "*x3 - gru 4 - 2; *x3 - gru 3 layers=2 both - 2; *x3 - gru 2 last",
    .options = gated_options,
    .gradual = true,
    .streaming = NB_STREAM_STATE,
    .whole = whole,
    .price = price,
    .sums = &sums,
    .plan = plan_recurrent,
    .forward = forward,
};
