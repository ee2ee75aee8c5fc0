/* Sets whose class and word numbers are those of a network: what has the same name has the same
 * number, whatever it was in the set. */
#include "nn/data/set.h"

#include "base/memory.h"
#include "kernel/kernel.h"

#include <string.h>

/* ---- Rows ------------------------------------------------------------------------------------ */

typedef struct renumbered {
    nb_feed head;
    nb_feed *inner; /* whole numbers from 1 to `count` */
    int32_t *number;
    int64_t count;
} renumbered;

static void change(const renumbered *r, size_t n, int32_t *x)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] >= 1 && x[i] <= r->count) x[i] = r->number[x[i] - 1];
}

static nb_status gather(nb_ctx *ctx, nb_feed *feed, const nb_pick *pick, const nb_scale *scale,
                        const nb_room *room)
{
    const renumbered *r = (const renumbered *)feed;
    size_t n = (size_t)(pick->n * room->width);
    bool there = room->dtype == NB_I32 && !scale;
    int32_t *list = there ? room->data : nb_alloc(ctx, n * sizeof *list);
    if (!list) return ctx->status;
    nb_status status =
        r->inner->type->gather(ctx, r->inner, pick, NULL, &(nb_room){list, NB_I32, room->width});
    if (status == NB_OK) change(r, n, list);
    if (there) return status;
    if (status == NB_OK)
        nb_scale_rows(scale, (size_t)pick->n, (size_t)room->width, list, NB_I32, room->data,
                      room->dtype);
    nb_free(ctx, list, n * sizeof *list);
    return status;
}

static void announce(nb_feed *feed, const nb_pick *pick)
{
    nb_feed *inner = ((renumbered *)feed)->inner;
    if (inner->type->announce) inner->type->announce(inner, pick);
}

static void free_renumbered(nb_ctx *ctx, nb_feed *feed)
{
    renumbered *r = (renumbered *)feed;
    nb_feed_release(ctx, r->inner);
    nb_free(ctx, r->number, (size_t)r->count * sizeof *r->number);
    nb_free(ctx, r, sizeof *r);
}

static const nb_feed_type type = {.gather = gather, .announce = announce, .free = free_renumbered};

/* Takes `number` over, also on failure. */
static nb_feed *renumber(nb_ctx *ctx, nb_feed *rows, int32_t *number, int64_t count)
{
    renumbered *r = nb_alloc(ctx, sizeof *r);
    if (!r) {
        nb_free(ctx, number, (size_t)count * sizeof *number);
        return NULL;
    }
    *r = (renumbered){.head = *rows, .inner = nb_feed_retain(rows), .number = number};
    r->head.refs = 1;
    r->head.type = &type;
    r->head.dtype = NB_I32;
    r->count = count;
    return &r->head;
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* Names that somebody gave. */
static bool are_named(const nb_classes *classes)
{
    return classes && !classes->counted;
}

static bool are_same(const nb_classes *a, const nb_classes *b)
{
    bool same = a == b || a->count == b->count;
    for (int64_t i = 0; same && a != b && i < a->count; i++) same = !strcmp(a->name[i], b->name[i]);
    return same;
}

static nb_status unknown(nb_ctx *ctx, const char *what, const char *name, const nb_classes *own)
{
    char shown[NB_SHOWN];
    nb_text text;
    nb_text_init(&text, ctx);
    nb_classes_describe(&text, own);
    nb_status status = text.failed
                           ? ctx->status
                           : nb_fail(ctx, NB_EARG, "the network knows no %s '%s': it learned %s",
                                     what, nb_text_shown(name, shown), nb_text_get(&text));
    nb_text_free(&text);
    return status;
}

/* The numbers in `own` of all names of `given`, a list that the caller gives back; NULL where there
 * is nothing to do, and after a failure. */
static int32_t *numbers_in(nb_ctx *ctx, const nb_classes *given, const nb_classes *own,
                           const char *what, nb_status *status)
{
    *status = NB_OK;
    if (!are_named(given) || !are_named(own) || are_same(given, own)) return NULL;
    int32_t *number = nb_alloc(ctx, (size_t)given->count * sizeof *number);
    *status = number ? nb_classes_numbers(ctx, given, own, number) : ctx->status;
    for (int64_t i = 0; *status == NB_OK && i < given->count; i++)
        if (!number[i]) *status = unknown(ctx, what, given->name[i], own);
    if (*status == NB_OK) return number;
    nb_free(ctx, number, (size_t)given->count * sizeof *number);
    return NULL;
}

/* Rows of numbers of `given` as rows of numbers of `own`; *rows is replaced, or stays where there
 * is nothing to do. */
static nb_status translate(nb_ctx *ctx, nb_feed **rows, const nb_classes *given,
                           const nb_classes *own, const char *what)
{
    nb_status status = NB_OK;
    int32_t *number = *rows ? numbers_in(ctx, given, own, what, &status) : NULL;
    if (!number) return status;
    nb_feed *out = renumber(ctx, *rows, number, given->count);
    if (!out) return ctx->status;
    nb_feed_release(ctx, *rows);
    *rows = out;
    return NB_OK;
}

nb_tensor *nb_numbers_in(nb_ctx *ctx, nb_tensor *numbers, const nb_classes *given,
                         const nb_classes *own, const char *what)
{
    nb_status status;
    int32_t *number = numbers_in(ctx, given, own, what, &status);
    if (!number) return status == NB_OK ? nb_tensor_retain(numbers) : NULL;
    nb_tensor *whole = nb_tensor_convert(ctx, numbers, NB_I32, 1);
    nb_tensor *own_copy = whole ? nb_tensor_clone(ctx, whole) : NULL;
    const renumbered r = {.number = number, .count = given->count};
    if (own_copy) change(&r, (size_t)nb_tensor_count(own_copy), nb_tensor_data(own_copy));
    nb_tensor_release(ctx, whole);
    nb_free(ctx, number, (size_t)given->count * sizeof *number);
    return own_copy;
}

/* ---- The set --------------------------------------------------------------------------------- */

static void take(nb_ctx *ctx, nb_classes **to, nb_classes *classes)
{
    nb_classes_retain(classes);
    nb_classes_release(ctx, *to);
    *to = classes;
}

nb_set *nb_set_in_schema(nb_ctx *ctx, nb_set *set, const nb_schema *schema)
{
    nb_set *out = nb_set_copy(ctx, set);
    nb_status status = out ? NB_OK : ctx->status;
    if (status == NB_OK)
        status = translate(ctx, &out->y, set->schema.classes, schema->classes, "class");
    if (status == NB_OK)
        status = translate(ctx, &out->x, set->schema.words, schema->words, "character");
    if (status == NB_OK && out->x == set->x && out->y == set->y) {
        nb_set_release(ctx, out);
        return nb_set_retain(set);
    }
    if (status != NB_OK) {
        nb_set_release(ctx, out);
        return NULL;
    }
    if (out->y != set->y) take(ctx, &out->schema.classes, schema->classes);
    if (out->x != set->x) take(ctx, &out->schema.words, schema->words);
    return out;
}
