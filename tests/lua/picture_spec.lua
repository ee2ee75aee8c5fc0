-- Images, heat maps and confusion matrices. Pictures that are written out here were looked at.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec, plotted = require "spec", require "plotted"
local test, eq, fails = spec.test, spec.eq, spec.fails
local tensor, plot = spec.nabla.tensor, spec.nabla.plot
local ASCII, UTF8, drawn, printed = plotted.ASCII, plotted.UTF8, plotted.drawn, plotted.printed

local x = tensor {{0, 1}, {1, 0.5}}

local function image()
    plot.image(x, {scale = 1})
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
        plot.image(tensor {{0}, {1}, {1}}, {scale = 1})
    end)
    local wanted = "\27[38;5;232;48;5;255m▀\27[0m\n\27[38;5;255m▀\27[0m"
    eq(text, wanted)
    local variables = {LANG = "C.UTF-8", TERM = "xterm", XTERM_VERSION = "XTerm(379)"}
    eq(printed(variables, 80, function()
        plot.image(tensor {{0}, {1}, {1}}, {scale = 1})
    end), wanted)
end)

test("a row with a square number of elements is a square", function()
    local options = {text = true}
    local square = plot.image(tensor {{0, 1}, {1, 0}}, options)
    eq(plot.image(tensor {0, 1, 1, 0}, options), square)
    fails(function() plot.image(tensor {1, 2, 3}) end,
        "picture_spec.lua:%d+: plot.image takes a matrix.*not 3")
    fails(function() plot.image(tensor.zeros(2, 2, 2, 2, 2)) end, "not 2x2x2x2x2")
    fails(function() plot.image(tensor(1)) end, "not a number")
end)

test("low and high fix what is black and white; bytes, NaN and infinity are shown", function()
    local function ascii(y, low, high)
        return printed({}, nil, function()
            plot.image(y, {low = low, high = high, scale = 1})
        end)
    end
    eq(ascii(tensor {{0.5, 2}}, 0, 1), "++@@")
    eq(ascii(tensor({{0, 255}}, {dtype = "u8"})), "  @@")
    eq(ascii(tensor {{0, 1 / 0, 0 / 0, -1 / 0, 1}}), "  @@??  @@\n? NaN")
    eq(ascii(tensor {{3, 3}}), "@@@@")
    eq(ascii(tensor({{-1e308, 1e308}, {0, 0}}, {dtype = "f64"})), "  @@\n++++")
    eq(ascii(tensor.zeros(0, 3)), "nothing to draw: no elements")
    eq(ascii(tensor.zeros(3, 0)), "nothing to draw: no elements")
end)

test("what it cannot show it refuses", function()
    fails(function() plot.image(nil) end,
          "takes a tensor, an example, a set or a layer, not nil", true)
    fails(function() plot.image({}) end, "not a table", true)
    fails(function() plot.image({1}) end, "takes tensors or examples in a list", true)
    fails(function() plot.image(x, {hi = 1}) end, "plot.image has no option 'hi'", true)
    fails(function() plot.image(x, {low = "0"}) end, "low must be a finite number, not '0'", true)
    fails(function() plot.image(x, 5) end, "must be a table")
end)

-- ---- Matrices ----

test("heat maps have a scale", function()
    eq(drawn(ASCII, plot.heat, tensor {{0, 1}, {2, 3}}, {text = true, scale = 1}),
        "  --\n**@@\n0   ..::--==++**##%%@@ 3")
    local text = printed({LANG = "C.UTF-8", TERM = "xterm", COLORTERM = "truecolor"}, 80, function()
        plot.heat(tensor {{0}, {1}}, {scale = 1})
    end)
    eq(text:match "^[^\n]*", "\27[38;2;13;8;80;48;2;250;225;100m▀\27[0m")
end)

test("pictures fill a part of the window, scale fixes it", function()
    eq(drawn(ASCII, plot.image, x, {text = true, scale = 2}),
        "    @@@@\n    @@@@\n@@@@++++\n@@@@++++")
    -- Half of a window of 24 rows.
    local lines = select(2, drawn(ASCII, plot.image, x, {text = true}):gsub("\n", "")) + 1
    eq(lines, 12)
    -- What is larger than the window is shown by means; a last block may be smaller.
    local wide = tensor.ones(1, 82)
    wide[{1, 82}] = 3
    eq(drawn(ASCII, plot.heat, wide, {text = true, width = 80, low = 1, high = 3}),
        (" "):rep(54) .. "@@\n" ..
        "1   ..::--==++**##%%@@ 3   means of 1 x 3")
    eq(drawn(ASCII, plot.image, tensor {{1, 2}, {3, 4}}, {text = true, scale = 1}), "  --\n**@@")
end)

