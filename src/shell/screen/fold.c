/* See fold.h. */
#include "shell/screen/fold.h"

#include <stdbool.h>
#include <string.h>

static size_t letters(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

static void fold_line(const char *line, size_t length, size_t at, size_t width, sh_take_piece *take,
                      void *self)
{
    for (size_t i = 0; i < length;) {
        size_t from = i, word;
        while (i < length && line[i] == ' ') i++;
        for (word = i; i < length && line[i] != ' ';) i++;
        bool fits = at + letters(line + from, i - from) <= width;
        if (!fits && at > 0 && letters(line + word, i - word) <= width) {
            take(self, "\n", 1);
            from = word;
            at = 0;
        }
        take(self, line + from, i - from);
        at += letters(line + from, i - from);
    }
}

void sh_fold(const char *text, size_t column, size_t width, sh_take_piece *take, void *self)
{
    for (;; column = 0) {
        size_t length = strcspn(text, "\n");
        if (*text == ' ')
            take(self, text, length);
        else
            fold_line(text, length, column, width, take, self);
        text += length;
        if (!*text) return;
        take(self, text++, 1);
    }
}
