/* A batch's rows as what is not 0 in them. */
#ifndef NB_THIN_H
#define NB_THIN_H

#include "base/context.h"
#include "kernel/thin.h"

/* Room for so many rows and non-zeros; what was there is lost. NB_ESHAPE for more non-zeros than
 * int32_t counts. */
nb_status nb_thin_make_room(nb_ctx *ctx, nb_thin *thin, int64_t rows, int64_t count);
/* Gives the buffers back; dtype and columns stay. */
void nb_thin_free(nb_ctx *ctx, nb_thin *thin);

#endif
