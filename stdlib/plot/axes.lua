-- Axes: ranges, round ticks, their numbers, and the frame around a picture.

local pixels = require "nabla.plot.pixels"
local screen = require "nabla.plot.screen"

local math, table = math, table
local ipairs = ipairs

local axes = {}

-- The least and the largest of the finite numbers; nil where there are none.
function axes.limits(lists)
    local low, high = math.huge, -math.huge
    for _, list in ipairs(lists) do
        for i = 1, #list do
            local value = list[i]
            if value - value == 0 then
                if value < low then low = value end
                if value > high then high = value end
            end
        end
    end
    if low <= high then return low, high end
end

-- Below these a difference is none: of numbers as such, and against their size.
local LEAST_SPAN <const>, LEAST_SHARE <const> = 1e-290, 4e-15
local LARGEST <const> = 1.7e308

-- A range that has a length.
function axes.widen(low, high)
    local size = math.max(math.abs(low), math.abs(high))
    if high - low > math.max(LEAST_SPAN, LEAST_SHARE * size) then return low, high end
    local by = size < LEAST_SPAN and 1 or size / 10
    return math.max(low - by, -LARGEST), math.min(high + by, LARGEST)
end

-- A function that says where on an axis a number stands, from 0 to 1. Half the numbers are taken
-- where their difference would overflow.
function axes.share(low, high)
    local unit = high - low < math.huge and 1 or 0.5
    local from, span = low * unit, high * unit - low * unit
    return function(value) return (value * unit - from) / span end
end

-- The step among 1, 2, 5 times a power of ten that gives at most `most` ticks.
local function round_step(low, high, most)
    local rough = high / most - low / most
    local power = 10 ^ math.floor(math.log(rough, 10))
    for _, factor in ipairs {1, 2, 5, 10} do
        if factor * power >= rough * (1 - 1e-9) then return factor * power end
    end
    return 10 * power
end

-- As few digits as tell the ticks apart; powers of ten where an axis has long numbers. size: the
-- largest on the axis.
local function number(value, step, size)
    local decimals = math.max(0, -math.floor(math.log(step, 10) + 1e-9))
    if math.abs(value) < step / 2 then value = 0 end
    if size < 1e6 and step >= 1e-4 then return ("%." .. decimals .. "f"):format(value) end
    if value == 0 then return "0" end
    local digits = math.ceil(math.log(math.abs(value), 10) - math.log(step, 10) + 1e-9) + 1
    return ("%." .. math.min(17, math.max(1, digits)) .. "g"):format(value)
end

local LEAST_TICKS <const> = 5 -- of a range so wide that its step must be kept from overflowing
local FINEST <const> = 16 -- ticks at most where fewer would leave an axis with one

local function ticks_of_step(low, high, step)
    local out, size = {}, math.max(math.abs(low), math.abs(high))
    for i = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) do
        out[#out + 1] = {value = i * step, text = number(i * step, step, size)}
    end
    return out
end

-- Ticks within a range: a list of {value, text}, about `most` of them and two at least, as one says
-- nothing of what is between. whole: no fractions.
function axes.ticks(low, high, most, whole)
    if not (high - low < math.huge) then most = math.max(LEAST_TICKS, most) end
    local out
    repeat
        local step = round_step(low, high, math.max(1, most))
        out = ticks_of_step(low, high, whole and math.max(1, step) or step)
        most = 2 * most
    until #out > 1 or most > FINEST
    return out
end

-- Ticks of a logarithmic axis, whose range is in powers of ten, at these multiples of each power.
local function multiples(low, high, factors)
    local out = {}
    for power = math.floor(low), math.floor(high + 1e-9) do
        for _, factor in ipairs(factors) do
            local at = power + math.log(factor, 10)
            if at >= low - 1e-9 and at <= high + 1e-9 then
                out[#out + 1] = {value = at, text = ("%.4g"):format(factor * 10.0 ^ power)}
            end
        end
    end
    return out
end

-- Powers of ten, each where there is room; where there are few, multiples between them too.
function axes.powers(low, high, most)
    local first, last = math.ceil(low - 1e-9), math.floor(high + 1e-9)
    if last - first > 1 then
        local step, out = math.max(1, math.ceil((last - first + 1) / most)), {}
        for power = first, last, step do
            out[#out + 1] = {value = power, text = ("1e%d"):format(power)}
        end
        return out
    end
    local out = multiples(low, high, {1, 2, 5})
    if #out < 2 then out = multiples(low, high, {1, 2, 3, 4, 5, 6, 7, 8, 9}) end
    if #out > 1 then return out end
    out = axes.ticks(low, high, most)
    for _, tick in ipairs(out) do tick.text = ("%.6g"):format(10 ^ tick.value) end
    return out
end

-- ---- The frame ----

local SIGNS <const> = {
    [true] = {tick = "┤", side = "│", corner = "└", bottom = "─", mark = "┬"},
    [false] = {tick = "+", side = "|", corner = "+", bottom = "-", mark = "+"},
}

-- How many columns the numbers at the left take.
function axes.margin(ticks)
    local width = 0
    for _, tick in ipairs(ticks) do width = math.max(width, screen.width(tick.text)) end
    return width
end

-- The rows of a canvas with the vertical axis at their left.
local function add_left(out, lines, axis, margin, signs)
    local texts, share = {}, axes.share(axis.low, axis.high)
    for _, tick in ipairs(axis.ticks) do
        texts[math.floor((1 - share(tick.value)) * (#lines - 1) + 0.5) + 1] = tick.text
    end
    for row, line in ipairs(lines) do
        local text = texts[row]
        out[#out + 1] = screen.right(text or "", margin) .. " " ..
            (text and signs.tick or signs.side) .. line
    end
end

-- The horizontal axis and the numbers below it, as many as there is room for.
local function add_bottom(out, columns, axis, margin, signs)
    local line, numbers, free, share = {}, "", -1, axes.share(axis.low, axis.high)
    for i = 1, columns do line[i] = signs.bottom end
    for _, tick in ipairs(axis.ticks) do
        local at = math.floor(share(tick.value) * (columns - 1) + 0.5)
        local width = screen.width(tick.text)
        local start = math.max(0, math.min(at - width // 2, columns + 1 - width))
        if start > free then
            line[at + 1] = signs.mark
            numbers = numbers .. (" "):rep(start - screen.width(numbers)) .. tick.text
            free = start + width
        end
    end
    out[#out + 1] = (" "):rep(margin + 1) .. signs.corner .. table.concat(line)
    out[#out + 1] = (" "):rep(margin + 2) .. numbers
end

-- A picture of lines with both axes: x and y are {low, high, ticks}. margin: columns for the
-- numbers at the left. numbers: whether those below are written.
function axes.frame(lines, columns, x, y, margin, numbers)
    local out, signs = {}, SIGNS[screen.is_utf8()]
    add_left(out, lines, y, margin, signs)
    add_bottom(out, columns, x, margin, signs)
    if not numbers then out[#out] = nil end
    pixels.shift(lines, 0, margin + 2)
    out.pictures = lines.pictures
    return out
end

return axes
