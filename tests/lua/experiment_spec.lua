-- The experiment of net:diagnose: what it does of planted cures, how a network is judged, and that
-- nothing of the user's changes. The causes here are ours.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

-- What the looks say in this file, as a fresh copy each time; and what they were given.
local causes, seen = {}, nil
package.loaded["nabla.diagnose.looks"] = function(net, set, o, about)
    local out = {}
    seen = {net = net, set = set, o = o, about = about}
    for i, cause in ipairs(causes) do
        out[i] = {}
        for key, value in pairs(cause) do out[i][key] = value end
    end
    return {layers = {}}, out
end

local quality = require "nabla.diagnose.quality"

local RUNS <const> = {runs = 60}

local function copy(o, more)
    local all = {}
    for k, v in pairs(o) do all[k] = v end
    for k, v in pairs(more or {}) do all[k] = v end
    return all
end

local function diagnose(net, set, o, list)
    causes = list
    return net:diagnose(set, copy({budget = RUNS}, o))
end

local function cause(kind, cure, more)
    return copy({kind = kind, where = "o", evidence = "ours", cure = cure}, more)
end

local function has_note(d, pattern)
    for _, note in ipairs(d.notes) do
        if note:find(pattern) then return true end
    end
    return false
end

-- ---- Quality ----

test("balanced accuracy by hand", function()
    -- a = x through the identity: four examples of class 1, three right; one of class 2, wrong.
    local net = nn.net("2 - 2 linear : mse")
    net[1].w:copy_(tensor.eye(2))
    net[1].b:zero_()
    local x = tensor {{1, 0}, {1, 0}, {1, 0}, {0, 1}, {1, 0}}
    local set = data.set {x = x, y = tensor({1, 1, 1, 1, 2}, {dtype = "i32"})}
    local judged = quality.of(net, set)
    eq(judged.kind, "classes")
    local value, classes = quality.judge(judged, net, set)
    eq(value, 3 / 8)
    eq(classes, 2)
    -- One-hot targets are classes too.
    local hot = data.set {x = x, y = tensor {{1, 0}, {1, 0}, {1, 0}, {1, 0}, {0, 1}}}
    eq(quality.of(net, hot).kind, "one-hot")
    eq(quality.judge(quality.of(net, hot), net, hot), 3 / 8)
    -- A class that is not there does not count.
    local value_of_one, there = quality.judge(judged, net, set:take(4))
    eq(value_of_one, 3 / 4)
    eq(there, 1)
end)

test("one output for two classes, by their nearer value", function()
    local net = nn.net("1 - 1 linear : mse")
    net[1].w:fill_(1)
    net[1].b:zero_()
    local x = tensor {{0.9}, {0.4}, {0.6}, {0.1}}
    local set = data.set {x = x, y = tensor {{1}, {1}, {0}, {0}}}
    local judged = quality.of(net, set)
    eq(judged.kind, "two values")
    eq(quality.judge(judged, net, set), 0.5)
    local signs = data.set {x = x, y = tensor {{1}, {1}, {-1}, {-1}}}
    eq(quality.judge(quality.of(net, signs), net, signs), 0.5) -- all are nearer to 1
    -- data.xor has classes 0 and 1: the outputs 0.9 0.4 0.6 0.1 by hand
    local pair = nn.net("2 - 1 sigmoid")
    pair[1].w:copy_(tensor {{9, 9}})
    pair[1].b:fill_(-4) -- or: of 0, 1, 1, 0 right but the last
    local xor = data.xor()
    eq(quality.of(pair, xor).kind, "classes")
    eq(quality.judge(quality.of(pair, xor), pair, xor), 0.75)
end)

