/* data.set: sets from tensors, tables, sequences and files. */
#include "lua/data/make.h"

#include "io/format.h"
#include "lua/data/nonzeros.h"
#include "lua/data/set.h"
#include "nn/data/read/pack.h"
#include "nn/data/rows/nonzeros.h"

#include <stddef.h>
#include <string.h>

/* ---- data.set ---- */

typedef struct set_options {
    int x, y, classes;
    int64_t columns; /* 0: not given */
    bool map;
} set_options;

static const nb_option set_fields[] = {
    {.name = "x",
     .help =
         "the examples: a tensor or a table, one example a row; or a list of tensors, sequences "
         "of different lengths; or a list of {index = value}, rows of which the rest is zeros; or "
         "the path of an .idx or .npy file",
     .standard = "must be given",
     .kind = NB_HOST,
     .offset = offsetof(set_options, x)},
    {.name = "y",
     .help = "a class number from 1, one for each step, or targets, for each; of sequences also a "
             "list of tensors; or a path",
     .standard = "none",
     .kind = NB_HOST,
     .offset = offsetof(set_options, y)},
    {.name = "classes",
     .help = "the names of the classes, strings or integers",
     .standard = "1, 2, …",
     .kind = NB_HOST,
     .offset = offsetof(set_options, classes)},
    {.name = "columns",
     .help = "how many columns rows {index = value} have; with it every row is read as one",
     .range = "a whole number from 1",
     .standard = "as the largest index says",
     .low = 1,
     .high = NB_NONZEROS_COLUMNS_MAX,
     .kind = NB_INTEGER,
     .offset = offsetof(set_options, columns)},
    {.name = "map",
     .help =
         "x is a path, and its rows stay in the file, from which batches are read; y is held in "
         "memory",
     .kind = NB_BOOLEAN,
     .offset = offsetof(set_options, map)},
    NB_OPTIONS_END,
};

typedef struct set_job {
    nb_tensor *x, *y;
    const char **names; /* or NULL */
    int64_t count;
    nb_set **out;
} set_job;

static nb_status make_set(nb_ctx *ctx, void *data)
{
    set_job *work = data;
    *work->out = nb_set_new(ctx, work->x, 1.0, work->y, work->names, work->count, NULL);
    return *work->out ? NB_OK : ctx->status;
}

/* Integers become strings in a table of ours. */
const char **nbl_read_names(lua_State *L, int at, int64_t *count)
{
    if (!lua_istable(L, at))
        nbl_error(L, "classes must be a table of names, not %s", nbl_describe(L, at));
    *count = (int64_t)lua_rawlen(L, at);
    const char **names = lua_newuserdatauv(L, ((size_t)*count + 1) * sizeof *names, 0);
    lua_createtable(L, 0, 0);
    for (int64_t i = 0; i < *count; i++) {
        lua_rawgeti(L, at, i + 1);
        if (!lua_isinteger(L, -1) && lua_type(L, -1) != LUA_TSTRING)
            nbl_error(L, "a class's name is a string or an integer, not %s", nbl_describe(L, -1));
        names[i] = lua_tostring(L, -1);
        lua_rawseti(L, -2, i + 1);
    }
    return names;
}

/* ---- Sequences ---- */

bool nbl_is_sequences(lua_State *L, int at)
{
    if (!lua_istable(L, at)) return false;
    lua_rawgeti(L, at, 1);
    const nb_tensor *first = nbl_test_tensor(L, -1);
    lua_pop(L, 1);
    return first && first->dims > 0;
}

/* The tensors in the table at `at`, which keeps them; the list is pushed. */
static nb_tensor *const *read_list(lua_State *L, int at, const char *what, int64_t *count)
{
    *count = nbl_check_list(L, at, what);
    nb_tensor **list = lua_newuserdatauv(L, (size_t)*count * sizeof *list, 0);
    for (int64_t i = 0; i < *count; i++) {
        lua_rawgeti(L, at, i + 1);
        list[i] = nbl_test_tensor(L, -1);
        if (!list[i])
            nbl_error(L, "%s: entry %I of a list of sequences must be a tensor, not %s", what,
                      (lua_Integer)i + 1, nbl_describe(L, -1));
        lua_pop(L, 1);
    }
    return list;
}

