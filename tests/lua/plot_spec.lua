-- Pictures: text of them, whatever the terminal; files; what is refused. Pictures that are written
-- out here were looked at.

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
    fails(function() plot.image(x, {low = "0"}) end, "low must be a number, not '0'", true)
    fails(function() plot.image(x, 5) end, "must be a table")
end)

-- ---- Lines ----

local ASCII, UTF8 = {LANG = "C"}, {LANG = "C.UTF-8"}

local function drawn(variables, fn, ...)
    local arguments, text = table.pack(...), nil
    printed(variables, nil, function() text = fn(table.unpack(arguments, 1, arguments.n)) end)
    return text
end

test("a line with axes, titles and a legend", function()
    local options = {text = true, width = 30, height = 7, title = "up", xlabel = "step",
        ylabel = "value", labels = {"a"}}
    eq(drawn(ASCII, plot, {0, 1, 2, 3}, options), [[
up
value   * a
  |                        **
  |                    ****
2 +               *****
  |           ****
  |       ****
  |   ****
0 +***
  +--------+----------------+
           2                4
            step]])
    eq(drawn(UTF8, plot, {0, 1, 2, 3}, options), [[
up
value   ━━ a
  │                      ⢀⡠⠔⠊
  │                  ⢀⡠⠔⠊⠁
2 ┤               ⣀⠤⠊⠁
  │           ⣀⠤⠒⠉
  │       ⢀⡠⠒⠉
  │   ⢀⡠⠔⠊⠁
0 ┤⡠⠔⠊⠁
  └────────┬────────────────┬
           2                4
            step]])
end)

test("equal numbers get a range; points and gaps", function()
    eq(drawn(ASCII, plot, {{0, 10}, {5, 5}}, {text = true, width = 30, height = 5}), [[
5.5 +
    |
5.0 +************************
    |
4.5 +
    ++-----------+----------+
     0           5         10]])
    eq(drawn(ASCII, plot, {1, 0 / 0, 3, 1 / 0, 2},
        {text = true, width = 30, height = 5, points = true}), [[
3 +             *
  |
2 +                         *
  |
1 +*
  +------+------------+------
         2            4]])
    eq(drawn(ASCII, plot, {0 / 0}, {text = true}), "nothing to draw: no finite numbers")
end)

test("a logarithmic axis", function()
    local options = {text = true, width = 30, height = 5, log = true}
    eq(drawn(ASCII, plot, {1, 100, 1e4}, options), [[
    |                     ***
1e3 +               ******
    |          *****
    |    ******
1e0 +****
    ++-----------+----------+
     1           2          3]])
    -- What has no logarithm is left out.
    eq(drawn(ASCII, plot, {-1, 0}, {text = true, log = true}), "nothing to draw: no finite numbers")
end)

test("series are told apart: by marks without colours, by colours with them", function()
    local both = tensor {{0, 2}, {1, 1}, {2, 0}}
    local options = {width = 30, height = 5, labels = {"up", "down"}}
    local text = printed(UTF8, nil, function() plot(both, options) end)
    eq(text:match "^[^\n]*", "* up   + down")
    local coloured = {LANG = "C.UTF-8", TERM = "xterm-256color"}
    text = printed(coloured, 80, function() plot(both, options) end)
    eq(text:match "^[^\n]*", "\27[38;5;117m━━\27[0m up   \27[38;5;214m━━\27[0m down")
    eq(text:find "[*+]", nil)
end)

test("everything that holds a line", function()
    local want = drawn(ASCII, plot, {1, 3, 2}, {text = true})
    eq(drawn(ASCII, plot, tensor {1, 3, 2}, {text = true}), want)
    eq(drawn(ASCII, plot, tensor {{1}, {3}, {2}}, {text = true}), want)
    eq(drawn(ASCII, plot, {{1, 2, 3}, {1, 3, 2}}, {text = true}), want)
    eq(drawn(ASCII, plot, {tensor {1, 2, 3}, tensor {{1}, {3}, {2}}}, {text = true}), want)
    eq(drawn(ASCII, plot.lines, {1, 3, 2}, {text = true}), want)
    local net = spec.nabla.nn.net("2 - 3 - 1", {seed = 1})
    local set = spec.nabla.data.set {x = {{0, 1}, {1, 0}}, y = {{1}, {0}}}
    local history = net:train(set, {epochs = 3, lr = 1, progress = false})
    eq(drawn(ASCII, plot, history, {text = true}):match "^[^\n]*", "* cost")
end)

test("the window gives the size", function()
    local text = printed(UTF8, 60, function() plot {1, 2, 3} end)
    local widest = 0
    for line in text:gmatch "[^\n]+" do widest = math.max(widest, utf8.len(line)) end
    eq(widest <= 60 and widest > 50, true)
end)

