-- Networks trained by steps and by train, for trainer_spec.lua and trainer_edits_spec.lua.

local spec = require "spec"
local eq = spec.eq
local nn, data = spec.nabla.nn, spec.nabla.data

local runs = {}

local digits = data.digits()
runs.set, runs.valid = digits.train:take(80):split(0.75, 1)
runs.DENSE = "64 - 8 tanh - dropout 0.2 - batch_norm - 10 softmax : cross_entropy"

function runs.copy(o, more)
    local all = {}
    for k, v in pairs(o) do all[k] = v end
    for k, v in pairs(more or {}) do all[k] = v end
    return all
end

-- A network, always the same, and the options of its run.
local function made(text, o)
    local all = runs.copy(o, {seed = o.seed or 5, progress = false})
    all.dtype = nil
    if all.fresh then all.optimizer, all.fresh = all.fresh(), nil end
    return nn.net(text, {seed = 1, dtype = o.dtype}), all
end

-- It, its trainer and the options.
function runs.begin(text, of, o)
    local net, all = made(text, o)
    return net, net:trainer(of, all), all
end

function runs.train(text, of, o)
    local net, all = made(text, o)
    return net, net:train(of, all)
end

function runs.same_history(a, b)
    eq(a.epochs, b.epochs)
    eq(a.best or 0, b.best or 0)
    for _, name in ipairs {"cost", "valid_cost", "test_cost", "lr"} do eq(a[name], b[name]) end
    for name, list in pairs(a.metrics or {}) do eq(list, b.metrics[name]) end
end

-- A run by steps has the bits of train, whole, and after going back to any of several places.
function runs.same_as_train(text, of, o)
    local plain, h = runs.train(text, of, o)
    local net, t = runs.begin(text, of, o)
    t:step()
    local run = t:run()
    assert(net:params():equal(plain:params()), text)
    runs.same_history(run, h)
    runs.same_history(t.history, h)
    local last = t.step_number
    for _, step in ipairs {0, last // 3, last // 2, last - 1} do
        t:seek(step)
        eq(t.step_number, step)
        t:seek(last)
        assert(net:params():equal(plain:params()), text .. " from " .. step)
        runs.same_history(t.history, h)
    end
    t:back(last)
    t:run()
    assert(net:params():equal(plain:params()), text)
    runs.same_history(t.history, h)
    eq(t.record.edits, h.best and 1 or 0)
end

return runs
