-- What an experiment may take: a number of runs, which says the same anywhere, or seconds that the
-- user waits, by which runs are made shorter where they must be.

local _, nabla = ...

local experiment = require "nabla.diagnose.experiment"

local math, table = math, table
local ipairs = ipairs

local budget = {}

local SCREEN <const>, CONFIRM <const> = experiment.SCREEN, experiment.CONFIRM

-- ---- Runs ----

-- Runs that it takes to try `cures` and to confirm `confirmed` of them.
local function runs_for(cures, confirmed)
    return SCREEN * (1 + cures) + CONFIRM * (1 + confirmed)
end

-- The fewest of which something comes.
budget.FEWEST = runs_for(1, 1)

local NOT_REACHED <const> = "the budget does not reach to try it"

-- The first `count` of the causes; the others are told why not.
local function first_of(causes, count)
    for i = count + 1, #causes do causes[i].why = NOT_REACHED end
    return table.move(causes, 1, count, 1, {})
end

function budget.runs(count)
    local purse, left = {}, count
    function purse.choose(causes)
        local cures = #causes
        while cures > 0 and runs_for(cures, 1) > count do cures = cures - 1 end
        if cures > 0 then left = count - SCREEN * (1 + cures) end
        return first_of(causes, cures)
    end
    function purse.cost() end
    function purse.confirms(places)
        local most = math.max(0, left // CONFIRM - 1)
        return table.move(places, 1, math.min(most, #places), 1, {})
    end
    function purse.planned(cures)
        return runs_for(cures, math.min(cures, 1))
    end
    return purse
end

-- ---- Seconds ----

local MEASURE <const> = 0.12    -- of the time that is left, at most, to see what a run takes
local SAFE <const> = 0.9        -- of it is planned with
local SLOWER <const> = 1.2      -- runs with a cure may take so much longer than their price
local SCREENING <const> = 0.6   -- of the time that is left, at most, for the first look
local HOPED <const> = 2         -- cures that there should be time to confirm
local DEAR <const> = 8          -- times a run as it is: only where nothing need be made shorter
local SHORTEST <const> = 1 / 20 -- of a run; then rather fewer cures
local USELESS <const> = 1 / 200
local EXAMPLES <const> = 200    -- that a reduced set has at least

-- How the part `share` of a run is made: of examples first, for then a pass over the set stays one,
-- then of epochs; 1, 1 for a whole one.
function budget.shares(course, share)
    local least = math.min(1, EXAMPLES / course.examples)
    local of_set = math.min(1, math.max(share, least))
    return of_set, math.min(1, share / of_set)
end

-- What these causes take altogether, in runs as it is; their price is how many such runs one of
-- theirs takes.
local function price_of(causes)
    local screening, dearest = 0, {}
    for i, cause in ipairs(causes) do
        screening = screening + cause.price
        dearest[i] = cause.price
    end
    table.sort(dearest, function(a, b) return a > b end)
    local confirming = 0
    for i = 1, math.min(HOPED, #dearest) do confirming = confirming + dearest[i] end
    return SCREEN * (1 + SLOWER * screening) + CONFIRM * (1 + SLOWER * confirming)
end

-- Takes the dearest out of a list, the last of those that are equal.
local function drop_dearest(causes)
    local at = 1
    for i, cause in ipairs(causes) do at = cause.price >= causes[at].price and i or at end
    table.remove(causes, at).why = NOT_REACHED
end

local function dearest_price(causes)
    local most = 0
    for _, cause in ipairs(causes) do most = math.max(most, cause.price) end
    return most
end

-- course: as arm.run takes it, with examples = how many it learns from. run(tasks, deadline) makes
-- runs. deadline: on nabla._clock. processes: runs at a time. measure(within) comes before all
-- else.
function budget.seconds(course, run, deadline, processes)
    local purse, cost = {}, {}
    local function left()
        return math.max(0, deadline - nabla._clock())
    end
    -- purse.run: seconds of a whole run, of as many at a time as there will be; purse.full: its
    -- quality, where there was time to end it.
    function purse.measure(within)
        local tasks, seconds, share, sum = {}, 0, 0, 0
        for k = 1, math.min(processes, SCREEN) do tasks[k] = {place = 0, seed = k} end
        for _, result in ipairs(run(tasks, nabla._clock() + MEASURE * within)) do
            seconds, share = seconds + result.seconds, share + result.share
            sum = result.quality and sum and sum + result.quality
        end
        purse.run = share > 0 and seconds / share or math.huge
        purse.full = sum and sum / #tasks
    end
    local function share_for(causes)
        return SAFE * left() * processes / (price_of(causes) * purse.run)
    end
    -- What a run loses by being made shorter a cure may give back, the more where it only makes the
    -- run longer or its steps larger: so cures are held against the whole run too. That there is
    -- nothing to learn is told only of whole runs: in short ones nothing is learned of anything.
    local function hold_against_whole(causes)
        local bounded = course.bounded
        local shorter = course.set_share < 1 or course.epochs_share < 1
        if not shorter and not bounded then return causes end
        local out = {}
        for _, cause in ipairs(causes) do
            cause.beat = purse.full
            if (cause.longer or cause.null) and (bounded or not purse.full) then
                cause.why = cause.null and "runs made shorter do not tell" or
                    "in runs made shorter it would help in any case"
            else
                out[#out + 1] = cause
            end
        end
        return out
    end
    function purse.choose(causes)
        if #causes == 0 or left() == 0 then return first_of(causes, 0) end
        local some = table.move(causes, 1, #causes, 1, {})
        while #some > 1 and share_for(some) < 1 and dearest_price(some) > DEAR do
            drop_dearest(some)
        end
        while #some > 1 and share_for(some) < SHORTEST do drop_dearest(some) end
        local share = share_for(some)
        if not (share >= USELESS) then return first_of(causes, 0) end
        course.set_share, course.epochs_share = budget.shares(course, math.min(1, share))
        purse.deadline = nabla._clock() + SCREENING * left()
        return hold_against_whole(some)
    end
    function purse.cost(place, seconds)
        cost[place] = seconds
    end
    function purse.confirms(places)
        local seconds, fit = cost[0], {}
        for _, place in ipairs(places) do
            if (seconds + cost[place]) * CONFIRM / processes <= SAFE * left() then
                seconds = seconds + cost[place]
                fit[#fit + 1] = place
            end
        end
        purse.deadline = deadline
        return fit
    end
    return purse
end

return budget
