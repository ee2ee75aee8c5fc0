/* Plays a session at nabla's prompt: runs the program in a pseudo terminal, does what a file of
 * steps says, and reads the screen as a person would. It never sleeps: it waits for what should
 * come, until a deadline.
 *
 * usage: pty FILE     (the program is $NABLA, else ./nabla; its folder is a home of its own,
 * removed at the end; it finds its own path in $NABLA)
 *
 * One step a line; blank lines and lines with # at the start are skipped. "Since" means: on the
 * lines below the one where the cursor was when Enter, Ctrl-C, Ctrl-D or a paste was sent last.
 *
 *   env NAME=VALUE    for the program; "env NAME" takes it away
 *   home NAME … .     writes a file of the home
 *   run [ARGUMENTS]   starts the program again; the first start needs no step
 *   > TEXT            types the line and Enter, waits for the prompt
 *   >> TEXT           the same, waits for the prompt of a line that goes on
 *   type TEXT         keys
 *   key NAME…         sends ENTER C-c C-d TAB UP ESC … or letters in one go
 *   bytes HEX…        bytes as they are, in one go
 *   repeat N TEXT     types TEXT N times; \r in it is Enter
 *   answer TEXT       the terminal says TEXT, in which \e is Esc, in one go
 *   slowly TEXT       the same byte by byte: each is read before the next comes
 *   paste … .         lines up to one of a dot, in a bracketed paste, without the last newline
 *   resize R C        the window, when all that was typed is drawn; with "now" behind it at once
 *   signal NAME       INT, TERM, HUP, WINCH or CONT, to the program alone
 *   hangup            the terminal goes away; waits for the program's end
 *   settle            waits until the program has read what was typed
 *   await TEXT, came  looks for it, \e being Esc, in all that is written from now on; waits for it
 *   never             what was awaited last has not come
 *   prompt, more      waits for an empty prompt below, of either kind
 *   input TEXT        waits until the prompt's line holds exactly TEXT
 *   mark TEXT         waits for an empty prompt that is exactly TEXT: a place in training before it
 *   line TEXT         waits for a line that is TEXT, since
 *   expect TEXT       waits for a line that contains TEXT, since
 *   first TEXT        waits until the line right below is TEXT
 *   absent TEXT       no line contains TEXT, since
 *   rows … .          waits until the screen's last lines are those up to one of a dot; where a
 *                     █ stands is the cursor, before the next character
 *   looks FILE        the window and its colours are those of FILE, beside the steps (looks.h);
 *                     with NABLA_LOOKS=write it is written
 *   flow on|off       lines that are too wide after a resize flow anew, as in VTE and kitty, or not
 *   coloured, plain   there has been colour since the start, or not
 *   exit N            waits for the program's end with that status
 *   holds FILE TEXT   a line of a file of the home is TEXT
 *   mode FILE OCTAL   its permissions */
#define _GNU_SOURCE

#include "looks.h"
#include "screen.h"
#include "session.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct {
    const char *file; /* of steps */
    int number;       /* of the step's line */
    FILE *steps;
} play;

static void say_where(void)
{
    printf("%s:%d: ", play.file, play.number);
}

static void write_text(const char *text)
{
    session_write(text, strlen(text));
}

/* ---- What may be waited for ---- */

/* Behind what the prompt says of training that is under way: digits, dots and what a stop shows. */
static const char *behind_standing(const char *line)
{
    static const char *const parts[] = {"0", "1", "2", "3", "4", "5", "6", "7",
                                        "8", "9", "·", ".", "a", "δ", "d", " "};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t length = strlen(parts[i]);
        if (strncmp(line, parts[i], length) == 0) return behind_standing(line + length);
    }
    return line;
}

static const char *behind_spaces(const char *line)
{
    return line + strspn(line, " ");
}

