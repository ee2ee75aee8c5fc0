/* Running sums of metrics, and the answers kept for those of the host. */
#include "nn/train/judge/measure.h"

#include "base/memory.h"
#include "nn/train/batch.h"
#include "tensor/join.h"

#include <math.h>
#include <string.h>

/* One whose sums are here: not the share of right answers, not the host's. */
static bool sums_up(const nb_metric *metric)
{
    return metric->type && metric->type->add;
}

static nb_status check(nb_ctx *ctx, const nb_metric_type *type, bool classes)
{
    if (type->classes == classes) return NB_OK;
    return nb_fail(ctx, NB_EARG, "the metric %s is of %s; here y holds %s", type->name,
                   classes ? "targets" : "classes", classes ? "classes" : "targets");
}

nb_status nb_measure_begin(nb_ctx *ctx, nb_measure *m, nb_metrics_asked *asked, const nb_net *net,
                           const nb_set *set)
{
    bool classes = nb_set_has_classes(net, set);
    nb_status status = NB_OK;
    *m = (nb_measure){.asked = asked};
    for (int i = 0; asked && i < asked->count; i++) {
        asked->value[i] = NAN;
        asked->table[i] = NULL;
    }
    for (int i = 0; asked && i < asked->count && status == NB_OK; i++) {
        const nb_metric *metric = &asked->metric[i];
        m->whole = m->whole || !metric->type;
        m->values = m->values || !metric->type || (sums_up(metric) && !metric->type->classes);
        if (sums_up(metric)) status = check(ctx, metric->type, classes);
    }
    return status;
}

/* Memory for the sums, once K is known. */
static nb_status make_sums(nb_ctx *ctx, nb_measure *m, int64_t columns)
{
    if (m->columns) return NB_OK;
    m->columns = columns;
    for (int i = 0; i < m->asked->count; i++) {
        const nb_metric *metric = &m->asked->metric[i];
        if (!sums_up(metric)) continue;
        m->sum[i] = nb_alloc_zero(ctx, (size_t)metric->type->sums(columns), sizeof *m->sum[i]);
        if (!m->sum[i]) return ctx->status;
    }
    return NB_OK;
}

/* Room for one more tensor in both lists; they grow together. */
static nb_status make_room(nb_ctx *ctx, nb_measure *m)
{
    size_t size = sizeof *m->given;
    int64_t room = m->room ? 2 * m->room : 8;
    if (m->parts < m->room) return NB_OK;
    nb_tensor **lists[2] = {nb_alloc(ctx, (size_t)room * size), NULL};
    if (lists[0]) lists[1] = nb_alloc(ctx, (size_t)room * size);
    if (!lists[1]) {
        if (lists[0]) nb_free(ctx, lists[0], (size_t)room * size);
        return ctx->status;
    }
    if (m->parts) {
        memcpy(lists[0], m->given, (size_t)m->parts * size);
        memcpy(lists[1], m->wanted, (size_t)m->parts * size);
    }
    nb_free(ctx, m->given, (size_t)m->room * size);
    nb_free(ctx, m->wanted, (size_t)m->room * size);
    m->given = lists[0];
    m->wanted = lists[1];
    m->room = room;
    return NB_OK;
}

static nb_status keep(nb_ctx *ctx, nb_measure *m, const nb_judged *answers)
{
    nb_status status = make_room(ctx, m);
    if (status != NB_OK) return status;
    const nb_tensor *y = answers->classes ? answers->classes : answers->wanted;
    nb_tensor *given = nb_tensor_clone(ctx, answers->given);
    nb_tensor *wanted = given ? nb_tensor_clone(ctx, y) : NULL;
    if (!wanted) {
        nb_tensor_release(ctx, given);
        return ctx->status;
    }
    m->given[m->parts] = given;
    m->wanted[m->parts++] = wanted;
    return NB_OK;
}

