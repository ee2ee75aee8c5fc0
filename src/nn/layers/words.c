/* embedding: words, whole numbers from 1, become the rows of a table.
 * positions: what says where in the sequence a step stands, added to its features. */
#include "nn/net/plan.h"
#include "nn/net/walk.h"

#include "base/family.h"
#include "tensor/make.h"

#include <stddef.h>

/* A table's rows begin as normal numbers, as PyTorch's do, of the size that waves have: from
 * smaller ones a transformer learned more slowly, for its words were lost beside their positions.
 */
static nb_status plan_table(nb_planner *planner, const nb_layer *layer, nb_plan *plan, int64_t rows,
                            int64_t features)
{
    const int64_t shape[2] = {rows, features};
    const nb_param_plan w = {.name = "w", .dims = 2, .shape = shape};
    nb_param *param = nb_plan_param(planner, layer, plan, &w);
    if (!param) return nb_plan_ctx(planner)->status;
    if (!layer->head.init.type) param->init = nb_init_of(nb_inits[NB_INIT_normal]);
    return NB_OK;
}

/* ---- embedding ------------------------------------------------------------------------------- */

typedef struct embedding_settings {
    nb_layer_head head;
    int64_t words, features;
} embedding_settings;

/* T alone: a vector of fixed length, or a free size. */
static nb_status check_words(nb_ctx *ctx, const nb_plan *plan)
{
    char text[NB_SHAPE_TEXT];
    if (plan->in.dims == 1) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE,
                   "%s: embedding takes steps of one word each, * or a number of them, not %s",
                   plan->where, nb_form_text(&plan->in, text));
}

static nb_status plan_embedding(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    nb_ctx *ctx = nb_plan_ctx(planner);
    const embedding_settings *of = (const embedding_settings *)layer->settings;
    if (check_words(ctx, plan) != NB_OK) return ctx->status;
    plan->out = (nb_form){.reading = NB_STEPS, .dims = 2, .size = {plan->in.size[0], of->features}};
    return plan_table(planner, layer, plan, of->words, of->features);
}

static nb_tensor *forward_embedding(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    nb_tensor *out = nb_op2(walk->ctx, NB_OP_embedding, nb_walk_param(walk, layer, 0), x);
    (void)give;
    if (!out) nb_fail_in(walk->ctx, "%s", layer->plan->where);
    return out;
}

static const nb_option embedding_options[] = {
    {.name = "words",
     .help = "in the vocabulary",
     .range = "a whole number from 1 to 2147483647",
     .low = 1,
     .high = (double)INT32_MAX,
     .kind = NB_INTEGER,
     .place = 1,
     .required = true,
     .offset = offsetof(embedding_settings, words)},
    {.name = "features",
     .help = "of each word's vector",
     .range = "a whole number from 1 to 2147483648",
     .low = 1,
     .high = (double)NB_SIZE_MAX,
     .kind = NB_INTEGER,
     .place = 2,
     .required = true,
     .offset = offsetof(embedding_settings, features)},
    NB_OPTION_INIT("normal"),
    NB_LAYER_PLAIN_OPTIONS,
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_embedding) = {
    .name = "embedding",
    .help = "Words as vectors: word k, counted from 1, becomes row k of w, of shape words × "
            "features. Takes steps of whole numbers.",
    .usage = "embedding WORDS FEATURES [OPTIONS]; nn.embedding{words, features, option =}",
    .example = "net = nn.net \"* - embedding 65 8 - 65 softmax : cross_entropy\"\n"
               "print(net({1, 2, 65}))",
    .samples = "* - embedding 5 3 - 2; 4 - embedding 3 2 - 3 tanh",
    .options = embedding_options,
    .words = true,
    .streaming = NB_STREAM_EACH,
    .plan = plan_embedding,
    .forward = forward_embedding,
};

/* ---- positions ------------------------------------------------------------------------------- */

typedef struct position_settings {
    nb_layer_head head;
    int64_t most; /* rows of the learned table; 0: waves */
} position_settings;

static int64_t most_of(const nb_layer *layer)
{
    return ((const position_settings *)layer->settings)->most;
}

static nb_status plan_positions(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    nb_ctx *ctx = nb_plan_ctx(planner);
    if (nb_plan_steps(planner, layer, plan) != NB_OK) return ctx->status;
    int64_t most = most_of(layer), steps = plan->in.size[0];
    if (!most) return NB_OK;
    if (steps > most)
        return nb_fail(ctx, NB_ESHAPE,
                       "%s: %lld steps come to a table of %lld positions; write positions %lld",
                       plan->where, (long long)steps, (long long)most, (long long)steps);
    return plan_table(planner, layer, plan, most, plan->in.size[1]);
}

