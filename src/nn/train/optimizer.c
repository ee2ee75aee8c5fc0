/* Optimizers: the table, their state, and one step of any of them. */
#include "nn/train/optimizer.h"

#include "base/family.h"
#include "base/memory.h"
#include "nn/train/reach.h"

#include <string.h>

#define X(name) extern const nb_optimizer_type nb_optimizer_##name;
#include "nn/train/optimizers/optimizers.def"
#undef X

const nb_optimizer_type *const nb_optimizer_types[NB_OPTIMIZERS] = {
#define X(name) &nb_optimizer_##name,
#include "nn/train/optimizers/optimizers.def"
#undef X
};

NB_DEFINE_FAMILY(nb_optimizer_type, nb_optimizer, nb_optimizer_types, NB_OPTIMIZERS)

void nb_optimizer_init(nb_optimizer *optimizer, const nb_optimizer_type *type)
{
    *optimizer = (nb_optimizer){.type = type};
    nb_reach_forget(&optimizer->reach);
    nb_option_defaults(type->options, &optimizer->options);
}

void nb_optimizer_free(nb_ctx *ctx, nb_optimizer *optimizer)
{
    for (int i = 0; i < optimizer->slots; i++) nb_tensor_release(ctx, optimizer->slot[i].value);
    nb_free(ctx, optimizer->slot, (size_t)optimizer->slots * sizeof *optimizer->slot);
    optimizer->slot = NULL;
    optimizer->slots = 0;
}

/* Takes the reference to `value`, also when it fails; NULL is what failed before. */
static nb_status add_slot(nb_ctx *ctx, nb_optimizer *optimizer, const char *name, nb_tensor *value)
{
    size_t size = sizeof *optimizer->slot, old = (size_t)optimizer->slots * size;
    nb_slot *list = value ? nb_resize(ctx, optimizer->slot, old, old + size) : NULL;
    if (!list) {
        nb_tensor_release(ctx, value);
        return ctx->status;
    }
    optimizer->slot = list;
    nb_reach_forget(&optimizer->reach);
    list[optimizer->slots++] = (nb_slot){name, value};
    return NB_OK;
}

nb_status nb_optimizer_copy(nb_ctx *ctx, nb_optimizer *to, const nb_optimizer *from)
{
    nb_status status = NB_OK;
    *to = *from;
    to->slot = NULL;
    to->slots = 0;
    for (int i = 0; i < from->slots && status == NB_OK; i++) {
        const nb_slot *slot = &from->slot[i];
        status = add_slot(ctx, to, slot->name, nb_tensor_clone(ctx, slot->value));
    }
    if (status != NB_OK) nb_optimizer_free(ctx, to);
    return status;
}

static nb_status check_slot(nb_ctx *ctx, const nb_optimizer *optimizer, const nb_tensor *slot,
                            nb_dtype dtype, int64_t count, int64_t each)
{
    if (slot->shape[0] == count * each && slot->dtype == dtype) return NB_OK;
    return nb_fail(ctx, NB_EARG,
                   "this %s has the state of a network with %lld parameters in %s; this one "
                   "has %lld in %s; make a new one",
                   optimizer->type->name, (long long)(slot->shape[0] / each),
                   nb_dtype_name(slot->dtype), (long long)count, nb_dtype_name(dtype));
}

nb_tensor *nb_optimizer_slot(const nb_optimizer *optimizer, const char *name)
{
    for (int i = 0; i < optimizer->slots; i++)
        if (strcmp(optimizer->slot[i].name, name) == 0) return optimizer->slot[i].value;
    return NULL;
}

static nb_tensor *new_slot(nb_ctx *ctx, nb_dtype dtype, int64_t count, double initial)
{
    nb_tensor *value = nb_tensor_zeros(ctx, dtype, 1, &count);
    if (!value || initial == 0) return value;
    return nb_tensor_settle(ctx, value, nb_tensor_fill(ctx, value, initial));
}

/* Until a step was made state begins as the options say now, not as they said when it was made. */
static nb_status renew_slot(nb_ctx *ctx, const nb_optimizer *optimizer, const nb_slot_need *need)
{
    if (optimizer->steps > 0 || need->initial == 0) return NB_OK;
    return nb_tensor_fill(ctx, nb_optimizer_slot(optimizer, need->name), need->initial);
}

nb_status nb_optimizer_prepare(nb_ctx *ctx, nb_optimizer *optimizer, nb_dtype dtype, int64_t count)
{
    nb_status status = NB_OK;
    for (int i = 0; status == NB_OK; i++) {
        nb_slot_need need = optimizer->type->needs(optimizer, i);
        if (!need.name) break;
        const nb_tensor *has = nb_optimizer_slot(optimizer, need.name);
        nb_dtype kind = need.count ? NB_F64 : dtype;
        int64_t size = need.count ? need.count : count, each = need.each ? need.each : 1;
        if (has) {
            status = check_slot(ctx, optimizer, has, kind, size, each);
            if (status == NB_OK) status = renew_slot(ctx, optimizer, &need);
        } else
            status =
                add_slot(ctx, optimizer, need.name, new_slot(ctx, kind, size * each, need.initial));
    }
    return status;
}

const char *nb_optimizer_done(const nb_optimizer *optimizer)
{
    bool begun = optimizer->type->whole && optimizer->slots;
    return begun ? optimizer->type->done(optimizer) : NULL;
}

void nb_optimizer_begin(nb_optimizer *optimizer)
{
    if (!nb_optimizer_done(optimizer)) return;
    nb_reach_forget(&optimizer->reach);
    for (int i = 0; i < optimizer->slots; i++) {
        const nb_tensor *value = optimizer->slot[i].value;
        memset(nb_tensor_data(value), 0,
               (size_t)nb_tensor_count(value) * nb_dtype_size(value->dtype));
    }
}

nb_status nb_optimizer_step(nb_ctx *ctx, nb_optimizer *optimizer, const nb_problem *problem)
{
    nb_status status = nb_optimizer_prepare(ctx, optimizer, problem->dtype, problem->count);
    if (status == NB_OK) status = nb_poll(ctx);
    nb_problem own = *problem;
    own.reach = &optimizer->reach;
    own.reach->odd = -1;
    if (status == NB_OK) status = optimizer->type->step(ctx, optimizer, &own);
    if (status == NB_OK) optimizer->steps++;
    return status;
}
