/* Tensors in files: tensor.load, tensor.save and x:save. The formats are the core's (io/format.h).
 */
#include "lua/nbl.h"
#include "lua/tensor/parts.h"

#include "io/format.h"

#include <stdio.h>
#include <string.h>

/* ---- Loading ---- */

typedef struct load_job {
    const char *path;
    nb_archive *archive;
    const nb_format *format;
} load_job;

static void release_archive(nb_ctx *ctx, void *archive)
{
    nb_archive_free(ctx, archive);
}

static nb_status load_archive(nb_ctx *ctx, void *data)
{
    load_job *work = data;
    return nb_format_load(ctx, work->path, work->archive, &work->format);
}

static void push_table(lua_State *L, const nb_archive *archive)
{
    lua_newtable(L);
    for (size_t i = 0; i < archive->count; i++) {
        lua_pushstring(L, archive->entry[i].name);
        nbl_push_tensor(L, archive->entry[i].tensor);
        lua_rawset(L, -3);
    }
}

/* The tensor called `name`, or an error that says why there is none. */
static int push_named(lua_State *L, const load_job *work, const char *name)
{
    const nb_archive *archive = work->archive;
    nb_tensor *tensor = nb_archive_find(archive, name);
    if (!work->format->named)
        return nbl_error(L, "%s holds one tensor without a name; leave '%s' out", work->path, name);
    for (size_t i = 0; i < archive->unread_count; i++)
        if (strcmp(archive->unread[i].key, name) == 0)
            return nbl_error(L, "%s", archive->unread[i].value);
    if (!tensor) {
        luaL_Buffer names;
        luaL_buffinit(L, &names);
        for (size_t i = 0; i < archive->count; i++) {
            if (i > 0) luaL_addstring(&names, ", ");
            luaL_addstring(&names, archive->entry[i].name);
        }
        luaL_pushresult(&names);
        return nbl_error(L, "%s holds no tensor '%s', but %s", work->path, name,
                         lua_tostring(L, -1));
    }
    nbl_push_tensor(L, tensor);
    return 1;
}

/* What could not be read, a line each: the table's companion. */
static void push_unread(lua_State *L, const nb_archive *archive)
{
    char name[NB_SHOWN];
    nb_text *text = nbl_new_text(L);
    for (size_t i = 0; i < archive->unread_count; i++)
        nb_text_add(text, "%snot read: '%s' (%s)", i ? "\n" : "",
                    nb_text_shown(archive->unread[i].key, name), archive->unread[i].value);
    nbl_push_text(L, text);
    lua_remove(L, -2);
    fprintf(stderr, "%s\n", lua_tostring(L, -1)); /* a result that is dropped says nothing */
}

static int load(lua_State *L)
{
    load_job work = {.path = nbl_check_path(L, 1)};
    nbl_no_more(L, 2);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2) && lua_type(L, 2) != LUA_TSTRING)
        return nbl_arg_error(L, 2, "the name of a tensor");
    work.archive = nbl_new_box(L, sizeof *work.archive, release_archive);
    int box = lua_gettop(L);
    nbl_run(L, load_archive, &work);
    if (lua_isstring(L, 2))
        push_named(L, &work, lua_tostring(L, 2));
    else if (work.format->named)
        push_table(L, work.archive);
    else
        nbl_push_tensor(L, work.archive->entry[0].tensor);
    bool part = lua_isnil(L, 2) && work.archive->unread_count > 0;
    if (part) push_unread(L, work.archive);
    nbl_close_box(L, box);
    return part ? 2 : 1;
}

/* ---- Saving ---- */

typedef struct named {
    const char *name;
    nb_tensor *tensor;
} named;

typedef struct save_job {
    const char *path;
    bool has_names; /* else `list` holds one tensor called "" */
    const named *list;
    size_t count;
    nb_save_options options;
} save_job;

static nb_status fill_archive(nb_ctx *ctx, const save_job *work, nb_archive *archive)
{
    nb_status status = NB_OK;
    for (size_t i = 0; !status && i < work->count; i++) {
        const named *item = &work->list[i];
        status = nb_archive_check_name(ctx, item->name);
        if (!status) status = nb_archive_push(ctx, archive, item->name, item->tensor);
    }
    nb_archive_sort(archive);
    return status;
}

static nb_status save_archive(nb_ctx *ctx, void *data)
{
    const save_job *work = data;
    nb_archive archive = {.count = 0};
    nb_status status = fill_archive(ctx, work, &archive);
    if (!status) {
        status = nb_format_save(ctx, work->path, &archive, work->has_names, &work->options);
    }
    nb_archive_free(ctx, &archive);
    return status;
}

