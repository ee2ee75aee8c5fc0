/* Checkpoints: a trainer's state to named tensors and back. What a file says is held against the
 * trainer before anything of it is taken over. */
#include "nn/train/run/checkpoint.h"

#include "io/safetensors.h"
#include "io/sink.h"
#include "nn/model.h"
#include "nn/train/reach.h"
#include "nn/train/run/snapshot.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { KEY_MAX = 2 * NB_NAME_MAX };

/* ---- The numbers of a run ---- */

/* LATER: a count that files of earlier versions do not have; it stays as it is. */
typedef enum kind { COUNT, REAL, FLAG, SEED, LATER } kind;

typedef struct field {
    const char *name;
    kind kind; /* int64_t from 0, double, bool, uint64_t */
    size_t offset;
} field;

static const field course_fields[] = {
    {"count", COUNT, offsetof(nb_course, count)},
    {"batch_size", COUNT, offsetof(nb_course, size)},
    {"accumulate", COUNT, offsetof(nb_course, group)},
    {"seed", SEED, offsetof(nb_course, seed)},
    {"shuffle", FLAG, offsetof(nb_course, shuffle)},
    {"epoch", COUNT, offsetof(nb_course, epoch)},
    {"batch", COUNT, offsetof(nb_course, batch)},
    {"examples", COUNT, offsetof(nb_course, examples)},
    {"weight", REAL, offsetof(nb_course, weight)},
    {"sum", REAL, offsetof(nb_course, sum)},
    {"rate", REAL, offsetof(nb_course, rate)},
    {"steps", COUNT, offsetof(nb_course, steps)},
    {"best", COUNT, offsetof(nb_course, best)},
    {"pieces", LATER, offsetof(nb_course, pieces)},
    {.name = NULL},
};

static const field history_fields[] = {
    {"seconds", REAL, offsetof(nb_history, seconds)},
    {"trained_on", COUNT, offsetof(nb_history, examples)},
    {.name = NULL},
};

static const field optimizer_fields[] = {
    {"optimizer_steps", COUNT, offsetof(nb_optimizer, steps)},
    {"optimizer_evaluations", COUNT, offsetof(nb_optimizer, evaluations)},
    {.name = NULL},
};

/* A number as one or two that f64 holds. */
static int64_t split(const field *f, const void *from, double out[2])
{
    const char *at = (const char *)from + f->offset;
    uint64_t seed;
    switch (f->kind) {
    case COUNT:
    case LATER:
        out[0] = (double)*(const int64_t *)(const void *)at;
        return 1;
    case REAL:
        out[0] = *(const double *)(const void *)at;
        return 1;
    case FLAG:
        out[0] = *(const bool *)at;
        return 1;
    case SEED:
        break;
    }
    memcpy(&seed, at, sizeof seed);
    out[0] = (double)(seed >> 32);
    out[1] = (double)(seed & UINT32_MAX);
    return 2;
}

static bool is_whole(double value, double most)
{
    return value >= 0 && value <= most && value == floor(value);
}

/* False for what such a field cannot hold. */
static bool join(const field *f, const double in[2], void *to)
{
    char *at = (char *)to + f->offset;
    switch (f->kind) {
    case COUNT:
    case LATER:
        if (!is_whole(in[0], NB_WHOLE_MAX)) return false;
        *(int64_t *)(void *)at = (int64_t)in[0];
        return true;
    case REAL:
        *(double *)(void *)at = in[0];
        return isfinite(in[0]);
    case FLAG:
        *(bool *)at = in[0] != 0;
        return is_whole(in[0], 1);
    case SEED:
        break;
    }
    if (!is_whole(in[0], UINT32_MAX) || !is_whole(in[1], UINT32_MAX)) return false;
    uint64_t seed = (uint64_t)in[0] << 32 | (uint64_t)in[1];
    memcpy(at, &seed, sizeof seed);
    return true;
}

static const char *key_of(char key[KEY_MAX], const char *group, const char *name)
{
    snprintf(key, KEY_MAX, "%c%s.%s", NB_MODEL_ASIDE, group, name);
    return key;
}

