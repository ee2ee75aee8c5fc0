-- One element of a tensor: read on the tape and off it, put into tables; and a network's own
-- parameters, changed in place.
package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor, nn = nabla.tensor, nabla.nn

local function leaf(values) return tensor(values, {dtype = "f64"}):requires_grad_() end
local function grad(x, c)
    c:backward()
    return x.grad
end

-- ---- Reading -----------------------------------------------------------------------------------

test("one element of what takes part in a gradient stays on the tape", function()
    local x = leaf {2, 3}
    eq(grad(x, x[1] * x:sum()), {7, 2})
    eq(grad(x, x[-1] ^ 2 / x[1]), {-9 / 4, 3})
    local m = leaf {{1, 2}, {3, 4}}
    eq(grad(m, m[{2, 1}] * m[1][2]), {{0, 3}, {2, 0}})
    eq(grad(m, (m * m)[{1, -1}]), {{0, 4}, {0, 0}})
    eq(x[1]:dim(), 0)
    eq(x[1].requires_grad, true)
    eq(tostring(x[1]), "2")
end)

test("each() stays on the tape", function()
    local x, s = leaf {2, 3, 4}, 0
    for i, v in x:each() do s = s + i * v ^ 2 end
    eq(grad(x, s), {4, 12, 24})
    local m, p = leaf {{1, 2}, {3, 4}}, 1
    for _, row in m:each() do
        for _, v in row:each() do p = p * v end
    end
    eq(grad(m, p), {{24, 12}, {8, 6}})
end)

test("elsewhere one element is a number", function()
    local x = leaf {2, 3}
    local function kind(v) return math.type(v) end
    eq(kind(tensor {2, 3}[1]), "float")
    eq(kind(tensor({2, 3}, {dtype = "i32"})[1]), "integer")
    eq(kind(x:detach()[1]), "float")
    eq(kind(x:gt(2)[1]), "integer")
    nn.no_grad(function()
        eq(kind(x[1]), "float")
        for _, v in x:each() do eq(kind(v), "float") end
    end)
    grad(x, x:sum())
    eq(kind(x.grad[1]), "float")
    local net = nn.net "2 - 1"
    net:backprop({1, 2}, {1})
    eq(kind(net:params()[1]), "float")
    eq(kind(net:grads()[1]), "float")
    eq(kind(net({1, 2})[1]), "float")
    eq(kind(net[1].w[{1, 1}]:item()), "float")
    eq(kind(net[1].w[{1, 1}]), nil)
end)

test("one element compares and computes like a number; == is identity", function()
    local x = leaf {2, 3}
    eq(x[1] < x[2], true)
    eq(x[1] <= 2, true)
    eq(3 > x[2], false)
    eq(x[1] == 2, false)
    eq(x[1]:item() == 2, true)
    eq(grad(x, math.max(x[1], x[2], 1)), {0, 1})
    eq(grad(x, -x[1] + 2 * x[2] ^ 2), {-1, 12})
end)

test("a table of elements is a tensor on the tape", function()
    local x = leaf {2, 3}
    local t = tensor({{x[1] * x[2], 5}, {x:sum(), x[1]}}, {dtype = "f64"})
    eq(t, {{6, 5}, {5, 2}})
    eq(grad(x, (t * tensor {{1, 10}, {100, 1000}}):sum()), {3 + 100 + 1000, 2 + 100})
    t = tensor {x[1], 7}
    eq(t.dtype, "f32")
    eq(grad(x, t:prod()), {7, 0})
    t = tensor.stack({x[2], 4, x[1] * x[1]})
    eq(t, {3, 4, 4})
    eq(t.dtype, "f64")
    eq(grad(x, (t * tensor {1, 2, 3}):sum()), {12, 1})
    eq(tensor {tensor(2), 3, tensor(4, {dtype = "i32"})}, {2, 3, 4})
    eq(tensor {tensor(2), 3}.requires_grad, false)
    nn.no_grad(function() eq(tensor {x[1], x[2]}.requires_grad, false) end)
    fails(function() tensor {x, x} end, "tensor.stack joins tensors", true)
    fails(function() tensor({x[1] * 200}, {dtype = "u8"}) end, "does not fit into u8", true)
    fails(function() tensor {true, x[1]} end, "true or false like the first", true)
    eq(tensor.stack {1, 2}, {1, 2})
    eq(tensor.stack {tensor({1}, {dtype = "u8"}):sum(), 2.5}, {1, 2.5})
end)

test("where memory ends a table of elements leaves nothing behind", function()
    local x, limit = tensor.ones(100):requires_grad_(), nabla.memory().limit
    local function make()
        local rows = {{}, {}}
        for i, v in x:each() do rows[1][i], rows[2][i] = v, i end
        return tensor(rows):sum()
    end
    collectgarbage()
    collectgarbage()
    local before, failures = nabla.memory().live, 0
    for more = 0, 2^20, 512 do
        nabla.memory {limit = nabla.memory().used + more}
        local ok = pcall(make)
        nabla.memory {limit = limit}
        if ok then break end
        failures = failures + 1
        collectgarbage()
        collectgarbage()
        eq(nabla.memory().live, before)
    end
    eq(failures > 3, true)
end)

