-- Series of points as lines in the terminal: a picture is {panels, title, xlabel, ylabel, low,
-- high, log, xlog, xticks, points, whole, width, height, depth, way}, a panel {series, label, log},
-- a series {x, y, label, number} with lists of numbers; xticks is a list of {value, text}. Panels
-- stand below each other on one horizontal axis, each with a vertical one of its own; low, high and
-- ylabel are the first one's, and the picture's log.

local axes = require "nabla.plot.axes"
local canvas = require "nabla.plot.canvas"
local curves = require "nabla.plot.curves"
local pixels = require "nabla.plot.pixels"
local screen = require "nabla.plot.screen"

local math, table = math, table
local ipairs = ipairs

local lines = {}

local TALLEST <const>, LEAST_WIDE <const>, LEAST_HIGH <const> = 20, 8, 5
local AROUND <const> = 6 -- rows of a window that are no part of the canvas: axes, legend, prompt
local COLUMNS_A_TICK <const>, ROWS_A_TICK <const> = 12, 3

-- All numbers of one axis; on a logarithmic one their powers of ten, without what has none.
local function gather(series, axis, log)
    local lists = {}
    for i, of in ipairs(series) do
        if not log then
            lists[i] = of[axis]
        else
            local list = {}
            for k, value in ipairs(of[axis]) do
                list[k] = value > 0 and math.log(value, 10) or 0 / 0
            end
            lists[i] = list
        end
    end
    return lists
end

-- The ends of a vertical axis: as asked, else those of the numbers; nil where there are none.
local function ends(ys, picture, log)
    local low, high = axes.limits(ys)
    if not low then return nil end
    local function asked(value) return value and (log and math.log(value, 10) or value) end
    low, high = asked(picture.low) or low, asked(picture.high) or high
    -- One end was asked for, and all numbers lie beyond it.
    if not (low < high) then
        if picture.low then high = low else low = high end
    end
    return axes.widen(low, high)
end

-- What a panel needs to be drawn: lists of its numbers and its vertical axis.
local function measure(panel, picture, first, height)
    local log = panel.log or first and picture.log
    local out = {panel = panel, ys = gather(panel.series, "y", log), axis = {},
        xs = gather(panel.series, "x", picture.xlog)}
    local axis = out.axis
    axis.low, axis.high = ends(out.ys, first and picture or {}, log)
    if not axis.low then return nil end
    local make = log and axes.powers or axes.ticks
    axis.ticks = make(axis.low, axis.high, math.max(2, height // ROWS_A_TICK))
    return out
end

local function draw_panel(part, picture, x, c)
    local at_x, at_y = axes.share(x.low, x.high), axes.share(part.axis.low, part.axis.high)
    for i, series in ipairs(part.panel.series) do
        local xs, ys = part.xs[i], part.ys[i]
        local draw = picture.points and c.points or c.path
        draw(c, xs, ys, series.number, at_x, at_y)
    end
    return c:lines()
end

-- What stands above a panel: the name of its axis, if any, and which mark is which series.
local function legend(panel, title, c, columns)
    local parts = {}
    local function add(text, mark, wide)
        local room = columns - (mark and 3 or 0)
        text = screen.fit(screen.clean(text), math.max(1, room))
        local width = screen.width(text) + (mark and wide + 1 or 0)
        parts[#parts + 1] = {mark and mark .. " " .. text or text, width}
    end
    if title then add(title) end
    for _, series in ipairs(panel.series) do
        if series.label then add(series.label, c:mark(series.number)) end
    end
    return screen.flow(parts, columns)
end

-- The measured panels that have numbers, how high each is, and the horizontal axis.
local function plan(picture, rows)
    local count, parts, xs = #picture.panels, {}, {}
    local room = picture.height or math.max(LEAST_HIGH, math.min(TALLEST, rows - AROUND))
    local height = count == 1 and room or math.max(LEAST_HIGH, (room - 2 * count + 2) // count)
    for i, panel in ipairs(picture.panels) do
        local part = measure(panel, picture, i == 1, height)
        if part then
            parts[#parts + 1] = part
            for _, list in ipairs(part.xs) do xs[#xs + 1] = list end
        end
    end
    local x = {}
    x.low, x.high = axes.limits(xs)
    if not x.low then return {} end
    x.low, x.high = axes.widen(x.low, x.high)
    return parts, height, x
end

-- What is written below the horizontal axis.
local function ticks_below(x, picture, most)
    if picture.xticks then return picture.xticks end
    if picture.xlog then return axes.powers(x.low, x.high, most) end
    return axes.ticks(x.low, x.high, most, picture.whole)
end

-- How many series there are to be told apart: some stand in several panels.
local function total(panels)
    local count = 0
    for _, panel in ipairs(panels) do
        for _, one in ipairs(panel.series) do count = math.max(count, one.number) end
    end
    return count
end

-- In pixels where the window has room for them.
local function new_canvas(picture, part, width, height, margin)
    if picture.way and pixels.fits(height, width + margin + 3) then
        return curves.new(width, height, picture.way, picture.depth)
    end
    return canvas.new(width, height, #part.panel.series, total(picture.panels), picture.depth)
end

-- The picture as a list of lines.
function lines.draw(picture)
    local columns, rows = screen.size()
    columns = picture.width or columns
    local parts, height, x = plan(picture, rows)
    if #parts == 0 then return {"nothing to draw: no finite numbers"} end
    local margin, out = 0, {}
    for _, part in ipairs(parts) do margin = math.max(margin, axes.margin(part.axis.ticks)) end
    local width = math.max(LEAST_WIDE, columns - margin - 3)
    x.ticks = ticks_below(x, picture, math.max(2, width // COLUMNS_A_TICK))
    if picture.title then out[1] = screen.clean(picture.title) end
    for i, part in ipairs(parts) do
        local c = new_canvas(picture, part, width, height, margin)
        local above = legend(part.panel, i == 1 and picture.ylabel or part.panel.label, c, columns)
        local drawn = axes.frame(draw_panel(part, picture, x, c), width, x, part.axis, margin,
            i == #parts)
        table.move(above, 1, #above, #out + 1, out)
        pixels.append(out, drawn)
    end
    if picture.xlabel then
        local label = screen.clean(picture.xlabel)
        local at = math.max(0, (screen.width(out[#out]) - screen.width(label)) // 2)
        out[#out + 1] = (" "):rep(at) .. label
    end
    return out
end

return lines
