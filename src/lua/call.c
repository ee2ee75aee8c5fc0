/* The trampoline: Lua functions called from inside the core. Nothing that may raise happens outside
 * the protected call, so that an error never jumps over the core's frames; its object waits in a
 * slot of the binding that entered, which raises it once the core has returned whole. */
#include "lua/nbl.h"

#include "grad/witness.h"
#include "lua/state.h"

typedef struct call_frame {
    nb_ctx *ctx;
    nbl_push_function *push_function; /* of nbl_call_function */
    nbl_push_call *push_call;         /* of nbl_call_hook */
    const void *self, *data;
    const char *what;
    nb_tensor *const *in;
    int count;
    bool number; /* will do for a tensor */
    nb_tensor *out;
    double value; /* of nbl_call_number */
    bool stop;
} call_frame;

void nbl_push_work(nb_ctx *ctx, lua_CFunction work, void *data)
{
    nbl_stay *host = ctx->host;
    lua_pushcfunction(host->L, work);
    lua_pushlightuserdata(host->L, data);
    host->work = data;
}

void *nbl_work(lua_State *L)
{
    nbl_stay *host = nbl_ctx(L)->host;
    void *data = host ? host->work : NULL;
    if (!data || lua_touserdata(L, 1) != data) luaL_error(L, "this function is nabla's own");
    host->work = NULL;
    return data;
}

/* Runs `body` with the frame as its argument under pcall on the state that entered the core. What
 * it calls sees what it is given, which may be a piece of a batch, and never waits for others. */
static nb_status protect(call_frame *frame, lua_CFunction body)
{
    nbl_stay *host = frame->ctx->host;
    lua_State *L = host->L;
    if (!lua_checkstack(L, 3)) return nb_fail(frame->ctx, NB_EMEMORY, "not enough memory");
    nbl_push_work(frame->ctx, body, frame);
    /* Below the function: the host's handler sees the stack while the error is still in it. */
    const nbl_state *state = nbl_state_find(L);
    lua_CFunction note = state ? state->note : NULL;
    int handler = note ? lua_gettop(L) - 1 : 0;
    if (note) lua_pushcfunction(L, note);
    if (note) lua_insert(L, handler);
    const struct nb_across *across = frame->ctx->across;
    frame->ctx->across = NULL;
    int outcome = lua_pcall(L, 1, 0, handler);
    frame->ctx->across = across;
    if (note) lua_remove(L, handler);
    /* The function may have entered the core itself and not left it in order. */
    frame->ctx->host = host;
    if (outcome == LUA_OK) return NB_OK;
    lua_replace(L, host->error_slot);
    nb_fail(frame->ctx, NB_ECALLBACK, NBL_CALLBACK_FAILED);
    if (frame->what) nb_fail_in(frame->ctx, "%s", frame->what);
    return NB_ECALLBACK;
}

/* Pushes " (net.lua:3)", where the function was written; "" where it was not in Lua. */
static const char *push_place(lua_State *L, const call_frame *frame)
{
    lua_Debug ar;
    frame->push_function(L, frame->self);
    if (!lua_isfunction(L, -1)) return lua_pushliteral(L, "");
    lua_getinfo(L, ">S", &ar);
    if (*ar.what == 'C') return lua_pushliteral(L, "");
    return lua_pushfstring(L, " (%s:%d)", ar.short_src, ar.linedefined);
}

static int function_body(lua_State *L)
{
    call_frame *frame = nbl_work(L);
    frame->push_function(L, frame->self);
    luaL_checkstack(L, frame->count + 1, NULL);
    for (int i = 0; i < frame->count; i++) nbl_push_tensor(L, frame->in[i]);
    lua_call(L, frame->count, 1);
    nb_tensor *out = nbl_test_tensor(L, -1);
    if (out) {
        frame->out = nb_tensor_retain(out);
    } else if (frame->number && lua_type(L, -1) == LUA_TNUMBER) {
        frame->out = nb_tensor_scalar(frame->ctx, frame->in[0]->dtype, lua_tonumber(L, -1));
    } else {
        const char *got = nbl_describe(L, -1), *place = push_place(L, frame);
        nb_fail(frame->ctx, NB_EARG, "%s%s must give a %s, not %s", frame->what, place,
                frame->number ? "number" : "tensor", got);
    }
    return 0;
}

nb_tensor *nbl_call_function(nb_ctx *ctx, nbl_push_function *push, const void *self,
                             const char *what, nb_tensor *const *in, int count, bool number)
{
    call_frame frame = {.ctx = ctx,
                        .push_function = push,
                        .self = self,
                        .what = what,
                        .in = in,
                        .count = count,
                        .number = number};
    const char *outside = ctx->witness ? ctx->witness->function : NULL;
    if (ctx->witness) ctx->witness->function = what;
    protect(&frame, function_body);
    if (ctx->witness) ctx->witness->function = outside;
    return frame.out;
}

static int hook_body(lua_State *L)
{
    call_frame *frame = nbl_work(L);
    int count = frame->push_call(L, frame->self, frame->data);
    lua_call(L, count, 1);
    frame->stop = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
    return 0;
}

static int number_body(lua_State *L)
{
    call_frame *frame = nbl_work(L);
    int count = frame->push_call(L, frame->self, frame->data);
    lua_call(L, count, 1);
    if (lua_type(L, -1) != LUA_TNUMBER)
        return luaL_error(L, "it must give a number, not %s", nbl_describe(L, lua_gettop(L)));
    frame->value = lua_tonumber(L, -1);
    return 0;
}

nb_status nbl_call_number(nb_ctx *ctx, nbl_push_call *push, const void *self, const void *data,
                          const char *what, double *out)
{
    call_frame frame = {.ctx = ctx, .push_call = push, .self = self, .data = data, .what = what};
    nb_status status = protect(&frame, number_body);
    *out = frame.value;
    return status;
}

nb_status nbl_call_hook(nb_ctx *ctx, nbl_push_call *push, const void *self, const void *data,
                        bool *stop)
{
    call_frame frame = {.ctx = ctx, .push_call = push, .self = self, .data = data};
    nb_status status = protect(&frame, hook_body);
    *stop = frame.stop;
    return status;
}
