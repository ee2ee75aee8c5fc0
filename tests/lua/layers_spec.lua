-- Layers one by one: what each computes, in learning and evaluating, and what it refuses.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local samples, saved = spec.samples, spec.saved
local nabla = spec.nabla
local tensor, nn = nabla.tensor, nabla.nn

local F64 = {dtype = "f64"}

local function refused(text, message)
    fails(function() nn.net(text) end, message, true)
end

-- ---- flatten, reshape ----

test("flatten and reshape move no number", function()
    local net = nn.net("2x3x4 - flatten", F64)
    local x = tensor.range(1, 48):reshape(2, 2, 3, 4):to "f64"
    eq(net(x), x:reshape(2, 24))
    eq(net(x[1]), x[1]:flatten())
    eq(nn.net("24 - reshape 4x3x2", F64)(x:reshape(2, 24)), x:reshape(2, 4, 3, 2))
    eq(nn.net("6x4 - reshape 24", F64)(x:reshape(2, 6, 4)), x:reshape(2, 24))
    eq(net(x:narrow(1, 1, 0)).shape, {0, 24})
end)

test("their gradient is what comes, in the input's sizes", function()
    local net = nn.net("2x3 - flatten - 5 tanh - reshape 5x1 - flatten - 2", F64)
    local x, y = samples(4, 6, 2)
    x = x:reshape(4, 2, 3)
    assert(net:gradcheck(x, y).ok)
    local flat = nn.net("6 - 5 tanh - 2", F64)
    flat:params():copy_(net:params())
    near(net(x), flat(x:reshape(4, 6)), 1e-14)
    local t = net:trace(x, y)
    eq(t[1].delta.shape, {4, 6})
    eq(t[3].a.shape, {4, 5, 1})
end)

test("sizes in notation and in tables", function()
    local text = "12 - reshape 3x2x2 name=r - flatten - 2 sigmoid : quadratic"
    eq(nn.net(text):notation(), text)
    eq(nn.net {12, nn.reshape {3, 2, 2, name = "r"}, nn.flatten(), 2}:notation(), text)
    eq(nn.net {12, nn.reshape {{3, 2, 2}, name = "r"}, nn.flatten {}, 2}:notation(), text)
    eq(nn.net {12, nn.reshape {sizes = {3, 2, 2}, name = "r"}, "flatten", 2}:notation(), text)
    eq(nn.net {12, nn.reshape(12), 2}:notation(), "12 - reshape 12 - 2 sigmoid : quadratic")
    eq(saved(nn.net(text)):notation(), text)
    refused("12 - reshape 3x5 - flatten",
        "reshape cannot make 3x5 of 12; the product of its sizes must be 12")
    refused("12 - reshape 2147483648x2147483648x2147483648", "the product of its sizes must be 12")
    eq(nn.net("12 - reshape 1x1x1x1x1x1x12 - flatten"):count(), 0)
    refused("12 - reshape 1x1x1x1x1x1x1x12", "sizes must be one to seven sizes")
    refused("12 - reshape 3x0", "sizes must be one to seven sizes")
    refused("12 - reshape", "expected the sizes of reshape")
    refused("12 - reshape *x4", "'*' is a free size of the input's shape")
    refused("12 - reshape 3x4 - 5", "put flatten before it")
    refused("*x12 - flatten", "flatten needs an input of fixed sizes; *x12 has a free one")
    refused("*x12 - reshape 12", "reshape needs an input of fixed sizes")
    refused("12 - flatten relu", "flatten has no neurons")
    fails(function() nn.reshape {} end, "nn.reshape needs a value for its sizes", true)
    fails(function() nn.reshape {3, "a"} end, "entry 2 is one too many")
    fails(function() nn.reshape {sizes = {}} end, "sizes must be one to seven sizes")
    fails(function() nn.reshape {sizes = {3, "a"}} end, "not 'a'")
    fails(function() nn.reshape {1, 1, 1, 1, 1, 1, 1, 1, 1} end, "sizes must be one to seven sizes")
end)

