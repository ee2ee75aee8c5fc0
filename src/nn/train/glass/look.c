/* Looking for changes: versions first, then numbers. */
#include "nn/train/glass/look.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static uint64_t lessons_of(const nb_glass *g)
{
    return nb_net_root(g->trainer->net)->lessons;
}

static uint32_t version_of(const nb_set *set)
{
    return set ? nb_feed_version(set->x) + nb_feed_version(set->y) : 0;
}

/* With what the examples count. */
static uint32_t version_of_set(const nb_trainer *t)
{
    const nb_tensor *weights = t->weights.of;
    return version_of(t->set) + (weights ? weights->storage->version : 0);
}

static uint32_t version_of_judged(const nb_trainer *t)
{
    return version_of(t->valid) + version_of(t->test);
}

bool nb_look_set(const nb_glass *g)
{
    return version_of_set(g->trainer) != g->left.set;
}

void nb_left_note(nb_glass *g)
{
    const nb_trainer *t = g->trainer;
    nb_tensor *state[NB_NET_STATE];
    nb_net_state(t->net, state);
    g->left = (nb_left){.lessons = lessons_of(g),
                        .steps = t->optimizer->steps,
                        .evaluations = t->optimizer->evaluations,
                        .options = t->optimizer->options,
                        .set = version_of_set(t),
                        .judged = version_of_judged(t)};
    for (int i = 0; i < NB_NET_STATE; i++) g->left.version[i] = state[i]->storage->version;
}

/* ---- How the network is built ---- */

enum { LINE_MAX = NB_PATH_MAX + 2 * NB_NAME_MAX };

void nb_look_list(nb_text *text, const nb_net *net)
{
    for (int i = 0; i < net->parts; i++) {
        const nb_plan *plan = net->part[i]->plan;
        nb_text_add(text, "layer %s, %s", nb_net_path(net, plan), net->part[i]->type->name);
        if (plan->neurons) nb_text_add(text, " %lld", (long long)plan->neurons);
        nb_text_add(text, "\n");
    }
}

static const char *line_of(const char *text, char line[LINE_MAX])
{
    snprintf(line, LINE_MAX, "%.*s", (int)strcspn(text, "\n"), text);
    return line;
}

/* The first line that differs, in both; false: none does. */
static bool first_difference(const char *a, const char *b, char was[LINE_MAX], char is[LINE_MAX])
{
    while (*a && *b && !strcmp(line_of(a, was), line_of(b, is))) {
        a += strlen(was) + (a[strlen(was)] == '\n');
        b += strlen(is) + (b[strlen(is)] == '\n');
    }
    line_of(*a ? a : "nothing", was);
    line_of(*b ? b : "gone", is);
    return *a || *b;
}

/* What the layers say otherwise where they are of the same sizes: a layer's replacement. */
static bool says_otherwise(nb_ctx *ctx, const nb_glass *g, char text[NB_SAID_TEXT])
{
    nb_said *now = nb_said_take(ctx, g->trainer->net);
    bool differs = now && nb_said_difference(g->said, now, g->trainer->net, text);
    nb_said_release(ctx, now);
    return differs;
}

/* "layer 2, dense 30 is now layer 2, dense 40" */
static nb_status rebuilt(nb_ctx *ctx, const nb_glass *g)
{
    char was[LINE_MAX], is[LINE_MAX], said[NB_SAID_TEXT];
    nb_dtype then = g->values->dtype, now = g->trainer->net->dtype;
    nb_text text;
    nb_text_init(&text, ctx);
    nb_look_list(&text, g->trainer->net);
    if (then != now) {
        snprintf(was, sizeof was, "%s", nb_dtype_name(then));
        snprintf(is, sizeof is, "%s", nb_dtype_name(now));
    } else if (!first_difference(nb_text_get(&g->parts), nb_text_get(&text), was, is)) {
        bool says = says_otherwise(ctx, g, said);
        snprintf(was, sizeof was, "%s", says ? said : "its storage");
        snprintf(is, sizeof is, "%s",
                 says ? "another"
                      : "another, as where a layer was replaced, or the network stands in another");
    }
    nb_text_free(&text);
    return nb_fail(ctx, NB_EARG,
                   "the network was built anew since step %lld: %s is now %s; this run cannot go "
                   "on, another can begin: net:trainer(set, o)",
                   (long long)nb_course_updates(&g->trainer->course), was, is);
}

