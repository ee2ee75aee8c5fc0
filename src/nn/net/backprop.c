/* What backpropagation makes of a pass. */
#include "nn/net/backprop.h"

#include "base/text.h"
#include "grad/thinned.h"

#include <math.h>
#include <string.h>

bool nb_net_has_functions(const nb_net *net)
{
    for (int i = 0; i < net->parts; i++) {
        const nb_runs *runs = net->part[i]->plan->runs;
        if (net->part[i]->host) return true;
        for (int64_t k = 0; runs && k < runs->count; k++)
            if (runs->run[k].activation.type->host) return true;
    }
    return net->cost.type->host != NULL;
}

/* Of rows given as their non-zeros: with their zeros, and w as others see it. */
static nb_status find_in_rows(nb_ctx *ctx, nb_thinned *given, const nb_inquiry *ask,
                              char text[NB_CULPRIT_TEXT])
{
    nb_inquiry whole = *ask;
    nb_tensor *x = nb_thinned_numbers(ctx, given);
    *text = '\0';
    if (given->settle) given->settle(given->self);
    whole.x = x;
    nb_status status = x ? nb_find_culprit(ctx, &whole, text) : ctx->status;
    nb_tensor_release(ctx, x);
    return status;
}

nb_status nb_net_explain(nb_ctx *ctx, const nb_inquiry *ask, nb_status status)
{
    char message[NB_MESSAGE_MAX], text[NB_CULPRIT_TEXT];
    nb_thinned *given = ask->x ? nb_thinned_of(ask->x) : NULL;
    if (status != NB_EVALUE || ctx->heedless || ask->mode->trial) return status;
    if (ctx->across) return status; /* other pieces would have to run again too */
    memcpy(message, ctx->message, sizeof message);
    status = given ? find_in_rows(ctx, given, ask, text) : nb_find_culprit(ctx, ask, text);
    if (status == NB_EINTERRUPT) return NB_EINTERRUPT;
    status = NB_EVALUE;
    if (*text) return nb_fail(ctx, status, "%s: %s", message, text);
    return nb_fail(ctx, status, "%s%s", message,
                   nb_net_has_functions(ask->net)
                       ? "; run again all was finite: a function gives other "
                         "numbers every time"
                       : "");
}

nb_status nb_net_bad_cost(nb_ctx *ctx, double cost)
{
    char text[NB_NUMBER_MAX];
    return nb_fail(ctx, NB_EVALUE, "the cost is %s", nb_number_text(cost, text));
}

/* Backward from a pass's cost. */
static nb_status go_back(nb_ctx *ctx, nb_net *net, const nb_result *pass, const nb_mode *mode,
                         const nb_sink *sink)
{
    const nb_backward_options options = {.sinks = sink, .sink_count = sink ? 1 : 0};
    uint64_t before = net->home->pass;
    nb_status status = NB_OK;
    if (pass->cost->link)
        status = nb_net_back(ctx, pass->cost, mode, &options);
    else if (sink && sink->before)
        sink->before(ctx, sink->self);
    /* A cost that depends on no parameter has a gradient too. */
    if (status == NB_OK && !sink && net->home->pass == before) nb_home_clear(net->home);
    return status;
}

nb_status nb_net_learn(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, const nb_mode *mode,
                       const nb_sink *sink, double *cost)
{
    nb_result pass;
    nb_mode taped = mode ? *mode : (nb_mode){.learning = false};
    taped.taped = true;
    const nb_inquiry ask = {
        .net = net, .x = x, .y = y, .mode = &taped, .sink = sink, .draws = ctx->draws};
    nb_status status = nb_net_run(ctx, net, x, y, &taped, NULL, &pass);
    if (status != NB_OK) return nb_net_explain(ctx, &ask, status);
    *cost = nb_tensor_item(pass.cost);
    status = isfinite(*cost) ? go_back(ctx, net, &pass, &taped, sink) : nb_net_bad_cost(ctx, *cost);
    nb_result_free(ctx, &pass);
    return nb_net_explain(ctx, &ask, status);
}

nb_status nb_net_backprop(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, double *cost)
{
    return nb_net_learn(ctx, net, x, y, NULL, NULL, cost);
}
