/* Vectors over the values of a problem. */
#include "nn/train/search/vectors.h"

#include <math.h>
#include <string.h>

static size_t count(const nb_problem *problem)
{
    return (size_t)problem->count;
}

double nb_vector_dot(const nb_problem *problem, const void *a, const void *b)
{
    return nb_real(problem->dtype)->dot(count(problem), a, 1, b, 1);
}

double nb_vector_most(const nb_problem *problem, const void *a)
{
    return nb_real(problem->dtype)->magnitude(count(problem), a);
}

void nb_vector_add(const nb_problem *problem, void *a, double alpha, const void *b)
{
    nb_real(problem->dtype)->axpy(count(problem), alpha, b, a);
}

void nb_vector_scale(const nb_problem *problem, void *a, double alpha)
{
    nb_real(problem->dtype)->unary[NB_U_scale](count(problem), a, 1, a, 1, alpha, 0);
}

size_t nb_vector_bytes(const nb_problem *problem)
{
    return count(problem) * nb_dtype_size(problem->dtype);
}

static bool learns(const nb_segment *segment)
{
    return !segment->frozen && segment->factor > 0;
}

void nb_vector_slope(const nb_problem *problem, void *out)
{
    const nb_real_kernels *real = nb_real(problem->dtype);
    size_t width = nb_dtype_size(problem->dtype), bytes = nb_vector_bytes(problem);
    memset(out, 0, bytes);
    for (int64_t i = 0; i < problem->segments; i++) {
        const nb_segment *s = &problem->segment[i];
        size_t at = (size_t)s->start * width;
        if (learns(s))
            real->axpy((size_t)s->count, sqrt(s->factor), (const char *)problem->gradient + at,
                       (char *)out + at);
    }
    for (int64_t i = 0; problem->mask && i < problem->count; i++)
        if (!problem->mask[i]) memset((char *)out + (size_t)i * width, 0, width);
}

void nb_vector_go(const nb_problem *problem, const void *from, double alpha, const void *direction)
{
    const nb_real_kernels *real = nb_real(problem->dtype);
    size_t width = nb_dtype_size(problem->dtype);
    memcpy(problem->values, from, nb_vector_bytes(problem));
    for (int64_t i = 0; i < problem->segments; i++) {
        const nb_segment *s = &problem->segment[i];
        size_t at = (size_t)s->start * width;
        if (learns(s))
            real->axpy((size_t)s->count, alpha * sqrt(s->factor), (const char *)direction + at,
                       (char *)problem->values + at);
    }
    if (problem->mask) real->put_back(count(problem), problem->mask, from, problem->values);
}
