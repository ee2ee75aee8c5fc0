-- nabla.anomaly: the step itself, what is said by number and not by tensor, padding, and how it
-- behaves: chance, figures, searches, and passes that learn nothing.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data
local planted = require "planted"
local bits, named = planted.bits, planted.named

local NAN, INF = 0 / 0, math.huge
math.randomseed(12)

-- An element that a gradient may flow to is a tensor.
local function number(v) return spec.is_tensor(v) and v:item() or v end

-- ---- The step ----

test("a step that would leave the numbers is not made, by any optimizer", function()
    local list = {
        {optimizer = "sgd"}, {optimizer = "sgd", momentum = 0.9}, {optimizer = "sgd", l2 = 1},
        {optimizer = "adam"}, {optimizer = "adamw"}, {optimizer = "nadam"}, {optimizer = "rmsprop"},
        {optimizer = "adagrad"}, {optimizer = "quickprop"},
    }
    for _, settings in ipairs(list) do
        settings.lr, settings.epochs, settings.batch, settings.progress = 1e30, 9, 4, false
        for _ = 1, 6 do
            -- x is 0 but for column j, so all other gradients of layer 1's w are 0: w[1][j], of
            -- size 1e25 and squared beyond f32, is the first number that goes.
            local j = math.random(5)
            local net = nn.net("5 - 4 linear - 3 linear", {seed = 1})
            local x, y = tensor.zeros(4, 5), tensor.ones(4, 3) * 100
            for i = 1, 4 do x[{i, j}] = 1e25 end
            net[1].w, net[1].b = tensor.zeros(4, 5), tensor.zeros(4)
            named(net, function() net:train(data.set {x = x, y = y}, settings) end,
                  "net:train: epoch 1, batch 1: the step ", "layer 1: w[1][" .. j .. "]")
        end
    end
end)

test("plain descent adds straight into w only where that stays finite", function()
    for _, dtype in ipairs {"f32", "f64"} do
        local big = dtype == "f32" and 3e38 or 1.5e308
        for _ = 1, 10 do
            local k, j = math.random(4), math.random(5)
            local net = nn.net("5 - 4 linear - 3 linear", {dtype = dtype, seed = 1})
            local set = data.set {x = tensor.zeros(4, 5, {dtype = dtype}),
                                  y = tensor.rand(4, 3, {dtype = dtype})}
            local o = {epochs = 3, batch = 4, lr = 0.1, seed = 1, progress = false}
            net:train(set, o)
            -- A weight as large as that which no example sees stays, and all is learned.
            net[1].w[{k, j}] = big
            local h = net:train(set, o)
            eq(h.epochs, 3)
            assert(math.abs(number(net[1].w[{k, j}]) / big - 1) < 1e-6)
            -- … and one that is NaN is found, though no example sees it.
            net[1].w[{k, j}] = NAN
            named(net, function() net:train(set, o) end,
                  ("layer 1: w[%d][%d] is nan"):format(k, j))
        end
    end
end)

-- ---- Sets of bytes, rows of non-zeros ----

test("parameters over bytes and rows of non-zeros", function()
    local rows = {}
    for i = 1, 20 do rows[i] = {[i % 50 + 1] = 1, [(i * 7) % 50 + 1] = 2} end
    local bytes = tensor.randint(0, 255, 20, 50, {dtype = "u8"})
    local y = tensor.rand(20, 3)
    local sets = {data.set {x = rows, columns = 50, y = y}, data.set {x = bytes, y = y}}
    for _, set in ipairs(sets) do
        for _, o in ipairs {{lr = 0.1}, {optimizer = "adam"}} do
            for _ = 1, 10 do
                local net = nn.net("50 - 8 - 3", {seed = 1})
                local k, j = math.random(8), math.random(50)
                net[1].w[{k, j}] = math.random(2) == 1 and NAN or -INF
                o.epochs, o.batch, o.progress = 1, 5, false
                named(net, function() net:train(set, o) end,
                      ("layer 1: w[%d][%d] is "):format(k, j))
            end
        end
    end
end)

-- ---- Behaving ----

