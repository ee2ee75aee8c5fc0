/* Saving and loading networks. What a file says is compared with what its notation needs before
 * anything of that size is allocated. */
#include "nn/model.h"

#include "base/memory.h"
#include "io/safetensors.h"
#include "nn/learns.h"
#include "nn/notation/tunings.h"
#include "nn/notation/write.h"
#include "nn/notation/notation.h"
#include "tensor/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names of a layer and of all that it stands in, and its parameter's. */
enum { KEY_MAX = (NB_LAYER_DEPTH + 2) * NB_NAME_MAX, MASK_KEY_MAX = KEY_MAX + 8 };

/* "1.", or "hidden." for a layer with a name; "3.1." for one that stands in another. `path` is the
 * layer's, below `top`; "" for an empty one. Returns its length. */
static size_t prefix_of(const nb_layer *top, const char *path, char key[KEY_MAX])
{
    size_t used = 0;
    *key = '\0';
    for (const char *at = path; *at;) {
        char *end;
        long number = strtol(at, &end, 10);
        top = top->child[number - 1];
        used +=
            (size_t)(*top->head.name ? snprintf(key + used, KEY_MAX - used, "%s.", top->head.name)
                                     : snprintf(key + used, KEY_MAX - used, "%ld.", number));
        at = *end ? end + 1 : end;
    }
    return used;
}

/* "3.1.w" */
static const char *key_of(const nb_layer *top, const char *path, const nb_param *param,
                          char key[KEY_MAX])
{
    size_t used = prefix_of(top, path, key);
    snprintf(key + used, KEY_MAX - used, "%s", param->name);
    return key;
}

/* "1.w.mask", which no parameter is called: where the numbers of one learn. */
static const char *mask_key(const char *key, char mask[MASK_KEY_MAX])
{
    snprintf(mask, MASK_KEY_MAX, "%s.mask", key);
    return mask;
}

/* Parameters, then buffers. */
static const nb_param *param_at(const nb_plan *plan, int i)
{
    return i < plan->params ? &plan->param[i] : &plan->buffer[i - plan->params];
}

/* ---- Saving --------------------------------------------------------------------------------- */

typedef void write_fn(nb_text *text, void *thing);

static void write_notation(nb_text *text, void *net)
{
    nb_notation_write(text, net);
}

static void write_tunings(nb_text *text, void *net)
{
    nb_tunings_write(text, net);
}

/* Adds what `write` says of a thing to the metadata; nothing where it says nothing. */
static nb_status add_text(nb_ctx *ctx, nb_archive *archive, const char *key, write_fn *write,
                          void *thing)
{
    nb_text text;
    nb_text_init(&text, ctx);
    write(&text, thing);
    nb_status status = text.failed ? ctx->status : NB_OK;
    if (status == NB_OK && text.length)
        status = nb_archive_add_meta(ctx, archive, key, nb_text_get(&text));
    nb_text_free(&text);
    return status;
}

static nb_status add_meta(nb_ctx *ctx, nb_archive *archive, nb_net *net)
{
    nb_status status = nb_archive_add_meta(ctx, archive, "format", NB_MODEL_FORMAT);
    if (status == NB_OK) status = add_text(ctx, archive, "notation", write_notation, net);
    if (status == NB_OK) {
        status = nb_archive_add_meta(ctx, archive, "dtype", nb_dtype_name(net->dtype));
    }
    if (status == NB_OK) status = add_text(ctx, archive, "learning", write_tunings, net);
    return status == NB_OK ? nb_schema_add_names(ctx, archive, &net->schema) : status;
}

static nb_status add_param(nb_ctx *ctx, nb_archive *archive, const char *key, const nb_layer *layer,
                           const nb_param *param)
{
    char mask[MASK_KEY_MAX];
    nb_tensor *learns = nb_tuning_mask(&layer->tuning, param->name);
    nb_status status = nb_archive_add(ctx, archive, key, param->value);
    if (status != NB_OK || !learns) return status;
    return nb_archive_add(ctx, archive, mask_key(key, mask), learns);
}

