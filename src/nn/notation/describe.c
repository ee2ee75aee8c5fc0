/* The table that the prompt shows of a network: rows are collected, then measured, then written. */
#include "nn/notation/describe.h"

#include "base/memory.h"
#include "base/utf8.h"
#include "nn/price.h"
#include "nn/notation/write.h"

#include <string.h>

enum {
    GAP = 2,         /* blanks before every column, and before what stands further in */
    LABEL_LEAST = 5, /* columns of layers' words in any window, */
    PATH_LEAST = 5,  /* and of their paths, which have 11 in one of 20 */
    UTF8_MAX = 4     /* bytes of a character */
};

typedef enum cell { NUMBER, LABEL, OUTPUT, ACTIVATION, PARAMETERS, PRODUCTS, MEMORY, CELLS } cell;

static const struct {
    const char *title;
    int width;  /* at least */
    bool right; /* numbers stand at the right, words at the left */
} columns[CELLS] = {
    [NUMBER] = {"#", 1, true},
    [LABEL] = {"layer", 11, false},
    [OUTPUT] = {"output", 6, true},
    [ACTIVATION] = {"activation", 10, false},
    [PARAMETERS] = {"parameters", 10, true},
    [PRODUCTS] = {"multiply", 8, true},
    [MEMORY] = {"memory", 6, true},
};

/* What goes first where the window is narrow. */
static const struct {
    cell column;
    int label; /* columns of layers' words for which it goes */
} spare[] = {{MEMORY, 24}, {PRODUCTS, 24}, {ACTIVATION, 24}, {OUTPUT, 11}, {PARAMETERS, 11}};

/* Figures of a row: of the layer and all that stands in it. */
typedef struct figures {
    int64_t parameters; /* below 0: counted before */
    double products, bytes;
} figures;

/* A layer at a place, or a list that repeats. */
typedef struct row {
    const nb_layer *layer;
    int block;        /* the row of the block that it stands in; -1: the network */
    int number, last; /* in the block, from 1; the last one of a repeat */
    int times;        /* of a repeat; 0: a layer */
    int depth;        /* how far in */
    figures sum;
    size_t at, length; /* what stands in a later place of a shared layer, in the table's words */
} row;

typedef struct table {
    nb_writer walk;
    nb_text words;
    row *row;
    int rows, room;
    nb_text scratch; /* the cell at hand */
    int width[CELLS];
    unsigned hidden; /* bit c: column c is left out */
    size_t number;   /* bytes of one */
} table;

/* ---- Rows ----------------------------------------------------------------------------------- */

/* A new one's number, or -1. */
static int add_row(table *t, row of)
{
    enum { FIRST_ROOM = 16 };
    if (t->rows == t->room) {
        int room = t->room ? 2 * t->room : FIRST_ROOM;
        row *list = nb_resize(t->walk.ctx, t->row, (size_t)t->room * sizeof *list,
                              (size_t)room * sizeof *list);
        t->walk.failed = t->walk.failed || !list;
        if (!list) return -1;
        t->row = list;
        t->room = room;
    }
    t->row[t->rows] = of;
    return t->rows++;
}

static void add_figures(figures *to, const figures *of, int times)
{
    if (of->parameters > 0) to->parameters += of->parameters * times;
    to->products += of->products * times;
    to->bytes += of->bytes * times;
}

static figures add_list(table *t, int block, int depth, int first, int end);

/* What a layer costs by itself; its parameters where they were not counted before. */
static figures figures_of(const table *t, const nb_layer *layer, bool again)
{
    const nb_price price = nb_layer_price(layer);
    figures of = {.products = price.products, .bytes = price.kept * (double)t->number};
    for (int k = 0; k < layer->plan->params && !again; k++)
        of.parameters += layer->plan->param[k].count;
    return of;
}

/* The same with all that stands in it, where no rows are written of that. */
static figures figures_below(const table *t, const nb_layer *layer)
{
    figures sum = figures_of(t, layer, true);
    for (int i = 0; i < layer->children; i++) {
        const figures of = figures_below(t, layer->child[i]);
        add_figures(&sum, &of, 1);
    }
    return sum;
}

/* Rows of a layer and all below it; returns its figures, without parameters that were counted
 * before. */