test("nabla.anomaly", function()
    eq(nabla.anomaly(), true)
    local net = nn.net("5 - 4 - 3", {seed = 1})
    net[1].w[{2, 3}] = NAN
    local x, y = tensor.ones(2, 5), tensor.ones(2, 3)
    nabla.anomaly(false)
    eq(nabla.anomaly(), false)
    local ok, message = pcall(net.backprop, net, x, y)
    assert(not ok and message:find "the cost is nan$", message)
    nabla.anomaly(true)
    fails(function() net:backprop(x, y) end, "the cost is nan: layer 1: w[2][3] is nan", true)
    fails(function() nabla.anomaly(1) end, "true or false", true)
    fails(function() nabla.anomaly(true, false) end, "too many", true)
    eq(nabla.anomaly(), true)
end)

test("chance is the same when it is watched, and goes on as if it had not been", function()
    local seen = {}
    local net = nn.net({5, 4, nn.fn(function(x)
        local drawn = tensor.rand(x.shape[1], 4)
        seen[#seen + 1] = drawn
        return x + (drawn - 2):log()
    end), nn.dropout(0.5), 3}, {seed = 1})
    nabla.seed(5)
    seen = {}
    named(net, function() net:step(tensor.randn(4, 5), tensor.rand(4, 3), {lr = 1}) end,
          "layer 2, feature 1, example 1", "is nan (log in its function, forward)")
    eq(#seen, 2)
    eq(seen[1], seen[2])
    local after = tensor.rand(3)
    nabla.seed(5)
    tensor.randn(4, 5)
    tensor.rand(4, 3)
    eq(after, tensor.rand(3))
end)

test("a function that gives other numbers every time is said", function()
    local calls = 0
    local net = nn.net({5, 3, cost = function(a, y)
        calls = calls + 1
        return ((a - y) ^ 2):mean() / (calls == 1 and 0 or 1)
    end}, {seed = 1})
    named(net, function() net:backprop(tensor.randn(4, 5), tensor.rand(4, 3)) end,
          "the cost is inf", "a function gives other numbers every time")
end)

test("figures, gradients of others and searches are left alone", function()
    local own = tensor{1, 2, 3, 4}:requires_grad_()
    own:sum():backward()
    local net = nn.net({5, 4, nn.batch_norm(), nn.fn(function(x) return x * own end), 3}, {seed = 1})
    net[3].name = nil
    net[1].w[{1, 1}] = NAN
    local mean = bits(net[2].mean)
    named(net, function() net:step(tensor.randn(4, 5), tensor.rand(4, 3), {lr = 1}) end,
          "layer 1: w[1][1] is nan")
    eq(own.grad, {1, 1, 1, 1})
    eq(bits(net[2].mean), mean)
    -- A line search goes too far, comes back, and nobody looks.
    local curve = nn.net({1, nn.dense {1, "linear"}, nn.fn(function(x) return (x * 50):exp() end)},
                         {dtype = "f64", seed = 1})
    curve[1].w, curve[1].b = 1, 0
    local h = curve:train({{0.1}, {0.2}, {0.3}}, {{1}, {1.1}, {1.2}},
                          {optimizer = "lbfgs", epochs = 20, progress = false})
    assert(h.cost[#h.cost] < h.cost[1])
end)

-- ---- Padding ----

local function uneven()
    local x = {tensor.rand(4, 3, {seed = 1, dtype = "f64"}) + 0.1,
               tensor.rand(2, 3, {seed = 2, dtype = "f64"}) + 0.1}
    return x, {tensor.rand(4, 2, {seed = 3, dtype = "f64"}),
               tensor.rand(2, 2, {seed = 4, dtype = "f64"})}
end

-- ∂C/∂params of two sequences, which is 4/6 and 2/6 of what each has
-- alone, where nothing is padded.
local function as_alone(net)
    net:params():abs_()
    local x, y = uneven()
    net:backprop(x, y)
    local got = net:grads():clone()
    net:backprop({x[1]}, {y[1]})
    local wanted = net:grads() * (4 / 6)
    net:backprop({x[2]}, {y[2]})
    wanted = wanted + net:grads() * (2 / 6)
    assert(got:isfinite():all() and got:allclose(wanted, {rtol = 1e-12, atol = 1e-15}))
end

test("padding behind a function that has no value at 0 does not reach gradients", function()
    local log = nn.activation {name = "log_of_padding", f = function(z) return z:log() end}
    local function net(...)
        return nn.net({{"*", 3}, ...}, {dtype = "f64", seed = 1})
    end
    local own = {{name = "w", 3, init = "ones"}}
    as_alone(net(nn.fn(function(x) return x:log() end), 2))
    as_alone(net(nn.fn {f = function(x) return x:log() end, per_step = true}, 2))
    as_alone(net(nn.dense {4, log, bias = false}, 2))
    as_alone(net(nn.act {log}, nn.lstm {3}, 2))
    as_alone(net(nn.dense {3, "relu", bias = false},
        nn.fn {f = function(x, w) return x:log() * w end, params = own, per_step = true}, 2))
    -- A function that may look at all steps has zeros there, whatever stood there.
    as_alone(net(nn.dense {3, "exp"}, nn.fn(function(x) return x + x:sum(2, {keep = true}) end), 2))
    as_alone(net(nn.fn(function(x) return x + x:cumsum(2):log() end), 2))
end)

test("what a function makes of padding, where it counts, is named as padding", function()
    local net = nn.net({{"*", 3}, nn.dense {3, "relu", bias = false},
        nn.fn {f = function(x, w) return x:log() * w end, params = {{name = "w", 3, init = "ones"}}}, 2},
        {dtype = "f64", seed = 1})
    net:params():abs_()
    local x, y = uneven()
    named(net, function() net:backprop(x, y) end,
          "example 2, step 3 (padding): log(0) is -inf (log in its function, forward)")
end)

-- ---- Costs that are only looked at ----

test("net:cost and net:evaluate say where it began", function()
    local net = nn.net({5, nn.fn(function(x) return (x - 7):abs():log() end), 4, 3}, {seed = 1})
    local x, y = tensor.rand(20000, 5, {seed = 1}), tensor.rand(20000, 3, {seed = 2})
    local here = "layer 1, feature 2, example 19000: log(0) is -inf (log in its function, forward)"
    eq(select("#", net:cost(x, y)), 1)
    eq(net:evaluate(x, y).began, nil)
    x[{19000, 2}] = 7
    net[2].w[{1, 2}] = 0 -- 0 · -inf is nan
    local cost, began = net:cost(x, y)
    assert(cost ~= cost)
    eq(began, here)
    local set = data.set {x = x, y = y}
    local seen = net:evaluate(set)
    assert(seen.cost ~= seen.cost)
    eq(seen.began, "the cost is nan: " .. here)
    assert(tostring(seen):find("\nthe cost is nan: " .. here, 1, true))
    net[2].w[{2, 3}] = NAN
    eq(select(2, net:cost(set[1])), "layer 2: w[2][3] is nan")
    nabla.anomaly(false)
    eq(select("#", net:cost(x, y)), 1)
    eq(net:evaluate(x, y).began, nil)
    nabla.anomaly(true)
end)

test("a smaller lr is no help where parameters were not finite before", function()
    local net = nn.net("5 - 4 - 3", {seed = 1})
    local set = data.set {x = tensor.rand(4, 5, {seed = 1}), y = tensor.rand(4, 3, {seed = 2})}
    net[1].w[{2, 3}] = NAN
    for _, more in ipairs {{}, {accumulate = 2, batch = 1}, {optimizer = "adam"}} do
        more.epochs, more.lr, more.progress = 1, 0.1, false
        local ok, message = pcall(net.train, net, set, more)
        assert(not ok and message:find("layer 1: w[2][3] is nan", 1, true), message)
        assert(not message:find("smaller lr", 1, true), message)
    end
end)

-- ---- By number, not by tensor ----

local F64 = {dtype = "f64"}
local function f64(list) return tensor(list, F64) end

-- f between the input and one linear neuron.
local function through(inputs, f) return nn.net({inputs, nn.fn(f), nn.dense {1, "linear"}}, F64) end

test("what is infinite in another example, and ends there, is not named", function()
    -- log 0 = -inf, twice that, exp of it 0; 2 log 1e300 = 1381.55…, and e^709.78 is the largest.
    local one = through(1, function(x) return (x:log() * 2):exp() end)
    named(one, function() one:backprop(f64 {{0}, {1e300}}, f64 {{0}, {0}}) end,
          "layer 1, feature 1, example 2: exp(1381.55", "is inf (exp in its function, forward)")
    -- Two of one op, and of one tensor.
    local two = through(1, function(x) return x:log():exp() end)
    named(two, function() two:backprop(f64 {{0}, {-1}}, f64 {{0}, {0}}) end,
          "layer 1, feature 1, example 2: log(-1) is nan (log in its function, forward)")
    -- Through ops that move numbers, and that take rows: softmax(-inf, 0) = (0, 1).
    local turned = through(1, function(x) return (x:log() * 2):t():contiguous():t():exp() end)
    named(turned, function() turned:backprop(f64 {{0}, {1e300}}, f64 {{0}, {0}}) end,
          "example 2: exp(1381.55")
    local rows = through(2, function(x) return x:log():softmax(2) end)
    named(rows, function()
        rows:backprop(f64 {{0, 1}, {1, 1}, {1, -1}}, f64 {{0}, {0}, {0}})
    end, "layer 1, feature 2, example 3: log(-1) is nan")
end)

test("backward: an infinite δ that ends in another example is not named", function()
    -- u = (0, 1) as a mask makes it of 1e200 x; dC/du is 1/2·1/(2√0) = inf for the first, which the
    -- mask drops; of the second about 1/2·1e150, times 1e200.
    local net = nn.net({1, nn.dense {1, "linear"}, nn.fn(function(x)
        local mask = tensor.zeros(x.shape[1], 1, {dtype = "u8"})
        mask[{1, 1}] = 1
        local u = x:masked_fill(mask, 0) * 1e200
        return u:sqrt() + u * 1e150
    end), cost = function(a, y) return (a - y):mean() end}, F64)
    net[1].w, net[1].b = 1e-200, 0
    named(net, function() net:backprop(f64 {{1}, {1}}, f64 {{0}, {0}}) end,
          "layer 2, input 1, example 2: δ 5e149 through mul", "is inf (mul in its function, backward)")
end)

test("hundreds to blame, and numbers written over", function()
    -- Ninety logs of 0 whose exp is 0; then 2 · 1e308.
    local many = through(1, function(x)
        local z = x
        for _ = 1, 90 do z = z + (x * 0):log():exp() end
        return z * 1e308
    end)
    named(many, function() many:backprop(f64 {{1}, {2}}, f64 {{0}, {0}}) end,
          "layer 1, feature 1, example 2: 2 · 1e308 is inf (mul")
    -- log 0 and exp of it in the same place: 0 + 1, and that times 1e308 times 10.
    local over = through(1, function(x)
        local z = x:clone()
        z:log_()
        z:exp_()
        z:add_(1)
        z:mul_(1e308)
        return z:mul_(10)
    end)
    named(over, function() over:backprop(f64 {{0}, {0.5}}, f64 {{0}, {0}}) end,
          "layer 1, feature 1, example 1: 1e308 · 10 is inf (mul")
end)

test("plain descent: a weight that decay makes infinite is named", function()
    for _, settings in ipairs {{l2 = 1e3}, {decay = 1e3}} do
        for _, host in ipairs {false, true} do
            -- x = 0: no gradient but b's, 0 too. 2 (1 - 1e33) = -2e33, and that
            -- times -1e33 leaves f32.
            local net = nn.net({2, host and nn.fn(function(x) return x * 1 end) or nn.dropout(0),
                                nn.dense {1, "linear"}}, {seed = 1})
            net[2].w, net[2].b = {{0, 2}}, 0
            local o = {lr = 1e30, epochs = 1, progress = false}
            for k, v in pairs(settings) do o[k] = v end
            local set = data.set {x = {{0, 0}}, y = {{0}}}
            net:train(set, o)
            named(net, function() net:train(set, o) end,
                  "layer 2: w[1][2]: -2e33, which weight decay makes inf (the step)")
        end
    end
end)

test("lm: what is not finite is named, in data and parameters", function()
    local o = {optimizer = "lm", epochs = 1, progress = false}
    for _, dtype in ipairs {"f32", "f64"} do
        local x, y = tensor.rand(6, 3, {dtype = dtype}), tensor.rand(6, 2, {dtype = dtype})
        local net = nn.net("3 - 4 tanh - 2 linear : mse", {dtype = dtype, seed = 1})
        net[2].w[{1, 2}] = NAN
        named(net, function() net:train(data.set {x = x, y = y}, o) end, "layer 2: w[1][2] is nan")
        local host = nn.net({3, nn.fn(function(a) return a + (a - 7):abs():log() end),
                             nn.dense {2, "linear"}, cost = "mse"}, {dtype = dtype, seed = 1})
        x[{5, 2}] = 7
        named(host, function() host:train(data.set {x = x, y = y}, o) end,
              "layer 1, feature 2, example 5: log(0) is -inf (log in its function, forward)")
    end
end)

spec.report()
