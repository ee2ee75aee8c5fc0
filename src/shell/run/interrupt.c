/* Ctrl-C while code runs. */
#include "shell/run/interrupt.h"

#include "shell/run/threads.h"

#include <lualib.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

/* Set by the handler; the one global of the house that changes while code runs. */
static volatile sig_atomic_t asked;
/* Of the thread that runs Lua, and whether it outlives more than one Ctrl-C. */
static pthread_t home;
static bool patient;
/* Started by a launcher: Ctrl-C may come twice, from the terminal and from it; and some send
 * SIGTERM for it. */
static bool launched;
static time_t first; /* when it came; 0: it has not */
enum { TWICE_SECONDS = 1 };
/* A key that comes just before a read(2) begins ends nothing, and no hook runs in C: from Ctrl-C
 * on, until the code has ended, SIGALRM comes again and again and ends the read. */
static timer_t again;
static bool has_again;
enum { AGAIN_NS = 50000000 };

/* Counts instructions, not calls: a hook on calls would also raise inside the message handler. */
static void hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    if (!asked) {
        lua_sethook(L, NULL, 0, 0);
        return;
    }
    lua_pushliteral(L, "interrupted");
    lua_error(L);
}

static void arm(lua_State *L)
{
    lua_sethook(L, hook, LUA_MASKCOUNT, 1);
}

/* A hook that the user set since then stays. */
static void disarm(lua_State *L)
{
    if (lua_gethook(L) == hook) lua_sethook(L, NULL, 0, 0);
}

/* A library may have threads of its own that do not block signals, as those of a BLAS: what comes
 * to them is passed on. */
static bool at_home(int signal_number)
{
    if (pthread_equal(pthread_self(), home)) return true;
    pthread_kill(home, signal_number);
    return false;
}

/* To be called from a handler too. */
static void repeat_every(long nanoseconds)
{
    struct itimerspec every = {{0, nanoseconds}, {0, nanoseconds}};
    if (has_again) timer_settime(again, 0, &every, NULL);
}

/* The same key once more. */
static bool is_again(void)
{
    struct timespec now;
    if (!launched || clock_gettime(CLOCK_MONOTONIC, &now) != 0) return false;
    if (!first) first = now.tv_sec;
    return now.tv_sec - first <= TWICE_SECONDS;
}

/* lua_sethook may be called from a handler; the threads' table is always whole (threads.h). */
static void on_sigint(int signal_number)
{
    if (!at_home(signal_number)) return;
    bool is_late = asked && launched && !is_again();
    asked = 1;
    if (!patient && !(launched && is_again())) signal(signal_number, SIG_DFL);
    if (is_late) raise(signal_number); /* when the handler returns */
    sh_threads_each(arm);
    repeat_every(AGAIN_NS);
}

static void on_sigalrm(int signal_number)
{
    (void)at_home(signal_number);
}

static void mask(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    if (launched) sigaddset(&set, SIGTERM);
    pthread_sigmask(how, &set, NULL);
}

void sh_interrupt_install(bool is_patient)
{
    struct sigaction action, before;
    home = pthread_self();
    patient = is_patient;
    memset(&action, 0, sizeof action);
    mask(SIG_BLOCK);
    /* No SA_RESTART: a read that waits for a key must end. */
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_sigalrm;
    sigaction(SIGALRM, &action, NULL);
    struct sigevent alarm = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    if (!has_again) has_again = timer_create(CLOCK_MONOTONIC, &alarm, &again) == 0;
    action.sa_handler = on_sigint;
    sigaction(SIGINT, &action, &before);
    if (!is_patient && before.sa_handler == SIG_IGN) sigaction(SIGINT, &before, NULL);
}

void sh_interrupt_launched(void)
{
    struct sigaction action;
    launched = true;
    mask(SIG_BLOCK);
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_sigint;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void sh_interrupt_begin(void)
{
    asked = 0;
    first = 0;
    mask(SIG_UNBLOCK);
}

bool sh_interrupt_end(void)
{
    mask(SIG_BLOCK);
    bool was_asked = asked;
    if (was_asked) {
        repeat_every(0);
        sh_threads_each(disarm);
    }
    asked = 0;
    return was_asked;
}

bool sh_interrupted(void)
{
    return asked;
}

const volatile sig_atomic_t *sh_interrupt_flag(void)
{
    return &asked;
}

void sh_interrupt_close(void)
{
    signal(SIGINT, SIG_DFL);
    if (launched) signal(SIGTERM, SIG_DFL);
    mask(SIG_UNBLOCK);
}

/* ---- Hooks of the user's ---- */

sh_hook sh_hook_take(lua_State *L)
{
    sh_hook users = {lua_gethook(L), lua_gethookmask(L), lua_gethookcount(L)};
    if (users.hook) lua_sethook(L, NULL, 0, 0);
    return users;
}

void sh_hook_give(lua_State *L, sh_hook users)
{
    if (users.hook) lua_sethook(L, users.hook, users.mask, users.count);
}

/* Upvalue: debug.sethook, which is run, not called: hooks see one call. What came while it was at
 * work is armed again. */
static int guarded_sethook(lua_State *L)
{
    int results = lua_tocfunction(L, lua_upvalueindex(1))(L);
    if (asked) sh_threads_each(arm);
    return results;
}

void sh_hook_guard(lua_State *L)
{
    lua_getglobal(L, LUA_DBLIBNAME);
    lua_getfield(L, -1, "sethook");
    lua_pushcclosure(L, guarded_sethook, 1);
    lua_setfield(L, -2, "sethook");
    lua_pop(L, 1);
}
