/* What texts are read with: names that the host adds, and limits. */
#ifndef NB_RESOLVER_H
#define NB_RESOLVER_H

#include "nn/cost.h"

enum { NB_NOTATION_AGAIN = 16 * 1024 * 1024 }; /* bytes that repeats may read again, all together */

/* Names that the host adds to the built-in ones (nn.activation{name = …}); either may be NULL, and
 * each gives NULL for a name that it does not know. */
typedef struct nb_resolver {
    const nb_activation_type *(*activation)(nb_ctx *ctx, void *self, const char *name);
    const nb_cost_type *(*cost)(nb_ctx *ctx, void *self, const char *name);
    void *self;
} nb_resolver;

#endif