static nb_status add_layer(nb_ctx *ctx, nb_archive *archive, const nb_net *net,
                           const nb_layer *layer)
{
    char key[KEY_MAX];
    const nb_plan *plan = layer->plan;
    for (int i = 0; i < plan->params + plan->buffers; i++) {
        const nb_param *param = param_at(plan, i);
        if (nb_archive_find(archive, key_of(&net->layer, nb_net_path(net, plan), param, key))) {
            return nb_fail(ctx, NB_EARG, "%s: another layer has the same name; give it another one",
                           plan->where);
        }
        nb_status status = add_param(ctx, archive, key, layer, param);
        if (status != NB_OK) return status;
    }
    return NB_OK;
}

static nb_status add_scales(nb_ctx *ctx, nb_archive *archive, const nb_net *net)
{
    char prefix[KEY_MAX];
    nb_status status = nb_scale_add(ctx, archive, "", net->schema.scale);
    for (int i = 0; i < net->parts && status == NB_OK; i++) {
        const nb_net *inner = nb_net_of(net->part[i]);
        prefix_of(&net->layer, nb_net_path(net, net->part[i]->plan), prefix);
        if (inner) status = nb_scale_add(ctx, archive, prefix, inner->schema.scale);
    }
    return status;
}

nb_status nb_model_add(nb_ctx *ctx, nb_archive *archive, nb_net *net)
{
    nb_status status = add_meta(ctx, archive, net);
    if (status == NB_OK) status = add_scales(ctx, archive, net);
    for (int i = 0; i < net->parts && status == NB_OK; i++)
        status = add_layer(ctx, archive, net, net->part[i]);
    return status;
}

nb_status nb_model_save(nb_ctx *ctx, nb_net *net, const char *path)
{
    nb_archive archive = {.count = 0};
    nb_status status = nb_model_add(ctx, &archive, net);
    if (status == NB_OK) status = nb_safetensors_save(ctx, path, &archive);
    nb_archive_free(ctx, &archive);
    return status;
}

/* ---- What a file must hold ------------------------------------------------------------------ */

static nb_status check_param(nb_ctx *ctx, const nb_archive *archive, const char *key,
                             const nb_param *param)
{
    char has[NB_SHAPE_TEXT], needs[NB_SHAPE_TEXT];
    const nb_tensor *tensor = nb_archive_find(archive, key);
    if (nb_poll(ctx) != NB_OK) return NB_EINTERRUPT;
    if (!tensor) return nb_fail(ctx, NB_EFORMAT, "the tensor %s is missing", key);
    if (!nb_dtype_computes(tensor->dtype)) {
        return nb_fail(ctx, NB_EFORMAT, "the tensor %s is %s; f32 or f64 is needed", key,
                       nb_dtype_name(tensor->dtype));
    }
    if (tensor->dims == param->dims &&
        memcmp(tensor->shape, param->shape, (size_t)param->dims * sizeof *param->shape) == 0) {
        return NB_OK;
    }
    return nb_fail(ctx, NB_EFORMAT, "the tensor %s is %s; the network needs %s", key,
                   nb_shape_text(tensor->dims, tensor->shape, has),
                   nb_shape_text(param->dims, param->shape, needs));
}

/* A mask is not needed; *wanted counts it where there is one. */
static nb_status check_mask(nb_ctx *ctx, const nb_archive *archive, const char *key,
                            const nb_param *param, size_t *wanted)
{
    char mask[MASK_KEY_MAX], has[NB_SHAPE_TEXT], needs[NB_SHAPE_TEXT];
    const nb_tensor *tensor = nb_archive_find(archive, mask_key(key, mask));
    if (!tensor) return NB_OK;
    ++*wanted;
    bool fits = tensor->dtype == NB_U8 && tensor->dims == param->dims &&
                !memcmp(tensor->shape, param->shape, (size_t)param->dims * sizeof *param->shape);
    if (fits) return NB_OK;
    return nb_fail(ctx, NB_EFORMAT, "the tensor %s is %s in %s; the network needs %s in u8", mask,
                   nb_shape_text(tensor->dims, tensor->shape, has), nb_dtype_name(tensor->dtype),
                   nb_shape_text(param->dims, param->shape, needs));
}

/* Compares the tensors that the plans need with those in the file; *wanted is how many they need.
 */
