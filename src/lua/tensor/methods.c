/* Methods of a tensor that are no ops: looking at it, filling it, the tape. */
#include "lua/nbl.h"
#include "lua/tensor/index.h"
#include "lua/tensor/parts.h"

#include "tensor/assign.h"
#include "tensor/print.h"

/* ---- Looking ---- */

static int dim(lua_State *L)
{
    nbl_no_more(L, 1);
    lua_pushinteger(L, nbl_check_tensor(L, 1)->dims);
    return 1;
}

static int size(lua_State *L)
{
    nb_tensor *x = nbl_check_tensor(L, 1);
    nbl_no_more(L, 2);
    lua_pushinteger(L, x->shape[nbl_check_dim(L, 2, x->dims)]);
    return 1;
}

static int numel(lua_State *L)
{
    nbl_no_more(L, 1);
    lua_pushinteger(L, nb_tensor_count(nbl_check_tensor(L, 1)));
    return 1;
}

static int item(lua_State *L)
{
    nb_tensor *x = nbl_check_tensor(L, 1);
    nbl_no_more(L, 1);
    int64_t count = nb_tensor_count(x);
    if (count != 1)
        return nbl_error(L, "item needs a tensor with one element, not %I", (LUAI_UACINT)count);
    if (nb_dtype_computes(x->dtype))
        lua_pushnumber(L, nb_tensor_item(x));
    else
        lua_pushinteger(L, (lua_Integer)nb_tensor_item(x));
    return 1;
}

static int is_contiguous(lua_State *L)
{
    nbl_no_more(L, 1);
    lua_pushboolean(L, nb_tensor_is_contiguous(nbl_check_tensor(L, 1)));
    return 1;
}

/* The step of each: upvalue 1 is the tensor. */
static int each_step(lua_State *L)
{
    nb_tensor *x = nbl_check_tensor(L, lua_upvalueindex(1));
    lua_Integer i = lua_tointeger(L, 2) + 1;
    if (i > x->shape[0]) return 0;
    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushinteger(L, i);
    nbl_tensor_index(L);
    lua_pushinteger(L, i);
    lua_insert(L, -2);
    return 2;
}

static int each(lua_State *L)
{
    nb_tensor *x = nbl_check_tensor(L, 1);
    nbl_no_more(L, 1);
    if (x->dims == 0) return nbl_error(L, "a tensor without dimensions has no entries to walk");
    lua_pushvalue(L, 1);
    lua_pushcclosure(L, each_step, 1);
    lua_pushnil(L);
    lua_pushinteger(L, 0);
    return 3;
}

static const nb_option format_options[] = {
    {.name = "all", .help = "every element, however many", .kind = NB_BOOLEAN}, NB_OPTIONS_END};

static int format(lua_State *L)
{
    bool all;
    nb_tensor *x = nbl_check_tensor(L, 1);
    nbl_no_more(L, 2);
    nbl_options(L, 2, format_options, &all, false);
    nb_text *text = nbl_new_text(L);
    nb_tensor_print(text, x, all);
    nbl_push_text(L, text);
    return 1;
}

/* ---- Changing ---- */

/* x:copy_(y), and with a number x:fill_(v). */
typedef struct writing {
    nb_tensor *x, *value;
} writing;

static nb_status assign(nb_ctx *ctx, void *data)
{
    const writing *work = data;
    return nb_tensor_assign(ctx, work->x, work->value);
}

static int write_all(lua_State *L, const char *name)
{
    writing work = {.x = nbl_check_tensor(L, 1)};
    work.value = nbl_to_tensor(L, 2, (int)work.x->dtype);
    nbl_check_change(L, work.x, &work.value, 1, name);
    nbl_run(L, assign, &work);
    nbl_changed(L, work.x, name);
    lua_settop(L, 1);
    return 1;
}

static int copy_in_place(lua_State *L)
{
    nbl_check_tensor(L, 1);
    nbl_no_more(L, 2);
    return write_all(L, "copy_");
}

