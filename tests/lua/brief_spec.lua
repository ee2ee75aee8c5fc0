-- Values in brief: examples, layers of a trace, gradients. The figures are counted by hand.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec, plotted = require "spec", require "plotted"
local test, eq = spec.test, spec.eq
local tensor, nn, data = spec.nabla.tensor, spec.nabla.nn, spec.nabla.data

local function text_of(value)
    local text
    plotted.printed(plotted.ASCII, nil, function() text = tostring(value) end)
    return text
end

test("an example of a picture's shape is its picture", function()
    local set = data.set {x = tensor.eye(6):reshape(1, 36), y = {2}, classes = {"a", "dia\27g"}}
    eq(text_of(set[1]), "@@\n  @@\n    @@\n      @@\n        @@\n          @@\ny: dia\\027g")
    -- The same text wherever it goes: no colours.
    local text = plotted.printed({LANG = "C.UTF-8", TERM = "xterm-256color"}, 80,
        function() print(tostring(set[1])) end)
    eq(text:match "^[^\n]*", "██")
    eq(text:find "\27", nil)
    local rows = data.set {x = tensor.eye(6):reshape(1, 6, 6), y = {{0.5}}}
    eq(text_of(rows[1]):match "^[^\n]*", "@@")
end)

test("an example that is no picture is its figures, of many in brief", function()
    local set = data.set {x = tensor {{1, 2, 3, 4}}, y = {1}, classes = {"a"}}
    eq(text_of(set[1]), "4 f32\n  1  2  3  4\ny: a")
    -- A square number of figures, some below 0.
    local below = data.set {x = tensor.eye(6):reshape(1, 36) - 0.5, y = {1}, classes = {"a"}}
    eq(text_of(below[1]):match "^[^\n]*", "36 f32")
    local long = tensor.zeros(1, 101)
    long[{1, 1}] = -2.02
    eq(text_of(data.set({x = long, y = tensor.ones(1, 101)})[1]),
        "x: 101 f32  mean -0.02  |max| 2.02\ny: 101 f32  mean 1  |max| 1")
end)

test("a layer of a trace: mean, largest, share of slopes that are nearly 0", function()
    local net = nn.net("2 - 4 relu - 1 linear", {seed = 1, dtype = "f64"})
    nn.no_grad(function()
        net[1].w:copy_(tensor {{1, 0}, {-1, 0}, {0, 1}, {0, -2}})
        net[2].w:fill_(0.5)
    end)
    local t = net:trace(tensor {{1, 3}}, tensor {{0}})
    eq(text_of(t[1]), [[
z      1x4 f64  mean -0.75  |max| 6
a      1x4 f64  mean 1      |max| 3
delta  1x4 f64  mean 0.5    |max| 1
slope  1x4 f64  mean 0.5    |max| 1  saturated 50 %
db     4 f64    mean 0.5    |max| 1
dw     4x2 f64  mean 1      |max| 3]])
    eq(text_of(t[0]), "a  1x2 f64  mean 2  |max| 3")
end)

test("gradients by layer, in blocks, and where there are none", function()
    local net = nn.net({2, "residual[2 linear]", nn.fn(function(x) return x * 1 end)}, {seed = 1})
    nn.no_grad(function() net:params():zero_() end)
    local w, b = net:backprop(tensor {{1, -2}}, tensor {{0, 0}})
    -- a = x, δ = a - y = x, ∂C/∂w = δ xᵀ = {{1, -2}, {-2, 4}}.
    eq(text_of(w), "[1][1]  2x2 f32  mean 0.25  |max| 4\n[2]     false")
    eq(text_of(b), "[1][1]  2 f32  mean -0.5  |max| 2\n[2]     false")
end)

test("what is no number is told", function()
    local long = tensor.zeros(1, 101)
    long[{1, 5}] = 0 / 0
    local nan = data.set {x = long, y = {1}, classes = {"a"}}
    eq(text_of(nan[1]):match "^[^\n]*":find "%-?nan" ~= nil, true)
end)

spec.report()
