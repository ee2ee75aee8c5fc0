-- Rows of numbers in pixels, a row of letters high each, so that names and other rows stand beside
-- them: cells of a Hinton diagram, or where these would be too small a colour for each number.

local pixels = require "nabla.plot.pixels"
local screen = require "nabla.plot.screen"
local signs = require "nabla.plot.signs"

local math, string, table = math, string, table
local ipairs = ipairs

local cells = {}

local LETTERS <const> = 2 -- columns that a cell takes at most
local SQUARE <const> = 5 -- pixels from which a cell shows a square

-- {wide, across, squares}: columns that a cell takes, which may be less than one, of how many
-- numbers it shows the one of the largest size, and whether its size is a square's.
function cells.plan(numbers, columns, way)
    local room = columns * way.wide
    local side = math.min(LETTERS * way.wide, room // numbers)
    if side < 1 then return {wide = 1 / way.wide, across = math.ceil(numbers / room)} end
    return {wide = side / way.wide, side = side, across = 1,
        squares = math.min(side, way.high) >= SQUARE}
end

local function code(colour)
    return string.char(colour[1], colour[2], colour[3])
end

-- The area of a number's square is its share of the largest; what is no number fills its cell.
local function square_side(share, most)
    if not (share - share == 0) then return most end
    return math.floor(most * math.sqrt(math.min(1, math.abs(share))) + 0.5)
end

-- The lines of pixels of one row: those of a cell are its ground, or pass through its square.
local function row_of_squares(out, row, largest, wide, high)
    local ground, empty, full, from, to = code(signs.colour(0)), {}, {}, {}, {}
    local most = math.min(wide, high) - 1
    for j, value in ipairs(row) do
        local share = largest > 0 and value / largest or value
        local side = square_side(share, most)
        local left = (wide - side) // 2
        local ink = share - share == 0 and signs.ink(share) or signs.colour(share)
        from[j], to[j] = (high - side) // 2, (high - side) // 2 + side
        empty[j] = ground:rep(wide)
        full[j] = ground:rep(left) .. code(ink):rep(side) .. ground:rep(wide - left - side)
    end
    for y = 0, high - 1 do
        local line = {}
        for j = 1, #row do line[j] = (y >= from[j] and y < to[j]) and full[j] or empty[j] end
        out[#out + 1] = table.concat(line)
    end
end

-- Numbers around 0, as shares of the largest: lines of pixels, or a line for each row, and of how
-- many they are.
local function signed(rows, how, largest, way, wide)
    local out = {}
    if how.squares then
        for _, row in ipairs(rows) do row_of_squares(out, row, largest, how.side, way.high) end
        -- What is left of the last letter.
        local rest = code(signs.colour(0)):rep(wide * way.wide - #rows[1] * how.side)
        for i, line in ipairs(out) do out[i] = line .. rest end
        return out, wide * way.wide
    end
    for i, row in ipairs(rows) do
        local line = {}
        for j, value in ipairs(row) do
            line[j] = code(signs.colour(largest > 0 and value / largest or value))
        end
        out[i] = table.concat(line)
    end
    return out, #rows[1]
end

-- Numbers from dark to light; `level` gives a number's, from 0 to 1, nil for what has none.
local function levelled(rows, level)
    local out = {}
    for i, row in ipairs(rows) do
        local line = {}
        for j, value in ipairs(row) do
            local at = level(value)
            line[j] = code(at and screen.heat(at) or signs.colour(0 / 0))
        end
        out[i] = table.concat(line)
    end
    return out, #rows[1]
end

-- Puts rows behind lines, each a line that begins with its name, and cells behind the name; in as
-- many pictures as windows that are filled. `largest`: of numbers around 0; else `level` says how
-- light they are.
function cells.add(out, rows, names, how, way, largest, level)
    local _, window = screen.size()
    local most, column = math.max(1, window - 2), screen.width(names[1])
    local wide = math.ceil(#rows[1] * how.wide - 1e-9)
    for first = 1, #rows, most do
        local part = table.move(rows, first, math.min(first + most - 1, #rows), 1, {})
        local lines, columns
        if largest then lines, columns = signed(part, how, largest, way, wide)
        else lines, columns = levelled(part, level) end
        pixels.add(out, {row = #out + 1, column = column, high = #part, rows = #lines,
            wide = wide, columns = columns, bytes = table.concat(lines)})
        for i = 1, #part do out[#out + 1] = (names[first + i - 1]:gsub(" +$", "")) end
    end
end

return cells