test("what cannot be a line is refused, at the line of the call", function()
    fails(function() plot(nil) end, "plot_spec.lua:%d+: plot takes a history.*not nil")
    fails(function() plot {{1, 2}, {1, 2, 3}} end, "with as many of each, not a table", true)
    fails(function() plot(tensor.zeros(2, 2, 2)) end, "not a tensor", true)
    fails(function() plot({1, 2}, {hight = 3}) end, "plot has no option 'hight'; it has", true)
    fails(function() plot({1, 2}, {log = 1}) end, "plot: log must be a boolean, not 1", true)
end)

-- ---- Matrices ----

test("heat maps have a scale", function()
    eq(drawn(ASCII, plot.heat, tensor {{0, 1}, {2, 3}}, {text = true}),
        "  --\n**@@\n0   ..::--==++**##%%@@ 3")
    local text = printed({LANG = "C.UTF-8", TERM = "xterm", COLORTERM = "truecolor"}, 80, function()
        plot.heat(tensor {{0}, {1}})
    end)
    eq(text:match "^[^\n]*", "\27[38;2;13;8;80;48;2;250;225;100m▀\27[0m")
end)

test("a confusion matrix of counts, and of a network", function()
    local options = {text = true, classes = {"cat", "dog"}}
    eq(drawn(ASCII, plot.confusion, tensor {{5, 1}, {0, 2}}, options),
        "    cat dog   right\ncat   5   1   83.3 %\ndog   .   2  100.0 %")
    local net = spec.nabla.nn.net("1 - 2 softmax : cross_entropy", {seed = 1})
    spec.nabla.nn.no_grad(function()
        net[1].w:copy_(tensor {{1}, {-1}})
        net[1].b:zero_()
    end)
    local set = spec.nabla.data.set {x = {{1}, {2}, {-1}, {3}}, y = {1, 1, 2, 2},
        classes = {"a", "b"}}
    eq(drawn(ASCII, plot.confusion, net, set, {text = true}),
        "    a  b   right\n a  2  .  100.0 %\n b  1  1   50.0 %")
    fails(function() plot.confusion(net) end, "takes a set with classes, not nil", true)
    fails(function() plot.confusion(tensor {1}) end, "or a square matrix, not a tensor", true)
end)

-- ---- Histograms ----

test("a histogram", function()
    eq(drawn(ASCII, plot.hist, {0, 1, 1, 2, 2, 2, 3, 3, 3, 3},
        {text = true, bins = 4, low = 0, high = 4, width = 30}), [[
0.0 .. 1.0 1 ####
1.0 .. 2.0 2 ########
2.0 .. 3.0 3 ###########
3.0 .. 4.0 4 ###############]])
    fails(function() plot.hist "x" end, "takes a tensor or a list of numbers, not 'x'", true)
    fails(function() plot.hist({1}, {bins = 0}) end, "plot_spec.lua:%d+: plot.hist")
end)

-- ---- Files ----

-- Runs code in a program of its own with another PATH; gives back what it prints.
local function with_path(path, code)
    local pipe <close> = io.popen(("PATH='%s' '%s' -e '%s' 2>&1"):format(path, arg[-1], code))
    return pipe:read "a"
end

test("a file is drawn by gnuplot, which must be there", function()
    local said = with_path("/nowhere", 'plot({1, 2}, {file = "x.svg"})')
    eq(said:find("gnuplot, which is not installed; on Debian: apt-get install gnuplot-nox", 1, true)
        ~= nil, true)
    fails(function() plot({1}, {file = "x.gif"}) end, "file must end in .svg, .png or .pdf", true)
end)

-- In the place of gnuplot: keeps what it is told, and makes the file or fails.
local function pretend(folder, ending)
    local path = folder .. "/gnuplot"
    local file <close> = assert(io.open(path, "w"))
    file:write("#!/bin/sh\n/bin/cat > '", folder, "/told'\n", ending, "\n")
    os.execute("chmod +x '" .. path .. "'")
end

test("the file appears whole or not at all", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir '" .. folder .. "'"))
    local picture = folder .. "/it's.svg"
    local code = ('plot({1, 4, 9}, {file = [[%s]], title = "squares"})'):format(picture)
    pretend(folder, "echo drawn > \"" .. picture .. ".part\"")
    eq(with_path(folder, (code:gsub("'", "'\\''"))), "")
    local file = assert(io.open(picture))
    eq(file:read "a", "drawn\n")
    file:close()
    local told = assert(io.open(folder .. "/told"))
    local text = told:read "a"
    told:close()
    for _, part in ipairs {"set terminal svg", "it''s.svg.part'", "set title 'squares'",
        "1 1\n2 4\n3 9\ne\n"} do
        eq(text:find(part, 1, true) ~= nil, true)
    end
    pretend(folder, "echo 'line 3: no such thing' >&2; exit 1")
    local said = with_path(folder, (code:gsub("'", "'\\''")))
    eq(said:find("cannot draw " .. picture .. ": line 3: no such thing", 1, true) ~= nil, true)
    local list = io.popen("ls '" .. folder .. "'")
    eq(list:read "a", "gnuplot\nit's.svg\ntold\n")
    list:close()
    os.execute("rm -r '" .. folder .. "'")
end)

spec.report()
