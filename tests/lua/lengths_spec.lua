-- Sequences of different lengths: lists of tensors, in sets and in a network's methods, against the
-- same sequences one at a time. golden_spec compares them with PyTorch's packed ones.
local here = arg[0]:match "^(.*)/"
local spec = dofile(here .. "/spec.lua")
local test, eq, fails = spec.test, spec.eq, spec.fails
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local F64 <const> = {dtype = "f64"}
local LENGTHS <const> = {4, 1, 7, 2, 7}

-- Sequences of these lengths, in f64.
local function sequences(features, seed)
    local list = {}
    for i, length in ipairs(LENGTHS) do
        list[i] = tensor.randn(length, features, {dtype = "f64", seed = seed + i})
    end
    return list
end

-- Class numbers 1 … 3 of every step.
local function classes(seed)
    local list = {}
    for i, length in ipairs(LENGTHS) do
        list[i] = tensor.randint(1, 3, {length, seed = seed + i})
    end
    return list
end

local function close(a, b, message)
    assert(a:allclose(b, {rtol = 1e-12, atol = 1e-12}), message)
end

local LAYERS <const> = {
    "lstm 4", "gru 3 both - 5 tanh", "rnn 4 layers=2 both", "lstm 3 both - lstm 2 both",
    "residual[gru 3 - 3 linear] - layer_norm", "parallel[lstm 2 | rnn 2 both |]", "net[gru 4 both]",
}

