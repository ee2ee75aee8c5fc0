-- nabla.anomaly: where NaN and infinity began. Each is planted where it is known what must be
-- named: in data, weights and buffers, in what ops and functions of Lua make, forward and backward;
-- in every kind of layer and both dtypes. Whatever is said, nothing was learned.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test = spec.test
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local planted = require "planted"
local named, somewhere = planted.named, planted.somewhere

local NAN, INF = 0 / 0, math.huge
math.randomseed(12)

-- An element that a gradient may flow to is a tensor.
local function number(v) return spec.is_tensor(v) and v:item() or v end

-- ---- Networks of every kind of layer ----

local function floats(...)
    local shape = {...}
    return function(dtype)
        local o = {dtype = dtype}
        local list = {4, table.unpack(shape)}
        list[#list + 1] = o
        return tensor.randn(table.unpack(list))
    end
end

local function words(n, most)
    return function() return tensor.randint(1, most, 4, n, {dtype = "i32"}) end
end

local kinds = {
    {"5 - 4 tanh - 3", floats(5)},
    {"5 - 4 linear - act relu - 3 softmax : cross_entropy", floats(5)},
    {"1x4x4 - conv 2 3 tanh - flatten - 3", floats(1, 4, 4)},
    {"1x3x3 - conv_transpose 2 2 tanh - flatten - 2", floats(1, 3, 3)},
    {"1x4x4 - conv 2 1 - max_pool 2 - flatten - 2", floats(1, 4, 4)},
    {"1x4x4 - conv 2 1 - avg_pool 2 - flatten - 2", floats(1, 4, 4)},
    {"2x4x4 - conv 3 3 - global_avg_pool - 2", floats(2, 4, 4)},
    {"5 - 4 linear - batch_norm - act tanh - 2", floats(5)},
    {"5 - layer_norm - 4 - 2", floats(5)},
    {"4x3x3 - group_norm 2 - flatten - 2", floats(4, 3, 3)},
    {"* - embedding 6 4 - lstm 3 last - 2", words(5, 6)},
    {"*x4 - positions 8 - rnn 3 last - 2", floats(5, 4)},
    {"*x3 - gru 4 last - 2", floats(5, 3)},
    {"*x3 - lstm 3 both layers=2 last - 2", floats(4, 3)},
    {"*x4 - residual[layer_norm - attention 2 causal] - rnn 2 last - 2", floats(5, 4)},
    {"5 - parallel[3 tanh | 2 relu] - 2", floats(5)},
    {"5 - net[4 tanh - 3] - 2", floats(5)},
    {"6 - reshape 2x3 - flatten - dropout 0.2 - 3", floats(6)},
    {"5 - 4 tanh - 3 linear : huber", floats(5)},
}

local names = {"w", "b", "gain", "shift", "wx", "wh", "bh", "wx_2", "wh_2", "b_2", "wx_back", "wh_back",
               "b_back", "wq", "wk", "wv", "wo", "bq", "bk", "bv", "bo"}

local function has(layer, name)
    local ok, value = pcall(function() return layer[name] end)
    return ok and spec.is_tensor(value) and value
end

-- Every parameter below a block, as {path, name, tensor}.
local function parameters(block, path, list)
    for l = 1, #block do
        local layer, own = block[l], path .. l
        local ok, count = pcall(function() return #layer end)
        if ok and count > 0 then
            parameters(layer, own .. ".", list)
        else
            for _, name in ipairs(names) do
                local value = has(layer, name)
                if value then list[#list + 1] = {path = own, name = name, value = value} end
            end
        end
    end
    return list
end

local function word(value) return value ~= value and "nan" or tostring(value) end

local function make(kind, dtype)
    local net = nn.net(kind[1], {dtype = dtype, seed = 3})
    local x = kind[2](dtype)
    local y = tensor.rand(4, #net(x)[1], {dtype = dtype})
    return net, x, y
end

test("a parameter that is not finite is named, in every kind of layer", function()
    for _, dtype in ipairs {"f32", "f64"} do
        for _, kind in ipairs(kinds) do
            local net, x, y = make(kind, dtype)
            for _, p in ipairs(parameters(net, "", {})) do
                for _, value in ipairs {NAN, INF} do
                    local index, text = somewhere(p.value.shape)
                    local was = number(p.value[index])
                    p.value[index] = value
                    named(net, function() net:step(x, y, {lr = 0.01}) end, "layer " .. p.path,
                          ": " .. p.name .. text .. " is " .. word(value))
                    p.value[index] = was
                end
            end
        end
    end
end)

test("a figure that is not finite is named, where it is used", function()
    local net = nn.net("5 - 4 linear - batch_norm - 2", {seed = 1})
    net[2].variance[3] = NAN
    named(net, function() net:backprop(tensor.randn(4, 5), tensor.rand(4, 2)) end,
          "layer 2: variance[3] is nan")
end)

-- ---- Data ----

-- "step 2, column 3" of an index into one example.
local function of_x(net, index)
    if #index == 2 then return ", column " .. index[2] end
    if #index == 3 then return ", step " .. index[2] .. ", column " .. index[3] end
    return (", at [%d][%d][%d]"):format(index[2], index[3], index[4])
end

test("a number of x or y that is not finite is named, with its example", function()
    for _, dtype in ipairs {"f32", "f64"} do
        for _, kind in ipairs(kinds) do
            local net, x, y = make(kind, dtype)
            for _, value in ipairs {NAN, NAN, INF, -INF} do
                if x.dtype ~= "i32" then
                    local index = somewhere(x.shape)
                    local was = number(x[index])
                    x[index] = value
                    -- An infinite number may saturate what it comes to and be lost on the way.
                    if value ~= value then
                        named(net, function() net:step(x, y, {lr = 0.01}) end,
                              "x of example " .. index[1] .. of_x(net, index) .. " is nan")
                    end
                    x[index] = was
                end
                local index = somewhere(y.shape)
                local was = number(y[index])
                y[index] = value
                named(net, function() net:backprop(x, y) end,
                      ("y of example %d, output %d is %s"):format(index[1], index[2], word(value)))
                y[index] = was
            end
        end
    end
end)

test("the lowest index comes first, data before what they meet", function()
    local net = nn.net("5 - 4 - 3", {seed = 1})
    local x, y = tensor.randn(4, 5), tensor.rand(4, 3)
    x[{3, 2}], x[{2, 5}] = NAN, NAN
    net[2].w[{1, 1}] = NAN
    named(net, function() net:backprop(x, y) end,
          "the cost is nan: x of example 2, column 5 is nan")
end)

test("sequences of different lengths: example, step and column", function()
    for _, dtype in ipairs {"f32", "f64"} do
        for _, notation in ipairs {"*x3 - gru 4 - 2", "*x3 - lstm 3 last - 2",
                                   "*x3 - conv 4 3 padding=same - lstm 2 - 2"} do
            local last = notation:find "last"
            for _ = 1, 12 do
                local net = nn.net(notation, {dtype = dtype, seed = 2})
                local x, y, lengths = {}, {}, {3, 6, 1, 4}
                for i, n in ipairs(lengths) do
                    x[i] = tensor.randn(n, 3, {dtype = dtype})
                    y[i] = last and {0.5, 0.5} or tensor.rand(n, 2, {dtype = dtype})
                end
                local i = math.random(4)
                local t, k = math.random(lengths[i]), math.random(3)
                x[i][{t, k}] = NAN
                named(net, function() net:step(x, y, {lr = 0.1}) end,
                      ("x of example %d, step %d, column %d is nan"):format(i, t, k))
            end
        end
    end
end)

-- ---- Ops of Lua functions, forward ----

-- Ones, with another number at one place of (n, …).
local function ones_but(shape, index, value, dtype)
    local list = {table.unpack(shape)}
    list[#list + 1] = {dtype = dtype}
    local t = tensor.ones(table.unpack(list))
    t[index] = value
    return t
end

local mishaps = {
    {"log", 0, function(t) return t:log() end, "log(0) is -inf"},
    {"exp", 800, function(t) return t:exp() end, "exp(800) is inf"},
    {"div", 0, function(t) return 1 / t end, "1 / 0 is inf"},
    {"sqrt", -1, function(t) return t:sqrt() end, "sqrt(-1) is nan"},
    {"mul", 1e300, function(t) return t * t end, "1e300 · 1e300 is inf", f64 = true},
    {"pow", 1e30, function(t) return t ^ 2 end, "1e30 ^ 2 is inf", f32 = true},
    {"rsqrt", 0, function(t) return t:rsqrt() end, "rsqrt(0) is inf"},
}

test("an op of a layer, an activation or a cost of Lua is named with the function", function()
    local hole, how
    local function spoil(z)
        if not hole then return z end
        return z + how(z * 0 + hole)
    end
    local mine = nn.activation {name = "mine_forward", f = function(z) return spoil(z) end}
    local cost = nn.cost {name = "cost_forward",
                          f = function(a, y) return spoil((a - y) ^ 2):mean() end}
    for _, dtype in ipairs {"f32", "f64"} do
        local nets = {
            {nn.net({5, nn.dense {4, mine}, 3}, {dtype = dtype, seed = 1}), {4, 4},
             "layer 1, neuron %d, example %d", "in activation mine_forward, forward"},
            {nn.net({5, 4, nn.fn(spoil), 3}, {dtype = dtype, seed = 1}), {4, 4},
             "layer 2, feature %d, example %d", "in its function, forward"},
            {nn.net({5, 4, nn.dense {3, "linear"}, cost = cost}, {dtype = dtype, seed = 1}), {4, 3},
             "the cost, output %d, example %d", "in cost cost_forward, forward"},
            {nn.net({5, nn.net({5, 4, nn.fn(spoil)}, {dtype = dtype}), 3}, {dtype = dtype, seed = 1}), {4, 4},
             "layer 1.2, feature %d, example %d", "in its function, forward"},
        }
        local x, y = tensor.randn(4, 5, {dtype = dtype}), tensor.rand(4, 3, {dtype = dtype})
        for _, m in ipairs(mishaps) do
            for _, of in ipairs(nets) do
                if not m.f64 and not m.f32 or m[dtype] then
                    for _ = 1, 4 do
                        local index = somewhere(of[2])
                        how, hole = m[3], ones_but(of[2], index, m[2], dtype)
                        named(of[1], function() of[1]:backprop(x, y) end,
                              of[3]:format(index[2], index[1]), m[4], "(" .. m[1], of[4])
                        hole = nil
                    end
                end
            end
        end
    end
end)

test("steps: an op of a function on sequences is named with its step", function()
    local hole
    local f = function(x) return hole and x + (x * 0 + hole):log() or x end
    for _, dtype in ipairs {"f32", "f64"} do
        local net = nn.net({{"*", 3}, nn.fn(f), nn.gru {4}, nn.dense {2}},
                           {dtype = dtype, seed = 1})
        local x, y = tensor.randn(4, 5, 3, {dtype = dtype}), tensor.rand(4, 5, 2, {dtype = dtype})
        for _ = 1, 20 do
            local index = somewhere {4, 5, 3}
            hole = ones_but({4, 5, 3}, index, 0, dtype)
            named(net, function() net:step(x, y, {lr = 1}) end,
                  ("layer 1, feature %d, example %d, step %d"):format(index[3], index[1], index[2]),
                  "log(0) is -inf (log in its function, forward)")
            hole = nil
        end
    end
end)

test("training names the example by its place in the set, whatever the order", function()
    local f = function(x) return x + (x - 7):abs():log() * 0.001 end
    for _, dtype in ipairs {"f32", "f64"} do
        for i = 1, 40, 3 do
            local net = nn.net({5, nn.fn(f), 4, 3}, {dtype = dtype, seed = 1})
            local x, y = tensor.rand(40, 5, {dtype = dtype}), tensor.rand(40, 3, {dtype = dtype})
            x[{i, i % 5 + 1}] = 7
            named(net, function()
                net:train(data.set {x = x, y = y}, {epochs = 1, batch = 64, seed = i, lr = 0.1,
                                                   progress = false})
            end, "epoch 1, batch 1: the ", ("layer 1, feature %d, example %d"):format(i % 5 + 1, i),
                "log(0) is -inf", "forward", "a smaller lr than 0.1 may help")
        end
    end
end)

-- ---- The layers' own ops, forward ----

test("an activation that overflows is named by neuron and number", function()
    for _, dtype in ipairs {"f32", "f64"} do
        for _ = 1, 10 do
            local net = nn.net("5 - 6 exp - 3 linear", {dtype = dtype, seed = 1})
            local k = math.random(6)
            for j = 1, 5 do net[1].w[{k, j}] = 0 end
            net[1].b[k] = 800
            named(net, function()
                net:backprop(tensor.randn(4, 5, {dtype = dtype}),
                             tensor.rand(4, 3, {dtype = dtype}))
            end, ("layer 1, neuron %d, example 1: exp(800) is inf (exp, forward)"):format(k))
        end
    end
end)

test("a sum of products that overflows is named by neuron, example and factors", function()
    for _, case in ipairs {{"f32", 1e30, "1e30 · 1e30"}, {"f64", 1e200, "1e200 · 1e200"}} do
        local dtype, big, text = table.unpack(case)
        for _ = 1, 20 do
            local net = nn.net("5 - 6 linear - 3 linear", {dtype = dtype, seed = 1})
            local x = tensor.rand(4, 5, {dtype = dtype})
            local i, k, j = math.random(4), math.random(6), math.random(5)
            x[{i, j}] = big
            for other = 1, 6 do net[1].w[{other, j}] = 0 end
            net[1].w[{k, j}] = big
            named(net, function() net:backprop(x, tensor.rand(4, 3, {dtype = dtype})) end,
                  ("layer 1, neuron %d, example %d: the sum of %s"):format(k, i, text),
                  "is inf (dense, forward)")
        end
    end
end)

test("a cost that overflows says whose outputs were furthest off", function()
    for _ = 1, 20 do
        local net = nn.net("5 - 4 - 3", {seed = 1})
        local y = tensor.rand(4, 3)
        local index = somewhere {4, 3}
        y[index] = 3e38
        named(net, function() net:backprop(tensor.randn(4, 5), y) end,
              ("the cost is inf: the cost, output %d, example %d"):format(index[2], index[1]),
              "and 3e38 is inf (half_squared_distance, forward)")
    end
end)

test("what is infinite beside the way to the cost is nobody's fault", function()
    -- Scores of -inf that softmax makes 0 of, and then log of 0.
    local armed = false
    local net = nn.net({5, 4, nn.fn(function(x)
        local mask = tensor.zeros(x.shape[1], 4, {dtype = "u8"})
        mask[{1, 1}] = 1
        local a = x:masked_fill(mask, -INF):softmax(2)
        return armed and a + (a * 0):log() or a
    end), 3}, {seed = 1})
    local x, y = tensor.randn(4, 5), tensor.rand(4, 3)
    net:backprop(x, y)
    armed = true
    named(net, function() net:backprop(x, y) end, "layer 2, feature 1, example 1: log(0) is -inf")
end)

-- ---- Backward ----

test("an op whose backward is not finite is named so", function()
    local hole
    local function root(z) return hole and z + (z * 0 + hole):sqrt() or z end
    local mine = nn.activation {name = "mine_backward", f = root}
    for _, dtype in ipairs {"f32", "f64"} do
        local nets = {
            {nn.net({5, nn.dense {4, mine}, nn.dense {3, "linear"}}, {dtype = dtype, seed = 1}),
             "layer 1, neuron %d, example %d", "in activation mine_backward, backward"},
            {nn.net({5, 4, nn.fn(root), nn.dense {3, "linear"}}, {dtype = dtype, seed = 1}),
             "layer 2, feature %d, example %d", "in its function, backward"},
        }
        for _, of in ipairs(nets) do
            for _ = 1, 15 do
                local index = somewhere {4, 4}
                local x = tensor.randn(4, 5, {dtype = dtype})
                hole = ones_but({4, 4}, index, 0, dtype)
                -- δ / (2 √0)
                named(of[1], function() of[1]:step(x, tensor.rand(4, 3, {dtype = dtype}), {lr = 1}) end,
                      of[2]:format(index[2], index[1]), "δ ", "through sqrt", "(sqrt", of[3])
                hole = nil
            end
        end
    end
end)

test("a derivative that a function gives is named where it was made", function()
    local hole
    local mine = nn.activation {
        name = "mine_slope",
        f = function(z) return z * 0.5 end,
        df = function(z) return hole and (z * 0 + hole):log() or z * 0 + 0.5 end,
    }
    for _, dtype in ipairs {"f32", "f64"} do
        local net = nn.net({5, nn.dense {4, mine}, 3}, {dtype = dtype, seed = 1})
        for _ = 1, 15 do
            local index = somewhere {4, 4}
            hole = ones_but({4, 4}, index, 0, dtype)
            named(net, function()
                net:step(tensor.randn(4, 5, {dtype = dtype}),
                         tensor.rand(4, 3, {dtype = dtype}), {lr = 1})
            end, "the gradient of layer 1 is not finite", "layer 1, neuron " .. index[2] ..
                ", example " .. index[1] .. ": log(0) is -inf (log in activation mine_slope")
            hole = nil
        end
    end
end)

test("δ that overflows through a layer is named by what it met", function()
    for _, case in ipairs {{"f32", 1e30, "1e30"}, {"f64", 1e200, "1e200"}} do
        local dtype, big, text = table.unpack(case)
        for _ = 1, 10 do
            -- Layer 1's a is 0, so that layer 2 gives its b; δ₂ = (b - y)/4, and W₂ᵀ δ₂ overflows.
            local net = nn.net("5 - 4 linear - 3 linear : mae", {dtype = dtype, seed = 1})
            net[1].w, net[1].b = tensor.zeros(4, 5), tensor.zeros(4)
            net[2].w = tensor.zeros(3, 4)
            local k, o = math.random(4), math.random(3)
            net[2].w[{o, k}] = big
            local boost = nn.net({5, net, cost = function(a, y) return ((a - y) * big):mean() end},
                                 {dtype = dtype, seed = 1})
            boost[1][1].w, boost[1][1].b = tensor.zeros(4, 5), tensor.zeros(4)
            boost[1][2].w, boost[1][2].b = tensor.zeros(3, 4), tensor.zeros(3)
            boost[1][2].w[{o, k}] = big
            named(boost, function()
                boost:step(tensor.randn(4, 5, {dtype = dtype}),
                           tensor.rand(4, 3, {dtype = dtype}), {lr = 1})
            end, ("layer 1.2, input %d, example 1"):format(k), "· " .. text, "(dense, backward)")
        end
    end
end)

test("a gradient that overflows is named by parameter, example and factors", function()
    for _, case in ipairs {{"f32", 1e30}, {"f64", 1e300}} do
        local dtype, big = table.unpack(case)
        for _ = 1, 20 do
            -- δ is huge by the cost, a by x; w is 0 where they meet.
            local i, j = math.random(4), math.random(5)
            local net = nn.net({5, nn.dense {3, "linear"},
                                cost = function(a, y) return ((a - y) * big):mean() end},
                               {dtype = dtype, seed = 1})
            for k = 1, 3 do net[1].w[{k, j}] = 0 end
            local x = tensor.rand(4, 5, {dtype = dtype})
            x[{i, j}] = big
            named(net, function() net:step(x, tensor.rand(4, 3, {dtype = dtype}), {lr = 1e-9}) end,
                  "the gradient of layer 1 is not finite: layer 1: w[1][" .. j .. "], example " .. i,
                  "(dense, backward)")
        end
    end
end)

test("a thousand were planted", function()
    assert(planted.count >= 1000, planted.count)
end)

spec.report()
