/* Plays at random at the prompt: keys, pastes that end or do not, new sizes of the window and
 * signals between them, in emacs and vi mode by turns. After each sequence one Ctrl-C must bring
 * the prompt back, with no key lost behind it: an expression is typed in the same go, and its value
 * must come. What stands on the screen before must be what the program draws when it draws anew;
 * and nothing of the line reaches the window's last column.
 *
 * usage: storm     ($NABLA_STORM sequences from the seed $NABLA_STORM_SEED; each has its default)
 *
 * Where it fails it prints what was done since the program was started, as steps that pty plays. */
#include "chance.h"
#include "screen.h"
#include "session.h"

#include <signal.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEQUENCES = 2000,
    SEED = 9,
    PROGRAM_LIVES = 50, /* sequences */
    TOKENS_MOST = 24,
    TALLEST = 64,
    ROOMY = 20, /* rows and columns: no input is higher */
    TEXT_MOST = 24
};

static struct {
    long seed, sequence;
    bool ours;    /* the line is drawn by the shell, not by Readline */
    bool resized; /* in this sequence */
    /* In this sequence a line may have been left: between two lines a Ctrl-C is a signal, and keys
     * are echoed, with the prompt behind them. */
    bool left;
    int columns;
    FILE *steps; /* what was done since the program was started */
    char *text;
    size_t length;
} storm;

/* ---- What is done, and noted ---- */

static void type(const char *bytes, size_t length)
{
    if (length == 0) return;
    fprintf(storm.steps, "bytes");
    for (size_t i = 0; i < length; i++) fprintf(storm.steps, " %02x", (unsigned char)bytes[i]);
    fprintf(storm.steps, "\n");
    for (size_t i = 0; i < length; i++) storm.left = storm.left || memchr("\003\r\n", bytes[i], 3);
    session_write(bytes, length);
}

static void settle(void)
{
    fprintf(storm.steps, "settle\n");
    session_settle();
}

static void resize(int rows, int columns)
{
    fprintf(storm.steps, "resize %d %d now\n", rows, columns);
    storm.resized = true;
    storm.columns = columns;
    session_resize(rows, columns);
}

static void send_signal(void)
{
    bool interrupt = chance(2);
    storm.left = storm.left || interrupt;
    fprintf(storm.steps, "signal %s\n", interrupt ? "INT" : "WINCH");
    if (session.pid > 0) kill(session.pid, interrupt ? SIGINT : SIGWINCH);
    /* Nobody knows which came first of a signal from elsewhere and a key. */
    session_settle();
}

/* ---- A sequence ---- */

typedef struct keys {
    char byte[1024];
    size_t count;
} keys;

static void add_bytes(keys *to, const char *bytes, size_t count)
{
    if (to->count + count > sizeof to->byte) return;
    memcpy(to->byte + to->count, bytes, count);
    to->count += count;
}

static void add(keys *to, const char *text)
{
    add_bytes(to, text, strlen(text));
}

/* Ctrl with a letter or one of @[\]^_, but those behind which a prompt is rightly not an empty one:
 * Ctrl-D leaves where the line is empty, Ctrl-\ ends the program where the line before has begun to
 * run, Ctrl-O runs the line and brings the next one of the history. */
static void add_control(keys *to)
{
    char key = (char)chance(32);
    bool ends = key == ('D' & 31) || key == ('O' & 31) || key == ('\\' & 31);
    if (!ends) add_bytes(to, &key, 1);
}

/* No "!", behind which the system would run what stands there. */
static void add_plain(keys *to)
{
    char key = (char)('"' + chance('~' - '"' + 1));
    add_bytes(to, chance(8) ? &key : " ", 1);
}

static void add_word(keys *to)
{
    static const char *const words[] = {"n",
                                        "te",
                                        "ab",
                                        "x = ",
                                        "12",
                                        "(",
                                        "{1,",
                                        "\"",
                                        "é",
                                        "∇",
                                        "😀",
                                        "漢",
                                        "e\u0301",
                                        "[[",
                                        "do ",
                                        "end",
                                        "-- ",
                                        "?",
                                        "\t",
                                        "else",
                                        "}",
                                        "if x then",
                                        "for i = 1, 2 do\r",
                                        "repeat\r",
                                        "until",
                                        "nn.net '2-",
                                        "function f()\r"};
    add(to, ANY_OF(words));
}

/* Halves of characters, bytes that are in none, and none at all. */
static void add_odd(keys *to)
{
    static const char *const odd[] = {"\xc3", "\xe2\x88", "\xf0\x9f\x98", "\x80", "\xff", "\xc3("};
    if (chance(4))
        add(to, ANY_OF(odd));
    else
        add_bytes(to, "", 1);
}

