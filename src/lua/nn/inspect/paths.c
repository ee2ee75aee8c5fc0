/* net:paths: ∂C/∂w of one weight as a sum over paths, the largest as a list that prints itself. */
#include "lua/nn/net.h"
#include "lua/nn/examples.h"
#include "lua/nn/inspect/seat.h"
#include "lua/result.h"
#include "nn/inspect/paths/paths.h"
#include "nn/inspect/place.h"

#include <math.h>
#include <stddef.h>

typedef struct paths_job {
    nb_net *net;
    nbl_examples examples;
    nb_weight weight;
    int64_t top;
    nb_paths *found; /* in a box */
} paths_job;

static nb_status find(nb_ctx *ctx, void *data)
{
    paths_job *work = data;
    nbl_batch batch;
    nb_paths_free(work->found);
    if (nbl_prepare(ctx, work->net, &work->examples, &batch) != NB_OK) return ctx->status;
    const nb_mode as = {.lengths = batch.lengths, .weights = batch.weights};
    nb_status status = nb_paths_find(ctx, work->net, batch.x, batch.y, &as, &work->weight,
                                     (int)work->top, work->found);
    nbl_batch_free(ctx, &batch);
    return status;
}

static void release_paths(nb_ctx *ctx, void *paths)
{
    (void)ctx;
    nb_paths_free(paths);
}

/* ---- One path ---- */

/* Whole, or with what stands between the first and the last few stops counted. */
static void write_path(nb_text *text, const nb_paths *paths, const nb_path *path, bool whole)
{
    enum { FIRST = 4, LAST = 3 };
    int left_out = path->stops - FIRST - LAST;
    for (int i = 0; i < path->stops; i++) {
        if (i) nb_text_add(text, " → ");
        if (!whole && left_out > 1 && i == FIRST) {
            nb_text_add(text, "… %d … → ", left_out);
            i += left_out;
        }
        nb_waypoint_write(text, paths, &path->stop[i]);
    }
}

/* A neuron as a table: its layer's path, its number, and where it stands among its places. */
static void push_stop(lua_State *L, const nb_paths *paths, const nb_waypoint *stop)
{
    int64_t neuron, left, where[NB_MAX_DIMS];
    int places = nb_waypoint_neuron(paths, stop->place, stop->a, &left, where);
    nb_waypoint_neuron(paths, stop->place, stop->z, &neuron, where);
    lua_createtable(L, 0, 4);
    lua_pushstring(L, paths->again.trace.place[stop->place].layer->plan->path);
    lua_setfield(L, -2, "layer");
    nbl_set_integer(L, "neuron", neuron + 1);
    if (left != neuron) nbl_set_integer(L, "out", left + 1);
    if (!places) return;
    lua_createtable(L, places, 0);
    for (int i = 0; i < places; i++) {
        lua_pushinteger(L, where[i] + 1);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "at");
}

static int text_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_pushliteral(L, "text");
    lua_rawget(L, 1);
    return 1;
}

static const char *const path_lacks[] = {"[i].at", "[i].out", NULL};
static const nbl_result path_kind = {
    .name = "nabla.path", .whose = "a path", .text = text_tostring, .may_lack = path_lacks};
static const nbl_result paths_kind = {
    .name = "nabla.paths", .whose = "what net:paths gives", .text = text_tostring};

/* The text of the box on the stack's top takes its place. */
static void set_text(lua_State *L, nb_text *text, const nbl_result *kind)
{
    nbl_push_text(L, text);
    lua_remove(L, -2);
    lua_setfield(L, -2, "text");
    nbl_dress(L, kind);
}

static void push_path(lua_State *L, const nb_paths *paths, const nb_path *path)
{
    lua_createtable(L, 0, 2);
    nbl_set_number(L, "value", path->value);
    lua_createtable(L, path->stops, 1);
    for (int i = 0; i < path->stops; i++) {
        push_stop(L, paths, &path->stop[i]);
        lua_rawseti(L, -2, i + 1);
    }
    nb_text *text = nbl_new_text(L);
    write_path(text, paths, path, true);
    set_text(L, text, &path_kind);
    lua_setfield(L, -2, "path");
}

/* ---- The whole ---- */

static void add_count(nb_text *text, double count)
{
    if (count < 1e15)
        nb_text_add_grouped(text, (int64_t)count);
    else
        nb_text_add(text, "%.3g", count);
    nb_text_add(text, count == 1 ? " path" : " paths");
}

static void write_report(nb_text *text, const nb_paths *paths)
{
    char name[NB_PLACE_TEXT];
    const nb_param *w = paths->w;
    double shown = 0;
    nb_place_text("w", paths->again.trace.place[paths->place].layer->plan->path, w->dims, w->shape,
                  paths->weight, name);
    if (paths->count == 0) {
        nb_text_add(text, "∂C/∂%s = 0: no path; its input is 0, or a slope or weight on every way",
                    name);
        return;
    }
    nb_text_add(text, "∂C/∂%s = %.6g, the sum over ", name, paths->total);
    add_count(text, paths->count);
    for (int i = 0; i < paths->paths; i++) {
        shown += fabs(paths->path[i].value);
        nb_text_add(text, "\n%12.4g  ", paths->path[i].value);
        write_path(text, paths, &paths->path[i], false);
    }
    if (paths->count <= (double)paths->paths || !(paths->size > 0)) return;
    nb_text_add(text, "\nthese %d are %.3g %% of the sum of all |values|, %.4g", paths->paths,
                100 * shown / paths->size, paths->size);
}

