/* See table.h. */
#include "nn/data/read/table.h"

#include "io/csv/convert.h"
#include "io/csv/csv.h"
#include "io/csv/labels.h"
#include "nn/data/read/kept.h"

_Static_assert((int)NB_CSV_LABELS_MAX == (int)NB_CLASSES_MAX, "what a table may hold a set takes");

/* A set of rows x and what else a table holds. */
static nb_set *set_of(nb_ctx *ctx, nb_feed *x, const nb_table *table, const char *name)
{
    nb_classes *classes = NULL;
    nb_set *set = NULL;
    nb_feed *y = NULL;
    bool whole = x;
    if (whole && table->y) whole = (y = nb_feed_of_tensor(ctx, table->y, "y"));
    if (whole && table->classes) {
        const char *const *names = (const char *const *)table->classes->name;
        whole = (classes = nb_classes_new(ctx, names, table->classes->count));
    }
    if (whole) set = nb_set_from(ctx, x, NULL, y, classes, name);
    if (set) {
        set->schema.columns = nb_names_retain(table->columns);
        set->schema.targets = nb_names_retain(table->targets);
    }
    nb_feed_release(ctx, y);
    nb_classes_release(ctx, classes);
    return set;
}

/* The set, and what it is made of given back; takes x over, NULL: there is none. */
static nb_set *settle(nb_ctx *ctx, nb_feed *x, nb_table *table, const char *path)
{
    char *name = x ? nb_set_name_of(ctx, path) : NULL;
    nb_set *set = name ? set_of(ctx, x, table, name) : NULL;
    nb_feed_release(ctx, x);
    nb_table_free(ctx, table);
    nb_free_string(ctx, name);
    return set;
}

nb_set *nb_set_read_csv(nb_ctx *ctx, nb_source *source, const nb_csv_options *options)
{
    nb_table table = {.x = NULL};
    nb_kept kept = {.ctx = ctx, .block.ctx = ctx};
    const nb_csv_keeper keeper = nb_kept_keeper(&kept);
    nb_status status = nb_csv_read_to(ctx, source, options, &keeper, &table);
    nb_feed *x = status == NB_OK ? nb_feed_retain(kept.feed) : NULL;
    nb_kept_free(&kept);
    return settle(ctx, x, &table, nb_source_name(source));
}

nb_set *nb_set_map_csv(nb_ctx *ctx, const char *path, const nb_csv_options *options)
{
    nb_table table = {.x = NULL};
    nb_row_file *file;
    nb_feed *x = NULL;
    if (nb_csv_convert(ctx, path, options, &table, &file) == NB_OK)
        x = nb_feed_of_file(ctx, file, path);
    return settle(ctx, x, &table, path);
}
