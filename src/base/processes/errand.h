/* Work that looks for no Ctrl-C, such as a call of LAPACK's, in a copy of this process, which can
 * be ended: what it writes comes back in memory that both share. Where nobody can ask for an end,
 * the work is short or no copy can be made, it is done here; its bits are the same.
 *
 *     nb_errand errand = {operations, {{matrix, bytes}, {&info, sizeof info}}};
 *     if (nb_errand_begin(ctx, &errand)) call(matrix, &info);
 *     status = nb_errand_end(ctx, &errand);
 */
#ifndef NB_ERRAND_H
#define NB_ERRAND_H

#include "base/context.h"

/* So many operations of a matrix product, which take some 30 milliseconds, are worth a copy. */
#define NB_ERRAND_LEAST 2e9

enum { NB_ERRAND_WRITTEN = 4 };

typedef struct nb_errand {
    double operations; /* of a product that takes as long */
    struct {
        void *data; /* NULL: none; each is borrowed until the end */
        size_t bytes;
    } written[NB_ERRAND_WRITTEN];
    /* Its own: begins as zeros. */
    bool away; /* this is the copy */
    char *block;
    size_t bytes;
    nb_status status;
} nb_errand;

/* True: the caller does the work. False: it has been done, or Ctrl-C came; then what is written
 * stands as it was. */
bool nb_errand_begin(nb_ctx *ctx, nb_errand *errand);
/* NB_OK or NB_EINTERRUPT. A copy ends here. */
nb_status nb_errand_end(nb_ctx *ctx, nb_errand *errand);

#endif
