-- net:curvature: fields, printed form, plot, what is said and what is refused. The numbers are held
-- against values worked out by hand, and in tests/c/nn/inspect/test_curvature.c.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local tensor, nn, data, plot = nabla.tensor, nabla.nn, nabla.data, nabla.plot

-- Least squares of one weight: C = mean (w x + b - y)², H = 2 (mean x², mean x; mean x, 1). Of x =
-- ±1, ±2 that is (5, 0; 0, 2).
local function line()
    local net = nn.net("1 - 1 linear : mse", {dtype = "f64", seed = 1})
    local x = tensor({{1}, {-1}, {2}, {-2}}, {dtype = "f64"})
    return net, x, tensor({{3}, {1}, {4}, {1}}, {dtype = "f64"})
end

local function close(a, b, tolerance)
    if not (math.abs(a - b) <= (tolerance or 1e-8)) then
        error(("%.17g is not %.17g"):format(a, b), 2)
    end
end

test("eigenvalues, the largest first, and what they mean for lr", function()
    local net, x, y = line()
    local c = net:curvature(x, y, {matrices = true})
    eq(c.parameters, 2)
    eq(c.examples, 4)
    close(c.values[1], 5)
    close(c.values[2], 2)
    close(c.largest, 5)
    close(c.least, 2)
    close(c.lr, 2 / 5)
    close(c.gauss_newton[1], 5, 1e-13)
    close(c.gauss_newton[2], 2, 1e-13)
    close(c.hessian[1][1], 5)
    close(c.hessian[1][2], 0)
    close(c.gauss_newton_matrix[2][2], 2, 1e-13)
    eq(c.places[1], 1)
    eq(c.places[2], 2)
    close(c.cost, net:cost(x, y), 1e-14)
    assert(c.error >= 0 and c.error < 1e-8 and c.kinks == 0 and c.settled)
    eq(#c.layers, 1)
    eq(c.layers[1].path, "1")
    close(c.layers[1].largest, 5)
end)

-- Descent on a parabola contracts by 1 - lr λ along each direction: within 2/λ it does, above it
-- goes astray.
test("above that lr gradient descent diverges, below it converges", function()
    for _, case in ipairs {{0.95, true}, {1.05, false}} do
        local net, x, y = line()
        local lr = net:curvature(x, y).lr * case[1]
        local first = net:cost(x, y)
        for _ = 1, 400 do net:step(x, y, {lr = lr}) end
        eq(net:cost(x, y) < first, case[2])
        -- w = Σxy / Σx² = (3 - 1 + 8 - 2)/10 = 0.8, b = mean y = 2.25, and what is left is
        -- mean y² - 0.8² · 2.5 - 2.25² = 6.75 - 1.6 - 5.0625.
        local least = 6.75 - 1.6 - 5.0625
        if case[2] then close(net:cost(x, y), least, 1e-6) end
    end
end)

test("the network is as it was", function()
    local net = nn.net("3 - 4 tanh - dropout 0.5 - batch_norm - 2 : cross_entropy", {seed = 1})
    local x = tensor.randn(6, 3, {seed = 2})
    local y = tensor.rand(6, 2, {seed = 3})
    net:step(x, y, {lr = 0.1})
    local before, grads, figures = net:params():clone(), net:grads():clone(), net[3].mean:clone()
    local c = net:curvature(x, y)
    assert(net:params():equal(before) and net:grads():equal(grads))
    assert(net[3].mean:equal(figures))
    assert(c.converted and c.running and c.still)
    local text = tostring(c)
    for _, words in ipairs {"computed in f64, the network is f32",
        "batch_norm by its running figures", "dropout off"} do
        assert(text:find(words, 1, true), text)
    end
end)

test("what is frozen or masked does not count", function()
    local net, x, y = line()
    net[1].mask = {w = tensor {{0}}}
    local c = net:curvature(x, y, {matrices = true})
    eq(c.parameters, 1)
    close(c.largest, 2)
    eq(c.places[1], 2)
    net[1].mask = nil
    net:freeze(1)
    fails(function() net:curvature(x, y) end, "no parameter learns: all are frozen or masked", true)
end)

test("weights of examples", function()
    local net, x, y = line()
    -- ±2 alone: mean x² = 4.
    local c = net:curvature(x, y, {weights = {examples = {0, 0, 1, 1}}})
    close(c.largest, 8)
    close(c.gauss_newton[1], 8, 1e-13)
end)

test("functions of Lua as layers, activations and costs", function()
    local half = nn.cost {name = "half", f = function(a, y)
        return ((a - y) * (a - y)):sum() / (2 * a:size(1))
    end}
    local own = nn.net {2, nn.dense {3, function(z) return z:tanh() end}, nn.dense {1, "linear"},
        cost = half, seed = 3}
    local built = nn.net("2 - 3 tanh - 1 linear : quadratic", {seed = 3})
    built:params():copy_(own:params())
    local x, y = tensor.randn(5, 2, {seed = 1}), tensor.randn(5, 1, {seed = 2})
    local a, b = own:curvature(x, y), built:curvature(x, y)
    for i = 1, a.parameters do
        close(a.values[i], b.values[i], 1e-7)
        close(a.gauss_newton[i], b.gauss_newton[i], 1e-7)
    end
end)

test("sequences of different lengths", function()
    local net = nn.net("*x2 - rnn 2 - 1 linear : mse", {seed = 1, dtype = "f64"})
    local x = {tensor.randn(3, 2, {seed = 1}), tensor.randn(5, 2, {seed = 2})}
    local y = {tensor.randn(3, 1, {seed = 3}), tensor.randn(5, 1, {seed = 4})}
    local c = net:curvature(data.set {x = x, y = y})
    -- Every step counts alike: (3 H_1 + 5 H_2) / 8.
    local h = net:curvature(x[1]:reshape(1, 3, 2), y[1]:reshape(1, 3, 1), {matrices = true})
    local k = net:curvature(x[2]:reshape(1, 5, 2), y[2]:reshape(1, 5, 1), {matrices = true})
    local mean = (h.hessian * 3 + k.hessian * 5) / 8
    local gauss = (h.gauss_newton_matrix * 3 + k.gauss_newton_matrix * 5) / 8
    close(c.largest, mean:eigh():max():item(), 1e-7)
    close(c.gauss_newton[1], gauss:eigh():max():item(), 1e-10)
end)

test("the ends alone", function()
    local net = nn.net("4 - 5 tanh - 3 softmax : cross_entropy", {seed = 1})
    local set = data.iris()
    local all, ends = net:curvature(set), net:curvature(set, {top = 3})
    for i = 1, 3 do
        close(ends.values[i], all.values[i], ends.error + all.error)
        close(ends.smallest[i], all.values[all.parameters + 1 - i], ends.error + all.error)
    end
    eq(ends.values:numel(), 3)
    assert(ends.products > 0 and ends.settled and ends.gauss_newton == nil)
    assert(tostring(ends):find "layer 2")
    assert(not pcall(function() return net:curvature(set, {top = 0}) end))
end)

test("printed and drawn", function()
    local net, x, y = line()
    local text = tostring(net:curvature(x, y))
    assert(text:find("above lr = 2/λ = 0.4 plain gradient descent diverges along that " ..
        "direction", 1, true), text)
    assert(text:find("curvature at cost", 1, true) and text:find("Gauss-Newton", 1, true), text)
    for line in text:gmatch "[^\n]+" do assert(utf8.len(line) <= 100, line) end
    local net = nn.net("2 - 3 tanh - 1 : cross_entropy", {seed = 1})
    local c = net:curvature(data.xor())
    local picture = plot(c, {text = true, width = 60})
    assert(picture:find("λ above 0", 1, true) and picture:find "1e%-?%d", picture)
    assert(c.least < 0 and picture:find("-λ of those below 0", 1, true), picture)
    assert(tostring(c):find("no minimum here", 1, true))
end)

test("what is refused", function()
    local net, x, y = line()
    fails(function() net:curvature() end, "net:curvature", true)
    fails(function() net:curvature(x) end, "y", true)
    fails(function() net:curvature(x, y, {tpo = 3}) end, "did you mean 'top'", true)
    fails(function() net:curvature(x, y, {top = 1.5}) end,
        "top must be a whole number from 1 to 1,000", true)
    fails(function() net:curvature(x, y, {}, 3) end, "one argument too many", true)
    fails(function() nn.net("3 - 1"):curvature(x, y) end, "the network takes examples of 3", true)
    local large = nn.net("784 - 2000 - 1000 - 10")
    local set = data.set {x = tensor.rand(2, 784), y = tensor {1, 2}, classes = {"a", "b"}}
    fails(function() large:curvature(tensor.rand(1, 784), tensor.rand(1, 10)) end,
        "the whole spectrum of 3581010 parameters would take .* ask for its ends, {top = 10}")
end)

test("the ends come without matrices", function()
    local net, set = nn.net("2 - 2 - 1", {seed = 1}), data.xor()
    fails(function() net:curvature(set, {top = 1, matrices = true}) end, "leave out top or matrices",
        true)
    eq(net:curvature(set, {top = 1}).hessian, nil)
end)

spec.report()
