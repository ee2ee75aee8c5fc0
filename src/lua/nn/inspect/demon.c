/* net:demon: z of one neuron moved, what δ says of it and how far that holds, as a value that
 * prints itself. */
#include "lua/nn/net.h"
#include "lua/nn/examples.h"
#include "lua/nn/inspect/seat.h"
#include "lua/result.h"
#include "nn/inspect/demon.h"

#include <math.h>
#include <stddef.h>

typedef struct demon_job {
    nb_net *net;
    nbl_examples examples;
    nb_seat seat;
    double dz;
    nb_demon found;
} demon_job;

static nb_status haunt(nb_ctx *ctx, void *data)
{
    demon_job *work = data;
    nbl_batch batch;
    if (nbl_prepare(ctx, work->net, &work->examples, &batch) != NB_OK) return ctx->status;
    const nb_mode as = {.lengths = batch.lengths, .weights = batch.weights};
    nb_status status =
        nb_demon_run(ctx, work->net, batch.x, batch.y, &as, &work->seat, work->dz, &work->found);
    nbl_batch_free(ctx, &batch);
    return status;
}

/* ---- The text ---- */

static void add_radius(nb_text *text, double radius, const nb_demon *found, const char *sign)
{
    if (isinf(radius))
        nb_text_add(text, "%s%.3g and beyond", sign, found->most);
    else if (radius > 0)
        nb_text_add(text, "%s%.4g", sign, radius);
    else
        nb_text_add(text, "%s nowhere", sign);
}

static void add_holds(nb_text *text, const nb_demon *found)
{
    nb_text_add(text, "\nholds to %.0f %% up to dz ", 100 * NB_DEMON_WRONG);
    add_radius(text, found->radius[0], found, "+");
    nb_text_add(text, " and ");
    add_radius(text, found->radius[1], found, "-");
    nb_text_add(text, " (looked at every %.0f %% from %.1g on)", 100 * NB_DEMON_STEP, found->least);
}

static void push_report(lua_State *L, const nb_layer *layer, const demon_job *work)
{
    const nb_demon *found = &work->found;
    nb_text *text = nbl_new_text(L);
    nb_text_add(text, "neuron %lld of %s (%s)", (long long)work->seat.neuron + 1,
                layer->plan->where, nb_runs_at(layer->plan->runs, work->seat.neuron).type->name);
    for (int i = 0; i < work->seat.ats; i++)
        nb_text_add(text, "%s%lld", i ? ", " : " at ", (long long)work->seat.at[i] + 1);
    nb_text_add(text, ": z %.4g, δ %.4g, C %.6g\n", found->z, found->delta, found->cost);
    nb_text_add(text, "dz %.4g: predicted %.4g, measured %.4g", work->dz, found->predicted,
                found->measured);
    if (found->flat)
        nb_text_add(text, "\nflat: δ is 0, so a small dz changes nothing");
    else
        add_holds(text, found);
    nbl_push_text(L, text);
    lua_remove(L, -2);
}

static int demon_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_pushliteral(L, "text");
    lua_rawget(L, 1);
    return 1;
}

/* ---- The value ---- */

static const char *const demon_lacks[] = {"radius", NULL};
static const nbl_result demon_kind = {.name = "nabla.demon",
                                      .whose = "what net:demon gives",
                                      .text = demon_tostring,
                                      .may_lack = demon_lacks};

static int push_demon(lua_State *L, const nb_layer *layer, const demon_job *work)
{
    const nb_demon *found = &work->found;
    lua_createtable(L, 0, 10);
    nbl_set_number(L, "predicted", found->predicted);
    nbl_set_number(L, "measured", found->measured);
    nbl_set_number(L, "delta", found->delta);
    nbl_set_number(L, "z", found->z);
    nbl_set_number(L, "cost", found->cost);
    lua_pushboolean(L, found->flat);
    lua_setfield(L, -2, "flat");
    if (!found->flat) {
        lua_createtable(L, 0, 2);
        nbl_set_number(L, "above", found->radius[0]);
        nbl_set_number(L, "below", found->radius[1]);
        lua_setfield(L, -2, "radius");
    }
    push_report(L, layer, work);
    lua_setfield(L, -2, "text");
    nbl_dress(L, &demon_kind);
    return 1;
}

/* ---- The call ---- */

typedef struct demon_options {
    nb_sizes at;
} demon_options;

static const nb_option options[] = {
    {.name = "at",
     .help = "where, for a neuron that has a z at several places: a step, or {row, column}",
     .range = "a whole number from 1, or two as in {3, 5}",
     .standard = "the only place",
     .low = 1,
     .high = NB_WHOLE_MAX,
     .kind = NB_SIZES,
     .most = 2,
     .offset = offsetof(demon_options, at)},
    NB_OPTIONS_END,
};

static void read_at(lua_State *L, int arg, nb_seat *seat)
{
    demon_options read;
    nbl_no_more(L, arg);
    nbl_options(L, arg, options, &read, false);
    if (read.at.size[0] == 0) return;
    seat->ats = read.at.count;
    for (int i = 0; i < seat->ats; i++) seat->at[i] = read.at.size[i] - 1;
}

static double check_dz(lua_State *L, int arg)
{
    double dz = lua_type(L, arg) == LUA_TNUMBER ? lua_tonumber(L, arg) : NAN;
    if (!isfinite(dz)) nbl_error(L, "dz must be a finite number, not %s", nbl_describe(L, arg));
    return dz;
}

static int net_demon(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    demon_job work = {.net = self->net};
    const nb_layer *layer = nbl_check_place(L, 2, self, &work.seat.place);
    work.seat.neuron = nbl_check_neuron(L, 3, layer);
    work.dz = check_dz(L, 4);
    int next = nbl_read_examples(L, 5, self->net, "net:demon", NBL_X_AND_Y, &work.examples);
    read_at(L, next, &work.seat);
    nbl_pin_net(L, self);
    int pin = lua_gettop(L);
    nbl_net_run(L, self, haunt, &work);
    push_demon(L, layer, &work);
    nbl_close_box(L, pin);
    return 1;
}

static const nbl_entry entries[] = {
    {":demon", net_demon, "net:demon(l, k, dz, x, y [, {at}])",
     "The demon of the notes: it adds dz to z of neuron k of layer l, for one example, and C "
     "changes by δ dz, as long as dz is small. Fields: .predicted (δ dz), .measured (a pass with "
     "the z moved, less one without), .radius.above and .below: how large |dz| may be, for each "
     "sign, with the prediction right to 10 % all the way. That is looked for from where C's "
     "rounding ends up to 10⁶ max(1, |z|), each |dz| 10 % above the last, and its end halved to "
     "12 digits; what happens between two of them is not seen; math.huge: no end was found, 0: it "
     "holds at none. Where δ is 0, .flat is true and there is no radius. A neuron of steps or of "
     "space has a z at each: {at = step}, {at = {row, column}}. In f64.",
     "net = nn.net \"4 - 3 - 2\"\nprint(net:demon(1, 2, 0.1, {1, 0, 1, 0}, {0, 1}))", options},
    {.name = NULL},
};

void nbl_open_demon(lua_State *L)
{
    nbl_register(L, "net", entries);
}
