-- net:influence: against fresh runs of train, bit for bit, and against a run worked by hand.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local digits = data.digits()
local F64 = {dtype = "f64"}

local function copy(o, more)
    local all = {}
    for k, v in pairs(o) do all[k] = v end
    for k, v in pairs(more) do all[k] = v end
    return all
end

-- The test cost of a fresh run with example `left` (0: none) of weight 0.
local function fresh(net, set, test_set, o, seed, left, weights)
    local c = net:clone()
    if o.reset ~= false then c:reset(seed) end
    local w = {}
    for j = 1, #set do w[j] = j == left and 0 or weights and weights[j] or 1 end
    local run = copy(o, {seed = seed, weights = {examples = w}, progress = false})
    run.reset = nil
    c:train(set, run)
    return c:evaluate(test_set).cost
end

local function same_as_train(text, set, test_set, o, seeds, weights)
    local net = nn.net(text)
    local params, history = net:params():clone(), net.history
    local run = copy(o, {test = test_set, seed = seeds})
    if weights then run.weights = {examples = weights} end
    local found = net:influence(set, run)
    eq(#found, #set)
    for s, seed in ipairs(seeds) do
        local base = fresh(net, set, test_set, o, seed, 0, weights)
        for i = 1, #set do
            local without = fresh(net, set, test_set, o, seed, i, weights)
            eq(found.changes[s][i], without - base)
        end
    end
    assert(net:params():equal(params) and net.history == history)
    return found
end

test("the same bits as fresh runs of train", function()
    local set, held = digits.train:take(11), digits.test:take(30)
    for threads = 1, 3 do
        nabla.threads(threads)
        same_as_train("64 - 6 - 10", set, held, {epochs = 2, batch = 4, lr = 3.0}, {1, 2})
    end
    same_as_train("64 - 6 - 10", set, held, {epochs = 2, batch = 3, accumulate = 2, lr = 1.0}, {5})
    same_as_train("64 - 8 relu - batch_norm - dropout 0.2 - 10 softmax : cross_entropy", set, held,
        {epochs = 3, batch = 4, optimizer = "adam", schedule = "cosine", decay = 0.01}, {7})
    same_as_train("64 - 6 - 10", set, held, {epochs = 2, batch = 5, lr = 1.0, shuffle = false,
        reset = false, l2 = 0.1, momentum = 0.5}, {1})
    same_as_train("64 - 6 - 10", set, held, {epochs = 6, lr = 3.0, patience = 1,
        valid = digits.test:take(-20)}, {9})
    same_as_train("64 - 4 - 10", set, held, {epochs = 3, optimizer = "lbfgs"}, {1})
    same_as_train("64 - 6 - 10", set, held, {epochs = 2, lr = 1.0}, {1},
        {1, 2, 0.5, 1, 0, 1, 3, 1, 1, 1, 1})
end)

test("functions in Lua work in the copies", function()
    local half = nn.activation {name = "half_tanh", f = function(z) return (z / 2):tanh() end}
    local net = nn.net {64, nn.dense {5, half}, 10}
    local set, held = digits.train:take(6), digits.test:take(20)
    nabla.threads(2)
    local o = {epochs = 2, batch = 3, lr = 2.0}
    local found = net:influence(set, copy(o, {test = held, seed = 1}))
    eq(found.changes[1][4], fresh(net, set, held, o, 1, 4) - fresh(net, set, held, o, 1, 0))
end)

-- One batch an epoch, so that every run calls f as often; `whole` is how often the run with all
-- does.
test("an error of a function in a copy is raised here", function()
    local set, held = digits.train:take(6), digits.test:take(20)
    local calls, most = 0, math.huge
    local net = nn.net {64, nn.dense {5, function(z)
        calls = calls + 1
        if calls > most then error("call after " .. most, 0) end
        return z:tanh()
    end}, 10}
    local function count(examples)
        calls = 0
        net:influence(set, {epochs = 2, batch = 6, lr = 2.0, test = held, seed = 1,
            examples = examples})
        return calls
    end
    nabla.threads(1)
    local one, two = count {1}, count {1, 2}
    local whole = 2 * one - two
    nabla.threads(2)
    most = whole
    fails(function() count {1, 2, 3, 4} end, "call after " .. whole, true)
    most = one
    fails(function() count {1, 2, 3, 4, 5, 6} end, "failed in one process and not in another", true)
    fails(function() count {1, 2, 3, 4, 5, 6} end, "call after " .. one, true)
    fails(function() count {1, 2, 3, 4, 5, 6} end, "layer 1: ", true)
    most = math.huge
    eq(count {1, 2}, whole)
end)

-- 1 - 1 linear without bias: w = 0, C_x = ½ (w x - y)², one batch of both examples, one epoch,
-- η = ½. x = 1, y = 1: g = -1; x = 1, y = -1: g = 1; with both ∇C = 0, w stays 0; the test x = 1,
-- y = 1 costs ½, its slope v = -1. Without the first w = -½ and C = 9/8: 5/8 more; without the
-- second w = ½, C = 1/8: 3/8 less. First order: η (v g - v ∇C) / (2 - 1) = ½ and -½.
test("a run worked by hand, and its first-order estimate", function()
    local net = nn.net("1 - 1 linear bias=false", F64)
    net[1].w = tensor({{0}}, F64)
    local set = data.set {x = tensor({{1}, {1}}, F64), y = tensor({{1}, {-1}}, F64)}
    local held = data.set {x = tensor({{1}}, F64), y = tensor({{1}}, F64)}
    local found = net:influence(set,
        {test = held, seed = 1, epochs = 1, batch = 2, lr = 0.5, reset = false})
    eq(found.cost, 0.5)
    eq(found[1].change, 0.625)
    eq(found[2].change, -0.375)
    eq(found[1].estimate, 0.5)
    eq(found[2].estimate, -0.5)
    eq(found[1].spread, nil)
    eq(found.agreement, 1)
    eq(found.between, nil)
    eq(found.helped[1].example, 1)
    eq(found.harmed[1].example, 2)
end)

-- A batch of its own: without the example nothing is learned from it. w = 0, η = ½: the first step
-- to ½ (its g = -1), the second, with x = 1, y = -1 at w = ½, g = 1.5, to -¼. The test: x = 1,
-- y = 1. With both C = ½ (5/4)² = 25/32. Without the first w = -½, C = 9/8: 11/32 more; without the
-- second w = ½, C = 1/8: -21/32. v is of the epoch's beginning, w = 0: -1, so η v g = ½ and -¾.
test("batches of one example", function()
    local net = nn.net("1 - 1 linear bias=false", F64)
    net[1].w = tensor({{0}}, F64)
    local set = data.set {x = tensor({{1}, {1}}, F64), y = tensor({{1}, {-1}}, F64)}
    local held = data.set {x = tensor({{1}}, F64), y = tensor({{1}}, F64)}
    local found = net:influence(set, {test = held, seed = 1, epochs = 1, batch = 1, lr = 0.5,
        reset = false, shuffle = false})
    eq(found[1].change, 11 / 32)
    eq(found[2].change, -21 / 32)
    eq(found[1].estimate, 0.5)
    eq(found[2].estimate, -0.75)
end)

-- With a small step the first order is all: what the runs say is what the estimate must be,
-- whatever counts how often: steps of their own number, weights, batches that make one step, and
-- factors. w(lr) is analytic, so both differ by a share of the order of lr.
local function first_order(net, set, o)
    local found = net:influence(set, copy({test = set, seed = 1, epochs = 1, lr = 1e-5}, o))
    local most = 0
    for i = 1, #found do most = math.max(most, math.abs(found[i].change)) end
    assert(most > 0)
    for i = 1, #found do
        assert(math.abs(found[i].change - found[i].estimate) <= 1e-4 * most)
    end
end

test("the estimate where steps, weights, batches and factors count", function()
    local steps = data.set {
        x = {tensor.ones(1, 2), tensor.ones(9, 2) * 0.5, tensor.ones(3, 2) * -1},
        y = {tensor.zeros(1, 1), tensor.zeros(9, 1), tensor.zeros(3, 1)}}
    local function net() return nn.net("*x2 - 3 tanh - 1", {seed = 1, dtype = "f64"}) end
    first_order(net(), steps, {batch = 3})
    first_order(net(), steps, {batch = 3, weights = {examples = {1, 2, 0.5}}})
    first_order(net(), steps, {batch = 2, accumulate = 2, weights = {examples = {1, 2, 0.5}}})
    local own = net()
    own[1].factor = 3
    own[1]:neuron(2).factor = 0.25
    own[2]:neuron(1).frozen = true
    first_order(own, steps, {batch = 3})
    local x, y = tensor.randn(7, 3, {seed = 5, dtype = "f64"}), tensor.rand(7, 2, {seed = 6})
    local flat = nn.net("3 - 4 tanh - 2", {seed = 2, dtype = "f64"})
    first_order(flat, data.set {x = x, y = y}, {batch = 2, accumulate = 2})
end)

test("a run that diverges says where and what may help", function()
    local set = data.set {x = tensor.randn(6, 4, {seed = 1}), y = tensor.rand(6, 2, {seed = 2})}
    local net = nn.net("4 - 30 relu - 30 relu - 2 linear", {seed = 1})
    local function refused(o, text)
        fails(function() net:influence(set, copy({test = set, seed = 1}, o)) end, text, true)
    end
    refused({epochs = 1, lr = 1e15}, "seed 1: the run ends at a test cost of ")
    refused({epochs = 1, lr = 1e15}, "a smaller lr than 1e+15 may help")
    refused({epochs = 10, lr = 3}, "epoch ")
    refused({epochs = 10, lr = 3}, "a smaller lr than 3 may help")
end)

-- One step from w = 0, x = 1, y = -1 with lr = 1e30: w = -1e30, which answers 1e300 by -inf: an
-- infinite cost. With z + (z - z) behind it, which is z for what is finite, that is NaN.
test("a test cost that is infinite, and one that is no number", function()
    local set = data.set {x = tensor({{1}, {1}}, F64), y = tensor({{-1}, {-1}}, F64)}
    local held = data.set {x = tensor({{1e300}}, F64), y = tensor({{0}}, F64)}
    local linear = nn.dense {1, "linear", bias = false}
    local same = nn.fn(function(z) return z + (z - z) end)
    for word, net in pairs {inf = nn.net({1, linear}, F64), nan = nn.net({1, linear:clone(), same}, F64)} do
        net[1].w = 0
        fails(function()
            net:influence(set,
                          {test = held, seed = 1, epochs = 1, batch = 2, lr = 1e30, reset = false})
        end, "the run ends at a test cost of " .. word .. "; a", true)
    end
end)

test("some examples, several seeds and what they say together", function()
    local set, held = digits.train:take(20), digits.test:take(30)
    local net = nn.net "64 - 5 - 10"
    local o = {test = held, seed = {1, 2, 3}, epochs = 2, lr = 3.0}
    local all = net:influence(set, o)
    local some = net:influence(set, copy(o, {examples = {17, 3}}))
    eq(#some, 2)
    eq(some[1].example, 17)
    eq(some[2].example, 3)
    eq(some[1].change, all[17].change)
    eq(some[2].estimate, all[3].estimate)
    eq(some[2].class, set[3].y)
    local sum, squares = 0, 0
    for s = 1, 3 do sum = sum + all.changes[s][5] end
    for s = 1, 3 do squares = squares + (all.changes[s][5] - sum / 3) ^ 2 end
    assert(math.abs(all[5].change - sum / 3) <= 1e-15)
    assert(math.abs(all[5].spread - math.sqrt(squares / 2)) <= 1e-15)
    assert(all.between >= -1 and all.between <= 1)
    assert(tostring(all):find("between two seeds", 1, true))
    assert(tostring(all[5]):find("example", 1, true))
end)

test("what it refuses", function()
    local set, held = digits.train:take(5), digits.test:take(5)
    local net = nn.net "64 - 10"
    local function refused(o, text) fails(function() net:influence(set, o) end, text, true) end
    refused({test = held}, "runs need a seed")
    refused({seed = 1}, "net:influence: influence is on a test cost")
    refused({test = held, seed = {}}, "seed must be a number or a list")
    refused({test = held, seed = -1}, "seed must be a whole number from 0, not -1")
    refused({test = held, seed = 1.5}, "seed must be a whole number")
    refused({test = held, seed = 1, examples = {1, 6}},
        "examples holds 6; the set has examples 1 to 5")
    refused({test = held, seed = 1, examples = {0}}, "examples holds 0")
    refused({test = held, seed = 1, examples = {2, 2}}, "examples holds 2 twice")
    refused({test = held, seed = 1, examples = {}}, "examples must be")
    refused({test = held, seed = 1, epoch = 3}, "did you mean 'epochs'?")
    refused({test = 5, seed = 1}, "test must be a data set")
    refused({test = held, seed = 1, schedule = function() return 1 end}, "schedule must be a word")
    refused({test = held, seed = 1, weights = {classes = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}}},
        "weights must hold a number for each of the 5 examples")
    local straight = nn.net "64 - 10 linear"
    fails(function() straight:influence(set, {test = held, seed = 1, lr = 1e30}) end, "seed 1: ",
        true)
    refused({test = held, seed = {3, 1, 3}}, "seed holds 3 twice")
    local many = {}
    for i = 1, 1001 do many[i] = i end
    refused({test = held, seed = many}, "a list of 1 to 1000 of them, not of 1001")
    fails(function() net:influence(digits.train:take(1), {test = held, seed = 1}) end,
        "nothing left without it", true)
    fails(function() net:influence(set, {test = held, seed = 1}, 1) end, "too many", true)
end)

spec.report()
