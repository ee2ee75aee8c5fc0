/* The ops of the table as methods, in-place methods and operators: one function each. */
#include "lua/tensor/arguments.h"
#include "lua/tensor/parts.h"

#include "tensor/assign.h"
#include "tensor/shape.h"

#include <string.h>

/* ---- Running one ---- */

/* A try must not see what a failed one left behind, so each has its own copy of the call. Further
 * results go into the handles of `more`, or nowhere. */
static nb_tensor *try_op(nb_ctx *ctx, const nb_call *call, nb_tensor **const *more)
{
    nb_call own = *call;
    nb_tensor *out = nb_op_call(ctx, &own);
    for (int i = 0; more && i < call->op->results - 1; i++) {
        *more[i] = own.more[i];
        own.more[i] = NULL;
    }
    nb_call_drop(ctx, &own);
    return out;
}

/* One op under way, with the handles of its results. */
typedef struct op_run {
    const nb_call *call;
    nb_tensor **out, **more[NB_MAX_RESULTS - 1];
    bool alone; /* it has the first result only */
} op_run;

static nb_status run_op(nb_ctx *ctx, void *data)
{
    op_run *work = data;
    *work->out = try_op(ctx, work->call, work->alone ? NULL : work->more);
    return *work->out ? NB_OK : ctx->status;
}

/* How many dimensions a call names, of those that it may leave out. */
static int named_dims(const nb_call *call)
{
    return strpbrk(call->op->signature, "DL") ? call->attr.dims.count : 0;
}

/* A handle costs as much as a short loop, so none is made that is known to stay empty. */
static int push_results(lua_State *L, const nb_call *call)
{
    op_run work = {.call = call, .out = nbl_new_tensor(L)};
    work.alone = call->op->alone && named_dims(call) != 1;
    int most = work.alone ? 1 : call->op->results, results = 1;
    for (int i = 0; i < most - 1; i++) work.more[i] = nbl_new_tensor(L);
    nbl_run(L, run_op, &work);
    while (results < most && *work.more[results - 1]) results++;
    if (most > 1) lua_pop(L, most - results);
    return results;
}

/* The result where x was; broadcasting may have made it larger. */
static nb_status put_result(nb_ctx *ctx, const nb_call *call, const nb_tensor *out)
{
    nb_tensor *x = call->in[0];
    char of_out[NB_SHAPE_TEXT], of_x[NB_SHAPE_TEXT];
    if (nb_tensor_same_shape(x, out)) return nb_tensor_assign(ctx, x, out);
    return nb_fail(ctx, NB_ESHAPE, "%s: the result, %s, does not fit into %s", call->op->name,
                   nb_shape_text(out->dims, out->shape, of_out),
                   nb_shape_text(x->dims, x->shape, of_x));
}

/* x = op(x, …), in one pass where the op writes over its input. Nothing is recorded: parameters,
 * whose gradients flow, take values alone. */
static nb_status try_in_place(nb_ctx *ctx, void *data)
{
    const nb_call *call = data;
    bool recording = ctx->recording;
    ctx->recording = false;
    nb_tensor *x = call->in[0], *out = try_op(ctx, call, NULL);
    ctx->recording = recording;
    nb_status status = out ? NB_OK : ctx->status;
    if (out && out != x) status = put_result(ctx, call, out);
    nb_tensor_release(ctx, out);
    if (status == NB_OK || status == NB_EINTERRUPT) nb_tensor_touch(x, call->op->name);
    return status;
}

static void check_in_place(lua_State *L, const nb_call *call, const char *name)
{
    const nb_tensor *x = call->in[0];
    nbl_check_change(L, x, call->in + 1, call->inputs - 1, name);
    if (!nb_dtype_computes(x->dtype) && call->op->promote)
        nbl_error(L, "%s tensors store and do not compute; x:to(\"f32\") computes",
                  nb_dtype_name(x->dtype));
}

/* ---- Methods ---- */

static const nb_op *op_of(lua_State *L)
{
    return nb_ops[lua_tointeger(L, lua_upvalueindex(1))];
}

/* Makes the result on the stack's top a plain value where the op gives one: the place of an extreme
 * among all elements is a number, ready to index with. */
static void make_plain(lua_State *L, const nb_call *call)
{
    if (call->op->plain == NB_PLAIN_TENSOR || named_dims(call) > 0) return;
    double value = nb_tensor_item(nbl_check_tensor(L, -1));
    if (call->op->plain == NB_PLAIN_BOOLEAN)
        lua_pushboolean(L, value != 0);
    else
        lua_pushinteger(L, (lua_Integer)value);
}

