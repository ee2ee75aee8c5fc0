-- Pictures in pixels among lines of text. Lines that have some leave blanks for them and carry a
-- list: lines.pictures = {{row, column, high, wide, rows, columns, bytes}, …}: where each begins,
-- row from 1 and column from 0, and its size, in letters; its elements, and three bytes for each of
-- them. A way is {name, wide, high}: who takes them, and how many pixels a letter has.

local screen = require "nabla.plot.screen"

local _, nabla = ...

local math, table = math, table
local ipairs = ipairs

local pixels = {}

local LEAST_ROWS <const>, LEAST_COLUMNS <const> = 4, 8 -- of a window
-- What src/io/picture/way.h takes at most.
local SIDE <const>, MOST <const> = 2 ^ 14, 2 ^ 24

-- The way that pictures take now; nil where letters show them.
function pixels.way()
    local name, wide, high = nabla._pictures()
    if not name then return nil end
    local columns, rows, window = screen.size()
    if not window or rows < LEAST_ROWS or columns < LEAST_COLUMNS then return nil end
    return {name = name, wide = wide, high = high}
end

-- Whether so many rows and columns are less than the window, so that a picture has its place there.
function pixels.fits(high, wide)
    local columns, rows = screen.size()
    return high + 1 < rows and wide <= columns
end

-- Puts lines behind others, with their pictures; with so many blanks before them.
function pixels.append(out, lines, indent)
    local before, blanks = #out, (" "):rep(indent or 0)
    for i, line in ipairs(lines) do out[before + i] = (blanks .. line):gsub(" +$", "") end
    for _, picture in ipairs(lines.pictures or {}) do
        picture.row, picture.column = picture.row + before, picture.column + #blanks
        pixels.add(out, picture)
    end
end

function pixels.add(out, picture)
    out.pictures = out.pictures or {}
    table.insert(out.pictures, picture)
end

-- The pictures of lines that are moved down or to the right.
function pixels.shift(lines, rows, columns)
    for _, picture in ipairs(lines.pictures or {}) do
        picture.row, picture.column = picture.row + rows, picture.column + columns
    end
end

-- How many pixels high and wide a picture is: as many as its letters have, where that may be.
function pixels.size(picture, way)
    local high, wide = picture.high * way.high, picture.wide * way.wide
    local by = math.min(1, SIDE / high, SIDE / wide, (MOST / (high * wide)) ^ 0.5)
    return math.max(1, math.floor(high * by)), math.max(1, math.floor(wide * by))
end

-- From the line below the picture there, and back.
local function place(picture, way)
    local high, wide = pixels.size(picture, way)
    local shown = nabla._picture(way.name, picture.bytes, picture.rows, picture.columns, high, wide,
        picture.high, picture.wide)
    local right = picture.column > 0 and ("\27[%dC"):format(picture.column) or ""
    return ("\0277\27[%dA"):format(picture.high) .. right .. shown .. "\0278"
end

-- Lines and their pictures as one text. A picture is put in its place when its last line stands and
-- one more, so that the window need not scroll for it: no picture is as high as the window.
function pixels.compose(lines, way)
    local ends, parts = {}, {}
    for _, picture in ipairs(lines.pictures or {}) do
        local last = picture.row + picture.high - 1
        ends[last] = ends[last] or {}
        table.insert(ends[last], picture)
    end
    for i, line in ipairs(lines) do
        parts[#parts + 1] = i > 1 and "\n" .. line or line
        if ends[i] then
            parts[#parts + 1] = "\n"
            for _, picture in ipairs(ends[i]) do parts[#parts + 1] = place(picture, way) end
            parts[#parts + 1] = "\27[A"
        end
    end
    return table.concat(parts)
end

return pixels
