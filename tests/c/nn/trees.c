/* Networks that chance draws, as notation: items of the kinds in one table, put together so that
 * their sizes fit. */
#include "trees.h"

#include "nets.h"

#include "nn/notation/notation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

enum {
    NAMES_MAX = 64,
    DEPTH = 4,
    WIDTH = 4 /* the most units of a layer */
};

/* What goes from one layer to the next: a vector, or steps of vectors. */
typedef struct flow {
    bool steps;
    int width;
} flow;

typedef struct drawing {
    nb_stream stream;
    char *text; /* TREE_TEXT_MAX bytes */
    size_t used;
    int budget; /* layers that may still come */
    int depth, repeats;
    int names; /* given so far */
    struct {
        int number;
        flow in, out;
        int units, inputs; /* of a weight that others may take; 0: none */
    } name[NAMES_MAX];     /* those that a place may share */
    int named, outward;    /* @ reaches from `outward` on */
} drawing;

static int below(drawing *d, int n)
{
    return (int)nb_random_below(&d->stream, (uint64_t)n);
}

static void put(drawing *d, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int n = vsnprintf(d->text + d->used, TREE_TEXT_MAX - d->used, format, list);
    va_end(list);
    d->used += (size_t)n;
    assert_true(d->used < TREE_TEXT_MAX);
}

static bool same_flow(flow a, flow b)
{
    return a.steps == b.steps && a.width == b.width;
}

/* A name for the item just written, so that later places may share it or take its weight. */
static void maybe_name_weight(drawing *d, flow in, flow out, int units, int inputs)
{
    if (d->repeats || d->named == NAMES_MAX || below(d, 3)) return;
    put(d, " name=n%d", ++d->names);
    d->name[d->named].number = d->names;
    d->name[d->named].in = in;
    d->name[d->named].units = units;
    d->name[d->named].inputs = inputs;
    d->name[d->named++].out = out;
}

static void maybe_name(drawing *d, flow in, flow out)
{
    maybe_name_weight(d, in, out, 0, 0);
}

/* The number of a named weight for so many inputs, or -1. */
static int draw_weight(drawing *d, int inputs)
{
    for (int i = d->outward; i < d->named; i++)
        if (d->name[i].units && d->name[i].inputs == inputs && below(d, 2)) return i;
    return -1;
}

static flow draw_list(drawing *d, flow at, int end);

/* A list in a branch of its own: its names are not seen from outside. */
static flow draw_inside(drawing *d, flow at, int end)
{
    int named = d->named;
    d->depth++;
    flow out = draw_list(d, at, end);
    d->depth--;
    d->named = named;
    return out;
}

/* ---- Kinds: every type of layer that notation can say has one line in the table below ---------
 */

static void put_activation(drawing *d, const nb_activation_type *type)
{
    const nb_option *option = type->options;
    put(d, " %s", type->name);
    if (option && below(d, 2)) put(d, "(%s=0.25)", option->name);
}

static void draw_init(drawing *d)
{
    if (!below(d, 4)) put(d, " init=%s", nb_inits[below(d, NB_INITS)]->name);
}

/* Of a layer that no other place shares. */
static void draw_name(drawing *d)
{
    if (!d->repeats && below(d, 2)) put(d, " name=n%d", ++d->names);
}

/* What every layer takes. */
static void draw_words(drawing *d)
{
    if (!below(d, 8)) put(d, " frozen");
    draw_name(d);
}

/* Ones without a kink: what comes in may be 0, where a kink would be met exactly. */
static const char *const smooth[] = {"tanh", "sin", "softplus", "gelu", "softmax", "log_softmax"};
enum { PLAIN_SMOOTH = 4, SMOOTH = 6 };

static void draw_tail(drawing *d, int units)
{
    const nb_activation_type *main = nb_activations[below(d, NB_ACTIVATIONS)];
    bool whole = false;
    if (below(d, 3)) {
        put_activation(d, main);
        whole = main->whole_layer;
    }
    for (int i = below(d, 3); i > 0 && !whole; i--) {
        const nb_activation_type *other = nb_activations[below(d, NB_ACTIVATIONS)];
        int first = 1 + below(d, units);
        if (other->whole_layer) continue;
        put_activation(d, other);
        put(d, "@%d", first);
        if (first < units) put(d, "..%d", first + 1 + below(d, units - first));
    }
    draw_init(d);
    if (!below(d, 6)) put(d, " frozen");
}

