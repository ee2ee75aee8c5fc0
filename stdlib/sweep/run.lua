-- One run of a sweep: in a copy of the process, which answers with a string; and once more here,
-- where its network is wanted and was not kept.

local _, nabla = ...
local given = require "nabla.plot.given"
local grid = require "nabla.sweep.grid"

local math, string = math, string
local ipairs, pairs, pcall, setmetatable, type =
    ipairs, pairs, pcall, setmetatable, type

local run = {}

run.KEPT = 2 ^ 26 -- bytes of a network's numbers; those of larger ones are not sent

-- What is no option of train.
local NO_OPTION <const> = {net = true, set = true}
-- With these a run may do to its network whatever a function can: its numbers do not say all.
local HOOKS <const> = {"on_epoch", "on_batch"}

-- ---- What a run begins with ----

-- A scale of its own stays the network's, as it does in train.
local function draw_anew(net, seed)
    local scale = net.scale
    net:reset(seed)
    if scale then net.scale = scale end
end

local function with_seed(form, seed)
    local out = {}
    for key, value in pairs(form) do out[key] = value end
    if out.seed == nil then out.seed = seed end
    return out
end

-- The network that a run begins with, of whatever `net` gives.
local function build(plan, net, seed)
    local kind = given.kind(net)
    if kind == "network" then
        local own = net:clone()
        if plan.reset then draw_anew(own, seed) end
        return own
    elseif kind == "string" then
        return nabla.nn.net(net, {seed = seed})
    elseif kind == "table" then
        return nabla.nn.net(with_seed(net, seed))
    end
    return nil, "net must give notation or a network, not " .. given.describe(net)
end

-- What stands for a function of the point: it is called with a copy.
local function of_point(value, point)
    if type(value) ~= "function" then return value end
    local own = {}
    for key, each in pairs(point) do own[key] = each end
    return value(own)
end

-- The network, set and options of train of a point, with chance as it is at such a run's beginning.
local function begin(plan, i)
    local point = grid.point(plan, i)
    local o, own = {}, {}
    for _, column in ipairs(plan.columns) do own[column.name] = column.own end
    nabla._chance(point.seed or plan.seed, point.seed and 0 or plan.draws)
    local net, message = build(plan, of_point(point.net, point), point.seed)
    if not net then return nil, message end
    local set = of_point(point.set, point)
    if given.kind(set) ~= "data set" then
        return nil, "set must give a data set, not " .. given.describe(set)
    end
    for name, value in pairs(point) do
        if not NO_OPTION[name] and not own[name] then o[name] = value end
    end
    o.valid, o.test = of_point(o.valid, point), of_point(o.test, point)
    return net, set, o
end

-- ---- Its end ----

-- An error in the user's words: where it was raised within the library says nothing.
local function words_of(message)
    if type(message) ~= "string" then return "the error is " .. given.describe(message) end
    return (message:gsub("^stdlib/[^:]*:%d+: ", ""):gsub("^net:train: ", ""))
end

-- What is wrong with a run's seed, which is used before train sees it, or nil.
local function wrong_seed(plan, i)
    local seed = grid.point(plan, i).seed
    local whole = type(seed) == "number" and math.tointeger(seed)
    if seed == nil or whole and whole >= 0 then return nil end
    return "seed must be a whole number from 0, not " .. given.describe(seed)
end

local function train(plan, i)
    local wrong = wrong_seed(plan, i)
    if wrong then return false, wrong end
    local started, net, set, o = pcall(begin, plan, i)
    if not started or not net then return false, words_of(started and set or net) end
    o.progress = false
    local form = net:notation()
    local learned, message = pcall(net.train, net, set, o)
    return learned, not learned and words_of(message) or nil, net, o, form
end

local SCANT <const> = "not enough memory"

-- What is sent: whether it learned, the message, its history, the notation of the network that it
-- began with, and its numbers; empty where there are none.
local FORM <const> = "Bs8s8s8s8"

-- The answer of run i, in its copy; nil where memory ended that others have.
function run.answer(plan, i, alone)
    local learned, message, net, o, form = train(plan, i)
    if message and not alone and message:find(SCANT, 1, true) then return nil end
    local history, numbers = "", ""
    if net and net.history then
        local hooked = false
        for _, name in ipairs(HOOKS) do hooked = hooked or o[name] ~= nil end
        local small = net:count() * (net:params().dtype == "f64" and 8 or 4) <= run.KEPT
        history, numbers = nabla._learned(net, learned and small and not hooked)
    end
    return string.pack(FORM, learned and 1 or 0, message or "", history, form or "", numbers or "")
end

-- {error =, history =, form =, numbers =}: strings or nil.
function run.read(answer)
    local function some(text) return text ~= "" and text or nil end
    local learned, message, history, form, numbers = string.unpack(FORM, answer)
    return {error = learned == 0 and message or nil, history = some(history), form = some(form),
        numbers = some(numbers)}
end

-- ---- Here ----

-- Puts chance back to where it was when it goes out of scope.
local function keep_chance()
    local seed, draws = nabla._chance()
    return setmetatable({}, {__close = function() nabla._chance(seed, draws) end})
end

-- As `begin`, where that comes to the network that the run's copy had: functions of the point are
-- called once more. Else nil and a message.
local function begin_again(plan, i, sent)
    local net, set, o = begin(plan, i)
    local form = net and net:notation()
    if form == sent.form then return net, set, o end
    return nil, ("run %d had the network %s, and net = function(p), called once more, gives %s; " ..
        "it has to give the same each time, which math.random does not (tensor.randint does)")
        :format(i, sent.form, form or "none")
end

-- The network of run i, from what its copy sent; or nil and a message.
function run.restore(plan, i, sent)
    local chance <close> = keep_chance()
    local net, set = begin_again(plan, i, sent)
    if not net then return nil, set end
    return nabla._learn_again(net, set, sent.history, sent.numbers)
end

-- Likewise, trained again where its copy sent none.
function run.network(plan, i, sent)
    if sent.numbers then return run.restore(plan, i, sent) end
    if plan.progress then
        nabla._say(("run %d is trained again, for its network was not kept"):format(i))
    end
    local chance <close> = keep_chance()
    local net, set, o = begin_again(plan, i, sent)
    if not net then return nil, set end
    o.progress = plan.progress
    nabla._alone(net.train, net, set, o)
    return net
end

return run
