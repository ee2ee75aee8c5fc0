/* How the input is shown while it is typed. */
#include "shell/line/display/draw.h"

#include "shell/colour/colour.h"
#include "shell/line/answers.h"
#include "shell/line/display/frame.h"
#include "shell/line/keys.h"
#include "shell/complete/suggest.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <readline/readline.h>

/* Larger inputs, of some 1,000 lines, are shown without colours: a key has 2 ms, and colours of so
 * much dense Lua or notation were measured to take 1.5 of them. */
enum { COLOURED_MOST = 32 << 10 };

static struct {
    sh_shell *shell;
    const char *further;
    bool own; /* or Readline's display */
    bool put_off;
    sh_window window;
    sh_scene scene;
    sh_layout layout;
    unsigned char *style; /* of each byte of the line */
    size_t room;
} draw;

/* ---- What is shown ---- */

/* Adds a prompt. What stands between \001 and \002 sets its colour; only that there is one counts.
 */
static void add_prompt(const char *prompt)
{
    static const char begins[] = {RL_PROMPT_START_IGNORE, '\0'},
                      ends[] = {RL_PROMPT_END_IGNORE, '\0'};
    unsigned char style = SH_STYLE_PLAIN;
    while (*prompt) {
        size_t length = strcspn(prompt, begins);
        sh_scene_add(&draw.scene, prompt, length, style);
        prompt += length;
        if (!*prompt) return;
        style = strncmp(++prompt, "\033[0m", 4) == 0 ? SH_STYLE_PLAIN : SH_STYLE_PROMPT;
        prompt += strcspn(prompt, ends);
        prompt += *prompt != '\0';
    }
}

/* Readline adds vi's mode to the prompt in its own display alone. Returns the columns that it
 * takes.
 */
static int add_mode(void)
{
    size_t begin = draw.scene.length;
    const char *on = rl_variable_value("show-mode-in-prompt"), *name = "emacs-mode-string";
    if (!on || strcmp(on, "on") != 0) return 0;
    if (rl_editing_mode == 0)
        name = rl_get_keymap() == vi_movement_keymap ? "vi-cmd-mode-string" : "vi-ins-mode-string";
    const char *mode = rl_variable_value(name);
    if (mode) add_prompt(mode);
    return sh_width_of(draw.shell->terminal.utf8, draw.scene.byte + begin,
                       draw.scene.length - begin, 0);
}

static void mark_region(void)
{
    int begin = rl_mark < rl_point ? rl_mark : rl_point;
    int end = rl_mark < rl_point ? rl_point : rl_mark;
    if (begin < 0) begin = 0;
    for (int i = begin; i < end && i < rl_end; i++) draw.style[i] |= SH_STYLE_REGION;
}

/* The styles of the line; false: there is no memory for them. */
static bool choose_styles(bool final)
{
    size_t length = (size_t)rl_end;
    if (length > draw.room) {
        unsigned char *wider = realloc(draw.style, 2 * length);
        if (!wider) return false;
        draw.style = wider;
        draw.room = 2 * length;
    }
    bool searches = RL_ISSTATE(RL_STATE_NSEARCH), is_code = draw.window.colour && !searches;
    if (is_code && length <= COLOURED_MOST)
        sh_colour_text(draw.shell, rl_line_buffer, length, final ? SIZE_MAX : (size_t)rl_point,
                       draw.style);
    else if (length > 0)
        memset(draw.style, SH_STYLE_PLAIN, length);
    /* What is searched for stands in the line's place, and the region is the line's. */
    if (!final && !searches && rl_mark_active_p()) mark_region();
    return true;
}

static void add_further_mark(int indent)
{
    for (int i = 0; i < indent; i++) sh_scene_add(&draw.scene, " ", 1, SH_STYLE_PLAIN);
    add_prompt(draw.further);
}

/* Adds the line, each further one behind its mark, so far to the right, and finds the cursor's
 * place. */
static void add_line(int indent)
{
    size_t at = 0, end = (size_t)rl_end, point = (size_t)rl_point;
    for (bool more = true; more;) {
        const char *text = rl_line_buffer + at, *newline = memchr(text, '\n', end - at);
        size_t length = newline ? (size_t)(newline + 1 - text) : end - at;
        if (point >= at) draw.scene.cursor = draw.scene.length + point - at;
        sh_scene_add_styled(&draw.scene, text, length, draw.style + at);
        at += length;
        more = newline;
        if (more) add_further_mark(indent);
    }
}

