-- net:trainer among changes: by hand, between steps and after going back, and training elsewhere.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec, runs = require "spec", require "runs"
local test, eq, fails = spec.test, spec.eq, spec.fails
local tensor, nn, data = spec.nabla.tensor, spec.nabla.nn, spec.nabla.data
local begin, train = runs.begin, runs.train
local set, valid, DENSE = runs.set, runs.valid, runs.DENSE

-- ---- Changes by hand ----

-- One change each, made with net and trainer, or with net and what a plain run is told.
local changes = {
    function(net) net[1].w[{3, 5}] = 0.25 end,
    function(net) net[1]:neuron(4).activation = "relu" end,
    function(_, o) o.lr = o.lr * 0.5 end,
    function(net) net[1].factor = 0.1 end,
    function(net) net[4].frozen = true end,
    function(net) net[1].mask = {w = net[1].w:gt(0)} end,
    function(net) net[1]:neuron(2).frozen = true end,
    function(net) net[4].decay = true end,
    function(net) net[3].mean:fill_(0.5) end,
    function(net) net[1].activation = function(z) return z:sin() end end,
    function(net) net:params():mul_(0.9) end,
    function(_, o) o.momentum = 0.7 end,
    function(net) net[1].mask = nil end,
    function(net) net[4].frozen = false end,
    function(net) net[1].w[{3, 5}] = 0.5; net[1].activation = "elu"; net[1].factor = 1 end,
}

