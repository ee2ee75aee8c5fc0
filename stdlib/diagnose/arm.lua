-- One run of an experiment: copies, the cure's text, training, the quality that comes of it.

local _, nabla = ...
local given = require "nabla.plot.given"
local part = require "nabla.diagnose.part"
local quality = require "nabla.diagnose.quality"

local math = math
local _ENV, ipairs, load, pairs, pcall, setmetatable, tostring =
    _ENV, ipairs, load, pairs, pcall, setmetatable, tostring

local arm = {}

-- Of options: what writes files, calls the user's functions that only look on, or measures for him.
local QUIET <const> = {"checkpoint", "every", "resume", "on_epoch", "on_batch", "metrics", "test",
    "flow", "progress"}

-- ---- Copies ----

-- A fresh optimizer with the same options, for the user's keeps its state.
function arm.optimizer_like(own)
    local options = {}
    for _, page in ipairs(nabla._book) do
        if page.name == "nn." .. own.name then
            for _, option in ipairs(page.options) do options[option.name] = own[option.name] end
        end
    end
    return nabla.nn[own.name](options)
end

-- Options of train as a run that nobody sees takes them.
function arm.options(o)
    local out = {}
    for key, value in pairs(o) do out[key] = value end
    for _, name in ipairs(QUIET) do out[name] = nil end
    if given.kind(out.optimizer) == "optimizer" then
        out.optimizer = arm.optimizer_like(out.optimizer)
    end
    return out
end

-- ---- Cures ----

-- What a cure's text sees: the modules, and Lua's own functions as they were at the start.
local KNOWN <const> = setmetatable({nabla = nabla, nn = nabla.nn, data = nabla.data,
    tensor = nabla.tensor}, {__index = _ENV})

-- Runs a cure's text on net, set and o; gives them as it leaves them, or nil and a message.
function arm.cure(text, net, set, o)
    local env = setmetatable({net = net, set = set, o = o}, {__index = KNOWN})
    local chunk, message = load(text, "=cure", "t", env)
    if not chunk then return nil, message end
    local ran, said = pcall(chunk)
    if not ran then return nil, tostring(said) end
    return env
end

-- ---- The run ----

-- How far a run has come, from what callbacks are told.
local function share_of(info)
    return (info.epoch - 1 + (info.batch or 0) / info.batches) / info.epochs
end

-- Ends the run when the clock says so.
local function limit(o, deadline, outcome)
    if not deadline then return end
    function o.on_batch(info)
        if nabla._clock() < deadline then return end
        outcome.share = share_of(info)
        return false
    end
end

-- Makes the epochs fewer by a share of them.
function arm.shorten(o, epochs, share)
    if share < 1 then o.epochs = math.max(1, math.floor((o.epochs or epochs) * share + 0.5)) end
end

-- A scale of its own stays the network's, as it does in train.
local function draw_anew(net, seed)
    local scale = net.scale
    net:reset(seed)
    if scale then net.scale = scale end
end

-- A fresh copy of everything, as the run of this seed begins.
local function begin(course, seed)
    local set, test, o = part.draw(course.part, seed)
    if course.set_share < 1 then set, o = part.reduce(set, o, course.set_share, seed) end
    local net = course.net:clone()
    nabla._chance(seed, 0)
    if course.anew then draw_anew(net, seed) end
    return net, set, arm.options(o), test
end

-- A run with a cure's text, or nil for none: {quality =, seconds =, share = of it that was done,
-- message = why training stopped}. A course is {net =, part =, judged =, anew =, set_share =,
-- epochs_share =, epochs =}.
function arm.run(course, text, seed, deadline)
    local began = nabla._clock()
    local net, set, o, test = begin(course, seed)
    local outcome, before = {share = 1}, set
    if text then
        local cured, message = arm.cure(text, net, set, o)
        if not cured then return {quality = course.judged.worst, message = message, share = 1,
            seconds = 0} end
        net, set, o = cured.net, cured.set, arm.options(cured.o)
    end
    o.seed, o.progress = seed, false
    arm.shorten(o, course.epochs, course.epochs_share)
    limit(o, deadline, outcome)
    local learned, message = pcall(net.train, net, set, o)
    if learned then
        outcome.quality = quality.judge(course.judged, net, test, quality.back(before, set))
    else
        outcome.quality, outcome.message = course.judged.worst, tostring(message)
        outcome.refused = net.history == nil
    end
    outcome.seconds = nabla._clock() - began
    return outcome
end

return arm