test("a list gives a list, each as it is alone", function()
    local x = sequences(3, 10)
    for _, layers in ipairs(LAYERS) do
        for _, last in ipairs {"", " - gru 4 last", " - lstm 3 both last"} do
            local net = nn.net("*x3 - " .. layers .. last, F64)
            local out, recorded = net(x), net:record(x)
            eq(#out, #x)
            for i in ipairs(x) do
                local alone = net(x[i])
                eq(table.concat(out[i].shape, "x"), table.concat(alone.shape, "x"))
                close(out[i], alone, net:notation())
                close(recorded[i], alone, net:notation())
            end
        end
    end
end)

-- Two batches of unlike lengths, and of classes that weigh unlike; 5 examples: the last is alone.
test("a step of several batches is that of one, and an epoch's cost the mean over all steps", function()
    local set = data.set {x = sequences(3, 10), y = classes(20)}
    local weights = {false, {classes = {0.5, 3, 1}},
        {examples = {1, 0.25, 2, 0, 3}}}
    for case, of in ipairs(weights) do
        for _, pieces in ipairs {1, 2} do
            local nets = {}
            for i, batch in ipairs {5, 2} do
                local net = nn.net("*x3 - lstm 4 - 3 softmax : cross_entropy",
                    {dtype = "f64", seed = 4})
                nets[i] = net
                local o = {epochs = 2, batch = batch, accumulate = i == 2 and 3 or nil, lr = 0.5,
                    shuffle = false, progress = false, pieces = pieces, weights = of or nil}
                local history = net:train(set, o)
                nets[net] = history
            end
            close(nets[1]:params(), nets[2]:params(),
                ("parameters, case %d, %d pieces"):format(case, pieces))
            for epoch = 1, 2 do
                local one, some = nets[nets[1]].cost[epoch], nets[nets[2]].cost[epoch]
                assert(math.abs(one - some) < 1e-12, ("cost: %.17g, %.17g"):format(one, some))
            end
        end
    end
end)

test("cost and gradients are the mean over the real steps", function()
    local x, y = sequences(3, 10), classes(20)
    for _, layers in ipairs(LAYERS) do
        local net = nn.net("*x3 - " .. layers .. " - 3 softmax : cross_entropy", F64)
        local cost, steps = 0, 0
        local sum = tensor.zeros(net:count(), F64)
        for i, length in ipairs(LENGTHS) do
            net:backprop(x[i], y[i])
            sum:add_(net:grads() * length)
            cost, steps = cost + length * net:cost(x[i], y[i]), steps + length
        end
        local together = net:cost(x, y)
        assert(math.abs(together - cost / steps) < 1e-12, net:notation())
        net:backprop(x, y)
        close(net:grads(), sum / steps, net:notation())
        local t = net:trace(x, y)
        assert(math.abs(t.cost - together) < 1e-12)
        assert(net:gradcheck(x, y).ok, net:notation())
    end
end)

test("one answer for each sequence", function()
    local x = sequences(3, 10)
    local net = nn.net("*x3 - lstm 4 both last - 3 softmax : cross_entropy", F64)
    local y = {3, 1, 2, 2, 1}
    local cost = 0
    for i in ipairs(x) do cost = cost + net:cost(x[i], y[i]) / #x end
    assert(math.abs(net:cost(x, y) - cost) < 1e-12)
    assert(net:gradcheck(x, y).ok)
    local answers = net:classify(x)
    for i in ipairs(x) do eq(answers[i], net:classify(x[i])) end
    local set = data.set {x = x, y = y, classes = {"a", "b", "c"}}
    assert(math.abs(net:evaluate(set).cost - cost) < 1e-12)
    eq(net:evaluate(set).answers, 5)
    local first = net:cost(set)
    net:train(set, {epochs = 30, batch = 2, optimizer = "adam", lr = 0.05, progress = false})
    assert(net:cost(set) < first / 2)
end)

test("metrics leave padding out", function()
    local x, y = sequences(3, 10), classes(20)
    local net = nn.net("*x3 - gru 4 - 3 softmax : cross_entropy", F64)
    local correct, answers = 0, 0
    for i, length in ipairs(LENGTHS) do
        correct, answers = correct + net:evaluate(x[i], y[i]).correct, answers + length
    end
    local whole = net:evaluate(data.set {x = x, y = y})
    eq(whole.correct, correct)
    eq(whole.answers, answers)
    eq(net:evaluate(x, y).correct, correct)
    assert(math.abs(whole.cost - net:cost(x, y)) < 1e-12)
    local other = nn.net("*x3 - gru 4 - 3 : quadratic", F64)
    eq(other:evaluate(data.set {x = x, y = y}).answers, answers)
end)

test("training in batches of other lengths", function()
    local x, y = sequences(3, 10), classes(20)
    local set = data.set {x = x, y = y}
    local net = nn.net("*x3 - lstm 8 - 3 softmax : cross_entropy", F64)
    local one, first = net:clone(), net:cost(x, y)
    -- Batches of one are never padded.
    one:train(set, {epochs = 1, batch = 1, lr = 0.1, shuffle = false, progress = false})
    local hand = net:clone()
    for i in ipairs(x) do hand:step(x[i], y[i], {lr = 0.1}) end
    close(one:params(), hand:params())
    local pairs_, by_hand = net:clone(), net:clone()
    pairs_:train(set, {epochs = 1, batch = 2, lr = 0.1, shuffle = false, progress = false})
    for i = 1, 5, 2 do by_hand:step({x[i], x[i + 1]}, {y[i], y[i + 1]}, {lr = 0.1}) end
    close(pairs_:params(), by_hand:params())
    net:train(set, {epochs = 60, batch = 2, optimizer = "adam", lr = 0.05, progress = false})
    assert(net:cost(x, y) < first / 3)
end)

test("targets at every step", function()
    local x, y = sequences(3, 10), sequences(2, 30)
    local net = nn.net("*x3 - rnn 4 both - 2 linear : mse", F64)
    local cost, steps = 0, 0
    for i, length in ipairs(LENGTHS) do
        cost, steps = cost + length * net:cost(x[i], y[i]), steps + length
    end
    assert(math.abs(net:cost(x, y) - cost / steps) < 1e-12)
    assert(net:gradcheck(x, y).ok)
    assert(net:numeric_gradient(x, y))
end)

test("words of different lengths", function()
    local x = {tensor {3, 1, 9}, tensor {2}, tensor {5, 5, 5, 1}}
    local net = nn.net("* - embedding 9 4 - gru 3 both last - 2", F64)
    local out = net(x)
    for i in ipairs(x) do close(out[i], net(x[i])) end
    net:train(data.set {x = x, y = {1, 2, 1}}, {epochs = 2, batch = 2, progress = false})
end)

test("a set of sequences shows itself, and its examples", function()
    local x, y = sequences(3, 10), classes(20)
    local set = data.set {x = x, y = y}
    eq(#set, 5)
    eq(tostring(set), "5 examples · x up to 7x3 · y up to 7")
    assert(set[2].x:equal(x[2]:to "f32") and #set[2].y == 1)
    eq(table.concat(set.x.shape, "x"), "5x7x3")
    eq(table.concat(set:take(2).x.shape, "x"), "2x4x3")
    local net = nn.net("*x3 - gru 2 - 3 softmax : cross_entropy", F64)
    assert(math.abs(net:cost(set:take(2)) - net:cost({x[1], x[2]}, {y[1], y[2]})) < 1e-6)
    eq(#set:shuffle(1), 5)
    -- Of one length they are examples like others.
    eq(tostring(data.set {x = {tensor.ones(2, 3), tensor.ones(2, 3)}}), "2 examples · x 2x3")
end)

test("what sequences refuse", function()
    local x, y = sequences(3, 10), classes(20)
    local net = nn.net("*x3 - gru 2 - 3 softmax : cross_entropy", F64)
    local function refused(pattern, f) fails(f, pattern, true) end
    refused("x: sequence 2 holds nothing: its shape is 0x3", function()
        data.set {x = {tensor.ones(2, 3), tensor.zeros(0, 3)}}
    end)
    refused("x: sequence 2 is 2x4, the first 3x3; they differ in their steps alone", function()
        net {tensor.ones(3, 3), tensor.ones(2, 4)}
    end)
    refused("x: entry 2 of a list of sequences must be a tensor, not 5", function()
        net {tensor.ones(3, 3), 5}
    end)
    refused("x holds 5 examples, y 2", function() net:cost(x, {y[1], y[2]}) end)
    refused("sequence 3 has 7 steps, its y 4", function()
        net:cost(x, {y[1], y[2], y[1], y[4], y[5]})
    end)
    refused("sequence 3 has 7 steps, its y 4", function()
        net:train(data.set {x = x, y = {y[1], y[2], y[1], y[4], y[5]}})
    end)
    -- As many where x are of one length, or y, and behind what makes other steps of them.
    local even = {x[1], x[1]}
    refused("sequence 2 has 4 steps, its y 1", function() net:cost(even, {y[1], y[2]}) end)
    refused("sequence 2 has 1 step, its y 4", function() net:cost({x[1], x[2]}, {y[1], y[1]}) end)
    refused("sequence 2 has 1 step, its y 4", function()
        net:backprop({x[1], x[2]}, tensor.ones(2, 4))
    end)
    local shorter = nn.net("*x3 - conv 4 2 - max_pool 2 stride=1 - 3 softmax : cross_entropy", F64)
    local long, short = {x[3], x[1]}, {tensor.ones(5), tensor.ones(2)}
    assert(shorter:cost(long, short) > 0)
    refused("sequence 2 has 4 steps, of which the network makes 2, its y 1", function()
        shorter:cost(long, {tensor.ones(5), tensor.ones(1)})
    end)
    refused("sequence 2 has 4 steps, of which the network makes 2, its y 4", function()
        shorter:train(data.set {x = long, y = {tensor.ones(5), tensor.ones(4)}})
    end)
    refused("y holds sequences of different lengths; the network gives 2 for each example",
        function() nn.net "*x3 - gru 2 last":cost({x[1], x[2]}, {tensor.ones(2), tensor.ones(1)}) end)
    refused("sequences of different lengths need a free first size, *; the network takes 7x3",
        function() nn.net "7x3 - flatten - 2":cost(data.set {x = x, y = {1, 2, 1, 2, 1}}) end)
    refused("class", function() net:cost(x, {y[1], y[2], y[3], y[4], tensor.full(7, 9)}) end)
end)

spec.report()
