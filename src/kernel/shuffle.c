/* Order by chance: the words that nb_random_below would draw one by one are made many at once. */
#include "kernel/shuffle.h"

#include "base/arith.h"
#include "base/context.h"
#include "kernel/kernel.h"

enum {
    BETWEEN_LOOKS = 1 << 16, /* steps before Ctrl-C is looked for */
    BLOCK_WORDS = 4,         /* of one counter */
    BLOCKS = 64,             /* that are made at a time */
    BLOCKS_LEAST = 16        /* fewer are made one by one */
};

/* A stream and words that it has given beforehand. */
typedef struct words {
    nb_stream *stream;
    size_t at, count;
    uint32_t word[BLOCKS * BLOCK_WORDS];
} words;

/* The next words of the stream, of which `wanted` will be drawn: so none is left at the end. */
static uint32_t make_words(words *from, size_t wanted)
{
    nb_stream *stream = from->stream;
    size_t blocks = nb_least_size(wanted / BLOCK_WORDS, BLOCKS);
    if (stream->left > 0 || blocks < BLOCKS_LEAST) return nb_random_word(stream);
    nb_kernels_get()->philox(stream->key, stream->counter, blocks, from->word);
    stream->counter[0] += (uint32_t)blocks;
    if (stream->counter[0] < blocks) stream->counter[1]++;
    from->count = blocks * BLOCK_WORDS;
    from->at = 1;
    return from->word[0];
}

static inline uint32_t next_word(words *from, size_t wanted)
{
    return from->at < from->count ? from->word[from->at++] : make_words(from, wanted);
}

/* nb_random_below(n) for n below 2^32: see there. */
static inline uint32_t below(words *from, uint32_t n)
{
    uint64_t product = (uint64_t)next_word(from, n - 1) * n;
    if ((uint32_t)product < n) {
        uint32_t excess = (0 - n) % n;
        while ((uint32_t)product < excess) product = (uint64_t)next_word(from, n - 1) * n;
    }
    return (uint32_t)(product >> 32);
}

nb_status nb_random_shuffle(nb_ctx *ctx, nb_stream *stream, int32_t *index, size_t n)
{
    words from; /* field by field: its words are nobody's yet */
    from.stream = stream;
    from.at = from.count = 0;
    for (size_t i = n; i > 1; i--) {
        if (i % BETWEEN_LOOKS == 0 && nb_poll(ctx) != NB_OK) return ctx->status;
        size_t j = i <= UINT32_MAX ? below(&from, (uint32_t)i) : nb_random_below(stream, i);
        int32_t kept = index[i - 1];
        index[i - 1] = index[j];
        index[j] = kept;
    }
    return NB_OK;
}