static figures add_layer(table *t, int block, int depth, int i)
{
    nb_writer *walk = &t->walk;
    int outer = walk->blocks - 1;
    nb_layer *layer = walk->block[outer]->child[i];
    row of = {.layer = layer, .block = block, .number = i + 1, .depth = depth};
    of.at = t->words.length;
    walk->before[outer] = i;
    if (nb_write_again(walk, &t->words, layer)) {
        of.length = t->words.length - of.at;
        of.sum = figures_below(t, layer);
        of.sum.parameters = -1;
        add_row(t, of);
        return of.sum;
    }
    of.sum = figures_of(t, layer, false);
    int own = add_row(t, of);
    if (own < 0) return of.sum;
    walk->block[walk->blocks++] = layer;
    for (int b = 0; b < layer->branches; b++) {
        const figures branch =
            add_list(t, own, depth + 1, nb_branch_first(layer, b), nb_branch_end(layer, b));
        add_figures(&of.sum, &branch, 1);
    }
    walk->blocks--;
    return t->row[own].sum = of.sum;
}

/* Whether the layers show alike in the table: what they are, and what comes to them. Rows of
 * dense layers stand for themselves. */
static void list_likes(table *t, nb_repeat_list *list, int first, int end)
{
    char shape[NB_SHAPE_TEXT];
    nb_layer *block = t->walk.block[t->walk.blocks - 1];
    nb_repeat_begin(list, t->walk.ctx, 0);
    for (int i = first; i < end && !t->walk.failed; i++) {
        nb_layer *layer = block->child[i];
        nb_writer fresh = {.ctx = t->walk.ctx};
        nb_repeat_item known = {.alone = false}, *item;
        nb_write_item(&fresh, &list->text, layer, &known);
        nb_text_add(&list->text, " %s", nb_form_text(&layer->plan->in, shape));
        item = fresh.failed ? NULL : nb_repeat_add(list);
        nb_write_end(&fresh);
        t->walk.failed = t->walk.failed || !item;
        if (!item) return;
        item->weight = layer->plan->places;
        item->alone = known.alone;
        item->plain = layer->type == nb_layer_types[NB_LAYER_dense];
    }
}

/* The rows of items start … end - 1 of a list whose first one is layer `first` of the block. */
static figures add_folded(table *t, const nb_repeat_list *list, const row *place, int start,
                          int end)
{
    figures sum = {.parameters = 0};
    int first = place->number;
    for (int i = start; i < end && !t->walk.failed;) {
        nb_repeat repeat = nb_repeat_find(list, i, end, INT32_MAX);
        int all = repeat.period * repeat.times;
        if (repeat.times > 1) {
            row whole = *place, inside = *place;
            whole.number = first + i + 1;
            whole.last = first + i + all;
            whole.times = repeat.times;
            inside.depth++;
            int own = add_row(t, whole);
            const figures once = add_folded(t, list, &inside, i, i + repeat.period);
            if (own >= 0) add_figures(&t->row[own].sum, &once, repeat.times);
            add_figures(&sum, &once, repeat.times);
        } else {
            const figures of = add_layer(t, place->block, place->depth, first + i);
            add_figures(&sum, &of, 1);
        }
        i += all;
    }
    return sum;
}

static figures add_list(table *t, int block, int depth, int first, int end)
{
    nb_repeat_list list;
    row place = {.block = block, .depth = depth, .number = first};
    list_likes(t, &list, first, end);
    figures sum = {.parameters = 0};
    if (!t->walk.failed) sum = add_folded(t, &list, &place, 0, list.count);
    nb_repeat_end(&list);
    return sum;
}

/* ---- Cells ---------------------------------------------------------------------------------- */

static int width_of(const char *text)
{
    return (int)nb_letters(text, strlen(text));
}

static void restart(nb_text *text, size_t length)
{
    text->length = length;
    if (text->data) text->data[length] = '\0';
}

/* Cuts what stands in a text from `start` on to at most `width` columns, "…" for what went. */
static void cut_from(nb_text *text, size_t start, int width)
{
    if (text->failed || width_of(nb_text_get(text) + start) <= width) return;
    const char *end = text->data + start;
    for (int left = width - 1; left > 0 || nb_is_tail(*end); end++) left -= !nb_is_tail(*end);
    restart(text, (size_t)(end - text->data));
    nb_text_add(text, "…");
}

