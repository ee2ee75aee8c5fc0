-- Optimizers, penalties, schedules and steps of several batches, as train and step are told them.
-- What the numbers must be is in the goldens; here is what follows from the rules alone.
package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data
local test, eq = spec.test, spec.eq

local function fails(message, f, ...)
    local given = table.pack(...)
    spec.fails(function() f(table.unpack(given, 1, given.n)) end, message, true)
end

local x, y = tensor.rand(40, 4, {seed = 1}), tensor.rand(40, 3, {seed = 2})

-- The network "4 - 5 - 3" after a few epochs in f64, and the history.
local function trained(options, before)
    local net = nn.net("4 - 5 tanh - 3", {dtype = "f64"})
    net:reset(7)
    if before then before(net) end
    local o = {epochs = 4, batch = 10, lr = 0.5, seed = 3, progress = false}
    for key, value in pairs(options) do o[key] = value end
    if type(o.optimizer) == "userdata" then o.lr = nil end
    return net, net:train(x:to "f64", y:to "f64", o)
end

local function apart(a, b) return (a:params() - b:params()):abs():max():item() end

local ALL = {"sgd", "adam", "adamw", "nadam", "rmsprop", "adagrad", "adadelta", "rprop", "quickprop"}

test("every optimizer leaves what is frozen or masked, and heeds a factor of 0", function()
    for _, name in ipairs(ALL) do
        for _, extra in ipairs {{}, {l2 = 5, l1 = 2, clip = 0.1},
            {clip = {value = 0.01}, accumulate = 2}} do
            local begun
            local options = {optimizer = name, lr = 0.05}
            if name ~= "adamw" then options.decay = 0.5 end
            for key, value in pairs(extra) do options[key] = value end
            local net = trained(options, function(n)
                n[1].frozen = true
                n[2]:neuron(2).factor = 0
                n[2].mask = {w = tensor {{1, 0, 1, 1, 1}, {1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}}}
                n.decay = true
                begun = n:clone()
            end)
            assert(net[1].w:equal(begun[1].w) and net[1].b:equal(begun[1].b), name)
            assert(net[2].w[2]:equal(begun[2].w[2]), name)
            eq(net[2].w[1][2], begun[2].w[1][2])
            assert(net[2].w[1][1] ~= begun[2].w[1][1] and net[2].w[3][2] ~= begun[2].w[3][2], name)
        end
    end
end)

