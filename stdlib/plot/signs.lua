-- Numbers with a sign, from -1 to 1: what is above 0 is solid and blue, what is below it dotted and
-- orange; the size is how much of its cell is filled. So sign and size are read without colours
-- too.

local screen = require "nabla.plot.screen"

local ipairs, math = ipairs, math

local signs = {}

signs.ABOVE, signs.BELOW = {86, 180, 233}, {230, 159, 0}
local NOTHING <const>, NAN <const> = {20, 20, 20}, {128, 128, 128}

-- A quarter, half, three quarters and all of a cell, two columns wide or one.
local SOLID <const> = {{"▖", "▌", "▙", "█"}, {"▗▖", "▐▌", "▟▙", "██"}}
local DOTTED <const> = {{"⠆", "⡇", "⣧", "⣿"}, {"⠰⠆", "⢸⡇", "⣼⣧", "⣿⣿"}}
local LEVELS <const> = 4
local LEAST <const> = 1 / 16 -- of the largest: less is not seen

-- 0 for what is not seen, else 1 to 4; nil of NaN.
local function level_of(share)
    local size = math.abs(share)
    if size ~= size then return nil end
    if size < LEAST then return 0 end
    return math.max(1, math.min(LEVELS, math.floor(size * LEVELS + 0.5)))
end

-- Infinity is no size that fills a cell.
local function infinite(share, wide)
    local sign = screen.is_utf8() and "∞" or "i"
    return wide == 1 and sign or (share > 0 and "+" or "-") .. sign
end

-- The letters of a number in a cell of 1 or 2 columns; without UTF-8 there are two: a sign, and how
-- many quarters.
function signs.cell(share, wide)
    local level = level_of(share)
    if not level then return ("?"):rep(wide) end
    if level == 0 then return (" "):rep(wide) end
    if math.abs(share) == math.huge then return infinite(share, wide) end
    if not screen.is_utf8() then return (share > 0 and "+" or "-") .. level end
    return (share > 0 and SOLID or DOTTED)[wide][level]
end

-- The colour of those letters.
function signs.ink(share)
    if share ~= share then return NAN end
    return share > 0 and signs.ABOVE or signs.BELOW
end

-- The colour of a whole pixel: dark at 0, full at -1 and 1.
function signs.colour(share)
    if not (share - share == 0) then return NAN end
    local to, at, out = signs.ink(share), math.min(1, math.abs(share)), {}
    for i = 1, 3 do out[i] = math.floor(NOTHING[i] + at * (to[i] - NOTHING[i]) + 0.5) end
    return out
end

-- What infinite numbers among these rows look like, as a part of a line; nil where there is none.
function signs.infinite(rows, pixels, depth)
    for _, row in ipairs(rows) do
        for _, value in ipairs(row) do
            if math.abs(value) == math.huge then
                local sign = pixels and screen.swatch(2, NAN, depth) or
                    screen.paint(infinite(value, 2), signs.ink(value), depth)
                return {sign .. " infinite", 11}
            end
        end
    end
end

-- Pixels of what is no number are grey, and said to be: as a part of a line.
function signs.has_nan(rows)
    for _, row in ipairs(rows) do
        for _, value in ipairs(row) do
            if value ~= value then return true end
        end
    end
    return false
end

function signs.nan(depth)
    return {screen.swatch(2, NAN, depth) .. " NaN", 6}
end

-- How narrow a cell can be.
function signs.narrowest()
    return screen.is_utf8() and 1 or 2
end

-- What the largest of either sign look like, as parts of a line. pixels: they are whole pixels.
function signs.legend(largest, pixels, depth)
    local out = {}
    for i, share in ipairs {1, -1} do
        local ink, text = signs.ink(share), ("%.4g"):format(share * largest)
        local sign = pixels and screen.swatch(2, ink, depth) or
            screen.paint(signs.cell(share, 2), ink, depth)
        out[i] = {sign .. " " .. text, 3 + #text}
    end
    return out
end

return signs