/* ---- Saving ---- */

/* `n` numbers as a tensor of their own. */
static nb_status add_numbers(nb_ctx *ctx, nb_archive *archive, const char *group, const char *name,
                             int64_t n, const double *number)
{
    char key[KEY_MAX];
    nb_tensor *tensor = nb_tensor_new(ctx, NB_F64, 1, &n);
    if (!tensor) return ctx->status;
    memcpy(nb_tensor_data(tensor), number, (size_t)n * sizeof *number);
    nb_status status = nb_archive_add(ctx, archive, key_of(key, group, name), tensor);
    nb_tensor_release(ctx, tensor);
    return status;
}

static nb_status add_fields(nb_ctx *ctx, nb_archive *archive, const field *fields, const void *from)
{
    nb_status status = NB_OK;
    for (const field *f = fields; f->name && status == NB_OK; f++) {
        double number[2];
        int64_t n = split(f, from, number);
        status = add_numbers(ctx, archive, "run", f->name, n, number);
    }
    return status;
}

/* The number that every whole epoch has at `offset` of nb_epoch. */
static nb_status add_list(nb_ctx *ctx, nb_archive *archive, const char *group, const char *name,
                          const nb_history *history, size_t offset)
{
    char key[KEY_MAX];
    nb_tensor *list = nb_tensor_new(ctx, NB_F64, 1, &history->epochs);
    if (!list) return ctx->status;
    double *number = nb_tensor_data(list);
    for (int64_t i = 0; i < history->epochs; i++)
        number[i] = *nb_epoch_number(&history->epoch[i], offset);
    nb_status status = nb_archive_add(ctx, archive, key_of(key, group, name), list);
    nb_tensor_release(ctx, list);
    return status;
}

#define FLOW_KEY "history", "flow"

/* Of all whole epochs, one behind the other. */
static nb_status add_flow(nb_ctx *ctx, nb_archive *archive, const nb_history *history)
{
    int64_t n = history->epochs * history->flow.places * NB_FLOW_FIGURES;
    return n ? add_numbers(ctx, archive, FLOW_KEY, n, history->flow.number) : NB_OK;
}

static nb_status add_history(nb_ctx *ctx, nb_archive *archive, const nb_history *history)
{
    nb_status status = NB_OK;
    if (!history->epochs) return NB_OK;
    for (const nb_epoch_field *f = nb_epoch_fields; f->name && status == NB_OK; f++)
        status = add_list(ctx, archive, "history", f->name, history, f->offset);
    for (int k = 0; k < history->metrics && status == NB_OK; k++)
        status = add_list(ctx, archive, "metric", history->metric[k], history, nb_metric_offset(k));
    return status == NB_OK ? add_flow(ctx, archive, history) : status;
}

static nb_status add_optimizer(nb_ctx *ctx, nb_archive *archive, const nb_trainer *t)
{
    char key[KEY_MAX];
    const nb_optimizer *o = t->optimizer;
    nb_status status = add_fields(ctx, archive, optimizer_fields, o);
    for (const nb_option *option = o->type->options; option->name && status == NB_OK; option++) {
        const double pair[2] = {nb_option_number(option, &o->options),
                                nb_option_number(option, &t->options)};
        status = add_numbers(ctx, archive, "option", option->name, 2, pair);
    }
    for (int i = 0; i < o->slots && status == NB_OK; i++)
        status =
            nb_archive_add(ctx, archive, key_of(key, "state", o->slot[i].name), o->slot[i].value);
    return status;
}

static nb_status add_best(nb_ctx *ctx, nb_archive *archive, const nb_trainer *t)
{
    static const char *const names[NB_NET_STATE] = {"@best.0", "@best.1"};
    nb_status status = NB_OK;
    for (int i = 0; i < NB_NET_STATE && t->best[0] && status == NB_OK; i++)
        status = nb_archive_add(ctx, archive, names[i], t->best[i]);
    return status;
}

