/* Optimizers: the table, and one step of any of them. */
#include "nn/train/optimizer.h"

#include "base/family.h"

#define X(name) extern const nb_optimizer_type nb_optimizer_##name;
#include "nn/train/optimizers.def"
#undef X

const nb_optimizer_type *const nb_optimizer_types[NB_OPTIMIZERS] = {
#define X(name) &nb_optimizer_##name,
#include "nn/train/optimizers.def"
#undef X
};

NB_DEFINE_FAMILY(nb_optimizer_type, nb_optimizer, nb_optimizer_types, NB_OPTIMIZERS)

void nb_optimizer_init(nb_optimizer *optimizer, const nb_optimizer_type *type)
{
    *optimizer = (nb_optimizer){.type = type};
    nb_option_defaults(type->options, &optimizer->options);
}

void nb_optimizer_free(nb_ctx *ctx, nb_optimizer *optimizer)
{
    for (int i = 0; i < NB_OPTIMIZER_SLOTS; i++) {
        nb_tensor_release(ctx, optimizer->slot[i]);
        optimizer->slot[i] = NULL;
    }
}

nb_status nb_optimizer_prepare(nb_ctx *ctx, nb_optimizer *optimizer, const nb_net *net)
{
    int64_t count = nb_net_count(net);
    if (optimizer->type->plain(optimizer)) return NB_OK;
    for (int i = 0; i < optimizer->type->slots; i++) {
        const nb_tensor *slot = optimizer->slot[i];
        if (slot && (slot->shape[0] != count || slot->dtype != net->dtype))
            return nb_fail(
                ctx, NB_EARG,
                "this %s has the state of a network with %lld parameters in %s; this one "
                "has %lld in %s; make a new one",
                optimizer->type->name, (long long)slot->shape[0], nb_dtype_name(slot->dtype),
                (long long)count, nb_dtype_name(net->dtype));
        if (!slot) optimizer->slot[i] = nb_tensor_zeros(ctx, net->dtype, 1, &count);
        if (!optimizer->slot[i]) return ctx->status;
    }
    return NB_OK;
}

nb_status nb_optimizer_step(nb_ctx *ctx, nb_optimizer *optimizer, nb_net *net, nb_tensor *x,
                            nb_tensor *y, bool keep_grads, double *cost)
{
    nb_status status = nb_optimizer_prepare(ctx, optimizer, net);
    if (status != NB_OK) return status;
    bool direct = !keep_grads && optimizer->type->plain(optimizer);
    const nb_sink sink = {net->whole->storage, net->whole, -optimizer->options.lr, 1};
    const nb_mode mode = {.learning = true};
    status = nb_net_learn(ctx, net, x, y, &mode, direct ? &sink : NULL, cost);
    /* Meanwhile a function of the host may have used or changed the optimizer. */
    if (status == NB_OK && !direct) status = nb_optimizer_prepare(ctx, optimizer, net);
    if (status != NB_OK) return status;
    optimizer->steps++;
    if (direct) return NB_OK;
    optimizer->type->step(optimizer, net->dtype, (size_t)nb_net_count(net),
                          nb_tensor_data(net->values), nb_tensor_data(net->grads));
    nb_tensor_touch(net->values, optimizer->type->name);
    return NB_OK;
}
