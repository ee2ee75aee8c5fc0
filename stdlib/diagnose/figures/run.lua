-- What the run does that the options describe, on a copy: its first steps one by one, then the
-- whole of it, cost by epoch.

local math = math
local ipairs, pairs, pcall, tostring, type = ipairs, pairs, pcall, tostring, type

local run = {}

local FIRST <const> = 10 -- steps that are looked at one by one
local COSTS <const> = 400 -- steps whose costs are kept where there is but an epoch or two

-- The weights of every layer that has some, as they are now.
local function weights(own, net)
    local out = {}
    for _, one in ipairs(own.layers) do
        local layer = net
        for _, k in ipairs(one.at) do layer = layer[k] end
        local has, w = pcall(function() return layer.w end)
        if not one.block and has and w then out[one.path] = w:to "f64":clone() end
    end
    return out
end

local function size(x)
    return math.sqrt((x * x):sum():item())
end

-- ‖Δw‖/‖w‖ of one step, by layer.
local function add_moves(sums, before, after)
    for path, w in pairs(after) do
        local norm = size(before[path])
        local moved = size(w - before[path])
        sums[path] = sums[path] or {total = 0, steps = 0}
        -- Out of zeros any step is without measure.
        if norm > 0 or moved == 0 then
            sums[path].total = sums[path].total + (norm > 0 and moved / norm or 0)
            sums[path].steps = sums[path].steps + 1
        end
    end
end

-- The first steps: costs, and by layer what a step moves relative to the weights.
function run.first(case)
    local net, own = case.copy(), case.own
    local out = {costs = {}, moves = {}}
    local before = weights(own, net)
    local o = case.options()
    o.on_batch = function(info)
        out.costs[#out.costs + 1] = info.cost
        out.lr = out.lr or info.lr
        local after = weights(own, info.net)
        add_moves(out.moves, before, after)
        before = after
        if #out.costs >= FIRST then return false end
    end
    o.epochs = math.min(type(o.epochs) == "number" and o.epochs or FIRST, FIRST)
    local trained, message = pcall(net.train, net, case.set, o)
    if not trained then out.failed = message end
    out.net = net
    return out
end

-- Lists of the history by epoch, as far as they are numbers.
local function numbers(list, n)
    local out = {}
    for i = 1, n do
        local value = list and list[i]
        if type(value) ~= "number" then break end
        out[i] = value
    end
    return out
end

-- The error without the place in our own files.
local function message_of(err)
    return (tostring(err):gsub("^[^%s:]+:%d+: ", ""):gsub("^net:train: ", ""):gsub("\n.*", ""))
end

-- The whole run.
function run.whole(case)
    local net = case.copy()
    local out = {net = net, batches = {}}
    local o = case.options()
    if case.held and #case.held > 0 and o.test == nil then o.test = case.held end
    local every = type(o.epochs) == "number" and o.epochs <= 3
    if every then
        o.on_batch = function(info)
            if #out.batches < COSTS then out.batches[#out.batches + 1] = info.cost end
        end
    end
    local trained, history = pcall(net.train, net, case.set, o)
    if not trained then
        out.failed, history = message_of(history), net.history
        out.begun = out.failed:find "^epoch %d" ~= nil -- it is no option or set that is refused
    end
    if history then
        out.epochs = history.epochs
        out.cost = numbers(history.cost, history.epochs)
        out.test_cost = numbers(history.test_cost, history.epochs)
        out.lr = numbers(history.lr, history.epochs)
        out.history = history
    else
        out.epochs, out.cost, out.test_cost, out.lr = 0, {}, {}, {}
    end
    return out
end

return run
