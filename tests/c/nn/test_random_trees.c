/* What holds of every network, tried on 300 that chance has drawn: blocks and networks in one
 * another, repeats, layers at several places, neurons that differ, options. A failure shows the
 * notation. */
#include "nets.h"
#include "trees.h"

#include "../support.h"
#include "base/workers.h"
#include "nn/inspect/examples/gradients.h"
#include "nn/inspect/check/gradcheck.h"
#include "nn/inspect/trace.h"
#include "nn/model.h"
#include "nn/notation/write.h"
#include "nn/learns.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

enum {
    TREES = 300,
    SWEPT = 30, /* so many are tried with failing memory: … */
    SMALL = 8,  /* … the first with at most so many places */
    LARGE = 15, /* one of so many is tried with examples enough for several threads */
    EXAMPLES = 5
};

/* ---- One tree, built ------------------------------------------------------------------------- */

static const char *drawn; /* the notation under way */
static char path[64];     /* of the one file */

/* Fails with the notation. */
static void holds(bool condition, const char *what)
{
    if (!condition) fail_msg("%s\n%s: %s", drawn, what, ctx->message);
}

typedef struct tree {
    nb_net *net;
    nb_tensor *x, *y;
    char text[TREE_TEXT_MAX]; /* as it is written */
} tree;

static void write_text(nb_net *net, char *to)
{
    nb_text text;
    nb_text_init(&text, ctx);
    nb_notation_write(&text, net);
    holds(!text.failed && text.length < TREE_TEXT_MAX, "the notation is written");
    strcpy(to, nb_text_get(&text));
    nb_text_free(&text);
}

static nb_net *build(const char *text)
{
    nb_net *net = nb_notation_parse(ctx, text, NULL);
    holds(net && nb_net_build(ctx, net, NB_F64, 3) == NB_OK, text);
    return net;
}

/* Values that no initialiser gives: biases too are not 0, where relu has its kink. */
static void begin_tree(tree *t, const char *text, uint64_t number)
{
    drawn = text;
    t->net = build(text);
    write_text(t->net, t->text);
    nb_stream stream = nb_stream_make(number, NB_FOR_TENSOR, 1);
    double *values = nb_tensor_data(t->net->values);
    for (int64_t i = 0; i < nb_net_count(t->net); i++) values[i] = nb_random_normal(&stream) / 2;
    t->x = tree_inputs(ctx, t->net, EXAMPLES, 11);
    t->y = tree_targets(ctx, t->net, EXAMPLES);
}

static void end_tree(tree *t)
{
    nb_tensor_release(ctx, t->x);
    nb_tensor_release(ctx, t->y);
    nb_net_release(ctx, t->net);
    holds(ctx->memory.live == 0, "all memory is given back");
}

/* ---- What holds ------------------------------------------------------------------------------ */

static bool same_params(const nb_param *a, const nb_param *b, int count)
{
    for (int i = 0; i < count; i++) {
        bool same = !strcmp(a[i].name, b[i].name) && a[i].dims == b[i].dims &&
                    !memcmp(a[i].shape, b[i].shape, (size_t)a[i].dims * sizeof *a[i].shape) &&
                    a[i].start == b[i].start && a[i].count == b[i].count &&
                    nb_init_same(a[i].init, b[i].init);
        if (!same) return false;
    }
    return true;
}

static bool same_plan(const nb_plan *a, const nb_plan *b)
{
    return !strcmp(a->where, b->where) && nb_form_same(&a->in, &b->in) &&
           nb_form_same(&a->out, &b->out) && nb_runs_same(a->runs, b->runs) &&
           a->params == b->params && a->buffers == b->buffers && a->place == b->place &&
           a->places == b->places && a->uses == b->uses &&
           same_params(a->param, b->param, a->params) &&
           same_params(a->buffer, b->buffer, a->buffers);
}

/* A path is that of a layer's first place, so equal paths everywhere are equal sharing. A block is
 * frozen where all in it is. */
static bool same_layer(const nb_layer *a, const nb_layer *b)
{
    bool same = a->type == b->type && a->children == b->children && a->branches == b->branches &&
                !strcmp(a->head.name, b->head.name) &&
                nb_layer_is_frozen(a) == nb_layer_is_frozen(b) && same_plan(a->plan, b->plan);
    for (int i = 0; same && i < a->branches; i++) same = a->branch[i] == b->branch[i];
    for (int i = 0; same && i < a->children; i++) same = same_layer(a->child[i], b->child[i]);
    return same;
}

