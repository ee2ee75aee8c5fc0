-- Values in brief, as they print themselves: an example of a set as its picture, a layer of a trace
-- and gradients with a line for each tensor. Whole they are under their names: set[1].x, t[1].a.

local given = require "nabla.plot.given"
local matrix = require "nabla.plot.matrix"
local pictures = require "nabla.plot.pictures"
local screen = require "nabla.plot.screen"

local math, table = math, table
local ipairs, next, rawget, require, tostring, type = ipairs, next, rawget, require, tostring, type

local brief = {}

local WHOLE <const> = 100 -- elements of an example that is no picture
local SATURATED <const> = 0.01 -- a slope below it hardly moves what is before it
local SMALLEST <const>, LARGEST <const> = 6, 32 -- rows and columns of a picture

local function number(value)
    return ("%.4g"):format(value)
end

-- What is told of a tensor: shape and kind, mean, the largest without its sign.
local function told(x)
    local shape = (x:dim() == 0 and "" or given.shape(x) .. " ") .. x.dtype
    if x:numel() == 0 then return {shape, "empty", ""} end
    x = x:detach():to "f64"
    return {shape, "mean " .. number(x:mean():item()), "|max| " .. number(x:abs():max():item())}
end

-- Rows of texts as lines, each text at the left of its column.
local function aligned(rows)
    local wide, lines = {}, {}
    for _, row in ipairs(rows) do
        for k, text in ipairs(row) do wide[k] = math.max(wide[k] or 0, screen.width(text)) end
    end
    for i, row in ipairs(rows) do
        local parts = {}
        for k, text in ipairs(row) do parts[k] = screen.left(text, wide[k]) end
        lines[i] = (table.concat(parts, "  "):gsub(" +$", ""))
    end
    return table.concat(lines, "\n")
end

-- ---- Examples ----

-- The example's picture as lines, in shades: a text may go anywhere, so that it has no colours. nil
-- where its x has not the shape of one.
local function picture_of(example)
    local tiles = pictures.read(example, "", true, 1)
    local tile = tiles and tiles[1]
    if not tile or math.min(tile.rows, tile.columns) < SMALLEST then return nil end
    local x = example.x
    -- A row may be a picture or just as many figures, which pictures have above 0.
    if x:dim() == 1 and not (x:min():item() >= 0) then return nil end
    tile.name = nil
    local fits = math.max(tile.rows, tile.columns) <= LARGEST
    return matrix.draw {tiles = tiles, all = 1, grey = true, scale = fits and 1 or nil}
end

function brief.example(example)
    local x, y = rawget(example, "x"), rawget(example, "y")
    local lines = given.kind(x) == "tensor" and picture_of(example)
    if not lines then
        local whole = given.kind(x) ~= "tensor" or x:numel() <= WHOLE
        lines = {whole and tostring(x) or "x: " .. table.concat(told(x), "  ")}
    end
    if y ~= nil then
        local text = type(y) == "string" and screen.clean(y) or tostring(y)
        if given.kind(y) == "tensor" and y:numel() > WHOLE then
            text = table.concat(told(y), "  ")
        end
        lines[#lines + 1] = "y: " .. text
    end
    return table.concat(lines, "\n")
end

-- ---- Tables of tensors ----

-- How many of a layer's neurons hardly answer, over all examples.
local function saturated(slope)
    local few = slope:detach():abs():lt(SATURATED):to("f64"):mean():item()
    return ("saturated %.0f %%"):format(100 * few)
end

local function add_row(rows, name, x)
    local row = told(x)
    table.insert(row, 1, name)
    rows[#rows + 1] = row
    return row
end

local FIELDS <const> = {"z", "a", "delta", "slope"}

-- The tensors of a layer, then of those that stand in it.
local function add_layer(rows, layer, before)
    local seen = {}
    for _, name in ipairs(FIELDS) do
        local x = rawget(layer, name)
        seen[name] = true
        if given.kind(x) == "tensor" then
            local row = add_row(rows, before .. name, x)
            if name == "slope" and x:numel() > 0 then row[#row + 1] = saturated(x) end
        end
    end
    local rest = {}
    for name, x in next, layer do
        if not seen[name] and given.kind(x) == "tensor" then rest[#rest + 1] = name end
    end
    table.sort(rest, function(a, b) return tostring(a) < tostring(b) end)
    for _, name in ipairs(rest) do add_row(rows, before .. tostring(name), layer[name]) end
    for i = 1, #layer do
        if type(layer[i]) == "table" then
            add_layer(rows, layer[i], ("%s[%d]."):format(before, i))
        end
    end
end

brief["trace layer"] = function(layer)
    local rows = {}
    add_layer(rows, layer, "")
    return aligned(rows)
end
brief["trace input"] = brief["trace layer"]

-- Gradients by layer: a tensor, a table for a block, false where a layer has none.
local function add_gradients(rows, list, before)
    for i = 1, #list do
        local name, x = ("%s[%d]"):format(before, i), rawget(list, i)
        if type(x) == "table" then add_gradients(rows, x, name)
        elseif given.kind(x) == "tensor" then add_row(rows, name, x)
        else rows[#rows + 1] = {name, tostring(x)} end
    end
end

function brief.gradients(list)
    local rows = {}
    add_gradients(rows, list, "")
    return aligned(rows)
end

-- ---- What flows through layers ----

-- The first and the last number of a list by epoch; NaN stands where nobody looked.
local function ends(list, epochs, form)
    local first, last = nil, nil
    for epoch = 1, list and epochs or 0 do
        local value = list[epoch]
        if value == value then first, last = first or value, value end
    end
    if not first then return "" end
    return epochs > 1 and form(first) .. " to " .. form(last) or form(first)
end

local function percent(share)
    return ("%.0f %%"):format(100 * share)
end

local function add_flow(rows, flow, before, epochs)
    for i = 1, #flow do
        local layer = flow[i]
        rows[#rows + 1] = {before .. i, layer.title, ends(layer.delta, epochs, number),
            ends(layer.gradient, epochs, number), ends(layer.saturated, epochs, percent)}
        add_flow(rows, layer, before .. i .. ".", epochs)
    end
end

-- The first and the last epoch; plot(flow) shows all.
function brief.flow(flow)
    if flow.epochs == 0 then return "no whole epoch" end
    local rows = {{"", "layer", "size of δ", "of the gradient", "saturated"}}
    add_flow(rows, flow, "", flow.epochs)
    return aligned(rows)
end

-- Where attention looks: plot(maps) shows it.
function brief.attention(maps)
    local rows = {}
    for i, map in ipairs(maps) do
        rows[i] = {("[%d]"):format(i), map.title, "shares " .. given.shape(map.shares)}
    end
    return aligned(rows)
end

function brief.curvature(curvature)
    return require "nabla.curvature"(curvature)
end

function brief.diagnosis(diagnosis)
    return require "nabla.diagnose.print"(diagnosis)
end

-- The step since when something holds, and where two runs part.
function brief.bisection(found)
    return require "nabla.trainer.found"(found)
end

function brief.comparison(parted)
    return require "nabla.trainer.parted"(parted)
end

-- What a network sees of x.
function brief.scale(scale)
    return ("offset %s\nfactor %s"):format(scale.offset, scale.factor)
end

-- ---- Printing ----

-- The text of a value that prints itself in brief.
return function(value)
    return brief[given.kind(value)](value)
end
