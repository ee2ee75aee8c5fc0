-- net:trainer: numbers of the set that change, and what is changed before the first step.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local function numbers() return tensor.randn(20, 3, {seed = 1}), tensor.randn(20, 2, {seed = 2}) end

local function net_of() return nn.net("3 - 4 tanh - 2 linear : mse", {seed = 1}) end

-- Of 20 examples in batches of 5: four steps in an epoch.
local function begin(o)
    local x, y = numbers()
    local net = net_of()
    local all = {epochs = 3, batch = 5, seed = 1, progress = false}
    for k, v in pairs(o or {}) do all[k] = v end
    return net, net:trainer(data.set {x = x, y = y}, all), x, y
end

test("a changed set is said by back(0) too, and the run stays where it is", function()
    local net, t, _, y = begin()
    t:step(6)
    local left = net:params():clone()
    y:mul_(3)
    fails(function() t:back(0) end, "the numbers of the set were changed since step 6", true)
    assert(net:params():equal(left))
    t:back(0)
    assert(net:params():equal(left))
    eq(t.record.first, 6)
    fails(function() t:back(1) end, "can go back 0 at most", true)
    t:step(2)
    local at = net:params():clone()
    t:back(2):step(2)
    assert(net:params():equal(at))
end)

test("trained elsewhere on a set that changed: nothing is promised that cannot be", function()
    local net, t, x, y = begin()
    t:step(6)
    net:step(x, y, {lr = 1})
    y:mul_(3)
    fails(function() t:step() end, "learned elsewhere since this run stopped at step 6, and the " ..
        "numbers of the set were changed: the same again goes on", true)
    t:step()
    eq(t.record.first, 6)
    eq(t.step_number, 7)
end)

-- A callback's changes of the set are those of a plain run with it; the record begins behind them.
local function same_with(option, make)
    local x, y = numbers()
    local plain = net_of()
    plain:train(data.set {x = x, y = y}, {epochs = 3, batch = 5, seed = 1, progress = false,
        [option] = make(x)})
    local x2, y2 = numbers()
    local net = net_of()
    local t = net:trainer(data.set {x = x2, y = y2}, {epochs = 3, batch = 5, seed = 1,
        progress = false, [option] = make(x2)})
    t:run()
    assert(net:params():equal(plain:params()), option)
    local first, last = t.record.first, t.step_number
    eq(last, 12)
    local at = net:params():clone()
    t:seek(first):seek(last)
    assert(net:params():equal(at), option)
    fails(function() t:seek(first - 1) end, "the record begins at step " .. first, true)
    return first
end

test("a callback that changes the set's numbers is noticed behind its step", function()
    eq(same_with("on_batch", function(x) return function() x:mul_(1.01) end end), 12)
    eq(same_with("on_batch", function(x)
        local batches = 0
        return function()
            batches = batches + 1
            if batches == 7 then x:mul_(2) end
        end
    end), 7)
    eq(same_with("on_epoch", function(x) return function(p)
        if p.epoch == 2 then x:mul_(2) end
    end end), 8)
    eq(same_with("augment", function(x)
        local calls = 0
        return function(batch)
            calls = calls + 1
            if calls == 3 then x:mul_(2) end
            return batch
        end
    end), 3)
    eq(same_with("schedule", function(x) return function(epoch)
        if epoch == 2 then x:mul_(2) end
        return 1
    end end), 4)
end)

test("numbers of valid and test that change are said; what was stays", function()
    for _, name in ipairs {"valid", "test"} do
        local vx, vy = tensor.randn(6, 3, {seed = 5}), tensor.randn(6, 2, {seed = 6})
        local net, t = begin {[name] = data.set {x = vx, y = vy}}
        t:step(9)
        local costs = t.history[name .. "_cost"]
        t:seek(6)
        vy:mul_(2)
        fails(function() t:step() end, "the numbers of " .. name .. " were changed since step 6",
            true)
        t:run()
        eq(t.history[name .. "_cost"][1], costs[1])
        assert(t.history[name .. "_cost"][2] ~= costs[2])
        local cost = net:evaluate(data.set {x = vx, y = vy}).cost
        t:seek(0):seek(12)
        eq(t.history[name .. "_cost"][3], cost)
        eq(t.record.first, 0)
    end
end)

