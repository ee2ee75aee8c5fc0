/* The styles of the prompt and how the terminal shows them: the palette, which nabla.colours sets.
 * It is the terminal's, and so the process's, as Readline is. */
#ifndef SH_PALETTE_H
#define SH_PALETTE_H

#include <stdbool.h>
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

/* The escape sequence that shows it, whatever was shown before; good until the palette changes. */
const char *sh_style_code(unsigned char style);

/* How many colours the number of one is of; of all it is 0xRRGGBB. */
typedef enum sh_range { SH_NO_COLOUR, SH_OF_16, SH_OF_256, SH_OF_ALL } sh_range;

/* What a style adds to how the terminal shows text. */
typedef struct sh_look {
    sh_range range;
    int colour;
    int few; /* the one of 16, where there are no more */
    bool bold, italic, underline, reverse;
} sh_look;

/* A look in words, "bold blue", "#5f5fff", "underline 98"; false: it is none. */
bool sh_look_read(sh_look *look, const char *words);
/* Those words; "" for what adds nothing. Returns `out`. */
enum { SH_LOOK_MAX = 64 };
const char *sh_look_words(sh_look look, char out[SH_LOOK_MAX]);
/* The i-th word that a look may have, NULL after the last; for nb_nearest. */
const char *sh_look_word_at(const void *list, size_t i);

/* What the palette has: the styles, then what is added to them where a name is unknown, for a
 * bracket's match, for what was pasted. Its i-th name, NULL after the last; for nb_nearest. */
const char *sh_palette_name_at(const void *list, size_t i);
/* How it is shown now, and by itself. */
sh_look sh_palette_look(size_t i);
sh_look sh_palette_standard(size_t i);
void sh_palette_set(size_t i, sh_look look);

#endif
