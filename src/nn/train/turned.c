/* w of the first dense layer as runs over rows of non-zeros take it. */
#include "nn/train/turned.h"

#include "kernel/kernel.h"
#include "nn/net/first.h"

#include <string.h>

enum { NOT_ASKED = 2 };

/* ---- Which steps ----------------------------------------------------------------------------- */

/* Whether what is said of its learning holds for all numbers of w alike. */
static bool is_plain(const nb_layer *layer)
{
    const nb_tuning *tuning = &layer->tuning;
    return !layer->head.frozen && !tuning->neurons && !tuning->masks;
}

static double share_most(int64_t inputs, int64_t neurons, int64_t rows)
{
    if (inputs < NB_THIN_INPUTS) return 0;
    bool far = neurons >= NB_THIN_WIDE && rows < NB_THIN_MANY;
    return far ? NB_THIN_SHARE_WIDE : NB_THIN_SHARE;
}

bool nb_turned_suits(const nb_turned *turned, int64_t n)
{
    const nb_net *net = turned->net;
    if (turned->share > 1 || turned->optimizer->type->whole) return false;
    const nb_layer *first = nb_rows_layer(net);
    if (!first || !is_plain(first)) return false;
    const nb_param *w = nb_rows_weight(first);
    if (!w) return false;
    if (turned->given.rows.dtype != net->dtype || turned->given.rows.columns != w->shape[1])
        return false;
    if (turned->share >= share_most(w->shape[1], w->shape[0], n)) return false;
    return nb_rows_taken(net, first) && (turned->given.turned || nb_rows_finite(net, first));
}

nb_status nb_turned_begin(nb_ctx *ctx, nb_turned *turned, nb_net *net, const nb_set *set,
                          nb_optimizer *optimizer)
{
    *turned = (nb_turned){.net = net, .optimizer = optimizer, .share = NOT_ASKED};
    turned->given.rows = (nb_thin){.dtype = net->dtype, .columns = nb_feed_width(set->x)};
    if (!nb_set_is_thin(set)) return NB_OK;
    return nb_set_share(ctx, set, &turned->share);
}