/* Written and read again: the same text, tree and first values. */
static void check_notation(const tree *t)
{
    char again[TREE_TEXT_MAX];
    nb_net *first = build(drawn), *read = build(t->text);
    write_text(read, again);
    if (strcmp(t->text, again)) fail_msg("%s\nis written\n%s\nand then\n%s", drawn, t->text, again);
    holds(same_layer(&first->layer, &read->layer), "the tree reads back");
    holds(first->cost.type == read->cost.type, "the cost reads back");
    holds(same_bits(ctx, first->values, read->values), "it begins with the same values");
    nb_net_release(ctx, first);
    nb_net_release(ctx, read);
}

static void check_gradients(const tree *t)
{
    nb_gradcheck out;
    nb_tensor *x = tree_inputs(ctx, t->net, 2, 13), *y = tree_targets(ctx, t->net, 2);
    holds(nb_gradcheck_run(ctx, t->net, x, y, NULL, &out) == NB_OK, "the gradients are checked");
    for (int i = 0; i < 4; i++) {
        const nb_equation *e = &out.equation[i];
        if (e->wrong)
            fail_msg("%s\n%s: %d of %d wrong, worst %s: %.10g, by differences %.10g", drawn,
                     e->name, (int)e->wrong, (int)e->compared, e->where, e->analytic, e->numeric);
    }
    holds(out.forwards == 2 * nb_net_count(t->net), "every parameter is moved, once");
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
}

/* Another network with the same values gives the same outputs. */
static void check_same(const tree *t, nb_net *other, const char *what)
{
    holds(other != NULL, what);
    nb_tensor *one = nb_net_forward(ctx, t->net, t->x), *two = nb_net_forward(ctx, other, t->x);
    holds(same_layer(&t->net->layer, &other->layer), what);
    holds(same_bits(ctx, t->net->values, other->values), what);
    holds(same_bits(ctx, t->net->figures, other->figures), what);
    holds(one && two && same_bits(ctx, one, two), what);
    holds(other->values->storage != t->net->values->storage, what);
    nb_tensor_release(ctx, one);
    nb_tensor_release(ctx, two);
    nb_net_release(ctx, other);
}

static void check_copies(const tree *t)
{
    check_same(t, nb_net_clone(ctx, t->net, NB_F64), "a clone keeps every bit");
    holds(nb_model_save(ctx, t->net, path) == NB_OK, "the network is saved");
    check_same(t, nb_model_load(ctx, path, NULL), "a file keeps every bit");
}

/* A network that stands in the tree, cloned and from a file alone: what it says of itself reads
 * back, and it answers as it does at its place. */
static void check_alone(const nb_net *inner, nb_net *copy, const char *text)
{
    char says[TREE_TEXT_MAX], again[TREE_TEXT_MAX];
    holds(copy != NULL, text);
    nb_tensor *x = tree_inputs(ctx, inner, EXAMPLES, 15);
    nb_tensor *one = nb_net_forward(ctx, (nb_net *)(uintptr_t)inner, x);
    nb_tensor *two = nb_net_forward(ctx, copy, x);
    holds(one && two && same_bits(ctx, one, two), text);
    write_text(copy, says);
    nb_net *read = build(says);
    write_text(read, again);
    if (strcmp(text, says) || strcmp(text, again))
        fail_msg("%s\nholds\n%s\nand alone it is\n%s\n%s", drawn, text, says, again);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, one);
    nb_tensor_release(ctx, two);
    nb_net_release(ctx, read);
    nb_net_release(ctx, copy);
}

static int nested; /* networks in all trees */

static void check_nested(const tree *t)
{
    char text[TREE_TEXT_MAX];
    for (int i = 0; i < t->net->parts; i++) {
        nb_net *inner = nb_net_of(t->net->part[i]);
        if (!inner) continue;
        nested++;
        write_text(inner, text);
        check_alone(inner, nb_net_clone(ctx, inner, NB_F64), text);
        holds(nb_model_save(ctx, inner, path) == NB_OK, "a nested network is saved");
        check_alone(inner, nb_model_load(ctx, path, NULL), text);
    }
}

static nb_tensor *rows_of(nb_tensor *t, int64_t start, int64_t count)
{
    nb_tensor *part = nb_tensor_narrow(ctx, t, 0, start, count, 1);
    nb_tensor *whole = nb_tensor_contiguous(ctx, part);
    nb_tensor_release(ctx, part);
    return whole;
}

