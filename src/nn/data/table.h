/* Data sets from tables of text. */
#ifndef NB_DATA_TABLE_H
#define NB_DATA_TABLE_H

#include "io/csv/csv.h"
#include "nn/data/set.h"

/* A set of a table's x and y, with the names of its columns and classes. */
nb_set *nb_set_of_table(nb_ctx *ctx, const nb_table *table, const char *name);
/* Reads one: as nb_csv_read says. The set is called as the file, without folder and extension. */
nb_set *nb_set_read_csv(nb_ctx *ctx, nb_source *source, const nb_csv_options *options);

#endif