static int call_op(lua_State *L)
{
    nb_call call;
    const nb_op *op = op_of(L);
    nbl_read_call(L, op, &call);
    int results = push_results(L, &call);
    make_plain(L, &call);
    return results;
}

/* Upvalue 2 is the name with its underscore. */
static int call_in_place(lua_State *L)
{
    nb_call call;
    const nb_op *op = op_of(L);
    const char *name = lua_tostring(L, lua_upvalueindex(2));
    nbl_read_call(L, op, &call);
    check_in_place(L, &call, name);
    call.into = call.in[0];
    nbl_run(L, try_in_place, &call);
    nbl_changed(L, call.in[0], name);
    lua_settop(L, 1);
    return 1;
}

/* ---- Operators ---- */

static const struct {
    const char *event, *sign;
    nb_op_id op;
} operators[] = {{"__add", "+", NB_OP_add},
                 {"__sub", "-", NB_OP_sub},
                 {"__mul", "*", NB_OP_mul},
                 {"__div", "/", NB_OP_div},
                 {"__pow", "^", NB_OP_pow}};
enum { OPERATORS = sizeof operators / sizeof *operators };

static const char *sign_of(const nb_op *op)
{
    for (int i = 0; i < OPERATORS; i++)
        if (nb_ops[operators[i].op] == op) return operators[i].sign;
    return op->name;
}

/* Of two operands one is a tensor; the other may be a number, which takes its dtype if it can. */
static nb_tensor *operand(lua_State *L, int arg, const nb_op *op)
{
    nb_tensor *x = nbl_test_tensor(L, arg);
    if (x) return x;
    nb_tensor *other = nbl_test_tensor(L, 3 - arg);
    if (other && lua_type(L, arg) == LUA_TNUMBER) return nbl_number_to_tensor(L, arg, other->dtype);
    bool table = lua_istable(L, 1) || lua_istable(L, 2);
    nbl_error(L, "cannot compute %s %s %s; beside a tensor stands a tensor or a number%s",
              nbl_describe(L, 1), sign_of(op), nbl_describe(L, 2),
              table ? "; tensor(t) makes one of a table" : "");
    return NULL;
}

static int call_binary(lua_State *L)
{
    const nb_op *op = op_of(L);
    nb_call call = {.op = op, .inputs = 2};
    lua_settop(L, 2);
    call.in[0] = operand(L, 1, op);
    call.in[1] = operand(L, 2, op);
    return push_results(L, &call);
}

/* What Lua has signs for and tensors have not. */
static int refuse_whole_division(lua_State *L)
{
    return nbl_error(L, "tensors have no //; (a / b):floor() divides downwards");
}

static int refuse_remainder(lua_State *L)
{
    return nbl_error(L, "tensors have no %%; a - (a / b):floor() * b is the remainder");
}

/* A tensor without dimensions stands for its number beside a text. */
static int join_text(lua_State *L)
{
    for (int i = 1; i <= 2; i++) {
        const nb_tensor *x = nbl_test_tensor(L, i);
        if (x ? x->dims > 0 : !lua_isstring(L, i))
            return nbl_error(L, "cannot join %s and %s by ..; tostring(x) is the text of a tensor",
                             nbl_describe(L, 1), nbl_describe(L, 2));
    }
    luaL_tolstring(L, 1, NULL);
    luaL_tolstring(L, 2, NULL);
    lua_concat(L, 2);
    return 1;
}

static int call_negative(lua_State *L)
{
    nb_call call = {.op = nb_ops[NB_OP_neg], .inputs = 1};
    call.in[0] = nbl_check_tensor(L, 1);
    return push_results(L, &call);
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
                      .example = with_underscore(L, op->example, op->name),
                      .options = op->options};
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
    nbl_book_add(L, "method",
                 &(nbl_entry){full, NULL, op->usage, op->help, op->example, op->options});
    lua_pop(L, 1);
    lua_setfield(L, -2, op->name);
}

static void add_operators(lua_State *L, int meta)
{
    static const luaL_Reg others[] = {{"__unm", call_negative},
                                      {"__lt", less},
                                      {"__le", less_or_equal},
                                      {"__idiv", refuse_whole_division},
                                      {"__mod", refuse_remainder},
                                      {"__concat", join_text},
                                      {NULL, NULL}};
    for (int i = 0; i < OPERATORS; i++) {
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