static int fill_in_place(lua_State *L)
{
    nbl_check_tensor(L, 1);
    nbl_no_more(L, 2);
    if (lua_type(L, 2) != LUA_TNUMBER) return nbl_arg_error(L, 2, "a number");
    return write_all(L, "fill_");
}

static int zero_in_place(lua_State *L)
{
    nbl_no_more(L, 1);
    lua_settop(L, 1);
    lua_pushinteger(L, 0);
    return write_all(L, "zero_");
}

/* ---- The tape ---- */

typedef struct requirement {
    nb_tensor *x;
    bool require;
} requirement;

static nb_status require(nb_ctx *ctx, void *data)
{
    const requirement *work = data;
    return nb_require_grad(ctx, work->x, work->require);
}

static int require_grad(lua_State *L)
{
    requirement work = {.x = nbl_check_tensor(L, 1)};
    nbl_no_more(L, 2);
    work.require = lua_isnoneornil(L, 2) || lua_toboolean(L, 2);
    if (!lua_isnoneornil(L, 2) && !lua_isboolean(L, 2)) return nbl_arg_error(L, 2, "true or false");
    nbl_run(L, require, &work);
    lua_settop(L, 1);
    return 1;
}

typedef struct detachment {
    nb_tensor *x, **out;
} detachment;

static nb_status alias(nb_ctx *ctx, void *data)
{
    const detachment *work = data;
    *work->out = nb_tensor_alias(ctx, work->x);
    return *work->out ? NB_OK : ctx->status;
}

static int detach(lua_State *L)
{
    detachment work = {.x = nbl_check_tensor(L, 1)};
    nbl_no_more(L, 1);
    work.out = nbl_new_tensor(L);
    nbl_run(L, alias, &work);
    return 1;
}

typedef struct backward_choice {
    nb_tensor *x;
    nb_backward_options core;
    int delta; /* its place on the stack, or 0 */
} backward_choice;

static const nb_option backward_options[] = {
    {.name = "delta",
     .help = "gradient of c itself, of its shape: a tensor, number or table",
     .standard = "1, and c holds one number",
     .kind = NB_HOST,
     .offset = offsetof(backward_choice, delta)},
    {.name = "keep",
     .help = "keep the graph for another backward pass",
     .kind = NB_BOOLEAN,
     .offset = offsetof(backward_choice, core.keep)},
    {.name = "accumulate",
     .help = "add to the gradients that are there",
     .kind = NB_BOOLEAN,
     .offset = offsetof(backward_choice, core.accumulate)},
    NB_OPTIONS_END};

static nb_tensor *read_delta(lua_State *L, int slot, nb_dtype dtype)
{
    int type = lua_type(L, slot);
    if (type != LUA_TNUMBER && type != LUA_TTABLE && !nbl_test_tensor(L, slot))
        nbl_error(L, "delta must be a tensor, a number or a table of numbers, not %s",
                  nbl_describe(L, slot));
    return nbl_to_tensor(L, slot, (int)dtype);
}

static nb_status run_backward(nb_ctx *ctx, void *data)
{
    backward_choice *choice = data;
    return nb_backward(ctx, choice->x, &choice->core);
}

static int backward(lua_State *L)
{
    backward_choice choice = {.delta = 0};
    nb_tensor *x = nbl_check_tensor(L, 1);
    nbl_no_more(L, 2);
    nbl_options(L, 2, backward_options, &choice, false);
    if (!x->link)
        return nbl_error(L, "no gradient flows here; make a tensor it is computed from with "
                            "x:requires_grad_()");
    if (choice.delta) choice.core.delta = read_delta(L, choice.delta, x->dtype);
    choice.x = x;
    nbl_run(L, run_backward, &choice);
    return 0;
}