/* "3.1", "2.3..10" */
static void add_path(nb_text *text, const table *t, const row *of)
{
    int number[NB_LAYER_DEPTH + 1], depth = 0;
    for (int b = of->block; b >= 0; b = t->row[b].block) number[depth++] = t->row[b].number;
    while (depth > 0) nb_text_add(text, "%d.", number[--depth]);
    nb_text_add(text, "%d", of->number);
    if (of->times) nb_text_add(text, "..%d", of->last);
}

static void add_label(nb_text *text, const table *t, const row *of)
{
    nb_text_add(text, "%*s", GAP * of->depth, "");
    if (of->times)
        nb_text_add(text, "%d ×", of->times);
    else if (of->length)
        nb_text_add_bytes(text, nb_text_get(&t->words) + of->at, of->length);
    else
        nb_text_add(text, "%s", of->layer->type->name);
    if (of->times || of->length || !of->layer->head.name[0]) return;
    nb_text_add(text, " (%s)", of->layer->head.name);
}

static void add_activations(nb_text *text, const row *of)
{
    if (!of->layer) return;
    nb_write_activations(text, of->layer, ", ", NB_DESCRIBE_ACTIVATION * UTF8_MAX);
    cut_from(text, 0, NB_DESCRIBE_ACTIVATION);
}

static void add_figure(nb_text *text, const figures *sum, cell which)
{
    if (which == PARAMETERS && sum->parameters >= 0) nb_text_add_grouped(text, sum->parameters);
    if (which == PRODUCTS && sum->products > 0) nb_text_add_rounded(text, sum->products, 1000, "");
    if (which == MEMORY && sum->bytes > 0) nb_text_add_rounded(text, sum->bytes, 1024, "B");
}

/* The text of one cell; valid until the next. */
static const char *make_cell(table *t, int i, cell which)
{
    char shape[NB_SHAPE_TEXT];
    const row *of = &t->row[i];
    nb_text *text = &t->scratch;
    restart(text, 0);
    switch (which) {
    case NUMBER:
        add_path(text, t, of);
        break;
    case LABEL:
        add_label(text, t, of);
        break;
    case OUTPUT:
        if (of->layer) nb_text_add(text, "%s", nb_form_text(&of->layer->plan->out, shape));
        break;
    case ACTIVATION:
        add_activations(text, of);
        break;
    case PARAMETERS:
    case PRODUCTS:
    case MEMORY:
        add_figure(text, &of->sum, which);
        break;
    case CELLS:
        break;
    }
    return nb_text_get(text);
}

/* ---- The table ------------------------------------------------------------------------------ */

static const char *make_total(table *t, const figures *total, cell which)
{
    restart(&t->scratch, 0);
    add_figure(&t->scratch, total, which);
    return nb_text_get(&t->scratch);
}

static bool is_shown(const table *t, cell which)
{
    return !(t->hidden >> which & 1);
}

/* The row after i to show: of too many, those in the middle are left out. */
static int next_shown(const table *t, int i)
{
    bool cut = t->rows > NB_DESCRIBE_LAYERS && i + 1 == NB_DESCRIBE_LAYERS / 2;
    return cut ? t->rows - NB_DESCRIBE_LAYERS / 2 : i + 1;
}

static void widen(table *t, cell which, const char *text)
{
    int width = width_of(text);
    if (width > t->width[which]) t->width[which] = width;
}

static int width_of_all(const table *t)
{
    int width = 0;
    for (cell c = NUMBER; c < CELLS; c++)
        if (is_shown(t, c)) width += GAP + t->width[c];
    return width;
}

/* Leaves out a column where the window does not hold it, the layers' words cut to `label`. */
static void spare_column(table *t, cell which, int window, int label)
{
    int whole = t->width[LABEL];
    if (whole > label) t->width[LABEL] = label;
    if (width_of_all(t) > window) t->hidden |= 1u << which;
    t->width[LABEL] = whole;
}