nb_status nb_look_built(nb_ctx *ctx, const nb_glass *g)
{
    const nb_net *net = g->trainer->net;
    return net->values == g->values ? NB_OK : rebuilt(ctx, g);
}

/* ---- Others ---- */

static nb_status trained_elsewhere(nb_ctx *ctx, const nb_glass *g, bool set)
{
    long long at = (long long)nb_course_updates(&g->trainer->course);
    const char *who = lessons_of(g) != g->left.lessons ? "the network" : "its optimizer";
    if (set)
        return nb_fail(ctx, NB_EARG,
                       "%s learned elsewhere since this run stopped at step %lld, and the numbers "
                       "of the set were changed: the same again goes on from there, and the record "
                       "begins here",
                       who, at);
    return nb_fail(ctx, NB_EARG,
                   "%s learned elsewhere since this run stopped at step %lld: the same again goes "
                   "on from there, t:back(0) returns to what the run left",
                   who, at);
}

static nb_status set_changed(nb_ctx *ctx, const nb_glass *g)
{
    return nb_fail(
        ctx, NB_EARG,
        "the numbers of the set were changed since step %lld, and steps before could not "
        "be made again with the same bits: the same again goes on with the new numbers, "
        "and the record begins here",
        (long long)nb_course_updates(&g->trainer->course));
}

static nb_status judged_changed(nb_ctx *ctx, const nb_glass *g)
{
    const nb_trainer *t = g->trainer;
    return nb_fail(
        ctx, NB_EARG,
        "the numbers of %s were changed since step %lld, so that costs before and behind "
        "are not of the same examples: the same again goes on with the new numbers",
        t->valid && t->test ? "valid or test"
        : t->valid          ? "valid"
                            : "test",
        (long long)nb_course_updates(&t->course));
}

/* Whether the user was told of just that. */
static bool is_told(const nb_left *told, const nb_left *now)
{
    return told->lessons == now->lessons && told->steps == now->steps && told->set == now->set &&
           told->judged == now->judged;
}

nb_status nb_look_elsewhere(nb_ctx *ctx, nb_glass *g, nb_elsewhere *found)
{
    const nb_left was = g->left;
    const nb_optimizer *o = g->trainer->optimizer;
    const nb_left now = {.lessons = lessons_of(g),
                         .steps = o->steps,
                         .set = version_of_set(g->trainer),
                         .judged = version_of_judged(g->trainer)};
    found->trained =
        now.lessons != was.lessons || now.steps != was.steps || o->evaluations != was.evaluations;
    found->set = now.set != was.set;
    found->judged = now.judged != was.judged;
    bool knows = is_told(&g->told, &now);
    g->told = now;
    if (knows) return NB_OK;
    if (found->trained) return trained_elsewhere(ctx, g, found->set);
    if (found->set) return set_changed(ctx, g);
    return found->judged ? judged_changed(ctx, g) : NB_OK;
}

/* ---- Changes ---- */

static bool same_options(const nb_optimizer *o, const nb_optimizer_options *left)
{
    bool same = true;
    for (const nb_option *option = o->type->options; option->name && same; option++) {
        double a = nb_option_number(option, &o->options), b = nb_option_number(option, left);
        same = a == b || (isnan(a) && isnan(b));
    }
    return same;
}

static bool same_versions(const nb_glass *g, int i)
{
    nb_tensor *state[NB_NET_STATE];
    nb_net_state(g->trainer->net, state);
    return state[i]->storage->version == g->left.version[i];
}

