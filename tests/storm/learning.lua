-- What learns: steps; whole runs, which a program that resumes leaves in the middle and goes on with
-- from their file; and runs under glass with changes between their steps.

local nabla = require "nabla"
local changes = require "changes"
local networks = require "networks"
local printed = require "printed"
local nn, tensor, data = nabla.nn, nabla.tensor, nabla.data

-- ---- Options ----

local PENALTIES <const> = {
    function() return {} end,
    function() return {} end,
    function() return {} end,
    function() return {l2 = 0.1} end,
    function() return {l1 = 0.01} end,
    function() return {decay = 0.01} end,
    function() return {clip = 0.5} end,
    function() return {clip = {value = 0.05}} end,
    function(p) return {weights = tensor.rand(p.rows, {seed = p:random(99)})} end,
}

local function run_options(p)
    local o = p:pick(PENALTIES)(p)
    o.batch, o.seed, o.progress = p:pick {3, 5, 8, 64}, p:random(99), false
    if p:chance(0.25) then o.pieces = p:pick {2, 4, 8} end
    if p:chance(0.2) then o.accumulate = 2 end
    if p:chance(0.2) then o.shuffle = false end
    return o
end

local function with(o, more)
    local all = {}
    for key, value in pairs(o) do all[key] = value end
    for key, value in pairs(more) do all[key] = value end
    return all
end

-- ---- Runs ----

local EPOCHS <const>, HALF <const> = 4, 2

-- The same optimizer as often as it is asked for: one of its own for each half of a run.
local function fresh_optimizer(p)
    local state = p.state
    return function()
        p.state = state
        return networks.optimizer(p)
    end
end

-- In one go; where the program is one that resumes, in two, the second from the first's file.
local function history_of(p, o)
    local set, fresh = data.set {x = p.x, y = p.y}, fresh_optimizer(p)
    local function train(epochs, more)
        more.epochs, more.optimizer = epochs, fresh()
        return p.net:train(set, with(o, more))
    end
    if not p.resumes then return train(EPOCHS, {}) end
    return p:with_file(function(path)
        train(HALF, {checkpoint = path})
        if #p.waiting == 0 then p.net:params():zero_() end -- the file has them
        return train(EPOCHS, {resume = path})
    end)
end

-- Where it fails it leaves the same parameters, but a network that was resumed has no gradient yet:
-- the program goes on with another.
local function run(p, o)
    local ok, history = pcall(history_of, p, o)
    if ok then
        for _, cost in ipairs(history.cost) do p:say("epoch", printed.hash(cost)) end
        return
    end
    p:say("params", printed.hash(p.net:params()))
    p:begin()
    error(history, 0)
end

-- A change of what learns or acts while the run goes on, behind a batch of its first or last epoch.
local function changing(p)
    local layer = p:dense()
    local epoch, batch, kind = p:pick {1, EPOCHS}, p:random(2), p:random(4)
    local name, factor = p:pick {"tanh", "relu", "sigmoid"}, p:pick {0, 0.5}
    return function(info)
        if info.epoch ~= epoch or info.batch ~= batch then return end
        if kind == 1 then layer.frozen = true end
        if kind == 2 then layer.activation = name end
        if kind == 3 then layer.factor = factor end
        if kind == 4 then layer.mask = {b = tensor.zeros(layer.b:size(1))} end
    end
end

local learning = {
    step = function(p) p:say("cost", printed.hash(p.net:step(p.x, p.y, p.optimizer))) end,
    steps = function(p)
        for _ = 1, 3 do p:say("cost", printed.hash(p.net:step(p.x, p.y, p.optimizer))) end
    end,
    step_options = function(p)
        local o = p:pick(PENALTIES)(p)
        o.optimizer = p.optimizer
        p:say("cost", printed.hash(p.net:step(p.x, p.y, o)))
    end,
}

local runs = {
    train = function(p)
        local o = run_options(p)
        p:learn(function() run(p, o) end)
    end,
    train_changing = function(p)
        local o = run_options(p)
        run(p, with(o, {on_batch = changing(p)}))
    end,
}

-- ---- Under glass ----

-- What may stand between two steps.
local function changes_between()
    local list = {}
    for _, group in ipairs(changes) do
        if group.between then
            for name, f in pairs(group.ops) do list[#list + 1] = {name = name, f = f} end
        end
    end
    table.sort(list, function(a, b) return a.name < b.name end)
    return list
end

local BETWEEN <const> = changes_between()

local function back(p, t)
    if t.step_number > 0 then t:back(p:random(t.step_number)) end
end

-- Through some stops of a step, then to its end.
local function in_halves(p, t)
    for _ = 1, p:random(6) do
        local stop = t:step "layer"
        local ok, cost = pcall(function() return stop.cost end)
        p:say("stop", ok, ok and printed.hash(cost))
    end
    t:step()
end

local function change(p)
    local one = p:pick(BETWEEN)
    local ok, message = pcall(one.f, p)
    p:say("between", one.name, ok, not ok and message)
end

local WAYS <const> = {
    {name = "step", f = function(_, t) t:step() end},
    {name = "two steps", f = function(_, t) t:step(2) end},
    {name = "back", f = back},
    {name = "halves", f = in_halves},
    {name = "change", f = change},
    {name = "change", f = change},
}

local function walk(p)
    local t = p.net:trainer(data.set {x = p.x, y = p.y},
        with(run_options(p), {epochs = 3, optimizer = networks.optimizer(p)}))
    local w = networks.field(p.net[1], "w")
    if w and p:chance(0.5) then t:watch(w) end
    t:step()
    for _ = 1, 2 + p:random(5) do
        local way = p:pick(WAYS)
        way.f(p, t)
        p:say(way.name, "to step", t.step_number)
        p:say("params", printed.hash(p.net:params()))
        p:check_held()
    end
    if p:chance(0.5) then t:run() end
    p:say("params", printed.hash(p.net:params()))
end

return {
    {name = "steps", share = 2, ops = learning},
    {name = "runs", share = 2, ops = runs},
    {name = "glass", share = 2, ops = {walk = walk}},
}