static nb_status add_run(nb_ctx *ctx, nb_archive *archive, const nb_trainer *t)
{
    char text[KEY_MAX];
    const nb_history history = {.seconds = nb_trainer_seconds(t), .examples = t->history.examples};
    snprintf(text, sizeof text, "%s %s", NB_CHECKPOINT_FORMAT, t->optimizer->type->name);
    nb_status status = nb_archive_add_meta(ctx, archive, "run", text);
    if (status == NB_OK) status = add_fields(ctx, archive, course_fields, &t->course);
    if (status == NB_OK) status = add_fields(ctx, archive, history_fields, &history);
    if (status == NB_OK) status = add_history(ctx, archive, &t->history);
    if (status == NB_OK) status = add_optimizer(ctx, archive, t);
    return status == NB_OK ? add_best(ctx, archive, t) : status;
}

nb_status nb_checkpoint_save(nb_ctx *ctx, const nb_trainer *trainer, const char *path)
{
    nb_archive archive = {.count = 0};
    nb_status status = nb_model_add(ctx, &archive, trainer->net);
    if (status == NB_OK) status = add_run(ctx, &archive, trainer);
    if (status == NB_OK) status = nb_safetensors_save(ctx, path, &archive);
    nb_archive_free(ctx, &archive);
    return status;
}

nb_status nb_checkpoint_try(nb_ctx *ctx, const char *path)
{
    nb_sink *sink = nb_sink_open(ctx, path);
    if (!sink) return ctx->status;
    nb_sink_drop(sink);
    return NB_OK;
}

/* ---- Going on ---- */

/* A vector of `count` numbers, borrowed; NULL with NB_EFORMAT. */
static const nb_tensor *find_vector(nb_ctx *ctx, const nb_archive *archive, const char *key,
                                    nb_dtype dtype, int64_t count)
{
    const nb_tensor *tensor = nb_archive_find(archive, key);
    bool fits = tensor && tensor->dtype == dtype && tensor->dims == 1 && tensor->shape[0] == count;
    if (fits) return tensor;
    nb_fail(ctx, NB_EFORMAT, "%s is %s; %lld numbers in %s are needed", key,
            tensor ? "of another size or kind" : "missing", (long long)count, nb_dtype_name(dtype));
    return NULL;
}

static const double *find_numbers(nb_ctx *ctx, const nb_archive *archive, const char *group,
                                  const char *name, int64_t n)
{
    char key[KEY_MAX];
    const nb_tensor *tensor = find_vector(ctx, archive, key_of(key, group, name), NB_F64, n);
    return tensor ? nb_tensor_data(tensor) : NULL;
}

static nb_status read_fields(nb_ctx *ctx, const nb_archive *archive, const field *fields, void *to)
{
    char key[KEY_MAX];
    for (const field *f = fields; f->name; f++) {
        if (f->kind == LATER && !nb_archive_find(archive, key_of(key, "run", f->name))) continue;
        const double *number = find_numbers(ctx, archive, "run", f->name, 1 + (f->kind == SEED));
        if (!number) return ctx->status;
        if (!join(f, number, to))
            return nb_fail(ctx, NB_EFORMAT, "@run.%s is %g", f->name, number[0]);
    }
    return NB_OK;
}

/* As many epochs as the course says; NB_EFORMAT where one list is of another length. */
static nb_status read_history(nb_ctx *ctx, const nb_archive *archive, nb_history *history)
{
    const nb_tensor *first = nb_archive_find(archive, "@history.cost");
    int64_t epochs = first && first->dims == 1 ? first->shape[0] : 0;
    nb_status status = read_fields(ctx, archive, history_fields, history);
    if (status == NB_OK) status = nb_history_reserve(ctx, history, epochs);
    for (const nb_epoch_field *f = nb_epoch_fields; f->name && epochs && status == NB_OK; f++) {
        const double *number = find_numbers(ctx, archive, "history", f->name, epochs);
        if (!number) return ctx->status;
        for (int64_t i = 0; i < epochs; i++)
            *nb_epoch_number(&history->epoch[i], f->offset) = number[i];
    }
    if (status == NB_OK) history->epochs = epochs;
    return status;
}

