-- Which fields a run of a sweep may have, and its parts: what none has is an error with the nearest
-- name, what this one lacks is nil.

local _, nabla = ...

local table = table
local error, ipairs, pairs, pcall, rawget, setmetatable, type =
    error, ipairs, pairs, pcall, rawget, setmetatable, type

local fields = {}

local FIGURES <const> = {"seconds", "cost", "test", "test_cost", "valid", "valid_cost"}
local OTHERS <const> = {"error", "history", "net", "metrics", "options", "runs", "failed", "spread"}

-- An option of train that no sweep was asked for is nil.
local function is_option(key)
    for _, page in ipairs(nabla._book) do
        for _, option in ipairs(page.name == "nn.sweep" and page.options or {}) do
            if option.name == key then return true end
        end
    end
    return false
end

-- The message for a key that this row or table of options lacks, or nil where it may.
local function refusal(index, value, key)
    if is_option(key) then return nil end
    local fine, message = pcall(index, value, key)
    return not fine and message or nil
end

-- What a row says of a field that it lacks: it knows its own options and metrics too.
function fields.unknown(row, key)
    local names = table.move(FIGURES, 1, #FIGURES, 1, {})
    table.move(OTHERS, 1, #OTHERS, #names + 1, names)
    for _, part in ipairs {"options", "metrics"} do
        for name in pairs(rawget(row, part) or {}) do names[#names + 1] = name end
    end
    return refusal(nabla._fields("run", "a run of a sweep", nil, names), row, key)
end

local of_options <const> = nabla._fields("run.options", ".options of a run of a sweep")

local PARTS <const> = {
    metrics = {__index = nabla._fields("run.metrics", ".metrics of a run of a sweep")},
    runs = {__index = nabla._fields("run.runs", ".runs of a run of a sweep")},
    options = {__index = function(options, key)
        local message = type(key) == "string" and refusal(of_options, options, key)
        if message then error(message, 2) end
    end},
}

-- The parts of a row.
function fields.dress(row)
    for name, meta in pairs(PARTS) do
        local part = rawget(row, name)
        if part then setmetatable(part, meta) end
    end
end

-- The spreads of rows of means: a figure that but one of the runs has does not spread.
function fields.dress_spread(rows, metrics)
    local names = table.move(FIGURES, 1, #FIGURES, 1, {})
    table.move(metrics, 1, #metrics, #names + 1, names)
    local meta = {__index = nabla._fields("run.spread", ".spread of a run of a sweep", nil, names)}
    for _, row in ipairs(rows) do setmetatable(row.spread, meta) end
end

return fields