void nb_turned_end(nb_ctx *ctx, nb_turned *turned)
{
    nb_turned_settle(turned);
    nb_thin_free(ctx, &turned->given.rows);
    nb_tensor_release(ctx, turned->room);
    turned->room = NULL;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

nb_tensor *nb_turned_gather(nb_ctx *ctx, nb_turned *turned, const nb_set *set, const int32_t *order,
                            int64_t n, int64_t ahead)
{
    nb_thin *rows = &turned->given.rows;
    if (nb_set_gather_thin(ctx, set, order, 0, n, ahead, rows) != NB_OK) return NULL;
    nb_rows_shape(turned->net, &turned->given);
    return nb_thinned_tensor(ctx, &turned->given);
}

nb_tensor *nb_turned_rows_of(nb_ctx *ctx, nb_turned *turned, nb_tensor *x)
{
    nb_thin *rows = &turned->given.rows;
    const nb_real_kernels *real = nb_real(x->dtype);
    int64_t n = x->shape[0], k = rows->columns, width = (int64_t)nb_dtype_size(x->dtype), at = 0;
    const char *data = nb_tensor_data(x);
    int64_t count = (int64_t)real->count_nonzero((size_t)(n * k), data);
    if (nb_thin_make_room(ctx, rows, n, count) != NB_OK) return NULL;
    for (int64_t i = 0; i < n; i++) {
        rows->start[i] = (int32_t)at;
        at += (int64_t)real->nonzeros((size_t)k, data + i * k * width, rows->index + at,
                                      (char *)rows->value + at * width);
    }
    rows->start[n] = (int32_t)at;
    rows->rows = n;
    rows->count = count;
    nb_rows_shape(turned->net, &turned->given);
    return nb_thinned_tensor(ctx, &turned->given);
}

/* ---- Turning --------------------------------------------------------------------------------- */

static void *place_in(const nb_turned *turned, const nb_tensor *flat)
{
    size_t size = nb_dtype_size(flat->dtype);
    return (char *)nb_tensor_data(flat) + (size_t)(turned->given.start - flat->offset) * size;
}

/* The stretch of w in a flat tensor as (rows, columns), which was (columns, rows). */
static void turn(const nb_turned *turned, nb_tensor *flat, int64_t rows, int64_t columns)
{
    void *w = place_in(turned, flat), *room = nb_tensor_data(turned->room);
    nb_turn(flat->dtype, rows, columns, w, room);
    memcpy(w, room, (size_t)(rows * columns) * nb_dtype_size(flat->dtype));
}

/* The same of all that goes number by number with the parameters. */
static void turn_others(const nb_turned *turned, int64_t rows, int64_t columns, bool grads)
{
    const nb_optimizer *optimizer = turned->optimizer;
    nb_net *net = turned->net;
    for (int i = 0; i < optimizer->slots; i++)
        if (nb_tensor_count(optimizer->slot[i].value) == nb_net_count(net))
            turn(turned, optimizer->slot[i].value, rows, columns);
    if (grads) turn(turned, net->grads, rows, columns);
}

static void settle(void *self)
{
    nb_turned_settle(self);
}

/* Between w at its place and rows of whole vectors elsewhere. */
static void move(const nb_turned *turned, bool back)
{
    const nb_thinned *given = &turned->given;
    nb_net *net = turned->net;
    char *w = place_in(turned, net->values), *room = nb_tensor_data(turned->room);
    nb_copy_matrix_fn *copy = nb_kernels_get()->copy_matrix;
    size_t size = nb_dtype_size(net->dtype);
    size_t neurons = (size_t)given->neurons, inputs = (size_t)given->inputs;
    if (back)
        copy(size, neurons, inputs, room, 1, given->ld, w, given->inputs, 1);
    else
        copy(size, inputs, neurons, w, 1, given->inputs, room, given->ld, 1);
}

static nb_status make_room(nb_ctx *ctx, nb_turned *turned, const nb_param *w)
{
    nb_thinned *given = &turned->given;
    int64_t width = (int64_t)nb_kernels_get()->thin[turned->net->dtype]->width;
    given->start = w->value->offset;
    given->neurons = w->shape[0];
    given->inputs = w->shape[1];
    given->ld = (given->neurons + width - 1) / width * width;
    given->settle = settle;
    given->self = turned;
    const int64_t shape[] = {given->inputs, given->ld};
    if (turned->room && nb_tensor_count(turned->room) == shape[0] * shape[1]) return NB_OK;
    nb_tensor_release(ctx, turned->room);
    turned->room = nb_tensor_zeros(ctx, turned->net->dtype, 2, shape);
    return turned->room ? NB_OK : ctx->status;
}

nb_status nb_turned_take(nb_ctx *ctx, nb_turned *turned, const nb_lesson *lesson)
{
    nb_thinned *given = &turned->given;
    nb_net *net = turned->net;
    bool away = nb_learns_straight(net, turned->optimizer, lesson) &&
                !nb_penalty_shrinks(&lesson->penalty) && given->rows.rows <= NB_STRAIGHT_ROWS;
    if (given->turned && !given->w == !away) return NB_OK;
    if (given->turned) {
        void *place = place_in(turned, net->values);
        if (away)
            nb_thinned_away(given, place, nb_tensor_data(turned->room), given->ld);
        else
            nb_thinned_home(given, place);
        return NB_OK;
    }
    nb_status status = make_room(ctx, turned, nb_rows_weight(nb_rows_layer(net)));
    if (status != NB_OK) return status;
    turned->pass = net->home->pass;
    turn_others(turned, given->inputs, given->neurons, false);
    if (away)
        move(turned, false);
    else
        turn(turned, net->values, given->inputs, given->neurons);
    given->w = away ? nb_tensor_data(turned->room) : NULL;
    given->turned = true;
    return NB_OK;
}

/* Gradients were written while w was turned, or are of before and as they were. */
void nb_turned_settle(nb_turned *turned)
{
    nb_thinned *given = &turned->given;
    nb_net *net = turned->net;
    if (!given->turned) return;
    if (given->w)
        move(turned, true);
    else
        turn(turned, net->values, given->neurons, given->inputs);
    turn_others(turned, given->neurons, given->inputs, net->home->pass != turned->pass);
    given->w = NULL;
    given->turned = false;
}
