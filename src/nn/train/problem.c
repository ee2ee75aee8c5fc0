/* The loops over a problem's numbers: what a penalty adds to gradient and cost, and the step of
 * rules that treat every number by itself. They are cut into pieces by the problem's size alone, so
 * that sums have the same bits at any number of threads. */
#include "nn/train/problem.h"

#include "base/tiny.h"
#include "base/workers.h"

#include <math.h>
#include <string.h>

enum {
    PIECE = 1 << 15,    /* values of one piece, at least: worth a hand-over between threads */
    PIECES = 1 << 10,   /* the most pieces */
    PARALLEL = 1 << 17, /* values from which the workers are asked: below, waking them costs more */
    BLOCK = 1 << 10,    /* values that stay in the first cache between one loop and the next */
    MASKED = 256        /* values that are put aside at a time where there is a mask */
};

/* Values of a piece, and how many pieces there are. */
static int64_t piece_of(const nb_problem *p)
{
    int64_t piece = PIECE;
    while ((p->count + piece - 1) / piece > PIECES) piece *= 2;
    return piece;
}

static void run(nb_ctx *ctx, const nb_problem *p, nb_piece *piece, void *arg)
{
    size_t pieces = (size_t)((p->count + piece_of(p) - 1) / piece_of(p));
    if (p->count >= PARALLEL)
        nb_parallel(ctx, pieces, piece, arg);
    else
        for (size_t i = 0; i < pieces; i++) piece(arg, i);
}

/* Values start … end - 1, which are treated as `segment` says. */
typedef void visitor(void *arg, const nb_segment *segment, int64_t start, int64_t end);

static bool alike(const nb_segment *a, const nb_segment *b)
{
    return a->frozen == b->frozen && a->factor == b->factor && a->decays == b->decays;
}

/* All of a piece; neighbouring segments that are treated alike are one stretch. */
static void walk_piece(const nb_problem *p, size_t piece, visitor *visit, void *arg)
{
    int64_t first = (int64_t)piece * piece_of(p), start = first;
    int64_t last = p->count - first < piece_of(p) ? p->count : first + piece_of(p);
    for (int64_t i = 0; i < p->segments && start < last; i++) {
        const nb_segment *s = &p->segment[i];
        int64_t end = s->start + s->count;
        if (end <= start) continue;
        bool goes_on = i + 1 < p->segments && alike(s, s + 1);
        if (goes_on && end < last) continue;
        if (end > last) end = last;
        visit(arg, s, start, end);
        start = end;
    }
}

static void *at(const nb_problem *p, void *numbers, int64_t place)
{
    return (char *)numbers + (size_t)place * nb_dtype_size(p->dtype);
}

/* ---- Evaluation ------------------------------------------------------------------------------ */

typedef struct adding {
    const nb_problem *problem;
    const nb_real_kernels *real;
    double scale;
    /* Of each piece: Σ|w| and Σw² of what decays, and the gradient's Σg². */
    struct sums {
        double magnitudes, squares, norm;
    } of[PIECES];
} adding;

/* One stretch's share of the sums. */
typedef struct share {
    adding *job;
    struct sums *sums;
} share;

/* Of n gradients, those that the mask holds back left out. */
static double squares_of(const adding *job, int64_t start, size_t n)
{
    static const double nothing[MASKED] = {0}; /* zeros of either dtype */
    double g[MASKED];
    const nb_problem *p = job->problem;
    const void *from = at(p, p->gradient, start);
    if (!p->mask) return job->real->sum_squares(n, from, 1);
    memcpy(g, from, n * nb_dtype_size(p->dtype));
    job->real->put_back(n, p->mask + start, nothing, g);
    return job->real->sum_squares(n, g, 1);
}

static void add_block(const share *s, const nb_segment *segment, int64_t start, size_t n)
{
    const adding *job = s->job;
    const nb_problem *p = job->problem;
    const nb_penalty *by = &p->penalty;
    const nb_fold_kernels *folds = nb_kernels_get()->folds[p->dtype];
    void *w = at(p, p->values, start), *g = at(p, p->gradient, start);
    if (job->scale != 1) job->real->unary[NB_U_scale](n, g, 1, g, 1, job->scale, 0);
    if (segment->frozen) return;
    bool l1 = segment->decays && by->l1 != 0, l2 = segment->decays && by->l2 != 0;
    if (l1 || l2) job->real->penalise(n, by->l1, by->l2, w, g);
    if (l1) folds->row[NB_FOLD_magnitudes](n, w, 1, 0, &s->sums->magnitudes);
    if (l2) s->sums->squares += job->real->sum_squares(n, w, 1);
    if (by->clip_norm > 0) s->sums->norm += squares_of(job, start, n);
}

static void add_stretch(void *arg, const nb_segment *segment, int64_t start, int64_t end)
{
    const share *s = arg;
    int64_t step = s->job->problem->mask ? MASKED : BLOCK;
    for (; start < end; start += step)
        add_block(s, segment, start, (size_t)(end - start < step ? end - start : step));
}

static void add_piece(void *arg, size_t piece)
{
    adding *job = arg;
    job->of[piece] = (struct sums){.norm = 0};
    share s = {job, &job->of[piece]};
    walk_piece(job->problem, piece, add_stretch, &s);
}

