/* The ops of the table as methods, in-place methods and operators: one function each, which reads
 * its arguments as the op's signature says. */
#include "lua/tensor/tensor.h"

#include <math.h>
#include <string.h>

/* ---- Running one ---- */

/* A try must not see what a failed one left behind, so each has its own copy of the call. */
static nb_tensor *try_op(nb_ctx *ctx, const nb_call *call, nb_tensor **second)
{
    nb_call own = *call;
    nb_tensor *out = nb_op_call(ctx, &own);
    if (second)
        *second = own.second;
    else
        nb_tensor_release(ctx, own.second);
    return out;
}

/* Ops that look along one dimension may give the places too, but only where one is named. */
static bool looks_along(const nb_call *call)
{
    return strchr(call->op->signature, 'D') && call->attr.length > 0;
}

int nbl_run_op(lua_State *L, const nb_call *call)
{
    nb_tensor **out = nbl_new_tensor(L);
    nb_tensor **second = looks_along(call) ? nbl_new_tensor(L) : NULL;
    nbl_stay stay;
    int tries = 0;
    nbl_enter(L, &stay);
    while (!(*out = try_op(stay.ctx, call, second)) && nbl_fail(&stay, &tries)) continue;
    nbl_leave(&stay);
    if (!second) return 1;
    if (*second) return 2;
    lua_pop(L, 1);
    return 1;
}

void nbl_check_change(lua_State *L, const nb_tensor *x, const char *what)
{
    if (!x->link || !nbl_ctx(L)->recording) return;
    nbl_error(L, "%s would change a tensor that takes part in a gradient; do it inside nn.no_grad",
              what);
}

void nbl_check_lost(lua_State *L, const nb_tensor *y, const char *what)
{
    if (!y->link || !nbl_ctx(L)->recording) return;
    nbl_error(L, "%s would lose the gradient of what it is given; give it y:detach()", what);
}

static nb_status try_in_place(nb_ctx *ctx, const nb_call *call, const char *changer)
{
    nb_tensor *x = call->in[0], *out = try_op(ctx, call, NULL);
    if (!out) return ctx->status;
    nb_status status = nb_tensor_copy(ctx, x, out);
    nb_tensor_release(ctx, out);
    if (status == NB_OK) nb_tensor_touch(x, changer);
    return status;
}

static void check_in_place(lua_State *L, const nb_call *call, const char *name)
{
    const nb_tensor *x = call->in[0];
    nbl_check_change(L, x, name);
    for (int i = 1; i < call->inputs; i++) nbl_check_lost(L, call->in[i], name);
    if (!nb_dtype_computes(x->dtype))
        nbl_error(L, "%s: %s tensors store and do not compute; x:to(\"f32\") computes", name,
                  nb_dtype_name(x->dtype));
}

/* ---- Reading arguments ---- */

bool nbl_dtype_holds(nb_dtype dtype, double value)
{
    if (nb_dtype_computes(dtype)) return true;
    double low = dtype == NB_U8 ? 0 : INT32_MIN, high = dtype == NB_U8 ? UINT8_MAX : INT32_MAX;
    return value >= low && value <= high && value == trunc(value);
}

nb_tensor *nbl_number_to_tensor(lua_State *L, int arg, nb_dtype dtype)
{
    double value = lua_tonumber(L, arg);
    if (!nbl_dtype_holds(dtype, value)) dtype = nbl_ctx(L)->dtype;
    nb_tensor **made = nbl_new_tensor(L);
    nbl_stay stay;
    int tries = 0;
    nbl_enter(L, &stay);
    while (!(*made = nb_tensor_scalar(stay.ctx, dtype, value)) && nbl_fail(&stay, &tries)) continue;
    nbl_leave(&stay);
    nb_tensor *tensor = *made;
    lua_replace(L, arg);
    return tensor;
}

/* Where reading is: the next argument, the next free number. */
typedef struct reader {
    lua_State *L;
    nb_call *call;
    const char *name;
    int arg, numbers;
} reader;

