/* What the terminal answers. */
#include "shell/line/answers.h"

#include "base/clock.h"
#include "base/machine.h"

#include <stdlib.h>
#include <string.h>

enum {
    /* Milliseconds. Esc may be a key of its own, and soon is; who types Esc, [ and ? so quickly is
     * no person. */
    PAUSE = 50,
    PAUSE_INSIDE = 500,
    CERTAIN = 3,
    SETTLING = 100 /* from the question on */
};

/* Does it take pictures of kitty's protocol, how large is a letter, what is your name, what are
 * you: the last one is answered by all, after the others. */
static const char question[] = "\033_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\033\\\033[16t\033[>0q\033[c";

static struct {
    const sh_terminal *terminal;
    nbl_pictures *pictures;
    bool asked, told; /* the last answer has come */
    bool keeps;       /* rows, when its width changes */
    double since;     /* when it was asked */
} answers;

/* ---- Asking ---- */

static bool begins_with_one(const char *text, const char *const names[])
{
    for (size_t i = 0; names[i]; i++)
        if (strncmp(text, names[i], strlen(names[i])) == 0) return true;
    return false;
}

void sh_answers_open(const sh_terminal *terminal, nbl_pictures *pictures)
{
    /* These do not say their names. */
    static const char *const keep[] = {"mlterm", "st-", NULL};
    const char *term = getenv("TERM");
    answers.terminal = terminal;
    answers.pictures = pictures;
    answers.keeps = term && begins_with_one(term, keep);
}

bool sh_answers_keeps(void)
{
    return answers.keeps;
}

const char *sh_answers_uncover(void)
{
    return answers.pictures ? nbl_pictures_way(answers.pictures)->uncover : "";
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

/* Inside tmux and screen the question lands in the window's title and their own answer is no proof;
 * others write it out as letters. */
static bool may_be_asked(void)
{
    static const char *const never[] = {"screen", "tmux", "linux", "eterm", "dumb", NULL};
    const char *term = getenv("TERM");
    const sh_terminal *terminal = answers.terminal;
    if (!terminal || !terminal->input || !terminal->output || !terminal->moves) return false;
    if (!term || is_set("TMUX") || is_set("STY")) return false;
    return !begins_with_one(term, never);
}

void sh_answers_ask(FILE *to)
{
    if (answers.asked || !answers.pictures || answers.pictures->chosen || !may_be_asked()) return;
    answers.asked = true;
    answers.since = nb_clock();
    fputs(question, to);
    fflush(to);
}

/* ---- What is an answer ---- */

static bool is_printed(char c)
{
    return c >= ' ' && c <= '~';
}

static bool is_number(char c)
{
    return (c >= '0' && c <= '9') || c == ';';
}

/* "OK", or what is wrong. */
static void heed_kitty(const char *inner, nbl_pictures *pictures)
{
    pictures->kitty = strcmp(inner, "OK") == 0;
}

/* Its height, then its width. */
static void heed_cell(const char *inner, nbl_pictures *pictures)
{
    int high, wide;
    char rest;
    if (sscanf(inner, "%d;%d%c", &high, &wide, &rest) != 2 || !nb_is_cell(wide, high)) return;
    pictures->cell_high = high;
    pictures->cell_wide = wide;
}

/* A terminal of the sixties, VT220 and later, lists what it has; 4 is sixel. */
static void heed_kind(const char *inner, nbl_pictures *pictures)
{
    size_t first = strcspn(inner, ";");
    answers.told = true;
    pictures->sixel = false;
    if (first != 2 || *inner != '6') return;
    for (const char *at = strchr(inner, ';'); at && !pictures->sixel; at = strchr(at + 1, ';'))
        pictures->sixel = at[1] == '4' && (at[2] == ';' || !at[2]);
}

/* xterm cuts rows off; others that say their names let them flow. */
static void heed_name(const char *inner, nbl_pictures *pictures)
{
    static const char *const keep[] = {"XTerm(", NULL};
    (void)pictures;
    answers.keeps = begins_with_one(inner, keep);
}

static const struct answer {
    const char *begins, *ends;
    bool (*inside)(char);
    void (*heed)(const char *inner, nbl_pictures *pictures);
} kinds[] = {{"\033_Gi=31;", "\033\\", is_printed, heed_kitty},
             {"\033[6;", "t", is_number, heed_cell},
             {"\033P>|", "\033\\", is_printed, heed_name},
             {"\033[?", "c", is_number, heed_kind}};

enum { KINDS = sizeof kinds / sizeof *kinds };

/* As sh_answer_length, of one kind. */
static size_t match(const struct answer *kind, const char *bytes, size_t count, bool *open)
{
    size_t begin = strlen(kind->begins), end = strlen(kind->ends), at = begin;
    *open = memcmp(bytes, kind->begins, count < begin ? count : begin) == 0;
    if (!*open || count <= begin) return 0;
    while (at < count && kind->inside(bytes[at])) at++;
    size_t left = count - at;
    *open =
        at + end <= SH_ANSWER_MOST && memcmp(bytes + at, kind->ends, left < end ? left : end) == 0;
    return *open && left >= end ? at + end : 0;
}

size_t sh_answer_length(const char *bytes, size_t count, bool *open)
{
    bool any = false;
    size_t length = 0;
    for (size_t i = 0; i < KINDS && length == 0 && answers.asked; i++) {
        bool one;
        length = match(&kinds[i], bytes, count, &one);
        any = any || one;
    }
    *open = any && length == 0;
    return length;
}

int sh_answer_patience(size_t count)
{
    if (count >= CERTAIN) return PAUSE_INSIDE;
    return answers.told ? 0 : PAUSE;
}

void sh_answer_heed(const char *bytes, size_t length)
{
    char inner[SH_ANSWER_MOST + 1];
    bool open;
    for (size_t i = 0; i < KINDS; i++) {
        if (match(&kinds[i], bytes, length, &open) != length) continue;
        size_t begin = strlen(kinds[i].begins);
        size_t left = length - begin - strlen(kinds[i].ends);
        memcpy(inner, bytes + begin, left);
        inner[left] = '\0';
        kinds[i].heed(inner, answers.pictures);
    }
}

int sh_answers_due(void)
{
    if (!answers.asked || answers.told) return 0;
    double left = SETTLING - (nb_clock() - answers.since) * 1000;
    return left > 0 ? (int)left + 1 : 0;
}
