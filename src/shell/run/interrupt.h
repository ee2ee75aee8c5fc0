/* Ctrl-C while code runs. The handler of SIGINT sets the flag that the core polls and arms a hook
 * on every live Lua thread; both stay until sh_interrupt_end, so that no pcall in a loop can
 * swallow them. Outside of begin and end SIGINT is blocked, and whoever waits for input reads it
 * from a signalfd.
 *
 * What this cannot stop: an endless __gc or debug hook, for Lua calls no hook from there; one call
 * of C that does not look (a hostile string.find).
 */
#ifndef SH_INTERRUPT_H
#define SH_INTERRUPT_H

#include <lua.h>
#include <signal.h>
#include <stdbool.h>

/* Blocks SIGINT and installs the handler. is_patient: the program lives on, however often Ctrl-C is
 * pressed; else the second one ends it at once, and a SIGINT that was ignored before stays ignored.
 */
void sh_interrupt_install(bool is_patient);
/* A launcher started the program: SIGTERM is Ctrl-C too, and what comes twice within a second is
 * one; a later one ends the program. */
void sh_interrupt_launched(void);
/* Code begins to run: clears the flag and lets SIGINT in. */
void sh_interrupt_begin(void);
/* Code has ended: blocks SIGINT, disarms every thread, and says whether Ctrl-C was pressed. */
bool sh_interrupt_end(void);
/* Was it pressed since begin? */
bool sh_interrupted(void);
/* The program ends: SIGINT kills it again, whatever a finaliser does. */
void sh_interrupt_close(void);

/* What debug.sethook has set on a thread. */
typedef struct sh_hook {
    lua_Hook hook;
    int mask, count;
} sh_hook;
/* Takes it away while the shell's own work is done, and puts it back. */
sh_hook sh_hook_take(lua_State *L);
void sh_hook_give(lua_State *L, sh_hook users);
/* Puts itself before debug.sethook, so that code which sets hooks all the time cannot lose Ctrl-C.
 * May raise. */
void sh_hook_guard(lua_State *L);
/* The flag itself, for the context. */
const volatile sig_atomic_t *sh_interrupt_flag(void);

#endif
