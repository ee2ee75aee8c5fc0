-- Hinton diagrams in the terminal: every number of a matrix as a cell that is filled the more the
-- larger it is, solid above 0 and dotted below, or by a square in pixels (cells.lua). A picture is
-- {matrix, rows, columns, high, shares, title, width, depth, way}: a tensor, the names of its rows
-- and of its columns, or nil, what fills a cell, or nil, and whether the numbers are shares, none
-- of which is below 0.

local cells = require "nabla.plot.cells"
local pictures = require "nabla.plot.pictures"
local screen = require "nabla.plot.screen"
local signs = require "nabla.plot.signs"

local math, table = math, table
local ipairs, tostring = ipairs, tostring

local hinton = {}

hinton.MOST_ROWS = 100 -- of more each stands for several
local NAMES <const> = 12 -- columns that names of rows take at most
local LEAST <const> = 8 -- columns of what is behind them
local EVERY <const> = 5 -- columns between the numbers above

-- The names of rows, shortened, and how wide they are.
local function name_rows(names, count, down)
    local out, wide = {}, 0
    for i = 1, count do
        local first = (i - 1) * down + 1
        local name = names and names[first] or tostring(first)
        out[i] = screen.fit(screen.clean(tostring(name)), NAMES)
        wide = math.max(wide, screen.width(out[i]))
    end
    return out, wide
end

-- {down, across, wide, way}: how many rows and columns a cell stands for, and how wide it is; in
-- pixels, where there is room, as cells.plan says it.
local function plan(picture, columns)
    local rows, numbers = picture.matrix:size(1), picture.matrix:size(2)
    local out = {down = math.ceil(rows / hinton.MOST_ROWS), across = 1, wide = 2}
    local _, margin = name_rows(picture.rows, math.ceil(rows / out.down), out.down)
    local room = math.max(LEAST, columns - margin - 1)
    if picture.way and columns - margin - 1 >= LEAST then
        local how = cells.plan(numbers, room, picture.way)
        how.down, how.way = out.down, picture.way
        return how
    end
    if numbers * 2 > room then out.wide = signs.narrowest() end
    out.across = math.ceil(numbers * out.wide / room)
    return out
end

-- 1, 5, 10, … above their columns.
local function heading(count, how, margin)
    local line = (" "):rep(margin + 1)
    for j = 1, count do
        local number = tostring((j - 1) * how.across + 1)
        local at = margin + 1 + (j - 1) * how.wide // 1
        if (j == 1 or j % EVERY == 0) and at >= #line + (j > 1 and 1 or 0) then
            line = line .. (" "):rep(at - #line) .. number
        end
    end
    return line
end

local function letters(row, how, largest, depth)
    local parts, before = {}, nil
    for j, value in ipairs(row) do
        local share = largest > 0 and value / largest or value
        local cell = signs.cell(share, how.wide)
        local ink = depth and cell:find "[^ ]" and screen.code(38, signs.ink(share), depth)
        if ink and ink ~= before then
            cell, before = "\27[" .. ink .. "m" .. cell, ink
        end
        parts[j] = cell
    end
    return (table.concat(parts):gsub(" +$", "")) .. (before and "\27[0m" or "")
end

-- The largest finite size among rows of numbers.
local function largest_of(rows)
    local most = 0
    for _, row in ipairs(rows) do
        for _, value in ipairs(row) do
            local size = math.abs(value)
            if size > most and size < math.huge then most = size end
        end
    end
    return most
end

-- A line for each row, behind its name.
local function add_rows(out, rows, names, margin, how, largest, picture)
    for i, name in ipairs(names) do names[i] = screen.right(name, margin) .. " " end
    if how.way then
        cells.add(out, rows, names, how, how.way, largest)
        return
    end
    for i, row in ipairs(rows) do
        local line = names[i] .. letters(row, how, largest, picture.depth)
        out[#out + 1] = (line:gsub(" +$", ""))
    end
end

-- What the cells mean.
local function legend(rows, how, largest, picture)
    local whole = how.way ~= nil
    local parts = signs.legend(largest, whole, picture.depth)
    if picture.shares then parts[2] = nil end
    parts[#parts + 1] = signs.infinite(rows, whole, picture.depth)
    if whole and signs.has_nan(rows) then parts[#parts + 1] = signs.nan(picture.depth) end
    if how.down > 1 or how.across > 1 then
        local words = ("each the largest of %d x %d"):format(how.down, how.across)
        parts[#parts + 1] = {words, #words}
    end
    return parts
end

-- Names of columns have no room above cells: they stand before, each behind its number.
local function add_columns(out, names, columns)
    local parts = {}
    for j, name in ipairs(names) do
        local text = screen.fit(j .. " " .. screen.clean(tostring(name)), columns)
        parts[j] = {text, screen.width(text)}
    end
    local lines = screen.flow(parts, columns)
    table.move(lines, 1, #lines, #out + 1, out)
end

-- The picture as a list of lines, the last of which says what the cells mean.
function hinton.draw(picture)
    local out = {}
    if picture.title then out[1] = screen.clean(picture.title) end
    if picture.matrix:numel() == 0 then
        out[#out + 1] = "nothing to draw: no elements"
        return out
    end
    local columns = screen.size()
    columns = math.min(picture.width or columns, picture.way and columns or math.huge)
    if picture.matrix:eq(0):all() then
        out[#out + 1] = "all are 0"
        return out
    end
    local how = plan(picture, columns)
    local rows = pictures.shrunk(picture.matrix, how.down, how.across, true):totable()
    local names, margin = name_rows(picture.rows, #rows, how.down)
    local largest = picture.high or largest_of(rows)
    if picture.columns and how.across == 1 then add_columns(out, picture.columns, columns) end
    if #rows[1] > 1 then out[#out + 1] = heading(#rows[1], how, margin) end
    add_rows(out, rows, names, margin, how, largest, picture)
    local lines = screen.flow(legend(rows, how, largest, picture), columns)
    table.move(lines, 1, #lines, #out + 1, out)
    return out
end

return hinton
