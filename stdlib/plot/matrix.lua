-- Matrices as pictures in the terminal: images and heat maps in half blocks or shades, confusion
-- matrices in numbers.

local screen = require "nabla.plot.screen"

local math, table, utf8 = math, table, utf8
local ipairs = ipairs

local matrix = {}

local BLOCKS <const> = {" ", "░", "▒", "▓", "█"}
local ASCII <const> = {" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"}

-- Two rows of the picture in a line of letters: the upper half block in one colour, on another.
local function half_blocks(picture)
    local lines = {}
    for i = 1, picture.rows, 2 do
        local line = {}
        for j = 1, picture.columns do
            local upper = screen.code(38, picture.colour(picture.at(i, j)), picture.depth)
            local lower = i < picture.rows and
                ";" .. screen.code(48, picture.colour(picture.at(i + 1, j)), picture.depth) or ""
            line[j] = ("\27[%s%sm▀"):format(upper, lower)
        end
        lines[#lines + 1] = table.concat(line) .. "\27[0m"
    end
    return lines
end

-- One shade for an element, twice, because letters are higher than wide.
local function shades(picture)
    local letters, lines = screen.is_utf8() and BLOCKS or ASCII, {}
    for i = 1, picture.rows do
        local line = {}
        for j = 1, picture.columns do
            local letter = letters[math.floor(picture.at(i, j) * (#letters - 1) + 0.5) + 1]
            line[j] = letter .. letter
        end
        lines[i] = (table.concat(line):gsub(" +$", ""))
    end
    return lines
end

-- picture: {rows, columns, at(i, j) from 0 to 1, colour(level), depth, title, scale}; scale is a
-- line that says what the colours mean.
function matrix.draw(picture)
    local lines
    if screen.is_utf8() and picture.depth then lines = half_blocks(picture)
    else lines = shades(picture) end
    if picture.title then table.insert(lines, 1, picture.title) end
    if picture.scale then lines[#lines + 1] = picture.scale end
    return lines
end

-- From the lowest colour to the highest, with the values at their ends.
function matrix.scale(low, high, colour, depth)
    local steps, parts = 20, {}
    local letters = screen.is_utf8() and BLOCKS or ASCII
    for i = 0, steps - 1 do
        local level = i / (steps - 1)
        if depth and screen.is_utf8() then
            parts[#parts + 1] = screen.paint("█", colour(level), depth)
        else
            parts[#parts + 1] = letters[math.floor(level * (#letters - 1) + 0.5) + 1]
        end
    end
    return ("%.4g %s %.4g"):format(low, table.concat(parts), high)
end

-- ---- Confusion ----

local function width_of(text)
    return utf8.len(text) or #text
end

local function right(text, width)
    return (" "):rep(width - width_of(text)) .. text
end

-- picture: {counts, names, title, depth}: a row for each class that was wanted, a column for each
-- that was answered, and the share of each row that was right.
function matrix.confusion(picture)
    local names, wide = picture.names, 2
    for i, name in ipairs(names) do
        wide = math.max(wide, width_of(name))
        for _, count in ipairs(picture.counts[i]) do
            wide = math.max(wide, #("%d"):format(count))
        end
    end
    local heading = {right("", wide)}
    for i, name in ipairs(names) do heading[i + 1] = right(name, wide) end
    local lines = {table.concat(heading, " ") .. "   right"}
    for i, row in ipairs(picture.counts) do
        local cells, all = {right(names[i], wide)}, 0
        for _, count in ipairs(row) do all = all + count end
        for j, count in ipairs(row) do
            local text = right(count == 0 and "." or ("%d"):format(count), wide)
            local colour = count > 0 and (i == j and screen.SERIES[3] or screen.SERIES[6]) or nil
            cells[j + 1] = screen.paint(text, colour, picture.depth)
        end
        local share = all > 0 and ("%5.1f %%"):format(100 * row[i] / all) or "      -"
        lines[#lines + 1] = table.concat(cells, " ") .. "  " .. share
    end
    if picture.title then table.insert(lines, 1, picture.title) end
    return lines
end

return matrix
