-- plot: pictures of tensors and histories, in the terminal or in files. This file says what may be
-- asked for and raises the errors; its parts, which are loaded when they are needed, read what is
-- given and draw.

local _, nabla = ...

local math, table = math, table
local _G, error, ipairs, pcall, require, setmetatable, tostring, type =
    _G, error, ipairs, pcall, require, setmetatable, tostring, type

local given = require "nabla.plot.given"

local plot = {}

-- ---- What may be asked for ----

local COMMON <const> = {
    {name = "title", text = "a line above the picture", kind = "string"},
    {name = "file", text = "draw into this file, .svg, .png or .pdf, with gnuplot",
        kind = "string"},
    {name = "text", text = "return the picture and print nothing", kind = "boolean",
        standard = "false"},
    {name = "width", text = "columns of the picture, 20 to 1000", kind = "number",
        standard = "the window's", least = 20, most = 1000},
}

local LINES <const> = given.options(COMMON, {
    {name = "height", text = "rows of the picture, 2 to 500", kind = "number",
        standard = "by the window", least = 2, most = 500},
    {name = "labels", text = "names of the series, a list", kind = "table"},
    {name = "xlabel", text = "what the horizontal axis is", kind = "string"},
    {name = "ylabel", text = "what the vertical axis is", kind = "string"},
    {name = "low", text = "the lower end of the vertical axis", kind = "number",
        standard = "the smallest"},
    {name = "high", text = "its upper end", kind = "number", standard = "the largest"},
    {name = "log", text = "a logarithmic vertical axis", kind = "boolean", standard = "false"},
    {name = "points", text = "points that no line joins", kind = "boolean", standard = "false"},
})

local BINS <const> = 10
local HIST <const> = given.options(COMMON, {
    {name = "bins", text = "how many bars, 1 to 1000", kind = "number",
        standard = tostring(BINS), least = 1, most = 1000},
    {name = "low", text = "where the first bar begins", kind = "number", standard = "the smallest"},
    {name = "high", text = "where the last bar ends", kind = "number", standard = "the largest"},
})

local MOST_TILES <const> = 1000
local MATRIX <const> = given.options(COMMON, {
    {name = "low", text = "the value of the darkest", kind = "number", standard = "the smallest"},
    {name = "high", text = "the value of the lightest", kind = "number", standard = "the largest"},
    {name = "scale", text = "how many times larger than the smallest picture", kind = "number",
        standard = "by the window", least = 1, most = 100},
    {name = "count", text = "how many pictures of several are shown", kind = "number",
        standard = "by the window", least = 1, most = MOST_TILES},
})

local CONFUSION <const> = given.options(COMMON, {
    {name = "classes", text = "names of the classes, a list", kind = "table",
        standard = "those of the set"},
})

local MOST_EXAMPLES <const> = 10000
local BEHIND <const> = given.options(CONFUSION, {
    {name = "examples", text = "below it, which examples stand behind each mistake, and their " ..
        "pictures: true, or how many of each", kind = "number", standard = "none", least = 1,
        most = MOST_EXAMPLES, either = true},
    {name = "cell", text = "the examples of this cell alone: {wanted, answered}", kind = "table",
        standard = "all mistakes"},
})

local HINTON <const> = given.options(COMMON, {
    {name = "high", text = "the size that fills a cell", kind = "number",
        standard = "the largest"},
})

local WEIGHTS <const> = given.options(HINTON, {
    {name = "parameter", text = "this one alone: \"w\"", kind = "string", standard = "all"},
    {name = "shape", text = "how a dense layer's inputs are a picture: {rows, columns}, with " ..
        "channels in front where there are some", kind = "table",
        standard = "as it was before flatten; a square of the network's own inputs"},
    {name = "hinton", text = "Hinton diagrams of pictures too", kind = "boolean",
        standard = "false"},
    {name = "scale", text = "how many times larger than the smallest picture", kind = "number",
        standard = "by the window", least = 1, most = 100},
    {name = "count", text = "how many pictures of several are shown", kind = "number",
        standard = "by the window", least = 1, most = MOST_TILES},
})

