/* Blocks: layers that are made of branches of others. An empty branch is the identity.
 *
 *   residual[f]      x + f(x)          residual[f | g]   f(x) + g(x)
 *   parallel[f | g]  f(x) and g(x) side by side */
#include "nn/net/plan.h"
#include "nn/net/walk.h"

#include "base/family.h"
#include "base/memory.h"

#include <stdio.h>

/* ---- What both check ------------------------------------------------------------------------- */

/* An open form could be read in two ways, so nobody can say what is to be added or joined. */
static nb_status check_open(nb_ctx *ctx, const nb_plan *plan, const char *name)
{
    char readings[NB_READINGS_TEXT];
    int as = NB_AS_VECTOR | NB_AS_STEPS | NB_AS_SPACE;
    if (plan->in.reading != NB_OPEN) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "%s: %s takes a vector, steps of features or space; %s",
                   plan->where, name, nb_form_readings(&plan->in, as, readings));
}

static nb_status check_branches(nb_ctx *ctx, const nb_layer *layer, const nb_plan *plan)
{
    const char *name = layer->type->name;
    if (!layer->children)
        return nb_fail(ctx, NB_EARG, "%s: %s needs at least one layer in its brackets", plan->where,
                       name);
    return check_open(ctx, plan, name);
}

/* "branch 2 (up to layer 3.4)": a branch by where it ends. */
enum { BRANCH_TEXT = NB_PATH_MAX + 48 };
static const char *branch_text(const nb_layer *block, const nb_plan *plan, int b,
                               char text[BRANCH_TEXT])
{
    int end = nb_branch_end(block, b);
    if (end > nb_branch_first(block, b))
        snprintf(text, BRANCH_TEXT, "branch %d (up to layer %s.%d)", b + 1, plan->path, end);
    else
        snprintf(text, BRANCH_TEXT, "branch %d (empty)", b + 1);
    return text;
}

static nb_status misfit(nb_ctx *ctx, const nb_layer *block, const nb_plan *plan, int b,
                        const nb_form *first, const nb_form *here, const char *fix)
{
    char one[NB_SHAPE_TEXT], other[NB_SHAPE_TEXT], name[BRANCH_TEXT], other_name[BRANCH_TEXT];
    nb_form_texts(first, here, one, other);
    return nb_fail(ctx, NB_ESHAPE, "%s: %s gives %s, %s %s; %s", plan->where,
                   branch_text(block, plan, 0, name), one, branch_text(block, plan, b, other_name),
                   other, fix);
}

/* ---- residual -------------------------------------------------------------------------------- */

static nb_status plan_residual(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    nb_ctx *ctx = nb_plan_ctx(planner);
    char in[NB_SHAPE_TEXT], added[NB_SHAPE_TEXT], out[NB_SHAPE_TEXT];
    nb_form other = plan->in;
    nb_status status = check_branches(ctx, layer, plan);
    if (status == NB_OK) status = nb_plan_branch(planner, layer, 0, &plan->in, &plan->out);
    if (status == NB_OK && layer->branches == 2)
        status = nb_plan_branch(planner, layer, 1, &plan->in, &other);
    if (status != NB_OK || nb_form_same(&plan->out, &other)) return status;
    if (layer->branches == 2)
        return misfit(ctx, layer, plan, 1, &plan->out, &other,
                      "residual adds them, so they must be equal");
    nb_form_texts(&plan->in, &plan->out, added, out);
    return nb_fail(ctx, NB_ESHAPE,
                   "%s: residual adds its input, %s, to what its layers give, %s; end them with a "
                   "layer of %s, or give the input a branch of its own: residual[… | …]",
                   plan->where, added, out, nb_form_text(&plan->in, in));
}

/* f(x) + g(x), g the identity where there is one branch. */
static nb_tensor *forward_residual(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    nb_ctx *ctx = walk->ctx;
    (void)give;
    nb_tensor *f = nb_walk_branch(walk, layer, 0, x, NB_GIVE_A);
    nb_tensor *g = !f                     ? NULL
                   : layer->branches == 2 ? nb_walk_branch(walk, layer, 1, x, NB_GIVE_A)
                                          : nb_tensor_retain(x);
    nb_tensor *sum = g ? nb_op2(ctx, NB_OP_add, f, g) : NULL;
    nb_tensor_release(ctx, f);
    nb_tensor_release(ctx, g);
    return sum;
}

