/* Digests of a run. */
#include "nn/train/run/alike.h"

#include "base/processes/peers.h"
#include "nn/data/digest.h"
#include "nn/notation/tunings.h"
#include "nn/notation/write.h"
#include "nn/train/optimizer.h"

#include <string.h>

/* In the order in which a difference is told: what comes first may be the cause of the rest. */
#define KINDS(X)                                                                                   \
    X(PLACE, "where the run goes on (a checkpoint that not all of them see?)")                     \
    X(SET, "the set")                                                                              \
    X(VALID, "valid")                                                                              \
    X(TEST, "test")                                                                                \
    X(NETWORK, "the network")                                                                      \
    X(SEED, "the seed of the run")                                                                 \
    X(CHANCE, "the seed of chance (nabla.seed, or how much was drawn since)")                      \
    X(PARAMETERS, "the vector of parameters")                                                      \
    X(EPOCHS, "epochs")                                                                            \
    X(BATCH, "batch")                                                                              \
    X(OPTIMIZER, "the optimizer")                                                                  \
    X(SETTINGS, "lr, or another option of the optimizer,")                                         \
    X(STATE, "the optimizer's state")                                                              \
    X(SCHEDULE, "schedule")                                                                        \
    X(SHUFFLE, "shuffle")                                                                          \
    X(ACCUMULATE, "accumulate")                                                                    \
    X(PIECES, "pieces")                                                                            \
    X(L1, "l1")                                                                                    \
    X(L2, "l2")                                                                                    \
    X(DECAY, "decay")                                                                              \
    X(CLIP, "clip")                                                                                \
    X(WEIGHTS, "weights")                                                                          \
    X(METRICS, "metrics")                                                                          \
    X(PATIENCE, "patience")                                                                        \
    X(FLOW, "flow")                                                                                \
    X(AUGMENT, "augment")                                                                          \
    X(ON_BATCH, "on_batch")                                                                        \
    X(ON_EPOCH, "on_epoch")                                                                        \
    X(CHECKPOINT, "checkpoint, or every,")                                                         \
    X(ANOMALY, "nabla.anomaly")

enum {
#define X(name, words) name,
    KINDS(X)
#undef X
        COUNT
};

static const char *const names[] = {
#define X(name, words) words,
    KINDS(X)
#undef X
};

_Static_assert((int)COUNT <= (int)NB_PEERS_DIGESTS, "a head has room for all");

static uint64_t of_number(double number)
{
    return nb_digest_number(NB_DIGEST_EMPTY, number);
}

static uint64_t of_word(uint64_t digest, const char *word)
{
    return word ? nb_digest(digest, word, strlen(word)) : digest;
}

/* NULL: none. */
static uint64_t of_tensor(const nb_tensor *t)
{
    if (!t) return 0;
    size_t bytes = (size_t)nb_tensor_count(t) * nb_dtype_size(t->dtype);
    return nb_digest(NB_DIGEST_EMPTY, nb_tensor_data(t), bytes);
}

static nb_status of_set(nb_ctx *ctx, const nb_set *set, uint64_t *digest)
{
    *digest = 0;
    return set ? nb_set_digest(ctx, set, digest) : NB_OK;
}

/* Which of its weights learn. */
static uint64_t with_masks(uint64_t digest, const nb_net *net)
{
    for (int l = 0; l < net->parts; l++) {
        const nb_tuning *tuning = &net->part[l]->tuning;
        for (int i = 0; i < tuning->masks; i++) {
            digest = of_word(nb_digest_number(digest, l), tuning->mask[i].name);
            digest = digest * 31 + of_tensor(tuning->mask[i].learns);
        }
    }
    return digest;
}

/* What it is built from, and how its layers, neurons and weights learn. */
static nb_status of_network(nb_ctx *ctx, const nb_net *net, uint64_t *digest)
{
    nb_text text;
    nb_text_init(&text, ctx);
    nb_notation_write(&text, net);
    nb_tunings_write(&text, net);
    *digest = with_masks(of_word(of_number(net->dtype), nb_text_get(&text)), net);
    nb_status status = text.failed ? ctx->status : NB_OK;
    nb_text_free(&text);
    return status;
}

/* An option that is a number in `from`. */
static double option_of(const nb_option *option, const void *from)
{
    const char *at = (const char *)from + option->offset;
    switch (option->kind) {
    case NB_NUMBER:
        return *(const double *)(const void *)at;
    case NB_INTEGER:
        return (double)*(const int64_t *)(const void *)at;
    case NB_BOOLEAN:
        return *(const bool *)(const void *)at;
    default:
        return 0;
    }
}

static uint64_t of_settings(const nb_optimizer *o)
{
    uint64_t digest = NB_DIGEST_EMPTY;
    for (const nb_option *option = o->type->options; option && option->name; option++)
        digest = nb_digest_number(digest, option_of(option, &o->options));
    return digest;
}

static uint64_t of_parameters(const nb_net *net)
{
    return of_tensor(net->values) * 31 + of_tensor(net->figures);
}

static void add_optimizer(const nb_optimizer *o, uint64_t digest[])
{
    digest[OPTIMIZER] = of_word(0, o->type->name);
    digest[SETTINGS] = of_settings(o);
    digest[STATE] = of_number((double)o->steps);
    for (int i = 0; i < o->slots; i++)
        digest[STATE] = digest[STATE] * 31 + of_tensor(o->slot[i].value);
}

