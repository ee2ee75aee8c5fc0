-- plot: pictures in the terminal.

local _, nabla = ...

-- Of its own, because at a prompt a global soon has another value.
local math, os, table = math, os, table
local error, getmetatable, ipairs, pairs, tostring, type =
    error, getmetatable, ipairs, pairs, tostring, type

local plot = {}

-- ---- What the terminal shows ----

local function is_utf8()
    for _, name in ipairs {"LC_ALL", "LC_CTYPE", "LANG"} do
        local value = os.getenv(name)
        if value and value ~= "" then return value:lower():find("utf%-?8") ~= nil end
    end
    return false
end

-- "full" (24 bits), "256", or nil for none. Text that is not printed on a terminal has no colours.
local function colours()
    local no = os.getenv("NO_COLOR")
    local term = os.getenv("TERM") or ""
    if no and no ~= "" or term == "" or term == "dumb" or not nabla._terminal() then return nil end
    local depth = os.getenv("COLORTERM") or ""
    if depth == "truecolor" or depth == "24bit" then return "full" end
    return term:find("256color", 1, true) and "256" or nil
end

-- ---- Shades ----

-- A grey, from 0 to 1, as the middle of an escape sequence; place 38 is the letter, 48 what is
-- behind it.
local function grey(place, level, depth)
    if depth == "full" then
        local value = math.floor(level * 255 + 0.5)
        return ("%d;2;%d;%d;%d"):format(place, value, value, value)
    end
    return ("%d;5;%d"):format(place, 232 + math.floor(level * 23 + 0.5))
end

-- Two rows of the picture in a line of letters: the upper half block in one grey, on another.
local function half_blocks(at, rows, columns, depth)
    local lines = {}
    for i = 1, rows, 2 do
        local line = {}
        for j = 1, columns do
            local upper = grey(38, at(i, j), depth)
            local lower = i < rows and ";" .. grey(48, at(i + 1, j), depth) or ""
            line[j] = ("\27[%s%sm▀"):format(upper, lower)
        end
        lines[#lines + 1] = table.concat(line) .. "\27[0m"
    end
    return lines
end

-- One shade for an element, twice, because letters are higher than wide.
local function shades(at, rows, columns, letters)
    local lines = {}
    for i = 1, rows do
        local line = {}
        for j = 1, columns do
            local letter = letters[math.floor(at(i, j) * (#letters - 1) + 0.5) + 1]
            line[j] = letter .. letter
        end
        lines[i] = (table.concat(line):gsub(" +$", ""))
    end
    return lines
end

local BLOCKS = {" ", "░", "▒", "▓", "█"}
local ASCII = {" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"}

-- ---- Pictures ----

local OPTIONS = {
    {name = "low", text = "the value that is black", standard = "the smallest"},
    {name = "high", text = "the value that is white", standard = "the largest"},
    {name = "text", text = "return the picture and print nothing", standard = "false"},
}

local function check_options(options)
    for name, value in pairs(options) do
        local known = false
        for _, option in ipairs(OPTIONS) do known = known or option.name == name end
        if not known then
            local message = "plot.image has no option '%s'; it has low, high and text"
            error(message:format(tostring(name)), 3)
        end
        local wanted = name == "text" and "boolean" or "number"
        if type(value) ~= wanted then
            error(("%s must be a %s, not %s"):format(name, wanted, tostring(value)), 3)
        end
    end
end

-- A matrix of x: itself, or a square of its elements.
local function as_matrix(x)
    if x:dim() == 2 then return x end
    local side = math.floor(math.sqrt(x:numel()) + 0.5)
    if x:dim() ~= 1 or side * side ~= x:numel() then
        local shape = x:dim() == 0 and "a number" or table.concat(x.shape, "x")
        local message = "plot.image takes a matrix, or a row with a square number of elements, not "
        error(message .. shape, 3)
    end
    return x:reshape(side, side)
end

-- The least and the largest number of a table of rows, those that are finite.
local function limits(rows)
    local low, high = math.huge, -math.huge
    for _, row in ipairs(rows) do
        for _, value in ipairs(row) do
            if value > -math.huge and value < math.huge then
                low, high = math.min(low, value), math.max(high, value)
            end
        end
    end
    return low, high
end

-- A function of row and column that gives how light the element is, 0 to 1; NaN is black.
local function lightness(rows, options)
    local low, high = limits(rows)
    low, high = options.low or low, options.high or high
    local span = high - low
    return function(i, j)
        local value = rows[i][j]
        if not (span > 0) then return value > 0 and 1 or 0 end
        local level = (value - low) / span
        return level > 0 and math.min(level, 1) or 0
    end
end

function plot.image(x, options)
    options = options or {}
    if type(options) ~= "table" then error("options of plot.image must be a table", 2) end
    local meta = getmetatable(x)
    if type(x) ~= "userdata" or not meta or meta.__name ~= "nabla.tensor" then
        error("plot.image takes a tensor, not " .. (x == nil and "nil" or "a " .. type(x)), 2)
    end
    check_options(options)
    local rows = as_matrix(x):totable()
    local height, width = #rows, rows[1] and #rows[1] or 0
    local at, depth = lightness(rows, options), colours()
    local lines
    if is_utf8() and depth and not options.text then lines = half_blocks(at, height, width, depth)
    else lines = shades(at, height, width, is_utf8() and BLOCKS or ASCII) end
    local text = table.concat(lines, "\n")
    if options.text then return text end
    print(text)
end

nabla._help.doc(plot.image, {
    name = "plot.image", kind = "function", usage = "plot.image(x, {low, high, text})",
    text = "Shows a matrix, or a row with a square number of elements, as a picture: small " ..
        "values dark, large ones light.",
    options = OPTIONS,
    example = "plot.image(tensor.eye(4), {low = 0, high = 1})",
})

nabla._help.doc(plot, {
    name = "plot", kind = "module",
    text = "Pictures of tensors in the terminal.",
    example = "plot.image(tensor.rand(8, 8, {seed = 1}))",
})

return plot
