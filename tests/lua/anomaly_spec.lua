-- nabla.anomaly: where NaN and infinity began. Each is planted where it is known what must be named:
-- in data, weights and buffers, in what ops and functions of Lua make, forward and backward, and in
-- the step itself; in every kind of layer and both dtypes. Whatever is said, nothing was learned.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local NAN, INF = 0 / 0, math.huge
local planted = 0
math.randomseed(12)

-- The bits of a tensor, NaN and all.
local function bits(t)
    return t:format{all = true} .. t:isfinite():sum():item()
end

-- An element that a gradient may flow to is a tensor.
local function number(v) return spec.is_tensor(v) and v:item() or v end

-- f must fail, with all of the texts in its message, and leave the network's parameters.
local function named(net, f, ...)
    local before = bits(net:params())
    local ok, message = pcall(f)
    planted = planted + 1
    assert(not ok, "no error was raised where " .. ... .. " was expected, in " .. net:notation())
    message = tostring(message)
    for _, text in ipairs {...} do
        if not message:find(text, 1, true) then
            error(("%q has no %q in it: %s"):format(message, text, net:notation()), 2)
        end
    end
    assert(bits(net:params()) == before, "something was learned from " .. message)
end

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

-- A random index of a tensor, as a list and as it is written.
local function somewhere(shape)
    local index, text = {}, ""
    for i, size in ipairs(shape) do
        index[i] = math.random(size)
        text = text .. "[" .. index[i] .. "]"
    end
    return index, text
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
    named(net, function() net:backprop(x, y) end, "the cost is nan: x of example 2, column 5 is nan")
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
        local net = nn.net({{"*", 3}, nn.fn(f), nn.gru {4}, nn.dense {2}}, {dtype = dtype, seed = 1})
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
                net:backprop(tensor.randn(4, 5, {dtype = dtype}), tensor.rand(4, 3, {dtype = dtype}))
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
                net:step(tensor.randn(4, 5, {dtype = dtype}), tensor.rand(4, 3, {dtype = dtype}), {lr = 1})
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
                boost:step(tensor.randn(4, 5, {dtype = dtype}), tensor.rand(4, 3, {dtype = dtype}), {lr = 1})
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

-- ---- The step ----

test("a step that would leave the numbers is not made, by any optimizer", function()
    local list = {
        {optimizer = "sgd"}, {optimizer = "sgd", momentum = 0.9}, {optimizer = "sgd", l2 = 1},
        {optimizer = "adam"}, {optimizer = "adamw"}, {optimizer = "nadam"}, {optimizer = "rmsprop"},
        {optimizer = "adagrad"}, {optimizer = "quickprop"},
    }
    for _, settings in ipairs(list) do
        settings.lr, settings.epochs, settings.batch, settings.progress = 1e30, 9, 4, false
        for _ = 1, 6 do
            -- x is 0 but for column j, so all other gradients of layer 1's w are 0: w[1][j], of
            -- size 1e25 and squared beyond f32, is the first number that goes.
            local j = math.random(5)
            local net = nn.net("5 - 4 linear - 3 linear", {seed = 1})
            local x, y = tensor.zeros(4, 5), tensor.ones(4, 3) * 100
            for i = 1, 4 do x[{i, j}] = 1e25 end
            net[1].w, net[1].b = tensor.zeros(4, 5), tensor.zeros(4)
            named(net, function() net:train(data.set {x = x, y = y}, settings) end,
                  "net:train: epoch 1, batch 1: the step ", "layer 1: w[1][" .. j .. "]")
        end
    end
end)

test("plain descent adds straight into w only where that stays finite", function()
    for _, dtype in ipairs {"f32", "f64"} do
        local big = dtype == "f32" and 3e38 or 1.5e308
        for _ = 1, 10 do
            local k, j = math.random(4), math.random(5)
            local net = nn.net("5 - 4 linear - 3 linear", {dtype = dtype, seed = 1})
            local set = data.set {x = tensor.zeros(4, 5, {dtype = dtype}),
                                  y = tensor.rand(4, 3, {dtype = dtype})}
            local o = {epochs = 3, batch = 4, lr = 0.1, seed = 1, progress = false}
            net:train(set, o)
            -- A weight as large as that which no example sees stays, and all is learned.
            net[1].w[{k, j}] = big
            local h = net:train(set, o)
            eq(h.epochs, 3)
            assert(math.abs(number(net[1].w[{k, j}]) / big - 1) < 1e-6)
            -- … and one that is NaN is found, though no example sees it.
            net[1].w[{k, j}] = NAN
            named(net, function() net:train(set, o) end,
                  ("layer 1: w[%d][%d] is nan"):format(k, j))
        end
    end
end)

-- ---- Sets of bytes, rows of non-zeros ----

