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
    refused({1, 2},
            "weights is 2; it takes a weight for each of the 3 classes or of the 6 examples")
    refused({1, -2, 1}, "weights must be numbers from 0; number 2 is -2")
    refused({1, 0 / 0, 1}, "number 2 is")
    refused({0, 0, 0}, "weights are all 0")
    refused({bird = 2}, "weights name the class 'bird', which the set has not")
    refused({cat = "x"}, "number 1 is")
    refused({{1, 2, 3}}, "weights is 1x3")
    fails(function() net:train(x, y, once {cat = 2}) end,
          "need a data set whose classes have names", true)
    fails(function() net:train(x:narrow(1, 1, 3), {1, 2, 3}, once {1, 2, 3}) end,
          "as many examples as classes: write {classes = {…}} or {examples = {…}}", true)
    refused({classes = {1, 2, 3}, examples = {1, 2, 3}}, "stand alone in their table")
    refused({classes = {1, 2}}, "weights is 2; it takes a weight for each of the 3 classes")
    refused({classes = w}, "weights is 6; it takes a weight for each of the 3 classes")
    local targets = net_of "4 - 3 : quadratic"
    fails(function() targets:train(x, tensor.rand(6, 3), once {1, 2, 3}) end,
          "the set has targets, so it takes a weight for each of the 6 examples", true)
    local own = nn.net({4, 3, cost = function(a, t) return ((a - t) ^ 2):mean() end}, F64)
    fails(function() own:train(x, y, once(w)) end, "so weights cannot enter", true)
end)

-- ---- Wherever a cost is taken ----

test("cost, evaluation, gradients, trace and a step weigh alike, of x and y and of sets", function()
    local classes, each = {0.5, 3, 2}, {}
    for i = 1, N do each[i] = classes[y[i]] end
    local set = data.set {x = x, y = y, classes = {"cat", "dog", "owl"}}
    local named = {cat = 0.5, dog = 3, owl = 2}
    for _, end_of in ipairs(ENDS) do
        local net = net_of("4 - 5 tanh - " .. end_of)
        local cost = mean_of(net, tensor(y), each)
        for _, o in ipairs {{weights = each}, {weights = classes}, {weights = {classes = classes}},
                            {weights = {examples = each}}, {weights = tensor(classes)}} do
            near(net:cost(x, y, o), cost, 1e-12)
            near(net:evaluate(x, y, o).cost, cost, 1e-12)
        end
        local o = {weights = named}
        near(net:cost(set, o), cost, 1e-12)
        local e = net:evaluate(set, o)
        near(e.cost, cost, 1e-12)
        eq(e.correct, net:evaluate(set).correct) -- answers are counted as they are
        local nabla_w = net:backprop(set, o)
        near(net:numeric_gradient(set, o)[1], nabla_w[1], 1e-6)
        assert(net:gradcheck(set, o).ok, end_of)
        assert(net:gradcheck(x, y, {weights = each}).mean.ok, end_of)
        local t = net:trace(set, o)
        near(t.cost, cost, 1e-12)
        near(t[1].dw, nabla_w[1], 1e-13)
        if rawget(t[2], "slope") then near(t[2].slope * t.grad_a, t[2].delta, 1e-10) end
        local a, b, c = net:clone(), net:clone(), net:clone()
        near(a:step(set, {lr = 0.1, weights = named}), cost, 1e-12)
        b:step(set, nn.sgd {lr = 0.1}, o)
        c:step(x, y, {optimizer = nn.sgd {lr = 0.1}, weights = each})
        near(a:params(), b:params(), 1e-15)
        near(a:params(), c:params(), 1e-13)
        near(net[1].w - a[1].w, nabla_w[1] * 0.1, 1e-13)
    end
end)

