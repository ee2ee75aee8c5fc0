/* What goes by channels, of (n, channels, inner): norms and what they know of each channel, and
 * sums. */
#ifndef NB_CHANNELS_H
#define NB_CHANNELS_H

#include "grad/tape.h"
#include "kernel/kernel.h"

typedef struct nb_channels {
    int64_t n, channels, inner;
} nb_channels;

/* Channels along dimension `dim` of x. */
nb_channels nb_channels_of(const nb_tensor *x, int dim);
/* gain and shift are (channels): NB_ESHAPE "batch_norm: inputs 2x3, gain 4 and shift 4 do not fit".
 */
nb_status nb_channels_check(nb_ctx *ctx, const nb_call *call, int dim);

/* Kind k of one channel at kind[k * channels]: mean, 1 / √(variance + ε), gain and shift; LESS and
 * SLOPE are 0. `dtype` says what a mean's first part holds. */
void nb_norm_figures(nb_dtype dtype, double mean, double scale, double gain, double shift,
                     double *kind, int64_t channels);

/* The sums of t by channel, those along dimension `dim`: (channels). What a bias gets. */
nb_tensor *nb_sum_by_channel(nb_ctx *ctx, const nb_tensor *t, int dim);

#endif
