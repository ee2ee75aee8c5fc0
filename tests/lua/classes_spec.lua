-- Classes of a set against the outputs of a network: as many, more, or one for two of them; names
-- that stand twice; examples that are tested and trained on.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local corners = {{0, 0}, {0, 1}, {1, 0}, {1, 1}}
local quiet = {epochs = 2, seed = 1, progress = false}

test("classes that nobody named may be fewer than the outputs", function()
    local set = data.set {x = {{1, 0}, {0, 1}, {1, 1}}, y = {1, 2, 3}}
    for _, notation in ipairs {"2 - 10", "2 - 10 softmax : cross_entropy", "2 - 3"} do
        local net = nn.net(notation, {seed = 1})
        local x, y = tensor {{1, 0}, {0, 1}, {1, 1}}, {1, 2, 3}
        near(net:cost(set), net:cost(x, y), 1e-7)
        local twin = net:clone()
        net:train(set, quiet)
        twin:train(x, y, quiet)
        eq(net:params(), twin:params():totable())
        eq(net:evaluate(set).correct, twin:evaluate(x, y).correct)
        eq(net:classify(set), twin:classify(x))
        assert(net:gradcheck(set).ok)
    end
    -- A test set with fewer classes than the set that is trained on.
    local part = data.set {x = {{1, 0}}, y = {1}}
    nn.net "2 - 10":train(set, {epochs = 1, test = part, progress = false})
    -- Labels beyond the outputs, and names for which there is no output, are told.
    fails(function() nn.net "2 - 2":train(set, quiet) end, "3 classes; the network gives 2", true)
    local abc = data.set {x = {{1, 0}, {0, 1}, {1, 1}}, y = {1, 2, 3}, classes = {"a", "b", "c"}}
    fails(function() nn.net "2 - 10":train(abc, quiet) end, "3 classes; the network gives 10", true)
end)

test("net.classes holds the names that classify answers with", function()
    local set = data.set {x = corners, y = {1, 2, 2, 1}, classes = {"even", "odd"}}
    local net = nn.net("2 - 4 tanh - 2", {seed = 2})
    eq(net.classes, nil)
    net:evaluate(set)
    eq(net.classes, nil)
    net:train(set, quiet)
    eq(net.classes, {"even", "odd"})
    eq(net:clone().classes, {"even", "odd"})
    eq(spec.saved(net).classes, {"even", "odd"})
    -- A table of the caller's own.
    net.classes[1] = "other"
    eq(net.classes[1], "even")
    -- The last set's; where nobody named them they are their numbers.
    net:train(data.set {x = corners, y = {1, 2, 2, 1}, classes = {0, 1}}, quiet)
    eq(net.classes, {0, 1})
    eq(math.type(net.classes[1]), "integer")
    net:train(data.set {x = corners, y = {1, 2, 2, 1}}, quiet)
    eq(net.classes, {1, 2})
    fails(function() net.classes = {"a", "b"} end, "has its classes from the set")
    fails(function() nn.net {2, nn.dense {3, name = "classes"}} end, "cannot be called classes")
end)

test("one output stands for two named classes, and classifies as it evaluates", function()
    local even = data.set {x = corners, y = {1, 2, 2, 1}, classes = {"even", "odd"}}
    local column = data.set {x = corners, y = {{0}, {1}, {1}, {0}}}
    for _, last in ipairs {"1", "1 : cross_entropy", "1 linear : cross_entropy logits=true"} do
        local net = nn.net("2 - 4 tanh - " .. last, {seed = 2, dtype = "f64"})
        local twin = net:clone()
        eq(net:classify(corners), twin:classify(corners))
        local wrong = net:evaluate(column)
        local given = 0
        for i, answer in ipairs(net:classify(column)) do
            given = given + (answer == ({0, 1, 1, 0})[i] and 1 or 0)
        end
        eq(wrong.correct, given)
        near(net:cost(even), net:cost(column), 1e-12)
        local o = {epochs = 3000, batch = 4, seed = 1, progress = false}
        net:train(even, o)
        twin:train(column, o)
        eq(net:params(), twin:params():totable())
        eq(net:evaluate(even).correct, 4)
        eq(net:classify(even), {"even", "odd", "odd", "even"})
        eq(net:classify {0, 1}, "odd")
        eq(twin:classify(corners), {0, 1, 1, 0})
        eq(twin:classify {1, 1}, 0)
        eq(spec.saved(net):classify {1, 0}, "odd")
        assert(net:gradcheck(even).ok)
    end
    -- Whole numbers that nobody called classes may be targets: 1 and 2 are not taken for 0 and 1.
    local numbers = data.set {x = corners, y = {1, 2, 2, 1}}
    fails(function() nn.net "2 - 1":train(numbers, quiet) end, "the set has 2 classes", true)
    local three = data.set {x = corners, y = {1, 2, 3, 1}, classes = {"a", "b", "c"}}
    fails(function() nn.net "2 - 1":train(three, quiet) end, "the set has 3 classes", true)
end)

