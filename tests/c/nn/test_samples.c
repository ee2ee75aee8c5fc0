/* Every kind of layer in the networks of its descriptor: backpropagation against differences. A
 * kind without samples fails, and so does an option that no sample has. */
#include "nets.h"

#include "../support.h"
#include "base/option.h"
#include "nn/inspect/check/gradcheck.h"
#include "nn/inspect/check/judge_ops.h"

#include <stdio.h>

enum { EXAMPLES = 3, STEPS = 4, TEXT = 512 };

/* ---- One network ----------------------------------------------------------------------------- */

/* Of the form, with STEPS steps where those are free; whole numbers from 1 to 3 for words. */
static nb_tensor *filled(const nb_form *form, nb_dtype dtype, uint64_t seed)
{
    int64_t shape[NB_MAX_DIMS] = {EXAMPLES};
    for (int i = 0; i < form->dims; i++) shape[i + 1] = form->size[i] < 0 ? STEPS : form->size[i];
    nb_tensor *t = nb_tensor_zeros(ctx, NB_F64, form->dims + 1, shape);
    nb_stream stream = nb_stream_make(seed, NB_FOR_TENSOR, 1);
    double *values = nb_tensor_data(t);
    for (int64_t i = 0; i < nb_tensor_count(t); i++)
        values[i] =
            dtype == NB_I32 ? 1 + (double)nb_random_below(&stream, 3) : nb_random_normal(&stream);
    nb_tensor *out = nb_tensor_convert(ctx, t, dtype, 1);
    nb_tensor_release(ctx, t);
    return out;
}

/* Each part by itself agrees with its differences, and so does every op of the pass: else somebody
 * would be blamed for others' errors. */
static void check_nobody_is_to_blame(nb_net *net, nb_tensor *x, nb_tensor *y, const char *notation)
{
    const nb_op *op = NULL;
    nb_again again;
    nb_blame blame;
    nb_judged found;
    nb_result pass;
    nb_status status = nb_again_begin(&again, ctx, net, x, y, NULL);
    again.mode.by_batch = true;
    if (status == NB_OK) status = nb_again_trace(&again);
    if (status == NB_OK) status = nb_blame_find(&again, &blame);
    if (status != NB_OK || blame.who)
        fail_msg("%s: %s", notation, status ? ctx->message : blame.name);
    again.mode.taped = true;
    assert_int_equal(nb_net_run(ctx, again.net, again.x, again.y, &again.mode, NULL, &pass), NB_OK);
    status = nb_judge_ops(ctx, pass.cost, &op, &found);
    if (status != NB_OK || op)
        fail_msg("%s: %s: %g, by differences %g", notation, op ? op->name : ctx->message,
                 found.backward, found.differences);
    nb_result_free(ctx, &pass);
    nb_again_end(&again);
}

static void check(const nb_layer_type *type, const char *notation)
{
    nb_net *net = net_of(ctx, notation, NB_F64);
    nb_stream stream = nb_stream_make(5, NB_FOR_TENSOR, 2);
    double *values = nb_tensor_data(net->values);
    bool stands = false;
    for (int i = 0; i < net->parts; i++) stands |= net->part[i]->type == type;
    if (!stands) fail_msg("%s does not stand in its sample %s", type->name, notation);
    for (int64_t i = 0; i < nb_net_count(net); i++) values[i] = nb_random_normal(&stream) / 2;
    nb_tensor *x = filled(nb_net_in(net), nb_net_in_dtype(net, NB_F32), 3);
    nb_tensor *y = filled(nb_net_out(net), NB_F64, 4);
    nb_gradcheck result;
    if (nb_gradcheck_run(ctx, net, x, y, NULL, &result) != NB_OK || !result.ok)
        fail_msg("%s: %s", notation, ctx->status ? ctx->message : "a gradient is wrong");
    check_nobody_is_to_blame(net, x, y, notation);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
    assert_int_equal(ctx->memory.live, 0);
}

/* ---- All kinds ------------------------------------------------------------------------------- */

/* Those that every layer has say nothing of what it computes. */
static bool is_common(const char *name)
{
    static const char *const common[] = {"name", "init", "frozen", "activation"};
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (!strcmp(name, common[i])) return true;
    return false;
}

static void check_options(const nb_layer_type *type)
{
    for (const nb_option *o = type->options; o->name; o++)
        if (!is_common(o->name) && !o->place && !strstr(type->samples, o->name))
            fail_msg("no sample of %s has its option %s", type->name, o->name);
}

static void test_samples(void **state)
{
    (void)state;
    for (int i = 0; i < NB_LAYERS; i++) {
        const nb_layer_type *type = nb_layer_types[i];
        if (type->table_only) continue;
        if (!type->samples) fail_msg("%s has no samples", type->name);
        check_options(type);
        for (const char *at = type->samples; *at;) {
            char notation[TEXT];
            size_t length = strcspn(at, ";");
            snprintf(notation, sizeof notation, "%.*s", (int)length, at);
            check(type, notation);
            at += length;
            at += strspn(at, "; ");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_samples, setup, teardown),
    };
    return cmocka_run_group_tests_name("samples", tests, NULL, NULL);
}
