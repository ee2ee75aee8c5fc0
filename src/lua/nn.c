/* The module nn: what makes networks and their parts. */
#include "lua/host.h"
#include "lua/layer_value.h"
#include "lua/net.h"
#include "lua/optimizer.h"

void nbl_open_nn(lua_State *L)
{
    nbl_open_nets(L);
    nbl_open_layers(L);
    lua_newtable(L);
    nbl_open_net_build(L);
    nbl_open_host(L);
    nbl_open_layer_values(L);
    nbl_open_optimizers(L);
}
