-- How good a network is on examples: balanced accuracy where y tells classes apart, else R² on the
-- targets as the user gave them. Never the cost, which cures may change.

local _, nabla = ...
local given = require "nabla.plot.given"

local math = math
local ipairs, pcall, setmetatable = ipairs, pcall, setmetatable

local quality = {}

-- An R² below it says no more than that nothing was learned: all of them count as it.
local WORST <const> = -1
-- Of y's deviation: a map from one y to another that misses by more is none.
local EXACT <const> = 1e-3

local function is_tensor(x)
    return given.kind(x) == "tensor"
end

-- ---- What y holds ----

local function is_one_hot(y)
    if y:dim() ~= 2 or y.shape[2] < 2 then return false end
    local ends = y:eq(0):sum():item() + y:eq(1):sum():item()
    return ends == y:numel() and y:sum(2):eq(1):all()
end

-- The two values of one column, where it has no more.
local function two_values(y)
    local low, high = y:min():item(), y:max():item()
    local ends = y:eq(low):sum():item() + y:eq(high):sum():item()
    return y:numel() == y.shape[1] and ends == y:numel() and low < high and {low, high} or nil
end

-- Rows of -1 and 1 under a cost that takes them for classes: its outputs may be of any size.
local function holds_signs(net, y)
    return y:dim() == 2 and net:notation():find " : hinge" and y:abs():eq(1):all()
end

-- Whether the network takes y for classes: a network may hold at every step of a sequence one.
local function holds_classes(net, set)
    if set.classes then return true end
    local fits, found = pcall(net.evaluate, net, set:take(1))
    return fits and found.confusion ~= nil
end

-- How a set is judged: {kind =, name =, chance =, worst =, classes | values =}; `worst` is what a
-- run that fails has.
function quality.of(net, set)
    local y = is_tensor(set.y) and set.y:dim() > 0 and set.y:to "f64" or nil
    local name <const> = "balanced accuracy"
    if holds_classes(net, set) then
        return {kind = "classes", name = name}
    elseif y and is_one_hot(y) then
        return {kind = "one-hot", name = name}
    elseif y and two_values(y) then
        return {kind = "two values", name = name, values = two_values(y)}
    elseif y and holds_signs(net, y) then
        return {kind = "signs", name = name, chance = 0.5, worst = 0.5}
    end
    return {kind = "targets", name = "R²", chance = 0, worst = WORST}
end

-- ---- Judging ----

-- The mean over the classes that are there of the share that was right; and their number. right and
-- all are lists by class.
local function balanced(right, all)
    local sum, classes = 0, 0
    for k, count in ipairs(all) do
        if count > 0 then sum, classes = sum + right[k] / count, classes + 1 end
    end
    return sum / classes, classes
end

-- Two lists of class numbers, from 1.
local function compare(answers, wanted, most)
    local right, all = {}, {}
    for k = 1, most do right[k], all[k] = 0, 0 end
    for i, k in ipairs(wanted) do
        all[k] = all[k] + 1
        if answers[i] == k then right[k] = right[k] + 1 end
    end
    return balanced(right, all)
end

local function of_confusion(confusion)
    local right, all = {}, {}
    for k, row in ipairs(confusion:totable()) do
        right[k], all[k] = row[k], 0
        for _, count in ipairs(row) do all[k] = all[k] + count end
    end
    return balanced(right, all)
end

