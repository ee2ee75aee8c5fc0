/* Descriptions of layers: taken, compared, put back. */
#include "nn/train/glass/said.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* One layer. */
typedef struct part {
    nb_runs *runs;                             /* or NULL */
    unsigned char settings[NB_LAYER_SETTINGS]; /* the head included */
    double factor;
    nb_decay decay;
    nb_tuning tuning;
    nb_cost cost;     /* of a network */
    nb_schema schema; /* likewise */
} part;

/* Part 0 is the network itself, part i + 1 its layer number i. */
struct nb_said {
    size_t refs, bytes;
    int parts;
    part part[];
};

static nb_layer *layer_of(const nb_net *net, int i)
{
    return i ? net->part[i - 1] : (nb_layer *)(uintptr_t)&net->layer;
}

/* ---- Taking ---- */

static size_t tuning_bytes(const nb_tuning *tuning)
{
    size_t bytes = (size_t)tuning->neurons * sizeof *tuning->neuron;
    for (int i = 0; i < tuning->masks; i++)
        bytes += (size_t)nb_tensor_count(tuning->mask[i].learns);
    return bytes;
}

static nb_status take_part(nb_ctx *ctx, const nb_layer *layer, part *to)
{
    const nb_net *net = nb_net_of(layer);
    const nb_plan *plan = layer->plan;
    to->runs = plan && plan->runs ? nb_runs_retain(plan->runs) : NULL;
    memcpy(to->settings, layer->settings, sizeof to->settings);
    to->factor = layer->factor;
    to->decay = layer->decay;
    if (net) memcpy(&to->cost, &net->cost, sizeof to->cost);
    if (net) to->schema = nb_schema_retain(&net->schema);
    return nb_tuning_copy(ctx, &to->tuning, &layer->tuning);
}

nb_said *nb_said_take(nb_ctx *ctx, const nb_net *net)
{
    int parts = net->parts + 1;
    size_t bytes = sizeof(nb_said) + (size_t)parts * sizeof(part);
    nb_said *said = nb_alloc_zero(ctx, 1, bytes);
    if (!said) return NULL;
    said->refs = 1;
    said->bytes = bytes;
    said->parts = parts;
    for (int i = 0; i < parts; i++) {
        if (take_part(ctx, layer_of(net, i), &said->part[i]) == NB_OK) continue;
        nb_said_release(ctx, said);
        return NULL;
    }
    return said;
}

nb_said *nb_said_retain(nb_said *said)
{
    said->refs++;
    return said;
}

void nb_said_release(nb_ctx *ctx, nb_said *said)
{
    if (!said || --said->refs > 0) return;
    for (int i = 0; i < said->parts; i++) {
        nb_runs_release(ctx, said->part[i].runs);
        nb_tuning_free(ctx, &said->part[i].tuning);
        nb_schema_release(ctx, &said->part[i].schema);
    }
    nb_free(ctx, said, said->bytes);
}

size_t nb_said_bytes(const nb_said *said)
{
    size_t bytes = said->bytes;
    for (int i = 0; i < said->parts; i++) bytes += tuning_bytes(&said->part[i].tuning);
    return bytes;
}

/* ---- Comparing ---- */

static bool same_numbers(const nb_tensor *a, const nb_tensor *b)
{
    size_t bytes = (size_t)nb_tensor_count(a) * nb_dtype_size(a->dtype);
    return nb_tensor_count(a) == nb_tensor_count(b) &&
           !memcmp(nb_tensor_data(a), nb_tensor_data(b), bytes);
}

static bool is_frozen(const part *a)
{
    nb_layer_head head;
    memcpy(&head, a->settings, sizeof head);
    return head.frozen;
}

/* The next neuron, from number *i of the list on, that learns otherwise than its layer; NULL: none.
 * One that has a name alone does not. */
static const nb_tuned *next_neuron(const part *a, int64_t *i)
{
    for (; *i < a->tuning.neurons; (*i)++) {
        const nb_tuned *tuned = &a->tuning.neuron[*i];
        if (tuned->frozen != is_frozen(a) || tuned->factor != a->factor) return tuned;
    }
    return NULL;
}

/* Of layers that are alike as a whole. */
static bool same_neurons(const part *a, const part *b)
{
    for (int64_t i = 0, j = 0;; i++, j++) {
        const nb_tuned *p = next_neuron(a, &i), *q = next_neuron(b, &j);
        if (!p || !q) return p == q;
        if (p->neuron != q->neuron || p->frozen != q->frozen || !(p->factor == q->factor))
            return false;
    }
}

static bool same_masks(const nb_tuning *a, const nb_tuning *b)
{
    bool same = a->masks == b->masks;
    for (int i = 0; same && i < a->masks; i++)
        same = !strcmp(a->mask[i].name, b->mask[i].name) &&
               same_numbers(a->mask[i].learns, b->mask[i].learns);
    return same;
}

/* What a type's settings say behind the head; names of other layers are no names of its own. */
static bool same_options(const unsigned char *a, const unsigned char *b)
{
    return !memcmp(a + sizeof(nb_layer_head), b + sizeof(nb_layer_head),
                   NB_LAYER_SETTINGS - sizeof(nb_layer_head));
}

