-- plot: pictures of tensors and histories, in the terminal or in files. This file reads what it is
-- given and makes a plain picture of it; its parts, which are loaded when they are needed, draw.

local _, nabla = ...

-- Of its own, because at a prompt a global soon has another value.
local math, table = math, table
local error, getmetatable, ipairs, pairs, pcall, rawget, require, setmetatable, tostring, type =
    error, getmetatable, ipairs, pairs, pcall, rawget, require, setmetatable, tostring, type

local plot = {}

-- ---- What is given ----

local function kind_of(x)
    local name = (debug and debug.getmetatable or getmetatable)(x)
    name = type(name) == "table" and rawget(name, "__name")
    return type(name) == "string" and name:match "^nabla%.(.+)$" or type(x)
end

-- A value in the words of a message: "a network", "nil", "'x'".
local function describe(x)
    if type(x) == "string" then return "'" .. x .. "'" end
    if x == nil or type(x) == "number" or type(x) == "boolean" then return tostring(x) end
    local kind = kind_of(x)
    return (kind:find "^[aeiou]" and "an " or "a ") .. kind
end

-- Raises an error at the line that called the function `level` calls up.
local function refuse(message, level)
    error(message, level + 1)
end

local COMMON <const> = {
    {name = "title", text = "a line above the picture", kind = "string"},
    {name = "file", text = "draw into this file, .svg, .png or .pdf, with gnuplot",
        kind = "string"},
    {name = "text", text = "return the picture and print nothing", kind = "boolean",
        standard = "false"},
}
local SIZES <const> = {
    {name = "width", text = "columns of the picture", kind = "number", standard = "the window's"},
    {name = "height", text = "rows of the picture", kind = "number", standard = "by the window"},
}

