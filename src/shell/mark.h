/* What stands before an input: ∇, and where the training that is under way stands; and finding it
 * in what is pasted. */
#ifndef SH_MARK_H
#define SH_MARK_H

#include "shell/shell.h"

enum { SH_MARK_BYTES = 192 };

/* The prompt of an input's first line, or of one that goes on, with its colour, marked for Readline
 * as taking no room; nothing where nobody types. "3·120 ∇ " is epoch 3, 120 steps made;
 * "3·121 δ2 ∇ " a step that is half done, at δ of layer 2. */
const char *sh_mark_text(const sh_shell *shell, bool first, char text[SH_MARK_BYTES]);
/* The length of the prompt that a line begins with, 0 where there is none; *first: of which kind.
 * *indent, 0 before the first line: how far those that go on stand to the right. */
size_t sh_mark_length(const char *line, bool *first, size_t *indent);

#endif
