-- Attention, weights that two layers share under one name, and the transformer that they make.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local saved = spec.saved
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local F64, I32 = {dtype = "f64"}, {dtype = "i32"}

local TRANSFORMER = "* - embedding 65 64 name=e - positions - 4*[residual[layer_norm - attention 4 causal] - " ..
    "residual[layer_norm - 256 gelu - 64 linear]] - layer_norm - 65 softmax tied=e : cross_entropy"
local SMALL = "* - embedding 7 4 name=e - positions - residual[layer_norm - attention 2 causal] - layer_norm - " ..
    "7 softmax tied=e : cross_entropy"

local function refused(text, message)
    fails(function() nn.net(text) end, message, true)
end

local function words(n, steps, seed)
    return tensor.randint(1, 7, n, steps, {seed = seed}):to "i32"
end

-- ---- attention ----

test("attention: the formula, head by head", function()
    local net = nn.net("*x6 - attention 3", F64)
    local l, x = net[1], tensor.randn(1, 5, 6, {dtype = "f64", seed = 1})
    for _, name in ipairs {"bq", "bk", "bv", "bo"} do
        l[name] = tensor.randn(6, {dtype = "f64", seed = 2})
    end
    local function part(w, b) return x[1]:matmul(w:t()) + b end
    local q, k, v = part(l.wq, l.bq), part(l.wk, l.bk), part(l.wv, l.bv)
    local heads = {}
    for h = 0, 2 do
        local function cut(t) return t:narrow(2, 2 * h + 1, 2) end
        heads[#heads + 1] = (cut(q):matmul(cut(k):t()) / math.sqrt(2)):softmax(2):matmul(cut(v))
    end
    near(net(x)[1], tensor.cat(heads, 2):matmul(l.wo:t()) + l.bo, 1e-12)
    eq(net:count(), 4 * 36 + 4 * 6)
    eq(saved(net)(x), net(x))
    eq(nn.net {{"*", 6}, nn.attention {2, causal = true}}:notation(),
       "*x6 - attention 2 causal : quadratic")
end)

test("attention causal: a step knows nothing of those behind it", function()
    local net = nn.net("*x4 - attention 2 causal", F64)
    local x = tensor.randn(2, 9, 4, {dtype = "f64", seed = 3})
    local before = net(x)
    for t = 1, 9 do near(net(x:narrow(2, 1, t)), before:narrow(2, 1, t), 1e-14) end
end)

-- 130 steps are three blocks of queries; 32 examples and 4 heads go to the workers.
test("attention: the same bits at any number of threads, over several blocks", function()
    local net = nn.net "*x8 - attention 4 causal"
    local function pass(threads, n, steps)
        nabla.threads(threads)
        local x = tensor.randn(n, steps, 8, {seed = 4}):requires_grad_()
        net:record(x):mul(tensor.randn(n, steps, 8, {seed = 5})):sum():backward()
        return tensor.cat({x.grad:flatten(), net:grads():clone()}, 1)
    end
    local before = nabla.threads()
    for _, size in ipairs {{32, 64}, {3, 130}} do
        local first = pass(1, size[1], size[2])
        for _, n in ipairs {2, 5} do eq(pass(n, size[1], size[2]), first) end
    end
    nabla.threads(before)
end)

-- Probabilities of 1,500 by 1,500 steps are not kept for backward but made anew.
test("attention: gradients where probabilities are made anew are those of parts", function()
    local net = nn.net("*x2 - attention 1 causal", F64)
    local x = tensor.randn(2, 1500, 2, {dtype = "f64", seed = 6})
    local v = tensor.randn(2, 1500, 2, {dtype = "f64", seed = 7})
    local function gradients(first, n)
        net:record(x:narrow(1, first, n)):mul(v:narrow(1, first, n)):sum():backward()
        return net:grads():clone()
    end
    near(gradients(1, 2), gradients(1, 1) + gradients(2, 1), 1e-10)
end)

test("attention: gradients, in blocks and of an example alone", function()
    for _, text in ipairs {"*x4 - attention 2", "3x4 - attention 1 causal",
                           "*x4 - residual[attention 4 causal frozen] - 2"} do
        local net = nn.net(text .. " : mse", F64)
        local x = tensor.randn(3, 3, 4, {dtype = "f64", seed = 8})
        assert(net:gradcheck(x, net(x) * 0.5).ok, text)
        near(net(x[2]), net(x)[2], 1e-14)
    end
    eq(nn.net "*x4 - attention 2"(tensor.zeros(0, 3, 4)).shape, {0, 3, 4})
end)

test("attention: a stream answers as the whole sequence", function()
    local net = nn.net(SMALL, F64)
    local x = words(1, 11, 9)
    local whole, s = net(x)[1], net:stream()
    for t = 1, 11 do near(s(x[1][t]), whole[t], 1e-12) end
    s:reset()
    near(s(x[1]:narrow(1, 1, 4)), whole:narrow(1, 1, 4), 1e-12)
    near(s(x[1]:narrow(1, 5, 7)), whole:narrow(1, 5, 7), 1e-12)
    fails(function() nn.net "*x4 - attention 2":stream() end,
          "looks at steps that are yet to come, so the network cannot answer step by step; " ..
          "attention with causal", true)
    local table_ = nn.net "*x4 - positions 3":stream()
    for _ = 1, 3 do table_ {1, 2, 3, 4} end
    fails(function() table_ {1, 2, 3, 4} end, "step 4 comes to a table of 3 positions", true)
end)

test("attention: what it refuses", function()
    refused("*x6 - attention 4",
            "layer 1: attention cuts the features into heads of one size; " ..
            "4 heads do not divide 6 features, 3 would")
    refused("*x12 - attention 7", "7 heads do not divide 12 features, 6 would")
    refused("*x12 - attention 11", "11 heads do not divide 12 features, 12 would")
    refused("*x12 - attention 40", "40 heads do not divide 12 features, 12 would")
    refused("6 - attention 2",
            "attention takes steps of features, not 6; write *x6 for sequences of any length")
    refused("2x3x4 - attention 2", "attention takes steps of features")
    refused("*x6 - attention", "expected the heads of attention")
    refused("*x6 - attention 0", "heads must be a whole number from 1")
    refused("*x6 - attention 2 relu", "attention has no neurons and takes no activation")
end)

-- ---- tied ----

test("tied: one weight of two layers, counted once, gradients added", function()
    local net = nn.net(SMALL, F64)
    local x, y = words(2, 5, 1), words(2, 5, 2)
    eq(net:notation(), SMALL)
    eq(net:count(), 28 + 8 + 80 + 8 + 7)
    assert(net:gradcheck(x, y).ok)
    local t = net:trace(x, y)
    eq(t[5].dw, t[1].dw)
    -- Apart, each has its share.
    local apart = nn.net(SMALL:gsub(" tied=e", ""), F64)
    apart:params():copy_(tensor.cat({net:params():narrow(1, 1, 124), net[1].w:flatten(), net[5].b}, 1))
    local u = apart:trace(x, y)
    near(t.cost, u.cost, 1e-14)
    near(t[1].dw, u[1].dw + u[5].dw, 1e-14)
    local nabla_w = net:backprop(x, y)
    eq(nabla_w[5], nabla_w[1])
    net[5].w[{3, 2}] = 9
    eq(net[1].w[{3, 2}], 9.0)
    eq(net[5]:neuron(3).w, net[1].w[3])
end)

test("tied: files, copies, other dtypes", function()
    local net = nn.net(SMALL, F64)
    local x = words(2, 5, 3)
    for _, other in ipairs {saved(net), net:clone()} do
        eq(other(x), net(x))
        eq(other:notation(), SMALL)
        other[1].w = 0
        eq(other[5].w:abs():sum():item(), 0.0)
    end
    local out = net(x)
    net:to "f32"
    near(net(x), out, 1e-5)
    eq(net[5].w.dtype, "f32")
    local last = net[5]
    net = nil
    collectgarbage()
    eq(last.w.shape, {7, 4})
end)

test("tied: what rests keeps every bit", function()
    local x, y = words(4, 5, 4), words(4, 5, 5)
    for _, frozen in ipairs {1, 5} do
        local net = nn.net(SMALL, {seed = 3})
        local w, b = net[1].w:clone(), net[5].b:clone()
        net[frozen].frozen = true
        net:train(data.set {x = x, y = y},
                  {epochs = 2, batch = 2, optimizer = nn.adam {}, progress = false})
        eq(net[1].w:equal(w), frozen == 1)
        eq(net[5].b:equal(b), frozen == 5)
    end
end)

test("tied: names, and changes of the network", function()
    local net = nn.net(SMALL, F64)
    net[1].name = "words"
    eq(net:notation(), (SMALL:gsub("=e", "=words")))
    fails(function() net[1].name = "" end,
          "layer 5 takes the weight of layer 1 (words) by its name", true)
    fails(function() net:replace(1, nn.embedding {7, 4}) end,
          "tied=words: no layer before it has the name words", true)
    fails(function() net:replace(1, nn.embedding {8, 4, name = "words"}) end,
        "the weight of layer 1 (words) is 8x4; this layer needs 7x4; make it 8 units", true)
    eq(net:notation(), (SMALL:gsub("=e", "=words")))
    net:replace(1, nn.embedding {7, 4, name = "words"})
    eq(net[5].w, net[1].w)
    net:cut(5, 5)
    net:append(nn.dense {7, "linear", tied = "words"})
    eq(net[5].w, net[1].w)
    -- Outward through blocks, also to dense layers, and to one that is tied itself.
    local outward = nn.net("4 - 4 tanh name=a - residual[4 tanh tied=a name=inner - 4 tied=inner]", F64)
    eq(outward:count(), 16 + 3 * 4)
    eq(outward[2][2].w, outward[1].w)
    assert(outward:gradcheck(tensor.randn(3, 4, {dtype = "f64", seed = 1}), tensor.zeros(3, 4, F64)).ok)
    eq(nn.net {4, nn.dense {4, name = "a"}, nn.dense {4, tied = "a"}}:count(), 24)
    -- A name under which a tie would find another, nearer layer is refused, whoever gets it.
    local near = nn.net "4 - 4 name=a - residual[4 name=bb - 4 tied=a]"
    local before = near:notation()
    fails(function() near[1].name = "bb" end, "layer 2.2 takes a weight by its layer's name", true)
    fails(function() near[2][1].name = "a" end, "another layer would stand nearer", true)
    eq(near:notation(), before)
    near[1].name = "c"
    near[2][1].name = "a"
    eq(nn.net(near:notation())[2][2].w.shape[1], 4)
    assert(near:notation():find("tied=c", 1, true))
end)

test("tied: what it refuses", function()
    refused("4 - 3 name=a - 4 tied=b", "layer 2: tied=b: no layer before it has the name b")
    refused("4 - 4 tied=a - 4 name=a", "layer 1: tied=a: no layer before it has the name a")
    refused("4 - 3 name=a - 4 tied=a",
            "the weight of layer 1 (a) is 3x4; this layer needs 4x3; " ..
            "make it 3 units and give it 4 inputs")
    refused("4 - 3 name=a - 4 - 5 tied=a", "is 3x4; this layer needs 5x4; make it 3 units")
    refused("4 - 3 name=a - 3 tied=a", "is 3x4; this layer needs 3x3; give it 4 inputs, not 3")
    refused("1x3x3 - conv 3 2 name=a - flatten - 3 tied=a",
        "is 3x1x2x2; this layer needs 3x12; only a dense layer's or an embedding's fits")
    refused("4 - residual[4] name=a - 4 tied=a", "layer 1 (a) has no weight w to take")
    refused("4 - 4 name=a - net[4 tied=a]", "layer 2.1: tied=a: no layer before it has the name a")
    refused("*x4 - attention 2 name=a - 4 tied=a", "layer 1 (a) has no weight w to take")
end)

-- ---- the transformer ----

test("a transformer is one line, learns, and streams", function()
    local net = nn.net(TRANSFORMER, {seed = 1})
    eq(net:notation(), TRANSFORMER)
    eq(net:count(), 204289)
    local letters = {}
    for i = 1, 500 do letters[i] = i % 13 * 5 + 1 end
    local text = tensor(letters)
    local x = text:narrow(1, 1, 480):reshape(15, 32):to "i32"
    local y = text:narrow(1, 2, 480):reshape(15, 32):to "i32"
    local h = net:train(data.set {x = x, y = y},
                        {epochs = 12, batch = 5, optimizer = nn.adam {lr = 3e-3}, progress = false})
    assert(h.cost[12] < 0.1, h.cost[12])
    local s = net:stream()
    for t = 1, 20 do
        local p = s(x[1][t])
        if t > 3 then eq(p:argmax(), y[1][t]) end
    end
end)

spec.report()
