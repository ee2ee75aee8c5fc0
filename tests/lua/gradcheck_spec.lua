-- net:gradcheck: kinks are told from faults, words are left alone, passes begin where they may.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq = spec.test, spec.eq
local nabla = spec.nabla
local tensor, nn = nabla.tensor, nabla.nn

local F64 = {dtype = "f64"}

local function has(text, part)
    if not tostring(text):find(part, 1, true) then error(("%s: no %q"):format(text, part), 2) end
end

test("relu at 0 is a kink: nothing is wrong, and it is told", function()
    local net = nn.net("4 - 3 relu - 2", {seed = 1})
    local check = net:gradcheck(tensor.zeros(2, 4), {{0, 1}, {0.25, 0.125}})
    assert(check.ok, tostring(check))
    eq(check.BP2.kinks, 6) -- z of each of 3 neurons, for 2 examples
    eq(check.BP2.compared, 6)
    eq(check.BP3.kinks, 3)
    eq(check.BP4.kinks, 0) -- no w moves z: x is 0
    has(check, "BP2 ok 0e+00, 6 kinks · BP3 ok")
end)

test("equal ones under a window are kinks, however faint what goes back through them", function()
    for seed = 1, 2 do
        local net = nn.net("1x20x20 - conv 8 5 tanh - max_pool 2 - flatten - 30 tanh - 10 softmax : cross_entropy",
            {seed = seed})
        local x = tensor.zeros(3, 400)
        x[{{}, {150, 220}}] = tensor.rand(3, 71, {seed = seed})
        local check = net:gradcheck(x:reshape(3, 1, 20, 20), tensor {1, 5, 9})
        assert(check.ok, check)
        assert(check.BP2.kinks > 2000)
    end
end)

test("a kink beside the number, within the step, on either side", function()
    for _, z in ipairs {6e-7, -3e-7, 1.1e-7, -0.9e-7, 3e-8, 1e-9} do
        local net = nn.net("1 - 1 relu - 1 linear", {seed = 1, dtype = "f64"})
        net[1].w, net[1].b, net[2].w = 1, 0, 1
        local check = net:gradcheck({{z}}, {{3}})
        assert(check.ok, tostring(check))
        assert(check.BP2.kinks == 1, z)
    end
end)

test("inputs of max_pool that are equal, leaky slopes, absolute values", function()
    local x = tensor.zeros(1, 1, 4, 4)
    local pooled = nn.net("1x4x4 - conv 2 1 - max_pool 2 - flatten - 2", {seed = 1})
    local check = pooled:gradcheck(x, {{0, 1}})
    assert(check.ok)
    assert(check.BP2.kinks >= 32, "each of 4 equal ones, of 8 windows")
    for _, last in ipairs {"relu6", "leaky_relu", "hard_tanh"} do
        local at = last == "relu6" and 6 or last == "hard_tanh" and 1 or 0
        local net = nn.net("1 - 1 " .. last .. " - 1 linear", {seed = 1})
        net[1].w, net[1].b = 0, at
        local one = net:gradcheck({{1}}, {{9}})
        assert(one.ok and one.BP2.kinks == 1, last)
    end
end)

