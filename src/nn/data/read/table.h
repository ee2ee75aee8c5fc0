/* Data sets from tables of text. */
#ifndef NB_DATA_TABLE_H
#define NB_DATA_TABLE_H

#include "io/csv/csv.h"
#include "nn/data/set.h"

/* Reads one: as nb_csv_read says. The set is called as the file, without folder and extension. */
nb_set *nb_set_read_csv(nb_ctx *ctx, nb_source *source, const nb_csv_options *options);
/* The same where x stays in a file: as nb_csv_convert says. */
nb_set *nb_set_map_csv(nb_ctx *ctx, const char *path, const nb_csv_options *options);

#endif