local TRACE <const> = given.options(COMMON, {
    {name = "example", text = "this one alone", kind = "number", standard = "the first ones",
        least = 1, most = 2 ^ 53},
    {name = "count", text = "how many examples have a row, 1 to 100", kind = "number",
        standard = "4", least = 1, most = 100},
})

local SWEEP <const> = given.options(COMMON, {
    {name = "by", text = "the figure that is drawn: \"cost\"", kind = "string",
        standard = "valid, else test, else cost"},
    {name = "over", text = "this option alone: \"lr\"", kind = "string",
        standard = "each that has several values"},
    {name = "height", text = "rows of a picture, 2 to 500", kind = "number",
        standard = "by the window", least = 2, most = 500},
    {name = "log", text = "a logarithmic vertical axis", kind = "boolean",
        standard = "where the figure spans two powers of ten"},
})

local ATTENTION <const> = given.options(COMMON, {
    {name = "layer", text = "that of this layer alone, by its path: \"2.2\"", kind = "string",
        standard = "all"},
    {name = "example", text = "of several", kind = "number", standard = "the first", least = 1,
        most = 2 ^ 53},
    {name = "head", text = "this one alone, with the steps' names", kind = "number",
        standard = "all", least = 1, most = 2 ^ 31},
})

-- ---- Showing ----

-- Raises an error at the line that called the function `level` calls up.
local function refuse(message, level)
    error(nabla._shown(message), level + 1)
end

-- The options that a function takes, checked; level 1 is who called that function.
local function check_options(name, list, options)
    local checked, message = given.check(name, list, options)
    if not checked then refuse(message, 3) end
    return checked
end

-- Colours and pixels. What explains a picture in pixels has its colours. Without colours only what
-- is grey, or has colours of its own, is in pixels; what has ours, which mean something, in
-- letters.
local function choose_look(picture, way)
    local screen = require "nabla.plot.screen"
    picture.depth, picture.way = screen.colours(), way
    if not way then return end
    if not screen.is_colourless() then picture.depth = picture.depth or "full"
    elseif not picture.grey then picture.way = nil end
end

-- Draws a picture of a kind and prints it, or does what the options say instead. `part` is the
-- file that draws it. It stands in the place of the function `name`, which calls it last.
local function show(name, kind, picture, options, part)
    picture.title, picture.width = options.title, options.width
    if options.file then
        local write = require("nabla.plot.gnuplot").write
        local fine, message = pcall(write, kind, picture, options.file)
        if not fine then refuse(message, 2) end
        return
    end
    local pixels = require "nabla.plot.pixels"
    if not options.text then choose_look(picture, pixels.way()) end
    local lines, message = require("nabla.plot." .. part).draw(picture)
    if not lines then refuse(name .. ": " .. message, 2) end
    local text = pixels.compose(lines, picture.way)
    if options.text then return text end
    local say = _G.print or print -- the session's own, where it has one
    say(text)
end

-- ---- Lines ----

local FROM <const>, TO <const> = -5, 5 -- a function's ends where none are given
local OVER <const> = {history = "epoch", flow = "epoch", trainer = "step",
    curvature = "eigenvalues by their rank"} -- what values are drawn over

-- Panels of functions, drawn between two ends.
local function sample(functions, from, to)
    from, to = from or FROM, to or TO
    for _, value in ipairs {from, to} do
        if type(value) ~= "number" or value - value ~= 0 then
            refuse("plot(f, a, b): a and b must be finite numbers, not " .. given.describe(value),
                3)
        end
    end
    if not (from < to) then
        refuse(("plot(f, a, b): a must be below b, not %s and %s"):format(tostring(from),
            tostring(to)), 3)
    end
    local panels, message = require("nabla.plot.series").sample(functions, from, to)
    if not panels then refuse(message, 3) end
    return panels
