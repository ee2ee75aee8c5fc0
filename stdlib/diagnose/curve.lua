-- What a curve of costs says: whether it falls still, leaps about, has moved at all.

local words = require "nabla.diagnose.words"

local math = math
local ipairs = ipairs

local curve = {}

local TAIL <const> = 0.2 -- of the run: its end, against as much before

local function mean(list, from, to)
    local sum = 0
    for i = from, to do sum = sum + list[i] end
    return sum / (to - from + 1)
end

-- By how much of itself the cost falls from the last part but one to the last; nil where there
-- are too few.
function curve.fall(list)
    local n = #list
    if n < 2 then return nil end
    local size = math.max(1, math.floor(TAIL * n))
    local last = mean(list, n - size + 1, n)
    local before = mean(list, math.max(1, n - 2 * size + 1), n - size)
    return before > 0 and (before - last) / before or 0
end

-- How often it rises in its second half, and the mean rise as a share of the mean cost there.
function curve.leaps(list)
    local n, rises, sum, total = #list, 0, 0, 0
    local from = math.max(2, n // 2 + 1)
    if n < 4 then return 0, 0 end
    for i = from, n do
        total = total + list[i]
        if list[i] > list[i - 1] then
            rises, sum = rises + 1, sum + list[i] - list[i - 1]
        end
    end
    local count = n - from + 1
    return rises / count, total > 0 and sum / math.max(rises, 1) / (total / count) or 0
end

local LEAP <const> = 0.5 -- of a layer's weights in a step: it follows no slope any more
local OFTEN <const>, MUCH <const> = 0.25, 0.05 -- of epochs rise so, by so much of the cost
local HIGHER <const> = 0.05 -- than at the start, at the end

-- Costs of epochs, or of steps in three parts where there are but a few epochs.
function curve.of(case)
    local run = case.run
    if #run.cost > 3 or #run.batches < 9 then return run.cost, "epoch" end
    local n, parts = #run.batches, {}
    for k = 1, 9 do
        parts[k] = mean(run.batches, (k - 1) * n // 9 + 1, k * n // 9)
    end
    return parts, "step"
end

-- What shows that steps are too long, in words: a run that ends worse than it began, leaps, or
-- changes a layer by half of itself in a step. nil where nothing does.
function curve.leaping(case)
    local list = case.run.cost -- those of steps leap by their examples
    local begin, last = case.start and case.start.cost, list[#list]
    if begin and last and last > begin * (1 + HIGHER) then
        return "the run", ("the cost ends at %s and began at %s"):format(words.number(last),
            words.number(begin))
    end
    local often, much = curve.leaps(list)
    if often > OFTEN and much > MUCH then
        return "the run", ("in the second half of the run the cost rises at %s of the epochs, " ..
            "by %s in the mean"):format(words.percent(often), words.percent(much))
    end
    local most, path = 0, nil
    for _, figure in ipairs(case.start or {}) do
        if figure.update and figure.update > most then most, path = figure.update, figure.path end
    end
    if most > LEAP then
        return "layer " .. path, ("a step changes its weights by %s of themselves"):format(
            words.percent(most))
    end
end

return curve