/* The dtype of numbers among the arguments: that of the tensor beside them, best of one that
 * computes. */
static nb_dtype dtype_of_numbers(lua_State *L, nb_dtype dtype)
{
    for (int i = 1; i <= lua_gettop(L) && dtype != NB_F64; i++) {
        nb_tensor *x = nbl_test_tensor(L, i);
        if (x && nb_dtype_computes(x->dtype)) dtype = x->dtype;
    }
    return dtype;
}

static void read_tensor(reader *at)
{
    nb_call *call = at->call;
    nb_tensor *x = nbl_test_tensor(at->L, at->arg);
    if (!x && lua_type(at->L, at->arg) == LUA_TNUMBER)
        x = nbl_number_to_tensor(at->L, at->arg, dtype_of_numbers(at->L, call->in[0]->dtype));
    if (!x) nbl_arg_error(at->L, at->arg, "a tensor or a number");
    call->in[call->inputs++] = x;
    at->arg++;
}

static void read_number(reader *at)
{
    if (lua_type(at->L, at->arg) != LUA_TNUMBER) nbl_arg_error(at->L, at->arg, "a number");
    at->call->attr.number[at->numbers++] = lua_tonumber(at->L, at->arg++);
}

static void read_dim(reader *at)
{
    nb_attr *attr = &at->call->attr;
    if (attr->length == NB_MAX_DIMS) nbl_error(at->L, "%s: too many dimensions", at->name);
    attr->list[attr->length++] = nbl_check_dim(at->L, at->arg++, at->call->in[0]->dims);
}

static void read_dims(reader *at)
{
    while (lua_type(at->L, at->arg) == LUA_TNUMBER) read_dim(at);
}

static void read_keep(reader *at)
{
    static const nb_option options[] = {
        {.name = "keep", .help = "keep the dimension, with size 1", .kind = NB_BOOLEAN},
        NB_OPTIONS_END};
    if (lua_isnoneornil(at->L, at->arg)) return;
    nbl_options(at->L, at->arg++, at->name, options, &at->call->attr.keep, false);
}

/* Where a new dimension stands: before any of those that are there, or behind the last. */
static void read_new_dim(reader *at)
{
    int64_t places = at->call->in[0]->dims + 1;
    at->call->attr.list[0] = nbl_check_index(at->L, at->arg++, places, "dimension");
    at->call->attr.length = 1;
}

/* A dimension and an entry of it. */
static void read_entry(reader *at)
{
    nb_attr *attr = &at->call->attr;
    read_dim(at);
    attr->list[1] =
        nbl_check_index(at->L, at->arg++, at->call->in[0]->shape[attr->list[0]], "entry");
    attr->length = 2;
}

/* A dimension, the first entry and how many. */
static void read_window(reader *at)
{
    nb_attr *attr = &at->call->attr;
    read_entry(at);
    int64_t most = at->call->in[0]->shape[attr->list[0]] - attr->list[1];
    int64_t length = nbl_check_integer(at->L, at->arg++, "a length");
    if (length < 0 || length > most)
        nbl_error(at->L, "%s: there are %I entries from there, not %I", at->name, (LUAI_UACINT)most,
                  (LUAI_UACINT)length);
    attr->list[2] = length;
    attr->list[3] = 1;
    attr->length = 4;
}

static void read_dtype(reader *at)
{
    if (lua_type(at->L, at->arg) != LUA_TSTRING) nbl_arg_error(at->L, at->arg, "a dtype");
    at->call->attr.list[0] = nbl_check_dtype(at->L, lua_tostring(at->L, at->arg++));
    at->call->attr.length = 1;
}

static void read_one_dim(reader *at)
{
    if (lua_type(at->L, at->arg) == LUA_TNUMBER)
        read_dim(at);
    else if (lua_isnil(at->L, at->arg))
        at->arg++;
}