test("options that state begins with may be set before the first step", function()
    local x, y = numbers()
    for _, case in ipairs {{"rprop", "lr", 0.05}, {"adagrad", "initial", 0.5}, {"adam", "lr", 0.2}} do
        local name, option, value = table.unpack(case)
        local plain = net_of()
        plain:train(data.set {x = x, y = y}, {epochs = 2, batch = 20, seed = 1, progress = false,
            optimizer = nn[name] {[option] = value}})
        for back = 0, 1 do
            local net = net_of()
            local t = net:trainer(data.set {x = x, y = y}, {epochs = 2, batch = 20, seed = 1,
                progress = false, optimizer = nn[name] {}})
            if back == 1 then t:step(2):back(2) end
            t.optimizer[option] = value
            t:step(2)
            assert(net:params():equal(plain:params()), name)
            t:back(2):step(2)
            assert(net:params():equal(plain:params()), name)
        end
    end
end)

test("a change that no step was made with can be dropped", function()
    local net, t = begin {lr = 0.1}
    t:step(3)
    net[1].w[{2, 2}] = 0.5
    t:step(2):back(2)
    local left = net:params():clone()
    for _, how in ipairs {"step", "run", "epoch"} do
        net[1].w[{1, 1}] = 0 / 0
        fails(function() t[how](t) end, "epoch 1, batch 4", true)
        net[1].activation = "sigmoid"
        fails(function() t:step() end, "epoch 1, batch 4", true)
        t:back(0)
        assert(net:params():equal(left))
        eq(net[1].activation, "tanh")
        eq(t.record.edits, 1)
        t:step():back(0)
        eq(t.step_number, 4)
        t:back(1)
    end
    eq(net[1].w[{2, 2}]:item(), 0.5)
end)

-- ---- Changes at one stop ----

-- Each is made at stop 6, and steps are made behind it; a plain run has them all before step 7.
local TRIALS <const> = {
    function(net) net[1].w[{1, 2}] = 0.25 end,
    function(net) net[2].w[{2, 1}], net[1].w[{1, 2}] = -0.5, 0.75 end,
    function(net) net[1].w[{1, 1}] = 0.125 end,
    function(net) net[1].activation = "relu" end,
    function(net) net:params():mul_(0.5) end,
    function(net) net[2].b[1] = 0.375 end,
    function(net) net[1].factor = 0.5 end,
    function(_, optimizer) optimizer.lr = 0.02 end,
    function(net) net[2].b[{2}] = -0.25 end,
}

local function all_at_once(count)
    local net, t = begin()
    t:step(6)
    for k = 1, count do TRIALS[k](net, t.optimizer) end
    t:step(3)
    return net:params():clone()
end

test("changes at one stop are one, however often steps are made between", function()
    local net, t = begin()
    t:step(6)
    for k, change in ipairs(TRIALS) do
        t:seek(6)
        change(net, t.optimizer)
        t:step(3)
        eq(t.record.edits, 1)
        assert(net:params():equal(all_at_once(k)), k)
        t:seek(0):seek(9)
        assert(net:params():equal(all_at_once(k)), k)
    end
    for _ = 1, 200 do
        t:seek(6)
        net:params():mul_(0.99)
        t:step(3)
    end
    eq(t.record.edits, 1)
    assert(t.record.bytes > 0 and t.record.bytes < 40000, t.record.bytes) -- frames and one edit
end)

