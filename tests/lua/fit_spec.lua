-- Full-batch optimizers on networks: what they find, what they refuse, and that nothing is lost;
-- and the standard errors of parameters.
package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, nabla = spec.test, spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local F64 = {dtype = "f64"}
local function close(a, b, tolerance) return math.abs(a - b) <= tolerance end

-- y = 3 x - 1 and waves that no line follows
local function line_set(n)
    local x = tensor.linspace(0, 1, n, F64):reshape(n, 1)
    local y = 3 * x - 1 + 0.1 * (40 * x):sin()
    return data.set {x = x, y = y}, x, y
end

-- The straight line of least squares, by its formula.
local function least_squares(n)
    local _, xs, ys = line_set(n)
    local sx, sy, sxx, sxy = 0, 0, 0, 0
    for i = 1, n do
        local x, y = xs[{i, 1}], ys[{i, 1}]
        sx, sy, sxx, sxy = sx + x, sy + y, sxx + x * x, sxy + x * y
    end
    local w = (n * sxy - sx * sy) / (n * sxx - sx * sx)
    return w, (sy - w * sx) / n, n * sxx - sx * sx, sxx
end

for _, name in ipairs {"lm", "lbfgs", "cg"} do
    for _, cost in ipairs {"quadratic", "mse"} do
        test(name .. " finds the line of least squares by " .. cost, function()
            local set, net = line_set(50), nn.net("1 - 1 linear : " .. cost, F64)
            local w, b = least_squares(50)
            local h = net:train(set, {optimizer = name, progress = false})
            assert(h.converged and h.epochs < 100, tostring(h))
            assert(tostring(h):find "converged: ")
            assert(close(net[1].w:item(), w, 1e-10) and close(net[1].b:item(), b, 1e-10))
        end)
    end

    test(name .. " leaves what is frozen and masked", function()
        local set, net = line_set(30), nn.net("1 - 3 tanh - 1 linear", {dtype = "f64", seed = 4})
        net[1].mask = {w = tensor {{0}, {1}, {1}}}
        net[2]:neuron(1).frozen = true
        local w, v = net[1].w:totable()[1][1], net[2].w:totable()[1][1]
        local before = net:cost(set)
        net:train(set, {optimizer = name, epochs = 20, progress = false})
        assert(net[1].w:totable()[1][1] == w and net[2].w:totable()[1][1] == v)
        assert(net:cost(set) < before)
    end)

    test(name .. " gives the same bits at any number of threads, and after a resume", function()
        local set = line_set(200)
        local function run(threads, o)
            nabla.threads(threads)
            local net = nn.net("1 - 8 tanh - 1 linear", {dtype = "f64", seed = 2})
            o.optimizer, o.progress, o.seed = name, false, 1
            local h = net:train(set, o)
            nabla.threads(2)
            return net, h
        end
        local one, h = run(1, {epochs = 12})
        local two = run(2, {epochs = 12})
        assert(one:params():equal(two:params()))
        local path = os.tmpname()
        run(2, {epochs = 5, checkpoint = path, every = 1})
        local on, again = run(1, {epochs = 12, resume = path, checkpoint = path})
        os.remove(path)
        assert(on:params():equal(one:params()))
        assert(again.epochs == h.epochs and again.cost[7] == h.cost[7])
    end)

    test(name .. " refuses what it cannot do, by name", function()
        local set, net = line_set(20), nn.net "1 - 4 - 1"
        local function refused(o, text, other)
            o.optimizer, o.progress = name, false
            local ok, message = pcall((other or net).train, other or net, set, o)
            assert(not ok and tostring(message):find(text, 1, true), tostring(message))
        end
        refused({batch = 5}, name .. " works on the whole set, so batch has no meaning")
        refused({lr = 1}, "lr")
        refused({accumulate = 2}, "accumulate has no meaning")
        refused({clip = 1}, "clip and decay")
        refused({schedule = "exponential factor=0.9"}, "no lr that a schedule could change")
        refused({}, "draws anew at every pass", nn.net "1 - 4 - dropout 0.5 - 1")
        refused({}, "takes its figures from the batch", nn.net "1 - 4 - batch_norm - 1")
    end)

    test(name .. " works in f32", function()
        local set, net = line_set(50), nn.net("1 - 1 linear", {dtype = "f32"})
        local w = least_squares(50)
        local h = net:train(set, {optimizer = name, progress = false})
        assert(h.converged and close(net[1].w:item(), w, 1e-4), tostring(h))
    end)
end

