-- Causes as an experiment: the run as it is beside runs with a cure, on the same seeds. A few seeds
-- say which cures are worth more; fresh ones confirm them or do not. What a run is, and what it
-- costs, is the caller's: `run` makes runs, `purse` says how many are left.

local permutation = require "nabla.diagnose.permutation"

local math, table = math, table
local ipairs, pairs = ipairs, pairs

local experiment = {}

experiment.SCREEN = 3   -- seeds of the first look at a cure
experiment.CONFIRM = 8  -- fresh ones of the second
experiment.GAIN = 0.05  -- of quality, the least that counts
experiment.LEVEL = 0.01 -- of the permutation test, divided by the cures that were tried

-- Of a gain on a few seeds, what is worth the many: half of what must come out, for those few may
-- have been the lesser ones.
local PROMISE <const> = experiment.GAIN / 2

local mean, spread = permutation.mean, permutation.spread

-- ---- Runs ----

-- Tasks {place = 0, seed =} for the run as it is, {place =, cause =, seed =} for each of the
-- causes, of seeds first + 1 … first + count. Cheap ones come first, to be whole where time ends.
local function tasks_of(causes, first, count)
    local tasks, sorted = {}, table.move(causes, 1, #causes, 1, {})
    table.sort(sorted, function(a, b)
        local one, other = a.price or 1, b.price or 1
        return one < other or one == other and a.place < b.place
    end)
    for k = 1, count do tasks[k] = {place = 0, seed = first + k} end
    for _, cause in ipairs(sorted) do
        for k = 1, count do
            tasks[#tasks + 1] = {place = cause.place, cause = cause, seed = first + k}
        end
    end
    return tasks
end

-- The qualities and mean seconds by place; whole: all its runs were done.
local function gather(tasks, results)
    local by = {}
    for i, task in ipairs(tasks) do
        local own = by[task.place] or {quality = {}, seconds = 0, whole = true}
        local result = results[i]
        by[task.place] = own
        own.whole = own.whole and result.quality ~= nil
        own.quality[#own.quality + 1] = result.quality
        own.seconds = own.seconds + result.seconds
    end
    for _, own in pairs(by) do own.seconds = own.seconds / math.max(1, #own.quality) end
    return by
end

-- What the runs of a cure say beside those as it is.
local function compare(cured, base)
    local gains = {}
    for k, value in ipairs(cured.quality) do gains[k] = value - base.quality[k] end
    return {gain = mean(cured.quality) - mean(base.quality), spread = spread(gains),
        cured = mean(cured.quality), base = mean(base.quality)}
end

local function note(cause, found)
    for name, value in pairs(found) do cause[name] = value end
end

-- ---- Order ----

-- Takes out of a list of causes, which is in the kinds' order, the one that comes first: of those
-- whose gain is within one spread of the best, the first.
local function take_first(list)
    local best = list[1]
    for _, cause in ipairs(list) do best = cause.gain > best.gain and cause or best end
    for i, cause in ipairs(list) do
        if cause.gain >= best.gain - best.spread then return table.remove(list, i) end
    end
end

-- All of them in that order.
function experiment.order(list)
    local rest, out = table.move(list, 1, #list, 1, {}), {}
    while #rest > 0 do out[#out + 1] = take_first(rest) end
    return out
end

-- ---- Screening ----

-- Whether a cure's few runs promise something, or those of what makes the data worthless do not
-- lose anything.
local function promises(cause)
    if cause.null then return -cause.gain < experiment.GAIN end
    return cause.gain >= PROMISE
end

-- Tries causes on few seeds; gives those worth more in the order of experiment.order, nulls last.
local function screen(causes, run, purse)
    local tasks = tasks_of(causes, 0, experiment.SCREEN)
    local by = gather(tasks, run(tasks))
    local hopeful, nulls = {}, {}
    purse.cost(0, by[0].seconds)
    for i, cause in ipairs(causes) do
        purse.cost(i, by[i].seconds)
        if not by[i].whole or not by[0].whole then
            cause.why = "its runs did not end within the budget"
        else
            note(cause, compare(by[i], by[0]))
            local list = cause.null and nulls or hopeful
            if promises(cause) then list[#list + 1] = cause
            else cause.why = ("%+.2f on %d seeds"):format(cause.gain, experiment.SCREEN) end
        end
    end
    hopeful = experiment.order(hopeful)
    return table.move(nulls, 1, #nulls, #hopeful + 1, hopeful)
end

-- ---- Confirming ----

-- Says in cause.why what a cure lacks, and in cause.confirmed whether it lacks nothing.
local function judge_cure(cause, base, level, above)
    local gain = math.min(cause.gain, cause.beat and cause.cured - cause.beat or math.huge)
    local short = gain < experiment.GAIN
    local by_chance = not (cause.p < level)
    local no_better = not (cause.cured >= above)
    cause.confirmed = not short and not by_chance and not no_better
    cause.why = short and ("%+.2f on %d seeds%s"):format(gain, experiment.CONFIRM,
            gain < cause.gain and " beside whole runs" or "") or
        by_chance and ("%+.2f, which chance may make too: p = %.2g"):format(cause.gain, cause.p) or
        no_better and ("%+.2f, but no better than chance"):format(cause.gain) or nil
end

-- What takes all meaning from the data must make it worse; where it does not, there was none.
local function judge_null(cause, above)
    local loss = -cause.gain
    local learns = cause.beat and cause.beat >= above
    cause.confirmed = loss < experiment.GAIN and cause.base < above and not learns
    cause.why = not cause.confirmed and (learns and "a whole run learns more than chance" or
        ("it learns %.2f more than from such data"):format(loss)) or nil
    cause.gain, cause.spread = nil, nil
end

local function confirm(chosen, tried, run, above)
    local tasks = tasks_of(chosen, experiment.SCREEN, experiment.CONFIRM)
    local by = gather(tasks, run(tasks))
    for _, cause in ipairs(chosen) do
        local own = by[cause.place]
        if own.whole and by[0].whole then
            note(cause, compare(own, by[0]))
            cause.p = permutation.p(own.quality, by[0].quality)
            if cause.null then judge_null(cause, above)
            else judge_cure(cause, by[0], experiment.LEVEL / tried, above) end
        else
            cause.why = ("%+.2f on %d seeds; the budget ended before more"):format(cause.gain,
                experiment.SCREEN)
        end
    end
    return by[0]
end

-- ---- All of it ----

-- A null stands only where no cure helps.
local function drop_nulls(causes)
    local cured = false
    for _, cause in ipairs(causes) do cured = cured or cause.confirmed and not cause.null end
    for _, cause in ipairs(causes) do
        if cured and cause.null and cause.confirmed then
            cause.confirmed, cause.why = nil, "a cure helps"
        end
    end
end

-- Confirmed causes in the order in which they are told, and the others.
local function divide(causes)
    local confirmed, noticed = {}, {}
    drop_nulls(causes)
    for _, cause in ipairs(causes) do
        local list = cause.confirmed and confirmed or noticed
        list[#list + 1] = cause
    end
    return confirmed[1] and confirmed[1].gain and experiment.order(confirmed) or confirmed, noticed
end

-- Those of the hopeful that there are runs for.
local function afford(hopeful, purse)
    local places, fits, chosen = {}, {}, {}
    for i, cause in ipairs(hopeful) do places[i] = cause.place end
    for _, place in ipairs(purse.confirms(places)) do fits[place] = true end
    for _, cause in ipairs(hopeful) do
        if fits[cause.place] then
            chosen[#chosen + 1] = cause
        else
            cause.why = ("%+.2f on %d seeds; the budget does not reach to confirm it"):format(
                cause.gain, experiment.SCREEN)
        end
    end
    return chosen
end

-- causes: in the kinds' order, each with `cure` or `null`; they get gain, spread, p, base, cured,
-- confirmed, why. With `beat` a cure's quality must be a gain above that too. run(tasks): a list of
-- results {quality = or nil where it was cut, seconds =}. purse.choose(causes): those that are
-- tried, the others are told why not; purse.cost(place, seconds): what a run of one takes, 0: as it
-- is; purse.confirms(places): which of these, the first before others, can be confirmed. above: the
-- least quality that is better than chance. Gives confirmed and noticed causes, those that were
-- tried, and the runs as it is.
function experiment.find(causes, run, purse, above)
    local tried, base = purse.choose(causes), nil
    for i, cause in ipairs(tried) do cause.place = i end
    local chosen = #tried > 0 and afford(screen(tried, run, purse), purse) or {}
    if #chosen > 0 then base = confirm(chosen, #tried, run, above) end
    local confirmed, noticed = divide(causes)
    return {confirmed = confirmed, noticed = noticed, tried = tried, base = base}
end

return experiment
