/* The parts of the module nn that concern networks, for its opener. */
#ifndef NBL_NET_H
#define NBL_NET_H

#include <lua.h>

/* Adds nn.net and nn.load to the table nn on the stack's top. */
void nbl_open_net_build(lua_State *L);
/* Adds a constructor for every kind of layer likewise. */
void nbl_open_layer_makers(lua_State *L);
/* Pushes the metatable of networks and the table of their methods … */
void nbl_open_nets(lua_State *L);
/* … which these fill; passes also the metatable, with net(x). */
void nbl_open_net_change(lua_State *L);
void nbl_open_net_find(lua_State *L);
void nbl_open_net_pass(lua_State *L);
void nbl_open_classify(lua_State *L);
void nbl_open_gradcheck(lua_State *L);
void nbl_open_errors(lua_State *L);
void nbl_open_attention(lua_State *L);
void nbl_open_demon(lua_State *L);
void nbl_open_paths(lua_State *L);
void nbl_open_example_gradients(lua_State *L);
void nbl_open_influence(lua_State *L);
void nbl_open_curvature(lua_State *L);
void nbl_open_diagnose(lua_State *L);
void nbl_open_trace(lua_State *L);
void nbl_open_why(lua_State *L);
void nbl_open_train(lua_State *L);
void nbl_open_evaluate(lua_State *L);
void nbl_open_net_stream(lua_State *L);
/* The metatable of streams. */
void nbl_open_streams(lua_State *L);

#endif