-- C = ½ mean (relu(w x) - y)² over x = ±1 at w = 0. Above 0 only x = 1 is on: the slope is -y1/2;
-- below only x = -1, whose relu(w x) falls with w: y2/2. With y2 = -y1 both are equal, C itself has
-- no bend at w = 0, and yet relu's slope of 0 there makes its gradient 0: each example bends alone.
test("kinks of several examples that cancel are kinks", function()
    local net = nn.net("1 - 1 relu : quadratic", F64)
    net[1].w, net[1].b = 0, 0
    local x = tensor({{1}, {-1}}, F64)
    local check = net:gradcheck(x, tensor({{0.5}, {-0.5}}, F64))
    assert(check.ok, tostring(check))
    eq(check.BP4.kinks, 1)
    eq(check.BP4.wrong, 0)
    -- So with weights, where 3 (-y1) = 2 y2, and with another slope of those that there are at 0.
    local quarter = nn.activation {name = "quarter_relu", f = function(z) return z:relu() end,
                                   df = function(z) return z:gt(0):to "f64" + z:eq(0):to "f64" / 4 end}
    local own = nn.net({1, nn.dense {1, quarter}, cost = "quadratic"}, F64)
    own[1].w, own[1].b = 0, 0
    local weighted = own:gradcheck(x, tensor({{0.5}, {-0.75}}, F64), {weights = {3, 2}})
    assert(weighted.ok and weighted.BP4.kinks == 1, tostring(weighted))
    -- A slope that no example has is wrong as before; and where one example's
    -- is right and another's not.
    local wrong = nn.activation {name = "wrong_relu_alone", f = function(z) return z:relu() end,
                                 df = function(z) return z * 0 - 0.5 end}
    local bad = nn.net({1, nn.dense {1, wrong, bias = false}, cost = "quadratic"}, F64)
    bad[1].w = 0
    local other = bad:gradcheck(x, tensor({{0.5}, {-0.5}}, F64))
    assert(not other.ok and other.BP4.wrong == 1 and other.BP4.kinks == 0, tostring(other))
    -- z = 0 and 2: the first bends and its 0 is right, the second's slope is 1 and not 1.5.
    local steep = nn.activation {name = "steep_relu", f = function(z) return z:relu() end,
                                 df = function(z) return z:gt(0):to "f64" * 1.5 end}
    local mixed = nn.net({1, nn.dense {1, steep}, cost = "quadratic"}, F64)
    mixed[1].w, mixed[1].b = 1, -1
    local one = mixed:gradcheck(tensor({{1}, {3}}, F64), tensor({{1}, {1}}, F64))
    assert(one.BP4.wrong == 1 and one.BP4.kinks == 0, tostring(one))
end)

test("a wrong gradient is wrong at a kink too, and on steep smooth curves", function()
    local wrong = nn.activation {name = "wrong_relu", f = function(z) return z:relu() end,
                                 df = function(z) return z * 0 + 1.5 end}
    local net = nn.net {2, nn.dense {2, wrong}, 1}
    local check = net:gradcheck(tensor.zeros(1, 2), {{0.3}})
    assert(not check.ok)
    eq(check.BP2.wrong, 2)
    eq(check.BP2.kinks, 0)
    has(check, "BP2 wrong in 2 of 2")
    local half = nn.activation {name = "half_sine", f = function(z) return (z * 1000):sin() end,
                                df = function(z) return (z * 1000):cos() * 999 end}
    local steep = nn.net {2, nn.dense {3, half}, 1}
    local smooth = steep:gradcheck(tensor.randn(2, 2, {seed = 1}), {{0.3}, {0.1}})
    assert(not smooth.ok and smooth.BP2.wrong == 6)
    eq(smooth.BP2.kinks, 0)
end)

test("words are moved nowhere, also behind what gives them another shape", function()
    local net = nn.net("2x3 - reshape 6 - embedding 5 3 - flatten - 2", {seed = 1})
    local check = net:gradcheck(tensor {{{1, 2, 3}, {4, 5, 1}}}, {{0, 1}})
    assert(check.ok, tostring(check))
    eq(check.BP2.compared, 18 + 18)
    eq(net:trace(tensor {{{1, 2, 3}, {4, 5, 1}}}, {{0, 1}})[1].z.dtype, "i32")
    local flat = nn.net("6 - embedding 5 3 - flatten - 2", {seed = 1})
    flat:params():add_(net:params() - flat:params())
    spec.near(net(tensor {{1, 2, 3}, {4, 5, 1}}), flat(tensor {1, 2, 3, 4, 5, 1}), 1e-6)
end)

test("passes that begin at their own layer: shared, tied, nested, mixed", function()
    local x = tensor.randn(3, 4, {seed = 2, dtype = "f64"})
    local y = tensor.rand(3, 4, {seed = 3, dtype = "f64"})
    for _, notation in ipairs {
        "4 - 4 tanh name=a - 3 sigmoid - 4 - @a - 4",
        "4 - 4 name=e - 4 tanh tied=e - residual[4 tanh - 4 tied=e] - 4",
        "4 - net[4 tanh - 3] - parallel[2 | 2 tanh] - 4 softmax : cross_entropy",
        "4 - batch_norm - 4 tanh - batch_norm - 4",
        "4 - net[net[4 tanh]]",
    } do
        local net = nn.net(notation, {seed = 1, dtype = "f64"})
        local check = net:gradcheck(x, y)
        assert(check.ok, notation .. "\n" .. tostring(check))
        eq(check.forwards, 2 * net:count())
    end
    local net = nn.net("4 - 4 relu tanh@2 - 3 - 4", {seed = 1, dtype = "f64"})
    assert(net:gradcheck(x, y).ok)
end)

