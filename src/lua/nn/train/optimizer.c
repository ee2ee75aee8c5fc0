/* Handles of optimizers; their fields are the options of their descriptors. */
#include "lua/nn/train/optimizer.h"

#include "lua/names.h"
#include "lua/seal.h"
#include "nn/layer.h"
#include "nn/train/rate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { USAGE_MAX = 160 };

static void raise_message(lua_State *L, const char *whose)
{
    nbl_error(L, "%s: %s", whose, nbl_ctx(L)->message);
}

static const nbl_kind optimizer_kind = {"nabla.optimizer", 0, NULL};

static nb_optimizer *new_optimizer(lua_State *L, const nb_optimizer_type *type)
{
    nb_optimizer *self = nbl_new_handle(L, &optimizer_kind, sizeof *self);
    nb_optimizer_init(self, type);
    return self;
}

nb_optimizer *nbl_test_optimizer(lua_State *L, int arg)
{
    return nbl_test_handle(L, arg, &optimizer_kind);
}

static int optimizer_gc(lua_State *L)
{
    nb_optimizer *self = nbl_check_handle(L, 1, &optimizer_kind, "an optimizer");
    nb_optimizer_free(nbl_ctx(L), self);
    return 0;
}

static int make(lua_State *L, const nb_optimizer_type *type)
{
    lua_settop(L, 1);
    nb_optimizer *self = new_optimizer(L, type);
    nbl_options(L, 1, type->options, &self->options, false);
    lua_settop(L, 2);
    return 1;
}

/* ---- Choosing one ---- */

static const nb_optimizer_type *find_type(lua_State *L, int at)
{
    if (!at) return nb_optimizer_types[NB_OPTIMIZER_sgd];
    if (lua_type(L, at) != LUA_TSTRING)
        nbl_error(L, "optimizer must be a name or an object such as nn.adam(), not %s",
                  nbl_describe(L, at));
    const char *name = lua_tostring(L, at);
    const nb_optimizer_type *type = nb_optimizer_find(name);
    if (!type) nbl_unknown_name(L, "optimizer", name, nb_optimizer_name_at);
    return type;
}

static void set_given(lua_State *L, const char *whose, nb_optimizer *self, const char *name,
                      double value)
{
    nb_ctx *ctx = nbl_ctx(L);
    if (isnan(value)) return;
    const nb_option *option = nb_option_find(self->type->options, name);
    if (!option) nb_option_unknown(ctx, self->type->options, self->type->name, name);
    if (!option || nb_option_set(ctx, option, &self->options, value) != NB_OK)
        raise_message(L, whose);
}

nb_optimizer *nbl_choose_optimizer(lua_State *L, const char *whose,
                                   const nbl_optimizer_choice *choice, const nb_net *net)
{
    nb_optimizer *self = choice->optimizer ? nbl_test_optimizer(L, choice->optimizer) : NULL;
    if (self) {
        nbl_check_seal(L, self);
        const char *twice = !isnan(choice->lr)         ? "lr"
                            : !isnan(choice->momentum) ? "momentum"
                                                       : NULL;
        if (twice)
            nbl_error(L, "%s: %s beside an optimizer object; set it on the object: o.%s = …", whose,
                      twice, twice);
        lua_pushvalue(L, choice->optimizer);
        return self;
    }
    self = new_optimizer(L, find_type(L, choice->optimizer));
    set_given(L, whose, self, "lr", choice->lr);
    set_given(L, whose, self, "momentum", choice->momentum);
    if (isnan(choice->lr)) self->options.lr = nb_optimizer_rate(self, net);
    return self;
}

/* ---- Fields ---- */

/* The option of this name, or an error with the nearest one. */
static const nb_option *check_field(lua_State *L, const nb_optimizer *self)
{
    const char *name = luaL_checkstring(L, 2);
    const nb_option *option = nb_option_find(self->type->options, name);
    if (option) return option;
    nb_option_unknown(nbl_ctx(L), self->type->options, self->type->name, name);
    nbl_error(L, "%s", nbl_ctx(L)->message);
    return NULL;
}

static void push_option(lua_State *L, const nb_optimizer *self, const nb_option *option)
{
    const void *field = (const char *)&self->options + option->offset;
    if (option->kind == NB_BOOLEAN)
        lua_pushboolean(L, *(const bool *)field);
    else if (option->kind == NB_INTEGER)
        lua_pushinteger(L, *(const int64_t *)field);
    else
        lua_pushnumber(L, *(const double *)field);
}

