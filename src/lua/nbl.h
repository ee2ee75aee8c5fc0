/* What every binding stands on: the state's context, one way into the core and out of it, handles,
 * and tables that are functions and their help at once. A binding is check, call, push.
 *
 * A handle is created empty and valid first, then filled with what the core returns, so that
 * nothing is lost when Lua raises in between. */
#ifndef NBL_H
#define NBL_H

#include "base/escape.h"
#include "base/option.h"
#include "grad/tape.h"

#include <lauxlib.h>
#include <lua.h>

/* Opens the module: the table `nabla` with tensor, nn, data, plot, help in it. */
int luaopen_nabla(lua_State *L);
/* The context of this state; raises when the module was not opened. */
nb_ctx *nbl_ctx(lua_State *L);
/* Pushes what owns the context. It lies in the registry, where scripts may take it away; a host
 * that keeps the context keeps this on its stack. */
void nbl_push_owner(lua_State *L);

/* Entries that a list gets room for when it is made, at most; more comes as it grows. Room for a
 * hundred million at once would keep Ctrl-C waiting. */
enum { NBL_LIST_ROOM = 1 << 20 };

/* A function and its help. Lists end with a nameless entry. Names of methods begin with ':'. */
typedef struct nbl_entry {
    const char *name; /* "zeros", ":save" */
    lua_CFunction function;
    const char *usage;        /* "tensor.zeros(sizes…, {dtype})" */
    const char *help;         /* one line, or a few */
    const char *example;      /* Lua that runs on its own; "→" begins a comment with its result */
    const nb_option *options; /* of its trailing table, or NULL */
} nbl_entry;

/* Puts the functions of a list into the table on the stack's top and its help into the book of help
 * under `prefix` ("tensor", "net"): "tensor.zeros", "net:save". A function of NULL gives help only:
 * a field. */
void nbl_register(lua_State *L, const char *prefix, const nbl_entry *entries);
/* Puts one page into the book of help. entry->name is the whole name, `kind` what it is
 * ("activation"). The value on the stack's top (or nil) is popped; help(value) finds the page. */
void nbl_book_add(lua_State *L, const char *kind, const nbl_entry *entry);
/* Pushes the usage of the method `name` of tensors, networks or sets, "x:sum(dims…, {keep})", and
 * returns it; of what is none NULL, and pushes nothing. `kinds`: "tensor", "net" …, NULL behind the
 * last. */
const char *nbl_push_method_usage(lua_State *L, const char *const *kinds, const char *name);

/* ---- Into the core ---- */

/* Work in the core: it calls the core only, may fail at any place and gives back what it took. */
typedef nb_status nbl_job(nb_ctx *ctx, void *data);
/* Runs a job, the one way into the core. Collects garbage first when bytes outside Lua ask for it;
 * after a shortage of memory it collects, trims the pool and runs the job once more. What went
 * wrong is raised: the callback's own error object, or the core's message as a string. The stack
 * and the recording switch are afterwards as they were before. */
void nbl_run(lua_State *L, nbl_job *job, void *data);
/* Collects garbage as nbl_run does. What makes a handle whose bytes come in a job calls it before:
 * a handle that is there when the job collects has outlived that, and with the next time, for its
 * variable still holds it while the one after is made, it would be old, which takes a full
 * collection. */
void nbl_collect(lua_State *L);
/* A whole collection, twice: what a finaliser frees may have kept more alive. */
void nbl_collect_all(lua_State *L);
/* Under NABLA_STRESS: a full collection, at every Nth call. Entries and what makes handles call it,
 * so that a value which nothing keeps alive is gone before it is used. */
void nbl_stress(lua_State *L);
/* Raises what Ctrl-C raises, where it was pressed; for loops of a binding itself. */
void nbl_poll(lua_State *L, nb_ctx *ctx);
/* Raises a message, in lua_pushfstring's format, with the position of the user's line before it and
 * the name of the running function, unless the message begins with it. Nobody else writes that
 * name: what nbl_run raises goes the same way. */
