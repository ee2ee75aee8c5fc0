/* One step of a network's learning: evaluation, then the update. */
#include "nn/train/learn.h"

#include "nn/train/segments.h"

#include <string.h>

typedef struct task {
    nb_net *net;
    const nb_lesson *lesson;
    nb_staged staged; /* buffers that wait until the step has succeeded */
} task;

/* The lesson as training runs it. What an evaluation before this one staged is dropped. */
static nb_status run(nb_ctx *ctx, task *t, const nb_sink *sink, double *cost)
{
    const nb_lesson *lesson = t->lesson;
    const nb_mode mode = {.learning = true,
                          .seed = lesson->seed,
                          .step = lesson->step,
                          .lengths = lesson->lengths,
                          .weights = lesson->weights,
                          .staged = &t->staged};
    nb_staged_drop(ctx, &t->staged);
    return nb_net_learn(ctx, t->net, lesson->x, lesson->y, &mode, sink, cost);
}

static nb_status evaluate(nb_ctx *ctx, void *self, double *cost)
{
    return run(ctx, self, NULL, cost);
}

/* The network as a problem, but for its cost; nb_segments_free takes back what it holds. */
static nb_status pose(nb_ctx *ctx, task *t, nb_problem *problem)
{
    nb_net *net = t->net;
    *problem = (nb_problem){.dtype = net->dtype,
                            .count = nb_net_count(net),
                            .values = nb_tensor_data(net->values),
                            .gradient = nb_tensor_data(net->grads),
                            .rate = t->lesson->rate,
                            .evaluate = evaluate,
                            .self = t};
    return nb_segments_make(ctx, net, problem);
}

/* The gradient's products straight into the weights: where nobody reads a gradient, and the step is
 * its multiple for every parameter. */
static nb_status descend(nb_ctx *ctx, task *t, nb_optimizer *optimizer, double *cost)
{
    nb_tensor *whole = t->net->whole;
    const nb_sink sink = {whole->storage, whole, -t->lesson->rate, 1};
    nb_status status = run(ctx, t, &sink, cost);
    if (status == NB_OK) optimizer->steps++;
    return status;
}

/* The order of a step: the gradient, what is done to it as a whole, the update. */
static nb_status update(nb_ctx *ctx, task *t, nb_optimizer *optimizer, double *cost)
{
    nb_problem problem;
    nb_status status = pose(ctx, t, &problem);
    if (status == NB_OK) status = problem.evaluate(ctx, problem.self, &problem.cost);
    *cost = problem.cost;
    if (status == NB_OK) status = nb_optimizer_step(ctx, optimizer, &problem);
    if (status == NB_OK) nb_tensor_touch(t->net->values, optimizer->type->name);
    nb_segments_free(ctx, &problem);
    return status;
}

nb_status nb_learn(nb_ctx *ctx, nb_net *net, nb_optimizer *optimizer, const nb_lesson *lesson,
                   double *cost)
{
    task t = {.net = net, .lesson = lesson};
    nb_status status = nb_optimizer_prepare(ctx, optimizer, net->dtype, nb_net_count(net));
    if (status != NB_OK) return status;
    bool direct = !lesson->keep_grads && optimizer->type->plain(optimizer) && nb_learns_alike(net);
    status = direct ? descend(ctx, &t, optimizer, cost) : update(ctx, &t, optimizer, cost);
    if (status == NB_OK) nb_staged_commit(ctx, &t.staged);
    nb_staged_drop(ctx, &t.staged);
    return status;
}

/* ---- The network whole ---- */

void nb_net_state(const nb_net *net, nb_tensor *list[NB_NET_STATE])
{
    list[0] = net->values;
    list[1] = net->figures;
}

nb_status nb_net_keep(nb_ctx *ctx, const nb_net *net, nb_tensor *copy[NB_NET_STATE])
{
    nb_tensor *state[NB_NET_STATE];
    nb_net_state(net, state);
    memset(copy, 0, NB_NET_STATE * sizeof *copy);
    for (int i = 0; i < NB_NET_STATE; i++) {
        copy[i] = nb_tensor_clone(ctx, state[i]);
        if (copy[i]) continue;
        nb_net_drop(ctx, copy);
        return ctx->status;
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

static void copy_numbers(nb_tensor *to, const nb_tensor *from)
{
    size_t bytes = (size_t)nb_tensor_count(from) * nb_dtype_size(from->dtype);
    memcpy(nb_tensor_data(to), nb_tensor_data(from), bytes);
}

/* The gradients there are of other parameters. */
void nb_net_put_back(nb_net *net, nb_tensor *const copy[NB_NET_STATE])
{
    nb_tensor *state[NB_NET_STATE];
    nb_net_state(net, state);
    for (int i = 0; i < NB_NET_STATE; i++) {
        copy_numbers(state[i], copy[i]);
        nb_tensor_touch(state[i], "restore");
    }
    nb_home_forget(net->home);
}

void nb_net_copy(const nb_net *net, nb_tensor *const copy[NB_NET_STATE])
{
    nb_tensor *state[NB_NET_STATE];
    nb_net_state(net, state);
    for (int i = 0; i < NB_NET_STATE; i++) copy_numbers(copy[i], state[i]);
}

void nb_net_drop(nb_ctx *ctx, nb_tensor *copy[NB_NET_STATE])
{
    for (int i = 0; i < NB_NET_STATE; i++) {
        nb_tensor_release(ctx, copy[i]);
        copy[i] = NULL;
    }
}