/* Those that are asked for now; NaN for epochs in which nobody did. */
static nb_status read_metrics(nb_ctx *ctx, const nb_archive *archive, const nb_history *asked,
                              nb_history *history)
{
    history->metrics = asked->metrics;
    memcpy(history->metric, asked->metric, sizeof history->metric);
    for (int k = 0; k < history->metrics; k++) {
        char key[KEY_MAX];
        const char *name = history->metric[k];
        bool there = nb_archive_find(archive, key_of(key, "metric", name)) != NULL;
        const double *number =
            there ? find_numbers(ctx, archive, "metric", name, history->epochs) : NULL;
        if (there && !number) return ctx->status;
        for (int64_t i = 0; i < history->epochs; i++)
            history->epoch[i].metric[k] = there ? number[i] : NAN;
    }
    return NB_OK;
}

/* Likewise what flows through the layers. A run that kept it goes on with it, unless it is told not
 * to. */
static nb_status read_flow(nb_ctx *ctx, const nb_archive *archive, const nb_trainer *t,
                           nb_history *history)
{
    char key[KEY_MAX];
    const nb_flow *asked = &t->history.flow;
    bool there = nb_archive_find(archive, key_of(key, FLOW_KEY)) != NULL;
    if (!asked->places && (!there || t->flow_told)) return NB_OK;
    nb_status status = asked->places ? nb_flow_copy(ctx, &history->flow, asked, 0)
                                     : nb_flow_begin(ctx, t->net, &history->flow);
    int64_t n = history->epochs * history->flow.places * NB_FLOW_FIGURES;
    if (status == NB_OK) status = nb_flow_reserve(ctx, &history->flow, history->room);
    if (status != NB_OK || !n) return status;
    const double *number = there ? find_numbers(ctx, archive, FLOW_KEY, n) : NULL;
    if (there && !number) return ctx->status;
    for (int64_t i = 0; i < n; i++) history->flow.number[i] = there ? number[i] : NAN;
    return NB_OK;
}

/* Where the run stood is where a run can stand. */
static nb_status check_course(nb_ctx *ctx, const nb_course *at, const nb_history *history)
{
    bool whole = at->examples == at->count;
    int64_t batches = at->size > 0 ? (at->examples + at->size - 1) / at->size : -1;
    bool begun = at->epoch > 0 || (at->examples == 0 && at->steps == 0);
    bool order = at->examples <= at->count && at->batch == batches &&
                 (whole || at->examples == at->batch * at->size) && at->steps >= at->batch;
    bool told = history->epochs == at->epoch || (at->epoch && history->epochs == at->epoch - 1);
    bool best = at->best <= history->epochs && at->epoch <= NB_SET_ROWS_MAX;
    if (begun && order && told && best && (whole || !at->epoch || history->epochs < at->epoch))
        return NB_OK;
    return nb_fail(ctx, NB_EFORMAT, "it says that epoch %lld has %lld of %lld examples behind it",
                   (long long)at->epoch, (long long)at->examples, (long long)at->count);
}

static nb_status differs(nb_ctx *ctx, const char *what, double file, double now)
{
    return nb_fail(ctx, NB_EARG, "its run has %s %.17g, this one %.17g", what, file, now);
}

/* What makes the order of batches is the run's for good. */
static nb_status check_order(nb_ctx *ctx, const nb_course *file, const nb_course *now)
{
    if (file->count != now->count)
        return differs(ctx, "a set of", (double)file->count, (double)now->count);
    if (file->size != now->size)
        return differs(ctx, "batch", (double)file->size, (double)now->size);
    if (file->group != now->group)
        return differs(ctx, "accumulate", (double)file->group, (double)now->group);
    if (file->shuffle != now->shuffle)
        return nb_fail(ctx, NB_EARG, "its run %s its examples, this one %s",
                       file->shuffle ? "shuffles" : "does not shuffle",
                       now->shuffle ? "does" : "does not");
    return NB_OK;
}

