/* What a sink makes of the parameters, number by number, until one is not finite. */
#include "nn/net/overstep.h"

#include "base/text.h"
#include "grad/met.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What beta w + alpha g is for number `at`, in the network's dtype; `shrunk` is w behind the
 * sink's `before`. */
typedef struct move {
    double w, shrunk, g, after;
} move;

static move move_of(const nb_sink *sink, const nb_tensor *was, const nb_tensor *grads, int64_t at)
{
    move m = {
        .w = nb_element(was, at), .shrunk = nb_element(sink->into, at), .g = nb_element(grads, at)};
    m.after = sink->beta * m.shrunk + sink->alpha * m.g;
    if (grads->dtype == NB_F32) m.after = (double)(float)m.after;
    return m;
}

static const char *number_text(nb_dtype dtype, double value, char out[NB_NUMBER_MAX])
{
    return dtype == NB_F32 ? nb_single_text((float)value, out) : nb_number_text(value, out);
}

static void tell_move(const nb_sink *sink, const move *m, const char *spot,
                      char text[NB_CULPRIT_TEXT])
{
    char w[NB_NUMBER_MAX], shrunk[NB_NUMBER_MAX], lr[NB_NUMBER_MAX], g[NB_NUMBER_MAX];
    char by[96] = "";
    nb_dtype dtype = sink->into->dtype;
    number_text(dtype, m->w, w);
    number_text(dtype, m->shrunk, shrunk);
    nb_number_text(-sink->alpha, lr);
    number_text(dtype, m->g, g);
    if (m->shrunk != m->w) snprintf(by, sizeof by, "%s, which weight decay makes ", w);
    if (!isfinite(m->w))
        snprintf(text, NB_CULPRIT_TEXT, "%s is %s", spot, w);
    else if (!isfinite(m->shrunk))
        snprintf(text, NB_CULPRIT_TEXT, "%s: %s%s (the step)", spot, by, shrunk);
    else
        snprintf(text, NB_CULPRIT_TEXT, "%s: %s%s - %s · %s is %s (the step)", spot, by, shrunk, lr,
                 g,
                 m->after > 0   ? "inf"
                 : m->after < 0 ? "-inf"
                                : "nan");
}

nb_status nb_judge_step(nb_ctx *ctx, const nb_net *net, const nb_sink *sink, const nb_tensor *grads,
                        char text[NB_CULPRIT_TEXT])
{
    char spot[NB_SPOT_TEXT];
    if (!sink || sink->into->storage != net->values->storage) return NB_OK;
    nb_tensor *was = nb_tensor_clone(ctx, sink->into);
    if (!was) return ctx->status;
    int64_t count = nb_tensor_count(was);
    if (sink->before) sink->before(ctx, sink->self);
    for (int64_t i = 0; i < count && !*text; i++) {
        const move m = move_of(sink, was, grads, i);
        if (!isfinite(m.after) && nb_spot_param(net, i, false, spot))
            tell_move(sink, &m, spot, text);
    }
    size_t bytes = (size_t)count * nb_dtype_size(was->dtype);
    if (sink->before) memcpy(nb_tensor_data(sink->into), nb_tensor_data(was), bytes);
    nb_tensor_release(ctx, was);
    return NB_OK;
}
