-- What net:diagnose looks for: each kind's look on a small network that has its fault and on the
-- healthy twin. What a cure is worth is the experiment's, in a spec of its own.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local diagnosed = require "diagnosed"
local test, eq = diagnosed.test, spec.eq
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data
local close, cured, kind_of = diagnosed.close, diagnosed.cured, diagnosed.kind_of
local found, fires, is_still = diagnosed.found, diagnosed.fires, diagnosed.is_still
local mixed, plane, slope = diagnosed.mixed, diagnosed.plane, diagnosed.slope

local figures = require "nabla.diagnose.figures"
local kinds = require "nabla.diagnose.kinds"
local layout = require "nabla.diagnose.layout"
local looks = require "nabla.diagnose.looks"

-- ---- The list ----

test("the kinds are those of the list, in its order, each a whole descriptor", function()
    local names = {}
    for i, descriptor in ipairs(kinds) do
        names[i] = descriptor.kind
        assert(descriptor.look and descriptor.cure and #descriptor.words > 0)
    end
    eq(table.concat(names, ", "), "data, labels, balance, input scale, target scale, output " ..
        "activation, cost, hidden activation, initialiser, depth, learning rate, optimizer, " ..
        "batch, epochs, regularisation, mode, structure")
end)

test("the page names them all", function()
    local page = nabla._help.text "diagnose"
    for _, descriptor in ipairs(kinds) do
        assert(page:find("\n +" .. descriptor.kind .. " "), descriptor.kind)
    end
end)

test("a look that fails is named, and the others go on", function()
    local own = kinds[1].look
    kinds[1].look = function() error "does not understand" end
    local case = looks(nn.net("2 - 2", {seed = 1}), plane(10), {epochs = 1}, {})
    kinds[1].look = own
    eq(#case.left_out, 1)
    eq(case.left_out[1].kind, "data")
end)

test("a healthy run has no causes", function()
    local set, held = plane(200, 1), plane(200, 2)
    local case, causes = looks(nn.net("2 - 8 tanh - 2 softmax : cross_entropy", {seed = 1}), set,
        {epochs = 30, lr = 0.3}, {test = held, seed = 1})
    assert(case.quality > 0.95)
    eq(#causes, 0)
end)

-- ---- data, labels, balance ----

test("data: a number that is none is named by column and example, and left out", function()
    local x = tensor.randn(6, 2, {seed = 1})
    x[{4, 2}] = 0 / 0
    x[{5, 2}] = 1 / 0
    local set = data.set {x = x, y = {1, 2, 1, 2, 1, 2}}
    local net = nn.net("2 - 2", {seed = 1})
    local list = fires("data", net, set)
    eq(list[1].where, "column 2")
    assert(list[1].certain and list[1].evidence:find "2 numbers" and
        list[1].evidence:find "example 4")
    eq(#cured(list[1].cure, net, set).set, 4)
    is_still("data", net, plane(10))
end)

test("data: a number that is none is told by its place in the user's set", function()
    local whole = data.set {x = {{1, 2}, {3, 4}, {5, 0 / 0}, {7, 8}}, y = {1, 2, 1, 2}}
    local net = nn.net("2 - 2", {seed = 1})
    local _, causes = looks(net, whole:shuffle(3):take(3), {epochs = 1},
        {test = whole:take(2), whole = whole})
    eq(causes[1].kind, "data")
    assert(causes[1].evidence:find "example 3")
end)

test("data: inputs that are all alike say nothing", function()
    local net = nn.net("2 - 2", {seed = 1})
    local list = fires("data", net, data.set {x = tensor.ones(4, 2), y = {1, 2, 1, 2}})
    assert(list[1].certain and not list[1].cure)
end)

-- Of 30 held-out answers 27 are one class further.
test("labels: a shift is what explains the held-out answers of a run that learned", function()
    local case = {run = {}, data = {}, train_answers = {accuracy = 0.95, quality = 0.95},
        held_answers = {confusion = {{0, 9, 1}, {1, 0, 9}, {9, 1, 0}}, quality = 0, chance = 1 / 3,
            total = 30}}
    local list = kind_of("labels").look(case)
    eq(#list, 1)
    assert(list[1].certain and list[1].evidence:find "1 class further, of 3, in 90 %%")
    case.train_answers.quality = 0.4 -- nothing learned
    eq(#kind_of("labels").look(case), 0)
    case.train_answers.quality = 0.95
    case.held_answers.confusion = {{9, 0, 1}, {1, 9, 0}, {0, 1, 9}}
    eq(#kind_of("labels").look(case), 0)
end)

test("labels: no better than shuffled ones, by neighbours and by what is held out", function()
    local set, held = plane(100, 1), plane(100, 2)
    local net = nn.net("2 - 8 tanh - 2 softmax : cross_entropy", {seed = 1})
    local list = fires("labels", net, mixed(set, 3), {epochs = 5}, mixed(held, 4))
    assert(list[1].null and not list[1].cure)
    eq(#cured(list[1].null, net, set).set, 100)
    is_still("labels", net, set, {epochs = 5}, held)
end)

test("labels: mixed up on the side that is learned from", function()
    local set, held = plane(100, 1), plane(100, 2)
    local net = nn.net("2 - 8 tanh - 2 softmax : cross_entropy", {seed = 1})
    local list = fires("labels", net, mixed(set, 3), {epochs = 5}, held)
    assert(list[1].certain and not list[1].cure and list[1].evidence:find "mixed up")
end)

test("input scale: what is held out at another one is a fact", function()
    local net, set = nn.net("2 - 8 tanh - 2 softmax : cross_entropy", {seed = 1}), plane(60)
    local other = data.set {x = set.x * 10, y = set.y}
    local list = fires("input scale", net, set, {epochs = 2}, other)
    assert(list[1].certain and not list[1].cure)
end)

test("labels: classes that count from 0", function()
    local net = nn.net("2 - 2", {seed = 1})
    local set = data.set {x = tensor.randn(4, 2, {seed = 1}), y = tensor {0, 1, 0, 1}}
    local list = fires("labels", net, set)
    assert(list[1].certain)
    eq(cured(list[1].cure, net, set).set.y[1], 1)
end)

-- 4 of 100: an even share of two classes is 50, a fifth of it 10. Weights total/(2 · count).
test("balance: a scarce class that is not found, and weights that even it out", function()
    local x, y = tensor.randn(100, 2, {seed = 1}), {}
    for i = 1, 100 do y[i] = i <= 4 and 2 or 1 end
    local net = nn.net("2 - 2 softmax : cross_entropy", {seed = 1})
    local set = data.set {x = x, y = y}
    local list = fires("balance", net, set, {epochs = 5})
    eq(list[1].where, "class 2")
    local weights = cured(list[1].cure, net, set).o.weights.classes
    close(weights[1], 100 / (2 * 96), 1e-2)
    close(weights[2], 100 / (2 * 4), 1e-2)
    for i = 1, 100 do y[i] = i <= 40 and 2 or 1 end
    is_still("balance", net, data.set {x = x, y = y}, {epochs = 5})
end)

test("balance: a class that is held out and never learned from", function()
    local set = plane(60)
    local low = {}
    for i = 1, 60 do
        if set.y[i] == 2 then low[#low + 1] = i end
    end
    local list = fires("balance", nn.net("2 - 2", {seed = 1}), set:without(low), {epochs = 2}, set)
    assert(list[1].certain and not list[1].cure and list[1].where == "class 2")
end)

test("balance: of one output of 0 and 1 each example has its weight", function()
    local x, y = tensor.randn(100, 2, {seed = 1}), tensor.zeros(100, 1)
    for i = 1, 4 do y[{i, 1}] = 1 end
    local net = nn.net("2 - 1 sigmoid : cross_entropy", {seed = 1})
    local set = data.set {x = x, y = y}
    local list = fires("balance", net, set, {epochs = 5})
    local o = cured(list[1].cure, net, set).o
    close(o.weights.examples[1], 12.5, 0.1)
    close(o.weights.examples[5], 0.521, 0.01)
    o.epochs, o.progress = 1, false
    net:clone():train(set, o)
end)

-- ---- input scale, target scale ----

test("input scale: sizes far from 1, columns far apart, a mean far from 0", function()
    local net, set = nn.net("2 - 8 tanh - 2 softmax : cross_entropy", {seed = 1}), plane(60)
    local function with(x) return data.set {x = x, y = set.y} end
    local list = fires("input scale", net, with(set.x * 255), {epochs = 2})
    eq(cured(list[1].cure, net, with(set.x * 255)).set.scale ~= nil, true)
    fires("input scale", net, with(set.x / 255))
    eq(fires("input scale", net, with(set.x * 0.03 * tensor {1, 200}))[1].where, "column 2")
    fires("input scale", net, with(set.x * 0.1 + 5))
    is_still("input scale", net, set)
    is_still("input scale", net, with(set.x * 255):standardize())
    is_still("input scale", nn.net("2 - batch_norm - 8 tanh - 2", {seed = 1}), with(set.x * 255))
end)

-- mse in the units of y is s² times that of (y - m)/s, so lr is divided by s².
test("target scale: outputs stay in y's units, and the rate fits them", function()
    local net, set = nn.net("2 - 4 tanh - 1 linear : mse", {seed = 1}), slope(80, 1, 1000, 500)
    local list = fires("target scale", net, set, {epochs = 2, lr = 0.01})
    local out = cured(list[1].cure, net, set, {lr = 0.01})
    local s = set.y:std():item()
    close(out.net[3].w:sum():item(), s, 1e-3 * s)
    close(out.net[3].b:sum():item(), set.y:mean():item(), 1)
    close(out.o.lr * s * s, 0.01, 1e-3)
    eq(out.net[3].frozen, true)
    list = fires("target scale", net, set, {epochs = 2, optimizer = "adam"})
    eq(list[1].cure:find "o%.lr", nil)
    is_still("target scale", net, slope(80), {epochs = 2, lr = 0.01})
end)

-- ---- output activation, cost ----

test("output activation: softmax over one unit", function()
    local y = tensor {{0}, {1}, {0}, {1}}
    local set = data.set {x = tensor {{-1}, {1}, {-2}, {2}}, y = y}
    local net = nn.net("1 - 1 softmax : cross_entropy", {seed = 1})
    local list = fires("output activation", net, set)
    eq(cured(list[1].cure, net, set).net[1].activation, "sigmoid")
    is_still("output activation", nn.net("1 - 1 sigmoid : cross_entropy", {seed = 1}), set)
end)

test("output activation: targets beyond what outputs can be", function()
    for activation, out in pairs {relu = true, sigmoid = true, tanh = true, linear = false} do
        local net = nn.net(("2 - 1 %s : mse"):format(activation), {seed = 1})
        local list = found("output activation", net, slope(40), {epochs = 3})
        eq(#list > 0, out)
        if out then eq(cured(list[1].cure, net, slope(40)).net[1].activation, "linear") end
    end
    -- From -1 to 1 tanh will do.
    local x = tensor.rand(40, 1, {seed = 1}) * 2 - 1
    local set = data.set {x = x, y = x * 0.9}
    local texts = {}
    for i, cause in ipairs(fires("output activation", nn.net("1 - 1 : mse", {seed = 1}), set)) do
        texts[i] = cause.cure
    end
    assert(table.concat(texts, "\n"):find '"tanh"')
end)

test("output activation: softmax for rows that do not add up to 1", function()
    local set = data.set {x = tensor.randn(40, 2, {seed = 1}),
        y = tensor.rand(40, 3, {seed = 2}):gt(0.5):to "f32"}
    fires("output activation", nn.net("2 - 3 softmax : cross_entropy", {seed = 1}), set)
    is_still("output activation", nn.net("2 - 3 sigmoid : cross_entropy", {seed = 1}), set)
end)

test("output activation: what the cost refuses", function()
    local net = nn.net("2 - 4 tanh - 2 softmax : cross_entropy", {seed = 1})
    net[2].activation = "linear"
    local list, case = fires("output activation", net, plane(20))
    assert(case.run.failed and list[1].certain)
    eq(cured(list[1].cure, net, plane(20)).net[2].activation, "softmax")
end)

-- -Σ y log a is 0 where a is 1, whatever y is.
test("cost: one that is not least at the targets", function()
    local set = data.set {x = tensor.randn(40, 2, {seed = 1}),
        y = tensor.rand(40, 1, {seed = 2}):gt(0.5):to "f32"}
    local function half(a, y) return -(y * a:log()):mean() end
    local function whole(a, y) return -(y * a:log() + (1 - y) * (1 - a):log()):mean() end
    local list = fires("cost", nn.net {2, "1 sigmoid", cost = half}, set, {epochs = 2, lr = 0.1})
    assert(list[1].evidence:find "with 1 everywhere")
    assert(cured(list[1].cure, nn.net {2, "1 sigmoid", cost = half}, set).net:notation():find
        "cross_entropy")
    is_still("cost", nn.net {2, "1 sigmoid", cost = whole}, set, {epochs = 2, lr = 0.1})
end)

test("cost: of classes for numbers, of numbers for classes", function()
    local list = fires("cost", nn.net("2 - 1 sigmoid : cross_entropy", {seed = 1}), slope(40))
    local net = cured(list[1].cure, nn.net("2 - 1 sigmoid : cross_entropy", {seed = 1}),
        slope(40)).net
    eq(net:notation(), "2 - 1 linear : mse")
    is_still("output activation", nn.net("2 - 1 sigmoid : cross_entropy", {seed = 1}), slope(40))
    is_still("cost", nn.net("2 - 1 linear : mse", {seed = 1}), slope(40))
    local set = plane(40)
    fires("cost", nn.net("2 - 2 softmax : mae", {seed = 1}), set, {epochs = 1, lr = 1e-3})
    is_still("cost", nn.net("2 - 2 softmax : cross_entropy", {seed = 1}), set,
        {epochs = 1, lr = 1e-3})
end)

-- A single output of 0.001 where y is 1: δ = (a - y) σ′ is a thousandth of a - y.
test("cost: sure and wrong outputs that quadratic does not move", function()
    local case = {net = nn.net("2 - 1 : quadratic", {seed = 1}), data = {labels = {2, 2, 1}},
        run = {cost = {}, batches = {}},
        train_answers = {outputs = tensor {{0.001}, {0.9}, {0.1}}, labels = {2, 2, 1}}}
    case.own = layout.read(case.net)
    eq(#kind_of("cost").look(case), 1)
    case.train_answers.labels = {1, 2, 1}
    eq(#kind_of("cost").look(case), 0)
end)

-- As it was drawn: σ(-8) = 3e-4.
test("cost: outputs that were drawn saturated are the initialiser's", function()
    local set = data.set {x = tensor.randn(40, 2, {seed = 1}), y = tensor.ones(40, 1) *
        tensor.range(1, 40):reshape(40, 1):gt(10):to "f32"}
    local function sure(cost)
        local net = nn.net("2 - 1 sigmoid : " .. cost, {seed = 1})
        net[1].b:fill_(-8)
        return net
    end
    is_still("cost", sure "quadratic", set, {epochs = 1, lr = 1e-3})
    fires("initialiser", sure "quadratic", set, {epochs = 1, lr = 1e-3})
end)

-- ---- hidden activation, initialiser, depth ----

local HARD <const> = {epochs = 1, lr = 1e-3} -- so that there is something to cure

test("hidden activation: sums with nothing between, unless they are a bottleneck", function()
    local set = plane(40)
    local net = nn.net("2 - 4 linear - 2 softmax : cross_entropy", {seed = 1})
    local list = fires("hidden activation", net, set, HARD)
    eq(list[1].where, "layer 1")
    eq(cured(list[1].cure, net, set).net[1].activation, "relu")
    is_still("hidden activation", nn.net("2 - 4 tanh - 2 softmax : cross_entropy", {seed = 1}), set,
        HARD)
    local wide = data.set {x = tensor.randn(20, 6, {seed = 1}), y = tensor.randn(20, 6, {seed = 2})}
    is_still("hidden activation", nn.net("6 - 2 linear - 6 linear : mse", {seed = 1}), wide, HARD)
end)

test("hidden activation: softmax inside, and one without slope", function()
    local set = plane(40)
    fires("hidden activation", nn.net("2 - 4 softmax - 2 softmax : cross_entropy", {seed = 1}), set,
        HARD)
    fires("hidden activation", nn.net("2 - 4 step - 2 softmax : cross_entropy", {seed = 1}), set,
        HARD)
    -- Zeros have no slope either, by the initialiser's doing.
    local net = nn.net("2 - 4 relu - 2 softmax : cross_entropy", {seed = 1})
    net:params():fill_(0)
    is_still("hidden activation", net, set, HARD)
end)

test("hidden activation: one of what another gave", function()
    local set = plane(40)
    local net = nn.net("2 - 4 tanh - 2 relu - act softmax : cross_entropy", {seed = 1})
    local list = fires("hidden activation", net, set, HARD)
    eq(cured(list[1].cure, net, set).net[2].activation, "linear")
    is_still("hidden activation", nn.net("2 - 4 tanh - 2 linear - act softmax : cross_entropy",
        {seed = 1}), set, HARD)
end)

-- σ′ is 0.25 at the most: through five layers δ keeps 0.25⁵ = 1e-3 of itself.
test("hidden activation and depth: δ that slopes use up", function()
    local set = plane(40)
    local net = nn.net("2 - 9 - 9 - 9 - 9 - 9 - 2", {seed = 1})
    local list = fires("hidden activation", net, set, HARD)
    eq(list[1].where, "layers 1 to 5")
    list = fires("depth", net, set, HARD)
    eq(#cured(list[1].cure, net, set).net, 2)
    local relu = nn.net("2 - 9 relu - 9 relu - 9 relu - 9 relu - 9 relu - 2 softmax : " ..
        "cross_entropy", {seed = 1})
    is_still("hidden activation", relu, set, HARD)
    is_still("depth", relu, set, HARD)
    is_still("depth", nn.net("2 - 9 - 2", {seed = 1}), set, HARD)
end)

test("initialiser: equal neurons, weights too wide or too thin, biases that decide", function()
    local set = plane(40)
    local text = "2 - 4 relu - 2 softmax : cross_entropy"
    local function with(f)
        local net = nn.net(text, {seed = 1})
        f(net)
        return net
    end
    local net = with(function(n) n:params():fill_(0.3) end)
    local list = fires("initialiser", net, set, HARD)
    assert(list[1].evidence:find "4 of 4")
    nabla.seed(3)
    eq(figures.of(cured(list[1].cure, net, set).net, set, HARD, {}).start[1].equal, 0)
    list = fires("initialiser", with(function(n) n[1].w:mul_(50) end), set, HARD)
    assert(list[1].evidence:find "times as large as what comes in")
    fires("initialiser", with(function(n) n[1].w:mul_(1e-3) end), set, HARD)
    fires("initialiser", with(function(n) n[1].b:fill_(-10) end), set, HARD)
    is_still("initialiser", nn.net(text, {seed = 1}), set, HARD)
end)

-- ---- learning rate, optimizer, batch, epochs ----

local TWO <const> = "2 - 8 tanh - 2 softmax : cross_entropy"

test("learning rate: runs that fail, and layers that are still as they were drawn", function()
    local net, set = nn.net("2 - 4 relu - 1 linear : mse", {seed = 1}), slope(40)
    local list, case = fires("learning rate", net, set, {epochs = 5, lr = 1e4})
    assert(case.run.failed)
    close(cured(list[1].cure, net, set, {lr = 1e4}).o.lr, 1e3)
    list = fires("learning rate", nn.net(TWO, {seed = 1}), plane(40), {epochs = 3, lr = 1e-4})
    close(cured(list[1].cure, net, set, {lr = 1e-4}).o.lr, 1e-3)
    assert(list[1].longer)
    is_still("learning rate", net, set, {epochs = 20, lr = 0.05})
end)

test("learning rate: of an optimizer object it is the object's", function()
    local net, set = nn.net(TWO, {seed = 1}), plane(40)
    local list = fires("learning rate", net, set, {epochs = 3, optimizer = nn.adam {lr = 1e-6}})
    local out = cured(list[1].cure, net, set, {optimizer = nn.adam {lr = 1e-6}})
    close(out.o.optimizer.lr, 1e-5, 1e-9)
end)

test("learning rate: what clip and schedule cut away", function()
    local net, set = nn.net(TWO, {seed = 1}), plane(40)
    local function has(text, o)
        for _, cause in ipairs(found("learning rate", net, set, o)) do
            if cause.cure == text then return true end
        end
        return false
    end
    eq(has("o.clip = nil", {epochs = 3, lr = 1e-3, clip = 1e-5}), true)
    eq(has("o.clip = nil", {epochs = 3, lr = 1e-3, clip = 10}), false)
    local steep = "exponential(factor=0.1)"
    eq(has("o.schedule = nil", {epochs = 6, lr = 1e-3, schedule = steep}), true)
    eq(has("o.schedule = nil", {epochs = 6, lr = 1e-3, schedule = "constant"}), false)
end)

test("optimizer: momentum, gradients far apart, signs of single batches", function()
    local net, set = nn.net(TWO, {seed = 1}), plane(40)
    local o = {epochs = 2, lr = 1e-4}
    is_still("optimizer", net, set, o)
    fires("optimizer", net, set, {epochs = 2, lr = 1e-4, momentum = 0.99})
    local list = fires("optimizer", net, set, {epochs = 1, optimizer = "rprop"})
    eq(cured(list[1].cure, net, set).o.batch, 40)
    -- δ of layer 1 is δ₂ times w₂: a thousandth of what it was.
    net = nn.net(TWO, {seed = 1})
    net[2].w:mul_(1e-3)
    list = fires("optimizer", net, set, o)
    eq(cured(list[1].cure, net, set).o.optimizer, "adam")
end)

test("batch: few steps, single examples, classes one after the other", function()
    local net, set = nn.net(TWO, {seed = 1}), plane(40)
    local list = fires("batch", net, set, {epochs = 5, lr = 1e-3, batch = 40})
    eq(cured(list[1].cure, net, set).o.batch, 10)
    is_still("batch", net, set, {epochs = 5, lr = 1e-3, batch = 4})
    local order = {}
    for k = 1, 2 do
        for i = 1, 40 do
            if set.y[i] == k then order[#order + 1] = i end
        end
    end
    order = tensor(order, {dtype = "i32"})
    local sorted = data.set {x = set.x:index_select(1, order), y = set.y:index_select(1, order)}
    local o = {epochs = 50, lr = 1e-3, batch = 4, shuffle = false}
    eq(fires("batch", net, sorted, o)[1].where, "shuffle")
    is_still("batch", net, set, o)
end)

test("epochs: a cost that still falls, steps counted where epochs are few", function()
    local net, set, held = nn.net(TWO, {seed = 1}), plane(60), plane(60, 2)
    local list = fires("epochs", net, set, {epochs = 4, lr = 0.01}, held)
    eq(cured(list[1].cure, net, set).o.epochs, 20)
    fires("epochs", net, set, {epochs = 1, lr = 0.01}, held)
    is_still("epochs", net, set, {epochs = 100, lr = 0.3}, held)
end)

-- Least at the second of six, and then more than a fifth above it.
test("epochs: too many of them", function()
    local case = {run = {cost = {3, 2, 1, 1, 1, 1}, test_cost = {2, 1, 1.1, 1.2, 1.3, 1.4},
        batches = {}, epochs = 6}, o = {}, data = {}}
    local list = kind_of("epochs").look(case)
    eq(kind_of("epochs").cure(case, list[1])[1], "o.epochs = 2")
    case.run.test_cost = {2, 1, 1, 1, 1, 1.1}
    eq(#kind_of("epochs").look(case), 0)
end)

-- ---- regularisation, mode, structure ----

-- At the start λ/n ‖w‖ against ‖∂C/∂w‖.
test("regularisation: penalties, dropout, a gap", function()
    local net, set = nn.net(TWO, {seed = 1}), plane(40)
    local list = fires("regularisation", net, set, {epochs = 3, lr = 0.01, l2 = 400})
    eq(cured(list[1].cure, net, set).o.l2, 0)
    is_still("regularisation", net, set, {epochs = 3, lr = 0.01, l2 = 0.04})
    fires("regularisation", net, set, {epochs = 3, lr = 0.01, decay = 10})
    fires("regularisation", net, set, {epochs = 3, lr = 0.01, optimizer = "adamw", decay = 10})
    local dropped = nn.net("2 - 8 tanh - dropout 0.9 - 2 softmax : cross_entropy", {seed = 1})
    list = fires("regularisation", dropped, set, HARD)
    assert(cured(list[1].cure, dropped, set).net:notation():find "dropout 0.1")
    is_still("regularisation", nn.net("2 - 8 tanh - dropout 0.2 - 2 softmax : cross_entropy",
        {seed = 1}), set, HARD)
end)

test("options that work against it: augment, weights, patience, a warmup without end", function()
    local net, set = nn.net(TWO, {seed = 1}), plane(40)
    local function has(kind, text, o)
        for _, cause in ipairs(found(kind, net, set, o)) do
            if cause.cure == text then return true end
        end
        return false
    end
    local function blank(x) return x * 0 end
    eq(has("regularisation", "o.augment = nil", {epochs = 3, augment = blank}), true)
    eq(has("balance", "o.weights = nil",
        {epochs = 20, lr = 0.3, weights = {classes = {1, 0.001}}}), true)
    eq(has("learning rate", "o.schedule = nil",
        {epochs = 3, lr = 0.1, schedule = "warmup(epochs=10000)"}), true)
    eq(has("epochs", "o.patience = nil",
        {epochs = 90, lr = 0.1, patience = 1, valid = mixed(set)}), true)
end)

test("mode: frozen layers, factors, masks, dropout behind the outputs", function()
    local set = plane(40)
    local function with(f)
        local net = nn.net(TWO, {seed = 1})
        f(net)
        return net
    end
    local net = with(function(n) n[1].frozen = true end)
    local list = fires("mode", net, set, HARD)
    eq(list[1].where, "layer 1")
    eq(cured(list[1].cure, net, set).net[1].frozen, false)
    fires("mode", with(function(n) n[1].factor = 0 end), set, HARD)
    fires("mode", with(function(n) n[1].factor = 1e-4 end), set, HARD)
    net = with(function(n) n[1].mask = {w = tensor.zeros(8, 2)} end)
    eq(cured(fires("mode", net, set, HARD)[1].cure, net, set).net[1].mask, nil)
    local last = nn.net("2 - 2 sigmoid - dropout 0.5", {seed = 1})
    eq(#cured(fires("mode", last, set, HARD)[1].cure, last, set).net, 1)
    is_still("mode", nn.net(TWO, {seed = 1}), set, HARD)
end)

test("structure: sizes that the program refuses", function()
    local set = plane(20)
    local net = nn.net("3 - 4 tanh - 2 softmax : cross_entropy", {seed = 1})
    local list = fires("structure", net, set)
    assert(list[1].certain)
    eq(cured(list[1].cure, net, set).net:notation(), "2 - 4 tanh - 2 softmax : cross_entropy")
    net = nn.net("2 - 4 tanh - 3 softmax : cross_entropy", {seed = 1})
    set = data.set {x = set.x, y = set.y, classes = {"below", "above"}}
    list = fires("structure", net, set)
    eq(cured(list[1].cure, net, set).net:notation(), "2 - 4 tanh - 2 softmax : cross_entropy")
end)

test("structure: targets and words that the network has no room for", function()
    local net = nn.net("2 - 4 tanh - 3 linear : mse", {seed = 1})
    local set = data.set {x = tensor.randn(20, 2, {seed = 1}), y = tensor.randn(20, 2, {seed = 2})}
    local list = fires("structure", net, set)
    eq(cured(list[1].cure, net, set).net:notation(), "2 - 4 tanh - 2 linear : mse")
    net = nn.net("* - embedding 5 4 - gru 3 last - 2 softmax : cross_entropy", {seed = 1})
    local y = {}
    for i = 1, 20 do y[i] = 1 + i % 2 end
    set = data.set {x = (tensor.ones(20, 3) * 9):to "i32", y = y}
    list = fires("structure", net, set, nil, set)
    assert(list[1].certain and cured(list[1].cure, net, set).net:notation():find "embedding 9 4")
end)

-- No plane parts xor.
test("structure: too little of a network for what it should learn", function()
    local x = tensor.rand(60, 2, {seed = 1}) * 2 - 1
    local y = {}
    for i = 1, 60 do y[i] = x[{i, 1}] * x[{i, 2}] > 0 and 2 or 1 end
    local set = data.set {x = x, y = y}
    local flat = nn.net("2 - 2 softmax : cross_entropy", {seed = 1})
    local list = fires("structure", flat, set, {epochs = 10, lr = 0.1})
    eq(#cured(list[1].cure, flat, set).net, 2)
    local thin = nn.net("2 - 1 tanh - 2 softmax : cross_entropy", {seed = 1})
    list = fires("structure", thin, set, {epochs = 10, lr = 0.1})
    eq(cured(list[1].cure, thin, set).net[1].w.shape[1], 32)
    is_still("structure", nn.net("2 - 16 tanh - 2 softmax : cross_entropy", {seed = 1}), set,
        {epochs = 10, lr = 0.1})
end)

-- ---- Networks of all sorts ----

test("sequences, words, space, blocks, functions, autoencoders: nothing is left out", function()
    local x, y = {}, {}
    for i = 1, 12 do
        x[i] = tensor.randn(2 + i % 3, 2, {seed = i})
        y[i] = 1 + i % 2
    end
    local rows = tensor.rand(12, 16, {seed = 1})
    local words = tensor.randint(1, 9, 12, 5, {seed = 1})
    local last = data.set {x = x, y = y}
    local cases = {
        {"*x2 - lstm 4 last - 2 softmax : cross_entropy", last},
        {"* - embedding 9 4 - gru 4 last - 2 softmax : cross_entropy", data.set {x = words, y = y}},
        {"1x4x4 - conv 2 3 relu - flatten - 2 softmax : cross_entropy",
            data.set {x = rows:reshape(12, 1, 4, 4), y = y}},
        {"16 - residual[16 relu - 16 linear] - 2 softmax : cross_entropy",
            data.set {x = rows, y = y}},
        {"16 - 4 relu - 16 sigmoid : mse", data.set {x = rows, y = rows}},
        {{16, nn.fn {f = function(a) return a:tanh() end}, "2 softmax", cost = "cross_entropy"},
            data.set {x = rows, y = y}},
    }
    for _, case in ipairs(cases) do
        local net = nn.net(case[1], {seed = 1})
        local _, seen = found("data", net, case[2], {epochs = 2})
        assert(#seen.start > 0 and seen.start_failed == nil)
        for _, cause in ipairs(select(2, looks(net, case[2], {epochs = 2}, {test = case[2]}))) do
            if cause.cure then cured(cause.cure, net, case[2], {epochs = 2}) end
        end
    end
end)

test("optimizers of the whole set have no rate or batch to blame", function()
    for _, name in ipairs {"lbfgs", "cg", "lm"} do
        local net = nn.net("2 - 2 tanh - 1 linear : mse", {seed = 1})
        is_still("learning rate", net, slope(20), {epochs = 2, optimizer = name})
        is_still("batch", net, slope(20), {epochs = 2, optimizer = name})
    end
end)

test("a trained network is looked at as it stands, its run as it begins", function()
    local net, set = nn.net(TWO, {seed = 1}), plane(40)
    net:train(set, {epochs = 5, lr = 0.3, progress = false})
    net[1].w:mul_(100)
    local case = figures.of(net, set, {epochs = 1}, {trained = true, seed = 1})
    assert(case.stands[1].width > 50 and case.start[1].width < 5)
    eq(case.layers, case.stands)
end)

spec.report()