test("evaluation in pieces, sequences of different lengths", function()
    local many, labels, weights = tensor.randn(1500, 300, {seed = 9}), {}, {}
    for i = 1, 1500 do labels[i], weights[i] = i % 3 + 1, i < 800 and i % 7 or 9 end
    local wide = nn.net("300 - 3 softmax : cross_entropy", {seed = 1})
    near(wide:evaluate(many, labels, {weights = weights}).cost,
         wide:cost(many, labels, {weights = weights}), 1e-5)
    local list = {tensor.randn(4, 2, F64), tensor.randn(1, 2, F64), tensor.randn(3, 2, F64)}
    local answers = {tensor {1, 2, 2, 1}, tensor {2}, tensor {1, 1, 2}}
    local net = net_of "*x2 - rnn 3 - 2 softmax : cross_entropy"
    local sum, total, by_class, of_class = 0, 0, 0, 0
    local own, class = {0.5, 2, 1}, {3, 0.25}
    for i, steps in ipairs(list) do
        local a = net(steps)
        for s, k in ipairs(answers[i]:totable()) do
            local c = -math.log(a[{s, k}])
            sum, total = sum + own[i] * c, total + own[i]
            by_class, of_class = by_class + class[k] * c, of_class + class[k]
        end
    end
    local set = data.set {x = list, y = answers}
    for _, o in ipairs {{own, sum / total}, {class, by_class / of_class}} do
        local options = {weights = o[1]}
        near(net:cost(set, options), o[2], 1e-12)
        near(net:cost(list, answers, options), o[2], 1e-12)
        near(net:evaluate(set, options).cost, o[2], 1e-12)
        assert(net:gradcheck(set, options).ok)
    end
    list, answers, own = {}, {}, {}
    for i = 1, 70 do
        local steps = i % 7 + 1
        list[i] = tensor.randn(steps, 1000, {seed = i})
        answers[i] = tensor.randint(1, 2, steps, {seed = i})
        own[i] = i <= 40 and i % 4 or 5
    end
    set, net = data.set {x = list, y = answers}, nn.net "*x1000 - rnn 3 - 2 softmax : cross_entropy"
    near(net:evaluate(set, {weights = own}).cost, net:cost(set, {weights = own}), 1e-5)
    near(net:evaluate(set).cost, net:cost(set), 1e-5)
end)

test("on space a class's weight counts where it stands, an example's everywhere", function()
    local net = net_of "2x3x5 - conv 4 3 tanh padding=same - conv 3 1 softmax : cross_entropy"
    local pictures = tensor.randn(4, 2, 3, 5, {seed = 3, dtype = "f64"})
    local at = tensor.randint(1, 3, 4, 3, 5, {seed = 4})
    local own, class = {1, 0, 2, 0.5}, {0.5, 3, 2}
    local sums = {0, 0, 0, 0}
    local a = net(pictures)
    for i = 1, 4 do
        for r = 1, 3 do
            for c = 1, 5 do
                local k = at[{i, r, c}]
                local cost = -math.log(a[{i, k, r, c}])
                sums[1], sums[2] = sums[1] + own[i] * cost, sums[2] + own[i]
                sums[3], sums[4] = sums[3] + class[k] * cost, sums[4] + class[k]
            end
        end
    end
    for i, weights in ipairs {own, class} do
        local expected, o = sums[2 * i - 1] / sums[2 * i], {weights = weights}
        near(net:cost(pictures, at, o), expected, 1e-12)
        near(net:evaluate(pictures, at, o).cost, expected, 1e-12)
        assert(net:gradcheck(pictures, at, o).ok)
        local history = net:clone():train(pictures, at, {weights = weights, batch = 4, epochs = 1,
                                                         lr = 0.1, progress = false})
        near(history.cost[1], expected, 1e-12)
    end
end)

test("what is wrong with a call is said in its own words", function()
    local net = net_of "4 - 3 softmax : cross_entropy"
    for _, name in ipairs {"cost", "backprop", "numeric_gradient", "evaluate", "gradcheck", "trace",
                           "step"} do
        local function refused(text, ...)
            local arguments = table.pack(...)
            fails(function() net[name](net, table.unpack(arguments, 1, arguments.n)) end,
                  "net:" .. name .. text, true)
        end
        refused(" has no option 'wieghts'; did you mean 'weights'?", x, y, {wieghts = w})
        refused(": weights is 2; it takes a weight", x, y, {weights = {1, 2}})
        refused(": y is missing before the options", x, {weights = w})
        refused(": weights must be numbers from 0; number 1 is -1", x, y, {weights = {-1, 1, 1}})
        refused(": options must be a table, not 5: {", x, y, 5)
        refused(": weights", x, y, {weights = true})
        refused(": ", x, y, {weights = w}, 4, 5)
    end
    local o = nn.sgd {lr = 1}
    fails(function() net:step(x, y, o, {optimizer = o}) end, "two optimizers", true)
    fails(function() net:step(x, y, o, {lr = 1}) end, "lr beside an optimizer object", true)
    local own = nn.net({4, 3, cost = function(a, t) return ((a - t) ^ 2):mean() end}, F64)
    fails(function() own:cost(x, tensor.rand(6, 3), {weights = w}) end,
          "so weights cannot enter", true)
end)

spec.report()
