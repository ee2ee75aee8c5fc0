-- net:trace: the chapter's words as they are printed, slopes and Jacobians of every activation,
-- gradients at both ends, and examples where x and y are wanted.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails, samples = spec.test, spec.eq, spec.near, spec.fails, spec.samples
local nabla = spec.nabla
local nn, tensor, data = nabla.nn, nabla.tensor, nabla.data

local F64 = {dtype = "f64"}

local function net_of(notation)
    return nn.net(notation, {dtype = "f64", seed = 1})
end

local function vector(...)
    return tensor({...}, F64)
end

-- ---- As printed ----

test("one example gives vectors, and the equations read as they are printed", function()
    local net = net_of "3 - 4 tanh - 2"
    local x, y = vector(1, -2, 0.5), vector(0, 1)
    local t = net:trace(x, y)
    eq(t.x, x)
    eq(t[0].a, x)
    for l = 1, 2 do
        for _, name in ipairs {"z", "a", "delta", "slope"} do
            eq(t[l][name].shape, {({4, 2})[l]})
        end
    end
    near(net[1].w:matmul(t[0].a) + net[1].b, t[1].z, 1e-15)
    near(net[2].w:matmul(t[1].a) + net[2].b, t[2].z, 1e-15)
    near(t.grad_a, t[2].a - y, 1e-15)
    near(t.grad_a * t[2].slope, t[2].delta, 1e-15)
    near(net[2].w:t():matmul(t[2].delta) * t[1].slope, t[1].delta, 1e-15)
    near(t[1].db, t[1].delta, 1e-15)
    near(t[2].delta:outer(t[1].a), t[2].dw, 1e-15)
    near(t[1].delta:outer(t.x), t[1].dw, 1e-15)
    near(net[1].w:t():matmul(t[1].delta), t.grad_x, 1e-15)
end)

test("a batch of one keeps its dimension, and its numbers are those of the example", function()
    local net = net_of "3 - 4 - 2"
    local one = net:trace({1, 2, 3}, {0, 1})
    local batch = net:trace({{1, 2, 3}}, {{0, 1}})
    eq(batch[1].z.shape, {1, 4})
    eq(batch.grad_x.shape, {1, 3})
    for l = 1, 2 do
        for _, name in ipairs {"z", "a", "delta", "slope"} do
            eq(batch[l][name][1], one[l][name])
        end
        eq(batch[l].dw, one[l].dw)
    end
    eq(batch.grad_a[1], one.grad_a)
end)

test("of a batch delta and grad_a hold the 1/n of the mean", function()
    local net = net_of "3 - 4 - 2"
    local x, y = samples(5, 3, 2)
    local t = net:trace(x, y)
    near(t.grad_a, (t[2].a - y) / 5, 1e-15)
    near(t[2].delta, t.grad_a * t[2].slope, 1e-15)
    for i = 1, 5 do near(t[1].delta[i] * 5, net:trace(x[i], y[i])[1].delta, 1e-14) end
end)

test("one example on steps keeps its steps", function()
    local net = net_of "*x3 - 4 tanh - 2 softmax : cross_entropy"
    local x = tensor.randn(7, 3, {dtype = "f64", seed = 1})
    local t = net:trace(x, {1, 2, 1, 2, 1, 2, 1})
    eq(t[1].slope.shape, {7, 4})
    eq(t.grad_x.shape, {7, 3})
    near(t[1]:jacobian(3):diag(), t[1].slope[3], 1e-15)
    fails(function() t[1]:jacobian() end, "which step? t[l]:jacobian takes its number, from 1 to 7",
        true)
    local batch = net:trace(x:unsqueeze(1), tensor {{1, 2, 1, 2, 1, 2, 1}})
    near(batch[2]:jacobian(1, 5), t[2]:jacobian(5), 1e-15)
end)

-- ---- Slopes ----

-- f and f' of each, by hand.
local function sigma(z) return 1 / (1 + (-z):exp()) end

local SLOPES <const> = {
    {"sigmoid", function(z) return sigma(z) * (1 - sigma(z)) end},
    {"tanh", function(z) return 1 - z:tanh() ^ 2 end},
    {"relu", function(z) return z:gt(0):to "f64" end},
    {"leaky_relu(slope=0.2)", function(z) return z:gt(0):to "f64" * 0.8 + 0.2 end},
    {"sin", function(z) return z:cos() end},
    {"linear", function(z) return z * 0 + 1 end},
    {"step", function(z) return z * 0 end},
    {"softplus", sigma},
}

