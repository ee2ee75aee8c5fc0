/* data.csv: tables of text as data sets; and data.iris, which is one. */
#include "lua/data/csv.h"

#include "base/embed.h"
#include "lua/data/make.h"
#include "lua/data/set.h"
#include "nn/data/read/table.h"

#include <stddef.h>
#include <string.h>

#define IRIS "data/iris/iris.csv"

/* ---- Options ---- */

typedef struct csv_options {
    int x, y, classes, header, missing;
    const char *delimiter, *decimal, *comment, *dtype;
    bool map;
} csv_options;

static const nb_option csv_fields[] = {
    {.name = "x",
     .help = "the columns for x: a name, a number from 1 (from -1 at the end), or a list of them",
     .standard = "all but y",
     .kind = NB_HOST,
     .offset = offsetof(csv_options, x)},
    {.name = "y",
     .help = "the column for y, or a list; one that holds text is the classes",
     .standard = "none",
     .kind = NB_HOST,
     .offset = offsetof(csv_options, y)},
    {.name = "classes",
     .help = "true: y is class names also where it is numbers; or a list of all names in the order "
             "that they are to have",
     .standard = "text is, in the order of the alphabet",
     .kind = NB_HOST,
     .offset = offsetof(csv_options, classes)},
    {.name = "header",
     .help = "whether the first line holds the columns' names",
     .standard = "found: it has text above a number",
     .kind = NB_HOST,
     .offset = offsetof(csv_options, header)},
    {.name = "delimiter",
     .help = "what stands between cells: \",\" \";\" \"|\" or \"\\t\"",
     .standard = "found",
     .kind = NB_WORD,
     .offset = offsetof(csv_options, delimiter)},
    {.name = "decimal",
     .help = "\".\" or \",\": what numbers have before their fraction",
     .standard = "found; a point where cells are parted by commas",
     .kind = NB_WORD,
     .offset = offsetof(csv_options, decimal)},
    {.name = "missing",
     .help = "for rows with a cell of x that is empty, ?, -, NA, N/A, NaN or null: \"drop\" leaves "
             "them out, \"mean\" takes the column's mean, a number stands for the cell",
     .standard = "an error",
     .kind = NB_HOST,
     .offset = offsetof(csv_options, missing)},
    {.name = "comment",
     .help = "a sign that begins lines to be passed over, such as \"#\"",
     .standard = "none",
     .kind = NB_WORD,
     .offset = offsetof(csv_options, comment)},
    {.name = "dtype",
     .help = "\"f32\" or \"f64\": of numbers that are not all small integers",
     .standard = "nabla.dtype()",
     .kind = NB_WORD,
     .offset = offsetof(csv_options, dtype)},
    {.name = "map",
     .help = "rows stay in a file, from which batches are read: the table is converted once, into "
             "$XDG_CACHE_HOME/nabla or ~/.cache/nabla",
     .kind = NB_BOOLEAN,
     .offset = offsetof(csv_options, map)},
    NB_OPTIONS_END,
};

/* One column on the stack's top, a name or a number; popped. The table at `keep` keeps the name. */
static nb_csv_column read_column(lua_State *L, const char *what, int keep)
{
    nb_csv_column column = {.name = NULL};
    if (lua_isinteger(L, -1)) {
        column.number = lua_tointeger(L, -1);
        lua_pop(L, 1);
        return column;
    }
    size_t length;
    column.name = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;
    if (!column.name || strlen(column.name) != length)
        nbl_error(L, "%s must be a column's name or number, or a list of them, not %s", what,
                  nbl_describe(L, -1));
    lua_rawseti(L, keep, (lua_Integer)lua_rawlen(L, keep) + 1);
    return column;
}

/* The columns at `at`, 0: none; the list and what keeps its names are pushed. */
static const nb_csv_column *read_columns(lua_State *L, int at, const char *what, size_t *count)
{
    *count = 0;
    if (!at) return NULL;
    bool list = lua_istable(L, at);
    *count = list ? (size_t)lua_rawlen(L, at) : 1;
    if (*count == 0) nbl_error(L, "%s holds no column", what);
    nb_csv_column *columns = lua_newuserdatauv(L, *count * sizeof *columns, 0);
    lua_newtable(L);
    int keep = lua_gettop(L);
    for (size_t i = 0; i < *count; i++) {
        if (list)
            lua_rawgeti(L, at, (lua_Integer)i + 1);
        else
            lua_pushvalue(L, at);
        columns[i] = read_column(L, what, keep);
    }
    return columns;
}

/* One of the signs that may stand there; 0 where none was given. */
static char read_sign(lua_State *L, const char *given, const char *what, const char *signs,
                      const char *listed)
{
    if (!given) return '\0';
    if (strlen(given) != 1 || !strchr(signs, *given))
        nbl_error(L, "%s must be %s, not '%s'", what, listed, given);
    return *given;
}

static void read_classes(lua_State *L, int at, nb_csv_options *to)
{
    if (!at) return;
    if (lua_istable(L, at)) {
        int64_t count;
        to->names = nbl_read_names(L, at, &count);
        to->name_count = (size_t)count;
        if (count == 0) nbl_error(L, "classes holds no name");
    } else if (!lua_isboolean(L, at)) {
        nbl_error(L, "classes must be true or a list of names, not %s", nbl_describe(L, at));
    }
    to->classes = to->names || lua_toboolean(L, at);
}