/* Examples do not know of each other. */
static void check_pieces(const tree *t)
{
    nb_tensor *all = nb_net_forward(ctx, t->net, t->x);
    for (int64_t start = 0, count; start < EXAMPLES; start += count) {
        count = start ? EXAMPLES - start : 2;
        nb_tensor *x = rows_of(t->x, start, count), *part = rows_of(all, start, count);
        nb_tensor *out = nb_net_forward(ctx, t->net, x);
        const double *whole = nb_tensor_data(part), *alone = nb_tensor_data(out);
        holds(nb_tensor_same_shape(part, out), "pieces have the shape of the whole");
        for (int64_t i = 0; i < nb_tensor_count(out); i++)
            holds(fabs(whole[i] - alone[i]) <= 1e-12 * fmax(1, fabs(whole[i])),
                  "evaluation in pieces agrees with the whole");
        nb_tensor_release(ctx, x);
        nb_tensor_release(ctx, part);
        nb_tensor_release(ctx, out);
    }
    nb_tensor_release(ctx, all);
}

/* Parameters follow each other in the flat vector, without holes, as the plan says; a nested
 * network has a stretch of it. */
static void check_storage(const tree *t)
{
    nb_net *net = t->net, *planned = nb_notation_parse(ctx, drawn, NULL);
    nb_plans *plans = nb_net_plan(ctx, planned);
    int64_t next = 0;
    int param = 0;
    holds(plans && plans->count == net->parts + 1, "there is one plan for a layer");
    for (int i = 1; i < plans->count; i++) {
        const nb_plan *plan = plans->list[i].plan, *own = net->part[i - 1]->plan;
        nb_net *inner = nb_net_of(net->part[i - 1]);
        holds(!strcmp(plan->path, own->path) && plan->params == own->params, "plans are equal");
        holds(!inner || inner->values->offset == next || !nb_net_count(inner),
              "nets are stretches");
        for (int k = 0; k < plan->params; k++) {
            const nb_param *has = net->param[param++];
            holds(has == &own->param[k] && has->start == next && has->value->offset == next &&
                      has->count == plan->param[k].count &&
                      has->value->storage == net->values->storage,
                  "parameters follow each other");
            next += has->count;
        }
    }
    holds(next == nb_net_count(net) && param == net->params, "the vector has no more");
    nb_plans_free(ctx, plans);
    nb_net_release(ctx, planned);
}

/* The same bits of cost and gradients at any number of threads. */
static void check_threads(const tree *t, int64_t n)
{
    static const int64_t threads[] = {1, 2, 5};
    nb_tensor *x = tree_inputs(ctx, t->net, n, 14), *y = tree_targets(ctx, t->net, n),
              *grads = NULL;
    double cost = 0, first = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(nb_set_threads(ctx, threads[i]), NB_OK);
        holds(nb_net_backprop(ctx, t->net, x, y, &cost) == NB_OK, "it learns on many examples");
        if (!grads) grads = nb_tensor_clone(ctx, t->net->grads), first = cost;
        holds(cost == first && same_bits(ctx, grads, t->net->grads), "threads change no bit");
    }
    nb_tensor_release(ctx, grads);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
}

/* ---- When memory ends ------------------------------------------------------------------------ */

static nb_status release(nb_ctx *c, nb_net *made)
{
    nb_status status = made ? NB_OK : c->status;
    nb_net_release(c, made);
    return status;
}

static nb_status try_build(nb_ctx *c, nb_net *net, void *arg)
{
    const tree *t = arg;
    nb_net *made = nb_notation_parse(c, t->text, NULL);
    nb_status status = made ? nb_net_build(c, made, NB_F64, 1) : c->status;
    (void)net;
    nb_net_release(c, made);
    return status;
}

static nb_status try_clone(nb_ctx *c, nb_net *net, void *arg)
{
    (void)arg;
    return release(c, nb_net_clone(c, net, NB_F32));
}

static nb_status try_save(nb_ctx *c, nb_net *net, void *arg)
{
    (void)arg;
    return nb_model_save(c, net, path);
}

static nb_status try_load(nb_ctx *c, nb_net *net, void *arg)
{
    (void)net, (void)arg;
    return release(c, nb_model_load(c, path, NULL));
}

/* A step of plain descent, straight into the weights. */
static nb_status try_step(nb_ctx *c, nb_net *net, void *arg)
{
    const tree *t = arg;
    const nb_mode mode = {.learning = true};
    const nb_sink sink = {
        .from = net->whole->storage, .into = net->whole, .alpha = -0.1, .beta = 1};
    double cost;
    return nb_net_learn(c, net, t->x, t->y, &mode, &sink, &cost);
}

static nb_status try_trace(nb_ctx *c, nb_net *net, void *arg)
{
    const tree *t = arg;
    nb_trace trace = {.cost = 0};
    nb_status status = nb_trace_run(c, net, t->x, t->y, NULL, &trace);
    nb_trace_free(c, &trace);
    return status;
}

