/* The values that a search may move, as a list. */
#include "nn/train/search/places.h"

#include "base/memory.h"

static bool learns(const nb_problem *problem, const nb_segment *segment, int64_t i)
{
    return !segment->frozen && segment->factor > 0 && !(problem->mask && !problem->mask[i]);
}

/* Calls of this count them, then write them. */
static int64_t list(const nb_problem *problem, nb_places *places)
{
    int64_t count = 0;
    for (int64_t s = 0; s < problem->segments; s++) {
        const nb_segment *segment = &problem->segment[s];
        for (int64_t i = segment->start; i < segment->start + segment->count; i++) {
            if (!learns(problem, segment, i)) continue;
            if (places->at) {
                places->at[count] = i;
                places->factor[count] = segment->factor;
            }
            count++;
        }
    }
    return count;
}

nb_status nb_places_find(nb_ctx *ctx, const nb_problem *problem, nb_places *places)
{
    *places = (nb_places){.count = 0};
    int64_t count = list(problem, places);
    int64_t *at = nb_alloc(ctx, (size_t)count * sizeof *at);
    double *factor = at ? nb_alloc(ctx, (size_t)count * sizeof *factor) : NULL;
    if (!factor) {
        nb_free(ctx, at, (size_t)count * sizeof *at);
        return ctx->status;
    }
    *places = (nb_places){.count = count, .at = at, .factor = factor};
    list(problem, places);
    return NB_OK;
}

void nb_places_free(nb_ctx *ctx, nb_places *places)
{
    nb_free(ctx, places->at, (size_t)places->count * sizeof *places->at);
    nb_free(ctx, places->factor, (size_t)places->count * sizeof *places->factor);
    *places = (nb_places){.count = 0};
}

double nb_number_at(nb_dtype dtype, const void *vector, int64_t i)
{
    return dtype == NB_F32 ? (double)((const float *)vector)[i] : ((const double *)vector)[i];
}

void nb_number_put(nb_dtype dtype, void *vector, int64_t i, double value)
{
    if (dtype == NB_F32)
        ((float *)vector)[i] = (float)value;
    else
        ((double *)vector)[i] = value;
}
