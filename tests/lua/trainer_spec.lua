-- net:trainer: against runs of train, bit for bit; back and forward; callbacks; files; errors.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec, runs = require "spec", require "runs"
local test, eq, fails = spec.test, spec.eq, spec.fails
local tensor, nn, data = spec.nabla.tensor, spec.nabla.nn, spec.nabla.data
local begin, train, copy, same_as_train = runs.begin, runs.train, runs.copy, runs.same_as_train
local set, valid, DENSE = runs.set, runs.valid, runs.DENSE

test("a run has the bits of train, and so has one that went back", function()
    for _, o in ipairs {
        {optimizer = "sgd", lr = 0.5}, {optimizer = "sgd", momentum = 0.9, lr = 0.1},
        {optimizer = "adam", patience = 1, valid = valid}, {optimizer = "adamw", dtype = "f64"},
        {optimizer = "nadam", accumulate = 4}, {optimizer = "rmsprop", lr = 0.01},
        {optimizer = "adagrad"}, {optimizer = "adadelta"}, {optimizer = "rprop"},
        {optimizer = "quickprop"}, {fresh = function() return nn.adam {amsgrad = true} end},
        {fresh = function() return nn.sgd {lr = 0.1, momentum = 0.5, nesterov = true} end},
        {optimizer = "adam", schedule = "warmup(epochs=2, then=cosine)", clip = 1},
        {optimizer = "adam", schedule = "plateau(patience=1)", valid = valid},
        {lr = 0.3, schedule = "one_cycle(top=4)", l2 = 0.1, l1 = 0.01, decay = 0.001},
        {lr = 0.3, schedule = function(epoch) return 1 / epoch end},
        {lr = 0.3, shuffle = false, batch = 60}, {lr = 0.3, batch = 7, flow = true},
        {lr = 0.3, test = valid, metrics = {"top_k(k=3)", mine = function(a) return a:mean() end}},
        {lr = 0.3, weights = {classes = {1, 2, 1, 2, 1, 2, 1, 2, 1, 2}}},
        {lr = 0.3, augment = function(x) return x + tensor.randn(#x, 64) * 0.1 end},
    } do
        same_as_train(DENSE, set, copy(o, {epochs = 4}))
    end
end)

test("optimizers of the whole set", function()
    same_as_train("64 - 6 tanh - 10 softmax : cross_entropy", set,
        {optimizer = "lbfgs", epochs = 6, dtype = "f64"})
    same_as_train("64 - 6 tanh - 10 softmax : cross_entropy", set,
        {optimizer = "cg", epochs = 6, dtype = "f64", l2 = 0.1})
    local x = tensor.linspace(-1, 1, 20, {dtype = "f64"}):reshape(20, 1)
    same_as_train("1 - 4 tanh - 1 linear : mse", data.set {x = x, y = (x * 3):sin()},
        {optimizer = "lm", epochs = 8, dtype = "f64"})
end)

test("all kinds of networks and sets", function()
    local o = {optimizer = "adam", epochs = 2, batch = 16}
    for _, text in ipairs {
        "64 - reshape 8x8 - lstm 5 last - dropout 0.5 - 10 softmax : cross_entropy",
        "64 - reshape 8x8 - gru 4 both - rnn 4 relu last - 10 softmax : cross_entropy",
        "64 - reshape 1x8x8 - conv 3 3 relu - batch_norm - max_pool 2 - flatten - 10 : huber",
        "64 - residual[16 relu - dropout 0.1 - 64 linear] - layer_norm - parallel[5 | 5 tanh] - 10",
        "64 - net[12 relu - 8] - 8 name=a - @a - 10",
        "64 - reshape 8x8 - attention 2 causal - global_avg_pool - 10 softmax : cross_entropy",
        "64 - reshape 4x4x4 - group_norm 2 - flatten - 10 sigmoid : cross_entropy",
    } do
        same_as_train(text, set, o)
    end
    local list, y = {}, {}
    for i = 1, 12 do list[i], y[i] = tensor.randn(1 + i % 4, 3, {seed = i}), 1 + i % 2 end
    same_as_train("*x3 - lstm 4 last - 2 softmax : cross_entropy", data.set {x = list, y = y},
        {epochs = 3, batch = 5, lr = 0.2})
    same_as_train("4 - 5 tanh - 3 softmax : cross_entropy", data.iris():standardize(),
        {epochs = 2, lr = 0.2})
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "w"))
    file:write(("to be or not to be, "):rep(20))
    file:close()
    same_as_train("* - embedding 8 6 name=e - positions - attention 2 causal - " ..
        "8 softmax tied=e : cross_entropy", data.text(path, {steps = 12}),
        {epochs = 2, batch = 8, optimizer = "adam"})
    os.remove(path)
end)

