-- Stopping: valid, patience, and the parameters of the best epoch.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local nn, data, tensor = nabla.nn, nabla.data, nabla.tensor

local train, valid = data.digits().train:take(300):split(0.7, 1)

local function fresh()
    return nn.net("64 - 20 tanh - 10 softmax : cross_entropy", {seed = 1})
end

local function options(o)
    local all = {epochs = 60, batch = 10, lr = 0.5, seed = 1, progress = false}
    for k, v in pairs(o or {}) do all[k] = v end
    return all
end

-- The first epoch with the lowest number.
local function lowest(list)
    local best = 1
    for i, v in ipairs(list) do if v < list[best] then best = i end end
    return best
end

test("patience ends the run so many epochs after the best", function()
    for _, patience in ipairs {1, 2, 5} do
        local h = fresh():train(train, options {valid = valid, patience = patience})
        assert(h.epochs < 60, h.epochs)
        eq(h.best, lowest(h.valid_cost))
        eq(h.epochs, h.best + patience)
    end
end)

test("the parameters of the best epoch come back", function()
    local net, other = fresh(), fresh()
    local h = net:train(train, options {valid = valid, patience = 3})
    eq(net:evaluate(valid).cost, h.valid_cost[h.best])
    -- A run that ends with that epoch has the same parameters.
    other:train(train, options {epochs = h.best})
    assert(net:params():equal(other:params()))
    local last = fresh()
    last:train(train, options {epochs = h.epochs})
    assert(not net:params():equal(last:params()))
end)

test("they come back also where the epochs end or a callback stops", function()
    local whole = fresh():train(train, options {valid = valid, patience = 5})
    local epochs = whole.best + 2
    for _, o in ipairs {{epochs = epochs}, {on_epoch = function(e) return e.epoch < epochs end}} do
        local net = fresh()
        o.valid, o.patience = valid, 5
        local h = net:train(train, options(o))
        eq(h.epochs, epochs)
        eq(h.best, whole.best)
        eq(net:evaluate(valid).cost, h.valid_cost[h.best])
    end
end)

test("running figures come back with them", function()
    local function net()
        return nn.net("64 - 20 tanh - batch_norm - 10 softmax : cross_entropy", {seed = 1})
    end
    local one, other = net(), net()
    local h = one:train(train, options {valid = valid, patience = 2})
    other:train(train, options {epochs = h.best})
    assert(one[2].mean:equal(other[2].mean))
    assert(one[2].variance:equal(other[2].variance))
end)

test("valid alone is told, and changes nothing", function()
    local net, plain, told = fresh(), fresh(), {}
    local h = net:train(train, options {epochs = 3, valid = valid,
        on_epoch = function(e) told[#told + 1] = e.valid_cost end})
    plain:train(train, options {epochs = 3})
    eq(told, h.valid_cost)
    eq(#h.valid, 3)
    eq(h.best, nil)
    assert(net:params():equal(plain:params()))
    eq(h.valid[3], net:evaluate(valid).accuracy)
    assert(tostring(h):find "valid")
end)

test("targets have a valid cost and no share", function()
    local x = tensor.linspace(-1, 1, 20):reshape(20, 1)
    local set = data.set {x = x, y = x:sin()}
    local h = nn.net "1 - 3 tanh - 1 linear : mse":train(set, options {epochs = 2, valid = set})
    eq(#h.valid_cost, 2)
    eq(#h.valid, 0)
end)

test("what cannot be is refused", function()
    local net = fresh()
    local before = net:params():clone()
    local function refuses(o, message)
        fails(function() net:train(train, options(o)) end, message, true)
    end
    refuses({patience = 3}, "patience waits for a lower cost on valid")
    refuses({patience = 0, valid = valid}, "patience must be a whole number from 1, not 0")
    refuses({valid = 0.1}, "valid must be a data set, not 0.1")
    refuses({valid = data.set {x = tensor.zeros(4, 3), y = {1, 2, 3, 1}}}, "valid: ")
    assert(net:params():equal(before))
end)

spec.report()