static void read_sizes(reader *at)
{
    nb_attr *attr = &at->call->attr;
    at->arg = nbl_check_sizes(at->L, at->arg, -1, &attr->length, attr->list);
}

static void read_one(reader *at, char kind)
{
    static const struct {
        char kind;
        void (*read)(reader *at);
    } readers[] = {{'t', read_tensor}, {'n', read_number}, {'d', read_dim},  {'D', read_one_dim},
                   {'L', read_dims},   {'s', read_sizes},  {'k', read_keep}, {'u', read_new_dim},
                   {'w', read_window}, {'e', read_entry},  {'y', read_dtype}};
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        if (readers[i].kind != kind) continue;
        readers[i].read(at);
        return;
    }
    nbl_error(at->L, "%s cannot be called from Lua", at->name);
}

static void read_call(lua_State *L, const nb_op *op, const char *name, nb_call *call)
{
    *call = (nb_call){.op = op, .inputs = 1};
    memcpy(call->attr.number, op->number, sizeof call->attr.number);
    call->in[0] = nbl_check_tensor(L, 1);
    reader at = {L, call, name, 2, 0};
    for (const char *kind = op->signature; *kind; kind++) read_one(&at, *kind);
    if (at.arg <= lua_gettop(L))
        nbl_error(L, "%s: %s is one argument too many; write %s", name, nbl_describe(L, at.arg),
                  op->usage);
}

/* ---- Methods ---- */

static const nb_op *op_of(lua_State *L)
{
    return nb_ops[lua_tointeger(L, lua_upvalueindex(1))];
}

static int call_op(lua_State *L)
{
    nb_call call;
    const nb_op *op = op_of(L);
    read_call(L, op, op->name, &call);
    int results = nbl_run_op(L, &call);
    /* The place of an extreme among all elements is a plain number, ready to index with. */
    bool finds_place = strchr(op->signature, 'D') && !op->backward;
    if (finds_place && call.attr.length == 0)
        lua_pushinteger(L, (lua_Integer)nb_tensor_item(nbl_check_tensor(L, -1)));
    return results;
}

/* Upvalue 2 is the name with its underscore, which outlives every message: the closure holds it. */
static int call_in_place(lua_State *L)
{
    nb_call call;
    const nb_op *op = op_of(L);
    const char *name = lua_tostring(L, lua_upvalueindex(2));
    read_call(L, op, name, &call);
    check_in_place(L, &call, name);
    nbl_stay stay;
    int tries = 0;
    nbl_enter(L, &stay);
    while (try_in_place(stay.ctx, &call, op->name) != NB_OK && nbl_fail(&stay, &tries)) continue;
    nbl_leave(&stay);
    lua_settop(L, 1);
    return 1;
}

/* ---- Operators ---- */

/* Of two operands one is a tensor; the other may be a number, which takes its dtype if it can. */
static nb_tensor *operand(lua_State *L, int arg, const char *name)
{
    nb_tensor *x = nbl_test_tensor(L, arg);
    if (x) return x;
    nb_tensor *other = nbl_test_tensor(L, 3 - arg);
    if (other && lua_type(L, arg) == LUA_TNUMBER) return nbl_number_to_tensor(L, arg, other->dtype);
    nbl_error(L, "cannot %s %s and %s", name, nbl_describe(L, 1), nbl_describe(L, 2));
    return NULL;
}

static int call_binary(lua_State *L)
{
    const nb_op *op = op_of(L);
    nb_call call = {.op = op, .inputs = 2};
    lua_settop(L, 2);
    call.in[0] = operand(L, 1, op->name);
    call.in[1] = operand(L, 2, op->name);
    return nbl_run_op(L, &call);
}

static int call_negative(lua_State *L)
{
    nb_call call = {.op = nb_ops[NB_OP_neg], .inputs = 1};
    call.in[0] = nbl_check_tensor(L, 1);
    return nbl_run_op(L, &call);
}