test("who is to blame: activations, layers and costs of Lua, by name", function()
    local x, y = tensor.randn(3, 2, {seed = 1}), {{0.3}, {1}, {0}}
    local function blamed(net, kind, name, where, text)
        local check = net:gradcheck(x, y)
        assert(not check.ok)
        eq(check.blame.kind, kind)
        eq(check.blame.name, name)
        eq(check.blame.where, where)
        has(check, "\nto blame: " .. text .. ": by itself its backward gives ")
        return check.blame
    end
    local slope = nn.activation {name = "wrong_slope", f = function(z) return z:tanh() end,
                                 df = function(z) return z * 0 + 3 end}
    blamed(nn.net {2, nn.dense {3, "tanh"}, nn.dense {2, slope}, 1}, "activation", "wrong_slope",
           "layer 2", "activation wrong_slope of layer 2")
    local net = nn.net {2, 3, 2, 1}
    net[2]:neuron(2).activation = slope
    blamed(net, "activation", "wrong_slope", "layer 2", "activation wrong_slope of layer 2")
    -- x · x with one of the two off the tape: half of the slope.
    local half = nn.fn {f = function(a) return a:detach() * a end, name = "half"}
    local blame = blamed(nn.net {2, 3, half, nn.residual {nn.dense {3, "tanh"}}, 1}, "layer", "fn",
                         "layer 2 (half)", "layer 2 (half), fn")
    spec.near(blame.backward / blame.differences, 0.5, 1e-6)
    blamed(nn.net {2, 3, nn.residual {half:clone()}, 1}, "layer", "fn", "layer 2.1 (half)",
           "layer 2.1 (half), fn")
    local cost = nn.cost {name = "half_cost", f = function(a, t)
        return ((a - t) * (a - t):detach()):sum() / a.shape[1]
    end}
    blamed(nn.net {2, 3, 1, cost = cost}, "cost", "half_cost", "the cost", "cost half_cost")
end)

test("nobody is blamed where all is right", function()
    local net = nn.net("2 - 3 relu - 1", {seed = 1})
    local check = net:gradcheck(tensor.randn(3, 2, {seed = 1}), {{0.3}, {1}, {0}})
    assert(check.ok)
    eq(check.blame, nil)
    assert(not tostring(check):find("blame", 1, true))
end)

test("padded sequences: the layer is judged with the lengths of its place", function()
    local half = nn.fn {f = function(a) return a:detach() * a end, name = "half", per_step = true}
    local net = nn.net({{"*", 2}, nn.gru {3}, half, 2, cost = "quadratic"}, {seed = 1})
    local x = {tensor.randn(3, 2, {seed = 1}), tensor.randn(5, 2, {seed = 2})}
    local check = net:gradcheck(x, {tensor.rand(3, 2, {seed = 3}), tensor.rand(5, 2, {seed = 4})})
    eq(check.blame.where, "layer 2 (half)")
    -- Behind layers that make other lengths.
    local shorter = nn.net({{"*", 2}, nn.max_pool {2, stride = 1}, half:clone(), nn.conv {2, 2},
                            nn.lstm {2, last = true}, 2}, {seed = 1})
    eq(shorter:gradcheck(x, {{0, 1}, {1, 0}}).blame.where, "layer 2 (half)")
    local behind = nn.net({{"*", 2}, nn.conv {2, 2}, half:clone(), nn.max_pool {2, stride = 1},
                           nn.lstm {2, last = true}, 2}, {seed = 1})
    eq(behind:gradcheck(x, {{0, 1}, {1, 0}}).blame.where, "layer 2 (half)")
end)

test("the price is that of whole passes, whatever these took", function()
    local net = nn.net("64 - 30 - 10", {seed = 1})
    local check = net:gradcheck(tensor.randn(2, 64, {seed = 1}), {1, 2})
    local s = check.seconds
    assert(s.forward > 0 and s.taken > 0 and s.backprop > 0)
    eq(s.differences, check.forwards * s.forward)
    has(check, "differences 4,520 forwards, ")
end)

spec.report()
