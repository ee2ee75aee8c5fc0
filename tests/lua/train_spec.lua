-- Training: learning, options, histories, callbacks, what stays when something goes wrong.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local digits = data.digits()
local few = digits.train:take(60)

local function options(o)
    local all = {epochs = 2, batch = 10, lr = 3, seed = 1, progress = false}
    for k, v in pairs(o or {}) do all[k] = v end
    return all
end

local function differ(a, b) return (a - b):abs():max():item() > 0 end

-- ---- Learning ----

test("the digits are learned", function()
    for seed = 1, 5 do
        local net = nn.net("64 - 30 - 10", {seed = seed})
        local h = net:train(digits.train, options {epochs = 30, test = digits.test, seed = seed})
        assert(h.test[30] >= 0.94, h.test[30])
        assert(h.cost[30] < h.cost[1] / 5)
    end
end)

test("xor is learned from x and y", function()
    local net = nn.net("2 - 4 tanh - 1", {seed = 2})
    local x, y = {{0, 0}, {0, 1}, {1, 0}, {1, 1}}, {{0}, {1}, {1}, {0}}
    net:train(x, y, options {epochs = 2000, batch = 4, optimizer = "adam", lr = 0.05})
    for i, wanted in ipairs {0, 1, 1, 0} do near(net(x[i]):totable()[1], wanted, 0.1) end
    eq(net:evaluate(x, y).correct, 4)
end)

test("the same seeds give the same bits", function()
    local runs = {}
    for i = 1, 2 do
        local net = nn.net("64 - 12 relu - 10 softmax : cross_entropy", {seed = 5})
        net:train(few, options {lr = 0.1, seed = 9})
        runs[i] = net:params():totable()
    end
    eq(runs[1], runs[2])
end)

test("an epoch of training is the steps by hand", function()
    local a = nn.net("64 - 8 - 10", {dtype = "f64", seed = 1})
    local b = a:clone()
    a:train(few, options {epochs = 1, shuffle = false, batch = 20})
    for i = 0, 2 do
        local x = few.x:narrow(1, 20 * i + 1, 20):to "f64"
        b:step(x, few.y:narrow(1, 20 * i + 1, 20), {lr = 3})
    end
    near(a:params(), b:params(), 1e-6)
end)

