/* net:why: the factors of a neuron's gradient beside its neighbours', as a value that prints
 * itself.
 */
#include "lua/nn/net.h"
#include "lua/data/set.h"
#include "lua/names.h"
#include "lua/nn/examples.h"
#include "lua/nn/inspect/seat.h"
#include "lua/result.h"
#include "base/utf8.h"
#include "nn/inspect/why/why.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct why_job {
    nb_net *net;
    nbl_examples examples;
    nb_layer *layer;
    const char *name; /* of the neuron's kind: "forget"; "" */
    int64_t k;        /* its number among them, from 1; below 0 from the last back */
    nb_question question;
    nb_why found;
} why_job;

static nb_status find_neuron(nb_ctx *ctx, void *data)
{
    why_job *work = data;
    nb_status status = nb_why_check(ctx, work->net, work->layer);
    if (status != NB_OK) return status;
    int64_t all = nb_sums_count(work->layer, work->name);
    int64_t k = work->k > 0 ? work->k - 1 : work->k + all;
    if (k < 0 && all > 0)
        return nb_fail(ctx, NB_EARG, "%s has no neuron %lld; it has %lld", work->layer->plan->where,
                       (long long)work->k, (long long)all);
    return nb_sums_find(ctx, work->layer, work->name, k, &work->question.neuron);
}

static nb_status ask(nb_ctx *ctx, void *data)
{
    why_job *work = data;
    nb_set *set = nbl_examples_set(ctx, work->net, &work->examples);
    if (!set) return ctx->status;
    work->question.weights = work->examples.weights;
    nb_status status = nb_why_ask(ctx, work->net, set, &work->question, &work->found);
    nb_set_release(ctx, set);
    return status;
}

/* ---- The text ---- */

enum { FIELD_MAX = 96, SYMBOL_AT = 15, VALUE_AT = 21, NOTE_AT = 46, COLUMNS = 80 };

/* "0.08", "12", "1,500"; small ones with two figures. */
static void add_amount(nb_text *text, double x)
{
    double size = fabs(x);
    if (!isfinite(x))
        nb_text_add(text, isnan(x) ? "nan" : x > 0 ? "∞" : "-∞");
    else if (size >= 1e15 || (size > 0 && size < 0.01))
        nb_text_add(text, "%.2g", x);
    else if (size >= 99.5)
        nb_text_add_grouped(text, (int64_t)llround(x));
    else
        nb_text_add(text, size >= 9.995 ? "%.0f" : "%.2f", x);
}

/* Columns of the line that began at `line` bytes. */
static int width(nb_text *text, size_t line)
{
    return (int)nb_letters(nb_text_get(text) + line, text->length - line);
}

static void pad(nb_text *text, size_t line, int column)
{
    for (int at = width(text, line); at < column; at++) nb_text_add(text, " ");
}

/* Up to where notes stand, or behind what reaches beyond. */
static void pad_to_note(nb_text *text, size_t line)
{
    int least = width(text, line) + 2;
    pad(text, line, least > NOTE_AT ? least : NOTE_AT);
}

/* Begins a line: "  slope        f′". */
static size_t begin_line(nb_text *text, const char *label, const char *symbol)
{
    nb_text_add(text, "\n");
    size_t line = text->length;
    nb_text_add(text, "  %s", label);
    pad(text, line, SYMBOL_AT);
    nb_text_add(text, "%s", symbol);
    pad(text, line, VALUE_AT);
    return line;
}

/* The share of terms that are flat, in words; "" where they are few and nobody is to blame. Of what
 * it is a share stands there where it fits into `room` columns. */
static void flat_words(const nb_why *why, bool marked, int room, char out[FIELD_MAX])
{
    const char *of = why->places > 1 ? " of the places" : " of the examples";
    bool dead = why->dead > 0 && why->dead >= why->saturated / 2;
    double percent = 100 * (dead ? why->dead : why->saturated);
    out[0] = '\0';
    /* All is said where it is all. */
    int digits = percent > 99.4 && percent < 100;
    if (digits && percent > 99.9) percent = 99.9;
    if (percent >= 0.5) {
        int used =
            snprintf(out, FIELD_MAX, "%s on %.*f %%", dead ? "dead" : "saturated", digits, percent);
        if (used + (int)strlen(of) <= room)
            snprintf(out + used, FIELD_MAX - (size_t)used, "%s", of);
    } else if (marked) {
        snprintf(out, FIELD_MAX, "small slope");
    }
}

