/* See labels.h. */
#include "io/csv/labels.h"

#include "base/hash.h"
#include "base/memory.h"
#include "io/csv/number.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 16 };

void nb_labels_init(nb_labels *labels, nb_ctx *ctx)
{
    *labels = (nb_labels){.ctx = ctx};
    nb_text_init(&labels->packed, ctx);
}

void nb_labels_free(nb_labels *labels)
{
    nb_text_free(&labels->packed);
    nb_free(labels->ctx, labels->start, (size_t)labels->room * sizeof *labels->start);
    if (labels->slot)
        nb_free(labels->ctx, labels->slot, (size_t)(labels->mask + 1) * sizeof *labels->slot);
    labels->start = NULL;
    labels->slot = NULL;
    labels->room = 0;
}

const char *nb_labels_text(const nb_labels *labels, int32_t number)
{
    return labels->packed.data + labels->start[number];
}

/* Where the text stands in the table, or the free place for it. */
static uint64_t place_of(const nb_labels *labels, const char *text, size_t length)
{
    uint64_t at = nb_hash(text, length) & labels->mask;
    for (; labels->slot[at]; at = (at + 1) & labels->mask) {
        const char *there = nb_labels_text(labels, labels->slot[at] - 1);
        if (strncmp(there, text, length) == 0 && there[length] == '\0') break;
    }
    return at;
}

int32_t nb_labels_find(const nb_labels *labels, const char *text, size_t length)
{
    return labels->slot ? labels->slot[place_of(labels, text, length)] - 1 : -1;
}

/* Twice the room. The old lists stand until both new ones are there. */
static nb_status grow(nb_labels *labels)
{
    nb_ctx *ctx = labels->ctx;
    int32_t room = labels->room ? 2 * labels->room : ROOM;
    uint64_t mask = 4 * (uint64_t)room - 1;
    int32_t *slot = nb_alloc_zero(ctx, (size_t)mask + 1, sizeof *slot);
    size_t *start = slot ? nb_resize(ctx, labels->start, (size_t)labels->room * sizeof *start,
                                     (size_t)room * sizeof *start)
                         : NULL;
    if (!start) {
        nb_free(ctx, slot, (size_t)(mask + 1) * sizeof *slot);
        return NB_EMEMORY;
    }
    if (labels->slot) nb_free(ctx, labels->slot, (size_t)(labels->mask + 1) * sizeof *slot);
    labels->start = start;
    labels->room = room;
    labels->slot = slot;
    labels->mask = mask;
    for (int32_t i = 0; i < labels->count; i++) {
        const char *text = nb_labels_text(labels, i);
        slot[place_of(labels, text, strlen(text))] = i + 1;
    }
    return NB_OK;
}

nb_status nb_labels_add(nb_labels *labels, const char *text, size_t length)
{
    if (labels->count == NB_CSV_LABELS_MAX)
        return nb_fail(labels->ctx, NB_EARG, "there are more than %d different ones",
                       NB_CSV_LABELS_MAX);
    if (labels->count == labels->room && grow(labels) != NB_OK) return NB_EMEMORY;
    size_t start = labels->packed.length;
    nb_text_add_bytes(&labels->packed, text, length);
    nb_text_add_bytes(&labels->packed, "", 1);
    if (labels->packed.failed) return NB_EMEMORY;
    labels->start[labels->count++] = start;
    labels->slot[place_of(labels, text, length)] = labels->count;
    return NB_OK;
}

/* ---- In order ---- */

typedef struct label {
    const char *text;
    double value; /* where all are numbers, else 0 */
    int32_t number;
} label;

static int by_value(const void *a, const void *b)
{
    const label *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return strcmp(x->text, y->text);
}

static void read_values(label *list, int32_t count)
{
    bool numbers = true, marked;
    for (int32_t i = 0; i < count && numbers; i++) {
        const char *end = nb_csv_number(list[i].text, '.', &list[i].value, &marked);
        numbers = end && *end == '\0';
    }
    for (int32_t i = 0; i < count && !numbers; i++) list[i].value = 0;
}

nb_names *nb_labels_sort(const nb_labels *labels, int32_t *place)
{
    size_t bytes = (size_t)labels->count * sizeof(label);
    label *list = nb_alloc(labels->ctx, bytes);
    nb_text sorted;
    if (!list) return NULL;
    for (int32_t i = 0; i < labels->count; i++)
        list[i] = (label){.text = nb_labels_text(labels, i), .number = i};
    if (!labels->closed) {
        read_values(list, labels->count);
        qsort(list, (size_t)labels->count, sizeof *list, by_value);
    }
    nb_text_init(&sorted, labels->ctx);
    for (int32_t i = 0; i < labels->count; i++) {
        place[list[i].number] = i;
        nb_text_add_bytes(&sorted, list[i].text, strlen(list[i].text) + 1);
    }
    nb_names *names = nb_names_new(labels->ctx, &sorted, labels->count);
    nb_text_free(&sorted);
    nb_free(labels->ctx, list, bytes);
    return names;
}
