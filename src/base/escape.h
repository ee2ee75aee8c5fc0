/* Texts that somebody else wrote, made fit to be shown. Control characters move cursors, change
 * colours and titles, and make a terminal type; so they are shown as Lua would write them in a
 * string: \027, \r, \u{202E}. Those are C0, DEL and C1, what turns the direction of writing or ends
 * lines unseen, and bytes that are no UTF-8. */
#ifndef NB_ESCAPE_H
#define NB_ESCAPE_H

#include "base/text.h"

#include <stddef.h>

typedef enum nb_escaping {
    NB_ESCAPE_LINES, /* newlines and tabs stay: messages, help */
    NB_ESCAPE_WORD,  /* they are escaped too: names, what shares a line with other things */
    NB_ESCAPE_QUOTED /* quotes and backslashes as well: between quotes */
} nb_escaping;

/* How the first character of a text of `left` bytes, more than 0, is shown, into `out`; the bytes
 * that it takes of the text. */
enum { NB_ESCAPE_MAX = 12 };
size_t nb_escape(const char *text, size_t left, nb_escaping how, char out[NB_ESCAPE_MAX]);
/* True when a text would be shown as it is. */
bool nb_is_plain(const char *text, size_t length, nb_escaping how);
void nb_text_add_escaped(nb_text *text, const char *bytes, size_t length, nb_escaping how);

/* Bytes of the UTF-8 character at the begin of `left` bytes; 0 where there is none (overlong, a
 * surrogate, beyond U+10FFFF, cut). */
size_t nb_utf8_length(const char *text, size_t left);
/* The code point of a character of so many bytes, and back: the bytes that it takes, written with a
 * NUL behind them. */
enum { NB_UTF8_MAX = 4 };
uint32_t nb_utf8_point(const char *text, size_t length);
size_t nb_utf8_write(uint32_t point, char out[NB_UTF8_MAX + 1]);

#endif