static void add_escape(keys *to)
{
    static const char *const names[] = {
        "\033[A",  "\033[A",    "\033[B",   "\033[B",    "\033[C", "\033[D",  "\033OA",
        "\033OB",  "\033[H",    "\033[F",   "\033OH",    "\033OF", "\033[1~", "\033[4~",
        "\033[3~", "\033[1;5C", "\033[200", "\033[201~", "\033\r", "\033\n",  "\033\012",
        "\033f",   "\033b",     "\033<",    "\033>",     "\033d",  "\033t"};
    switch (chance(3)) {
    case 0:
        add(to, ANY_OF(names));
        break;
    case 1:
        add(to, "\033");
        add_plain(to);
        break;
    default:
        add(to, "\033");
        add_control(to);
    }
}

/* Searches, prefixes, macros, counts, quoting: what takes further keys. */
static void add_prefix(keys *to)
{
    static const char *const prefixes[] = {
        "\022",  "\023",  "\022n", "\030", "\030(",    "\030)", "\030e",    "\033",
        "\0335", "\033-", "\026",  "\035", "\033\035", "\033p", "\033n",    "\033x",
        "\025",  "R",     "c",     "d",    "f",        "r",     "/",        "3",
        "j",     "k",     "0",     "$",    "dd",       "\037",  "\030\025", "\0333",
        "o",     "O",     "A",     ".",    "gg",       "J",     "dG"};
    add(to, ANY_OF(prefixes));
}

static void add_paste(keys *to)
{
    add(to, "\033[200~");
    for (int i = chance(8); i > 0; i--) {
        if (chance(3)) add_word(to);
        if (chance(6) == 0) add_odd(to);
        if (chance(4) == 0)
            add(to, ANY_OF(((const char *[]){"\r", "\n", "\r\n", "\t", "\033", "\022"})));
    }
    if (chance(3)) add(to, "\033[201~");
}

/* What the terminal says of its pictures, or the beginning of that. */
static void add_answer(keys *to)
{
    static const char *const answers[] = {"\033_Gi=31;OK\033\\", "\033[6;20;10t", "\033[?62;4;9c"};
    const char *answer = ANY_OF(answers);
    size_t length = strlen(answer);
    add_bytes(to, answer, chance(3) ? length : 1 + (size_t)chance((int)length));
}

static void add_token(keys *to)
{
    static void (*const kinds[])(keys * to) = {
        add_control, add_control, add_plain,  add_word,  add_word, add_escape, add_escape,
        add_prefix,  add_prefix,  add_prefix, add_paste, add_odd,  add_answer};
    ANY_OF(kinds)(to);
}

/* Keys go in one write up to where something else comes between. */
static void play_sequence(void)
{
    keys waiting = {.count = 0};
    for (int left = 1 + chance(TOKENS_MOST); left > 0; left--) {
        int kind = chance(20);
        if (kind > 2) {
            add_token(&waiting);
            continue;
        }
        type(waiting.byte, waiting.count);
        waiting.count = 0;
        if (chance(2)) settle();
        if (kind == 0) send_signal();
        if (kind == 1) resize(1 + chance(chance(2) ? 6 : 40), 1 + chance(chance(2) ? 8 : 100));
    }
    type(waiting.byte, waiting.count);
    if (chance(4) == 0) settle();
}

/* Types a product and waits for its value, which is long enough to stand nowhere else. */
static void multiply(const char *before, const char *failure)
{
    char line[TEXT_MOST * 2], product[TEXT_MOST];
    long a = 100000 + chance(900000), b = 100000 + chance(900000);
    snprintf(line, sizeof line, "%s%ld * %ld\r", before, a, b);
    snprintf(product, sizeof product, "%ld", a * b);
    fprintf(storm.steps, "await %s\n", product);
    session_await(product);
    type(line, strlen(line));
    fprintf(storm.steps, "came %s\n", product);
    session_wait(session_has_come, product, failure);
}

/* ---- What stands there ---- */

enum { TRIES = 3, TRIES_LONG = 60 };

static struct {
    screen_cell cell[TALLEST][SCREEN_COLUMNS_MOST];
    long cursor;
    int column;
} before;

static void keep_screen(void)
{
    for (long i = screen_first(); i <= screen_last(); i++)
        for (int k = 0; k < SCREEN_COLUMNS_MOST; k++)
            before.cell[i - screen_first()][k] = *screen_at(i, k);
    before.cursor = screen_cursor();
    before.column = screen_column();
}

static bool same_screen(void)
{
    bool same = before.cursor == screen_cursor() && before.column == screen_column();
    for (long i = screen_first(); same && i <= screen_last(); i++)
        same = memcmp(before.cell[i - screen_first()], screen_at(i, 0), sizeof before.cell[0]) == 0;
    return same;
}

static void show_before(void)
{
    printf("before, cursor %ld,%d:\n", before.cursor - screen_first(), before.column);
    for (long i = 0; i <= screen_last() - screen_first(); i++)
        screen_print("", before.cell[i], SCREEN_COLUMNS_MOST);
}

/* Keys that are typed while code runs are echoed, and the prompt stands behind them. */
static bool prompt_is_at_edge(void)
{
    for (long i = screen_first(); i <= screen_cursor(); i++) {
        const char *text = screen_text(i), *mark = strstr(text, "∇");
        if (!mark) mark = strstr(text, "nabla>");
        if (mark && mark > text) return false;
    }
    return true;
}

