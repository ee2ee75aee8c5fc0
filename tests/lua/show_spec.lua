-- Whatever can be shown: which picture it is, and what is refused.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local tensor, nn, plot, data = nabla.tensor, nabla.nn, nabla.plot, nabla.data

local TEXT <const> = {text = true}
local digits = data.digits()

-- x is shown as what one of plot's functions makes of `as`, by its method too.
local function is_shown(x, how, as, is_plain)
    local wanted = plot[how](as, TEXT)
    assert(#wanted > 0)
    eq(plot.show(x, TEXT), wanted)
    if not is_plain then eq(x:show(TEXT), wanted) end
end

test("tensors by their shape", function()
    local x = tensor.rand(12, {seed = 1})
    is_shown(x, "lines", x)
    is_shown(x:reshape(1, 12), "lines", x)
    is_shown(x:reshape(12, 1), "lines", x)
    is_shown(x:reshape(3, 4), "heat", x:reshape(3, 4))
    is_shown(x:reshape(3, 2, 2), "image", x:reshape(3, 2, 2))
    is_shown(x:reshape(1, 3, 2, 2), "image", x:reshape(1, 3, 2, 2))
    local net = nn.net("2 - 3", {seed = 1})
    is_shown(net[1].w, "heat", net[1].w)
    is_shown(tensor {1, 2, 3}:to "i32", "lines", {1, 2, 3})
    is_shown(tensor.zeros(0, 3), "heat", tensor.zeros(0, 3))
    is_shown(tensor {{0 / 0, 1}, {1 / 0, 2}}, "heat", tensor {{0 / 0, 1}, {1 / 0, 2}})
end)

test("examples and sets that are pictures, and others", function()
    is_shown(digits.train[3], "image", digits.train[3])
    is_shown(digits.test, "image", digits.test)
    local iris = data.iris()
    is_shown(iris[5], "lines", iris[5].x)
    is_shown(iris, "heat", iris.x)
    local images = data.set {x = tensor.rand(3, 3, 5, 5, {seed = 1}), y = {1, 2, 1}}
    is_shown(images, "image", images)
    is_shown(images[2], "image", images[2])
    local series = data.set {x = tensor.rand(3, 7, 2, {seed = 1}), y = tensor.zeros(3, 1)}
    is_shown(series[2], "heat", series[2].x)
    fails(function() return digits.train[3].z end, "an example has no field 'z'", true)
    eq(#digits.train[3], 2)
end)

test("lists", function()
    is_shown({3, 1, 2}, "lines", {3, 1, 2}, true)
    is_shown({digits[1], digits[2]}, "image", {digits[1], digits[2]}, true)
    is_shown({{1, 2}, {3, 4}}, "lines", {{1, 2}, {3, 4}}, true)
end)

test("networks, layers, neurons", function()
    local small, large = nn.net("2 - 3 tanh - 1", {seed = 1}), nn.net("64 - 30 - 10", {seed = 1})
    is_shown(small, "network", small)
    is_shown(large, "weights", large[1])
    is_shown(large[2], "weights", large[2])
    is_shown(large[1]:neuron(3), "weights", large[1]:neuron(3))
    is_shown(large:find {layer = 1}, "weights", large:find {layer = 1})
end)

test("a neuron is its row of the layer's", function()
    local net = nn.net("64 - 3 - 2", {seed = 1})
    local one = plot(net[1]:neuron(2), TEXT)
    eq(one:match "^[^\n]+", "neuron 2 of layer 1 (sigmoid)")
    local w = net[1]:neuron(2).w:detach():reshape(1, 8, 8)
    local alone = nn.net("64 - 1", {seed = 1})
    alone[1].w = w:reshape(1, 64)
    local function rows(text) return text:match "\n1\n(.-)\nb " or text:match "\n1\n(.*)" end
    eq(rows(one), rows(plot(alone[1], TEXT)))
    local row = plot(net[2]:neuron(1), TEXT)
    local wanted = plot.hinton(net[2]:neuron(1).w, TEXT)
    assert(row:find(wanted:match "[^\n]+$", 1, true), row)
    local shaped = plot(net[1]:neuron(2), {text = true, shape = {4, 16}})
    assert(shaped ~= one)
    fails(function() plot(net[1]:neuron(2), {shape = {5, 16}}) end, "product is 64", true)
end)

test("neurons are side by side", function()
    local net = nn.net("64 - 3 - 2", {seed = 1})
    local all = plot(net:find {layer = 1}, TEXT)
    assert(all:find "1 +2 +3")
    assert(plot(net:find {layer = 2}, TEXT):find "w 3")
    fails(function() plot(net:find {}) end, "weights of several shapes", true)
    fails(function() net:find {name = "none"}:show() end, "no neurons among these", true)
    fails(function() nn.net("2 - 3 - relu")[2]:neuron(1):show() end, "w", true)
end)

test("what training leaves", function()
    local net = nn.net("64 - 10", {seed = 1})
    local o = {epochs = 2, lr = 3, progress = false, flow = true, seed = 1}
    local history = net:train(digits.train, o)
    is_shown(history, "lines", history)
    is_shown(history.flow, "lines", history.flow)
    local run = net:trainer(digits.train, {lr = 3, progress = false})
    run:epoch()
    run:epoch()
    is_shown(run, "lines", run)
    local evaluation = net:evaluate(digits.test)
    is_shown(evaluation, "confusion", evaluation)
    is_shown(evaluation.confusion, "heat", evaluation.confusion)
    eq(plot(evaluation, TEXT), plot.confusion(net, digits.test, TEXT))
    local gradients = net:example_gradients(digits.test:take(20))
    is_shown(gradients, "hist", gradients.norms)
    eq(#gradients:row(1), 20) -- its other method stays
    local runs = nn.sweep {net = "64 - 10", set = digits.train, epochs = 1, lr = {1, 3},
        progress = false}
    is_shown(runs, "sweep", runs)
end)

test("what looks inside", function()
    local net = nn.net("2 - 3 - 2", {seed = 1})
    local trace = net:trace({1, 0}, {0, 1})
    is_shown(trace, "trace", trace)
    is_shown(trace[1], "trace", trace[1])
    local curvature = net:curvature(tensor.rand(9, 2, {seed = 1}), tensor.rand(9, 2, {seed = 2}))
    is_shown(curvature, "lines", curvature)
    local reads = nn.net("*x4 - attention 2 causal - 3", {seed = 1})
    local maps = reads:attention(tensor.randn(5, 4, {seed = 1}))
    is_shown(maps, "attention", maps)
    is_shown(nn.tanh, "lines", nn.tanh, true)
    is_shown(math.sin, "lines", math.sin, true)
end)

test("options are those of the picture", function()
    local x = tensor.rand(3, 4, {seed = 1})
    eq(x:show {text = true, title = "x"}, plot.heat(x, {text = true, title = "x"}))
    fails(function() x:show {bins = 3} end, "plot.heat has no option 'bins'", true)
    fails(function() x:show(3) end, "options of plot.heat must be a table", true)
    fails(function() x:show({}, 1) end, "plot.show(x, options) takes nothing more", true)
end)

test("errors stand at the line that called", function()
    local function here() return debug.getinfo(2, "l").currentline end
    local line = here() + 1
    local message = fails(function() tensor(3):show() end, "one number is no picture", true)
    assert(message:find("show_spec.lua:" .. line .. ":", 1, true), message)
    line = here() + 1
    message = fails(function() plot.show(nil) end, "not nil", true)
    assert(message:find("show_spec.lua:" .. line .. ":", 1, true), message)
    line = here() + 1
    message = fails(function() tensor.zeros(2, 2):show {low = 2, high = 1} end, "low must be", true)
    assert(message:find("show_spec.lua:" .. line .. ":", 1, true), message)
    for _, value in ipairs {true, "x", 3, io.stdout} do
        fails(function() plot.show(value) end, "plot.show takes what can be drawn", true)
    end
    local net = nn.net("2 - 1", {seed = 1})
    fails(function() net:evaluate(tensor.rand(3, 2), tensor.rand(3, 1)):show() end,
        "has no classes, so there is no confusion", true)
    fails(function() tensor.zeros(1, 1, 1, 1, 1):show() end, "plot.image takes", true)
end)

spec.report()
