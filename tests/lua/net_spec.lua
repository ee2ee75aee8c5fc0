-- Networks: making, looking at, changing, saving; their mathematics; parts written in Lua.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local samples = spec.samples
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local F64 = {dtype = "f64"}

local function differ(a, b) return (a - b):abs():max():item() > 0 end

-- ---- Making ----

test("a call of a network counts x as its first argument, as net:cost does", function()
    local net = nn.net "4 - 2"
    fails(function() net("x") end, "net: argument 1 must be a tensor", true)
    fails(function() net:cost("x", 1) end, "net:cost: argument 1 must be a tensor", true)
    fails(function() net(tensor.zeros(4), {lengths = {2}}) end,
        "net: a table is one argument too many", true)
    eq(net {1, 2, 3, 4}, net(tensor {1, 2, 3, 4}))
end)

test("tostring begins with notation and shows the layers", function()
    local text = tostring(nn.net "64 - 30 - 10")
    eq(text:match "^[^\n]*", "64 - 30 sigmoid - 10 sigmoid : quadratic")
    assert(text:find("1,950", 1, true) and text:find("2,260", 1, true), text)
end)

test("notation reads back to the same network", function()
    local first = "12 - dense 5 relu tanh@4..5 init=he name=first"
    local net = nn.net(first .. " - 3 softmax : cross_entropy")
    eq(nn.net(net:notation()):notation(), net:notation())
    fails(function() nn.net "12 - 5 relu relu" end, "one activation")
end)