/* Whether the factor is to blame: the smallest, unless there is some of it, and no less than the
 * neighbours have. */
static bool is_to_blame(const nb_why *why, nb_factor f)
{
    return f == why->smallest && (why->alone || why->own[f] == 0 || why->relative[f] < 1);
}

/* What is said of a factor, in the notes' words. */
static void words_of(const nb_why *why, nb_factor f, int room, char out[FIELD_MAX])
{
    static const char *const low[NB_FACTORS] = {"quiet inputs", "no demand", "", "never together",
                                                "examples cancel"};
    bool marked = is_to_blame(why, f);
    if (f == NB_FACTOR_SLOPE)
        flat_words(why, marked, room, out);
    else
        snprintf(out, FIELD_MAX, "%s", marked ? low[f] : f == NB_FACTOR_INPUTS ? "awake" : "");
}

static void add_note(nb_text *text, const nb_why *why, nb_factor f, size_t line)
{
    static const char mark[] = "   ← this";
    enum { MARK = 9 }; /* columns */
    char words[FIELD_MAX];
    bool marked = is_to_blame(why, f);
    int at = width(text, line) + 2, room = COLUMNS - (at > NOTE_AT ? at : NOTE_AT);
    words_of(why, f, marked ? room - MARK : room, words);
    if (*words) pad_to_note(text, line);
    nb_text_add(text, "%s%s", words, marked ? mark : "");
}

/* Each beside what it is compared with; a neuron alone in its layer has no neighbours. */
static void add_factor(nb_text *text, const why_job *work, nb_factor f)
{
    static const char *const symbols[NB_FACTORS] = {"a", "Wᵀδ", "f′", "", ""};
    const nb_why *why = &work->found;
    bool weight = work->question.input >= 0, input = f == NB_FACTOR_INPUTS;
    size_t line = begin_line(text, nb_factor_names[f], symbols[f]);
    bool plain = why->alone || (input && !weight);
    nb_text_add(text, plain ? "" : "×");
    add_amount(text, why->relative[f]);
    if (input)
        nb_text_add(text, weight ? plain ? "" : " of the others" : " per input");
    else if (!plain && f <= NB_FACTOR_SLOPE)
        nb_text_add(text, " of its neighbours");
    add_note(text, why, f, line);
}

/* Both on one line where neither is to blame. */
static void add_means(nb_text *text, const why_job *work)
{
    const nb_why *why = &work->found;
    add_factor(text, work, NB_FACTOR_COINCIDENCE);
    if (why->smallest >= NB_FACTOR_COINCIDENCE) {
        add_factor(text, work, NB_FACTOR_AGREEMENT);
        return;
    }
    size_t line = text->length;
    const char *all = nb_text_get(text);
    while (line > 0 && all[line - 1] != '\n') line--;
    pad_to_note(text, line);
    nb_text_add(text, "agreement %s", why->alone ? "" : "×");
    add_amount(text, why->relative[NB_FACTOR_AGREEMENT]);
}

/* How fast it learns beside the others; one that is all of its layer is told as it is. */
static void add_pace(nb_text *text, const nb_why *why, bool weight)
{
    double own = why->own[NB_FACTOR_SIZE], median = why->median[NB_FACTOR_SIZE];
    const char *moves = why->table ? "its own part moves" : weight ? "moves" : "its weights move";
    const char *does = why->table ? "its own part does" : weight ? "does" : "its weights do";
    if (own == 0) {
        nb_text_add(text, "%s not move at all", does);
    } else if (why->alone && !weight) {
        nb_text_add(text, "its weights' |∂C/∂w| is %.3g", own);
    } else if (median == 0) {
        nb_text_add(text, "%s, the layer's median is 0", moves);
    } else {
        nb_text_add(text, "%s at ", moves);
        add_amount(text, own / median);
        nb_text_add(text, " %s the layer's median", own > median ? "times" : "of");
    }
}

/* "neuron 9 of layer 1 (sigmoid): its weights move at 0.08 of the layer's median" */
static void add_head(nb_text *text, const why_job *work)
{
    const nb_why *why = &work->found;
    const nb_plan *plan = work->layer->plan;
    bool weight = work->question.input >= 0;
    int64_t at = work->layer->type->sums->family(work->layer, work->question.neuron.family).first +
                 work->question.neuron.k;
    const char *f = plan->runs ? nb_runs_at(plan->runs, at).type->name : work->layer->type->name;
    if (weight) nb_text_add(text, "input %lld → ", (long long)work->question.input + 1);
    nb_text_add(text, "neuron %s%s%lld of layer %s (%s): ", work->name, *work->name ? " " : "",
                (long long)at + 1, nb_net_path(work->net, plan), f);
    add_pace(text, why, weight);
}

