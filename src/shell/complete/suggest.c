/* What would go on behind an input. What is looked through is bounded: the history by its length,
 * the rest by that of the text. */
#include "shell/complete/suggest.h"

#include "shell/complete/closing.h"
#include "shell/complete/complete.h"
#include "shell/complete/layers.h"
#include "shell/complete/members.h"
#include "shell/complete/strings.h"
#include "shell/commands.h"
#include "shell/line/history.h"
#include "shell/run/quiet.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Behind longer texts nothing is suggested, for what is known of them is read by tokens at every
 * key (64 KiB of them were measured to take 3 ms); and so many bytes of entries are compared with
 * the text, once their first few are its. */
enum { TEXT_MOST = 8 << 10, FEW = 16, COMPARED_MOST = 2 << 20 };

typedef struct task {
    sh_shell *shell;
    const char *text, *end;
    sh_parts parts;
    bool closes; /* what closes may stand here */
    char out[SH_SUGGESTED_BYTES];
} task;

static task found;

/* ---- From the history ----------------------------------------------------------------------- */

/* The rest of the line in the latest entry that begins with the text. An entry that is the text, or
 * that failed, is passed over; one that has more lines is not, for an Enter is not suggested. */
static bool from_history(task *t, size_t length)
{
    size_t compared = 0, few = length < FEW ? length : FEW;
    for (size_t i = sh_history_count(); i > 0 && compared <= COMPARED_MOST; i--) {
        const char *entry = sh_history_entry(i - 1);
        if (strncmp(entry, t->text, few) != 0) continue;
        compared += length - few;
        if (strncmp(entry, t->text, length) != 0 || !entry[length]) continue;
        if (sh_history_failed(i - 1)) continue;
        size_t more = strcspn(entry + length, "\n");
        if (more == 0 || more >= sizeof t->out) return false;
        memcpy(t->out, entry + length, more);
        t->out[more] = '\0';
        return true;
    }
    return false;
}

/* ---- From what is known --------------------------------------------------------------------- */

/* Is the option said already in the table that the text ends in? */
static bool is_said(const sh_parts *parts, const char *name)
{
    for (int i = parts->open + 1; i < parts->count; i++) {
        const sh_part *part = &parts->part[i];
        if (part->around != parts->open || part->token.kind != SH_NAME) continue;
        if (sh_part_is(part, name) && sh_part_is(sh_part_next(parts, i), "=")) return true;
    }
    return false;
}

/* Bytes of the word that the text ends in. */
static size_t word_length(const task *t)
{
    const char *word = t->end;
    while (word > t->text && (isalnum((unsigned char)word[-1]) || word[-1] == '_')) word--;
    return (size_t)(t->end - word);
}

static void take_option(task *t, const sh_completion *options)
{
    size_t word = word_length(t);
    const char *blank = t->end > t->text && t->end[-1] == ',' ? " " : "";
    for (size_t i = 0; i < options->count; i++) {
        const char *name = options->list[i].name;
        if (is_said(&t->parts, name)) continue;
        snprintf(t->out, sizeof t->out, "%s%s%s", blank, name + word, options->suffix);
        return;
    }
}

/* The rest of a word that only one begins with; whole words end what they stand in. */
static void take_word(task *t, const sh_completion *words)
{
    size_t word = word_length(t);
    t->closes = word == 0;
    for (size_t i = 0; i < words->count && word > 0; i++)
        if (strlen(words->list[i].name) == word) t->closes = true;
    if (words->count == 1 && word > 0)
        snprintf(t->out, sizeof t->out, "%s", words->list[0].name + word);
}

static void from_names(task *t)
{
    sh_completion names;
    sh_complete_sure(t->shell, t->text, &names);
    if (names.wanted == SH_WANT_NAME && names.count > 0) take_option(t, &names);
    if (names.wanted == SH_WANT_ITEM || (names.wanted == SH_WANT_WORD && names.count > 0))
        take_word(t, &names);
    sh_completion_free(&names);
}

/* The string of notation that the text ends in; NULL: it does not. */
static const char *open_net(const task *t)
{
    const char *kind;
    if (t->parts.count < 1) return NULL;
    const sh_part *last = &t->parts.part[t->parts.count - 1];
    if (last->token.kind != SH_STRING || !last->token.open) return NULL;
    const sh_before all = sh_before_part(&t->parts, t->parts.count - 1);
    bool plain = *last->token.text != '[' && !strchr(last->token.text, '\\');
    return plain && sh_string_holds(&all, &kind) == SH_HOLDS_NET ? last->token.text + 1 : NULL;
}

static int from_layers(lua_State *L)
{
    task *t = lua_touserdata(L, 1);
    const char *text = open_net(t);
    bool ends = t->closes;
    if (text) sh_next_layer(L, t->shell->ctx, text, t->out, sizeof t->out, &ends);
    t->closes = ends;
    return 0;
}

static void from_known(task *t)
{
    if (sh_is_command(t->text)) return;
    if (!sh_parts_read(&t->parts, t->text, (size_t)(t->end - t->text), true)) return;
    from_names(t);
    if (!*t->out) sh_quietly(t->shell, from_layers, t);
    if (!*t->out && t->closes) sh_closing(&t->parts, t->end, t->out, sizeof t->out);
    sh_parts_free(&t->parts);
}

const char *sh_suggest(sh_shell *shell, const char *text, size_t length)
{
    found = (task){.shell = shell, .text = text, .end = text + length, .closes = true};
    bool fits = length > 0 && length < TEXT_MOST && strlen(text) == length; /* NUL can be typed */
    if (fits && !from_history(&found, length)) from_known(&found);
    return found.out;
}
