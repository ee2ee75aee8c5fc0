/* See written.h. */
#include "written.h"

#include "nn/notation/notation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

nb_net *built(nb_ctx *ctx, const char *notation)
{
    nb_net *net = nb_notation_parse(ctx, notation, NULL);
    if (!net || nb_net_build(ctx, net, NB_F32, 9) != NB_OK) fail_msg("%s", ctx->message);
    return net;
}

void assert_text(nb_ctx *ctx, write_fn *write, const nb_net *net, const char *expected)
{
    nb_text text;
    nb_text_init(&text, ctx);
    write(&text, net);
    assert_string_equal(nb_text_get(&text), expected);
    nb_text_free(&text);
}

void assert_written(nb_ctx *ctx, write_fn *write, const char *notation, const char *expected)
{
    nb_net *net = built(ctx, notation);
    assert_text(ctx, write, net, expected);
    nb_net_release(ctx, net);
}