-- A plain run whose on_batch makes the changes behind the same batches (the optimizer's object is
-- the same in both).
test("changes by hand are those of a plain run, and are made again", function()
    for _, l2 in ipairs {0, 0.5} do
        local o = nn.sgd {lr = 0.2, momentum = 0.1}
        local every, batches = 3, 0
        local plain = nn.net(DENSE, {seed = 1})
        plain:train(set, {epochs = 8, optimizer = o, seed = 5, l2 = l2, progress = false,
            on_batch = function()
                batches = batches + 1
                if batches % every == 0 and changes[batches // every] then
                    changes[batches // every](plain, o)
                end
            end})
        local net, t = begin(DENSE, set, {epochs = 8, l2 = l2,
            fresh = function() return nn.sgd {lr = 0.2, momentum = 0.1} end})
        local kept = {}
        for i, change in ipairs(changes) do
            t:step(every)
            change(net, t.optimizer)
            kept[i] = net:params():clone()
            collectgarbage()
        end
        t:run()
        assert(net:params():equal(plain:params()))
        local last = t.step_number
        for i = 0, #changes do
            t:seek(i * every)
            collectgarbage()
            if i > 0 then assert(net:params():equal(kept[i])) end
            eq(t.lr, i >= 3 and 0.1 or 0.2)
            eq(net[4].frozen, i >= 5 and i < 14)
            eq(net[1].mask ~= nil, i >= 6 and i < 13)
            t:seek(last)
            assert(net:params():equal(plain:params()))
        end
        t:back(last)
        eq(net:notation(), nn.net(DENSE):notation())
        t:step(48)
        t:back(40):step(40)
        assert(net:params():equal(plain:params()))
        eq(t.record.edits, #changes)
    end
end)

test("scale and a mask written in place", function()
    local net, t = begin("4 - 5 tanh - 3 softmax : cross_entropy", data.iris():standardize(),
        {lr = 0.1})
    t:step(3)
    net.scale = nil
    t:step(3).net[1].mask = {w = net[1].w:gt(-10)}
    t:step(2).net[1].mask.w[{1, 1}] = 0
    t:step(3)
    local w = net:params():clone()
    for step = 0, 11 do
        t:seek(step)
        eq(net.scale ~= nil, step < 3)
        eq(net[1].mask ~= nil, step >= 6)
        if step >= 6 then eq(net[1].mask.w[{1, 1}], step >= 8 and 0 or 1) end
        t:seek(11)
        assert(net:params():equal(w))
    end
end)

test("a network that stands in another", function()
    local inner = nn.net("8 - 6 tanh - 4", {seed = 2})
    local outer = nn.net {5, 8, inner, 3}
    local t = inner:trainer(tensor.rand(20, 8, {seed = 1}), tensor.rand(20, 4, {seed = 2}),
        {lr = 1, seed = 3, progress = false})
    t:step(4)
    outer[1].w:mul_(2)
    eq(t:step().record.edits, 0)
    local at, before = inner:params():clone(), outer[1].w:clone()
    t:back(5):step(5)
    assert(inner:params():equal(at) and outer[1].w:equal(before))
    outer:train(tensor.rand(10, 5), tensor.rand(10, 3), {epochs = 1, progress = false})
    fails(function() t:step() end, "the network learned elsewhere", true)
end)

test("looking at a network changes nothing of the run", function()
    local plain = train("64 - 8 - 10", set, {epochs = 3, lr = 2})
    local net, t = begin("64 - 8 - 10", set, {epochs = 3, lr = 2})
    t:step(5)
    net:gradcheck(set:take(2))
    net:evaluate(valid)
    net:backprop(set:take(3))
    net:why(1, 3, set)
    net:demon(1, 2, 0.1, set:take(1))
    net:trace(set:take(2))
    net:curvature(set:take(5), {top = 1})
    net:numeric_gradient(set:take(1))
    net[1].name = "hidden"
    net[1]:neuron(3).name = "third"
    t:step()
    eq(t.record.edits, 0)
    t:back(3)
    net:gradcheck(set:take(2))
    t:run()
    eq(t.record.edits, 0)
    assert(net:params():equal(plain:params()))
end)

test("what is changed after going back ends what was ahead", function()
    local net, t = begin("64 - 8 - 10", set, {epochs = 5, lr = 2})
    t:step(12)
    t:back(5)
    eq(t.record.last, 12)
    t.lr = 1
    fails(function() t:seek(8) end, "step 8 is in the future: the run has come to step 7", true)
    eq(t.record.last, 7)
    t:step(5)
    -- As a run whose rate was changed there.
    local other, u = begin("64 - 8 - 10", set, {epochs = 5, lr = 2})
    u:step(7)
    u.optimizer.lr = 1
    u:step(5)
    assert(net:params():equal(other:params()))
    t:seek(7)
    eq(t.lr, 1)
    t:seek(6)
    eq(t.lr, 2)
end)

test("back(0) drops what was done since the stop", function()
    local plain = train("64 - 8 - 10", set, {epochs = 2, lr = 2})
    local net, t = begin("64 - 8 - 10", set, {epochs = 2, lr = 2})
    t:step(4)
    net:reset(9)
    t.lr = 7
    net[2].activation = "tanh"
    t:back(0)
    eq(t.lr, 2)
    eq(net[2].activation, "sigmoid")
    t:run()
    assert(net:params():equal(plain:params()))
end)

-- ---- Others ----

test("training elsewhere is said once, then gone on from", function()
    local net, t = begin("64 - 8 - 10", set, {epochs = 4, lr = 1})
    t:step(4)
    local left = net:params():clone()
    local ways = {
        function() net:train(set, {epochs = 1, progress = false}) end,
        function() net:step(set:take(1), {lr = 1}) end,
        function() net:trainer(set, {seed = 1}):step() end,
    }
    for _, way in ipairs(ways) do
        way()
        fails(function() t:step() end, "learned elsewhere since this run stopped at step 4", true)
        t:back(0)
        assert(net:params():equal(left))
    end
    ways[1]()
    local there = net:params():clone()
    net[1].b[1] = 2
    fails(function() t:back(1) end, "t:back(0) returns to what the run left", true)
    t:back(1)
    eq(t.step_number, 3)
    t:step()
    eq(net[1].b[1], 2)
    net[1].b[1] = there[net[1].w:numel() + 1]
    t:step()
    -- Its optimizer, in another network of the same size.
    local other = nn.net "64 - 8 - 10"
    other:train(set, {epochs = 1, optimizer = t.optimizer, progress = false})
    fails(function() t:step() end, "its optimizer learned elsewhere", true)
    t:step()
    eq(t.step_number, 6)
end)

test("another build, by name", function()
    local net, t = begin("64 - 8 - 10", set, {epochs = 4, lr = 1})
    t:step(4)
    net:replace(1, nn.dense {9})
    for _, go in ipairs {"step", "epoch", "run", "back"} do
        fails(function() t[go](t) end,
            "since step 4: layer 1, dense 8 is now layer 1, dense 9; this run cannot go on", true)
    end
    local inner, u = begin("64 - 8 - 10", set, {epochs = 4, lr = 1})
    u:step()
    local _ = nn.net {64, inner}
    fails(function() u:step() end, "stands in another", true)
    net, t = begin("64 - 8 - 10", set, {epochs = 4, lr = 1})
    net:to "f64"
    fails(function() t:seek(0) end, "f32 is now f64", true)
    net, t = begin("64 - 8 - 10", set, {epochs = 4, lr = 1})
    net:append(nn.dense {3})
    fails(function() t:step() end, "nothing is now layer 3, dense 3", true)
end)

test("a changed set is said once; the record begins there", function()
    local x, y = tensor.rand(30, 4, {seed = 1}), tensor.rand(30, 2, {seed = 2})
    local net, t = begin("4 - 3 - 2", data.set {x = x, y = y}, {epochs = 9, lr = 1})
    t:step(5)
    x[{3, 2}] = 9
    fails(function() t:back(1) end, "the numbers of the set were changed since step 5", true)
    t:step(3)
    eq(t.record.first, 5)
    fails(function() t:back(4) end, "can go back 3 at most", true)
    local at = net:params():clone()
    t:back(3):step(3)
    assert(net:params():equal(at))
    y:mul_(2)
    fails(function() t:step() end, "the numbers of the set were changed since step 8", true)
    t:step()
    local w = tensor.ones(30, {dtype = "f64"})
    net, t = begin("4 - 3 - 2", data.set {x = x, y = y}, {epochs = 9, lr = 1,
        weights = {examples = w}})
    t:step(2)
    w[3] = 2
    fails(function() t:step() end, "were changed since step 2", true)
end)

spec.report()
