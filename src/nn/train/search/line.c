/* The line search. Its bracket is a low end, where the cost is no higher than at the start (but for
 * rounding) and falls along the line, and a high end, where it rises: between them it has a lowest
 * place. */
#include "nn/train/search/line.h"

#include "nn/train/search/vectors.h"

#include <math.h>

enum {
    LOOKS = 60,   /* at the cost, in one search */
    GROWTH = 5,   /* of the step until the cost rises (Hager and Zhang's ρ) */
    COLLAPSE = 10 /* of the step where the cost is not finite */
};

#define STEP_MOST 1e20
#define NARROWER  0.66 /* what two secants must leave of the bracket, or it is halved (their γ) */
/* What costs may differ by and still count as the same, of themselves. */
#define NOISE_F64 1e-13
#define NOISE_F32 1e-6

typedef struct point {
    double step, cost, slope;
} point;

typedef struct search {
    nb_ctx *ctx;
    nb_line *line;
    point low, high; /* the bracket */
    double roof;     /* the cost at the start, and what rounding makes of it */
    int looks;
    bool done; /* the last look satisfies the conditions */
} search;

/* ---- Looking --------------------------------------------------------------------------------- */

static bool satisfies(const search *s, const point *p)
{
    const nb_line *l = s->line;
    bool falls = p->cost <= l->problem->cost + l->decrease * p->step * l->first;
    /* The same condition of a parabola, told by slopes (their approximate one). */
    bool as_good = p->cost <= s->roof && p->slope <= (2 * l->decrease - 1) * l->first;
    return (falls || as_good) && fabs(p->slope) <= -l->curvature * l->first;
}

/* A step may go beyond the numbers where no example sees it. */
static bool are_finite(const nb_problem *problem)
{
    return nb_real(problem->dtype)->finite((size_t)problem->count, problem->values);
}

static nb_status look(search *s, double step, point *p)
{
    nb_ctx *ctx = s->ctx;
    nb_line *l = s->line;
    *p = (point){step, INFINITY, NAN};
    s->looks++;
    nb_vector_go(l->problem, l->from, step, l->direction);
    nb_status status = nb_poll(ctx);
    if (status == NB_OK && !are_finite(l->problem)) return NB_OK;
    if (status == NB_OK) status = l->problem->evaluate(ctx, l->problem->self, &p->cost);
    if (status == NB_EVALUE) {
        *p = (point){step, INFINITY, NAN};
        ctx->status = NB_OK;
        return NB_OK;
    }
    if (status != NB_OK) return status;
    nb_vector_slope(l->problem, l->slopes);
    p->slope = nb_vector_dot(l->problem, l->slopes, l->direction);
    s->done = satisfies(s, p);
    if (s->done) {
        l->step = p->step;
        l->cost = p->cost;
    }
    return NB_OK;
}

/* ---- The bracket ----------------------------------------------------------------------------- */

static bool is_low(const search *s, const point *p)
{
    return p->slope < 0 && p->cost <= s->roof;
}

static bool goes_on(const search *s)
{
    return !s->done && s->looks < LOOKS;
}

/* Between a low end and a place beyond which the cost is too high although it falls there, or where
 * it is no number: halves until an end is found where it rises. */
static nb_status cut(search *s, point beyond)
{
    nb_status status = NB_OK;
    while (status == NB_OK && goes_on(s)) {
        double share = isfinite(beyond.cost) ? 0.5 : 1.0 / COLLAPSE;
        point p;
        status = look(s, s->low.step + share * (beyond.step - s->low.step), &p);
        if (p.slope >= 0 && isfinite(p.cost)) {
            s->high = p;
            return status;
        }
        if (is_low(s, &p))
            s->low = p;
        else
            beyond = p;
    }
    return status;
}

/* Puts a place between the ends into the bracket. */
static nb_status narrow(search *s, const point *p)
{
    if (p->slope >= 0 && isfinite(p->cost)) {
        s->high = *p;
        return NB_OK;
    }
    if (!is_low(s, p)) return cut(s, *p);
    s->low = *p;
    return NB_OK;
}

/* Goes on along the line until the cost rises. */
static nb_status bracket(search *s)
{
    double step = s->line->step;
    nb_status status = NB_OK;
    while (status == NB_OK && goes_on(s) && step < STEP_MOST) {
        point p;
        status = look(s, step, &p);
        if (status != NB_OK || s->done) return status;
        if (!is_low(s, &p)) return narrow(s, &p);
        s->low = p;
        step *= GROWTH;
    }
    return status;
}

/* Where the line through two slopes is 0. */
static double secant(const point *a, const point *b)
{
    return (a->step * b->slope - b->step * a->slope) / (b->slope - a->slope);
}

static nb_status look_within(search *s, double step)
{
    point p;
    if (!(step > s->low.step && step < s->high.step)) return NB_OK;
    nb_status status = look(s, step, &p);
    return status == NB_OK && !s->done ? narrow(s, &p) : status;
}

/* One secant, and one more through the end that it moved; then, where the bracket stays wide, its
 * middle. */
static nb_status tighten(search *s)
{
    const point low = s->low, high = s->high;
    double wide = high.step - low.step, at = secant(&low, &high);
    nb_status status = look_within(s, at);
    if (status == NB_OK && goes_on(s) && s->low.step == at)
        status = look_within(s, secant(&low, &s->low));
    else if (status == NB_OK && goes_on(s) && s->high.step == at)
        status = look_within(s, secant(&high, &s->high));
    if (status != NB_OK || !goes_on(s)) return status;
    if (s->high.step - s->low.step <= NARROWER * wide) return NB_OK;
    return look_within(s, (s->low.step + s->high.step) / 2);
}

/* ---- The search ------------------------------------------------------------------------------ */

/* The conditions were not met: a lower place is better than none. */
static nb_status settle(search *s, bool *found)
{
    nb_line *l = s->line;
    point p;
    *found = s->low.step > 0 && s->low.cost < l->problem->cost;
    if (!*found) {
        nb_vector_go(l->problem, l->from, 0, l->direction);
        return NB_OK;
    }
    nb_status status = look(s, s->low.step, &p);
    l->step = s->low.step;
    l->cost = s->low.cost;
    return status;
}

nb_status nb_line_search(nb_ctx *ctx, nb_line *line, bool *found)
{
    const nb_problem *problem = line->problem;
    double noise = problem->dtype == NB_F32 ? NOISE_F32 : NOISE_F64;
    search s = {.ctx = ctx, .line = line};
    s.low = (point){0, problem->cost, line->first};
    s.roof = problem->cost + noise * fabs(problem->cost);
    nb_status status = bracket(&s);
    for (int before = -1; status == NB_OK && goes_on(&s) && s.high.step > 0 && s.looks > before;) {
        before = s.looks; /* ends that are neighbouring numbers have nothing between them */
        status = tighten(&s);
    }
    *found = s.done;
    if (status == NB_OK && !s.done) status = settle(&s, found);
    if (status != NB_OK) nb_vector_go(problem, line->from, 0, line->direction);
    return status;
}
