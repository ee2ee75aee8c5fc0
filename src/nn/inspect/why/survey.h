/* A walk over all examples of a set, in pieces that memory holds, for what the terms of a layer's
 * neurons add up to. */
#ifndef NB_WHY_SURVEY_H
#define NB_WHY_SURVEY_H

#include "nn/data/set.h"
#include "nn/inspect/why/factors.h"
#include "nn/train/judge/weights.h"

typedef struct nb_survey {
    nb_net *net;     /* in f64 */
    nb_layer *layer; /* one of its own */
    const nb_set *set;
    const nb_weights *weights; /* NULL: all examples count alike */
    int64_t done, total;       /* examples, for who is told how far it has come */
} nb_survey;

/* Fills the tallies (begun) of the families first … last - 1. With weights a term counts as its
 * example's weight over the mean weight. NB_EVALUE where a cost is not finite, with where that
 * began. */
nb_status nb_survey_run(nb_ctx *ctx, nb_survey *survey, nb_tally *tally, int first, int last,
                        nb_counts *counts);

#endif