static void add_cure(nb_text *text, const nb_cure *cure)
{
    size_t line = begin_line(text, nb_cure_names[cure->kind], "");
    if (cure->kind == NB_CURE_BIAS) {
        nb_text_add(text, "%+.3g, mean z 0", cure->change);
    } else if (cure->kind == NB_CURE_WEIGHTS) {
        nb_text_add(text, "×");
        add_amount(text, cure->change);
        nb_text_add(text, ", as %s", cure->to);
    } else {
        nb_text_add(text, "%s", cure->to);
    }
    pad_to_note(text, line);
    nb_text_add(text, "×");
    add_amount(text, cure->factor);
}

static void push_report(lua_State *L, const why_job *work)
{
    const nb_why *why = &work->found;
    nb_text *text = nbl_new_text(L);
    add_head(text, work);
    for (int f = 0; f <= NB_FACTOR_SLOPE; f++) add_factor(text, work, (nb_factor)f);
    add_means(text, work);
    if (why->places != 1) {
        begin_line(text, "places", "P");
        add_amount(text, why->places);
        nb_text_add(text, " in an example");
    }
    if (why->table) {
        begin_line(text, "shared", "w");
        nb_text_add(text, "with %s: what that does to it is left out", why->table->plan->where);
    }
    if (why->cures) nb_text_add(text, "\ntried on a copy: its gradient would be");
    for (int i = 0; i < why->cures; i++) add_cure(text, &why->cure[i]);
    nbl_push_text(L, text);
    lua_remove(L, -2);
}

static int why_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_pushliteral(L, "text");
    lua_rawget(L, 1);
    return 1;
}

/* ---- The value ---- */

static void set_factors(lua_State *L, const double *factor, int count)
{
    for (int f = 0; f < count; f++) nbl_set_number(L, nb_factor_names[f], factor[f]);
}

static void push_cures(lua_State *L, const nb_why *why)
{
    lua_createtable(L, why->cures, 0);
    for (int i = 0; i < why->cures; i++) {
        const nb_cure *cure = &why->cure[i];
        lua_createtable(L, 0, 5);
        lua_pushstring(L, nb_cure_names[cure->kind]);
        lua_setfield(L, -2, "change");
        if (*cure->to) lua_pushstring(L, cure->to);
        if (*cure->to) lua_setfield(L, -2, "to");
        if (cure->kind >= NB_CURE_BIAS) nbl_set_number(L, "by", cure->change);
        nbl_set_number(L, "size", cure->size);
        nbl_set_number(L, "factor", cure->factor);
        lua_rawseti(L, -2, i + 1);
    }
}

static const char *const why_lacks[] = {"shared", "cures[i].to", "cures[i].by", NULL};
static const nbl_result why_kind = {.name = "nabla.why",
                                    .whose = "what net:why gives",
                                    .text = why_tostring,
                                    .may_lack = why_lacks};

static int push_why(lua_State *L, const why_job *work)
{
    const nb_why *why = &work->found;
    lua_createtable(L, 0, 15);
    set_factors(L, why->own, NB_FACTOR_ALL);
    lua_createtable(L, 0, NB_FACTOR_ALL);
    set_factors(L, why->median, NB_FACTOR_ALL);
    lua_setfield(L, -2, "median");
    nbl_set_number(L, "places", why->places);
    nbl_set_number(L, "saturated", why->saturated);
    nbl_set_number(L, "dead", why->dead);
    lua_pushstring(L, nb_factor_names[why->smallest]);
    lua_setfield(L, -2, "smallest");
    if (why->table) lua_pushstring(L, why->table->plan->where);
    if (why->table) lua_setfield(L, -2, "shared");
    push_cures(L, why);
    lua_setfield(L, -2, "cures");
    push_report(L, work);
    lua_setfield(L, -2, "text");
    nbl_dress(L, &why_kind);
    return 1;
}

/* ---- The call ---- */

enum { NAME_MOST = NB_NAME_MAX - 1 };