int nbl_error(lua_State *L, const char *format, ...);
/* Raises "zeros: argument 2 must be a size, not 'x'". */
int nbl_arg_error(lua_State *L, int arg, const char *expected);
/* Raises "dim: 1 is one argument too many; write x:dim()" where the call has arguments behind slot
 * `last`, which counts the object of a method. */
void nbl_no_more(lua_State *L, int last);
/* Pushes the name of the running function for a sentence, and returns it: "tensor.zeros",
 * "net:train", of a tensor's method "add"; "this function" where it has none. */
const char *nbl_push_name(lua_State *L);
/* Pushes the string at `at` as it may be shown. */
void nbl_escape(lua_State *L, int at, nb_escaping how);
/* For stdlib: (value). Its text as it may be shown on one line. */
int nbl_shown(lua_State *L);
/* Pushes what a value is in the user's words and returns it: "nil", "2.5", "'relu'", "a tensor". */
const char *nbl_describe(lua_State *L, int arg);

/* Pushes a function of the bindings and its data, to be called under pcall from inside the core.
 * Its first statement finds the data with nbl_work, which raises when somebody else calls it: code
 * of the user's can find it on the stack with the debug library. */
void nbl_push_work(nb_ctx *ctx, lua_CFunction work, void *data);
void *nbl_work(lua_State *L);

/* Calls the Lua function on the stack's top below `count` tensors that it pushes, under pcall, from
 * inside the core: the trampoline. Gives one tensor back (a new reference), or NULL with
 * NB_ECALLBACK and the error object in the host's slot, or NB_EARG "activation f must give a
 * tensor, not nil"; where `number`, one will do and takes the dtype of the first tensor given.
 * `push` puts the function on the stack of the state given (it may raise). */
typedef void nbl_push_function(lua_State *L, const void *self);
nb_tensor *nbl_call_function(nb_ctx *ctx, nbl_push_function *push, const void *self,
                             const char *what, nb_tensor *const *in, int count, bool number);
/* The same for functions that give no tensor: *stop = true when it gave false. The arguments are
 * what `push` left above the function; it returns their number. */
typedef int nbl_push_call(lua_State *L, const void *self, const void *data);
/* Likewise for one number in *out; `what` names the function where it fails. */
nb_status nbl_call_number(nb_ctx *ctx, nbl_push_call *push, const void *self, const void *data,
                          const char *what, double *out);
nb_status nbl_call_hook(nb_ctx *ctx, nbl_push_call *push, const void *self, const void *data,
                        bool *stop);

/* ---- Handles ---- */

/* A kind of handle: one constant, which its blocks begin with. */
typedef struct nbl_kind {
    const char *name;     /* of its metatable: "nabla.network" */
    int values;           /* user values */
    const luaL_Reg *meta; /* what its metatable begins with, or NULL */
} nbl_kind;

/* What stands before the value in a handle's block. */
enum { NBL_HEADER = sizeof(void *) };

/* A handle on the stack's top; gives its value, `size` bytes of zeros, which its finaliser must
 * accept. */
void *nbl_new_handle(lua_State *L, const nbl_kind *kind, size_t size);
/* The value of the handle at `at`, or NULL when it is none of this kind, whatever its metatable. */
void *nbl_test_handle(lua_State *L, int at, const nbl_kind *kind);
/* Likewise, but raises "argument 1 must be …". */
void *nbl_check_handle(lua_State *L, int at, const nbl_kind *kind, const char *expected);
/* Is it a handle of any kind, or the owner of the context itself; is it the metatable of a kind?
 * `owner` is the index of what nbl_push_owner pushed: the registry may have lost it. */
