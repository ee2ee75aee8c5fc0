-- Convolutions and pools as a user meets them: sizes, notation, a channel as a neuron, what is
-- refused. What they compute is compared with PyTorch's (golden_spec).

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local saved = spec.saved
local nabla = spec.nabla
local tensor, nn = nabla.tensor, nabla.nn

local F64 = {dtype = "f64"}

local function refused(text, message)
    fails(function() nn.net(text) end, message, true)
end

local function shape(x)
    return table.concat(x.shape, "x")
end

-- ---- Sizes and notation ----

test("a LeNet in one line", function()
    local net = nn.net("1x28x28 - conv 20 5 relu - max_pool 2 - conv 40 5 relu - max_pool 2 - " ..
        "flatten - 100 relu - 10 softmax : cross_entropy")
    eq(net:count(), 20 * 26 + 40 * (20 * 25 + 1) + 641 * 100 + 1010)
    eq(shape(net[1].w), "20x1x5x5")
    eq(shape(net(tensor.zeros(3, 1, 28, 28))), "3x10")
    eq(shape(net(tensor.zeros(1, 28, 28))), "10")
    eq(shape(net(tensor.zeros(0, 1, 28, 28))), "0x10")
    assert(tostring(net):find("max_pool%s+40x4x4"))
end)

test("notation and tables say the same", function()
    local text = "4x16x12 - conv 8 3x5 relu stride=2x1 padding=1x2 dilation=2 groups=2 " ..
        "bias=false name=c - conv_transpose 4 3 tanh stride=2 output_padding=1 - max_pool 2 stride=1 - " ..
        "avg_pool 3x2 padding=1 - conv 2 3 linear padding=same - global_avg_pool : mse"
    local net = nn.net(text)
    eq(net:notation(), text)
    eq(saved(net):notation(), text)
    eq(nn.net {{4, 16, 12},
        nn.conv {8, {3, 5}, "relu", stride = {2, 1}, padding = {1, 2}, dilation = 2, groups = 2,
                 bias = false, name = "c"},
        nn.conv_transpose {channels = 4, kernel = 3, activation = "tanh", stride = 2,
                           output_padding = 1},
        nn.max_pool {2, stride = 1}, nn.avg_pool {{3, 2}, padding = 1},
        nn.conv {2, 3, "linear", padding = "same"}, nn.global_avg_pool(), cost = "mse"}:notation(),
        text)
    eq(nn.net("*x3 - conv 2 3 padding=causal - max_pool 2"):notation(),
        "*x3 - conv 2 3 sigmoid padding=causal - max_pool 2 : quadratic")
end)

