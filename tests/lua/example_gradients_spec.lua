-- net:example_gradients: against a backward for each example, and against networks worked by hand.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local F64 = {dtype = "f64"}

local function near(a, b, tolerance, what)
    if not (math.abs(a - b) <= tolerance * math.max(1, math.abs(b))) then
        error(("%s: %.17g, not %.17g"):format(what or "number", a, b), 2)
    end
end

-- 1 - 1 linear : quadratic with w = 2, b = 1. C_x = ½ (2 x + 1 - y)², so δ = 2 x + 1 - y and
-- ∇C_x = (δ x, δ).
--   x = 1, y = 0: δ = 3, (3, 3), norm 3 √2
--   x = 2, y = 1: δ = 4, (8, 4), norm √80
--   x = 0, y = 3: δ = -2, (0, -2), norm 2
-- Gram: 18, 36, -6; 36, 80, -8; -6, -8, 4. Mean (11/3, 5/3), its square 146/9. Σ ‖g‖² / 3 = 34,
-- variance (34 - 146/9) 3/2 = 80/3, noise (80/3) / (146/9) = 120/73.
test("1 - 1 by hand", function()
    local net = nn.net("1 - 1 linear", F64)
    net[1].w = tensor({{2}}, F64)
    net[1].b = tensor({1}, F64)
    local x, y = tensor({{1}, {2}, {0}}, F64), tensor({{0}, {1}, {3}}, F64)
    local g = net:example_gradients(x, y)
    for i, norm in ipairs {3 * math.sqrt(2), math.sqrt(80), 2} do near(g.norms[i], norm, 1e-15) end
    near(g.mean, math.sqrt(146) / 3, 1e-15)
    near(g.noise, 120 / 73, 1e-14)
    near(g.median, 3 * math.sqrt(2), 1e-15)
    for i, row in ipairs {{18, 36, -6}, {36, 80, -8}, {-6, -8, 4}} do
        local found = g:row(i)
        for j, product in ipairs(row) do near(found[j], product, 1e-14) end
    end
    eq(g.most[1].example, 2)
    eq(g.least[1].example, 3)
    eq(g.cosines, nil)
    assert(tostring(g):find "3 examples")
end)

-- 2 - 2 - 1, all linear, w¹ = {{1, 0}, {0, 1}}, w² = {{2, -1}}, no bias but 0: a¹ = x,
-- a² = 2 x₁ - x₂.
-- x = (1, 1), y = 0: δ² = 1, δ¹ = (2, -1): ∇w² = (1, 1), ∇b² = 1, ∇w¹ = δ¹ xᵀ, of square 5 · 2, ∇b¹
-- of square 5: in all 2 + 1 + 10 + 5 = 18.
-- x = (1, 0), y = 1: δ² = 1, ∇w² = (1, 0), ∇b² = 1, ∇w¹ of square 5, ∇b¹ 5: 12.
-- Their product: δδ (a·a + 1) = (1 + 1) of layer 2, 5 (1 + 1) of layer 1: 12.
-- Frozen, layer 1 gives nothing: 3, 2 and 2. With the mask {{1, 0}, {1, 1}} on w¹ example 1 loses
-- (2 · 1)² = 4, example 2 nothing.
local function two_two_one()
    local net = nn.net("2 - 2 linear - 1 linear", F64)
    net[1].w = tensor({{1, 0}, {0, 1}}, F64)
    net[2].w = tensor({{2, -1}}, F64)
    return net, tensor({{1, 1}, {1, 0}}, F64), tensor({{0}, {1}}, F64)
end

test("2 - 2 - 1 by hand, frozen and masked", function()
    local net, x, y = two_two_one()
    local g = net:example_gradients(x, y)
    near(g.norms[1] ^ 2, 18, 1e-14)
    near(g.norms[2] ^ 2, 12, 1e-14)
    near(g:row(1)[2], 12, 1e-14)
    net[1].mask = {w = tensor({{1, 0}, {1, 1}}, F64)}
    g = net:example_gradients(x, y)
    near(g.norms[1] ^ 2, 14, 1e-14)
    near(g.norms[2] ^ 2, 12, 1e-14)
    near(g:row(1)[1], 14, 1e-14)
    net:freeze(1)
    g = net:example_gradients(x, y)
    near(g.norms[1] ^ 2, 3, 1e-14)
    near(g:row(1)[2], 2, 1e-14)
    near(g.mean ^ 2, (3 + 2 + 2 * 2) / 4, 1e-14)
    net:freeze(2)
    fails(function() net:example_gradients(x, y) end, "no parameter learns", true)
end)

