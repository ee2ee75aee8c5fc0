-- Training over rows of non-zeros, where the first layer's w lies
-- input-major in a run: nobody sees that.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local tensor, data, nn = nabla.tensor, nabla.data, nabla.nn

local COLUMNS, EXAMPLES = 80, 50

local function rows()
    local list, y = {}, {}
    for i = 1, EXAMPLES do
        list[i], y[i] = {}, i % 3 + 1
        for k = 1, i % 9 do list[i][(i * 7 + k * k * 5) % COLUMNS + 1] = (i + k) / 16 end
    end
    return data.set {x = list, y = y, columns = COLUMNS}
end

local function dense(set)
    local y = {}
    for i = 1, #set do y[i] = i % 3 + 1 end
    return data.set {x = set.x, y = y}
end

local optimizers = {
    sgd = function() return nn.sgd {lr = 0.5} end,
    momentum = function() return nn.sgd {lr = 0.1, momentum = 0.9, nesterov = true} end,
    adam = function() return nn.adam {lr = 0.01} end,
    rmsprop = function() return nn.rmsprop {lr = 0.01} end,
}

local function net() return nn.net("80 - 19 tanh - 3 softmax : cross_entropy", {seed = 4}) end

local function options(name, more)
    local o = {epochs = 3, batch = 8, seed = 2, optimizer = optimizers[name]()}
    for k, v in pairs(more or {}) do o[k] = v end
    return o
end

local function trained(name, more, set)
    local n = net()
    n:train(set or rows(), options(name, more))
    return n
end

for name in pairs(optimizers) do
    test(name .. ": rows of non-zeros teach what rows with their zeros do, but for rounding", function()
        local a, b = trained(name), trained(name, nil, dense(rows()))
        assert(a:params():allclose(b:params(), {rtol = 1e-3, atol = 1e-4}))
    end)

    test(name .. ": a run that is watched, or stopped and gone on with, has the same bits", function()
        local want = trained(name)
        local epochs = 0
        local seen = trained(name, {on_epoch = function() epochs = epochs + 1 end})
        eq(epochs, 3)
        eq(seen:params(), want:params())
        local n = net()
        local t = n:trainer(rows(), options(name))
        for _ = 1, 3 do t:epoch() end
        eq(n:params(), want:params())
        local path = os.tmpname()
        n = net()
        n:train(rows(), options(name, {epochs = 2, checkpoint = path}))
        n:train(rows(), options(name, {resume = path}))
        os.remove(path)
        eq(n:params(), want:params())
    end)
end

test("on_batch has the bits of the run without, where nothing goes straight into w", function()
    for _, name in ipairs {"momentum", "adam"} do
        local seen = {}
        local a, b, c = trained(name), net(), net()
        b:train(rows(), options(name, {on_batch = function() seen[#seen + 1] = b[1].w:clone() end}))
        eq(a:params(), b:params())
        eq(#seen, 3 * 7)
        local t = c:trainer(rows(), options(name))
        for i = 1, 9 do
            t:step()
            eq(seen[i], c[1].w)
        end
    end
end)

test("what a hook sees are the parameters as they are", function()
    local a, b = net(), net()
    local seen, want = {}, {}
    a:train(rows(), options("momentum", {on_epoch = function()
        seen[#seen + 1] = a[1].w:clone()
    end}))
    b:train(dense(rows()), options("momentum", {on_epoch = function()
        want[#want + 1] = b[1].w:clone()
    end}))
    for i = 1, 3 do assert(seen[i]:allclose(want[i], {rtol = 1e-3, atol = 1e-4})) end
    assert(a:grads():allclose(b:grads(), {rtol = 1e-2, atol = 1e-4}))
end)

test("an error of a hook leaves the parameters of the last whole batch", function()
    local a, b, batches = net(), net(), 0
    fails(function()
        a:train(rows(), options("adam", {on_epoch = function() error "no more" end}))
    end, "no more")
    b:train(rows(), options("adam", {epochs = 1}))
    eq(a:params(), b:params())
    eq(a:evaluate(rows()).cost, b:evaluate(rows()).cost)
end)

test("l1, l2, decay and clipping", function()
    for _, more in ipairs {{l2 = 0.5}, {l1 = 0.1}, {decay = 0.1}, {clip = {value = 0.01}}, {clip = 0.05}} do
        local a, b = trained("sgd", more), trained("sgd", more, dense(rows()))
        assert(a:params():allclose(b:params(), {rtol = 1e-3, atol = 1e-4}))
    end
end)

test("what is tuned or frozen learns as it does over rows with their zeros, to the bit", function()
    for _, change in ipairs {
        function(n) n[1].frozen = true end,
        function(n) n[1]:neuron(3).factor = 0 end,
    } do
        local a, b = net(), net()
        change(a)
        change(b)
        a:train(rows(), options("momentum"))
        b:train(dense(rows()), options("momentum"))
        eq(a:params(), b:params())
    end
end)

test("a run that diverges says the same words", function()
    local function told(set)
        local n = nn.net("80 - 19 linear - 3 linear : quadratic", {seed = 4})
        local ok, message = pcall(n.train, n, set, {epochs = 9, batch = 50, lr = 1e30, seed = 2})
        eq(ok, false)
        return (message:gsub("%-?%d[%d.e+-]*", "#"))
    end
    eq(told(rows()), told(dense(rows())))
end)

spec.report()
