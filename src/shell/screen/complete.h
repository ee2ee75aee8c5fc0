/* What could stand where the cursor is. It reads Lua's tables raw and the book of help, and never
 * runs the user's code: no metamethod, no finaliser. It knows nothing of the keyboard; line.c asks
 * it. */
#ifndef SH_COMPLETE_H
#define SH_COMPLETE_H

#include "shell/shell.h"

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

/* Candidates for the word at the end of `text`, which is the input up to the cursor. */
void sh_complete(sh_shell *shell, const char *text, sh_completion *completion);
void sh_completion_free(sh_completion *completion);

#endif