-- Every kind of layer: what one pass says against a backward for each example.
local function against_backward(text, x, y)
    local net = nn.net(text, F64)
    net:params():normal_(0, 0.5)
    local one, all = {}, {}
    local g = net:example_gradients(data.set {x = x, y = y})
    local n = #g.norms
    for i = 1, n do
        net:backprop(x[i], y[i])
        all[i] = net:grads():clone()
        one[i] = all[i]:norm():item()
        near(g.norms[i], one[i], 1e-13, text)
    end
    local row = g:row(2)
    for j = 1, n do
        near(row[j] / (one[2] * one[j]), all[2]:dot(all[j]):item() / (one[2] * one[j]), 1e-13, text)
    end
    local sum = all[1]:clone()
    for i = 2, n do sum:add_(all[i]) end
    near(g.mean, sum:norm():item() / n, 1e-13, text)
end

test("every kind of layer against a backward for each example", function()
    nabla.dtype "f64"
    local rows, steps = tensor.randn(6, 5), tensor.randn(6, 4, 3)
    local space, words = tensor.randn(5, 2, 6, 6), tensor.randint(1, 6, 5, 7)
    local by_step, by_word = tensor.rand(6, 4, 2), tensor.randint(1, 6, 5, 7)
    for _, case in ipairs {
        {"5 - 4 tanh - 3", rows, tensor.rand(6, 3)},
        {"5 - 5 tanh name=e - @e - @e - 3 softmax : cross_entropy", rows, tensor.rand(6, 3)},
        {"5 - residual[5 tanh bias=false | 5] - net[4 relu tanh@2 - 3]", rows, tensor.rand(6, 3)},
        {"5 - 40 tanh - 40 name=e - @e - 3", tensor.randn(6, 5), tensor.rand(6, 3)},
        {"*x3 - dense 5 tanh - 2", steps, by_step},
        {"*x3 - rnn 4 - 2", steps, by_step},
        {"*x3 - lstm 4 both - 2", steps, by_step},
        {"*x3 - gru 4 layers=2 - 2", steps, by_step},
        {"*x3 - gru 4 last - 2", steps, tensor.rand(6, 2)},
        {"*x3 - layer_norm - positions 9 - attention 1 causal - 2", steps, by_step},
        {"*x3 - batch_norm - group_norm 3 - 2", steps, by_step},
        {"*x3 - conv 4 3 padding=same tanh - 2", steps, by_step},
        {"2x6x6 - conv 3 3 tanh - batch_norm - max_pool 2 - group_norm 3 - flatten - 3", space,
         tensor.rand(5, 3)},
        {"5 - 4 tanh - 3 softmax : cross_entropy", rows, tensor({1, 3, 1, 1, 3, 3}, {dtype = "i32"})},
        {"5 - 2 tanh - 2 tanh name=a - @a - 3", rows, tensor.rand(6, 3)},
        {"2x6x6 - conv 4 3 relu - max_pool 2 - conv 9 2 tanh - max_pool 1 - flatten - 3", space,
         tensor.rand(5, 3)},
        {"2x6x6 - conv 9 1 tanh - conv 18 3 groups=1 relu - max_pool 4 - flatten - 3", space,
         tensor.rand(5, 3)},
        {"2x6x6 - conv 17 3 bias=false relu - max_pool 4 - flatten - 3", space, tensor.rand(5, 3)},
        {"2x6x6 - conv_transpose 4 3 stride=2 groups=2 - flatten - 3", space, tensor.rand(5, 3)},
        {"2x6x6 - conv 4 3 groups=2 - conv 4 3 groups=4 bias=false - flatten - 3", space,
         tensor.rand(5, 3)},
        {"* - embedding 6 4 - lstm 3 - 2", words, tensor.rand(5, 7, 2)},
        {"* - embedding 90 3 - lstm 3 - 2", words, tensor.rand(5, 7, 2)},
        {"* - embedding 6 4 name=e - positions - attention 2 - 6 softmax tied=e : cross_entropy",
         words, by_word},
    } do
        against_backward(case[1], case[2], case[3])
    end
    nabla.dtype "f32"
end)

test("sequences of different lengths count as single ones", function()
    nabla.dtype "f64"
    local x, y = {}, {}
    for i = 1, 6 do
        x[i], y[i] = tensor.randn(i % 4 + 1, 3), tensor.rand(i % 4 + 1, 2)
    end
    against_backward("*x3 - gru 4 - 2", x, y)
    against_backward("*x3 - conv 4 2 padding=same tanh - layer_norm - attention 2 - 2", x, y)
    nabla.dtype "f32"
end)

test("functions in Lua are asked for one example at a time", function()
    nabla.dtype "f64"
    local x, y = tensor.randn(5, 4), tensor.rand(5, 2)
    local centred = nn.fn {
        f = function(a, w) return a * w + a:mean(1) end,
        params = {{name = "w", 4, init = "ones"}},
    }
    local net = nn.net {4, centred, 2, cost = nn.cost {
        name = "largest", f = function(a, t) return ((a - t) ^ 2):sum(2):max() end}}
    local g = net:example_gradients(x, y)
    for i = 1, 5 do
        net:backprop(x[i], y[i])
        near(g.norms[i], net:grads():norm():item(), 1e-13)
    end
    nabla.dtype "f32"
end)

