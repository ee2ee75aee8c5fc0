/* w ← w - lr F ∇C is, for u = F^-½ w, plain descent on C(F½ u), whose Hessian is F½ H F½. */
#include "nn/inspect/curvature/driven.h"

#include "base/memory.h"
#include "kernel/kernel.h"

#include <math.h>

typedef struct scaled {
    const nb_operator *a;
    const double *factor;
    double *room; /* a vector */
} scaled;

static nb_status multiply(nb_ctx *ctx, void *self, const double *v, double *out)
{
    const scaled *s = self;
    for (int64_t i = 0; i < s->a->n; i++) s->room[i] = sqrt(s->factor[i]) * v[i];
    nb_status status = s->a->apply(ctx, s->a->self, s->room, out);
    for (int64_t i = 0; i < s->a->n; i++) out[i] *= sqrt(s->factor[i]);
    return status;
}

nb_status nb_driven_run(nb_ctx *ctx, const nb_operator *a, const double *factor, double *largest)
{
    size_t bytes = (size_t)a->n * sizeof(double);
    double smallest;
    scaled s = {.a = a, .factor = factor, .room = nb_alloc(ctx, bytes)};
    if (!s.room) return ctx->status;
    const nb_operator whole = {.n = a->n, .apply = multiply, .self = &s, .what = a->what};
    nb_lanczos found = {.count = 1, .largest = largest, .smallest = &smallest};
    nb_status status = nb_lanczos_run(ctx, &whole, &found);
    nb_free(ctx, s.room, bytes);
    return status;
}

typedef struct square {
    const double *matrix;
    int64_t n;
} square;

static nb_status multiply_square(nb_ctx *ctx, void *self, const double *v, double *out)
{
    const square *s = self;
    size_t n = (size_t)s->n;
    for (size_t i = 0; i < n; i++) out[i] = nb_real(NB_F64)->dot(n, s->matrix + i * n, 1, v, 1);
    return nb_poll(ctx);
}

nb_status nb_driven_matrix(nb_ctx *ctx, const double *matrix, int64_t n, const double *factor,
                           double *largest)
{
    square s = {matrix, n};
    const nb_operator a = {.n = n, .apply = multiply_square, .self = &s, .what = "eigenvalues"};
    return nb_driven_run(ctx, &a, factor, largest);
}

bool nb_driven_evenly(const double *factor, int64_t n)
{
    for (int64_t i = 1; i < n; i++)
        if (factor[i] != factor[0]) return false;
    return true;
}
