/* The runs of all seeds without each example, and what they say together. */
#include "nn/inspect/influence/influence.h"

#include "base/processes/crew.h"
#include "base/memory.h"
#include "nn/inspect/influence/ranks.h"

#include <math.h>
#include <string.h>

typedef struct work {
    nb_ctx *ctx;
    const nb_influence_task *task;
    nb_influence *out;
    int64_t total;     /* examples of the set */
    int32_t *place;    /* (seeds, total): where each stands in the order of the first epoch */
    int32_t *sorted;   /* (seeds, count): numbers of the task's examples in that order */
    double *estimates; /* (total): of one seed */
    nb_rerun rerun;    /* of this process, or of a copy */
    int64_t seed;      /* number of the seed that it runs; -1: none */
} work;

static int64_t example_of(const nb_influence_task *task, int64_t k)
{
    return task->examples ? task->examples[k] : k;
}

/* ---- What is asked --------------------------------------------------------------------------- */

static nb_status check_examples(work *w)
{
    nb_ctx *ctx = w->ctx;
    const nb_influence_task *task = w->task;
    size_t total = (size_t)w->total;
    uint8_t *seen = nb_alloc_zero(ctx, 1, total);
    nb_status status = seen ? NB_OK : ctx->status;
    for (int64_t k = 0; k < task->count && status == NB_OK; k++) {
        int64_t i = example_of(task, k);
        if (i < 0 || i >= w->total)
            status = nb_fail(ctx, NB_EARG, "examples holds %lld; the set has examples 1 to %lld",
                             (long long)i + 1, (long long)w->total);
        else if (seen[i]++)
            status = nb_fail(ctx, NB_EARG, "examples holds %lld twice", (long long)i + 1);
    }
    nb_free(ctx, seen, total);
    return status;
}