/* Without a bias zeros alone give 0. */
static void draw_unbiased_tail(drawing *d)
{
    put(d, " %s bias=false", smooth[below(d, PLAIN_SMOOTH)]);
    draw_init(d);
    if (!below(d, 6)) put(d, " frozen");
}

/* The tail of a layer with a bias, or without. */
static void draw_any_tail(drawing *d, int units)
{
    if (below(d, 5))
        draw_tail(d, units);
    else
        draw_unbiased_tail(d);
}

static flow draw_dense(drawing *d, flow at)
{
    int tied = draw_weight(d, at.width);
    flow out = {at.steps, tied < 0 ? 1 + below(d, WIDTH) : d->name[tied].units};
    put(d, below(d, 4) ? "%d" : "dense %d", out.width);
    draw_any_tail(d, out.width);
    if (tied >= 0) put(d, " tied=n%d", d->name[tied].number);
    maybe_name_weight(d, at, out, out.width, at.width);
    return out;
}

static flow draw_positions(drawing *d, flow at)
{
    if (!at.steps) return draw_dense(d, at);
    put(d, below(d, 2) ? "positions" : "positions 4");
    draw_init(d);
    if (!below(d, 6)) put(d, " frozen");
    maybe_name(d, at, at);
    return at;
}

static flow draw_attention(drawing *d, flow at)
{
    if (!at.steps) return draw_dense(d, at);
    put(d, "attention %d", at.width % 2 || below(d, 2) ? at.width : at.width / 2);
    if (below(d, 2)) put(d, " causal");
    draw_init(d);
    if (!below(d, 6)) put(d, " frozen");
    maybe_name(d, at, at);
    return at;
}

/* Only an input is words: no other place may share it, but any its weight. */
static flow draw_embedding(drawing *d)
{
    flow out = {true, 1 + below(d, WIDTH)};
    put(d, "* - embedding %d %d", TREE_WORDS, out.width);
    draw_init(d);
    if (!below(d, 6)) put(d, " frozen");
    maybe_name_weight(d, (flow){true, 0}, out, TREE_WORDS, out.width);
    put(d, " - ");
    return out;
}

static flow draw_layer_norm(drawing *d, flow at)
{
    if (at.width == 1) return draw_dense(d, at);
    put(d, "layer_norm epsilon=0.5");
    if (!below(d, 6)) put(d, " frozen");
    maybe_name(d, at, at);
    return at;
}

static flow draw_batch_norm(drawing *d, flow at)
{
    put(d, "batch_norm epsilon=0.5%s", below(d, 3) ? "" : " momentum=0.25");
    if (!below(d, 6)) put(d, " frozen");
    maybe_name(d, at, at);
    return at;
}

static flow draw_group_norm(drawing *d, flow at)
{
    if (at.width == 1) return draw_dense(d, at);
    put(d, "group_norm %d epsilon=0.5", at.width % 2 || at.width < 4 ? 1 : 2);
    if (!below(d, 6)) put(d, " frozen");
    maybe_name(d, at, at);
    return at;
}

static flow draw_dropout(drawing *d, flow at)
{
    put(d, "dropout 0.%d", below(d, 10));
    if (!below(d, 6)) put(d, " frozen");
    maybe_name(d, at, at);
    return at;
}

static flow draw_act(drawing *d, flow at)
{
    put(d, "act");
    if (!below(d, 3))
        put(d, " %s", smooth[below(d, SMOOTH)]);
    else if (below(d, 2))
        put(d, " %s silu@%d", smooth[below(d, PLAIN_SMOOTH)], 1 + below(d, at.width));
    if (!below(d, 6)) put(d, " frozen");
    maybe_name(d, at, at);
    return at;
}

/* Only at the top may it end the steps: branches that meet must agree. */
static flow draw_recurrent(drawing *d, flow at)
{
    static const char *const words[] = {"rnn %d", "rnn %d sigmoid", "lstm %d", "gru %d"};
    flow out = {true, 1 + below(d, 2)};
    if (!at.steps) return draw_dense(d, at);
    put(d, words[below(d, 4)], out.width);
    if (!below(d, 3)) put(d, " layers=2");
    if (!below(d, 3)) {
        put(d, " both");
        out.width *= 2;
    }
    if (!d->depth && !d->repeats && !below(d, 3)) {
        put(d, " last");
        out.steps = false;
    }
    draw_init(d);
    if (!below(d, 3)) put(d, " frozen");
    if (below(d, 2))
        maybe_name(d, at, out);
    else
        draw_name(d);
    return out;
}

