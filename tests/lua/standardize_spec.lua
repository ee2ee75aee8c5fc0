-- Sets that are standardized, and the networks that take their scale over.
package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local nn, data, tensor = nabla.nn, nabla.data, nabla.tensor

nabla.seed(3)
local x = tensor.randn(40, 3) * tensor {1, 20, 0.01} + tensor {5, -300, 0.2}
local numbers = {}
for i = 1, 40 do numbers[i] = 1 + i * i % 3 % 2 end
local y = tensor(numbers):to "i32"
local raw = data.set {x = x, y = y, classes = {"odd", "even"}}
local set = raw:standardize()

local function close(a, b, tolerance)
    assert(a:allclose(b, {rtol = tolerance or 1e-12, atol = 0}), tostring(a) .. "\n" .. tostring(b))
end

-- What a network sees, by tensors alone.
local function seen(values, scale)
    return ((values:to "f64" - scale.offset) * scale.factor):to(values.dtype)
end

local function fresh(dtype)
    return nn.net("3 - 4 tanh - 2 softmax : cross_entropy", {seed = 7, dtype = dtype})
end

local RUN <const> = {epochs = 3, batch = 7, lr = 0.3, seed = 2, progress = false}

local function with(o, more)
    local all = {}
    for k, v in pairs(o) do all[k] = v end
    for k, v in pairs(more or {}) do all[k] = v end
    return all
end

local function trained(o, of)
    local net = fresh()
    net:train(of or set, with(RUN, o))
    return net
end

-- ---- What is learned ----

test("mean and deviation of every column; x stays", function()
    local wide = x:to "f64"
    close(set.scale.offset, wide:mean(1))
    close(set.scale.factor, wide:var(1, {correction = 0}):sqrt():pow(-1), 1e-9)
    assert(set.x:equal(raw.x))
    assert(raw.scale == nil)
    assert(tostring(set):find("standardized", 1, true))
    eq(set.classes, {"odd", "even"})
end)

test("what does not vary only loses its mean", function()
    local s = data.set({x = {{0.1, 1}, {0.1, 2}, {0.1, 3}}}):standardize().scale
    eq(s.factor[1], 1)
    close(s.offset, tensor({0.1, 2}, {dtype = "f32"}):to "f64")
    close(s.factor[{ {2, 2} }], tensor({1.5 ^ 0.5}, {dtype = "f64"}))
end)

test("numbers far from 0 keep their deviation", function()
    local far = tensor({1e9 + 1, 1e9 + 2, 1e9 + 3}, {dtype = "f64"}):reshape(3, 1)
    local s = data.set({x = far}):standardize().scale
    close(s.factor, tensor({1.5 ^ 0.5}, {dtype = "f64"}))
end)

test("channels, features of steps, and numbers of a row are columns", function()
    local pictures = tensor.randn(6, 2, 3, 4)
    local s = data.set({x = pictures}):standardize().scale
    close(s.offset, pictures:to("f64"):permute(1, 3, 4, 2):reshape(72, 2):mean(1), 1e-9)
    local steps = tensor.randn(5, 7, 3)
    s = data.set({x = steps}):standardize().scale
    close(s.offset, steps:to("f64"):reshape(35, 3):mean(1), 1e-9)
    local list = {tensor {{1, 2}}, tensor {{3, 5}, {5, 8}, {7, 13}}}
    s = data.set({x = list}):standardize().scale
    close(s.offset, tensor({4, 7}, {dtype = "f64"}))
    close(s.factor, tensor({5 ^ -0.5, 16.5 ^ -0.5}, {dtype = "f64"}))
    s = data.set({x = {tensor {1, 2}, tensor {6}}}):standardize().scale
    close(s.offset, tensor({3}, {dtype = "f64"}))
    local bytes = data.digits():take(50)
    close(bytes:standardize().scale.offset, bytes.x:to("f64"):mean(1))
end)

test("a set of many pieces has the figures of the whole", function()
    local many = tensor.randn(70000, 2) + tensor {100, 0}
    local s = data.set({x = many}):standardize().scale
    close(s.offset, many:to("f64"):mean(1), 1e-9)
    close(s.factor, many:to("f64"):var(1, {correction = 0}):sqrt():pow(-1), 1e-9)
end)