-- One output for two classes has no table.
local function of_pair(net, set)
    local number = {}
    for k, name in ipairs(set.classes) do number[name] = k end
    local answers = net:classify(set)
    if #set == 1 then answers = {answers} end
    for i = 1, #set do answers[i] = number[answers[i]] or 0 end
    return compare(answers, set.y:totable(), #set.classes)
end

local judges = {}

function judges.classes(_, net, set)
    local found = net:evaluate(set)
    if found.confusion then return of_confusion(found.confusion) end
    if set.classes and is_tensor(set.y) and set.y:dim() == 1 then return of_pair(net, set) end
    return found.accuracy, set.classes and #set.classes or 2
end

judges["one-hot"] = function(_, net, set)
    local a, y = net(set), set.y
    return compare(a:argmax(2):flatten():totable(), y:argmax(2):flatten():totable(), y.shape[2])
end

-- The nearer one is the answer.
judges["two values"] = function(judged, net, set, back)
    local low, high = judged.values[1], judged.values[2]
    local function sides(x)
        return (x:gt((low + high) / 2):to "f64" + 1):flatten():totable()
    end
    local a = net(set):to "f64"
    return compare(sides(back and back(a) or a), sides(set.y:to "f64"), 2)
end

-- The mean over the columns.
function judges.signs(_, net, set)
    local a, y, sum = net(set):to "f64", set.y:to "f64", 0
    for j = 1, y.shape[2] do
        sum = sum + compare((a[{{}, j}]:gt(0):to "f64" + 1):totable(),
            (y[{{}, j}]:gt(0):to "f64" + 1):totable(), 2) / y.shape[2]
    end
    return sum, 2
end

-- The mean over the columns; one that does not vary has nothing to explain.
local function r2(a, y)
    local sum, columns = 0, 0
    a, y = a:reshape(y.shape[1], -1), y:reshape(y.shape[1], -1)
    for j = 1, y.shape[2] do
        local wanted, got = y[{{}, j}], a[{{}, j}]
        local missed, away = ((wanted - got) ^ 2):sum(), ((wanted - wanted:mean()) ^ 2):sum()
        if away:item() > 0 then
            sum, columns = sum + math.max(WORST, 1 - (missed / away):item()), columns + 1
        end
    end
    return columns > 0 and sum / columns or WORST
end

-- Sequences have padding, which the metric knows of.
function judges.targets(_, net, set, back)
    if is_tensor(set.y) and is_tensor(set.x) then
        local a = net(set):to "f64"
        return r2(back and back(a) or a, set.y:to "f64")
    end
    return net:evaluate(set, {metrics = {"r2"}}).metrics.r2
end

-- The network's quality on a set, and the number of classes there; `back`, or nil, takes outputs to
-- the raw targets.
function quality.judge(judged, net, set, back)
    local value, classes = judges[judged.kind](judged, net, set, back)
    if value ~= value then value = judged.worst or 0 end
    return judged.kind == "targets" and math.max(value, WORST) or value, classes
end

-- ---- Back to the raw targets ----

-- The slope and offset that take column `new` to `raw`, or nil where no straight line does.
local function line_between(new, raw)
    local a, b = new - new:mean(), raw - raw:mean()
    local varies = (a * a):sum():item()
    if not (varies > 0) then return nil end
    local slope = (a * b):sum():item() / varies
    local missed = ((b - a * slope) ^ 2):sum():item()
    if not (missed <= EXACT ^ 2 * (b * b):sum():item()) then return nil end
    return slope, raw:mean():item() - slope * new:mean():item()
end

-- A cure may have the network learn other numbers, (y - mean) / deviation: of the same examples
-- before and after, what takes outputs back; nil where they are the raw targets as they are.
function quality.back(before, after)
    local raw, new = before.y, after.y
    if not is_tensor(raw) or not is_tensor(new) or raw:numel() ~= new:numel() then return nil end
    raw, new = raw:to "f64", new:to "f64"
    if raw:equal(new) then return nil end
    raw, new = raw:reshape(#before, -1), new:reshape(#before, -1)
    local slopes, offsets = {}, {}
    for j = 1, raw.shape[2] do
        slopes[j], offsets[j] = line_between(new[{{}, j}], raw[{{}, j}])
        if not slopes[j] then return nil end
    end
    local slope, offset = nabla.tensor(slopes, {dtype = "f64"}), nabla.tensor(offsets,
        {dtype = "f64"})
    return function(a)
        return (a:reshape(a.shape[1], -1) * slope + offset):reshape(table.unpack(a.shape))
    end
end

return quality
