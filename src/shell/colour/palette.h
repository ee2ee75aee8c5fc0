/* The styles of the prompt and how the terminal shows them: the palette, which nabla.colours sets.
 * It is the terminal's, and so the process's, as Readline is. */
#ifndef SH_PALETTE_H
#define SH_PALETTE_H

#include <lua.h>

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

/* The escape sequence that shows it, whatever was shown before; good until the palette changes. */
const char *sh_style_code(unsigned char style);

#endif
