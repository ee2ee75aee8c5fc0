/* Least squares of a network. Row i of the Jacobian is the gradient of one output for one example.
 */
#include "nn/train/squares.h"

#include "base/arith.h"
#include "nn/train/rows.h"
#include "nn/train/search/places.h"

#include <math.h>
#include <string.h>

nb_status nb_squares_check(nb_ctx *ctx, const nb_net *net, const char *who)
{
    if (net->cost.type->squares) return NB_OK;
    return nb_fail(ctx, NB_EARG,
                   "%s needs a cost that is a sum of squares, quadratic or mse; this network's is "
                   "%s",
                   who, net->cost.type->name);
}

/* ---- Residuals ------------------------------------------------------------------------------- */

/* The outputs of one example, or of one of its steps, weigh alike. */
typedef struct layout {
    int64_t each;   /* outputs of an example */
    int64_t steps;  /* of it; 1 */
    int64_t places; /* of a picture, where each counts as an example; 1 */
} layout;

static layout layout_of(const nb_whole *whole, const nb_tensor *y)
{
    int64_t n = y->shape[0], count = nb_tensor_count(y);
    nb_reading reading = nb_net_out(whole->net)->reading;
    layout l = {.each = n ? count / n : 0, .steps = 1, .places = 1};
    if (reading == NB_STEPS) l.steps = y->shape[1];
    if (reading == NB_SPACE && nb_net_counts_places(whole->net, y)) l.places = l.each / y->shape[1];
    return l;
}

/* √w of output k of example i; 0 for padding. */
static double root_of(const nb_whole *whole, const nb_portion *piece, const layout *l, int64_t i,
                      int64_t k)
{
    const nb_tensor *w = piece->weights;
    int64_t at[2] = {i, k / (l->each / l->steps)};
    if (l->steps > 1 && at[1] >= nb_batch_steps(whole->net, &piece->batch, i)) return 0;
    return w ? sqrt(nb_tensor_get(w, at)) : 1;
}

/* Residuals of examples first … of a piece, from their outputs; *counted grows. */
static nb_status compare(nb_ctx *ctx, const nb_whole *whole, const nb_portion *piece, int64_t first,
                         nb_tensor *a, double *r)
{
    const layout l = layout_of(whole, piece->batch.y);
    nb_tensor *out = nb_tensor_contiguous(ctx, a);
    nb_tensor *y = out ? nb_tensor_contiguous(ctx, piece->batch.y) : NULL;
    int64_t n = y ? a->shape[0] : 0;
    nb_status status = y ? NB_OK : ctx->status;
    if (y && nb_tensor_count(out) != n * l.each)
        status = nb_fail(ctx, NB_ESHAPE, "the outputs and y have different sizes");
    for (int64_t i = 0; i < n && status == NB_OK; i++)
        for (int64_t k = 0; k < l.each; k++, r++) {
            int64_t at = (first + i) * l.each + k;
            double root = root_of(whole, piece, &l, first + i, k);
            double d = nb_number_at(out->dtype, nb_tensor_data(out), i * l.each + k) -
                       nb_number_at(y->dtype, nb_tensor_data(y), at);
            *r = root > 0 ? root * d : 0;
        }
    nb_tensor_release(ctx, out);
    nb_tensor_release(ctx, y);
    return status;
}

static nb_status piece_residuals(nb_ctx *ctx, const nb_whole *whole, const nb_portion *piece,
                                 double *r)
{
    nb_mode mode = *whole->mode;
    nb_result pass;
    mode.lengths = piece->batch.lengths;
    mode.taped = false;
    nb_status status = nb_net_run(ctx, whole->net, piece->batch.x, NULL, &mode, NULL, &pass);
    if (status != NB_OK) return status;
    status = compare(ctx, whole, piece, 0, pass.output, r);
    nb_result_free(ctx, &pass);
    return status;
}