test("R² on raw targets, also where another y was learned", function()
    local net = nn.net("1 - 1 linear : mse")
    net[1].w:fill_(1)
    net[1].b:zero_()
    local set = data.set {x = tensor {{1}, {2}, {3}}, y = tensor {{1}, {2}, {6}}}
    local judged = quality.of(net, set)
    eq(judged.kind, "targets")
    -- Σ(y - a)² = 9, Σ(y - 3)² = 4 + 1 + 9.
    near(quality.judge(judged, net, set), 1 - 9 / 14, 1e-6)
    -- What is far off counts -1, as does a column without a number.
    net[1].w:fill_(1e6)
    eq(quality.judge(judged, net, set), -1)
    net[1].w:fill_(0 / 0)
    eq(quality.judge(judged, net, set), -1)
    -- y = 10 y' + 5: outputs of y' are taken there.
    local before = data.set {x = set.x, y = tensor {{15}, {25}, {65}}}
    local back = quality.back(before, set)
    net[1].w:fill_(1)
    near(quality.judge(judged, net, before, back), 1 - 9 / 14, 1e-6)
    eq(quality.back(set, set), nil)
    eq(quality.back(set, data.set {x = set.x, y = tensor {{2}, {1}, {6}}}), nil)
end)

-- ---- Whole diagnoses ----

local LR <const> = cause("learning rate", "o.lr = 3")
local HARMLESS <const> = cause("epochs", "local harmless = o.epochs")

local digits = data.digits()
local SLOW <const> = {epochs = 2, lr = 0.02, seed = 1}