static nb_status check_most(nb_walk *walk, const nb_layer *layer, int64_t last)
{
    if (!most_of(layer) || last <= most_of(layer)) return NB_OK;
    return nb_fail(walk->ctx, NB_ESHAPE,
                   "%s: step %lld comes to a table of %lld positions; positions without a number "
                   "take any",
                   layer->plan->where, (long long)last, (long long)most_of(layer));
}

/* The same rows of a table for each of n examples, as words are looked up: (n, steps, features). */
static nb_tensor *rows_of_each(nb_walk *walk, nb_layer *layer, int64_t n, int64_t start,
                               int64_t steps)
{
    nb_ctx *ctx = walk->ctx;
    if (check_most(walk, layer, start + steps) != NB_OK) return NULL;
    nb_tensor *words = nb_tensor_new(ctx, NB_I32, 2, (const int64_t[]){n, steps});
    for (int64_t i = 0; words && i < n * steps; i++)
        ((int32_t *)nb_tensor_data(words))[i] = (int32_t)(start + i % steps) + 1;
    nb_tensor *rows =
        words ? nb_op2(ctx, NB_OP_embedding, nb_walk_param(walk, layer, 0), words) : NULL;
    nb_tensor_release(ctx, words);
    return rows;
}

/* The rows of `steps` positions from `start` on, (steps, features). */
static nb_tensor *rows_at(nb_walk *walk, nb_layer *layer, int64_t start, int64_t steps)
{
    nb_ctx *ctx = walk->ctx;
    const int64_t shape[2] = {steps, layer->plan->in.size[1]};
    if (!most_of(layer)) {
        nb_tensor *waves = nb_tensor_new(ctx, walk->net->dtype, 2, shape);
        return waves ? nb_tensor_settle(ctx, waves, nb_fill_waves(ctx, waves, start)) : NULL;
    }
    if (check_most(walk, layer, start + steps) != NB_OK) return NULL;
    nb_call call = {.op = nb_ops[NB_OP_narrow], .in = {nb_walk_param(walk, layer, 0)}, .inputs = 1};
    call.attr.narrow = (struct nb_attr_narrow){.start = start, .length = steps, .step = 1};
    return nb_op_call(ctx, &call);
}

/* The state is how many steps came before. */
static nb_status count_steps(nb_walk *walk, int64_t count)
{
    if (!walk->mode.state) return NB_OK;
    nb_tensor *state = nb_tensor_scalar(walk->ctx, NB_F64, (double)count);
    nb_status status = state ? nb_walk_remember(walk, state) : walk->ctx->status;
    nb_tensor_release(walk->ctx, state);
    return status;
}

static nb_tensor *forward_positions(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    nb_ctx *ctx = walk->ctx;
    const nb_tensor *state = nb_walk_state(walk);
    int64_t start = state ? (int64_t)nb_tensor_item(state) : 0, steps = x->shape[1];
    (void)give;
    bool each = walk->mode.by_example && most_of(layer);
    nb_tensor *rows = each ? rows_of_each(walk, layer, x->shape[0], start, steps)
                           : rows_at(walk, layer, start, steps);
    nb_tensor *out = rows ? nb_op2(ctx, NB_OP_add, x, rows) : NULL;
    nb_tensor_release(ctx, rows);
    return out ? nb_tensor_settle(ctx, out, count_steps(walk, start + steps)) : NULL;
}

static const nb_option position_options[] = {
    {.name = "most",
     .help = "positions of a learned table; without it waves of many lengths say them all",
     .standard = "waves",
     .range = "a whole number from 1 to 2147483648",
     .low = 1,
     .high = (double)NB_SIZE_MAX,
     .kind = NB_INTEGER,
     .place = 1,
     .offset = offsetof(position_settings, most)},
    NB_OPTION_INIT("normal"),
    NB_LAYER_PLAIN_OPTIONS,
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_positions) = {
    .name = "positions",
    .help = "Adds to each step what says where it stands: waves, sin and cos of the position at "
            "many rates, or of a learned table w, of shape positions × features, its row.",
    .usage = "positions [MOST] [OPTIONS]; nn.positions(), nn.positions{most}",
    .example = "net = nn.net \"* - embedding 65 8 - positions - 65 softmax : cross_entropy\"",
    .samples = "*x4 - positions - 3 tanh; *x4 - positions 4 - 2",
    .options = position_options,
    .streaming = NB_STREAM_STATE,
    .plan = plan_positions,
    .forward = forward_positions,
    .edges = nb_edges_same,
};