test("changes that are looked at without a step are one", function()
    local net, t = begin()
    t:step(6)
    for k, change in ipairs(TRIALS) do
        change(net, t.optimizer)
        t:seek(6)
        eq(t.record.edits, 1)
        local stands = net:params():clone()
        t:seek(3):seek(6)
        assert(net:params():equal(stands), k)
    end
    t:step(3)
    eq(t.record.edits, 1)
    assert(net:params():equal(all_at_once(#TRIALS)))
end)

test("a change whose step failed is dropped alone, without those that steps were made with",
    function()
    local net, t = begin()
    t:step(6)
    net[1].w[{1, 2}] = 0.25
    t:step():back()
    local stood = net:params():clone()
    for j = 1, 2 do
        net[1].w[{j, 1}] = 0 / 0
        fails(function() t:step() end, "is nan", true)
    end
    eq(t.record.edits, 2)
    t:back(0)
    assert(net:params():equal(stood))
    eq(t.record.edits, 1)
end)

test("an activation that is set to the very function that it has is no change", function()
    local f = function(z) return z:tanh() end
    local net = nn.net({3, nn.dense {4, f}, 2}, {seed = 1})
    local x, y = numbers()
    local t = net:trainer(x, y, {epochs = 3, batch = 5, seed = 1, progress = false})
    t:step(6):back(3)
    net[1].activation = f
    t:seek(6)
    eq(t.record.edits, 0)
    net[1].activation = function(z) return z:tanh() end
    t:seek(6)
    eq(t.record.edits, 1)
end)

-- A function is set, a step made with it, relu set; going back brings the function back, and whoever
-- is left of the networks keeps it.
local function brought_back(net, left)
    local kept = setmetatable({}, {__mode = "v"})
    local x, y = numbers()
    local t = net:trainer(x, y, {epochs = 3, batch = 5, seed = 1, progress = false})
    t:step()
    local f = function(z) return z:tanh() end
    left[1].activation, kept[1] = f, f
    t:step()
    left[1].activation = "relu"
    t:back(1)
    return kept
end

test("a function that going back brought back stays when the run has gone", function()
    local net = net_of()
    local kept = brought_back(net, net)
    collectgarbage()
    assert(kept[1] == net[1].activation)
    net:step(numbers())
    local inner = nn.net("3 - 4 relu - 3", {seed = 1})
    kept = brought_back(nn.net {3, nn.residual {inner}, 2}, inner)
    collectgarbage()
    assert(kept[1] == inner[1].activation)
    inner(tensor.ones(3))
end)

test("what is too much is refused", function()
    local net = net_of()
    local x, y = numbers()
    fails(function() net:trainer(data.set {x = x, y = y}, {}, 3) end,
        "3 is one argument too many", true)
    fails(function() net:train(x, y, {}, 3) end, "3 is one argument too many", true)
    fails(function() net:trainer(x, y, {epochs = 1e18}) end,
        "epochs must be at most 9007199254740992, not 1e18", true)
    fails(function() net:trainer(x, y, {batch = 3e9}) end,
        "batch must be at most 2147483647, not 3", true)
    fails(function() net:trainer(x, y, {epochs = 1.5}) end,
        "epochs must be a whole number from 1, not 1.5", true)
end)

-- ---- What t says ----

local function says(t, words) assert(tostring(t):find(words, 1, true), tostring(t)) end

test("a run that is over says so, and of patience what t:run() brings back", function()
    local _, t = begin {epochs = 2}
    t:step(7)
    assert(not tostring(t):find("over", 1, true))
    t:step()
    says(t, "the run of 2 epochs is over")
    assert(not tostring(t):find("best", 1, true))
    t:step()
    says(t, "the run of 2 epochs is over")
    local vx, vy = tensor.randn(6, 3, {seed = 5}), tensor.randn(6, 2, {seed = 6})
    local _, u = begin {epochs = 50, lr = 5, patience = 1, valid = data.set {x = vx, y = vy}}
    repeat u:epoch() until tostring(u):find("patience is at its end", 1, true)
    says(u, ("; t:run() brings the best epoch back, %d"):format(u.epoch_number - 1))
    eq(u:run().best, u.epoch_number - 1)
    assert(not tostring(u):find("brings", 1, true))
end)

-- lr is so large that valid's cost is the lowest of all behind the first epoch.
test("a run that goes on in its record ends where patience ends it", function()
    local valid = data.set {x = tensor.randn(6, 3, {seed = 5}), y = tensor.randn(6, 2, {seed = 6})}
    local o = {epochs = 50, lr = 5, patience = 1, valid = valid}
    local plain, u = begin(o)
    u:run()
    local over = u.step_number
    for _, behind in ipairs {0, 1, 4, 9} do
        for _, watched in ipairs {false, true} do
            local net, t = begin(o)
            if watched then t:watch(function() return 1 end) end
            t:step(over + behind)
            t:seek(over - 3)
            t:run()
            eq(t.step_number, over)
            assert(net:params():equal(plain:params()))
            eq(t.record.last, over)
            t:seek(over - 1):seek(over)
            assert(net:params():equal(plain:params()))
            t:back(0):step(2):seek(over)
            assert(net:params():equal(plain:params()))
        end
    end
end)

test("a layer replaced by one of the same sizes is named, and t says that it is over", function()
    local net, t = begin()
    t:step(2)
    net:replace(1, nn.dense {4, "relu"})
    fails(function() t:step() end, "layer 1: activation is now another", true)
    says(t, "the network was built anew, and this run cannot go on")
    net, t = begin()
    net:replace(1, nn.dense {4, "tanh"})
    fails(function() t:step() end, "a layer was replaced", true)
end)

spec.report()