bool nbl_is_handle(lua_State *L, int at, int owner);
bool nbl_is_metatable(lua_State *L, int at, int owner);
/* The metatable of a kind on the stack's top; false: it was there already. getmetatable gives
 * scripts only {__name = …}, so that no finaliser is called by hand. */
bool nbl_new_metatable(lua_State *L, const nbl_kind *kind);
/* Where the function `index` of nbl_set_methods finds the methods. */
enum { NBL_METHODS = 1 };
/* Puts the table of methods on the stack's top into the metatable below it, which gets `index` as
 * __index, and pops both. */
void nbl_set_methods(lua_State *L, lua_CFunction index);
/* In `index`: pushes the method under the key at stack index 2. False: nil. */
bool nbl_push_method(lua_State *L);
/* The metatable of a kind: `meta`, `index` as __index, and methods and fields with their help under
 * `prefix`. Pushes nothing. */
void nbl_open_kind(lua_State *L, const nbl_kind *kind, const luaL_Reg *meta, lua_CFunction index,
                   const char *prefix, const nbl_entry *help);
/* In the program: debug.setuservalue, getuservalue and setmetatable refuse handles and their
 * metatables, setupvalue the upvalues of our functions, and getlocal and setlocal see nothing of
 * what those have on the stack. Bindings rely on it. The functions are else Lua's own. */
void nbl_guard_debug(lua_State *L);

/* In the program, right after Lua's libraries: load, loadfile, dofile and require take Lua as text
 * only, and refuse binary chunks. */
void nbl_guard_chunks(lua_State *L);
/* luaL_loadfile that does so. */
int nbl_load_file(lua_State *L, const char *path);

/* An empty text on the stack's top, freed with its slot: the core writes into it during a stay. */
nb_text *nbl_new_text(lua_State *L);
/* Pushes what was written as a string, or raises when memory ended meanwhile. */
void nbl_push_text(lua_State *L, nb_text *text);

/* A core value of `bytes` bytes of zeros on the stack's top, which Lua owns while work goes on.
 * `release` runs when it is closed or collected, once; it must accept what is still zeroed. */
typedef void nbl_release(nb_ctx *ctx, void *value);
void *nbl_new_box(lua_State *L, size_t bytes, nbl_release *release);
/* Releases the value of a box now. */
void nbl_close_box(lua_State *L, int box);

/* Set fields of the table on the stack's top. */
void nbl_set_number(lua_State *L, const char *field, double value);
void nbl_set_integer(lua_State *L, const char *field, int64_t value);

/* ---- Tensors ---- */

extern const nbl_kind nbl_tensor_kind;
/* An empty handle on the stack's top; store a new reference in it (tensors are never NULL once
 * returned). */
nb_tensor **nbl_new_tensor(lua_State *L);
/* Pushes a handle for one more reference to a tensor. */
void nbl_push_tensor(lua_State *L, nb_tensor *tensor);
/* Raises, in the name of `what` ("net:grads"), where a home holds the gradient of parameters that
 * have moved by themselves since. */
void nbl_check_home(lua_State *L, const char *what, const nb_home *home);
/* The tensor at `arg`, or an error in the words of the call. */
nb_tensor *nbl_check_tensor(lua_State *L, int arg);
/* NULL when it is none. */
nb_tensor *nbl_test_tensor(lua_State *L, int arg);
/* A tensor, number, boolean or nested table at `arg` as a tensor; what is made replaces the
 * argument on the stack, so that it lives as long as the call. dtype: of what is made; -1: the
 * context's. */
nb_tensor *nbl_to_tensor(lua_State *L, int arg, int dtype);

/* Raises when a change of x in place, by what the `count` tensors `with` bring, would be missed by
 * a gradient. `what`: "add_". Parameters take the values alone, where no record reads theirs. */
void nbl_check_change(lua_State *L, const nb_tensor *x, nb_tensor *const *with, int count,
                      const char *what);
/* What every binding that changed elements in place says after its stay: x was changed by `what`
 * ("add_"), on the line of Lua that is running. A backward that needed the old values names it. */
