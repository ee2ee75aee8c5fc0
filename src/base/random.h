/* Philox 4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw ("Parallel random
 * numbers: as easy as 1, 2, 3", 2011). A stream is keyed by seed, purpose and step, so that what
 * one part of the program draws never depends on another's draws, nor on the number of threads. */
#ifndef NB_RANDOM_H
#define NB_RANDOM_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum nb_purpose {
    NB_FOR_TENSOR = 1,
    NB_FOR_INIT,
    NB_FOR_SHUFFLE,
    NB_FOR_SPLIT,
    NB_FOR_DROPOUT,
    NB_FOR_AUGMENT,
    NB_FOR_FOLDS,
    NB_FOR_LANCZOS,
    NB_FOR_PIECE,
    NB_FOR_PASS
} nb_purpose;

typedef struct nb_stream {
    uint32_t key[2];     /* the seed */
    uint32_t counter[4]; /* of the next block: see nb_stream_make */
    uint32_t block[4];
    unsigned left;  /* words of `block` not yet drawn */
    bool has_spare; /* Box-Muller makes two normals at a time */
    double spare;
} nb_stream;

/* The bare function: ten rounds of counter under key. */
void nb_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* The stream's block i is nb_philox of {i low, i high, step low, step high | purpose << 24} under
 * the seed's two words, low first. step < 2^56; higher bits are dropped. */
nb_stream nb_stream_make(uint64_t seed, nb_purpose purpose, uint64_t step);
/* The context's next stream: its seed, and a step that no earlier call had. */
nb_stream nb_stream_next(nb_ctx *ctx, nb_purpose purpose);

/* Gives the context a chance of its own for a while: what is drawn is a function of seed, purpose
 * and step, whatever was drawn before; and what is drawn behind it is as if nothing had been. */
typedef struct nb_chance {
    uint64_t seed, draws;
} nb_chance;
nb_chance nb_chance_lend(nb_ctx *ctx, uint64_t seed, nb_purpose purpose, uint64_t step);
void nb_chance_back(nb_ctx *ctx, nb_chance was);

uint32_t nb_random_word(nb_stream *stream);
/* Uniform in [0, 1), 53 bits. */
double nb_random_unit(nb_stream *stream);
/* Mean 0, deviation 1 (Box-Muller). */
double nb_random_normal(nb_stream *stream);
/* Uniform in 0 … n - 1 without bias; n > 0. */
uint64_t nb_random_below(nb_stream *stream, uint64_t n);

#endif
