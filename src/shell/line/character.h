/* Characters, put together from bytes as the locale has it. Half a character in its line is what
 * Readline cannot bear: it keeps it for the next line, or walks over it for ever. A byte that
 * begins none counts as one. */
#ifndef SH_CHARACTER_H
#define SH_CHARACTER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct sh_character {
    char byte[MB_LEN_MAX];
    size_t length;
    bool whole;
} sh_character;

/* Adds a byte to one that is not whole. Where it does not go on with it, what was there is dropped,
 * and the byte begins another. */
void sh_character_add(sh_character *character, char byte);
/* Drops the halves of characters from a text. */
void sh_drop_halves(char *text);

#endif
