-- What net:diagnose measures, by layer, of sets and of runs, against values worked out by hand; the
-- Lua that its cures are written in; how a diagnosis prints itself.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local diagnosed = require "diagnosed"
local test, eq = diagnosed.test, spec.eq
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data
local close, cured, found = diagnosed.close, diagnosed.cured, diagnosed.found
local plane = diagnosed.plane

local curve = require "nabla.diagnose.curve"
local figures = require "nabla.diagnose.figures"
local layout = require "nabla.diagnose.layout"
local looks = require "nabla.diagnose.looks"
local print_of = require "nabla.diagnose.print"
local words = require "nabla.diagnose.words"

local TWO <const> = "2 - 8 tanh - 2 softmax : cross_entropy"

-- ---- Figures ----

-- x is (1,0) (0,1) (-1,0) (0,-1), w₁ the identity, w₂ = (3, 4), y = 0, no biases. Outputs are
-- (3, 4, -3, -4) and δ₂ a quarter of them; δ₁ = w₂ᵀδ₂, so its size is ‖w₂‖ = 5 times that. dw₂ =
-- Σ δ₂ a₁ = (1.5, 2), 2.5 long, half of ‖w₂‖; dw₁ = w₂ᵀ(1.5, 2), 12.5 long beside ‖w₁‖ = √2. The
-- activations go out alike in two directions. A step of lr 0.1 moves w₂ by 0.25 of 5.
local function crossed()
    local net = nn.net("2 - 2 linear - 1 linear : quadratic", {dtype = "f64", seed = 1})
    net:params():fill_(0)
    net[1].w = {{1, 0}, {0, 1}}
    net[2].w = {{3, 4}}
    return net, data.set {x = tensor {{1, 0}, {0, 1}, {-1, 0}, {0, -1}}, y = tensor.zeros(4, 1)}
end

test("figures by layer are those of the equations", function()
    local net, set = crossed()
    local case = figures.of(net, set, {epochs = 1, batch = 4, lr = 0.1}, {test = set})
    local first, last = case.start[1], case.start[2]
    close(first.ratio, 5)
    close(first.relative, 12.5 / math.sqrt(2))
    close(last.relative, 0.5)
    close(last.update, 0.1 * 2.5 / 5)
    close(first.rank, 2)
    close(last.rank, 1)
    close(first.width, 1)
    close(last.width, 5)
    close(first.slope, 1)
    eq(first.equal, 0)
    eq(first.dead, 0)
    eq(first.saturated, 0)
    net[1].b = {5, 5} -- what all examples share is no direction
    close(figures.of(net, set, {epochs = 1}, {}).start[1].rank, 2)
end)

test("equal neurons are those whose gradients are equal too", function()
    local net, set = crossed()
    net[1].w = {{1, 1}, {1, 1}}
    eq(figures.of(net, set, {epochs = 1}, {}).start[1].equal, 0) -- w₂ parts them
    net[2].w = {{3, 3}}
    eq(figures.of(net, set, {epochs = 1}, {}).start[1].equal, 2)
end)

-- σ′(±10) = 4.5e-5; relu of a sum below 0 has no slope and gives 0.
test("saturated, dead and quiet neurons are counted each by itself", function()
    local set = data.set {x = tensor {{1, 0}, {0, 1}}, y = {1, 2}}
    local net = nn.net("2 - 4 sigmoid - 2", {seed = 1})
    net[1].b = {10, -10, 0, 0}
    local layer = figures.of(net, set, {epochs = 1}, {}).start[1]
    close(layer.saturated, 0.5)
    eq(layer.dead, 0)
    close(layer.quiet, 0.25) -- σ(-10) is no louder than 5e-5
    net = nn.net("2 - 4 relu - 2", {seed = 1})
    net[1].b = {-10, 10, 10, 10}
    layer = figures.of(net, set, {epochs = 1}, {}).start[1]
    close(layer.dead, 0.25)
    eq(layer.saturated, 0)
    eq(layer.quiet, 0)
end)