test("the slope is f' of z, each neuron's own f", function()
    local x, y = samples(6, 3, #SLOPES)
    local net = net_of("3 - " .. #SLOPES)
    for k, of in ipairs(SLOPES) do net[1]:neuron(k).activation = of[1] end
    local t = net:trace(x, y)
    for k, of in ipairs(SLOPES) do
        near(t[1].slope[{ {}, k }], of[2](t[1].z[{ {}, k }]), 1e-14)
    end
    near(t.grad_a * t[1].slope, t[1].delta, 1e-15)
end)

test("functions of Lua have their slopes, from the tape and from df", function()
    local net = net_of "3 - 4 - 2"
    net[1]:neuron(2).activation = function(z) return z * z * z end
    net[1]:neuron(3).activation = nn.activation {
        f = function(z) return z * 2 end,
        df = function(z) return z * 0 + 7 end, -- wrong, but what training multiplies with
    }
    local t = net:trace(samples(5, 3, 2))
    near(t[1].slope[{ {}, 2 }], 3 * t[1].z[{ {}, 2 }] ^ 2, 1e-14)
    near(t[1].slope[{ {}, 3 }], tensor.full(7, 5, F64), 1e-15)
    near(t[1].slope[{ {}, 4 }], t[1].a[{ {}, 4 }] * (1 - t[1].a[{ {}, 4 }]), 1e-15)
    local constant = net_of "3 - 2"
    constant[1].activation = function(z) return tensor.ones(z.shape[1], z.shape[2], F64) end
    eq(constant:trace({1, 2, 3}, {0, 1})[1].slope, {0, 0})
end)

test("where neurons mix there is no slope, and the message names the way on", function()
    for _, of in ipairs {"softmax", "log_softmax"} do
        local t = net_of("3 - 4 " .. of):trace({1, 2, 3}, {0, 1, 0, 0})
        fails(function() return t[1].slope end, "layer 1: each output of " .. of ..
            " depends on every z of its layer, so there is no slope for each neuron; " ..
            "t[l]:jacobian(i) has all of it", true)
        eq(rawget(t[1], "slope"), nil)
    end
    local net = net_of "3 - 4"
    net[1].activation = function(z) return z:softmax(-1) end
    local t = net:trace(samples(5, 3, 4))
    fails(function() return t[1].slope end, "layer 1: each output of its function depends", true)
    net[1].activation = function(z) return z - z:mean(2, {keep = true}) end
    fails(function() return net:trace({1, 2, 3}, {0, 1, 0, 0})[1].slope end, "every z", true)
end)

test("f32 is not taken for a mixture", function()
    local net = nn.net("50 - 200", {seed = 1})
    net[1].activation = function(z) return z * (3 * z):sigmoid() + z:sin() end
    local t = net:trace(tensor.randn(64, 50, {seed = 2}), tensor.zeros(64, 200))
    assert(t[1].slope)
end)

-- ---- Jacobians ----

test("softmax's Jacobian is diag(a) - a aᵀ, log_softmax's 1 - a of each column", function()
    local x, y = samples(3, 4, 5)
    local t = net_of("4 - 5 softmax : cross_entropy"):trace(x, y)
    local a = t[1].a[2]
    near(t[1]:jacobian(2), tensor.eye(5, F64) * a - a:outer(a), 1e-15)
    for i = 1, 3 do near(t[1]:jacobian(i):t():matmul(t.grad_a[i]), t[1].delta[i], 1e-15) end
    t = net_of("4 - 5 log_softmax"):trace(x, y)
    near(t[1]:jacobian(3), tensor.eye(5, F64) - t[1].a[3]:exp():unsqueeze(1), 1e-15)
end)

test("a Jacobian of neurons by themselves is their slopes on the diagonal", function()
    local net = net_of "3 - 4 - 2"
    net[1]:neuron(2).activation = function(z) return z * z end
    net[1]:neuron(3).activation = "relu"
    local t = net:trace(samples(5, 3, 2))
    for i = 1, 5 do near(t[1]:jacobian(i), tensor.eye(4, F64) * t[1].slope[i], 1e-15) end
end)

test("the Jacobian of a mixing function of Lua is told, also when the layer has another", function()
    local net = net_of "3 - 4"
    net[1].activation = function(z) return z:softmax(-1) * z end
    local t = net:trace(samples(5, 3, 4))
    net[1].activation = "tanh"
    collectgarbage()
    collectgarbage()
    local z = t[1].z[2]
    local s = z:softmax()
    -- ∂(s_j z_j)/∂z_k = s_j δ_jk + z_j s_j (δ_jk - s_k)
    local wanted = tensor.eye(4, F64) * (s + z * s) - (z * s):outer(s)
    near(t[1]:jacobian(2), wanted, 1e-14)
    near(t[1]:jacobian(2):t():matmul(t.grad_a[2]), t[1].delta[2], 1e-14)
end)

test("a Jacobian asks for what it needs", function()
    local net = net_of "3 - residual[3] - 2"
    local t = net:trace(samples(5, 3, 2))
    fails(function() t[2]:jacobian() end, "which example? t[l]:jacobian takes its number, from 1 to 5",
        true)
    fails(function() t[2]:jacobian(6) end, "there is no example 6; there are 5", true)
    fails(function() t[2]:jacobian(1, 2) end, "one argument too many", true)
    fails(function() t[1]:jacobian(1) end, "layer 1 has no neurons", true)
    fails(function() t[1].jacobian({}, 1) end, "t[l]", true)
    eq(t[1].slope, nil)
    eq(t[1][1]:jacobian(1).shape, {3, 3})
    eq(net:trace({1, 2, 3}, {0, 1})[2]:jacobian().shape, {2, 2})
    eq(net:trace({1, 2, 3}, {0, 1})[2]:jacobian(1).shape, {2, 2})
    fails(function() net:trace({1, 2, 3}, {0, 1})[2]:jacobian(2) end, "there is no example 2", true)
end)

-- ---- Both ends ----

-- Central differences of f at every place of x.
local function differences(f, x)
    local H <const> = 1e-6
    local out, flat = x:clone(), x:clone():flatten()
    for i = 1, #flat do
        local value = flat[i]
        flat[i] = value + H
        local above = f(flat:reshape(table.unpack(x.shape)))
        flat[i] = value - H
        local below = f(flat:reshape(table.unpack(x.shape)))
        flat[i] = value
        out:flatten()[i] = (above - below) / (2 * H)
    end
    return out
end

local ENDS <const> = {
    "3 - 4 - 2", "3 - 4 tanh - 2 : mse", "3 - 4 - 2 linear : huber delta=0.3",
    "3 - 4 - 2 : cross_entropy", "3 - 4 - 2 softmax : cross_entropy",
    "3 - 4 - 2 log_softmax : cross_entropy", "3 - 4 - residual[4] : mse",
    "3 - net[4 - 2 softmax] : cross_entropy",
}

test("grad_x is how C answers x, whatever the cost and the end", function()
    for _, notation in ipairs(ENDS) do
        local net = net_of(notation)
        local x, y = samples(4, 3, net(tensor.zeros(3, F64)).shape[1])
        near(net:trace(x, y).grad_x, differences(function(at) return net:cost(at, y) end, x), 1e-8)
    end
end)

test("grad_a is how C answers the outputs, also where the cost is computed from z", function()
    local y = vector(0.2, 0.8):unsqueeze(1)
    for _, of in ipairs {
        {"2 - 2", function(a) return 0.5 * ((a - y) ^ 2):sum():item() end},
        {"2 - 2 linear : mse", function(a) return ((a - y) ^ 2):mean():item() end},
        {"2 - 2 softmax : cross_entropy", function(a) return -(y * a:log()):sum():item() end},
        {"2 - 2 log_softmax : cross_entropy", function(a) return -(y * a):sum():item() end},
        {"2 - 2 : cross_entropy", function(a)
            return -(y * a:log() + (1 - y) * (1 - a):log()):sum():item()
        end},
    } do
        local t = net_of(of[1]):trace({{0.3, -0.4}}, y)
        near(t.cost, of[2](t[1].a), 1e-14)
        near(t.grad_a, differences(of[2], t[1].a), 1e-8)
    end
    -- Class numbers stand for rows of a 1 among zeros.
    local net = net_of "2 - 3 softmax : cross_entropy"
    local t = net:trace({{1, 2}, {3, 4}}, tensor {2, 3})
    near(t.grad_a, tensor({{0, 1, 0}, {0, 0, 1}}, F64) / t[1].a / -2, 1e-14)
end)

test("a layer that passes its input on has the gradient there", function()
    local net = nn.net({3, nn.fn(function(x) return x end), "2"}, F64)
    local t = net:trace(samples(4, 3, 2))
    assert(t.grad_x:abs():max():item() > 1e-6)
    eq(t[1].delta, t.grad_x)
end)

test("a layer that passes its input on has the part that comes through it, no other's", function()
    local net = nn.net({2, nn.parallel {{nn.fn(function(x) return x end)}, {}}}, F64)
    local t = net:trace(vector(1, 2), vector(0, 0, 0, 0))
    eq(t[1][1].delta, {1, 2})
    eq(t.grad_x, {2, 4})
    net = net_of "2 - parallel[act relu | ]"
    t = net:trace(vector(1, -2), vector(0, 0, 0, 0))
    eq(t[1][1].delta, {1, 0})
    eq(t.grad_x, {2, -2})
end)

test("what a trace asks besides leaves every other gradient as it was", function()
    local knob = vector(2):requires_grad_()
    local net = net_of "2 - 2"
    net[1].activation = function(z) return (z * knob):sin() end
    net:trace({1, 2}, {0, 1})
    -- The pass itself reaches the knob; the slopes, taken later, do not.
    local t = net:trace({1, 2}, {0, 1})
    near(knob.grad, (t.grad_a * (t[1].z * 2):cos() * t[1].z):sum():reshape(1), 1e-14)
    net[1].activation = function(z) return z * net[1].b end
    net:backprop({1, 2}, {0, 1})
    local before = net:grads():clone()
    net:trace({5, 6}, {1, 1})
    eq(net:grads(), before)
end)

-- ---- Examples where x and y are wanted ----

test("an example of a set is x and y, its class by its name", function()
    local set = data.set {x = {{1, 2}, {3, 4}, {5, 6}}, y = {3, 1, 2}, classes = {"a", "b", "c"}}
    local net = nn.net("2 - 4 - 3 softmax : cross_entropy", F64)
    local e, x, y = set[1], vector(1, 2), 3
    eq(e.y, "c")
    eq(net:cost(e), net:cost(x, y))
    eq(net:backprop(e)[1], net:backprop(x, y)[1])
    eq(net:numeric_gradient(e)[2], net:numeric_gradient(x, y)[2])
    eq(net:trace(e)[2].delta, net:trace(x, y)[2].delta)
    eq(net:trace(e)[2].delta.shape, {3})
    eq(net:evaluate(e).examples, 1)
    assert(net:gradcheck(e).ok)
    eq(net(e), net(x))
    local before = net:cost(e)
    eq(net:step(e, {lr = 0.1}), before)
    assert(net:cost(e) < before)
    net:train(e, {epochs = 1, progress = false})
    -- A y of the call's own counts, and so does what was assigned.
    eq(net:cost(e, 1), net:cost(x, 1))
    eq(net:cost(e, {0, 1, 0}), net:cost(x, 2))
    e.y = "b"
    eq(net:cost(e), net:cost(x, 2))
    e.y = "d"
    fails(function() net:cost(e) end, "net:cost: the set of this example has no class 'd'", true)
    e.y = nil
    fails(function() net:cost(e) end, "net:cost: this example has no y", true)
end)

test("names that are integers are names, not numbers of classes", function()
    local set = data.set {x = {{1, 2}, {3, 4}}, y = {1, 2}, classes = {2, 1}}
    local net = nn.net "2 - 2"
    eq(set[1].y, 2)
    eq(net:cost(set[1]), net:cost({1, 2}, 1))
    local e = set[1]
    set = nil
    collectgarbage()
    eq(net:cost(e), net:cost({1, 2}, 1))
end)

test("examples with targets, and one number for one output", function()
    local set = data.set {x = {{1, 2}, {3, 4}}, y = {{0, 1}, {1, 0}}}
    local net = nn.net "2 - 2"
    eq(net:cost(set[2]), net:cost({3, 4}, {1, 0}))
    set = data.set {x = {{1, 2}, {3, 4}}, y = {0.5, 0.7}}
    net = nn.net "2 - 1"
    eq(net:cost(set[2]), net:cost({3, 4}, {0.7}))
    eq(net:cost({3, 4}, 0.5), net:cost({3, 4}, {0.5}))
    fails(function() net:cost({{1, 2}, {3, 4}}, 0.5) end, "2 examples need targets 2x1", true)
end)

spec.report()
