/* The notes' letters by their names: \delta and Tab give δ, in strings and comments, where Lua
 * takes any letter. */
#ifndef SH_LETTERS_H
#define SH_LETTERS_H

#include <stddef.h>

/* How many bytes at the text's end are the name of a letter, \delta or a beginning that only one
 * name has, and stand in a string or comment; 0: none. *letter is what they name. */
size_t sh_letter_before(const char *text, const char **letter);

#endif
