/* What an optimizer works on: numbers, their gradient, and a function that evaluates both anew. It
 * knows no network, so that a line search, a fit and a test are problems alike. */
#ifndef NB_PROBLEM_H
#define NB_PROBLEM_H

#include "kernel/kernel.h"
#include "tensor/tensor.h"

/* A stretch of the values that is treated alike. */
typedef struct nb_segment {
    int64_t start, count;
    double factor; /* of the rate */
    bool frozen;   /* no step moves it, nor what optimizers keep of it */
    bool decays;   /* weight decay touches it */
} nb_segment;

/* What is asked of the values beside a low cost. l1 and l2 belong to the function that is made
 * small, so whoever evaluates sees them; the others belong to a step. Where all is 0 nothing is
 * asked. Nothing of it touches what is frozen, nor l1, l2 and decay what does not decay. */
typedef struct nb_penalty {
    double l1, l2;     /* the cost is greater by l1 Σ|w| + l2/2 Σw²: the book's λ / n */
    double decay;      /* beside the step w -= rate * decay * w (Loshchilov and Hutter 2019) */
    double clip_norm;  /* the gradient is made no longer than this: the norm of all that learns */
    double clip_value; /* and no element of it larger */
} nb_penalty;
/* Who takes the rows of a Jacobian, and where they are put. */
typedef struct nb_row_taker {
    const int64_t *place; /* a list of `places`: the values that have columns, ascending */
    int64_t places;
    double *room; /* for `most` rows of places + 1 numbers: the residual is the last */
    int64_t most;
    /* The first rows of the room are the next ones, which may be overwritten. */
    nb_status (*take)(nb_ctx *ctx, void *self, int64_t rows);
    void *self;
    /* Likewise rows that stand for others, of which they are the triangle R: their last numbers are
     * no residuals. NULL: it takes none such. */
    nb_status (*stand)(nb_ctx *ctx, void *self, int64_t rows);
} nb_row_taker;

/* What a cost is made of that is a sum of squares: C = share Σ r². */
typedef struct nb_squares {
    int64_t count; /* of residuals */
    double share;
    /* Whoever steps fills these: the cost at the values before, and how often it has asked. */
    double cost;
    int64_t evaluations;
    /* The residuals at the values as they stand, in order; also what is not finite. */
    nb_status (*residuals)(nb_ctx *ctx, void *self, double *r);
    /* And their Jacobian, dr[i]/dw[j], row by row. NB_EVALUE where a number is not finite. */
    nb_status (*rows)(nb_ctx *ctx, void *self, const nb_row_taker *rows);
    void *self;
} nb_squares;

/* What is known of the sizes of all numbers, so that a step need not look at them: none is larger;
 * infinite: nobody knows. And the number that a step would have made infinite or NaN. */
typedef struct nb_reach {
    double values, state[NB_RULE_STATES];
    int64_t odd;               /* its place among the values; -1: there is none */
    const nb_tensor *state_of; /* the vector of state that it is in; NULL: it is a value */
    double was, would;         /* what it was before, and would have become */
} nb_reach;

typedef struct nb_problem {
    nb_dtype dtype;
    int64_t count;
    void *values;        /* count of them */
    void *gradient;      /* of the cost, at the values as they stand */
    double cost;         /* there, with what the penalty adds */
    nb_segment *segment; /* a list of `segments`, ascending, which cover the values */
    int64_t segments, segment_room;
    uint8_t *mask; /* count of them: where 0, no step moves the value; NULL: all learn */
    double rate;   /* of this step */
    nb_penalty penalty;
    double norm; /* of the gradient, where clip_norm asks for it (nb_penalise) */
    /* No value, no gradient is larger in size; 0: nobody knows. */
    double largest, steepest;
    nb_reach *reach; /* of whoever steps */
    /* Cost and gradient at the values as they now stand, as often as a step asks; on failure the
     * gradient may hold anything. */
    nb_status (*evaluate)(nb_ctx *ctx, void *self, double *cost);
    void *self;
    nb_squares *squares; /* for an optimizer of those: then neither cost nor gradient is known */
} nb_problem;

/* A rule on single numbers, with its vectors of state, each of the problem's dtype and size. */
typedef struct nb_rule {
    nb_rule_id id;
    nb_tensor *state[NB_RULE_STATES]; /* as many as the rule has */
    double c[NB_RULE_NUMBERS];
} nb_rule;

/* The last part of an evaluation. The gradient is that of the data alone, times 1 / scale; it
 * becomes that of the problem, *cost grows by what the penalty costs, and problem->norm becomes the
 * gradient's norm where clip_norm asks. NB_EVALUE where that is not finite. */
nb_status nb_penalise(nb_ctx *ctx, nb_problem *problem, double scale, double *cost);
/* One step of the rule on all that learns, cut over the workers; decay and clipping stand here, so
 * that they hold for every rule. The gradient may be clipped in place. Values that are frozen or
 * masked, and their places in the state, keep every bit; elsewhere numbers too small to be normal
 * become 0 (base/tiny.h). What comes of it may be infinite or NaN: nn/train/update.h. */
void nb_problem_apply(nb_ctx *ctx, const nb_problem *problem, const nb_rule *rule);
/* For gradient descent that adds its products straight to the values: what decay, l1 and l2 take
 * from them in a step at the problem's rate. */
void nb_problem_shrink(nb_ctx *ctx, const nb_problem *problem);

/* The penalty of a cost that is a mean over n examples, from the book's λ. */
static inline nb_penalty nb_penalty_per(const nb_penalty *p, int64_t n)
{
    nb_penalty own = *p;
    own.l1 /= (double)n;
    own.l2 /= (double)n;
    return own;
}
static inline bool nb_penalty_shrinks(const nb_penalty *p)
{
    return p->l1 != 0 || p->l2 != 0 || p->decay != 0;
}
static inline bool nb_penalty_clips(const nb_penalty *p)
{
    return p->clip_norm > 0 || p->clip_value > 0;
}

#endif
