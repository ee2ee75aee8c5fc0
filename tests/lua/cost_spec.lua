-- Costs: what they take, where they refuse, logits, and the mean that they are.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local F64 = {dtype = "f64"}
local x = tensor.randn(6, 4, {seed = 3, dtype = "f64"})
local y = {1, 2, 1, 2, 2, 1}
local quiet = {epochs = 2, lr = 0.1, progress = false}

-- ---- Outputs that cross_entropy does not take ----

-- Everything that asks for the cost.
local function asking(net)
    return {
        function() net:train(x, y, quiet) end,
        function() net:step(x, y, {lr = 1}) end,
        function() net:cost(x, y) end,
        function() net:backprop(x, y) end,
        function() net:evaluate(x, y) end,
        function() net:trace(x, y) end,
        function() net:gradcheck(x, y) end,
        function() net:numeric_gradient(x, y) end,
    }
end

local function refused(net, pattern)
    local before = net:params():clone()
    for _, f in ipairs(asking(net)) do fails(f, pattern, true) end
    eq(net:params(), before:totable())
    eq(#net(x), 6) -- what is not the cost goes on
    net:classify(x)
end

test("outputs that can leave 0 … 1 are refused where the network is made", function()
    fails(function() nn.net "4 - 3 - 2 relu : cross_entropy" end, "layer 2 has relu", true)
    fails(function() nn.net "4 - 3 - 2 linear : cross_entropy" end, "logits=true", true)
    fails(function() nn.net "4 - 3 - 2 sigmoid tanh@2 : cross_entropy" end,
          "neuron 2 of layer 2 has tanh", true)
    fails(function() nn.net {4, 3, nn.dense {2, "sin"}, cost = "cross_entropy"} end,
          "layer 2 has sin", true)
    fails(function() nn.net("4 - 3 - 2 softplus", {cost = "cross_entropy"}) end, "softplus", true)
    fails(function() nn.net {4, nn.net "4 - 3 - 2 elu", cost = "cross_entropy"} end,
          "layer 1.2 has elu", true)
    nn.net {4, "3 relu", nn.net "3 - 2 softmax", cost = "cross_entropy"}
end)

test("a network that is changed is refused when its cost is asked for", function()
    local net = nn.net("4 - 3 - 2 softmax : cross_entropy", F64)
    net[2].activation = "tanh"
    refused(net, "layer 2 has tanh")
    net[2].activation = "sigmoid"
    net:train(x, y, quiet)
    net[2]:neuron(1).activation = "relu"
    refused(net, "neuron 1 of layer 2 has relu")
    net[2]:neuron(1).activation = "hard_sigmoid"
    net:train(x, y, quiet)
    net:replace(2, "2 relu")
    refused(net, "layer 2 has relu")
    net:append "2 softmax" -- a head of its own again
    net:train(x, y, quiet)
    net:cut(3)
    refused(net, "layer 2 has relu")
end)

test("a file with such a network loads, answers, and is refused for its cost", function()
    local net = nn.net("4 - 3 - 2 softmax : cross_entropy", F64)
    net[2].activation = "relu" -- as earlier versions let it be trained and saved
    local read = spec.saved(net)
    eq(read:notation(), "4 - 3 sigmoid - 2 relu : cross_entropy")
    eq(read(x), net(x):totable())
    refused(read, "layer 2 has relu")
    read[2].activation = "softmax"
    read:train(x, y, quiet)
end)

test("functions of Lua: the range that is stated, else what they give", function()
    local function net_of(f) return nn.net({4, 3, nn.dense {2, f}, cost = "cross_entropy"}, F64) end
    nn.activation {name = "doubled", f = function(z) return z * 2 end, low = -1 / 0, high = 1 / 0}
    fails(function() net_of "doubled" end, "layer 2 has doubled", true)
    nn.activation {name = "half", f = function(z) return z:sigmoid() * 0.5 end, low = 0, high = 0.5}
    net_of "half":train(x, y, quiet)
    net_of(function(z) return z:sigmoid() end):train(x, y, quiet)
    local far = net_of(function(z) return z:sigmoid() * 3 end)
    for _, f in ipairs(asking(far)) do fails(f, "from 0 to 1, not", true) end
    eq(#far(x), 6)
    local cost = "cross_entropy"
    local layer = nn.net({4, "2 softmax", function(a) return a - 2 end, cost = cost}, F64)
    fails(function() layer:train(x, y, quiet) end, "from 0 to 1, not %-", false)
    nn.net({4, "2 softmax", function(a) return a * 1 end, cost = cost}, F64):cost(x, y)
    fails(function() nn.activation {f = function(z) return z end, low = 1, high = 0} end,
          "low is above high", true)
end)

test("logarithms are taken as such", function()
    local net = nn.net("4 - 3 - 2 log_softmax : cross_entropy", F64)
    local soft = nn.net("4 - 3 - 2 softmax : cross_entropy", F64)
    soft:params():copy_(net:params())
    near(net:cost(x, y), soft:cost(x, y), 1e-12)
    assert(net:gradcheck(x, y).ok)
end)

-- ---- Logits ----

test("logits=true takes linear outputs and nothing else", function()
    for _, last in ipairs {"softmax", "sigmoid", "relu", "log_softmax", "tanh"} do
        fails(function() nn.net("4 - 3 - 2 " .. last .. " : cross_entropy logits=true") end,
              "layer 2 has " .. last .. "; cross_entropy logits=true takes linear outputs", true)
    end
    local net = nn.net("4 - 3 - 2 linear : cross_entropy logits=true", F64)
    eq(net:notation(), "4 - 3 sigmoid - 2 linear : cross_entropy logits=true")
    eq(spec.saved(net):notation(), net:notation())
    eq(nn.net {4, 3, "2 linear", cost = "cross_entropy logits=true"}:notation(), net:notation())
    net[2].activation = "softmax"
    fails(function() net:train(x, y, quiet) end, "takes linear outputs", true)
end)

test("logits are learned, judged and named as what softmax makes of them", function()
    local net = nn.net("4 - 6 tanh - 2 linear : cross_entropy logits=true", {seed = 1})
    local soft = nn.net("4 - 6 tanh - 2 softmax : cross_entropy", {seed = 1})
    for _, n in ipairs {net, soft} do
        n:train(x, y, {epochs = 50, lr = 0.5, seed = 1, progress = false})
    end
    eq(net:params(), soft:params():totable())
    near(net(x):softmax(-1), soft(x), 1e-6)
    eq(net:classify(x), soft:classify(x))
    eq(net:evaluate(x, y).correct, soft:evaluate(x, y).correct)
    near(net:evaluate(x, y).cost, soft:evaluate(x, y).cost, 1e-6)
end)

test("one logit is sigmoid's", function()
    local yes = {0, 1, 0, 1, 1, 0}
    local net = nn.net("4 - 6 tanh - 1 linear : cross_entropy logits=true", {seed = 1})
    local other = nn.net("4 - 6 tanh - 1 sigmoid : cross_entropy", {seed = 1})
    for _, n in ipairs {net, other} do
        n:train(x, yes, {epochs = 50, lr = 0.5, seed = 1, progress = false})
    end
    eq(net:params(), other:params():totable())
    near(net(x):sigmoid(), other(x), 1e-6)
    eq(net:evaluate(x, yes).correct, other:evaluate(x, yes).correct)
end)

test("logits of any layer, and of steps", function()
    local block = nn.net("4 - residual[4 tanh] : cross_entropy logits=true", F64)
    assert(block:gradcheck(x, {1, 2, 3, 4, 1, 2}).ok)
    local last = nn.dense {3, function(z) return z * 2 end}
    local twice = nn.net {4, last, cost = "cross_entropy logits=true"}
    assert(twice:gradcheck(x, {1, 2, 3, 3, 1, 2}).ok)
    local steps = nn.net("*x4 - 3 linear : cross_entropy logits=true", F64)
    assert(steps:gradcheck(x:reshape(2, 3, 4), {{1, 2, 3}, {3, 2, 1}}).ok)
end)

test("the gradient at linear outputs is δ, taken from a too", function()
    for _, units in ipairs {1, 2} do
        local net = nn.net(("4 - 3 - %d linear : cross_entropy logits=true"):format(units), F64)
        local t = net:trace(x, units == 1 and {0, 1, 1, 0, 0, 1} or y)
        near(t.grad_a, t[2].delta, 1e-12)
    end
end)

-- ---- The mean ----

test("gradcheck finds a cost that sums, or is no mean of the examples' own", function()
    local function check(f, n)
        local net = nn.net({4, 3, 2, cost = f}, {seed = 1, dtype = "f64"})
        return net:gradcheck(x:narrow(1, 1, n or 6), tensor(y):narrow(1, 1, n or 6))
    end
    local sums = check(function(a, t) return ((a - t) ^ 2):sum() end)
    assert(not sums.ok and not sums.mean.ok)
    for i = 1, 4 do assert(sums["BP" .. i].ok) end -- the gradients are those of the sum
    near(sums.mean.cost, 6 * sums.mean.mean, 1e-9)
    eq(sums.mean.examples, 6)
    assert(tostring(sums):find("it sums over them: divide by their number", 1, true), sums.text)
    local root = check(function(a, t) return ((a - t) ^ 2):mean():sqrt() end)
    assert(not root.ok and tostring(root):find("the cost is no mean", 1, true))
    assert(not tostring(root):find("sums over them", 1, true))
    local mean = check(function(a, t) return ((a - t) ^ 2):sum() / a.shape[1] end)
    assert(mean.ok and mean.mean.ok and not tostring(mean):find("mean", 1, true))
    -- One example alone is its own mean.
    assert(check(function(a, t) return ((a - t) ^ 2):sum() end, 1).ok)
end)

test("every cost is the mean of its examples, of steps too", function()
    for _, cost in ipairs {"2 : quadratic", "2 : mse", "2 : mae", "2 : huber", "2 : cross_entropy",
                           "2 log_softmax : nll", "2 linear : hinge", "2 softmax : kl",
                           "2 exp : poisson", "2 linear : cosine"} do
        assert(nn.net("4 - 3 - " .. cost, F64):gradcheck(x, y).mean.ok)
        local steps = nn.net("*x4 - 3 - " .. cost, F64)
        assert(steps:gradcheck(x:reshape(2, 3, 4), {{1, 2, 1}, {2, 1, 1}}).mean.ok)
    end
end)

-- ---- What each takes ----

test("nll, kl, hinge and poisson say which outputs they take, and the way out", function()
    for _, case in ipairs {
        {"2 softmax : nll", "layer 2 has softmax; nll takes logarithms", "log_softmax"},
        {"2 linear : nll", "layer 2 has linear; nll takes logarithms", "logits=true"},
        {"2 : kl", "layer 2 has sigmoid; kl compares distributions", "log_softmax"},
        {"2 softmax : hinge", "layer 2 has softmax, whose outputs stay on one side of 0", "tanh"},
        {"2 tanh relu@1 : hinge", "neuron 1 of layer 2 has relu", "linear"},
        {"2 log_softmax : hinge", "layer 2 has log_softmax", "linear"},
        {"2 tanh : poisson", "layer 2 has tanh, whose outputs can be below 0", "log=true"},
        {"2 exp : poisson log=true", "layer 2 has exp; poisson log=true takes linear", "rates"},
    } do
        for i = 2, 3 do fails(function() nn.net("4 - 3 - " .. case[1]) end, case[i], true) end
    end
    for _, fine in ipairs {"2 log_softmax : nll", "2 softmax : kl", "2 tanh : hinge",
                           "2 softplus : poisson", "2 : poisson", "2 linear : poisson log=true"} do
        nn.net("4 - 3 - " .. fine)
    end
end)

test("outputs of functions, and targets, are looked at", function()
    local function net_of(cost, f) return nn.net({4, 3, nn.dense {2, f}, cost = cost}, F64) end
    local double = function(z) return z * 2 end
    local up = function(z) return z:exp() + 1 end
    local low = function(z) return -z:exp() end
    fails(function() net_of("nll", up):cost(x, y) end,
          "nll takes logarithms, none above 0, not", true)
    fails(function() net_of("kl", up):cost(x, y) end,
          "kl takes probabilities, from 0 to 1, not", true)
    fails(function() net_of("poisson", low):cost(x, y) end,
          "poisson takes rates from 0, not -", true)
    assert(net_of("nll", low):gradcheck(x, y).ok)
    assert(net_of("hinge", double):gradcheck(x, y).ok)
    assert(net_of("poisson log=true", double):gradcheck(x, y).ok)
    local odd = {{0.5, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}
    local far = {{-2, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}
    local hinge = nn.net("4 - 3 - 2 linear : hinge", F64)
    fails(function() hinge:cost(x, odd) end, "y holds numbers between -1 and 1", true)
    fails(function() hinge:cost(x, far) end,
          "hinge takes targets of -1 and 1, or class numbers", true)
    for _, end_of in ipairs {"exp : poisson", "softplus : poisson", "linear : poisson log=true"} do
        fails(function() nn.net("4 - 3 - 2 " .. end_of, F64):cost(x, far) end,
              "poisson takes counts y from 0, not -2", true)
    end
    for _, end_of in ipairs {"softmax", "log_softmax"} do
        fails(function() nn.net("4 - 3 - 2 " .. end_of .. " : kl", F64):cost(x, far) end,
              "kl takes distributions y from 0 to 1, not -2", true)
    end
    fails(function() nn.net("4 - 1 : cosine", F64):cost(x, {1, 0, 1, 0, 1, 0}) end,
          "cosine compares directions, which one output has not", true)
end)

test("kl is cross_entropy less what y costs by itself, with its gradient", function()
    local soft = tensor.rand(6, 3, F64):softmax(-1)
    local net = nn.net("4 - 3 softmax : kl", {seed = 1, dtype = "f64"})
    local cross = nn.net("4 - 3 softmax : cross_entropy", {seed = 1, dtype = "f64"})
    local own = -(soft * soft:log()):sum():item() / 6
    near(net:cost(x, soft), cross:cost(x, soft) - own, 1e-14)
    eq(net:backprop(x, soft), cross:backprop(x, soft))
    near(net:cost(x, net(x)), 0, 1e-14)
    near(net:trace(x, soft).grad_a, cross:trace(x, soft).grad_a, 1e-14)
end)

test("the sign of one output answers hinge, and is judged so", function()
    local net = nn.net("4 - 1 linear : hinge", {seed = 1, dtype = "f64"})
    local signs = x:select(2, 1):gt(0):to "f64" * 2 - 1
    net:train(x, signs:unsqueeze(2), {epochs = 300, lr = 0.5, progress = false})
    eq(net:evaluate(x, signs:unsqueeze(2)).correct, 6)
    eq(net(x):gt(0):to "f64" * 2 - 1, signs:unsqueeze(2):totable())
    net:params():fill_(0)
    net[1].b[1] = 0.25 -- within the margin, but above 0
    eq(net:evaluate(x, tensor.ones(6, 1)).correct, 6)
    eq(net:evaluate(x, -tensor.ones(6, 1)).correct, 0)
    eq(net:classify(x), nn.net("4 - 1 init=ones"):classify(tensor.ones(6, 4)))
    local set = data.set {x = x, y = {1, 2, 1, 2, 1, 2}, classes = {"no", "yes"}}
    fails(function() net:train(set, quiet) end, "hinge takes targets of -1 and 1", true)
end)

test("the cosine of what has no direction is 0, and its gradient finite", function()
    local net = nn.net("2 - 2 linear : cosine", F64)
    net:params():fill_(0)
    eq(net:cost({{1, 2}}, {{1, 1}}), 1)
    net:backprop({{1, 2}}, {{1, 1}})
    assert(net:grads():isfinite():all())
end)

spec.report()