test("a set's figures: sizes, shares of classes, neighbours", function()
    -- Pairs stand close together, and each pair is of one class.
    local x = tensor {{0, 0}, {0, 0.1}, {9, 0}, {9, 0.1}, {0, 9}, {0.1, 9}, {9, 9}, {9.1, 9}}
    local net = nn.net("2 - 2", {seed = 1})
    local case = figures.of(net, data.set {x = x, y = {1, 1, 2, 2, 1, 1, 2, 2}}, {epochs = 1}, {})
    eq(case.data.counts[1], 4)
    close(case.data.near.share, 1)
    close(case.data.near.chance, 2 * 4 * 3 / (8 * 7))
    close(case.data.x.most, 9.1, 1e-5)
    eq(case.data.x.constant, 0)
    local other = figures.of(net, data.set {x = x, y = {1, 2, 1, 2, 1, 2, 1, 2}}, {epochs = 1}, {})
    close(other.data.near.share, 0)
end)

test("a curve falls by its last fifth against the one before, and leaps where it rises", function()
    close(curve.fall {10, 9, 8, 7, 6, 5, 4, 4, 2, 2}, 0.5)
    eq(curve.fall {1}, nil)
    local often, much = curve.leaps {1, 1, 1, 2, 1, 2}
    close(often, 2 / 3) -- of 2, 1, 2
    close(much, 1 / (5 / 3))
    eq(curve.leaps {4, 3, 2, 1}, 0)
end)

test("nothing is changed: network, options, the session's chance", function()
    local net, set = nn.net("2 - 3 - dropout 0.5 - 2", {seed = 1}), plane(20)
    local before, o = net:params():clone(), {epochs = 2, optimizer = nn.adam {lr = 0.1}}
    nabla.seed(7)
    local drawn = tensor.rand(3)
    nabla.seed(7)
    looks(net, set, o, {test = set, seed = 1})
    eq(tensor.rand(3):equal(drawn), true)
    eq(net:params():equal(before), true)
    eq(net.history, nil)
    eq(o.optimizer.steps, 0)
    eq(o.seed, nil)
end)

test("the user's functions are not called beside the run, nor files written", function()
    local function refuse() error "called" end
    local _, case = found("epochs", nn.net("2 - 2", {seed = 1}), plane(10),
        {epochs = 2, on_epoch = refuse, on_batch = refuse, checkpoint = "/nowhere/at/all"})
    eq(case.run.failed, nil)
end)

-- ---- Cures as text ----

test("layers are told by where they stand: named, shared, nested, in blocks", function()
    local function paths(net)
        local list = {}
        for i, one in ipairs(layout.read(net).layers) do list[i] = one.path .. " " .. one.type end
        return table.concat(list, ", ")
    end
    eq(paths(nn.net("4 - 4 tanh name=a - @a - 3", {seed = 1})), "1 dense, 2 dense, 3 dense")
    eq(paths(nn.net({4, nn.net("4 - 5 tanh"), 3}, {seed = 1})), "1 net, 1.1 dense, 2 dense")
    eq(paths(nn.net("4 - residual[4 relu - 4 linear name=low] - 3", {seed = 1})),
        "1 residual, 1.1 dense, 1.2 dense, 2 dense")
    eq(layout.read(nn.net({4, nn.net("4 - 5 tanh")}, {seed = 1})).units, 5)
end)

-- Layers that are one stay one; another cost, other inputs, a dtype.
test("a network is built again with another cost, sharing what it shared", function()
    local net = nn.net("3 - 3 tanh name=a - @a - 2 sigmoid", {dtype = "f64", seed = 1})
    local text = layout.rebuilt(net, layout.read(net), {cost = "mse"})
    local out = cured(text, net, plane(4)).net
    eq(out:count(), net:count())
    eq(rawequal(out[1], out[2]), true)
    eq(out:params().dtype, "f64")
    eq(out:params():equal(net:params()), true)
    assert(out:notation():find ": mse")
end)

-- ---- In print ----

test("numbers have three figures, shares too where they are small", function()
    for value, text in pairs {[0] = "0", [0.25] = "0.25", [1234.6] = "1,235", [-1234.6] = "-1,235",
        [1e-7] = "1e-7", [2.5e9] = "2.5e9", [1 / 0] = "inf", [math.pi] = "3.14"} do
        eq(words.number(value), text)
    end
    eq(words.number(0 / 0), "nan")
    for share, text in pairs {[0] = "0 %", [1] = "100 %", [0.256] = "26 %", [0.0042] = "0.4 %",
        [1e-5] = "0.001 %"} do
        eq(words.percent(share), text)
    end
end)

