-- Activations as functions, nn.sigmoid(z) and nn.sigmoid.df(z), and the layer that only activates.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails, samples = spec.test, spec.eq, spec.near, spec.fails, spec.samples
local nabla = spec.nabla
local nn, tensor = nabla.nn, nabla.tensor

local F64 = {dtype = "f64"}

-- The names of all built-in ones, from the book of help.
local NAMES <const> = {}
for _, entry in ipairs(nabla._book) do
    if entry.kind == "activation" then NAMES[#NAMES + 1] = entry.name end
end

local TANH_1 <const> = (math.exp(1) - math.exp(-1)) / (math.exp(1) + math.exp(-1))
local WHOLE <const> = {softmax = true, log_softmax = true}

-- ---- Functions ----

test("every activation is a function that computes what its layer does", function()
    local z = tensor.randn(4, 3, {dtype = "f64", seed = 1})
    assert(#NAMES >= 22)
    for _, name in ipairs(NAMES) do
        near(nn[name](z), nn.net("3 - act " .. name, F64)(z), 1e-15)
        eq(nn[name].name, name)
        eq(tostring(nn[name]), "activation " .. name)
    end
end)

-- Away from the kinks, of which none lies at these places.
test("df is the slope of f, by central differences", function()
    local H <const> = 1e-6
    local z = tensor({-7.3, -2.6, -0.9, -0.3, 0.2, 0.7, 1.4, 2.7, 6.8}, F64)
    for _, name in ipairs(NAMES) do
        if not WHOLE[name] then
            near(nn[name].df(z), (nn[name](z + H) - nn[name](z - H)) / (2 * H), 1e-8)
        end
    end
end)

test("values that mathematics gives", function()
    eq(nn.sigmoid(0), 0.5)
    eq(nn.sigmoid.df(0), 0.25)
    near(nn.tanh.df(1), 1 - TANH_1 ^ 2, 1e-15)
    eq(nn.relu {-1, 2}, {0, 2})
    eq(nn.relu.df {-1, 2}, {0, 1})
    near(nn.softmax(tensor({0, math.log(3)}, F64)), {0.25, 0.75}, 1e-15)
    near(nn.softmax.df(tensor({0, math.log(3)}, F64)),
        {{3 / 16, -3 / 16}, {-3 / 16, 3 / 16}}, 1e-15)
    near(nn.log_softmax.df(tensor({0, math.log(3)}, F64)), {{0.75, -0.75}, {-0.25, 0.25}}, 1e-15)
end)

test("numbers give numbers, tensors tensors of their shape", function()
    eq(math.type(nn.sigmoid(1)), "float")
    eq(nn.tanh(tensor(0.5)).shape, {})
    eq(nn.tanh(tensor.zeros(2, 3):t()).shape, {3, 2})
    eq(nn.tanh.df(tensor.zeros(2, 3, 4)).shape, {2, 3, 4})
    eq(nn.relu(tensor.zeros(0, 3)).shape, {0, 3})
    eq(nn.relu.df(tensor.zeros(3, 0)).shape, {3, 0})
    eq(nn.relu(tensor({1, 2}, {dtype = "i32"})).dtype, "f64")
    eq(nn.relu(tensor({1, 2}, F64)).dtype, "f64")
end)

-- 70,000 numbers are cut into pieces, those of 100 rows are not.
local ROWS <const>, FEW <const>, WIDTH <const> = 700, 100, 100
local CUT <const> = {"gelu", "silu", "tanh", "relu", "elu", "mixed"}

local function on_threads(counts, f)
    local threads = nabla.threads()
    for _, count in ipairs(counts) do
        nabla.threads(count)
        f()
    end
    nabla.threads(threads)
end

local function cut_net(notation, name)
    local net = nn.net(notation:format(name == "mixed" and "sigmoid" or name), F64)
    if name == "mixed" then
        for i = 7, 40 do net[1]:neuron(i).activation = i < 20 and "gelu" or "relu" end
    end
    return net
end

test("many rows give what few of them do, on any number of threads", function()
    local x = tensor.randn(ROWS, WIDTH, {dtype = "f64", seed = 3})
    for _, name in ipairs(CUT) do
        local net = cut_net("100 - act %s", name)
        on_threads({1, 3}, function()
            local y = net(x)
            for first = 1, ROWS, FEW do
                local some = net(x:narrow(1, first, FEW))
                assert(some:equal(y:narrow(1, first, FEW)), name)
            end
        end)
    end
end)

test("so do their gradients", function()
    local x = tensor.randn(ROWS, 5, {dtype = "f64", seed = 3})
    local y = tensor.randn(ROWS, WIDTH, {dtype = "f64", seed = 4})
    for _, name in ipairs(CUT) do
        local net = cut_net("5 - 100 %s : quadratic", name)
        local sum, whole = tensor.zeros(net:params().shape[1], F64), {}
        for first = 1, ROWS, FEW do
            net:backprop(x:narrow(1, first, FEW), y:narrow(1, first, FEW))
            sum = sum + net:grads() * (FEW / ROWS)
        end
        on_threads({1, 3}, function()
            net:backprop(x, y)
            whole[#whole + 1] = net:grads():clone()
        end)
        near(whole[1], sum, 1e-13)
        assert(whole[1]:equal(whole[2]), name)
    end
end)

test("options are the notation's", function()
    near(nn.leaky_relu(-2, {slope = 0.2}), -0.4, 1e-15)
    near(nn.leaky_relu.df(-2, {slope = 0.2}), 0.2, 1e-15)
    near(nn.leaky_relu(-2), -0.02, 1e-15)
    fails(function() nn.leaky_relu(-2, {slop = 1}) end, "did you mean 'slope'?", true)
    fails(function() nn.sigmoid(1, {slope = 2}) end,
        "sigmoid takes z alone; it has no options", true)
end)

test("what they give is on the tape, what df gives is not", function()
    local z = tensor({0.5, -1}, F64):requires_grad_()
    nn.tanh(z):sum():backward()
    near(z.grad, nn.tanh.df(z), 1e-15)
    eq(nn.tanh.df(z).requires_grad, false)
    nn.softmax(z):select(1, 1):backward()
    near(z.grad, nn.softmax.df(z)[1], 1e-15)
    nn.tanh(tensor(0.5, F64):requires_grad_()):backward()
end)

test("calls that cannot be are errors in the user's words", function()
    fails(function() nn.sigmoid() end, "sigmoid: z is missing", true)
    fails(function() nn.sigmoid("x") end, "must be a tensor, a number or a table of numbers", true)
    fails(function() nn.sigmoid(1, nil, 3) end, "3 is one argument too many", true)
    fails(function() nn.sigmoid.df(1, nil, 3) end, "3 is one argument too many", true)
    fails(function() return nn.sigmoid.fd end, "an activation has no field 'fd'; did you mean 'df'?",
        true)
    fails(function() nn.softmax.df(tensor.ones(2, 3)) end, "give one vector, not 2x3", true)
end)

test("functions of Lua become such objects", function()
    local cube = nn.activation {name = "cube", f = function(z) return z * z * z end}
    eq(cube(2), 8.0)
    eq(cube.df(2), 12.0)
    eq(cube.name, "cube")
    local own = nn.activation {f = function(z) return z * 2 end, df = function(z) return z * 0 + 5 end}
    eq(own.df {1, 2}, {5, 5})
    eq(own.name, nil)
    local whole = nn.activation {f = function(z) return z:softmax(-1) end}
    near(whole.df(tensor({0, math.log(3)}, F64)),
         nn.softmax.df(tensor({0, math.log(3)}, F64)), 1e-15)
    fails(function() whole.df(tensor.randn(2, 3)) end, "give one vector, not 2x3", true)
    local bad = nn.activation {f = function(z) return z:sum() end}
    fails(function() bad {1, 2} end, "shape", true)
    fails(function() nn.activation {f = function() error "mine" end}(1) end, "mine", true)
end)

test("they stand where activations are asked for", function()
    local net = nn.net {4, nn.dense {3, nn.tanh}, nn.dense {2, activation = nn.relu}}
    eq(net:notation(), "4 - 3 tanh - 2 relu : quadratic")
    net[1].activation = nn.sin
    net[1]:neuron(2).activation = nn.linear
    eq(net:notation(), "4 - 3 sin linear@2 - 2 relu : quadratic")
    eq(net[2].activation, "relu")
    collectgarbage()
    assert(net(tensor.ones(4)))
end)

-- ---- The layer that only activates ----

test("act gives what a dense layer with its activation gives, forward and back", function()
    local one = nn.net("4 - 3 tanh relu@2 - 2 softmax : cross_entropy", {dtype = "f64", seed = 1})
    local two = nn.net("4 - 3 linear - act tanh relu@2 - 2 linear - act softmax : cross_entropy",
        {dtype = "f64", seed = 2})
    two:params():copy_(one:params())
    local x, y = samples(5, 4, 2)
    eq(two:count(), one:count())
    near(two(x), one(x), 1e-15)
    near(two:cost(x, y), one:cost(x, y), 1e-15)
    local t, u = one:trace(x, y), two:trace(x, y)
    for l = 1, 2 do
        near(u[2 * l].z, t[l].z, 1e-15)
        near(u[2 * l].delta, t[l].delta, 1e-15)
        near(u[2 * l - 1].delta, t[l].delta, 1e-15)
        near(u[2 * l - 1].dw, t[l].dw, 1e-15)
    end
    near(u[2].slope, t[1].slope, 1e-15)
    near(u[4]:jacobian(3), t[2]:jacobian(3), 1e-15)
    assert(two:gradcheck(x, y).ok)
    assert(one:step(x, y, {lr = 1}) and two:step(x, y, {lr = 1}))
    near(two:params(), one:params(), 1e-14)
end)

test("a network may begin with act, and its δ is the gradient at x", function()
    local net = nn.net("3 - act sin - 2", {dtype = "f64", seed = 1})
    local x, y = samples(4, 3, 2)
    local t = net:trace(x, y)
    near(t[1].z, x, 1e-15)
    near(t[1].delta, t[2].delta:matmul(net[2].w) * x:cos(), 1e-15)
    near(t.grad_x, t[1].delta, 1e-15)
    assert(net:gradcheck(x, y).ok)
end)

test("act in tables, by name, in files and as it prints", function()
    local net = nn.net {3, nn.act "relu", nn.act {nn.sin, name = "wave"}, nn.act(), 2}
    eq(net:notation(), "3 - act relu - act sin name=wave - act sigmoid - 2 sigmoid : quadratic")
    eq(nn.net(net:notation()):notation(), net:notation())
    eq(spec.saved(net):notation(), net:notation())
    eq(net.wave.activation, "sin")
    net.wave:neuron(3).activation = "relu"
    eq(tostring(net[2]), "layer 2 (wave): act 3 → 3 mixed · parameters 0")
    eq(net(tensor {1, 1, -1}):dim(), 1)
    fails(function() return net.wave:neuron(1).w end, "a neuron has no field 'w'", true)
    fails(function() return net.wave.w end, "layer 2 (wave) has no field 'w'", true)
    fails(function() nn.net "4 - act 3 relu - 2" end, "act takes no number", true)
    fails(function() nn.net "4x* - act relu" end,
        "layer 1: act needs the number of its neurons; the last size of 4x* is free", true)
    fails(function() nn.net "4 - act relu tanh" end, "a layer has one activation", true)
    fails(function() nn.net "4 - act softmax relu@2" end, "belongs to a whole layer", true)
end)

test("act learns nothing and harms nothing", function()
    local net = nn.net("2 - 3 linear - act tanh - 1", {seed = 1})
    local h = net:train({{0, 0}, {0, 1}, {1, 0}, {1, 1}}, {{0}, {1}, {1}, {0}},
        {epochs = 3, progress = false})
    eq(#h.cost, 3)
    net[2].frozen = true
    net:train({{0, 0}}, {{0}}, {epochs = 1, progress = false})
end)

spec.report()
