/* Data sets that are made up: points of the plane in two classes that no line parts. */
#ifndef NB_GENERATE_H
#define NB_GENERATE_H

#include "nn/data/set.h"

typedef struct nb_generate_options {
    int64_t count; /* examples, at least 2; classes come in turn, so that every part has both */
    double noise;  /* standard deviation of what is added to each coordinate, from 0 */
    double turns;  /* of a spiral, above 0 */
    uint64_t seed; /* of the noise */
} nb_generate_options;

/* The four points of the unit square; class 2 ("1") where their coordinates differ. */
nb_set *nb_set_xor(nb_ctx *ctx);
/* Two arms of an Archimedean spiral, half a turn apart: at share s of an arm the radius is s and
 * the angle 2π · turns · s. */
nb_set *nb_set_spirals(nb_ctx *ctx, const nb_generate_options *options);
/* Two half circles of radius 1 that reach into each other: (cos a, sin a) and
 * (1 - cos a, 1/2 - sin a), a from 0 to π. */
nb_set *nb_set_moons(nb_ctx *ctx, const nb_generate_options *options);

#endif