test("parameters over bytes and rows of non-zeros", function()
    local rows = {}
    for i = 1, 20 do rows[i] = {[i % 50 + 1] = 1, [(i * 7) % 50 + 1] = 2} end
    local bytes = tensor.randint(0, 255, 20, 50, {dtype = "u8"})
    local y = tensor.rand(20, 3)
    local sets = {data.set {x = rows, columns = 50, y = y}, data.set {x = bytes, y = y}}
    for _, set in ipairs(sets) do
        for _, o in ipairs {{lr = 0.1}, {optimizer = "adam"}} do
            for _ = 1, 10 do
                local net = nn.net("50 - 8 - 3", {seed = 1})
                local k, j = math.random(8), math.random(50)
                net[1].w[{k, j}] = math.random(2) == 1 and NAN or -INF
                o.epochs, o.batch, o.progress = 1, 5, false
                named(net, function() net:train(set, o) end,
                      ("layer 1: w[%d][%d] is "):format(k, j))
            end
        end
    end
end)

-- ---- Behaving ----

test("nabla.anomaly", function()
    eq(nabla.anomaly(), true)
    local net = nn.net("5 - 4 - 3", {seed = 1})
    net[1].w[{2, 3}] = NAN
    local x, y = tensor.ones(2, 5), tensor.ones(2, 3)
    nabla.anomaly(false)
    eq(nabla.anomaly(), false)
    local ok, message = pcall(net.backprop, net, x, y)
    assert(not ok and message:find "the cost is nan$", message)
    nabla.anomaly(true)
    fails(function() net:backprop(x, y) end, "the cost is nan: layer 1: w[2][3] is nan", true)
    fails(function() nabla.anomaly(1) end, "true or false", true)
    fails(function() nabla.anomaly(true, false) end, "too many", true)
    eq(nabla.anomaly(), true)
end)

