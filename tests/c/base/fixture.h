/* What the tests of memory share: a context that every test gives back as it got it. A header
 * alone, because every test is one program. */
#ifndef NB_TEST_FIXTURE_H
#define NB_TEST_FIXTURE_H

#include "base/context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static inline int setup(void **state)
{
    *state = nb_ctx_new();
    return *state ? 0 : -1;
}

/* Every test gives back all that it took. */
static inline int teardown(void **state)
{
    nb_ctx *ctx = *state;
    int left = ctx->memory.live != 0;
    nb_ctx_free(ctx);
    return left ? -1 : 0;
}

#endif
