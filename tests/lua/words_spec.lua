-- Words and positions: integers up to the layer that takes them, rows of tables, what is refused.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local saved = spec.saved
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local F64, I32 = {dtype = "f64"}, {dtype = "i32"}

local function refused(text, message)
    fails(function() nn.net(text) end, message, true)
end

test("embedding: a row of w for each word, of any dtype", function()
    local net = nn.net("* - embedding 5 3", F64)
    local w = tensor.range(1, 15):reshape(5, 3):to "f64"
    net[1].w = w
    local x = tensor({{2, 5, 5}, {1, 2, 4}}, I32)
    eq(net(x), w:index_select(1, x:flatten()):reshape(2, 3, 3))
    for _, dtype in ipairs {"u8", "f32", "f64"} do eq(net(x:to(dtype)), net(x)) end
    eq(net {3, 1}, {{7, 8, 9}, {1, 2, 3}})
    eq(net(tensor.zeros(0, 4, I32)).shape, {0, 4, 3})
    eq(nn.net("4 - embedding 5 3", F64):count(), 15)
    eq(saved(net)(x), net(x))
    eq(net:clone()(x), net(x))
    eq(nn.net {"*", nn.embedding {5, 3, name = "e"}}:notation(),
       "* - embedding 5 3 name=e : quadratic")
end)

test("words stay integers through networks and into the first place of blocks", function()
    local x = tensor({{1, 9, 3, 9}, {2, 2, 8, 1}}, I32)
    for _, text in ipairs {"* - net[embedding 9 2] - 3", "* - residual[embedding 9 2 | embedding 9 2] - 3",
        "* - parallel[net[embedding 9 2 - 2] | embedding 9 4] - 3", "4 - embedding 9 2 - flatten - 3 tanh"} do
        local net = nn.net(text, F64)
        local t = net:trace(x, net(x))
        eq(t.x.dtype, "i32")
        eq(t.grad_x, nil)
        near(net(x[1]), net(x)[1], 1e-14)
        assert(net:gradcheck(x, net(x) * 0.5).ok, text)
    end
    -- Beside what computes with them they are numbers, and all that moves them gets a gradient.
    local both = nn.net("4 - parallel[embedding 9 1 - flatten | 2 tanh] - 3", F64)
    local t = both:trace(x, both(x) * 0.5)
    eq(t.grad_x.shape, {2, 4})
    assert(both:gradcheck(x, both(x) * 0.5).ok)
end)

test("embedding: the gradient of a row is the sum of its places'", function()
    local net = nn.net("* - embedding 300 70", F64)
    local x = tensor.randint(1, 300, 40, 33, {seed = 3}):to "i32"
    local v = tensor.randn(40, 33, 70, {dtype = "f64", seed = 4})
    local function gradient(threads)
        nabla.threads(threads)
        net:record(x):mul(v):sum():backward()
        return net[1].w.grad:clone()
    end
    local before = nabla.threads()
    local first = gradient(1)
    for _, k in ipairs {1, 77, 300} do
        local here = x:eq(k):to "f64":reshape(40, 33, 1)
        near(first[k], (v * here):sum(1, 2), 1e-12)
    end
    for _, n in ipairs {2, 5} do eq(gradient(n), first) end
    nabla.threads(before)
end)

test("training on words: sets of i32, of bytes, of numbers", function()
    local x = tensor.randint(1, 7, 12, 5, {seed = 1})
    for _, dtype in ipairs {"i32", "u8", "f32"} do
        local net = nn.net("* - embedding 7 6 - positions - 7 softmax : cross_entropy", {seed = 2})
        local set = data.set {x = x:to(dtype), y = x:to "i32"}
        net:train(set, {epochs = 60, batch = 5, optimizer = nn.adam {lr = 0.05}, progress = false})
        assert(net:evaluate(set).accuracy == 1)
        eq(net:evaluate(x:to(dtype), x).correct, 60)
    end
end)

test("a word that is none names batch, example, step and value", function()
    local net = nn.net "* - embedding 5 3 name=e - 2"
    fails(function() net(tensor({{1, 2}, {5, 0}}, I32)) end,
        "layer 1 (e): example 2, step 2 holds 0: words count from 1 to 5; add 1 to x", true)
    fails(function() net {1, 6} end,
          "example 1, step 2 holds 6; words are whole numbers from 1 to 5", true)
    fails(function() net {1, -1} end, "step 2 holds -1; words", true)
    fails(function() net {1.5, 1} end, "1.5 does not fit into i32", true)
    fails(function() net {{{1, 2}}} end, "the network takes examples of *", true)
    local x = tensor({{1, 2}, {3, 4}, {5, 6}}, I32)
    local set = data.set {x = x, y = tensor.zeros(3, 2, 2)}
    fails(function() net:train(set, {batch = 2, shuffle = false, progress = false}) end,
          "epoch 1, batch 2: layer 1 (e): example 1, step 2 holds 6", true)
end)

test("embedding: what it refuses", function()
    refused("*x3 - embedding 5 4",
            "embedding takes steps of one word each, * or a number of them, not *x3")
    refused("2x3 - embedding 5 4", "steps of one word each")
    refused("* - embedding 5", "expected the features of embedding")
    refused("* - embedding 0 4", "words must be a whole number from 1")
    refused("* - embedding 5 4 relu", "embedding has no neurons and takes no activation")
end)

test("positions: waves of Vaswani et al., and a learned table", function()
    local net = nn.net("*x6 - positions", F64)
    local x = tensor.randn(2, 9, 6, {dtype = "f64", seed = 5})
    local out = net(x) - x
    for p = 0, 8 do
        for k = 0, 5 do
            local angle = p / 10000 ^ ((k - k % 2) / 6)
            near(out[{1, p + 1, k + 1}], k % 2 == 0 and math.sin(angle) or math.cos(angle), 1e-12)
        end
    end
    eq(net:count(), 0)
    local learned = nn.net("*x6 - positions 9 - 2", F64)
    near(learned[1].w + x[1], nn.net({{"*", 6}, learned[1]:clone()}, F64)(x[1]), 1e-15)
    assert(learned:gradcheck(x, tensor.rand(2, 9, 2, F64)).ok)
    eq(nn.net {{"*", 6}, nn.positions(), nn.positions {4}}:notation(),
        "*x6 - positions - positions 4 : quadratic")
    eq(nn.net "5x6 - positions"(tensor.zeros(5, 6)).shape, {5, 6})
end)

test("positions: what they refuse", function()
    refused("6 - positions",
            "positions takes steps of features, not 6; write *x6 for sequences of any length")
    refused("*x* - positions",
            "positions needs the number of features; the last size of *x* is free")
    refused("5 - embedding 9 2 - positions 4",
            "5 steps come to a table of 4 positions; write positions 5")
    refused("*x6 - positions 0", "most must be a whole number from 1")
    fails(function() nn.net "*x2 - positions 3"(tensor.zeros(1, 4, 2)) end,
        "layer 1: step 4 comes to a table of 3 positions", true)
end)

spec.report()
