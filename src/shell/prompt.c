/* The prompt. */
#include "shell/prompt.h"

#include "base/text.h"
#include "shell/commands.h"
#include "shell/mark.h"
#include "shell/record.h"
#include "shell/run/eval.h"
#include "shell/run/plain.h"
#include "shell/run/tokens.h"
#include "shell/line/history.h"
#include "shell/line/line.h"
#include "shell/screen/paths.h"
#include "shell/screen/say.h"
#include "shell/script.h"
#include "shell/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The line behind this one; NULL behind the last. */
static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end ? end + 1 : NULL;
}

/* Adds what was read to the input, each line without a prompt that it was copied with. */
static void add_lines(nb_text *input, const char *lines)
{
    bool first;
    size_t indent = 0;
    if (input->length) nb_text_add(input, "\n");
    for (; lines; lines = next_line(lines)) {
        lines += sh_mark_length(lines, &first, &indent);
        nb_text_add_bytes(input, lines, strcspn(lines, "\n") + (strchr(lines, '\n') != NULL));
    }
}

/* The input whose function is on the stack's top. */
static sh_status run_compiled(sh_shell *shell, const char *input)
{
    sh_status status = sh_eval_run(shell, input);
    sh_record_add(shell, input, status == SH_OK ? SH_RECORD_INPUT : SH_RECORD_FAILED);
    return status;
}

static const char ends_inside[] = "this ends in the middle of a statement";

/* An input that cannot go on in a further line: compiled and carried out, or refused. */
static sh_status run_whole(sh_shell *shell, const char *input)
{
    sh_compiled outcome = sh_eval_compile(shell, input);
    if (outcome == SH_UNFINISHED) sh_complain(shell, ends_inside);
    return outcome == SH_WHOLE ? run_compiled(shell, input) : SH_FAILED;
}

static int find_pieces(lua_State *L)
{
    const char *input = sh_work(L);
    lua_pushboolean(L, sh_has_pieces(L, input));
    return 1;
}

static bool has_pieces(sh_shell *shell, const char *input)
{
    if (!next_line(input)) return false;
    if (sh_protect(shell, find_pieces, (void *)(uintptr_t)input, 1) != SH_OK) return false;
    bool found = lua_toboolean(shell->L, -1);
    lua_pop(shell->L, 1);
    return found;
}

/* Lines that make no chunk together but piece by piece, as an example of help: each shows its
 * value, until one fails. */
static sh_status run_pieces(sh_shell *shell, const char *lines)
{
    sh_status status = SH_OK;
    while (status == SH_OK && lines) {
        nb_text piece;
        sh_compiled outcome = SH_UNFINISHED;
        nb_text_init(&piece, shell->ctx);
        for (; lines && outcome == SH_UNFINISHED; lines = next_line(lines)) {
            nb_text_add(&piece, "%s", piece.length ? "\n" : "");
            nb_text_add_bytes(&piece, lines, strcspn(lines, "\n"));
            bool blank = sh_is_blank(nb_text_get(&piece));
            if (!blank) outcome = sh_eval_compile(shell, nb_text_get(&piece));
        }
        status = outcome == SH_WHOLE ? run_compiled(shell, nb_text_get(&piece)) : SH_FAILED;
        nb_text_free(&piece);
    }
    return status;
}

/* One that was stopped did not fail: whoever stopped it may want it again. */
static void note_end(const char *input, sh_status status)
{
    sh_history_end(input, status != SH_FAILED);
}

/* An input that is whole or wrong, which history keeps as it is. It is there first, so that even
 * one that ends the program is. */
static bool carry_out(sh_shell *shell, const char *input)
{
    sh_history_add(input);
    sh_status status = run_whole(shell, input);
    note_end(input, status);
    return status == SH_OK;
}

static void run_command(sh_shell *shell, const char *input)
{
    sh_history_add(input);
    sh_history_end(input, sh_command(shell, input));
    char *text = shell->edited;
    shell->edited = NULL;
    /* What came from the editor is shown, for it was not typed here. */
    if (text && !sh_is_blank(text)) {
        sh_remark(shell, "%s", text);
        carry_out(shell, text);
    }
    free(text);
}

/* ---- Transcripts ---- */

/* Several lines of which one begins with the prompt: a session that was copied, with what it
 * answered. */
static bool is_transcript(const char *lines)
{
    bool first, found = false, several = strchr(lines, '\n');
    size_t indent = 0;
    for (; several && lines && !found; lines = next_line(lines))
        found = sh_mark_length(lines, &first, &indent) && first;
    return found;
}

static bool run_copied(sh_shell *shell, nb_text *text)
{
    if (!sh_is_command(nb_text_get(text))) sh_plain_input(text);
    const char *input = nb_text_get(text);
    if (sh_is_blank(input)) return true;
    if (!sh_is_command(input)) return carry_out(shell, input);
    run_command(shell, input);
    return !shell->leaving;
}

/* The first input in `lines`, without its prompts; what stands before it is what was answered.
 * Returns the rest, NULL where there is none. */
static const char *take_copied(nb_text *input, const char *lines)
{
    bool first, under_way = false;
    size_t indent = 0;
    for (; lines; lines = next_line(lines)) {
        size_t mark = sh_mark_length(lines, &first, &indent);
        if (under_way && (first || !mark)) return lines;
        if (!mark) continue;
        nb_text_add(input, "%s", under_way ? "\n" : "");
        nb_text_add_bytes(input, lines + mark, strcspn(lines + mark, "\n"));
        under_way = true;
    }
    return NULL;
}

