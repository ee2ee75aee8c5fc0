/* The network so far is read and planned as nn.net would, without storage. */
#include "shell/complete/layers.h"

#include "lua/data/set.h"
#include "nn/net/net.h"
#include "nn/net/plan.h"
#include "nn/notation/notation.h"
#include "nn/notation/scan.h"
#include "shell/globals.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

/* What takes longer than a key may is not looked at: a suggestion is to be there within 1 ms, also
 * on a machine three times slower than the one where notation of 512 bytes, 120 dense layers, took
 * 0.3 ms to be planned, and 2,000 globals 0.06. Behind a longer text, or brackets deeper in one
 * another, nothing is suggested; where there are more globals no data set is looked for, and what
 * the notation alone says still is. */
enum { TEXT_MOST = 512, DEPTH_MOST = 12, GLOBALS_MOST = 2000 };

/* ---- The session's data ---- */

/* What all data sets of the session agree on. */
typedef struct data {
    int sets;
    bool agree;
    const nb_set *set; /* one of them */
} data;

static int64_t classes_of(const nb_set *set)
{
    return set->schema.classes ? set->schema.classes->count : 0;
}

static bool same_rows(const nb_feed *a, const nb_feed *b)
{
    return a->dims == b->dims &&
           memcmp(a->shape, b->shape, (size_t)a->dims * sizeof *a->shape) == 0;
}

static data data_of(lua_State *L)
{
    data d = {.agree = true};
    int top = lua_gettop(L);
    sh_push_globals(L);
    lua_pushnil(L);
    for (int seen = 0; lua_next(L, top + 1); lua_pop(L, 1)) {
        const nb_set *set = nbl_test_set(L, -1);
        if (++seen > GLOBALS_MOST) d.agree = false;
        if (!d.agree) break;
        if (!set) continue;
        if (d.set && (!same_rows(d.set->x, set->x) || classes_of(d.set) != classes_of(set)))
            d.agree = false;
        d.set = set;
    }
    lua_settop(L, top);
    if (!d.agree) d.set = NULL;
    return d;
}

/* ---- The network so far ---- */

typedef struct so_far {
    bool whole;  /* it is a network as it stands */
    nb_form out; /* what it gives */
    const nb_layer_type *last;
    nb_activation activation; /* of the last layer; type NULL: none */
    bool cost;                /* one is said */
} so_far;

static int depth_of(const char *text)
{
    int depth = 0, deepest = 0;
    for (; *text; text++) {
        if (*text == '[' && ++depth > deepest) deepest = depth;
        if (*text == ']') depth--;
    }
    return deepest;
}

/* What stands at the text's end besides a network: a '-' or ':' that waits for more, or nothing.
 * The copy is without it. False for what is not looked at. */
static bool cut(const char *text, char copy[TEXT_MOST], char *sign)
{
    size_t length = strlen(text);
    if (length >= TEXT_MOST || strstr(text, "*[") || depth_of(text) > DEPTH_MOST) return false;
    memcpy(copy, text, length + 1);
    while (length > 0 && copy[length - 1] == ' ') length--;
    *sign = length > 0 && strchr("-:", copy[length - 1]) ? copy[length - 1] : '\0';
    copy[length - (*sign ? 1 : 0)] = '\0';
    return true;
}

static so_far read_net(nb_ctx *ctx, const char *text)
{
    so_far s = {.whole = false};
    nb_net *net = nb_notation_parse(ctx, text, NULL);
    nb_plans *plans = net ? nb_net_plan(ctx, net) : NULL;
    if (plans) {
        nb_layer *last = net->layer.child[net->layer.children - 1];
        s = (so_far){.whole = true, .out = plans->list[0].plan->out, .last = last->type};
        s.activation = last->head.activation;
        s.cost = strchr(text, ':') != NULL;
    }
    nb_plans_free(ctx, plans);
    nb_net_release(ctx, net);
    return s;
}

/* How the shape that `scan` stands at is read, where a word behind it says so; false where anything
 * else follows. */
static bool read_reading(nb_scan *scan, nb_reading *reading)
{
    char word[NB_NAME_MAX] = "";
    nb_scan_next(scan);
    if (scan->token.kind == NB_TOKEN_END) return true;
    if (scan->token.kind != NB_TOKEN_NAME || scan->token.length >= sizeof word) return false;
    memcpy(word, scan->token.at, scan->token.length);
    *reading = nb_reading_find(word);
    return *reading != NB_OPEN && nb_scan_peek(scan).kind == NB_TOKEN_END;
}

