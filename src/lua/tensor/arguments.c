/* The arguments of an op, read as its signature says (grad/op.h). */
#include "lua/tensor/arguments.h"

#include "lua/tensor/make.h"

#include <math.h>
#include <string.h>

/* ---- Numbers ---- */

typedef struct number {
    nb_tensor **out;
    nb_dtype dtype;
    double value;
} number;

static nb_status make_number(nb_ctx *ctx, void *data)
{
    const number *work = data;
    *work->out = nb_tensor_scalar(ctx, work->dtype, work->value);
    return *work->out ? NB_OK : ctx->status;
}

nb_tensor *nbl_number_to_tensor(lua_State *L, int arg, nb_dtype dtype)
{
    number work = {.dtype = dtype, .value = lua_tonumber(L, arg)};
    if (!nb_dtype_holds(dtype, work.value)) work.dtype = nb_dtype_computing(nbl_ctx(L), dtype);
    if (!nb_dtype_holds(work.dtype, work.value)) work.dtype = NB_F64;
    work.out = nbl_new_tensor(L);
    nbl_run(L, make_number, &work);
    nb_tensor *tensor = *work.out;
    lua_replace(L, arg);
    return tensor;
}

/* ---- One kind of argument each ---- */

/* Where reading is: the next argument. */
typedef struct reader {
    lua_State *L;
    nb_call *call;
    int arg;
} reader;

/* The dtype of numbers among the arguments: that of the tensors beside them which they will meet,
 * where these share one, else what they meet in; where there are none, the context's. */
static nb_dtype dtype_of_numbers(const reader *at)
{
    const nb_op *op = at->call->op;
    unsigned meets = op->promote ? op->promote : 1;
    const nb_tensor *first = NULL;
    bool has[NB_DTYPES] = {false}, shared = true;
    for (int i = 0; i < NB_MAX_INPUTS; i++) {
        nb_tensor *x = meets >> i & 1 ? nbl_test_tensor(at->L, i + 1) : NULL;
        if (!x) continue;
        if (!first) first = x;
        shared &= x->dtype == first->dtype;
        has[x->dtype] = true;
    }
    return first && shared ? first->dtype : nb_dtype_meeting(nbl_ctx(at->L), has);
}

static void read_tensor(reader *at, void *field)
{
    nb_call *call = at->call;
    (void)field;
    nb_tensor *x = nbl_test_tensor(at->L, at->arg);
    if (!x && lua_type(at->L, at->arg) == LUA_TNUMBER)
        x = nbl_number_to_tensor(at->L, at->arg, dtype_of_numbers(at));
    if (!x) nbl_arg_error(at->L, at->arg, "a tensor or a number");
    call->in[call->inputs++] = x;
    at->arg++;
}

/* What a list begins with, however deep: LUA_TBOOLEAN for a list of truths; LUA_TNIL of nothing. */
static int first_type(lua_State *L, int arg)
{
    int top = lua_gettop(L);
    luaL_checkstack(L, NB_MAX_DIMS + 1, NULL);
    lua_pushvalue(L, arg);
    while (lua_istable(L, -1) && lua_gettop(L) - top <= NB_MAX_DIMS) lua_rawgeti(L, -1, 1);
    int type = lua_type(L, -1);
    lua_settop(L, top);
    return type;
}

/* A list is read as f64, which holds every index: the op says what is wrong with one. */
static void read_indices(reader *at, void *field)
{
    nb_call *call = at->call;
    (void)field;
    nb_tensor *x = nbl_test_tensor(at->L, at->arg);
    int type = first_type(at->L, at->arg);
    if (!x && type == LUA_TBOOLEAN) nbl_error(at->L, "true and false make a mask, not indices");
    if (!x && (type == LUA_TNUMBER || lua_istable(at->L, at->arg)))
        x = nbl_to_tensor(at->L, at->arg, NB_F64);
    if (!x) nbl_arg_error(at->L, at->arg, "a tensor or a list of indices");
    call->in[call->inputs++] = x;
    at->arg++;
}

static void read_mask(reader *at, void *field)
{
    nb_call *call = at->call;
    (void)field;
    nb_tensor *x = nbl_test_tensor(at->L, at->arg);
    if (!x && first_type(at->L, at->arg) == LUA_TBOOLEAN) x = nbl_to_tensor(at->L, at->arg, NB_U8);
    if (!x)
        nbl_arg_error(at->L, at->arg, "a mask, as x:gt(0) gives it, or a list of true and false");
    call->in[call->inputs++] = x;
    at->arg++;
}

static void read_number(reader *at, void *field)
{
    if (lua_type(at->L, at->arg) != LUA_TNUMBER) nbl_arg_error(at->L, at->arg, "a number");
    *(double *)field = lua_tonumber(at->L, at->arg++);
}

/* A dimension of the tensor, and an entry of one. */
static int check_dim(reader *at)
{
    return nbl_check_dim(at->L, at->arg++, at->call->in[0]->dims);
}

