/* Plays at random at the prompt: keys, pastes that end or do not, new sizes of the window and
 * signals between them, in emacs and vi mode. After each sequence one Ctrl-C must bring the prompt
 * back, with no key lost behind it: an expression is typed in the same go, and its value must come.
 *
 * usage: storm     ($NABLA_STORM sequences from the seed $NABLA_STORM_SEED; each has its default)
 *
 * Where it fails it prints what was done since the program was started, as steps that pty plays. */
#include "screen.h"
#include "session.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEQUENCES = 2000,
    SEED = 9,
    PROGRAM_LIVES = 50, /* sequences */
    TOKENS_MOST = 24,
    TEXT_MOST = 24
};

static struct {
    uint64_t state, seed;
    long sequence;
    FILE *steps; /* what was done since the program was started */
    char *text;
    size_t length;
} storm;

/* ---- Chance ---- */

static uint32_t next_random(void)
{
    /* Marsaglia's xorshift. */
    storm.state ^= storm.state << 13;
    storm.state ^= storm.state >> 7;
    storm.state ^= storm.state << 17;
    return (uint32_t)(storm.state >> 32);
}

static int chance(int count)
{
    return (int)(next_random() % (uint32_t)count);
}

#define ANY_OF(list) list[chance((int)(sizeof list / sizeof *list))]

/* ---- What is done, and noted ---- */

static void type(const char *bytes, size_t length)
{
    if (length == 0) return;
    fprintf(storm.steps, "bytes");
    for (size_t i = 0; i < length; i++) fprintf(storm.steps, " %02x", (unsigned char)bytes[i]);
    fprintf(storm.steps, "\n");
    session_write(bytes, length);
}

static void settle(void)
{
    fprintf(storm.steps, "settle\n");
    session_settle();
}

static void resize(int rows, int columns)
{
    fprintf(storm.steps, "resize %d %d\n", rows, columns);
    session_resize(rows, columns);
}

static void send_signal(void)
{
    bool interrupt = chance(2);
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
    static const char *const words[] = {"n",   "te",  "ab",  "x = ", "12", "(",
                                        "{1,", "\"",  "é",   "∇",    "😀",  "e\u0301",
                                        "[[",  "do ", "end", "-- ",  "?",  "\t"};
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
    static const char *const names[] = {"\033[A", "\033[B", "\033[C",  "\033[D",    "\033OA",
                                        "\033[H", "\033[F", "\033[3~", "\033[1;5C", "\033[200"};
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
    static const char *const prefixes[] = {"\022",     "\023",  "\022n", "\030",  "\030(", "\030)",
                                           "\030e",    "\033",  "\0335", "\033-", "\026",  "\035",
                                           "\033\035", "\033p", "\033n", "\033x", "\025",  "R",
                                           "c",        "d",     "f",     "r",     "/",     "3"};
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

static void add_token(keys *to)
{
    static void (*const kinds[])(keys * to) = {add_control, add_control, add_plain,  add_word,
                                               add_word,    add_escape,  add_escape, add_prefix,
                                               add_prefix,  add_prefix,  add_paste,  add_odd};
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

/* ---- Programs ---- */

static void say_where(void)
{
    fflush(storm.steps);
    printf("# sequence %ld of seed %llu, as steps:\n%s", storm.sequence,
           (unsigned long long)storm.seed, storm.text ? storm.text : "");
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
    set("TERM", number % 5 == 4 ? "dumb" : "xterm");
    set("LC_ALL", number % 7 == 6 ? "C" : "C.UTF-8");
    set("EDITOR", "false");
    session_start(none);
    fprintf(storm.steps, "run\n");
    multiply("", "at the start there does not come");
}

static void end_program(void)
{
    session_wait(session_reads_keys, "", "no prompt comes");
    static const char quit[] = "\003.quit\r";
    session_write(quit, sizeof quit - 1);
    session_wait(session_has_ended, "", "it does not leave");
    if (session.status != 0) session_fail("it left with another status than 0", "");
}

static long setting(const char *name, long usual)
{
    const char *value = getenv(name);
    return value && *value ? atol(value) : usual;
}

int main(void)
{
    long sequences = setting("NABLA_STORM", SEQUENCES);
    storm.seed = (uint64_t)setting("NABLA_STORM_SEED", SEED);
    storm.state = storm.seed * 0x9E3779B97F4A7C15u + 1;
    session_open(say_where);
    for (storm.sequence = 0; storm.sequence < sequences; storm.sequence++) {
        if (storm.sequence % PROGRAM_LIVES == 0) {
            if (session.pid > 0) end_program();
            start_program(storm.sequence / PROGRAM_LIVES);
        }
        session_wait(session_reads_keys, "", "no prompt comes");
        play_sequence();
        session_settle();
        session_wait(session_reads_keys, "", "no prompt comes");
        multiply("\003", "after a Ctrl-C there does not come");
    }
    if (session.pid > 0) end_program();
    fclose(storm.steps);
    free(storm.text);
    printf("%ld sequences\n", sequences);
    session_leave(0);
}