static bool prompt_stands(const char *const marks[2], const char *typed)
{
    char text[SCREEN_TEXT_BYTES];
    const char *line = screen_text(screen_cursor());
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "%s%s", marks[i], typed);
        for (size_t n = strlen(text); n > 0 && text[n - 1] == ' '; n--) text[n - 1] = '\0';
        bool indented = strcmp(behind_spaces(line), behind_spaces(text)) == 0;
        if (indented || strcmp(behind_standing(line), text) == 0) return true;
    }
    return false;
}

static const char *const first_marks[] = {"∇ ", "nabla> "}, *const more_marks[] = {"· ", "     > "};

/* An empty prompt has the cursor behind it. */
static bool is_at_prompt(const char *unused)
{
    (void)unused;
    return screen_cursor() > session.since && screen_column() >= 2 &&
           prompt_stands(first_marks, "");
}

static bool is_mark(const char *text)
{
    return is_at_prompt("") && strcmp(screen_text(screen_cursor()), text) == 0;
}

static bool is_at_more(const char *unused)
{
    (void)unused;
    return screen_cursor() > session.since && screen_column() >= 2 && prompt_stands(more_marks, "");
}

static bool is_input(const char *text)
{
    return prompt_stands(first_marks, text) || prompt_stands(more_marks, text);
}

static bool has_line(const char *text)
{
    for (long i = session.since + 1; i <= screen_cursor(); i++)
        if (strcmp(screen_text(i), text) == 0) return true;
    return false;
}

static bool has_part(const char *text)
{
    for (long i = session.since + 1; i <= screen_cursor(); i++)
        if (strstr(screen_text(i), text)) return true;
    return false;
}

static bool first_is(const char *text)
{
    return screen_cursor() > session.since && strcmp(screen_text(session.since + 1), text) == 0;
}

/* The rows end where the screen's text does; the cursor's place is marked in one of them. */
static bool row_is(long number, const char *row, size_t length)
{
    static const char mark[] = "█";
    char text[SCREEN_TEXT_BYTES];
    const char *cursor = memmem(row, length, mark, strlen(mark));
    size_t before = cursor ? (size_t)(cursor - row) : length;
    size_t skipped = cursor ? strlen(mark) : 0;
    snprintf(text, sizeof text, "%.*s%.*s", (int)before, row, (int)(length - before - skipped),
             row + before + skipped);
    for (size_t n = strlen(text); n > 0 && text[n - 1] == ' '; n--) text[n - 1] = '\0';
    if (number < 0 || strcmp(screen_text(number), text) != 0) return false;
    return !cursor || (screen_cursor() == number && screen_bytes_before_cursor() == before);
}

static bool rows_stand(const char *rows)
{
    long last = screen_last(), count = 1;
    while (last > screen_cursor() && !*screen_text(last)) last--;
    for (const char *c = rows; *c; c++) count += *c == '\n';
    for (long i = last - count + 1; i <= last; i++) {
        size_t length = strcspn(rows, "\n");
        if (!row_is(i, rows, length)) return false;
        rows += length + (rows[length] == '\n');
    }
    return true;
}

/* ---- Steps ---- */

static void mark(void)
{
    session.since = screen_cursor();
}

static void do_line(const char *text)
{
    write_text(text);
    mark();
    write_text("\r");
    session_wait(is_at_prompt, "", "no prompt comes");
}

static void do_line_more(const char *text)
{
    write_text(text);
    mark();
    write_text("\r");
    session_wait(is_at_more, "", "no prompt for more lines comes");
}