test("examples, sets, lists and layers are pictures with names", function()
    local set = spec.nabla.data.set {x = {{0, 1, 1, 0}, {1, 1, 0, 0}, {0, 0, 1, 1}}, y = {1, 2, 1},
        classes = {"up", "flat"}}
    local options = {text = true, scale = 1}
    eq(drawn(ASCII, plot.image, set[1], options), "up\n  @@\n@@")
    eq(drawn(ASCII, plot.image, set, options), "up    flat  up\n  @@  @@@@\n@@          @@@@")
    eq(drawn(ASCII, plot.image, set, {text = true, scale = 1, count = 2}),
        "up    flat\n  @@  @@@@\n@@\n2 of 3")
    eq(drawn(ASCII, plot.image, {set[1], tensor.ones(2, 2), set[2].x}, options),
        "up    2     3\n  @@  @@@@  @@@@\n@@    @@@@")
    local net = spec.nabla.nn.net("4 - 2", {seed = 1})
    spec.nabla.nn.no_grad(function() net[1].w:copy_(tensor {{0, 1, 1, 0}, {1, 1, 0, 0}}) end)
    eq(drawn(ASCII, plot.image, net[1], options), "1     2\n  @@  @@@@\n@@")
    fails(function() plot.image(net) end, "not a network; its layers are net[1]", true)
    local flat = spec.nabla.data.set {x = {{0, 1, 1}}, y = {{1}}}
    fails(function() plot.image(flat) end, "no picture's shape; plot.heat(set.x) shows", true)
    fails(function() plot.image(flat[1]) end, "no picture's shape: it is 3", true)
    fails(function() plot.image(spec.nabla.nn.net("2 - residual[2]")[1]) end,
        "plot.image: layer 1 has no w of its own", true)
end)

test("three and four dimensions: channels, colours, stacks", function()
    local options = {text = true, scale = 1}
    local one = tensor {{{0, 1}, {1, 0}}}
    eq(drawn(ASCII, plot.image, one, options), "  @@\n@@")
    eq(drawn(ASCII, plot.image, tensor.stack({one, one}, 1), options),
        "1     2\n  @@    @@\n@@    @@")
    local two = tensor.cat({one, 1 - one}, 1)
    eq(drawn(ASCII, plot.image, two, options), "1     2\n  @@  @@\n@@      @@")
    eq(drawn(ASCII, plot.image, tensor.stack({two, two}, 1), options):match "^[^\n]*",
        "1.1   1.2   2.1   2.2")
    -- Red, green and blue; without colours as bright as they are seen; as heat three pictures.
    local rgb = tensor.eye(3):reshape(3, 1, 3)
    local text = printed({LANG = "C.UTF-8", TERM = "xterm", COLORTERM = "truecolor"}, 80,
        function() plot.image(rgb, {scale = 1}) end)
    eq(text, "\27[38;2;255;0;0m▀\27[38;2;0;255;0m▀\27[38;2;0;0;255m▀\27[0m")
    eq(drawn(ASCII, plot.image, rgb, options), "--++..")
    eq(drawn(ASCII, plot.heat, rgb, options):match "^[^\n]*", "1       2       3")
end)

test("NaN is no value", function()
    local variables = {LANG = "C.UTF-8", TERM = "xterm", COLORTERM = "truecolor"}
    local text = printed(variables, 80, function()
        plot.heat(tensor {{0, 0 / 0}}, {scale = 1, low = 0, high = 1})
    end)
    eq(text:match "^[^\n]*", "\27[38;2;13;8;80m▀\27[38;2;128;128;128m▀\27[0m")
    eq(text:gsub("\27[^m]*m", ""):match "\n(.*)$", "0 " .. ("█"):rep(20) .. " 1   █ NaN")
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
    -- A set of fewer classes than the network has outputs: what it answered besides has columns.
    local four = spec.nabla.nn.net("2 - 4", {seed = 1})
    spec.nabla.nn.no_grad(function()
        four[1].w:copy_(tensor {{9, 0}, {0, 0}, {0, 0}, {0, 9}})
        four[1].b:zero_()
    end)
    local two = spec.nabla.data.set {x = {{1, 0}, {0, 1}, {0, 1}}, y = {1, 2, 1},
        classes = {"a", "b"}}
    eq(drawn(ASCII, plot.confusion, four, two, {text = true}), [[
                a        b output 4   right
       a        1        .        1   50.0 %
       b        .        .        1    0.0 %]])
    local set_of_four = spec.nabla.data.set {x = {{1, 0}, {0, 1}}, y = {1, 4},
        classes = {"a", "b", "c", "d"}}
    four:train(set_of_four, {epochs = 1, lr = 1e-9, progress = false})
    eq(drawn(ASCII, plot.confusion, four, two, {text = true}),
        "    a  b  d   right\n a  1  .  1   50.0 %\n b  .  .  1    0.0 %")
    fails(function() plot.confusion(spec.nabla.nn.net "2 - 2", set_of_four) end,
        "picture_spec.lua:%d+: plot.confusion: the set has 4 classes; the network gives 2")
    -- One output is two classes.
    local one = spec.nabla.nn.net "2 - 1"
    spec.nabla.nn.no_grad(function()
        one[1].w:copy_(tensor {{-9, 9}})
        one[1].b:zero_()
    end)
    eq(drawn(ASCII, plot.confusion, one, two, {text = true}),
        "    a  b   right\n a  1  1   50.0 %\n b  .  1  100.0 %")
    fails(function() plot.confusion(spec.nabla.nn.net "3 - 2", two) end,
        "picture_spec.lua:%d+: plot.confusion: ")
    fails(function() plot.confusion(tensor.zeros(1, 1):expand(1001, 1001)) end,
        "at most 1000 classes, not 1001", true)
    fails(function() plot.confusion(net) end, "takes a set with classes, not nil", true)
    fails(function() plot.confusion(tensor {1}) end, "or a square matrix, not a tensor", true)
end)

test("a confusion matrix wider than the window is told in words", function()
    local counts = tensor.eye(30) * 9
    counts[{3, 30}] = 1
    counts[{4, 1}] = 2
    local text = drawn(ASCII, plot.confusion, counts, {text = true, width = 40})
    eq(text:find(" 3  90.0 %", 1, true) ~= nil, true)
    eq(text:match "\n( 4 %->.*)$", " 4 -> 1   2\n 3 -> 30  1")
end)

spec.report()