static nb_status check_plans(nb_ctx *ctx, const nb_archive *archive, const nb_net *net,
                             const nb_plans *plans, size_t *wanted)
{
    char key[KEY_MAX];
    *wanted = 0;
    for (int i = 0; i < plans->count; i++) {
        const nb_plan *plan = plans->list[i].plan;
        for (int k = 0; k < plan->params + plan->buffers; k++) {
            const nb_param *param = param_at(plan, k);
            key_of(&net->layer, plan->path, param, key);
            nb_status status = check_param(ctx, archive, key, param);
            if (status == NB_OK && k < plan->params)
                status = check_mask(ctx, archive, key, param, wanted);
            if (status != NB_OK) return status;
        }
        *wanted += (size_t)(plan->params + plan->buffers);
    }
    return NB_OK;
}

static bool is_param(const nb_net *net, const nb_plans *plans, const char *name)
{
    char key[KEY_MAX], mask[MASK_KEY_MAX];
    for (int i = 0; i < plans->count; i++) {
        const nb_plan *plan = plans->list[i].plan;
        for (int k = 0; k < plan->params + plan->buffers; k++) {
            key_of(&net->layer, plan->path, param_at(plan, k), key);
            if (strcmp(key, name) == 0) return true;
            if (k < plan->params && strcmp(mask_key(key, mask), name) == 0) return true;
        }
    }
    return false;
}

static bool is_aside(const nb_archive *archive, size_t i)
{
    return archive->entry[i].name[0] == NB_MODEL_ASIDE;
}

/* The tensors that are there for a network. */
static size_t count_tensors(const nb_archive *archive)
{
    size_t count = 0;
    for (size_t i = 0; i < archive->count; i++) count += !is_aside(archive, i);
    return count;
}

/* Names a tensor that no layer has, where the numbers say that there is one. */
static nb_status check_rest(nb_ctx *ctx, const nb_archive *archive, const nb_net *net,
                            const nb_plans *plans, size_t wanted)
{
    if (count_tensors(archive) == wanted) return NB_OK;
    for (size_t i = 0; i < archive->count; i++) {
        if (nb_poll(ctx) != NB_OK) return NB_EINTERRUPT;
        if (is_aside(archive, i) || is_param(net, plans, archive->entry[i].name)) continue;
        return nb_fail(ctx, NB_EFORMAT, "the tensor %.*s belongs to no layer", NB_NAME_MAX,
                       archive->entry[i].name);
    }
    return nb_fail(ctx, NB_EFORMAT, "two layers have the same name");
}

/* ---- Loading -------------------------------------------------------------------------------- */

static nb_status fill_layer(nb_ctx *ctx, const nb_archive *archive, const nb_net *net,
                            nb_layer *layer)
{
    char key[KEY_MAX], mask[MASK_KEY_MAX];
    const nb_plan *plan = layer->plan;
    for (int i = 0; i < plan->params + plan->buffers; i++) {
        const nb_param *param = param_at(plan, i);
        key_of(&net->layer, plan->path, param, key);
        nb_status status = nb_tensor_copy(ctx, param->value, nb_archive_find(archive, key));
        nb_tensor *learns = i < plan->params ? nb_archive_find(archive, mask_key(key, mask)) : NULL;
        if (status == NB_OK && learns)
            status = nb_layer_add_mask(ctx, layer, &layer->tuning, param->name, learns);
        if (status != NB_OK) return status;
    }
    return NB_OK;
}

/* Plans the network, holds the plans against the file, and only then asks for storage. */
static nb_status build(nb_ctx *ctx, const nb_archive *archive, nb_net *net, nb_dtype dtype)
{
    size_t wanted = 0;
    nb_plans *plans = nb_net_plan(ctx, net);
    if (!plans) return ctx->status;
    nb_status status = check_plans(ctx, archive, net, plans, &wanted);
    if (status == NB_OK) status = check_rest(ctx, archive, net, plans, wanted);
    if (status != NB_OK) {
        nb_plans_free(ctx, plans);
        return status;
    }
    status = nb_net_store(ctx, net, plans, dtype, ctx->seed);
    for (int i = 0; i < net->parts && status == NB_OK; i++)
        status = fill_layer(ctx, archive, net, net->part[i]);
    const char *learning = nb_archive_meta(archive, "learning");
    return status == NB_OK && learning ? nb_tunings_read(ctx, learning, net) : status;
}