void nbl_changed(lua_State *L, nb_tensor *x, const char *what);

/* ---- Arguments ---- */

/* Reads the table at `arg` (nil or none: nothing) into `target` by its descriptors, defaults first.
 * NB_WORD gives strings that live as long as the table does, NB_HOST fields (int) the stack index
 * of the value, 0 for none; NB_SIZES takes a number or {3, 5}, NB_CHOSEN a string of notation, such
 * as "constant(value=2)". Positional entries are an error unless `positional`. */
void nbl_options(lua_State *L, int arg, const nb_option *options, void *target, bool positional);
/* A dimension (from 1, or negative from the end) at `arg`, as one from 0; others are errors. */
int nbl_check_dim(lua_State *L, int arg, int dims);
/* An index likewise, in 1 … n. `what`: "layer". */
int64_t nbl_check_index(lua_State *L, int arg, int64_t n, const char *what);
/* A whole number; "epochs must be a whole number, not 2.5". */
int64_t nbl_check_integer(lua_State *L, int arg, const char *what);
/* A seed at `arg`, else one drawn from the context. */
uint64_t nbl_check_seed(lua_State *L, int arg);
/* A path: a string without NUL. */
const char *nbl_check_path(lua_State *L, int arg);

/* A message handler that also sees errors in functions which the core calls, while they are on the
 * stack; the host sets it. Such an error is raised once more when the core has returned:
 * nbl_was_noted says, once, whether the value at `at` is the last one so raised. */
void nbl_set_note(lua_State *L, lua_CFunction note);
bool nbl_was_noted(lua_State *L, int at);

/* Who shows progress of training; the shell sets it, NULL: nobody. */
struct nb_progress;
typedef struct nbl_progress_shower {
    void (*show)(void *self, const struct nb_progress *progress);
    void (*clear)(void *self); /* a function is called that may print */
    void (*done)(void *self, const struct nb_progress *last, bool whole);
    void (*say)(void *self, const char *text); /* a line of its own, before the first show */
    void *self;
} nbl_progress_shower;
void nbl_set_progress_shower(lua_State *L, const nbl_progress_shower *shower);
const nbl_progress_shower *nbl_get_progress_shower(lua_State *L);
/* For stdlib: (text). A line of its own for whoever shows progress; false: nobody does. */
int nbl_say(lua_State *L);

/* Pushes the history of the training that an error or Ctrl-C cut off last, or what was under way
 * (nbl_under_way), once; false: nothing was since it was asked for, or since nbl_forget_stopped. */
bool nbl_push_stopped(lua_State *L);
void nbl_forget_stopped(lua_State *L);
/* For stdlib: (value). What an error or Ctrl-C leaves, while more comes to it; (nil): it is whole.
 */
int nbl_under_way(lua_State *L);

/* For stdlib: (path, input, program, its arguments…). The file becomes, whole or not at all, what
 * the program writes when it reads the input. Gives true; or false, what was said, and whether that
 * is a whole message; nil first where there is no such program. */
int nbl_write_by(lua_State *L);
/* For stdlib: (name [, text]). The text that is kept under this name between sessions, "" where
 * there is none; or makes it this one. nil and a message where the system refuses. */
int nbl_keep(lua_State *L);

/* Openers of the parts; each pushes its module table. */
void nbl_open_tensor(lua_State *L);
void nbl_open_nn(lua_State *L);
void nbl_open_data(lua_State *L);
/* … this one with the table of all modules on the stack's top. */
void nbl_open_help(lua_State *L);
/* Adds what concerns the tape (no_grad) to the table nn on the stack's top. */
void nbl_open_tape(lua_State *L);
/* Lets require find the files of stdlib/: "nabla.plot" is stdlib/plot.lua. Pushes nothing. */
void nbl_open_embedded(lua_State *L);

#endif
