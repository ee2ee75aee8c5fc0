/* Equal neighbours of a list, and which of them are worth writing once: a - b - a - b as 2*[a - b].
 */
#ifndef NB_REPEAT_H
#define NB_REPEAT_H

#include "base/text.h"

typedef struct nb_repeat_item {
    size_t start, length; /* its text, in the list's */
    uint64_t hash;        /* of the text */
    int64_t weight;       /* what writing it costs */
    int height;           /* how deep brackets stand in it */
    bool alone;           /* never repeated: it has a name, or is shared */
    bool plain;           /* not worth a repeat of its own kind only */
} nb_repeat_item;

typedef struct nb_repeat_list {
    nb_text text; /* of all items, one behind the other */
    nb_repeat_item *item;
    int count, room;
    int64_t price; /* of a repeat, besides the digits of its number */
} nb_repeat_list;

/* Items start … start + period - 1 stand there `times` times. */
typedef struct nb_repeat {
    int period, times;
} nb_repeat;

void nb_repeat_begin(nb_repeat_list *list, nb_ctx *ctx, int64_t price);
/* Ends an item whose text was added to list->text since the last: its length and hash are set
 * here, all else by the caller. NULL when memory ends. */
nb_repeat_item *nb_repeat_add(nb_repeat_list *list);
/* The repeat that begins with item `start`, ends before `end` and saves most; {1, 1} where none
 * does. No item of it is higher than `room`. */
nb_repeat nb_repeat_find(const nb_repeat_list *list, int start, int end, int room);
void nb_repeat_end(nb_repeat_list *list);

#endif
