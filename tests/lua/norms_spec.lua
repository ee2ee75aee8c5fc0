-- batch_norm and group_norm: where they stand, running figures and when they move, padding,
-- freezing, files and clones.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local F64 = {dtype = "f64"}
local quiet = {epochs = 2, batch = 4, lr = 0.1, progress = false}
local x = tensor.randn(8, 4, {seed = 5, dtype = "f64"})
local y = {1, 2, 3, 1, 2, 3, 1, 2}

local function net_of(notation) return nn.net(notation, {seed = 1, dtype = "f64"}) end

local function figures(net, l) return net[l or 1].mean:totable(), net[l or 1].variance:totable() end

-- ---- Figures ----

test("a step moves the running figures by the momentum, the variance that of n - 1", function()
    for _, m in ipairs {0.1, 0.5, 1, 0} do
        local net = net_of(("4 - batch_norm momentum=%g - 3"):format(m))
        net:step(x, y, {lr = 0.1})
        near(net[1].mean, m * x:mean(1), 1e-14)
        near(net[1].variance, (1 - m) + m * x:var(1), 1e-14)
    end
end)

test("evaluating takes them, and learning the batch's", function()
    local net = net_of "4 - batch_norm"
    near(net(x), x / (1 + 1e-5) ^ 0.5, 1e-14)
    local a = net:record(x)
    near(a:mean(1), {0, 0, 0, 0}, 1e-14)
    near((a * a):mean(1), {1, 1, 1, 1}, 1e-3)
    eq({figures(net)}, {{0, 0, 0, 0}, {1, 1, 1, 1}})
    net[1].mean, net[1].variance = tensor({1, 2, 3, 4}, F64), tensor({4, 4, 4, 4}, F64)
    near(net(x), (x - tensor({1, 2, 3, 4}, F64)) / (4 + 1e-5) ^ 0.5, 1e-14)
    eq(net(x[1]), net(x)[1]:totable()) -- one example alone too
end)

test("what is no step, and a step that fails, leaves them", function()
    local net = net_of "4 - batch_norm - 3 softmax : cross_entropy"
    net:train(x, y, quiet)
    local before = {figures(net)}
    net(x)
    net:cost(x, y)
    net:evaluate(x, y)
    net:trace(x, y)
    net:backprop(x, y)
    net:record(x)
    net:numeric_gradient(x, y)
    assert(net:gradcheck(x, y).ok)
    eq({figures(net)}, before)
    net[2].w[1] = 0 / 0
    fails(function() net:step(x, y, {lr = 0.1}) end, "layer 2: w[1][1] is nan", true)
    eq({figures(net)}, before)
end)

test("a shared layer's second place goes on from the first", function()
    local net = net_of "4 - batch_norm name=n momentum=0.5 - @n"
    net:step(x, x, {lr = 1e-9})
    local first = x:var(1) * 0.5 + 0.5
    local second = ((x - x:mean(1)) / (x:var(1) * 7 / 8 + 1e-5):sqrt()):var(1)
    near(net[1].variance, first * 0.5 + second * 0.5, 1e-12)
    near(net[1].mean, x:mean(1) * 0.25, 1e-12)
end)

test("a frozen layer keeps its figures and works by them", function()
    local net = net_of "4 - batch_norm frozen - 3"
    net[1].mean = tensor({1, 2, 3, 4}, F64)
    net:train(x, y, quiet)
    eq({figures(net)}, {{1, 2, 3, 4}, {1, 1, 1, 1}})
    eq(net[1].gain, {1, 1, 1, 1})
    net:step(x[1], 1, {lr = 0.1}) -- of one example too
end)