end

-- What draws values that are no lines, by their kind; a network is drawn where no ends are given,
-- else it is a function.
local OTHERS <const> = {layer = "weights", neuron = "weights", neurons = "weights",
    evaluation = "confusion", trace = "trace", ["trace layer"] = "trace",
    attention = "attention", network = "network", sweep = "sweep"}

-- plot(what, options), or plot(f, a, b, options).
function plot.lines(what, from, to, options)
    local other = OTHERS[given.kind(what)]
    if other and type(from) ~= "number" then return plot[other](what, from, to) end
    local series = require "nabla.plot.series"
    local functions, panels, message = series.functions(what), nil, nil
    if type(from) == "table" or not functions then
        if to ~= nil then refuse("plot(what, options) takes two arguments", 2) end
        from, options = nil, from
    end
    options = check_options("plot", LINES, options)
    if options.log and (options.low or 1) <= 0 then
        refuse("plot: low must be above 0 on a logarithmic axis", 2)
    end
    if functions then panels = sample(functions, from, to)
    else panels, message = series.read(what) end
    message = message or series.name(panels, options.labels)
    if message then refuse(message, 2) end
    local ranks = given.kind(what) == "curvature"
    if ranks and options.log == nil then options.log = true end
    return show("plot", "lines", {
        panels = panels, ylabel = options.ylabel,
        xlabel = options.xlabel or OVER[given.kind(what)],
        low = options.low, high = options.high, log = options.log,
        points = options.points, height = options.height, whole = series.whole(panels),
    }, options, "lines")
end

-- ---- Histograms ----

-- The range is that of the finite numbers; how many are left out is said.
function plot.hist(x, options)
    options = check_options("plot.hist", HIST, options)
    local list = given.kind(x) == "tensor" and x:detach() or
        given.numbers(x) and nabla.tensor(x, {dtype = "f64"})
    if not list then
        refuse("plot.hist takes a tensor or a list of numbers, not " .. given.describe(x), 2)
    end
    local finite = list:masked_select(list:isfinite())
    local fine, counts, edges = pcall(finite.histogram, finite, options.bins or BINS,
        {min = options.low, max = options.high})
    if not fine then
        local message = tostring(counts):gsub("^.-histogram: ", ""):gsub("{min, max}", "low, high")
        refuse("plot.hist: " .. message, 2)
    end
    return show("plot.hist", "bars", {counts = counts:totable(), edges = edges:totable(),
        all = list:numel()}, options, "bars")
end

-- ---- Pictures ----

local function show_pictures(name, x, options, grey)
    local tiles, all = require("nabla.plot.pictures").read(x, name, grey,
        options.count or MOST_TILES)
    if not tiles then refuse(all, 2) end
    return show(name, "matrix", {
        tiles = tiles, all = all, grey = grey, low = options.low, high = options.high,
        scale = options.scale, count = options.count,
    }, options, "matrix")
end

function plot.image(x, options)
    options = check_options("plot.image", MATRIX, options)
    return show_pictures("plot.image", x, options, true)
end

function plot.heat(x, options)
    options = check_options("plot.heat", MATRIX, options)
    return show_pictures("plot.heat", x, options, false)
end

-- ---- Networks and what they hold ----

-- Options follow at once, and nothing behind them.
local function check_last(usage, rest)
    if rest ~= nil then refuse(usage .. " takes nothing more", 3) end
end

function plot.network(net, options, ...)
    check_last("plot(net, options)", ...)
    options = check_options("plot", COMMON, options)
    if given.kind(net) ~= "network" then
        refuse("plot.network takes a network, not " .. given.describe(net), 2)
    end
    local picture, message = require("nabla.plot.network").read(net)
    if not picture then refuse(message, 2) end
    return show("plot", "network", picture, options, "network")
