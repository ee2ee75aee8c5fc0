-- What is asked of a run while it goes: what is watched, and what stops it. The state of a
-- trainer's questions, {watches, stops, next, only, sought, stopped, remarks, cost}, is kept by its
-- handle: `next` and `only` are the condition of the next run_until and of the one under way,
-- `sought` that of a bisection, `cost` the watch on what the steps cost.

local condition = require "nabla.trainer.condition"
local grouped = require("nabla.plot.given").grouped
local sample = require "nabla.trainer.sample"
local screen = require "nabla.plot.screen"
local watch = require "nabla.trainer.watch"

local _, nabla = ...

local table = table
local ipairs, pcall, rawequal, setmetatable, tostring =
    ipairs, pcall, rawequal, setmetatable, tostring

sample.learned_set = nabla._learned_set

local questions = {}

local LONGEST <const> = 200 -- columns of what a function says

function questions.new()
    return {watches = {}, stops = {}, remarks = {}}
end

-- ---- After every step ----

-- Takes away what `is` says yes to; false: nothing was.
local function take_away(list, is)
    local before = #list
    for i = before, 1, -1 do
        if is(list[i]) then table.remove(list, i) end
    end
    return #list < before
end

local function drop_gone(q, w, message)
    take_away(q.watches, function(other) return other == w end)
    q.remarks[#q.remarks + 1] = message
end

-- The list may grow shorter meanwhile: a function that is watched may take watches away.
local function look(q, t)
    for _, w in ipairs {table.unpack(q.watches)} do
        local fine, message = watch.look(w, t.step_number)
        if not fine then drop_gone(q, w, message) end
    end
end

local STOPPED <const> = {__name = "nabla.stop", __tostring = function(s)
    return ("stopped after step %s: %s: %s"):format(grouped(s.step), s.what, s.where)
end, __index = nabla._fields("stop", "t.stopped", nil, {"layer", "neuron"})}

-- What a function says may be anything.
local function stop(q, t, c, where, place)
    if c.given then where = screen.fit(screen.clean(where), LONGEST) end
    q.stopped = setmetatable({what = c.text, where = where, step = t.step_number,
        epoch = t.epoch_number, batch = t.batch_number, layer = place and place.layer,
        neuron = place and place.neuron}, STOPPED)
end

-- All are asked, so that each knows what it has told; the first one is said.
local function ask(q, t)
    local found, said, at = nil, nil, nil
    for _, list in ipairs {{q.only}, q.stops} do
        for _, c in ipairs {table.unpack(list)} do -- which they may change
            local where, place = c.holds(t)
            if where and not found then found, said, at = c, where, place end
        end
    end
    return found, said, at
end

-- Records what is watched, and the cost beside it; false where something stops the run.
function questions.after(q, t)
    look(q, t)
    if #q.watches > 0 then
        q.cost = q.cost or watch.cost(t)
        watch.look(q.cost, t.step_number)
    end
    local found, said, place = ask(q, t)
    if found then stop(q, t, found, said, place) end
    return not found
end

-- Of a step that could not be made, with why: false where that stops the run and is no error.
function questions.failed(q, t, message)
    for _, list in ipairs {{q.only}, q.stops} do
        for _, c in ipairs(list) do
            if c.fails then
                stop(q, t, c, message)
                return false
            end
        end
    end
    return true
end

-- Before a run: what stopped the last one is over, and what is waited for once begins.
function questions.begin(q)
    q.stopped, q.only, q.next, q.remarks = nil, q.next, nil, {}
end

-- Whether anything is asked after steps.
function questions.any(q)
    return #q.watches + #q.stops > 0 or q.only ~= nil or q.next ~= nil
end

-- ---- Lists ----

-- One line each; the list at the prompt.
local function list_of(entries, none, whose)
    return setmetatable(table.move(entries, 1, #entries, 1, {}), {__tostring = function(list)
        local lines = {}
        for i = 1, #list do lines[i] = tostring(list[i]) end
        return #lines > 0 and table.concat(lines, "\n") or none
    end, __index = nabla._fields("list", whose)})
end

-- Takes away what was given as `what`, or is called so; gives what is left.
local function drop(list, what, name, none)
    local taken = take_away(list, function(entry)
        return rawequal(entry, what) or entry.given == what or entry.text == name
    end)
    if taken then return list end
    if #list == 0 then return nil, "there is no such one: " .. none end
    local names = {}
    for i, entry in ipairs(list) do names[i] = "'" .. entry.text .. "'" end
    return nil, "there is no such one; there are " .. table.concat(names, ", ")
end

-- ---- Methods ----

local NOTHING <const> = {watches = "nothing is watched", stops = "nothing stops it"}
local WHOSE <const> = {watches = "what t:watch() gives", stops = "what t:stop_when() gives"}

-- What there is of either kind, or is left.
local function all(q, kind)
    return list_of(q[kind], NOTHING[kind], WHOSE[kind])
end

local function without(q, kind, what, name)
    local left, message = drop(q[kind], what, name, NOTHING[kind])
    if not left then return nil, message end
    return all(q, kind)
end

-- Each gets the state and the trainer and what stands behind the colon. nil and a message is an
-- error, which the binding raises at the user's line.

function questions.watch(q, t, what, name)
    if what == false then q.watches = {} end
    if not what then return all(q, "watches") end
    if name == false then return without(q, "watches", what, watch.name_of(t, what)) end
    local w, message = watch.new(t, what, name)
    if not w then return nil, message end
    watch.look(w, t.step_number)
    q.watches[#q.watches + 1] = w
    return w
end

function questions.stop_when(q, t, what, rest)
    if what == false then q.stops = {} end
    if not what then return all(q, "stops") end
    if rest == false then return without(q, "stops", what, what) end
    local c, message = condition.read(what, t)
    if not c then return nil, message end
    q.stops[#q.stops + 1] = c
    return c
end

-- What the next run waits for.
function questions.wait_for(q, t, what)
    local c, message = condition.read(what, t)
    if not c then return nil, message end
    q.next = c
    return true
end

-- What a bisection asks …
function questions.seek_for(q, t, what)
    local c, message = condition.read(what, t, true)
    if not c then return nil, message end
    if c.fails then
        return nil, "'nan' is a step that was not made, so the run has no place where it holds"
    end
    q.sought = c
    return true
end

-- … false where it holds.
function questions.not_yet(q, t)
    return not q.sought.holds(t)
end

-- ---- Lines ----

-- What the trainer's own text says of its questions: what stopped it, what is watched as it is now,
-- what is watched no more.
function questions.lines(q, t)
    local lines = {}
    if q.stopped then
        lines[1] = tostring(q.stopped)
    end
    for _, w in ipairs {table.unpack(q.watches)} do
        local ran, fine, message = pcall(watch.show, w, t.step_number)
        if ran and not fine then drop_gone(q, w, message) end
    end
    table.move(watch.lines(q.watches), 1, #q.watches, #lines + 1, lines)
    table.move(q.remarks, 1, #q.remarks, #lines + 1, lines)
    return table.concat(lines, "\n")
end

-- ---- Pictures ----

-- The cost by step: of every one where something was watched, else of whole epochs of so many.
local function costs(q, t, steps)
    if q.cost and #q.cost.steps > 0 then return watch.series(q.cost) end
    local x, y = {}, t.history.cost
    for epoch = 1, #y do x[epoch] = epoch * steps end
    return {{x = x, y = y, label = "cost"}}
end

-- Panels for plot(t): the cost, and one for each watch.
function questions.panels(q, t, steps)
    local all, panels = {costs(q, t, steps)}, {}
    for _, w in ipairs(q.watches) do all[#all + 1] = watch.series(w) end
    for _, series in ipairs(all) do
        if #series > 0 and #series[1].x > 0 then panels[#panels + 1] = {series = series} end
    end
    return panels
end

return questions
