-- Classes at every place of a picture: along channels, each place an answer of its own.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local F64 = {dtype = "f64"}
local x = tensor.randn(4, 2, 3, 5, {seed = 3, dtype = "f64"})
local y = tensor.randint(1, 3, 4, 3, 5, {seed = 4})

local function net_of(ending)
    local notation = "2x3x5 - conv 4 3 padding=same tanh - conv 3 1 " .. ending
    return nn.net(notation, {seed = 1, dtype = "f64"})
end

-- How often the channel with the largest number is the class, counted by hand.
local function count_right(net, picture, classes)
    local out, right = net(picture), 0
    for i = 1, #classes do
        for r = 1, 3 do
            for c = 1, 5 do
                local at = out[{i, {}, r, c}]:argmax()
                if at == classes[{i, r, c}] then right = right + 1 end
            end
        end
    end
    return right
end

test("an answer stands at each place: counted along channels, of sets and of x and y", function()
    for _, ending in ipairs {"softmax : cross_entropy", "linear : cross_entropy logits=true",
                             "log_softmax : nll", "linear : hinge", "softmax : quadratic",
                             ": quadratic"} do
        local net = net_of(ending)
        local right = count_right(net, x, y)
        assert(right > 0 and right < 60)
        for _, e in ipairs {net:evaluate(x, y), net:evaluate(data.set {x = x, y = y}),
                            net:evaluate(data.set {x = x, y = y,
                                                   classes = {"sky", "sea", "land"}})} do
            eq(e.correct, right)
            eq(e.answers, 60)
            eq(e.examples, 4)
            near(e.cost, net:cost(x, y), 1e-12)
        end
    end
end)

test("class numbers and their ones along channels are the same answers", function()
    local hot = tensor.one_hot(y, 3, F64):permute(1, 4, 2, 3)
    for _, ending in ipairs {"softmax : cross_entropy", "linear : cross_entropy logits=true",
                             "log_softmax : nll", "softmax : kl", "linear : mse",
                             "softmax : quadratic"} do
        local net = net_of(ending)
        near(net:cost(x, hot), net:cost(x, y), 1e-12)
        eq(net:evaluate(x, hot).correct, net:evaluate(x, y).correct)
        local other = net_of(ending)
        net:train(x, y, {epochs = 2, batch = 3, lr = 0.1, progress = false, seed = 1})
        other:train(x, hot, {epochs = 2, batch = 3, lr = 0.1, progress = false, seed = 1})
        near(net:params(), other:params(), 1e-10)
    end
end)

test("the gradient of every cost is that of differences; trace has the shapes of channels", function()
    for _, ending in ipairs {"softmax : cross_entropy", ": cross_entropy", "linear : hinge",
                             ": quadratic", "softmax : kl"} do
        local net = net_of(ending)
        assert(net:gradcheck(x, y).ok, ending)
        local t = net:trace(x, y)
        eq(t.grad_a.shape, {4, 3, 3, 5})
        eq(t[2].delta.shape, {4, 3, 3, 5})
        near(t.cost, net:cost(x, y), 1e-12)
    end
end)

test("training learns a rule; one line, one example, bytes", function()
    local bright = tensor.rand(64, 1, 6, 6, {seed = 5})
    local marks = bright:select(2, 1):gt(0.5) + 1 -- 1 dark, 2 bright
    local net = nn.net("1x6x6 - conv 4 3 padding=same relu - conv 2 1 softmax : cross_entropy",
                       {seed = 2})
    local set = data.set {x = bright, y = marks:to "u8", classes = {"dark", "bright"}}
    local adam = nn.adam {lr = 0.03}
    net:train(set, {epochs = 30, optimizer = adam, progress = false, seed = 1})
    assert(net:evaluate(set).accuracy > 0.97)
    local line = nn.net("2x7 - conv 3 3 padding=same softmax : cross_entropy", F64)
    local row, at = tensor.randn(2, 7, F64), {1, 2, 3, 3, 2, 1, 1}
    near(line:cost(row, at), line:cost(row:reshape(1, 2, 7), {at}), 1e-15)
    local sum = 0
    for i, class in ipairs(at) do sum = sum - math.log(line(row)[{class, i}]) / 7 end
    near(line:cost(row, at), sum, 1e-12)
end)

test("a cost of Lua sees targets as the network gives outputs", function()
    local seen
    local net = nn.net({{2, 3, 5}, nn.conv {3, 1, "softmax"},
                        cost = function(a, t)
                            seen = t
                            return ((a - t) ^ 2):sum() / a.shape[1]
                        end}, F64)
    net:cost(x, y)
    eq(seen.shape, {4, 3, 3, 5})
    eq(seen:permute(1, 3, 4, 2):argmax(-1):totable(), y:totable())
    assert(net:gradcheck(x, y).ok)
end)

test("two channels of which one is a class: sigmoid's picture is one example", function()
    local net = nn.net("2x3x5 - conv 1 1 : quadratic", {seed = 1, dtype = "f64"})
    local mask = tensor.randint(0, 1, 4, 1, 3, 5, {seed = 6})
    local e, right = net:evaluate(x, mask), 0
    local out = net(x)
    near(e.cost, ((out - mask:to "f64") ^ 2):sum():item() / 8, 1e-12)
    for i = 1, 4 do
        for r = 1, 3 do
            for c = 1, 5 do
                if (out[{i, 1, r, c}] > 0.5) == (mask[{i, 1, r, c}] == 1) then right = right + 1 end
            end
        end
    end
    eq(e.correct, right)
    eq(e.answers, 60)
end)

test("what does not fit names both shapes, the place and the way", function()
    local net = net_of "softmax : cross_entropy"
    fails(function() net:cost(x, tensor.ones(4, 3, 4)) end,
          "y is 4x3x4; 4 examples need targets 4x3x3x5 or a class number for each place", true)
    local wrong = y:clone()
    wrong[{2, 3, 1}] = 4
    fails(function() net:cost(x, wrong) end,
          "y holds class 4 at example 2, row 3, column 1; the network has classes 1 to 3", true)
    fails(function() net:cost(x, y - 1) end, "add 1 to y", true)
    fails(function() net:train(data.set {x = x, y = wrong}, {progress = false}) end,
          "y holds class 4 at example 2, row 3, column 1; the network has 3 classes", true)
    fails(function() net:classify(x) end,
          "this network gives 3x3x5; net(x):argmax(-3) has the largest channel at each place", true)
    eq(net(x):argmax(-3).shape, {4, 3, 5})
    local line = nn.net("2x7 - conv 3 1 softmax : cross_entropy", F64)
    fails(function() line:cost(tensor.ones(1, 2, 7), {{1, 2, 3, 1, 2, 3, 9}}) end,
          "y holds class 9 at example 1, column 7", true)
    fails(function() line:cost(tensor.ones(1, 2, 7), {{1, 2, 3, 1, 2, 3, 1.5}}) end,
          "y holds class 1.5", true)
end)

test("pictures for a network of rows: the message says how it begins", function()
    local set = data.set {x = tensor.ones(4, 1, 2, 3), y = {1, 2, 1, 2}}
    fails(function() nn.net("6 - 2"):train(set, {epochs = 1, progress = false}) end,
          'the network takes 6: begin it with "1x2x3 - flatten - …"', true)
    nn.net("1x2x3 - flatten - 2"):train(set, {epochs = 1, progress = false})
end)

spec.report()