test("no two classes have the same name", function()
    fails(function() data.set {x = {{1}, {2}}, y = {1, 2}, classes = {"a", "a"}} end,
          "classes 1 and 2 have the same name, 'a'", true)
    fails(function() data.set {x = {{1}, {2}}, y = {1, 2}, classes = {"b", 1, "1"}} end,
          "classes 2 and 3 have the same name, '1'", true)
    local names = {}
    for i = 1, 5000 do names[i] = "class " .. i end
    local set = data.set {x = {{1}}, y = {1}, classes = names}
    eq(#set.classes, 5000)
    names[4321] = "class 17"
    fails(function() data.set {x = {{1}}, y = {1}, classes = names} end,
          "classes 17 and 4321 have the same name, 'class 17'", true)
end)

-- ---- By their names ----

local function lettered(letters, classes)
    local x, y = {}, {}
    for i = 1, #letters do
        x[i] = {letters:byte(i) - 97, i / 10}
        for k, name in ipairs(classes) do if name == letters:sub(i, i) then y[i] = k end end
    end
    return data.set {x = x, y = y, classes = classes}
end

local abc = lettered("abcabcaabc", {"a", "b", "c"})
local cab = lettered("abcabcaabc", {"c", "a", "b"}) -- the same, numbered otherwise
local ca = lettered("accaacaaac", {"c", "a"})

local function fresh() return nn.net("2 - 4 tanh - 3 softmax : cross_entropy", {seed = 3}) end

local function lettered_net()
    local net = fresh()
    net:train(abc, {epochs = 3, seed = 1, progress = false})
    return net
end

test("a set whose classes are numbered otherwise is understood by their names", function()
    local net = lettered_net()
    for _, method in ipairs {"cost", "evaluate", "trace"} do
        local a, b = net[method](net, abc), net[method](net, cab)
        eq(method == "cost" and a or a.cost, method == "cost" and b or b.cost)
    end
    eq(net:evaluate(cab).correct, net:evaluate(abc).correct)
    net:backprop(abc)
    local grads = net:grads():clone()
    net:backprop(cab)
    assert(net:grads():equal(grads))
    eq(net:cost(cab[3]), net:cost(abc[3]))
    eq(net:cost(cab, {weights = {a = 2, c = 0.5}}), net:cost(abc, {weights = {a = 2, c = 0.5}}))
    eq(net:classify(cab), net:classify(abc))
end)

test("training goes on, and is judged, by the names", function()
    local one, other = lettered_net(), lettered_net()
    one:train(abc, {epochs = 2, seed = 2, progress = false})
    other:train(cab, {epochs = 2, seed = 2, progress = false})
    assert(one:params():equal(other:params()))
    eq(other.classes, {"a", "b", "c"})
    one:step(abc, {lr = 0.1})
    other:step(cab, {lr = 0.1})
    assert(one:params():equal(other:params()))
    local o = {epochs = 2, seed = 1, progress = false, test = cab, valid = cab}
    local h = fresh():train(abc, o)
    o.test, o.valid = abc, abc
    eq(h.test, fresh():train(abc, o).test)
    eq(h.valid_cost, fresh():train(abc, o).valid_cost)
end)

test("a set with some of the classes is as good as one with all", function()
    local net = lettered_net()
    local all = data.set {x = ca.x, y = {1, 3, 3, 1, 1, 3, 1, 1, 1, 3}, classes = {"a", "b", "c"}}
    eq(net:evaluate(ca).cost, net:evaluate(all).cost)
    eq(net:cost(ca), net:cost(all))
    assert(fresh():train(abc, {epochs = 1, test = ca, progress = false}).test[1])
end)

test("a class that the network does not know is named", function()
    local net = lettered_net()
    local odd = lettered("abd", {"a", "b", "d"})
    fails(function() net:evaluate(odd) end,
        "the network knows no class 'd': it learned 3 classes a, b, c", true)
    fails(function() net:cost(odd) end, "no class 'd'", true)
    assert(net(odd):equal(net(odd.x)))
    fails(function() fresh():train(abc, {epochs = 1, test = odd, progress = false}) end,
        "test: the network knows no class 'd'", true)
    -- New names are learned; numbers that nobody named are numbers.
    net:train(odd, {epochs = 1, progress = false})
    eq(net.classes, {"a", "b", "d"})
    eq(net:evaluate(data.set {x = odd.x, y = odd.y}).cost, net:evaluate(odd).cost)
end)

test("a run goes on with the classes that it began with", function()
    local path = os.tmpname()
    fresh():train(abc, {epochs = 1, seed = 1, progress = false, checkpoint = path})
    local net = fresh()
    fails(function()
        net:train(cab, {epochs = 2, seed = 1, progress = false, resume = path})
    end, "its run learned from other classes, or from these in another order", true)
    assert(net:params():equal(fresh():params()))
    net:train(abc, {epochs = 2, seed = 1, progress = false, resume = path})
    local loaded = nn.load(path)
    loaded:train(cab, {epochs = 2, seed = 1, progress = false, resume = path})
    assert(loaded:params():equal(net:params()))
    os.remove(path)
end)

test("a file keeps whether anybody named the classes", function()
    local path = os.tmpname()
    local counted = data.set {x = abc.x, y = abc.y}
    local net = fresh()
    net:train(counted, {epochs = 1, progress = false})
    net:save(path)
    eq(nn.load(path):evaluate(abc).cost, net:evaluate(abc).cost)
    lettered_net():save(path)
    eq(nn.load(path):evaluate(cab).cost, lettered_net():evaluate(abc).cost)
    os.remove(path)
end)

test("words of another text are those of the network, by their names", function()
    local function text(s, o)
        local path = os.tmpname()
        local file <close> = assert(io.open(path, "w"))
        file:write(s)
        file:close()
        local set = data.text(path, o or {steps = 5})
        os.remove(path)
        return set
    end
    local net = nn.net "* - embedding 4 3 - rnn 4 - 4 softmax : cross_entropy"
    local learned = text "abcdabcdabcdabcda"
    net:train(learned, {epochs = 1, progress = false})
    local other = text "bdbdbdbdbdb"
    eq(net:cost(other), net:cost({"bdbdb", "dbdbd"}, {"dbdbd", "bdbdb"}))
    assert(net(other):equal(net {"bdbdb", "dbdbd"}))
    eq(net:cost(other[1]), net:cost(other:take(1)))
    assert(net(other[2]):allclose(net(other)[2]))
    local a, b = net:trace(other[1]), net:trace("bdbdb", "dbdbd")
    assert(a[2].dwx:equal(b[2].dwx) and a.x:equal(b.x))
    fails(function() net(text("abxdabxda")[1]) end, "the network knows no character 'x'", true)
    fails(function() net:cost(text "abxdabxda") end, "the network knows no class 'x'", true)
    fails(function() net(text "abxdabxda") end, "the network knows no character 'x'", true)
end)

test("test examples that are trained on are counted and told", function()
    local digits = data.digits()
    local net = nn.net "64 - 10"
    local function note(set, part)
        local h = net:train(set, {epochs = 1, test = part, progress = false})
        assert(not h.note or tostring(h):find(h.note, 1, true), tostring(h))
        return h.note
    end
    local all = note(digits, digits.test)
    assert(all:find("all 360 test examples are among those trained on", 1, true), all)
    local some = note(digits:take(1000), digits:take(-1000))
    assert(some:find("203 of 1000 test examples are among", 1, true), some)
    eq(note(digits.train, digits.test), nil)
    eq(note(digits:take(100), digits:take(-100)), nil)
    eq(note(digits.train, data.set {x = digits.train.x, y = digits.train.y}), nil)
    local first, rest = digits:split(0.5)
    eq(note(first, rest), nil)
    assert(note(first, first):find "all ")
end)

test("the largest with their values", function()
    local net = nn.net("3 - 3 linear : quadratic")
    net[1].w, net[1].b = tensor.eye(3), tensor.zeros(3)
    local set = data.set {x = {{1, 3, 2}, {5, 4, 9}}, y = {1, 2}, classes = {"a", "b", "c"}}
    local both = net:classify(set, {top = 2})
    eq({both[1][1].name, both[1][1].value, both[1][2].name, both[1][2].value}, {"b", 3, "c", 2})
    eq({both[2][1].name, both[2][2].name, #both[2]}, {"c", "a", 2})
    eq(tostring(both), "b 3 · c 2\nc 9 · a 5")
    eq(tostring(both[1]), "b 3 · c 2")
    eq(tostring(both[1][1]), "b 3")
    local one = net:classify({1, 3, 2}, {top = 9})
    eq({one[1].name, one[2].name, one[3].name, #one}, {2, 3, 1, 3})
    local pair = nn.net("1 - 1")
    pair[1].w, pair[1].b = tensor {{1}}, tensor {0}
    local half = data.set {x = {{-2}}, y = {2}, classes = {"no", "yes"}}
    local answers = pair:classify(half, {top = 2})[1]
    eq({answers[1].name, answers[2].name}, {"no", "yes"})
    near(answers[1].value, 1 / (1 + math.exp(-2)), 1e-6)
    near(answers[1].value + answers[2].value, 1, 1e-6)
    eq(#pair:classify({0.5}, {top = 1}), 1)
    eq(pair:classify({0.5}, {top = 1})[1].name, 1)
    fails(function() net:classify(set, {top = 0}) end, "top must be a whole number from 1, not 0")
    fails(function() net:classify(set, {tops = 1}) end, "did you mean 'top'", true)
end)

-- a is 1/2 at x = 0, so δ = a - y is 1/2 for the first of two classes, whose
-- target is 0, and -1/2 for the second.
test("an example of two classes asks of one output what its set asks", function()
    local set = data.set {x = {{0}, {0}}, y = {1, 2}, classes = {"no", "yes"}}
    local net = nn.net("1 - 1 : cross_entropy", {dtype = "f64"})
    net[1].w, net[1].b = tensor({{1}}, {dtype = "f64"}), tensor({0}, {dtype = "f64"})
    eq(net:trace(set[1])[1].delta, {0.5})
    eq(net:trace(set[2])[1].delta, {-0.5})
    eq(net:trace(set)[1].delta, {{0.25}, {-0.25}})
    eq(net:demon(1, 1, 0.1, set[2]).delta, -0.5)
    local _, nabla_b = net:backprop(set[2])
    eq(nabla_b[1], {-0.5})
    net:train(set, {epochs = 1, lr = 1e-9, progress = false}) -- it knows their names now
    local turned = data.set {x = {{0}, {0}}, y = {1, 2}, classes = {"yes", "no"}}
    near(net:trace(turned[1])[1].delta:item(), -0.5, 1e-6)
    near(net:trace(turned:take(1))[1].delta:item(), -0.5, 1e-6)
    local linear = nn.net("1 - 1 linear : quadratic", {dtype = "f64"})
    linear[1].w = tensor({{1}}, {dtype = "f64"})
    eq(linear:cost(set[2]), 0.5) -- (0 - 1)² / 2
    eq(linear:cost(set[1]), 0)
end)

-- y of one sequence, 1x3, has the shape of its last step's targets too.
test("as many steps as classes: a set of one sequence holds classes", function()
    local y = tensor({{1, 2, 3}, {3, 3, 1}, {2, 1, 1}, {1, 1, 1}}, {dtype = "i32"})
    local set = data.set {x = tensor.randn(4, 3, 3, {seed = 1}), y = y, classes = {"a", "b", "c"}}
    for _, notation in ipairs {"*x3 - rnn 4 - 3 softmax : cross_entropy", "*x3 - rnn 4 - 3"} do
        local net = nn.net(notation, {seed = 1})
        local sum = 0
        for i = 1, 4 do
            local others = {i % 4 + 1, (i + 1) % 4 + 1, (i + 2) % 4 + 1}
            sum = sum + net:cost(set:without(others))
        end
        near(sum / 4, net:cost(set), 1e-5)
        near(net:cost(set:take(1)), net:cost(set[1]), 1e-6)
        eq(net:trace(set:take(1))[2].delta.shape, {1, 3, 3})
    end
end)

spec.report()
