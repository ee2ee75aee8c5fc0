/* Traces as tables of Lua. */
#ifndef NBL_TRACE_H
#define NBL_TRACE_H

#include "nn/inspect/trace.h"

#include <lua.h>

/* Pushes the table of a trace of the network: what net:trace gives. */
void nbl_push_trace(lua_State *L, const nb_net *net, const nb_trace *from);

#endif
