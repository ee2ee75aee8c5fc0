/* The list that completion fills. */
#ifndef SH_CANDIDATES_H
#define SH_CANDIDATES_H

#include <stddef.h>

typedef struct sh_candidate {
    char *name;
    char *note; /* shown beside it in lists; may be NULL */
} sh_candidate;

typedef enum sh_wanted {
    SH_WANT_NOTHING,
    SH_WANT_NAME,    /* of code */
    SH_WANT_WORD,    /* a whole string */
    SH_WANT_ITEM,    /* of the notation of networks, in a string */
    SH_WANT_PATH,    /* in a string */
    SH_WANT_TOPIC,   /* of the help, behind a ? */
    SH_WANT_COMMAND, /* of the prompt */
    SH_WANT_FILE     /* behind a command */
} sh_wanted;

typedef struct sh_completion {
    sh_wanted wanted;
    const char *suffix; /* goes behind a candidate that is the only one */
    sh_candidate *list;
    size_t count, room;
} sh_completion;

/* Adds the first `length` bytes of a name; `note` may be NULL. When memory ends the list stays
 * short. */
void sh_completion_add(sh_completion *to, const char *name, size_t length, const char *note);
void sh_completion_free(sh_completion *completion);

#endif
