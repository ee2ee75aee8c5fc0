/* See fold.h. */
#include "shell/screen/fold.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

static void break_line(size_t indent, sh_take_piece *take, void *self)
{
    take(self, "\n", 1);
    for (size_t i = 0; i < indent; i++) take(self, " ", 1);
}

static void fold_line(const char *line, size_t length, size_t at, const sh_lie *lie,
                      sh_take_piece *take, void *self)
{
    for (size_t i = 0; i < length;) {
        size_t from = i, word;
        while (i < length && line[i] == ' ') i++;
        for (word = i; i < length && line[i] != ' ';) i++;
        bool fits = at + nb_letters(line + from, i - from) <= lie->width;
        bool would = lie->indent + nb_letters(line + word, i - word) <= lie->width;
        if (!fits && at > lie->indent && would) {
            break_line(lie->indent, take, self);
            from = word;
            at = lie->indent;
        }
        take(self, line + from, i - from);
        at += nb_letters(line + from, i - from);
    }
}

void sh_fold(const char *text, const sh_lie *lie, sh_take_piece *take, void *self)
{
    for (size_t column = lie->column;; column = 0) {
        size_t length = strcspn(text, "\n");
        if (*text == ' ')
            take(self, text, length);
        else
            fold_line(text, length, column, lie, take, self);
        text += length;
        if (!*text) return;
        take(self, text++, 1);
    }
}
