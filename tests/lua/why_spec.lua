-- net:why: the factors of a gradient worked out by hand, what is said of them, and what is refused.
package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near = spec.test, spec.eq, spec.near
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local function fails(part, f, ...)
    local ok, message = pcall(f, ...)
    assert(not ok, "not refused")
    if not tostring(message):find(part, 1, true) then
        error(("%s: no %q"):format(message, part), 2)
    end
end

local F64 <const> = {dtype = "f64"}
local L <const> = math.log(3) -- σ(L) = 3/4, σ′(L) = 3/16; σ(0) = 1/2, σ′(0) = 1/4

local function sigma(z) return 1 / (1 + math.exp(-z)) end

local function cure(why, change)
    for _, c in ipairs(why.cures) do
        if c.change == change then return c end
    end
end

-- 1-1-1, two examples: x = 1 gives z = L, a = 3/4, then z = 4 L 3/4 - 2 L = L; x = 0 gives z = 0,
-- a = 1/2, then z = 0. With y = 1/4 and 1, a - y is 1/2 and -1/2.
local X <const>, Y <const> = tensor({{1}, {0}}, F64), tensor({{0.25}, {1}}, F64)

local function one()
    local net = nn.net("1 - 1 - 1", F64)
    net[1].w, net[1].b, net[2].w, net[2].b = L, 0, 4 * L, -2 * L
    return net
end

-- |∂C/∂w| of the first layer of such a network, written down again. f: its activation and slope;
-- cross: δ of the output is a - y.
local function gradient(w, b, f, cross)
    local sum = 0
    for i, x in ipairs {1, 0} do
        local y = i == 1 and 0.25 or 1
        local a, s = f(w * x + b)
        local out = sigma(4 * L * a - 2 * L)
        local delta = (out - y) * (cross and 1 or out * (1 - out))
        sum = sum + x * 4 * L * delta * s
    end
    return math.abs(sum / 2)
end

local function logistic(z) return sigma(z), sigma(z) * (1 - sigma(z)) end

test("1-1-1, the output: a {3/4, 1/2}, d {1/2, -1/2}, s {3/16, 1/4}", function()
    -- t = {9/128, -8/128}: mean 1/256, mean size 17/256. A D S = √(13/32) ½ 5/(16√2) = 5√13/256.
    local why = one():why(2, 1, X, Y)
    near(why.inputs, math.sqrt(13 / 32), 1e-15)
    near(why.demand, 1 / 2, 1e-15)
    near(why.slope, 5 / (16 * math.sqrt(2)), 1e-15)
    near(why.coincidence, 17 / (5 * math.sqrt(13)), 1e-14)
    near(why.agreement, 1 / 17, 1e-14)
    near(why.size, 1 / 256, 1e-16)
    eq(why.places, 1)
    eq(why.smallest, "agreement")
    eq(why.saturated, 0)
    assert(tostring(why):find("agreement +0%.06 +examples cancel   ← this"), tostring(why))
    -- A neuron alone in its layer is its own median.
    for _, name in ipairs {"inputs", "demand", "slope", "coincidence", "agreement", "size"} do
        eq(why.median[name], why[name])
    end
end)

test("1-1-1, below it: d = w δ = {3L/8, -L/2}, and the second example brings nothing", function()
    -- t = {9L/128, 0}. A = 1/√2, D = 5L/(8√2), S = 5/(16√2), mean size 9L/256: K = 9√2/25.
    local why = one():why(1, 1, X, Y)
    near(why.inputs, 1 / math.sqrt(2), 1e-15)
    near(why.demand, 5 * L / (8 * math.sqrt(2)), 1e-15)
    near(why.slope, 5 / (16 * math.sqrt(2)), 1e-15)
    near(why.coincidence, 9 * math.sqrt(2) / 25, 1e-14)
    near(why.agreement, 1, 1e-14)
    near(why.size, 9 * L / 256, 1e-16)
    eq(why.smallest, "slope")
end)

