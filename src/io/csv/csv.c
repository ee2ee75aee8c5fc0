/* See csv.h. */
#include "io/csv/csv.h"

#include "io/csv/pass.h"

nb_status nb_csv_read(nb_ctx *ctx, nb_source *source, const nb_csv_options *options,
                      nb_table *table)
{
    nb_csv_pass pass;
    nb_table made = {.x = NULL};
    nb_status status = nb_csv_pass_run(ctx, source, options, true, &pass);
    if (status == NB_OK) status = nb_csv_pass_settle(&pass, &made);
    if (status == NB_OK)
        *table = made;
    else
        nb_table_free(ctx, &made);
    nb_csv_pass_free(&pass);
    return status;
}