/* The metadata's dtype; NB_EFORMAT for a file that is no network of ours. */
static nb_status read_format(nb_ctx *ctx, const nb_archive *archive, nb_dtype *dtype)
{
    const char *format = nb_archive_meta(archive, "format");
    const char *name = nb_archive_meta(archive, "dtype");
    if (!format || !nb_archive_meta(archive, "notation")) {
        return nb_fail(ctx, NB_EFORMAT, "holds tensors but no network; tensor.load reads it");
    }
    if (strcmp(format, NB_MODEL_FORMAT) != 0) {
        return nb_fail(ctx, NB_EFORMAT, "its format is '%.*s'; '%s' is expected", NB_NAME_MAX,
                       format, NB_MODEL_FORMAT);
    }
    if (!name || !nb_dtype_from_name(name, dtype) || !nb_dtype_computes(*dtype)) {
        return nb_fail(ctx, NB_EFORMAT, "its dtype is '%.*s'; f32 or f64 is expected", NB_NAME_MAX,
                       name ? name : "");
    }
    return NB_OK;
}

static nb_net *read_net(nb_ctx *ctx, const nb_archive *archive, const nb_resolver *resolver)
{
    nb_dtype dtype;
    if (read_format(ctx, archive, &dtype) != NB_OK) return NULL;
    nb_net *net = nb_notation_parse(ctx, nb_archive_meta(archive, "notation"), resolver);
    if (!net || build(ctx, archive, net, dtype) == NB_OK) return net;
    nb_net_release(ctx, net);
    return NULL;
}

static nb_status read_scale(nb_ctx *ctx, const nb_archive *archive, const char *prefix, nb_net *net)
{
    nb_scale *scale;
    nb_status status = nb_scale_read(ctx, archive, prefix, &scale);
    if (status == NB_OK && scale) status = nb_net_set_scale(ctx, net, scale);
    nb_scale_release(ctx, scale);
    return status;
}

/* What the network knows of its data, and the scales of those that stand in it. */
static nb_status read_schema(nb_ctx *ctx, const nb_archive *archive, nb_net *net)
{
    char prefix[KEY_MAX];
    nb_status status = nb_schema_read_names(ctx, archive, &net->schema);
    if (status == NB_OK) status = read_scale(ctx, archive, "", net);
    for (int i = 0; i < net->parts && status == NB_OK; i++) {
        nb_net *inner = nb_net_of(net->part[i]);
        prefix_of(&net->layer, nb_net_path(net, net->part[i]->plan), prefix);
        if (inner) status = read_scale(ctx, archive, prefix, inner);
    }
    return status;
}

static nb_net *read_model(nb_ctx *ctx, const nb_archive *archive, const nb_resolver *resolver)
{
    nb_net *net = read_net(ctx, archive, resolver);
    if (!net || read_schema(ctx, archive, net) == NB_OK) return net;
    nb_net_release(ctx, net);
    return NULL;
}

nb_net *nb_model_load(nb_ctx *ctx, const char *path, const nb_resolver *resolver)
{
    nb_archive archive = {.count = 0};
    if (nb_safetensors_load(ctx, path, &archive) != NB_OK) return NULL;
    nb_net *net = read_model(ctx, &archive, resolver);
    if (!net) nb_fail_in(ctx, "%s", path);
    nb_archive_free(ctx, &archive);
    return net;
}

/* ---- The numbers of a network that is there -------------------------------------------------- */

/* Whether what `write` says of the network is what the metadata holds. */
static nb_status check_text(nb_ctx *ctx, const nb_archive *archive, const char *key,
                            write_fn *write, const nb_net *net)
{
    enum { SHOWN = 120 }; /* letters of either text */
    const char *has = nb_archive_meta(archive, key);
    nb_text text;
    nb_text_init(&text, ctx);
    write(&text, (nb_net *)(uintptr_t)net);
    nb_status status = text.failed ? ctx->status : NB_OK;
    const char *is = status == NB_OK ? nb_text_get(&text) : "";
    if (status == NB_OK && strcmp(has ? has : "", is) != 0)
        status = write == write_tunings
                     ? nb_fail(ctx, NB_EFORMAT,
                               "its layers and neurons learn otherwise than this network's; freeze "
                               "and scale them alike first")
                     : nb_fail(ctx, NB_EFORMAT, "it holds %.*s; this network is %.*s", SHOWN, has,
                               SHOWN, is);
    nb_text_free(&text);
    return status;
}

