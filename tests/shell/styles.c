/* See styles.h. */
#include "styles.h"

#include "shell/colour/colour.h"

enum { FIRST = 100, BASE = 0x1F /* what is left of a style without its flags */ };

const char *sh_style_code(unsigned char style)
{
    static char code[64];
    if (style == SH_STYLE_PLAIN) return "\033[0m";
    snprintf(code, sizeof code, "\033[0;38;5;%d%s%s%sm", FIRST + (style & BASE),
             style & SH_STYLE_UNKNOWN ? ";4" : "", style & SH_STYLE_MATCH ? ";1" : "",
             style & SH_STYLE_REGION ? ";7" : "");
    return code;
}

screen_cell styles_look(unsigned char style, bool colour)
{
    screen_cell cell = {.code = ' '};
    if (style == SH_STYLE_PLAIN || !colour) return cell;
    cell.foreground = SCREEN_PALETTE | (uint32_t)(FIRST + (style & BASE));
    if (style & SH_STYLE_UNKNOWN) cell.attributes |= SCREEN_UNDERLINE;
    if (style & SH_STYLE_MATCH) cell.attributes |= SCREEN_BOLD;
    if (style & SH_STYLE_REGION) cell.attributes |= SCREEN_REVERSE;
    return cell;
}
