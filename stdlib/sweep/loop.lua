-- The loop of a sweep: its runs begin, and as they end they become rows of the table.

local _, nabla = ...
local given = require "nabla.plot.given"
local print_table = require "nabla.sweep.print"
local run = require "nabla.sweep.run"
local runs = require "nabla.sweep.runs"

local math, table = math, table
local error, ipairs, pcall, type = error, ipairs, pcall, type

local WHAT <const> = "runs"

-- A line of its own, where progress is shown.
local function say(plan, text)
    if plan.progress and text then nabla._say(text) end
end

-- How many runs go on at once.
local function abreast(plan)
    local ranks = nabla.ranks()
    local many = math.min(plan.count, nabla.threads() * ranks)
    local over = ranks > 1 and (" on %d processes"):format(ranks) or ""
    return (many > 1 and (" · %d at once"):format(many) or "") .. over
end

local function best_of(sweep)
    local best = runs.first(sweep)
    if not best then return "none succeeded" end
    return ("best: run %d, %s"):format(best.run, print_table.figure(sweep, best))
end

local function summary(sweep, plan, seconds)
    if plan.count == 1 then return nil end
    return ("%s runs in %.3g s · %s"):format(given.grouped(#sweep), seconds, best_of(sweep))
end

-- What f(…) gives; an error is one of the line that called nn.sweep, which has left no level.
local function call(f, ...)
    local results = table.pack(pcall(f, ...))
    if results[1] then return table.unpack(results, 2, results.n) end
    local message = results[2]
    if type(message) ~= "string" or message:find "interrupted$" then error(message, 0) end
    error("nn.sweep: " .. message:gsub("^stdlib/[^:]*:%d+: ", ""):gsub("^_[%a_]+: ", ""), 3)
end

-- The table of a plan's runs. An error of another process, or that there can be none, is raised.
return function(plan)
    local began = nabla._clock()
    local sweep = runs.new(plan)
    local rows <const> = print_table.live(plan)
    say(plan, plan.words .. abreast(plan))
    nabla._under_way(sweep)
    local fleet <close> = call(nabla._fleet, plan.count, function(i, alone)
        return run.answer(plan, i, alone)
    end, print_table.words(plan), plan.progress and WHAT or nil)
    local function following() return call(nabla._next_answer, fleet) end
    for i, answer, message in following do
        local row = runs.add(sweep, i, answer and run.read(answer) or {error = message})
        for _, line in ipairs(rows(row)) do say(plan, line) end
    end
    nabla._under_way(nil)
    runs.finish(sweep)
    say(plan, summary(sweep, plan, nabla._clock() - began))
    return sweep
end
