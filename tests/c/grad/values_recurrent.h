/* Definitions of the ops on steps, written out for one example with libm: recurrent layers, padding
 * that is put to 0 or left out. */
#ifndef NB_TEST_VALUES_RECURRENT_H
#define NB_TEST_VALUES_RECURRENT_H

#include "values.h"

/* Padding behind an example's steps is 0. */
static inline double mask_steps_value(const place *p)
{
    const int32_t *length = nb_tensor_data(input(p, 1));
    return p->index[1] < length[p->index[0]] ? nb_tensor_get(input(p, 0), p->index) : 0;
}

/* Row p->index[0] of the real steps of all examples. */
static inline double pack_steps_value(const place *p)
{
    const int32_t *length = nb_tensor_data(input(p, 1));
    int64_t index[NB_MAX_DIMS], step = p->index[0], i = 0;
    for (; step >= length[i]; i++) step -= length[i];
    index[0] = i;
    index[1] = step;
    for (int d = 1; d < p->out->dims; d++) index[d + 1] = p->index[d];
    return nb_tensor_get(input(p, 0), index);
}

enum { UNITS_MAX = 8 };

/* What brings x of step t, or the state h, to row `gate` of the gates. */
static inline double from_x(const place *p, int64_t t, int64_t gate)
{
    double sum = nb_tensor_get(input(p, 3), &gate);
    for (int64_t k = 0; k < input(p, 0)->shape[2]; k++)
        sum += nb_tensor_get(input(p, 0), (const int64_t[]){p->index[0], t, k}) *
               nb_tensor_get(input(p, 1), (const int64_t[]){gate, k});
    return sum;
}

static inline double from_h(const place *p, const double *h, int64_t units, int64_t gate)
{
    double sum = 0;
    for (int64_t k = 0; k < units; k++)
        sum += h[k] * nb_tensor_get(input(p, 2), (const int64_t[]){gate, k});
    return sum;
}

static inline double squash(double x)
{
    return 1 / (1 + exp(-x));
}

static inline void rnn_step(const place *p, int64_t t, int64_t u, const double *h0, double *h,
                            double *c)
{
    (void)c;
    for (int64_t j = 0; j < u; j++) h[j] = tanh(from_x(p, t, j) + from_h(p, h0, u, j));
}

static inline void lstm_step(const place *p, int64_t t, int64_t u, const double *h0, double *h,
                             double *c)
{
    for (int64_t j = 0; j < u; j++) {
        double gate[4];
        for (int g = 0; g < 4; g++) gate[g] = from_x(p, t, g * u + j) + from_h(p, h0, u, g * u + j);
        c[j] = squash(gate[1]) * c[j] + squash(gate[0]) * tanh(gate[2]);
        h[j] = squash(gate[3]) * tanh(c[j]);
    }
}

static inline void gru_step(const place *p, int64_t t, int64_t u, const double *h0, double *h,
                            double *c)
{
    (void)c;
    for (int64_t j = 0; j < u; j++) {
        double r = squash(from_x(p, t, j) + from_h(p, h0, u, j));
        double z = squash(from_x(p, t, u + j) + from_h(p, h0, u, u + j));
        double inner = from_h(p, h0, u, 2 * u + j) + nb_tensor_get(input(p, 4), &j);
        h[j] = (1 - z) * tanh(from_x(p, t, 2 * u + j) + r * inner) + z * h0[j];
    }
}

typedef void step_of_cell(const place *p, int64_t t, int64_t u, const double *h0, double *h,
                          double *c);

/* h of a unit at a step; 0 at padding, where the last input is lengths. */
static inline double recurrent_value(const place *p, step_of_cell *step)
{
    double h[UNITS_MAX] = {0}, h0[UNITS_MAX], c[UNITS_MAX] = {0};
    int64_t u = input(p, 2)->shape[1];
    const nb_tensor *last = input(p, p->s->call.inputs - 1);
    if (last->dtype == NB_I32 && (double)p->index[1] >= nb_tensor_get(last, p->index)) return 0;
    for (int64_t t = 0; t <= p->index[1]; t++) {
        memcpy(h0, h, sizeof h);
        step(p, t, u, h0, h, c);
    }
    return h[p->index[2]];
}

static inline double rnn_value(const place *p)
{
    return recurrent_value(p, rnn_step);
}

static inline double lstm_value(const place *p)
{
    return recurrent_value(p, lstm_step);
}

static inline double gru_value(const place *p)
{
    return recurrent_value(p, gru_step);
}

#endif
