-- Pictures of what is inside networks: weights, networks as drawings, traces, and which examples
-- stand behind a confusion. What is expected is argued from the numbers that are put in.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec, plotted = require "spec", require "plotted"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local tensor, plot, nn, data = nabla.tensor, nabla.plot, nabla.nn, nabla.data
local ASCII, UTF8, drawn, printed = plotted.ASCII, plotted.UTF8, plotted.drawn, plotted.printed

-- Gives a layer these values.
local function set(layer, values)
    nn.no_grad(function()
        for name, value in pairs(values) do layer[name]:copy_(tensor(value)) end
    end)
end

local function lines_of(text)
    local out = {}
    for line in (text .. "\n"):gmatch "(.-)\n" do out[#out + 1] = line end
    return out
end

local options = {text = true}

local function contains(text, part)
    if not text:find(part, 1, true) then error(("no '%s' in\n%s"):format(part, text), 2) end
end

-- Two examples with names.
local function pets()
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "w"))
    file:write "ear,tail,pet\n1,0,cat\n0,1,dog\n"
    file:flush()
    local set_of = data.csv(path, {y = "pet"})
    os.remove(path)
    return set_of
end

-- ---- Hinton diagrams ----

test("the largest fills its cell, 0 draws nothing, the sign is seen without colours", function()
    local x = tensor {{1, -1, 0.5}, {0, -0.25, 0.75}}
    eq(drawn(UTF8, plot.hinton, x, options), "  1\n1 ██⣿⣿▐▌\n2   ⠰⠆▟▙\n██ 1   ⣿⣿ -1")
    -- A sign and how many quarters.
    eq(drawn(ASCII, plot.hinton, x, options), "  1\n1 +4-4+2\n2   -1+3\n+4 1   -4 -1")
    -- A vector is one row.
    eq(drawn(ASCII, plot.hinton, tensor {-3, 6}, options), "  1\n1 -2+4\n+4 6   -4 -6")
end)

test("from a sixteenth of the largest on a number is seen", function()
    eq(drawn(ASCII, plot.hinton, tensor {{16, 1, 0.99, -1, -0.99}}, options):match "\n([^\n]*)\n",
        "1 +4+1  -1")
    -- The next quarter begins in the middle: 3/8, 5/8, 7/8.
    eq(drawn(ASCII, plot.hinton, tensor {{1, 0.37, 0.38, 0.62, 0.63, 0.87, 0.88}}, options)
        :match "\n([^\n]*)\n", "1 +4+1+2+2+3+3+4")
end)

test("high fixes what fills a cell; NaN and infinity are seen; all may be 0", function()
    eq(drawn(ASCII, plot.hinton, tensor {{1, -5}}, {text = true, high = 4}),
        "  1\n1 +1-4\n+4 4   -4 -4")
    local odd = tensor {{0 / 0, 1 / 0, -1 / 0, 1}}
    eq(drawn(ASCII, plot.hinton, odd, options),
        "  1\n1 ??+i-i+4\n+4 1   -4 -1   +i infinite")
    eq(drawn(UTF8, plot.hinton, odd, options),
        "  1\n1 ??+∞-∞██\n██ 1   ⣿⣿ -1   +∞ infinite")
    eq(drawn(ASCII, plot.hinton, tensor.zeros(2, 3), options), "all are 0")
    eq(drawn(ASCII, plot.hinton, tensor.zeros(0, 3), options), "nothing to draw: no elements")
end)

