/* What the numbers of examples mean: the names of columns, classes and words, and the scale in
 * which a network sees x. A data set has such a schema; the network that learns from it takes it
 * over, and its file keeps it (model.h). */
#ifndef NB_SCHEMA_H
#define NB_SCHEMA_H

#include "base/names.h"
#include "io/archive.h"
#include "nn/data/classes.h"
#include "nn/data/scale.h"

/* Each may be NULL: nothing is known of it. Shared with all who have them; never changed. */
typedef struct nb_schema {
    nb_names *columns;   /* of x, as a file calls them */
    nb_names *targets;   /* of y, likewise */
    nb_classes *classes; /* what the numbers of y are called */
    nb_classes *words;   /* what the numbers of x are called, where they are words */
    nb_scale *scale;     /* what a network sees of x; learned by nb_set_standardize, say */
} nb_schema;

/* The same with one more owner of all that it has. */
nb_schema nb_schema_retain(const nb_schema *schema);
/* Leaves it empty. */
void nb_schema_release(nb_ctx *ctx, nb_schema *schema);

/* x (n, …) as a network of this dtype sees it: scaled by op, and only then rounded to the dtype; x
 * itself where there is no scale. A new reference; NB_ESHAPE where it does not fit. */
nb_tensor *nb_schema_seen(nb_ctx *ctx, const nb_schema *schema, nb_tensor *x, nb_dtype dtype);

/* ---- In files (model.h) ---- */

/* Adds its names to an archive's metadata, and back into an empty schema. On failure it is empty.
 */
nb_status nb_schema_add_names(nb_ctx *ctx, nb_archive *archive, const nb_schema *schema);
nb_status nb_schema_read_names(nb_ctx *ctx, const nb_archive *archive, nb_schema *schema);
/* Adds a scale as two tensors behind `prefix`, "" or "2."; NULL adds nothing; and back, into
 * *scale, NULL where there is none. */
nb_status nb_scale_add(nb_ctx *ctx, nb_archive *archive, const char *prefix, const nb_scale *scale);
nb_status nb_scale_read(nb_ctx *ctx, const nb_archive *archive, const char *prefix,
                        nb_scale **scale);

#endif