static nb_status check(work *w)
{
    const nb_influence_task *task = w->task;
    nb_status status = nb_set_check(w->ctx, task->course.net, task->course.set);
    if (status == NB_OK) status = nb_set_check(w->ctx, task->course.net, task->course.test);
    if (status != NB_OK) return status;
    if (w->total < 2)
        return nb_fail(w->ctx, NB_EARG, "a set of one example has nothing left without it");
    if (task->count < 1) return nb_fail(w->ctx, NB_EARG, "examples is empty");
    return check_examples(w);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static nb_status numbers(nb_ctx *ctx, int64_t count, double **out)
{
    *out = nb_alloc_zero(ctx, (size_t)count, sizeof **out);
    return *out ? NB_OK : ctx->status;
}

static nb_status prepare(work *w)
{
    nb_ctx *ctx = w->ctx;
    nb_influence *out = w->out;
    size_t seeds = (size_t)w->task->seed_count;
    out->count = w->task->count;
    out->seeds = w->task->seed_count;
    nb_status status = numbers(ctx, out->seeds, &out->cost);
    if (status == NB_OK) status = numbers(ctx, out->count, &out->change);
    if (status == NB_OK) status = numbers(ctx, out->count, &out->spread);
    if (status == NB_OK) status = numbers(ctx, out->count, &out->estimate);
    if (status == NB_OK) status = numbers(ctx, out->seeds * out->count, &out->each);
    if (status == NB_OK) status = numbers(ctx, w->total, &w->estimates);
    if (status != NB_OK) return status;
    w->place = nb_alloc_zero(ctx, seeds * (size_t)w->total, sizeof *w->place);
    if (w->place) w->sorted = nb_alloc_zero(ctx, seeds * (size_t)out->count, sizeof *w->sorted);
    return w->sorted ? NB_OK : ctx->status;
}

static void drop(work *w)
{
    nb_ctx *ctx = w->ctx;
    size_t seeds = (size_t)w->task->seed_count, count = (size_t)w->task->count;
    size_t total = (size_t)w->total;
    nb_rerun_end(ctx, &w->rerun);
    if (w->estimates) nb_free(ctx, w->estimates, total * sizeof *w->estimates);
    if (w->place) nb_free(ctx, w->place, seeds * total * sizeof *w->place);
    if (w->sorted) nb_free(ctx, w->sorted, seeds * count * sizeof *w->sorted);
}

void nb_influence_free(nb_ctx *ctx, nb_influence *of)
{
    size_t count = (size_t)of->count, seeds = (size_t)of->seeds, size = sizeof(double);
    if (of->cost) nb_free(ctx, of->cost, seeds * size);
    if (of->change) nb_free(ctx, of->change, count * size);
    if (of->spread) nb_free(ctx, of->spread, count * size);
    if (of->estimate) nb_free(ctx, of->estimate, count * size);
    if (of->each) nb_free(ctx, of->each, seeds * count * size);
    *of = (nb_influence){.count = 0};
}

/* ---- Runs ------------------------------------------------------------------------------------ */

/* Numbers of the task's examples, those first that stand first in the order of the first epoch: so
 * what comes before them is made once. */
static nb_status sort_examples(work *w, int64_t s)
{
    int64_t count = w->task->count, k = 0;
    const int32_t *place = w->place + s * w->total;
    size_t bytes = (size_t)w->total * sizeof(int32_t);
    int32_t *number = nb_alloc(w->ctx, bytes); /* of the example at each place, or -1 */
    if (!number) return w->ctx->status;
    memset(number, -1, bytes);
    for (int64_t j = 0; j < count; j++) number[place[example_of(w->task, j)]] = (int32_t)j;
    for (int64_t j = 0; j < w->total; j++)
        if (number[j] >= 0) w->sorted[s * count + k++] = number[j];
    nb_free(w->ctx, number, bytes);
    return NB_OK;
}

/* The run with all examples, which says what all others need of it. */
static nb_status run_whole(work *w, int64_t s)
{
    nb_influence *out = w->out;
    nb_status status = nb_rerun_begin(w->ctx, &w->rerun, w->task->seeds[s]);
    if (status == NB_OK)
        status =
            nb_rerun_whole(w->ctx, &w->rerun, &out->cost[s], w->estimates, w->place + s * w->total);
    for (int64_t k = 0; k < out->count && status == NB_OK; k++)
        out->estimate[k] += w->estimates[example_of(w->task, k)] / (double)out->seeds;
    return status == NB_OK ? sort_examples(w, s) : status;
}

/* Task number s count + k: the run of seed s without the k-th of its examples. */
static nb_status run_without(nb_ctx *ctx, void *self, int64_t number, void *answer)
{
    work *w = self;
    int64_t count = w->task->count, s = number / count;
    int64_t i = example_of(w->task, w->sorted[number]);
    nb_status status = NB_OK;
    if (w->seed != s) status = nb_rerun_begin(ctx, &w->rerun, w->task->seeds[s]);
    w->seed = status == NB_OK ? s : -1;
    if (status != NB_OK) return status;
    return nb_rerun_without(ctx, &w->rerun, i, w->place[s * w->total + i], answer);
}

static void take_cost(void *self, int64_t number, const void *answer)
{
    work *w = self;
    int64_t count = w->task->count, s = number / count;
    double cost;
    memcpy(&cost, answer, sizeof cost);
    w->out->each[s * count + w->sorted[number]] = cost - w->out->cost[s];
}

static nb_status run_all(work *w)
{
    const nb_crew crew = {.tasks = w->task->seed_count * w->task->count,
                          .what = "retraining without each example",
                          .bytes = sizeof(double),
                          .work = run_without,
                          .take = take_cost,
                          .self = w};
    nb_status status = NB_OK;
    for (int64_t s = 0; s < w->task->seed_count && status == NB_OK; s++) status = run_whole(w, s);
    nb_rerun_end(w->ctx, &w->rerun);
    w->seed = -1;
    return status == NB_OK ? nb_crew_run(w->ctx, &crew) : status;
}

/* ---- What they say --------------------------------------------------------------------------- */

static void add_up(const work *w)
{
    const nb_influence *out = w->out;
    double n = (double)out->seeds;
    for (int64_t k = 0; k < out->count; k++) {
        double sum = 0, squares = 0;
        for (int64_t s = 0; s < out->seeds; s++) sum += out->each[s * out->count + k];
        for (int64_t s = 0; s < out->seeds; s++)
            squares += pow(out->each[s * out->count + k] - sum / n, 2);
        out->change[k] = sum / n;
        out->spread[k] = out->seeds > 1 ? sqrt(squares / (n - 1)) : NAN;
    }
}

static nb_status compare(const work *w)
{
    nb_influence *out = w->out;
    double sum = 0, one;
    int64_t n = out->count, pairs = out->seeds * (out->seeds - 1) / 2;
    nb_status status = nb_rank_agreement(w->ctx, n, out->change, out->estimate, &out->agreement);
    for (int64_t a = 0; a < out->seeds; a++)
        for (int64_t b = 0; b < a && status == NB_OK; b++) {
            status = nb_rank_agreement(w->ctx, n, out->each + a * n, out->each + b * n, &one);
            sum += one;
        }
    out->between = pairs ? sum / (double)pairs : NAN;
    return status;
}

nb_status nb_influence_find(nb_ctx *ctx, const nb_influence_task *task, nb_influence *out)
{
    work w = {.ctx = ctx,
              .task = task,
              .out = out,
              .total = task->course.set->count,
              .rerun = {.of = &task->course},
              .seed = -1};
    *out = (nb_influence){.count = 0};
    nb_status status = check(&w);
    if (status == NB_OK) status = prepare(&w);
    if (status == NB_OK) status = run_all(&w);
    if (status == NB_OK) add_up(&w);
    if (status == NB_OK) status = compare(&w);
    drop(&w);
    if (status != NB_OK) nb_influence_free(ctx, out);
    return status;
}
