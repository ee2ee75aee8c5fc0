/* Lua's tokens, as far as the prompt needs them: to tell code from strings and comments in text
 * that may be unfinished or wrong. It is not a parser; Lua itself decides what compiles. */
#ifndef SH_TOKENS_H
#define SH_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum sh_token_kind {
    SH_NAME,
    SH_KEYWORD,
    SH_NUMBER,
    SH_STRING,
    SH_SYMBOL,
    SH_COMMENT, /* whole ones are skipped unless they were asked for */
    SH_STRANGE  /* a character that Lua has no use for */
} sh_token_kind;

typedef struct sh_token {
    sh_token_kind kind;
    const char *text; /* in the scanned text */
    size_t length;
    bool open; /* a string or comment that the text's end cuts off */
} sh_token;

typedef struct sh_scanner {
    const char *next, *end;
    bool comments; /* whole ones are tokens too; false after sh_scan */
} sh_scanner;

sh_scanner sh_scan(const char *text, size_t length);
/* False at the end of the text. */
bool sh_scan_next(sh_scanner *scanner, sh_token *token);
bool sh_token_is(const sh_token *token, const char *text);
/* How a token changes the depth of blocks: 1 opens one, -1 closes one, else 0. `while` and `for`
 * count with their `do`. */
int sh_token_nests(const sh_token *token);

/* Is the text's last token a `;`? */
bool sh_ends_silent(const char *text);
/* Nothing but space and comments. */
bool sh_is_blank(const char *text);

/* The i-th of Lua's keywords, NULL after the last. */
const char *sh_keyword(size_t i);

#endif