bool nb_look_numbers(const nb_glass *g)
{
    for (int i = 0; i < NB_NET_STATE; i++)
        if (!same_versions(g, i)) return true;
    return false;
}

bool nb_look_touched(const nb_glass *g)
{
    return nb_look_numbers(g) || !nb_said_holds(g->said, g->trainer->net) ||
           !same_options(g->trainer->optimizer, &g->left.options);
}

static nb_status fill_numbers(nb_ctx *ctx, const nb_glass *g, nb_edit *edit,
                              nb_tensor *const before[NB_NET_STATE])
{
    nb_tensor *state[NB_NET_STATE];
    nb_status status = NB_OK;
    nb_net_state(g->trainer->net, state);
    for (int i = 0; i < NB_NET_STATE && status == NB_OK; i++)
        if (!same_versions(g, i))
            status = nb_edit_numbers(ctx, edit, i, before ? before[i] : NULL, state[i]);
    return status;
}

/* What the layers say, where that is new. */
static nb_status fill_layers(nb_ctx *ctx, const nb_glass *g, nb_edit *edit)
{
    if (nb_said_holds(g->said, g->trainer->net)) return NB_OK;
    nb_said *said = nb_said_take(ctx, g->trainer->net);
    if (!said) return ctx->status;
    nb_edit_layers(edit, said);
    nb_said_release(ctx, said);
    return NB_OK;
}

/* An epoch that has an end has it behind it. */
static bool has_ended(const nb_trainer *t)
{
    return nb_trainer_is_whole(t) && t->history.epochs >= t->course.epoch;
}

void nb_look_says(nb_ctx *ctx, nb_glass *g, nb_said *said)
{
    nb_said *before = g->said;
    g->said = nb_said_retain(said);
    g->sayings++;
    nb_said_release(ctx, before);
}

/* Edits that fill the bound by themselves: the record begins here. */
static void begin_here(nb_ctx *ctx, nb_glass *g)
{
    nb_frame *frame = nb_frame_take(ctx, g->trainer, g->said, NULL);
    if (frame) nb_reel_begin(ctx, &g->reel, frame);
}

nb_status nb_look_add(nb_ctx *ctx, nb_glass *g, nb_edit *edit)
{
    nb_reel *r = &g->reel;
    nb_said *said = edit->said ? nb_said_retain(edit->said) : NULL;
    edit->step = nb_course_updates(&g->trainer->course);
    edit->ended = has_ended(g->trainer);
    nb_status status = nb_reel_add_edit(ctx, r, edit);
    if (status == NB_OK && said) nb_look_says(ctx, g, said);
    nb_said_release(ctx, said);
    if (status != NB_OK) return status;
    nb_left_note(g);
    if (r->bytes > r->most) begin_here(ctx, g);
    return NB_OK;
}

nb_status nb_look_keep(nb_ctx *ctx, nb_glass *g, nb_edit_by by,
                       nb_tensor *const before[NB_NET_STATE])
{
    nb_trainer *t = g->trainer;
    nb_edit *edit = nb_edit_new(ctx, by);
    nb_status status = edit ? fill_numbers(ctx, g, edit, before) : ctx->status;
    if (status == NB_OK) status = fill_layers(ctx, g, edit);
    if (status == NB_OK && by == NB_BY_TRAINING)
        status = nb_edit_optimizer(ctx, edit, t->optimizer);
    if (status != NB_OK) {
        nb_edit_free(ctx, edit);
        return status;
    }
    edit->optioned = !same_options(t->optimizer, &g->left.options);
    edit->options = t->optimizer->options;
    if (nb_edit_is_empty(edit)) {
        nb_edit_free(ctx, edit);
        nb_left_note(g);
        return NB_OK;
    }
    nb_reel_cut(ctx, &g->reel, nb_course_updates(&t->course), has_ended(t));
    g->reel.epochs = t->history.epochs;
    g->loop.kept_steps = -1;
    return nb_look_add(ctx, g, edit);
}
