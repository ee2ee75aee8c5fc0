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
            problem->segment[problem->segments++] =
                (nb_segment){.start = param->start,
                             .count = nb_tensor_count(param->value),
                             .factor = 1,
                             .decays = param->weight};
        }
    return NB_OK;
}

/* Whether the products of the gradient may go straight into the weights: nobody reads a gradient,
 * and the step is its multiple for every parameter. */
static bool goes_direct(const nb_optimizer *optimizer, const nb_problem *problem,
                        const nb_lesson *lesson)
{
    return !lesson->keep_grads && optimizer->type->plain(optimizer) && nb_problem_is_plain(problem);
}

static nb_status descend(nb_ctx *ctx, nb_net *net, nb_optimizer *optimizer, const nb_lesson *lesson,
                         double *cost)
{
    nb_status status =
        nb_net_learn(ctx, net, lesson->x, lesson->y, NB_INTO_WEIGHTS, lesson->rate, cost);
    if (status == NB_OK) optimizer->steps++;
    return status;
}

/* The order of a step: the gradient, what is done to it as a whole, the update. */
static nb_status update(nb_ctx *ctx, nb_net *net, nb_optimizer *optimizer, nb_problem *problem)
{
    nb_status status = problem->evaluate(ctx, problem->self, &problem->cost);
    if (status == NB_OK) status = nb_optimizer_step(ctx, optimizer, problem);
    if (status == NB_OK) nb_tensor_touch(net->params, optimizer->type->name);
    return status;
}

nb_status nb_learn(nb_ctx *ctx, nb_net *net, nb_optimizer *optimizer, const nb_lesson *lesson,
                   double *cost)
{
    task t = {net, lesson};
    nb_problem problem;
    nb_status status = nb_optimizer_prepare(ctx, optimizer, net->dtype, nb_net_count(net));
    if (status == NB_OK) status = pose(ctx, &t, &problem);
    if (status != NB_OK) return status;
    if (goes_direct(optimizer, &problem, lesson))
        status = descend(ctx, net, optimizer, lesson, &problem.cost);
    else
        status = update(ctx, net, optimizer, &problem);
    *cost = problem.cost;
    nb_free(ctx, problem.segment, (size_t)problem.segments * sizeof *problem.segment);
    return status;
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