/* Long names do not put columns out; they have what is left, and are cut. */
static void measure(table *t, const figures *total, int window)
{
    for (cell c = NUMBER; c < CELLS; c++) {
        t->width[c] = columns[c].width;
        for (int i = 0; i < t->rows; i = next_shown(t, i)) widen(t, c, make_cell(t, i, c));
        if (c >= PARAMETERS) widen(t, c, make_total(t, total, c));
    }
    for (size_t i = 0; i < sizeof spare / sizeof *spare; i++)
        spare_column(t, spare[i].column, window, spare[i].label);
    int over = width_of_all(t) - window, *label = &t->width[LABEL];
    if (over > 0) *label = *label - over > LABEL_LEAST ? *label - over : LABEL_LEAST;
    int *path = &t->width[NUMBER], least = *path < PATH_LEAST ? *path : PATH_LEAST;
    over = width_of_all(t) - window;
    if (over > 0) *path = *path - over > least ? *path - over : least;
}

static void write_cell(nb_text *text, const table *t, cell which, const char *word)
{
    bool right = columns[which].right;
    if (!is_shown(t, which)) return;
    nb_text_add(text, "%*s", GAP, "");
    size_t start = text->length;
    int pad = t->width[which] - width_of(word);
    nb_text_add(text, "%*s%s%*s", right && pad > 0 ? pad : 0, "", word, !right && pad > 0 ? pad : 0,
                "");
    cut_from(text, start, t->width[which]);
}

/* Of a path that is too long the last numbers stay: they say which layer it is. */
static void write_path(nb_text *text, const table *t, const char *path)
{
    int over = width_of(path) - t->width[NUMBER];
    if (over <= 0)
        write_cell(text, t, NUMBER, path);
    else
        nb_text_add(text, "%*s…%s", GAP, "", path + over + 1);
}

/* The blanks before a word go before its letters do: paths say what stands in what. */
static const char *moved_out(const char *word, int width)
{
    for (int over = width_of(word) - width; over > 0 && *word == ' '; over--) word++;
    return word;
}

/* No blanks at a line's end. */
static void trim(nb_text *text)
{
    size_t length = text->length;
    while (length > 0 && text->data[length - 1] == ' ') length--;
    restart(text, length);
}

static void write_rows(nb_text *text, table *t)
{
    for (int i = 0, before = -1; i < t->rows; before = i, i = next_shown(t, i)) {
        if (i > before + 1) nb_text_add(text, "\n%*s…", GAP, "");
        nb_text_add(text, "\n");
        write_path(text, t, make_cell(t, i, NUMBER));
        write_cell(text, t, LABEL, moved_out(make_cell(t, i, LABEL), t->width[LABEL]));
        for (cell c = OUTPUT; c < CELLS; c++) write_cell(text, t, c, make_cell(t, i, c));
        trim(text);
    }
}

/* The sums, below their columns. */
static void write_total(nb_text *text, table *t, const figures *total)
{
    if (!is_shown(t, PARAMETERS)) return;
    nb_text_add(text, "\n");
    for (cell c = NUMBER; c < CELLS; c++)
        write_cell(text, t, c, c >= PARAMETERS ? make_total(t, total, c) : "");
    trim(text);
}

void nb_net_describe(nb_text *text, const nb_net *net)
{
    enum { SAID = 44 };
    static const char said[] = "x is seen in the scale that it learned with";
    table t = {.walk = {.ctx = text->ctx, .block = {&nb_net_of(&net->layer)->layer}, .blocks = 1}};
    nb_text_init(&t.scratch, text->ctx);
    nb_text_init(&t.words, text->ctx);
    t.number = nb_dtype_size(net->dtype);
    const figures total = add_list(&t, -1, 0, 0, net->layer.children);
    measure(&t, &total, text->ctx->columns);
    nb_notation_write(text, net);
    nb_text_add(text, "\n");
    for (cell c = NUMBER; c < CELLS; c++) write_cell(text, &t, c, columns[c].title);
    trim(text);
    write_rows(text, &t);
    write_total(text, &t, &total);
    if (nb_form_is_free(nb_net_in(net)) && is_shown(&t, PRODUCTS))
        nb_text_add(text, "\n%*smultiply%s: of one step", GAP, "",
                    is_shown(&t, MEMORY) ? " and memory" : "");
    if (net->schema.scale)
        nb_text_add(text, "\n%s", text->ctx->columns < SAID ? "x is scaled" : said);
    if (t.scratch.failed || t.words.failed || t.walk.failed) text->failed = true;
    nb_free(text->ctx, t.row, (size_t)t.room * sizeof *t.row);
    nb_text_free(&t.scratch);
    nb_text_free(&t.words);
    nb_write_end(&t.walk);
}
