/* Lists of tensors: joined into one, and one cut into a list of views. */
#include "lua/tensor/arguments.h"
#include "lua/tensor/parts.h"

#include "base/arith.h"

/* ---- Joining ---- */

/* The dtype of the first tensor in the list at 1, which numbers beside it take. */
static nb_dtype dtype_of_list(lua_State *L, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        const nb_tensor *x = nbl_test_tensor(L, -1);
        lua_pop(L, 1);
        if (x) return x->dtype;
    }
    return nbl_ctx(L)->dtype;
}

/* A table of our own takes the list's place: a finaliser could change the user's while we look at
 * it. Numbers are tensors without dimensions where `numbers`. */
static nb_tensor **check_list(lua_State *L, size_t *count, bool numbers)
{
    if (!lua_istable(L, 1)) nbl_arg_error(L, 1, "a list of tensors");
    *count = lua_rawlen(L, 1);
    if (*count == 0) nbl_error(L, "the list of tensors is empty");
    nb_tensor **list = lua_newuserdatauv(L, *count * sizeof *list, 0);
    nb_dtype dtype = dtype_of_list(L, *count);
    lua_newtable(L);
    for (size_t i = 0; i < *count; i++) {
        bool number = lua_rawgeti(L, 1, (lua_Integer)i + 1) == LUA_TNUMBER && numbers;
        if (number) nbl_number_to_tensor(L, lua_gettop(L), dtype);
        list[i] = nbl_test_tensor(L, -1);
        if (!list[i])
            nbl_error(L, "entry %I of the list must be a tensor, not %s", (LUAI_UACINT)(i + 1),
                      nbl_describe(L, -1));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_replace(L, 1);
    return list;
}

typedef nb_tensor *join_fn(nb_ctx *ctx, nb_tensor *const *list, size_t count, int dim);

typedef struct join_job {
    join_fn *fn;
    nb_tensor *const *list;
    size_t count;
    int dim;
    nb_tensor **out;
} join_job;

static nb_status try_join(nb_ctx *ctx, void *data)
{
    const join_job *work = data;
    *work->out = work->fn(ctx, work->list, work->count, work->dim);
    return *work->out ? NB_OK : ctx->status;
}

/* The list stands at 1; its block keeps below the result. */
static int join(lua_State *L, nb_tensor *const *list, size_t count, int dim, join_fn *fn)
{
    join_job work = {fn, list, count, dim, nbl_new_tensor(L)};
    nbl_run(L, try_join, &work);
    return 1;
}

static int cat(lua_State *L)
{
    size_t count;
    nbl_no_more(L, 2);
    lua_settop(L, 2);
    nb_tensor **list = check_list(L, &count, false);
    if (list[0]->dims == 0)
        return nbl_error(L, "the tensors have no dimensions; tensor.stack makes one");
    return join(L, list, count, lua_isnil(L, 2) ? 0 : nbl_check_dim(L, 2, list[0]->dims),
                nb_op_cat);
}

static int stack(lua_State *L)
{
    size_t count;
    nbl_no_more(L, 2);
    lua_settop(L, 2);
    nb_tensor **list = check_list(L, &count, true);
    return join(L, list, count, lua_isnil(L, 2) ? 0 : nbl_check_dim(L, 2, list[0]->dims + 1),
                nb_op_stack);
}

/* ---- Cutting ---- */

enum { BETWEEN_LOOKS = 1 << 16 }; /* pieces counted before Ctrl-C is looked for */

/* Where the pieces of a dimension begin, counted from 0, and behind the last its size; in a block
 * on the stack's top. */
static int64_t *new_starts(lua_State *L, int64_t pieces)
{
    return lua_newuserdatauv(L, (size_t)(pieces + 1) * sizeof(int64_t), 0);
}

/* Pieces of `each` entries while they last; nothing is one piece of nothing. */
static int64_t *even_starts(lua_State *L, int64_t size, int64_t each, int64_t *pieces)
{
    *pieces = size > 0 ? (size - 1) / each + 1 : 1;
    int64_t *start = new_starts(L, *pieces);
    for (int64_t i = 0; i < *pieces; i++) {
        if (i % BETWEEN_LOOKS == 0) nbl_poll(L, nbl_ctx(L));
        start[i] = i * each;
    }
    start[*pieces] = size;
    return start;
}

/* Pieces as long as the list of sizes at 2 says. */
static int64_t *listed_starts(lua_State *L, int64_t size, int64_t *pieces)
{
    *pieces = (int64_t)lua_rawlen(L, 2);
    if (*pieces == 0) nbl_error(L, "the list of sizes is empty");
    int64_t *start = new_starts(L, *pieces);
    start[0] = 0;
    for (int64_t i = 0; i < *pieces; i++) {
        if (i % BETWEEN_LOOKS == 0) nbl_poll(L, nbl_ctx(L));
        lua_rawgeti(L, 2, i + 1);
        int64_t length = nbl_check_integer(L, -1, "a size");
        if (length < 0 || length > size - start[i])
            nbl_error(L, "size %I is %I, but %I entries are left", (LUAI_UACINT)(i + 1),
                      (LUAI_UACINT)length, (LUAI_UACINT)(size - start[i]));
        start[i + 1] = start[i] + length;
        lua_pop(L, 1);
    }
    if (start[*pieces] != size)
        nbl_error(L, "the sizes add up to %I, there are %I entries", (LUAI_UACINT)start[*pieces],
                  (LUAI_UACINT)size);
    return start;
}

typedef struct cut_job {
    nb_tensor *x;
    int dim;
    const int64_t *start;
    int64_t pieces;
    nb_tensor ***handle, **made;
} cut_job;

static nb_status try_cut(nb_ctx *ctx, void *data)
{
    const cut_job *work = data;
    nb_status status =
        nb_op_cut(ctx, work->x, work->dim, work->start, (size_t)work->pieces, work->made);
    for (int64_t i = 0; status == NB_OK && i < work->pieces; i++) *work->handle[i] = work->made[i];
    return status;
}

/* Pushes the list of views. */
static int cut(lua_State *L, nb_tensor *x, int dim, const int64_t *start, int64_t pieces)
{
    size_t room = (size_t)pieces * sizeof(void *);
    cut_job work = {.x = x, .dim = dim, .start = start, .pieces = pieces};
    work.handle = lua_newuserdatauv(L, room, 0);
    work.made = lua_newuserdatauv(L, room, 0);
    lua_createtable(L, (int)nb_least_i64(pieces, NBL_LIST_ROOM), 0);
    for (int64_t i = 0; i < pieces; i++) {
        nbl_poll(L, nbl_ctx(L));
        work.handle[i] = nbl_new_tensor(L);
        lua_rawseti(L, -2, i + 1);
    }
    nbl_run(L, try_cut, &work);
    return 1;
}

/* The dimension at 3, by default the first. */
static int cut_dim(lua_State *L, const nb_tensor *x)
{
    nbl_no_more(L, 3);
    lua_settop(L, 3);
    if (x->dims == 0) nbl_error(L, "a tensor without dimensions cannot be cut");
    return lua_isnil(L, 3) ? 0 : nbl_check_dim(L, 3, x->dims);
}

static int64_t check_positive(lua_State *L, const char *what)
{
    int64_t n = nbl_check_integer(L, 2, what);
    if (n < 1) nbl_error(L, "%s must be a whole number from 1, not %I", what, (LUAI_UACINT)n);
    return n;
}

static int chunk(lua_State *L)
{
    int64_t pieces;
    nb_tensor *x = nbl_check_tensor(L, 1);
    int dim = cut_dim(L, x);
    int64_t n = check_positive(L, "the number of chunks"), size = x->shape[dim];
    int64_t *start = even_starts(L, size, size > 0 ? (size - 1) / n + 1 : 1, &pieces);
    return cut(L, x, dim, start, pieces);
}

static int split(lua_State *L)
{
    int64_t pieces, *start;
    nb_tensor *x = nbl_check_tensor(L, 1);
    int dim = cut_dim(L, x);
    if (lua_istable(L, 2))
        start = listed_starts(L, x->shape[dim], &pieces);
    else
        start = even_starts(L, x->shape[dim], check_positive(L, "the size"), &pieces);
    return cut(L, x, dim, start, pieces);
}

/* ---- Opening ---- */

static const nbl_entry methods[] = {
    {":chunk", chunk, "x:chunk(n, dim)",
     "A list of n views, one after the other along a dimension (by default the first), equally "
     "long but for the last; fewer where there are not enough entries.",
     "tensor.range(1, 5):chunk(2)[2]  → 4 5", NULL},
    {":split", split, "x:split(size, dim) or x:split({sizes…}, dim)",
     "A list of views, one after the other along a dimension (by default the first), of so many "
     "entries each, the last of what is left; or of these sizes.",
     "tensor.range(1, 5):split({1, 4})[2]  → 2 3 4 5", NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL}};

/* cat's page is its op's. */
void nbl_add_tensor_joins(lua_State *L)
{
    const nb_op *op = nb_ops[NB_OP_cat];
    const nbl_entry joiners[] = {
        {"cat", cat, op->usage, op->help, op->example, NULL},
        {"stack", stack, "tensor.stack({a, b, …}, dim)",
         "Tensors of one shape, or numbers, side by side in a new dimension, by default the first.",
         "tensor.stack({tensor{1, 2}, tensor{3, 4}}, 2)  → 1 3 / 2 4", NULL},
        {NULL, NULL, NULL, NULL, NULL, NULL}};
    nbl_register(L, "tensor", joiners);
}

void nbl_open_tensor_cuts(lua_State *L)
{
    nbl_register(L, "tensor", methods);
}
