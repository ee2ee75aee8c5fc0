/* Readline 8.2 keeps one list of changes at several places at once: as the line's (rl_undo_list),
 * as the data of the entry of the history that the line came from, and with the line that it puts
 * aside while the history is looked through. Who frees the list looks at one or two of the three,
 * so that an Esc in vi mode, or Up at the beginning of a line, leaves an entry with a list that is
 * gone. What is put aside it also throws away: with a search by prefix that begins in the history,
 * or with a search in vi mode.
 *
 * So between two commands it is put in order here, by what Readline makes public:
 * - no entry has the line's list, or a part of it. Readline gives it back when it leaves the entry.
 * - whenever the line is an entry's, there is a line put aside, and its list is nobody else's. */
#include "shell/line/edit/undo.h"
#include "shell/line/edit/wrap.h"

#include <stdlib.h>
#include <string.h>

#include <readline/history.h>

static struct {
    char *typed;       /* the line below the history as it was last, or NULL for an empty one */
    size_t room;       /* bytes of it */
    int position;      /* in the history, after the last command */
    HIST_ENTRY *entry; /* whose list the line has taken */
    bool searched;     /* the last command was a search by prefix */
} undo;

static void remember_typed(void)
{
    size_t needed = (size_t)rl_end + 1;
    if (needed > undo.room) {
        char *wider = realloc(undo.typed, needed);
        if (!wider) return;
        undo.typed = wider;
        undo.room = needed;
    }
    memcpy(undo.typed, rl_line_buffer, needed);
}

static char *typed(void)
{
    static char nothing[] = "";
    return undo.typed ? undo.typed : nothing;
}

/* Puts the line that was typed aside, unless one is; the line stays as it is. */
static void put_aside(void)
{
    char *line = rl_line_buffer;
    UNDO_LIST *changes = rl_undo_list;
    rl_line_buffer = typed();
    rl_undo_list = NULL;
    rl_maybe_save_line();
    rl_line_buffer = line;
    rl_undo_list = changes;
}

/* Readline has put an entry's line aside with the entry's list, in the place of the typed one. */
static void put_right(void)
{
    char *line = strdup(rl_line_buffer);
    UNDO_LIST *changes = rl_undo_list;
    int point = rl_point, mark = rl_mark;
    if (!line) return;
    rl_maybe_unsave_line();
    rl_undo_list = changes;
    put_aside();
    rl_replace_line(line, 0);
    rl_point = point;
    rl_mark = mark;
    free(line);
}

static bool has(const UNDO_LIST *changes, const void *part)
{
    for (; changes; changes = changes->next)
        if (changes == part) return true;
    return false;
}

/* Takes the line's list from the entries. */
static void take_list(void)
{
    HIST_ENTRY **entries = rl_undo_list ? history_list() : NULL;
    for (; entries && *entries; entries++) {
        if (!(*entries)->data || !has(rl_undo_list, (*entries)->data)) continue;
        (*entries)->data = NULL;
        undo.entry = *entries;
    }
}

bool sh_undo_is(rl_command_func_t *command)
{
    return command == rl_undo_command || command == rl_revert_line || command == rl_vi_undo;
}

/* What was undone to the end is undone in the entry too: Readline no longer knows that the list was
 * its. */
static void undo_in_entry(void)
{
    HIST_ENTRY *entry = current_history();
    bool undone = entry && entry == undo.entry && !rl_undo_list && sh_undo_is(sh_wrap_last());
    if (!undone || strcmp(entry->line, rl_line_buffer) == 0) return;
    entry = replace_history_entry(where_history(), rl_line_buffer, entry->data);
    if (entry) free_history_entry(entry);
    undo.entry = current_history();
}

static bool is_search(rl_command_func_t *command)
{
    return command == rl_history_search_backward || command == rl_history_search_forward ||
           command == rl_history_substr_search_backward ||
           command == rl_history_substr_search_forward;
}

void sh_undo_begin(void)
{
    if (undo.typed) *undo.typed = '\0';
    undo.entry = NULL;
    undo.position = history_length;
    undo.searched = false;
}

void sh_undo_mend(void)
{
    int position = where_history();
    bool searches = is_search(sh_wrap_last()), above = undo.position < history_length;
    bool replaced = searches && !undo.searched && above;
    if (position < history_length) {
        put_aside();
        if (replaced) put_right();
    } else if (replaced) {
        rl_replace_line(typed(), 0);
        rl_undo_list = NULL;
        rl_point = rl_end;
    }
    undo_in_entry();
    take_list();
    if (position == history_length) remember_typed();
    undo.position = position;
    undo.searched = searches;
}

void sh_undo_close(void)
{
    free(undo.typed);
    undo.typed = NULL;
    undo.room = 0;
}
