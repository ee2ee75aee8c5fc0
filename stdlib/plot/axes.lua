-- Axes: ranges, round ticks, their numbers, and the frame around a picture.

local screen = require "nabla.plot.screen"

local math, table, utf8 = math, table, utf8
local ipairs = ipairs

local axes = {}

-- The least and the largest of the finite numbers; nil where there are none.
function axes.limits(lists)
    local low, high = math.huge, -math.huge
    for _, list in ipairs(lists) do
        for i = 1, #list do
            local value = list[i]
            if value > -math.huge and value < math.huge then
                low, high = math.min(low, value), math.max(high, value)
            end
        end
    end
    if low <= high then return low, high end
end

-- A range that has a length.
function axes.widen(low, high)
    if high > low then return low, high end
    local by = low == 0 and 1 or math.abs(low) / 10
    return low - by, high + by
end

-- The step among 1, 2, 5 times a power of ten that gives at most `most` ticks.
local function round_step(span, most)
    local rough = span / most
    local power = 10 ^ math.floor(math.log(rough, 10))
    for _, factor in ipairs {1, 2, 5, 10} do
        if factor * power >= rough * (1 - 1e-9) then return factor * power end
    end
end

-- As few decimals as tell the ticks apart; powers of ten where the numbers are long.
local function number(value, step)
    local size = math.max(math.abs(value), step)
    if size >= 1e6 or size < 1e-4 then
        local text = ("%.6g"):format(math.abs(value) < step / 2 and 0 or value)
        return text
    end
    local decimals = math.max(0, -math.floor(math.log(step, 10) + 1e-9))
    local text = ("%." .. decimals .. "f"):format(value)
    return (text:gsub("^%-(0%.?0*)$", "%1"))
end

-- Ticks within a range: a list of {value, text}, at most `most` of them.
function axes.ticks(low, high, most)
    local step, out = round_step(high - low, math.max(1, most)), {}
    local first = math.ceil(low / step - 1e-9)
    for i = first, math.floor(high / step + 1e-9) do
        out[#out + 1] = {value = i * step, text = number(i * step, step)}
    end
    return out
end

-- Ticks of a logarithmic axis, whose range is in powers of ten; every one where there is room.
function axes.powers(low, high, most)
    local first, last = math.ceil(low - 1e-9), math.floor(high + 1e-9)
    if last - first < 1 then
        local out = axes.ticks(low, high, most)
        for _, tick in ipairs(out) do tick.text = ("%.3g"):format(10 ^ tick.value) end
        return out
    end
    local step, out = math.max(1, math.ceil((last - first + 1) / most)), {}
    for power = first, last, step do
        out[#out + 1] = {value = power, text = ("1e%d"):format(power)}
    end
    return out
end

-- ---- The frame ----

local SIGNS <const> = {
    [true] = {tick = "┤", side = "│", corner = "└", bottom = "─", mark = "┬"},
    [false] = {tick = "+", side = "|", corner = "+", bottom = "-", mark = "+"},
}

local function width_of(text)
    return utf8.len(text) or #text
end

local function padded(text, width)
    return (" "):rep(width - width_of(text)) .. text
end

-- How many columns the numbers at the left take.
function axes.margin(ticks)
    local width = 0
    for _, tick in ipairs(ticks) do width = math.max(width, width_of(tick.text)) end
    return width
end

-- The rows of a canvas with the vertical axis at their left.
local function add_left(out, lines, ticks, low, high, margin, signs)
    local texts = {}
    for _, tick in ipairs(ticks) do
        local share = (tick.value - low) / (high - low)
        texts[math.floor((1 - share) * (#lines - 1) + 0.5) + 1] = tick.text
    end
    for row, line in ipairs(lines) do
        local text = texts[row]
        out[#out + 1] = padded(text or "", margin) .. " " ..
            (text and signs.tick or signs.side) .. line
    end
end

-- The horizontal axis and the numbers below it, as many as there is room for.
local function add_bottom(out, columns, ticks, low, high, margin, signs)
    local line, numbers, free = {}, "", -1
    for i = 1, columns do line[i] = signs.bottom end
    for _, tick in ipairs(ticks) do
        local at = math.floor((tick.value - low) / (high - low) * (columns - 1) + 0.5)
        local width = width_of(tick.text)
        local start = math.max(0, at - width // 2)
        if start > free then
            line[at + 1] = signs.mark
            numbers = numbers .. (" "):rep(start - width_of(numbers)) .. tick.text
            free = start + width
        end
    end
    out[#out + 1] = (" "):rep(margin + 1) .. signs.corner .. table.concat(line)
    out[#out + 1] = (" "):rep(margin + 2) .. numbers
end

-- A picture of lines with both axes: x and y are {low, high, ticks}.
function axes.frame(lines, columns, x, y)
    local out, signs = {}, SIGNS[screen.is_utf8()]
    local margin = axes.margin(y.ticks)
    add_left(out, lines, y.ticks, y.low, y.high, margin, signs)
    add_bottom(out, columns, x.ticks, x.low, x.high, margin, signs)
    return out
end

return axes
