/* Tunings as text: written from the layers, and read with the words of notation. */
#include "nn/notation/tunings.h"

#include "base/text.h"
#include "nn/learns.h"
#include "nn/notation/scan.h"

#include <stdio.h>
#include <string.h>

/* ---- Writing --------------------------------------------------------------------------------- */

static void write_layer(nb_text *text, const char *path, const nb_layer *layer)
{
    char factor[NB_NUMBER_MAX];
    const nb_tuning *tuning = &layer->tuning;
    if (layer->factor != 1)
        nb_text_add(text, "layer %s %s\n", path, nb_number_text(layer->factor, factor));
    if (layer->decay != NB_DECAY_WEIGHTS)
        nb_text_add(text, "decay %s %s\n", path, layer->decay == NB_DECAY_ALL ? "all" : "none");
    for (int64_t i = 0; i < tuning->neurons; i++) {
        const nb_tuned *own = &tuning->neuron[i];
        nb_text_add(text, "neuron %s %lld %s %s %s\n", path, (long long)own->neuron + 1,
                    own->frozen ? "frozen" : "learns", nb_number_text(own->factor, factor),
                    *own->name ? own->name : "-");
    }
}

void nb_tunings_write(nb_text *text, const nb_net *net)
{
    for (int i = 0; i < net->parts; i++)
        write_layer(text, nb_net_path(net, net->part[i]->plan), net->part[i]);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Words are copied: a file may hold anything. */
typedef struct reading {
    nb_scan scan;
    nb_net *net;
    char word[NB_PATH_MAX]; /* the last one taken */
} reading;

enum { WORD = 1u << NB_TOKEN_NAME, NUMBER = 1u << NB_TOKEN_SIZE | 1u << NB_TOKEN_NUMBER };

static nb_status not_understood(reading *r)
{
    char quote[NB_QUOTE_MAX];
    return nb_fail(r->scan.ctx, NB_EFORMAT, "how its neurons learn is not understood at %s",
                   nb_scan_quote(r->scan.token, quote));
}

/* Takes a token that is one of these kinds. */
static nb_status take(reading *r, unsigned kinds)
{
    nb_token token = r->scan.token;
    bool right = (kinds >> token.kind & 1) && token.length < sizeof r->word;
    if (!right) return not_understood(r);
    memcpy(r->word, token.at, token.length);
    r->word[token.length] = '\0';
    nb_scan_next(&r->scan);
    return NB_OK;
}

static nb_status take_number(reading *r, double *number)
{
    bool right = (NUMBER >> r->scan.token.kind & 1) && nb_scan_number(r->scan.token, number);
    return right ? take(r, NUMBER) : not_understood(r);
}

static nb_status take_name(reading *r, char name[NB_NAME_MAX])
{
    name[0] = '\0';
    if (nb_scan_at(&r->scan, '-')) {
        nb_scan_next(&r->scan);
        return NB_OK;
    }
    nb_status status = take(r, WORD);
    if (status == NB_OK && strlen(r->word) >= NB_NAME_MAX) return not_understood(r);
    if (status == NB_OK) memcpy(name, r->word, strlen(r->word) + 1);
    return status;
}

/* NUMBER frozen|learns FACTOR NAME */
static nb_status take_neuron(reading *r, nb_layer *layer)
{
    double number;
    nb_tuned tuned = {.neuron = -1};
    nb_status status = take_number(r, &number);
    if (status == NB_OK && number <= (double)NB_SIZE_MAX) tuned.neuron = (int64_t)number - 1;
    if (status == NB_OK) status = take(r, WORD);
    tuned.frozen = status == NB_OK && !strcmp(r->word, "frozen");
    if (status == NB_OK && !tuned.frozen && strcmp(r->word, "learns") != 0)
        return not_understood(r);
    if (status == NB_OK) status = take_number(r, &tuned.factor);
    if (status == NB_OK) status = take_name(r, tuned.name);
    return status == NB_OK ? nb_layer_tune(r->scan.ctx, layer, &tuned) : status;
}

/* Not of those below it: each has a line of its own. */
static nb_status take_factor(reading *r, nb_layer *layer)
{
    double factor;
    nb_status status = take_number(r, &factor);
    if (status == NB_OK) layer->factor = factor;
    return status;
}

static nb_status take_decay(reading *r, nb_layer *layer)
{
    nb_status status = take(r, WORD);
    bool all = status == NB_OK && !strcmp(r->word, "all");
    if (status != NB_OK) return status;
    if (!all && strcmp(r->word, "none") != 0) return not_understood(r);
    layer->decay = all ? NB_DECAY_ALL : NB_DECAY_NONE;
    return NB_OK;
}

static nb_status take_line(reading *r)
{
    static const struct {
        const char *word;
        nb_status (*take)(reading *r, nb_layer *layer);
    } lines[] = {{"neuron", take_neuron}, {"layer", take_factor}, {"decay", take_decay}};
    size_t i = 0, count = sizeof lines / sizeof lines[0];
    nb_status status = take(r, WORD);
    if (status != NB_OK) return status;
    while (i < count && strcmp(r->word, lines[i].word) != 0) i++;
    if (i == count) return not_understood(r);
    status = take(r, NUMBER);
    nb_layer *layer = status == NB_OK ? nb_net_layer(r->scan.ctx, r->net, r->word) : NULL;
    return layer ? lines[i].take(r, layer) : r->scan.ctx->status;
}

nb_status nb_tunings_read(nb_ctx *ctx, const char *text, nb_net *net)
{
    reading r = {.net = net};
    nb_status status = NB_OK;
    nb_scan_start(&r.scan, ctx, text);
    while (status == NB_OK && r.scan.token.kind != NB_TOKEN_END) {
        status = nb_poll(ctx);
        if (status == NB_OK) status = take_line(&r);
    }
    if (status != NB_EARG) return status;
    return ctx->status = NB_EFORMAT;
}