test("lm: only sums of squares", function()
    local x = tensor.rand(8, 2)
    for _, cost in ipairs {"mae", "huber", "cross_entropy"} do
        local net = nn.net("2 - 2 : " .. cost)
        local ok, message = pcall(net.train, net, x, tensor.rand(8, 2), {optimizer = "lm"})
        assert(not ok and tostring(message):find("a sum of squares, quadratic or mse", 1, true))
        ok, message = pcall(net.step, net, x, tensor.rand(8, 2), nn.lm())
        assert(not ok and tostring(message):find(cost, 1, true))
    end
end)

test("lbfgs and cg make the cost with its penalty small, lm takes none", function()
    -- The least of (w - 3)²/2 + λ/2 w², one example: w = 3 / (1 + λ).
    local x, y = tensor({{1}}, F64), tensor({{3}}, F64)
    for _, name in ipairs {"lbfgs", "cg"} do
        local net = nn.net("1 - 1 linear bias=false", F64)
        net:train(x, y, {optimizer = name, l2 = 0.5, progress = false})
        assert(close(net[1].w:item(), 2, 1e-10))
    end
    local net = nn.net("1 - 1 linear bias=false", F64)
    local ok, message = pcall(net.train, net, x, y, {optimizer = "lm", l2 = 1})
    assert(not ok and tostring(message):find("l1 and l2", 1, true), tostring(message))
end)

test("lm: more parameters than memory has room for", function()
    local before = nabla.memory().limit
    local net = nn.net "40 - 400 - 1"
    nabla.memory {limit = nabla.memory().used + (200 << 20)}
    local ok, message = pcall(net.train, net, tensor.rand(10, 40), tensor.rand(10, 1),
        {optimizer = "lm", progress = false})
    nabla.memory {limit = before}
    assert(not ok and tostring(message):find("16801 parameters that learn", 1, true)
        and tostring(message):find("lbfgs or adam", 1, true), tostring(message))
end)

test("lm: weights of examples, steps of sequences and several outputs", function()
    -- An example that weighs twice is one that is there twice.
    local x = tensor({{0}, {1}, {2}, {2}}, F64)
    local y = tensor({{0}, {2}, {3}, {3}}, F64)
    local weighed, twice = nn.net("1 - 1 linear", F64), nn.net("1 - 1 linear", F64)
    weighed:train(x:narrow(1, 1, 3), y:narrow(1, 1, 3),
        {optimizer = "lm", weights = {1, 1, 2}, progress = false})
    twice:train(x, y, {optimizer = "lm", progress = false})
    assert(weighed:params():allclose(twice:params(), {rtol = 1e-12, atol = 1e-12}))
    -- Of a network over steps, padding counts nothing.
    local list = {tensor({{1}, {2}}, F64), tensor({{3}, {4}, {5}}, F64)}
    local goals = {2 * list[1] + 1, 2 * list[2] + 1}
    local steps = nn.net("*x1 - 1 linear", F64)
    steps:train(data.set {x = list, y = goals}, {optimizer = "lm", progress = false})
    assert(close(steps[1].w:item(), 2, 1e-10) and close(steps[1].b:item(), 1, 1e-10))
    local wide = nn.net("2 - 3 linear", F64)
    local input = tensor.rand(20, 2, {dtype = "f64", seed = 1})
    local w = tensor.rand(3, 2, {dtype = "f64", seed = 2})
    wide:train(input, input:matmul(w:t()), {optimizer = "lm", progress = false})
    assert(wide[1].w:allclose(w, {rtol = 1e-10, atol = 1e-10}))
end)

