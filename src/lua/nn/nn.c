/* The module nn: what makes networks and their parts. */
#include "lua/nn/host.h"
#include "lua/nn/layer_value.h"
#include "lua/nn/net.h"
#include "lua/nn/optimizer.h"

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
