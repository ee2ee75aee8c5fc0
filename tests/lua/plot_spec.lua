-- plot.image: text pictures, whatever the terminal; what it refuses.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local tensor, plot = spec.nabla.tensor, spec.nabla.plot

-- Runs fn with an environment of our own and gives back what was printed. The terminal is as told.
local function printed(variables, columns, fn)
    local getenv, loud, terminal = os.getenv, print, spec.nabla._terminal
    local lines = {}
    os.getenv = function(name) return variables[name] end
    print = function(text) lines[#lines + 1] = text end
    spec.nabla._terminal = function() return columns end
    local ok, message = pcall(fn)
    os.getenv, print, spec.nabla._terminal = getenv, loud, terminal
    if not ok then error(message, 0) end
    return table.concat(lines, "\n")
end

local x = tensor {{0, 1}, {1, 0.5}}

local function image()
    plot.image(x)
end

test("without UTF-8 it is ASCII", function()
    eq(printed({LANG = "C"}, nil, image), "  @@\n@@++")
    eq(printed({}, 80, image), "  @@\n@@++")
end)

test("without colours it is shades", function()
    local wanted = "  ██\n██▒▒"
    eq(printed({LANG = "en_GB.UTF-8"}, nil, image), wanted)
    eq(printed({LANG = "en_GB.utf8", TERM = "xterm-256color", NO_COLOR = "1"}, 80, image), wanted)
    eq(printed({LANG = "en_GB.UTF-8", TERM = "dumb", COLORTERM = "truecolor"}, 80, image), wanted)
    eq(printed({LC_ALL = "C.UTF-8", LANG = "C", TERM = "vt100"}, 80, image), wanted)
end)

test("no colours go into a pipe", function()
    local variables = {LANG = "C.UTF-8", TERM = "xterm-256color", COLORTERM = "truecolor"}
    eq(printed(variables, nil, image):find("\27"), nil)
end)

test("24-bit colours where COLORTERM says so", function()
    local variables = {LANG = "C.UTF-8", TERM = "xterm", COLORTERM = "truecolor", NO_COLOR = ""}
    eq(printed(variables, 80, image),
        "\27[38;2;0;0;0;48;2;255;255;255m▀\27[38;2;255;255;255;48;2;128;128;128m▀\27[0m")
end)

test("256 colours where TERM says so; an odd last row has nothing behind it", function()
    local text = printed({LANG = "C.UTF-8", TERM = "xterm-256color"}, 80, function()
        plot.image(tensor {{0}, {1}, {1}})
    end)
    eq(text, "\27[38;5;232;48;5;255m▀\27[0m\n\27[38;5;255m▀\27[0m")
end)

test("a row with a square number of elements is a square", function()
    local options = {text = true}
    local square = plot.image(tensor {{0, 1}, {1, 0}}, options)
    eq(plot.image(tensor {0, 1, 1, 0}, options), square)
    fails(function() plot.image(tensor {1, 2, 3}) end,
        "plot_spec.lua:%d+: plot.image takes a matrix.*not 3")
    fails(function() plot.image(tensor.zeros(2, 2, 2)) end, "not 2x2x2")
    fails(function() plot.image(tensor(1)) end, "not a number")
end)

test("low and high fix what is black and white; bytes, NaN and infinity are shown", function()
    local function ascii(y, options)
        return printed({}, nil, function() plot.image(y, options) end)
    end
    eq(ascii(tensor {{0.5, 2}}, {low = 0, high = 1}), "++@@")
    eq(ascii(tensor({{0, 255}}, {dtype = "u8"})), "  @@")
    eq(ascii(tensor {{0, 1 / 0, 0 / 0, -1 / 0, 1}}), "  @@    @@")
    eq(ascii(tensor {{3, 3}}), "@@@@")
    eq(ascii(tensor.zeros(0, 3)), "")
end)

test("what it cannot show it refuses", function()
    fails(function() plot.image(nil) end, "plot.image takes a tensor, not nil", true)
    fails(function() plot.image({1}) end, "not a table")
    fails(function() plot.image(x, {hi = 1}) end, "plot.image has no option 'hi'", true)
    fails(function() plot.image(x, {low = "0"}) end, "low must be a number, not 0", true)
    fails(function() plot.image(x, 5) end, "must be a table")
end)

spec.report()
