-- A sweep's options as a grid: a column for every option, with the values that it takes, and the
-- points between which runs go. The columns stand in one order, whatever the order of the user's
-- table, and the last of them, the seed, goes round first.

local _, nabla = ...
local given = require "nabla.plot.given"

local math, table = math, table
local ipairs, next, pairs, require, type = ipairs, next, pairs, require, type

local grid = {}

local LIMIT <const> = 1000 -- runs, unless the user says

-- Options whose values are lists themselves: several are a list of lists.
local LISTS <const> = {metrics = true, weights = true}
-- What may be a function of the point.
local OF_POINT <const> = {net = true, set = true, valid = true, test = true}
-- Said of the sweep, and no columns.
local OF_SWEEP <const> = {variables = true, reset = true, limit = true, progress = true}

-- ---- Values ----

local function is_list(value)
    return given.kind(value) == "table" and #value > 0
end

-- A list whose entries are values of an option that takes lists.
local function holds_lists(list)
    for _, each in ipairs(list) do
        if type(each) ~= "table" and given.kind(each) ~= "tensor" then return false end
    end
    return true
end

-- The values of an option as a list; nil and a message where there are none.
local function values_of(name, value)
    if given.kind(value) == "table" and next(value) == nil then
        return nil, ("%s is an empty list: there is nothing to run"):format(name)
    end
    if not is_list(value) or LISTS[name] and not holds_lists(value) then return {value} end
    return table.move(value, 1, #value, 1, {})
end

-- What would be left out of a list: what stands behind a hole or under a name.
local function wrong_list(name, list, values)
    if not is_list(list) or #values == 1 and values[1] == list then return nil end
    local last = 0
    while list[last + 1] ~= nil do last = last + 1 end
    for key in next, list do
        if math.type(key) ~= "integer" or key < 1 or key > last then
            return ("%s is a list that ends with entry %d; what stands at [%s] is not in it")
                :format(name, last, given.describe(key))
        end
    end
end

local function wrong_net(value)
    local kind = given.kind(value)
    if kind == "network" or kind == "string" or kind == "function" or kind == "table" then
        return nil
    end
    return ("net must be notation, a network, a function of the point or a list of these, not %s")
        :format(given.describe(value)) ..
        (kind == "number" and "; one in table form stands in a list: {{784, 30, 10}}" or "")
end

local function wrong_set(name, value)
    local kind = given.kind(value)
    if kind == "data set" or kind == "function" then return nil end
    return ("%s must be a data set, a function of the point or a list of these, not %s"):format(
        name, given.describe(value))
end

local function wrong_value(name, value)
    if name == "net" then return wrong_net(value) end
    if OF_POINT[name] then return wrong_set(name, value) end
end

-- ---- Columns ----

-- The names of all options in the columns' order.
local function names_of(asked)
    local out, own = {"net", "set"}, {}
    for _, page in ipairs(nabla._book) do
        for _, option in ipairs(page.name == "net:train" and page.options or {}) do
            local name = option.name
            if name ~= "seed" and not OF_SWEEP[name] then out[#out + 1] = name end
        end
    end
    for name in pairs(asked.variables or {}) do own[#own + 1] = name end
    table.sort(own)
    table.move(own, 1, #own, #out + 1, out)
    out[#out + 1] = "seed"
    return out
end

-- What is wrong with the options of the user's own, or nil.
local function wrong_variables(asked, names)
    if given.kind(asked) ~= "table" then
        return "variables must be a table such as {hidden = {10, 30}}, not " ..
            given.describe(asked)
    end
    for name in pairs(asked) do
        if type(name) ~= "string" then return "variables are written name = {…}" end
        for _, known in ipairs(names) do
            if name == known then
                return ("variables: '%s' is an option of train; it stands beside them"):format(name)
            end
        end
    end
end

local function columns_of(asked)
    local own = asked.variables or {}
    local message = wrong_variables(own, names_of {})
    if message then return nil, message end
    local out = {}
    for _, name in ipairs(names_of(asked)) do
        local value, values = asked[name], nil
        if own[name] ~= nil then value = own[name] end
        if value ~= nil then
            values, message = values_of(name, value)
            if not values then return nil, message end
            for _, each in ipairs(values) do
                message = wrong_value(name, each)
                if message then return nil, message end
            end
            message = wrong_list(name, value, values)
            if message then return nil, message end
            out[#out + 1] = {name = name, values = values, own = own[name] ~= nil}
        end
    end
    return out
end

-- ---- How many ----

-- "lr 3 x seed 5", of the columns that have more than one value; "" where none has.
local function product(columns)
    local parts = {}
    for _, column in ipairs(columns) do
        if #column.values > 1 then
            parts[#parts + 1] = ("%s %s"):format(column.name, given.grouped(#column.values))
        end
    end
    return table.concat(parts, " x ")
end

local function wrong_limit(limit)
    if math.type(limit) == "integer" and limit >= 1 then return nil end
    return "limit must be a whole number from 1, not " .. given.describe(limit)
end

-- How many runs, as a number that may be too large to count.
local function count(columns)
    local total = 1.0
    for _, column in ipairs(columns) do total = total * #column.values end
    return total
end

local function words_of_count(total)
    return total < 2 ^ 53 and given.grouped(math.tointeger(total)) or ("%.3g"):format(total)
end

-- ---- Optimizers and networks as the sweep takes them ----

-- Networks as they are now, whatever the user does with them afterwards; an optimizer stands for
-- its options.
local function keep(columns)
    for _, column in ipairs(columns) do
        for i, value in ipairs(column.values) do
            local kind = given.kind(value)
            if kind == "network" then column.values[i] = value:clone()
            elseif kind == "optimizer" then
                column.values[i] = require("nabla.diagnose.arm").optimizer_like(value)
            end
        end
    end
end

local function wrong_flags(asked)
    for _, name in ipairs {"reset", "progress"} do
        local value = asked[name]
        if value ~= nil and type(value) ~= "boolean" then
            return ("%s must be true or false, not %s"):format(name, given.describe(value))
        end
    end
    return wrong_limit(asked.limit or LIMIT)
end

-- The plan of a sweep: {columns =, count =, words = how many in words, reset =, progress =, seed =,
-- draws = of chance as it is now}; nil and a message where something is wrong with what was asked.
function grid.plan(asked)
    local columns, message = columns_of(asked)
    message = message or wrong_flags(asked)
    if message then return nil, message end
    local total, by = count(columns), product(columns)
    local words = ("%s run%s%s"):format(words_of_count(total), total == 1 and "" or "s",
        by == "" and "" or ": " .. by)
    if total > (asked.limit or LIMIT) then
        return nil, ("that is %s; more than %s are made where limit = … says so"):format(words,
            given.grouped(asked.limit or LIMIT))
    end
    keep(columns)
    local seed, draws = nabla._chance()
    return {columns = columns, count = math.tointeger(total), words = words, reset = asked.reset,
        progress = asked.progress ~= false, seed = seed, draws = draws}
end

-- Point i of a plan: the options of a run by name, and for each column which of its values it is.
function grid.point(plan, i)
    local point, at, rest = {}, {}, i - 1
    for k = #plan.columns, 1, -1 do
        local column = plan.columns[k]
        at[k] = rest % #column.values + 1
        rest = rest // #column.values
        point[column.name] = column.values[at[k]]
    end
    return point, at
end

return grid