nb_status nb_measure_add(nb_ctx *ctx, nb_measure *m, const nb_judged *answers)
{
    if (!m->asked || !m->asked->count) return NB_OK;
    nb_status status = make_sums(ctx, m, answers->given->shape[1]);
    if (status == NB_OK && m->whole) status = keep(ctx, m, answers);
    if (status != NB_OK) return status;
    m->answers += answers->given->shape[0];
    for (int i = 0; i < m->asked->count; i++) {
        const nb_metric *metric = &m->asked->metric[i];
        if (sums_up(metric)) metric->type->add(metric, answers, m->sum[i]);
    }
    return NB_OK;
}

/* What a function of the host says of all answers. */
static nb_status ask(nb_ctx *ctx, const nb_metric *metric, nb_tensor *given, nb_tensor *wanted,
                     double *value)
{
    const nb_cost *of = &metric->host;
    nb_tensor *said =
        of->type->of(ctx, of, (nb_activation){.type = NULL}, given, &(nb_answers){.y = wanted});
    if (!said) return ctx->status;
    nb_status status = NB_OK;
    if (nb_tensor_count(said) == 1)
        *value = nb_tensor_item(said);
    else
        status = nb_fail(ctx, NB_EARG, "the metric %s must give one number", of->type->name);
    nb_tensor_release(ctx, said);
    return status;
}

static nb_status ask_hosts(nb_ctx *ctx, nb_measure *m)
{
    if (!m->whole || !m->parts) return NB_OK;
    nb_status status = NB_OK;
    nb_tensor *given = nb_tensor_cat(ctx, m->given, (size_t)m->parts, 0);
    nb_tensor *wanted = given ? nb_tensor_cat(ctx, m->wanted, (size_t)m->parts, 0) : NULL;
    if (!wanted) status = ctx->status;
    for (int i = 0; i < m->asked->count && status == NB_OK; i++) {
        const nb_metric *metric = &m->asked->metric[i];
        if (!metric->type) status = ask(ctx, metric, given, wanted, &m->asked->value[i]);
    }
    nb_tensor_release(ctx, given);
    nb_tensor_release(ctx, wanted);
    return status;
}

static nb_status make_table(nb_ctx *ctx, nb_measure *m, int i)
{
    const int64_t shape[2] = {m->columns, m->columns};
    nb_tensor *table = nb_tensor_new(ctx, NB_I32, 2, shape);
    if (!table) return ctx->status;
    int32_t *count = nb_tensor_data(table);
    for (int64_t k = 0; k < nb_tensor_count(table); k++) count[k] = (int32_t)m->sum[i][k];
    m->asked->table[i] = table;
    return NB_OK;
}

/* Of metric number i, from its sums. */
static nb_status settle(nb_ctx *ctx, nb_measure *m, int i, double accuracy)
{
    const nb_metric *metric = &m->asked->metric[i];
    if (metric->type && !metric->type->add) m->asked->value[i] = accuracy;
    if (!sums_up(metric) || !m->answers) return NB_OK;
    if (!metric->type->value) return make_table(ctx, m, i);
    m->asked->value[i] = metric->type->value(m->columns, m->answers, m->sum[i]);
    return NB_OK;
}

static void drop(nb_ctx *ctx, nb_measure *m)
{
    size_t bytes = (size_t)m->room * sizeof *m->given;
    for (int i = 0; m->columns && i < m->asked->count; i++) {
        const nb_metric *metric = &m->asked->metric[i];
        if (!m->sum[i]) continue;
        nb_free(ctx, m->sum[i], (size_t)metric->type->sums(m->columns) * sizeof *m->sum[i]);
    }
    for (int64_t i = 0; i < m->parts; i++) {
        nb_tensor_release(ctx, m->given[i]);
        nb_tensor_release(ctx, m->wanted[i]);
    }
    nb_free(ctx, m->given, bytes);
    nb_free(ctx, m->wanted, bytes);
}

nb_status nb_measure_end(nb_ctx *ctx, nb_measure *m, nb_status status, double accuracy)
{
    if (status == NB_OK) status = ask_hosts(ctx, m);
    for (int i = 0; status == NB_OK && m->asked && i < m->asked->count; i++)
        status = settle(ctx, m, i, accuracy);
    for (int i = 0; status != NB_OK && m->asked && i < m->asked->count; i++) {
        nb_tensor_release(ctx, m->asked->table[i]);
        m->asked->table[i] = NULL;
    }
    drop(ctx, m);
    return status;
}