static flow draw_conv_of_steps(drawing *d, flow at)
{
    static const char *const pads[] = {"same", "causal"};
    bool pairs = at.width % 2 == 0 && !below(d, 2);
    flow out = {true, pairs ? 2 : 1 + below(d, 3)};
    put(d, "conv %d %d", out.width, 1 + below(d, 3));
    draw_any_tail(d, out.width);
    put(d, " padding=%s", pads[below(d, 2)]);
    if (pairs) put(d, " groups=2");
    if (!below(d, 3)) put(d, " dilation=2");
    maybe_name(d, at, out);
    return out;
}

/* A convolution of one extent, or of two with sizes of their own for each. */
static void draw_conv_of_space(drawing *d, int channels, bool two)
{
    static const char *const one[] = {"padding=same", "padding=1 stride=2", "padding=causal",
                                      "padding=same dilation=2", "padding=3 dilation=2"};
    static const char *const both[] = {"padding=same", "padding=1x2 stride=1x2",
                                       "padding=same dilation=2x1", "padding=2x4 dilation=1x2",
                                       "padding=1 stride=2"};
    put(d, "conv %d ", channels);
    put(d, two && !below(d, 3) ? "%dx2" : "%d", 1 + below(d, 3));
    draw_any_tail(d, channels);
    put(d, " %s", two ? both[below(d, 5)] : one[below(d, 5)]);
}

static int draw_conv_transpose(drawing *d, int channels)
{
    static const char *const ways[] = {" 2 stride=2", " 3 stride=2 padding=1 output_padding=1",
                                       " 2 dilation=2", " 1"};
    bool pairs = channels % 2 == 0 && below(d, 2);
    int width = pairs ? 2 : 1 + below(d, 3);
    put(d, " - conv_transpose %d%s", width, ways[below(d, 4)]);
    if (pairs) put(d, " groups=2");
    draw_any_tail(d, width);
    draw_name(d);
    return width;
}

/* What makes a vector of space: the mean of each channel, also of a network that takes space, or
 * of a block in it. */
static void draw_end_of_space(drawing *d, int channels)
{
    static const char *const ends[] = {
        "global_avg_pool",
        "net[global_avg_pool]",
        "net[residual[conv %d 3 tanh padding=same] - global_avg_pool]",
        "residual[net[batch_norm epsilon=0.5 - conv %d 1]] - net[act gelu - global_avg_pool]",
        "parallel[net[dropout 0.5 - net[global_avg_pool]]]",
    };
    put(d, " - ");
    put(d, ends[below(d, 5)], channels);
    draw_words(d);
}

/* Space of one extent or two that a vector becomes, and back; steps are convolved as they are. The
 * mean of a channel makes as many units as there are channels. */
static flow draw_conv(drawing *d, flow at)
{
    static const char *const shapes[] = {"reshape 1x%d", "reshape 1x%dx1", "reshape 1x1x%d"};
    if (at.steps) return draw_conv_of_steps(d, at);
    flow out = {false, 1 + below(d, 3)};
    int shape = below(d, 3);
    put(d, shapes[shape], at.width);
    draw_words(d);
    put(d, " - ");
    draw_conv_of_space(d, out.width, shape > 0);
    draw_name(d);
    if (!below(d, 2)) {
        put(d, " - avg_pool 2 stride=1 padding=1");
        draw_words(d);
    }
    if (!below(d, 2)) out.width = draw_conv_transpose(d, out.width);
    draw_end_of_space(d, out.width);
    return out;
}

/* Behind positions, which part numbers that are equal: there the largest has a kink. */
static flow draw_max_pool(drawing *d, flow at)
{
    if (!at.steps) return draw_dense(d, at);
    put(d, "positions - max_pool 3 stride=1 padding=1%s", below(d, 3) ? "" : " frozen");
    draw_name(d);
    return at;
}

