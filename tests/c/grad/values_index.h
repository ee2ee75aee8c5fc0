/* The definitions of the ops that find elements by indices and masks, for test_values. */
#ifndef NB_TEST_VALUES_INDEX_H
#define NB_TEST_VALUES_INDEX_H

#include "values.h"

/* The place, from 0, that an index as the user counts names among `size`. */
static inline int64_t counted(double index, int64_t size)
{
    return (int64_t)index + (index > 0 ? -1 : size);
}

static inline double index_select_value(const place *p)
{
    int64_t index[NB_MAX_DIMS], dim = p->s->call.attr.dim;
    memcpy(index, p->index, sizeof index);
    index[dim] = counted(nb_tensor_get(input(p, 1), &p->index[dim]), input(p, 0)->shape[dim]);
    return nb_tensor_get(input(p, 0), index);
}

/* The dimension gives way to those of the places. */
static inline double pick_value(const place *p)
{
    const nb_tensor *x = input(p, 0), *places = input(p, 1);
    int64_t index[NB_MAX_DIMS];
    int dim = p->s->call.attr.dim;
    for (int i = 0; i < x->dims; i++) index[i] = p->index[i < dim ? i : i - 1 + places->dims];
    index[dim] = (int64_t)nb_tensor_get(places, p->index + dim);
    return nb_tensor_get(x, index);
}

static inline double take_value(const place *p)
{
    int64_t count = nb_tensor_count(input(p, 0));
    return flat_at(input(p, 0), counted(flat_at(input(p, 1), p->at), count));
}

static inline double gather_value(const place *p)
{
    int64_t index[NB_MAX_DIMS], dim = p->s->call.attr.dim;
    memcpy(index, p->index, sizeof index);
    index[dim] = counted(nb_tensor_get(input(p, 1), index), input(p, 0)->shape[dim]);
    return nb_tensor_get(input(p, 0), index);
}

/* All that the source has for the place. */
static inline double scatter_add_value(const place *p)
{
    const nb_tensor *index = input(p, 1);
    int64_t dim = p->s->call.attr.dim, size = p->out->shape[dim];
    double sum = nb_tensor_get(input(p, 0), p->index);
    for (int64_t i = 0; i < nb_tensor_count(index); i++) {
        int64_t from[NB_MAX_DIMS], to[NB_MAX_DIMS];
        unravel(index->dims, index->shape, i, from);
        memcpy(to, from, sizeof to);
        to[dim] = counted(nb_tensor_get(index, from), size);
        if (memcmp(to, p->index, (size_t)index->dims * sizeof *to) == 0)
            sum += spread_at(input(p, 2), index->dims, from);
    }
    return sum;
}

/* The row-major element of x that is not 0 (of the mask, where there is one) number `nth`. */
static inline int64_t nth_yes(const place *p, int64_t nth)
{
    const nb_tensor *x = input(p, 0);
    int64_t at = 0;
    for (;; at++) {
        int64_t index[NB_MAX_DIMS] = {0};
        unravel(x->dims, x->shape, at, index);
        bool masked = p->s->call.inputs > 1;
        double says = masked ? spread_at(input(p, 1), x->dims, index) : nb_tensor_get(x, index);
        if (says != 0 && nth-- == 0) return at;
    }
}

static inline double masked_select_value(const place *p)
{
    return flat_at(input(p, 0), nth_yes(p, p->at));
}

static inline double masked_fill_value(const place *p)
{
    return spread_input(p, 1) != 0 ? nb_tensor_item(input(p, 2)) : spread_input(p, 0);
}

static inline double nonzero_value(const place *p)
{
    const nb_tensor *x = input(p, 0);
    int64_t index[NB_MAX_DIMS];
    unravel(x->dims, x->shape, nth_yes(p, p->index[0]), index);
    return (double)index[p->index[1]] + 1;
}

static inline double diag_value(const place *p)
{
    const nb_tensor *x = input(p, 0);
    int64_t k = p->s->call.attr.diagonal, down = k < 0 ? -k : 0, right = k > 0 ? k : 0;
    if (x->dims == 2) return nb_tensor_get(x, (const int64_t[]){p->at + down, p->at + right});
    int64_t at = p->index[0] - down;
    return at == p->index[1] - right && at >= 0 && at < x->shape[0] ? nb_tensor_get(x, &at) : 0;
}

#endif
