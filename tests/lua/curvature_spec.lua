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

-- C of several examples must be the mean of theirs for their Hessians
-- at the outputs to be its parts.
test("a function of Lua that is no mean of its examples has no Gauss-Newton matrix", function()
    local _, x, y = line()
    local function of(cost)
        return nn.net({1, nn.dense {1, "linear"}, cost = cost}, {dtype = "f64", seed = 1})
    end
    local sum = of(function(a, b) return ((a - b) ^ 2):sum() end)
    local c = sum:curvature(x, y, {matrices = true})
    eq(c.gauss_newton, nil)
    eq(c.gauss_newton_matrix, nil)
    assert(c.missing:find("the mean of each one's own", 1, true), c.missing)
    assert(tostring(c):find("no Gauss-Newton matrix: the cost of all examples is", 1, true))
    close(c.largest, 20) -- its Hessian is found all the same: 4 times that of the mean
    eq(of(function(a, b) return ((a - b) ^ 2):max() end):curvature(x, y).gauss_newton, nil)
    -- Of one example there is nothing to tell apart, and a mean is one with weights too.
    close(sum:curvature(x[1], y[1]).gauss_newton[1], 4, 1e-6)
    local mean = of(function(a, b, w)
        local e = (a - b) ^ 2
        return w and (e * w):sum() / w:sum() or e:mean()
    end)
    assert(mean:curvature(x, y).gauss_newton)
    -- Steps count as examples: their mean is one, their sum over the batch is none.
    local function steps(cost)
        return nn.net({{"*", 1}, nn.dense {1, "linear"}, cost = cost}, {dtype = "f64", seed = 1})
    end
    local set = data.set {x = {x, x[{{1, 2}}]}, y = {y, y[{{1, 2}}]}}
    assert(steps(function(a, b) return ((a - b) ^ 2):mean() end):curvature(set).gauss_newton)
    assert(steps(function(a, b) return ((a - b) ^ 2):sum() end):curvature(set).missing)
    local alone = data.set {x = {x}, y = {y}}
    assert(steps(function(a, b) return ((a - b) ^ 2):sum() end):curvature(alone).missing)
end)

-- C = (a - y)⁴ has C″ = 12 e², which central differences of 4 e³ with step h find as 12 e² + 4 h²:
-- at a = 100 h is 1e-3, so 4e-6 too much, and with twice the step three times that more. λ is that
-- times |J|² = x² + 1 = 2.
test("what differences at the outputs leave out is in the error", function()
    local net = nn.net({1, nn.dense {1, "linear"}, cost = function(a, y) return ((a - y) ^ 4):mean() end},
        {dtype = "f64", seed = 1})
    net[1].w, net[1].b = 100, 0
    local c = net:curvature(tensor({{1}}, {dtype = "f64"}), tensor({{99.9}}, {dtype = "f64"}))
    local off = c.gauss_newton[1] - 2 * 12 * 0.01
    close(off, 8e-6, 1e-7)
    close(c.gauss_newton_error, 24e-6, 1e-6)
    eq(line():curvature(data.set {x = tensor({{1}, {2}}), y = tensor({{1}, {3}})}).gauss_newton_error < 1e-12,
        true)
end)

-- 1-1-1 linear with w1 = 2, b1 = 1, w2 = 3, b2 = -1, x = 2: a1 = 5, the output 14 = y, so that
-- H = J Jᵀ, J = (w2 x, w2, a1, 1) = (6, 3, 5, 1). With the factor f of layer 1 that of F½ H F½ is f
-- (36 + 9) + 26.
test("lr with the rates that layers and neurons have of their own", function()
    local x, y = tensor({{2}}, {dtype = "f64"}), tensor({{14}}, {dtype = "f64"})
    local function net(f, k)
        local of = nn.net("1 - 1 linear - 1 linear : quadratic", {dtype = "f64"})
        of[1].w, of[1].b, of[2].w, of[2].b = 2, 1, 3, -1
        of[1].factor = f
        if k then of[1]:neuron(1).factor = k end -- in place of its layer's
        return of
    end
    for _, o in ipairs {{matrices = true}, {top = 2}} do
        local c = net(4):curvature(x, y, o)
        close(c.largest, 71, 1e-6)
        close(c.lr, 2 / (4 * 45 + 26), 1e-9)
        close(c.layers[1].lr, 2 / (4 * 45), 1e-9)
        close(c.layers[2].lr, 2 / 26, 1e-9)
        assert(c.factors)
        close(net(0.5, 3):curvature(x, y, o).lr, 2 / (3 * 45 + 26), 1e-9)
        assert(not net(1):curvature(x, y, o).factors)
    end
    local c = net(4):curvature(x, y)
    close(c.gauss_newton_lr, 2 / 206, 1e-12)
    local text = tostring(c)
    assert(text:find("above lr = 0.009709 plain", 1, true), text)
    assert(text:find("lr with the layers' and neurons' own factors", 1, true), text)
    -- It is the lr at which descent turns: beside the minimum it comes back below, and goes above.
    for _, case in ipairs {{0.98, true}, {1.02, false}} do
        local of = net(4)
        of[2].b = -1 + 1e-4
        local first = of:cost(x, y)
        for _ = 1, 300 do of:step(x, y, {lr = c.lr * case[1]}) end
        eq(of:cost(x, y) < first, case[2])
    end
end)

test("weights of a set of several pieces", function()
    local n = 40000
    local x = tensor.randn(n, 1, {seed = 1, dtype = "f64"})
    local y, w = x * 0, tensor.ones(n)
    y:narrow(1, n // 2 + 1, n // 2):fill_(3)
    w:narrow(1, n // 2 + 1, n // 2):fill_(5)
    local net = line()
    local c = net:curvature(data.set {x = x, y = y}, {weights = {examples = w}})
    close(c.cost, net:cost(x, y, {weights = w}), 1e-9)
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
    fails(function() net:curvature(set, {top = 1, matrices = true}) end,
        "leave out top or matrices",
        true)
    eq(net:curvature(set, {top = 1}).hessian, nil)
end)

spec.report()
