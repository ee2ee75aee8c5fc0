-- Weights of examples and of classes in training: the weighted mean of the costs.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local F64 = {dtype = "f64"}
local N <const> = 6
local x = tensor.randn(N, 4, {seed = 3, dtype = "f64"})
local y = {1, 2, 3, 1, 2, 2}
local w = {0.5, 2, 0, 1, 3, 0.25}

local function net_of(notation) return nn.net(notation, {seed = 1, dtype = "f64"}) end

local function once(weights, o)
    o = o or {}
    o.epochs, o.batch, o.progress, o.lr, o.shuffle = 1, o.batch or N, false, 0.1, false
    o.weights = weights
    return o
end

-- The weighted mean of what each example costs alone.
local function mean_of(net, ys, weights)
    local sum, total = 0, 0
    for i = 1, N do
        sum = sum + weights[i] * net:cost(x:narrow(1, i, 1), ys:narrow(1, i, 1))
        total = total + weights[i]
    end
    return sum / total
end

local ENDS <const> = {"3 : quadratic", "3 linear : mse", "3 linear : mae", "3 linear : huber",
                      "3 softmax : cross_entropy", "3 : cross_entropy", "3 hard_sigmoid : cross_entropy",
                      "3 linear : cross_entropy logits=true", "3 log_softmax : nll",
                      "3 linear : hinge", "3 softmax : kl", "3 exp : poisson", "3 softplus : poisson",
                      "3 linear : cosine"}

test("every cost is the weighted mean of its examples, and its gradient that of it", function()
    for _, end_of in ipairs(ENDS) do
        local net = net_of("4 - 5 tanh - " .. end_of)
        local targets = tensor(y)
        local expected, by_hand = mean_of(net, targets, w), net:clone()
        local history = net:train(x, y, once(w))
        near(history.cost[1], expected, 1e-12)
        -- The gradient is the weighted mean of the examples' own.
        local total = 0
        for i = 1, N do total = total + w[i] end
        local step = by_hand:params() * 0
        for i = 1, N do
            by_hand:backprop(x:narrow(1, i, 1), targets:narrow(1, i, 1))
            step = step + by_hand:grads() * (w[i] / total)
        end
        near(net:params(), by_hand:params() - step * 0.1, 1e-12)
    end
end)

test("weights of classes are those of their examples, by number and by name", function()
    local classes = {0.5, 3, 2}
    local each = {}
    for i = 1, N do each[i] = classes[y[i]] end
    local set = data.set {x = x, y = y, classes = {"cat", "dog", "owl"}}
    for _, end_of in ipairs(ENDS) do
        local nets = {}
        for i, weights in ipairs {each, classes, tensor(classes), {cat = 0.5, dog = 3, owl = 2}} do
            nets[i] = net_of("4 - 5 tanh - " .. end_of)
            nets[i]:train(set, once(weights, {batch = 4}))
            near(nets[i]:params(), nets[1]:params(), 1e-14)
        end
    end
    local one, two = net_of "4 - 3", net_of "4 - 3"
    one:train(set, once {dog = 2})
    two:train(set, once {1, 2, 1})
    eq(one:params(), two:params():totable()) -- who is not named counts 1
end)

test("equal weights are none", function()
    for _, end_of in ipairs(ENDS) do
        local one, two = net_of("4 - " .. end_of), net_of("4 - " .. end_of)
        local a = one:train(x, y, once({2, 2, 2, 2, 2, 2}, {batch = 4}))
        local b = two:train(x, y, once(nil, {batch = 4}))
        near(a.cost, b.cost, 1e-12)
        near(one:params(), two:params(), 1e-12)
    end
end)

test("at every step: an example's counts for all of its steps, a class's where it stands", function()
    local steps = x:reshape(2, 3, 4)
    local set = data.set {x = steps, y = {{1, 2, 3}, {1, 2, 2}}}
    for _, last in ipairs {"3 softmax : cross_entropy", "3 log_softmax : nll", "3 linear : hinge",
                           "3 : quadratic"} do
        local net, rows = net_of("*x4 - " .. last), net_of("4 - " .. last)
        local a = net:train(set, once({1, 3}, {batch = 2}))
        local b = rows:train(x, y, once {1, 1, 1, 3, 3, 3})
        near(a.cost[1], b.cost[1], 1e-12)
        near(net:params(), rows:params(), 1e-12)
        net, rows = net_of("*x4 - " .. last), net_of("4 - " .. last)
        net:train(set, once({0.5, 3, 2}, {batch = 2}))
        rows:train(data.set {x = x, y = y}, once {0.5, 3, 2})
        near(net:params(), rows:params(), 1e-12)
    end
end)

test("a batch of weight 0 moves nothing and counts nothing", function()
    local net = net_of "4 - 3 softmax : cross_entropy"
    local before = net:params():totable()
    local first = net:cost(x:narrow(1, 1, 2), {1, 2})
    local history = net:train(x, y, once({1, 1, 0, 0, 0, 0}, {batch = 2}))
    near(history.cost[1], first, 1e-14)
    local other = nn.net("4 - 3 softmax : cross_entropy", {seed = 1, dtype = "f64"})
    eq(other:params(), before)
    other:train(x:narrow(1, 1, 2), {1, 2}, once(nil, {batch = 2}))
    near(net:params(), other:params(), 1e-14)
end)

test("what cannot be weights is refused, with what there is", function()
    local net = net_of "4 - 3 softmax : cross_entropy"
    local set = data.set {x = x, y = y, classes = {"cat", "dog", "owl"}}
    local function refused(weights, text)
        fails(function() net:train(set, once(weights)) end, text, true)
    end
    refused({1, 2}, "weights is 2; it takes a weight for each of the 3 classes or of the 6 examples")
    refused({1, -2, 1}, "weights must be numbers from 0; number 2 is -2")
    refused({1, 0 / 0, 1}, "number 2 is")
    refused({0, 0, 0}, "weights are all 0")
    refused({bird = 2}, "weights name the class 'bird', which the set has not")
    refused({cat = "x"}, "number 1 is")
    refused({{1, 2, 3}}, "weights is 1x3")
    fails(function() net:train(x, y, once {cat = 2}) end, "need a data set whose classes have names", true)
    fails(function() net:train(x:narrow(1, 1, 3), {1, 2, 3}, once {1, 2, 3}) end,
          "as many examples as classes", true)
    local targets = net_of "4 - 3 : quadratic"
    fails(function() targets:train(x, tensor.rand(6, 3), once {1, 2, 3}) end,
          "the set has targets, so it takes a weight for each of the 6 examples", true)
    local own = nn.net({4, 3, cost = function(a, t) return ((a - t) ^ 2):mean() end}, F64)
    fails(function() own:train(x, y, once(w)) end, "so weights cannot enter", true)
end)

spec.report()
