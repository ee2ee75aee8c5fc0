-- Means over seeds, or over whatever else goes round: the runs whose other options are the same
-- become one row, with what they have in common and how far they spread.

local given = require "nabla.plot.given"
local grid = require "nabla.sweep.grid"

local math, table = math, table
local ipairs, pairs, rawget, require, type = ipairs, pairs, rawget, require, type

-- The mean of numbers and their standard deviation, that of a sample; nil of a single one.
local function measure(list)
    local sum, squares = 0, 0
    for _, value in ipairs(list) do sum = sum + value end
    local mean = sum / #list
    for _, value in ipairs(list) do squares = squares + (value - mean) ^ 2 end
    return mean, #list > 1 and math.sqrt(squares / (#list - 1)) or nil
end

-- The names that means are taken over, as a set; nil and a message.
local function read_over(over, plan)
    local list, set, varied = type(over) == "table" and over or {over or "seed"}, {}, {}
    for _, column in ipairs(plan.columns) do
        if #column.values > 1 then varied[column.name] = true end
    end
    for _, name in ipairs(list) do
        if not varied[name] then
            return nil, ("%s has no two values in this sweep"):format(type(name) == "string" and
                name or given.describe(name))
        end
        set[name] = true
    end
    return set
end

-- The columns that stay, and for a run the key of the row that it goes into.
local function keys_of(plan, over)
    local columns = {}
    for _, column in ipairs(plan.columns) do
        if not over[column.name] then columns[#columns + 1] = column end
    end
    return columns, function(row)
        local _, at = grid.point(plan, row.run)
        local parts = {}
        for k, column in ipairs(plan.columns) do
            if not over[column.name] then parts[#parts + 1] = at[k] end
        end
        return table.concat(parts, " ")
    end
end

-- Sets a figure of a row to the mean over its runs that have it.
local function set_mean(row, into, spread, name, figure)
    local list = {}
    for _, each in ipairs(row.runs) do
        local value = not rawget(each, "error") and figure(each, name)
        if value then list[#list + 1] = value end
    end
    if #list > 0 then into[name], spread[name] = measure(list) end
end

local function finish(row, figures, metrics, figure)
    row.spread = {}
    for _, each in ipairs(figures) do set_mean(row, row, row.spread, each.name, figure) end
    set_mean(row, row, row.spread, "seconds", figure)
    if #metrics > 0 then row.metrics = {} end
    for _, name in ipairs(metrics) do set_mean(row, row.metrics, row.spread, name, figure) end
    if row.failed == #row.runs then row.error = row.runs[1].error end
end

-- The rows of means of a sweep, with the plan of the columns that are left; nil and a message.
return function(sweep, over, plan)
    local runs = require "nabla.sweep.runs"
    local set, message = read_over(over, plan)
    if not set then return nil, message end
    local columns, key_of = keys_of(plan, set)
    local rows, by_key = {over = set, asked = 0}, {}
    for _, run in ipairs(sweep) do
        local key = key_of(run)
        local row = by_key[key]
        if not row then
            row = {run = #rows + 1, options = {}, runs = {}, failed = 0}
            for _, column in ipairs(columns) do
                row.options[column.name] = run.options[column.name]
            end
            by_key[key], rows[#rows + 1] = row, row
        end
        table.insert(row.runs, run)
        if rawget(run, "error") then row.failed = row.failed + 1 end
    end
    local metrics = runs.metrics(sweep)
    for _, row in ipairs(rows) do finish(row, runs.FIGURES, metrics, runs.figure) end
    rows.asked = #rows
    local own = {}
    for key, value in pairs(plan) do own[key] = value end
    own.columns = columns
    rows.plan = own
    return rows
end