test("functions of Lua as layer, activation and cost", function()
    local function make()
        local f = nn.activation {name = "bent", f = function(z) return z:tanh() + z * 0.1 end}
        return nn.net({64, nn.dense {6, f}, nn.fn {f = function(x) return x * 0.5 end},
            nn.dense {10, "softmax"}, cost = function(a, y) return (a - y):pow(2):mean() end},
            {seed = 1})
    end
    local o = {epochs = 2, lr = 0.2, seed = 3, progress = false}
    local plain, net = make(), make()
    plain:train(set, o)
    local t = net:trainer(set, o)
    t:run()
    assert(net:params():equal(plain:params()))
    t:back(9):step(9)
    assert(net:params():equal(plain:params()))
end)

-- ---- Callbacks ----

test("callbacks as in train, once", function()
    local function options(net, seen)
        return {epochs = 3, lr = 2, batch = 10, valid = valid,
            on_batch = function(info)
                seen[#seen + 1] = info.batch
                if info.batch == 2 then net[1].b:add_(0.01) end
            end,
            on_epoch = function(info)
                seen[#seen + 1] = -info.epoch
                net[1].frozen = info.epoch == 2
            end}
    end
    local plain, net = nn.net("64 - 8 - 10", {seed = 1}), nn.net("64 - 8 - 10", {seed = 1})
    local seen, other = {}, {}
    plain:train(set, copy(options(plain, other), {seed = 5, progress = false}))
    local t = net:trainer(set, copy(options(net, seen), {seed = 5, progress = false}))
    t:epoch():step(2)
    t:run()
    eq(seen, other)
    assert(net:params():equal(plain:params()))
    for step = 0, 17 do
        t:seek(step)
        t:run()
        assert(net:params():equal(plain:params()))
    end
    eq(seen, other)
end)

test("a callback that stops, raises or asks for the trainer", function()
    local stop, raise, t = nil, nil, nil
    local net = nn.net("64 - 8 - 10", {seed = 1})
    local o = {epochs = 3, lr = 2, seed = 5, progress = false}
    t = net:trainer(set, copy(o, {
        on_batch = function(info)
            if info.batch == stop then return false end
            if info.batch == raise then error "enough" end
            if info.batch == 6 then
                fails(function() t:step() end, "learning already", true)
                fails(function() t:back(1) end, "learning already", true)
            end
        end}))
    stop = 3
    t:run()
    eq(t.step_number, 3)
    t:step(10)
    eq(t.step_number, 9) -- batch 3 of the second epoch
    stop, raise = nil, 5
    fails(function() t:run() end, "enough", true)
    eq(t.step_number, 11)
    raise = nil
    t:run()
    local plain = nn.net("64 - 8 - 10", {seed = 1})
    plain:train(set, copy(o, {on_batch = function() end}))
    assert(net:params():equal(plain:params()))
    t:seek(0):seek(18)
    assert(net:params():equal(plain:params()))
end)

test("functions that the network has no longer come back", function()
    local net, t = begin("64 - 8 - 10", set, {epochs = 4, lr = 1})
    local weak = setmetatable({}, {__mode = "k"})
    do
        local f = function(z) return z:tanh() end
        net[1].activation = f
        weak[f] = true
    end
    t:step(3)
    net[1].activation = "relu"
    t:step(3)
    collectgarbage()
    collectgarbage()
    local at = net:params():clone()
    t:seek(2)
    assert(type(net[1].activation) ~= "string" or net[1].activation ~= "relu")
    collectgarbage()
    t:seek(6)
    assert(net:params():equal(at))
    eq(net[1].activation, "relu")
    -- One that the run left before a step was made with it.
    net[1].activation = function(z) return z:sin() end
    t:back(2)
    net[1].activation = "tanh"
    t:back(0)
    collectgarbage()
    collectgarbage()
    t:step(2):step()
    eq(t.step_number, 7)
    -- The network outlives the trainer with what it brought back.
    t:seek(2)
    t = nil
    collectgarbage()
    collectgarbage()
    net(set.x)
end)

-- ---- Files ----

test("save writes a checkpoint that train and trainer go on from", function()
    local path = os.tmpname()
    local o = {epochs = 4, optimizer = "adam", seed = 5, progress = false, valid = valid}
    local plain = train(DENSE, set, o)
    local net, t = begin(DENSE, set, o)
    t:step(9)
    net[1].name = "first"
    t:step(4):back(6)
    t:save(path)
    for _, way in ipairs {"train", "trainer"} do
        local other = nn.net(DENSE, {seed = 2})
        other[1].name = "first"
        local u = other[way](other, set, copy(o, {resume = path}))
        if way == "trainer" then
            eq(u.step_number, 7)
            eq(u.record.first, 7)
            fails(function() u:back(1) end, "can go back 0 at most", true)
            u:run()
            u:back(5):step(5)
        end
        assert(other:params():equal(plain:params()))
    end
    fails(function() t:save() end, "path", true)
    fails(function() t:save("/nowhere/x") end, "/nowhere/x", true)
    os.remove(path)
end)

test("checkpoint and every as in train", function()
    local path = os.tmpname()
    os.remove(path)
    local o = {epochs = 3, lr = 1, seed = 5, progress = false, checkpoint = path}
    local plain = train("64 - 8 - 10", set, {epochs = 3, lr = 1})
    local _, t = begin("64 - 8 - 10", set, o)
    t:step(8) -- one epoch of six is whole
    local other = nn.net("64 - 8 - 10", {seed = 3})
    local h = other:train(set, copy(o, {epochs = 1, resume = path}))
    eq(h.epochs, 1)
    t:run()
    other = nn.net("64 - 8 - 10", {seed = 3})
    eq(other:train(set, copy(o, {resume = path})).epochs, 3)
    assert(other:params():equal(plain:params()))
    os.remove(path)
end)

-- ---- Words ----

test("fields, and what they cannot be", function()
    local net, t = begin("64 - 8 - 10", set, {epochs = 2, lr = 1})
    assert(t.net == net and t.set == set)
    eq({t.step_number, t.epoch_number, t.batch_number}, {0, 0, 0})
    t:step(8)
    eq({t.step_number, t.epoch_number, t.batch_number}, {8, 2, 2})
    eq(t.history.epochs, 1)
    eq(t.optimizer.name, "sgd")
    eq(t.optimizer.steps, 8)
    assert(tostring(t):find("step 8 · epoch 2, batch 2 of 6 · cost", 1, true))
    assert(tostring(t):find("record: 0 to 8", 1, true))
    fails(function() return t.stepp end, "no field 'stepp'; did you mean 'step'?", true)
    fails(function() t.lr = -1 end, "lr must be a number above 0", true)
    fails(function() t.lr = "fast" end, "lr must be a number above 0, not 'fast'", true)
    fails(function() t.step_number = 3 end, "t:seek(step)", true)
    fails(function() t.epochs = 3 end, "of a trainer lr can be set", true)
    fails(function() t.optimizer.lrr = 3 end, "did you mean 'lr'", true)
    fails(function() t:step(0) end, "must be a whole number from 1, not 0", true)
    fails(function() t:step(1.5) end, "must be a whole number, not 1.5", true)
    fails(function() t:step(1, 2) end, "one argument too many", true)
    fails(function() t:epoch(2) end, "one argument too many", true)
    fails(function() t:back(-1) end, "must be a whole number from 0, not -1", true)
    fails(function() t:back(nil) end, "must be a whole number, not nil", true)
    fails(function() t:back(9) end, "stands at step 8, and it began at step 0", true)
    fails(function() t:seek(9) end, "step 9 is in the future: the run has come to step 8", true)
    fails(function() t:seek() end, "say the number of a step", true)
    fails(function() net:trainer(set, {epoch = 3}) end, "did you mean 'epochs'?", true)
    fails(function() net:trainer(set, 30, 10) end, "net:trainer(set, {epochs = 30, batch = 10})",
        true)
    fails(function() net:trainer() end, "x is missing", true)
    fails(function() net:trainer(set, {every = 2}) end, "there is no checkpoint", true)
    fails(function() net:trainer(set, {optimizer = "lbfgs", batch = 5}) end,
        "net:trainer: lbfgs works on the whole set", true)
    local _, u = begin("64 - 8 - 10", set, {optimizer = "lbfgs", epochs = 3})
    eq(u.lr, nil)
    fails(function() u.lr = 1 end, "lbfgs has no lr", true)
end)

test("steps beyond the last epoch, and of what has converged", function()
    local net, t = begin("64 - 8 - 10", set, {epochs = 2, lr = 1})
    local h = t:run()
    eq(h.epochs, 2)
    assert(net.history.epochs == 2)
    eq(t:run().epochs, 2) -- nothing is left
    eq(t.step_number, 12)
    t:epoch()
    eq(t.epoch_number, 3)
    local line = data.set {x = tensor {{0}, {1}, {2}}, y = tensor {{1}, {3}, {5}}}
    local _, u = begin("1 - 1 linear : mse", line, {optimizer = "lm", dtype = "f64"})
    u:run()
    fails(function() u:step() end, "lm has converged", true)
    u:back(1)
    u:step()
end)

test("x and y instead of a set, and a scale that is given back", function()
    local x, y = tensor.rand(20, 4, {seed = 1}), tensor.rand(20, 2, {seed = 2})
    local plain, net = nn.net("4 - 3 - 2", {seed = 1}), nn.net("4 - 3 - 2", {seed = 1})
    local o = {epochs = 2, lr = 1, seed = 5, progress = false}
    plain:train(x, y, o)
    local t = net:trainer(x, y, o)
    x, y = nil, nil
    collectgarbage()
    t:run()
    t:back(3):step(3)
    assert(net:params():equal(plain:params()))
    local iris = nn.net "4 - 3"
    local u = iris:trainer(data.iris():standardize(), {seed = 1})
    assert(iris.scale)
    u = nil
    collectgarbage()
    collectgarbage()
    eq(iris.scale, nil) -- no step was made
end)

-- Frames are taken as time allows, so one stands now here, now there; the gradient is there in any
-- case, as the step left it.
test("a step that was gone back to has its gradient", function()
    for _, name in ipairs {"adam", "sgd"} do
        local net = nn.net "4 - 3"
        local t = net:trainer(data.iris(), {batch = 10, seed = 1, optimizer = name, clip = 0.1})
        local kept = {}
        for k = 1, 40 do
            t:step()
            kept[k] = net:grads():clone()
        end
        for k = 39, 1, -1 do
            t:back()
            eq(net:grads(), kept[k])
        end
        t:step()
        eq(net:grads(), kept[2])
    end
end)

-- What is given back is what the trainer took: not what was said of the network since, nor what
-- others have learned in.
test("a trainer without a step leaves a scale that came after it", function()
    local function dropped(f)
        local net, set = nn.net "4 - 3", data.iris():standardize()
        local t = net:trainer(set, {seed = 1})
        f(net, set)
        t = nil
        collectgarbage()
        collectgarbage()
        return net.scale
    end
    local own = {offset = {1, 2, 3, 4}, factor = {1, 1, 2, 1}}
    eq(dropped(function(net) net.scale = own end).offset, own.offset)
    assert(dropped(function(net)
        net:train(data.iris():standardize(), {epochs = 1, progress = false})
    end))
    assert(dropped(function(net, set) net:train(set, {epochs = 1, progress = false}) end))
    eq(dropped(function(net) net[1].frozen = true end), nil)
end)

spec.report()
