/* The line that shows how training goes. */
#include "shell/screen/progress.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "nn/train/run/train.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_BYTES = 512, BAR_WIDTH = 20, BAR_LEAST = 5 };

/* Between two drawings, in seconds of the training. */
#define DRAW_EVERY 0.1
/* Seconds that other work takes before it is shown. */
#define SHOW_AFTER 0.5

/* Parts that no longer fit are left out whole. */
typedef struct line {
    const sh_terminal *terminal;
    int columns, most;
    size_t length;
    char text[LINE_BYTES];
} line;

static void add(line *l, const char *text)
{
    size_t bytes = strlen(text);
    int columns = (int)nb_letters(text, bytes);
    if (l->columns + columns > l->most || bytes >= sizeof l->text - l->length) return;
    memcpy(l->text + l->length, text, bytes + 1);
    l->length += bytes;
    l->columns += columns;
}

/* Separates the part from what stands before it. */
static void __attribute__((format(printf, 2, 3))) add_part(line *l, const char *format, ...)
{
    char part[96];
    size_t used = 0;
    va_list arguments;
    if (l->columns > 0) {
        const char *dot = l->terminal->utf8 ? " · " : ", ";
        used = strlen(dot);
        memcpy(part, dot, used);
    }
    va_start(arguments, format);
    vsnprintf(part + used, sizeof part - used, format, arguments);
    va_end(arguments);
    add(l, part);
}

static double done_share(const nb_progress *p)
{
    double batches = p->batches > 0 && p->batch > 0 ? (double)p->batch / (double)p->batches : 1;
    return p->epochs > 0 ? ((double)p->epoch - 1 + batches) / (double)p->epochs : 1;
}

static void add_bar(line *l, const nb_progress *p)
{
    const char *full = l->terminal->utf8 ? "━" : "#", *rest = l->terminal->utf8 ? "─" : "-";
    char head[64];
    int digits = snprintf(head, sizeof head, "%lld", (long long)p->epochs);
    snprintf(head, sizeof head, " %*lld/%lld ", digits, (long long)p->epoch, (long long)p->epochs);
    add(l, head);
    int width = l->most - l->columns - 1;
    if (width > BAR_WIDTH) width = BAR_WIDTH;
    int filled = (int)(done_share(p) * width);
    for (int i = 0; width >= BAR_LEAST && i < width; i++) add(l, i < filled ? full : rest);
}

/* A set that is evaluated: its share of right answers, else its cost, else nothing. */
static void add_judged(line *l, const char *set, double accuracy, double cost)
{
    if (!isnan(accuracy))
        add_part(l, "%s %.1f %%", set, 100 * accuracy);
    else if (!isnan(cost))
        add_part(l, "%s cost %.3g", set, cost);
}

static void add_cost(line *l, const sh_progress *progress, const nb_progress *p)
{
    add_part(l, "cost %.3g", p->cost);
    add_judged(l, "valid", progress->valid_accuracy, progress->valid_cost);
    add_judged(l, "test", progress->accuracy, progress->test_cost);
    if (!isnan(p->lr)) add_part(l, "lr %.3g", p->lr);
}

static void add_rate(line *l, double rate)
{
    if (!(rate > 0)) return;
    if (rate >= 1e6)
        add_part(l, "%.1f M examples/s", rate / 1e6);
    else if (rate >= 1e3)
        add_part(l, "%.1f k examples/s", rate / 1e3);
    else
        add_part(l, "%.0f examples/s", rate);
}

static void add_time_left(line *l, double seconds, double share)
{
    double left = share > 0 ? seconds * (1 - share) / share : 0;
    if (!(left >= 1)) return;
    if (left >= 3600)
        add_part(l, "%.0f h %02.0f min left", floor(left / 3600), fmod(left, 3600) / 60);
    else if (left >= 60)
        add_part(l, "%.0f min %02.0f s left", floor(left / 60), fmod(left, 60));
    else
        add_part(l, "%.0f s left", left);
}

