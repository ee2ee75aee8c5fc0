/* See table.h. */
#include "io/csv/table.h"

void nb_table_free(nb_ctx *ctx, nb_table *table)
{
    nb_tensor_release(ctx, table->x);
    nb_tensor_release(ctx, table->y);
    nb_names_release(ctx, table->columns);
    nb_names_release(ctx, table->targets);
    nb_names_release(ctx, table->classes);
    *table = (nb_table){.x = NULL};
}