/* Other sizes and back to a vector; steps keep theirs. */
static flow draw_shapes(drawing *d, flow at)
{
    if (at.steps) return draw_dense(d, at);
    put(d, "reshape 1x%dx1", at.width);
    draw_words(d);
    put(d, " - flatten%s", below(d, 3) ? "" : " frozen");
    draw_name(d);
    return at;
}

static flow draw_residual(drawing *d, flow at)
{
    flow out = at;
    put(d, "residual[");
    if (below(d, 2)) {
        draw_inside(d, at, at.width);
    } else {
        bool empty = !below(d, 4);
        if (!empty) out = draw_inside(d, at, 0);
        put(d, " | ");
        if (empty || !same_flow(out, at) || below(d, 2)) draw_inside(d, at, out.width);
    }
    put(d, below(d, 6) ? "]" : "] frozen");
    maybe_name(d, at, out);
    return out;
}

static flow draw_parallel(drawing *d, flow at)
{
    flow out = at;
    put(d, "parallel[");
    bool empty = !below(d, 4);
    if (!empty) out = draw_inside(d, at, 0);
    for (int i = below(d, 3) + empty; i > 0; i--) {
        put(d, " | ");
        out.width += empty || below(d, 3) ? draw_inside(d, at, 0).width : at.width;
    }
    put(d, below(d, 6) ? "]" : "] frozen");
    maybe_name(d, at, out);
    return out;
}

static flow draw_net(drawing *d, flow at)
{
    int outward = d->outward;
    d->outward = d->named;
    put(d, "net[");
    flow out = draw_inside(d, at, 0);
    put(d, below(d, 6) ? "]" : "] frozen");
    d->outward = outward;
    maybe_name(d, at, out);
    return out;
}