/* "forget 7": the name into `name`, of NB_NAME_MAX bytes, and the number. */
static int64_t read_name(lua_State *L, int arg, char *name)
{
    const char *text = nbl_check_text(L, arg), *gap = strrchr(text, ' ');
    char *end;
    long long number = gap ? strtoll(gap + 1, &end, 10) : 0;
    if (!gap || gap - text > NAME_MOST || end == gap + 1 || *end || number < 1)
        nbl_arg_error(L, arg, "a neuron: its number, or a name and a number as in \"forget 7\"");
    snprintf(name, NB_NAME_MAX, "%.*s", (int)(gap - text), text);
    return number;
}

/* The neuron that argument 3 names. */
static void read_neuron(lua_State *L, why_job *work, char *name)
{
    bool named = lua_type(L, 3) == LUA_TSTRING && !lua_isnumber(L, 3);
    work->name = name;
    name[0] = '\0';
    work->k = named ? read_name(L, 3, name) : nbl_check_integer(L, 3, "neuron");
    if (work->k == 0) nbl_error(L, "there is no neuron 0; counting starts at 1");
    nbl_run(L, find_neuron, work);
}

static bool holds_numbers(lua_State *L, int arg)
{
    return nbl_test_tensor(L, arg) || (lua_istable(L, arg) && lua_rawlen(L, arg) > 0);
}

/* Whether the call has an input j at `arg`: whatever stands before a set, or before x and y where
 * it could not be x itself, is meant as one. */
static bool has_input(lua_State *L, int arg)
{
    if (lua_type(L, arg) == LUA_TNUMBER) return true;
    if (nbl_test_set(L, arg)) return false;
    return nbl_test_set(L, arg + 1) || (!holds_numbers(L, arg) && holds_numbers(L, arg + 2));
}

static int net_why(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    why_job work = {.net = self->net};
    char name[NB_NAME_MAX];
    bool weight = has_input(L, 4);
    int place;
    if (weight) nbl_check_integer(L, 4, "input j");
    int next =
        nbl_read_examples(L, weight ? 5 : 4, self->net, "net:why", NBL_X_AND_Y, &work.examples);
    nbl_read_weights_table(L, next, &work.examples);
    nbl_pin_net(L, self);
    int pin = lua_gettop(L);
    work.layer = work.question.layer = nbl_check_place(L, 2, self, &place);
    read_neuron(L, &work, name);
    nb_neurons family = work.layer->type->sums->family(work.layer, work.question.neuron.family);
    work.question.input = weight ? nbl_check_index(L, 4, family.inputs, "input") : -1;
    nbl_net_run(L, self, ask, &work);
    push_why(L, &work);
    nbl_close_box(L, pin);
    return 1;
}

static const nbl_entry entries[] = {
    {":why", net_why, "net:why(l, k [, j], set | x, y [, {weights}])",
     "Why neuron k of layer l, or its weight from input j, learns as slowly or as fast as it does. "
     "∂C/∂w is the mean of terms a d s over the examples (and their places: steps, places of a "
     "window, uses of a shared layer): what came in, the demand from above d = ∂C/∂a, the slope "
     "s = f′(z). Its size is .places × .inputs × .demand × .slope × .coincidence × .agreement, "
     "exactly: the root mean squares of the three, how far they come together, how far the "
     "examples agree. Each is shown beside the median of its layer, inputs against 1 per input; "
     "the smallest is marked where it is below the others' (.smallest; inputs, which neighbours "
     "share, only below 0.25): quiet inputs, no demand, saturated (or a small slope, of which no "
     "term is flat), never together, examples cancel. Then what changes of this neuron would do, "
     "each measured on a copy. "
     "Fields: .size and the five factors, .median (the same of the layer), .saturated, .dead "
     "(shares with a slope below 0.01, of 0), .cures (.change .to .by .size .factor). A fused cost "
     "goes on from z: its demand is a - y and its slope 1. Of a layer tied to an embedding the "
     "product is its own part of ∂C/∂w, without what the words do to it (.shared names that "
     "layer). With weights a term counts as its "
     "example's weight over the mean weight. Gates have names: \"forget 7\" of lstm (input, "
     "forget, cell, output), gru (reset, update, new), attention (query, key, value, out); in "
     "layer 2 \"forget_2 7\", from the end \"forget_back 7\". In f64, as net(x) runs: nothing "
     "drops out, norms take their running figures. The network stays as it is.",
     "digits = data.digits()\nnet = nn.net \"64 - 10 - 10\"\n"
     "print(net:why(1, 9, digits.test))\nprint(net:why(1, 9, 20, digits.test).smallest)",
     nbl_weights_fields},
    {.name = NULL},
};

void nbl_open_why(lua_State *L)
{
    nbl_register(L, "net", entries);
}