static int optimizer_index(lua_State *L)
{
    const nb_optimizer *self = nbl_check_handle(L, 1, &optimizer_kind, "an optimizer");
    const char *name = luaL_checkstring(L, 2);
    if (strcmp(name, "name") == 0)
        lua_pushstring(L, self->type->name);
    else if (strcmp(name, "steps") == 0)
        lua_pushinteger(L, self->steps);
    else if (strcmp(name, "evaluations") == 0)
        lua_pushinteger(L, self->evaluations);
    else
        push_option(L, self, check_field(L, self));
    return 1;
}

static int optimizer_newindex(lua_State *L)
{
    nb_optimizer *self = nbl_check_handle(L, 1, &optimizer_kind, "an optimizer");
    const nb_option *option = check_field(L, self);
    nbl_check_seal(L, self);
    bool fits = lua_type(L, 3) == (option->kind == NB_BOOLEAN ? LUA_TBOOLEAN : LUA_TNUMBER);
    if (!fits) {
        nb_option_wrong(nbl_ctx(L), option, nbl_describe(L, 3));
        return nbl_error(L, "%s", nbl_ctx(L)->message);
    }
    double value = option->kind == NB_BOOLEAN ? lua_toboolean(L, 3) : lua_tonumber(L, 3);
    if (nb_option_set(nbl_ctx(L), option, &self->options, value) != NB_OK)
        return nbl_error(L, "%s", nbl_ctx(L)->message);
    return 0;
}

static int optimizer_tostring(lua_State *L)
{
    const nb_optimizer *self = nbl_check_handle(L, 1, &optimizer_kind, "an optimizer");
    nb_text *text = nbl_new_text(L);
    nb_text_add(text, "%s{", self->type->name);
    for (const nb_option *option = self->type->options; option->name; option++) {
        nb_text_add(text, "%s%s = ", option == self->type->options ? "" : ", ", option->name);
        nb_option_write(text, option, &self->options);
    }
    nb_text_add(text, "} after ");
    nb_text_add_grouped(text, self->steps);
    nb_text_add(text, self->steps == 1 ? " step" : " steps");
    nbl_push_text(L, text);
    return 1;
}

/* ---- The constructors, one for each row of the core's table ---- */

#define X(kind)                                                                                    \
    static int make_##kind(lua_State *L)                                                           \
    {                                                                                              \
        return make(L, nb_optimizer_types[NB_OPTIMIZER_##kind]);                                   \
    }
#include "nn/train/optimizers/optimizers.def"
#undef X

/* "nn.sgd{lr, momentum, nesterov}" */
static void write_usage(char *usage, const nb_optimizer_type *type)
{
    int length = snprintf(usage, USAGE_MAX, "nn.%s{", type->name);
    for (const nb_option *option = type->options; option->name && length < USAGE_MAX; option++)
        length += snprintf(usage + length, USAGE_MAX - (size_t)length, "%s%s",
                           option == type->options ? "" : ", ", option->name);
    if (length < USAGE_MAX) snprintf(usage + length, USAGE_MAX - (size_t)length, "}");
}

static void register_makers(lua_State *L)
{
    static const lua_CFunction makers[NB_OPTIMIZERS] = {
#define X(kind) [NB_OPTIMIZER_##kind] = make_##kind,
#include "nn/train/optimizers/optimizers.def"
#undef X
    };
    for (int i = 0; i < NB_OPTIMIZERS; i++) {
        const nb_optimizer_type *type = nb_optimizer_types[i];
        char usage[USAGE_MAX];
        write_usage(usage, type);
        const nbl_entry entry[] = {
            {type->name, makers[i], usage, type->help, type->example, type->options},
            {.name = NULL},
        };
        nbl_register(L, "nn", entry);
    }
}

void nbl_open_optimizers(lua_State *L)
{
    static const luaL_Reg meta[] = {
        {"__gc", optimizer_gc},
        {"__index", optimizer_index},
        {"__newindex", optimizer_newindex},
        {"__tostring", optimizer_tostring},
        {NULL, NULL},
    };
    nbl_new_metatable(L, &optimizer_kind);
    luaL_setfuncs(L, meta, 0);
    lua_pop(L, 1);
    register_makers(L);
}