test("the part to train on is what is measured; all parts get its scale", function()
    local digits = data.digits()
    local s = digits:standardize()
    close(s.scale.offset, digits.train.x:to("f64"):mean(1))
    for _, part in ipairs {"train", "test"} do
        assert(s[part].scale.offset:equal(s.scale.offset))
        assert(s[part].x:equal(digits[part].x))
    end
    local first, rest = s.train:split(0.5, 1)
    assert(first.scale.factor:equal(s.scale.factor) and rest.scale.factor:equal(s.scale.factor))
    assert(s.train:shuffle(1).scale and s.train:take(3).scale)
end)

test("what f32 does not hold is scaled before it is rounded", function()
    local far = tensor({{1e9}, {1e9 + 1}, {1e9 + 2}}, {dtype = "f64"})
    local s = data.set({x = far, y = {{0}, {0.5}, {1}}}):standardize()
    for _, dtype in ipairs {"f32", "f64"} do
        local net = nn.net("1 - 1 linear : mse", {seed = 1, dtype = dtype})
        local by_hand = nn.net("1 - 1 linear : mse", {seed = 1, dtype = dtype})
        local o = with(RUN, {batch = 2})
        net:train(s, o)
        local seen_x = seen(far, s.scale):to(dtype)
        by_hand:train(data.set {x = seen_x, y = {{0}, {0.5}, {1}}}, o)
        assert(net:params():equal(by_hand:params()), dtype)
        assert(net(far):equal(by_hand(seen_x)) and net(s):equal(by_hand(seen_x)))
        eq(net:cost(s), by_hand:cost(seen_x, {{0}, {0.5}, {1}}))
        eq(net:evaluate(s).cost, net:cost(s))
        local t = net:trace(s)
        assert(t.x:equal(far) and t[0].a:equal(seen_x))
    end
    local wide = nn.net("1 - 1 linear : mse", {seed = 1, dtype = "f64"})
    wide:train(s, RUN)
    wide:to "f32"
    local answers = wide(far)
    assert(answers[1][1] ~= answers[2][1] and answers[2][1] ~= answers[3][1])
end)

test("a deviation that no number holds is an error", function()
    fails(function()
        data.set({x = tensor({{1, 1e200}, {1, -1e200}}, {dtype = "f64"})}):standardize()
    end, "column 2 of x has numbers so far apart", true)
end)

test("NaN and infinity are refused by their example", function()
    fails(function() data.set({x = {{1, 2}, {0 / 0, 3}}}):standardize() end,
        "x holds nan in example 2", true)
    fails(function() data.set({x = {{1, 2}, {3, 3}, {1, 1 / 0}}}):standardize() end,
        "inf in example 3", true)
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "w"))
    file:write "abcabcabc"
    file:close()
    fails(function() data.text(path, {steps = 2}):standardize() end, "words", true)
    os.remove(path)
end)

-- ---- Every entrance scales once ----

test("training sees what it would see of scaled numbers, to the bit", function()
    local by_hand = data.set {x = seen(x, set.scale), y = y, classes = {"odd", "even"}}
    for _, optimizer in ipairs {"sgd", "adam", "lbfgs"} do
        local o = optimizer == "lbfgs" and {optimizer = optimizer, lr = false, batch = false} or
            {optimizer = optimizer}
        local all = with(RUN, o)
        if optimizer == "lbfgs" then all.lr, all.batch = nil, nil end
        local a, b = fresh(), fresh()
        a:train(set, all)
        b:train(by_hand, all)
        assert(a:params():equal(b:params()), optimizer)
        assert(not a:params():equal(fresh():params()))
    end
end)