nb_status nb_penalise(nb_ctx *ctx, nb_problem *p, double scale, double *cost)
{
    const nb_penalty *by = &p->penalty;
    if (scale == 1 && by->l1 == 0 && by->l2 == 0 && !(by->clip_norm > 0)) return NB_OK;
    adding job = {.problem = p, .real = nb_real(p->dtype), .scale = scale};
    struct sums all = {.norm = 0};
    run(ctx, p, add_piece, &job);
    for (int64_t i = 0; i * piece_of(p) < p->count; i++) {
        all.magnitudes += job.of[i].magnitudes;
        all.squares += job.of[i].squares;
        all.norm += job.of[i].norm;
    }
    *cost += by->l1 * all.magnitudes + by->l2 / 2 * all.squares;
    p->norm = sqrt(all.norm);
    if (p->steepest > 0)
        p->steepest = p->largest > 0 || by->l2 == 0
                          ? fabs(scale) * p->steepest + by->l1 + by->l2 * p->largest
                          : 0;
    if (isfinite(p->norm) && isfinite(*cost)) return NB_OK;
    return nb_fail(ctx, NB_EVALUE, "the %s is not finite",
                   isfinite(p->norm) ? "penalty on large weights" : "norm of the gradient");
}

/* ---- A step ---------------------------------------------------------------------------------- */

typedef struct update {
    const nb_problem *problem;
    const nb_real_kernels *real;
    const nb_rule *rule;
    double scale; /* of the gradient, by its norm */
    int states;
} update;

/* What stands beside the rule, on a stretch that is short where there is anything to do. */
static void run_rule(const update *job, const nb_segment *segment, int64_t start, size_t n)
{
    const nb_problem *p = job->problem;
    void *w = at(p, p->values, start), *g = at(p, p->gradient, start);
    void *state[NB_RULE_STATES];
    double rate = p->rate * segment->factor, most = p->penalty.clip_value;
    if (job->scale != 1) job->real->unary[NB_U_scale](n, g, 1, g, 1, job->scale, 0);
    if (most > 0) job->real->unary[NB_U_clamp](n, g, 1, g, 1, -most, most);
    if (segment->decays && p->penalty.decay != 0)
        job->real->shrink(n, rate * p->penalty.decay, 0, w);
    for (int i = 0; i < job->states; i++)
        state[i] = at(p, nb_tensor_data(job->rule->state[i]), start);
    job->real->rule[job->rule->id](n, w, g, state, rate, job->rule->c);
}

/* What the mask holds back is put back: a mask on the gradient would let momentum and decay
 * through. */
static void run_masked(const update *job, const nb_segment *segment, int64_t start, size_t n)
{
    double old[1 + NB_RULE_STATES][MASKED]; /* room for either dtype */
    const nb_problem *p = job->problem;
    size_t bytes = n * nb_dtype_size(p->dtype);
    void *list[1 + NB_RULE_STATES] = {at(p, p->values, start)};
    for (int i = 0; i < job->states; i++)
        list[1 + i] = at(p, nb_tensor_data(job->rule->state[i]), start);
    for (int i = 0; i <= job->states; i++) memcpy(old[i], list[i], bytes);
    run_rule(job, segment, start, n);
    for (int i = 0; i <= job->states; i++) job->real->put_back(n, p->mask + start, old[i], list[i]);
}

static void update_stretch(void *arg, const nb_segment *segment, int64_t start, int64_t end)
{
    const update *job = arg;
    const nb_problem *p = job->problem;
    bool busy = job->scale != 1 || p->penalty.clip_value > 0 || p->penalty.decay != 0;
    int64_t step = p->mask ? MASKED : busy ? BLOCK : end - start;
    if (segment->frozen) return;
    for (; start < end; start += step) {
        size_t n = (size_t)(end - start < step ? end - start : step);
        if (p->mask)
            run_masked(job, segment, start, n);
        else
            run_rule(job, segment, start, n);
    }
}

static void update_piece(void *arg, size_t piece)
{
    const update *job = arg;
    walk_piece(job->problem, piece, update_stretch, arg);
}

void nb_problem_apply(nb_ctx *ctx, const nb_problem *problem, const nb_rule *rule)
{
    const nb_penalty *by = &problem->penalty;
    bool longer = by->clip_norm > 0 && problem->norm > by->clip_norm;
    update job = {.problem = problem,
                  .real = nb_real(problem->dtype),
                  .rule = rule,
                  .scale = longer ? by->clip_norm / problem->norm : 1,
                  .states = nb_rule_states[rule->id]};
    unsigned was = nb_tiny_skip();
    run(ctx, problem, update_piece, &job);
    nb_tiny_set(was);
}

static void shrink_stretch(void *arg, const nb_segment *segment, int64_t start, int64_t end)
{
    const nb_problem *p = arg;
    double rate = p->rate * segment->factor;
    if (segment->frozen || !segment->decays) return;
    nb_real(p->dtype)->shrink((size_t)(end - start), rate * (p->penalty.decay + p->penalty.l2),
                              rate * p->penalty.l1, at(p, p->values, start));
}

static void shrink_piece(void *arg, size_t piece)
{
    walk_piece(arg, piece, shrink_stretch, arg);
}

void nb_problem_shrink(nb_ctx *ctx, const nb_problem *problem)
{
    nb_problem own = *problem;
    run(ctx, problem, shrink_piece, &own);
}
