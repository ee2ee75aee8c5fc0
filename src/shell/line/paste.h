/* A bracketed paste: the terminal marks where it begins and ends, so that nothing in it is a key.
 * It also ends with Ctrl-C, or with the input. */
#ifndef SH_PASTE_H
#define SH_PASTE_H

#include <stddef.h>

typedef enum sh_paste_end {
    SH_PASTE_MARK,
    SH_PASTE_LONG,   /* with its mark, but there was more than is taken, or memory for */
    SH_PASTE_CTRL_C, /* which is the reader's to see to */
    SH_PASTE_OVER    /* the input has ended */
} sh_paste_end;

/* Reads what stands behind the mark that begins one. *text is to be freed, its lines end with
 * newlines; NULL: there is none. */
sh_paste_end sh_paste_read(size_t most, char **text);

#endif
