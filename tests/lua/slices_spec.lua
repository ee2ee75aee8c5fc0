-- Batches that outgrow a cache, which go slice by slice: training gives what passes of other sizes
-- give, and nobody who looks on, stops, goes back or goes on from a file gets other bits.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near = spec.test, spec.eq, spec.near
local nabla = spec.nabla
local nn, data, tensor = nabla.nn, nabla.data, nabla.tensor

local path = os.tmpname()

-- 3 << 18 bytes are 98,304 numbers of f64. The widest layer of these networks reads and writes 36
-- numbers and more at each of 64 steps: 43 examples are too many, and so are the last batch's 50.
local EXAMPLES <const>, STEPS <const>, BATCH <const>, CLASSES <const> = 170, 64, 60, 6

local function lengths_of(varied, i)
    return varied and (i == 5 and STEPS or 1 + i * 29 % STEPS) or STEPS
end

local function sequences(varied, words)
    local x, y = {}, {}
    for i = 1, EXAMPLES do
        local steps = lengths_of(varied, i)
        x[i] = words and tensor.randint(1, 20, steps, {seed = i})
            or tensor.randn(steps, 12, {seed = i, dtype = "f64"})
        y[i] = tensor.randint(1, CLASSES, steps, {seed = EXAMPLES + i})
    end
    return data.set {x = x, y = y}
end

local each = {}
for i = 1, EXAMPLES do each[i] = i % 4 / 2 end

local cases = {
    {"*x12 - dropout 0.3 - residual[layer_norm - attention 2 causal] - 24 gelu", {lr = 0.1}},
    {"*x12 - 24 tanh name=a - parallel[12 relu@1..3 | dropout 0.2 - positions] - 12 - @a",
        {lr = 0.1, momentum = 0.9, weights = {classes = {1, 0, 2, 0.5, 1, 3}}}, varied = true},
    {"* - embedding 20 16 - 2*[residual[layer_norm - 48 gelu - 16]]",
        {optimizer = "adam", lr = 0.01, weights = {examples = each}}, varied = true, words = true},
    {"*x12 - net[24 tanh frozen - 24 sin@2 - layer_norm] - dropout 0.1",
        {lr = 0.1, l2 = 0.1, l1 = 0.01, clip = 0.5, accumulate = 2}},
}

local function net_of(case)
    local ends = (" - %d softmax : cross_entropy"):format(CLASSES)
    return nn.net(case[1] .. ends, {dtype = "f64", seed = 2})
end

local function options(case, more)
    local o = {epochs = 2, batch = BATCH, seed = 7, progress = false}
    for k, v in pairs(case[2]) do o[k] = v end
    for k, v in pairs(more or {}) do o[k] = v end
    return o
end

local function trained(case, more)
    local net = net_of(case)
    return net:params(), net:train(case.set, options(case, more))
end

for i, case in ipairs(cases) do
    case.set = sequences(case.varied, case.words)
    local params, history = trained(case)

    -- Each piece of a batch is one pass.
    test("what two passes give, " .. i, function()
        local parts, h = trained(case, {pieces = 2})
        near(parts, params, 1e-9)
        near(h.cost, history.cost, 1e-10)
    end)

    test("the same bits on any number of threads, " .. i, function()
        local before = nabla.threads()
        for _, threads in ipairs {1, 2, 5} do
            nabla.threads(threads)
            assert(trained(case):equal(params))
        end
        nabla.threads(before)
    end)

    test("the same bits for those who look on, " .. i, function()
        local seen = 0
        assert(trained(case, {on_batch = function() seen = seen + 1 end}):equal(params))
        assert(seen > 0)
        local net = net_of(case)
        local t = net:trainer(case.set, options(case))
        t:step(2)
        t:back(1)
        t:step "layer"
        t:run()
        assert(net:params():equal(params))
    end)

    test("the same bits behind a file, " .. i, function()
        local t = net_of(case):trainer(case.set, options(case))
        t:step()
        t:save(path)
        assert(trained(case, {resume = path}):equal(params))
    end)
end

os.remove(path)
spec.report()
