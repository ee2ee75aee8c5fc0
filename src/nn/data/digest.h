/* A number that tells sets apart, for processes that must have the same. No defence against who
 * makes two of one number on purpose. */
#ifndef NB_DIGEST_H
#define NB_DIGEST_H

#include "nn/data/set.h"

/* What the digest of nothing is. */
#define NB_DIGEST_EMPTY UINT64_C(0x6e61626c61)
/* Of so many bytes more. */
uint64_t nb_digest(uint64_t digest, const void *data, size_t bytes);
static inline uint64_t nb_digest_number(uint64_t digest, double number)
{
    return nb_digest(digest, &number, sizeof number);
}

/* Of a set: its examples in their order, what they mean, and how they are scaled. Of one that holds
 * more than NB_DIGEST_BYTES so many of them, in stretches spread evenly over it. */
enum { NB_DIGEST_BYTES = 256 << 20 };
nb_status nb_set_digest(nb_ctx *ctx, const nb_set *set, uint64_t *digest);

#endif
