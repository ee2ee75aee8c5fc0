/* Networks as notation, in its canonical form: what a layer has by default but its activation is
 * left out, and equal neighbours are written once. */
#include "nn/notation/write.h"

#include "base/memory.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* ---- Shared layers -------------------------------------------------------------------------- */

bool nb_write_is_shared(const nb_layer *layer)
{
    return layer->plan ? layer->plan->uses > 1 : layer->refs > 1;
}

static const struct nb_met *find_met(const nb_writer *w, const nb_layer *layer)
{
    for (int i = 0; i < w->mets; i++)
        if (w->met[i].layer == layer) return &w->met[i];
    return NULL;
}

/* The path of the place at hand. */
static void write_path(const nb_writer *w, char path[NB_PATH_MAX])
{
    size_t used = 0;
    path[0] = '\0';
    for (int b = 0; b < w->blocks && used < NB_PATH_MAX; b++)
        used += (size_t)snprintf(path + used, NB_PATH_MAX - used, "%s%d", b ? "." : "",
                                 w->before[b] + 1);
}

static void meet(nb_writer *w, const nb_layer *layer)
{
    enum { FIRST_ROOM = 4 };
    if (w->mets == w->room) {
        int room = w->room ? 2 * w->room : FIRST_ROOM;
        size_t size = sizeof *w->met;
        struct nb_met *list =
            nb_resize(w->ctx, w->met, (size_t)w->room * size, (size_t)room * size);
        w->failed = w->failed || !list;
        if (!list) return;
        w->met = list;
        w->room = room;
    }
    struct nb_met *met = &w->met[w->mets++];
    met->layer = layer;
    write_path(w, met->path);
}

bool nb_write_again(nb_writer *w, nb_text *text, const nb_layer *layer)
{
    const char *name = layer->head.name;
    const struct nb_met *met = nb_write_is_shared(layer) ? find_met(w, layer) : NULL;
    if (!met) {
        if (nb_write_is_shared(layer)) meet(w, layer);
        return false;
    }
    bool reached = *name && nb_layer_find_name(w->block, w->before, w->blocks, name) == layer;
    nb_text_add(text, "@%s", reached ? name : met->path);
    return true;
}

void nb_write_end(nb_writer *w)
{
    nb_free(w->ctx, w->met, (size_t)w->room * sizeof *w->met);
}

/* ---- Activations ---------------------------------------------------------------------------- */

/* The activation of most neurons; type NULL for layers that have none. */
static nb_activation main_activation(const nb_layer *layer)
{
    const nb_option *option = nb_option_find(layer->type->options, "activation");
    const nb_activation_type *standard = NULL;
    if (layer->plan && layer->plan->runs) return nb_runs_main(layer->plan->runs);
    if (!option || layer->head.activation.type) return layer->head.activation;
    if (option->standard) standard = nb_activation_find(option->standard);
    return standard ? nb_activation_of(standard) : layer->head.activation;
}

void nb_write_activations(nb_text *text, const nb_layer *layer, const char *between, size_t most)
{
    const nb_runs *runs = layer->plan ? layer->plan->runs : NULL;
    const nb_run *run = runs ? runs->run : layer->differs;
    int64_t count = runs ? runs->count : layer->differ_count;
    nb_activation all = main_activation(layer);
    size_t start = text->length;
    if (all.type) nb_activation_write(text, all);
    for (int64_t i = 0; i < count && text->length - start <= most; i++) {
        if (nb_activation_same(run[i].activation, all)) continue;
        nb_text_add(text, "%s", between);
        nb_activation_write(text, run[i].activation);
        nb_text_add(text, "@%lld", (long long)run[i].start + 1);
        if (run[i].count > 1) nb_text_add(text, "..%lld", (long long)(run[i].start + run[i].count));
    }
}

/* ---- Options -------------------------------------------------------------------------------- */

/* Whether the layer's initialiser is the one that it would have without a word. */
static bool is_standard_init(const nb_layer *layer)
{
    nb_activation all = main_activation(layer);
    const nb_init_type *standard = all.type && all.type->init ? nb_init_find(all.type->init) : NULL;
    if (!layer->head.init.type) return true;
    return standard && nb_init_same(layer->head.init, nb_init_of(standard));
}

/* What stands behind the word without a name, up to the last that must. */
static void write_arguments(nb_text *text, const nb_layer *layer, const char *between)
{
    const nb_option *options = layer->type->options;
    int last = 0;
    for (const nb_option *o = options; o->name; o++)
        if (o->place > last && !nb_option_is_default(o, layer->settings)) last = o->place;
    for (int place = 1; place <= last; place++, between = " ") {
        for (const nb_option *o = options; o->name; o++) {
            if (o->place != place) continue;
            nb_text_add(text, "%s", between);
            nb_option_write(text, o, layer->settings);
        }
    }
}

/* Whether training leaves the layer and all below it alone; of a block its layers say so. */
static bool is_frozen(const nb_layer *layer)
{
    if (layer->children == 0) return layer->head.frozen;
    for (int i = 0; i < layer->children; i++)
        if (!is_frozen(layer->child[i])) return false;
    return true;
}

/* Whether an option stands in the text with its name. */
static bool is_written(const nb_option *option, const nb_layer *layer, bool frozen)
{
    if (option->kind == NB_WORD || option->kind == NB_HOST || option->place > 0) return false;
    if (!strcmp(option->name, "activation")) return false; /* a word */
    if (!strcmp(option->name, "frozen")) return frozen;
    if (!strcmp(option->name, "init") && is_standard_init(layer)) return false;
    return !nb_option_is_default(option, layer->settings);
}

