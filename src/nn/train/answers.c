/* See answers.h. */
#include "nn/train/answers.h"

#include "base/memory.h"
#include "grad/tape.h"
#include "nn/train/judge/evaluate.h"

#include <inttypes.h>
#include <stdio.h>

const nb_classes *nb_answer_classes(const nb_net *net, const nb_set *set)
{
    if (net->schema.classes) return net->schema.classes;
    const nb_classes *classes = set ? set->schema.classes : NULL;
    bool fits = classes && (classes->count == nb_net_units(net) || nb_set_is_pair(net, set));
    return fits ? classes : NULL;
}

nb_tensor *nb_answer_places(nb_ctx *ctx, const nb_net *net, nb_tensor *out)
{
    nb_call call = {.op = nb_ops[NB_OP_argmax], .in = {out}, .inputs = 1};
    call.attr.reduce = (struct nb_attr_reduce){.dims = {.count = 1, .at = {1}}, .keep = true};
    if (nb_net_units(net) > 1) return nb_op_call(ctx, &call);
    return nb_op_number(ctx, NB_OP_gt, out, nb_cost_middle(&net->cost));
}

/* (n, 1) of a single output as (n, 2), of both classes. */
static nb_tensor *both_classes(nb_ctx *ctx, const nb_net *net, nb_tensor *out)
{
    nb_tensor *minus = nb_op_number(ctx, NB_OP_mul, out, -1), *both = NULL;
    nb_tensor *first =
        minus ? nb_op_number(ctx, NB_OP_add, minus, 2 * nb_cost_middle(&net->cost)) : NULL;
    nb_tensor *const list[] = {first, out};
    if (first) both = nb_op_cat(ctx, list, 2, 1);
    nb_tensor_release(ctx, minus);
    nb_tensor_release(ctx, first);
    return both;
}

nb_status nb_answer_top(nb_ctx *ctx, const nb_net *net, nb_tensor *out, int64_t k,
                        nb_tensor **values, nb_tensor **places)
{
    nb_tensor *all = nb_net_units(net) > 1 ? nb_tensor_retain(out) : both_classes(ctx, net, out);
    nb_call call = {.op = nb_ops[NB_OP_topk], .in = {all}, .inputs = 1};
    if (!all) return ctx->status;
    call.attr.topk = (struct nb_attr_topk){.dims = {.count = 1, .at = {1}},
                                           .k = k < all->shape[1] ? k : all->shape[1]};
    *values = nb_op_call(ctx, &call);
    *places = *values ? call.more[0] : NULL;
    nb_tensor_release(ctx, all);
    return *values ? NB_OK : ctx->status;
}

/* ---- Beside a set ---------------------------------------------------------------------------- */

typedef struct answering {
    nb_net *net;
    const nb_set *set;         /* in the network's numbers of words */
    const nb_classes *classes; /* NULL: answers are numbers */
    nb_text name;              /* of a column */
    nb_tensor *out, *places;   /* of the examples at hand */
} answering;

static void drop(nb_ctx *ctx, answering *a)
{
    nb_tensor_release(ctx, a->out);
    nb_tensor_release(ctx, a->places);
    a->out = a->places = NULL;
}

/* "answer_setosa", or "answer_2" where output 2 has no name. */
static void add_name(answering *a, const char *name, int64_t i, nb_csv_writer *to)
{
    a->name.length = 0;
    nb_text_add(&a->name, "answer_");
    if (name)
        nb_text_add(&a->name, "%s", name);
    else
        nb_text_add(&a->name, "%" PRId64, i + 1);
    nb_csv_add_text(to, nb_text_get(&a->name));
}

/* What output i stands for, or NULL. A single output of classes stands for the second. */
static const char *name_of(const answering *a, int64_t i, int64_t units)
{
    const nb_names *targets =
        a->set->schema.targets ? a->set->schema.targets : a->net->schema.targets;
    if (a->classes && units == 1 && a->classes->count == 2) return a->classes->name[1];
    if (a->classes) return a->classes->count == units ? a->classes->name[i] : NULL;
    return targets && targets->count == units ? targets->name[i] : NULL;
}

static void head(void *self, nb_csv_writer *to)
{
    answering *a = self;
    int64_t units = nb_net_units(a->net);
    bool alone = units == 1 && !a->classes;
    if (a->classes || alone) nb_csv_add_text(to, "answer");
    for (int64_t i = 0; i < units && !alone; i++) add_name(a, name_of(a, i, units), i, to);
}

static nb_status prepare(nb_ctx *ctx, void *self, int64_t start, int64_t n)
{
    answering *a = self;
    bool single;
    drop(ctx, a);
    nb_set *part = nb_set_range(ctx, a->set, start, n);
    nb_tensor *raw = part ? nb_set_x(ctx, part, nb_net_in_dtype(a->net, part->x->dtype)) : NULL;
    nb_tensor *x = raw ? nb_net_inputs(ctx, a->net, raw, &single) : NULL;
    a->out = x ? nb_net_forward(ctx, a->net, x) : NULL;
    if (a->out && a->classes) a->places = nb_answer_places(ctx, a->net, a->out);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, raw);
    nb_set_release(ctx, part);
    return a->out && (a->places || !a->classes) ? NB_OK : ctx->status;
}

static void row(void *self, int64_t i, nb_csv_writer *to)
{
    answering *a = self;
    int64_t units = nb_net_units(a->net);
    if (a->classes) {
        int64_t place = (int64_t)nb_tensor_get(a->places, (const int64_t[]){i, 0});
        nb_csv_add_text(to, a->classes->name[units > 1 ? place - 1 : place]);
    }
    for (int64_t k = 0; k < units; k++)
        nb_csv_add_number(to, nb_tensor_get(a->out, (const int64_t[]){i, k}), a->out->dtype);
}

static nb_status check(nb_ctx *ctx, const nb_net *net)
{
    char text[NB_SHAPE_TEXT];
    const nb_form *out = nb_net_out(net);
    if (out->dims == 1) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE,
                   "a table has one answer for every example; this network gives %s",
                   nb_form_text(out, text));
}

nb_status nb_answers_save(nb_ctx *ctx, nb_net *net, nb_set *set, const char *path)
{
    nb_schema words = {.words = net->schema.words};
    nb_status status = check(ctx, net);
    if (status == NB_OK) status = nb_set_check_columns(ctx, net, set);
    nb_set *read = status == NB_OK ? nb_set_in_schema(ctx, set, &words) : NULL;
    answering a = {.net = net, .set = read, .classes = nb_answer_classes(net, set)};
    const nb_beside beside = {&a, nb_portion_size(net, set), head, prepare, row};
    if (!read) return ctx->status;
    nb_text_init(&a.name, ctx);
    status = nb_set_save_csv(ctx, set, path, &beside);
    nb_text_free(&a.name);
    drop(ctx, &a);
    nb_set_release(ctx, read);
    return status;
}