test("1-1-1: every cure is what the formulas give for the changed network", function()
    local why = one():why(1, 1, X, Y)
    local relu = function(z) return math.max(z, 0), z > 0 and 1 or 0 end
    eq(#why.cures, 4)
    local a, c, b, w = cure(why, "activation"), cure(why, "cost"), cure(why, "bias"), cure(why, "weights")
    eq(a.to, "relu")
    near(a.size, gradient(L, 0, relu), 1e-14)
    -- With cross-entropy δ is {1/2, -1/2}: t = {2L 3/16, 0}, 3L/16 in the mean, 16/3 times as much.
    eq(c.to, "cross_entropy")
    near(c.size, 3 * L / 16, 1e-15)
    near(c.factor, 16 / 3, 1e-13)
    -- The mean of z is L/2; z is then ±L/2.
    near(b.by, -L / 2, 1e-15)
    near(b.size, gradient(L, -L / 2, logistic), 1e-15)
    -- lecun draws numbers of mean square 1 for one input: w becomes 1.
    eq(w.to, "lecun")
    near(w.by, 1 / L, 1e-15)
    near(w.size, gradient(1, 0, logistic), 1e-15)
    near(w.factor, gradient(1, 0, logistic) / why.size, 1e-13)
end)

test("1-1-1: weights of examples stand in the terms, over their mean", function()
    -- 3 and 1: t = {3/2 9/128, -1/2 8/128}, mean 19/512; and so does the median's.
    local why = one():why(2, 1, X, Y, {weights = {examples = {3, 1}}})
    near(why.size, (27 - 8) / 512, 1e-16)
    near(why.demand, math.sqrt((9 / 16 + 1 / 16) / 2), 1e-15)
    near(why.agreement, 19 / 35, 1e-14)
end)

-- 2-2-1: x {1, 0} gives z {1, 1}, x {0, 2} gives {2, -2}; the first neuron is linear, the second
-- relu. The output, linear with w {1, 3}, is 4 and 2; y 3 and 0: δ = {1, 2}.
local X2 <const>, Y2 <const> = tensor({{1, 0}, {0, 2}}, F64), tensor({{3}, {0}}, F64)

local function two()
    local net = nn.net("2 - 2 linear relu@2 init=lecun - 1 linear", F64)
    net[1].w, net[1].b = tensor {{1, 1}, {1, -1}}, 0
    net[2].w, net[2].b = tensor {{1, 3}}, 0
    return net
end

test("2-2-1, the linear neuron: its terms are vectors, {1, 0} and {0, 4}", function()
    -- |a| {1, 2}, d {1, 2}, s 1: A = D = √(5/2), K = 1; mean {1/2, 2}, mean size 5/2.
    local why = two():why(1, 1, X2, Y2)
    near(why.inputs, math.sqrt(5 / 2), 1e-15)
    near(why.demand, math.sqrt(5 / 2), 1e-15)
    eq(why.slope, 1)
    near(why.coincidence, 1, 1e-15)
    near(why.agreement, math.sqrt(17) / 5, 1e-15)
    near(why.size, math.sqrt(17) / 2, 1e-15)
    eq(why.dead, 0)
    eq(cure(why, "activation"), nil) -- nothing flattens less
    eq(cure(why, "cost"), nil)       -- cross-entropy does not take a linear output
end)

test("2-2-1, the relu: d {3, 6}, s {1, 0}, so one term {3, 0}; and the layer's medians", function()
    -- D = 3 √(5/2), S = 1/√2, mean size 3/2: K = √2/5, X = 1.
    local why = two():why(1, 2, X2, Y2)
    near(why.demand, 3 * math.sqrt(5 / 2), 1e-14)
    near(why.slope, 1 / math.sqrt(2), 1e-15)
    near(why.coincidence, math.sqrt(2) / 5, 1e-15)
    near(why.agreement, 1, 1e-15)
    near(why.size, 3 / 2, 1e-15)
    eq(why.saturated, 0.5)
    eq(why.dead, 0.5)
    near(why.median.demand, 2 * math.sqrt(5 / 2), 1e-14)
    near(why.median.slope, (1 + 1 / math.sqrt(2)) / 2, 1e-15)
    near(why.median.coincidence, (1 + math.sqrt(2) / 5) / 2, 1e-15)
    near(why.median.agreement, (math.sqrt(17) / 5 + 1) / 2, 1e-15)
    near(why.median.size, (math.sqrt(17) + 3) / 4, 1e-15)
    -- Beside these: 1.5, 0.83, 0.44, 1.10; and 1.12 per input.
    eq(why.smallest, "coincidence")
    local text = tostring(why)
    assert(text:find("neuron 2 of layer 1 (relu): its weights move at 0.84 of the layer's median",
                     1, true), text)
    assert(text:find("1.12 per input           awake", 1, true), text)
    assert(text:find("×1.50 of its neighbours", 1, true), text)
    assert(text:find("×0.83 of its neighbours  dead on 50 % of the examples", 1, true), text)
    assert(text:find("×0.44                    never together   ← this", 1, true), text)
end)

test("a neuron as fast as its neighbours, or faster, has nothing to blame", function()
    local net = nn.net "2 - 3 relu - 1 linear"
    net[1].w, net[1].b, net[2].w, net[2].b = 0.5, 1, 1, 0
    local text = tostring(net:why(1, 2, X2, Y2))
    assert(text:find("its weights move at 1.00 of the layer's median", 1, true), text)
    assert(not text:find("this", 1, true) and not text:find("never", 1, true), text)
    -- √17 / 2 beside a median of (√17 + 3) / 4.
    text = tostring(two():why(1, 1, X2, Y2))
    assert(text:find("its weights move at 1.16 times the layer's median", 1, true), text)
end)

test("2-2-1, the relu's cures", function()
    local why = two():why(1, 2, X2, Y2)
    local a, b, w = cure(why, "activation"), cure(why, "bias"), cure(why, "weights")
    -- leaky_relu gives -0.02 for the second: d {3, 3 1.94}, s {1, 0.01}.
    eq(a.to, "leaky_relu")
    near(a.size, math.sqrt(9 + (2 * 3 * 1.94 * 0.01) ^ 2) / 2, 1e-14)
    -- Mean z -1/2: z {1.5, -1.5}, outputs 5.5 and 2, so d {7.5, 6}: t = {7.5, 0}.
    eq(b.by, 0.5)
    near(b.size, 3.75, 1e-15)
    near(b.factor, 2.5, 1e-15)
    -- Mean square 1/2 for two inputs: w {1, -1}/√2, the first output 1 + 3/√2, d = 3 (3/√2 - 2).
    near(w.by, 1 / math.sqrt(2), 1e-15)
    near(w.size, 1.5 * (3 / math.sqrt(2) - 2), 1e-14)
end)

test("2-2-1, one weight: a {0, 2}, d {1, 2}, s 1", function()
    -- t = {0, 4}: A = √2, D = √(5/2), K = 2/√5, X = 1.
    local why = two():why(1, 1, 2, X2, Y2)
    near(why.inputs, math.sqrt(2), 1e-15)
    near(why.coincidence, 2 / math.sqrt(5), 1e-15)
    eq(why.agreement, 1)
    eq(why.size, 2)
    -- The inputs' A: 1/√2 and √2. The weights' sizes: 1/2, 2; 3/2, 0.
    near(why.median.inputs, 3 / (2 * math.sqrt(2)), 1e-15)
    near(why.median.size, 1, 1e-15)
    near(why.median.demand, 2 * math.sqrt(5 / 2), 1e-14)
    -- The quiet one of a pair: ×0.67 of them.
    assert(tostring(two():why(1, 1, 1, X2, Y2)):find("×0.67 of the others", 1, true))
    -- Nothing is 0 / 0 where a weight has no term at all.
    local none = two():why(1, 2, 2, X2, Y2)
    eq(none.size, 0)
    eq(none.coincidence, 0)
    eq(none.agreement, 1)
end)

test("nothing asked from above, and a neuron that is dead everywhere", function()
    local net = two()
    net[2].w = 0
    local why = net:why(1, 1, X2, Y2)
    eq(why.demand, 0)
    eq(why.size, 0)
    eq(why.coincidence, 1) -- nothing to blame there
    eq(why.agreement, 1)
    eq(why.smallest, "demand")
    assert(tostring(why):find("its weights do not move at all", 1, true))
    assert(tostring(why):find("no demand   ← this", 1, true))
    net = two()
    net[1].b = tensor {0, -9}
    local dead = net:why(1, 2, X2, Y2)
    eq(dead.dead, 1)
    eq(dead.size, 0)
    eq(dead.smallest, "slope")
    -- 80 columns do not hold "of the examples" as well.
    assert(tostring(dead):find("×0.00 of its neighbours  dead on 100 %   ← this", 1, true))
    -- It would wake where its bias were moved by 19/2: z {1.5, -1.5} as above.
    eq(cure(dead, "bias").by, 9.5)
    eq(cure(dead, "bias").factor, math.huge)
    -- Two of three dead: the median is 0, and the third moves.
    local three = nn.net("2 - 3 linear relu@2 relu@3 - 1 linear", F64)
    three[1].w, three[1].b, three[2].w = 1, tensor {0, -9, -9}, 1
    assert(tostring(three:why(1, 1, X2, Y2)):find("its weights move, the layer's median is 0", 1, true))
end)

-- Both neurons are alike, so all other factors are their medians; their input is the same, c.
test("inputs that neighbours share are marked where they are quiet for all", function()
    local net = nn.net("1 - 2 linear - 1 linear", F64)
    net[1].w, net[1].b, net[2].w, net[2].b = 1, 0, 1, 0
    for c, wanted in pairs {[0.26] = "demand", [0.24] = "inputs"} do
        local why = net:why(1, 2, tensor({{c}, {-c}}, F64), tensor({{3}, {1}}, F64))
        near(why.inputs, c, 1e-15)
        eq(why.smallest, wanted)
        -- A weight's is held against the others of its neuron, a neuron alone has no neighbours.
        eq(net:why(1, 2, 1, tensor({{c}, {-c}}, F64), tensor({{3}, {1}}, F64)).smallest, "inputs")
    end
    local alone = nn.net("1 - 1 linear", F64)
    alone[1].w, alone[1].b = 0, 0
    eq(alone:why(1, 1, tensor({{0.9}}, F64), tensor({{3}}, F64)).smallest, "inputs")
end)

test("a fused cost goes on from z: d = a - y and S = 1", function()
    local net = nn.net("1 - 1 : cross_entropy", F64)
    net[1].w, net[1].b = L, 0
    local why = net:why(1, 1, X, Y) -- a - y {1/2, -1/2}
    eq(why.slope, 1)
    near(why.demand, 1 / 2, 1e-15)
    near(why.size, 1 / 4, 1e-15)
    eq(why.saturated, 0)
end)

-- The same gradient as backpropagation's, without the mean's 1/n, times P.
local function agrees(net, l, k, set, dw)
    local why = net:why(l, k, set)
    local product = why.places * why.inputs * why.demand * why.slope * why.coincidence * why.agreement
    near(product, why.size, 1e-14 * (1 + why.size))
    near(why.size, dw:norm():item(), 1e-5 * why.size)
    return why
end

test("a set larger than a piece is one set", function()
    local x = tensor.rand(20000, 2, {seed = 1})
    local set = data.set {x = x, y = x:sum(2, {keep = true}) / 2}
    local net = nn.net("2 - 3 - 1", {dtype = "f64", seed = 2})
    agrees(net, 1, 2, set, net:trace(set)[1].dw[2])
end)

test("sequences of different lengths, gates by name, places", function()
    local net = nn.net("*x2 - lstm 3 layers=2 both - 2", {dtype = "f64", seed = 3})
    local x = {tensor.randn(4, 2, {seed = 1}), tensor.randn(2, 2, {seed = 2})}
    local y = {tensor.rand(4, 2, {seed = 3}), tensor.rand(2, 2, {seed = 4})}
    local set = data.set {x = x, y = y}
    local t = net:trace(set)
    -- Gates stand i f g o; the second layer sees both directions.
    local row = tensor.cat({t[1].dwx_2_back[6], t[1].dwh_2_back[6]}, 1)
    local why = agrees(net, 1, "forget_2_back 3", set, row)
    eq(why.places, 3) -- 4 and 2 steps
    eq(net:why(2, 1, set).places, 3)
    assert(tostring(why):find("places +P +3%.00 in an example"), tostring(why))
    fails("neurons have names: input 1…3, forget 1…3", net.why, net, 1, 2, set)
    fails('has no neuron "forget 4"; it has input 1…3', net.why, net, 1, "forget 4", set)
    fails('a name and a number as in "forget 7"', net.why, net, 1, "forget", set)
    fails('has no neuron "forget 1"; its neurons go by numbers, 1…2',
          net.why, net, 2, "forget 1", set)
end)

test("space, words, attention, shared and tied layers", function()
    local space = nn.net("1x4x4 - conv 2 3 - flatten - 2", {dtype = "f64", seed = 1})
    local set = data.set {x = tensor.randn(5, 1, 4, 4, {seed = 1}), y = tensor.rand(5, 2, {seed = 2})}
    eq(agrees(space, 1, 2, set, space:trace(set)[1].dw[2]).places, 4)
    local words = nn.net("* - embedding 5 4 - attention 2 - 3 : mse", {dtype = "f64", seed = 1})
    local said = data.set {x = tensor({{1, 5, 2}, {3, 3, 4}}), y = tensor.rand(2, 3, 3, {seed = 2})}
    agrees(words, 2, "value 2", said, words:trace(said)[2].dwv[2])
    fails("layer 1 is embedding, which computes no z = w a + b; those that do: 2, 3",
          words.why, words, 1, 1, said)
    local shared = nn.net("2 - 2 tanh name=h - @h - 2", {dtype = "f64", seed = 1})
    local pair = data.set {x = tensor.randn(3, 2, {seed = 1}), y = tensor.rand(3, 2, {seed = 2})}
    eq(agrees(shared, "h", 1, pair, shared:trace(pair)[1].dw[1]).places, 2)
    local only = nn.net("* - embedding 5 4 : mse", {dtype = "f64", seed = 1})
    fails("layer 1 is embedding, which computes no z = w a + b; no layer here does", only.why, only, 1, 1,
        data.set {x = tensor({{1, 2}}), y = tensor.rand(1, 2, 4)})
end)

-- ∂C/∂w of a table E whose rows are words, and weights further on: z = E a, a = E[x]. The layer's
-- own part is Σ δ aᵀ over the steps, the words' part adds ∂C/∂a of each step to the row of its
-- word; both together are what the trace shows.
test("a dense layer tied to an embedding has its own part of the gradient", function()
    local net = nn.net("* - embedding 5 4 name=e - 5 tanh tied=e - 2 : mse",
                       {dtype = "f64", seed = 1})
    local x = tensor({{1, 5, 2}, {3, 5, 4}})
    local set = data.set {x = x, y = tensor.rand(2, 3, 2, {seed = 2})}
    local t = net:trace(set)
    local delta, a = t[2].delta:reshape(6, 5), t[1].a:reshape(6, 4)
    local own, words = delta:t():matmul(a), tensor.zeros(5, 4, {dtype = "f64"})
    local demand, word = t[1].delta:reshape(6, 4), x:reshape(6)
    for i = 1, 6 do
        local k = math.tointeger(word[i])
        words[k] = words[k] + demand[i]
    end
    assert((own + words):allclose(t[1].dw, {rtol = 1e-12, atol = 1e-15}))
    for k = 1, 5 do
        local why = agrees(net, 2, k, set, own[k])
        eq(why.places, 3)
        eq(why.shared, "layer 1 (e)")
        near(net:why(2, k, 3, set).size, math.abs(own[{k, 3}]), 1e-15)
    end
    local text = tostring(net:why(2, 5, set))
    assert(text:find("neuron 5 of layer 2 (tanh): its own part moves at ", 1, true), text)
    assert(text:find("shared       w     with layer 1 (e): what that does to it is left out", 1, true), text)
    eq(net:why(3, 1, set).shared, nil)
    fails("layer 1 (e) is embedding, which computes no z = w a + b; those that do: 2, 3", net.why, net, 1,
        1, set)
end)

test("Lua's own activations and costs, softmax beside them", function()
    local f = nn.activation {name = "cube", f = function(z) return z * z * z end}
    local net = nn.net({2, nn.dense {3, f}, 2, cost = function(a, y) return ((a - y) ^ 2):mean() end},
        {dtype = "f64", seed = 1})
    local set = data.set {x = tensor.randn(6, 2, {seed = 1}), y = tensor.rand(6, 2, {seed = 2})}
    agrees(net, 1, 3, set, net:trace(set)[1].dw[3])
    local mixed = nn.net("2 - 3 softmax - 2 softmax : mse", {dtype = "f64", seed = 1})
    agrees(mixed, 1, 3, set, mixed:trace(set)[1].dw[3])
end)

test("nothing in the network changes: parameters, gradients, figures, chance", function()
    local net = nn.net("2 - 3 tanh - batch_norm - dropout 0.5 - 1", {seed = 4})
    local set = data.set {x = tensor.randn(8, 2, {seed = 1}), y = tensor.rand(8, 1, {seed = 2})}
    net:train(set, {epochs = 2, batch = 4, seed = 1, progress = false})
    net:backprop(set)
    local p, g, m = net:params():clone(), net:grads():clone(), net[2].mean:clone()
    nabla.seed(7)
    local wanted = tensor.rand(3)
    nabla.seed(7)
    net:why(1, 2, set)
    pcall(net.why, net, 1, 9, set)
    assert(tensor.rand(3):equal(wanted))
    assert(net:params():equal(p) and net:grads():equal(g) and net[2].mean:equal(m))
    eq(tostring(net[1].activation), "tanh")
end)

-- How many columns the longest line takes.
local function widest(text)
    local most = 0
    for line in text:gmatch "[^\n]+" do most = math.max(most, utf8.len(line)) end
    return most
end

test("the slope's words: small is not yet saturated, and no line is wider than 80", function()
    -- Both neurons see 1 and are asked for the same: the first at z = 0 with the slope 1/4, the
    -- second at z = 3 with 0.045, which is above 0.01.
    local net = nn.net("1 - 2 sigmoid - 1 linear", F64)
    net[1].w, net[1].b, net[2].w, net[2].b = tensor {{0}, {3}}, 0, tensor {{1, 1}}, 0
    local small = net:why(1, 2, {1}, {0})
    eq(small.smallest, "slope")
    eq(small.saturated, 0)
    assert(tostring(small):find("neighbours  small slope   ← this", 1, true), tostring(small))
    assert(not tostring(small):find("saturated", 1, true))
    -- At z = 20 it is 2e-9: ×1.6e-08 of the median (1/4 + 2e-9)/2, which is wider than the column.
    net[1].w = tensor {{0}, {20}}
    local flat = tostring(net:why(1, 2, {1}, {0}))
    assert(flat:find("×1.6e-08 of its neighbours  saturated on 100 %   ← this", 1, true), flat)
    -- 299 of 300 at z = 20: 99.67 %.
    local x = tensor.ones(300, 1)
    x[1] = 0
    local nearly = tostring(net:why(1, 2, x, tensor.zeros(300, 1)))
    assert(nearly:find("neighbours  saturated on 99.7 %\n", 1, true), nearly)
    for _, text in ipairs {tostring(small), flat, nearly} do assert(widest(text) <= 80, text) end
end)

test("what cannot be asked, and how it is said", function()
    local net = nn.net("2 - 3 - dropout 0.5 - 1")
    local x, y = tensor.ones(2, 2), tensor.ones(2, 1)
    fails("there is no layer 9; there are 3", net.why, net, 9, 1, x, y)
    fails("layer 1 has no neuron 4; it has 3", net.why, net, 1, 4, x, y)
    fails("layer 1 has no neuron -4; it has 3", net.why, net, 1, -4, x, y)
    fails("there is no neuron 0; counting starts at 1", net.why, net, 1, 0, x, y)
    fails("there is no input 3; there are 2", net.why, net, 1, 1, 3, x, y)
    fails("layer 2 is dropout, which computes no z = w a + b; those that do: 1, 3",
          net.why, net, 2, 1, x, y)
    fails("x is missing", net.why, net, 1, 1)
    fails("y is missing", net.why, net, 1, 1, x)
    fails("x holds no examples", net.why, net, 1, 1, tensor.ones(0, 2), tensor.ones(0, 1))
    fails("one argument too many", net.why, net, 1, 1, x, y, {}, 3)
    fails("did you mean 'weights'", net.why, net, 1, 1, x, y, {weight = {1, 2}})
    -- What stands where j does is not taken for x.
    local set = data.set {x = x, y = y}
    for _, j in ipairs {true, {}, "1", {1, 2}} do
        fails("net:why: input j must be a whole number", net.why, net, 1, 1, j, set)
    end
    fails("input j must be a whole number, not true", net.why, net, 1, 1, true, x, y)
    fails("input j must be a whole number, not 1.5", net.why, net, 1, 1, 1.5, x, y)
    eq(net:why(1, 1, {1, 2}, {1}).size, net:why(1, 1, {{1, 2}}, {{1}}, {weights = {3}}).size)
    fails("net:why: weights must be numbers in a table or a tensor, one for each class or each example, "
        .. "not 'x'", net.why, net, 1, 1, 1, x, y, {weights = "x"})
    fails("net:train: weights must be numbers in a table or a tensor, one for each class or each "
        .. "example, not 'x'", net.train, net, set, {weights = "x", epochs = 1})
    local broken = net:clone()
    broken[3].w[1][2] = 0 / 0
    fails("net:why: the cost is nan: layer 3: w[1][2] is nan", broken.why, broken, 1, 1, x, y)
    eq(net:why(1, -1, x, y).size, net:why(1, 3, x, y).size)
    local steps = nn.net("*x3 - rnn 2 - 1", {seed = 1})
    local sx, sy = tensor.randn(2, 3, 3, {seed = 1}), tensor.ones(2, 3, 1)
    eq(steps:why(1, -1, sx, sy).size, steps:why(1, 2, sx, sy).size)
    fails("layer 1 has no neuron 3; it has 2", steps.why, steps, 1, 3, sx, sy)
    eq(net:why(net[1], 1, x, y).size, net:why("1", 1, x, y).size)
end)

spec.report()
