-- Pieces of a network that normalises by the batch: figures and gradients are those of the whole
-- batch, whatever stands beside the norms; functions of Lua in such pieces; what fails.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local N = 44

local function options(o)
    local all = {epochs = 2, batch = 16, lr = 0.1, seed = 3, progress = false}
    for k, v in pairs(o or {}) do all[k] = v end
    return all
end

local vectors = data.set {x = tensor.randn(N, 4, {seed = 5, dtype = "f64"}) * 2 + 3,
                          y = tensor.randn(N, 2, {seed = 6, dtype = "f64"})}
local images = data.set {x = tensor.randn(N, 2, 5, 5, {seed = 5, dtype = "f64"}) + 1,
                         y = tensor.randn(N, 2, {seed = 6, dtype = "f64"})}

local function sentences()
    local xs, ys = {}, {}
    for i = 1, N do
        xs[i] = tensor.randn(1 + i * 7 % 5, 3, {seed = i, dtype = "f64"}) + 2
        ys[i] = i % 3 + 1
    end
    return data.set {x = xs, y = ys, classes = {"a", "b", "c"}}
end

-- Trains a network of each, made alike.
local function trained(make, set, o, pieces)
    local net = type(make) == "string" and nn.net(make, {seed = 1, dtype = "f64"}) or make()
    o = options(o)
    o.pieces = pieces
    local h = net:train(set, o)
    return net, h
end

-- The parameters and a look at the running figures, which evaluation goes by.
local function same(make, set, o, x)
    local whole, h = trained(make, set, o, 1)
    for _, pieces in ipairs {2, 3, 8, 64} do
        local net, other = trained(make, set, o, pieces)
        near(net:params(), whole:params(), 1e-9)
        near(net(x), whole(x), 1e-9)
        near(other.cost, h.cost, 1e-9)
    end
end

local cases = {
    {"vectors", "4 - 6 - batch_norm - 5 relu - batch_norm momentum=0.5 - 2 : mse"},
    {"the input itself", "4 - batch_norm - 2 : mse"},
    {"nested and shared",
     "4 - 6 - batch_norm name=n - residual[6 tanh - @n - 6] - net[6 - batch_norm] - @n - 2 : mse"},
    {"residual and parallel",
     "4 - 6 - residual[batch_norm - 6 tanh - batch_norm - 6] - parallel[batch_norm | 3] - 2 : mse"},
    {"dropout beside", "4 - 12 relu - batch_norm - dropout 0.4 - 6 - batch_norm - 2 : mse"},
    {"some are frozen", "4 - 6 - batch_norm frozen - 5 relu - batch_norm - 2 : mse"},
    {"all are frozen", "4 - 6 - batch_norm frozen - 2 : mse"},
    {"what comes before is frozen", "4 - 6 frozen - batch_norm - 2 : mse"},
    {"other norms", "4 - 6 - layer_norm - 5 relu - batch_norm - 2 : mse"},
}

for _, case in ipairs(cases) do
    test("pieces are the whole batch: " .. case[1], function()
        for _, optimizer in ipairs {"sgd", "adam"} do
            same(case[2], vectors, {optimizer = optimizer, lr = 0.02}, vectors.x)
        end
    end)
end

test("in space, and groups of channels, which are each example's own", function()
    same("2x5x5 - conv 3 3 - batch_norm - flatten - 2 : mse", images, {lr = 0.02}, images.x)
    same("2x5x5 - conv 4 3 - group_norm 2 - batch_norm - flatten - 2 : mse", images, {lr = 0.02},
         images.x)
    same("2x5x5 - conv 4 3 - group_norm 2 - flatten - 2 : mse", images, {lr = 0.02}, images.x)
end)

test("of padded steps the real ones", function()
    local set = sentences()
    same("*x3 - 5 tanh - batch_norm - gru 4 last - 3 softmax : cross_entropy", set, {lr = 0.05},
         set.x[1])
end)

test("accumulated, clipped, with weights of which a piece may have none", function()
    local weights = {}
    for i = 1, N do weights[i] = i % 9 < 5 and 0 or 0.5 + i % 3 end
    local notation = "4 - 6 - batch_norm - 5 relu - batch_norm - 2 : mse"
    same(notation, vectors, {weights = weights, shuffle = false}, vectors.x)
    same(notation, vectors, {accumulate = 2, clip = 0.1, l2 = 0.5}, vectors.x)
end)