-- Classes 1 and 2 with one example of norm 1 each at a right angle, and a third class without.
test("classes have their own means", function()
    local net = nn.net("2 - 3 linear bias=false : quadratic", F64)
    net[1].w = tensor.zeros(3, 2, F64)
    local set = data.set {x = tensor({{1, 0}, {0, 1}, {2, 0}}, F64), y = tensor {1, 2, 1},
                          classes = {"ant", "bee", "cow"}}
    local g = net:example_gradients(set)
    eq(g.classes[2], "bee")
    near(g.cosines[{1, 1}], 1, 1e-15)
    near(g.cosines[{1, 2}], 0, 1e-15)
    assert(g.cosines[{3, 1}] ~= g.cosines[{3, 1}])
    eq(g.most[1].class, "ant")
    eq(g.most[1].example, 3)
    local text = tostring(g)
    assert(text:find("pull most", 1, true) and text:find("cosines", 1, true) and text:find "ant")
end)

-- One example of each class, so that their products are the Gram matrix's: of more numbers than are
-- multiplied at a time, and of as many, some of which rest.
test("cosines are those of the gradients whole", function()
    for _, dtype in ipairs {"f32", "f64"} do
        local net = nn.net("50 - 60 - 3 : cross_entropy", {seed = 1, dtype = dtype})
        net[2].frozen = dtype == "f64"
        local set = data.set {x = tensor.rand(3, 50, {seed = 2}), y = tensor {3, 1, 2},
            classes = {"a", "b", "c"}}
        local g, of = net:example_gradients(set), {2, 3, 1}
        for a = 1, 3 do
            local row = g:row(of[a])
            for b = 1, 3 do
                near(g.cosines[{a, b}], row[of[b]] / (g.norms[of[a]] * g.norms[of[b]]),
                    dtype == "f32" and 2e-6 or 1e-13)
            end
        end
    end
end)

test("nothing of the network moves, and a row of another network is refused", function()
    local net, x, y = two_two_one()
    net:backprop(x, y)
    local params, grads = net:params():clone(), net:grads():clone()
    local g = net:example_gradients(x, y)
    g:row(1)
    assert(net:params():equal(params) and net:grads():equal(grads))
    fails(function() g:row(3) end, "example", true)
    fails(function() g:row() end, "example must be a whole number", true)
    net:step(x, y, {lr = 0.1})
    fails(function() g:row(1) end, "the network has changed since", true)
end)

-- ∇C_x of 1 - 1 linear: (w x - y)(x, 1). Of x = 1 and y = w each is 0; of x = 1e20, y = 0, w = 1 in
-- f32 the cost, 5e39, is above 3.4e38. With x = 1e19, y = 0 the cost is 5e37 and ∂C/∂w 1e38: four
-- of these add up to 4e38.
test("what has no noise, and sums beyond f32", function()
    local net = nn.net "1 - 1 linear"
    net[1].w = tensor {{1}}
    net[1].b = tensor {0}
    local none = net:example_gradients(tensor {{1}, {2}}, tensor {{1}, {2}})
    eq(none.noise, nil)
    assert(tostring(none):find("no noise: all gradients are 0", 1, true))
    local one = net:example_gradients(tensor {{1}}, tensor {{2}})
    eq(one.noise, nil)
    assert(tostring(one):find("^1 example ·"))
    assert(tostring(one):find("no noise: one example", 1, true))
    fails(function() net:example_gradients(tensor {{1e20}, {1}}, tensor {{0}, {0}}) end,
        "the cost is inf", true)
    local x, y = tensor {{1e19}, {1e19}, {1e19}, {1e19}}, tensor {{0}, {0}, {0}, {0}}
    fails(function() net:example_gradients(x, y) end, "beyond what f32 holds", true)
end)

test("what it refuses", function()
    local net, x, y = two_two_one()
    fails(function() net:example_gradients(x) end, "y", true)
    fails(function() net:example_gradients(x, y, 1) end, "one argument too many", true)
    fails(function() net:example_gradients(tensor.zeros(2, 3), y) end, "2x3", true)
    x[2] = tensor({0 / 0, 1}, F64)
    fails(function() net:example_gradients(x, y) end, "example 2", true)
end)

test("a network may have more outputs than the set has classes", function()
    local set = data.set {x = tensor.rand(4, 2, {seed = 1}), y = tensor {1, 2, 2, 1}}
    local g = nn.net("2 - 3", {seed = 1}):example_gradients(set)
    eq(g.classes, {1, 2, 3})
    eq(g.cosines.shape, {3, 3})
    assert(tostring(g):find "4 examples")
end)

spec.report()