static void check_entry(lua_State *L, int key, int value)
{
    if (lua_type(L, key) != LUA_TSTRING)
        nbl_error(L, "tensors are saved by names, such as {w = x}; %s is none",
                  nbl_describe(L, key));
    const char *name = lua_tostring(L, key);
    if (strlen(name) != lua_rawlen(L, key))
        nbl_error(L, "the name '%s' goes on behind a NUL character", name);
    if (!nbl_test_tensor(L, value))
        nbl_error(L, "%s must be a tensor, not %s", name, nbl_describe(L, value));
}

/* The tensors of the table at `arg`, in a block on the stack's top. A table of our own takes the
 * user's place: a finaliser could change that one while we look at it. */
static const named *check_table(lua_State *L, int arg, size_t *count)
{
    *count = 0;
    lua_newtable(L);
    int own = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, arg); ++*count) {
        check_entry(L, own + 1, own + 2);
        lua_settop(L, own + 2);
        lua_pushvalue(L, own + 1);
        lua_insert(L, own + 1);
        lua_rawset(L, own);
    }
    lua_replace(L, arg);
    named *list = lua_newuserdatauv(L, *count * sizeof *list, 0);
    size_t i = 0;
    for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1))
        list[i++] = (named){lua_tostring(L, -2), nbl_test_tensor(L, -1)};
    return list;
}

static const nb_option save_options[] = {{.name = "compress",
                                          .help = "pack the elements, which a .npz allows",
                                          .kind = NB_BOOLEAN,
                                          .offset = offsetof(nb_save_options, compress)},
                                         NB_OPTIONS_END};

static int save(lua_State *L)
{
    nbl_no_more(L, 3);
    lua_settop(L, 3);
    named one = {.name = ""};
    save_job work = {.path = nbl_check_path(L, 1), .list = &one, .count = 1};
    one.tensor = nbl_test_tensor(L, 2);
    work.has_names = !one.tensor;
    if (work.has_names && !lua_istable(L, 2))
        return nbl_arg_error(L, 2, "a tensor or a table of tensors by name");
    nbl_options(L, 3, save_options, &work.options, false);
    if (work.has_names) work.list = check_table(L, 2, &work.count);
    nbl_run(L, save_archive, &work);
    return 0;
}

static int save_one(lua_State *L)
{
    const named one = {.name = "", .tensor = nbl_check_tensor(L, 1)};
    save_job work = {.path = nbl_check_path(L, 2), .list = &one, .count = 1};
    nbl_no_more(L, 3);
    nbl_options(L, 3, save_options, &work.options, false);
    nbl_run(L, save_archive, &work);
    return 0;
}

/* ---- Opening ---- */

static const nbl_entry files[] = {
    {"load", load, "tensor.load(path, [name])",
     "What a file holds: the tensor of a .npy or IDX file, a table of tensors by name of a .npz or "
     ".safetensors (a saved network is one). What the file begins with decides, not its name; one "
     "packed with gzip is unpacked. Column-major arrays give transposed views; f2 and bfloat16 "
     "become f32, booleans u8, whole numbers of other widths i32, where they must fit. A name asks "
     "for one tensor. Where some cannot be read the table holds the others, and a second result "
     "says which and why, as does standard error.",
     "path = os.tmpname() .. \".npz\"\ntensor.save(path, {w = tensor.eye(2)})\n"
     "tensor.load(path).w\nos.remove(path)",
     NULL},
    {"save", save, "tensor.save(path, tensors, {compress})",
     "Writes a table of tensors by name, such as {w = x, b = y}, to a .npz or .safetensors file, "
     "as the path's extension says, or one tensor to a .npy. The file is the old one or the new "
     "one, never half.",
     "path = os.tmpname() .. \".npz\"\ntensor.save(path, {w = tensor.eye(2), b = "
     "tensor.zeros(2)})\nprint(tensor.load(path).b)\nos.remove(path)",
     save_options},
    {NULL, NULL, NULL, NULL, NULL, NULL}};

static const nbl_entry methods[] = {
    {":save", save_one, "x:save(path)",
     "Writes x to a .npy file, which numpy.load reads; a view as its elements. The file is the old "
     "one or the new one, never half. tensor.load reads it back.",
     "path = os.tmpname() .. \".npy\"\ntensor{1, 2, 3}:save(path)\nprint(tensor.load(path))\n"
     "os.remove(path)",
     NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL}};

void nbl_open_tensor_saving(lua_State *L)
{
    nbl_register(L, "tensor", methods);
}

void nbl_add_tensor_files(lua_State *L)
{
    nbl_register(L, "tensor", files);
}
