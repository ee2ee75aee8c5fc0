/* The handle of a tensor: its life, and what is asked and said about changes in place. */
#include "lua/nbl.h"

#include "lua/seal.h"
#include "lua/state.h"

#include <stdio.h>

/* ---- Life ---- */

/* Laid out as nbl_new_handle would; made here, because most handles are tensors' and short-lived.
 */
typedef struct block {
    const nbl_kind *kind;
    nb_tensor *tensor;
} block;

_Static_assert(offsetof(block, tensor) == NBL_HEADER, "a block is a header and a value");

/* __gc and __close. */
static int release(lua_State *L)
{
    nb_tensor **handle = nbl_test_handle(L, 1, &nbl_tensor_kind);
    nbl_state *state = nbl_state_find(L);
    if (!handle || !state || !state->ctx) return 0;
    nb_tensor_release(state->ctx, *handle);
    *handle = NULL;
    return 0;
}

static const luaL_Reg meta[] = {{"__gc", release}, {"__close", release}, {NULL, NULL}};
const nbl_kind nbl_tensor_kind = {"nabla.tensor", 0, meta};

nb_tensor **nbl_new_tensor(lua_State *L)
{
    nbl_collect(L);
    block *self = lua_newuserdatauv(L, sizeof *self, 0);
    *self = (block){&nbl_tensor_kind, NULL};
    if (lua_rawgeti(L, LUA_REGISTRYINDEX, NBL_TENSOR_KEY) != LUA_TTABLE)
        luaL_error(L, "nabla is not open in this Lua state");
    lua_setmetatable(L, -2);
    return &self->tensor;
}

void nbl_push_tensor(lua_State *L, nb_tensor *tensor)
{
    nbl_stress(L);
    nb_tensor **handle = nbl_new_tensor(L);
    *handle = nb_tensor_retain(tensor);
}

nb_tensor *nbl_test_tensor(lua_State *L, int arg)
{
    nb_tensor **handle = nbl_test_handle(L, arg, &nbl_tensor_kind);
    if (handle && !*handle) nbl_error(L, "this tensor was already released");
    return handle ? *handle : NULL;
}

nb_tensor *nbl_check_tensor(lua_State *L, int arg)
{
    nb_tensor *tensor = nbl_test_tensor(L, arg);
    if (!tensor) nbl_arg_error(L, arg, "a tensor");
    return tensor;
}

/* ---- Changes in place ---- */

enum { NAMELESS = 64 }; /* tensors on the stack that are looked at */

/* Whether a tensor shows elements of one that takes a gradient itself, made by no op. */
static bool is_part_of_leaf(const nb_tensor *x)
{
    const nb_record *record = nb_record_of(x);
    while (record && record->inputs && record->in[0] && record->in[0]->storage == x->storage) {
        x = record->in[0];
        record = nb_record_of(x);
    }
    return nb_leaf_of(x) != NULL;
}

/* Adds the tensors that stand in no variable of the functions under way: values on their way, and
 * what earlier calls left behind in the stack. Gives how many there are, at most `room`. */
static int add_nameless(lua_State *L, nb_tensor **list, int count, int room)
{
    lua_Debug at;
    const char *name;
    for (int level = 1; lua_getstack(L, level, &at); level++)
        for (int n = 1; (name = lua_getlocal(L, &at, n)) != NULL; n++) {
            nb_tensor **x = *name == '(' ? nbl_test_handle(L, -1, &nbl_tensor_kind) : NULL;
            if (x && *x && count < room) list[count++] = *x;
            lua_pop(L, 1);
        }
    return count;
}

/* A record that waits to be collected needs nothing any more, nor does one that only the stack
 * still holds. Should it be used after all, backward says what changed. */
static void check_parameters(lua_State *L, const nb_tensor *x, nb_tensor *const *with, int count,
                             const char *what)
{
    nb_ctx *ctx = nbl_ctx(L);
    nb_tensor *but[NB_MAX_INPUTS + NAMELESS];
    if (!nb_is_read(ctx, x->storage, with, count)) return;
    nbl_collect_all(L);
    for (int i = 0; i < count; i++) but[i] = with[i];
    if (!nb_is_read(ctx, x->storage, but, add_nameless(L, but, count, count + NAMELESS))) return;
    nbl_error(L,
              "%s would change parameters whose values a recorded result needs for its gradient; "
              "call its backward first, let it go, or do it inside nn.no_grad",
              what);
}

static void refuse_change(lua_State *L, const nb_tensor *x, const char *what)
{
    if (is_part_of_leaf(x))
        nbl_error(L,
                  "%s would change a tensor that takes part in a gradient; do it inside nn.no_grad",
                  what);
    nbl_error(L,
              "%s would change the result of %s, which takes part in a gradient that would "
              "miss it; compute a new tensor, or change x:detach():clone()",
              what, nb_record_of(x)->op->name);
}

void nbl_check_change(lua_State *L, const nb_tensor *x, nb_tensor *const *with, int count,
                      const char *what)
{
    nb_ctx *ctx = nbl_ctx(L);
    nbl_check_numbers(L, x);
    if (x->storage->copied)
        nbl_error(L,
                  "%s would change a copy, and the set would stay as it is; x = set.x:clone() may "
                  "change, and data.set{x = x, y = set.y} makes a set of it",
                  what);
    if (nb_tensor_check_write(ctx, x) != NB_OK) nbl_error(L, "%s: %s", what, ctx->message);
    if (!ctx->recording) return;
    if (x->link && x->storage->parameters) check_parameters(L, x, with, count, what);
    if (x->storage->parameters) return;
    if (x->link) refuse_change(L, x, what);
    for (int i = 0; i < count; i++)
        if (with[i]->link)
            nbl_error(L, "%s would lose the gradient of what it is given; give it y:detach()",
                      what);
}

void nbl_changed(lua_State *L, nb_tensor *x, const char *what)
{
    char words[LUA_IDSIZE + 64];
    lua_Debug at;
    if (x->storage->readers == 0) return;
    for (int level = 0; lua_getstack(L, level, &at) && lua_getinfo(L, "Sl", &at); level++) {
        if (at.currentline <= 0) continue;
        snprintf(words, sizeof words, "%s in %s:%d", what, at.short_src, at.currentline);
        nb_tensor_explain(nbl_ctx(L), x, words);
        return;
    }
}
