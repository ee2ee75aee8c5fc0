/* The cells of recurrent layers, one example at a step, by kernels. */
#include "grad/cell.h"

#include <string.h>

static char *room(const nb_recurrence *job, int64_t i)
{
    return job->room + i * job->across * job->width;
}

/* z = zx + zh stands where the gates would, h = f(z) */
static void rnn_step(const nb_recurrence *job, int64_t s, int64_t i)
{
    size_t u = (size_t)job->u;
    char *z = nb_row(job, job->gates, s, i, job->u);
    job->real->binary[NB_B_add](u, z, 1, room(job, i), 1, z, 1);
    job->real->unary[job->attr.kernel](u, z, 1, nb_row(job, job->h, s + 1, i, job->u), 1,
                                       job->attr.p, job->attr.q);
}

static void rnn_slope(const nb_recurrence *job, int64_t s, int64_t i)
{
    size_t u = (size_t)job->u;
    char *dh = nb_row(job, job->dh, 0, i, job->u);
    job->real->slope[job->attr.kernel](
        u, nb_row(job, job->gates, s, i, job->u), nb_row(job, job->h, s + 1, i, job->u), dh,
        nb_row(job, job->dz, s, i, job->u), job->attr.p, job->attr.q);
    memset(dh, 0, u * (size_t)job->width);
}

static void lstm_step(const nb_recurrence *job, int64_t s, int64_t i)
{
    char *gates = nb_row(job, job->gates, s, i, job->across);
    job->real->lstm_row((size_t)job->u, gates, room(job, i), nb_row(job, job->c, s, i, job->u),
                        gates, nb_row(job, job->c, s + 1, i, job->u),
                        nb_row(job, job->more, s, i, job->u),
                        nb_row(job, job->h, s + 1, i, job->u));
}

static void lstm_slope(const nb_recurrence *job, int64_t s, int64_t i)
{
    job->real->lstm_row_slope(
        (size_t)job->u, nb_row(job, job->gates, s, i, job->across),
        nb_row(job, job->c, s, i, job->u), nb_row(job, job->more, s, i, job->u),
        nb_row(job, job->dh, 0, i, job->u), nb_row(job, job->dc, 0, i, job->u),
        nb_row(job, job->dz, s, i, job->across));
}

static void gru_step(const nb_recurrence *job, int64_t s, int64_t i)
{
    char *gates = nb_row(job, job->gates, s, i, job->across);
    job->real->gru_row((size_t)job->u, gates, room(job, i), job->bh,
                       nb_row(job, job->h, s, i, job->u), gates,
                       nb_row(job, job->more, s, i, job->u), nb_row(job, job->h, s + 1, i, job->u));
}

static void gru_slope(const nb_recurrence *job, int64_t s, int64_t i)
{
    job->real->gru_row_slope((size_t)job->u, nb_row(job, job->gates, s, i, job->across),
                             nb_row(job, job->more, s, i, job->u),
                             nb_row(job, job->h, s, i, job->u), nb_row(job, job->dh, 0, i, job->u),
                             nb_row(job, job->dx, s, i, job->across),
                             nb_row(job, job->dz, s, i, job->across));
}

const nb_cell nb_cells[3] = {
    {.gates = 1, .biases = 1, .step = rnn_step, .slope = rnn_slope},
    {.gates = 4, .cells = true, .more = true, .biases = 1, .step = lstm_step, .slope = lstm_slope},
    {.gates = 3, .more = true, .biases = 2, .step = gru_step, .slope = gru_slope},
};
