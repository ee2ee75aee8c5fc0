-- What a sweep says of each option: a figure over its values, the mean of the runs that have a
-- value and the best of them. Numbers that span a power of ten are on a logarithmic axis; words are
-- at equal distances.

local given = require "nabla.plot.given"
local print_table = require "nabla.sweep.print"
local runs = require "nabla.sweep.runs"

local math, table = math, table
local ipairs, rawget, type = ipairs, rawget, type

local sweeps = {}

local DECADE <const> = 10 -- the largest of an axis against the least, from which it is logarithmic
local DECADES <const> = 100 -- the same of the figure's axis

-- The columns that are drawn: those asked for, else all that have several values, the seed only
-- where nothing else has.
local function columns_of(plan, over)
    local list = {}
    for _, column in ipairs(plan.columns) do
        if #column.values > 1 then list[#list + 1] = column end
    end
    if not over then
        if #list > 1 and list[#list].name == "seed" then list[#list] = nil end
        if #list == 0 then return nil, "no option has several values" end
        return list
    end
    for _, column in ipairs(list) do
        if column.name == over then return {column} end
    end
    return nil, ("%s has no two values in this sweep"):format(given.describe(over))
end

local function are_numbers(values)
    for _, value in ipairs(values) do
        if type(value) ~= "number" or value - value ~= 0 then return false end
    end
    return true
end

-- The figures of the runs that have a value of a column, as a list.
local function figures_at(sweep, column, value, figure)
    local list = {}
    for _, row in ipairs(sweep) do
        local has = row.options[column.name] == value and not rawget(row, "error")
        local number = has and runs.figure(row, figure.name)
        if number then list[#list + 1] = number end
    end
    return list
end

local function mean_of(list)
    local sum = 0
    for _, value in ipairs(list) do sum = sum + value end
    return sum / #list -- NaN of none, which is a gap
end

local function best_of(list, highest)
    if #list == 0 then return 0 / 0 end
    return (highest and math.max or math.min)(table.unpack(list))
end

-- The places of a column's values on its axis and their order; ticks where they are no numbers.
local function axis_of(column)
    local values = table.move(column.values, 1, #column.values, 1, {})
    if are_numbers(values) then
        table.sort(values)
        local low, high = values[1], values[#values]
        return values, values, {log = low > 0 and high / low >= DECADE}
    end
    local places, ticks = given.counted(#values), {}
    for i, value in ipairs(values) do
        ticks[i] = {value = i, text = print_table.value(column, value)}
    end
    return values, places, {ticks = ticks}
end

-- Both lists of a picture; only one where every value has one run.
local function series_of(sweep, column, figure)
    local values, places, axis = axis_of(column)
    local mean, best, several = {}, {}, false
    for i, value in ipairs(values) do
        local list = figures_at(sweep, column, value, figure)
        mean[i], best[i] = mean_of(list), best_of(list, figure.highest)
        several = several or #list > 1
    end
    local out = {{x = places, y = mean, label = several and "mean" or nil, number = 1}}
    if several then out[2] = {x = places, y = best, label = "best", number = 2} end
    return out, axis
end

-- Whether a figure's numbers are told apart by their powers of ten.
local function spans(series)
    local low, high = math.huge, -math.huge
    for _, one in ipairs(series) do
        for _, y in ipairs(one.y) do
            if y == y then low, high = math.min(low, y), math.max(high, y) end
        end
    end
    return low > 0 and high < math.huge and high / low >= DECADES
end

-- A picture for each option: {panels =, xlabel =, ylabel =, log =, xlog =, xticks =}; nil and a
-- message.
function sweeps.read(sweep, options)
    local figure = options.by == nil and runs.judge(sweep) or runs.find_figure(sweep, options.by)
    if not figure then return nil, runs.unknown(sweep, options.by) end
    local columns, message = columns_of(runs.plan(sweep), options.over)
    if not columns then return nil, message end
    local out = {}
    for i, column in ipairs(columns) do
        local series, axis = series_of(sweep, column, figure)
        local log = options.log
        if log == nil then log = not figure.highest and spans(series) end
        out[i] = {panels = {{series = series}}, xlabel = column.name, ylabel = figure.name,
            log = log, xlog = axis.log, xticks = axis.ticks}
    end
    return out
end

return sweeps
