/* How the terminal shows the styles.
 *
 * The prompt does not know whether its background is dark or light, so every colour must be read on
 * both. A colour of relative luminance L has the contrast (L + .05) / .05 on black and
 * 1.05 / (L + .05) on white, whose product is 21: what is read best on the worse of the two has
 * 4.58 on each. Of the 240 fixed colours of 256 these come near it, each in its hue:
 *
 *     keyword   98 #875fd7   4.65 on black, 4.52 on white
 *     name      30 #008787   4.82           4.36
 *     number   132 #af5f87   4.81           4.37
 *     string    28 #008700   4.47           4.70
 *     notation 130 #af5f00   4.46           4.71
 *     comment  243 #767676   4.62           4.54, and suggestion
 *     command   29 #00875f   4.63           4.53
 *     prompt    63 #5f5fff   4.57           4.60
 *     match    163 #d700af   4.51           4.66
 *
 * On the backgrounds that people choose instead, #1e1e1e, #282c34, #002b36, #fdf6e3, none falls
 * below 2.9. What is plain stays as the terminal has it. Where the terminal has 16 colours, those
 * of the same hue are taken, which its own theme fits to its background. */
#include "shell/colour/palette.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum range { NO_COLOUR, OF_16, OF_256, OF_ALL } range;

/* What a style adds to how the terminal shows text. */
typedef struct sh_look {
    range kind;
    int colour; /* a number of the 16 or 256, or 0xRRGGBB */
    int few;    /* of the 16, where there are no more */
    bool bold, underline, reverse;
} sh_look;

/* The styles, then what the flags add. */
enum { UNKNOWN = SH_STYLES, MATCH, REGION, LOOKS, FLAGS_SHIFT = 5, FLAGS = 8, CODE_MAX = 64 };

static const struct {
    const char *name;
    sh_look look;
} standard[LOOKS] = {
    [SH_STYLE_PLAIN] = {"plain", {.kind = NO_COLOUR}},
    [SH_STYLE_KEYWORD] = {"keyword", {OF_256, 98, .few = 5}},
    [SH_STYLE_NAME] = {"name", {OF_256, 30, .few = 6}},
    [SH_STYLE_NUMBER] = {"number", {OF_256, 132, .few = 1}},
    [SH_STYLE_STRING] = {"string", {OF_256, 28, .few = 2}},
    [SH_STYLE_NOTATION] = {"notation", {OF_256, 130, .few = 3}},
    [SH_STYLE_COMMENT] = {"comment", {OF_256, 243, .few = 8}},
    [SH_STYLE_COMMAND] = {"command", {OF_256, 29, .few = 6, .bold = true}},
    [SH_STYLE_SUGGESTED] = {"suggestion", {OF_256, 243, .few = 8}},
    [SH_STYLE_PROMPT] = {"prompt", {OF_256, 63, .few = 4, .bold = true}},
    [UNKNOWN] = {"unknown", {.underline = true}},
    [MATCH] = {"match", {OF_256, 163, .few = 5, .bold = true}},
    [REGION] = {"pasted", {.reverse = true}},
};

typedef struct palette {
    bool made;  /* the codes are those of the looks */
    range most; /* what the terminal has */
    sh_look look[LOOKS];
    char code[SH_STYLES][FLAGS][CODE_MAX];
} palette;

static palette shown;

/* ---- Codes ---------------------------------------------------------------------------------- */

static range terminal_has(void)
{
    const char *colours = getenv("COLORTERM"), *term = getenv("TERM");
    if (colours && (strstr(colours, "truecolor") || strstr(colours, "24bit"))) return OF_ALL;
    if (term && strstr(term, "direct")) return OF_ALL;
    return (colours && *colours) || (term && strstr(term, "256")) ? OF_256 : OF_16;
}

static sh_look over(sh_look below, sh_look above)
{
    if (above.kind != NO_COLOUR) {
        below.kind = above.kind;
        below.colour = above.colour;
        below.few = above.few;
    }
    below.bold |= above.bold;
    below.underline |= above.underline;
    below.reverse |= above.reverse;
    return below;
}

static void write_colour(const palette *p, sh_look look, char *code, size_t size)
{
    int rgb = look.colour;
    range kind = look.kind < p->most ? look.kind : p->most;
    if (look.kind == OF_16 || kind == OF_16)
        snprintf(code, size, ";%d", look.few < 8 ? 30 + look.few : 82 + look.few);
    else if (kind == OF_256)
        snprintf(code, size, ";38;5;%d", look.colour);
    else if (kind == OF_ALL)
        snprintf(code, size, ";38;2;%d;%d;%d", rgb >> 16, rgb >> 8 & 255, rgb & 255);
}

static void write_code(const palette *p, sh_look look, char code[CODE_MAX])
{
    char colour[CODE_MAX / 2] = "";
    if (look.kind != NO_COLOUR) write_colour(p, look, colour, sizeof colour);
    snprintf(code, CODE_MAX, "\033[0%s%s%s%sm", look.bold ? ";1" : "", look.underline ? ";4" : "",
             look.reverse ? ";7" : "", colour);
}

static void make_codes(palette *p)
{
    p->most = terminal_has();
    for (int i = 0; i < LOOKS; i++) p->look[i] = standard[i].look;
    for (int style = 0; style < SH_STYLES; style++)
        for (int flags = 0; flags < FLAGS; flags++) {
            sh_look look = p->look[style];
            for (int flag = 0; flag < 3; flag++)
                if (flags & 1 << flag) look = over(look, p->look[UNKNOWN + flag]);
            write_code(p, look, p->code[style][flags]);
        }
    p->made = true;
}

const char *sh_style_code(unsigned char style)
{
    int base = style & ((1 << FLAGS_SHIFT) - 1);
    if (!shown.made) make_codes(&shown);
    return shown.code[base < SH_STYLES ? base : SH_STYLE_PLAIN][style >> FLAGS_SHIFT];
}