/* ---- Gradients of single examples ------------------------------------------------------------ */

/* That of example i by a backward of its own, 0 where layers rest; the network's own vector. */
static const double *own_gradient(const tree *t, int64_t i)
{
    double cost, *g = nb_tensor_data(t->net->grads);
    nb_tensor *x = nb_tensor_narrow(ctx, t->x, 0, i, 1, 1);
    nb_tensor *y = nb_tensor_narrow(ctx, t->y, 0, i, 1, 1);
    holds(nb_net_backprop(ctx, t->net, x, y, &cost) == NB_OK, "a backward of one example");
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    for (int l = 0; l < t->net->parts; l++)
        for (int p = 0; nb_layer_rests(t->net->part[l]) && p < t->net->part[l]->plan->params; p++) {
            const nb_param *param = &t->net->part[l]->plan->param[p];
            memset(g + param->start, 0, (size_t)param->count * sizeof *g);
        }
    return g;
}

static double dot(const double *a, const double *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* Norms and products that one pass finds are those of a backward for each example, to the rounding
 * of sums whose terms cancel. */
static void check_examples(tree *t)
{
    enum { SECOND = 1 };
    const double rounding = 1e-12;
    nb_set *set = nb_set_new(ctx, t->x, 1, t->y, NULL, 0, NULL);
    nb_example_gradients found;
    int64_t count = nb_net_count(t->net), awake = 0;
    for (int l = 0; l < t->net->parts; l++)
        if (!nb_layer_rests(t->net->part[l])) awake += t->net->part[l]->plan->params;
    nb_status status = nb_example_gradients_find(ctx, t->net, set, &found);
    holds(status == (awake ? NB_OK : NB_EARG), "gradients of the examples");
    nb_tensor *row = awake ? nb_example_gradients_row(ctx, t->net, set, SECOND) : NULL;
    double *second = test_malloc((size_t)count * sizeof *second + 1);
    memcpy(second, own_gradient(t, SECOND), (size_t)count * sizeof *second);
    for (int64_t i = 0; awake && i < EXAMPLES; i++) {
        const double *own = own_gradient(t, i);
        double norm = sqrt(dot(own, own, count)), size = 1 + norm;
        double product = dot(own, second, count), by = sqrt(dot(second, second, count)) * size;
        holds(fabs(nb_tensor_get(found.norms, &i) - norm) <= rounding * size, "a norm");
        holds(fabs(nb_tensor_get(row, &i) - product) <= rounding * (1 + by), "a product");
    }
    test_free(second);
    nb_tensor_release(ctx, row);
    nb_example_gradients_free(ctx, &found);
    nb_set_release(ctx, set);
}

static nb_status try_examples(nb_ctx *c, nb_net *net, void *arg)
{
    const tree *t = arg;
    nb_example_gradients found;
    nb_set *set = nb_set_new(c, t->x, 1, t->y, NULL, 0, NULL);
    nb_status status = set ? nb_example_gradients_find(c, net, set, &found) : c->status;
    if (status == NB_OK) nb_example_gradients_free(c, &found);
    nb_tensor *row = status == NB_OK ? nb_example_gradients_row(c, net, set, 0) : NULL;
    if (status == NB_OK && !row) status = c->status;
    nb_tensor_release(c, row);
    nb_set_release(c, set);
    return status == NB_EARG ? NB_OK : status; /* nothing learns */
}

static void check_sweeps(tree *t)
{
    sweep(ctx, t->net, try_build, t);
    sweep(ctx, t->net, try_clone, t);
    sweep(ctx, t->net, try_save, t);
    sweep(ctx, t->net, try_load, t);
    sweep(ctx, t->net, try_step, t);
    sweep(ctx, t->net, try_trace, t);
    sweep(ctx, t->net, try_examples, t);
}

/* ---- The tests ------------------------------------------------------------------------------- */

static int setup_file(void **state)
{
    strcpy(path, "test_random_trees_XXXXXX");
    int file = mkstemp(path);
    if (file < 0) return -1;
    close(file);
    return setup(state);
}

static int teardown_file(void **state)
{
    unlink(path);
    return teardown(state);
}

/* Runs a check on every tree. */
static void on_trees(void (*check)(tree *t, int number))
{
    static char text[TREE_TEXT_MAX];
    static tree t;
    for (int i = 0; i < TREES; i++) {
        draw_tree(text, (uint64_t)i);
        begin_tree(&t, text, (uint64_t)i);
        check(&t, i);
        end_tree(&t);
    }
}

static void look_at_text(tree *t, int number)
{
    (void)number;
    check_notation(t);
    check_storage(t);
}

static void look_at_values(tree *t, int number)
{
    (void)number;
    check_copies(t);
    check_nested(t);
    check_pieces(t);
    check_gradients(t);
}

static void look_at_examples(tree *t, int number)
{
    (void)number;
    check_examples(t);
}

static void look_at_threads(tree *t, int number)
{
    check_threads(t, number % LARGE ? 40 : 9000);
}

static int swept;

static void look_at_sweeps(tree *t, int number)
{
    (void)number;
    if (swept == SWEPT || t->net->layer.plan->places > SMALL) return;
    swept++;
    check_sweeps(t);
}

static void test_text_and_plan(void **state)
{
    (void)state;
    on_trees(look_at_text);
}

static void test_values(void **state)
{
    (void)state;
    nested = 0;
    on_trees(look_at_values);
    assert_true(nested > TREES / 2);
}

static void test_examples(void **state)
{
    (void)state;
    on_trees(look_at_examples);
}

static void test_threads(void **state)
{
    (void)state;
    on_trees(look_at_threads);
    assert_int_equal(nb_set_threads(ctx, 1), NB_OK);
}

static void test_memory_ends(void **state)
{
    (void)state;
    on_trees(look_at_sweeps);
    assert_int_equal(swept, SWEPT);
}

enum { OPTIONS_MOST = 16 };
/* Bit 0: something else than the default was drawn; bit 1: a size for each of two extents. */
static unsigned char seen[NB_LAYERS][OPTIONS_MOST];

static void see_options(const nb_layer *layer)
{
    int type = 0, i = 0;
    while (nb_layer_types[type] != layer->type) type++;
    for (const nb_option *o = layer->type->options; o->name; o++, i++) {
        assert_true(i < OPTIONS_MOST);
        if (!nb_option_is_default(o, layer->settings)) seen[type][i] |= 1;
        const nb_sizes *sizes = (const void *)(layer->settings + o->offset);
        if (o->kind == NB_SIZES && sizes->word < 0 && sizes->count > 1) seen[type][i] |= 2;
    }
    for (i = 0; i < layer->children; i++) see_options(layer->child[i]);
}

/* Every option of every type's descriptor is drawn, those of conv for two extents too. */
static void test_options_are_drawn(void **state)
{
    static char text[TREE_TEXT_MAX];
    (void)state;
    for (int i = 0; i < TREES; i++) {
        draw_tree(text, (uint64_t)i);
        nb_net *net = nb_notation_parse(ctx, text, NULL);
        if (!net) fail_msg("%s", ctx->message);
        for (int k = 0; k < net->layer.children; k++) see_options(net->layer.child[k]);
        nb_net_release(ctx, net);
    }
    for (int type = 0; type < NB_LAYERS; type++) {
        const nb_layer_type *of = nb_layer_types[type];
        bool both = type == NB_LAYER_conv;
        for (int i = 0; !of->table_only && of->options[i].name; i++) {
            const char *name = of->options[i].name;
            if (!(seen[type][i] & 1)) fail_msg("no tree has %s with %s; draw it", of->name, name);
            if (both && of->options[i].kind == NB_SIZES && !(seen[type][i] & 2))
                fail_msg("no tree has %s with two sizes of %s; draw it", of->name, name);
        }
    }
}

/* Every type that notation can say is drawn, and so are the ways in which layers stand. */
static void test_what_is_drawn(void **state)
{
    (void)state;
    static char all[TREES * TREE_TEXT_MAX];
    size_t used = 0;
    for (int i = 0; i < TREES; i++) {
        draw_tree(all + used, (uint64_t)i);
        used += strlen(all + used);
    }
    for (int i = 0; i < NB_LAYERS; i++) {
        const char *name = nb_layer_types[i]->name;
        if (!nb_layer_types[i]->table_only && !strstr(all, name))
            fail_msg("no tree has a layer of type %s; give it a line in trees.c", name);
    }
    static const char *const ways[] = {
        "*[",   "@n",       "@2..",   "frozen",      "(slope=",    "*x",       "init=he",    "[ |",
        " | ",  "name=",    "| ]",    "reshape 1x1", "1 stride=2", "groups=2", "bias=false", "both",
        "last", "layers=2", "causal", "dilation=2",  "tied=",      "epsilon="};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (!strstr(all, ways[i])) fail_msg("no tree has '%s'", ways[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup_file, teardown_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_drawn), TEST(options_are_drawn), TEST(text_and_plan), TEST(values),
        TEST(examples),      TEST(threads),           TEST(memory_ends),
    };
    return cmocka_run_group_tests_name("random trees", tests, NULL, NULL);
}
