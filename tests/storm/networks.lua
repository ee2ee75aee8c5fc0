-- Where programs of the storm begin: networks in which dense layers stand in a row, with all that
-- may stand before, around and behind; optimizers; and functions of Lua that act as activations.

local nabla = require "nabla"
local printed = require "printed"
local nn, tensor = nabla.nn, nabla.tensor

local networks = {}

networks.activations = {"sigmoid", "tanh", "relu", "linear", "gelu", "softplus", "elu", "silu",
    "leaky_relu", "softmax", "sin", "exp", "step", "log_softmax", "selu", "hard_tanh", "mish",
    "relu6"}

-- ---- Layers in a row ----

local WIDE <const> = 60 -- beside layers of a few neurons: other kernels, an arena that is not kept

-- So many dense layers, as notation.
local function dense_row(p, n)
    local layers = {}
    for i = 1, n do
        local units = p:random(7) + (p:chance(0.03) and WIDE or 0)
        local activation = p:chance(0.3) and "" or " " .. p:pick(networks.activations)
        layers[i] = units .. activation .. (p:chance(0.1) and " bias=false" or "")
    end
    return table.concat(layers, " - ")
end

local function row(p)
    return dense_row(p, p:random(4))
end

-- ---- Kinds of networks ----

-- share: how often one is drawn. shape: of an example; words: how many there are, where inputs are
-- words; of(p): what stands before the last layer.
local KINDS <const> = {
    {share = 6, shape = {5}, of = function(p) return "5 - " .. row(p) end},
    {share = 1, shape = {5}, of = function(p) return "5 - dropout 0.3 - " .. row(p) end},
    {share = 1, shape = {5}, of = function(p)
        return "5 - " .. p:pick {"batch_norm", "layer_norm"} .. " - " .. row(p)
    end},
    {share = 1, shape = {2, 3}, of = function(p) return "2x3 - flatten - " .. row(p) end},
    {share = 1, shape = {4}, words = 9, of = function(p)
        return "4 - embedding 9 3 - flatten - " .. row(p)
    end},
    {share = 2, shape = {5}, of = function(p)
        return "5 - 5 tanh name=a - 5 relu - @a - @a - " .. row(p)
    end},
    {share = 2, shape = {5}, of = function(p)
        return "5 - 6 tanh name=a - 5 relu - 6 tied=a - " .. row(p)
    end},
    {share = 1, shape = {5}, of = function(p)
        return "5 - 4 tanh - residual[" .. row(p) .. " - 4] - 3"
    end},
    {share = 1, shape = {5}, of = function(p)
        return "5 - net[" .. dense_row(p, 2) .. "] - " .. row(p)
    end},
    {share = 1, shape = {5}, of = function(p)
        return "5 - 3*[5 tanh] - parallel[3 tanh - 4 | 2 relu] - " .. row(p)
    end},
    {share = 2, shape = {3, 5}, free = true, of = function(p) return "*x5 - " .. row(p) end},
    {share = 2, shape = {3, 5}, free = true, of = function(p)
        return "*x5 - gru 4 - " .. row(p)
    end},
    {share = 1, shape = {81}, sparse = 0.1, of = function(p) return "81 - " .. row(p) end},
    {share = 1, shape = {1, 6, 6}, of = function(p)
        local conv = "conv 2 3 " .. p:pick {"relu", "tanh"}
        return "1x6x6 - " .. conv .. " - max_pool 2 - flatten - " .. row(p)
    end},
}

-- The last layer and a cost that goes with it.
local ENDS <const> = {"3", "3 : mse", "3 linear : mse", "3 tanh : huber", "3 : mae", "3 : mse",
    "3 softmax : cross_entropy", "3 softmax : mse", "3 softmax : kl", "3 log_softmax : nll",
    "3 log_softmax : mse", "3 : cross_entropy"}

-- Gives the program a network and says which. p.first is the shape as tables have it.
function networks.draw(p)
    local kind = p:by_share(KINDS)
    local notation = kind.of(p) .. " - " .. p:pick(ENDS)
    p.shape, p.words, p.sparse, p.turned = kind.shape, kind.words, kind.sparse, false
    p.first = kind.free and {"*", table.unpack(kind.shape, 2)} or kind.shape
    p:say("network", notation, p.dtype)
    p.net = nn.net(notation, {seed = p:random(1 << 20), dtype = p.dtype})
end

-- What not every layer has; or nil.
function networks.field(layer, name)
    local ok, value = pcall(function() return layer[name] end)
    return ok and value or nil
end

-- ---- Optimizers ----

-- Plain descent, which may go straight into the weights, as often as all others.
local OPTIMIZERS <const> = {
    function() return nn.sgd {lr = 0.1} end,
    function() return nn.sgd {lr = 0.1} end,
    function() return nn.sgd {lr = 0.2} end,
    function() return nn.sgd {lr = 0.2} end,
    function() return nn.sgd {lr = 0.05} end,
    function() return nn.sgd {lr = 0.05, momentum = 0.9} end,
    function() return nn.sgd {lr = 0.05, momentum = 0.9, nesterov = true} end,
    function() return nn.adam {lr = 0.01} end,
    function() return nn.adamw {lr = 0.01} end,
    function() return nn.rmsprop {lr = 0.01} end,
    function() return nn.rprop() end,
}

function networks.optimizer(p)
    return p:pick(OPTIMIZERS)()
end

-- ---- Activations in Lua ----

-- All that the network itself answers while a layer of it computes.
local function asks_inside(p)
    local busy = false
    return function(z)
        if busy then return z:tanh() end
        busy = true
        local ok, message = pcall(function()
            local a = p.net(p.x)
            p.asked = printed.hash(a)
            p:hold("output, asked inside", a)
            p.net:cost(p.x, p.y)
            p.net:trace(p.x, p.y)
        end)
        busy = false
        if not ok then p.asked = message end
        return z:tanh()
    end
end

local function fails_above(most)
    return function(z)
        if z:abs():max():item() > most then error("too large", 0) end
        return z:atan()
    end
end

-- Another network's layers in a row, between those of this one.
local function runs_another(p)
    local other = nn.net("1 - 3 tanh - 1 linear", {seed = p:random(99)})
    return function(z)
        other(tensor.ones(7, 1))
        return z:softplus()
    end
end

local FUNCTIONS <const> = {
    function() return function(z) return z:tanh() end end,
    function() return function(z) return z * z:sigmoid() end end,
    function(p)
        local df = p:chance(0.5) and function(z) return z:cos() end or nil
        return nn.activation {name = "mine" .. p:random(1 << 20), df = df,
            f = function(z) return z:sin() end}
    end,
    asks_inside,
    function(p) return fails_above(p:random(30) / 10) end,
    runs_another,
}

function networks.lua_activation(p)
    return p:pick(FUNCTIONS)(p)
end

return networks
