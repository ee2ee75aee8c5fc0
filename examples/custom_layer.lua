-- A layer of one's own: radial basis functions in ten lines of Lua, trained like any other layer.
--
--     nabla examples/custom_layer.lua
--
-- A neuron of a dense layer divides the plane by a straight line, w·x + b = 0. A radial basis
-- function answers near one point instead, its centre c: a = exp(-s² ‖x - c‖²) (Broomhead and Lowe
-- 1988). Two spirals in one another are a matter of places, so a few such units tell them apart.

-- ---- The task ----

local N = 300
nabla.seed(1)

-- One arm: N points from the middle outward, one and a half turns, a little off the line.
local function arm(turn)
    local r = tensor.linspace(0.05, 1, N)
    local angle = r * (3 * math.pi) + turn
    return tensor.stack({r * angle:cos(), r * angle:sin()}, 2) + tensor.randn(N, 2) * 0.02
end

local points = tensor.cat({arm(0), arm(math.pi)}, 1)
local arms = tensor.cat({tensor.full(1, N), tensor.full(2, N)}, 1)
spirals = data.set {x = points, y = arms, classes = {"this", "other"}}
train, test = spirals:shuffle(1):split(0.8)
print(spirals)

-- ---- The layer ----

local UNITS = 30

-- x: (n, 2), c: (units, 2), s: (units). ‖x - c‖² = ‖x‖² - 2 x·c + ‖c‖², so that one product does
-- for all pairs. The derivative is the tape's: nobody writes it.
local function radial(x, c, s)
    local distance = (x * x):sum(2, {keep = true}) - x:matmul(c:t()) * 2 + (c * c):sum(2)
    return (distance * -(s * s)):exp()
end

-- What f takes beside x are the layer's parameters, with their sizes and how they begin.
local layer = nn.fn {f = radial, params = {
    {name = "c", UNITS, 2, init = "normal"},
    {name = "s", UNITS, value = tensor.full(3, UNITS)},
}}
net = nn.net {2, layer, "2 softmax", cost = "cross_entropy", seed = 1}
print(net)

-- ---- It learns, beside dense layers with as many parameters ----

local rivals = {radial = net}
for _, f in ipairs {"tanh", "relu"} do
    rivals[f] = nn.net {2, nn.dense {UNITS, f}, "2 softmax", cost = "cross_entropy", seed = 1}
end
print "\n            parameters   right on the test"
for _, name in ipairs {"radial", "relu", "tanh"} do
    local rival = rivals[name]
    rival:train(train, {epochs = 100, batch = 20, optimizer = nn.adam {lr = 0.02}, seed = 1,
        progress = false})
    print(("  %-8s %10d        %5.1f %%"):format(name, rival:count(),
        100 * rival:evaluate(test).accuracy))
end
assert(net:evaluate(test).accuracy > 0.97, "thirty places tell the spirals apart")

-- ---- What works on other layers works on this one ----

-- Its parameters are fields, and the trace has ∂C/∂c as it has ∂C/∂w of a dense layer.
local t = net:trace(test:take(20))
print(("\nthe unit of the sharpest edge: centre (%.2f, %.2f), s %.1f, ‖∂C/∂c‖ %.1e"):format(
    net[1].c[net[1].s:argmax()][1]:item(), net[1].c[net[1].s:argmax()][2]:item(),
    net[1].s:max():item(), t[1].dc:norm():item()))

-- The gradient of a formula that one has just written is worth a check against differences.
local check = net:gradcheck(test:take(5))
print(check)
assert(check.ok)
