-- Recurrent layers as a user meets them: their parameters, how they begin, what they refuse. What
-- they compute is compared with PyTorch's (golden_spec).
local here = arg[0]:match "^(.*)/"
local spec = dofile(here .. "/spec.lua")
local test, eq, fails = spec.test, spec.eq, spec.fails
local tensor, nn = nabla.tensor, nabla.nn

local F64 <const> = {dtype = "f64"}

local function refused(notation, pattern)
    fails(function() nn.net(notation) end, pattern, true)
end

-- ---- Parameters ----

test("parameters have the names of their layer and direction", function()
    local net = nn.net "*x3 - gru 4 layers=2 both"
    local function shape(name) return table.concat(net[1][name].shape, "x") end
    eq(shape "wx", "12x3")
    eq(shape "wh", "12x4")
    eq(shape "b", "12")
    eq(shape "bh", "4")
    eq(shape "wx_back", "12x3")
    eq(shape "wx_2", "12x8")
    eq(shape "bh_2_back", "4")
    eq(net:count(), 2 * (12 * 3 + 12 * 4 + 16) + 2 * (12 * 8 + 12 * 4 + 16))
    eq(nn.net("*x3 - lstm 4"):count(), 16 * 3 + 16 * 4 + 16)
    eq(nn.net("*x3 - rnn 4"):count(), 4 * 3 + 4 * 4 + 4)
end)

test("weights begin uniform up to 1 / √units, an lstm's forget gates at 1", function()
    local net = nn.net("*x300 - lstm 25 - gru 25 - rnn 25", F64)
    for l = 1, 3 do
        for _, name in ipairs {"wx", "wh"} do
            local most = net[l][name]:abs():max():item()
            assert(most <= 0.2 and most > 0.19, name)
        end
    end
    eq(net[1].b[{ {26, 50} }]:min():item(), 1)
    eq(net[1].b:sum():item(), 25)
    eq(net[2].b:abs():max():item(), 0)
    net[1].b = 3
    net:reset(1)
    eq(net[1].b:sum():item(), 25)
    eq(nn.net("*x3 - rnn 4 init=ones")[1].wh:min():item(), 1)
end)

test("notation and tables say the same", function()
    local written = "*x3 - rnn 8 relu layers=2 both - lstm 5 - gru 4 both last name=g - 2 tanh : mse"
    local net = nn.net(written)
    eq(net:notation(), written)
    eq(nn.net {{"*", 3}, nn.rnn {8, "relu", layers = 2, both = true}, nn.lstm(5),
        nn.gru {4, both = true, last = true, name = "g"}, nn.dense {2, "tanh"}, cost = "mse"}:notation(), written)
    eq(nn.net "*x3 - rnn 8":notation(), "*x3 - rnn 8 tanh : quadratic")
end)

test("last is the last step; of the other direction the first", function()
    local net = nn.net("*x3 - lstm 4 both", F64)
    local x = tensor.randn(2, 5, 3, {dtype = "f64", seed = 1})
    local last = nn.net("*x3 - lstm 4 both last", F64)
    last:params():copy_(net:params())
    local all, ends = net(x), last(x)
    assert(ends[{ {}, {1, 4} }]:equal(all[{ {}, 5, {1, 4} }]))
    assert(ends[{ {}, {5, 8} }]:equal(all[{ {}, 1, {5, 8} }]))
end)

test("an empty batch gives an empty answer", function()
    for _, kind in ipairs {"rnn", "lstm", "gru"} do
        eq(table.concat(nn.net("*x3 - " .. kind .. " 4 both")(tensor.zeros(0, 5, 3)).shape, "x"), "0x5x8")
        eq(table.concat(nn.net("*x3 - " .. kind .. " 4 last")(tensor.zeros(0, 5, 3)).shape, "x"), "0x4")
    end
end)

-- With neurons enough, gates and all, that non-zeros are listed.
test("one-hot rows give what products with zeros give", function()
    local letters = tensor.randint(1, 40, {19, 3, seed = 2})
    local x = tensor.one_hot(letters, 40):to "f64"
    for _, layer in ipairs {"lstm 12", "gru 16 both", "48 tanh"} do
        local net = nn.net("*x40 - " .. layer .. " - 2 : mse", F64)
        local y = tensor.rand(19, 3, 2, {dtype = "f64", seed = 3})
        local sparse, cost = net(x), net:cost(x, y)
        local g = (net:backprop(x, y)) and net:grads():clone()
        -- A first row without a zero takes the other way; then the first example is left out.
        local full = tensor.cat({tensor.ones(1, 3, 40, F64), x}, 1)
        assert(net(full)[{ {2, 20} }]:allclose(sparse, {rtol = 1e-13, atol = 1e-13}), layer)
        local sum = tensor.zeros(net:count(), F64)
        for i = 1, 19 do
            net:backprop(x[i], y[i])
            sum:add_(net:grads())
        end
        assert((sum / 19):allclose(g, {rtol = 1e-12, atol = 1e-14}), layer)
        assert(cost > 0)
    end
end)

-- ---- What is refused ----

test("what recurrent layers refuse", function()
    refused("3 - lstm 4",
            "layer 1: lstm takes steps of features, not 3; write *x3 for sequences of any length")
    refused("1x8x8 - gru 4", "layer 1: gru takes steps of features, not 1x8x8")
    refused("* - gru 4", "layer 1: gru takes steps of features, not *; put embedding before it")
    refused("*x* - rnn 4",
            "layer 1: rnn needs the number of features; the last size of *x* is free")
    refused("*x3 - rnn 4 softmax",
            "the activation of rnn is a built-in one that works on each unit alone")
    refused("*x3 - rnn 4 relu@2", "rnn has one activation for all of its units")
    refused("*x3 - lstm 4 relu", "lstm has no neurons and takes no activation")
    refused("*x3 - lstm", "units of lstm")
    refused("*x3 - lstm 0", "units must be a whole number from 1 to 2147483648, not 0")
    refused("*x3 - lstm 4 layers=0", "layers must be a whole number from 1 to 64, not 0")
    fails(function() nn.net {{"*", 3}, nn.rnn {4, function(x) return x:tanh() end}} end,
        "the activation of rnn is a built-in one", true)
    fails(function() nn.net "*x3 - lstm 4"(tensor.zeros(2, 5, 4)) end,
          "x is 2x5x4; the network takes", true)
    fails(function() nn.net "*x3 - lstm 4"(tensor.zeros(2, 0, 3)) end, "* at least 1", true)
end)

test("rnn: its activation can be read and set, as any layer's", function()
    local net, x = nn.net "*x3 - rnn 4 last - 2", tensor.randn(1, 5, 3)
    local relu = nn.net "*x3 - rnn 4 relu last - 2"
    relu:params():lerp_(net:params(), 1)
    eq(net[1].activation, "tanh")
    net[1].activation = "relu"
    eq(net[1].activation, "relu")
    assert(net:notation():find("rnn 4 relu last", 1, true))
    eq(net(x), relu(x):totable())
    fails(function() net[1].activation = "softmax" end,
        "layer 1: the activation of rnn is a built-in one that works on each unit alone", true)
    eq(net[1].activation, "relu")
    fails(function() net[1]:neuron(2) end, "the units of rnn step together", true)
    fails(function() nn.net "*x3 - gru 4 - 2"[1].activation = "relu" end, "has no neurons", true)
end)

test("8x4 is read as steps", function()
    local net = nn.net "8x4 - lstm 3 - flatten - 2"
    eq(table.concat(net(tensor.zeros(5, 8, 4)).shape, "x"), "5x2")
end)

spec.report()
