/* Schemas: who owns what, and the one place where a network's examples are scaled. */
#include "nn/data/schema.h"

#include "grad/op.h"
#include "tensor/shape.h"

nb_schema nb_schema_retain(const nb_schema *schema)
{
    nb_names_retain(schema->columns);
    nb_names_retain(schema->targets);
    if (schema->classes) nb_classes_retain(schema->classes);
    if (schema->words) nb_classes_retain(schema->words);
    nb_scale_retain(schema->scale);
    return *schema;
}

void nb_schema_release(nb_ctx *ctx, nb_schema *schema)
{
    nb_names_release(ctx, schema->columns);
    nb_names_release(ctx, schema->targets);
    nb_classes_release(ctx, schema->classes);
    nb_classes_release(ctx, schema->words);
    nb_scale_release(ctx, schema->scale);
    *schema = (nb_schema){.columns = NULL};
}

nb_tensor *nb_schema_seen(nb_ctx *ctx, const nb_schema *schema, nb_tensor *x, nb_dtype dtype)
{
    const nb_scale *scale = schema->scale;
    if (!scale) return nb_tensor_retain(x);
    nb_call call = {.op = nb_ops[NB_OP_rescale], .in = {x, scale->offset, scale->factor}};
    call.inputs = 3;
    nb_tensor *seen = nb_op_call(ctx, &call);
    if (!seen || seen->dtype == dtype) return seen;
    nb_call to = {.op = nb_ops[NB_OP_to], .in = {seen}, .inputs = 1, .attr.dtype = dtype};
    nb_tensor *rounded = nb_op_call(ctx, &to);
    nb_tensor_release(ctx, seen);
    return rounded;
}
