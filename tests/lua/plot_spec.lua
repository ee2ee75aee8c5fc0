-- Lines, histograms, files, and what is refused. Pictures that are written out here were looked at.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec, plotted = require "spec", require "plotted"
local test, eq, fails = spec.test, spec.eq, spec.fails
local tensor, plot = spec.nabla.tensor, spec.nabla.plot
local ASCII, UTF8, drawn, printed = plotted.ASCII, plotted.UTF8, plotted.drawn, plotted.printed
local widest = plotted.widest

-- ---- Lines ----

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
    eq(drawn(ASCII, plot, {0, 0, 0 / 0, 1, 1}, {text = true, width = 30, height = 5}), [[
1.0 +                 *******
    |
0.5 +
    |
0.0 +*******
    +------+----------+------
           2          4]])
    eq(drawn(ASCII, plot, {0 / 0}, {text = true}), "nothing to draw: no finite numbers")
end)

test("points of one column are a run from the lowest to the highest", function()
    local options = {text = true, width = 20, height = 5}
    local x = {0, 0, 0, 0, 1}
    local up = drawn(ASCII, plot, {x, {0, 1, 0, 0, 0}}, options)
    eq(up:gsub("[^*\n]", ""), "*\n*\n*\n*\n**************\n\n")
    local down = drawn(ASCII, plot, {x, {1, 0, 1, 1, 1}}, options)
    eq(down:gsub("[^*\n]", ""), "**************\n*\n*\n*\n*\n\n")
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

test("x with several y, and lists of lists", function()
    local want = drawn(ASCII, plot, {{1, 2, 3}, tensor {{1, 3}, {3, 2}, {2, 1}}}, {text = true})
    eq(want:match "^[^\n]*", "* 1   + 2")
    eq(drawn(ASCII, plot, {{1, 2, 3}, {1, 3, 2}, tensor {3, 2, 1}}, {text = true}), want)
    -- A row alone is a line, not a point for each column.
    eq(drawn(ASCII, plot, tensor {{1, 3, 2}}, {text = true}),
        drawn(ASCII, plot, {1, 3, 2}, {text = true}))
    fails(function() plot {{1, 2}, {1, 2}, {1}} end, "with as many of each, not a table", true)
end)

test("costs and shares stand on axes of their own, over whole epochs", function()
    local history = setmetatable({epochs = 2, cost = {0.4, 0.2}, test_cost = {[2] = 0.3},
        test = {0.5, 1}}, {__name = "nabla.history"})
    eq(drawn(ASCII, plot, history, {text = true, width = 30, height = 12}), [[
* cost   + test_cost
0.4 +***
    |   ******
0.3 +         ******        +
    |               ******
0.2 +                     ***
    ++----------------------+
x test: right in %
100 +                     xxx
    |               xxxxxx
    |         xxxxxx
    |   xxxxxx
 50 +xxx
    ++----------------------+
     1                      2
            epoch]])
    local named = drawn(ASCII, plot, history, {text = true, labels = {"a", "b", "c"}})
    eq(named:find "x c\n" ~= nil, true)
    -- One epoch: no tick at 0.9 or 1.1.
    history.epochs, history.test, history.test_cost = 1, nil, nil
    local lines = drawn(ASCII, plot, history, {text = true, width = 30, height = 5})
    eq(lines:match "\n *([%d. ]+)\n *epoch$", "1")
end)

test("functions between two ends, of numbers or of tensors", function()
    local options = {text = true, width = 30, height = 5}
    local want = [[
1.0 +               *********
    |         *******
0.5 +     *****
    |  ****
0.0 +**
    ++-----------+----------+
     0.0        0.5        1.0]]
    eq(drawn(ASCII, plot, function(x) return x * (2 - x) end, 0, 1, options), want)
    eq(drawn(ASCII, plot, function(x) return (x * (2 - x)):reshape(500) end, 0, 1, options), want)
    eq(drawn(ASCII, plot, {math.sin, math.cos}, -1, 1, options):match "^[^\n]*", "* 1   + 2")
    local nn = spec.nabla.nn
    eq(drawn(ASCII, plot, {nn.sigmoid, nn.sigmoid.df, nn.relu}, options):match "^[^\n]*",
        "* sigmoid   + 2   x relu")
    fails(function() plot(nn.net "1 - 61", -5, 5) end, "at most 60 series, not 61", true)
    fails(function() plot {nn.net "1 - 60", math.sin} end, "at most 60 series, not 61", true)
    -- A network of one input is a function where its ends are given; a list goes from -5 to 5.
    local net = spec.nabla.nn.net("1 - 2 linear", {seed = 1})
    eq(drawn(ASCII, plot, net, -5, 5, options), drawn(ASCII, plot, {net}, options))
    local text = drawn(ASCII, plot, {net}, options)
    eq(text:match "^[^\n]*", "* 1   + 2")
    eq(text:match "\n *(%-[^\n]*)$", "-5          0           5")
    -- What is no number is a gap: no line crosses the left half.
    text = drawn(ASCII, plot, math.sqrt, -1, 1, options)
    for line in text:gmatch "[|+]([ *]+)\n" do eq(line:sub(1, 11):find "%*", nil) end
end)

test("errors of a function that is drawn are its own, with its line", function()
    fails(function() plot(function(x) return x.y.z end, 0, 1) end,
        "^[^\n]*plot_spec.lua:%d+: attempt to index a n")
    fails(function() plot(function() return "a" end, 0, 1) end,
        "plot_spec.lua:%d+: plot: the function gives 'a' at 0, not a number")
    fails(function() plot(string.rep, 0, 1) end, "plot_spec.lua:%d+: plot: bad argument #")
    fails(function() plot(spec.nabla.nn.net "2 - 1", 0, 1) end,
        "plot_spec.lua:%d+: plot: x is 500x1; the network takes examples of 2")
    fails(function() plot(math.sin, 1, 0) end, "a must be below b, not 1 and 0", true)
    fails(function() plot(math.sin, 0, 1 / 0) end, "must be finite numbers, not inf", true)
    fails(function() plot({1, 2}, 0, 1) end, "takes two arguments", true)
end)

test("a legend is told apart for every series there may be, and wraps", function()
    local text = drawn(ASCII, plot, tensor.zeros(2, 60), {text = true, width = 40})
    local marks, widest = {}, 0
    for mark in text:gmatch "(%g) %d+" do
        eq(marks[mark], nil)
        marks[mark] = true
    end
    for line in text:gmatch "[^\n]+" do widest = math.max(widest, #line) end
    eq(widest <= 40, true)
    fails(function() plot(tensor.zeros(2, 61)) end, "at most 60 series, not 61", true)
    fails(function() plot(tensor.zeros(0, 1000000000)) end, "not 1000000000", true)
    fails(function() plot({1, 2}, {labels = {"a", "b"}}) end, "2 labels and 1 series", true)
end)

test("pictures of all kinds fit windows of 20 to 300 columns", function()
    local digits = spec.nabla.data.digits()
    local set = digits.test
    local kinds = {
        function() plot({1000001, 1000002, 1000003}, {labels = {("long "):rep(100)}}) end,
        function() plot(tensor.randn(50, 9, {seed = 1})) end,
        function() plot.hist(tensor.randn(500, {seed = 1})) end,
        function() plot.image(set) end,
        function() plot.image(tensor.rand(3, 500, 700, {seed = 1})) end,
        function() plot.heat(tensor.rand(700, 3, {seed = 1})) end,
        function() plot.image(tensor {{1}}) end,
        function() plot.confusion(tensor.eye(30)) end,
    }
    local terminals = {ASCII, UTF8, {LANG = "C.UTF-8", TERM = "xterm-256color"}}
    for _, columns in ipairs {20, 33, 80, 300} do
        for _, terminal in ipairs(terminals) do
            for _, draw in ipairs(kinds) do
                eq(widest(printed(terminal, columns, draw)) <= columns, true)
            end
        end
    end
end)

test("sizes have limits", function()
    local none = {1e6, 1e308, 1 / 0, 0 / 0, -1, 0, 0.5, 20.5, 2 ^ 63, "20"}
    for option, ends in pairs {width = {20, 1000}, height = {2, 500}} do
        local words = ("plot: %s must be a whole number from %d to %d, not"):format(option,
            ends[1], ends[2])
        for _, value in ipairs(none) do
            fails(function() plot({1, 2}, {[option] = value, text = true}) end, words, true)
        end
        for i, value in ipairs(ends) do
            local beyond = value + 2 * i - 3
            fails(function() plot({1, 2}, {[option] = beyond, text = true}) end, words, true)
            plot({1, 2}, {[option] = value, text = true})
        end
    end
    for option, least in pairs {scale = 1, count = 1} do
        for _, value in ipairs(none) do
            fails(function() plot.image(tensor.eye(2), {[option] = value}) end,
                ("plot.image: %s must be a whole number from %d to"):format(option, least), true)
        end
    end
    for _, value in ipairs(none) do
        fails(function() plot.hist({1, 2}, {bins = value}) end,
            "plot.hist: bins must be a whole number from 1 to 1000, not", true)
    end
    fails(function() plot.image(tensor.zeros(2000, 2000), {scale = 1}) end,
        "plot_spec.lua:%d+: plot.image: the picture has more than 1000000 places")
    fails(function() plot({1, 2}, {low = 1 / 0}) end, "low must be a finite number, not inf", true)
    fails(function() plot({1, 2}, {low = 2, high = 1}) end, "must be below high, not 2 and 1", true)
    fails(function() plot({1, 2}, {low = 0, log = true}) end, "low must be above 0", true)
end)

test("numbers of any size are drawn", function()
    local options = {text = true, width = 40, height = 5}
    local f64 = {dtype = "f64"}
    for _, y in ipairs {{-1.7e308, 1.7e308}, {1e308, -1e308, 1 / 0, 0 / 0}, {5e-324, 0},
        {1, 1 + 2.3e-16}, {1e-300, 2e-300}, {7, 7}, {0, 0}, {-1e15, -1e15 - 1}} do
        for _, log in ipairs {true, false} do
            options.log = log
            eq(widest(drawn(ASCII, plot, y, options)) <= 40, true)
            eq(widest(drawn(ASCII, plot, {y, y}, options)) <= 40, true)
        end
        drawn(ASCII, plot.heat, tensor({y}, f64), {text = true})
    end
    eq(widest(drawn(ASCII, plot.hist, {-4e307, 4e307}, {text = true, width = 40})) <= 40, true)
    -- Ticks are told apart where they differ late.
    local text = drawn(ASCII, plot, {1e6, 1e6 + 1}, {text = true, width = 40, height = 6})
    for _, tick in ipairs {"  1000001 +", "1000000.5 +", "  1000000 +"} do
        eq(text:find(tick, 1, true) ~= nil, true)
    end
end)

test("a logarithmic axis of less than a power of ten has round numbers", function()
    local text = drawn(ASCII, plot, {2, 30}, {text = true, width = 40, height = 9, log = true})
    local ticks = {}
    for tick in text:gmatch "(%S+) %+" do ticks[#ticks + 1] = tonumber(tick) end
    eq(ticks, {20, 10, 5, 2})
end)

test("what a terminal would obey is spelled out", function()
    local text = drawn(UTF8, plot, {1, 2}, {text = true, title = "\27[31mred\7",
        labels = {"a\nb\200"}, xlabel = "\xc2\x9bé"})
    eq(text:match "^[^\n]*\n[^\n]*", "\\027[31mred\\007\n━━ a\\nb\\200")
    eq(text:match "(%S+)$", "\\u{9B}é")
    fails(function() plot("\27c") end, "not '\\027c'", true)
    eq(select(2, nabla._help.text("\27c")), false)
    eq(nabla._help.text("\27c"):find("\\027c", 1, true) ~= nil, true)
    text = drawn(UTF8, plot.confusion, tensor.eye(2), {text = true, classes = {"\27c", "b"}})
    eq(text:find "\27", nil)
    -- 日本 takes four columns.
    text = drawn(UTF8, plot.confusion, tensor.eye(2), {text = true, classes = {"日本", "b"}})
    eq(text:match "^[^\n]*", "     日本    b   right")
end)

test("a session's own names do not reach what draws", function()
    local pipe <close> = io.popen(("'%s' -e 'math, table, utf8, ipairs, tostring = nil' " ..
        "-e 'plot({1, 2}, {width = 20, height = 2}) plot.hist{1}' -e 'plot.image(data.digits()[1])' " ..
        "2>&1"):format(arg[-1]))
    local text = pipe:read "a"
    eq(text:find("nil", 1, true), nil)
    eq(select(2, text:gsub("\n", "")) > 10, true)
end)

test("lines that cross what is full leave nothing out where a point is new", function()
    -- A thousand lines between two places, then one to a third and back.
    local x, y = {}, {}
    for i = 1, 1001 do x[i], y[i] = i % 2, 0 end
    x[1002], y[1002], x[1003], y[1003] = 0, 1, 1, 0
    eq(drawn(ASCII, plot, {x, y}, {text = true, width = 20, height = 3}),
        drawn(ASCII, plot, {{0, 1, 0, 1}, {0, 0, 1, 0}}, {text = true, width = 20, height = 3}))
end)

test("a million points", function()
    local y = tensor.randn(1000000, {seed = 1})
    local text = drawn(ASCII, plot, y, {text = true, width = 40, height = 5})
    -- Every column has a run from the least to the largest of its numbers.
    eq(text:match "\n0 %+([^\n]*)", ("*"):rep(36))
    eq(text:match "\n0 [^\n]*\n  |([^\n]*)", ("*"):rep(36))
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

-- ---- Histograms ----

test("a histogram", function()
    eq(drawn(ASCII, plot.hist, {0, 1, 1, 2, 2, 2, 3, 3, 3, 3},
        {text = true, bins = 4, low = 0, high = 4, width = 30}), [[
0.0 .. 1.0 1 ####
1.0 .. 2.0 2 ########
2.0 .. 3.0 3 ###########
3.0 .. 4.0 4 ###############]])
    -- What is not finite has no place in the range, and is counted.
    eq(drawn(ASCII, plot.hist, {0, 1, 0 / 0, 1 / 0, 5}, {text = true, bins = 1, low = 0, high = 1,
        width = 30}), "0.0 .. 1.0 2 ###############\n3 of 5 are outside or not finite")
    eq(drawn(ASCII, plot.hist, {0, 1, 1 / 0}, {text = true, bins = 1, width = 30}):match "\n(.*)",
        "1 of 3 are outside or not finite")
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
    fails(function() plot({1}, {file = "missing/x.svg"}) end,
        "cannot write missing/x.svg: No such file or directory", true)
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
    -- What is there already is nobody's temporary.
    for _, ending in ipairs {".part", ".part.log"} do
        assert(io.open(picture .. ending, "w")):write("mine"):close()
    end
    pretend(folder, "echo drawn")
    eq(with_path(folder, (code:gsub("'", "'\\''"))), "")
    local file = assert(io.open(picture))
    eq(file:read "a", "drawn\n")
    file:close()
    local told = assert(io.open(folder .. "/told"))
    local text = told:read "a"
    told:close()
    for _, part in ipairs {"set terminal svg", "set title 'squares'",
        "1 1\n2 4\n3 9\ne\n"} do
        eq(text:find(part, 1, true) ~= nil, true)
    end
    pretend(folder, "echo 'line 3: no such thing' >&2; exit 1")
    local said = with_path(folder, (code:gsub("'", "'\\''")))
    eq(said:find("cannot draw " .. picture .. ": line 3: no such thing", 1, true) ~= nil, true)
    -- One that reads nothing and ends, with more to read than a pipe holds.
    for _, ending in ipairs {"exit 1", "kill -9 $$", "echo half; exit 2"} do
        local file <close> = assert(io.open(folder .. "/gnuplot", "w"))
        file:write("#!/bin/sh\n", ending, "\n")
        file:close()
        local long = ('print(pcall(plot, tensor.rand(100000), {file = [[%s]]})) print "on"')
            :format(picture)
        local told = with_path(folder, (long:gsub("'", "'\\''")))
        eq(told, ("false\tcannot draw %s: no reason given\non\n"):format(picture))
        local kept <close> = io.open(picture)
        eq(kept:read "a", "drawn\n")
    end
    local list = io.popen("ls -A '" .. folder .. "'")
    eq(list:read "a", "gnuplot\nit's.svg\nit's.svg.part\nit's.svg.part.log\ntold\n")
    list:close()
    os.execute("rm -r '" .. folder .. "'")
end)

spec.report()
