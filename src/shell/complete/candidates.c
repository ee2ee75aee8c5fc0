/* The list that completion fills. */
#include "shell/complete/candidates.h"

#include <stdlib.h>
#include <string.h>

void sh_completion_add(sh_completion *to, const char *name, size_t length, const char *note)
{
    if (to->count == to->room) {
        size_t room = to->room ? 2 * to->room : 64;
        sh_candidate *list = realloc(to->list, room * sizeof *list);
        if (!list) return;
        to->list = list;
        to->room = room;
    }
    sh_candidate new = {strndup(name, length), note && *note ? strdup(note) : NULL};
    if (new.name)
        to->list[to->count++] = new;
    else
        free(new.note);
}

void sh_completion_free(sh_completion *completion)
{
    for (size_t i = 0; i < completion->count; i++) {
        free(completion->list[i].name);
        free(completion->list[i].note);
    }
    free(completion->list);
    *completion = (sh_completion){.wanted = SH_WANT_NOTHING, .suffix = ""};
}
