/* Pieces of a set: each is gathered, traced, and added up. */
#include "nn/inspect/why/survey.h"

#include "base/arith.h"
#include "nn/net/backprop.h"
#include "nn/price.h"
#include "nn/train/judge/evaluate.h"

#include <math.h>

enum {
    PIECE_BYTES = 1 << 25, /* that a piece may take, about */
    PIECE_MOST = 1 << 14,  /* examples */
    COPIES = 4,            /* of what a pass keeps, while it is traced: z, a, and their gradients */
    OPENED = 6             /* … and as many of them while a layer is opened */
};

/* Examples of a piece. A form counts free sizes as 1; the set says what they are. */
static int64_t piece_size(const nb_survey *survey)
{
    const nb_net *net = survey->net;
    const nb_layer *layer = survey->layer;
    const nb_form *in = nb_net_in(net), *out = &layer->plan->out;
    nb_neurons family = layer->type->sums->family(layer, 0);
    double places = (double)nb_form_count(out) / (double)out->size[nb_form_neuron_dim(out)];
    double numbers = 2 * places * (double)(family.inputs + family.count), kept = 0;
    for (int i = 0; i < net->parts; i++)
        kept += (double)nb_form_count(&net->part[i]->plan->in) + nb_layer_price(net->part[i]).kept;
    numbers += kept * (layer->type->sums->rows ? COPIES : COPIES * OPENED);
    double times = (double)nb_feed_width(survey->set->x) / (double)nb_form_count(in);
    double n = PIECE_BYTES / (numbers * (times > 1 ? times : 1) * sizeof(double));
    return n < 1 ? 1 : n > PIECE_MOST ? PIECE_MOST : (int64_t)n;
}

/* One piece under way. */
typedef struct piece {
    nb_survey *survey;
    nb_tally *tally;
    int64_t start, n;
    nb_batch batch;
    nb_tensor *weights;
    nb_trace trace;
    double counted; /* what its cost is the mean of: so many times δ is the sum's */
} piece;

static nb_status gather(nb_ctx *ctx, piece *p)
{
    const nb_survey *of = p->survey;
    nb_tensor *x, *y;
    nb_status status = nb_batch_new(ctx, of->net, of->set, p->n, &x, &y);
    if (status != NB_OK) return status;
    status = nb_batch_gather(ctx, of->set, NULL, p->start, p->n, 0, x, y, &p->batch);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    if (status != NB_OK || !of->weights) return status;
    return nb_weights_of_rows(ctx, of->weights, of->net, of->set, p->start, &p->batch, &p->weights);
}

static nb_status trace(nb_ctx *ctx, piece *p)
{
    const nb_mode as = {
        .lengths = p->batch.lengths, .weights = p->weights, .rows = {NULL, p->start}};
    const nb_inquiry ask = {
        .net = p->survey->net, .x = p->batch.x, .y = p->batch.y, .mode = &as, .draws = ctx->draws};
    p->trace = (nb_trace){.open = p->survey->layer, .lean = true};
    nb_status status = nb_trace_run_as(ctx, p->survey->net, p->batch.x, p->batch.y, &as, &p->trace);
    if (status == NB_OK && !isfinite(p->trace.cost)) status = nb_net_bad_cost(ctx, p->trace.cost);
    if (status != NB_OK) return nb_net_explain(ctx, &ask, status);
    p->counted = nb_portion_weight(p->survey->set, p->trace.out, p->trace.lengths, p->weights);
    return NB_OK;
}

static nb_status take(nb_ctx *ctx, void *self, const nb_terms *terms)
{
    const piece *p = self;
    return nb_tally_add(ctx, p->tally, terms, p->counted);
}

static nb_status add_piece(nb_ctx *ctx, piece *p, nb_tally *tally, int first, int last)
{
    nb_status status = gather(ctx, p);
    if (status == NB_OK) status = trace(ctx, p);
    for (int i = first; i < last && status == NB_OK; i++) {
        p->tally = &tally[i - first];
        status = nb_terms_each(ctx, &p->trace, p->survey->layer, i, take, p);
    }
    return status;
}

nb_status nb_survey_run(nb_ctx *ctx, nb_survey *survey, nb_tally *tally, int first, int last,
                        nb_counts *counts)
{
    int64_t most = piece_size(survey), count = survey->set->count;
    double counted = 0;
    nb_status status = NB_OK;
    for (int64_t i = 0; i < count && status == NB_OK; i += most) {
        piece p = {.survey = survey, .start = i, .n = nb_least_i64(count - i, most)};
        nb_tell(ctx, "why", survey->done, survey->total);
        status = add_piece(ctx, &p, tally, first, last);
        survey->done += p.n;
        counted += p.counted;
        nb_trace_free(ctx, &p.trace);
        nb_batch_free(ctx, &p.batch);
        nb_tensor_release(ctx, p.weights);
    }
    *counts = (nb_counts){(double)count, counted > 0 ? (double)count / counted : 0};
    return status;
}
