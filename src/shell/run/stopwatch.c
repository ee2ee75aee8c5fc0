/* Timing a piece of Lua. What runs shortly is run in batches, so that reading the clock costs
 * nothing. */
#include "shell/run/stopwatch.h"

#include "base/clock.h"
#include "base/text.h"
#include "shell/run/call.h"
#include "shell/run/compile.h"
#include "shell/run/source.h"
#include "shell/screen/say.h"

#include <inttypes.h>
#include <math.h>

/* Seconds: of all runs together, and of a batch at least. */
#define WHOLE_TIME 1.0
#define BATCH_TIME 1e-3

enum { BATCH_MOST = 1 << 20 }; /* runs in a batch */

typedef struct watch {
    const char *source;
    sh_compiled outcome;
    int64_t runs;
    double mean, deviation; /* seconds a run; the deviation of the batches' means */
} watch;

/* Seconds that `count` calls of the function on the stack's top take. */
static double run_batch(lua_State *L, int64_t count)
{
    int function = lua_gettop(L);
    double start = nb_clock();
    for (int64_t i = 0; i < count; i++) {
        lua_pushvalue(L, function);
        lua_call(L, 0, 0);
    }
    return nb_clock() - start;
}

/* As many runs as make a batch; those that find it out warm the caches up and do not count. */
static int64_t batch_size(lua_State *L, double *spent)
{
    for (int64_t count = 1;; count *= 4) {
        *spent = run_batch(L, count);
        if (*spent >= BATCH_TIME || count >= BATCH_MOST) return count;
    }
}

/* Mean and deviation as they grow (Welford 1962). */
static int time_runs(lua_State *L)
{
    watch *w = sh_work(L);
    double spent, squares = 0;
    int64_t size = batch_size(L, &spent), batches = 0;
    double total = 0;
    if (spent >= WHOLE_TIME) { /* one run is all there is time for */
        w->runs = 1;
        w->mean = spent;
        return 0;
    }
    while (total < WHOLE_TIME) {
        double took = run_batch(L, size), each = took / (double)size, away = each - w->mean;
        total += took;
        batches++;
        w->mean += away / (double)batches;
        squares += away * (each - w->mean);
    }
    w->runs = batches * size;
    w->deviation = batches > 1 ? sqrt(squares / (double)(batches - 1)) : 0;
    return 0;
}

static int compile(lua_State *L)
{
    watch *w = sh_work(L);
    w->outcome = sh_compile(L, w->source, SH_OTHER_CHUNK, NULL);
    return w->outcome == SH_UNFINISHED ? 0 : 1;
}

/* "12.3 µs": three digits and the unit. */
static void add_time(nb_text *out, double seconds, bool utf8)
{
    static const struct {
        double size;
        const char *name, *plain;
    } units[] = {{1, "s", "s"}, {1e-3, "ms", "ms"}, {1e-6, "µs", "us"}, {1e-9, "ns", "ns"}};
    enum { UNITS = sizeof units / sizeof *units };
    size_t i = 0;
    while (i < UNITS - 1 && seconds < 0.9995 * units[i].size) i++;
    double value = seconds / units[i].size;
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    nb_text_add(out, "%.*f %s", decimals, value, utf8 ? units[i].name : units[i].plain);
}

static void tell(sh_shell *shell, const watch *w)
{
    nb_text out;
    bool utf8 = shell->terminal.utf8;
    nb_text_init(&out, shell->ctx);
    add_time(&out, w->mean, utf8);
    nb_text_add(&out, utf8 ? " ± " : " +- ");
    add_time(&out, w->deviation, utf8);
    nb_text_add(&out, utf8 ? " · " : ", ");
    nb_text_add_grouped(&out, w->runs);
    nb_text_add(&out, w->runs == 1 ? " run" : " runs");
    sh_remark(shell, "%s", nb_text_get(&out));
    nb_text_free(&out);
}

void sh_stopwatch(sh_shell *shell, const char *source)
{
    lua_State *L = shell->L;
    watch w = {.source = source};
    if (sh_protect(shell, compile, &w, 1) != SH_OK) return;
    if (w.outcome != SH_WHOLE) {
        sh_complain(shell, w.outcome == SH_WRONG ? lua_tostring(L, -1)
                                                 : ".time wants a whole statement or expression");
        lua_pop(L, 1);
        return;
    }
    sh_push_work(shell, time_runs, &w);
    lua_rotate(L, -3, 2);
    if (sh_call(shell, 2, 0) == SH_OK) tell(shell, &w);
}