/* " init=he name=h frozen" */
static void write_options(nb_text *text, const nb_layer *layer, bool frozen)
{
    for (const nb_option *o = layer->type->options; o->name; o++) {
        if (!is_written(o, layer, frozen)) continue;
        nb_text_add(text, " %s", o->name);
        if (o->kind == NB_BOOLEAN && o->value == 0) continue; /* so it is true: a flag */
        nb_text_add(text, "=");
        nb_option_write(text, o, layer->settings);
    }
}

/* ---- Lists ---------------------------------------------------------------------------------- */

static void write_folded(nb_text *text, const nb_repeat_list *list, int start, int end, int room)
{
    const char *between = "";
    for (int i = start; i < end; between = " - ") {
        nb_repeat repeat = nb_repeat_find(list, i, end, room);
        nb_text_add(text, "%s", between);
        if (repeat.times > 1) {
            nb_text_add(text, "%d*[", repeat.times);
            write_folded(text, list, i, i + repeat.period, room - 1);
            nb_text_add(text, "]");
        } else {
            const nb_repeat_item *item = &list->item[i];
            nb_text_add_bytes(text, nb_text_get(&list->text) + item->start, item->length);
        }
        i += repeat.period * repeat.times;
    }
}

/* Brackets that may still be opened around an item of the innermost block: text that is read back
 * opens NB_LAYER_DEPTH at most. */
static int room_for_brackets(const nb_writer *w)
{
    return NB_LAYER_DEPTH - w->blocks;
}

/* How deep brackets stand in a text. */
static int height_of(const char *text)
{
    int depth = 0, height = 0;
    for (; *text; text++) {
        depth += (*text == '[') - (*text == ']');
        if (depth > height) height = depth;
    }
    return height;
}

/* The children first … end - 1 of the innermost block. */
static void write_list(nb_writer *w, nb_text *text, int first, int end, bool *alone)
{
    enum { PRICE = 3, JOINT = 3 }; /* of "*[]", of " - " */
    nb_repeat_list list;
    nb_layer *block = w->block[w->blocks - 1];
    nb_repeat_begin(&list, w->ctx, PRICE);
    for (int i = first; i < end && !w->failed; i++) {
        nb_repeat_item known = {.alone = false};
        w->before[w->blocks - 1] = i;
        nb_write_item(w, &list.text, block->child[i], &known);
        nb_repeat_item *item = nb_repeat_add(&list);
        w->failed = w->failed || !item;
        if (!item) break;
        item->alone = known.alone;
        item->weight = (int64_t)item->length + JOINT;
        item->height = height_of(nb_text_get(&list.text) + item->start);
        *alone = *alone || known.alone;
    }
    if (!w->failed) write_folded(text, &list, 0, list.count, room_for_brackets(w));
    nb_repeat_end(&list);
}

static void write_branches(nb_writer *w, nb_text *text, nb_layer *block, nb_repeat_item *item)
{
    nb_text_add(text, "[");
    w->block[w->blocks++] = block;
    for (int b = 0; b < block->branches; b++) {
        int first = nb_branch_first(block, b), end = nb_branch_end(block, b);
        if (b > 0) nb_text_add(text, first == 0 && b == 1 ? "|" : " |");
        if (b > 0 && end > first) nb_text_add(text, " ");
        write_list(w, text, first, end, &item->alone);
    }
    w->blocks--;
    nb_text_add(text, "]");
}

void nb_write_item(nb_writer *w, nb_text *text, nb_layer *layer, nb_repeat_item *item)
{
    bool dense = layer->type == nb_layer_types[NB_LAYER_dense];
    item->alone = nb_write_is_shared(layer) || layer->head.name[0];
    if (nb_write_again(w, text, layer)) return;
    bool frozen = !w->frozen && is_frozen(layer);
    if (!dense) nb_text_add(text, "%s", layer->type->name);
    w->frozen = w->frozen || frozen;
    if (layer->type->branches > 0) write_branches(w, text, layer, item);
    w->frozen = w->frozen && !frozen;
    write_arguments(text, layer, dense ? "" : " ");
    if (main_activation(layer).type) {
        nb_text_add(text, " ");
        nb_write_activations(text, layer, " ", SIZE_MAX);
    }
    write_options(text, layer, frozen);
}

/* ---- Networks ------------------------------------------------------------------------------- */

static void write_shape(nb_text *text, const nb_net *net)
{
    char shape[NB_SHAPE_TEXT];
    nb_form form = nb_net_input(net);
    const char *word = nb_form_word(&form);
    nb_text_add(text, "%s%s%s", nb_form_text(&form, shape), word ? " " : "", word ? word : "");
}

void nb_notation_write(nb_text *text, const nb_net *net)
{
    nb_writer w = {.ctx = text->ctx, .block = {&nb_net_of(&net->layer)->layer}, .blocks = 1};
    bool alone = false;
    write_shape(text, net);
    nb_text_add(text, " - ");
    write_list(&w, text, 0, net->layer.children, &alone);
    nb_text_add(text, " : ");
    nb_cost_write(text, &net->cost);
    text->failed = text->failed || w.failed;
    nb_write_end(&w);
}

void nb_notation_write_layer(nb_text *text, nb_layer *layer)
{
    nb_writer w = {.ctx = text->ctx};
    nb_repeat_item item;
    nb_write_item(&w, text, layer, &item);
    text->failed = text->failed || w.failed;
    nb_write_end(&w);
}
