-- Metrics, and what evaluation tells of classes: against figures worked out by hand.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local nn, data, tensor = nabla.nn, nabla.data, nabla.tensor

-- A network that gives x itself.
local function identity(n, cost)
    local net = nn.net {n, n .. " linear", cost = cost or "mse"}
    net[1].w = tensor.eye(n)
    net[1].b = tensor.zeros(n)
    return net
end

-- Seven answers of three classes, by hand: of class 1 two of three
-- right, of 2 one of two, of 3 both.
local outputs = tensor {
    {0.8, 0.1, 0.1}, {0.5, 0.2, 0.3}, {0.1, 0.5, 0.4}, -- 1 1 1 → 1 1 2
    {0.2, 0.7, 0.1}, {0.6, 0.3, 0.1}, -- 2 2 → 2 1
    {0.1, 0.2, 0.7}, {0.3, 0.3, 0.4}, -- 3 3 → 3 3
}
local letters = data.set {x = outputs, y = {1, 1, 1, 2, 2, 3, 3}, classes = {"a", "b", "c"}}

test("confusion, precision and recall are counted", function()
    local e = identity(3):evaluate(letters)
    assert(e.confusion:equal(tensor({{2, 1, 0}, {1, 1, 0}, {0, 0, 2}}, {dtype = "i32"})))
    near(e.accuracy, 5 / 7)
    near(e.precision, {2 / 3, 1 / 2, 1})
    near(e.recall, {2 / 3, 1 / 2, 1})
    eq(e.classes, {"a", "b", "c"})
    local text = tostring(e)
    assert(text:find("66.7 %%%s+66.7 %%%s+a\n"), text)
    assert(text:find "100.0 %%%s+100.0 %%%s+c$", text)
end)

test("a class that is never answered has no precision", function()
    local set = data.set {x = tensor {{1, 0, 0}, {1, 0, 0}, {0, 0, 1}}, y = {1, 2, 3}}
    local e = identity(3):evaluate(set)
    eq(e.precision[1], 0.5)
    eq(e.precision[2], nil)
    eq(e.recall[2], 0)
    eq(e.precision[3], 1)
    assert(tostring(e):find("–", 1, true))
end)

test("top_k counts the class among the largest", function()
    local e = identity(3):evaluate(letters, {metrics = {"top_k(k=1)", "top_k(k=2)", "top_k(k=3)"}})
    near(e.metrics["top_k(k=1)"], 5 / 7)
    near(e.metrics["top_k(k=2)"], 6 / 7) -- the third's own output is the smallest
    near(e.metrics["top_k(k=3)"], 1)
    -- Of equal outputs the first is the larger, as argmax has it.
    local level = data.set {x = tensor.zeros(3, 3), y = {1, 2, 3}}
    for k = 1, 3 do
        local name = ("top_k(k=%d)"):format(k)
        near(identity(3):evaluate(level, {metrics = {name}}).metrics[name], k / 3)
    end
end)

test("mean_absolute_error and r2", function()
    local a = tensor {{1, 0}, {2, 0}, {3, 1}, {4, 1}}
    local y = tensor {{1, 1}, {2, 0}, {3, 0}, {6, 1}}
    -- First column: mean 3, Σ(y - 3)² = 14, missed 4. Second: mean ½, Σ = 1, missed 2.
    local e = identity(2):evaluate(a, y, {metrics = {"r2", "mean_absolute_error"}})
    near(e.metrics.r2, ((1 - 4 / 14) + (1 - 2)) / 2)
    near(e.metrics.mean_absolute_error, 4 / 8)
    -- Far from zero nothing is lost: the same figures of numbers a million further on, in f64.
    nabla.dtype "f64"
    local far = identity(2):evaluate(a:to "f64" + 1e6, y:to "f64" + 1e6, {metrics = {"r2"}})
    nabla.dtype "f32"
    near(far.metrics.r2, e.metrics.r2, 1e-9)
end)

test("r2 of a y that does not change is not known", function()
    local e = identity(1):evaluate(tensor {{1}, {2}}, tensor {{3}, {3}}, {metrics = {"r2"}})
    assert(e.metrics.r2 ~= e.metrics.r2)
end)

test("a function is asked once, of all outputs and all of y", function()
    local x = tensor.rand(40000, 2, {seed = 1}) -- several pieces
    local calls, got = 0, nil
    local e = identity(2):evaluate(x, x * 2, {metrics = {worst = function(a, y)
        calls = calls + 1
        got = {a.shape, y.shape}
        return (a - y):abs():max()
    end}})
    eq(calls, 1)
    eq(got, {{40000, 2}, {40000, 2}})
    near(e.metrics.worst, x:max():item())
end)

test("a function sees a, also where the cost goes on from z, and class numbers", function()
    local net = nn.net("3 - 3 softmax : cross_entropy", {seed = 1})
    local a, y
    net:evaluate(letters, {metrics = {look = function(given, wanted)
        a, y = given:clone(), wanted:clone()
        return 0
    end}})
    assert(a:allclose(net(outputs)))
    eq(y:totable(), {1, 1, 1, 2, 2, 3, 3})
end)