local function example_of()
    local net, set = nn.net(TWO, {seed = 1}), plane(40)
    local case, causes = looks(net, set, {epochs = 3, lr = 1e-4, seed = 1}, {test = set, seed = 1})
    local first = table.remove(causes, 1)
    first.gain, first.spread, first.p, first.confirmed = 0.4, 0.02, 1e-4, true
    causes[1].why = "+0.01 on 3 seeds"
    return {figures = case, noticed = causes, tried = causes, quality = "balanced accuracy",
        base = {mean = 0.5, spread = 0.01}, chance = 0.5, runs = 33, first}
end

test("a diagnosis fits the window, and says causes, cures, what was noticed and tried", function()
    local d = example_of()
    for _, columns in ipairs {80, 120} do
        local text = print_of(d, columns)
        for line in text:gmatch "[^\n]+" do assert(utf8.len(line) <= columns, line) end
        for _, word in ipairs {"1 cause", "learning rate", "gain 0.40 ± 0.02", "o.lr = 0.001",
            "noticed, not confirmed", "+0.01 on 3 seeds", "8 tanh", "33 runs"} do
            assert(text:find(word, 1, true), word)
        end
    end
end)

test("a healthy one says that nothing was found, and what was tried", function()
    local d = example_of()
    d[1] = nil
    d.noticed = {}
    local text = print_of(d, 80)
    assert(text:find "nothing found" and text:find "tried: %d+ cure")
end)

test("a place that is the kind's own name is not said twice", function()
    local d = example_of()
    d[1].kind, d[1].where, d.noticed[1].kind, d.noticed[1].where = "batch", "batch", "cost", "cost"
    local text = print_of(d, 80)
    assert(text:find("1. batch · gain", 1, true) and text:find("\n  cost: ", 1, true), text)
end)

test("control characters of names do not reach the window", function()
    local d = example_of()
    d[1].where = "column \27[2J"
    eq(print_of(d, 80):find("\27", 1, true), nil)
end)

test("of an activation behind a conv the neurons are the channels", function()
    local net = nn.net("1x6x6 - conv 3 2x2 linear - batch_norm - act relu - flatten - 2",
        {seed = 1})
    local set = data.set {x = tensor.randn(20, 1, 6, 6, {seed = 1}), y = plane(20).y}
    local start = figures.of(net, set, {epochs = 1}, {}).start
    for k = 1, 3 do eq(start[k].neurons, 3) end
end)

-- ---- Numbers that are none, signs, classes at every step ----

local fires, is_still = diagnosed.fires, diagnosed.is_still

local function normed()
    return nn.net("2 - 3 tanh - batch_norm - 2 softmax : cross_entropy", {seed = 1})
end