/* Carries out the inputs of a transcript one by one, until one fails. */
static void run_transcript(sh_shell *shell, const char *lines)
{
    for (bool fine = true; fine && lines;) {
        nb_text input;
        nb_text_init(&input, shell->ctx);
        lines = take_copied(&input, lines);
        fine = !input.failed && run_copied(shell, &input);
        nb_text_free(&input);
    }
}

/* ---- Line by line ---- */

/* What became of an input after one more line of it. */
typedef enum step { GO_ON, DONE } step;

static step take_input(sh_shell *shell, const char *text)
{
    if (sh_is_blank(text)) return DONE;
    if (has_pieces(shell, text)) {
        sh_history_add(text);
        note_end(text, run_pieces(shell, text));
        return DONE;
    }
    sh_compiled outcome = sh_eval_compile(shell, text);
    if (outcome == SH_UNFINISHED) return GO_ON;
    sh_history_add(text);
    note_end(text, outcome == SH_WHOLE ? run_compiled(shell, text) : SH_FAILED);
    return DONE;
}

static step take_line(sh_shell *shell, nb_text *input, const char *line)
{
    bool first = input->length == 0;
    if (first && is_transcript(line)) {
        run_transcript(shell, line);
        return DONE;
    }
    add_lines(input, line);
    if (first && sh_is_command(nb_text_get(input))) {
        run_command(shell, nb_text_get(input));
        return DONE;
    }
    sh_plain_input(input);
    if (!input->failed) return take_input(shell, nb_text_get(input));
    sh_complain(shell, "not enough memory for this input");
    return DONE;
}

/* Would Enter carry the input out? An unfinished one goes on. */
static bool is_whole(sh_shell *shell, const char *text)
{
    nb_text input;
    if (is_transcript(text)) return true;
    nb_text_init(&input, shell->ctx);
    add_lines(&input, text);
    bool command = sh_is_command(nb_text_get(&input));
    if (!command) sh_plain_input(&input);
    text = nb_text_get(&input);
    bool whole = input.failed || command || sh_is_blank(text) || has_pieces(shell, text) ||
                 !sh_eval_goes_on(shell, text);
    nb_text_free(&input);
    return whole;
}

/* A block that was given up unfinished is kept, to be mended. */
static void refuse_unfinished(sh_shell *shell, const char *input)
{
    sh_history_add(input);
    sh_history_end(input, false);
    sh_complain(shell, ends_inside);
}

/* Reads and carries out one input; false: leave. `drops` counts Ctrl-C on empty lines. */
static bool one_input(sh_shell *shell, nb_text *input, int *drops)
{
    char mark[SH_MARK_BYTES], further[SH_MARK_BYTES], *line;
    bool empty;
    for (bool first = true;; first = false) {
        const sh_asked asked = {.prompt = sh_mark_text(shell, first, mark),
                                .further = sh_mark_text(shell, false, further),
                                .pending = nb_text_get(input)};
        sh_got got = sh_line_read(&asked, &line, &empty);
        if (got == SH_GOT_END && !first) {
            if (!shell->terminal.input) sh_complain(shell, ends_inside);
            return shell->terminal.input; /* Ctrl-D drops the input, and the next one leaves */
        }
        if (got == SH_GOT_END) return false;
        if (got == SH_GOT_DROP) {
            *drops = empty && first ? *drops + 1 : 0;
            if (*drops == 2) sh_remark(shell, "(Ctrl-D leaves)");
            return true;
        }
        *drops = 0;
        step next = take_line(shell, input, line);
        free(line);
        if (next == GO_ON && sh_line_has_blocks()) refuse_unfinished(shell, nb_text_get(input));
        if (next == DONE || sh_line_has_blocks()) return !shell->leaving;
    }
}

static void greet(const sh_shell *shell)
{
    if (!shell->terminal.input || !shell->terminal.output) return;
    sh_remark(shell, "%s %s %s ? for help %s Ctrl-D to leave", SH_PROGRAM, NB_VERSION,
              shell->terminal.utf8 ? "·" : "-", shell->terminal.utf8 ? "·" : "-");
}

static void run_init(sh_shell *shell)
{
    char *path = sh_config_path("init.lua");
    struct stat about;
    if (path && stat(path, &about) == 0) {
        if (S_ISFIFO(about.st_mode))
            sh_complain(shell, "init.lua is a pipe and is not run; it must be a file");
        else
            sh_run_file(shell, path);
    }
    free(path);
}

void sh_prompt_run(sh_shell *shell, bool bare)
{
    nb_text input;
    int drops = 0;
    bool more = true;
    shell->at_prompt = true;
    greet(shell);
    sh_session_begin(shell);
    sh_history_open(shell->ctx);
    sh_line_open(shell, is_whole);
    if (!bare) run_init(shell);
    while (more && !shell->leaving) {
        nb_text_init(&input, shell->ctx);
        more = one_input(shell, &input, &drops);
        nb_text_free(&input);
    }
    sh_history_close();
    sh_line_close();
    sh_record_clear(shell);
    shell->at_prompt = false;
}
