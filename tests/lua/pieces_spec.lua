-- Pieces: a batch in parts, each a pass of its own, whose gradients are added along one tree. The
-- tree is written out here once more, over numbers of Lua.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local nn, data, tensor = nabla.nn, nabla.data, nabla.tensor

local digits = data.digits().train
local path = os.tmpname()

local function options(o)
    local all = {epochs = 2, batch = 32, lr = 0.5, seed = 3, pieces = 8, progress = false}
    for k, v in pairs(o or {}) do all[k] = v end
    return all
end

-- ---- The tree ----

-- The gradient of rows first … last, from 0, times their number; nil of none. A number of rows that
-- is a power of 2 makes that times exact.
local function piece(net, x, y, first, last)
    local n = last - first + 1
    if n == 0 then return nil end
    net:backprop(x:narrow(1, first + 1, n), y:narrow(1, first + 1, n))
    local all = net:grads():totable()
    for k = 1, #all do all[k] = all[k] * n end
    return all
end

local function tree(lo, hi, of)
    if hi - lo == 1 then return of(lo) end
    local half = 1
    while 2 * half < hi - lo do half = 2 * half end
    local left, right = tree(lo, lo + half, of), tree(lo + half, hi, of)
    if not left or not right then return left or right end
    for k = 1, #left do left[k] = left[k] + right[k] end
    return left
end