/* Each writes one item for what comes to it, and gives what goes on. */
static const struct kind {
    const char *type;
    flow (*draw)(drawing *d, flow at);
    bool block;
} kinds[] = {
    {"dense", draw_dense, false},           {"act", draw_act, false},
    {"dropout", draw_dropout, false},       {"reshape", draw_shapes, false},
    {"layer_norm", draw_layer_norm, false}, {"batch_norm", draw_batch_norm, false},
    {"group_norm", draw_group_norm, false}, {"residual", draw_residual, true},
    {"parallel", draw_parallel, true},      {"net", draw_net, true},
    {"rnn", draw_recurrent, false},         {"lstm", draw_recurrent, false},
    {"gru", draw_recurrent, false},         {"positions", draw_positions, false},
    {"attention", draw_attention, false},   {"conv", draw_conv, false},
    {"conv_transpose", draw_conv, false},   {"max_pool", draw_max_pool, false},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* ---- Lists ----------------------------------------------------------------------------------- */

static flow draw_repeat(drawing *d, flow at)
{
    put(d, "%d*[", 2 + below(d, 2));
    d->repeats++;
    draw_inside(d, at, at.width); /* every turn gets what the first one gets */
    d->repeats--;
    put(d, "]");
    return at;
}

/* Another place of a named layer that takes what comes; false where there is none. */
static bool draw_shared(drawing *d, flow *at)
{
    for (int i = d->outward; i < d->named; i++) {
        if (!same_flow(d->name[i].in, *at) || below(d, 2)) continue;
        put(d, "@n%d", d->name[i].number);
        *at = d->name[i].out;
        return true;
    }
    return false;
}

static flow draw_item(drawing *d, flow at)
{
    const struct kind *kind = &kinds[below(d, 2) ? below(d, KINDS) : 0];
    bool room = d->budget-- > 0 && d->depth < DEPTH;
    if (draw_shared(d, &at)) return at;
    if (room && !below(d, 6)) return draw_repeat(d, at);
    if (kind->block && !room) kind = &kinds[0];
    return kind->draw(d, at);
}

/* One item or more, the last of `end` units where that is not 0. */
static flow draw_list(drawing *d, flow at, int end)
{
    int items = 1 + below(d, 3);
    for (int i = 0; i < items; i++) {
        put(d, i ? " - " : "");
        at = draw_item(d, at);
    }
    if (end == 0 || at.width == end) return at;
    put(d, " - %d", end);
    draw_tail(d, end);
    at.width = end;
    return at;
}

/* Ends of networks that suit some costs, with their options. Others take any. */
static const struct {
    const char *cost, *end, *options;
} ends[] = {
    {"cross_entropy", " - 3 softmax", ""},
    {"cross_entropy", " - net[2 sigmoid]", ""},
    {"cross_entropy", " - 2 - net[3 tanh - net[3 softmax]]", ""},
    {"cross_entropy", " - 3 linear", " logits=true"},
    {"nll", " - net[3 log_softmax]", ""},
    {"nll", " - 4 linear - act log_softmax", ""},
    {"hinge", " - 3 linear", ""},
    {"hinge", " - 2 tanh", " margin=0.5"},
    {"kl", " - 3 softmax", ""},
    {"kl", " - net[2 log_softmax]", ""},
    {"poisson", " - 3 tanh - 2 exp", ""},
    {"poisson", " - 3 softplus", ""},
    {"poisson", " - 2 linear", " log=true"},
    {"cosine", " - 3 linear", ""},
};
enum { ENDS = sizeof ends / sizeof ends[0] };

/* The end of a network, and a cost that suits it. */
static void draw_end(drawing *d)
{
    const nb_cost_type *cost = nb_costs[below(d, NB_COSTS)];
    int first = 0, count = 0;
    while (first < ENDS && strcmp(ends[first].cost, cost->name)) first++;
    while (first + count < ENDS && !strcmp(ends[first + count].cost, cost->name)) count++;
    int end = count ? first + below(d, count) : -1;
    put(d, "%s : %s%s", end < 0 ? "" : ends[end].end, cost->name, end < 0 ? "" : ends[end].options);
}

void draw_tree(char *text, uint64_t number)
{
    drawing drawn = {.text = text, .stream = nb_stream_make(8, NB_FOR_TENSOR, number), .budget = 6};
    drawing *d = &drawn;
    flow at = {.steps = !below(d, 3), .width = 1 + below(d, WIDTH)};
    if (at.steps && below(d, 2))
        at = draw_embedding(d);
    else
        put(d, at.steps ? "*x%d - " : "%d - ", at.width);
    draw_list(d, at, 0);
    draw_end(d);
}

/* ---- Examples ---------------------------------------------------------------------------------
 */

/* n examples, with 3 steps where those are free. */
static nb_tensor *examples(nb_ctx *ctx, const nb_form *form, int64_t n, double low, uint64_t seed)
{
    int64_t shape[NB_MAX_DIMS] = {n};
    for (int i = 0; i < form->dims; i++) shape[i + 1] = form->size[i] < 0 ? 3 : form->size[i];
    int64_t width = shape[form->dims], rows = nb_shape_count(form->dims, shape);
    nb_tensor *flat = uniform(ctx, NB_F64, rows, width, low, 1, seed);
    nb_tensor *t = nb_tensor_reshape(ctx, flat, form->dims + 1, shape);
    nb_tensor_release(ctx, flat);
    return t;
}

/* A 1 in each row among numbers that are `rest`. */
static void make_classes(nb_tensor *y, double rest)
{
    int64_t width = y->shape[y->dims - 1], rows = nb_tensor_count(y) / width;
    double *values = nb_tensor_data(y);
    for (int64_t i = 0; i < rows * width; i++)
        values[i] = i % width == i / width % width ? 1 : rest;
}

nb_tensor *tree_targets(nb_ctx *ctx, const nb_net *net, int64_t n)
{
    const nb_cost_type *cost = net->cost.type;
    nb_tensor *y = examples(ctx, nb_net_out(net), n, 0, 12);
    if (cost == nb_costs[NB_COST_hinge])
        make_classes(y, -1);
    else if (cost == nb_costs[NB_COST_cross_entropy] || cost == nb_costs[NB_COST_nll] ||
             cost == nb_costs[NB_COST_kl])
        make_classes(y, 0);
    return y;
}

nb_tensor *tree_inputs(nb_ctx *ctx, const nb_net *net, int64_t n, uint64_t seed)
{
    nb_tensor *real = examples(ctx, nb_net_in(net), n, -1, seed);
    if (nb_net_in_dtype(net, NB_F32) != NB_I32) return real;
    for (int64_t i = 0; i < nb_tensor_count(real); i++)
        ((double *)nb_tensor_data(real))[i] = (double)(1 + i * i % TREE_WORDS);
    nb_tensor *words = nb_tensor_convert(ctx, real, NB_I32, 1);
    nb_tensor_release(ctx, real);
    return words;
}