test("initialiser: a number of the network that is none is a fact, with its place", function()
    local set, o = plane(40), {epochs = 1}
    is_still("initialiser", normed(), set, o)
    local net = normed()
    net[1].w[{2, 1}] = 0 / 0
    net[3].b[2] = -1 / 0
    local list = fires("initialiser", net, set, o)
    eq(#list, 1)
    eq(list[1].certain, true)
    eq(list[1].where, "layer 1, w[2][1]; layer 3, b[2]")
    assert(list[1].evidence:find "^2 numbers of the network are not finite, the first w%[2%]%[1%]")
    local other = cured(list[1].cure, net, set).net
    eq((other:params() * 0):isnan():any(), false)
    eq(other[2].mean:equal(net[2].mean), true)
    -- Figures that a layer keeps are no parameters.
    net = normed()
    net[2].variance[3] = 1 / 0
    list = fires("initialiser", net, set, o)
    eq(list[1].where, "layer 2, variance[3]")
    assert(list[1].evidence:find "^1 number of the network is not finite")
    eq(cured(list[1].cure, net, set).net[2].variance:totable(), {1, 1, 1})
    -- Of a layer that cannot be drawn alone all are.
    net = nn.net("*x2 - gru 3 last - 2 softmax : cross_entropy", {seed = 1})
    net[1].wh[{1, 2}] = 0 / 0
    list = fires("initialiser", net, data.set {x = tensor.randn(20, 4, 2, {seed = 1}),
        y = plane(20).y}, o)
    eq(list[1].cure, "net:reset()")
    eq(list[1].where, "layer 1, wh[1][2]")
end)

test("initialiser: what its training left is no fact where runs begin anew", function()
    local net, set = normed(), plane(40)
    net[1].w[{2, 1}] = 0 / 0
    local d = net:diagnose(set, {epochs = 1, seed = 1, budget = {runs = 0}})
    eq(#d, 1)
    eq(d[1].kind, "initialiser")
    eq(d.runs, 0)
    d = net:diagnose(set, {epochs = 1, seed = 1, budget = {runs = 0}, reset = true})
    eq(#d, 0)
    assert(d.noticed[1].evidence:find "after its training")
end)

-- The sign of a sum under hinge; a network that has not learned leaves room for every look.
test("under hinge -1 and 1 are classes", function()
    local x = tensor.randn(60, 2, {seed = 2})
    local one = x:sum(2):gt(0):to "f32" * 2 - 1
    local sets = {[1] = data.set {x = x, y = one:reshape(60, 1)},
        [2] = data.set {x = x, y = x:gt(0):to "f32" * 2 - 1}}
    for units, set in pairs(sets) do
        local net = nn.net(("2 - %d linear : hinge"):format(units), {dtype = "f32", seed = 1})
        is_still("cost", net, set, {epochs = 1, lr = 1e-4})
        -- Outputs of any size are right by their sign: w = 30 I, or (30, 30).
        net[1].w = units == 1 and {{30, 30}} or {{30, 0}, {0, 30}}
        net[1].b:fill_(0)
        local case = figures.of(net, set, {epochs = 1, lr = 1e-9}, {test = set})
        eq(case.data.answers, units == 1 and "sign" or "signs")
        close(case.train_answers.quality, 1)
        net[1].w:neg_()
        close(figures.of(net, set, {epochs = 1, lr = 1e-9}, {test = set}).held_answers.quality, 0)
        local d = net:diagnose(set, {epochs = 1, lr = 1e-9, budget = {runs = 0}})
        eq(d.quality, "balanced accuracy")
        eq(d.chance, 0.5)
        close(d.measured, 0)
    end
    -- Other numbers are none.
    fires("cost", nn.net("2 - 1 linear : hinge", {seed = 1}), diagnosed.slope(60))
end)

test("classes at every step are those in any dtype", function()
    local x = tensor.randn(40, 5, 2, {seed = 2})
    for _, dtype in ipairs {"i32", "f32", "f64"} do
        local net = nn.net("5x2 - lstm 3 - 2 softmax : cross_entropy", {seed = 1})
        local set = data.set {x = x, y = (x[{{}, {}, 1}]:gt(0):to "f32" + 1):to(dtype)}
        local _, case = diagnosed.found("cost", net, set, {epochs = 1, lr = 1e-4})
        eq(case.data.answers, "steps")
        is_still("cost", net, set, {epochs = 1, lr = 1e-4})
    end
end)

-- Outputs of 0 everywhere, where y is 0 and 2 at every step: squares of 2 in the mean beside a
-- variance of 1.
test("a run that fails in its first epoch was stopped, and its network is not too small", function()
    local net, set = nn.net("2 - 2 linear - 1 linear : mse", {seed = 1}), diagnosed.slope(40, 1, 10)
    is_still("structure", net, set, {epochs = 2, lr = 1e30})
    local d = net:diagnose(set, {epochs = 2, lr = 1e30, seed = 1, budget = {runs = 0}})
    local text = print_of(d, 80)
    assert(text:find "stopped: epoch 1" and not text:find "refused")
end)

test("numbers at every step are judged as numbers", function()
    local net = nn.net("3x1 - gru 2 - 1 linear : mse", {seed = 1})
    net[2].w:fill_(0)
    local set = data.set {x = tensor.randn(2, 3, 1, {seed = 1}),
        y = tensor {{{0}, {2}, {0}}, {{2}, {0}, {2}}}}
    local case = figures.of(net, set, {epochs = 1, lr = 1e-9}, {test = set})
    close(case.held_answers.quality, 1 - 2 / 1, 1e-6)
end)

test("the heading says what was measured where looks alone ran", function()
    local d = nn.net(TWO, {seed = 1}):diagnose(plane(100), {epochs = 30, lr = 0.5, seed = 1})
    eq(#d, 0)
    close(d.measured, d.figures.held_answers.quality)
    assert(print_of(d, 80):find(("balanced accuracy %.2f (chance 0.50)"):format(d.measured), 1,
        true))
end)

spec.report()