static void add_key(char *bytes, const char *name)
{
    static const char *const keys[][2] = {
        {"ENTER", "\r"},     {"TAB", "\t"},         {"UP", "\033[A"},      {"DOWN", "\033[B"},
        {"RIGHT", "\033[C"}, {"LEFT", "\033[D"},    {"BACKSPACE", "\177"}, {"HOME", "\033[H"},
        {"END", "\033[F"},   {"DELETE", "\033[3~"}, {"ESC", "\033"},       {"SPACE", " "},
        {NULL, NULL}};
    if (strncmp(name, "C-", 2) == 0 && name[2] && !name[3]) {
        strcat(bytes, (const char[]){(char)(name[2] & 0x1f), '\0'});
        return;
    }
    for (int i = 0; keys[i][0]; i++)
        if (strcmp(keys[i][0], name) == 0) {
            strcat(bytes, keys[i][1]);
            return;
        }
    if (name[1]) session_fail("there is no key", name);
    strcat(bytes, name);
}

static void do_key(char *names)
{
    char bytes[256] = "";
    for (char *name = strtok(names, " "); name && strlen(bytes) < 240; name = strtok(NULL, " "))
        add_key(bytes, name);
    if (strpbrk(bytes, "\r\003\004")) mark();
    write_text(bytes);
}

/* All in one go, as a person is not between them. */
static void do_bytes(char *codes)
{
    char bytes[1024];
    size_t count = 0;
    for (char *code = strtok(codes, " "); code && count < sizeof bytes; code = strtok(NULL, " "))
        bytes[count++] = (char)strtol(code, NULL, 16);
    session_write(bytes, count);
}

/* The text with its \e made Esc, its \r Enter. */
static char *unescaped(char *text)
{
    char *to = text;
    for (const char *c = text; *c; c++) {
        bool escape = c[0] == '\\' && (c[1] == 'e' || c[1] == 'r');
        *to++ = !escape ? *c : c[1] == 'e' ? '\033' : '\r';
        c += escape;
    }
    *to = '\0';
    return text;
}

static void do_repeat(char *argument)
{
    char *text;
    long count = strtol(argument, &text, 10);
    unescaped(text);
    for (long i = 0; i < count; i++) write_text(text + (*text == ' '));
}

static void do_answer(char *text)
{
    write_text(unescaped(text));
}

static void do_slowly(char *text)
{
    for (const char *c = unescaped(text); *c; c++) {
        session_write(c, 1);
        session_settle();
    }
}

/* A step's next line into `line`, without its newline; false at the file's end. */
static bool read_step(char **line, size_t *room)
{
    ssize_t length = getline(line, room, play.steps);
    if (length <= 0) return false;
    play.number++;
    if ((*line)[length - 1] == '\n') (*line)[length - 1] = '\0';
    return true;
}

/* The lines up to one of a dot, joined by `newline`; to be freed. */
static char *read_block(const char *newline)
{
    char *line = NULL, *all = NULL;
    size_t room = 0, length = 0;
    FILE *to = open_memstream(&all, &length);
    for (bool first = true; read_step(&line, &room) && strcmp(line, ".") != 0; first = false)
        fprintf(to, "%s%s", first ? "" : newline, line);
    fclose(to);
    free(line);
    return all;
}

static void do_paste(char *unused)
{
    (void)unused;
    char *text = read_block("\r");
    write_text("\033[200~");
    write_text(text);
    mark();
    write_text("\033[201~");
    free(text);
}

static const char *home_path(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", session.home, name);
    return path;
}