test("the same bits at any number of threads, of f32 and f64", function()
    for _, dtype in ipairs {"f32", "f64"} do
        local many = tensor.randn(300, 6, 20, 5, {seed = 2, dtype = dtype})
        local rows = tensor.randn(3000, 60, {seed = 2, dtype = dtype})
        for _, case in ipairs {{"6x20x5 - batch_norm", many}, {"60 - batch_norm", rows},
                               {"6x20x5 - group_norm 3", many}, {"60 - group_norm 5", rows}} do
            local seen
            for _, threads in ipairs {1, 2, 5} do
                nabla.threads(threads)
                local net = nn.net(case[1], {dtype = dtype})
                net:step(case[2], case[2] * case[2], {lr = 0.5})
                local now = {net:params():totable(), net(case[2]:narrow(1, 1, 2)):totable()}
                seen = seen or now
                eq(now, seen)
            end
        end
    end
    nabla.threads(1)
end)

-- ---- Where they stand ----

test("what is open becomes space, of which each channel has its figures", function()
    for _, case in ipairs {{"3x5 - batch_norm", 3}, {"3x5x2 - batch_norm", 3}, {"*x5 - batch_norm", 5},
                           {"5 - batch_norm", 5}, {"3x*x* - batch_norm", 3}, {"6x4 - group_norm 2", 6}} do
        local net = nn.net(case[1])
        eq(net[1].gain.shape, {case[2]})
        eq(net[1].shift, tensor.zeros(case[2]):totable())
    end
    fails(function() nn.net "4x4x4 - batch_norm - layer_norm" end, "group_norm 1 does that", true)
    fails(function() nn.net "*x* - batch_norm" end,
          "needs the number of its channels; that of *x* is free", true)
    fails(function() nn.net "2x2x2x2 - group_norm 2" end, "put reshape before it", true)
end)

test("bad input is refused, with the place and the way out", function()
    fails(function() nn.net "4 - 6 - group_norm 4" end,
          "layer 2: 4 groups do not divide 6 channels, 3 would", true)
    fails(function() nn.net "6 - group_norm 6" end, "make fewer groups than 6", true)
    fails(function() nn.net "6 - group_norm 0" end, "groups must be a whole number from 1", true)
    fails(function() nn.net "6 - batch_norm momentum=1.5" end, "from 0 to 1, not 1.5", true)
    fails(function() nn.net "6 - batch_norm epsilon=0" end, "a number above 0, not 0", true)
    local net = net_of "4 - 5 - batch_norm - 3"
    fails(function() net:step(x[1], 1, {lr = 1}) end,
          "layer 2: batch_norm needs two values or more of each feature or channel, " ..
          "and the batch has one", true)
    fails(function() net:gradcheck(x:narrow(1, 1, 1), {1}) end,
          "layer 2: batch_norm needs two", true)
    local steps = net_of "*x4 - group_norm 4 - 2"
    fails(function() steps(tensor.randn(2, 1, 4, F64)) end,
          "layer 1: group_norm needs two values or more in each group", true)
    assert(steps(tensor.randn(2, 2, 4, F64)))
end)

test("gradcheck says by which figures it checked", function()
    local report = net_of("4 - 3 tanh - batch_norm - 3"):gradcheck(x, y)
    assert(report.ok and tostring(report):find("batch_norm took the mean and variance of these", 1, true))
    local plain = net_of("4 - 3 tanh - group_norm 1 - 3"):gradcheck(x, y)
    assert(plain.ok and not tostring(plain):find("batch_norm", 1, true))
end)

-- ---- Files and copies ----

test("files and clones hold the figures, and evaluate the same bits", function()
    local net = nn.net("3x4x4 - batch_norm - flatten - 5 - batch_norm momentum=0.3 - 3", {seed = 3})
    local many = tensor.randn(8, 3, 4, 4, {seed = 4})
    net:train(many, y, quiet)
    for _, copy in ipairs {spec.saved(net), net:clone()} do
        eq(copy:notation(), net:notation())
        eq(copy(many), net(many):totable())
        eq({figures(copy, 4)}, {figures(net, 4)})
        copy:train(many, y, quiet)
        assert(not copy[1].mean:equal(net[1].mean))
    end
    net:reset(1)
    eq({figures(net)}, {{0, 0, 0}, {1, 1, 1}})
end)

spec.report()
