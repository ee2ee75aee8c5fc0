/* What was typed in this session, and the script that .save makes of it. */
#ifndef SH_RECORD_H
#define SH_RECORD_H

#include "shell/shell.h"

typedef enum sh_record_kind {
    SH_RECORD_INPUT,  /* may be an expression whose values were shown */
    SH_RECORD_FAILED, /* may have done half of its work: becomes a comment */
    SH_RECORD_PLAIN   /* stands in the script as it is */
} sh_record_kind;

/* Notes what was carried out. */
void sh_record_add(sh_shell *shell, const char *source, sh_record_kind kind);
/* The session starts anew, or ends. */
void sh_record_clear(sh_shell *shell);
/* Writes the inputs so far as a script that runs: what showed its value prints it, locals that were
 * kept are globals, `_` is filled where a later input reads it. The file appears whole or not at
 * all; one that is there is replaced only when `replace` says so. What went wrong is printed. */
void sh_record_save(sh_shell *shell, const char *path, bool replace);

#endif
