/* The definitions of reductions, orders, running values and predicates, for test_values. */
#ifndef NB_TEST_VALUES_REDUCE_H
#define NB_TEST_VALUES_REDUCE_H

#include "values.h"

/* Whether element `index` of x belongs to the output's element when the dimensions named (none:
 * all) are reduced; they are dropped. */
static inline bool belongs(const place *p, const int64_t *index)
{
    const nb_dims *named = &p->s->call.attr.dims;
    int dims = input(p, 0)->dims, kept = 0;
    for (int i = 0; i < dims; i++) {
        bool gone = named->count == 0;
        for (int k = 0; k < named->count; k++) gone |= named->at[k] == i;
        if (!gone && index[i] != p->index[kept++]) return false;
    }
    return true;
}

/* What a reduction needs to know of the elements that belong together. */
typedef struct summary {
    double sum, sum_exp, squares, product, most, least;
    int64_t count, nonzero, place_most, place_least;
} summary;

static inline summary summarize(const place *p)
{
    const nb_tensor *x = input(p, 0);
    summary of = {.most = -INFINITY, .least = INFINITY, .product = 1};
    for (int64_t i = 0; i < nb_tensor_count(x); i++) {
        int64_t index[NB_MAX_DIMS] = {0};
        unravel(x->dims, x->shape, i, index);
        if (!belongs(p, index)) continue;
        double value = nb_tensor_get(x, index);
        of.count++;
        of.sum += value;
        of.sum_exp += exp(value);
        of.squares += value * value;
        of.product *= value;
        of.nonzero += value != 0;
        if (value > of.most) of.place_most = of.count;
        if (value < of.least) of.place_least = of.count;
        of.most = fmax(of.most, value);
        of.least = fmin(of.least, value);
    }
    return of;
}

static inline double sum_value(const place *p)
{
    return summarize(p).sum;
}

static inline double mean_value(const place *p)
{
    summary of = summarize(p);
    return of.sum / (double)of.count;
}

static inline double max_value(const place *p)
{
    return summarize(p).most;
}

static inline double min_value(const place *p)
{
    return summarize(p).least;
}

static inline double argmax_value(const place *p)
{
    return (double)summarize(p).place_most;
}

static inline double argmin_value(const place *p)
{
    return (double)summarize(p).place_least;
}

static inline double logsumexp_value(const place *p)
{
    return log(summarize(p).sum_exp);
}

static inline double prod_value(const place *p)
{
    return summarize(p).product;
}

static inline double var_value(const place *p)
{
    summary of = summarize(p);
    double n = (double)of.count;
    return (of.squares - of.sum * of.sum / n) / (n - 1);
}

static inline double std_value(const place *p)
{
    return sqrt(var_value(p));
}

static inline double norm_value(const place *p)
{
    return sqrt(summarize(p).squares);
}

static inline double all_value(const place *p)
{
    summary of = summarize(p);
    return of.nonzero == of.count;
}

static inline double any_value(const place *p)
{
    return summarize(p).nonzero > 0;
}

/* Of n numbers, the one that `rank` others are before in order; these are all different. */
static inline double ranked(const double *x, int64_t n, int64_t rank)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t before = 0;
        for (int64_t k = 0; k < n; k++) before += x[k] < x[i];
        if (before == rank) return x[i];
    }
    return NAN;
}

enum { LONGEST = 64 }; /* elements of a line in the samples */

static inline double median_value(const place *p)
{
    const nb_tensor *x = input(p, 0);
    double of[LONGEST];
    int64_t count = 0;
    for (int64_t i = 0; i < nb_tensor_count(x); i++) {
        int64_t index[NB_MAX_DIMS] = {0};
        unravel(x->dims, x->shape, i, index);
        if (belongs(p, index)) of[count++] = nb_tensor_get(x, index);
    }
    return ranked(of, count, (count - 1) / 2);
}

/* The line of the input that a place lies in: its elements, where the place stands in it. */
static inline int64_t line_of(const place *p, double *line, int64_t *at)
{
    const nb_tensor *x = input(p, 0);
    const nb_dims *named = &p->s->call.attr.dims;
    int64_t index[NB_MAX_DIMS];
    int dim = named->count ? named->at[0] : x->dims - 1;
    memcpy(index, p->index, sizeof index);
    *at = x->dims ? index[dim] : 0;
    if (x->dims == 0) line[0] = nb_tensor_item(x);
    for (int64_t i = 0; x->dims && i < x->shape[dim]; i++) {
        index[dim] = i;
        line[i] = nb_tensor_get(x, index);
    }
    return x->dims ? x->shape[dim] : 1;
}

static inline double sort_value(const place *p)
{
    double line[LONGEST];
    int64_t at, n = line_of(p, line, &at);
    return ranked(line, n, at);
}

static inline double topk_value(const place *p)
{
    double line[LONGEST];
    int64_t at, n = line_of(p, line, &at);
    return ranked(line, n, n - 1 - at);
}

static inline double cumsum_value(const place *p)
{
    double line[LONGEST], sum = 0;
    int64_t at;
    line_of(p, line, &at);
    for (int64_t i = 0; i <= at; i++) sum += line[i];
    return sum;
}

static inline double cumprod_value(const place *p)
{
    double line[LONGEST], product = 1;
    int64_t at;
    line_of(p, line, &at);
    for (int64_t i = 0; i <= at; i++) product *= line[i];
    return product;
}

static inline double histogram_value(const place *p)
{
    const nb_tensor *x = input(p, 0);
    int64_t count = nb_tensor_count(x), bins = p->s->call.attr.histogram.bins;
    double least = INFINITY, most = -INFINITY, inside = 0;
    for (int64_t i = 0; i < count; i++) {
        least = fmin(least, flat_at(x, i));
        most = fmax(most, flat_at(x, i));
    }
    for (int64_t i = 0; i < count; i++) {
        double bin = floor((flat_at(x, i) - least) / (most - least) * (double)bins);
        if (count == 1) bin = (double)(bins / 2);
        inside += fmin(bin, (double)(bins - 1)) == (double)p->at;
    }
    return inside;
}

static inline double equal_value(const place *p)
{
    const nb_tensor *a = input(p, 0), *b = input(p, 1);
    bool equal = nb_tensor_same_shape(a, b);
    for (int64_t i = 0; equal && i < nb_tensor_count(a); i++)
        equal = flat_at(a, i) == flat_at(b, i);
    return equal;
}

/* In the samples the second input has as many elements as the first, or as its last dimension. */
static inline double allclose_value(const place *p)
{
    const nb_tensor *a = input(p, 0), *b = input(p, 1);
    bool close = true;
    for (int64_t i = 0; i < nb_tensor_count(a); i++) {
        double y = flat_at(b, i % nb_tensor_count(b));
        close &= fabs(flat_at(a, i) - y) <= 1e-8 + 1e-5 * fabs(y);
    }
    return close;
}

static inline double isnan_of(double x)
{
    return x != x;
}

static inline double isfinite_of(double x)
{
    return fabs(x) < INFINITY;
}

#endif