static bool same_activation(const part *a, const nb_runs *runs, const nb_layer_head *head)
{
    nb_layer_head had;
    memcpy(&had, a->settings, sizeof had);
    bool same = had.activation.type == head->activation.type &&
                (!head->activation.type || nb_activation_same(had.activation, head->activation));
    if (!a->runs || !runs) return same && a->runs == runs;
    return a->runs == runs || nb_runs_same(a->runs, runs);
}

/* What first differs, a word of the user's; NULL: nothing. */
static const char *difference(const part *a, const part *b)
{
    nb_layer_head head;
    memcpy(&head, b->settings, sizeof head);
    if (!same_activation(a, b->runs, &head)) return "activation";
    if (is_frozen(a) != head.frozen) return "frozen";
    if (!(a->factor == b->factor)) return "factor";
    if (a->decay != b->decay) return "decay";
    if (!same_neurons(a, b)) return "neurons";
    if (!same_masks(&a->tuning, &b->tuning)) return "mask";
    if (!same_options(a->settings, b->settings)) return "options";
    if (memcmp(&a->cost, &b->cost, sizeof a->cost)) return "cost";
    if (a->schema.scale != b->schema.scale) return "scale";
    return memcmp(&a->schema, &b->schema, sizeof a->schema) ? "names" : NULL;
}

/* What a layer says now, borrowed. */
static part now_of(const nb_layer *layer)
{
    const nb_net *net = nb_net_of(layer);
    part now = {.runs = layer->plan ? layer->plan->runs : NULL,
                .factor = layer->factor,
                .decay = layer->decay,
                .tuning = layer->tuning};
    memcpy(now.settings, layer->settings, sizeof now.settings);
    if (net) memcpy(&now.cost, &net->cost, sizeof now.cost);
    if (net) memcpy(&now.schema, &net->schema, sizeof now.schema);
    return now;
}

bool nb_said_holds(const nb_said *said, const nb_net *net)
{
    bool same = said->parts == net->parts + 1;
    for (int i = 0; same && i < said->parts; i++) {
        const part now = now_of(layer_of(net, i));
        same = !difference(&said->part[i], &now);
    }
    return same;
}

const char *nb_said_difference(const nb_said *a, const nb_said *b, const nb_net *net, char *text)
{
    int parts = a->parts < b->parts ? a->parts : b->parts;
    if (parts > net->parts + 1) parts = net->parts + 1;
    for (int i = 0; a != b && i < parts; i++) {
        const char *what = difference(&a->part[i], &b->part[i]);
        if (!what) continue;
        const char *where = i ? nb_layer_where(layer_of(net, i)) : "the network";
        snprintf(text, NB_SAID_TEXT, "%s: %s", where, what);
        return text;
    }
    return NULL;
}

/* ---- Putting back ---- */

nb_status nb_saying_ready(nb_ctx *ctx, nb_saying *saying, nb_said *said)
{
    size_t size = sizeof *saying->tuning;
    *saying = (nb_saying){.said = nb_said_retain(said)};
    saying->tuning = nb_alloc_zero(ctx, (size_t)said->parts, size);
    nb_status status = saying->tuning ? NB_OK : ctx->status;
    for (int i = 0; i < said->parts && status == NB_OK; i++)
        status = nb_tuning_copy(ctx, &saying->tuning[i], &said->part[i].tuning);
    if (status != NB_OK) nb_saying_drop(ctx, saying);
    return status;
}

void nb_saying_drop(nb_ctx *ctx, nb_saying *saying)
{
    nb_said *said = saying->said;
    if (!said) return;
    for (int i = 0; saying->tuning && i < said->parts; i++) nb_tuning_free(ctx, &saying->tuning[i]);
    nb_free(ctx, saying->tuning, (size_t)said->parts * sizeof *saying->tuning);
    nb_said_release(ctx, said);
    *saying = (nb_saying){.said = NULL};
}

static void put_settings(nb_layer *layer, const part *from)
{
    char name[NB_NAME_MAX];
    memcpy(name, layer->head.name, sizeof name);
    memcpy(layer->settings, from->settings, sizeof layer->settings);
    memcpy(layer->head.name, name, sizeof name);
}

static void put_network(nb_ctx *ctx, nb_net *net, const part *from)
{
    nb_schema had = net->schema;
    memcpy(&net->cost, &from->cost, sizeof net->cost);
    net->schema = nb_schema_retain(&from->schema);
    nb_schema_release(ctx, &had);
}

/* Exchanges the tunings, so that what there was goes with the saying. */
static void put_part(nb_ctx *ctx, nb_layer *layer, const part *from, nb_tuning *tuning)
{
    const nb_tuning had = layer->tuning;
    put_settings(layer, from);
    layer->factor = from->factor;
    layer->decay = from->decay;
    layer->tuning = *tuning;
    *tuning = had;
    if (layer->plan && from->runs && layer->plan->runs != from->runs) {
        nb_runs_release(ctx, layer->plan->runs);
        layer->plan->runs = nb_runs_retain(from->runs);
    }
    if (nb_net_of(layer)) put_network(ctx, nb_net_of(layer), from);
}

void nb_saying_put(nb_ctx *ctx, nb_saying *saying, nb_net *net)
{
    const nb_said *said = saying->said;
    for (int i = 0; i < said->parts; i++) {
        nb_layer *layer = layer_of(net, i);
        const part now = now_of(layer);
        if (difference(&said->part[i], &now))
            put_part(ctx, layer, &said->part[i], &saying->tuning[i]);
    }
    nb_saying_drop(ctx, saying);
}