static int64_t check_entry(reader *at, int dim)
{
    return nbl_check_index(at->L, at->arg++, at->call->in[0]->shape[dim], "entry");
}

static void read_dim(reader *at, void *field)
{
    *(int *)field = check_dim(at);
}

/* Each dimension once, up to the options or the end. */
static void read_dims(reader *at, void *field)
{
    nb_dims *dims = field;
    unsigned named = 0;
    while (at->arg <= lua_gettop(at->L) && !lua_istable(at->L, at->arg)) {
        if (dims->count == NB_MAX_DIMS) nbl_error(at->L, "too many dimensions");
        int dim = check_dim(at);
        if (named >> dim & 1) nbl_error(at->L, "dimension %d is named twice", dim + 1);
        named |= 1u << dim;
        dims->at[dims->count++] = dim;
    }
}

static void read_count(reader *at, void *field)
{
    int64_t count = nbl_check_integer(at->L, at->arg++, "a count");
    if (count < 0)
        nbl_error(at->L, "a count must be a whole number from 0, not %I", (LUAI_UACINT)count);
    *(int64_t *)field = count;
}

/* Whether the next argument is left out; a nil in its place is passed over. */
static bool is_left_out(reader *at)
{
    bool nil = lua_isnil(at->L, at->arg);
    at->arg += nil;
    return nil || lua_isnone(at->L, at->arg) || lua_istable(at->L, at->arg);
}

static void read_one_dim(reader *at, void *field)
{
    if (!is_left_out(at)) *(nb_dims *)field = (nb_dims){.count = 1, .at = {check_dim(at)}};
}

static void read_distance(reader *at, void *field)
{
    if (!is_left_out(at)) *(int64_t *)field = nbl_check_integer(at->L, at->arg++, "a distance");
}

/* Where a new dimension stands: before any of those that are there, or behind the last. */
static void read_new_dim(reader *at, void *field)
{
    int64_t places = at->call->in[0]->dims + 1;
    *(int *)field = (int)nbl_check_index(at->L, at->arg++, places, "dimension");
}

/* A dimension and an entry of it. */
static void read_entry(reader *at, void *field)
{
    struct nb_attr_select *to = field;
    to->dim = check_dim(at);
    to->index = check_entry(at, to->dim);
}

/* A dimension, the first entry and how many. */
static void read_window(reader *at, void *field)
{
    struct nb_attr_narrow *to = field;
    to->dim = check_dim(at);
    to->start = check_entry(at, to->dim);
    to->length = nbl_check_integer(at->L, at->arg++, "a length");
    to->step = 1;
    int64_t most = at->call->in[0]->shape[to->dim] - to->start;
    if (to->length < 0 || to->length > most)
        nbl_error(at->L, "there are %I entries from there, not %I", (LUAI_UACINT)most,
                  (LUAI_UACINT)to->length);
}

static void read_dtype(reader *at, void *field)
{
    if (lua_type(at->L, at->arg) != LUA_TSTRING) nbl_arg_error(at->L, at->arg, "a dtype");
    *(nb_dtype *)field = nbl_check_dtype(at->L, lua_tostring(at->L, at->arg++));
}

static void read_sizes(reader *at, void *field)
{
    struct nb_attr_sizes *sizes = field;
    at->arg = nbl_check_sizes(at->L, at->arg, -1, &sizes->count, sizes->at);
}

static void read_one(reader *at, char kind, size_t fills)
{
    static const struct {
        char kind;
        void (*read)(reader *at, void *field);
    } readers[] = {{'t', read_tensor},  {'n', read_number}, {'d', read_dim},   {'D', read_one_dim},
                   {'L', read_dims},    {'s', read_sizes},  {'c', read_count}, {'b', read_distance},
                   {'u', read_new_dim}, {'w', read_window}, {'e', read_entry}, {'y', read_dtype},
                   {'x', read_indices}, {'m', read_mask}};
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        if (readers[i].kind != kind) continue;
        readers[i].read(at, (char *)&at->call->attr + fills);
        return;
    }
    nbl_error(at->L, "%s cannot be called from Lua", nbl_push_name(at->L));
}

/* ---- All of them ---- */

/* The table of options may stand behind any argument that could be left out. */
static void read_options(reader *at)
{
    const nb_op *op = at->call->op;
    if (!op->options || !lua_istable(at->L, at->arg)) return;
    nbl_options(at->L, at->arg++, op->options, &at->call->attr, false);
}

void nbl_read_call(lua_State *L, const nb_op *op, nb_call *call)
{
    *call = nb_call_make(op);
    call->in[0] = nbl_check_tensor(L, 1);
    call->inputs = 1;
    reader at = {L, call, 2};
    for (int i = 0; op->signature[i]; i++) read_one(&at, op->signature[i], op->fills[i]);
    read_options(&at);
    nbl_no_more(L, at.arg - 1);
}