/* A signal that the window is another, which it is not: all is drawn anew. A letter goes before: a
 * character that lacks bytes holds back what was typed before it. */
static void check_drawn(void)
{
    /* Of an input higher than the window other rows may be shown then. */
    if (!storm.ours || screen_last() - screen_first() < ROOMY || storm.columns < ROOMY) return;
    session_rest();
    long taken = session_bytes_read();
    type("x", 1);
    /* A busy machine is long in handing a key over. */
    for (int i = 0; i < TRIES_LONG && session_bytes_read() == taken; i++) session_rest();
    if (!session_rest() || !session_reads_keys("") || !prompt_is_at_edge()) return;
    long frames = screen_count()->frames;
    keep_screen();
    fprintf(storm.steps, "signal WINCH\n");
    kill(session.pid, SIGWINCH);
    for (int i = 0; i < TRIES && screen_count()->frames == frames; i++) session_rest();
    if (screen_count()->frames == frames || same_screen()) return;
    show_before();
    session_fail("drawn anew it looks different", "");
}

/* Of what the shell itself drew since the sequence began, in a window that stayed. */
static void check_frames(const screen_counts *then)
{
    const screen_counts *now = screen_count();
    if (!storm.ours || storm.resized || storm.left) return;
    if (now->wraps_framed > then->wraps_framed) session_fail("the terminal has wrapped a line", "");
    if (now->edges_framed > then->edges_framed && storm.columns > 1)
        session_fail("the last column is written", "");
    if (now->strange_framed > then->strange_framed)
        session_fail("a sequence that has no place in a frame", "");
}

/* ---- Programs ---- */

static void say_where(void)
{
    fflush(storm.steps);
    printf("# sequence %ld of seed %ld, as steps:\n%s", storm.sequence, storm.seed,
           storm.text ? storm.text : "");
}

static void set(const char *name, const char *value)
{
    fprintf(storm.steps, "env %s=%s\n", name, value);
    setenv(name, value, 1);
}

static void write_inputrc(bool vi)
{
    char path[256];
    snprintf(path, sizeof path, "%s/inputrc", session.home);
    fprintf(storm.steps, "home inputrc\nset editing-mode %s\n.\n", vi ? "vi" : "emacs");
    FILE *file = fopen(path, "w");
    if (!file || fprintf(file, "set editing-mode %s\n", vi ? "vi" : "emacs") < 0 ||
        fclose(file) != 0)
        session_fail("cannot write", path);
    set("INPUTRC", "inputrc");
}

/* Each with the history of those before it. */
static void start_program(long number)
{
    char none[] = "";
    if (storm.steps) fclose(storm.steps);
    free(storm.text);
    storm.steps = open_memstream(&storm.text, &storm.length);
    write_inputrc(number % 2);
    storm.ours = number % 5 != 4;
    storm.columns = SCREEN_COLUMNS;
    set("TERM", storm.ours ? "xterm" : "dumb");
    set("NO_COLOR", number % 3 ? "" : "1");
    set("LC_ALL", number % 7 == 6 ? "C" : "C.UTF-8");
    set("EDITOR", "false");
    session_start(none);
    fprintf(storm.steps, "run\n");
    multiply("", "at the start there does not come");
}

static void end_program(void)
{
    session_wait(session_reads_keys, "", "no prompt comes");
    /* A .quit would be in the history of the next program, where keys find it. */
    static const char leave[] = "\003\004";
    session_write(leave, sizeof leave - 1);
    session_wait(session_has_ended, "", "it does not leave");
    if (session.status != 0) session_fail("it left with another status than 0", "");
}

int main(void)
{
    long sequences = setting("NABLA_STORM", SEQUENCES);
    storm.seed = setting("NABLA_STORM_SEED", SEED);
    chance_begin((uint64_t)storm.seed);
    setlocale(LC_CTYPE, "C.UTF-8");
    session_open(say_where);
    for (storm.sequence = 0; storm.sequence < sequences; storm.sequence++) {
        if (storm.sequence % PROGRAM_LIVES == 0) {
            if (session.pid > 0) end_program();
            start_program(storm.sequence / PROGRAM_LIVES);
        }
        fprintf(storm.steps, "# sequence %ld\n", storm.sequence);
        session_wait(session_reads_keys, "", "no prompt comes");
        screen_counts then = *screen_count();
        storm.resized = storm.left = false;
        play_sequence();
        session_settle();
        if (storm.left) session_rest();
        if (chance(3) == 0) check_drawn();
        session_wait(session_reads_keys, "", "no prompt comes");
        check_frames(&then);
        multiply("\003", "after a Ctrl-C there does not come");
    }
    if (session.pid > 0) end_program();
    fclose(storm.steps);
    free(storm.text);
    printf("%ld sequences\n", sequences);
    session_leave(0);
}
