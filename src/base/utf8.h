/* UTF-8, as far as it is counted and cut: a letter is a first byte and the tail behind it. */
#ifndef NB_UTF8_H
#define NB_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* A byte of a letter behind its first. */
static inline bool nb_is_tail(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

/* Letters of so many bytes; on a terminal that many columns, but for those that take two or none.
 */
static inline size_t nb_letters(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) count += !nb_is_tail(text[i]);
    return count;
}

/* `length`, which is less than the text has, or less where that would cut a letter. */
static inline size_t nb_whole_letters(const char *text, size_t length)
{
    while (length > 0 && nb_is_tail(text[length])) length--;
    return length;
}

#endif
