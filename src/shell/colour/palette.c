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

/* The styles, then what the flags add. */
enum { UNKNOWN = SH_STYLES, MATCH, REGION, LOOKS, FLAGS_SHIFT = 5, FLAGS = 8, CODE_MAX = 64 };

static const struct {
    const char *name;
    sh_look look;
} standard[] = {
#define X(name, help, shown, ...) {#name, __VA_ARGS__},
#include "shell/colour/styles.def"
#undef X
};

_Static_assert(sizeof standard / sizeof *standard == LOOKS, "styles.def has a row for each");

typedef struct palette {
    bool begun, made; /* the looks are there; the codes are theirs */
    sh_range most;    /* what the terminal has */
    sh_look look[LOOKS];
    char code[SH_STYLES][FLAGS][CODE_MAX];
} palette;

static palette shown;

static palette *begin(void)
{
    for (int i = 0; i < LOOKS && !shown.begun; i++) shown.look[i] = standard[i].look;
    shown.begun = true;
    return &shown;
}

/* ---- Colours -------------------------------------------------------------------------------- */

/* xterm's 16, as 0xRRGGBB. */
static const int few[16] = {0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd,
                            0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00,
                            0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff};

/* A number of the 256 as 0xRRGGBB: 16, a cube of 6 x 6 x 6, 24 greys. */
static int rgb_of(int number)
{
    int at = number - 16, grey = 8 + 10 * (number - 232), rgb = 0;
    if (number < 16) return few[number];
    if (number >= 232) return grey << 16 | grey << 8 | grey;
    for (int divisor = 36; divisor >= 1; divisor /= 6) {
        int level = at / divisor % 6;
        rgb = rgb << 8 | (level ? 55 + 40 * level : 0);
    }
    return rgb;
}

static int distance(int a, int b)
{
    int sum = 0;
    for (int shift = 0; shift <= 16; shift += 8) {
        int d = (a >> shift & 255) - (b >> shift & 255);
        sum += d * d;
    }
    return sum;
}

/* The nearest of those from `first` to before `end`. The 16 are the user's to choose, so that none
 * of them is as near as it seems. */
static int nearest(int rgb, int first, int end)
{
    int best = first;
    for (int i = first; i < end; i++)
        if (distance(rgb, rgb_of(i)) < distance(rgb, rgb_of(best))) best = i;
    return best;
}

/* ---- Codes ---------------------------------------------------------------------------------- */

static sh_range terminal_has(void)
{
    const char *colours = getenv("COLORTERM"), *term = getenv("TERM");
    if (colours && (strstr(colours, "truecolor") || strstr(colours, "24bit"))) return SH_OF_ALL;
    if (term && strstr(term, "direct")) return SH_OF_ALL;
    /* xterm has them, and mostly no such TERM. */
    bool many = (colours && *colours) || (term && strstr(term, "256")) || getenv("XTERM_VERSION");
    return many ? SH_OF_256 : SH_OF_16;
}

static sh_look over(sh_look below, sh_look above)
{
    if (above.range != SH_NO_COLOUR) {
        below.range = above.range;
        below.colour = above.colour;
        below.few = above.few;
    }
    below.bold |= above.bold;
    below.italic |= above.italic;
    below.underline |= above.underline;
    below.reverse |= above.reverse;
    return below;
}

static void write_colour(sh_range most, sh_look look, char *code, size_t size)
{
    int rgb = look.colour;
    if (look.range == SH_OF_16 || most == SH_OF_16)
        snprintf(code, size, ";%d", look.few < 8 ? 30 + look.few : 82 + look.few);
    else if (look.range == SH_OF_256 || most == SH_OF_256)
        snprintf(code, size, ";38;5;%d", look.range == SH_OF_256 ? rgb : nearest(rgb, 16, 256));
    else
        snprintf(code, size, ";38;2;%d;%d;%d", rgb >> 16, rgb >> 8 & 255, rgb & 255);
}

static void write_code(sh_range most, sh_look look, char code[CODE_MAX])
{
    char colour[CODE_MAX / 2] = "";
    if (look.range != SH_NO_COLOUR) write_colour(most, look, colour, sizeof colour);
    snprintf(code, CODE_MAX, "\033[0%s%s%s%s%sm", look.bold ? ";1" : "", look.italic ? ";3" : "",
             look.underline ? ";4" : "", look.reverse ? ";7" : "", colour);
}

static void make_codes(palette *p)
{
    sh_range most = terminal_has();
    for (int style = 0; style < SH_STYLES; style++)
        for (int flags = 0; flags < FLAGS; flags++) {
            sh_look look = p->look[style];
            for (int flag = 0; flag < 3; flag++)
                if (flags & 1 << flag) look = over(look, p->look[UNKNOWN + flag]);
            write_code(most, look, p->code[style][flags]);
        }
    p->made = true;
}