test("a network's input takes a gradient, of one example and of another dtype too", function()
    local net = nn.net("2 - 1 linear")
    net[1].w = {{3, 4}}
    for _, dtype in ipairs {"f32", "f64"} do
        for _, values in ipairs {{1, 2}, {{1, 2}}} do
            local v = tensor(values, {dtype = dtype}):requires_grad_()
            eq(grad(v, net:record(v):sum()):reshape(2), {3, 4})
        end
    end
end)

-- ---- In functions of a network -----------------------------------------------------------------

-- The gradients of two networks with the same parameters.
local function same_gradients(one, other, x, y)
    other:params():copy_(one:params())
    near(one(x), other(x))
    near(one:cost(x, y), other:cost(x, y))
    one:backprop(x, y)
    other:backprop(x, y)
    near(one:grads(), other:grads())
end

local x, y = {{0.5, -1}, {2, 0.25}}, {{0.1, 0.7}, {0.4, 0.2}}

test("a cost of single elements is the cost of the whole", function()
    local function cost(a, targets)
        local c = 0
        for i, row in a:each() do
            for j, v in row:each() do c = c + (v - targets[i][j]) ^ 2 end
        end
        return c / (2 * #a)
    end
    local with = nn.net {2, nn.dense {2, "tanh"}, cost = cost, dtype = "f64"}
    same_gradients(with, nn.net {2, nn.dense {2, "tanh"}, dtype = "f64"}, x, y)
    assert(with:gradcheck(x, y).ok)
end)

test("an activation of single elements is that of the whole", function()
    local function square(z)
        local out = {}
        for i, row in z:each() do
            out[i] = {}
            for j, v in row:each() do out[i][j] = v * v end
        end
        return tensor(out, {dtype = z.dtype})
    end
    local with = nn.net {2, nn.dense {2, square}, dtype = "f64"}
    local whole = function(z) return z * z end
    same_gradients(with, nn.net {2, nn.dense {2, whole}, dtype = "f64"}, x, y)
end)

test("a layer of single elements is that of the whole", function()
    local function scale(a, w)
        local rows = {}
        for i, row in a:each() do rows[i] = {row[1] * w[1], row[2] * w[2]} end
        return tensor(rows, {dtype = a.dtype})
    end
    local function layer(f) return nn.fn {f = f, params = {{name = "w", 2}}} end
    local with = nn.net {2, layer(scale), nn.dense {2}, dtype = "f64"}
    local whole = nn.net {2, layer(function(a, w) return a * w end), nn.dense {2}, dtype = "f64"}
    same_gradients(with, whole, x, y)
end)

-- ---- A network's own parameters ----------------------------------------------------------------

local function small() return nn.net("2 - 2 - 1", {dtype = "f64"}) end

test("parameters take assignments and methods in place", function()
    local net = small()
    local w = net[1].w
    w[{1, 2}] = 0.5
    w[{1, 2}] = w[{1, 2}] + 0.25
    eq(w[1]:totable()[2], 0.75)
    w[1][2] = w[1][2] ^ 2 + w[2][1] * 0
    eq(w[1]:totable()[2], 0.5625)
    net[1].b[2] = 3
    eq(net[1].b, {0, 3})
    w:fill_(2)
    w:add_(w * 3):mul_(w)
    eq(w, {{64, 64}, {64, 64}})
    w:t()[1]:copy_ {1, 2}
    w[{{}, 2}]:zero_()
    eq(w, {{1, 0}, {2, 0}})
    w[w:gt(1)] = -1
    eq(w, {{1, 0}, {-1, 0}})
    w:reshape(4):uniform_(5, 6)
    eq(w:ge(5):all(), true)
    net[1]:neuron(2).w[1] = w[{1, 1}] * 2
    eq(w[{2, 1}]:item(), 2 * w[{1, 1}]:item())
    eq(w.requires_grad, true)
    eq(net:params():totable()[1], w[{1, 1}]:item())
end)

test("what is assigned is the value without its tape", function()
    local net, g = small(), leaf {3, 4}
    net[1].w[1] = g * 2
    net[1].b:copy_(g):add_(g)
    eq(net[1].w[1], {6, 8})
    eq(net[1].b, {6, 8})
    eq(grad(g, (net[1].w[1] * g):sum()), {6, 8})
    eq(net[1].w.grad, {{3, 4}, {0, 0}})
end)

test("a typed difference is the gradient", function()
    local net, eps = small(), 1e-6
    local function C() return ((net:record(x) - tensor {{1}, {0}}) ^ 2):sum() end
    net[1].w[{2, 1}] = net[1].w[{2, 1}] + eps
    local above = C():item()
    net[1].w[{2, 1}] = net[1].w[{2, 1}] - 2 * eps
    local difference = (above - C():item()) / (2 * eps)
    net[1].w[{2, 1}] = net[1].w[{2, 1}] + eps
    C():backward()
    near(difference, net[1].w.grad[{2, 1}], 1e-7)
end)

test("clones, nested networks and shared layers take them too", function()
    local net = small()
    local clone = net:clone()
    clone[1].w[1][1] = 7
    assert(net[1].w[{1, 1}]:item() ~= 7)
    local outer = nn.net {2, net, 1, dtype = "f64"}
    outer[1][1].w[1][1] = 8
    net[2].b[1] = 9
    eq(net[1].w[{1, 1}]:item(), 8)
    eq(outer[1][2].b, {9})
    local layer = nn.dense {2}
    local shared = nn.net {2, layer, layer, dtype = "f64"}
    shared[1].w[1][2] = 5
    layer.b[1] = 6
    eq(shared[2].w[{1, 2}]:item(), 5)
    eq(shared[2].b[1]:item(), 6)
end)

test("a recorded result that needs the values is not lost, and the advice works", function()
    local words = " would change parameters whose values a recorded result needs for its " ..
        "gradient; call its backward first, let it go, or do it inside nn.no_grad"
    local function refused(net)
        fails(function() net[1].w[1][1] = 3 end, "an assignment" .. words, true)
        fails(function() net[1].w:fill_(3) end, "fill_" .. words, true)
        fails(function() net[2].b:exp_() end, "exp_" .. words, true)
        fails(function() net[1].w:normal_() end, "normal_" .. words, true)
    end
    local net = small()
    local before = net:params():totable()
    local a = net:record(x)
    refused(net)
    eq(net:params(), before)
    a:sum():backward()
    net[1].w[1][1] = 3
    eq(net[1].w[{1, 1}]:item(), 3)

    a = net:record(x)
    refused(net)
    a = nil
    net[1].w[1][1] = 4
    eq(net[1].w[{1, 1}]:item(), 4)

    a = net:record(x)
    refused(net)
    nn.no_grad(function() net[1].w[1][1] = 5 end)
    eq(net[1].w[{1, 1}]:item(), 5)
    fails(function() a:sum():backward() end,
        "dense needs values for its gradient that an assignment in .*element_spec%.lua")

    a = net[2].w[{1, 1}] ^ 2
    refused(net)
    a:backward()

    -- What does not read them, and other networks, are no reason.
    local other, sum = small(), net[1].w + 1
    other[1].w[1][1] = 1
    a = nil
    net[1].w[1][1] = 6
    sum:sum():backward()
    eq(net[1].w.grad, {{1, 1}, {1, 1}})
    local t = net:trace(x, {{1}, {0}})
    net[1].w[1][1] = 7
    eq(t[1].z:dim(), 2)
end)

test("a result that was just computed from what it is written to is no reason", function()
    local net = small()
    local w = net[1].w
    w:fill_(2)
    w[1] = w[1] ^ 2 * w[2]
    eq(w, {{8, 8}, {2, 2}})
    w:mul_(w:exp():log())
    near(w, {{64, 64}, {4, 4}})
    -- Kept for later it says what happened.
    local kept = (w * w):sum()
    w[1][1] = kept
    near(w[{1, 1}]:item(), 64 * 64 * 2 + 32)
    fails(function() kept:backward() end, "mul needs values for its gradient that an assignment")
end)

test("nor is a value in a variable, or one that only the stack still holds", function()
    local net = small()
    net[1].w:fill_(2)
    local kept = (net[1].w * net[1].w):sum()
    -- In a thread of its own no slot of the stack holds the value besides the variable.
    coroutine.wrap(function(w, v) w[1][1] = v end)(net[1].w, kept)
    eq(net[1].w, {{16, 2}, {2, 2}})
    kept = nil
    local function typed()
        local a = net:record(x)
        a = nil
        net[1].w[1][1] = 1
        do local b = net:record(x) end
        net[1].w[1][1] = 3
    end
    coroutine.wrap(typed)()
    eq(net[1].w, {{3, 2}, {2, 2}})
end)

test("tensors of the user's own are changed inside no_grad, views of them too", function()
    local a = leaf {{1, 2}, {3, 4}}
    local words = "would change a tensor that takes part in a gradient; do it inside nn.no_grad"
    fails(function() a[1][2] = 9 end, "an assignment " .. words, true)
    fails(function() a:t():fill_(1) end, "fill_ " .. words, true)
    nn.no_grad(function()
        a[1][2] = 9
        a:t()[1]:fill_(1)
    end)
    eq(a, {{1, 9}, {1, 4}})
    local b, plain = a * 2, tensor {1, 2}
    fails(function() b[1][1] = 9 end, "would change the result of select, which takes part", true)
    local copy = b:detach():clone()
    copy[1][1] = 9
    eq(copy, {{9, 18}, {2, 8}})
    for _, change in ipairs {
        function(v) plain[1] = v end, function(v) plain:add_(v) end, function(v) plain:copy_(v) end,
    } do
        fails(function() change(a[1][1]) end, "would lose the gradient of what it is given", true)
        change(a[1][1]:detach())
    end
    eq(plain, {1, 1})
end)

spec.report()