end

function plot.weights(layer, options, ...)
    check_last("plot(layer, options)", ...)
    options = check_options("plot", WEIGHTS, options)
    local weights, kind = require "nabla.plot.weights", given.kind(layer)
    local read = kind == "layer" and weights.read or weights.of_neurons[kind]
    if not read then
        refuse("plot.weights takes a layer, net[1], or neurons of one, not " ..
            given.describe(layer), 2)
    end
    local parts, title = read(layer, options)
    if not parts then refuse("plot: " .. title, 2) end
    options.title = options.title or title
    return show("plot", "weights", {parts = parts, high = options.high, scale = options.scale,
        count = options.count}, options, "weights")
end

function plot.hinton(x, options, ...)
    check_last("plot.hinton(x, options)", ...)
    options = check_options("plot.hinton", HINTON, options)
    local matrix = given.kind(x) == "tensor" and x:detach()
    if matrix and matrix:dim() == 1 then matrix = matrix:reshape(1, #matrix) end
    if not matrix or matrix:dim() ~= 2 then
        refuse("plot.hinton takes a matrix or a vector, not " .. (matrix and given.shape(x) or
            given.describe(x)), 2)
    end
    return show("plot.hinton", "hinton", {matrix = matrix:to "f64", high = options.high}, options,
        "hinton")
end

function plot.trace(trace, options, ...)
    check_last("plot(trace, options)", ...)
    options = check_options("plot", TRACE, options)
    if OTHERS[given.kind(trace)] ~= "trace" then
        refuse("plot.trace takes a trace, net:trace(x, y), or a layer's part of one, not " ..
            given.describe(trace), 2)
    end
    if options.file then
        refuse("plot: a trace is shown in the terminal alone; of a part of it plot.heat(t[1].a, " ..
            "{file = …}) draws a file", 2)
    end
    local layers, told = require("nabla.plot.strips").read(trace, options)
    if not layers then refuse("plot: " .. told, 2) end
    return show("plot", "strips", {layers = layers, told = told}, options, "strips")
end

-- A picture for each option that has several values.
function plot.sweep(sweep, options, ...)
    check_last("plot(sweep, options)", ...)
    options = check_options("plot", SWEEP, options)
    if given.kind(sweep) ~= "sweep" then
        refuse("plot.sweep takes what nn.sweep gives, not " .. given.describe(sweep), 2)
    end
    local pictures, message = require("nabla.plot.sweep").read(sweep, options)
    if not pictures then refuse("plot: " .. message, 2) end
    if options.file and #pictures > 1 then
        refuse(("plot: a file holds one of the %d pictures; over = \"%s\" says which"):format(
            #pictures, pictures[1].xlabel), 2)
    end
    local texts = {}
    for i, picture in ipairs(pictures) do
        picture.height = options.height
        if i > 1 then options.title = nil end
        texts[#texts + 1] = show("plot", "lines", picture, options, "lines")
    end
    if options.text then return table.concat(texts, "\n") end
end

-- plot.attention(net, x, options), or plot(net:attention(x), options).
function plot.attention(what, x, options, ...)
    check_last("plot.attention(net, x, options)", ...)
    local maps = what
    if given.kind(what) == "network" then
        local fine, found = pcall(what.attention, what, x)
        if not fine then
            if type(found) ~= "string" then error(found, 0) end
            refuse((found:gsub("^[^:]*:%d+: ", "")), 2)
        end
        maps = found
    else
        check_last("plot(attention, options)", options)
        options = x
    end
    options = check_options("plot.attention", ATTENTION, options)
    if given.kind(maps) ~= "attention" then
        refuse("plot.attention takes a network and what it reads, or net:attention(x), not " ..
            given.describe(what), 2)
    end
    local chosen, message = require("nabla.plot.attention").read(maps, options)
    if not chosen then refuse("plot.attention: " .. message, 2) end
    return show("plot.attention", "attention", {maps = chosen, head = options.head}, options,
        "attention")
end

-- ---- Confusion ----

-- The cell that is asked for, as places of the names.
local function find_cell(cell, names, classes)
    local place, out = require("nabla.plot.confusion").place, {}
    for i = 1, 2 do
        out[i] = place(names, cell[i])
        if not out[i] or i == 1 and out[i] > classes then
            refuse(("plot.confusion: cell takes two of the classes, {wanted, answered}, not %s")
                :format(given.describe(cell[i])), 3)
        end
    end
    return out
end

function plot.confusion(what, set, options)
    local confusion = require "nabla.plot.confusion"
    local counts, names, cells
    if given.kind(what) == "evaluation" then
        options = check_options("plot.confusion", CONFUSION, set)
        counts, names = confusion.evaluated(what)
    elseif given.kind(what) == "network" then
        if given.kind(set) ~= "data set" or not set.classes then
            refuse("plot.confusion(net, set) takes a set with classes, not " .. given.describe(set),
                2)
        end
        options = check_options("plot.confusion", BEHIND, options)
        counts, names, cells = confusion.of(what, set)
    else
        options = check_options("plot.confusion", CONFUSION, set)
        counts, names = confusion.counts(what)
    end
    if not counts then refuse("plot.confusion" .. names, 2) end
    local cell = options.cell and find_cell(options.cell, names, #counts)
    local own = options.classes or {}
    if #own > #names then
        refuse(("plot.confusion: there are %d names and %d classes"):format(#own, #names), 2)
    end
    for i, name in ipairs(own) do names[i] = tostring(name) end
    local examples = options.examples == true and confusion.EXAMPLES or options.examples or
        cell and MOST_EXAMPLES
    if examples and options.file then
        refuse("plot.confusion: the examples are shown in the terminal alone; without them the " ..
            "table goes into a file", 2)
    end
    return show("plot.confusion", "confusion", {counts = counts, names = names, cells = cells,
        set = set, cell = cell, examples = examples}, options, "confusion")
end

-- ---- Whatever it is ----

function plot.show(x, options, ...)
    check_last("plot.show(x, options)", ...)
    local how, what = require("nabla.plot.show").choose(x)
    if not how then refuse(what, 2) end
    return plot[how](what, options)
end

-- ---- Help ----

local doc = nabla._help.doc

doc(plot.lines, {
    name = "plot.lines", kind = "function",
    usage = "plot(what, {title, file, log, …}), or plot(f, a, b, {…})",
    text = "Draws lines: a history of training by epoch, costs and shares on axes of their own; " ..
        "a tensor or list over its places, the columns of a matrix as series; {x, y, …} over x; " ..
        "a function, a list of them (from -5 to 5 where the ends are left away) or a network of " ..
        "one input from a to b; the cost of a trainer's run and what it watches by step; what " ..
        "flow = true kept; the eigenvalues of a curvature, on a " ..
        "logarithmic axis. What is no finite number is a gap. plot.lines(…) is the same.",
    options = LINES,
    example = "x = tensor.linspace(0, 6, 50)\n" ..
        'plot({x, x:sin(), x:cos()}, {labels = {"sin", "cos"}})\n' ..
        "plot(math.exp, -1, 2)\nplot({math.sin, math.cos}, 0, 6)",
})
doc(plot.hist, {
    name = "plot.hist", kind = "function", usage = "plot.hist(x, {bins, low, high, …})",
    text = "Draws how often which values stand in a tensor.",
    options = HIST,
    example = "plot.hist(tensor.randn(1000, {seed = 1}))",
})
doc(plot.image, {
    name = "plot.image", kind = "function", usage = "plot.image(x, {scale, count, low, high, …})",
    text = "Shows pictures, small values dark and large ones light: a matrix, or a row with a " ..
        "square number of elements; channels x rows x columns, three channels being red, green " ..
        "and blue; several such along the first dimension, or a list of them; an example, the " ..
        "first of a set, the weights of each neuron of a layer, with names. What is larger " ..
        "than the window is drawn smaller, by means; scale = 1 draws every element. In pixels " ..
        "where the terminal takes them (nabla.pictures), else in half blocks or shades.",
    options = MATRIX,
    example = "digits = data.digits()\nplot.image(digits[1])\nplot.image(digits.test)\n" ..
        'net = nn.net("64 - 10", {seed = 1})\nplot.image(net[1])\nplot.image(tensor.eye(4))',
})
doc(plot.heat, {
    name = "plot.heat", kind = "function", usage = "plot.heat(x, {scale, count, low, high, …})",
    text = "Shows what plot.image does, in colours from dark blue to yellow, with a scale " ..
        "below; " ..
        "three channels are three pictures.",
    options = MATRIX,
    example = "plot.heat(tensor.rand(8, 20, {seed = 1}))",
})
doc(plot.network, {
    name = "plot.network", kind = "function", usage = "plot(net, {title, file, …})",
    text = "Draws a small network: neurons in columns, with the names of its columns and " ..
        "classes where it knows them, and a stroke for each weight: blue and unbroken above 0, " ..
        "orange and dashed below, thicker where it is larger, none below a twentieth of the " ..
        "largest; NaN and infinity are no strokes, and told below. Dense layers of at most 24 " ..
        "neurons are drawn; biases are not. plot(net, a, b) draws what a network of one input " ..
        "gives from a to b.",
    options = COMMON,
    example = 'net = nn.net("2 - 3 tanh - 1", {seed = 1})\nplot(net)',
})
doc(plot.weights, {
    name = "plot.weights", kind = "function", usage = "plot(net[l], {parameter, shape, high, …})",
    text = "Shows what a layer weighs: each parameter as a Hinton diagram (plot.hinton), a row " ..
        "for each neuron; where pictures come to a dense layer, w as a gallery of what each " ..
        "neuron looks for, blue where light excites it and orange where it inhibits it; the " ..
        "kernels of convolutions likewise, channel.input. Of neurons, net[l]:neuron(k), theirs " ..
        "alone. Rows of lstm and gru begin with their " ..
        "gate's letter.",
    options = WEIGHTS,
    example = 'net = nn.net("64 - 10 - 3", {seed = 1})\nplot(net[1], {count = 3})\nplot(net[2])',
})
doc(plot.hinton, {
    name = "plot.hinton", kind = "function", usage = "plot.hinton(x, {high, …})",
    text = "Shows a matrix as a Hinton diagram: each number fills its cell by its size, solid " ..
        "and blue above 0, dotted and orange below; 0 and what is below a sixteenth of the " ..
        "largest leaves it empty. Where there is no room each cell shows the largest of " ..
        "several. Without UTF-8 a cell is a sign and how many quarters it would fill. NaN is " ..
        "??, infinity a sign and ∞, or i. Where the terminal takes pictures a square in the " ..
        "cell has as large a share of it as the number of the largest; cells too narrow for " ..
        "that are colours, as bright as it is large.",
    options = HINTON,
    example = "plot.hinton(tensor{{1, -0.5}, {0, 0.25}})",
})
doc(plot.trace, {
    name = "plot.trace", kind = "function", usage = "plot(trace, {example, count, …})",
    text = "Shows a trace, or a layer's part of one, t[l]: for each layer a strip of what its " ..
        "neurons give, a, and below it δ as a Hinton diagram. Of vectors the first examples " ..
        "have a row each; of steps one example is shown with time to the right and a row for " ..
        "each feature, of space its channels side by side; all in pixels where the terminal " ..
        "takes pictures. ^ marks neurons whose slope is below 0.01 " ..
        "in every example of the trace.",
    options = TRACE,
    example = 'net = nn.net("2 - 3 - 2", {seed = 1})\nplot(net:trace({1, 0}, {0, 1}))',
})
doc(plot.sweep, {
    name = "plot.sweep", kind = "function", usage = "plot(sweep, {by, over, file, …})",
    text = "Draws what a sweep (nn.sweep) says of each option that has several values: a figure " ..
        "over them, the mean of all runs that have a value, and the best of these. Numbers that " ..
        "span a power of ten are on a logarithmic axis; words stand side by side.",
    options = SWEEP,
    example = "digits = data.digits()\n" ..
        'runs = nn.sweep{net = "64 - 10", set = digits.train, test = digits.test, epochs = 2,\n' ..
        "    lr = {0.1, 1, 3}, batch = {10, 100}}\nplot(runs)\n" ..
        'plot(runs, {by = "cost", over = "lr"})',
})
doc(plot.attention, {
    name = "plot.attention", kind = "function", usage = "plot.attention(net, x, {layer, head, …})",
    text = "Shows where attention looks, for one example: for each head a square with a row for " ..
        "every step that looks and a column for every step that it looks at; the shares of a " ..
        "row sum to 1. net:attention(x) gives the numbers, which plot shows likewise.",
    options = ATTENTION,
    example = 'net = nn.net("*x4 - attention 2 causal - 3", {seed = 1})\n' ..
        "plot.attention(net, tensor.randn(5, 4, {seed = 1}))",
})
doc(plot.confusion, {
    name = "plot.confusion", kind = "function",
    usage = "plot.confusion(net, set, {classes, examples, cell, …}), or " ..
        "plot.confusion(counts, {…})",
    text = "Counts what a network answers: a row for each class of the set, a column for each " ..
        "answer, and the share of each row that was right. Where that is wider than the " ..
        "window: each class with its share, and the mistakes made most often. examples and cell " ..
        "show which examples stand behind the counts, set[i], and their pictures.",
    options = BEHIND,
    example = 'digits = data.digits()\nnet = nn.net("64 - 10", {seed = 1})\n' ..
        "net:train(digits.train, {epochs = 3, lr = 3, progress = false})\n" ..
        "plot.confusion(net, digits.test, {examples = 3})\n" ..
        "plot.confusion(net, digits.test, {cell = {4, 4}})",
})
doc(plot.show, {
    name = "plot.show", kind = "function", usage = "plot.show(x, options), or x:show(options)",
    text = "Shows whatever it is as the picture that suits it: vectors, histories, runs and " ..
        "curvatures as lines, matrices as heat maps, what has three or four dimensions, " ..
        "examples and sets that are pictures as images, layers and neurons as their weights, " ..
        "traces, attention and sweeps as plot does, an evaluation as its confusion. Options are " ..
        "those of the function that draws it: plot, plot.heat, plot.image, …",
    example = "plot.show(tensor.rand(5, 9, {seed = 1}))\ndata.digits()[1]:show()",
})
for _, method in ipairs(require("nabla.plot.show").METHODS) do
    local kind, name, example, usage = table.unpack(method)
    -- A function for each, for help finds a page by it.
    local function show_it(x, options, ...) return plot.show(x, options, ...) end
    nabla._give_method("nabla." .. kind, "show", doc(show_it, {
        name = name .. ":show", kind = "method", usage = usage or name .. ":show(options)",
        text = "Shows it as a picture, as plot.show does.", example = example,
    }))
end
doc(plot, {
    name = "plot", kind = "module",
    text = "Pictures in the terminal, or in files with {file = …}: plot(x) draws lines of " ..
        "tensors, functions and histories, layers, networks, traces and attention as they are.",
    example = "plot(tensor.rand(30, {seed = 1}))",
})

return setmetatable(plot, {__call = function(_, ...)
    -- A call of its own would stand between an error and the line that it is about.
    return plot.lines(...)
end})
