-- A canvas of letters on which dots and lines are drawn. With Braille a letter holds 2 x 4 dots;
-- without it, or where series could not be told apart by their colours, a letter is one mark.

local screen = require "nabla.plot.screen"

local math, table, utf8 = math, table, utf8
local setmetatable = setmetatable

local canvas = {}
canvas.__index = canvas

local MARKS <const> = {"*", "+", "x", "o", "#", "@"}

-- The bit of each of a Braille letter's dots, by row and column.
local BITS <const> = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}
local BRAILLE <const> = 0x2800

-- `series`: how many will be drawn. depth: of colours, nil for none.
function canvas.new(columns, rows, series, depth)
    local braille = screen.is_utf8() and (series == 1 or depth ~= nil)
    return setmetatable({
        columns = columns, rows = rows, depth = depth, braille = braille,
        wide = braille and 2 * columns or columns, high = braille and 4 * rows or rows,
        bits = {}, owner = {},
    }, canvas)
end

-- The mark by which a legend names a series.
function canvas:mark(series)
    local colour = screen.SERIES[(series - 1) % #screen.SERIES + 1]
    if self.braille then return screen.paint("━━", colour, self.depth) end
    return MARKS[(series - 1) % #MARKS + 1]
end

-- A dot: column from 0 to wide - 1, row from 0 (the top) to high - 1.
function canvas:dot(column, row, series)
    local x, y = self.braille and column // 2 or column, self.braille and row // 4 or row
    local cell = y * self.columns + x
    self.owner[cell] = series
    if self.braille then
        self.bits[cell] = (self.bits[cell] or 0) | BITS[row % 4 + 1][column % 2 + 1]
    end
end

-- Where a share of the width and of the height, from the bottom, falls.
function canvas:place(x, y)
    return math.floor(x * (self.wide - 1) + 0.5), math.floor((1 - y) * (self.high - 1) + 0.5)
end

-- The part of a line that lies within 0 … 1 both ways (Liang and Barsky 1984); nil: none.
local function clip(x1, y1, x2, y2)
    local from, to = 0, 1
    local dx, dy = x2 - x1, y2 - y1
    local function cut(step, room)
        if step == 0 then return room >= 0 end
        local at = room / step
        if step < 0 then from = math.max(from, at) else to = math.min(to, at) end
        return from <= to
    end
    if not (cut(-dx, x1) and cut(dx, 1 - x1) and cut(-dy, y1) and cut(dy, 1 - y1)) then return end
    return x1 + from * dx, y1 + from * dy, x1 + to * dx, y1 + to * dy
end

-- A line between two points, given as shares of the canvas.
function canvas:line(x1, y1, x2, y2, series)
    x1, y1, x2, y2 = clip(x1, y1, x2, y2)
    if not x1 then return end
    local a, b = self:place(x1, y1)
    local c, d = self:place(x2, y2)
    local steps = math.max(math.abs(c - a), math.abs(d - b))
    for i = 0, steps do
        local share = steps == 0 and 0 or i / steps
        self:dot(math.floor(a + share * (c - a) + 0.5), math.floor(b + share * (d - b) + 0.5),
            series)
    end
end

function canvas:point(x, y, series)
    if not (x >= 0 and x <= 1 and y >= 0 and y <= 1) then return end
    local column, row = self:place(x, y)
    self:dot(column, row, series)
end

-- The letter of a cell, without its colour.
local function letter(self, cell)
    local series = self.owner[cell]
    if not series then return " " end
    if not self.braille then return MARKS[(series - 1) % #MARKS + 1] end
    return utf8.char(BRAILLE + self.bits[cell])
end

-- The rows as text, from the top; blanks at their ends are left out.
function canvas:lines()
    local lines = {}
    for y = 0, self.rows - 1 do
        local parts, last = {}, 0
        for x = 0, self.columns - 1 do
            local cell = y * self.columns + x
            local series = self.owner[cell]
            local colour = series and screen.SERIES[(series - 1) % #screen.SERIES + 1]
            parts[x + 1] = screen.paint(letter(self, cell), self.braille and colour, self.depth)
            if series then last = x + 1 end
        end
        lines[y + 1] = table.concat(parts, "", 1, last)
    end
    return lines
end

return canvas