test("where there is no room cells are narrow, then each is the largest of several", function()
    local x = tensor.ones(1, 12)
    x[{1, 2}] = -2
    local narrow = drawn(UTF8, plot.hinton, x, {text = true, width = 20})
    eq(lines_of(narrow)[2], "1 ▌⣿" .. ("▌"):rep(10))
    -- 36 columns in 18 are two in each: the pair with -2 is -2, whatever stands beside it.
    x = tensor.ones(1, 36)
    x[{1, 2}] = -2
    local shared = lines_of(drawn(UTF8, plot.hinton, x, {text = true, width = 20}))
    eq(shared[2], "1 ⣿" .. ("▌"):rep(17))
    eq(shared[#shared], "each the largest of 1 x 2")
    eq(plotted.widest(drawn(UTF8, plot.hinton, tensor.randn(150, 300, {seed = 1}),
        {text = true, width = 40})) <= 40, true)
end)

test("colours say the sign too, each where it changes", function()
    local variables = {LANG = "C.UTF-8", TERM = "xterm", COLORTERM = "truecolor"}
    local text = printed(variables, 80, function() plot.hinton(tensor {{1, 1, 0, -1}}) end)
    eq(lines_of(text)[2],
        "1 \27[38;2;86;180;233m████  \27[38;2;230;159;0m⣿⣿\27[0m")
end)

test("what is no matrix is refused", function()
    fails(function() plot.hinton(tensor.zeros(2, 2, 2)) end,
        "inside_spec.lua:%d+: plot.hinton takes a matrix or a vector, not 2x2x2")
    fails(function() plot.hinton "x" end, "not 'x'", true)
    fails(function() plot.hinton(tensor {1}, {hi = 1}) end, "plot.hinton has no option 'hi'", true)
    fails(function() plot.hinton(tensor {1}, {}, 3) end, "takes nothing more", true)
end)

-- ---- Layers ----

test("a layer's parameters", function()
    local net = nn.net("2 - 3 tanh - 2", {seed = 1})
    set(net[1], {w = {{1, 0}, {0, -2}, {2, 0.5}}, b = {0, 0, 0}})
    eq(drawn(ASCII, plot, net[1], options),
        "layer 1: dense 2 → 3 tanh\nw 3x2\n  1\n1 +2\n2   -4\n3 +4+1\n+4 2   -4 -2\nb 3\nall are 0")
    set(net[2], {w = {{1, 0, 0}, {0, 0, 0}}, b = {3, -3}})
    eq(drawn(ASCII, plot, net[2], {text = true, parameter = "b", title = "mine"}),
        "mine\nb 2\n 1\n +4-4\n+4 3   -4 -3")
    fails(function() plot(net[1], {parameter = "wx"}) end, "has no parameter 'wx'; it has w, b",
        true)
    fails(function() plot(net[1], {scal = 1}) end, "plot has no option 'scal'", true)
    fails(function() plot.weights(net) end,
        "plot.weights takes a layer, net[1], or neurons of one, not a network", true)
end)

test("names of classes, columns and gates", function()
    local set_of = pets()
    local net = nn.net("2 - 2", {seed = 1})
    net:train(set_of, {epochs = 1, lr = 1e-9, progress = false})
    set(net[1], {w = {{1, 0}, {0, 1}}})
    eq(drawn(ASCII, plot, net[1], {text = true, parameter = "w"}):match "w 2x2\n(.*)\n",
        "1 ear   2 tail\n    1\ncat +4\ndog   +4")
    -- lstm's rows are its gates i f g o, one after the other.
    local lstm = nn.net("*x1 - lstm 2 last - 1", {seed = 1})
    set(lstm[1], {wx = {{1}, {2}, {3}, {4}, {-1}, {-2}, {-3}, {-4}}})
    eq(drawn(ASCII, plot, lstm[1], {text = true, parameter = "wx"}):match "wx 8x1\n(.*)\n",
        "i1 +1\ni2 +2\nf1 +3\nf2 +4\ng1 -1\ng2 -2\no1 -3\no2 -4")
end)

test("what a neuron looks for is a picture where its inputs are one", function()
    local net = nn.net("16 - 2 - 3", {seed = 1})
    local w = tensor.zeros(2, 16)
    w[{1, 1}], w[{1, 16}], w[{2, 6}] = 2, -2, 1
    set(net[1], {w = w})
    eq(drawn(ASCII, plot, net[1], {text = true, parameter = "w"}):match "w 2x16\n(.*)", [[
1         2
+4
            +2

      -4
+4 2   -4 -2]])
    -- 16 hidden neurons are no picture, nor are 9 inputs.
    local hidden = nn.net("2 - 16 - 3", {seed = 1})[2]
    eq(drawn(ASCII, plot, hidden, options):find("\n3 ", 1, true) ~= nil, true)
    eq(drawn(ASCII, plot, nn.net("9 - 2", {seed = 1})[1], options):match "w 2x9\n([^\n]*)",
        "  1       5")
    -- One that is told, and one that flatten made.
    local six = nn.net("6 - 1", {seed = 1})
    set(six[1], {w = {{1, 0, 0, 0, 0, -1}}})
    local wanted = "1\n+4\n    -4\n+4 1   -4 -1"
    eq(drawn(ASCII, plot, six[1], {text = true, parameter = "w", shape = {2, 3}})
        :match "w 1x6\n(.*)", wanted)
    local flat = nn.net("1x2x3 - flatten - act relu - 1", {seed = 1})
    set(flat[3], {w = {{1, 0, 0, 0, 0, -1}}})
    eq(drawn(ASCII, plot, flat[3], {text = true, parameter = "w"}):match "w 1x6\n(.*)", wanted)
    set(flat[3], {w = {{1, 0, 0 / 0, 0, 0, -1 / 0}}})
    local odd = drawn(ASCII, plot, flat[3], {text = true, parameter = "w"})
    contains(odd, "-i")
    contains(odd, "??")
    contains(odd, "+4 1   -4 -1   -i infinite   ? NaN")
    fails(function() plot(six[1], {shape = {2, 2}}) end,
        "shape takes rows and columns, or channels, rows and columns, of 6 inputs", true)
    fails(function() plot(six[1], {shape = {2, 1.5}}) end, "shape takes sizes", true)
    fails(function() plot(nn.net("*x2 - lstm 2")[1], {shape = {1, 2}}) end,
        "shape is for dense layers; layer 1 is lstm", true)
    -- Hinton diagrams are to be had of them too.
    eq(drawn(ASCII, plot, net[1], {text = true, parameter = "w", hinton = true})
        :match "w 2x16\n(.*)",
        "  1       5         10        15\n1 +4" .. (" "):rep(28) .. "-4\n2           +2\n" ..
        "+4 2   -4 -2")
end)

test("kernels are pictures, channel by input", function()
    local net = nn.net("2x3x3 - conv 1 2 bias=false", {seed = 1})
    set(net[1], {w = {{{{1, 0}, {0, 0}}, {{0, 0}, {0, -0.5}}}}})
    eq(drawn(ASCII, plot, net[1], options):match "w 1x2x2x2\n(.*)",
        "1.1   1.2\n+4\n        -2\n+4 1   -4 -1")
end)

test("half blocks have the sign's colour, darker where it is less", function()
    local net = nn.net("1x3x3 - conv 1 2 bias=false", {seed = 1})
    set(net[1], {w = {{{{1, 0}, {-1, 0.5}}}}})
    local variables = {LANG = "C.UTF-8", TERM = "xterm", COLORTERM = "truecolor"}
    local text = printed(variables, 80, function() plot(net[1], {scale = 1}) end)
    -- 0 is {20, 20, 20}; half way to {86, 180, 233} is {53, 100, 127}.
    eq(lines_of(text)[4], "\27[38;2;86;180;233;48;2;230;159;0m▀" ..
        "\27[38;2;20;20;20;48;2;53;100;127m▀\27[0m")
end)

test("layers without weights, and without a network, are refused by name", function()
    local net = nn.net("4 - residual[4] - dropout 0.5 - 2")
    fails(function() plot(net[1]) end,
        "inside_spec.lua:%d+: plot: layer 1 has no weights of its own; the layers that stand in " ..
        "it have: net%[1%]%[1%]")
    fails(function() plot(net[2]) end, "plot: layer 2 has no weights: it is dropout", true)
    fails(function() plot(nn.dense {3}) end, "part of no network yet", true)
end)

-- ---- Networks ----

test("a network is neurons and strokes", function()
    local net = nn.net("2 - 1 linear", {seed = 1})
    set(net[1], {w = {{1, -1}}})
    local small = {text = true, width = 20}
    -- Neurons stand at the ends of 20 columns, two rows apart; half way lines come to the middle.
    local function picture(w)
        set(net[1], {w = {w}})
        local lines = lines_of(drawn(ASCII, plot, net, small))
        return table.concat(lines, "\n", 1, 4)
    end
    eq(picture {1, -1}, "input       1 linear\no+++++++++\n          ---------o\no---------")
    -- 0 draws nothing, and neither does less than a twentieth.
    eq(picture {1, 0}, "input       1 linear\no+++++++++\n          +++++++++o\no")
    eq(picture {1, 0.049}, picture {1, 0})
    -- Below two thirds every second place, below one third every third.
    eq(picture {0.6, -1}, "input       1 linear\no + + + +\n          ---------o\no---------")
    eq(picture {0.3, -1}, "input       1 linear\no  +  +  +\n          ---------o\no---------")
end)

test("with Braille a stroke is whole above 0 and dashed below", function()
    local net = nn.net("1 - 1 linear", {seed = 1})
    local function row(w)
        set(net[1], {w = {{w}}})
        return lines_of(drawn(UTF8, plot, net, {text = true, width = 20}))[2]
    end
    -- The thickest is three rows of dots in each of the 18 columns between the neurons.
    eq(row(1), "●" .. ("⠿"):rep(0) .. ("⣶"):rep(18) .. "●")
    -- Three dots on, three off: columns of a letter are both, left, none, both …
    local dashed = row(-1)
    eq(dashed:find("⣶", 1, true) ~= nil and dashed:find(" ", 1, true) ~= nil, true)
    eq(dashed:match "^●" ~= nil and dashed:match "●$" ~= nil, true)
end)

test("a weight that is no number is no stroke, and is told", function()
    local net = nn.net("1 - 2 linear", {seed = 1})
    local function text(w)
        set(net[1], {w = w})
        return drawn(UTF8, plot, net, {text = true, width = 40})
    end
    local one = text {{1}, {0}}
    eq(text {{1}, {1 / 0}}, one .. "\nnet[1].w[2][1] is inf, not drawn")
    eq(text {{1}, {0 / 0}}, one .. "\nnet[1].w[2][1] is nan, not drawn")
    contains(text {{-1 / 0}, {0 / 0}},
        "2 weights are not drawn, the first: net[1].w[1][1] is -inf")
end)

test("names stand beside the neurons", function()
    local set_of = pets()
    local net = nn.net("2 - 2 softmax : cross_entropy", {seed = 1})
    net:train(set_of, {epochs = 1, lr = 1e-9, progress = false})
    local lines = lines_of(drawn(ASCII, plot, net, {text = true, width = 40}))
    eq(lines[2]:match "^ ear o" ~= nil and lines[2]:match "o cat$" ~= nil, true)
    eq(lines[4]:match "^tail o" ~= nil and lines[4]:match "o dog$" ~= nil, true)
end)

test("what is too large or no dense layer is said", function()
    fails(function() plot(nn.net "25 - 1") end,
        "inside_spec.lua:%d+: plot%(net%) draws layers of at most 24 neurons; the input has 25; " ..
        "plot%(net%[1%]%) draws the weights of layer 1")
    fails(function() plot(nn.net "2 - 24 - 25") end,
        "layer 2 has 25; plot(net[2]) draws its weights", true)
    eq(#lines_of(drawn(ASCII, plot, nn.net("24 - 24", {seed = 1}), options)), 26)
    fails(function() plot(nn.net "*x2 - lstm 2 last - 1") end,
        "plot(net) draws dense layers; layer 1 is lstm; plot(net[1]) draws its weights", true)
    fails(function() plot(nn.net "2 - residual[2] - 1") end, "layer 1 is residual", true)
    fails(function() plot(nn.net "2 - 2 - 2 - 2", {width = 20}) end,
        "3 layers need 31 columns, and there are 20", true)
    fails(function() plot(nn.net "2 - 1", {heigth = 3}) end, "plot has no option 'heigth'", true)
    -- dropout and act change nothing of which neuron is which.
    eq(drawn(ASCII, plot, nn.net("2 - 2 linear - act relu - dropout 0.5 - 1", {seed = 1}), options)
        :match "^[^\n]*":gsub(" +", " "), "input 2 linear 1 sigmoid")
end)

-- ---- Traces ----

test("a saturated neuron's strip shows so", function()
    -- w = 100 and 0: z = 100 and 0, a = 1 and 1/2, slope 0 and 1/4, δ = (a - y) slope = 0 and -1/8.
    local net = nn.net("1 - 2", {seed = 1, dtype = "f64"})
    set(net[1], {w = {{100}, {0}}, b = {0, 0}})
    local t = net:trace({1}, {1, 1})
    eq(drawn(ASCII, plot, t, options), [[
cost 0.125
input   a 0 .. 1
a ##
layer 1: dense 1 → 2 sigmoid   a 0 .. 1   delta +-0.125   saturated 50 %
a ##--
  ^^
d   -4
+4 above 0   -4 below 0   ^ saturated in every example]])
    -- A layer's part alone.
    eq(drawn(ASCII, plot, t[1], options):match "^[^\n]*\n[^\n]*",
        "layer 1: dense 1 → 2 sigmoid   a 0 .. 1   delta +-0.125   saturated 50 %\na ##--")
    -- Where the other example wakes it, it is not marked: x = 0 gives z = 0.
    local both = drawn(ASCII, plot, net:trace({{1}, {0}}, {{1, 1}, {1, 1}}), options)
    eq(both:find("^", 1, true), nil)
    eq(both:match "saturated (%d+) %%", "25")
end)

test("of a batch the first examples have a row each, or one is asked for", function()
    local net = nn.net("1 - 1 linear", {seed = 1, dtype = "f64"})
    set(net[1], {w = {{1}}, b = {0}})
    local t = net:trace({{1}, {2}, {3}, {4}, {4}}, {{0}, {0}, {0}, {0}, {0}})
    local lines = lines_of(drawn(ASCII, plot, t, {text = true}))
    eq(lines[1]:match "   (.*)", "the first 4 of 5 examples, a row each")
    eq(table.concat(lines, "|", 3, 6), "a ..|  --|  ++|  ##")
    lines = lines_of(drawn(ASCII, plot, t, {text = true, count = 2}))
    eq(table.concat(lines, "|", 3, 4), "a --|  ##")
    lines = lines_of(drawn(ASCII, plot, t, {text = true, example = 2}))
    eq(lines[1]:match "   (.*)", "example 2 of 5")
    eq(lines[3], "a ##")
    fails(function() plot(t, {example = 6}) end,
        "inside_spec.lua:%d+: plot: there is no example 6; the trace has 5 examples")
    fails(function() plot(t, {example = 0}) end, "example must be a whole number from 1", true)
    fails(function() plot.trace(net) end, "plot.trace takes a trace, net:trace(x, y)", true)
end)

test("steps go to the right, channels stand side by side", function()
    -- One feature: a row; 1 is half of 2.
    local steps = nn.net("*x1 - 1 linear", {seed = 1, dtype = "f64"})
    set(steps[1], {w = {{1}}, b = {0}})
    local t = steps:trace(tensor {{{1}, {2}}}, tensor {{{1}, {2}}})
    eq(lines_of(drawn(ASCII, plot, t, options))[3], "a ++@@")
    -- Of a padded sequence the real steps are shown: b makes 1 of padding, 3 of 2, 2 of 1, which is
    -- the seventh of ten shades.
    set(steps[1], {b = {1}})
    t = steps:trace({tensor {{2}}, tensor {{1}, {2}}}, {tensor {{2}}, tensor {{1}, {2}}})
    eq(lines_of(drawn(ASCII, plot, t[1], options))[3]:match "^a (%S+)", "@@")
    eq(lines_of(drawn(ASCII, plot, t[1], {text = true, example = 2}))[3]:match "^a (%S+)", "**@@")
    -- Two channels, x and -x.
    local space = nn.net("1x2x2 - conv 2 1 linear", {seed = 1, dtype = "f64"})
    set(space[1], {w = {{{{1}}}, {{{-1}}}}, b = {0, 0}})
    t = space:trace(tensor {{{{1, 0}, {0, 0.5}}}}, tensor.zeros(1, 2, 2, 2))
    local lines = lines_of(drawn(ASCII, plot, t[1], options))
    eq(lines[2]:match "^a (.-)   +d", "+4    -4")
    eq(lines[3]:find("+2    -2", 1, true), 5)
end)

test("blocks are followed by what stands in them", function()
    local net = nn.net("2 - residual[2 tanh] - 1", {seed = 1})
    local text = drawn(ASCII, plot, net:trace({1, 2}, {1}), options)
    eq(text:find("\nlayer 1: residual 2 → 2", 1, true) ~= nil, true)
    eq(text:find("\n  layer 1.1: dense 2 → 2 tanh", 1, true) ~= nil, true)
end)

test("every kind of layer has its strip, at any width", function()
    for _, notation in ipairs {"3 - 4 - layer_norm - 2", "1x6x6 - conv 2 3 relu - max_pool 2 - " ..
        "batch_norm - flatten - 2", "*x3 - rnn 4 - gru 3 - attention 1 - last - 2",
        "4x8 - conv 2 3 - global_avg_pool - 2", "8x4 - lstm 3 both - 2"} do
        local fine, net = pcall(nn.net, notation, {seed = 1})
        if fine then
            local shape = {3}
            for size in notation:match "^%S+":gmatch "[^x]+" do
                shape[#shape + 1] = tonumber(size) or 5
            end
            local x = tensor.randn(table.unpack(shape))
            local y = tensor.zeros(table.unpack(net(x).shape))
            local t = net:trace(x, y)
            for _, width in ipairs {40, 80, 120} do
                for _, locale in ipairs {ASCII, UTF8} do
                    local text = drawn(locale, plot, t, {text = true, width = width})
                    eq(plotted.widest(text) <= width, true)
                    for l = 1, #net do
                        eq(text:find("layer " .. l, 1, true) ~= nil, true)
                    end
                end
            end
        end
    end
end)

-- ---- Confusion ----

local function judged()
    local net = nn.net("1 - 2 softmax : cross_entropy", {seed = 1})
    set(net[1], {w = {{1}, {-1}}, b = {0, 0}})
    -- Above 0 it answers a, below it b.
    return net, data.set {x = {{1}, {2}, {-1}, {3}, {-2}}, y = {1, 1, 2, 2, 1},
        classes = {"a", "b"}}
end

test("which examples stand behind a mistake", function()
    local net, set_of = judged()
    local text = drawn(ASCII, plot.confusion, net, set_of, {text = true, examples = true})
    eq(text:match "set%[i%]\n(.*)", "a -> b  1: 5\nb -> a  1: 4")
    eq(drawn(ASCII, plot.confusion, net, set_of, {text = true, cell = {"a", "a"}})
        :match "([^\n]*)$", "a -> a  2: 1 2")
    eq(drawn(ASCII, plot.confusion, net, set_of, {text = true, cell = {"a", "a"}, examples = 1})
        :match "([^\n]*)$", "a -> a  2: 1 ..")
    set(net[1], {w = {{0}, {0}}, b = {9, 0}})
    eq(drawn(ASCII, plot.confusion, net, set_of:take(2), {text = true, examples = true})
        :match "([^\n]*)$", "no mistakes")
end)

test("pictures of the examples where they are some", function()
    local eye = tensor.eye(4):reshape(1, 16)
    local set_of = data.set {x = tensor.cat({eye, 1 - eye}, 1), y = {1, 2}, classes = {"a", "b"}}
    local net = nn.net("16 - 2 softmax : cross_entropy", {seed = 1})
    set(net[1], {w = tensor.zeros(2, 16), b = {9, 0}})
    eq(drawn(ASCII, plot.confusion, net, set_of, {text = true, examples = true}):match "\n(b %-.*)",
        "b -> a  1: 2\n    @@@@@@\n  @@  @@@@\n  @@@@  @@\n  @@@@@@")
end)

test("cells that are none, and files of examples, are refused", function()
    local net, set_of = judged()
    fails(function() plot.confusion(net, set_of, {cell = {"a", "c"}}) end,
        "inside_spec.lua:%d+: plot.confusion: cell takes two of the classes, " ..
        "{wanted, answered}, not 'c'")
    fails(function() plot.confusion(net, set_of, {cell = {}}) end, "not nil", true)
    fails(function() plot.confusion(net, set_of, {examples = 0}) end,
        "examples must be a whole number from 1 to 10000, not 0", true)
    fails(function() plot.confusion(net, set_of, {examples = true, file = "x.svg"}) end,
        "the examples are shown in the terminal alone", true)
    fails(function() plot.confusion(tensor.eye(2), {examples = true}) end, "no option 'examples'",
        true)
end)

-- ---- Files ----

test("what gnuplot is told", function()
    local script = require "nabla.plot.script"
    -- Areas are sizes: a quarter of the largest has half its side, 0.46 of a cell each way.
    local text = script.write("hinton", {matrix = tensor {{1, -0.25}, {0, 0}}})
    eq(text:find("\n1 1 0.4600 29362\n2 1 0.2300 15113984\ne\n", 1, true) ~= nil, true)
    -- Neurons at 0 and 1; a stroke half as strong is half as thick; below 0 it is dashed.
    local layers = {{title = "input", count = 1}, {title = "2 tanh", count = 2, w = {{2}, {-1}}}}
    text = script.write("network", {layers = layers, largest = 2})
    eq(text:find("from 0.0000,0.5000 to 1.0000,0.7500 nohead back lw 5.00 dt 1", 1, true) ~= nil,
        true)
    eq(text:find("from 0.0000,0.5000 to 1.0000,0.2500 nohead back lw 2.50 dt 2", 1, true) ~= nil,
        true)
    text = script.write("network", {layers = layers, largest = 2, lost = "one is not drawn"})
    contains(text, "set label 'one is not drawn' at 0.5000,-0.0300 center")
    text = script.write("hinton", {matrix = tensor {{1, -1 / 0}, {0 / 0, 0}}})
    contains(text, "set label '-inf' at 2,1 center\nset label 'NaN' at 1,2 center\n")
    contains(text, "\n1 1 0.4600 29362\ne\n")
    -- Around 0: as far below it as above.
    text = script.write("weights", {parts = {{tiles = {{rows = 1, columns = 2, name = "1",
        pixels = tensor {{1, -3}}}}}}})
    eq(text:find("set cbrange [-3:3]", 1, true) ~= nil, true)
    fails(function() plot(nn.net("1 - 1"):trace({1}, {1}), {file = "x.svg"}) end,
        "inside_spec.lua:%d+: plot: a trace is shown in the terminal alone")
end)

spec.report()