static int no_grad(lua_State *L)
{
    nb_ctx *ctx = nbl_ctx(L);
    bool recording = ctx->recording;
    if (lua_type(L, 1) != LUA_TFUNCTION) return nbl_arg_error(L, 1, "a function");
    ctx->recording = false;
    int outcome = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    ctx->recording = recording;
    return outcome == LUA_OK ? lua_gettop(L) : lua_error(L);
}

/* ---- Opening ---- */

static const nbl_entry methods[] = {
    {":dim", dim, "x:dim()", "How many dimensions a tensor has; 0 for a single number.",
     "tensor.zeros(2, 3):dim()  → 2", NULL},
    {":size", size, "x:size(d)", "The size of one dimension.", "tensor.zeros(2, 3):size(-1)  → 3",
     NULL},
    {":numel", numel, "x:numel()", "How many elements a tensor has.",
     "tensor.zeros(2, 3):numel()  → 6", NULL},
    {":item", item, "x:item()", "The number that a tensor with one element holds.",
     "tensor{1, 2}:sum():item()  → 3.0", NULL},
    {":is_contiguous", is_contiguous, "x:is_contiguous()",
     "true when the elements lie in row-major order without gaps.",
     "tensor.zeros(2, 3):t():is_contiguous()  → false", NULL},
    {":each", each, "x:each()",
     "Walks the entries of the first dimension, counted from 1. Where x takes part in a gradient, "
     "single elements are tensors on the tape; page index.",
     "for i, row in tensor{{1, 2}, {3, 4}}:each() do print(i, row:sum()) end", NULL},
    {":format", format, "x:format{all}",
     "The text that print shows; with all = true nothing is left out.",
     "tensor.range(1, 2000):format{all = true}:len() > 5000  → true", format_options},
    {":copy_", copy_in_place, "x:copy_(y)",
     "Writes y's elements (a tensor, number or table that broadcasts) into x, which is given back.",
     "tensor.zeros(2, 2):copy_(tensor{1, 2})", NULL},
    {":fill_", fill_in_place, "x:fill_(value)",
     "Makes every element the same number; gives x back.", "tensor.zeros(3):fill_(7)  → 7 7 7",
     NULL},
    {":zero_", zero_in_place, "x:zero_()", "Makes every element 0; gives x back.",
     "tensor.ones(3):zero_()  → 0 0 0", NULL},
    {":requires_grad_", require_grad, "x:requires_grad_(yes)",
     "Lets gradients flow to x (or, with false, no longer); gives x back. c:backward() then fills "
     "x.grad.",
     "x = tensor{1, 2, 3}:requires_grad_()", NULL},
    {":detach", detach, "x:detach()", "The same elements, through which no gradient flows; a view.",
     "x = tensor{1, 2}:requires_grad_()\nx:detach().requires_grad  → false", NULL},
    {":backward", backward, "c:backward{delta, keep, accumulate}",
     "Computes the gradient of c, one number, at every tensor with requires_grad_ that it came "
     "from, and puts it into .grad, fresh unless accumulate. Of more numbers it is the gradient of "
     "their sum weighed by delta. The graph is spent unless keep.",
     "x = tensor{1, 2, 3}:requires_grad_()\nc = (x ^ 2):sum()\nc:backward()\nx.grad  → 2 4 6",
     backward_options},
    {NULL, NULL, NULL, NULL, NULL, NULL}};

static const nbl_entry tape[] = {
    {"no_grad", no_grad, "nn.no_grad(f, …)",
     "Calls f(…) without a tape and returns what it returns: nothing is recorded, single elements "
     "are numbers, and what takes part in a gradient may change in place. f cannot yield to a "
     "coroutine's resume outside it.",
     "w = tensor{1, 2}:requires_grad_()\nnn.no_grad(function() w:sub_(0.1) end)\nw  → 0.9 1.9",
     NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL}};

void nbl_open_tensor_methods(lua_State *L)
{
    nbl_register(L, "tensor", methods);
}

void nbl_open_tape(lua_State *L)
{
    nbl_register(L, "nn", tape);
}
