-- Kinds that lie in the set: its numbers, its labels, how its classes are shared out.

local words = require "nabla.diagnose.words"

local math, table = math, table
local ipairs, tostring = ipairs, tostring

local LISTED <const> = 3 -- columns and classes that are named

-- ---- data ----

-- The examples with a number that is not finite are left out, by a text that holds for any set:
-- 0 times NaN or infinity is NaN, and NaN is not equal to itself.
local WITHOUT <const> = [[
local bad = {}
for i, sum in ipairs((set.%s:reshape(#set, -1) * 0):sum(2):totable()) do
    if sum ~= sum then bad[#bad + 1] = i end
end
set = set:without(bad)]]

local function columns_of(case, bad)
    local list = {}
    for i = 1, math.min(#bad.columns, LISTED) do
        list[i] = case.data.name(bad.columns[i][1])
    end
    if #bad.columns > LISTED then list[#list + 1] = ("%d more"):format(#bad.columns - LISTED) end
    return table.concat(list, ", ")
end

-- Answers that are all the same ask for nothing.
local function look_answers(found, data)
    if not data.y or data.y.constant < #data.y.deviation then return end
    found[#found + 1] = {where = "y", certain = true,
        evidence = "every example has the same answer: there is nothing to learn"}
end

local function look_data(case)
    local found, data = {}, case.data
    for _, name in ipairs {"x", "y"} do
        local bad = case.bad[name]
        if bad then
            found[#found + 1] = {certain = true,
                where = name == "x" and columns_of(case, bad) or "y",
                evidence = ("%s of %s not finite, the first in example %d"):format(
                    bad.count == 1 and "1 number" or words.count(bad.count, "number"),
                    name .. (bad.count == 1 and " is" or " are"), bad.rows[1]),
                name = #bad.rows < case.bad.count and name or nil}
        end
    end
    if data.x and data.x.constant == #data.x.deviation then
        found[#found + 1] = {where = "x", certain = true,
            evidence = "every example has the same numbers: x says nothing about y"}
    end
    look_answers(found, data)
    return found
end

local function cure_data(_, finding)
    return finding.name and {WITHOUT:format(finding.name)} or {}
end

-- A class with less than a fifth of an even share gives less than a fifth of the gradient that
-- the others give: the answer is shifted against it.
local SCARCE <const> = 0.2

-- ---- labels ----

-- Answers beyond chance by fewer standard deviations could be drawn (one draw in 700).
local SIGMA <const> = 3
-- Of the answers that are right on what was learned: so many of the held-out ones one shift of the
-- classes must explain; and that far the quality itself must be from chance, half of the way.
local EXPLAINED <const> = 0.75

-- The shift s of the classes, k answered as k + s, that explains most held-out answers.
local function best_shift(confusion)
    local n, best, share, total = #confusion, 0, 0, 0
    for k = 1, n do
        for j = 1, n do total = total + confusion[k][j] end
    end
    for s = 0, n - 1 do
        local count = 0
        for k = 1, n do count = count + confusion[k][(k - 1 + s) % n + 1] end
        if count > share * total then best, share = s, count / total end
    end
    return best, share
end

local function look_shift(found, case)
    local held, learned = case.held_answers, case.train_answers
    if not held or not held.confusion or not learned or case.run.failed then return end
    local shift, share = best_shift(held.confusion)
    local even = 1 / #held.confusion
    local sigma = (share - even) / math.sqrt(even * (1 - even) / held.total)
    if shift == 0 or not (sigma > SIGMA) or not (share > EXPLAINED * learned.accuracy) or
        not (learned.quality > even + EXPLAINED * (1 - even) / 2) then
        return
    end
    found[#found + 1] = {where = "y", certain = true,
        evidence = ("what is held out is answered %d %s further, of %d, in %s of its examples: " ..
            "labels of one of the sets are shifted"):format(shift,
            shift == 1 and "class" or "classes", #held.confusion, words.percent(share))}
end

-- Held-out quality in standard deviations above chance, of answers drawn at chance.
local function above_chance(answers)
    if answers.confusion then
        local deviation = math.sqrt(answers.chance * (1 - answers.chance) / answers.total)
        return (answers.quality - answers.chance) / math.max(deviation, 1e-9)
    end
    if not answers.outputs then return math.huge end -- at places of space: nobody knows
    return answers.quality * math.sqrt(answers.outputs:size(1))
end

-- Whether a class has so few examples that neighbours hardly ever have it.
local function is_scarce(case)
    local total = 0
    for _, n in ipairs(case.data.counts or {}) do total = total + n end
    for _, n in ipairs(case.data.counts or {}) do
        if n > 0 and n * #case.data.counts < SCARCE * total then return true end
    end
    return false
end

-- The same labels in another order.
local SHUFFLED <const> = [[
local order = tensor.randperm(#set)
set = data.set {x = set.x, y = set.y:index_select(1, order), classes = set.classes}]]

local function look_order(found, case)
    local near, held = case.data.near, case.held_answers
    if not near or not held or held.broken or not (near.sigma < SIGMA) then return end
    if is_scarce(case) then return end
    if not (above_chance(held) < SIGMA) then return end
    found[#found + 1] = {where = "y", null = SHUFFLED,
        evidence = ("no better than with shuffled labels: the nearest example agrees in %s (by " ..
            "chance %s), held-out quality %s (by chance %s)"):format(
            words.percent(math.max(near.share, 0)), words.percent(near.chance),
            words.number(held.quality), words.number(held.chance))}
end

-- A class of 0 is what counting from 0 gives.
local function look_numbers(found, case)
    local message = case.run.failed or case.start_failed
    if not message or not message:find "classes count from 1" then return end
    found[#found + 1] = {where = "y", certain = true, evidence = message,
        cures = {"set = data.set {x = set.x, y = set.y + 1}"}}
end

-- Neighbours that agree where they are held out and not where they are learned from.
local APART <const>, FAR <const> = 0.2, 5 -- shares apart, and standard deviations

local function look_sides(found, case)
    local learned, held = case.even_data and case.even_data.near,
        case.held_data and case.held_data.near
    if not learned or not held or not case.data.labels or is_scarce(case) then return end
    local gap = held.share - learned.share
    local deviation = math.sqrt(learned.share * (1 - learned.share) / learned.examples +
        held.share * (1 - held.share) / held.examples)
    if not (gap > APART) or not (gap > FAR * deviation) then return end
    found[#found + 1] = {where = "y", certain = true,
        evidence = ("the nearest example agrees in %s of what is held out, and in %s of what is " ..
            "learned from (by chance %s): its labels are mixed up"):format(
            words.percent(held.share), words.percent(learned.share),
            words.percent(learned.chance))}
end

local function look_labels(case)
    local found = {}
    look_numbers(found, case)
    look_shift(found, case)
    look_sides(found, case)
    if #found == 0 then look_order(found, case) end
    return found
end

-- ---- balance ----

-- Its recall must suffer: less than half of its examples are found.
local FOUND <const> = 0.5

local function weights_of(counts)
    local weights, occur, total = {}, 0, 0
    for _, n in ipairs(counts) do
        total = total + n
        if n > 0 then occur = occur + 1 end
    end
    for k, n in ipairs(counts) do weights[k] = n > 0 and total / (occur * n) or 1 end
    return weights
end

local function class_name(case, k)
    local names = case.data.classes
    if names and names[k] ~= nil then return "class " .. tostring(names[k]) end
    local kind = case.data.answers
    return "class " .. (kind == "one" and k - 1 or kind == "sign" and 2 * k - 3 or k)
end

-- Weights that were given and that some class suffers from.
local function look_weights(case, judged)
    local least = 1
    for _, recall in ipairs(judged.recall) do least = math.min(least, recall or 1) end
    if case.o.weights == nil or not (least < FOUND) then return {} end
    return {{where = "weights", cures = {"o.weights = nil"},
        evidence = ("with the weights that were given, a class is found in %s of its cases"):format(
            words.percent(least))}}
end

-- Classes that are held out and never learned from.
local function look_missing(case)
    local held, names = case.held_data and case.held_data.counts or {}, {}
    for k, n in ipairs(held) do
        if n > 0 and (case.data.counts[k] or 0) == 0 then
            names[#names + 1] = class_name(case, k)
        end
    end
    return #names > 0 and {{where = table.concat(names, ", ", 1, math.min(#names, LISTED)),
        certain = true, cures = {},
        evidence = ("%s held out and never learned from"):format(
            #names == 1 and "a class is" or ("%d classes are"):format(#names))}} or {}
end

local function look_balance(case)
    local missing = case.data.counts and look_missing(case) or {}
    if #missing > 0 then return missing end
    local counts, judged = case.data.counts, case.held_answers or case.train_answers
    if not counts or #counts < 2 or not judged or not judged.recall then return {} end
    local total, names, worst = 0, {}, 1
    for _, n in ipairs(counts) do total = total + n end
    for k, n in ipairs(counts) do
        local recall = judged.recall[k]
        if n > 0 and n * #counts < SCARCE * total and recall and recall < FOUND then
            names[#names + 1] = ("%s"):format(class_name(case, k))
            worst = math.min(worst, n / total)
        end
    end
    if #names == 0 then return look_weights(case, judged) end
    local list = table.concat(names, ", ", 1, math.min(#names, LISTED))
    return {{where = list, weights = weights_of(counts),
        evidence = ("%s of the examples at the least, and found in less than half of its cases; " ..
            "%s of the answers are one class"):format(words.percent(worst),
            words.percent(judged.alike))}}
end

-- Every class the same weight: total / (classes · its count). A column of 0 and 1 has no classes
-- that weights could name, so each example gets its own.
local function cure_balance(case, finding)
    if finding.cures then return finding.cures end
    local w = finding.weights
    if case.data.answers == "classes" then
        local list = {}
        for k, value in ipairs(w) do list[k] = words.plain(value) end
        return {("o.weights = {classes = {%s}}"):format(table.concat(list, ", "))}
    end
    if case.data.answers == "one" then
        return {("o.weights = {examples = set.y:reshape(-1) * %s + %s}"):format(
            words.plain(w[2] - w[1]), words.plain(w[1]))}
    end
    if case.data.answers == "sign" then
        return {("o.weights = {examples = set.y:reshape(-1) * %s + %s}"):format(
            words.plain((w[2] - w[1]) / 2), words.plain((w[1] + w[2]) / 2))}
    end
    local list = {}
    for k, value in ipairs(w) do list[k] = words.plain(value) end
    return {("o.weights = {examples = set.y:matmul(tensor {%s})}"):format(table.concat(list, ", "))}
end

return {
    {kind = "data", look = look_data, cure = cure_data,
        words = "numbers that are no numbers, inputs that never vary"},
    {kind = "labels", look = look_labels, cure = function(_, finding) return finding.cures end,
        words = "labels shifted by some classes, or no better than shuffled ones: neighbours " ..
            "and held-out answers agree no more than by chance"},
    {kind = "balance", run = true, look = look_balance, cure = cure_balance,
        words = "classes with under a fifth of an even share that are not found"},
}