local function gradient(net, x, y, pieces)
    local n = #x
    local sum = tree(0, pieces, function(i)
        return piece(net, x, y, i * n // pieces, (i + 1) * n // pieces - 1)
    end)
    for k = 1, #sum do sum[k] = sum[k] * (1 / n) end
    return sum
end

-- Every batch of a run against that.
local function check_run(batch, pieces, notation)
    local set = digits:take(2 * batch)
    local net = nn.net(notation, {dtype = "f64", seed = 2})
    local twin = net:clone()
    local seen = 0
    net:train(set, options {epochs = 2, batch = batch, pieces = pieces, shuffle = false,
        on_batch = function(info)
            local at = (info.batch - 1) * batch + 1
            local x, y = set.x:narrow(1, at, batch):to "f64", set.y:narrow(1, at, batch)
            eq(info.net:grads():totable(), gradient(twin, x, y, pieces))
            twin:params():copy_(info.net:params())
            seen = seen + 1
        end})
    eq(seen, 4)
end

test("a gradient is the sum of its pieces' along the tree, bit for bit", function()
    check_run(32, 8, "64 - 12 - 10")
    check_run(16, 4, "64 - 12 tanh - 10 softmax : cross_entropy")
    check_run(8, 2, "64 - 12 relu - 10 softmax : cross_entropy")
    -- One row each: any number of pieces.
    check_run(13, 13, "64 - 12 - 10")
    check_run(11, 11, "64 - 12 - 10")
end)

test("empty pieces are skipped", function()
    check_run(3, 8, "64 - 12 - 10")
    check_run(5, 64, "64 - 12 - 10")
    check_run(1, 2, "64 - 12 - 10")
end)

-- ---- The same as the whole, but for rounding ----

local function both(notation, set, o, dtype)
    local nets, histories = {}, {}
    for i, pieces in ipairs {1, 8} do
        o.pieces = pieces
        nets[i] = nn.net(notation, {dtype = dtype or "f64", seed = 4})
        histories[i] = nets[i]:train(set, options(o))
    end
    return nets[1], nets[2], histories[1], histories[2]
end

test("pieces give what whole batches give", function()
    local set = digits:take(100)
    local softmax = "64 - 12 tanh - 10 softmax : cross_entropy"
    for _, o in ipairs {
        {}, {momentum = 0.9, nesterov = nil, lr = 0.1}, {optimizer = "adam", lr = 0.01},
        {optimizer = "adagrad", lr = 0.05}, {optimizer = "rprop", batch = 100, lr = 0.01},
        {l1 = 0.5, l2 = 2, decay = 0.01}, {clip = 0.2}, {clip = {value = 0.01}}, {accumulate = 3},
        {weights = {1, 2, 0.5, 1, 0, 1, 3, 1, 1, 2}}, {batch = 5},
        {weights = {1, 2, 0.5, 1, 0, 1, 3, 1, 1, 2}, accumulate = 2},
        {schedule = "one_cycle(top=4)"}, {valid = digits:take(50), patience = 1},
    } do
        local whole, cut, h1, h8 = both(softmax, set, o)
        near(cut:params(), whole:params(), 1e-9)
        for i = 1, 2 do near(h8.cost[i], h1.cost[i], 1e-10) end
    end
end)

-- Its gradients are some of those that lie beside them.
test("a part of a network", function()
    local x = tensor.randn(40, 7, {seed = 1, dtype = "f64"})
    local set = data.set {x = x, y = tensor.randn(40, 12, {seed = 2, dtype = "f64"})}
    local nets = {}
    for i, pieces in ipairs {1, 8} do
        local net = nn.net("64 - 7 relu - net[9 tanh - 12 linear] - 10 softmax",
            {dtype = "f64", seed = 4})
        local before = net[1].w:clone()
        net[2]:train(set, options {batch = 20, momentum = 0.9, lr = 0.1, pieces = pieces})
        eq((net[1].w - before):abs():max():item(), 0)
        nets[i] = net
    end
    near(nets[2]:params(), nets[1]:params(), 1e-9)
end)

test("a piece drops what its examples drop in the whole batch", function()
    local whole, cut = both("64 - 21 relu - dropout 0.4 - 9 tanh - dropout 0.3 - 10 softmax : "
        .. "cross_entropy", digits:take(100), {batch = 23})
    near(cut:params(), whole:params(), 1e-9)
end)

test("sequences of different lengths, a class for each or at every step", function()
    local x, last, each = {}, {}, {}
    for i = 1, 29 do
        local steps = 1 + i * 7 % 6
        x[i] = tensor.randn(steps, 3, {seed = i})
        last[i] = 1 + i % 2
        each[i] = tensor.randn(steps, 2, {seed = 100 + i})
    end
    for _, o in ipairs {{batch = 12}, {batch = 5, optimizer = "adam", lr = 0.01}} do
        local whole, cut = both("*x3 - gru 4 last - 2 softmax : cross_entropy",
            data.set {x = x, y = last}, o)
        near(cut:params(), whole:params(), 1e-9)
        whole, cut = both("*x3 - lstm 4 - dropout 0.3 - 2 linear", data.set {x = x, y = each}, o)
        near(cut:params(), whole:params(), 1e-9)
    end
end)

-- How much a piece counts hangs on the steps that the network gives, not on those that came.
test("steps that become fewer on their way, weighed by class or example", function()
    local x, y, each = {}, {}, {}
    for i = 1, 16 do
        local steps = 5 + i * 5 % 11
        local classes = {}
        for t = 1, (steps - 3) // 2 + 1 do classes[t] = (3 * i + t * t) % 3 + 1 end
        x[i] = tensor.randn(steps, 3, {seed = i})
        y[i] = tensor(classes, {dtype = "i32"})
        each[i] = i % 4
    end
    for _, weights in ipairs {false, {1, 2, 5}, each} do
        local whole, cut, h1, h8 = both("*x3 - conv 4 3 tanh stride=2 - 3 softmax : cross_entropy",
            data.set {x = x, y = y}, {batch = 8, weights = weights or nil})
        near(cut:params(), whole:params(), 1e-9)
        near(h8.cost[1], h1.cost[1], 1e-10)
    end
end)

test("places of pictures, weighed by class or example", function()
    local x = tensor.randn(9, 1, 4, 5, {seed = 1})
    local y = tensor.randint(1, 3, 9, 4, 5, {seed = 2})
    for _, weights in ipairs {false, {1, 2, 5}, {1, 0, 2, 1, 3, 1, 1, 0.5, 1}} do
        local whole, cut, h1, h8 = both("1x4x5 - conv 3 3 softmax padding=same : cross_entropy",
            data.set {x = x, y = y}, {batch = 9, weights = weights or nil})
        near(cut:params(), whole:params(), 1e-9)
        near(h8.cost[1], h1.cost[1], 1e-10)
    end
end)

test("lbfgs, cg and lm find the same", function()
    local x = tensor.linspace(-1, 1, 40):reshape(40, 1):to "f64"
    local set = data.set {x = x, y = (x * 3):sin()}
    for _, optimizer in ipairs {"lbfgs", "cg", "lm"} do
        local o = {optimizer = optimizer, epochs = 10}
        local nets = {}
        for i, pieces in ipairs {1, 8} do
            nets[i] = nn.net("1 - 4 tanh - 1 linear", {dtype = "f64", seed = 1})
            o.pieces, o.progress = pieces, false
            local h = nets[i]:train(set, o)
            eq(h.pieces, pieces)
        end
        near(nets[2]:cost(set), nets[1]:cost(set), 1e-6)
    end
end)

-- Rows of a piece's Jacobian: fewer than parameters, as many as a triangle has, more; sequences
-- whose pieces are padded to other lengths than the whole.
test("lm finds the same from pieces of any height", function()
    local function check(notation, set, pieces)
        local nets = {}
        for i, count in ipairs {1, pieces} do
            nets[i] = nn.net(notation, {dtype = "f64", seed = 1})
            nets[i]:train(set, {optimizer = "lm", epochs = 3, pieces = count, progress = false})
        end
        near(nets[2]:params(), nets[1]:params(), 1e-8)
    end
    local x = tensor.randn(112, 2, {seed = 2, dtype = "f64"})
    local set = data.set {x = x, y = (x:sum(2):reshape(112, 1) * 2):sin()}
    for _, pieces in ipairs {2, 8, 16, 112} do check("2 - 3 tanh - 1 linear", set, pieces) end
    local xs, ys = {}, {}
    for i = 1, 12 do
        xs[i] = tensor.randn(i == 11 and 30 or i % 3 + 1, 2, {seed = i, dtype = "f64"})
        ys[i] = xs[i]:sum(2):reshape(#xs[i], 1):sin()
    end
    for _, pieces in ipairs {2, 3, 12} do
        check("*x2 - 3 tanh - 1 linear", data.set {x = xs, y = ys}, pieces)
        check("*x2 - 9 tanh - 1 linear", data.set {x = xs, y = ys}, pieces)
    end
end)

-- ---- Bits ----

test("threads, callbacks and stops of a trainer leave all bits as they are", function()
    local set = digits:take(200)
    local function begin() return nn.net("64 - 300 - 300 - 10", {seed = 1}) end
    local o = options {batch = 70, epochs = 1}
    local net = begin()
    local threads = nabla.threads()
    nabla.threads(1)
    net:train(set, o)
    nabla.threads(4)
    local other = begin()
    other:train(set, options {batch = 70, epochs = 1, on_batch = function() end})
    nabla.threads(threads)
    assert(net:params():equal(other:params()))
    local stepped = begin()
    local t = stepped:trainer(set, o)
    t:step(3)
    t:back(2)
    t:step(2)
    assert(net:params():equal(stepped:params()))
end)

test("what a function draws is a function of seed, step and piece, and nothing else draws on", function()
    local function learn(before)
        local noisy = function(x) return x + tensor.randn(#x, 5) * 0.1 end
        local net = nn.net {64, nn.dense {5, "tanh"}, nn.fn {f = noisy}, 10}
        net:reset(3)
        nabla.seed(5)
        tensor.randn(before)
        tensor.randn(1) -- one draw more than a piece has
        net:train(digits:take(64), options {batch = 20})
        return net:params(), tensor.randn(3)
    end
    local a, after = learn(2)
    local b, other = learn(2)
    assert(a:equal(b) and after:equal(other))
    nabla.seed(5)
    tensor.randn(2)
    tensor.randn(1)
    assert(after:equal(tensor.randn(3)))
    tensor.randn(7)
    assert(a:equal((learn(9))))
end)

test("augment sees batches whole", function()
    local seen = {}
    local net = nn.net("64 - 10", {seed = 1})
    net:train(digits:take(64), options {epochs = 1, batch = 30, augment = function(x, y)
        seen[#seen + 1] = #x
        return x * 0.5
    end})
    eq(seen, {30, 30, 4})
end)

-- ---- Runs ----

test("a run keeps its pieces", function()
    os.remove(path)
    local set = digits:take(64)
    local straight, net = nn.net("64 - 8 - 10", {seed = 1}), nn.net("64 - 8 - 10", {seed = 1})
    local h = straight:train(set, options {epochs = 4})
    eq(h.pieces, 8)
    assert(tostring(h):find("pieces 8", 1, true))
    net:train(set, options {checkpoint = path})
    for _, other in ipairs {4, 1} do
        fails(function()
            nn.net("64 - 8 - 10"):train(set, options {resume = path, pieces = other})
        end, "its run has pieces 8, this one " .. other, true)
    end
    -- Where nothing is said of them they are the run's.
    local o = options {resume = path, epochs = 4}
    o.pieces = nil
    local other = nn.net("64 - 8 - 10", {seed = 9})
    eq(other:train(set, o).pieces, 8)
    assert(other:params():equal(straight:params()))
    o = options {epochs = 1}
    o.pieces = nil
    eq(nn.net("64 - 8 - 10"):train(set, o).pieces, 1)
    os.remove(path)
end)

test("trainers tell that two runs differ in it", function()
    local set = digits:take(64)
    local a = nn.net("64 - 8 - 10", {seed = 1}):trainer(set, options())
    local b = nn.net("64 - 8 - 10", {seed = 1}):trainer(set, options {pieces = 2})
    a:step(2)
    b:step(2)
    assert(tostring(a:compare(b)):find "pieces")
end)

test("pieces out of range are refused", function()
    local net, set = nn.net "64 - 10", digits:take(20)
    for _, bad in ipairs {0, -1, 2.5, 65537, "many"} do
        fails(function() net:train(set, options {pieces = bad}) end, "pieces", true)
    end
    net:train(set, options {pieces = 65536, epochs = 1})
    net:train(set, options {pieces = 1, epochs = 1})
end)

-- ---- Failures ----

test("a cost that is not finite names its example, and nothing of the batch is learned", function()
    local x, y = tensor.ones(40, 3), tensor.zeros(40, 1)
    x[30] = 1e30
    local net = nn.net("3 - 1 linear", {seed = 1})
    local before
    local ok, message = pcall(net.train, net, x, y, options {batch = 16, shuffle = false,
        on_batch = function(info) before = info.net:params():clone() end})
    assert(not ok and message:find("epoch 1, batch 2", 1, true), message)
    assert(net:params():equal(before))
end)

test("an error in a layer of one piece stops the run at the last whole batch", function()
    local calls, before = 0, nil
    local f = nn.fn {f = function(a)
        calls = calls + 1
        if calls == 12 then error "enough" end
        return a
    end}
    local net = nn.net {{64}, nn.dense(5), f, nn.dense(10)}
    calls = 0
    fails(function()
        net:train(digits:take(64), options {batch = 32, epochs = 1, on_batch = function(info)
            before = info.net:params():clone()
        end})
    end, "enough", true)
    assert(before and net:params():equal(before))
end)

os.remove(path)
spec.report()