-- A layer that gives its input itself has a gradient of its own.
test("δ of what changes nothing is its own, not that of all who read its input", function()
    local same = nn.fn(function(x) return x end)
    local net = nn.net({3, nn.parallel {{same}, {"2 tanh"}, {}}, 2}, F64)
    local x, y = samples(3, 3, 2)
    assert(net:gradcheck(x, y).ok)
    local t = net:trace(x, y)
    near(t[1][1].delta, t[1].delta:narrow(2, 1, 3), 1e-15)
end)

-- ---- layer_norm ----

test("layer_norm: mean 0, variance 1, then gain and shift", function()
    local net = nn.net("6 - layer_norm", F64)
    eq(net[1].gain, tensor.ones(6))
    eq(net[1].shift, tensor.zeros(6))
    local x = samples(4, 6, 1) * 3 + 100
    local out = net(x)
    near(out:mean(2), tensor.zeros(4), 1e-12)
    near(out:var(2, {correction = 0}), tensor.ones(4), 1e-4)
    net[1].gain, net[1].shift = tensor.range(1, 6), 2
    near(net(x), out * tensor.range(1, 6) + 2, 1e-14)
    near(nn.net("6 - layer_norm epsilon=7", F64)(x),
        (x - x:mean(2):unsqueeze(2)) / (x:var(2, {correction = 0}):unsqueeze(2) + 7):sqrt(), 1e-12)
    eq(net:count(), 12)
    eq(saved(net)(x), net(x))
    eq(nn.net {6, nn.layer_norm {epsilon = 0.5}, 2}:notation(),
        "6 - layer_norm epsilon=0.5 - 2 sigmoid : quadratic")
end)

test("layer_norm: gradients, on steps and of many rows", function()
    local net = nn.net("*x5 - layer_norm - 4 tanh - layer_norm epsilon=0.1 - 2", F64)
    assert(net:gradcheck(samples(6, 5, 1):reshape(2, 3, 5), tensor.rand(2, 3, 2, F64)).ok)
    -- Rows enough for several pieces: their sums are those of all rows.
    local one = nn.net("70 - layer_norm", F64)
    local x, v = tensor.randn(3001, 70, {dtype = "f64", seed = 3}), tensor.randn(3001, 70, F64)
    local function gradients(threads)
        nabla.threads(threads)
        one:record(x):mul(v):sum():backward()
        return one:grads():clone()
    end
    local before = nabla.threads()
    local first = gradients(1)
    near(first:narrow(1, 1, 70), (v * one(x)):sum(1), 1e-11)
    near(first:narrow(1, 71, 70), v:sum(1), 1e-11)
    for _, n in ipairs {2, 5} do eq(gradients(n), first) end
    nabla.threads(before)
end)

test("layer_norm: what it refuses", function()
    refused("1 - layer_norm", "layer_norm of one feature gives its shift whatever comes")
    refused("3x4 - layer_norm", "put flatten before it for one vector, or write *x4 for steps")
    refused("4 - layer_norm 5", "layer_norm takes no number")
    refused("4 - layer_norm epsilon=0", "epsilon must be a number above 0, not 0")
    refused("4 - layer_norm relu", "layer_norm has no neurons and takes no activation")
    fails(function() nn.net "4 - layer_norm"[1]:neuron(1) end, "layer 1 has no neurons", true)
end)

-- ---- dropout ----

test("dropout drops while learning, enlarges what stays, and is the identity else", function()
    local net = nn.net("1000 - dropout 0.2", F64)
    local x = tensor.ones(200, 1000, F64)
    eq(net(x), x)
    local out = net:record(x)
    local kept = out:gt(0)
    near(out, kept:to "f64" * 1.25, 1e-15)
    -- 200,000 draws: the share that stays is within five deviations of 0.8.
    local share = kept:to("f64"):mean():item()
    assert(math.abs(share - 0.8) < 5 * math.sqrt(0.8 * 0.2 / 200000), share)
    -- The share of each example and of each unit too, so that no row or column goes as a whole.
    for d = 1, 2 do
        local shares = kept:to("f64"):mean(d)
        local n = d == 1 and 200 or 1000
        assert((shares - 0.8):abs():max():item() < 5.5 * math.sqrt(0.16 / n))
    end
    eq(nn.net("4 - dropout 0", F64):record(x:narrow(2, 1, 4)), x:narrow(2, 1, 4))
end)

