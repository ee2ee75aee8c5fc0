/* Norms over channels. */
#include "grad/channels.h"

#include "tensor/shape.h"

nb_channels nb_channels_of(const nb_tensor *x, int dim)
{
    return (nb_channels){.n = nb_shape_count(dim, x->shape),
                         .channels = x->shape[dim],
                         .inner = nb_shape_count(x->dims - dim - 1, x->shape + dim + 1)};
}

nb_status nb_channels_check(nb_ctx *ctx, const nb_call *call, int dim)
{
    const nb_tensor *x = call->in[0], *gain = call->in[1], *shift = call->in[2];
    char text[3][NB_SHAPE_TEXT];
    bool fits = dim >= 1 && dim < x->dims && gain->dims == 1 && shift->dims == 1 &&
                gain->shape[0] == x->shape[dim] && shift->shape[0] == gain->shape[0];
    if (fits) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "%s: inputs %s, gain %s and shift %s do not fit", call->op->name,
                   nb_shape_text(x->dims, x->shape, text[0]),
                   nb_shape_text(gain->dims, gain->shape, text[1]),
                   nb_shape_text(shift->dims, shift->shape, text[2]));
}

void nb_norm_figures(nb_dtype dtype, double mean, double scale, double gain, double shift,
                     double *kind, int64_t channels)
{
    double first = dtype == NB_F32 ? (double)(float)mean : mean;
    kind[NB_NORM_MEAN * channels] = first;
    kind[NB_NORM_REST * channels] = mean - first;
    kind[NB_NORM_SCALE * channels] = scale;
    kind[NB_NORM_FACTOR * channels] = gain * scale;
    kind[NB_NORM_SHIFT * channels] = shift;
    kind[NB_NORM_LESS * channels] = 0;
    kind[NB_NORM_SLOPE * channels] = 0;
}
