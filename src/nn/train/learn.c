/* One step of a network's learning: evaluation, then the update. */
#include "nn/train/learn.h"

#include "base/memory.h"

#include <string.h>

typedef struct task {
    nb_net *net;
    const nb_lesson *lesson;
} task;

static nb_status evaluate(nb_ctx *ctx, void *self, double *cost)
{
    const task *t = self;
    return nb_net_backprop(ctx, t->net, t->lesson->x, t->lesson->y, cost);
}

static int count_params(const nb_net *net)
{
    int count = 0;
    for (int l = 0; l < net->layers; l++) count += net->layer[l].params;
    return count;
}

/* How a parameter learns; its count is yet to be set. */
static nb_segment segment_of(const nb_param *param)
{
    return (nb_segment){.start = param->start, .factor = 1, .decays = param->weight};
}

/* The network as a problem; problem->segment is the caller's to free. */
static nb_status pose(nb_ctx *ctx, task *t, nb_problem *problem)
{
    nb_net *net = t->net;
    size_t params = (size_t)count_params(net);
    *problem = (nb_problem){.dtype = net->dtype,
                            .count = nb_net_count(net),
                            .values = nb_tensor_data(net->params),
                            .gradient = nb_tensor_data(net->grads),
                            .rate = t->lesson->rate,
                            .evaluate = evaluate,
                            .self = t};
    problem->segment = nb_alloc(ctx, params * sizeof *problem->segment);
    if (!problem->segment) return ctx->status;
    for (int l = 0; l < net->layers; l++)
        for (int i = 0; i < net->layer[l].params; i++) {
            const nb_param *param = &net->layer[l].param[i];
            nb_segment *segment = &problem->segment[problem->segments++];
            *segment = segment_of(param);
            segment->count = nb_tensor_count(param->value);
        }
    return NB_OK;
}

/* Whether every parameter learns at the rate itself. */
static bool learns_alike(const nb_net *net)
{
    for (int l = 0; l < net->layers; l++)
        for (int i = 0; i < net->layer[l].params; i++) {
            nb_segment segment = segment_of(&net->layer[l].param[i]);
            if (segment.frozen || segment.factor != 1) return false;
        }
    return true;
}

/* The gradient's products straight into the weights: where nobody reads a gradient, and the step is
 * its multiple for every parameter. */
static nb_status descend(nb_ctx *ctx, nb_net *net, nb_optimizer *optimizer, const nb_lesson *lesson,
                         double *cost)
{
    nb_status status =
        nb_net_learn(ctx, net, lesson->x, lesson->y, NB_INTO_WEIGHTS, lesson->rate, cost);
    if (status == NB_OK) optimizer->steps++;
    return status;
}

/* The order of a step: the gradient, what is done to it as a whole, the update. */
static nb_status update(nb_ctx *ctx, task *t, nb_optimizer *optimizer, double *cost)
{
    nb_problem problem;
    nb_status status = pose(ctx, t, &problem);
    if (status != NB_OK) return status;
    status = problem.evaluate(ctx, problem.self, &problem.cost);
    *cost = problem.cost;
    if (status == NB_OK) status = nb_optimizer_step(ctx, optimizer, &problem);
    if (status == NB_OK) nb_tensor_touch(t->net->params, optimizer->type->name);
    nb_free(ctx, problem.segment, (size_t)problem.segments * sizeof *problem.segment);
    return status;
}

nb_status nb_learn(nb_ctx *ctx, nb_net *net, nb_optimizer *optimizer, const nb_lesson *lesson,
                   double *cost)
{
    task t = {net, lesson};
    nb_status status = nb_optimizer_prepare(ctx, optimizer, net->dtype, nb_net_count(net));
    if (status != NB_OK) return status;
    bool direct = !lesson->keep_grads && optimizer->type->plain(optimizer) && learns_alike(net);
    return direct ? descend(ctx, net, optimizer, lesson, cost) : update(ctx, &t, optimizer, cost);
}

/* ---- The network whole ---- */

void nb_net_state(const nb_net *net, nb_tensor *list[NB_NET_STATE])
{
    list[0] = net->params;
}

nb_status nb_net_keep(nb_ctx *ctx, const nb_net *net, nb_tensor *copy[NB_NET_STATE])
{
    nb_tensor *state[NB_NET_STATE];
    nb_net_state(net, state);
    memset(copy, 0, NB_NET_STATE * sizeof *copy);
    for (int i = 0; i < NB_NET_STATE; i++) {
        copy[i] = nb_tensor_clone(ctx, state[i]);
        if (!copy[i]) return ctx->status;
    }
    return NB_OK;
}

nb_status nb_net_check_kept(nb_ctx *ctx, const nb_net *net, nb_tensor *const copy[NB_NET_STATE])
{
    nb_tensor *state[NB_NET_STATE];
    nb_net_state(net, state);
    for (int i = 0; i < NB_NET_STATE; i++) {
        const nb_tensor *was = copy[i], *now = state[i];
        if (was->dtype == now->dtype && nb_tensor_same_shape(was, now)) continue;
        return nb_fail(ctx, NB_EARG,
                       "this is a snapshot of a network with %lld numbers in %s; this network has "
                       "%lld in %s",
                       (long long)nb_tensor_count(was), nb_dtype_name(was->dtype),
                       (long long)nb_tensor_count(now), nb_dtype_name(now->dtype));
    }
    return NB_OK;
}

/* The gradients there are of other parameters. */
void nb_net_put_back(nb_net *net, nb_tensor *const copy[NB_NET_STATE])
{
    nb_tensor *state[NB_NET_STATE];
    nb_net_state(net, state);
    for (int i = 0; i < NB_NET_STATE; i++) {
        size_t bytes = (size_t)nb_tensor_count(copy[i]) * nb_dtype_size(copy[i]->dtype);
        memcpy(nb_tensor_data(state[i]), nb_tensor_data(copy[i]), bytes);
        nb_tensor_touch(state[i], "restore");
    }
    net->has_grads = false;
}
