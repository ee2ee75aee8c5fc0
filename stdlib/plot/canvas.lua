-- A canvas of letters on which dots and lines are drawn. With Braille a letter holds 2 x 4 dots;
-- without it, or where series could not be told apart by their colours, a letter is one mark.

local screen = require "nabla.plot.screen"

local math, table, utf8 = math, table, utf8
local setmetatable = setmetatable

local canvas = {}
canvas.__index = canvas

-- A mark for each of the series, told apart without colours too.
local MARKS <const> = "*+xo#@abcdefghijklmnpqrstuvwyzABCDEFGHIJKLMNPQRSTUVWYZ123456789"

-- The bit of each of a Braille letter's dots: left and right of the first row, of the second, …
local BITS <const> = {[0] = 0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80}
local BRAILLE <const> = 0x2800

-- `series`: the numbers of those that are drawn, `most` of the whole picture. depth: of colours,
-- nil for none. marks: a letter for each series, where Braille is none; or nil.
function canvas.new(columns, rows, series, most, depth, marks)
    local braille = screen.is_utf8() and (series == 1 or depth ~= nil and most <= #screen.SERIES)
    return setmetatable({
        columns = columns, rows = rows, depth = depth, braille = braille,
        wide = braille and 2 * columns or columns, high = braille and 4 * rows or rows,
        bits = {}, owner = {}, letters = {}, marks = marks or MARKS,
    }, canvas)
end

local function mark(self, series)
    local at = (series - 1) % #self.marks + 1
    return self.marks:sub(at, at)
end

local function colour(series)
    return screen.SERIES[(series - 1) % #screen.SERIES + 1]
end

-- The mark by which a legend names a series, and how many columns it takes.
function canvas:mark(series)
    local text = self.braille and "━━" or mark(self, series)
    return screen.paint(text, colour(series), self.depth), self.braille and 2 or 1
end

-- A dot: column from 0 to wide - 1, row from 0 (the top) to high - 1.
function canvas:dot(column, row, series)
    local x, y = self.braille and column // 2 or column, self.braille and row // 4 or row
    local cell = y * self.columns + x
    self.owner[cell] = series
    if self.braille then
        self.bits[cell] = (self.bits[cell] or 0) | BITS[row % 4 * 2 + column % 2]
    end
end

-- Whether a series has drawn there.
function canvas:has(column, row, series)
    local x, y = self.braille and column // 2 or column, self.braille and row // 4 or row
    local cell = y * self.columns + x
    if not self.braille then return self.owner[cell] == series end
    return (self.bits[cell] or 0) & BITS[row % 4 * 2 + column % 2] ~= 0
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

-- A line between two dots; whether it has drawn one that was not there. Here and nowhere else a
-- million points may draw fifty million dots, so dot's own lines stand in the loop.
local function join(self, a, b, c, d, series)
    local steps, new = math.max(math.abs(c - a), math.abs(d - b), 1), false
    local owner, bits, columns, braille = self.owner, self.bits, self.columns, self.braille
    for i = 0, steps do
        local share = i / steps
        local x, y = (a + share * (c - a) + 0.5) // 1 | 0, (b + share * (d - b) + 0.5) // 1 | 0
        local cell = braille and (y >> 2) * columns + (x >> 1) or y * columns + x
        local before = braille and bits[cell] or owner[cell] or 0
        local after = braille and before | BITS[(y & 3) << 1 | x & 1] or series
        owner[cell] = series
        if braille then bits[cell] = after end
        new = new or after ~= before
    end
    return new
end

-- A line between two points, given as shares of the canvas; whether it drew anything new.
function canvas:line(x1, y1, x2, y2, series)
    x1, y1, x2, y2 = clip(x1, y1, x2, y2)
    if not x1 then return end
    local a, b = self:place(x1, y1)
    local c, d = self:place(x2, y2)
    return join(self, a, b, c, d, series)
end

function canvas:point(x, y, series)
    if not (x >= 0 and x <= 1 and y >= 0 and y <= 1) then return end
    local column, row = self:place(x, y)
    self:dot(column, row, series)
end

-- Points that nothing joins.
function canvas:points(xs, ys, series, at_x, at_y)
    for k = 1, #xs do self:point(at_x(xs[k]), at_y(ys[k]), series) end
end

-- The dots of a series that stand in one column, from a highest to a lowest row.
local function draw_run(self, run, series)
    for row = run.top, run.bottom do self:dot(run.column, row, series) end
    run.column = nil
end

local STILL <const> = 250 -- lines in a row that drew nothing new: what they cross is full

-- Points joined in their order, a gap where one is not finite; at_x and at_y give their shares of
-- the canvas. Points in one column are one run, and where all is full lines wait for a point at a
-- new place, so that a million points are drawn about as quickly as they are read.
function canvas:path(xs, ys, series, at_x, at_y)
    local run, last_x, last_y, still = {}, nil, nil, 0
    for k = 1, #xs do
        local x, y = at_x(xs[k]), at_y(ys[k])
        local column, row
        if x >= 0 and x <= 1 and y >= 0 and y <= 1 then column, row = self:place(x, y) end
        if column and run.column == column then
            if row < run.top then run.top = row elseif row > run.bottom then run.bottom = row end
        else
            if run.column then draw_run(self, run, series) end
            local fresh = not (column and self:has(column, row, series))
            if last_x and x - x == 0 and y - y == 0 and (fresh or still < STILL) then
                still = self:line(last_x, last_y, x, y, series) and 0 or still + 1
            end
            run.column, run.top, run.bottom = column, row, row
        end
        if x - x == 0 and y - y == 0 then last_x, last_y = x, y else last_x = nil end
    end
    if run.column then draw_run(self, run, series) end
end

-- A letter of its own in the cell of a dot, over whatever is drawn there.
function canvas:put(column, row, text)
    local x, y = self.braille and column // 2 or column, self.braille and row // 4 or row
    self.letters[y * self.columns + x] = text
end

-- The letter of a cell, without its colour.
local function letter(self, cell)
    if self.letters[cell] then return self.letters[cell] end
    local series = self.owner[cell]
    if not series then return " " end
    return self.braille and utf8.char(BRAILLE + self.bits[cell]) or mark(self, series)
end

-- The cells of a row as text, each colour said where it begins; blanks at the end are left out.
local function row_text(self, row)
    local parts, last, before = {}, 0, nil
    for x = 0, self.columns - 1 do
        local cell = row * self.columns + x
        local own = self.letters[cell]
        local series = not own and self.owner[cell] or nil
        local begin = ""
        if series and self.depth and series ~= before then
            begin = "\27[" .. screen.code(38, colour(series), self.depth) .. "m"
            before = series
        elseif own and before then
            begin, before = "\27[0m", nil
        end
        parts[x + 1] = begin .. letter(self, cell)
        if series or own then last = x + 1 end
    end
    return table.concat(parts, "", 1, last) .. (before and "\27[0m" or "")
end

-- The rows as text, from the top.
function canvas:lines()
    local lines = {}
    for y = 1, self.rows do lines[y] = row_text(self, y - 1) end
    return lines
end

return canvas