test("all that takes x takes raw x", function()
    local net = trained {}
    local plain = net:clone()
    plain.scale = nil
    local s = seen(x, net.scale)
    assert(net(x):equal(plain(s)))
    assert(net(x[5]):equal(plain(s[5])))
    assert(net(set):equal(plain(s)) and net(raw):equal(plain(s)))
    assert(net:record(x):equal(plain(s)))
    eq(net:classify(x), plain:classify(s))
    eq(net:cost(x, y), plain:cost(s, y))
    eq(net:cost(set), plain:cost(s, y))
    eq(net:cost(set[3]), plain:cost(s[3], y[3]))
    eq(net:evaluate(set).cost, plain:evaluate(data.set {x = s, y = y}).cost)
    eq(net:evaluate(x, y).cost, net:evaluate(raw).cost)
    net:backprop(x, y)
    plain:backprop(s, y)
    assert(net:grads():equal(plain:grads()))
    assert(net:numeric_gradient(x, y)[1]:allclose(plain:numeric_gradient(s, y)[1]))
    assert(tostring(net:gradcheck(x, y)):find("BP1 ok", 1, true))
end)

test("a trace has x raw, t[0].a scaled, and the gradient at x", function()
    local net = trained {}
    local t = net:trace(x, y)
    assert(t.x:equal(x) and t[0].a:equal(seen(x, net.scale)))
    local before = t[1].delta:matmul(net[1].w)
    close(t.grad_x, before * net.scale.factor:to "f32", 1e-5)
    local one = net:trace(x[1], y[1])
    assert(one.x:equal(x[1]) and one[0].a:equal(t[0].a[1]))
    local leaf = x:clone():requires_grad_()
    net:record(leaf):sum():backward()
    local plain = net:clone()
    plain.scale = nil
    local inner = seen(x, net.scale):requires_grad_()
    plain:record(inner):sum():backward()
    close(leaf.grad, inner.grad * net.scale.factor:to "f32", 1e-5)
end)

test("augment sees raw x", function()
    local same = trained {augment = function(batch)
        for i = 1, 2 do assert(batch[i][2] < -200) end
        return batch
    end}
    assert(same:params():equal(trained({}):params()))
end)

test("steps and streams", function()
    local net = nn.net("*x2 - rnn 3 - 2", {seed = 1})
    local walks = {}
    for i = 1, 4 do walks[i] = tensor.randn(2 + i, 2) * 10 + 50 end
    local targets = {}
    for i = 1, 4 do targets[i] = tensor.rand(2 + i, 2) end
    local s = data.set({x = walks, y = targets}):standardize()
    net:train(s, {epochs = 2, batch = 2, lr = 0.1, progress = false})
    assert(net.scale.offset:equal(s.scale.offset))
    local stream, whole = net:stream(), net(walks[2])
    for i = 1, 4 do
        assert(stream(walks[2][i]):allclose(whole[i], {rtol = 1e-5, atol = 1e-6}))
    end
    local o = nn.sgd {lr = 0.1}
    local by_steps = fresh()
    by_steps:step(set, o)
    assert(by_steps.scale.factor:equal(set.scale.factor))
    eq(by_steps.classes, {"odd", "even"})
    by_steps:step(x, y, o)
end)

-- ---- Who has a scale ----

test("the first is kept; reset forgets it; nil takes it away", function()
    local net = trained {}
    local other = data.set({x = x * 3, y = y}):standardize()
    net:train(other, with(RUN, {epochs = 1}))
    assert(net.scale.factor:equal(set.scale.factor))
    net:reset(1)
    assert(net.scale == nil)
    net:train(other, with(RUN, {epochs = 1}))
    assert(net.scale.factor:equal(other.scale.factor))
    net.scale = nil
    assert(net.scale == nil)
    net:train(raw, with(RUN, {epochs = 1}))
    assert(net.scale == nil)
end)

test("training that makes no step gives it back", function()
    local net = fresh()
    fails(function()
        net:train(set, with(RUN, {augment = function() error "not this" end}))
    end, "not this", true)
    assert(net.scale == nil and net.classes == nil)
    fails(function() net:train(set, with(RUN, {batch = 0})) end, "batch", true)
    assert(net.scale == nil)
    fails(function() net:step(set, {lr = -1}) end, "lr", true)
    assert(net.scale == nil)
end)

