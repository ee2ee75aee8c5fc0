/* How the bytes of an input look. */
#include "shell/line/colour.h"

#include <string.h>

void sh_colour_text(sh_shell *shell, const char *text, size_t length, size_t cursor,
                    unsigned char *style)
{
    (void)shell;
    (void)text;
    (void)cursor;
    memset(style, SH_STYLE_PLAIN, length);
}

const char *sh_style_code(unsigned char style)
{
    if (style & SH_STYLE_REGION) return "\033[0;7m";
    if (style == SH_STYLE_PROMPT) return "\033[0;1;34m";
    return style == SH_STYLE_SUGGESTED ? "\033[0;90m" : "\033[0m";
}