test("the same bits again, at any number of threads", function()
    local notation = "4 - 70 - batch_norm - 50 relu - batch_norm - 2 : mse"
    local threads, runs = nabla.threads(), {}
    for i, n in ipairs {1, 2, 3} do
        nabla.threads(n)
        runs[i] = trained(notation, vectors, {batch = 32}, 8):params():totable()
    end
    nabla.threads(threads)
    eq(runs[2], runs[1])
    eq(runs[3], runs[1])
end)

test("a batch of one example has no variance in pieces either", function()
    local set = vectors:take(17)
    local message = "batch_norm needs two values or more of each feature or channel"
    for _, pieces in ipairs {1, 4} do
        local net = nn.net("4 - 3 - batch_norm - 2 : mse", {seed = 1})
        fails(function() net:train(set, options {pieces = pieces}) end, message, true)
    end
end)

-- ---- Functions of Lua ----

local function square(x) return x * x end

test("functions of layers, activations and costs run in pieces", function()
    local function cost(a, y) return ((a - y) * (a - y)):mean() end
    local function make()
        collectgarbage()
        local gc = nn.fn(function(x) collectgarbage() return x * 2 end)
        return nn.net({4, nn.dense {6, square}, nn.batch_norm(), gc, nn.dense {5, "tanh"},
                       nn.batch_norm(), nn.dense {2}, cost = cost}, {seed = 1, dtype = "f64"})
    end
    same(make, vectors, {lr = 0.02}, vectors.x)
end)

test("a function that trains another network sees its piece and waits for nobody", function()
    local other = nn.net("4 - 3 - batch_norm - 2 : mse", {seed = 4, dtype = "f64"})
    local calls = 0
    local function busy(x)
        calls = calls + 1
        other:step(vectors.x, vectors.y, {lr = 0.01})
        other:train(vectors, options {epochs = 1, batch = 22, pieces = 4})
        return x
    end
    local function make()
        return nn.net({4, nn.dense {6}, nn.batch_norm(), nn.fn(busy), nn.batch_norm(),
                       nn.dense {2}, cost = "mse"}, {seed = 1, dtype = "f64"})
    end
    same(make, vectors, {lr = 0.02, epochs = 1, batch = 22}, vectors.x)
    assert(calls > 2 * 8)
end)

test("a network that a function goes through normalises by its piece", function()
    local other = nn.net("6 - batch_norm", {seed = 4, dtype = "f64"})
    local function through(x) return other:record(x) end
    local function make()
        return nn.net({4, nn.dense {6}, nn.batch_norm(), nn.fn(through), nn.dense {2},
                       cost = "mse"}, {seed = 1, dtype = "f64"})
    end
    local net = trained(make, vectors, {epochs = 1}, 4)
    assert(net:params():isfinite():all())
end)

test("an error in a function ends all pieces, and nothing has changed", function()
    for bad = 1, 8 do
        local count, net = bad
        local function f(x)
            count = count + 1
            if count == bad then error {mine = bad} end
            return x
        end
        net = nn.net({4, nn.dense {6}, nn.batch_norm(), nn.fn(f), nn.batch_norm(), nn.dense {2},
                      cost = "mse"}, {seed = 1, dtype = "f64"})
        local before, mean = net:params():clone(), net[2].mean:clone()
        count = 0
        local fine, e = pcall(net.train, net, vectors, options {pieces = 8})
        assert(not fine and type(e) == "table" and e.mine == bad, tostring(e))
        eq(net:params(), before)
        eq(net[2].mean, mean)
        count = bad
        net:train(vectors, options {pieces = 8})
        local fresh = nn.net({4, nn.dense {6}, nn.batch_norm(), nn.fn(function(x) return x end),
                              nn.batch_norm(), nn.dense {2}, cost = "mse"},
                             {seed = 1, dtype = "f64"})
        fresh:train(vectors, options {pieces = 8})
        eq(net:params(), fresh:params())
    end
end)

test("a function that goes other ways in some pieces is told so", function()
    local count, net = 3
    local function f(x)
        count = count + 1
        return count == 3 and x:detach() or x
    end
    net = nn.net({4, nn.dense {6}, nn.batch_norm(), nn.fn(f), nn.dense {2}, cost = "mse"},
                 {seed = 1, dtype = "f64"})
    local before = net:params():clone()
    count = 0
    fails(function() net:train(vectors, options {pieces = 4}) end,
          "pieces of the batch go different ways through the network", true)
    eq(net:params(), before)
end)

