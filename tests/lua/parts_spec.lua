-- Methods of data sets that give parts of them, batches, folds, and what a function makes of them.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local tensor, data, nn = nabla.tensor, nabla.data, nabla.nn

local function letters()
    return data.set {x = {{1, 10}, {2, 20}, {3, 30}, {4, 40}, {5, 50}}, y = {1, 2, 1, 2, 1},
                     classes = {"a", "b"}}
end

-- ---- Batches ----

test("batches come in the set's order, the last with what is left", function()
    local seen, sizes = {}, {}
    for x, y in letters():batches(2) do
        sizes[#sizes + 1] = #x
        for i = 1, #x do seen[#seen + 1] = {x[i][1], y[i]} end
    end
    eq(sizes, {2, 2, 1})
    eq(seen, {{1, 1}, {2, 2}, {3, 1}, {4, 2}, {5, 1}})
    local all = 0
    for x in letters():batches(100) do all = all + #x end
    eq(all, 5)
    for x, y in data.set({x = {{1}, {2}}}):batches(1) do
        eq(x.shape, {1, 1})
        eq(y, nil)
    end
    for _, y in data.set({x = {{1}, {2}}, y = {{0.5, 1}, {2, 3}}}):batches(2) do
        eq(y, {{0.5, 1}, {2, 3}})
    end
    fails(function() letters():batches(0) end, "a batch has at least 1 example, not 0")
    fails(function() letters():batches() end, "the number of examples in a batch")
    fails(function() letters():batches(2, 3) end, "one argument too many")
end)

test("a step on batches is a step of train without shuffling", function()
    local set = data.digits().train:take(100)
    local a = nn.net("64 - 10", {seed = 1})
    local b = a:clone()
    local o = nn.sgd {lr = 0.5}
    for x, y in set:batches(30) do a:step(x, y, o) end
    b:train(set, {epochs = 1, batch = 30, lr = 0.5, shuffle = false})
    eq(a:params(), b:params())
end)

test("batches of sequences are lists, which a network takes", function()
    local set = data.set {x = {tensor {{1}, {2}}, tensor {{3}}, tensor {{4}}}, y = {1, 2, 2}}
    local net, count = nn.net("*x1 - rnn 2 last - 2 softmax : cross_entropy", {seed = 1}), 0
    for x, y in set:batches(2) do
        count = count + #x
        eq(#net(x), #x)
        eq(#y, #x)
    end
    eq(count, 3)
end)

-- ---- Folds ----

test("every example is tested once and trained on in all other folds", function()
    local set, tested, folds = data.iris(), {}, 0
    for train, test_set in set:kfold(4, 1) do
        folds = folds + 1
        eq(#train + #test_set, 150)
        assert(#test_set == 37 or #test_set == 38)
        local trained = {}
        for i = 1, #train do trained[tostring(train[i].x) .. train[i].y] = true end
        local of = {setosa = 0, versicolor = 0, virginica = 0}
        for i = 1, #test_set do of[test_set[i].y] = of[test_set[i].y] + 1 end
        for _, n in pairs(of) do assert(n == 12 or n == 13, n) end
        for x in test_set:batches(1) do tested[#tested + 1] = x:sum():item() end
    end
    eq(folds, 4)
    local wanted = {}
    for x in set:batches(1) do wanted[#wanted + 1] = x:sum():item() end
    table.sort(tested)
    table.sort(wanted)
    eq(tested, wanted)
end)

test("folds are a function of their seed, which nabla.seed draws", function()
    local function first(seed)
        for _, test_set in data.iris():kfold(3, seed) do return test_set.x:totable() end
    end
    eq(first(1), first(1))
    assert(not tensor(first(1)):equal(tensor(first(2))))
    nabla.seed(5)
    local a = first()
    nabla.seed(5)
    eq(first(), a)
    eq(#letters():take(2), 2)
    fails(function() letters():kfold(1) end, "5 examples can be in 2 to 5 folds, not 1")
    fails(function() letters():kfold(6) end, "5 examples can be in 2 to 5 folds, not 6")
    fails(function() letters():kfold(2.5) end, "the number of folds must be a whole number")
end)

-- ---- Leaving out, names ----

test("without some examples", function()
    local set = letters()
    eq(set:without(2).y, {1, 1, 2, 1})
    eq(set:without(-1).x[4], {4, 40})
    eq(set:without({1, 5, 1}).x, {{2, 20}, {3, 30}, {4, 40}})
    eq(#set:without {}, 5)
    eq(set:without(1):without(1)[1].y, "a")
    eq(set:without(1).classes, {"a", "b"})
    fails(function() set:without(6) end, "there is no example 6; there are 5")
    fails(function() set:without(0) end, "counting starts at 1")
    fails(function() set:without {1, "x"} end, "whole number")
    fails(function() set:without {1, 2, 3, 4, 5} end, "no example is left")
end)

test("names of classes", function()
    eq(letters():name(2), "b")
    eq(letters():name(-1), "b")
    eq(data.digits():name(1), 0)
    fails(function() letters():name(3) end, "there is no class 3; there are 2")
    fails(function() data.set({x = {{1}}, y = {{1, 2}}}):name(1) end, "have no names")
end)

-- ---- Map ----

test("map changes x and keeps y, classes and columns", function()
    local iris = data.iris()
    local twice = iris:map(function(x) return x * 2 end)
    eq(twice.x, iris.x * 2)
    eq(twice.y, iris.y)
    eq(twice.classes, iris.classes)
    eq(twice.columns, iris.columns)
    local sums = iris:shuffle(1):map(function(x) return {x:sum(), 1} end)
    eq(sums.columns, nil)
    eq(#sums.x[1], 2)
    local seen = {}
    letters():map(function(x, y) seen[#seen + 1] = {x[2], y} return x end)
    eq(seen, {{10, "a"}, {20, "b"}, {30, "a"}, {40, "b"}, {50, "a"}})
    eq(letters():map(function() return 7 end).x, {7, 7, 7, 7, 7})
    eq(data.set({x = {{1}, {2}}}):map(function(x) return x + 1 end).x, {{2}, {3}})
end)

test("map changes y: to other classes, to targets, by other names", function()
    local swapped = letters():map(function(x, y) return x, y == "a" and "b" or "a" end)
    eq(swapped.y, {2, 1, 2, 1, 2})
    eq(swapped.classes, {"a", "b"})
    local function even(x, y) return x, y % 2 == 0 and "even" or "odd" end
    local parity = data.digits().test:map(even, {classes = {"odd", "even"}})
    eq(parity.classes, {"odd", "even"})
    eq(parity[1].y == "even", data.digits().test[1].y % 2 == 0)
    -- Targets that look like class numbers stay targets.
    local plain = data.set {x = {{1}, {2}}, y = {0.5, 1.5}}
    local whole = plain:map(function(x, y) return x, y + 0.5 end)
    eq(whole.classes, nil)
    eq(whole.y, {1, 2})
    eq(plain:map(function(x, y) return x, {y, -y} end).y, {{0.5, -0.5}, {1.5, -1.5}})
    eq(data.set({x = {{1}, {2}}}):map(function(x) return x, 1 end).classes, {1})
end)

test("map of sequences may change their steps", function()
    local set = data.set {x = {tensor {{1}, {2}}, tensor {{3}}}, y = {2, 1}, classes = {"p", "q"}}
    local mapped = set:map(function(x) return tensor.cat({x, x}, 1) end)
    eq(#mapped[1].x, 4)
    eq(mapped[2].x, {{3}, {3}})
    eq(mapped[1].y, "q")
end)

test("what map cannot take names the example", function()
    local set = letters()
    fails(function() set:map(function(x) if x[1] < 3 then return x end end) end,
        "f gives nil for example 3; it must give x, or x and y")
    fails(function() set:map(function(x) return x[1] < 4 and x or x:narrow(1, 1, 1) end) end,
        "x of example 4 is 1 in f32, that of the first 2 in f32")
    fails(function() set:map(function(x) return x, "c" end) end,
        "y of example 1 is 'c', which is none of the 2 classes")
    fails(function() set:map(function(x) return "x" end) end,
        "x of example 1 must be a tensor, a table or a number, not 'x'")
    fails(function() set:map(5) end, "f must be a function of x, or of x and y, not 5")
    fails(function() set:map(function(x) return x end, {clases = {}}) end,
        "did you mean 'classes'", true)
    fails(function() set:map(function() error "mine" end) end, "mine")
    local mute = data.set {x = {{1}, {2}}}
    fails(function() mute:map(function(x) if x[1] == 1 then return x, 1 end return x end) end,
        "f gives no y for example 2")
    fails(function() mute:map(function(x) if x[1] == 2 then return x, 1 end return x end) end,
        "f gives y for example 2, but none for those before")
end)

spec.report()
