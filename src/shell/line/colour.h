/* How the bytes of an input look: Lua's tokens, the notation of networks inside strings, names that
 * nobody has given a value, the bracket that belongs to the one at the cursor. It reads Lua's
 * tables raw and never runs the user's code. */
#ifndef SH_COLOUR_H
#define SH_COLOUR_H

#include "shell/shell.h"

#include <stddef.h>

/* What stands there; one of these and any of the flags behind them. */
typedef enum sh_style {
    SH_STYLE_PLAIN,
    SH_STYLE_KEYWORD,
    SH_STYLE_NAME, /* of Lua or nabla */
    SH_STYLE_NUMBER,
    SH_STYLE_STRING,
    SH_STYLE_NOTATION, /* of networks, in a string: what is known */
    SH_STYLE_COMMENT,
    SH_STYLE_COMMAND,
    SH_STYLE_SUGGESTED,
    SH_STYLE_PROMPT, /* and the mark of further lines */
    SH_STYLES,

    SH_STYLE_UNKNOWN = 0x20, /* underlined */
    SH_STYLE_MATCH = 0x40,   /* the bracket at the cursor, and its other */
    SH_STYLE_REGION = 0x80   /* marked, as what was just pasted */
} sh_style;

/* Writes the style of each byte of an input whose cursor is before byte `cursor`. */
void sh_colour_text(sh_shell *shell, const char *text, size_t length, size_t cursor,
                    unsigned char *style);
/* The escape sequence that shows it, whatever was shown before. */
const char *sh_style_code(unsigned char style);

#endif