test("what a function keeps of one piece is no part of another", function()
    local wanted = {"another piece", "another piece", "released by an earlier backward"}
    for way = 1, 3 do
        local kept
        local function f(x)
            kept = kept or x
            return x + kept[{{1, 1}, {}}]
        end
        local layers = {4, nn.dense {6}, nn.batch_norm(), nn.fn(f), nn.dense {2}, cost = "mse"}
        if way == 2 then table.insert(layers, 5, nn.batch_norm()) end
        if way == 3 then table.remove(layers, 3) table.insert(layers, 4, nn.batch_norm()) end
        local net = nn.net(layers, {seed = 1, dtype = "f64"})
        local before = net:params():clone()
        kept = nil
        local fine, message = pcall(net.train, net, vectors, options {pieces = 4})
        assert(not fine and message:find(wanted[way], 1, true), message)
        eq(net:params(), before)
    end
end)

test("a gradient through figures of all pieces is the step's alone", function()
    local kept, at_once
    local function f(x)
        kept = x
        if at_once then x:sum():backward() end
        return x
    end
    local net = nn.net({4, nn.dense {6}, nn.batch_norm(), nn.fn(f), nn.dense {2}, cost = "mse"},
                       {seed = 1, dtype = "f64"})
    net:train(vectors, options {pieces = 4, epochs = 1})
    assert(not pcall(function() kept:sum():backward() end))
    at_once = true
    fails(function() net:train(vectors, options {pieces = 4}) end, "figures of a batch in pieces",
          true)
end)

test("in a coroutine, and deep in Lua", function()
    local function make()
        local function deep(n) return n == 0 and 0 or 1 + deep(n - 1) end
        local function f(x)
            deep(5000)
            local s = ("a"):rep(20):gsub("a", function() return (("b"):rep(9):gsub("b", "c")) end)
            return x + 0 * #s
        end
        return nn.net({4, nn.dense {6}, nn.batch_norm(), nn.fn(f), nn.batch_norm(), nn.dense {2},
                       cost = "mse"}, {seed = 1, dtype = "f64"})
    end
    local whole = trained(make, vectors, {}, 8)
    local inside = coroutine.wrap(function() return trained(make, vectors, {}, 8) end)()
    eq(inside:params(), whole:params())
    fails(function()
        local bad = nn.net({4, nn.dense {6}, nn.batch_norm(), nn.fn(coroutine.yield),
                            nn.batch_norm(), nn.dense {2}, cost = "mse"}, {seed = 1})
        coroutine.wrap(function() bad:train(vectors, options {pieces = 4}) end)()
    end, "yield", true)
end)

-- ---- What is not finite ----

test("NaN is named as in the whole batch, and nothing has changed", function()
    local x = vectors.x:clone()
    x[{21, 3}] = 0 / 0
    local set = data.set {x = x, y = vectors.y}
    local messages = {}
    for i, pieces in ipairs {1, 8} do
        local net = nn.net("4 - 6 - batch_norm - 5 relu - 2 : mse", {seed = 1, dtype = "f64"})
        local before, mean = net:params():clone(), net[2].mean:clone()
        local fine, message = pcall(net.train, net, set, options {pieces = pieces, batch = 44})
        assert(not fine)
        messages[i] = message
        eq(net:params(), before)
        eq(net[2].mean, mean)
    end
    eq(messages[2], messages[1])
    assert(messages[1]:find("nan", 1, true), messages[1])
end)

test("memory that ends in a piece ends all, and what was there is whole", function()
    local net = nn.net("4 - 400 - batch_norm - 400 relu - batch_norm - 2 : mse", {seed = 1})
    local big = data.set {x = tensor.randn(4000, 4, {seed = 1}),
                          y = tensor.randn(4000, 2, {seed = 2})}
    net:train(big:take(16), options {pieces = 4})
    local before = net:params():clone()
    collectgarbage()
    local limit = nabla.memory().limit
    nabla.memory {limit = nabla.memory().live + 12e6}
    local fine, message = pcall(net.train, net, big, options {batch = 4000, pieces = 8})
    nabla.memory {limit = limit}
    assert(not fine and message:find("memory", 1, true), message)
    eq(net:params(), before)
    net:train(big:take(16), options {pieces = 4})
end)

spec.report()