test("a scale by hand: numbers, lists, tensors", function()
    local net = fresh()
    net.scale = {offset = 1, factor = 2}
    assert(net(x):equal(fresh()((x - 1) * 2)))
    net.scale = {offset = {1, 2, 3}, factor = tensor {1, 2, 4}}
    assert(net(x):equal(fresh()((x - tensor {1, 2, 3}) * tensor {1, 2, 4})))
    for _, bad in ipairs {{{offset = 1}, "factor is missing"},
        {{offset = {1, 2}, factor = {1, 2}}, "the scale has 2 columns; examples are 3"},
        {{offset = {1, 2}, factor = 1}, "offset and factor"},
        {{offset = 0 / 0, factor = 1}, "offset must be a number"}, {3, "not 3"}} do
        fails(function() net.scale = bad[1] end, bad[2], true)
    end
    eq(net.scale.factor:totable(), {1, 2, 4})
    local words = nn.net "* - embedding 5 3 - rnn 2"
    fails(function() words.scale = {offset = 0, factor = 1} end, "words", true)
    fails(function() net:train(data.set({x = tensor.rand(4, 2), y = {1, 2, 1, 2}}):standardize()) end,
        "examples are 2", true)
    local changed = net.scale
    changed.offset[1] = 99
    eq(net.scale.offset[1], 1)
end)

test("it goes into the file, the copy, the network around it and the checkpoint", function()
    local path = os.tmpname()
    local net = trained {checkpoint = path}
    local here = net(x)
    assert(net:clone()(x):equal(here))
    net:save(path)
    local loaded = nn.load(path)
    assert(loaded(x):equal(here))
    assert(loaded.scale.offset:equal(net.scale.offset))
    local outer = nn.net {3, net:clone(), nn.dense {2, "linear"}}
    assert(outer[1](x):equal(here))
    assert(outer(x):allclose(here:matmul(outer[2].w:t()) + outer[2].b, {rtol = 1e-5, atol = 1e-6}))
    outer:save(path)
    assert(nn.load(path)(x):equal(outer(x)))
    os.remove(path)
end)

test("a run goes on in the scale that it began with", function()
    local path = os.tmpname()
    trained {checkpoint = path, epochs = 2}
    local on = fresh()
    on:train(set, with(RUN, {epochs = 4, resume = path}))
    assert(on:params():equal(trained({epochs = 4}):params()))
    local bare = fresh()
    fails(function() bare:train(raw, with(RUN, {epochs = 4, resume = path})) end,
        "another scale", true)
    assert(bare:params():equal(fresh():params()))
    os.remove(path)
end)

test("names of columns go with it", function()
    local iris = data.iris()
    local net = nn.net "4 - 3 softmax : cross_entropy"
    net:train(iris, with(RUN, {epochs = 1}))
    eq(net.columns, iris.columns)
    eq(net.targets, iris.targets)
    local path = os.tmpname()
    net:save(path)
    eq(nn.load(path).columns, iris.columns)
    eq(nn.load(path).targets, iris.targets)
    os.remove(path)
    assert(net.words == nil and net.scale == nil)
    net:reset(1)
    assert(net.columns == nil and net.classes == nil)
end)

test("columns of the same names in another order are an error", function()
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "w"))
    file:write "a,b,c,y\n1,2,3,4\n2,3,4,5\n3,5,7,9\n"
    file:close()
    local function read(columns) return data.csv(path, {x = columns, y = "y"}) end
    local net = nn.net "3 - 1 linear : mse"
    net:train(read {"a", "b", "c"}, with(RUN, {epochs = 1}))
    fails(function() net:evaluate(read {"a", "c", "b"}) end,
        "column 2 of the set is 'c', where the network learned 'b'", true)
    fails(function() net:train(read {"c", "b", "a"}, RUN) end, "column 1 of the set is 'c'", true)
    assert(net:evaluate(read {"a", "b", "c"}))
    local other = read {"a", "c", "b"}
    local message = "column 2 of the set is 'c'"
    for _, method in ipairs {"cost", "trace", "backprop", "classify", "gradcheck"} do
        fails(function() net[method](net, other) end, message, true)
    end
    fails(function() net(other) end, message, true)
    fails(function() net:step(other, {lr = 0.1}) end, message, true)
    eq(net.columns, {"a", "b", "c"})
    net:reset(1)
    net:train(read {"c", "b", "a"}, with(RUN, {epochs = 1}))
    eq(net.columns, {"c", "b", "a"})
    os.remove(path)
end)

spec.report()