test("a layer that is saved, cloned and traced gives the same", function()
    local net = nn.net("2x6x5 - conv 3 3 tanh padding=1 - max_pool 2 - conv_transpose 2 2 " ..
        "stride=2 - avg_pool 2 - flatten - 3 softmax : cross_entropy", F64)
    local x = tensor.randn(4, 2, 6, 5, {dtype = "f64", seed = 1})
    local y = tensor {1, 3, 2, 3}
    eq(saved(net)(x), net(x))
    eq(net:clone()(x), net(x))
    assert(net:gradcheck(x, y).ok)
    local t = net:trace(x, y)
    eq(shape(t[1].z), "4x3x6x5")
    eq(shape(t[1].slope), "4x3x6x5")
    eq(shape(t[1].dw), "3x2x3x3")
    eq(t[1].slope, nn.tanh.df(t[1].z))
    eq(t[#net].a, net(x))
end)

test("free sizes: kept with stride 1 and padding=same, else another one", function()
    local net = nn.net("*x3 - residual[conv 3 3 padding=same] - residual[conv 3 2 padding=causal]")
    eq(shape(net(tensor.zeros(2, 7, 3))), "2x7x3")
    refused("*x3 - residual[conv 3 2]",
        "residual adds its input, *x3, to what its layers give, *x3")
    eq(shape(nn.net("3x*x* - conv 4 3 stride=2 - max_pool 2")(tensor.zeros(2, 3, 11, 9))),
        "2x4x2x2")
    fails(function() nn.net("*x3 - conv 4 3")(tensor.zeros(2, 2, 3)) end,
        "layer 1: conv of 2x3: the window reaches over 3, but with padding there are 2; a " ..
        "smaller kernel, or padding=1", true)
    fails(function() nn.net("2x*x* - conv_transpose 4 2 padding=2")(tensor.zeros(2, 5, 1)) end,
        "layer 1: conv_transpose of 2x5x1 leaves nothing: padding=2 takes all of what 1", true)
    fails(function() nn.net("2x*x* - max_pool 2x3")(tensor.zeros(1, 2, 5, 2)) end,
        "layer 1: max_pool of 2x5x2: the window reaches over 3, but with padding there are 2", true)
end)

test("biases are left out", function()
    local net = nn.net("2x4x4 - conv 3 2 bias=false - conv_transpose 2 2 linear bias=false", F64)
    fails(function() return net[1].b end, "layer 1 has no field 'b'", true)
    eq(net:count(), 24 + 24)
    eq(net(tensor.zeros(1, 2, 4, 4, F64)):sum():item() ~= 0, true)
    net[1].activation = "linear"
    eq(net(tensor.zeros(1, 2, 4, 4, F64)):abs():sum():item(), 0)
    assert(net:gradcheck(tensor.randn(2, 2, 4, 4, F64), tensor.randn(2, 2, 4, 4, F64)).ok)
end)

test("weights begin within their fans, of a transposed one those of its outputs", function()
    local net = nn.net("8x9x9 - conv 16 5 init=glorot - conv_transpose 4 5 init=uniform")
    assert(net[1].w:std():item() > 0)
    local same = nn.net("8x9x9 - conv_transpose 400 3 relu", F64)
    near(same[1].w:std():item(), (2 / (8 * 9)) ^ 0.5, 0.01)
end)

-- ---- A channel is a neuron ----

test("a channel has weights, a bias, a name and an activation of its own", function()
    local net = nn.net("2x5x5 - conv 4 3 relu - conv_transpose 3 2", F64)
    local x = tensor.randn(2, 2, 5, 5, {dtype = "f64", seed = 3})
    local n = net[1]:neuron(3)
    eq(shape(n.w), "2x3x3")
    n.activation = "tanh"
    n.b = 0.5
    eq(net:notation():match "conv 4 3 relu tanh@3" ~= nil, true)
    local t = net:trace(x, tensor.zeros(2, 3, 4, 4, F64))
    eq(t[1].a[{ {}, 3 }], t[1].z[{ {}, 3 }]:tanh())
    eq(t[1].a[{ {}, 1 }], t[1].z[{ {}, 1 }]:relu())
    eq(t[1].slope[{ {}, 3 }], nn.tanh.df(t[1].z[{ {}, 3 }]))
    eq(shape(net[2]:neuron(2).w), "4x2x2")
    net[1]:neuron(2).frozen = true
    local before = net[1].w:clone()
    net:step(x, tensor.ones(2, 3, 4, 4, F64), {lr = 1})
    eq(net[1].w[2], before[2])
    assert(not net[1].w[1]:equal(before[1]))
    assert(net:gradcheck(x, tensor.zeros(2, 3, 4, 4, F64)).ok)
end)

test("softmax is over channels, its Jacobian at one place", function()
    local net = nn.net("2x3x4 - conv 3 2 softmax", F64)
    local x = tensor.randn(2, 2, 3, 4, {dtype = "f64", seed = 4})
    near(net(x):sum(2), tensor.ones(2, 2, 3, F64), 1e-12)
    local t = net:trace(x, net(x))
    local J = t[1]:jacobian(2, 1, 3)
    local a = t[1].a[2][{ {}, 1, 3 }]
    near(J, a:diag() - a:outer(a), 1e-12)
    fails(function() t[1]:jacobian(1, 1) end, "which column?", true)
    fails(function() t[1]:jacobian(1, 3, 1) end, "row", true)
    local soft = nn.net("2x3x4 - conv 3 2 softmax : cross_entropy", F64)
    local y = tensor.zeros(2, 3, 2, 3, F64)
    y[{ {}, 2 }] = 1
    -- Each place is an answer, as PyTorch has it.
    near(soft:cost(x, y), -(soft(x)[{ {}, 2 }]:log():sum() / 12):item(), 1e-12)
    assert(soft:gradcheck(x, y).ok)
end)

test("functions of the user, and mixed runs, on channels", function()
    local net = nn.net {{2, 4, 4}, nn.conv {3, 3, function(z) return z * z end}}
    net:to "f64"
    local x = tensor.randn(2, 2, 4, 4, {dtype = "f64", seed = 5})
    net[1]:neuron(2).activation = "sin"
    local t = net:trace(x, tensor.zeros(2, 3, 2, 2, F64))
    eq(t[1].a[{ {}, 1 }], t[1].z[{ {}, 1 }] * t[1].z[{ {}, 1 }])
    eq(t[1].a[{ {}, 2 }], t[1].z[{ {}, 2 }]:sin())
    assert(net:gradcheck(x, tensor.zeros(2, 3, 2, 2, F64)).ok)
    local act = nn.net("2x4x4 - conv 3 3 linear - act relu tanh@2", F64)
    local z = act:trace(x, tensor.zeros(2, 3, 2, 2, F64))[2].z
    eq(act(x)[{ {}, 2 }], z[{ {}, 2 }]:tanh())
end)

-- ---- What is refused ----

test("windows that do not fit", function()
    refused("1x5x5 - conv 2 7",
        "layer 1: conv of 1x5x5: the window reaches over 7, but with padding there are 5; a " ..
        "smaller kernel, or padding=1")
    refused("1x5x5 - conv 2 3 dilation=3", "the window reaches over 7")
    nn.net "1x5x5 - conv 2 7 padding=1"
    refused("2x3 - max_pool 4", "layer 1: max_pool of 2x3: the window reaches over 4")
    refused("1x4x4 - conv 1 1 - residual[conv 1 9]", "layer 2.1: conv of 1x4x4")
    refused("1x6x6 - max_pool 2 padding=2", "padding must be smaller than the window")
    refused("1x2x2 - conv_transpose 1 2 padding=2", "leaves nothing")
end)

test("sizes that cannot be", function()
    refused("1x5x5 - conv 2 0", "kernel must be a whole number from 1 to 16777216")
    refused("1x5x5 - conv 2 3 stride=0", "stride must be a whole number from 1 to 16777216")
    refused("1x5x5 - max_pool 2 stride=0", "stride must be a whole number from 1 to 16777216")
    refused("1x5x5 - conv 2 3 dilation=0", "dilation must be a whole number from 1")
    refused("1x5x5 - conv 2 3 padding=-1", "padding must be same, valid, causal, a whole number")
    refused("1x5x5 - conv 2 3 padding=full", "padding must be same, valid, causal, a whole number")
    refused("1x5x5 - conv 2", "kernel")
    refused("3x5 - conv 2 3x3", "kernel=3x3 has a size for each of two extents; 3x5 has one")
    refused("3x5 - conv 2 3 stride=1x2", "stride=1x2 has a size for each of two extents")
    refused("1x5x5 - conv_transpose 2 3 output_padding=1",
        "output_padding=1 must be smaller than the stride, 1")
    refused("1x5x5 - conv_transpose 2 3 padding=causal", "padding must be same, valid, a whole")
end)

test("groups that do not divide", function()
    refused("3x5x5 - conv 4 3 groups=2",
        "layer 1: groups=2 must divide the channels that come, 3, and those that it gives, 4; " ..
        "groups=1 does")
    refused("12x5x5 - conv 18 3 groups=4", "12, and those that it gives, 18; groups=3 does")
    refused("4x5x5 - conv 3 3 groups=2", "groups=2 must divide the channels that come, 4")
end)

test("paddings with words", function()
    refused("1x5x5 - conv 2 3 padding=same stride=2",
        "padding=same keeps the sizes, which takes stride=1, not 2; give padding a number")
    refused("1x6x6 - max_pool 2 padding=same", "takes stride=1, not 2")
    refused("1x5x5 - conv 2 3 padding=causal", "padding=causal is along one extent")
    refused("1x5x5 - conv 2 5 dilation=16777216 padding=same",
        "layer 1: padding=same around a window that reaches over 67108865 is more than " ..
        "16777216; a smaller kernel or dilation")
    refused("*x2 - conv 1 3 dilation=16777216 padding=causal", "padding=causal around a window")
end)

test("copies that cannot be counted", function()
    refused("2147483647x5x5 - conv 1 16777216 padding=16777216",
        "layer 1: conv of 2147483647x5x5 with its padding, under a kernel of 16777216, is " ..
        "too large")
end)

test("what is no space and no steps", function()
    refused("8 - conv 2 3", "layer 1: conv takes space (channels, then one or two extents) or " ..
        "steps, not the vector 8; put reshape 1x8 before it")
    refused("1x2x3x4 - conv 2 3", "conv takes channels and one or two extents, as in 1x28x28")
    refused("*x*x5 - conv 2 3", "conv needs the number of its channels, which stand first")
    refused("1x28x28 - conv 4 3 - 10", "dense takes a vector, not the space 4x26x26; put flatten")
    refused("4x6 - global_avg_pool", "4x6 could be read either way: write *x6 for steps, or " ..
        "put conv before it for space")
    refused("1x4x6 - global_avg_pool", "1x4x6 is neither: put conv before it for space")
    refused("1x4x6 - 3", "layer 1: dense takes a vector, or steps of features; 1x4x6 is neither: " ..
        "put flatten before it for one vector")
    refused("1x4x6 - residual[conv 1 3 padding=same]", "layer 1: residual takes a vector, steps " ..
        "of features or space; 1x4x6 could be read either way: put flatten before it for one " ..
        "vector, or put conv before it for space")
    refused("1x*x* - layer_norm", "1x*x* is neither: conv and global_avg_pool make a vector of it")
    refused("1x9 - conv 4 3 - lstm 2", "layer 2: lstm takes steps of features, not the space 4x7; " ..
        "conv goes along steps too, in a network that begins with them, as *x8")
    refused("8 - global_avg_pool", "global_avg_pool takes space or steps of features, not 8")
    refused("1x28x28 - max_pool 2 relu", "max_pool has no neurons and takes no activation")
    fails(function() nn.net "2x4x4 - max_pool 2"[1]:neuron(1) end, "layer 1 has no neurons", true)
end)

test("streams take causal convolutions of stride 1 alone", function()
    local net = nn.net("*x3 - conv 4 3 padding=causal dilation=2 tanh - 2", F64)
    local x = tensor.randn(7, 3, {dtype = "f64", seed = 6})
    local whole, s = net(x), net:stream()
    for i = 1, 7 do near(s(x[i]), whole[i], 1e-12) end
    for layer, why in pairs {
        ["conv 4 3"] = "does not give each step from those up to it",
        ["conv 4 3 padding=causal stride=2"] = "does not give each step from those up to it",
        ["conv_transpose 4 3"] = "spreads each step over others",
        ["max_pool 2"] = "makes one step of several", ["avg_pool 2"] = "makes one step of several",
        ["global_avg_pool"] = "takes the mean over all steps"} do
        fails(function() nn.net("*x3 - " .. layer):stream() end, why, true)
    end
end)

test("pictures that come as rows are read as the network's input", function()
    local net = nn.net("2x3x4 - conv 3 2 tanh - flatten - 2", {dtype = "f64", seed = 1})
    local x, y = tensor.randn(5, 2, 3, 4, F64), tensor.rand(5, 2, F64)
    local rows = x:reshape(5, 24)
    eq(net(rows), net(x))
    eq(net(rows[2]), net(x[2]))
    eq(net:cost(rows, y), net:cost(x, y))
    eq(net:trace(rows, y).grad_x.shape, {5, 2, 3, 4})
    local other = net:clone()
    local options = {epochs = 2, batch = 2, lr = 0.1, seed = 1, progress = false}
    net:train(nabla.data.set {x = x, y = y}, options)
    other:train(nabla.data.set {x = rows, y = y}, options)
    eq(other:params(), net:params())
    fails(function() return net(tensor.zeros(5, 25)) end,
          "x is 5x25; the network takes examples of 2x3x4", true)
    fails(function() net:train(nabla.data.set {x = tensor.zeros(5, 25), y = y}, options) end,
          "the set's examples are 25; the network takes 2x3x4", true)
    fails(function() return nn.net("*x4 - lstm 2")(tensor.zeros(5, 8)) end, "takes examples of *x4",
          true)
end)

-- What rows of the copies hold depends on how long they are: each way of moving one, and padding.
test("rows of every length up to 40 are convolved as the sum over the window says", function()
    for columns = 1, 40 do
        for _, padding in ipairs {0, 1} do
            local x = tensor.randn(1, 2, 5, columns + 2, {dtype = "f64", seed = columns})
            local net = nn.net(("2x5x%d - conv 3 3 linear padding=%d"):format(columns + 2,
                padding), F64)
            local wide = tensor.zeros(2, 5 + 2 * padding, columns + 2 + 2 * padding, F64)
            wide[{{}, {padding + 1, padding + 5}, {padding + 1, padding + columns + 2}}] = x[1]
            local h, n, z = 3 + 2 * padding, columns + 2 * padding, 0
            for ky = 1, 3 do
                for kx = 1, 3 do
                    local under = wide[{{}, {ky, ky + h - 1}, {kx, kx + n - 1}}]:reshape(2, h * n)
                    z = z + net[1].w[{{}, {}, ky, kx}]:matmul(under)
                end
            end
            z = z + net[1].b:reshape(3, 1)
            for _, dtype in ipairs {"f32", "f64"} do
                local given = net:clone():to(dtype)(x:to(dtype)):to "f64"
                local off = (given:reshape(3, h * n) - z):abs():max()
                assert(off <= (dtype == "f32" and 1e-5 or 1e-13), off)
            end
        end
    end
end)

test("a pool gives what it gives where its places are kept", function()
    local x = tensor.randn(2, 3, 9, 13, {seed = 1})
    x[{1, 1, 2, {2, 9}}], x[{2, 3}], x[{1, 2, 4, 4}] = 0 / 0, -math.huge, math.huge
    for _, pool in ipairs {"2", "1x2", "3 stride=2 padding=1", "2 stride=1", "3x2 stride=3"} do
        local net = nn.net("3x9x13 - max_pool " .. pool)
        local plain, kept = net(x), net:record(x:clone():requires_grad_())
        assert(kept.requires_grad and not plain.requires_grad)
            assert(plain:eq(kept):maximum(plain:isnan() * kept:isnan()):all(), pool)
    end
end)

spec.report()
