/* Shapes as plain arrays. */
#include "tensor/shape.h"

#include "base/arith.h"

#include <inttypes.h>
#include <stdio.h>

const char *nb_shape_text(int dims, const int64_t *shape, char *text)
{
    if (dims == 0) {
        snprintf(text, NB_SHAPE_TEXT, "a number");
        return text;
    }
    int at = 0;
    for (int i = 0; i < dims; i++)
        at += snprintf(text + at, (size_t)(NB_SHAPE_TEXT - at), i ? "x%" PRId64 : "%" PRId64,
                       shape[i]);
    return text;
}

int64_t nb_shape_count_any(int dims, const int64_t *shape)
{
    int64_t count = 1;
    bool empty = false;
    for (int i = 0; i < dims; i++) {
        if (shape[i] < 0) return -1;
        if (shape[i] == 0) {
            empty = true;
            continue;
        }
        /* Sizes beside a 0 are bounded too: strides are made of them. */
        if (!nb_mul_i64(count, shape[i], &count) || count > NB_MAX_ELEMENTS) return -1;
    }
    return empty ? 0 : count;
}

void nb_shape_strides(int dims, const int64_t *shape, int64_t *stride)
{
    int64_t step = 1;
    for (int i = dims - 1; i >= 0; i--) {
        stride[i] = step;
        step *= shape[i] > 0 ? shape[i] : 1;
    }
}

bool nb_shape_broadcast(int da, const int64_t *a, int db, const int64_t *b, int *dims,
                        int64_t *shape)
{
    *dims = da > db ? da : db;
    for (int i = 1; i <= *dims; i++) {
        int64_t sa = i <= da ? a[da - i] : 1;
        int64_t sb = i <= db ? b[db - i] : 1;
        if (sa != sb && sa != 1 && sb != 1) return false;
        shape[*dims - i] = sa == 1 ? sb : sa;
    }
    return true;
}
