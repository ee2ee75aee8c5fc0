/* Scales: made once, applied while a batch is gathered. */
#include "nn/data/scale.h"

#include "base/text.h"
#include "grad/columns.h"
#include "kernel/kernel.h"
#include "tensor/shape.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

static nb_status check_numbers(nb_ctx *ctx, int64_t columns, const char *what, const double *list)
{
    char text[NB_NUMBER_MAX];
    for (int64_t i = 0; list && i < columns; i++) {
        if (isfinite(list[i])) continue;
        nb_number_text(list[i], text);
        if (columns == 1) return nb_fail(ctx, NB_EARG, "%s must be a number, not %s", what, text);
        return nb_fail(ctx, NB_EARG, "%s must be a number, not %s in column %" PRId64, what, text,
                       i + 1);
    }
    return NB_OK;
}

/* No integer is further from 0 than the lowest int32_t. */
static bool is_tame(const nb_scale *scale)
{
    for (int64_t i = 0; i < scale->columns; i++)
        if (!((fabs(nb_scale_offset(scale, i)) + 0x1p31) * fabs(nb_scale_factor(scale, i)) <=
              FLT_MAX))
            return false;
    return true;
}

nb_scale *nb_scale_new(nb_ctx *ctx, int64_t columns, const double *offset, const double *factor)
{
    if (check_numbers(ctx, columns, "offset", offset) != NB_OK) return NULL;
    if (check_numbers(ctx, columns, "scale", factor) != NB_OK) return NULL;
    size_t bytes = (size_t)columns * sizeof *factor;
    nb_scale *scale = nb_alloc(ctx, sizeof *scale);
    if (!scale) return NULL;
    *scale = (nb_scale){.refs = 1, .columns = columns};
    scale->offset = nb_tensor_zeros(ctx, NB_F64, 1, &columns);
    scale->factor = scale->offset ? nb_tensor_new(ctx, NB_F64, 1, &columns) : NULL;
    if (!scale->factor) {
        nb_scale_release(ctx, scale);
        return NULL;
    }
    if (offset) memcpy(nb_tensor_data(scale->offset), offset, bytes);
    memcpy(nb_tensor_data(scale->factor), factor, bytes);
    scale->tame = is_tame(scale);
    return scale;
}

nb_scale *nb_scale_retain(nb_scale *scale)
{
    if (scale) scale->refs++;
    return scale;
}

void nb_scale_release(nb_ctx *ctx, nb_scale *scale)
{
    if (!scale || --scale->refs > 0) return;
    nb_tensor_release(ctx, scale->offset);
    nb_tensor_release(ctx, scale->factor);
    nb_free(ctx, scale, sizeof *scale);
}

bool nb_scale_same(const nb_scale *a, const nb_scale *b)
{
    if (!a || !b || a->columns != b->columns) return a == b;
    for (int64_t i = 0; i < a->columns; i++)
        if (nb_scale_offset(a, i) != nb_scale_offset(b, i) ||
            nb_scale_factor(a, i) != nb_scale_factor(b, i))
            return false;
    return true;
}

nb_status nb_scale_check(nb_ctx *ctx, const nb_scale *scale, int dims, const int64_t *shape)
{
    char text[NB_SHAPE_TEXT];
    int64_t inner;
    if (nb_columns_fit(dims, shape, scale->columns, &inner)) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "the scale has %" PRId64 " columns; examples are %s",
                   scale->columns, nb_shape_text(dims, shape, text));
}

void nb_scale_rows(const nb_scale *scale, size_t n, size_t width, const void *x, nb_dtype from,
                   void *y, nb_dtype to)
{
    const nb_kernels *kernels = nb_kernels_get();
    double factor;
    if (nb_scale_is_plain(scale, &factor)) {
        kernels->convert[from][to](n * width, x, 1, y, 1, factor);
        return;
    }
    bool one = scale->columns == 1; /* for all: then all rows are one */
    size_t line = one ? n * width : width;
    for (size_t done = 0; done < n * width; done += line)
        kernels->rescale[from][to](line, (const char *)x + done * nb_dtype_size(from),
                                   nb_tensor_data(scale->offset), nb_tensor_data(scale->factor),
                                   one ? 0 : 1, (char *)y + done * nb_dtype_size(to));
}