/* Of every option: the user's where it is not what the run began with, else as the run left it. */
static nb_status read_options(nb_ctx *ctx, const nb_archive *archive, const nb_trainer *t,
                              nb_optimizer *o)
{
    for (const nb_option *option = o->type->options; option->name; option++) {
        const double *pair = find_numbers(ctx, archive, "option", option->name, 2);
        if (!pair) return ctx->status;
        double now = nb_option_number(option, &t->options);
        bool told = !(now == pair[1] || (isnan(now) && isnan(pair[1])));
        if (told || isnan(pair[0])) continue;
        if (nb_option_set(ctx, option, &o->options, pair[0]) != NB_OK)
            return ctx->status = NB_EFORMAT;
    }
    return NB_OK;
}

/* The vectors that it has, in the order of its needs: those of an optimizer before its first step
 * may be fewer. */
static nb_status read_state(nb_ctx *ctx, const nb_archive *archive, nb_optimizer *o)
{
    for (int i = 0; i < o->slots; i++) {
        char key[KEY_MAX];
        nb_tensor *to = o->slot[i].value;
        key_of(key, "state", o->slot[i].name);
        if (!nb_archive_find(archive, key))
            return nb_fail(ctx, NB_EFORMAT, "%s is missing, which %s keeps with these options", key,
                           o->type->name);
        const nb_tensor *from = find_vector(ctx, archive, key, to->dtype, to->shape[0]);
        if (!from) return ctx->status;
        memcpy(nb_tensor_data(to), nb_tensor_data(from), nb_tensor_bytes(to));
    }
    return NB_OK;
}

static nb_status read_optimizer(nb_ctx *ctx, const nb_archive *archive, const nb_trainer *t,
                                nb_optimizer *o)
{
    *o = (nb_optimizer){.type = t->optimizer->type, .options = t->options};
    nb_reach_forget(&o->reach);
    nb_status status = read_fields(ctx, archive, optimizer_fields, o);
    if (status == NB_OK) status = read_options(ctx, archive, t, o);
    if (status == NB_OK) status = nb_optimizer_prepare(ctx, o, t->net->dtype, nb_net_count(t->net));
    return status == NB_OK ? read_state(ctx, archive, o) : status;
}

static nb_status read_best(nb_ctx *ctx, const nb_archive *archive, const nb_trainer *t,
                           nb_tensor *best[NB_NET_STATE])
{
    static const char *const names[NB_NET_STATE] = {"@best.0", "@best.1"};
    if (!t->patience || !nb_archive_find(archive, names[0])) return NB_OK;
    nb_status status = nb_net_keep(ctx, t->net, best);
    for (int i = 0; i < NB_NET_STATE && status == NB_OK; i++) {
        const nb_tensor *from =
            find_vector(ctx, archive, names[i], best[i]->dtype, nb_tensor_count(best[i]));
        if (!from) return ctx->status;
        memcpy(nb_tensor_data(best[i]), nb_tensor_data(from), nb_tensor_bytes(best[i]));
    }
    return status;
}

/* That the file is a run of ours, with the trainer's optimizer. */
static nb_status check_format(nb_ctx *ctx, const nb_archive *archive, const nb_trainer *t)
{
    static const char format[] = NB_CHECKPOINT_FORMAT;
    const char *run = nb_archive_meta(archive, "run"), *name = t->optimizer->type->name;
    size_t length = sizeof format - 1;
    if (!run)
        return nb_fail(ctx, NB_EFORMAT,
                       "it holds no run of training; net:train(set, {checkpoint = path}) writes "
                       "such files");
    if (strncmp(run, format, length) != 0 || run[length] != ' ')
        return nb_fail(ctx, NB_EFORMAT, "its run is '%.*s'; '%s' is expected", NB_NAME_MAX, run,
                       format);
    if (strcmp(run + length + 1, name) != 0)
        return nb_fail(ctx, NB_EARG, "its run has the optimizer %.*s, this one %s", NB_NAME_MAX,
                       run + length + 1, name);
    return NB_OK;
}