test("a planted cure is confirmed, one that does nothing is not", function()
    local d = diagnose(nn.net("64 - 12 - 10", {seed = 1}), digits, SLOW, {LR, HARMLESS})
    eq(#d, 1)
    eq(d[1].kind, "learning rate")
    eq(d[1].confirmed, true)
    eq(d[1].p, 1 / 12870)
    assert(d[1].gain > 0.3 and d[1].spread > 0 and d[1].cured - d[1].base == d[1].gain)
    eq(d.quality, "balanced accuracy")
    eq(d.chance, 0.1)
    eq(#d.noticed, 1)
    eq(d.noticed[1].gain, 0)
    eq(#d.tried, 2)
    eq(d.runs, 3 * 3 + 2 * 8)
    eq(d.base.mean, d[1].base)
end)

-- The gain as a user finds it: fresh runs of train, evaluated, with the seeds of the experiment.
test("its gain is that of fresh runs of train", function()
    local net = nn.net("64 - 12 - 10", {seed = 1})
    local d = diagnose(net, digits, SLOW, {LR})
    local function balanced(seed, lr)
        local c = net:clone()
        c:train(digits.train, {epochs = 2, lr = lr, seed = seed, progress = false})
        local sum = 0
        local shares = c:evaluate(digits.test).recall
        for k = 1, 10 do sum = sum + (shares[k] or 0) end
        return sum / 10
    end
    local base, cured = 0, 0
    for k = 4, 11 do
        base = base + balanced(1000 + k, 0.02) / 8
        cured = cured + balanced(1000 + k, 3) / 8
    end
    near(d[1].base, base, 1e-12)
    near(d[1].cured, cured, 1e-12)
end)

test("a network that was trained begins anew, one that was not as it stands", function()
    -- Equal neurons stay equal: only a fresh draw helps, and training anew draws.
    local net = nn.net("64 - 12 - 10", {seed = 1})
    net:params():fill_(0.01)
    local o = {epochs = 3, lr = 3, seed = 1}
    local anew = cause("initialiser", "net:reset()")
    local d = diagnose(net, digits, o, {anew})
    eq(d[1].kind, "initialiser")
    assert(d[1].gain > 0.3)
    net:train(digits.train, {epochs = 1, progress = false})
    d = diagnose(net, digits, o, {anew})
    eq(#d, 0)
    assert(has_note(d, "drawn anew"))
    d = diagnose(net, digits, copy(o, {reset = false}), {anew})
    eq(#d, 1)
    assert(not has_note(d, "drawn anew"))
    -- A step of one's own is training too.
    net = nn.net("64 - 12 - 10", {seed = 1})
    net:params():fill_(0.01)
    net:backprop(digits.train:take(10))
    eq(#diagnose(net, digits, o, {anew}), 1)
    net:step(digits.train.x, digits.train.y, {lr = 3})
    eq(#diagnose(net, digits, o, {anew}), 0)
    d = diagnose(nn.net("64 - 12 - 10", {seed = 1}), digits, copy(o, {reset = true}), {anew})
    assert(math.abs(d.tried[1].gain) < 0.1)
end)

test("a scale of its own stays a network's that begins anew", function()
    local iris = data.iris()
    local net = nn.net("4 - 6 - 3", {seed = 1})
    local far = data.set {x = iris.x * 1000, y = iris.y}
    net.scale = {offset = {5843, 3057, 3758, 1199}, factor = {0.001, 0.002, 0.0006, 0.001}}
    local o = {epochs = 30, lr = 3, seed = 1, reset = true}
    local d = diagnose(net, far, o, {cause("input scale", "net.scale = nil")})
    assert(d.tried[1].base > 0.8, d.tried[1].base)
end)

test("the same bits twice, and in any number of processes", function()
    local function text(d)
        local parts = {}
        for _, list in ipairs {d, d.noticed} do
            for _, one in ipairs(list) do
                parts[#parts + 1] = ("%s %a %a %s"):format(one.kind, one.gain or 0, one.spread or 0,
                    one.p or one.why)
            end
        end
        return table.concat(parts, "\n")
    end
    local function find()
        return text(diagnose(nn.net("4 - 6 - dropout 0.2 - 3", {seed = 1}), data.iris(),
            {epochs = 10, lr = 0.05, seed = 3},
            {LR, HARMLESS, cause("initialiser", "net:reset()")}))
    end
    local threads, first = nabla.threads(), nil
    for count = 1, 3 do
        nabla.threads(count)
        local now = find()
        first = first or now
        eq(now, first)
        eq(find(), first)
    end
    nabla.threads(threads)
    assert(first:find "learning rate")
end)

test("nothing of the user's changes", function()
    local set = data.iris()
    local net = nn.net("4 - 6 - 3", {seed = 1})
    net:train(set, {epochs = 1, progress = false, seed = 1})
    net:backprop(set)
    local params, grads, history = net:params():clone(), net:grads():clone(), tostring(net.history)
    local adam = nn.adam {lr = 0.01}
    net:clone():step(set.x, set.y, adam)
    local o = {epochs = 5, optimizer = adam, seed = 1, budget = {runs = 22}}
    local as_it_was = copy(o)
    nabla.seed(5)
    tensor.rand(3)
    local wanted = tensor.rand(4):totable()
    nabla.seed(5)
    tensor.rand(3)
    causes = {cause("learning rate", "o.optimizer.lr = 0.1; net[1].activation = 'tanh'")}
    local d = net:diagnose(set, o)
    eq(tensor.rand(4), wanted)
    eq(d.tried[1].kind, "learning rate")
    assert(net:params():equal(params) and net:grads():equal(grads))
    eq(tostring(net.history), history)
    eq(net[1].activation, "sigmoid")
    eq(adam.lr, 0.01)
    eq(adam.steps, 1)
    for key, value in pairs(o) do eq(rawequal(value, as_it_was[key]), true) end
    for key in pairs(as_it_was) do assert(o[key] ~= nil) end
    eq(nabla.seed(), 5)
end)

test("callbacks are not called, no file is written", function()
    local path = os.tmpname()
    os.remove(path)
    local function never() error "called" end
    local d = diagnose(nn.net("4 - 6 - 3", {seed = 1}), data.iris(), {epochs = 5, lr = 0.01,
        on_epoch = never, on_batch = never, checkpoint = path, metrics = {"accuracy"},
        valid = data.iris(), patience = 3, flow = true, progress = false}, {LR})
    eq(#d, 1)
    assert(has_note(d, "not in these runs: on_epoch, on_batch, checkpoint"))
    assert(not io.open(path))
    for _, name in ipairs {"on_epoch", "checkpoint", "metrics", "budget", "test"} do
        eq(seen.o[name], nil)
    end
    assert(seen.o.valid and seen.o.patience == 3)
end)

test("training that fails is a result", function()
    local x = tensor.randn(60, 3, {seed = 1})
    local set = data.set {x = x, y = x:sum(2):reshape(60, 1) * 100}
    local d = diagnose(nn.net("3 - 1 linear : mse", {seed = 1}), set, {epochs = 20, lr = 50},
        {cause("learning rate", "o.lr = 0.05")})
    eq(d.quality, "R²")
    eq(d.chance, 0)
    eq(d[1].base, -1)
    assert(d[1].cured > 0.9)
    assert(has_note(d, "fails in 11 of the runs"))
    -- A cure that makes it fail is none; one whose text does not run is told.
    d = diagnose(nn.net("4 - 6 - 3", {seed = 1}), data.iris(), {lr = 1, epochs = 5},
        {cause("learning rate", "o.lr = 'much'"), cause("depth", "net:nothing()")})
    eq(#d, 0)
    assert(d.noticed[1].gain < 0)
    assert(d.noticed[2].why:find "its cure does not run")
end)

test("evidence without a cure", function()
    -- Shuffled labels: as they are they teach no more than when they are shuffled again.
    local shuffle = "local n = #set; set = data.set{x = set.x, y = set.y:index_select(1, " ..
        "tensor.randperm(n)), classes = set.classes}"
    local null = cause("labels", nil, {null = shuffle})
    local iris = data.iris()
    local lost = data.set {x = iris.x, y = iris.y:index_select(1, tensor.randperm(150, {seed = 4}))}
    local o = {epochs = 20, lr = 1}
    local d = diagnose(nn.net("4 - 6 - 3", {seed = 1}), lost, o, {null})
    eq(d[1].kind, "labels")
    eq(d[1].confirmed, true)
    eq(d[1].gain, nil)
    d = diagnose(nn.net("4 - 6 - 3", {seed = 1}), iris, o, {null})
    eq(#d, 0)
    -- A fact needs no experiment, and makes any other useless.
    d = diagnose(nn.net("4 - 6 - 3"), iris, o, {{kind = "data", certain = true}, LR})
    eq(d[1].kind, "data")
    eq(d.runs, 0)
    eq(#d.noticed, 1)
    -- What has neither is noticed.
    d = diagnose(nn.net("4 - 6 - 3"), iris, o, {{kind = "mode"}})
    eq(#d, 0)
    eq(d.noticed[1].kind, "mode")
end)

test("budgets", function()
    local function find(budget, list)
        causes = list or {LR}
        return nn.net("4 - 6 - 3", {seed = 1}):diagnose(data.iris(), {budget = budget, epochs = 3,
            lr = 0.01, seed = 1})
    end
    for _, budget in ipairs {0, {runs = 0}, {runs = 21}} do
        local d = find(budget)
        eq(#d, 0)
        eq(#d.tried, 0)
        eq(d.noticed[1].why, "the budget does not reach to try it")
    end
    assert(has_note(find {runs = 21}, "21 runs are too few to try a cure: that takes 22"))
    eq(find({runs = 22}).runs, 22)
    -- 3 (1 + 2) + 8 (1 + 1) = 25 try two cures, and confirm one of them.
    local two = {LR, cause("optimizer", "o.optimizer = 'adam'; o.lr = 0.05")}
    eq(#find({runs = 24}, two).tried, 1)
    eq(#find({runs = 25}, two).tried, 2)
    eq(find({runs = 25}, two).runs, 25)
    eq(find({runs = 33}, two).runs, 33)
    eq(find({runs = 999}, two).runs, 33)
    -- One that hardly lets a batch be learned tries nothing, or less of everything, and says so.
    local d = find(1e-9)
    eq(#d, 0)
    for _, bad in ipairs {-1, 0 / 0, math.huge, "5", {}, {runs = -1}, {runs = 2.5}, {runs = 5, 3},
        true} do
        fails(function() find(bad) end,
            "net:diagnose: budget must be a number of seconds from 0 or {runs = n}, not ", true)
    end
end)

test("a run too long for its seconds is made shorter, and that is said", function()
    local net = nn.net("64 - 30 - 10", {seed = 1})
    causes = {cause("learning rate", "o.lr = 3"), cause("epochs", "o.epochs = 5e6",
        {longer = true})}
    local d = net:diagnose(digits, {epochs = 1000000, lr = 0.02, budget = 0.5})
    assert(has_note(d, "for the budget") or #d.tried == 0)
    for _, one in ipairs(d.tried) do eq(one.kind, "learning rate") end
end)

test("of a large set a part is taken before anything else, the same of every class", function()
    -- 400,000 numbers a second, and a thousand examples at the least, of which a fifth is held out.
    local x = tensor.randn(3000, 400, {seed = 1})
    local y = x[{{}, 1}]:gt(0):to "i32" + 1
    local large = data.set {x = x, y = y, classes = {"no", "yes"}}
    local net = nn.net("400 - 2", {seed = 1})
    causes = {HARMLESS}
    local d = net:diagnose(large, {budget = 0.5, epochs = 1, seed = 1})
    assert(#seen.set <= 801, #seen.set)
    assert(#seen.about.test <= 201)
    eq(#seen.about.whole, 3000)
    assert(has_note(d, "of the examples to learn from 33 %% are taken at all"))
    net:diagnose(large, {budget = 0.5, epochs = 1, seed = 1, test = large})
    assert(#seen.set <= 1001 and #seen.about.test <= 1001)
    net:diagnose(large, {budget = {runs = 0}, epochs = 1, seed = 1})
    eq(#seen.set, 2400)
    -- Small ones stay whole.
    net = nn.net("4 - 3", {seed = 1})
    net:diagnose(data.iris(), {budget = 0.01, epochs = 1, seed = 1, test = data.iris()})
    eq(#seen.about.test, 150)
end)

test("sets of every kind", function()
    local slow, quick = {epochs = 20, lr = 0.001}, {LR}
    -- A fifth is held out, the same of every class, another for each seed.
    local d = diagnose(nn.net("4 - 6 - 3", {seed = 1}), data.iris(), slow, quick)
    eq(d.judged, "a fifth that is held out")
    eq(#seen.set, 120)
    eq(#seen.about.test, 30)
    eq(#d, 1)
    -- o.test, then set.test, else too few: those that it learns from.
    d = diagnose(nn.net("64 - 6 - 10", {seed = 1}), digits,
        copy(slow, {test = digits.test:take(50)}), {HARMLESS})
    eq(d.judged, "the test set")
    eq(#seen.about.test, 50)
    d = diagnose(nn.net("2 - 3 - 1", {seed = 1}), data.xor(), {epochs = 500, lr = 0.01},
        {cause("learning rate", "o.lr = 10")})
    assert(d.judged:find "too few")
    eq(#d, 1)
    -- Of one class there is nothing to learn.
    d = diagnose(nn.net("4 - 6 - 3"), data.iris():take(5), slow, quick)
    eq(#d, 0)
    eq(d.runs, 0)
    assert(has_note(d, "one class"))
    -- A test set without one of the classes counts the others.
    d = diagnose(nn.net("4 - 6 - 3"), data.iris(), copy(slow, {test = data.iris():take(100)}),
        quick)
    eq(d.chance, 0.5)
    -- Weights of examples go with those that are left.
    local w = {}
    for i = 1, 150 do w[i] = i <= 50 and 1 or 0 end
    d = diagnose(nn.net("4 - 8 - 3", {seed = 1}), data.iris(), {epochs = 60, lr = 1,
        weights = {examples = w}}, {cause("balance", "o.weights = nil")})
    eq(d[1].kind, "balance")
    eq(#seen.o.weights.examples, 120)
    -- Only the first class counts, so each run answers it alone: 1 of 3.
    eq(d[1].base, 1 / 3)
    -- x and y.
    causes = quick
    d = nn.net("4 - 6 - 3", {seed = 1}):diagnose(data.iris().x, data.iris().y, copy(slow,
        {budget = RUNS}))
    eq(#d, 1)
end)

test("sequences, and optimizers of the whole set", function()
    local x, y, sums = {}, {}, {}
    for i = 1, 40 do
        x[i] = tensor.randn(3 + i % 4, 2, {seed = i}) + (i % 2) * 4
        y[i] = 1 + i % 2
        sums[i] = x[i]:sum(2):reshape(x[i].shape[1], 1)
    end
    local d = diagnose(nn.net("*x2 - gru 4 last - 2 softmax : cross_entropy", {seed = 1}),
        data.set {x = x, y = y}, {epochs = 10, lr = 0.0001, seed = 1},
        {cause("learning rate", "o.lr = 0.5")})
    eq(d.quality, "balanced accuracy")
    eq(#d, 1)
    d = diagnose(nn.net("*x2 - gru 6 - 1 linear : mse", {seed = 1}), data.set {x = x, y = sums},
        {epochs = 10, lr = 0.0001, seed = 1}, {cause("learning rate", "o.lr = 0.01")})
    eq(d.quality, "R²")
    eq(#d, 1)
    for _, optimizer in ipairs {"lbfgs", "cg", "lm"} do
        d = diagnose(nn.net("2 - 4 tanh - 1 sigmoid", {seed = 1}), data.moons(60),
            {epochs = 1, optimizer = optimizer}, {cause("epochs", "o.epochs = 30")})
        eq(#d.tried, 1)
        assert(d.tried[1].gain == d.tried[1].gain)
    end
end)

test("what is refused", function()
    local net, set = nn.net("4 - 3"), data.iris()
    causes = {}
    local function refuses(words, ...)
        local given = table.pack(...)
        fails(function() net:diagnose(table.unpack(given, 1, given.n)) end, words, true)
    end
    refuses("net:diagnose has no option 'budgte'; did you mean 'budget'?", set, {budgte = 5})
    refuses("net:diagnose has no option 'epoch'; did you mean 'epochs'?", set, {epoch = 5})
    refuses("one argument too many", set, {}, 3)
    refuses("reset must be", set, {reset = 1})
    refuses("argument 1 must be", 5)
    -- What train refuses is told where nothing else is found; a cure for it is tried.
    refuses("lr must be a number above 0, not -1", set, {lr = -1})
    refuses("the network takes 4", digits, {})
    causes = {cause("learning rate", "o.lr = 1")}
    local d = net:diagnose(set, {lr = -1, epochs = 20, budget = RUNS})
    assert(d.refused:find "lr must be")
    eq(d[1].kind, "learning rate")
end)

-- ---- A function in copies of the process ----

test("numbers come back in order from any number of processes", function()
    local threads = nabla.threads()
    for count = 1, 3 do
        nabla.threads(count)
        local out = nabla._in_copies(20, function(i)
            if i % 2 == 0 then return i, i * i, 1 / i end
            return i
        end)
        for i = 1, 20 do eq(out[i], i % 2 == 0 and {i, i * i, 1 / i} or {i}) end
        eq(nabla._in_copies(0, function() error "called" end), {})
        fails(function() nabla._in_copies(5, function(i) error("in " .. i) end) end, "in %d")
        local own = {"its own"}
        local ok, raised = pcall(nabla._in_copies, 3, function() error(own) end)
        assert(not ok and rawequal(raised, own))
        fails(function() nabla._in_copies(2, function() return "x" end) end, "number expected")
        fails(function() nabla._in_copies(2, function() return 1, 2, 3, 4, 5, 6, 7, 8 end) end,
            "at most 7 numbers, not 8", true)
    end
    nabla.threads(threads)
end)

spec.report()
