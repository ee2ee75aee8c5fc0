/* Step by step: which networks can, and one call. */
#include "nn/net/stream.h"

#include "base/memory.h"
#include "nn/examples.h"
#include "tensor/shape.h"

#include <string.h>

/* ---- Which networks can ---------------------------------------------------------------------- */

/* Whether steps come to a layer: behind what ends them it sees one vector. Of a network whose steps
 * are fixed in number nobody knows. */
static bool sees_steps(const nb_net *net, const nb_layer *layer)
{
    const nb_form *in = &layer->plan->in;
    return nb_form_is_free(nb_net_in(net)) ? nb_form_is_free(in) : in->dims > 1;
}

nb_status nb_net_stream_begin(nb_ctx *ctx, nb_net *net, nb_net_stream *stream)
{
    char text[NB_SHAPE_TEXT];
    const nb_form *in = nb_net_in(net);
    *stream = (nb_net_stream){.net = net, .dtype = net->dtype};
    for (int i = 0; i < net->parts; i++) {
        const nb_layer *layer = net->part[i];
        if (!layer->type->whole || !sees_steps(net, layer)) continue;
        const char *why = layer->type->whole(layer), *fix = why ? strstr(why, "; ") : NULL;
        int length = !why ? 0 : fix ? (int)(fix - why) : (int)strlen(why);
        if (why)
            return nb_fail(ctx, NB_EARG, "%s: %s %.*s, so the network cannot answer step by step%s",
                           layer->plan->where, layer->type->name, length, why, fix ? fix : "");
    }
    if (in->reading == NB_STEPS && in->size[0] < 0) return NB_OK;
    nb_form_text(in, text);
    return nb_fail(ctx, NB_ESHAPE,
                   "a stream goes over steps of a free number, as in *x3; the network takes %s",
                   text);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

void nb_net_stream_reset(nb_ctx *ctx, nb_net_stream *stream)
{
    nb_state_free(ctx, &stream->state);
    stream->steps = 0;
    if (stream->net) stream->dtype = stream->net->dtype;
}

static nb_status copy_state(nb_ctx *ctx, nb_state *to, const nb_state *from)
{
    *to = (nb_state){.places = 0};
    if (!from->at) return NB_OK;
    to->at = nb_alloc_zero(ctx, (size_t)from->places, sizeof *to->at);
    if (!to->at) return ctx->status;
    to->places = from->places;
    for (int i = 0; i < from->places; i++)
        if (from->at[i]) to->at[i] = nb_tensor_retain(from->at[i]);
    return NB_OK;
}

nb_status nb_net_stream_copy(nb_ctx *ctx, nb_net_stream *to, const nb_net_stream *from)
{
    *to = *from;
    return copy_state(ctx, &to->state, &from->state);
}

/* ---- One call -------------------------------------------------------------------------------- */

/* What it remembers is of the network as it was. */
static nb_status check_network(nb_ctx *ctx, const nb_net_stream *stream)
{
    const nb_net *net = stream->net;
    bool same = stream->dtype == net->dtype &&
                (!stream->state.at || stream->state.places == net->layer.plan->places);
    if (same || !stream->steps) return NB_OK;
    return nb_fail(ctx, NB_EARG,
                   "the network has changed since the stream began; s:reset() begins anew");
}

/* x as steps, (k, …); one step where *single. */
static nb_tensor *as_steps(nb_ctx *ctx, const nb_form *in, nb_tensor *x, bool *single)
{
    char given[NB_SHAPE_TEXT], step[NB_SHAPE_TEXT];
    nb_form one = {.dims = in->dims - 1};
    memcpy(one.size, in->size + 1, (size_t)one.dims * sizeof *one.size);
    *single = x->dims == one.dims;
    int64_t shape[NB_MAX_DIMS] = {1};
    bool fits = (*single || (x->dims == in->dims && x->shape[0] > 0)) &&
                nb_form_takes(&one, x->shape + x->dims - one.dims);
    if (!fits) {
        const char *width = one.dims ? nb_form_text(&one, step) : "one word";
        return nb_fail_null(ctx, NB_ESHAPE,
                            "x is %s; a step of this network is %s, several are %s%s",
                            nb_shape_text(x->dims, x->shape, given), width,
                            one.dims ? "nx" : "a vector of words", one.dims ? width : "");
    }
    if (!*single) return nb_tensor_retain(x);
    memcpy(shape + 1, x->shape, (size_t)x->dims * sizeof *shape);
    return nb_tensor_reshape(ctx, x, x->dims + 1, shape);
}

/* The output of one example: without its dimension, nor that of a single step. */
static nb_tensor *alone(nb_ctx *ctx, const nb_net *net, nb_tensor *out, bool single)
{
    nb_tensor *example = nb_tensor_select(ctx, out, 0, 0);
    if (!example || !single || nb_net_out(net)->size[0] >= 0) return example;
    nb_tensor *step = nb_tensor_select(ctx, example, 0, 0);
    nb_tensor_release(ctx, example);
    return step;
}

nb_tensor *nb_net_stream_run(nb_ctx *ctx, nb_net_stream *stream, nb_tensor *x)
{
    nb_net *net = stream->net;
    bool single, example, recording = ctx->recording;
    nb_state next;
    nb_result pass;
    if (check_network(ctx, stream) != NB_OK) return NULL;
    nb_tensor *steps = as_steps(ctx, nb_net_in(net), x, &single), *out = NULL;
    ctx->recording = false;
    nb_tensor *batch = steps ? nb_net_inputs(ctx, net, steps, &example) : NULL;
    nb_status status = batch ? copy_state(ctx, &next, &stream->state) : ctx->status;
    if (status == NB_OK) {
        const nb_mode mode = {.state = &next};
        if (nb_net_run(ctx, net, batch, NULL, &mode, NULL, &pass) == NB_OK) {
            out = alone(ctx, net, pass.output, single);
            nb_result_free(ctx, &pass);
        }
        if (out) {
            nb_state old = stream->state;
            stream->state = next;
            next = old;
            stream->dtype = net->dtype;
            stream->steps += steps->shape[0];
        }
        nb_state_free(ctx, &next);
    }
    ctx->recording = recording;
    nb_tensor_release(ctx, steps);
    nb_tensor_release(ctx, batch);
    return out;
}