typedef struct sequences_job {
    nb_sequences of;
    nb_set **out;
} sequences_job;

static nb_status make_sequences(nb_ctx *ctx, void *data)
{
    sequences_job *work = data;
    *work->out = nb_set_of_sequences(ctx, &work->of);
    return *work->out ? NB_OK : ctx->status;
}

nb_set *nbl_push_sequences(lua_State *L, int x, int y, const char *const *names, int64_t classes)
{
    sequences_job work = {.of = {.names = names, .classes = classes}};
    int top = lua_gettop(L);
    work.of.x = read_list(L, x, "x", &work.of.count);
    if (y && nbl_is_sequences(L, y))
        work.of.y_list = read_list(L, y, "y", &work.of.y_count);
    else if (y)
        work.of.y = nbl_to_tensor(L, y, -1);
    work.out = nbl_new_set(L);
    nbl_run(L, make_sequences, &work);
    lua_replace(L, top + 1); /* the list of x */
    lua_settop(L, top + 1);
    return *work.out;
}

/* ---- From files ---- */

typedef struct files_job {
    const char *x, *y_path; /* y_path NULL: `y`, which may be NULL too */
    bool map;
    nb_tensor *y;
    const char **names;
    int64_t count;
    nb_set **out;
} files_job;

/* The one tensor that a file holds. */
static nb_tensor *load_tensor(nb_ctx *ctx, const char *path)
{
    nb_archive archive = {.count = 0};
    const nb_format *format;
    nb_tensor *tensor = NULL;
    if (nb_format_load(ctx, path, &archive, &format) != NB_OK) return NULL;
    if (format->named || archive.count != 1)
        nb_fail(ctx, NB_EFORMAT, "%s holds tensors by name; tensor.load gives one of them", path);
    else
        tensor = nb_tensor_retain(archive.entry[0].tensor);
    nb_archive_free(ctx, &archive);
    return tensor;
}

/* An IDX or .npy file, which is read row by row; *other: it is none. */
static nb_feed *feed_of_rows(nb_ctx *ctx, const char *path, bool *other)
{
    uint8_t head[NB_PEEK_MAX];
    nb_source *source = nb_source_open(ctx, path);
    size_t bytes = source ? nb_source_peek(source, head, sizeof head) : 0;
    bool idx = source && nb_formats[NB_FORMAT_idx]->begins(head, bytes);
    bool npy = source && !idx && nb_formats[NB_FORMAT_npy]->begins(head, bytes);
    nb_feed *rows = idx   ? nb_feed_read_idx(ctx, source, "x")
                    : npy ? nb_feed_read_npy(ctx, source, "x")
                          : NULL;
    *other = source && !idx && !npy;
    nb_source_close(source);
    return rows;
}

static nb_feed *feed_of_path(nb_ctx *ctx, const char *path, bool map)
{
    bool other;
    if (map) return nb_feed_of_file(ctx, nb_row_file_open(ctx, path), path);
    nb_feed *read = feed_of_rows(ctx, path, &other);
    if (!other) return read;
    nb_tensor *tensor = load_tensor(ctx, path);
    nb_feed *rows = tensor ? nb_feed_pack_tensor(ctx, tensor, "x") : NULL;
    nb_tensor_release(ctx, tensor);
    return rows;
}

static nb_status make_from_files(nb_ctx *ctx, void *data)
{
    files_job *work = data;
    nb_feed *x = feed_of_path(ctx, work->x, work->map);
    nb_tensor *y = NULL;
    bool whole = x;
    if (whole && work->y_path) whole = (y = load_tensor(ctx, work->y_path));
    if (whole)
        *work->out = nb_set_of_rows(ctx, x, 1.0, y ? y : work->y, work->names, work->count, NULL);
    nb_tensor_release(ctx, y);
    nb_feed_release(ctx, x);
    return *work->out ? NB_OK : ctx->status;
}

static int from_files(lua_State *L, const set_options *options)
{
    files_job work = {.x = nbl_check_path(L, options->x), .map = options->map};
    if (options->y && lua_type(L, options->y) == LUA_TSTRING)
        work.y_path = nbl_check_path(L, options->y);
    else if (options->y)
        work.y = nbl_to_tensor(L, options->y, -1);
    if (options->classes) work.names = nbl_read_names(L, options->classes, &work.count);
    work.out = nbl_new_set(L);
    nbl_run(L, make_from_files, &work);
    return 1;
}