static void do_home(char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", home_path(name));
    for (char *slash = path + strlen(session.home) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    char *text = read_block("\n");
    FILE *file = fopen(path, "w");
    if (!file || fprintf(file, "%s\n", text) < 0 || fclose(file) != 0)
        session_fail("cannot write", path);
    free(text);
}

static void do_holds(char *argument)
{
    char *text = strchr(argument, ' '), *line = NULL;
    size_t room = 0;
    bool found = false;
    if (!text) session_fail("holds wants", "FILE TEXT");
    *text++ = '\0';
    FILE *file = fopen(home_path(argument), "r");
    while (file && !found && getline(&line, &room, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        found = strcmp(line, text) == 0;
    }
    if (file) fclose(file);
    free(line);
    if (!found) session_fail("the file does not hold the line", text);
}

static void do_mode(char *argument)
{
    char *mode = strchr(argument, ' ');
    struct stat info;
    if (mode) *mode++ = '\0';
    if (!mode || stat(home_path(argument), &info) != 0)
        session_fail("there is no", argument);
    else if ((info.st_mode & 07777) != (mode_t)strtol(mode, NULL, 8))
        session_fail("the mode is not", mode);
}

static void do_env(char *argument)
{
    char *value = strchr(argument, '=');
    if (value) *value = '\0';
    if (value)
        setenv(argument, value + 1, 1);
    else
        unsetenv(argument);
}

static void do_run(char *arguments)
{
    if (session.pid) session_fail("the program", "is running");
    session_start(arguments);
}

static void do_resize(char *argument)
{
    unsigned short rows, columns;
    char now[4] = "";
    if (sscanf(argument, "%hu %hu %3s", &rows, &columns, now) < 2 || columns > SCREEN_COLUMNS_MOST)
        session_fail("no size:", argument);
    /* What is written for the old size would wrap where nobody expects it. */
    if (!*now) session_rest();
    session_resize(rows, columns);
}

static void do_signal(char *name)
{
    static const struct {
        const char *name;
        int number;
    } signals[] = {{"INT", SIGINT},
                   {"TERM", SIGTERM},
                   {"HUP", SIGHUP},
                   {"WINCH", SIGWINCH},
                   {"CONT", SIGCONT}};
    /* Nothing is echoed: what comes may stand on the cursor's own line. */
    session.since = screen_cursor() - 1;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (strcmp(name, signals[i].name) == 0) {
            kill(session.pid, signals[i].number);
            return;
        }
    session_fail("there is no signal", name);
}

static void do_hangup(char *unused)
{
    (void)unused;
    session_hang_up();
}

static void do_settle(char *unused)
{
    (void)unused;
    session_settle();
}

static void do_await(char *text)
{
    session_await(unescaped(text));
}

static void do_never(char *unused)
{
    (void)unused;
    if (session_has_come("")) session_fail("this should not have come:", session.awaited);
}

static void do_rows(char *unused)
{
    (void)unused;
    char *rows = read_block("\n");
    session_wait(rows_stand, rows, "the last rows never are:\n");
    free(rows);
}

static void do_flow(char *how)
{
    screen_set_flow(strcmp(how, "on") == 0 ? SCREEN_FLOWS : SCREEN_STAYS);
}

/* The file's text, to be freed. */
static char *read_file(const char *path)
{
    char *text = NULL, bytes[4096];
    size_t length = 0, count;
    FILE *file = fopen(path, "r"), *to = open_memstream(&text, &length);
    while (file && (count = fread(bytes, 1, sizeof bytes, file)) > 0) fwrite(bytes, 1, count, to);
    if (file) fclose(file);
    fclose(to);
    return text;
}

static void do_looks(char *name)
{
    const char *write = getenv("NABLA_LOOKS"), *slash = strrchr(play.file, '/');
    char path[PATH_MAX], *is = NULL;
    size_t length;
    snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash - play.file + 1) : 0, play.file,
             name);
    if (!session_rest()) session_fail("it does not come to rest", "");
    FILE *to = open_memstream(&is, &length);
    looks_write(to);
    fclose(to);
    if (write && strcmp(write, "write") == 0) {
        FILE *file = fopen(path, "w");
        if (!file || fputs(is, file) < 0 || fclose(file) != 0) session_fail("cannot write", path);
    }
    char *should = read_file(path);
    if (strcmp(is, should) != 0) printf("%s", is);
    if (strcmp(is, should) != 0) session_fail("the screen does not look like", path);
    free(should);
    free(is);
}

static void do_absent(char *text)
{
    if (has_part(text)) session_fail("this should not stand there:", text);
}