static void push_paths(lua_State *L, const nb_paths *paths)
{
    lua_createtable(L, paths->paths, 5);
    for (int i = 0; i < paths->paths; i++) {
        push_path(L, paths, &paths->path[i]);
        lua_rawseti(L, -2, i + 1);
    }
    nbl_set_number(L, "total", paths->total);
    nbl_set_number(L, "gradient", paths->gradient);
    nbl_set_number(L, "size", paths->size);
    nbl_set_number(L, "count", paths->count);
    nb_text *text = nbl_new_text(L);
    write_report(text, paths);
    set_text(L, text, &paths_kind);
}

/* ---- The call ---- */

typedef struct paths_options {
    int64_t top;
} paths_options;

static const nb_option options[] = {
    {.name = "top",
     .help = "how many paths, the largest first",
     .range = "a whole number from 1 to 10000",
     .value = 10,
     .low = 1,
     .high = NB_PATHS_MOST,
     .kind = NB_INTEGER,
     .offset = offsetof(paths_options, top)},
    NB_OPTIONS_END,
};

/* Input {channel, row, column} of a neuron by its numbers in the table at `arg`. */
static int64_t check_indices(lua_State *L, int arg, const nb_layer *layer, int64_t inputs)
{
    const nb_param *w = nb_layer_param(layer, "w");
    int64_t kernel = 1, number = 0;
    for (int i = 2; i < w->dims; i++) kernel *= w->shape[i];
    if (lua_rawlen(L, arg) != (size_t)w->dims - 1)
        nbl_error(L, "an input of %s is named by %d number%s, not %d", layer->plan->where,
                  w->dims - 1, w->dims == 2 ? "" : "s", (int)lua_rawlen(L, arg));
    for (int i = 1; i < w->dims; i++) {
        int64_t size = i == 1 ? inputs / kernel : w->shape[i];
        lua_rawgeti(L, arg, i);
        number =
            number * size + nbl_check_index(L, lua_gettop(L), size, i == 1 ? "input" : "place");
        lua_pop(L, 1);
    }
    return number;
}

static int64_t check_input(lua_State *L, int arg, const nb_layer *layer)
{
    int64_t inputs = nb_layer_inputs(layer);
    if (!inputs)
        nbl_error(L, "%s is %s, which has no weights of neurons", layer->plan->where,
                  layer->type->name);
    if (lua_istable(L, arg)) return check_indices(L, arg, layer, inputs);
    return nbl_check_index(L, arg, inputs, "input");
}

static int net_paths(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    paths_job work = {.net = self->net};
    const nb_layer *layer = nbl_check_place(L, 2, self, &work.weight.place);
    work.weight.neuron = nbl_check_neuron(L, 3, layer);
    work.weight.input = check_input(L, 4, layer);
    int next = nbl_read_examples(L, 5, self->net, "net:paths", NBL_X_AND_Y, &work.examples);
    paths_options read;
    nbl_no_more(L, next);
    nbl_options(L, next, options, &read, false);
    work.top = read.top;
    work.found = nbl_new_box(L, sizeof *work.found, release_paths);
    int box = lua_gettop(L);
    nbl_net_run(L, self, find, &work);
    push_paths(L, work.found);
    nbl_close_box(L, box);
    return 1;
}

static const nbl_entry entries[] = {
    {":paths", net_paths, "net:paths(l, k, j, x, y [, {top}])",
     "∂C/∂w of the weight from input j into neuron k of layer l, for one example, as the sum over "
     "all paths from the weight to the cost: each is a product of the input, of the slopes of the "
     "neurons that it goes through and the weights between them, and of ∂C/∂ of an output (δ where "
     "the cost takes z of the last neurons). The `top` largest are found without following the "
     "others. Of conv j counts channel by channel, row by row, or is {channel, row, column}. "
     "Fields: .total, the sum over all; .gradient, the same from backpropagation; .count, how many "
     "paths are not 0; .size, the sum of their |values|; [i].value; [i].path, a list of neurons "
     "(.layer .neuron, .at among its places, .out where softmax goes on from another). In f64. "
     "Paths go through dense, conv, conv_transpose, pools, act, flatten, reshape, dropout, "
     "positions, residual, parallel and networks; recurrent layers, attention, norms and functions "
     "of Lua as layers are refused where a path would go through one.",
     "net = nn.net \"4 - 3 - 2\"\np = net:paths(1, 2, 1, {1, 0, 1, 0}, {0, 1}, {top = 2})\n"
     "print(p)\np.count  → 2",
     options},
    {.name = NULL},
};

void nbl_open_paths(lua_State *L)
{
    nbl_register(L, "net", entries);
}
