/* What the tests of curvature share: networks and sets of values of their own, and elements of what
 * is found. A header alone, on support.h's context. */
#ifndef CURVES_H
#define CURVES_H

#include "../nets.h"

#include "../../support.h"
#include "nn/inspect/curvature/curvature.h"

#include <math.h>

static inline nb_net *net_with(const char *notation, const double *values)
{
    nb_net *net = net_of(ctx, notation, NB_F64);
    memcpy(nb_tensor_data(net->values), values, (size_t)nb_net_count(net) * sizeof *values);
    return net;
}

static inline nb_set *set_with(nb_tensor *x, nb_tensor *y)
{
    nb_set *set = nb_set_new(ctx, x, 1, y, NULL, 0, NULL);
    if (!set) fail_msg("%s", ctx->message);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    return set;
}

static inline void find_with(nb_net *net, const nb_set *set, const nb_weights *weights, int64_t top,
                             nb_curvature *out)
{
    const nb_curvature_options options = {.top = top, .matrices = top == 0};
    if (nb_curvature_find(ctx, net, set, weights, &options, out) != NB_OK)
        fail_msg("%s", ctx->message);
}

static inline double at(const nb_tensor *t, int64_t i, int64_t j)
{
    return ((const double *)nb_tensor_data(t))[i * t->shape[1] + j];
}

static inline double value_at(const nb_tensor *t, int64_t i)
{
    return ((const double *)nb_tensor_data(t))[i];
}

static inline void assert_near(double a, double b, double near)
{
    if (!(fabs(a - b) <= near)) fail_msg("%.17g is not %.17g", a, b);
}

static inline void assert_matrix(const nb_tensor *t, const double *wanted, double near)
{
    int64_t n = t->shape[0];
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            if (!(fabs(at(t, i, j) - wanted[i * n + j]) <= near))
                fail_msg("element (%d, %d) is %.12g, not %.12g", (int)i + 1, (int)j + 1,
                         at(t, i, j), wanted[i * n + j]);
}

#endif
