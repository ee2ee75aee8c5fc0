/* The module nn: what makes networks and their parts. It opens all parts; nobody includes it. */
#include "lua/nn/layer/host.h"
#include "lua/nn/layer/layer.h"
#include "lua/nn/train/history.h"
#include "lua/nn/net.h"
#include "lua/nn/layer/neuron.h"
#include "lua/nn/train/optimizer.h"
#include "lua/nn/train/glass/questions.h"
#include "lua/nn/train/glass/steps.h"
#include "lua/nn/train/glass/trainer.h"
#include "lua/nn/train/glass/walk.h"

void nbl_open_nn(lua_State *L)
{
    nbl_open_nets(L);
    nbl_open_net_change(L);
    nbl_open_net_find(L);
    nbl_open_net_pass(L);
    nbl_open_classify(L);
    nbl_open_gradcheck(L);
    nbl_open_errors(L);
    nbl_open_attention(L);
    nbl_open_demon(L);
    nbl_open_paths(L);
    nbl_open_example_gradients(L);
    nbl_open_influence(L);
    nbl_open_curvature(L);
    nbl_open_diagnose(L);
    nbl_open_trace(L);
    nbl_open_why(L);
    nbl_open_history(L);
    nbl_open_train(L);
    nbl_open_trainer(L);
    nbl_open_evaluate(L);
    nbl_open_net_stream(L);
    lua_pop(L, 2);
    nbl_open_layers(L);
    nbl_open_neurons(L);
    nbl_open_streams(L);
    nbl_open_trainers(L);
    nbl_open_trainer_steps(L);
    nbl_push_trainer_methods(L);
    nbl_open_questions(L);
    lua_pop(L, 1);
    lua_newtable(L);
    nbl_open_net_build(L);
    nbl_open_host(L);
    nbl_open_activations(L);
    nbl_open_layer_makers(L);
    nbl_open_optimizers(L);
}
