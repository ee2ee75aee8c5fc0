/* What the bindings keep for a Lua state: the context, the module table and the book of help. For
 * the files that open the module; everybody else asks nbl.h. */
#ifndef NBL_STATE_H
#define NBL_STATE_H

#include "base/context.h"

#include <lua.h>

struct nbl_progress_shower;

/* One stay in the core: what ctx->host is meanwhile. */
typedef struct nbl_stay {
    lua_State *L;
    nb_ctx *ctx;
    void *outer;    /* the host of the entry around this one */
    int error_slot; /* where an error object of a callback waits */
    void *work;     /* what the function that is about to be called is given; nbl_push_work */
} nbl_stay;

typedef struct nbl_state {
    const void *mark; /* tells it from whatever else debug.getregistry may have put in its place */
    nb_ctx *ctx;      /* NULL when the Lua state is closing */
    /* Since the last collection that the bytes outside Lua asked for: */
    size_t low;        /* the fewest of them */
    size_t stays;      /* in the core */
    size_t patience;   /* the work after which the next is due */
    bool generational; /* as Lua's collector was when the module was opened */
    size_t young_low;  /* the fewest bytes since the young were collected */
    const struct nbl_progress_shower *shower;
    lua_CFunction note;    /* message handler of the host's; nbl_set_note */
    const void *stopped;   /* address of the network whose training was cut off last; NULL: none */
    const void *standing;  /* address of the trainer that moved last; NULL: none */
    unsigned long stress;  /* NABLA_STRESS=N: a full collection at every Nth entry; 0: none */
    unsigned long entries; /* so far, under stress */
} nbl_state;

/* Where the state and the metatable of tensors stand in the registry. Whole numbers are found
 * faster than names; luaL_ref takes those from 1 on. */
enum { NBL_STATE_KEY = -0x6e61626c, NBL_TENSOR_KEY };

/* Values that hang on the state, where no script reaches them. */
enum {
    NBL_MODULE = 1,
    NBL_BOOK,
    NBL_KINDS,       /* kinds of handles, with their metatables, and metatables */
    NBL_FUNCTIONS,   /* address → handle of a function of Lua that the core calls; weak */
    NBL_ACTIVATIONS, /* name → handle */
    NBL_COSTS,
    NBL_EXAMPLES,  /* set[i] → the data set that it came from; weak keys */
    NBL_GLOBALS,   /* the globals as they were when the module was opened */
    NBL_UNDER_WAY, /* what an error or Ctrl-C leaves; nil: nothing is */
    NBL_PICTURES,  /* a block of pictures.h */
    NBL_STATE_VALUES = NBL_PICTURES
};

/* What the context's message says of a callback whose error object waits; where it happened may
 * stand before it. */
#define NBL_CALLBACK_FAILED "callback failed"

/* Makes the state of L. It is the first of the module's objects with a finaliser, so that it dies
 * last. */
void nbl_state_open(lua_State *L);
/* The state, or NULL when the module was not opened. Scripts may reach it with debug.getregistry:
 * what they put there is an error, and only the collector ends it. */
nbl_state *nbl_state_find(lua_State *L);
/* The state; raises when there is none or it is closing. */
nbl_state *nbl_state_get(lua_State *L);
/* Pushes one of the values above, a table. */
void nbl_state_push(lua_State *L, int which);
/* Pops a value into its place. */
void nbl_state_set(lua_State *L, int which);

#endif
