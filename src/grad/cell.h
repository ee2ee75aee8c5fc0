/* One step of recurrent layers: what rnn, lstm and gru do with an example at a step, and the call
 * under way that they work on. */
#ifndef NB_CELL_H
#define NB_CELL_H

#include "grad/weights.h"
#include "kernel/kernel.h"

typedef struct nb_cell nb_cell;

/* One call under way: sizes, and where everything lies. */
typedef struct nb_recurrence {
    const nb_cell *cell;
    struct nb_attr_recurrent attr;
    const nb_real_kernels *real;
    nb_dtype dtype;
    int64_t n, T, k, u, across; /* across: G u */
    int64_t width;              /* bytes of a number */
    const int32_t *length;      /* NULL: all of T */
    const volatile sig_atomic_t *interrupt;
    /* Kept for backward, in one tensor: (T + 1, n, u) the states, of which number s is what step s
     * begins with; likewise the cells of lstm; (T, n, G u) the gates; (T, n, u) what a cell needs
     * besides. */
    char *h, *c, *gates, *more;
    const char *wh; /* in panels: forward turned, (u, G u), backward (G u, u) */
    const char *bh;
    char *room;           /* (n, G u) */
    char *out;            /* (n, T, u), or NULL */
    const nb_inputs *few; /* x where it is non-zeros: what it brings is found step by step, with */
    const char *b, *wx;   /* the bias and the turned weights, (k, G u); else NULL */
    /* Backward: δ at the outputs, (n, T, u), or NULL; at h and c; at what input and state bring to
     * the gates, (T, n, G u) each, of which rnn and lstm have one for both. */
    const char *delta;
    char *dh, *dc, *dx, *dz;
} nb_recurrence;

/* A kind of cell. `step` takes example i through step s, `slope` back; rows of padding do not come
 * to them. */
struct nb_cell {
    int gates;
    bool cells; /* it has a second state */
    bool more;  /* it keeps u numbers more a step */
    int biases; /* inputs from IN_B on */
    void (*step)(const nb_recurrence *job, int64_t s, int64_t i);
    void (*slope)(const nb_recurrence *job, int64_t s, int64_t i);
};

/* rnn, lstm, gru */
extern const nb_cell nb_cells[3];

/* Row (s, i) of `columns` numbers. */
static inline char *nb_row(const nb_recurrence *job, const char *base, int64_t s, int64_t i,
                           int64_t columns)
{
    return (char *)(uintptr_t)base + (s * job->n + i) * columns * job->width;
}

#endif