/* Of a function it is only known that there is one. */
static uint64_t of_pace(const nb_pace *pace)
{
    const nb_schedule *s = &pace->schedule;
    uint64_t digest = of_number(pace->hook != NULL);
    if (s->type) digest = of_word(digest, s->type->name);
    digest = nb_digest(digest, s->number, sizeof s->number);
    if (s->then.type) digest = of_word(digest, ((const nb_schedule_type *)s->then.type)->name);
    return nb_digest(digest, s->then.number, sizeof s->then.number);
}

/* Likewise of a function among them. */
static uint64_t of_metrics(const nb_metrics_asked *metrics)
{
    uint64_t digest = NB_DIGEST_EMPTY;
    for (int i = 0; metrics && i < metrics->count; i++) {
        const nb_metric *metric = &metrics->metric[i];
        digest = of_word(nb_digest_number(digest, i), metric->type ? metric->type->name : NULL);
        digest = nb_digest(digest, metric->number, sizeof metric->number);
    }
    return digest;
}

static void add_options(const nb_trainer *t, const nb_alike *l, uint64_t digest[])
{
    digest[EPOCHS] = of_number((double)l->epochs);
    digest[BATCH] = of_number((double)t->course.size);
    digest[SEED] = nb_digest(0, &t->course.seed, sizeof t->course.seed);
    digest[SCHEDULE] = of_pace(&t->pace);
    digest[SHUFFLE] = t->course.shuffle;
    digest[ACCUMULATE] = of_number((double)t->course.group);
    digest[PIECES] = of_number((double)t->course.pieces);
    digest[L1] = of_number(t->penalty.l1);
    digest[L2] = of_number(t->penalty.l2);
    digest[DECAY] = of_number(t->penalty.decay);
    digest[CLIP] = nb_digest_number(of_number(t->penalty.clip_norm), t->penalty.clip_value);
    digest[WEIGHTS] = of_tensor(t->weights.of);
    digest[METRICS] = of_metrics(t->metrics);
    digest[PATIENCE] = of_number((double)t->patience);
    digest[FLOW] = l->flow;
    digest[AUGMENT] = t->augment != NULL;
    digest[ON_BATCH] = l->on_batch;
    digest[ON_EPOCH] = l->on_epoch;
    digest[CHECKPOINT] = nb_digest_number(of_number((double)l->every_epochs), l->every_seconds);
    digest[CHECKPOINT] += l->kept;
}

static nb_status add_all(nb_ctx *ctx, const nb_trainer *t, const nb_alike *l, uint64_t digest[])
{
    digest[PLACE] = nb_digest_number(of_number((double)t->course.steps), (double)t->history.epochs);
    digest[CHANCE] =
        nb_digest(nb_digest(0, &ctx->seed, sizeof ctx->seed), &ctx->draws, sizeof ctx->draws);
    digest[ANOMALY] = ctx->heedless;
    digest[PARAMETERS] = of_parameters(t->net);
    add_options(t, l, digest);
    add_optimizer(t->optimizer, digest);
    nb_status status = of_set(ctx, t->set, &digest[SET]);
    if (status == NB_OK) status = of_set(ctx, t->valid, &digest[VALID]);
    if (status == NB_OK) status = of_set(ctx, t->test, &digest[TEST]);
    return status == NB_OK ? of_network(ctx, t->net, &digest[NETWORK]) : status;
}

nb_status nb_alike_check(nb_ctx *ctx, const nb_trainer *trainer, const nb_alike *loop,
                         nb_status status)
{
    nb_head head;
    uint64_t digest[COUNT] = {0};
    if (!ctx->peers) return status;
    if (status == NB_OK) status = add_all(ctx, trainer, loop, digest);
    nb_head_begin(ctx, &head, NB_PEERS_BEGIN, 0, status);
    head.digests = COUNT;
    memcpy(head.digest, digest, sizeof digest);
    return nb_peers_agree(ctx, &head, names);
}

nb_status nb_alike_still(nb_ctx *ctx, nb_trainer *trainer, bool stopped, bool epoch,
                         nb_status status)
{
    static const char *const still[] = {
        "whether a callback has stopped the training",
        "the network (has a callback changed it?)",
        "lr, or another option of the optimizer (has a callback changed it?),",
        "the vector of parameters (has a callback changed it?)",
    };
    nb_head head;
    if (!ctx->peers) return status;
    if (epoch) nb_trainer_settle(trainer);
    uint64_t digest[] = {stopped, 0, 0, 0};
    if (epoch && status == NB_OK) status = of_network(ctx, trainer->net, &digest[1]);
    if (epoch && status == NB_OK)
        digest[2] = nb_digest_number(of_settings(trainer->optimizer), trainer->course.rate);
    if (epoch && status == NB_OK) digest[3] = of_parameters(trainer->net);
    nb_head_begin(ctx, &head, NB_PEERS_HOOK, (uint64_t)trainer->course.steps, status);
    head.digests = sizeof digest / sizeof *digest;
    memcpy(head.digest, digest, sizeof digest);
    return nb_peers_agree(ctx, &head, still);
}