static void read_missing(lua_State *L, int at, nb_csv_options *to)
{
    if (!at) return;
    const char *word = lua_type(L, at) == LUA_TSTRING ? lua_tostring(L, at) : "";
    if (lua_type(L, at) == LUA_TNUMBER) {
        to->missing = NB_MISSING_NUMBER;
        to->fill = lua_tonumber(L, at);
        if (to->fill - to->fill == 0) return;
    } else if (strcmp(word, "drop") == 0) {
        to->missing = NB_MISSING_DROP;
        return;
    } else if (strcmp(word, "mean") == 0) {
        to->missing = NB_MISSING_MEAN;
        return;
    }
    nbl_error(L, "missing must be \"drop\", \"mean\" or a number, not %s", nbl_describe(L, at));
}

static nb_dtype read_dtype(lua_State *L, const char *name)
{
    nb_dtype dtype = nbl_ctx(L)->dtype;
    if (name && (!nb_dtype_from_name(name, &dtype) || !nb_dtype_computes(dtype)))
        nbl_error(L, "dtype must be \"f32\" or \"f64\", not '%s'", name);
    return dtype;
}

/* The options at `arg`; what they point to is left on the stack. True where rows are to stay in a
 * file. */
static bool read_options(lua_State *L, int arg, nb_csv_options *to)
{
    csv_options given;
    nbl_options(L, arg, csv_fields, &given, false);
    *to = (nb_csv_options){.header = -1};
    if (given.header && !lua_isboolean(L, given.header))
        nbl_error(L, "header must be true or false, not %s", nbl_describe(L, given.header));
    if (given.header) to->header = lua_toboolean(L, given.header);
    to->delimiter =
        read_sign(L, given.delimiter, "delimiter", ",;|\t", "\",\", \";\", \"|\" or \"\\t\"");
    to->decimal = read_sign(L, given.decimal, "decimal", ".,", "\".\" or \",\"");
    to->comment = read_sign(L, given.comment, "comment", "#%!;*/@", "one of # % ! ; * / @");
    if (to->comment && to->comment == to->delimiter)
        nbl_error(L, "comment and delimiter are the same sign");
    if (to->decimal == ',' && to->delimiter == ',')
        nbl_error(L, "delimiter and decimal are both a comma");
    read_missing(L, given.missing, to);
    to->dtype = read_dtype(L, given.dtype);
    read_classes(L, given.classes, to);
    to->x = read_columns(L, given.x, "x", &to->x_count);
    to->y = read_columns(L, given.y, "y", &to->y_count);
    if (to->classes && !to->y) nbl_error(L, "classes need y: the column that holds them");
    return given.map;
}

/* ---- data.csv ---- */

typedef struct csv_job {
    const char *path;
    bool map;
    nb_csv_options options;
    nb_set **out;
} csv_job;

static nb_status load_csv(nb_ctx *ctx, void *data)
{
    csv_job *work = data;
    if (work->map) {
        *work->out = nb_set_map_csv(ctx, work->path, &work->options);
        return *work->out ? NB_OK : ctx->status;
    }
    nb_source *source = nb_source_open(ctx, work->path);
    if (source) *work->out = nb_set_read_csv(ctx, source, &work->options);
    nb_source_close(source);
    return *work->out ? NB_OK : ctx->status;
}

static int data_csv(lua_State *L)
{
    csv_job work = {.path = nbl_check_path(L, 1)};
    nbl_no_more(L, 2);
    work.map = read_options(L, 2, &work.options);
    work.out = nbl_new_set(L);
    nbl_run(L, load_csv, &work);
    return 1;
}

/* ---- data.iris ---- */

static nb_status make_iris(nb_ctx *ctx, void *data)
{
    static const nb_csv_column species = {.name = "species"};
    const nb_csv_options options = {
        .delimiter = ',', .header = 1, .y = &species, .y_count = 1, .dtype = ctx->dtype};
    nb_set **out = data;
    const nb_embedded *file = nb_embedded_find(IRIS);
    if (!file) return nb_fail(ctx, NB_EIO, "%s is not in this program", IRIS);
    nb_source *source = nb_source_memory(ctx, IRIS, file->data, file->size);
    if (source) *out = nb_set_read_csv(ctx, source, &options);
    nb_source_close(source);
    return *out ? NB_OK : ctx->status;
}

static int data_iris(lua_State *L)
{
    nbl_no_more(L, 0);
    nbl_run(L, make_iris, nbl_new_set(L));
    return 1;
}

/* ---- Registration ---- */

#define TABLE                                                                                      \
    "path = os.tmpname()\nfile = io.open(path, \"w\")\n"                                           \
    "file:write(\"width,height,kind\\n1.5,2,cat\\n0.5,1,dog\\n2,3,cat\\n\")\nfile:close()\n"

static const nbl_entry entries[] = {
    {"csv", data_csv, "data.csv(path, [{x = …, y = …, …}])",
     "A data set from a table of text, plain or gzip; a row is an example. What parts the cells "
     "and "
     "whether there is a header is found or given; cells may stand in quotes. y = \"kind\" names "
     "the column of the classes, or of a number as target; without y all columns are x. A cell of "
     "x "
     "that is text, a date or missing is an error that says where it stands, and so is a row with "
     "too many cells or too few. Blank lines mean nothing. set.columns holds the names of x's "
     "columns.",
     TABLE "set = data.csv(path, {y = \"kind\"})\nprint(set)\nprint(set.columns[1], set[1])\n"
           "os.remove(path)",
     csv_fields},
    {"iris", data_iris, "data.iris()",
     "150 irises, from the program itself: four measurements in centimetres, three species. "
     "(Fisher, UCI, CC BY 4.0)",
     "iris = data.iris()\nprint(iris)\nprint(iris[1])", NULL},
    {.name = NULL},
};

void nbl_open_csv(lua_State *L)
{
    nbl_register(L, "data", entries);
}
