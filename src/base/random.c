/* Philox and what is drawn from it. Every draw is a function of the stream's words alone, so equal
 * streams give equal numbers. */
#include "base/random.h"

#include "base/context.h"

#include <math.h>

enum {
    ROUNDS = 10,
    STEP_BITS = 56 /* of the 64 bits of step and purpose */
};

/* The multipliers and the key's increments (golden ratio, sqrt 3 - 1) of the paper's table 2. */
static const uint32_t multiplier[2] = {0xD2511F53, 0xCD9E8D57};
static const uint32_t weyl[2] = {0x9E3779B9, 0xBB67AE85};

void nb_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t p0 = (uint64_t)multiplier[0] * c0;
        uint64_t p1 = (uint64_t)multiplier[1] * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += weyl[0];
        k1 += weyl[1];
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

nb_stream nb_stream_make(uint64_t seed, nb_purpose purpose, uint64_t step)
{
    uint64_t place = ((uint64_t)purpose << STEP_BITS) | (step & (UINT64_MAX >> (64 - STEP_BITS)));
    return (nb_stream){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .counter = {0, 0, (uint32_t)place, (uint32_t)(place >> 32)},
    };
}

nb_stream nb_stream_next(nb_ctx *ctx, nb_purpose purpose)
{
    return nb_stream_make(ctx->seed, purpose, ctx->draws++);
}

nb_chance nb_chance_lend(nb_ctx *ctx, uint64_t seed, nb_purpose purpose, uint64_t step)
{
    const nb_chance was = {ctx->seed, ctx->draws};
    nb_stream stream = nb_stream_make(seed, purpose, step);
    uint64_t high = nb_random_word(&stream);
    ctx->seed = high << 32 | nb_random_word(&stream);
    ctx->draws = 0;
    return was;
}

void nb_chance_back(nb_ctx *ctx, nb_chance was)
{
    ctx->seed = was.seed;
    ctx->draws = was.draws;
}

static void next_block(nb_stream *stream)
{
    nb_philox(stream->counter, stream->key, stream->block);
    stream->left = 4;
    if (++stream->counter[0] == 0) stream->counter[1]++;
}

static inline uint32_t next_word(nb_stream *stream)
{
    if (stream->left == 0) next_block(stream);
    return stream->block[4 - stream->left--];
}

uint32_t nb_random_word(nb_stream *stream)
{
    return next_word(stream);
}

double nb_random_unit(nb_stream *stream)
{
    uint64_t high = nb_random_word(stream) >> 5; /* 27 bits */
    uint64_t low = nb_random_word(stream) >> 6;  /* 26 bits */
    return (double)((high << 26) | low) * 0x1p-53;
}

double nb_random_normal(nb_stream *stream)
{
    if (stream->has_spare) {
        stream->has_spare = false;
        return stream->spare;
    }
    double radius = sqrt(-2 * log(1 - nb_random_unit(stream))); /* 1 - u is never 0 */
    double angle = 2 * M_PI * nb_random_unit(stream);
    stream->spare = radius * sin(angle);
    stream->has_spare = true;
    return radius * cos(angle);
}

/* Lemire's way: the upper half of word * n is below n, and each value equally likely once the words
 * whose lower half is under 2^32 mod n are drawn again. Few need the division to tell. */
static inline uint32_t below_short(nb_stream *stream, uint32_t n)
{
    uint64_t product = (uint64_t)next_word(stream) * n;
    if ((uint32_t)product < n) {
        uint32_t excess = (0 - n) % n;
        while ((uint32_t)product < excess) product = (uint64_t)next_word(stream) * n;
    }
    return (uint32_t)(product >> 32);
}

/* Longer numbers are rare: as many bits as n - 1 has, until they are below n. */
uint64_t nb_random_below(nb_stream *stream, uint64_t n)
{
    if (n <= UINT32_MAX) return below_short(stream, (uint32_t)n);
    uint64_t mask = UINT64_MAX >> __builtin_clzll(n - 1);
    uint64_t value;
    do {
        value = nb_random_word(stream);
        value = ((value << 32) | nb_random_word(stream)) & mask;
    } while (value >= n);
    return value;
}
