-- Figures of a data set: what its numbers are, how its classes are shared out, whether examples
-- that stand near each other have the same answer.

local _, nabla = ...

local given = require "nabla.plot.given"

local math, table = math, table
local tensor = nabla.tensor
local ipairs, pairs, pcall, tostring = ipairs, pairs, pcall, tostring

local set = {}

local NEAR <const> = 300 -- examples whose nearest neighbours are looked for
local MANY <const> = 4096 -- examples in memory at a time, and those that figures are of
local TINY <const> = 1e-12 -- of a column's size: a deviation that is rounding

-- The name of column k of x.
local function column(of, k)
    local names = of.columns
    return names and names[k] and tostring(names[k]) or ("column %d"):format(k)
end

-- The numbers of x or y as rows, in f64; nil where they are no tensor.
function set.rows(x)
    if given.kind(x) ~= "tensor" or x:numel() == 0 then return nil end
    if x:dim() == 1 then return x:reshape(-1, 1):to "f64" end
    return x:reshape(x:size(1), -1):to "f64"
end

-- Where numbers are not finite: {count, rows, columns = {[k] = count}, first}.
local function unfinished(rows)
    -- x · 0 is 0 for numbers and NaN for NaN and both infinities.
    local bad = (rows * 0):isnan():to "f64"
    local count = bad:sum():item()
    if count == 0 then return nil end
    local out = {count = math.tointeger(count), columns = {}, rows = {}}
    for k, n in ipairs(bad:sum(1):totable()) do
        if n > 0 then out.columns[#out.columns + 1] = {k, math.tointeger(n)} end
    end
    for i, n in ipairs(bad:sum(2):totable()) do
        if n > 0 then out.rows[#out.rows + 1] = i end
    end
    table.sort(out.columns, function(a, b) return a[2] > b[2] or a[2] == b[2] and a[1] < b[1] end)
    return out
end

-- Mean, deviation and largest size of every column, and of all numbers.
local function spread(rows)
    local mean, deviation = rows:mean(1), ((rows - rows:mean(1, {keep = true})) ^ 2):mean(1):sqrt()
    local size = (rows * rows):mean(1):sqrt()
    local out = {mean = mean:totable(), deviation = deviation:totable(), size = size:totable(),
        least = rows:min():item(), most = rows:max():item(),
        all_mean = rows:mean():item(), all_size = math.sqrt((rows * rows):mean():item()),
        constant = 0}
    out.all_deviation = math.sqrt(math.max((deviation * deviation):mean():item(), 0))
    for k, d in ipairs(out.deviation) do
        if not (d > TINY * out.size[k]) then out.constant = out.constant + 1 end
    end
    return out
end

-- ---- Answers ----

-- What y is: "classes" (numbers from 1), "one" (a column of 0 and 1), "one-hot", "many" (other
-- rows of 0 and 1), "shares" (rows from 0 that add up to 1), "steps" (classes at every step),
-- "sign" (a column of -1 and 1, where they are classes), "signs" (rows of them), "targets".
local function kind_of(of, y, rows, seen)
    if of.classes then return y:dim() == 1 and "classes" or "steps" end
    local whole = y.dtype == "i32" or y.dtype == "u8" or seen.numbered
    if seen.steps and y:dim() == seen.steps and whole then return "steps" end
    if seen.signs and rows:abs():eq(1):all() then return rows:size(2) == 1 and "sign" or "signs" end
    local zero_one = rows:eq(0):maximum(rows:eq(1)):to "f64":min():item() == 1
    if rows:size(2) == 1 then return zero_one and "one" or "targets" end
    local sums = (rows:sum(2) - 1):abs():max():item()
    if sums < 1e-6 and rows:min():item() >= 0 then return zero_one and "one-hot" or "shares" end
    return zero_one and "many" or "targets"
end

-- Class numbers from 1, by kind.
local function numbers(kind, y, rows)
    if kind == "classes" then return y:to "f64":totable() end
    if kind == "one" then return (rows:reshape(-1) + 1):totable() end
    if kind == "sign" then return (rows:reshape(-1):gt(0):to "f64" + 1):totable() end
    if kind == "one-hot" then
        local out = {}
        for i, k in ipairs(rows:argmax(2):to "f64":totable()) do out[i] = k end
        return out
    end
end

local function shares(labels, classes)
    local counts, most = {}, classes or 0
    for _, k in ipairs(labels) do
        k = math.tointeger(k)
        if not k then return nil end
        counts[k] = (counts[k] or 0) + 1
        most = math.max(most, k)
    end
    for k = 1, most do counts[k] = counts[k] or 0 end
    return counts
end

-- ---- Neighbours ----

-- The nearest other example of each, of columns brought to one scale.
local function nearest(rows, most)
    local n = math.min(rows:size(1), most or NEAR)
    local x = rows[{{1, n}}]
    x = x - x:mean(1, {keep = true})
    x = x / (x * x):mean(1, {keep = true}):sqrt():maximum(1e-9)
    local sizes = (x * x):sum(2)
    local far = sizes:reshape(-1, 1) + sizes:reshape(1, -1) - 2 * x:matmul(x:t()) +
        tensor.eye(n):to "f64" * 1e300
    return far:argmin(2):totable(), n
end

-- How often an example's nearest neighbour has its label, what chance would give, and how many
-- standard deviations lie between.
local function agreement(near, n, labels)
    local same, chance, part = 0, 0, {}
    for i = 1, n do
        part[labels[i]] = (part[labels[i]] or 0) + 1
        if labels[near[i]] == labels[i] then same = same + 1 end
    end
    for _, count in pairs(part) do chance = chance + count * (count - 1) / (n * (n - 1)) end
    local deviation = math.sqrt(math.max(chance * (1 - chance) / n, 1e-12))
    return {share = same / n, chance = chance, sigma = (same / n - chance) / deviation,
        examples = n}
end

-- Of targets: 1 - half the mean squared difference of neighbours over the variance, which is the
-- correlation of neighbours; by chance 0 ± 1/√n.
local function correlation(near, n, y)
    y = y[{{1, n}}]
    local middle = y - y:mean(1, {keep = true})
    local variance = (middle * middle):mean(1):sum():item()
    local gap = y - y:index_select(1, tensor(near, {dtype = "i32"}))
    local share = variance > 0 and 1 - (gap * gap):mean(1):sum():item() / (2 * variance) or 0
    return {share = share, chance = 0, sigma = share * math.sqrt(n), examples = n}
end

local function neighbours(out, rows, most)
    if rows:size(1) ~= out.y_rows:size(1) or rows:size(1) < 4 then return nil end
    local near, n = nearest(rows, most)
    if out.labels then return agreement(near, n, out.labels) end
    return correlation(near, n, out.y_rows)
end

-- ---- All of it ----

local function read_answers(out, of, y, seen)
    local rows = set.rows(y)
    out.y_bad = unfinished(rows)
    out.y_rows = rows
    if out.y_bad then return end
    out.answers = kind_of(of, y, rows, seen)
    out.y = spread(rows)
    out.labels = numbers(out.answers, y, rows)
    out.counts = out.labels and shares(out.labels, of.classes and #of.classes)
    if not out.counts then out.labels = nil end
end

-- Numbers that are not finite in all of a set, a few thousand examples at a time.
local function unfinished_of(of)
    local all, before = nil, 0
    for x in of:batches(MANY) do
        local whole = given.kind(x) == "tensor"
        local sum = whole and x:sum():item() or 0
        local bad = sum - sum ~= 0 and unfinished(set.rows(x)) -- finite sums have finite terms
        if bad and not all then all = {count = 0, rows = {}, columns = bad.columns} end
        if bad then
            all.count = all.count + bad.count
            for _, i in ipairs(bad.rows) do all.rows[#all.rows + 1] = before + i end
        end
        before = before + (whole and x:size(1) or #x)
    end
    return all
end

-- Where x of a set is not finite, or nil; nil too where it cannot be had.
function set.unfinished(of)
    local done, bad = pcall(unfinished_of, of)
    return done and bad or nil
end

-- Where y is not.
function set.unfinished_answers(of)
    local has, y = pcall(function() return of.y end)
    local rows = has and set.rows(y)
    return rows and unfinished(rows)
end

-- Figures of a set, as a network sees it: seen.words is whether x holds numbers of words, of which
-- size says nothing, seen.steps the dimensions of a y that holds classes at every step, of whole
-- numbers in any dtype with seen.numbered; with seen.signs -1 and 1 are classes. `brief` leaves x
-- and neighbours out; of no more examples than `most`, where it is there, neighbours are looked
-- for.
function set.of(of, seen, brief, most)
    local has_y, y = pcall(function() return of.y end)
    local out = {count = #of, name = function(k) return column(of, k) end,
        scaled = of.scale ~= nil, classes = of.classes}
    if has_y and given.kind(y) == "tensor" then read_answers(out, of, y, seen) end
    if seen.words or brief then return out end
    out.x_bad = set.unfinished(of)
    local some = #of > MANY and of:shuffle(1):take(MANY) or of
    local has_x, x = pcall(function() return some.x end)
    local rows = has_x and given.kind(x) == "tensor" and set.rows(x)
    if rows and not out.x_bad then
        out.x = spread(rows)
        local own = some == of and out or set.of(some, seen, true)
        if out.y then out.near = neighbours(own, rows, most) end
    end
    return out
end

return set
