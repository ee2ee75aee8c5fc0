-- A canvas of pixels on which curves are drawn: the same as canvas.lua's, for terminals that take
-- pictures. Its lines are blank and carry the one picture.

local pixels = require "nabla.plot.pixels"
local screen = require "nabla.plot.screen"

local _, nabla = ...

local setmetatable = setmetatable

local curves = {}
curves.__index = curves

local GROUND <const> = {18, 18, 18}
local STROKE <const>, DOT <const> = 0.1, 0.25 -- of a letter's height

function curves.new(columns, rows, way, depth)
    local high, wide = pixels.size({high = rows, wide = columns}, way)
    return setmetatable({
        columns = columns, rows = rows, way = way, depth = depth,
        high = high, wide = wide, letter_high = high / rows, letter_wide = wide / columns,
        drawn = {},
    }, curves)
end

local function colour(series)
    return screen.SERIES[(series - 1) % #screen.SERIES + 1]
end

-- The mark by which a legend names a series, and how many columns it takes.
function curves:mark(series)
    return screen.swatch(2, colour(series), self.depth), 2
end

-- Points joined in their order; at_x and at_y give their shares of the width and, from below, of
-- the height. They lie where the letters' middles are, as the axes' marks do. dots: not joined.
function curves:path(xs, ys, series, at_x, at_y, dots)
    local points, wide, high = {}, self.letter_wide, self.letter_high
    local across, down = self.wide - wide, self.high - high
    for k = 1, #xs do
        points[2 * k - 1] = wide / 2 + at_x(xs[k]) * across
        points[2 * k] = high / 2 + (1 - at_y(ys[k])) * down
    end
    self.drawn[#self.drawn + 1] = {points = points, colour = colour(series), dots = dots,
        width = high * (dots and DOT or STROKE)}
end

function curves:points(xs, ys, series, at_x, at_y)
    self:path(xs, ys, series, at_x, at_y, true)
end

function curves:lines()
    local lines, drawn = {}, self.drawn
    drawn.rows, drawn.columns, drawn.colour = self.high, self.wide, GROUND
    for i = 1, self.rows do lines[i] = "" end
    pixels.add(lines, {row = 1, column = 0, high = self.rows, wide = self.columns,
        rows = self.high, columns = self.wide, bytes = nabla._curves(drawn)})
    return lines
end

return curves