-- Of 4, 7 and 2 steps a window of two that goes two by two gives 2, 3 and 1.
test("lm: steps that become fewer on their way", function()
    local x, y = {}, {}
    for i, steps in ipairs {4, 7, 2} do
        x[i] = tensor.randn(steps, 1, {dtype = "f64", seed = i})
        local first = x[i][{{1, steps // 2 * 2, 2}}]
        local second = x[i][{{2, steps // 2 * 2, 2}}]
        y[i] = 2 * first + 3 * second + 1
    end
    local net = nn.net("*x1 - conv 1 2 linear stride=2 : mse", F64)
    net:train(data.set {x = x, y = y}, {optimizer = "lm", progress = false})
    assert(net[1].w:flatten():allclose(tensor({2, 3}, F64), {rtol = 1e-10, atol = 1e-10}))
    assert(close(net[1].b:item(), 1, 1e-10))
end)

-- Where the outputs of a place are one distribution, each place counts as an example.
test("lm: the cost of pictures is the network's", function()
    local x = tensor.randn(5, 1, 4, 5, {dtype = "f64", seed = 1})
    local y = tensor.rand(5, 3, 4, 5, {dtype = "f64", seed = 2})
    for _, ends in ipairs {"softmax : quadratic", "tanh : quadratic", "softmax : mse", "tanh : mse"} do
        local net = nn.net("1x4x5 - conv 3 3 padding=same " .. ends, {dtype = "f64", seed = 3})
        local cost = net:cost(x, y)
        local h = net:train(x, y, {optimizer = "lm", epochs = 1, progress = false})
        assert(close(h.cost[1], cost, 1e-12), ends)
        assert(net:cost(x, y) < cost)
    end
end)

test("lm: classes at places of pictures are refused", function()
    local x, y = tensor.rand(3, 1, 4, 5), tensor.randint(1, 3, 3, 4, 5)
    local net = nn.net "1x4x5 - conv 3 3 tanh padding=same : mse"
    for _, weights in ipairs {{1, 2, 5}, {}} do
        local o = {optimizer = "lm", weights = weights[1] and {classes = weights}, progress = false}
        local ok, message = pcall(net.train, net, x, y, o)
        assert(not ok and tostring(message):find("classes of all places of pictures", 1, true),
            tostring(message))
    end
end)

test("a network that is not finite says so and stays", function()
    for _, name in ipairs {"lm", "lbfgs", "cg"} do
        local net = nn.net("1 - 1 linear", F64)
        net[1].w[{1, 1}] = math.huge
        local ok, message = pcall(net.train, net, line_set(10),
                                  {optimizer = name, progress = false})
        local says = name == "lm" and "is not finite" or "layer 1: w[1][1] is inf"
        assert(not ok and message:find(says, 1, true), message)
        assert(net[1].w:item() == math.huge)
    end
end)

test("errors of a straight line, by the formulas of the books", function()
    local set, net = line_set(50), nn.net("1 - 1 linear", F64)
    net:train(set, {optimizer = "lm", progress = false})
    local e = net:errors(set)
    local _, _, below, sxx = least_squares(50)
    local s2 = 2 * 50 * net:cost(set) / 48
    s2 = type(s2) == "number" and s2 or s2:item()
    assert(close(e.variance, s2, 1e-12) and e.freedom == 48 and e.residuals == 50)
    assert(close(e.error[1], math.sqrt(s2 * 50 / below), 1e-12))
    assert(close(e.error[2], math.sqrt(s2 * sxx / below), 1e-12))
    assert(close(e.covariance[{1, 2}], e.covariance[{2, 1}], 0))
    assert(close(e.covariance[{1, 1}], e.error[1] ^ 2, 1e-14))
    assert(e.value[1] == net[1].w:item() and e.value[2] == net[1].b:item())
    assert(e.names[1] == "w[1][1][1]" and e.names[2] == "b[1][1]" and e.places[2] == 2)
    assert(tostring(e):find "b%[1%]%[1%] +%-?[%d.]+ +± ")
end)

test("errors leave out what is frozen, and name what is not determined", function()
    local set, net = line_set(50), nn.net("1 - 1 linear - 1 linear", F64)
    net:train(set, {optimizer = "lm", progress = false})
    local ok, message = pcall(net.errors, net, set)
    assert(not ok)
    for _, name in ipairs {"w[1][1][1]", "b[1][1]", "w[2][1][1]", "b[2][1]"} do
        assert(tostring(message):find(name, 1, true), tostring(message))
    end
    net[1].frozen = true
    local e = net:errors(set)
    assert(#e.names == 2 and e.names[1] == "w[2][1][1]")
    local few = nn.net("1 - 2 tanh - 1", F64)
    ok, message = pcall(few.errors, few, set:take(5))
    assert(not ok and tostring(message):find("5 numbers to fit and 7 parameters", 1, true))
    local other = nn.net "1 - 1 : mae"
    ok, message = pcall(other.errors, other, set)
    assert(not ok and tostring(message):find("mae", 1, true))
end)

test("net:step makes one iteration", function()
    local set, net = line_set(20), nn.net("1 - 1 linear", F64)
    local o = nn.lm()
    local first = net:step(set.x, set.y, o)
    assert(o.steps == 1 and net:step(set.x, set.y, o) < first)
    -- Two iterations on a straight line: of each the Jacobian, and one trial that is good.
    assert(o.evaluations == 4, o.evaluations)
    -- A run that goes on counts on, and one that is seen whole has the same number.
    local path, counts = os.tmpname(), {}
    for i, run in ipairs {{6}, {3}, {6, path}} do
        local fit, by = nn.net("1 - 3 tanh - 1 linear", {dtype = "f64", seed = 4}), nn.lbfgs()
        fit:train(set, {optimizer = by, epochs = run[1], progress = false, resume = run[2],
            checkpoint = i == 2 and path or nil})
        counts[i] = by.evaluations
        assert(by.evaluations > by.steps)
    end
    os.remove(path)
    assert(counts[1] == counts[3] and counts[2] < counts[1])
end)

spec.report()