static double single(lua_State *L, int arg)
{
    if (lua_type(L, arg) == LUA_TNUMBER) return lua_tonumber(L, arg);
    nb_tensor *x = nbl_test_tensor(L, arg);
    if (!x) nbl_error(L, "cannot compare %s and %s", nbl_describe(L, 1), nbl_describe(L, 2));
    if (x->dims > 0)
        nbl_error(
            L, "< and > compare tensors without dimensions; a:lt(b), a:le(b), a:gt(b) and a:ge(b) "
               "compare element by element");
    return nb_tensor_item(x);
}

static int less(lua_State *L)
{
    double a = single(L, 1), b = single(L, 2);
    lua_pushboolean(L, a < b);
    return 1;
}

static int less_or_equal(lua_State *L)
{
    double a = single(L, 1), b = single(L, 2);
    lua_pushboolean(L, a <= b);
    return 1;
}

/* ---- Opening ---- */

/* The name with its underscore wherever the text calls the op: "x:add(y)", "x:add_(y)". */
static const char *with_underscore(lua_State *L, const char *text, const char *name)
{
    const char *plain = lua_pushfstring(L, ":%s(", name);
    const char *marked = lua_pushfstring(L, ":%s_(", name);
    luaL_gsub(L, text, plain, marked);
    lua_replace(L, -3);
    lua_pop(L, 1);
    return lua_tostring(L, -1);
}

/* The in-place form's page is made of the op's own. Methods are on the stack's top. */
static void add_in_place(lua_State *L, int id)
{
    const nb_op *op = nb_ops[id];
    int methods = lua_gettop(L);
    const char *name = lua_pushfstring(L, "%s_", op->name);
    lua_pushinteger(L, id);
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, call_in_place, 2);
    int function = lua_gettop(L);
    nbl_entry page = {.name = lua_pushfstring(L, "tensor:%s", name),
                      .usage = with_underscore(L, op->usage, op->name),
                      .example = with_underscore(L, op->example, op->name)};
    page.help = lua_pushfstring(L, "%s In place: x changes and is given back.", op->help);
    lua_pushvalue(L, function);
    nbl_book_add(L, "method", &page);
    lua_settop(L, function);
    lua_setfield(L, methods, name);
    lua_settop(L, methods);
}

static void add_method(lua_State *L, int id)
{
    const nb_op *op = nb_ops[id];
    lua_pushinteger(L, id);
    lua_pushcclosure(L, call_op, 1);
    const char *full = lua_pushfstring(L, "tensor:%s", op->name);
    lua_pushvalue(L, -2);
    nbl_book_add(L, "method", &(nbl_entry){full, NULL, op->usage, op->help, op->example, NULL});
    lua_pop(L, 1);
    lua_setfield(L, -2, op->name);
}

static void add_operators(lua_State *L, int meta)
{
    static const struct {
        const char *event;
        nb_op_id op;
    } operators[] = {{"__add", NB_OP_add},
                     {"__sub", NB_OP_sub},
                     {"__mul", NB_OP_mul},
                     {"__div", NB_OP_div},
                     {"__pow", NB_OP_pow}};
    static const luaL_Reg others[] = {
        {"__unm", call_negative}, {"__lt", less}, {"__le", less_or_equal}, {NULL, NULL}};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        lua_pushinteger(L, (int)operators[i].op);
        lua_pushcclosure(L, call_binary, 1);
        lua_setfield(L, meta, operators[i].event);
    }
    lua_pushvalue(L, meta);
    luaL_setfuncs(L, others, 0);
    lua_pop(L, 1);
}

void nbl_open_tensor_ops(lua_State *L)
{
    int meta = lua_gettop(L) - 1;
    for (int id = 0; id < NB_OPS; id++) {
        if (nb_ops[id]->hidden) continue;
        add_method(L, id);
        if (nb_ops[id]->in_place) add_in_place(L, id);
    }
    add_operators(L, meta);
}