static void do_coloured(char *unused)
{
    (void)unused;
    if (!screen_coloured()) session_fail("there is no colour", "");
}

static void do_plain(char *unused)
{
    (void)unused;
    if (screen_coloured()) session_fail("there is colour", "");
}

static void do_exit(char *argument)
{
    session_wait(session_has_ended, argument, "the program does not end; wanted status");
    if (session.status != atoi(argument)) session_fail("the status is not", argument);
}

static const struct {
    const char *name;
    condition *wait; /* not NULL: the step waits for it, or fails with */
    const char *what;
    void (*act)(char *argument); /* else it does this */
} steps[] = {
    {"input", is_input, "the line never is", NULL},
    {"mark", is_mark, "the prompt is not", NULL},
    {"line", has_line, "no line is", NULL},
    {"expect", has_part, "no line contains", NULL},
    {"first", first_is, "the first line is not", NULL},
    {"prompt", is_at_prompt, "no prompt comes", NULL},
    {"more", is_at_more, "no prompt for more lines comes", NULL},
    {"key", NULL, NULL, do_key},
    {"bytes", NULL, NULL, do_bytes},
    {"answer", NULL, NULL, do_answer},
    {"slowly", NULL, NULL, do_slowly},
    {"repeat", NULL, NULL, do_repeat},
    {"paste", NULL, NULL, do_paste},
    {"home", NULL, NULL, do_home},
    {"holds", NULL, NULL, do_holds},
    {"mode", NULL, NULL, do_mode},
    {"env", NULL, NULL, do_env},
    {"run", NULL, NULL, do_run},
    {"resize", NULL, NULL, do_resize},
    {"signal", NULL, NULL, do_signal},
    {"hangup", NULL, NULL, do_hangup},
    {"settle", NULL, NULL, do_settle},
    {"await", NULL, NULL, do_await},
    {"came", session_has_come, "it never comes:", NULL},
    {"never", NULL, NULL, do_never},
    {"absent", NULL, NULL, do_absent},
    {"rows", NULL, NULL, do_rows},
    {"looks", NULL, NULL, do_looks},
    {"flow", NULL, NULL, do_flow},
    {"coloured", NULL, NULL, do_coloured},
    {"plain", NULL, NULL, do_plain},
    {"exit", NULL, NULL, do_exit},
};

static bool comes_before_start(const char *name)
{
    return strcmp(name, "env") == 0 || strcmp(name, "home") == 0 || strcmp(name, "run") == 0 ||
           strcmp(name, "await") == 0 || strcmp(name, "flow") == 0;
}

static void take_step(char *name)
{
    static bool started;
    char none[] = "";
    char *argument = strchr(name, ' ');
    if (argument)
        *argument++ = '\0';
    else
        argument = name + strlen(name);
    if (!started && !comes_before_start(name)) {
        session_start(none);
        session_wait(is_at_prompt, "", "no prompt comes");
    }
    started = started || !comes_before_start(name) || strcmp(name, "run") == 0;
    if (strcmp(name, ">") == 0)
        do_line(argument);
    else if (strcmp(name, ">>") == 0)
        do_line_more(argument);
    else if (strcmp(name, "type") == 0)
        write_text(argument);
    else {
        size_t i = 0, count = sizeof steps / sizeof *steps;
        while (i < count && strcmp(steps[i].name, name) != 0) i++;
        if (i == count) session_fail("there is no step", name);
        if (steps[i].wait)
            session_wait(steps[i].wait, argument, steps[i].what);
        else
            steps[i].act(argument);
    }
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t room = 0;
    if (argc != 2 || !(play.steps = fopen(argv[1], "r"))) {
        fprintf(stderr, "usage: pty FILE\n");
        return 2;
    }
    play.file = argv[1];
    session_open(say_where);
    while (read_step(&line, &room))
        if (*line && *line != '#') take_step(line);
    free(line);
    fclose(play.steps);
    session_leave(0);
}