test("a table makes the network that notation makes", function()
    local first = nn.dense {5, "relu", init = "he", name = "first"}
    local net = nn.net {12, first, "4 tanh", 3, cost = "mse"}
    eq(net:notation(), nn.net("12 - 5 relu init=he name=first - 4 tanh - 3 : mse"):notation())
    eq(#net, 3)
    eq(nn.net {{2, 3}, nn.fn(function(x) return x:reshape(-1, 6) end), 4}:count(), 28)
end)

test("dtype and seed", function()
    local a = nn.net("4-3-2", {dtype = "f64", seed = 7})
    local b = nn.net {4, 3, 2, dtype = "f64", seed = 7}
    eq(a:params().dtype, "f64")
    eq(a:params(), b:params())
    assert(differ(nn.net("4-3-2", {dtype = "f64", seed = 8}):params(), a:params()))
    a:reset(8)
    eq(a:params(), nn.net("4-3-2", {dtype = "f64", seed = 8}):params())
end)

test("nabla.seed makes networks repeat", function()
    nabla.seed(5)
    local a = nn.net "4-3-2":params():totable()
    nabla.seed(5)
    eq(nn.net "4-3-2":params(), a)
end)

-- ---- Layers and neurons ----

test("the same layer is always the same value", function()
    local net = nn.net "4 - 3 - 2"
    assert(net[1] == net[1] and net[-1] == net[2] and net[1] ~= net[2])
    assert(net:params() == net:params())
    local t = setmetatable({}, {__mode = "k"})
    t[net[1]] = true
    collectgarbage()
    assert(t[net[1]])
end)

test("layers count from 1, negative ones from the end; the one behind the last is nil", function()
    local net = nn.net "4 - 3 - 2"
    eq(net[3], nil)
    local count = 0
    for _ in ipairs(net) do count = count + 1 end
    eq(count, 2)
    fails(function() return net[0] end, "counting starts at 1")
    fails(function() return net[4] end, "no layer 4; there are 2", true)
    fails(function() return net[-3] end, "no layer %-3")
    fails(function() return net[1.5] end, "whole number")
end)

test("w and b are views of the flat vector", function()
    local net = nn.net "2 - 3 - 1"
    eq(net[1].w.shape, {3, 2})
    eq(net[1].b.shape, {3})
    net[1].w = {{1, 2}, {3, 4}, {5, 6}}
    eq(net:params():narrow(1, 1, 6), {1, 2, 3, 4, 5, 6})
    net:params():fill_(0.5)
    eq(net[2].w, {{0.5, 0.5, 0.5}})
    net[1]:neuron(2).w = {7, 8}
    net[1]:neuron(-1).b = 9
    eq(net[1].w, {{0.5, 0.5}, {7, 8}, {0.5, 0.5}})
    eq(net[1].b, {0.5, 0.5, 9})
    eq(net[1]:neuron(2).w, {7, 8})
    eq(net[1]:neuron(3).b:item(), 9)
    local before = net:params():clone()
    fails(function() net[1].w = {1, 2} end, "w of layer 1 is 3x2; what it is given is 2", true)
    fails(function() net[1].w = {{1}, {2}, {3}} end, "is 3x2; what it is given is 3x1", true)
    fails(function() net[1].w = {1, 2, 3} end, "is 3x2; what it is given is 3", true)
    fails(function() net[1].w = tensor.zeros(2, 3) end, "is 2x3; x:t() turns x round", true)
    fails(function() net[1].b = {1} end, "b of layer 1 is 3; what it is given is 1", true)
    fails(function() net[1]:neuron(2).w = {1} end,
          "w of neuron 2 of layer 1 is 2; what it is given is 1", true)
    fails(function() net[1]:neuron(2).b = {1} end, "b of neuron 2 of layer 1 is a number", true)
    eq(net:params(), before)
    net[1].w = 4
    net[1]:neuron(2).w = tensor {1, 2}:sum()
    eq(net[1].w, {{4, 4}, {3, 3}, {4, 4}})
end)

test("activations of layers and of single neurons", function()
    local net = nn.net("4 - 3 - 2", F64)
    eq(net[1].activation, "sigmoid")
    net[1]:neuron(2).activation = "relu"
    eq(net[1].activation, {"sigmoid", "relu", "sigmoid"})
    eq(net[1]:neuron(2).activation, "relu")
    eq(net:notation(), nn.net(net:notation()):notation())
    local x = tensor.randn(5, 4, {dtype = "f64", seed = 3})
    local z = x:matmul(net[1].w:t()) + net[1].b
    local a = net:trace(x, tensor.zeros(5, 2, F64))[1].a
    near(a:narrow(2, 2, 1), z:relu():narrow(2, 2, 1), 1e-14)
    near(a:narrow(2, 3, 1), z:sigmoid():narrow(2, 3, 1), 1e-14)
    net[1].activation = "tanh"
    eq(net[1]:neuron(2).activation, "tanh")
    fails(function() net[1]:neuron(1).activation = "softmax" end, "softmax")
    fails(function() net[1]:neuron(4) end, "no neuron 4; there are 3", true)
    fails(function() net[1]:neuron(0) end, "counting starts at 1")
end)

test("a batch of millions goes through in rounds, and back", function()
    local n <const> = 4400000
    local net, x = nn.net "1 - 1 tanh", tensor.linspace(-1, 1, n):reshape(n, 1)
    net[1].w, net[1].b = tensor {{2}}, tensor {0.5}
    local a = net(x)
    assert(a:allclose((2 * x + 0.5):tanh()))
    x:requires_grad_()
    net:record(x):sum():backward()
    assert(x.grad:allclose(2 * (1 - a ^ 2), {atol = 1e-6}))
end)

test("names of layers", function()
    local net = nn.net "4 - 3 name=hidden - 2"
    eq(net[1].name, "hidden")
    eq(net[2].name, nil)
    net[2].name = "out"
    eq(net:notation(), "4 - 3 sigmoid name=hidden - 2 sigmoid name=out : quadratic")
    net[1].name = nil
    eq(net[1].name, nil)
    fails(function() net[1].name = "two words" end, "two words")
    fails(function() net[1].name = 3 end, "name must be a string")
end)

test("unknown fields name the nearest", function()
    local net = nn.net "4 - 3 - 2"
    fails(function() return net.trian end, "no field 'trian'; did you mean 'train'?", true)
    fails(function() return net[1].wieght end, "layer 1 has no field 'wieght'", true)
    fails(function() net[1].activaton = "relu" end, "did you mean 'activation'", true)
    fails(function() return net[1]:neuron(1).frozn end, "no field 'frozn'", true)
    fails(function() net.w = 1 end, "here that is net[l].w of layer l", true)
end)

-- ---- Passes ----

test("net(x) of one example and of several", function()
    local net = nn.net("4 - 3 - 2", F64)
    local x = samples(5, 4, 2)
    local all = net(x)
    eq(all.shape, {5, 2})
    near(net(x[2]), all[2], 1e-14)
    eq(net({1, 2, 3, 4}).shape, {2})
    assert(not all.requires_grad and net:record(x).requires_grad)
end)

test("the book's equations", function()
    local net = nn.net("2 - 3 - 1", {dtype = "f64", seed = 4})
    local x, y = samples(6, 2, 1)
    local t = net:trace(x, y)
    local d2 = (t[2].a - y) * t[2].a * (1 - t[2].a) / 6
    local d1 = d2:matmul(net[2].w) * t[1].a * (1 - t[1].a)
    near(t[2].delta, d2, 1e-14)
    near(t[1].delta, d1, 1e-14)
    near(t[1].db, d1:sum(1), 1e-14)
    near(t[1].dw, d1:t():matmul(x), 1e-14)
    near(t.cost, ((t[2].a - y) ^ 2):sum():item() / 12, 1e-14)
    eq(t[0].a, x)
    local nabla_w, nabla_b = net:backprop(x, y)
    eq(#nabla_w, 2)
    eq(nabla_w[1], t[1].dw)
    eq(nabla_b[2], t[2].db)
    eq(net:grads():narrow(1, 1, 6), nabla_w[1]:flatten())
    near(net:cost(x, y), t.cost, 1e-14)
    local numeric_w = net:numeric_gradient(x, y)
    near(numeric_w[1], nabla_w[1], 1e-7)
end)

test("record and backward by hand give what backprop gives", function()
    local net = nn.net("4 - 3 - 2", F64)
    local x, y = samples(5, 4, 2)
    local nabla_w = net:backprop(x, y)
    local a = net:record(x)
    local c = ((a - y) ^ 2):sum() / 10
    c:backward()
    near(net:grads():narrow(1, 1, 12), nabla_w[1]:flatten(), 1e-12)
end)

test("class numbers are one-hot targets", function()
    local net = nn.net("4 - 3 - 2 softmax : cross_entropy", F64)
    local x = samples(3, 4, 2)
    near(net:cost(x, {1, 2, 1}), net:cost(x, {{1, 0}, {0, 1}, {1, 0}}), 1e-14)
    near(net:cost(x[1], 2), net:cost(x[1], {0, 1}), 1e-14)
end)

test("gradcheck prints itself and is a value", function()
    local digits = data.digits()
    local net = nn.net("64 - 30 - 10", {seed = 1})
    net[1]:neuron(7).activation = "relu"
    local check = net:gradcheck(digits.test:take(5))
    assert(check.ok and check.BP1.ok and check.BP4.ok)
    eq(check.forwards, 4520)
    assert(check.seconds.backprop > 0 and check.worst:find "^[%a]")
    -- On a slow machine one more line says how long they took.
    local first, second, third = tostring(check):match "^([^\n]*)\n([^\n]*)\n([^\n]*)"
    assert(first:find "^BP1 ok %S+ · BP2 ok %S+ · BP3 ok %S+ · BP4 ok %S+   worst %S+$", first)
    assert(second:find "^backprop 1 forward %+ 1 backward, %S+ %S+$", second)
    assert(third:find "^differences 4,520 forwards, .* · %S+ times slower$", third)
    for line in tostring(check):gmatch "[^\n]+" do assert(utf8.len(line) <= 80, line) end
end)

test("step learns and gives the cost before it", function()
    local net = nn.net("4 - 3 - 2", F64)
    local x, y = samples(5, 4, 2)
    local nabla_w = net:backprop(x, y)
    local w, before = net[1].w:clone(), net:cost(x, y)
    near(net:step(x, y, {lr = 2}), before, 1e-14)
    near(net[1].w, w - nabla_w[1] * 2, 1e-14)
    local o = nn.adam {lr = 0.1}
    net:step(x, y, o)
    net:step(x, y, o)
    eq(o.steps, 2)
    o.lr = 0.5
    eq(o.lr, 0.5)
    eq(tostring(nn.sgd {lr = 3}), "sgd{lr = 3, momentum = 0, nesterov = false} after 0 steps")
    fails(function() o.lr = -1 end, "lr must be")
    fails(function() o.lr = "x" end, "lr must be")
    fails(function() return o.momentun end, "no option 'momentun'", true)
    fails(function() nn.sgd {momentun = 1} end, "did you mean 'momentum'", true)
    local larger = nn.net("5 - 2", F64)
    fails(function() larger:step(tensor.zeros(1, 5), tensor.zeros(1, 2), o) end, "parameters")
end)

test("evaluate and classify", function()
    local digits = data.digits()
    local net = nn.net("64 - 10", {seed = 3})
    local e = net:evaluate(digits.test)
    eq(e.examples, 360)
    near(e.accuracy, e.correct / 360)
    assert(tostring(e):find "^cost .* · accuracy .* %% · .* right of 360\nprecision", tostring(e))
    eq(net:evaluate(digits.test.x, digits.test.y).correct, e.correct)
    eq(nn.net "2 - 3":evaluate({{1, 2}}, {{0.2, 0.3, 0.4}}).accuracy, nil)
    local before = net:classify(digits.test[1])
    assert(math.type(before) == "integer" and before >= 1 and before <= 10)
    net:train(digits.train, {epochs = 10, lr = 3, progress = false, seed = 1})
    local names = net:classify(digits.test)
    local right = 0
    for i, name in ipairs(names) do
        if name == digits.test[i].y then right = right + 1 end
    end
    eq(#names, 360)
    eq(right, net:evaluate(digits.test).correct)
    local one = nn.net "2 - 1"
    eq(one:classify {1, 2}, one({1, 2})[1] > 0.5 and 1 or 0)
end)

-- ---- Files and copies ----

test("a saved network is loaded as it was", function()
    local path = os.tmpname()
    local digits = data.digits()
    local net = nn.net("64 - 8 relu name=hidden - 10 softmax : cross_entropy", F64)
    net[1]:neuron(3).activation = "tanh"
    net:train(digits.train, {epochs = 1, lr = 0.1, progress = false})
    net:save(path)
    local again = nn.load(path)
    eq(again:notation(), net:notation())
    eq(again:params(), net:params())
    eq(again:params().dtype, "f64")
    eq(again:classify(digits.test), net:classify(digits.test))
    eq(math.type(again:classify(digits.test[1])), "integer")
    os.remove(path)
end)

test("a clone has parameters of its own", function()
    local net = nn.net "4 - 3 - 2"
    local copy = net:clone()
    eq(copy:params(), net:params())
    copy:params():fill_(0)
    assert(differ(copy:params(), net:params()))
end)

-- ---- Parts in Lua ----

test("an activation in Lua is the built-in one", function()
    nn.activation {name = "my_sigmoid", f = function(z) return 1 / (1 + (-z):exp()) end}
    local a = nn.net("4 - 3 - 2", {dtype = "f64", seed = 1})
    local b = nn.net("4 - 3 my_sigmoid - 2 my_sigmoid", {dtype = "f64", seed = 1})
    b:params():copy_(a:params())
    local x, y = samples(5, 4, 2)
    near(b(x), a(x), 1e-13)
    near(b:backprop(x, y)[1], a:backprop(x, y)[1], 1e-13)
    assert(b:gradcheck(x, y).ok)
    eq(b[1].activation, "my_sigmoid")
end)

test("df is used instead of the tape", function()
    local calls = 0
    local square = nn.activation {
        name = "square_with_df",
        f = function(z) return (z * z):detach() end,
        df = function(z) calls = calls + 1 return 2 * z end,
    }
    local net = nn.net({4, nn.dense {3, square}, 2}, F64)
    local x, y = samples(5, 4, 2)
    net(x)
    eq(calls, 0)
    assert(net:gradcheck(x, y).ok)
    assert(calls > 0)
    nn.activation {
        name = "wrong_df",
        f = function(z) return z * z end,
        df = function(z) return z end,
    }
    local check = nn.net("4 - 3 wrong_df - 2", F64):gradcheck(x, y)
    assert(not check.ok and not check.BP4.ok)
    assert(tostring(check):find "BP4 wrong in", tostring(check))
end)

test("a function is an activation of one neuron", function()
    local net = nn.net("4 - 3 - 2", F64)
    local f = function(z) return z:tanh() end
    net[1]:neuron(2).activation = f
    eq(net[1].activation, {"sigmoid", f, "sigmoid"})
    local x, y = samples(5, 4, 2)
    assert(net:gradcheck(x, y).ok)
    collectgarbage()
    collectgarbage()
    net(x)
end)

test("a cost in Lua is the built-in one", function()
    nn.cost {name = "half_squares", f = function(a, y) return ((a - y) ^ 2):sum() / (2 * #a) end}
    local x, y = samples(5, 4, 2)
    local a = nn.net("4 - 3 - 2", {dtype = "f64", seed = 2})
    local b = nn.net("4 - 3 - 2 : half_squares", {dtype = "f64", seed = 2})
    near(b:cost(x, y), a:cost(x, y), 1e-13)
    near(b:backprop(x, y)[2], a:backprop(x, y)[2], 1e-13)
    local c = nn.net {4, 3, 2, cost = function(o, t) return (o - t):abs():mean() end, dtype = "f64"}
    assert(c:gradcheck(x, y).ok)
    fails(function() nn.net {4, 2, cost = function(o) return o end}:cost({1, 2, 3, 4}, {1, 2}) end,
          "one number")
end)

test("a layer in Lua with parameters", function()
    local scale = nn.fn {
        f = function(x, s, c) return x * s + c end,
        params = {{name = "s", 4}, {name = "c", 4}},
        name = "scaling",
    }
    local net = nn.net({4, scale, 3, 2}, F64)
    eq(net:count(), 8 + 15 + 8)
    net[1].s = {1, 2, 3, 4}
    local x, y = samples(5, 4, 2)
    assert(net:gradcheck(x, y).ok)
    local nabla_w, nabla_b = net:backprop(x, y)
    eq(nabla_w[1], false)
    eq(nabla_b[1], false)
    local t = net:trace(x, y)
    eq(t[1].ds.shape, {4})
    eq(t[1].z, t[1].a)
    local before = net[1].s:clone()
    net:step(x, y, {lr = 1})
    near(net[1].s, before - t[1].ds, 1e-13)
end)

test("errors of parts in Lua arrive whole", function()
    local token = {}
    local armed = false
    local f = function(z)
        if armed then error(token) end
        return z * 1
    end
    local net = nn.net {4, nn.dense {3, f}, 2}
    local before = net:params():totable()
    armed = true
    for _, run in ipairs {
        function() net({1, 2, 3, 4}) end,
        function() net:step({1, 2, 3, 4}, {1, 2}, {lr = 1}) end,
        function() net:gradcheck({1, 2, 3, 4}, {1, 2}) end,
        function() net:trace({1, 2, 3, 4}, {1, 2}) end,
    } do
        local ok, message = pcall(run)
        assert(not ok and message == token)
        local co = coroutine.create(run)
        ok, message = coroutine.resume(co)
        assert(not ok and message == token)
    end
    eq(net:params(), before)
    armed = false
    net({1, 2, 3, 4})
    local ok, message = pcall(nn.net, {4, function() error(token) end})
    assert(not ok and message == token)
end)

test("what parts in Lua give is checked", function()
    local x, y = {1, 2, 3, 4}, {1, 2}
    local function with(f) return nn.net {4, nn.dense {3, f}, 2} end
    fails(function() with(function() return 1 end)(x) end, "must give a tensor, not 1")
    fails(function() with(function() end)(x) end, "must give a tensor, not nil")
    fails(function() with(function(z) return z:sum() end)(x) end, "shape and dtype of z")
    fails(function() with(function(z) return z:to "f64" end)(x) end, "f64")
    fails(function() nn.net {4, function(x) return x:sum() end, 2} end, "layer 1")
    fails(function() nn.net {4, 2, cost = 3} end, "a cost is")
    fails(function() nn.dense {3, 4} end, "activation")
    fails(function() nn.dense {3, "relu", 5} end, "one too many")
    fails(function() nn.activation {name = "relu", f = print} end, "built in")
    fails(function() nn.activation {name = "my act", f = print} end, "my act")
    fails(function() nn.activation {name = "no_f"} end, "f is missing")
    fails(function() nn.activation {nam = "x", f = print} end, "did you mean 'name'", true)
    fails(function() nn.fn {f = 3} end, "f must be a function")
    local twice = {{name = "w", 2}, {name = "w", 3}}
    fails(function() nn.fn {f = print, params = twice} end, "two parameters")
    fails(function() with(coroutine.yield)(x) end, "yield")
end)

test("an activation may be changed while it runs", function()
    local net
    local swapped = 0
    local g = function(z) return z:tanh() end
    local function f(z)
        swapped = swapped + 1
        net[1]:neuron(3).activation = function(v) return v:sin() end
        collectgarbage()
        return z:relu()
    end
    net = nn.net {4, nn.dense {5, g}, 2}
    net[1]:neuron(1).activation = f
    net[1]:neuron(3).activation = f
    net[1]:neuron(5).activation = f
    net:step({1, 2, 3, 4}, {0, 1}, {lr = 1})
    assert(swapped > 0)
    net[1].activation = "relu"
    collectgarbage()
    net({1, 2, 3, 4})
end)

test("a network keeps the functions it uses and lets go of others", function()
    local net = nn.net {4, nn.dense {3, function(z) return z:tanh() end}, 2}
    local gone = setmetatable({}, {__mode = "v"})
    for i = 1, 20 do
        local f = function(z) return z * i end
        gone[i] = f
        net[1].activation = f
    end
    collectgarbage()
    collectgarbage()
    net({1, 2, 3, 4})
    local kept = 0
    for _ in pairs(gone) do kept = kept + 1 end
    eq(kept, 1)
end)

test("a network is collected although its parts know it", function()
    local gone = setmetatable({}, {__mode = "v"})
    do
        local net = nn.net "4 - 3 - 2"
        net[1].activation = function(z) return z * #net end
        local _ = net[1]:neuron(1)
        gone[1] = net
    end
    collectgarbage()
    collectgarbage()
    eq(gone[1], nil)
end)

test("parameters always take gradients", function()
    local net = nn.net "2 - 3 - 1"
    fails(function() net[1].w:requires_grad_(false) end,
        "a parameter of layer 1 always takes a gradient")
    net:backprop(tensor.ones(4, 2), tensor.ones(4, 1))
    local w = net[1].w
    net = nil
    collectgarbage()
    collectgarbage()
    assert(not w:requires_grad_(false).requires_grad)
end)

test("a tensor that stops to require a gradient gets none", function()
    local x, w = tensor {1, 2}:requires_grad_(), tensor {3, 4}:requires_grad_()
    local c = (x * w):sum()
    x:requires_grad_(false)
    c:backward()
    eq(x.grad, nil)
    eq(w.grad, {1, 2})
end)

-- ---- Where gradients go ----

test("every backward fills the network's gradients, with 0 where it did not reach", function()
    local net = nn.net "2 - 1 linear - 2 linear"
    local w = net[2].w
    fails(function() net:grads() end, "no gradient yet; net:backprop(x, y) computes it", true)
    eq(w.grad, nil)
    net:backprop({{1, 2}, {3, 4}}, {{0, 1}, {1, 0}})
    w:sum():backward()
    eq(net:grads(), {0, 0, 0, 1, 1, 0, 0})
    eq(w.grad, {{1}, {1}})
    eq(net[1].w.grad, {{0, 0}})
    local five = net[1].b * 5
    five:sum():backward {accumulate = true}
    eq(net:grads(), {0, 0, 5, 1, 1, 0, 0})
    net:params():copy_ {3, 4, 1, 1, 2, 0, 0}
    net:record({{1, 2}, {3, 4}}):sum():backward()
    -- a = w x + b of layer 1 is 12 and 26; C is the sum of a and 2 a
    eq(net:grads(), {3 * (1 + 3), 3 * (2 + 4), 3 * 2, 12 + 26, 12 + 26, 2, 2})
    eq(net[1].w.grad, {{12, 18}})
end)

test("plain descent leaves no gradient and says why; what needs one leaves it", function()
    local net = nn.net "2 - 1"
    local x, y = tensor {{1, 2}, {3, 4}}, tensor {{1}, {0}}
    local w, why = net[1].w, "training by plain gradient descent adds the gradients straight " ..
        "into the weights; net:backprop(x, y) computes them"
    net:step(x, y, {lr = 1})
    eq(w.grad, net:grads():narrow(1, 1, 2):reshape(1, 2))
    net:train(x, y, {epochs = 1, progress = false})
    fails(function() net:grads() end, "net:grads: " .. why, true)
    fails(function() return w.grad end, "grad: " .. why, true)
    fails(function() net:clone():grads() end, "no gradient yet")
    local nabla_w = net:backprop(x, y)
    eq(w.grad, nabla_w[1])
    net:train(x, y, {epochs = 1, progress = false})
    fails(function() net:grads() end, why, true)
    net:train(x, y, {epochs = 1, optimizer = "adam", progress = false})
    assert(w.grad:abs():max():item() > 0)
end)

test("a backward after plain descent moves nothing", function()
    local net = nn.net "2 - 1"
    net:train(tensor {{1, 2}}, tensor {{1}}, {epochs = 1, progress = false})
    local before = net:params():clone()
    net:record({{1, 2}}):sum():backward()
    net:trace({{1, 2}}, {{1}})
    net[1].w:sum():backward()
    eq(net:params(), before)
    eq(net:grads(), {1, 1, 0})
end)

-- a = x W W, so that W is a factor of its own gradient: what is read must not be written yet.
test("plain descent is the step against the gradient where a weight meets itself", function()
    local net = nn.net({2, nn.fn {
        f = function(x, w) return x:matmul(w:matmul(w)) end,
        params = {{name = "w", 2, 2}},
    }}, F64)
    local x, y = samples(3, 2, 2)
    net[1].w = {{1, 2}, {3, 4}}
    local nabla_w = net:backprop(x, y)
    net:train(x, y, {epochs = 1, batch = 3, lr = 0.5, progress = false})
    near(net[1].w, tensor({{1, 2}, {3, 4}}, F64) - nabla_w[1] * 0.5, 1e-12)
end)

test("a trace of weights as inputs keeps their two gradients apart", function()
    local net, y = nn.net "2 - 2", tensor {{1, 0}, {0, 1}}
    local t, plain = net:trace(net[1].w, y), net:trace(net[1].w:detach():clone(), y)
    eq(t[1].dw, plain[1].dw)
    eq(t[1].db, plain[1].db)
    fails(function() net:grads() end, "no gradient yet")
end)

test("a parameter and its gradient outlive their network", function()
    local net = nn.net "2 - 1"
    net:backprop({{1, 2}}, {{1}})
    local w = net[1].w
    net = nil
    collectgarbage()
    collectgarbage()
    assert(w.grad:abs():max():item() > 0)
    w:sum():backward()
    eq(w.grad, {{1, 1}})
end)

spec.report()
