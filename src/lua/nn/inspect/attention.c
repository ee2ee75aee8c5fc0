/* net:attention: where each head looks, as a table by layer that prints itself. */
#include "lua/nn/net.h"
#include "lua/embedded.h"
#include "lua/data/schema.h"
#include "lua/nn/examples.h"
#include "lua/nn/layer/layer.h"
#include "lua/nn/part.h"
#include "lua/result.h"
#include "nn/inspect/looks.h"

#include <stdio.h>

typedef struct looks_job {
    nb_net *net;
    nbl_examples examples;
    nb_looks *looks; /* in a box */
    nb_tensor **x;   /* a handle on the stack */
} looks_job;

static nb_status find_looks(nb_ctx *ctx, void *data)
{
    looks_job *work = data;
    nbl_batch batch;
    if (nbl_prepare(ctx, work->net, &work->examples, &batch) != NB_OK) return ctx->status;
    nb_status status = nb_looks_find(ctx, work->net, batch.x, batch.lengths, work->looks);
    if (status == NB_OK && batch.single) status = nb_looks_single(ctx, work->looks);
    if (status == NB_OK && !*work->x)
        *work->x = batch.single ? nb_tensor_select(ctx, batch.x, 0, 0) : nb_tensor_retain(batch.x);
    if (status == NB_OK && !*work->x) status = ctx->status;
    nbl_batch_free(ctx, &batch);
    return status;
}

static void release_looks(nb_ctx *ctx, void *looks)
{
    nb_looks_free(ctx, looks);
}

/* Appends a table for each place with attention among the children of a block, whose places begin
 * at `place`, to the one on the stack's top; `before`: the block's path with a point. */
static void add_places(lua_State *L, const nb_layer *block, const nb_looks *looks, int place,
                       const char *before)
{
    luaL_checkstack(L, 8, "layers too deep");
    for (int i = 0; i < block->children; i++) {
        const nb_layer *layer = block->child[i];
        char path[NB_PATH_MAX];
        snprintf(path, sizeof path, "%s%d", before, i + 1);
        if (looks->shares[place]) {
            lua_createtable(L, 0, 3);
            lua_pushstring(L, path);
            lua_setfield(L, -2, "layer");
            nbl_push_title(L, layer);
            lua_setfield(L, -2, "title");
            nbl_push_tensor(L, looks->shares[place]);
            lua_setfield(L, -2, "shares");
            lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
        }
        snprintf(path, sizeof path, "%s%d.", before, i + 1);
        add_places(L, layer, looks, place + 1, path);
        place += layer->plan->places;
    }
}

static const char *const attention_lacks[] = {"words", NULL};
static const nbl_result attention_kind = {.name = "nabla.attention",
                                          .whose = "what net:attention gives",
                                          .text = nbl_brief,
                                          .may_lack = attention_lacks};

static int net_attention(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    looks_job work = {.net = self->net};
    int next = nbl_read_examples(L, 2, self->net, "net:attention", NBL_X, &work.examples);
    nbl_no_more(L, next - 1);
    nbl_pin_net(L, self);
    int pin = lua_gettop(L);
    work.looks = nbl_new_box(L, sizeof *work.looks, release_looks);
    int box = lua_gettop(L);
    work.x = nbl_new_tensor(L);
    nbl_net_run(L, self, find_looks, &work);
    lua_createtable(L, work.looks->count, 2);
    add_places(L, &self->net->layer, work.looks, 0, "");
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "x");
    if (nbl_push_schema_field(L, &self->net->schema, "words")) lua_setfield(L, -2, "words");
    nbl_dress(L, &attention_kind);
    nbl_close_box(L, box);
    nbl_close_box(L, pin);
    return 1;
}

static const nbl_entry entries[] = {
    {":attention", net_attention, "net:attention(x)",
     "Where attention looks: a list with an entry for every attention layer, .layer its path, "
     ".shares (heads × steps × steps) what share each step, a row, gives to every step of its "
     "sequence; rows sum to 1. Of several examples shares have one dimension more, in front. "
     "Padding looks at nothing. plot shows them; the network is as it was.",
     "net = nn.net(\"*x4 - attention 2 causal - 3\", {seed = 1})\n"
     "maps = net:attention(tensor.randn(5, 4, {seed = 1}))\n"
     "maps[1].shares.shape  → {2, 5, 5}\nplot(maps)",
     NULL},
    {.name = NULL},
};

void nbl_open_attention(lua_State *L)
{
    nbl_register(L, "net", entries);
}
