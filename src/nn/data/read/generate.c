/* Made-up data sets. A point is a function of its number; only the noise is drawn. */
#include "nn/data/read/generate.h"

#include <math.h>

#define PI 3.14159265358979323846

enum { BETWEEN_LOOKS = 1 << 16 }; /* points made before Ctrl-C is looked for */

/* The point of class `arm` (0 or 1) at share s of its curve. */
typedef void curve(const nb_generate_options *options, int arm, double s, double point[2]);

static void on_spiral(const nb_generate_options *options, int arm, double s, double point[2])
{
    double angle = 2 * PI * options->turns * s + arm * PI;
    point[0] = s * cos(angle);
    point[1] = s * sin(angle);
}

static void on_moon(const nb_generate_options *options, int arm, double s, double point[2])
{
    double angle = PI * s;
    (void)options;
    point[0] = arm ? 1 - cos(angle) : cos(angle);
    point[1] = arm ? 0.5 - sin(angle) : sin(angle);
}

/* Fills x (count, 2) f32 and y (count) class numbers 1 and 2 in turn. */
static nb_status fill(nb_ctx *ctx, const nb_generate_options *options, curve *of, float *x,
                      int32_t *y)
{
    nb_stream stream = nb_stream_make(options->seed, NB_FOR_TENSOR, 0);
    int64_t each[2] = {(options->count + 1) / 2, options->count / 2};
    for (int64_t i = 0; i < options->count; i++) {
        double point[2];
        int arm = (int)(i % 2);
        if (i % BETWEEN_LOOKS == 0 && nb_poll(ctx) != NB_OK) return ctx->status;
        /* Both ends of the curve are there where it has two points or more. */
        of(options, arm, each[arm] > 1 ? (double)(i / 2) / (double)(each[arm] - 1) : 0, point);
        for (int k = 0; k < 2; k++)
            x[2 * i + k] = (float)(point[k] + options->noise * nb_random_normal(&stream));
        y[i] = arm + 1;
    }
    return NB_OK;
}

/* Takes x and y over; either may be NULL after a failure. */
static nb_set *two_classes(nb_ctx *ctx, nb_tensor *x, nb_tensor *y, nb_status status,
                           const char *const names[2], const char *called)
{
    bool whole = x && y && status == NB_OK;
    nb_set *set = whole ? nb_set_new(ctx, x, 1, y, names, 2, called) : NULL;
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    return set;
}

static nb_set *generate(nb_ctx *ctx, const nb_generate_options *options, curve *of,
                        const char *called)
{
    static const char *const names[2] = {"1", "2"};
    if (options->count < 2 || options->count > NB_SET_ROWS_MAX) {
        nb_fail(ctx, NB_EARG, "the number of examples must be from 2 to %d, not %lld",
                NB_SET_ROWS_MAX, (long long)options->count);
        return NULL;
    }
    nb_tensor *x = nb_tensor_new(ctx, NB_F32, 2, (const int64_t[]){options->count, 2});
    nb_tensor *y = x ? nb_tensor_new(ctx, NB_I32, 1, &options->count) : NULL;
    nb_status status = NB_OK;
    if (y) status = fill(ctx, options, of, nb_tensor_data(x), nb_tensor_data(y));
    return two_classes(ctx, x, y, status, names, called);
}

nb_set *nb_set_spirals(nb_ctx *ctx, const nb_generate_options *options)
{
    return generate(ctx, options, on_spiral, "spirals");
}

nb_set *nb_set_moons(nb_ctx *ctx, const nb_generate_options *options)
{
    return generate(ctx, options, on_moon, "moons");
}

nb_set *nb_set_xor(nb_ctx *ctx)
{
    static const char *const names[2] = {"0", "1"};
    const int64_t count = 4;
    nb_tensor *x = nb_tensor_new(ctx, NB_F32, 2, (const int64_t[]){count, 2});
    nb_tensor *y = x ? nb_tensor_new(ctx, NB_I32, 1, &count) : NULL;
    for (int i = 0; y && i < count; i++) {
        int a = i / 2, b = i % 2;
        float *at = (float *)nb_tensor_data(x) + (ptrdiff_t)2 * i;
        at[0] = (float)a;
        at[1] = (float)b;
        ((int32_t *)nb_tensor_data(y))[i] = 1 + (a != b);
    }
    return two_classes(ctx, x, y, NB_OK, names, "xor");
}
