/* Schemas in the files of networks: names as metadata, scales as tensors. */
#include "nn/data/schema.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { KEY_MAX = 4608 }; /* longer than any path of names */

/* ---- Names ----------------------------------------------------------------------------------- */

static nb_status add_names(nb_ctx *ctx, nb_archive *archive, const char *key, char *const *names,
                           int64_t count)
{
    nb_text text;
    nb_text_init(&text, ctx);
    nb_names_write(&text, names, count);
    nb_status status = text.failed ? ctx->status : NB_OK;
    if (status == NB_OK && text.length)
        status = nb_archive_add_meta(ctx, archive, key, nb_text_get(&text));
    nb_text_free(&text);
    return status;
}

static nb_status add_list(nb_ctx *ctx, nb_archive *archive, const char *key, const nb_names *list)
{
    return list ? add_names(ctx, archive, key, list->name, list->count) : NB_OK;
}

static nb_status add_classes(nb_ctx *ctx, nb_archive *archive, const char *key,
                             const nb_classes *classes)
{
    return classes ? add_names(ctx, archive, key, classes->name, classes->count) : NB_OK;
}

nb_status nb_schema_add_names(nb_ctx *ctx, nb_archive *archive, const nb_schema *schema)
{
    nb_status status = add_classes(ctx, archive, "classes", schema->classes);
    if (status == NB_OK) status = add_list(ctx, archive, "columns", schema->columns);
    if (status == NB_OK) status = add_list(ctx, archive, "targets", schema->targets);
    return status == NB_OK ? add_classes(ctx, archive, "words", schema->words) : status;
}

static nb_status read_list(nb_ctx *ctx, const nb_archive *archive, const char *key,
                           const char *what, nb_names **list)
{
    const char *text = nb_archive_meta(archive, key);
    *list = text ? nb_names_read(ctx, text, what) : NULL;
    return *list || !text ? NB_OK : ctx->status;
}

static nb_status read_classes(nb_ctx *ctx, const nb_archive *archive, const char *key,
                              nb_classes **classes)
{
    const char *text = nb_archive_meta(archive, key);
    *classes = text ? nb_classes_read(ctx, text) : NULL;
    return *classes || !text ? NB_OK : ctx->status;
}

nb_status nb_schema_read_names(nb_ctx *ctx, const nb_archive *archive, nb_schema *schema)
{
    nb_status status = read_classes(ctx, archive, "classes", &schema->classes);
    if (status == NB_OK) status = read_list(ctx, archive, "columns", "column", &schema->columns);
    if (status == NB_OK) status = read_list(ctx, archive, "targets", "target", &schema->targets);
    if (status == NB_OK) status = read_classes(ctx, archive, "words", &schema->words);
    if (status != NB_OK) nb_schema_release(ctx, schema);
    return status;
}

/* ---- Scales ---------------------------------------------------------------------------------- */

/* "@2.scale.offset": no layer's name begins so. */
static const char *key_of(const char *prefix, const char *part, char key[KEY_MAX])
{
    snprintf(key, KEY_MAX, "@%sscale.%s", prefix, part);
    return key;
}

nb_status nb_scale_add(nb_ctx *ctx, nb_archive *archive, const char *prefix, const nb_scale *scale)
{
    char key[KEY_MAX];
    if (!scale) return NB_OK;
    nb_status status = nb_archive_add(ctx, archive, key_of(prefix, "offset", key), scale->offset);
    if (status != NB_OK) return status;
    return nb_archive_add(ctx, archive, key_of(prefix, "factor", key), scale->factor);
}

static bool is_list(const nb_tensor *t)
{
    return t && t->dtype == NB_F64 && t->dims == 1 && t->shape[0] > 0;
}

nb_status nb_scale_read(nb_ctx *ctx, const nb_archive *archive, const char *prefix,
                        nb_scale **scale)
{
    char key[KEY_MAX];
    nb_tensor *offset = nb_archive_find(archive, key_of(prefix, "offset", key));
    nb_tensor *factor = nb_archive_find(archive, key_of(prefix, "factor", key));
    *scale = NULL;
    if (!offset && !factor) return NB_OK;
    if (!is_list(offset) || !is_list(factor) || !nb_tensor_same_shape(offset, factor))
        return nb_fail(ctx, NB_EFORMAT,
                       "@%sscale.offset and @%sscale.factor must be as many numbers in f64", prefix,
                       prefix);
    *scale = nb_scale_new(ctx, offset->shape[0], nb_tensor_data(offset), nb_tensor_data(factor));
    return *scale ? NB_OK : ctx->status;
}