const char *sh_style_code(unsigned char style)
{
    int base = style & ((1 << FLAGS_SHIFT) - 1);
    palette *p = begin();
    if (!p->made) make_codes(p);
    return p->code[base < SH_STYLES ? base : SH_STYLE_PLAIN][style >> FLAGS_SHIFT];
}

/* ---- Words ---------------------------------------------------------------------------------- */

/* Eight colours as terminals number them, then what is no colour. */
static const char *const words[] = {"black",   "red",    "green",     "yellow",  "blue",
                                    "magenta", "cyan",   "white",     "grey",    "bright",
                                    "bold",    "italic", "underline", "reverse", NULL};
enum { GREY = 8, BRIGHT, BOLD, ITALIC, UNDERLINE, REVERSE, WORDS };

const char *sh_look_word_at(const void *list, size_t i)
{
    (void)list;
    return i < WORDS ? words[i] : NULL;
}

static int word_of(const char *word, size_t length)
{
    for (int i = 0; i < WORDS; i++)
        if (strlen(words[i]) == length && memcmp(words[i], word, length) == 0) return i;
    return WORDS;
}

/* "#5f5fff", "98"; false: it is no colour. */
static bool read_number(sh_look *look, const char *word, size_t length)
{
    char *end, digits[8] = "";
    bool all = *word == '#';
    if (length > 7 || (all && length != 7)) return false;
    memcpy(digits, word + all, length - all);
    if (strspn(digits, all ? "0123456789abcdefABCDEF" : "0123456789") != length - all) return false;
    look->colour = (int)strtol(digits, &end, all ? 16 : 10);
    look->range = all ? SH_OF_ALL : SH_OF_256;
    if (!all && look->colour > 255) return false;
    look->few = nearest(all ? look->colour : rgb_of(look->colour), 0, 16);
    return true;
}

/* One word of a look; false: there is none such, or a second colour. */
static bool read_word(sh_look *look, const char *word, size_t length, bool *bright)
{
    int known = word_of(word, length);
    if (known == BRIGHT) *bright = true;
    if (known == BOLD) look->bold = true;
    if (known == ITALIC) look->italic = true;
    if (known == UNDERLINE) look->underline = true;
    if (known == REVERSE) look->reverse = true;
    if (known >= BRIGHT && known < WORDS) return true;
    if (look->range != SH_NO_COLOUR) return false;
    if (known == WORDS) return read_number(look, word, length);
    look->range = SH_OF_16;
    look->colour = look->few = known;
    return true;
}

bool sh_look_read(sh_look *look, const char *text)
{
    bool bright = false;
    *look = (sh_look){.range = SH_NO_COLOUR};
    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        size_t length = strcspn(text, " ");
        if (!read_word(look, text, length, &bright)) return false;
        text += length;
    }
    if (!bright) return true;
    if (look->range != SH_OF_16 || look->colour == GREY) return false;
    look->few = look->colour += 8;
    return true;
}

const char *sh_look_words(sh_look look, char out[SH_LOOK_MAX])
{
    char colour[SH_LOOK_MAX / 2] = "";
    int number = look.colour;
    if (look.range == SH_OF_16)
        snprintf(colour, sizeof colour, " %s%s", number > GREY ? "bright " : "",
                 words[number > GREY ? number - 8 : number]);
    if (look.range == SH_OF_256) snprintf(colour, sizeof colour, " %d", number);
    if (look.range == SH_OF_ALL) snprintf(colour, sizeof colour, " #%06x", (unsigned)number);
    int length = snprintf(out, SH_LOOK_MAX, "%s%s%s%s%s", look.bold ? " bold" : "",
                          look.italic ? " italic" : "", look.underline ? " underline" : "",
                          look.reverse ? " reverse" : "", colour);
    if (length > 0) memmove(out, out + 1, (size_t)length);
    return out;
}

/* ---- The palette ---------------------------------------------------------------------------- */

const char *sh_palette_name_at(const void *list, size_t i)
{
    (void)list;
    return i < LOOKS ? standard[i].name : NULL;
}

sh_look sh_palette_look(size_t i)
{
    return begin()->look[i];
}

sh_look sh_palette_standard(size_t i)
{
    return standard[i].look;
}

void sh_palette_set(size_t i, sh_look look)
{
    palette *p = begin();
    sh_look own = standard[i].look;
    if (look.range == own.range && look.colour == own.colour) look.few = own.few;
    p->look[i] = look;
    p->made = false;
}