const char *sh_draw_suggested(void)
{
    bool fits = draw.own && draw.window.colour && rl_end > 0 && rl_point == rl_end &&
                rl_display_prompt == rl_prompt && rl_get_keymap() != vi_movement_keymap;
    return fits ? sh_suggest(draw.shell, rl_line_buffer, (size_t)rl_end) : "";
}

/* Makes the scene and lays it out; false: memory has ended. */
static bool compose(const sh_page *page, const char *prompt, bool final, const char *behind)
{
    sh_scene_clear(&draw.scene);
    if (!choose_styles(final)) return false;
    int indent = prompt == rl_prompt ? add_mode() : 0;
    if (prompt) add_prompt(prompt);
    add_line(indent);
    sh_scene_add(&draw.scene, behind, strlen(behind), final ? SH_STYLE_PLAIN : SH_STYLE_SUGGESTED);
    if (final) draw.scene.cursor = draw.scene.length;
    sh_layout_make(&draw.layout, page, &draw.scene);
    return !draw.layout.failed;
}

static sh_page page_of(void)
{
    return (sh_page){draw.window.columns > 1 ? draw.window.columns - 1 : 1,
                     draw.shell->terminal.utf8};
}

/* ---- Drawing ---- */

bool sh_draw_open(sh_shell *shell)
{
    /* A terminal that clears to the end of a line in these words knows the others too. */
    const char *erase = rl_get_termcap("ce");
    bool on_output = rl_outstream == stdout, speaks = erase && strncmp(erase, "\033[", 2) == 0;
    const sh_terminal *t = &shell->terminal;
    draw.shell = shell;
    draw.own = speaks && isatty(fileno(rl_outstream)) && (t->moves || !on_output);
    draw.window.colour = on_output ? t->colour : t->error_colour;
    return draw.own;
}

void sh_draw_begin(const char *further)
{
    draw.further = further;
    draw.put_off = false;
    sh_frame_begin();
}

static void draw_frame(void)
{
    sh_page page = page_of();
    draw.put_off = false;
    if (compose(&page, rl_display_prompt, false, sh_draw_suggested()))
        sh_frame_draw(&draw.window, &page, &draw.scene, &draw.layout);
}

void sh_draw(void)
{
    if (!draw.own)
        rl_redisplay();
    else if (sh_keys_come())
        draw.put_off = true;
    else
        draw_frame();
}

void sh_draw_now(void)
{
    if (draw.put_off) draw_frame();
}

void sh_draw_to_end(void)
{
    if (!draw.own) return;
    draw_frame();
    sh_frame_leave();
}

void sh_draw_below(void)
{
    sh_draw_to_end();
    rl_crlf();
}

void sh_draw_cleared(void)
{
    sh_frame_begin();
}

void sh_draw_again(void)
{
    if (draw.own) {
        sh_frame_begin();
        draw_frame();
    } else {
        rl_forced_update_display();
    }
}

/* Readline draws from its last row on, since the rows above may be another's now. */
static void draw_anew_by_readline(void)
{
    int point = rl_point;
    rl_point = rl_end;
    rl_redisplay();
    rl_point = point;
    fputs("\r", rl_outstream);
    rl_forced_update_display();
}

void sh_draw_window(int rows, int columns)
{
    draw.window.rows = rows;
    draw.window.columns = columns;
}

/* What was typed is seen, at its beginning and at the cursor. */
static void uncover(void)
{
    const char *text = sh_answers_uncover();
    if (!*text) return;
    fputs(text, rl_outstream);
    fflush(rl_outstream);
}

void sh_draw_anew(void)
{
    if (draw.own) {
        draw.window.keeps = sh_answers_keeps();
        sh_frame_erase(&draw.window);
        uncover();
        draw_frame();
        uncover();
    } else {
        draw_anew_by_readline();
    }
}

void sh_draw_finish(const char *behind)
{
    sh_page page = page_of();
    if (!draw.own) return;
    draw.put_off = false;
    /* What is taken ends at a NUL that was typed; and where an entry of the history was edited,
     * Readline has left the end of the old text here. */
    rl_point = rl_end = (int)strlen(rl_line_buffer);
    if (compose(&page, rl_prompt, true, behind)) {
        bool fits = draw.layout.rows <= (size_t)(draw.window.rows);
        (fits ? sh_frame_draw : sh_frame_print)(&draw.window, &page, &draw.scene, &draw.layout);
    }
    sh_frame_leave();
    rl_crlf();
}

void sh_draw_close(void)
{
    sh_scene_free(&draw.scene);
    sh_layout_free(&draw.layout);
    sh_frame_free();
    free(draw.style);
    draw.style = NULL;
    draw.room = 0;
}