test("steps and places are answers", function()
    local steps = nn.net("*x2 - 2 linear : mse", {seed = 1})
    local e = steps:evaluate(tensor.ones(3, 4, 2), tensor.zeros(3, 4, 2),
        {metrics = {rows = function(a) return #a end}})
    eq(e.metrics.rows, 12)
    -- Padding is no answer.
    local set = data.set {x = {tensor.ones(2, 2), tensor.ones(5, 2)},
        y = {tensor.zeros(2, 2), tensor.zeros(5, 2)}}
    eq(steps:evaluate(set, {metrics = {rows = function(a) return #a end}}).metrics.rows, 7)
end)

test("training tells them by epoch, on valid, else on test", function()
    local digits = data.digits()
    local function train(o)
        local net = nn.net("64 - 10 softmax : cross_entropy", {seed = 1})
        o.epochs, o.lr, o.seed, o.progress = 3, 0.1, 1, false
        o.metrics = {"accuracy", "top_k(k=3)", half = function(a) return #a / 2 end}
        return net:train(digits.train:take(200), o), net
    end
    local valid, test_set = digits.test:take(50), digits.test:take(-40)
    local seen = {}
    local h = train {valid = valid, test = test_set, on_epoch = function(e)
        seen[#seen + 1] = e.metrics.accuracy
    end}
    eq(h.metrics.accuracy, h.valid)
    eq(seen, h.valid)
    eq(h.metrics.half, {25, 25, 25})
    assert(h.metrics["top_k(k=3)"][3] >= h.valid[3])
    local other = train {test = test_set}
    eq(other.metrics.accuracy, other.test)
    eq(other.metrics.half, {20, 20, 20})
end)

test("they go with a checkpoint", function()
    local path = os.tmpname()
    os.remove(path)
    local digits = data.digits()
    local function train(o)
        local net = nn.net("64 - 10 softmax : cross_entropy", {seed = 1})
        o.lr, o.seed, o.progress, o.test = 0.1, 1, false, digits.test:take(50)
        return net:train(digits.train:take(100), o)
    end
    local whole = train {epochs = 4, metrics = {"top_k(k=2)"}}
    train {epochs = 2, checkpoint = path, metrics = {"top_k(k=2)", "accuracy"}}
    local h = train {epochs = 4, resume = path, metrics = {"top_k(k=2)"}}
    eq(h.metrics, whole.metrics)
    os.remove(path)
end)

test("h:save writes a table", function()
    local path = os.tmpname()
    local digits = data.digits()
    local h = nn.net "64 - 10":train(digits.train:take(50), {epochs = 2, progress = false,
        test = digits.test:take(20), metrics = {['a "b", c'] = function() return 0.5 end}})
    h:save(path)
    local lines = {}
    for line in io.lines(path) do lines[#lines + 1] = line end
    eq(lines[1], 'epoch,cost,test,test_cost,lr,elapsed,"a ""b"", c"')
    eq(#lines, 3)
    local cells = {}
    for cell in lines[3]:gmatch "[^,]+" do cells[#cells + 1] = tonumber(cell) end
    eq(cells[1], 2)
    eq(cells[2], h.cost[2])
    eq(cells[3], h.test[2])
    eq(cells[7], 0.5)
    os.remove(path)
    fails(function() h:save "no/such/folder/x.csv" end, "no/such/folder/x.csv")
    fails(function() h:save() end, "path")
end)

test("what cannot be is refused", function()
    local net = identity(3)
    local function refuses(metrics, message)
        fails(function() net:evaluate(letters, {metrics = metrics}) end, message, true)
    end
    refuses({"r2"}, "the metric r2 is of targets; here y holds classes")
    refuses({"acuracy"}, "unknown metric 'acuracy'; did you mean 'accuracy'?")
    refuses({"top_k(k=0)"}, "k must be a whole number from 1")
    refuses({"confusion"}, "net:evaluate(set).confusion holds it")
    refuses("accuracy", "metrics must be a list")
    refuses({5}, "a metric is a name or a function, not 5")
    refuses({print}, "a function needs a name")
    refuses({"accuracy", accuracy = print}, "asked for twice")
    refuses({f = function() end}, "metric f")
    refuses({f = function() return tensor.zeros(2) end}, "must give one number")
    refuses({f = function() error "oh" end}, "metric f: oh")
    local many = {}
    for k = 1, 9 do many[k] = ("top_k(k=%d)"):format(k) end
    refuses(many, "at most 8 metrics")
    fails(function() net:evaluate(outputs, outputs, {metrics = {"top_k"}}) end,
        "the metric top_k is of classes; here y holds targets", true)
    fails(function() net:train(letters, {metrics = {"accuracy"}}) end,
        "metrics are measured on valid, else on test, and there is neither", true)
end)

spec.report()