test("the last batch may be shorter", function()
    local seen = {}
    nn.net("64 - 10"):train(few, options {epochs = 1, batch = 25, on_batch = function(info)
        seen[#seen + 1] = info.examples
    end})
    eq(seen, {25, 50, 60})
end)

test("momentum and optimizers by name are those of objects", function()
    local function trained(o)
        local net = nn.net("64 - 8 - 10", {seed = 1})
        net:train(few, {epochs = 2, seed = 1, progress = false, lr = o.lr, momentum = o.momentum,
                        optimizer = o.optimizer})
        return net:params():totable()
    end
    eq(trained {lr = 0.5, momentum = 0.9}, trained {optimizer = nn.sgd {lr = 0.5, momentum = 0.9}})
    eq(trained {lr = 0.01, optimizer = "adam"}, trained {optimizer = nn.adam {lr = 0.01}})
end)

test("an optimizer object keeps its state, a name begins afresh", function()
    local o = nn.adam {lr = 0.01}
    local net = nn.net "64 - 8 - 10"
    net:train(few, {epochs = 2, optimizer = o, progress = false})
    eq(o.steps, 12)
    net:train(few, {epochs = 1, optimizer = o, progress = false})
    eq(o.steps, 18)
end)

test("without lr train and step take what suits network and cost", function()
    local function rate_of(notation, o)
        o = options(o)
        o.lr, o.epochs = nil, 1
        return nn.net(notation, {seed = 1}):train(few, o).lr[1]
    end
    near(rate_of "64 - 30 - 10", 3)
    near(rate_of "64 - 30 relu@3 - 10 sigmoid relu@2", 3)
    near(rate_of "64 - 30 - 10 : mse", 15)
    near(rate_of "64 - 30 - 10 : huber", 3)
    near(rate_of "64 - 30 - 10 : cross_entropy", 0.3)
    near(rate_of "64 - 30 tanh - 10 softmax : cross_entropy", 0.06)
    near(rate_of "64 - 30 - 20 relu - 10 linear : cross_entropy logits=true", 0.06)
    near(rate_of "64 - 30 - 10 : mae", 7.5)
    near(rate_of "64 - 30 - 10 log_softmax : nll", 0.3)
    near(rate_of "64 - 30 - 10 softmax : kl", 0.3)
    near(rate_of "64 - 30 - 10 linear : hinge", 0.3)
    near(rate_of "64 - 30 - 10 exp : poisson", 0.03)
    near(rate_of "64 - 30 - 10 linear : cosine", 0.3)
    near(rate_of "64 - 30 - 10 softmax", 0.5)
    near(rate_of "64 - 30 - 10 linear", 0.1)
    near(rate_of "64 - 30 - 10 tanh : mse", 0.5)
    near(rate_of "64 - 10", 0.6)
    near(rate_of("64 - 30 - 10", {momentum = 0.5}), 1)
    near(rate_of("64 - 30 - 10", {optimizer = "adam"}), 0.001)
    near(rate_of("64 - 30 - 10", {optimizer = nn.sgd()}), 0.1)
    near(rate_of {64, 30, 10, cost = function(a, y) return ((a - y) ^ 2):mean() end}, 0.1)
    near(rate_of {64, nn.dense {30, function(z) return z:relu() end}, 10}, 0.6)
    near(rate_of {64, 30, function(x) return x * 2 end, 10}, 0.6)
    local a, b = nn.net("64 - 30 - 10", {seed = 1}), nn.net("64 - 30 - 10", {seed = 1})
    a:step(few)
    b:step(few, {lr = 3})
    eq(a:params(), b:params():totable())
end)

test("the book's network learns without being told", function()
    local net = nn.net("64 - 30 - 10", {seed = 1})
    local seen
    local h = net:train(digits.train, {test = digits.test, seed = 1, progress = false,
                                       on_epoch = function(info) seen = info.lr end})
    assert(h.test[30] >= 0.94, h.test[30])
    eq(seen, 3)
end)

-- ---- Histories ----

test("a history shows its lists as rows of bars", function()
    local set = data.set {x = {{1}}, y = {{1}}}
    local meta = getmetatable(nn.net("1 - 1"):train(set, {epochs = 1, lr = 1, progress = false}))
    local function text_of(fields)
        fields.seconds, fields.examples_per_second = 1, 10
        return tostring(setmetatable(fields, meta))
    end
    local text = text_of {epochs = 4, cost = {8, 4, 2, 1}, test = {0.5, 0.5, 0.5, 0.5}}
    assert(text:find("\n cost  █▄▂▁\n test  ▁▁▁▁\n", 1, true), text)
    assert(not text_of {epochs = 2, cost = {2, 1}}:find "█")
    local long = {}
    for i = 1, 1000 do long[i] = i end
    text = text_of {epochs = 1000, cost = long}
    eq(utf8.len(text:match "cost  ([^\n]*▁▁[^\n]*)"), 40)
    assert(not text_of {epochs = 3, cost = {1, 1 / 0, 2}}:find "█")
end)

test("a history prints itself and is a value", function()
    local net = nn.net("64 - 10", {seed = 1})
    local h = net:train(few, options {epochs = 3, test = digits.test:take(50)})
    eq(h.epochs, 3)
    eq(#h.cost, 3)
    eq(#h.test, 3)
    assert(h.seconds > 0 and h.examples_per_second > 0)
    local lines = {}
    for line in tostring(h):gmatch "[^\n]+" do lines[#lines + 1] = line end
    eq(#lines, 7) -- heading, three epochs, two rows of bars, the rate
    assert(lines[1]:find "epoch%s+cost%s+test" and lines[4]:find "^%s+3%s+%S+%s+%S+ %%$", lines[4])
    local long = net:train(few, options {epochs = 40})
    local text = tostring(long)
    assert(text:find "\n%s+40 " and text:find "\n%s+…\n" and not text:find "\n%s+20 ", text)
    eq(#long.test, 0)
end)

test("a run that is cut off leaves its whole epochs in net.history", function()
    local net = nn.net("64 - 10", {seed = 1})
    eq(net.history, nil)
    local function stop_at(epoch, batch)
        return function(info)
            if info.epoch == epoch and info.batch == batch then error("enough", 0) end
        end
    end
    -- In the middle of an epoch, and behind the end of one.
    fails(function() net:train(few, options {epochs = 9, on_batch = stop_at(4, 2)}) end, "enough")
    eq(net.history.epochs, 3)
    eq(#net.history.cost, 3)
    eq(net.history.stopped, 4)
    eq(net.history.lr, {3, 3, 3})
    assert(tostring(net.history):find("stopped in epoch 4", 1, true), tostring(net.history))
    fails(function() net:train(few, options {epochs = 9, on_epoch = stop_at(2, 0)}) end, "enough")
    eq(net.history.epochs, 2)
    eq(net.history.stopped, 2)
    -- What is refused or fails before its first batch leaves it.
    fails(function() net:train(few, options {epochs = 0}) end, "epochs")
    fails(function() net:train(data.set {x = {{1}}, y = {1}}, options()) end, "examples")
    eq(net.history.epochs, 2)
    -- A whole run has no such place, nor has one that a callback ended.
    local h = net:train(few, options {epochs = 3})
    eq(h.stopped, nil)
    eq(net.history.cost, h.cost)
    net:train(few, options {epochs = 3, on_epoch = function() return false end})
    eq(net.history.epochs, 1)
    eq(net.history.stopped, nil)
    eq(net:clone().history, nil)
    fails(function() nn.net "4 - 3 name=history - 2" end, "history", true)
end)

test("divergence names a way on, and keeps what was recorded", function()
    local net = nn.net("64 - 10 linear", {seed = 1})
    net:train(few, options {epochs = 1, lr = 0.01})
    fails(function() net:train(few, options {epochs = 20, lr = 1000}) end,
          "the cost is inf: .* %(half_squared_distance, forward%); a smaller lr than 1000 may help, " ..
          "after net:reset%(%)")
    eq(net.history.stopped, net.history.epochs + 1)
    assert(net:params():isfinite():all())
    -- NaN in the data is no divergence.
    local x = few.x:clone()
    x[{1, 1}] = 0 / 0
    net:reset(1)
    local ok, message = pcall(net.train, net, data.set {x = x, y = few.y}, options {lr = 0.01})
    assert(not ok and message:find "holds nan" and not message:find "smaller lr", message)
end)

-- ---- Callbacks ----

test("callbacks are told where training is", function()
    local net = nn.net "64 - 10"
    local batches, epochs = {}, {}
    net:train(few, options {batch = 30, test = few, on_batch = function(info)
        batches[#batches + 1] = {info.epoch, info.batch}
        assert(info.net == net and info.cost > 0 and info.test == nil)
    end, on_epoch = function(info)
        epochs[#epochs + 1] = info.epoch
        assert(info.epochs == 2 and info.test >= 0 and info.test <= 1 and info.seconds > 0)
    end})
    eq(batches, {{1, 1}, {1, 2}, {2, 1}, {2, 2}})
    eq(epochs, {1, 2})
end)

test("false stops, nothing goes on", function()
    local net = nn.net "64 - 10"
    local h = net:train(few, options {epochs = 9, on_epoch = function(info)
        return info.epoch < 3
    end})
    eq(h.epochs, 3)
    local count = 0
    h = net:train(few, options {on_batch = function() count = count + 1 return count ~= 4 end})
    eq(count, 4)
    eq(h.epochs, 0)
    eq(tostring(h):match "^[^\n]*", "no whole epoch")
end)

test("an error in a callback arrives whole; what whole batches learned stays", function()
    local token = setmetatable({}, {__tostring = function() return "token" end})
    for _, where in ipairs {"on_batch", "on_epoch"} do
        local net, kept = nn.net("64 - 8 - 10", {seed = 1})
        local function run()
            net:train(few, options {[where] = function(info)
                kept = info.net:params():totable()
                error(token)
            end})
        end
        local ok, message = pcall(run)
        assert(not ok and message == token)
        eq(net:params(), kept)
        local co = coroutine.wrap(function() return pcall(run) end)
        ok, message = co()
        assert(not ok and message == token)
    end
end)

test("an error in an activation leaves the last whole batch", function()
    local calls, snapshot = 0, nil
    local net = nn.net {64, nn.dense {8, function(z)
        calls = calls + 1
        if calls == 4 then error("fourth") end
        return z:tanh()
    end}, 10}
    fails(function()
        net:train(few, options {on_batch = function() snapshot = net:params():totable() end})
    end, "fourth")
    eq(net:params(), snapshot)
    net:train(few, options())
end)

test("the network may be changed and used from its callbacks", function()
    local net = nn.net("64 - 8 - 10", {seed = 1})
    local other = nn.net("64 - 4 - 10", {seed = 2})
    local names = {"tanh", "relu", function(z) return z:sigmoid() end, "sigmoid"}
    local turn = 0
    net:train(few, options {on_batch = function()
        turn = turn % #names + 1
        net[1].activation = names[turn]
        net[1]:neuron(turn).activation = names[#names - turn + 1]
        collectgarbage()
        other:train(few, options {epochs = 1})
        other:step(few, {lr = 1})
        net:evaluate(few)
        net:trace(few)
        net(few)
    end, on_epoch = function() assert(net:gradcheck(few:take(2)).ok) end})
end)

test("a network cannot be trained while it is trained", function()
    local net = nn.net "64 - 10"
    for _, again in ipairs {
        function() net:train(few, options()) end,
        function() net:step(few, {lr = 1}) end,
        function() net:backprop(few) end,
        function() net:reset() end,
    } do
        fails(function() net:train(few, options {on_batch = again}) end, "learning already")
        fails(function() net:train(few, options {on_epoch = again}) end, "learning already")
    end
    net:train(few, options())
end)

test("callbacks cannot yield out of training", function()
    local net = nn.net "64 - 10"
    local co = coroutine.create(function() net:train(few, options {on_batch = coroutine.yield}) end)
    local ok, message = coroutine.resume(co)
    assert(not ok and tostring(message):find "yield", message)
end)

test("on_batch reads the batch's gradients", function()
    local net = nn.net("64 - 10", {dtype = "f64", seed = 1})
    local before = net:params():clone()
    net:train(few, options {epochs = 1, batch = 60, on_batch = function()
        near(net:params(), before - net:grads() * 3, 1e-12)
    end})
end)

test("a run leaves nothing behind", function()
    local net = nn.net {64, nn.dense {8, function(z) return z:tanh() end}, 10}
    local function run() net:train(few, options {on_batch = function() end, test = few}) end
    run()
    collectgarbage()
    collectgarbage()
    local live = nabla.memory().live
    for _ = 1, 5 do run() end
    collectgarbage()
    collectgarbage()
    eq(nabla.memory().live, live)
end)

-- ---- What is refused ----

test("options are checked", function()
    local net = nn.net "64 - 10"
    local before = net:params():totable()
    local function with(o, pattern) fails(function() net:train(few, o) end, pattern, true) end
    with({epoch = 3}, "net:train has no option 'epoch'; did you mean 'epochs'?")
    with({epochs = 0}, "epochs must be a whole number from 1, not 0")
    with({epochs = 2.5}, "epochs must be")
    with({batch = -1}, "batch must be")
    with({lr = 0}, "lr must be a number above 0, not 0")
    with({lr = -1}, "lr must be a number above 0, not -1")
    with({lr = 0 / 0}, "lr must be a number above 0, not")
    with({lr = math.huge}, "lr must be")
    with({lr = "3"}, "lr must be")
    with({momentum = 1}, "momentum must be")
    fails(function() nn.sgd {momentum = 1} end, "momentum must be")
    with({optimizer = "adm"}, "unknown optimizer 'adm'; did you mean 'adam'?")
    with({optimizer = 3}, "optimizer must be")
    with({optimizer = nn.adam(), lr = 1}, "o.lr")
    with({optimizer = "adam", momentum = 0.5}, "adam has no option 'momentum'")
    with({test = 3}, "test must be a data set, not 3")
    with({on_batch = 3}, "on_batch must be a function, not 3")
    with({seed = -1.5}, "seed must be")
    with({30}, "written name = value")
    with("x", "must be a table")
    eq(net:params(), before)
end)

test("sets that do not fit are refused before the first batch", function()
    local called = false
    local function refused(net, set, pattern)
        local before = net:params():totable()
        fails(function()
            net:train(set, options {on_batch = function() called = true end})
        end, pattern, true)
        eq(net:params(), before)
    end
    refused(nn.net "60 - 10", few, "net:train: ")
    refused(nn.net "64 - 9", few, "10 classes")
    refused(nn.net "64 - 10", data.set {x = few.x}, "no y")
    local other = data.set {x = {{1}}, y = {1}}
    fails(function() nn.net "64 - 10":train(few, options {test = other}) end, "test")
    fails(function() nn.net "64 - 10":train() end, "x is missing")
    eq(called, false)
end)

test("NaN and infinity stop at their batch and leave the parameters", function()
    for _, bad in ipairs {0 / 0, math.huge, -math.huge} do
        local x = few.x:clone()
        x[{35, 7}] = bad
        local net = nn.net("64 - 10", {seed = 1})
        local kept = net:params():totable()
        fails(function()
            net:train(data.set {x = x, y = few.y}, options {shuffle = false, on_batch = function()
                kept = net:params():totable()
            end})
        end, "epoch 1, batch 4", true)
        eq(net:params(), kept)
    end
end)

test("a cost that is not finite names its place and leaves the parameters", function()
    local calls = 0
    local net = nn.net {64, 10, cost = function(a, y)
        calls = calls + 1
        local c = ((a - y) ^ 2):mean()
        return calls == 3 and c / 0 or c
    end}
    local kept
    fails(function()
        net:train(few, options {on_batch = function() kept = net:params():totable() end})
    end, "net:train: epoch 1, batch 3: .*cost")
    eq(net:params(), kept)
end)

test("a gradient that is not finite names the layer and leaves the parameters", function()
    local armed = false
    nn.activation {
        name = "sometimes_broken",
        f = function(z) return z * 0.5 end,
        df = function(z) return armed and z * (0 / 0) or z * 0 + 0.5 end,
    }
    for _, o in ipairs {{lr = 1}, {optimizer = "adam"}} do
        local net, kept = nn.net "64 - 8 sometimes_broken - 10"
        armed = false
        o.progress = false
        o.on_batch = function(info)
            kept = net:params():totable()
            armed = info.batch == 2
        end
        fails(function() net:train(few, o) end, "epoch 1, batch 3: .*layer 1")
        eq(net:params(), kept)
    end
end)

test("memory that ends is an error and the network stays", function()
    local net = nn.net("64 - 30 - 10", {seed = 1})
    local before = net:params():totable()
    local limit = nabla.memory().limit
    collectgarbage()
    collectgarbage()
    nabla.memory {limit = nabla.memory().used + 1}
    local ok, message = pcall(net.train, net, digits.train, options {batch = 1000})
    nabla.memory {limit = limit}
    assert(not ok and tostring(message):find "memory", message)
    eq(net:params(), before)
    net:train(few, options())
    assert(differ(net:params(), tensor(before)))
end)

-- ---- Functions that meddle ----

test("an optimizer that a cost changes in the middle of a step", function()
    local o = nn.sgd {lr = 0.1}
    local other = nn.net "1 - 1"
    local function meddle(a, y)
        o.momentum = 0.9
        return ((a - y) * (a - y)):mean()
    end
    local net = nn.net {3, 4, 1, cost = meddle}
    net:step(tensor.ones(4, 3), tensor.ones(4, 1), o)
    eq(o.steps, 1)
    -- another network's state would be too small for this one's
    o = nn.sgd {lr = 0.1}
    local function lend(a, y)
        o.momentum = 0.9
        other:step({{1}}, {{1}}, o)
        return ((a - y) * (a - y)):mean()
    end
    net = nn.net {30, 40, 1, cost = lend}
    local before = net:params():totable()
    fails(function() net:step(tensor.ones(4, 30), tensor.ones(4, 1), o) end,
        "state of a network with 2 parameters")
    eq(net:params(), before)
end)

test("a network that its own function finalises lives on", function()
    local net, armed
    local function finalise(z)
        if armed then debug.getmetatable(net).__gc(net) end
        return z * 2
    end
    net = nn.net {2, nn.dense {3, finalise}, 1}
    armed = true
    net:train(tensor.ones(4, 2), tensor.ones(4, 1), options())
    armed = false
    eq(#net(tensor.ones(4, 2)), 4)
end)

test("a test set and an optimizer that a callback finalises", function()
    local o, t = nn.adam(), few:take(5)
    local net = nn.net "64 - 4 - 10"
    local function finalise()
        debug.getmetatable(o).__gc(o)
        debug.getmetatable(t).__gc(t)
    end
    local h = net:train(few,
        {epochs = 1, optimizer = o, test = t, progress = false, on_batch = finalise})
    eq(#h.cost, 1)
end)

-- ---- Examples ----

test("targets in one dimension fit a single output, in a set too", function()
    local set = data.set {x = tensor.ones(3, 2), y = tensor {0.25, 0.5, 0.75}}
    local net = nn.net "2 - 3 - 1"
    near(net:evaluate(set).cost, net:cost(set), 1e-6)
    net:train(set, options {batch = 2})
end)

test("no examples are told as such", function()
    local net = nn.net "2 - 3 - 1"
    local methods = {"cost", "backprop", "step", "gradcheck", "numeric_gradient", "trace"}
    for _, method in ipairs(methods) do
        fails(function() net[method](net, tensor.zeros(0, 2), tensor.zeros(0, 1)) end,
            method .. ": x holds no examples")
    end
    eq(#net(tensor.zeros(0, 2)), 0)
end)

spec.report()