static int from_nonzeros(lua_State *L, const set_options *options)
{
    const char **names = NULL;
    int64_t classes = 0;
    nb_tensor *y = options->y ? nbl_to_tensor(L, options->y, -1) : NULL;
    if (!lua_istable(L, options->x))
        return nbl_error(L, "columns goes with rows {index = value}, a list of tables, not with %s",
                         nbl_describe(L, options->x));
    if (options->classes) names = nbl_read_names(L, options->classes, &classes);
    nbl_push_nonzeros(L, options->x, options->columns, y, names, classes);
    return 1;
}

/* x or y of a set, told by its name where it cannot be one. */
static void check_part(lua_State *L, int at, const char *name)
{
    int type = lua_type(L, at);
    if (type == LUA_TFUNCTION || (type == LUA_TUSERDATA && !nbl_test_tensor(L, at)))
        nbl_error(L, "%s must be a tensor, a table or a path, not %s", name, nbl_describe(L, at));
}

/* Names where numbers belong: what many tables of data begin with. */
static void check_numbered(lua_State *L, int y)
{
    if (lua_istable(L, y) && lua_rawgeti(L, y, 1) == LUA_TSTRING)
        nbl_error(L, "y holds %s; it takes the numbers of classes, from 1, and classes their names",
                  nbl_describe(L, -1));
    if (lua_istable(L, y)) lua_pop(L, 1);
}

static int new_set(lua_State *L)
{
    set_options options;
    set_job work = {.names = NULL};
    nbl_options(L, 1, set_fields, &options, false);
    if (!options.x) return nbl_error(L, "x is missing");
    check_part(L, options.x, "x");
    if (options.y) check_part(L, options.y, "y");
    if (options.y) check_numbered(L, options.y);
    if (lua_type(L, options.x) == LUA_TSTRING) return from_files(L, &options);
    if (options.map) return nbl_error(L, "map needs a path as x: its rows stay in the file");
    if (options.y && lua_type(L, options.y) == LUA_TSTRING)
        return nbl_error(L, "y is a path where x is one; tensor.load(path) gives its numbers");
    if (options.columns || nbl_is_nonzeros(L, options.x)) return from_nonzeros(L, &options);
    if (nbl_is_sequences(L, options.x)) {
        if (options.classes) work.names = nbl_read_names(L, options.classes, &work.count);
        nbl_push_sequences(L, options.x, options.y, work.names, work.count);
        return 1;
    }
    work.x = nbl_to_tensor(L, options.x, -1);
    if (options.y) work.y = nbl_to_tensor(L, options.y, -1);
    if (options.classes) work.names = nbl_read_names(L, options.classes, &work.count);
    work.out = nbl_new_set(L);
    nbl_run(L, make_set, &work);
    return 1;
}

/* ---- Registration ---- */

#define XOR "set = data.set{x = {{0, 0}, {0, 1}, {1, 0}, {1, 1}}, y = {1, 2, 2, 1}}\n"

static const nbl_entry data_entries[] = {
    {"set", new_set, "data.set{x = …, [y = …], [classes = …], …}",
     "A data set. y holds class numbers from 1, one for an example or a row for its steps, or "
     "targets with a row for each example. #set "
     "counts the examples; set[i] is one, with x and y, its name or target (also as [1] and [2]), "
     "which stands for x and y in a network's methods: net:trace(set[1]). A tensor whose numbers "
     "lie in one piece is kept as x or targets, not copied: what is written into it later the set "
     "has too. x and y may be paths of "
     ".idx or .npy files; with map = true the rows of x stay in the file, and one that changes or "
     "goes meanwhile is an error. Rows {[3] = 1, [17] = 0.5} are kept as their non-zeros: x is "
     "read so where columns is given or a row has an index behind a hole, and then every row is, "
     "{5, 7} being columns 1 and 2.",
     XOR "print(set)\nx, y = table.unpack(set[2])\nprint(x, y)", set_fields},
    {.name = NULL},
};

void nbl_open_making(lua_State *L)
{
    nbl_register(L, "data", data_entries);
}
