/* The definitions of norms and attention, for test_values. */
#ifndef NB_TEST_VALUES_NORM_H
#define NB_TEST_VALUES_NORM_H

#include "values.h"

/* gain (x - mean) / sqrt(variance + epsilon) + shift, of the row that the place stands in. */
static inline double layer_norm_value(const place *p)
{
    const nb_tensor *x = input(p, 0);
    int64_t k = x->shape[x->dims - 1], column = p->at % k, row = p->at - column;
    double mean = 0, spread = 0;
    for (int64_t i = row; i < row + k; i++) mean += flat_at(x, i) / (double)k;
    for (int64_t i = row; i < row + k; i++) spread += pow(flat_at(x, i) - mean, 2) / (double)k;
    double normal = (flat_at(x, p->at) - mean) / sqrt(spread + p->s->call.attr.unary.p);
    return flat_at(input(p, 1), column) * normal + flat_at(input(p, 2), column);
}

/* The index of element `at` of x, row-major. */
static inline void index_in(const nb_tensor *x, int64_t at, int64_t *index)
{
    for (int d = x->dims - 1; d >= 0; d--) {
        index[d] = at % x->shape[d];
        at /= x->shape[d];
    }
}

/* gain (x - mean) / sqrt(variance + epsilon) + shift, over all elements that `together` puts with
 * the one at p; channels along `dim`. */
static inline double channel_norm(const place *p, int dim,
                                  bool (*together)(const place *, const int64_t *))
{
    const nb_tensor *x = input(p, 0);
    int64_t index[NB_MAX_DIMS], channel = p->index[dim];
    double count = 0, mean = 0, spread = 0, here = nb_tensor_get(x, p->index);
    for (int64_t i = 0; i < nb_tensor_count(x); i++) {
        index_in(x, i, index);
        if (!together(p, index)) continue;
        mean += nb_tensor_get(x, index);
        spread += pow(nb_tensor_get(x, index), 2);
        count++;
    }
    mean /= count;
    spread = spread / count - mean * mean;
    double normal = (here - mean) / sqrt(spread + p->s->call.attr.channels.epsilon);
    return flat_at(input(p, 1), channel) * normal + flat_at(input(p, 2), channel);
}

/* Whether steps along `dim` are real, where the fourth input has lengths. */
static inline bool is_real(const place *p, const int64_t *index, int dim)
{
    return p->s->call.inputs != 4 || (double)index[dim] < flat_at(input(p, 3), index[0]);
}

static inline bool of_channel(const place *p, const int64_t *index)
{
    int dim = p->s->call.attr.channels.dim;
    return index[dim] == p->index[dim] && is_real(p, index, 1);
}

static inline double batch_norm_value(const place *p)
{
    return is_real(p, p->index, 1) ? channel_norm(p, p->s->call.attr.channels.dim, of_channel) : 0;
}

static inline bool of_group(const place *p, const int64_t *index)
{
    int64_t per = input(p, 0)->shape[1] / p->s->call.attr.channels.groups;
    return index[0] == p->index[0] && index[1] / per == p->index[1] / per && is_real(p, index, 2);
}

static inline double group_norm_value(const place *p)
{
    return is_real(p, p->index, 2) ? channel_norm(p, 1, of_group) : 0;
}

/* (x - offset) factor, of the number's column: all, each number, channels in front or features
 * behind. */
static inline double rescale_value(const place *p)
{
    const nb_tensor *x = input(p, 0);
    int64_t columns = input(p, 1)->shape[0], each = 1, at;
    for (int i = 1; i < x->dims; i++) each *= x->shape[i];
    at = p->at % each;
    if (columns == 1)
        at = 0;
    else if (columns != each)
        at = x->dims > 3 ? p->index[1] : p->index[x->dims - 1];
    return (nb_tensor_get(x, p->index) - flat_at(input(p, 1), at)) * flat_at(input(p, 2), at);
}

static inline double apply_norm_value(const place *p)
{
    int64_t c = p->index[p->s->call.attr.channels.dim];
    double scale = 1 / sqrt(flat_at(input(p, 4), c) + p->s->call.attr.channels.epsilon);
    double normal = (nb_tensor_get(input(p, 0), p->index) - flat_at(input(p, 3), c)) * scale;
    return flat_at(input(p, 1), c) * normal + flat_at(input(p, 2), c);
}

/* A query's mean of the values, weighted by softmax over the keys that it looks at. */
static inline double attention_core_value(const place *p)
{
    const nb_tensor *q = input(p, 0), *k = input(p, 1), *v = input(p, 2);
    const struct nb_attr_attention *of = &p->s->call.attr.attention;
    int64_t size = q->shape[2] / of->heads, first = p->index[2] / size * size;
    int64_t last = of->causal ? p->index[1] + k->shape[1] - q->shape[1] : k->shape[1] - 1;
    double sum = 0, mean = 0;
    for (int64_t s = 0; s <= last; s++) {
        double fit = 0;
        for (int64_t i = first; i < first + size; i++)
            fit += nb_tensor_get(q, (int64_t[]){p->index[0], p->index[1], i}) *
                   nb_tensor_get(k, (int64_t[]){p->index[0], s, i});
        fit = exp(fit / sqrt((double)size));
        sum += fit;
        mean += fit * nb_tensor_get(v, (int64_t[]){p->index[0], s, p->index[2]});
    }
    return mean / sum;
}

#endif
