/* The definitions of convolutions and pools, number by number, for test_values and test_conv. */
#ifndef NB_TEST_VALUES_CONV_H
#define NB_TEST_VALUES_CONV_H

#include "values.h"

/* The place of the first number under the window of an output, along extent i. */
static inline int64_t window_begin(const struct nb_attr_window *attr, const place *p, int i)
{
    return p->index[2 + i] * attr->stride[i] - attr->low[i];
}

/* Steps `offset` through all numbers under a window; false after the last. */
static inline bool next_offset(int extents, const int64_t *kernel, int64_t *offset)
{
    for (int i = extents - 1; i >= 0; i--) {
        if (++offset[i] < kernel[i]) return true;
        offset[i] = 0;
    }
    return false;
}

/* b + the sum over the channels of the group and the window of w x. */
static inline double conv_value(const place *p)
{
    const nb_tensor *x = input(p, 0), *w = input(p, 1);
    const struct nb_attr_window *attr = &p->s->call.attr.window;
    int extents = x->dims - 2;
    int64_t map = p->index[1], group = map / (w->shape[0] / attr->groups), offset[2] = {0};
    double sum = nb_tensor_get(input(p, 2), &map);
    do {
        int64_t at[4] = {p->index[0]}, of_w[4] = {map};
        bool inside = true;
        for (int i = 0; i < extents; i++) {
            at[2 + i] = window_begin(attr, p, i) + offset[i] * attr->dilation[i];
            of_w[2 + i] = offset[i];
            inside &= at[2 + i] >= 0 && at[2 + i] < x->shape[2 + i];
        }
        for (int64_t c = 0; inside && c < w->shape[1]; c++) {
            at[1] = group * w->shape[1] + c;
            of_w[1] = c;
            sum += nb_tensor_get(x, at) * nb_tensor_get(w, of_w);
        }
    } while (next_offset(extents, w->shape + 2, offset));
    return sum;
}

/* b + w x of every number of x whose window stands over this place. */
static inline double conv_transpose_value(const place *p)
{
    const nb_tensor *x = input(p, 0), *w = input(p, 1);
    const struct nb_attr_window *attr = &p->s->call.attr.window;
    int extents = x->dims - 2;
    int64_t channel = p->index[1], maps = w->shape[0] / attr->groups, offset[2] = {0};
    double sum = nb_tensor_get(input(p, 2), &channel);
    do {
        int64_t at[4] = {p->index[0]}, of_w[4] = {0, channel % w->shape[1]};
        bool inside = true;
        for (int i = 0; i < extents; i++) {
            int64_t from = p->index[2 + i] + attr->low[i] - offset[i] * attr->dilation[i];
            at[2 + i] = from / attr->stride[i];
            of_w[2 + i] = offset[i];
            inside &= from >= 0 && from % attr->stride[i] == 0 && at[2 + i] < x->shape[2 + i];
        }
        for (int64_t m = 0; inside && m < maps; m++) {
            at[1] = of_w[0] = channel / w->shape[1] * maps + m;
            sum += nb_tensor_get(x, at) * nb_tensor_get(w, of_w);
        }
    } while (next_offset(extents, w->shape + 2, offset));
    return sum;
}

/* The largest number under the window where `mean` is false, else the mean with zeros around. */
static inline double pooled(const place *p, bool mean)
{
    const nb_tensor *x = input(p, 0);
    const struct nb_attr_window *attr = &p->s->call.attr.window;
    const int64_t kernel[2] = {attr->kernel[0], attr->kernel[1]};
    int64_t offset[2] = {0}, count = 0;
    double sum = 0, most = -INFINITY;
    do {
        int64_t at[4] = {p->index[0], p->index[1]};
        bool inside = true;
        for (int i = 0; i < x->dims - 2; i++) {
            at[2 + i] = window_begin(attr, p, i) + offset[i];
            inside &= at[2 + i] >= 0 && at[2 + i] < x->shape[2 + i];
        }
        count++;
        if (inside) sum += nb_tensor_get(x, at);
        if (inside) most = fmax(most, nb_tensor_get(x, at));
    } while (next_offset(x->dims - 2, kernel, offset));
    return mean ? sum / (double)count : most;
}

static inline double max_pool_value(const place *p)
{
    return pooled(p, false);
}

static inline double avg_pool_value(const place *p)
{
    return pooled(p, true);
}

#endif