/* Residuals that are put one piece behind the other. */
static nb_status put_residuals(nb_ctx *ctx, const nb_whole *whole, const nb_portion *piece,
                               void *self)
{
    double **r = self;
    nb_status status = piece_residuals(ctx, whole, piece, *r);
    *r += nb_tensor_count(piece->batch.y);
    return status;
}

static nb_status residuals(nb_ctx *ctx, void *self, double *r)
{
    return nb_whole_each(ctx, self, put_residuals, &r);
}

/* ---- The Jacobian ---------------------------------------------------------------------------- */

/* The example whose rows are made. */
typedef struct sides {
    const nb_whole *whole;
    nb_row_example example;
    layout layout;
    double *residual; /* of each of its outputs */
    int64_t room;
} sides;

static nb_status begin_example(nb_ctx *ctx, void *self, const nb_row_example *example,
                               const nb_result *pass, int64_t *rows)
{
    sides *s = self;
    s->example = *example;
    s->layout = layout_of(s->whole, example->piece->batch.y);
    *rows = s->layout.each;
    if (*rows > s->room) {
        size_t each = sizeof *s->residual, had = (size_t)s->room * each;
        double *grown = nb_resize(ctx, s->residual, had, (size_t)*rows * each);
        if (!grown) return ctx->status;
        s->residual = grown;
        s->room = *rows;
    }
    return compare(ctx, s->whole, example->piece, example->at, pass->output, s->residual);
}

/* The gradient of output k times √w, and its residual. */
static void put_output(void *self, int64_t k, nb_tensor *delta, nb_row *row)
{
    const sides *s = self;
    nb_number_put(delta->dtype, nb_tensor_data(delta), k, 1);
    row->factor = root_of(s->whole, s->example.piece, &s->layout, s->example.at, k);
    row->beside = s->residual[k];
}

static nb_status jacobian(nb_ctx *ctx, void *self, const nb_row_taker *to)
{
    sides s = {.whole = self};
    const nb_row_source source = {.begin = begin_example, .row = put_output, .self = &s};
    nb_status status = nb_rows_make(ctx, self, &source, to);
    nb_free(ctx, s.residual, (size_t)s.room * sizeof *s.residual);
    return status;
}

/* ---- The sum --------------------------------------------------------------------------------- */

typedef struct sums {
    int64_t residuals, counted;
    double weight;
    double outputs; /* that the cost of an example averages over */
} sums;

static nb_status count_piece(nb_ctx *ctx, const nb_whole *whole, const nb_portion *piece, void *to)
{
    sums *s = to;
    const layout l = layout_of(whole, piece->batch.y);
    if (!nb_dtype_computes(piece->batch.y->dtype))
        return nb_fail(ctx, NB_EARG,
                       "residuals need y as numbers, and here are classes of all places of "
                       "pictures: give a 1 for each class and 0 else, or learn by lbfgs");
    for (int64_t i = 0; i < piece->batch.y->shape[0]; i++)
        for (int64_t k = 0; k < l.each; k++) s->counted += root_of(whole, piece, &l, i, k) > 0;
    s->residuals += nb_tensor_count(piece->batch.y);
    s->weight += piece->weight * (double)l.places;
    s->outputs = (double)(l.each / l.steps / l.places);
    return NB_OK;
}

nb_status nb_squares_of(nb_ctx *ctx, const nb_whole *whole, nb_squares *squares, int64_t *counted)
{
    sums s = {.residuals = 0};
    const nb_cost *cost = &whole->net->cost;
    nb_status status = nb_whole_each(ctx, whole, count_piece, &s);
    if (status != NB_OK) return status;
    *squares = (nb_squares){.count = s.residuals,
                            .share = cost->type->squares(cost, s.outputs) / s.weight,
                            .residuals = residuals,
                            .rows = jacobian,
                            .self = (void *)(uintptr_t)whole};
    if (counted) *counted = s.counted;
    return NB_OK;
}