static void draw(sh_progress *progress, const nb_progress *p, bool going_on)
{
    /* The last column stays free: some terminals go on to the next line from there. */
    line l = {.terminal = progress->terminal, .most = sh_terminal_columns() - 1};
    add_bar(&l, p);
    /* The bar stands apart by a space, not by a dot. */
    line parts = {.terminal = l.terminal, .most = l.most - l.columns - 1};
    add_cost(&parts, progress, p);
    add_rate(&parts, p->rate);
    if (going_on) add_time_left(&parts, p->seconds, done_share(p));
    printf("\r%s %s\033[K", l.text, parts.text);
    fflush(stdout);
    progress->drawn = p->seconds;
    progress->visible = true;
}

static void print_epoch(const sh_progress *progress, const nb_progress *p)
{
    line l = {.terminal = progress->terminal, .most = LINE_BYTES};
    add_part(&l, "epoch %lld/%lld", (long long)p->epoch, (long long)p->epochs);
    add_cost(&l, progress, p);
    add_rate(&l, p->rate);
    puts(l.text);
    fflush(stdout);
}

static void start_over(sh_progress *progress)
{
    progress->visible = false;
    progress->drawn = -DRAW_EVERY;
    progress->accuracy = progress->test_cost = NAN;
    progress->valid_accuracy = progress->valid_cost = NAN;
}

static void show(void *self, const nb_progress *p)
{
    sh_progress *progress = self;
    if (p->batch == 0) {
        progress->valid_accuracy = p->valid_accuracy;
        progress->valid_cost = p->valid_cost;
        progress->accuracy = p->accuracy;
        progress->test_cost = p->test_cost;
        if (!progress->terminal->moves) print_epoch(progress, p);
    }
    if (progress->terminal->moves && p->seconds - progress->drawn >= DRAW_EVERY)
        draw(progress, p, true);
}

/* The next call of show draws the line again. */
static void clear(void *self)
{
    sh_progress *progress = self;
    if (!progress->visible) return;
    fputs("\r\033[K", stdout);
    fflush(stdout);
    progress->visible = false;
    progress->drawn = -DRAW_EVERY;
}

static void done(void *self, const nb_progress *last, bool whole)
{
    sh_progress *progress = self;
    if (progress->terminal->moves && last) {
        draw(progress, last, false);
        putchar('\n');
        fflush(stdout);
    }
    (void)whole;
    start_over(progress);
}

static void say(void *self, const char *text)
{
    sh_progress *progress = self;
    clear(progress);
    printf("%s%s%s\n", sh_colour_code(progress->terminal->colour, SH_QUIET), text,
           sh_colour_code(progress->terminal->colour, SH_PLAIN));
    fflush(stdout);
}

/* ---- Other work ---- */

/* "checking gradients  43 % · 12 s left" */
static void draw_work(sh_progress *progress, double seconds)
{
    line l = {.terminal = progress->terminal, .most = sh_terminal_columns() - 1};
    add_part(&l, " %s  %.0f %%", progress->work, floor(100 * progress->share));
    add_time_left(&l, seconds, progress->share);
    printf("\r%s\033[K", l.text);
    fflush(stdout);
    progress->visible = true;
}

static void tell(void *self, const char *what, double share)
{
    sh_progress *progress = self;
    if (!progress->terminal->moves) return;
    double time = nb_clock();
    if (progress->work != what || share < progress->share) {
        progress->work = what;
        progress->began = progress->told = time;
    }
    progress->share = share;
    if (time - progress->began < SHOW_AFTER || time - progress->told < DRAW_EVERY) return;
    progress->told = time;
    draw_work(progress, time - progress->began);
}

static void end(void *self)
{
    sh_progress *progress = self;
    if (!progress->work) return;
    progress->work = NULL;
    clear(progress);
}

void sh_progress_init(sh_progress *progress, const sh_terminal *terminal)
{
    *progress = (sh_progress){.shower = {show, clear, done, say, progress},
                              .meter = {tell, end, progress},
                              .terminal = terminal};
    start_over(progress);
}