local function options_of(...)
    local out = {}
    for _, list in ipairs {...} do table.move(list, 1, #list, #out + 1, out) end
    return out
end

-- The options that a function knows, checked; level 1 is who called that function.
local function check_options(name, list, options)
    if options == nil then return {} end
    if type(options) ~= "table" then
        refuse(("options of %s must be a table, not %s"):format(name, describe(options)), 3)
    end
    for key, value in pairs(options) do
        local known
        for _, option in ipairs(list) do known = option.name == key and option or known end
        if not known then
            local names = {}
            for i, option in ipairs(list) do names[i] = option.name end
            refuse(("%s has no option '%s'; it has %s"):format(name, tostring(key),
                table.concat(names, ", ")), 3)
        end
        local fits = type(value) == known.kind and value == value
        if not fits then
            local message = "%s: %s must be a %s, not %s"
            refuse(message:format(name, key, known.kind, describe(value)), 3)
        end
    end
    return options
end

-- Numbers of a list or of a tensor of one dimension, as a list.
local function numbers_of(x)
    if kind_of(x) == "tensor" then return x:dim() == 1 and x:totable() or nil end
    if type(x) ~= "table" or #x == 0 then return nil end
    for i = 1, #x do
        if type(x[i]) ~= "number" then return nil end
    end
    return x
end

local function counted(n)
    local out = {}
    for i = 1, n do out[i] = i end
    return out
end

-- ---- Showing ----

-- Draws a picture of a kind and prints it, or does what the options say instead.
local function show(kind, picture, options, draw)
    picture.title = options.title
    if options.file then
        local write = require("nabla.plot.gnuplot").write
        local fine, message = pcall(write, kind, picture, options.file)
        if not fine then refuse(message, 2) end
        return
    end
    picture.depth = not options.text and require("nabla.plot.screen").colours() or nil
    local text = table.concat(draw(picture), "\n")
    if options.text then return text end
    print(text)
end

-- ---- Lines ----

local LINES <const> = options_of(COMMON, SIZES, {
    {name = "labels", text = "names of the series, a list", kind = "table"},
    {name = "xlabel", text = "what the horizontal axis is", kind = "string"},
    {name = "ylabel", text = "what the vertical axis is", kind = "string"},
    {name = "low", text = "the lower end of the vertical axis", kind = "number",
        standard = "the smallest"},
    {name = "high", text = "its upper end", kind = "number", standard = "the largest"},
    {name = "log", text = "a logarithmic vertical axis", kind = "boolean", standard = "false"},
    {name = "points", text = "points that no line joins", kind = "boolean", standard = "false"},
})

-- A history's lists by epoch; shares of the test set as such.
local function series_of_history(history)
    local series = {}
    for _, name in ipairs {"cost", "test_cost", "test"} do
        local list = history[name]
        if type(list) == "table" and #list > 0 then
            series[#series + 1] = {x = counted(#list), y = list, label = name}
        end
    end
    return series
end

-- The columns of a matrix over the numbers x, or over their places.
local function series_of_columns(matrix, x)
    local series = {}
    for j = 1, matrix:size(2) do
        series[j] = {x = x or counted(matrix:size(1)), y = matrix:select(2, j):totable()}
    end
    return series
end

-- {x, y}: y of one dimension, or a matrix with a column for each series.
local function series_of_pair(pair)
    local x, y = numbers_of(pair[1]), pair[2]
    if not x then return nil end
    if kind_of(y) == "tensor" and y:dim() == 2 then
        return y:size(1) == #x and series_of_columns(y, x) or nil
    end
    y = numbers_of(y)
    return y and #y == #x and {{x = x, y = y}} or nil
end

local function read_series(what)
    local kind = kind_of(what)
    if kind == "history" then return series_of_history(what) end
    if kind == "tensor" and what:dim() == 2 then return series_of_columns(what) end
    local list = numbers_of(what)
    if list then return {{x = counted(#list), y = list}} end
    return kind == "table" and #what == 2 and series_of_pair(what) or nil
end

function plot.lines(what, options)
    options = check_options("plot", LINES, options)
    local series = read_series(what)
    if not series then
        refuse("plot takes a history, a tensor of one or two dimensions, a list of numbers, or " ..
            "{x, y} with as many of each, not " .. describe(what), 2)
    end
    for i, name in ipairs(options.labels or {}) do
        if series[i] then series[i].label = tostring(name) end
    end
    local history = kind_of(what) == "history"
    return show("lines", {
        series = series, xlabel = options.xlabel or history and "epoch" or nil,
        ylabel = options.ylabel, low = options.low, high = options.high, log = options.log,
        points = options.points, width = options.width, height = options.height,
    }, options, function(picture) return require("nabla.plot.lines").draw(picture) end)
end

-- ---- Histograms ----

local HIST <const> = options_of(COMMON, {
    {name = "bins", text = "how many bars", kind = "number", standard = "10"},
    {name = "low", text = "where the first bar begins", kind = "number", standard = "the smallest"},
    {name = "high", text = "where the last bar ends", kind = "number", standard = "the largest"},
    {name = "width", text = "columns of the picture", kind = "number", standard = "the window's"},
})

local BINS <const> = 10

function plot.hist(x, options)
    options = check_options("plot.hist", HIST, options)
    local list = kind_of(x) == "tensor" and x or numbers_of(x) and nabla.tensor(x)
    if not list then
        refuse("plot.hist takes a tensor or a list of numbers, not " .. describe(x), 2)
    end
    local fine, counts, edges = pcall(list.histogram, list, options.bins or BINS,
        {min = options.low, max = options.high})
    if not fine then refuse("plot.hist: " .. tostring(counts):gsub("^.-histogram: ", ""), 2) end
    return show("bars", {counts = counts:totable(), edges = edges:totable(), width = options.width},
        options, function(picture) return require("nabla.plot.bars").draw(picture) end)
end

-- ---- Matrices ----

local MATRIX <const> = options_of(COMMON, {
    {name = "low", text = "the value of the darkest", kind = "number", standard = "the smallest"},
    {name = "high", text = "the value of the lightest", kind = "number", standard = "the largest"},
})

-- The rows of a matrix, or of a square of a vector's elements.
local function rows_of(x, name)
    if kind_of(x) ~= "tensor" then refuse(name .. " takes a tensor, not " .. describe(x), 3) end
    if x:dim() == 2 then return x:totable() end
    local side = math.floor(math.sqrt(x:numel()) + 0.5)
    if x:dim() ~= 1 or side * side ~= x:numel() then
        local shape = x:dim() == 0 and "a number" or table.concat(x.shape, "x")
        refuse(name .. " takes a matrix, or a row with a square number of elements, not " .. shape,
            3)
    end
    return x:reshape(side, side):totable()
end

-- A function of row and column that gives how light the element is, 0 to 1; NaN is dark.
local function lightness(rows, low, high)
    local span = high - low
    return function(i, j)
        local value = rows[i][j]
        if not (span > 0) then return value > 0 and 1 or 0 end
        local level = (value - low) / span
        return level > 0 and math.min(level, 1) or 0
    end
end

local function show_matrix(rows, options, grey)
    local screen, matrix = require "nabla.plot.screen", require "nabla.plot.matrix"
    local low, high = require("nabla.plot.axes").limits(rows)
    low, high = options.low or low or 0, options.high or high or 0
    local colour = grey and screen.grey or screen.heat
    return show("matrix", {
        rows = #rows, columns = rows[1] and #rows[1] or 0, values = rows, low = low, high = high,
        at = lightness(rows, low, high), colour = colour, grey = grey,
    }, options, function(picture)
        if not grey then picture.scale = matrix.scale(low, high, colour, picture.depth) end
        return matrix.draw(picture)
    end)
end

function plot.image(x, options)
    options = check_options("plot.image", MATRIX, options)
    return show_matrix(rows_of(x, "plot.image"), options, true)
end

function plot.heat(x, options)
    options = check_options("plot.heat", MATRIX, options)
    return show_matrix(rows_of(x, "plot.heat"), options, false)
end

-- ---- Confusion ----

local CONFUSION <const> = options_of(COMMON, {
    {name = "classes", text = "names of the classes, a list", kind = "table",
        standard = "those of the set"},
})

-- Counts of (wanted, answered) from a network and a set: each class by its number.
local function confuse(net, set)
    local names, place, counts = {}, {}, {}
    for i, name in ipairs(set.classes) do
        names[i], place[name], counts[i] = tostring(name), i, {}
    end
    for i = 1, #names do
        for j = 1, #names do counts[i][j] = 0 end
    end
    local answers = net:classify(set)
    if type(answers) ~= "table" then answers = {answers} end
    for i, answer in ipairs(answers) do
        local wanted = place[set[i].y or set[i][2]]
        local row = counts[wanted]
        row[place[answer]] = row[place[answer]] + 1
    end
    return counts, names
end

-- The rows of a square matrix of counts.
local function counts_of(x)
    if kind_of(x) ~= "tensor" or x:dim() ~= 2 or x:size(1) ~= x:size(2) then
        refuse("plot.confusion takes a network and a set with classes, or a square matrix, not " ..
            describe(x), 3)
    end
    local names = {}
    for i = 1, x:size(1) do names[i] = tostring(i) end
    return x:totable(), names
end

function plot.confusion(what, set, options)
    local counts, names
    if kind_of(what) == "network" then
        if kind_of(set) ~= "data set" or not set.classes then
            refuse("plot.confusion(net, set) takes a set with classes, not " .. describe(set), 2)
        end
        options = check_options("plot.confusion", CONFUSION, options)
        counts, names = confuse(what, set)
    else
        options = check_options("plot.confusion", CONFUSION, set)
        counts, names = counts_of(what)
    end
    for i, name in ipairs(options.classes or {}) do
        if names[i] then names[i] = tostring(name) end
    end
    return show("confusion", {counts = counts, names = names}, options,
        function(picture) return require("nabla.plot.matrix").confusion(picture) end)
end

-- ---- Help ----

local doc = nabla._help.doc

doc(plot.lines, {
    name = "plot.lines", kind = "function", usage = "plot(what, {title, file, log, …})",
    text = "Draws lines: a history of training by epoch; a tensor or list over its places, the " ..
        "columns of a matrix as series; {x, y} over x. plot.lines(…) is the same.",
    options = LINES,
    example = "x = tensor.linspace(0, 6, 50)\nplot({x, x:sin()})\n" ..
        'plot({x, tensor.stack({x:sin(), x:cos()}, 2)}, {labels = {"sin", "cos"}})',
})
doc(plot.hist, {
    name = "plot.hist", kind = "function", usage = "plot.hist(x, {bins, low, high, …})",
    text = "Draws how often which values stand in a tensor.",
    options = HIST,
    example = "plot.hist(tensor.randn(1000, {seed = 1}))",
})
doc(plot.image, {
    name = "plot.image", kind = "function", usage = "plot.image(x, {low, high, …})",
    text = "Shows a matrix, or a row with a square number of elements, as a picture: small " ..
        "values dark, large ones light.",
    options = MATRIX,
    example = "plot.image(tensor.eye(4), {low = 0, high = 1})",
})
doc(plot.heat, {
    name = "plot.heat", kind = "function", usage = "plot.heat(x, {low, high, …})",
    text = "Shows a matrix in colours from dark blue to yellow, with a scale below.",
    options = MATRIX,
    example = "plot.heat(tensor.rand(8, 20, {seed = 1}))",
})
doc(plot.confusion, {
    name = "plot.confusion", kind = "function",
    usage = "plot.confusion(net, set, {classes, …}), or plot.confusion(counts, {…})",
    text = "Counts what a network answers: a row for each class of the set, a column for each " ..
        "answer, and the share of each row that was right.",
    options = CONFUSION,
    example = 'digits = data.digits()\nnet = nn.net("64 - 10", {seed = 1})\n' ..
        "plot.confusion(net, digits.test)",
})
doc(plot, {
    name = "plot", kind = "module",
    text = "Pictures of tensors and histories in the terminal, or in files with {file = …}: " ..
        "plot(x) draws lines.",
    example = "plot(tensor.rand(30, {seed = 1}))",
})

return setmetatable(plot, {__call = function(_, what, options)
    -- A call of its own would stand between an error and the line that it is about.
    return plot.lines(what, options)
end})