/* The input's shape alone: "1x28x28 -", "8x14x14 space -". */
static bool read_shape(const char *text, nb_form *form)
{
    int64_t size[NB_INPUT_DIMS_MAX];
    int dims = 0;
    nb_scan scan;
    nb_scan_start(&scan, NULL, text);
    if (scan.token.kind != NB_TOKEN_SIZE && scan.token.kind != NB_TOKEN_SHAPE) return false;
    const char *at = scan.token.at, *end = at + scan.token.length;
    nb_reading reading = NB_VECTOR;
    if (!read_reading(&scan, &reading)) return false;
    for (; at < end && dims < NB_INPUT_DIMS_MAX; at++) {
        bool free = *at == '*';
        size[dims++] = free ? -1 : nb_scan_digits(at, NB_SIZE_MAX, &at);
        at += free;
    }
    *form = nb_form_input(dims, size);
    if (reading) form->reading = reading;
    return at >= end && nb_reading_fits(form->reading, dims);
}

/* ---- What fits ---- */

static bool is_type(const so_far *s, const char *names)
{
    return s->last && strstr(names, s->last->name);
}

/* Halved by a pool of 2, each extent keeps at least two places. */
static bool can_halve(const nb_form *form)
{
    for (int i = 1; i < form->dims; i++)
        if (form->size[i] < 4 || form->size[i] % 2) return false;
    return form->dims > 1;
}

/* As many outputs as classes, behind a layer at least: how many neurons one needs is nobody's to
 * say. */
static void next_of_vector(const so_far *s, const data *d, char *out, size_t room)
{
    int64_t classes = d->set ? classes_of(d->set) : 0;
    if (s->last && classes > 1) snprintf(out, room, "%lld", (long long)classes);
}

static void next_layer(const so_far *s, const data *d, char *out, size_t room)
{
    switch (s->out.reading) {
    case NB_VECTOR:
        next_of_vector(s, d, out, room);
        break;
    case NB_SPACE:
        if (is_type(s, "max_pool avg_pool") || !can_halve(&s->out))
            snprintf(out, room, "flatten");
        else
            snprintf(out, room, "max_pool 2");
        break;
    case NB_OPEN:
        if (s->out.dims == 3) snprintf(out, room, "conv ");
        break;
    case NB_STEPS:
        if (s->out.dims == 1) snprintf(out, room, "embedding ");
        break;
    }
}

/* The cost that probabilities want: behind softmax, or as many sigmoids as classes. */
static const char *next_cost(const so_far *s, const data *d)
{
    const nb_activation_type *type = s->activation.type;
    bool classes = d->set && s->out.reading == NB_VECTOR && s->out.size[0] == classes_of(d->set);
    if (!s->last || !s->last->neurons) return "";
    if (type == nb_activations[NB_ACT_softmax]) return "cross_entropy";
    if (type == nb_activations[NB_ACT_log_softmax]) return "nll";
    bool sigmoid = !type || type == nb_activations[NB_ACT_sigmoid];
    return sigmoid && classes ? "cross_entropy" : "";
}

/* The shape of the session's examples, for a network that begins. */
static void next_shape(const data *d, char *out, size_t room)
{
    char text[NB_SHAPE_TEXT];
    const nb_feed *x = d->set ? d->set->x : NULL;
    if (!x || x->length || x->dims < 1 || x->dims > NB_INPUT_DIMS_MAX) return;
    snprintf(out, room, "%s", nb_shape_text(x->dims, x->shape, text));
}

/* No blank comes before what goes on: one is there, or the writer puts none around a '-'. */
static bool is_tight(const char *text, char sign)
{
    size_t length = strlen(text);
    if (length < 2 || text[length - 1] == ' ') return true;
    return sign == '-' && text[length - 2] != ' ';
}

void sh_next_layer(lua_State *L, nb_ctx *ctx, const char *text, char *out, size_t room, bool *ends)
{
    char copy[TEXT_MOST], more[NB_SHAPE_TEXT] = "", sign;
    so_far s = {.whole = false};
    *out = '\0';
    *ends = false;
    if (!cut(text, copy, &sign)) return;
    const data d = data_of(L);
    if (!*copy && !sign) next_shape(&d, out, room);
    if (read_shape(copy, &s.out)) {
        if (sign == '-') next_layer(&s, &d, more, sizeof more);
    } else {
        s = read_net(ctx, copy);
        if (s.whole && sign == '-') next_layer(&s, &d, more, sizeof more);
        if (s.whole && sign != '-' && !s.cost)
            snprintf(more, sizeof more, "%s%s", sign || !*next_cost(&s, &d) ? "" : ": ",
                     next_cost(&s, &d));
    }
    *ends = s.whole && !sign;
    if (*more) snprintf(out, room, "%s%s", is_tight(text, sign) ? "" : " ", more);
}
