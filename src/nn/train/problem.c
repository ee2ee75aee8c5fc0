/* The one loop of rules that treat every number by itself. */
#include "nn/train/problem.h"

#include "base/workers.h"

#include <string.h>

enum {
    PIECE = 1 << 15,    /* values of one piece: worth a hand-over between threads */
    PARALLEL = 1 << 17, /* values from which the workers are asked: below, waking them costs more */
    MASKED = 256        /* values that are put aside at a time where there is a mask */
};

typedef struct update {
    const nb_problem *problem;
    const nb_real_kernels *real;
    nb_rule *rule;
    const void *self;
    size_t width;
    int states;
    char *state[NB_RULE_STATES];
} update;

/* Values start … end - 1. */
static nb_stretch stretch_of(const update *job, int64_t start, int64_t end, double rate)
{
    const nb_problem *p = job->problem;
    size_t at = (size_t)start * job->width;
    nb_stretch s = {.n = (size_t)(end - start),
                    .rate = rate,
                    .w = (char *)p->values + at,
                    .g = (const char *)p->gradient + at};
    for (int i = 0; i < job->states; i++) s.state[i] = job->state[i] + at;
    return s;
}

/* The rule on a short stretch, and what the mask holds back put back: a mask on the gradient would
 * let momentum and decay through. */
static void run_masked(const update *job, const nb_stretch *s, const uint8_t *mask)
{
    double old[1 + NB_RULE_STATES][MASKED]; /* room for either dtype */
    size_t bytes = s->n * job->width;
    memcpy(old[0], s->w, bytes);
    for (int i = 0; i < job->states; i++) memcpy(old[1 + i], s->state[i], bytes);
    job->rule(job->self, job->real, s);
    job->real->put_back(s->n, mask, old[0], s->w);
    for (int i = 0; i < job->states; i++) job->real->put_back(s->n, mask, old[1 + i], s->state[i]);
}

static void run_stretch(const update *job, int64_t start, int64_t end, double rate)
{
    const uint8_t *mask = job->problem->mask;
    int64_t step = mask ? MASKED : end - start;
    for (; start < end; start += step) {
        int64_t stop = end - start < step ? end : start + step;
        nb_stretch s = stretch_of(job, start, stop, rate);
        if (mask)
            run_masked(job, &s, mask + start);
        else
            job->rule(job->self, job->real, &s);
    }
}

/* Neighbouring segments that are treated alike are one stretch. */
static void run_piece(void *arg, size_t piece)
{
    const update *job = arg;
    const nb_problem *p = job->problem;
    int64_t first = (int64_t)piece * PIECE, start = first;
    int64_t last = p->count - first < PIECE ? p->count : first + PIECE;
    for (int64_t i = 0; i < p->segments && start < last; i++) {
        const nb_segment *s = &p->segment[i], *next = i + 1 < p->segments ? s + 1 : NULL;
        int64_t end = s->start + s->count;
        if (end <= start) continue;
        bool goes_on = next && next->frozen == s->frozen && next->factor == s->factor;
        if (goes_on && end < last) continue;
        if (end > last) end = last;
        if (!s->frozen) run_stretch(job, start, end, p->rate * s->factor);
        start = end;
    }
}

void nb_problem_update(nb_ctx *ctx, const nb_problem *problem, nb_tensor *const *state, int states,
                       nb_rule *rule, const void *self)
{
    update job = {.problem = problem,
                  .real = nb_real(problem->dtype),
                  .rule = rule,
                  .self = self,
                  .width = nb_dtype_size(problem->dtype),
                  .states = states};
    size_t pieces = (size_t)((problem->count + PIECE - 1) / PIECE);
    for (int i = 0; i < states; i++) job.state[i] = nb_tensor_data(state[i]);
    if (problem->count >= PARALLEL)
        nb_parallel(ctx, pieces, run_piece, &job);
    else
        for (size_t i = 0; i < pieces; i++) run_piece(&job, i);
}