test("chance is the same when it is watched, and goes on as if it had not been", function()
    local seen = {}
    local net = nn.net({5, 4, nn.fn(function(x)
        local drawn = tensor.rand(x.shape[1], 4)
        seen[#seen + 1] = drawn
        return x + (drawn - 2):log()
    end), nn.dropout(0.5), 3}, {seed = 1})
    nabla.seed(5)
    seen = {}
    named(net, function() net:step(tensor.randn(4, 5), tensor.rand(4, 3), {lr = 1}) end,
          "layer 2, feature 1, example 1", "is nan (log in its function, forward)")
    eq(#seen, 2)
    eq(seen[1], seen[2])
    local after = tensor.rand(3)
    nabla.seed(5)
    tensor.randn(4, 5)
    tensor.rand(4, 3)
    tensor.rand(4, 4)
    eq(after, tensor.rand(3))
end)

test("a function that gives other numbers every time is said", function()
    local calls = 0
    local net = nn.net({5, 3, cost = function(a, y)
        calls = calls + 1
        return ((a - y) ^ 2):mean() / (calls == 1 and 0 or 1)
    end}, {seed = 1})
    named(net, function() net:backprop(tensor.randn(4, 5), tensor.rand(4, 3)) end, "the cost is inf",
          "a function gives other numbers every time")
end)

test("figures, gradients of others and searches are left alone", function()
    local own = tensor{1, 2, 3, 4}:requires_grad_()
    own:sum():backward()
    local net = nn.net({5, 4, nn.batch_norm(), nn.fn(function(x) return x * own end), 3}, {seed = 1})
    net[3].name = nil
    net[1].w[{1, 1}] = NAN
    local mean = bits(net[2].mean)
    named(net, function() net:step(tensor.randn(4, 5), tensor.rand(4, 3), {lr = 1}) end,
          "layer 1: w[1][1] is nan")
    eq(own.grad, {1, 1, 1, 1})
    eq(bits(net[2].mean), mean)
    -- A line search goes too far, comes back, and nobody looks.
    local curve = nn.net({1, nn.dense {1, "linear"}, nn.fn(function(x) return (x * 50):exp() end)},
                         {dtype = "f64", seed = 1})
    curve[1].w, curve[1].b = 1, 0
    local h = curve:train({{0.1}, {0.2}, {0.3}}, {{1}, {1.1}, {1.2}},
                          {optimizer = "lbfgs", epochs = 20, progress = false})
    assert(h.cost[#h.cost] < h.cost[1])
end)

-- ---- By number, not by tensor ----

local F64 = {dtype = "f64"}
local function f64(list) return tensor(list, F64) end

-- f between the input and one linear neuron.
local function through(inputs, f) return nn.net({inputs, nn.fn(f), nn.dense {1, "linear"}}, F64) end

test("what is infinite in another example, and ends there, is not named", function()
    -- log 0 = -inf, twice that, exp of it 0; 2 log 1e300 = 1381.55…, and e^709.78 is the largest.
    local one = through(1, function(x) return (x:log() * 2):exp() end)
    named(one, function() one:backprop(f64 {{0}, {1e300}}, f64 {{0}, {0}}) end,
          "layer 1, feature 1, example 2: exp(1381.55", "is inf (exp in its function, forward)")
    -- Two of one op, and of one tensor.
    local two = through(1, function(x) return x:log():exp() end)
    named(two, function() two:backprop(f64 {{0}, {-1}}, f64 {{0}, {0}}) end,
          "layer 1, feature 1, example 2: log(-1) is nan (log in its function, forward)")
    -- Through ops that move numbers, and that take rows: softmax(-inf, 0) = (0, 1).
    local turned = through(1, function(x) return (x:log() * 2):t():contiguous():t():exp() end)
    named(turned, function() turned:backprop(f64 {{0}, {1e300}}, f64 {{0}, {0}}) end,
          "example 2: exp(1381.55")
    local rows = through(2, function(x) return x:log():softmax(2) end)
    named(rows, function()
        rows:backprop(f64 {{0, 1}, {1, 1}, {1, -1}}, f64 {{0}, {0}, {0}})
    end, "layer 1, feature 2, example 3: log(-1) is nan")
end)

test("backward: an infinite δ that ends in another example is not named", function()
    -- u = (0, 1) as a mask makes it of 1e200 x; dC/du is 1/2·1/(2√0) = inf for the first, which the
    -- mask drops; of the second about 1/2·1e150, times 1e200.
    local net = nn.net({1, nn.dense {1, "linear"}, nn.fn(function(x)
        local mask = tensor.zeros(x.shape[1], 1, {dtype = "u8"})
        mask[{1, 1}] = 1
        local u = x:masked_fill(mask, 0) * 1e200
        return u:sqrt() + u * 1e150
    end), cost = function(a, y) return (a - y):mean() end}, F64)
    net[1].w, net[1].b = 1e-200, 0
    named(net, function() net:backprop(f64 {{1}, {1}}, f64 {{0}, {0}}) end,
          "layer 2, input 1, example 2: δ 5e149 through mul", "is inf (mul in its function, backward)")
end)

test("hundreds to blame, and numbers written over", function()
    -- Ninety logs of 0 whose exp is 0; then 2 · 1e308.
    local many = through(1, function(x)
        local z = x
        for _ = 1, 90 do z = z + (x * 0):log():exp() end
        return z * 1e308
    end)
    named(many, function() many:backprop(f64 {{1}, {2}}, f64 {{0}, {0}}) end,
          "layer 1, feature 1, example 2: 2 · 1e308 is inf (mul")
    -- log 0 and exp of it in the same place: 0 + 1, and that times 1e308 times 10.
    local over = through(1, function(x)
        local z = x:clone()
        z:log_()
        z:exp_()
        z:add_(1)
        z:mul_(1e308)
        return z:mul_(10)
    end)
    named(over, function() over:backprop(f64 {{0}, {0.5}}, f64 {{0}, {0}}) end,
          "layer 1, feature 1, example 1: 1e308 · 10 is inf (mul")
end)

test("plain descent: a weight that decay makes infinite is named", function()
    for _, settings in ipairs {{l2 = 1e3}, {decay = 1e3}} do
        for _, host in ipairs {false, true} do
            -- x = 0: no gradient but b's, 0 too. 2 (1 - 1e33) = -2e33, and that times -1e33 leaves f32.
            local net = nn.net({2, host and nn.fn(function(x) return x * 1 end) or nn.dropout(0),
                                nn.dense {1, "linear"}}, {seed = 1})
            net[2].w, net[2].b = {{0, 2}}, 0
            local o = {lr = 1e30, epochs = 1, progress = false}
            for k, v in pairs(settings) do o[k] = v end
            local set = data.set {x = {{0, 0}}, y = {{0}}}
            net:train(set, o)
            named(net, function() net:train(set, o) end,
                  "layer 2: w[1][2]: -2e33, which weight decay makes inf (the step)")
        end
    end
end)

test("lm: what is not finite is named, in data and parameters", function()
    local o = {optimizer = "lm", epochs = 1, progress = false}
    for _, dtype in ipairs {"f32", "f64"} do
        local x, y = tensor.rand(6, 3, {dtype = dtype}), tensor.rand(6, 2, {dtype = dtype})
        local net = nn.net("3 - 4 tanh - 2 linear : mse", {dtype = dtype, seed = 1})
        net[2].w[{1, 2}] = NAN
        named(net, function() net:train(data.set {x = x, y = y}, o) end, "layer 2: w[1][2] is nan")
        local host = nn.net({3, nn.fn(function(a) return a + (a - 7):abs():log() end),
                             nn.dense {2, "linear"}, cost = "mse"}, {dtype = dtype, seed = 1})
        x[{5, 2}] = 7
        named(host, function() host:train(data.set {x = x, y = y}, o) end,
              "layer 1, feature 2, example 5: log(0) is -inf (log in its function, forward)")
    end
end)

test("a thousand were planted", function()
    assert(planted >= 1000, planted)
end)

spec.report()