static bool are_alike(char *const *a, int64_t a_count, char *const *b, int64_t b_count)
{
    bool same = a_count == b_count;
    for (int64_t i = 0; same && i < a_count; i++) same = !strcmp(a[i], b[i]);
    return same;
}

/* That what the run learned from has the names of what it goes on with, in their order. */
static nb_status check_names(nb_ctx *ctx, const nb_archive *archive, const nb_schema *now)
{
    nb_schema was = {.columns = NULL};
    const char *other = NULL;
    nb_status status = nb_schema_read_names(ctx, archive, &was);
    if (status != NB_OK) return status;
    if (was.columns && now->columns &&
        !are_alike(was.columns->name, was.columns->count, now->columns->name, now->columns->count))
        other = "columns";
    if (was.classes && now->classes &&
        !are_alike(was.classes->name, was.classes->count, now->classes->name, now->classes->count))
        other = "classes";
    nb_schema_release(ctx, &was);
    if (!other) return NB_OK;
    return nb_fail(
        ctx, NB_EARG,
        "its run learned from other %s, or from these in another order; nn.load gives its "
        "network, which understands them by their names",
        other);
}

/* A run keeps its pieces, on as many processes as can share them. */
static nb_status check_pieces(nb_ctx *ctx, const nb_trainer *t, int64_t pieces)
{
    if (t->pieces_told && pieces != t->course.pieces)
        return differs(ctx, "pieces", (double)pieces, (double)t->course.pieces);
    return nb_trainer_check_pieces(ctx, pieces);
}

/* Seeds that were not told are the run's; one that was told must be. So are pieces. */
static nb_status read_snapshot(nb_ctx *ctx, const nb_archive *archive, const nb_trainer *t,
                               nb_snapshot *s)
{
    nb_status status = check_format(ctx, archive, t);
    if (status == NB_OK) status = nb_model_numbers(ctx, archive, t->net, &s->net[0], &s->net[1]);
    if (status == NB_OK) status = check_names(ctx, archive, &t->net->schema);
    s->course.pieces = 1;
    if (status == NB_OK) status = read_fields(ctx, archive, course_fields, &s->course);
    s->course.cost = NAN; /* of a step that files do not tell of */
    if (status == NB_OK) status = read_history(ctx, archive, &s->history);
    if (status == NB_OK) status = read_metrics(ctx, archive, &t->history, &s->history);
    if (status == NB_OK) status = read_flow(ctx, archive, t, &s->history);
    if (status == NB_OK) status = check_course(ctx, &s->course, &s->history);
    if (status == NB_OK) status = check_order(ctx, &s->course, &t->course);
    if (status == NB_OK && t->seed_told && s->course.seed != t->course.seed)
        status = differs(ctx, "seed", (double)s->course.seed, (double)t->course.seed);
    if (status == NB_OK) status = check_pieces(ctx, t, s->course.pieces);
    if (status == NB_OK) status = read_optimizer(ctx, archive, t, &s->optimizer);
    return status == NB_OK ? read_best(ctx, archive, t, s->best) : status;
}

nb_status nb_checkpoint_resume(nb_ctx *ctx, nb_trainer *trainer, const char *path, bool *there)
{
    nb_archive archive = {.count = 0};
    *there = access(path, F_OK) == 0 || errno != ENOENT;
    if (!*there) return NB_OK;
    nb_status status = nb_safetensors_load(ctx, path, &archive);
    if (status != NB_OK) return status;
    nb_snapshot *s = nb_snapshot_new(ctx);
    status = s ? read_snapshot(ctx, &archive, trainer, s) : ctx->status;
    if (status == NB_OK)
        status = nb_trainer_restore(ctx, trainer, s);
    else
        nb_fail_in(ctx, "%s", path);
    nb_snapshot_free(ctx, s);
    nb_archive_free(ctx, &archive);
    return status;
}