/* Whether the network sees x in the scale that the archive holds. */
static nb_status check_scale(nb_ctx *ctx, const nb_archive *archive, const nb_net *net)
{
    nb_scale *scale;
    nb_status status = nb_scale_read(ctx, archive, "", &scale);
    if (status == NB_OK && !nb_scale_same(scale, net->schema.scale))
        status = nb_fail(ctx, NB_EFORMAT,
                         "its network sees x in another scale than this one; standardize the same "
                         "examples, in the same order");
    nb_scale_release(ctx, scale);
    return status;
}

static nb_status check_mask_of(nb_ctx *ctx, const nb_archive *archive, const char *key,
                               const nb_layer *layer, const char *param, size_t *wanted)
{
    char mask[MASK_KEY_MAX];
    const nb_tensor *has = nb_archive_find(archive, mask_key(key, mask));
    const nb_tensor *is = nb_tuning_mask(&layer->tuning, param);
    *wanted += has != NULL;
    if (!has && !is) return NB_OK;
    bool same = has && is && has->dtype == is->dtype && nb_tensor_same_shape(has, is) &&
                !memcmp(nb_tensor_data(has), nb_tensor_data(is), (size_t)nb_tensor_count(is));
    return same ? NB_OK
                : nb_fail(ctx, NB_EFORMAT, "the mask %s is another than this network's", mask);
}

/* A layer's numbers into the flat vectors, where its own stand in the network's. */
static nb_status copy_layer(nb_ctx *ctx, const nb_archive *archive, const nb_net *net,
                            const nb_layer *layer, nb_tensor *const flat[2], size_t *wanted)
{
    char key[KEY_MAX];
    const nb_plan *plan = layer->plan;
    nb_tensor *const own[2] = {net->values, net->figures};
    for (int i = 0; i < plan->params + plan->buffers; i++) {
        const nb_param *param = param_at(plan, i);
        bool buffer = i >= plan->params;
        key_of(&net->layer, nb_net_path(net, plan), param, key);
        nb_status status = check_param(ctx, archive, key, param);
        if (status == NB_OK && !buffer)
            status = check_mask_of(ctx, archive, key, layer, param->name, wanted);
        if (status != NB_OK) return status;
        ++*wanted;
        nb_tensor *to =
            nb_tensor_view(ctx, flat[buffer], param->dims, param->shape, param->value->stride,
                           param->value->offset - own[buffer]->offset);
        status = to ? nb_tensor_copy(ctx, to, nb_archive_find(archive, key)) : ctx->status;
        nb_tensor_release(ctx, to);
        if (status != NB_OK) return status;
    }
    return NB_OK;
}

static nb_status copy_numbers(nb_ctx *ctx, const nb_archive *archive, const nb_net *net,
                              nb_tensor *const flat[2])
{
    nb_status status = flat[0] && flat[1] ? NB_OK : ctx->status;
    size_t wanted = 0;
    for (int i = 0; i < net->parts && status == NB_OK; i++)
        status = copy_layer(ctx, archive, net, net->part[i], flat, &wanted);
    if (status == NB_OK && count_tensors(archive) != wanted)
        status = nb_fail(ctx, NB_EFORMAT, "it holds tensors that belong to no layer");
    return status;
}

nb_status nb_model_numbers(nb_ctx *ctx, const nb_archive *archive, const nb_net *net,
                           nb_tensor **values, nb_tensor **figures)
{
    nb_dtype dtype;
    nb_status status = read_format(ctx, archive, &dtype);
    if (status == NB_OK) status = check_text(ctx, archive, "notation", write_notation, net);
    if (status == NB_OK && dtype != net->dtype)
        status = nb_fail(ctx, NB_EFORMAT, "it holds a network in %s; this one is in %s",
                         nb_dtype_name(dtype), nb_dtype_name(net->dtype));
    if (status == NB_OK) status = check_text(ctx, archive, "learning", write_tunings, net);
    if (status == NB_OK) status = check_scale(ctx, archive, net);
    if (status != NB_OK) return status;
    nb_tensor *flat[2] = {nb_tensor_clone(ctx, net->values), NULL};
    if (flat[0]) flat[1] = nb_tensor_clone(ctx, net->figures);
    status = copy_numbers(ctx, archive, net, flat);
    if (status == NB_OK) {
        *values = flat[0];
        *figures = flat[1];
        return NB_OK;
    }
    nb_tensor_release(ctx, flat[0]);
    nb_tensor_release(ctx, flat[1]);
    return status;
}