/* ---- parallel -------------------------------------------------------------------------------- */

/* The dimension of an example along which branches are joined: channels of space, else the last. */
static int joint(const nb_form *form)
{
    return form->reading == NB_SPACE ? 0 : form->dims - 1;
}

/* Adds what one more branch gives; all but the joint must be equal. */
static nb_status join_form(nb_ctx *ctx, const nb_layer *layer, nb_plan *plan, int b,
                           const nb_form *first, const nb_form *here)
{
    nb_form same = *here;
    int at = joint(first);
    if (here->dims == first->dims && here->size[at] > 0 && first->size[at] > 0) {
        same.size[at] = first->size[at];
        if (nb_form_same(first, &same)) {
            plan->out.size[at] += here->size[at];
            return NB_OK;
        }
    }
    return misfit(ctx, layer, plan, b, first, here,
                  "parallel joins them side by side, so all other sizes must be equal");
}

static nb_status plan_parallel(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    nb_ctx *ctx = nb_plan_ctx(planner);
    nb_form first = plan->in;
    nb_status status = check_branches(ctx, layer, plan);
    if (status == NB_OK) status = nb_plan_branch(planner, layer, 0, &plan->in, &first);
    plan->out = first;
    for (int b = 1; b < layer->branches && status == NB_OK; b++) {
        nb_form here = plan->in;
        status = nb_plan_branch(planner, layer, b, &plan->in, &here);
        if (status == NB_OK) status = join_form(ctx, layer, plan, b, &first, &here);
    }
    return status;
}

static nb_tensor *forward_parallel(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    nb_ctx *ctx = walk->ctx;
    size_t bytes = (size_t)layer->branches * sizeof(nb_tensor *);
    nb_tensor **piece = nb_alloc(ctx, bytes), *out = NULL;
    int made = 0;
    (void)give;
    if (!piece) return NULL;
    for (; made < layer->branches; made++) {
        piece[made] = nb_walk_branch(walk, layer, made, x, NB_GIVE_A);
        if (!piece[made]) break;
    }
    if (made == layer->branches)
        out = nb_op_cat(ctx, piece, (size_t)made, 1 + joint(&layer->plan->out));
    for (int i = 0; i < made; i++) nb_tensor_release(ctx, piece[i]);
    nb_free(ctx, piece, bytes);
    return out;
}

/* ---- The descriptors ------------------------------------------------------------------------- */

static const nb_option options[] = {
    NB_LAYER_PLAIN_OPTIONS,
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_residual) = {
    .name = "residual",
    .help = "Adds its input to what its layers make of it, x + f(x); of two branches, f(x) + g(x).",
    .usage = "residual[LAYERS] or residual[LAYERS | LAYERS]; nn.residual{layers…} or "
             "nn.residual{{…}, {…}}",
    .example = "nn.net \"8 - residual[16 relu - 8 linear] - 2\"",
    .samples = "3 - residual[4 tanh - 3] - 2; *x3 - residual[2 | 2 tanh] - 2",
    .options = options,
    .branches = 2,
    .streaming = NB_STREAM_EACH,
    .plan = plan_residual,
    .adds = true,
    .forward = forward_residual,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_parallel) = {
    .name = "parallel",
    .help =
        "Gives its input to several branches and puts what they make of it side by side; an empty "
        "branch gives the input itself.",
    .usage = "parallel[LAYERS | LAYERS …]; nn.parallel{{layers…}, {layers…}, …}",
    .example = "nn.net \"8 - parallel[16 relu | 4 tanh |] - 2\"",
    .samples = "3 - parallel[2 tanh | | 4] - 2",
    .options = options,
    .branches = 1000,
    .streaming = NB_STREAM_EACH,
    .plan = plan_parallel,
    .forward = forward_parallel,
};