test("a step of several batches is that of all their examples", function()
    for _, name in ipairs(ALL) do
        for _, size in ipairs {1, 4, 8} do
            local whole = trained {optimizer = name, lr = 0.02, batch = 16, l2 = 1, clip = 0.2}
            local parts = trained {optimizer = name, lr = 0.02, batch = size,
                accumulate = 16 // size, l2 = 1, clip = 0.2}
            assert(apart(whole, parts) < 1e-7, name)
        end
    end
    local weights = {}
    for i = 1, 40 do weights[i] = i % 7 end
    local whole = trained {batch = 16, weights = weights}
    local parts = trained {batch = 3, accumulate = 6, weights = weights}
    assert(apart(whole, parts) > 1e-9) -- 16 is not 18
    parts = trained {batch = 4, accumulate = 4, weights = weights}
    assert(apart(whole, parts) < 1e-12)
end)

test("a group's costs count as its batches do, and norms move by each batch", function()
    local _, h = trained {batch = 4, accumulate = 3, lr = 1e-9}
    local _, one = trained {batch = 40, lr = 1e-9}
    assert(math.abs(h.cost[1] - one.cost[1]) < 1e-6)
    local function figures(options)
        local net = nn.net("4 - batch_norm - 3", {dtype = "f64"})
        net:train(x:to "f64", y:to "f64", options)
        return net[1].mean
    end
    local o = {epochs = 1, batch = 10, lr = 1e-9, seed = 3, progress = false}
    local each = figures(o)
    o.accumulate = 4
    assert(figures(o):allclose(each, {rtol = 1e-9}))
end)

test("straight into the weights or through the gradient, penalties are the same", function()
    for _, o in ipairs {{l2 = 5}, {l1 = 3}, {decay = 0.3}, {l1 = 1, l2 = 2, decay = 0.1}} do
        local straight = trained(o)
        o.clip = 1e9
        local round = trained(o)
        assert(apart(straight, round) < 1e-13)
        assert(apart(straight, (trained {})) > 1e-5)
    end
end)

test("penalties leave biases alone unless a layer says otherwise", function()
    local function biases(decay)
        local net = nn.net("4 - 3 linear", {dtype = "f64"})
        net[1].w, net[1].b = 1, 1
        net[1].decay = decay
        net:step(tensor.zeros(2, 4, {dtype = "f64"}), tensor.ones(2, 3, {dtype = "f64"}),
            {lr = 0.5, l2 = 2})
        return net[1].w[1][1], net[1].b[1]
    end
    -- By hand: a is 1 as y is, so all that moves is by λ/n = 1 times the rate.
    local w, b = biases(nil)
    eq(w, 0.5)
    eq(b, 1)
    w, b = biases(true)
    eq(w, 0.5)
    eq(b, 0.5)
    w, b = biases(false)
    eq(w, 1)
    eq(b, 1)
end)

test("decay is a layer's, a copy's and a file's", function()
    local net = nn.net "4 - residual[4 - 4] - 3"
    eq(net[1].decay, nil)
    net[2].decay = false
    net[1].decay = true
    eq(net[1][1].decay, true)
    local path = os.tmpname()
    net:save(path)
    for _, other in ipairs {net:clone(), nn.load(path)} do
        eq(other[1][2].decay, true)
        eq(other[2].decay, false)
    end
    os.remove(path)
    fails("decay must be true", function() net[1].decay = 3 end)
    net.decay = nil
    eq(net[2].decay, nil)
end)

test("the gradient is cut to its norm, or number by number", function()
    local function moved(clip)
        local net = nn.net("2 - 2 linear", {dtype = "f64"})
        net[1].w, net[1].b = 0, 0
        net:step({{3, 4}}, {{-1, -1}}, {lr = 1, clip = clip})
        return net:params()
    end
    -- δ is 1 for both, so the gradient is 3 4 3 4 1 1.
    assert(moved(1e3):allclose(-tensor({3, 4, 3, 4, 1, 1}, {dtype = "f64"})))
    assert(math.abs(moved(0.5):norm():item() - 0.5) < 1e-12)
    assert(moved({value = 2}):allclose(-tensor({2, 2, 2, 2, 1, 1}, {dtype = "f64"})))
    fails("clip must be a number above 0, not -1", moved, -1)
    fails("clip must be a number above 0, not 0", moved, 0)
    fails("clip must be a number, of the whole gradient's length", moved, "much")
    fails("clip knows {value = 1} only, not 'norm'", moved, {norm = 1})
    fails("clip is an empty table", moved, {})
    fails("clip's value must be a number above 0", moved, {value = 0 / 0})
end)

test("decay of adamw is the run's", function()
    local a = trained {optimizer = "adamw", lr = 0.01, decay = 0.25}
    local b = trained {optimizer = "adam", lr = 0.01, decay = 0.25}
    eq(apart(a, b), 0)
    fails("decay beside adamw, which has its own", trained, {optimizer = nn.adamw {}, decay = 1})
    fails("decay must be a number from 0, not -1", trained, {decay = -1})
    fails("l2 must be a number from 0", trained, {l2 = 0 / 0})
    fails("accumulate must be a whole number from 1", trained, {accumulate = 0})
end)

test("reported costs are the data's alone", function()
    local _, plain = trained {epochs = 1, batch = 40}
    local _, with = trained {epochs = 1, batch = 40, l2 = 1000, l1 = 1000}
    eq(plain.cost[1], with.cost[1])
end)

test("a schedule may be a function of the epoch", function()
    local _, h = trained {schedule = function(epoch) return 1 / epoch end}
    for e = 1, 4 do eq(h.lr[e], 0.5 / e) end
    local asked = 0
    trained {schedule = function() asked = asked + 1; return 1 end}
    eq(asked, 4)
end)

test("a schedule that gives no rate stops the run with all it learned", function()
    for _, bad in ipairs {0 / 0, -1, 1 / 0} do
        local net = nn.net "4 - 3"
        fails("epoch 3, batch 1: the schedule gives", net.train, net, x, y, {progress = false,
            epochs = 5, schedule = function(e) return e < 3 and 1 or bad end})
        eq(net.history.epochs, 2)
    end
    fails("it must give a number, not nil", trained, {schedule = function() end})
    fails("mine", trained, {schedule = function() error "mine" end})
    fails("unknown schedule 'cosin'; did you mean 'cosine'", trained, {schedule = "cosin"})
    fails("unknown schedule behind a warmup 'warmup'", trained, {schedule = "warmup(then=warmup)"})
    fails("every must be a number from 1, not 0", trained, {schedule = "step(every=0)"})
    fails("factor must be a number above 0, at most 1", trained, {schedule = "step(factor=2)"})
    fails("schedule must be a word", trained, {schedule = 3})
end)

test("schedules go step by step where that is smooth", function()
    local rates = {}
    trained {epochs = 2, schedule = "warmup(epochs=1, then=cosine)",
        on_batch = function(e) rates[#rates + 1] = e.lr end}
    for i = 1, 4 do assert(math.abs(rates[i] - 0.5 * i / 4) < 1e-15) end
    for i = 0, 3 do
        assert(math.abs(rates[5 + i] - 0.25 * (1 + math.cos(math.pi * i / 4))) < 1e-15)
    end
end)

test("plateau looks at valid where there is one", function()
    local valid = data.set {x = x:to "f64", y = y:to "f64"}
    local _, h = trained {epochs = 6, lr = 1e-12, valid = valid,
        schedule = "plateau(patience=1, factor=0.5)"}
    -- The cost falls by less than 0.01 %, so every second epoch counts behind the first.
    for e, times in ipairs {0, 0, 0, 1, 1, 2} do eq(h.lr[e], 1e-12 * 0.5 ^ times) end
end)

spec.report()
