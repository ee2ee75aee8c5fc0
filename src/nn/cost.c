/* The table of costs, and how they are asked; costs/ has the functions. */
#include "nn/cost.h"

#include "base/family.h"
#include "base/text.h"
#include "tensor/make.h"
#include "tensor/shape.h"

#include <string.h>

#define X(name) extern const nb_cost_type nb_cost_##name;
#include "nn/costs.def"
#undef X

const nb_cost_type *const nb_costs[NB_COSTS] = {
#define X(name) &nb_cost_##name,
#include "nn/costs.def"
#undef X
};

NB_DEFINE_FAMILY(nb_cost_type, nb_cost, nb_costs, NB_COSTS)
NB_DEFINE_CHOICES(nb_cost_type, nb_cost, "cost")

nb_cost nb_cost_make(const nb_cost_type *type)
{
    nb_cost cost = {.type = type};
    if (type->options) nb_option_defaults(type->options, &cost);
    return cost;
}

void nb_cost_write(nb_text *text, const nb_cost *cost)
{
    nb_text_add(text, "%s", cost->type->name);
    if (cost->type->options) nb_options_write(text, cost->type->options, cost);
}

nb_status nb_cost_check(nb_ctx *ctx, const nb_cost *cost, nb_activation last, const char *where)
{
    return cost->type->check ? cost->type->check(ctx, cost, last, where) : NB_OK;
}

double nb_cost_middle(const nb_cost *cost)
{
    return cost->logits || cost->type->signs ? 0 : 0.5;
}

double nb_cost_rate(const nb_cost *cost, nb_activation last, int64_t units)
{
    const nb_cost_type *type = cost->type;
    if (type->rate) return type->rate(cost, last, units);
    return type->lr > 0 ? type->lr : NB_RATE;
}

nb_op_id nb_cost_fused(const nb_cost *cost, nb_activation last, int64_t units)
{
    return cost->type->fused ? cost->type->fused(cost, last, units) : NB_OPS;
}

/* A cost that is more exact than a, as one that counts may be, in the dtype of a. Takes `cost`
 * over. */
static nb_tensor *narrow(nb_ctx *ctx, nb_tensor *cost, const nb_tensor *a)
{
    nb_call to = {.op = nb_ops[NB_OP_to], .in = {cost}, .inputs = 1, .attr.dtype = a->dtype};
    if (!cost || cost->dtype != NB_F64) return cost;
    nb_tensor *out = nb_op_call(ctx, &to);
    nb_tensor_release(ctx, cost);
    return out;
}

/* C from a; checks that the result holds one number ("cost f must give one number, not 10x10"). */
static nb_tensor *cost_of_outputs(nb_ctx *ctx, const nb_cost *cost, nb_activation last,
                                  nb_tensor *a, const nb_answers *y)
{
    char text[NB_SHAPE_TEXT];
    if (y->weights && cost->type->host)
        return nb_fail_null(ctx, NB_EARG,
                            "cost %s gives one number for all examples, so they cannot be "
                            "weighted; let it weigh them itself",
                            cost->type->name);
    nb_tensor *out = narrow(ctx, cost->type->of(ctx, cost, last, a, y), a);
    if (!out) return NULL;
    if (nb_tensor_count(out) == 1 && out->dtype == a->dtype) return out;
    if (out->dtype != a->dtype)
        nb_fail(ctx, NB_ESHAPE,
                "cost %s gave %s from %s; make its constants with {dtype = a.dtype}",
                cost->type->name, nb_dtype_name(out->dtype), nb_dtype_name(a->dtype));
    else
        nb_fail(ctx, NB_ESHAPE, "cost %s must give one number, not %s; take its sum or mean",
                cost->type->name, nb_shape_text(out->dims, out->shape, text));
    nb_tensor_release(ctx, out);
    return NULL;
}

nb_tensor *nb_cost_op(nb_ctx *ctx, nb_op_id op, nb_tensor *out, const nb_answers *y)
{
    nb_call call = {.op = nb_ops[op], .in = {out, y->y, y->weights}, .inputs = y->weights ? 3 : 2};
    return nb_op_call(ctx, &call);
}

/* C from z by the fused op, and what it lacks of C. */
static nb_tensor *cost_of_z(nb_ctx *ctx, const nb_cost *cost, nb_op_id fused, nb_tensor *z,
                            const nb_answers *y)
{
    nb_tensor *out = nb_cost_op(ctx, fused, z, y);
    double rest = 0;
    if (!out || !cost->type->rest) return out;
    if (cost->type->rest(ctx, y, &rest) == NB_OK) return nb_then_number(ctx, NB_OP_add, out, rest);
    nb_tensor_release(ctx, out);
    return NULL;
}

nb_tensor *nb_cost_of(nb_ctx *ctx, const nb_cost *cost, nb_op_id fused, nb_activation last,
                      nb_tensor *out, const nb_answers *y)
{
    if (fused != NB_OPS) return cost_of_z(ctx, cost, fused, out, y);
    return cost_of_outputs(ctx, cost, last, out, y);
}

nb_tensor *nb_one_hot(nb_ctx *ctx, nb_dtype dtype, int64_t classes, nb_tensor *numbers)
{
    int64_t shape[NB_MAX_DIMS];
    char text[NB_SHAPE_TEXT];
    if (numbers->dims >= NB_MAX_DIMS)
        return nb_fail_null(ctx, NB_ESHAPE, "class numbers of %s have too many dimensions",
                            nb_shape_text(numbers->dims, numbers->shape, text));
    memcpy(shape, numbers->shape, (size_t)numbers->dims * sizeof *shape);
    shape[numbers->dims] = classes;
    nb_tensor *out = nb_tensor_new(ctx, dtype, numbers->dims + 1, shape);
    return out ? nb_tensor_settle(ctx, out, nb_fill_one_hot(ctx, out, numbers)) : NULL;
}

bool nb_cost_takes_classes(const nb_cost *cost, nb_activation last, int64_t units)
{
    return cost->type->classes && cost->type->classes(cost, last, units);
}
