-- Series of points as lines in the terminal: a picture is {series, title, xlabel, ylabel, low,
-- high, log, points, width, height}, a series {x, y, label} with lists of numbers.

local axes = require "nabla.plot.axes"
local canvas = require "nabla.plot.canvas"
local screen = require "nabla.plot.screen"

local math, table, utf8 = math, table, utf8
local ipairs = ipairs

local lines = {}

local TALLEST <const>, LEAST_WIDE <const>, LEAST_HIGH <const> = 20, 20, 5
local AROUND <const> = 6 -- rows of a window that are no part of the canvas: axes, legend, prompt
local COLUMNS_A_TICK <const>, ROWS_A_TICK <const> = 12, 3

-- All numbers of one axis; on a logarithmic one their powers of ten, without what has none.
local function gather(series, axis, log)
    local lists = {}
    for i, of in ipairs(series) do
        local list = {}
        for k, value in ipairs(of[axis]) do
            list[k] = not log and value or (value > 0 and math.log(value, 10) or 0 / 0)
        end
        lists[i] = list
    end
    return lists
end

local function draw(picture, c, xs, ys, x, y)
    for i in ipairs(picture.series) do
        local before
        for k, value in ipairs(xs[i]) do
            local at = {(value - x.low) / (x.high - x.low), (ys[i][k] - y.low) / (y.high - y.low)}
            local there = at[1] == at[1] and at[2] == at[2]
            if there then c:point(at[1], at[2], i) end
            if there and before and not picture.points then
                c:line(before[1], before[2], at[1], at[2], i)
            end
            before = there and at
        end
    end
end

local function legend(picture, c)
    local parts = {}
    for i, series in ipairs(picture.series) do
        if series.label then parts[#parts + 1] = c:mark(i) .. " " .. series.label end
    end
    return #parts > 0 and table.concat(parts, "   ") or nil
end

-- Titles of the picture and of its axes stand in lines of their own: "cost" above, "epoch" below.
local function add_titles(out, picture, key)
    local names = {}
    if picture.ylabel then names[#names + 1] = picture.ylabel end
    if key then names[#names + 1] = key end
    if #names > 0 then table.insert(out, 1, table.concat(names, "   ")) end
    if picture.title then table.insert(out, 1, picture.title) end
    if picture.xlabel then
        local width = utf8.len(out[#out]) or #out[#out]
        out[#out + 1] = (" "):rep(math.max(0, (width - #picture.xlabel) // 2)) .. picture.xlabel
    end
end

-- The picture as a list of lines.
function lines.draw(picture)
    local columns, rows = screen.size()
    local ys = gather(picture.series, "y", picture.log)
    local xs = gather(picture.series, "x")
    local x, y = {}, {}
    x.low, x.high = axes.limits(xs)
    y.low, y.high = axes.limits(ys)
    if not (x.low and y.low) then return {"nothing to draw: no finite numbers"} end
    if picture.low then y.low = picture.log and math.log(picture.low, 10) or picture.low end
    if picture.high then y.high = picture.log and math.log(picture.high, 10) or picture.high end
    x.low, x.high = axes.widen(x.low, x.high)
    y.low, y.high = axes.widen(y.low, y.high)
    local height = picture.height or math.max(LEAST_HIGH, math.min(TALLEST, rows - AROUND))
    local make = picture.log and axes.powers or axes.ticks
    y.ticks = make(y.low, y.high, math.max(2, height // ROWS_A_TICK))
    local width = math.max(LEAST_WIDE, (picture.width or columns) - axes.margin(y.ticks) - 3)
    x.ticks = axes.ticks(x.low, x.high, math.max(2, width // COLUMNS_A_TICK))
    local c = canvas.new(width, height, #picture.series, picture.depth)
    draw(picture, c, xs, ys, x, y)
    local out = axes.frame(c:lines(), width, x, y)
    add_titles(out, picture, legend(picture, c))
    return out
end

return lines