test("the gradient of dropout is its mask", function()
    local net = nn.net("50 - dropout 0.5", F64)
    local x = tensor.ones(20, 50, F64)
    x:requires_grad_()
    local out = net:record(x)
    out:sum():backward()
    eq(x.grad, out:detach())
end)

test("places, steps and seeds draw apart; the same ones alike", function()
    local function learn(text, seed)
        nabla.seed(7)
        local net = nn.net(text, {dtype = "f64", seed = 3})
        local x, y = samples(40, 8, 2)
        local set = nabla.data.set {x = x, y = y}
        net:train(set, {epochs = 3, batch = 8, lr = 0.5, seed = seed, shuffle = false,
            progress = false})
        return net:params()
    end
    local text = "8 - 8 tanh - dropout 0.5 - 8 tanh - dropout 0.5 - 2"
    eq(learn(text, 1), learn(text, 1))
    assert(not learn(text, 1):equal(learn(text, 2)))
    local net = nn.net("1000 - dropout 0.5 - dropout 0.5", F64)
    local twice = net:record(tensor.ones(1000, F64)):gt(0):to("f64"):mean():item()
    assert(math.abs(twice - 0.25) < 0.08, twice) -- 0.5 were the two masks one
    local one = nn.net("1000 - dropout 0.5", F64)
    local x = tensor.ones(1000, F64)
    nabla.seed(4)
    local first = one:record(x)
    assert(not one:record(x):equal(first))
    nabla.seed(4)
    eq(one:record(x), first)
end)

test("evaluation, trace, checks and costs do not drop", function()
    local net = nn.net("8 - 6 tanh - dropout 0.9 - 2", F64)
    local plain = nn.net("8 - 6 tanh - 2", F64)
    plain:params():copy_(net:params())
    local x, y = samples(5, 8, 2)
    eq(net(x), plain(x))
    eq(net:cost(x, y), plain:cost(x, y))
    eq(net:trace(x, y)[3].a, plain:trace(x, y)[2].a)
    assert(net:gradcheck(x, y).ok)
end)

test("rates", function()
    for _, bad in ipairs {"1", "1.5", "-0.5", "inf", "nan"} do
        assert(not pcall(nn.net, "4 - dropout " .. bad), bad)
    end
    refused("4 - dropout -0.1 - 2", "rate must be a number from 0, below 1, not -0.1")
    refused("4 - dropout 1", "rate must be a number from 0, below 1, not 1")
    refused("4 - dropout", "expected the rate of dropout")
    fails(function() nn.dropout(0 / 0) end, "rate must be a number from 0")
    fails(function() nn.dropout {} end, "dropout needs a value for its rate")
    eq(nn.net {4, nn.dropout(0.25), 2}:notation(), "4 - dropout 0.25 - 2 sigmoid : quadratic")
    eq(nn.net("*x4 - dropout 0.5 - 3"):notation(), "*x4 - dropout 0.5 - 3 sigmoid : quadratic")
end)

test("a dense layer without biases", function()
    local net = nn.net("3 - 4 tanh bias=false - 2", F64)
    local x = tensor.randn(5, 3, F64)
    eq(net:count(), 12 + 10)
    near(net(x), (x:matmul(net[1].w:t()):tanh():matmul(net[2].w:t()) + net[2].b):sigmoid(), 1e-14)
    fails(function() return net[1].b end, "layer 1 has no field 'b'", true)
    eq(saved(net):notation(), "3 - 4 tanh bias=false - 2 sigmoid : quadratic")
    near(saved(net)(x), net(x), 0)
    eq(nn.net {3, nn.dense {4, "tanh", bias = false}, 2}:notation(), net:notation())
    local tied = nn.net "* - embedding 4 3 name=e - 4 tied=e bias=false"
    eq(tied:count(), 12)
    assert(tied:gradcheck(tensor({{1, 2, 4}}, {dtype = "i32"}), tensor.rand(1, 3, 4)).ok)
end)

spec.report()
