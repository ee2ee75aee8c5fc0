/* Repeats found by trying every short period at a place. */
#include "nn/notation/repeat.h"

#include "base/memory.h"

#include <string.h>

enum {
    PERIOD_MAX = 64, /* the longest list whose repeats are looked for */
    FIRST_ROOM = 8
};

void nb_repeat_begin(nb_repeat_list *list, nb_ctx *ctx, int64_t price)
{
    *list = (nb_repeat_list){.price = price};
    nb_text_init(&list->text, ctx);
}

void nb_repeat_end(nb_repeat_list *list)
{
    nb_free(list->text.ctx, list->item, (size_t)list->room * sizeof *list->item);
    nb_text_free(&list->text);
}

static bool make_room(nb_repeat_list *list)
{
    if (list->count < list->room) return true;
    int room = list->room ? 2 * list->room : FIRST_ROOM;
    size_t size = sizeof *list->item;
    nb_repeat_item *item =
        nb_resize(list->text.ctx, list->item, (size_t)list->room * size, (size_t)room * size);
    if (!item) return false;
    list->item = item;
    list->room = room;
    return true;
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static uint64_t hash_of(const char *bytes, size_t length)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001B3);
    return hash;
}

nb_repeat_item *nb_repeat_add(nb_repeat_list *list)
{
    const nb_repeat_item *last = list->count ? &list->item[list->count - 1] : NULL;
    size_t start = last ? last->start + last->length : 0;
    if (list->text.failed || !make_room(list)) return NULL;
    nb_repeat_item *item = &list->item[list->count++];
    *item = (nb_repeat_item){.start = start, .length = list->text.length - start};
    item->hash = hash_of(nb_text_get(&list->text) + start, item->length);
    return item;
}

static bool is_same(const nb_repeat_list *list, int i, int k)
{
    const nb_repeat_item *a = &list->item[i], *b = &list->item[k];
    const char *text = nb_text_get(&list->text);
    return a->hash == b->hash && a->length == b->length &&
           memcmp(text + a->start, text + b->start, a->length) == 0;
}

/* How many times the period stands there. */
static int count_times(const nb_repeat_list *list, int start, int end, int period)
{
    int same = 0;
    while (start + period + same < end && is_same(list, start + same, start + period + same) &&
           !list->item[start + period + same].alone)
        same++;
    return 1 + same / period;
}

/* The weight of a list that may be repeated, or 0. */
static int64_t weigh(const nb_repeat_list *list, int start, int period, int room)
{
    int64_t weight = 0;
    bool plain = true;
    for (int i = start; i < start + period; i++) {
        const nb_repeat_item *item = &list->item[i];
        if (item->alone || item->height > room) return 0;
        plain = plain && item->plain;
        weight += item->weight;
    }
    return plain ? 0 : weight;
}

static int digits_of(int number)
{
    int digits = 1;
    for (; number >= 10; number /= 10) digits++;
    return digits;
}

nb_repeat nb_repeat_find(const nb_repeat_list *list, int start, int end, int room)
{
    nb_repeat best = {1, 1};
    int64_t most = 0;
    for (int period = 1; period <= PERIOD_MAX && start + 2 * period <= end; period++) {
        int64_t weight = weigh(list, start, period, room);
        int times = weight > 0 ? count_times(list, start, end, period) : 1;
        int64_t saved = (times - 1) * weight - list->price - digits_of(times);
        if (saved <= most) continue;
        most = saved;
        best = (nb_repeat){period, times};
    }
    return best;
}
