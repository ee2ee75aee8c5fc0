/* Writes networks. The notation here is canonical: what a layer has by default but its activation
 * is left out. */
#include "nn/notation/describe.h"

#include "nn/activation.h"
#include "tensor/shape.h"

#include <string.h>

/* ---- Notation ------------------------------------------------------------------------------- */

/* "sigmoid relu@7 tanh@9..12", stopping once the text is longer than `most` bytes. */
static void write_activations(nb_text *text, const nb_runs *runs, const char *between, size_t most)
{
    const nb_activation *all = nb_runs_main(runs);
    size_t start = text->length;
    nb_text_add(text, "%s", all->name);
    for (int64_t i = 0; i < runs->count && text->length - start <= most; i++) {
        const nb_run *run = &runs->run[i];
        if (run->activation == all) continue;
        nb_text_add(text, "%s%s@%lld", between, run->activation->name, (long long)run->start + 1);
        if (run->count > 1) nb_text_add(text, "..%lld", (long long)(run->start + run->count));
    }
}

/* Whether the layer's initialiser is the one that it would have without a word. */
static bool is_standard_init(const nb_layer *layer)
{
    const char *name = layer->runs ? nb_runs_main(layer->runs)->init : NULL;
    return name && strcmp(layer->spec.init->name, name) == 0;
}

static void write_layer(nb_text *text, const nb_layer *layer)
{
    const nb_layer_spec *spec = &layer->spec;
    const char *between = "";
    if (spec->type != nb_layer_types[NB_LAYER_dense]) {
        nb_text_add(text, "%s", spec->type->name);
        between = " ";
    }
    for (int i = 0; i < spec->sizes; i++, between = " ") {
        nb_text_add(text, "%s%lld", between, (long long)spec->size[i]);
    }
    if (layer->runs) {
        nb_text_add(text, " ");
        write_activations(text, layer->runs, " ", SIZE_MAX);
    }
    if (spec->init && !is_standard_init(layer)) nb_text_add(text, " init=%s", spec->init->name);
    if (spec->name[0]) nb_text_add(text, " name=%s", spec->name);
}

void nb_notation_write(nb_text *text, const nb_net *net)
{
    char shape[NB_SHAPE_TEXT];
    nb_text_add(text, "%s", nb_shape_text(net->in_dims, net->in_shape, shape));
    for (int i = 0; i < net->layers; i++) {
        nb_text_add(text, " - ");
        write_layer(text, &net->layer[i]);
    }
    nb_text_add(text, " : %s", net->cost->name);
}

/* ---- The table ------------------------------------------------------------------------------ */

enum {
    GAP = 2,     /* blanks before every column */
    UTF8_MAX = 4 /* bytes of a character */
};

typedef enum cell { NUMBER, LABEL, OUTPUT, ACTIVATION, PARAMETERS, CELLS } cell;

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
};

typedef struct table {
    const nb_net *net;
    nb_text scratch; /* the cell at hand */
    int width[CELLS];
} table;

static bool is_tail(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* Columns that a UTF-8 text takes. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++) width += !is_tail(*text);
    return width;
}

static void restart(nb_text *text, size_t length)
{
    text->length = length;
    if (text->data) text->data[length] = '\0';
}

/* Cuts a text to at most `width` columns, "…" for what went. */
static void cut_to(nb_text *text, int width)
{
    if (text->failed || width_of(text->data) <= width) return;
    const char *end = text->data;
    for (int left = width - 1; left > 0 || is_tail(*end); end++) left -= !is_tail(*end);
    restart(text, (size_t)(end - text->data));
    nb_text_add(text, "…");
}

static int64_t count_parameters(const nb_layer *layer)
{
    int64_t count = 0;
    for (int i = 0; i < layer->params; i++) count += nb_tensor_count(layer->param[i].value);
    return count;
}

/* The text of one cell; valid until the next. */
static const char *make_cell(table *t, int i, cell which)
{
    char shape[NB_SHAPE_TEXT];
    const nb_layer *layer = &t->net->layer[i];
    nb_text *text = &t->scratch;
    restart(text, 0);
    switch (which) {
    case NUMBER:
        nb_text_add(text, "%d", i + 1);
        break;
    case LABEL:
        nb_text_add(text, "%s", layer->spec.type->name);
        if (layer->spec.name[0]) nb_text_add(text, " (%s)", layer->spec.name);
        break;
    case OUTPUT:
        nb_text_add(text, "%s", nb_shape_text(layer->out_dims, layer->out_shape, shape));
        break;
    case ACTIVATION:
        if (!layer->runs) break;
        write_activations(text, layer->runs, ", ", NB_DESCRIBE_ACTIVATION * UTF8_MAX);
        cut_to(text, NB_DESCRIBE_ACTIVATION);
        break;
    case PARAMETERS:
        nb_text_add_grouped(text, count_parameters(layer));
        break;
    case CELLS:
        break;
    }
    return nb_text_get(text);
}

static const char *make_total(table *t)
{
    restart(&t->scratch, 0);
    nb_text_add_grouped(&t->scratch, nb_net_count(t->net));
    return nb_text_get(&t->scratch);
}

/* The layer after i to show: of too many, those in the middle are left out. */
static int next_shown(const nb_net *net, int i)
{
    bool cut = net->layers > NB_DESCRIBE_LAYERS && i + 1 == NB_DESCRIBE_LAYERS / 2;
    return cut ? net->layers - NB_DESCRIBE_LAYERS / 2 : i + 1;
}

static void widen(table *t, cell which, const char *text)
{
    int width = width_of(text);
    if (width > t->width[which]) t->width[which] = width;
}

static void measure(table *t)
{
    for (cell c = NUMBER; c < CELLS; c++) {
        t->width[c] = columns[c].width;
        for (int i = 0; i < t->net->layers; i = next_shown(t->net, i)) {
            widen(t, c, make_cell(t, i, c));
        }
    }
    widen(t, PARAMETERS, make_total(t));
}

static void write_cell(nb_text *text, const table *t, cell which, const char *word)
{
    int pad = t->width[which] - width_of(word);
    bool right = columns[which].right;
    nb_text_add(text, "%*s%s%*s", GAP + (right ? pad : 0), "", word, right ? 0 : pad, "");
}

static void write_rows(nb_text *text, table *t)
{
    for (int i = 0, before = -1; i < t->net->layers; before = i, i = next_shown(t->net, i)) {
        if (i > before + 1) nb_text_add(text, "\n%*s…", GAP, "");
        nb_text_add(text, "\n");
        for (cell c = NUMBER; c < CELLS; c++) write_cell(text, t, c, make_cell(t, i, c));
    }
}

/* The sum of the parameters, below their column. */
static void write_total(nb_text *text, table *t)
{
    int before = 0;
    for (cell c = NUMBER; c < PARAMETERS; c++) before += GAP + t->width[c];
    nb_text_add(text, "\n%*s", before, "");
    write_cell(text, t, PARAMETERS, make_total(t));
}

void nb_net_describe(nb_text *text, const nb_net *net)
{
    table t = {.net = net};
    nb_text_init(&t.scratch, text->ctx);
    measure(&t);
    nb_notation_write(text, net);
    nb_text_add(text, "\n");
    for (cell c = NUMBER; c < CELLS; c++) write_cell(text, &t, c, columns[c].title);
    write_rows(text, &t);
    write_total(text, &t);
    if (t.scratch.failed) text->failed = true;
    nb_text_free(&t.scratch);
}
