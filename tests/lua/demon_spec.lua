-- net:demon: δ dz beside what a moved z does, and how far it holds, on networks worked out by hand.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near = spec.test, spec.eq, spec.near
local nabla = spec.nabla
local tensor, nn = nabla.tensor, nabla.nn

local F64 = {dtype = "f64"}

local function refused(part, f, ...)
    local ok, message = pcall(f, ...)
    assert(not ok, "not refused")
    if not tostring(message):find(part, 1, true) then
        error(("%s: no %q"):format(message, part), 2)
    end
end

-- z1 = 2 x, a2 = 3 z1, C = (a2 - y)²/2. With x = 1, y = 5: a2 = 6, C = 1/2, δ2 = 1, δ1 = 3.
local function chain(dtype)
    local net = nn.net("1 - 1 linear - 1 linear", {dtype = dtype or "f64"})
    net[1].w, net[1].b, net[2].w, net[2].b = 2, 0, 3, 0
    return net
end

test("1-1-1, linear: C moves by 3 dz + 4.5 dz², so 10 % is 1/15 to both sides", function()
    local d = chain():demon(1, 1, 0.1, {1}, {5})
    near(d.predicted, 0.3, 1e-15)
    near(d.measured, 0.3 + 0.045, 1e-14)
    near(d.delta, 3, 1e-15)
    near(d.cost, 0.5, 1e-15)
    eq(d.z, 2)
    eq(d.flat, false)
    near(d.radius.above, 1 / 15, 1e-9)
    near(d.radius.below, 1 / 15, 1e-9)
    -- At the output dz + dz²/2: 0.2.
    local last = chain():demon(2, 1, -0.1, {1}, {5})
    near(last.predicted, -0.1, 1e-15)
    near(last.measured, -0.1 + 0.005, 1e-14)
    near(last.radius.above, 0.2, 1e-9)
    near(last.radius.below, 0.2, 1e-9)
end)

test("a kink ends it on one side alone, and beyond is as far as one looks", function()
    -- C = |a - y| with a = relu(z), z = 1, y = -1: straight up to any dz above, and below to the
    -- kink at dz = -1; from there C stays, so |predicted| - 1 is 10 % of it at dz = -1/0.9.
    local net = nn.net("1 - 1 relu : mae", F64)
    net[1].w, net[1].b = 1, 0
    local d = net:demon(1, 1, 1, {1}, {-1})
    near(d.measured, 1, 1e-15)
    eq(d.radius.above, math.huge)
    near(d.radius.below, 1 / 0.9, 1e-9)
    -- At the kink itself backpropagation says 0 of what goes up with slope 1.
    net[1].w = 0
    assert(net:demon(1, 1, 0.1, {1}, {-1}).flat)
    -- leaky_relu's 0.01 below 0 is its slope at 0 too: nowhere right above, all the way below.
    local leaky = nn.net("1 - 1 leaky_relu - 1 linear : mae", F64)
    leaky[1].w, leaky[1].b, leaky[2].w, leaky[2].b = 0, 0, 1, 5
    local l = leaky:demon(1, 1, 0.1, {1}, {0})
    local below = math.abs(l.delta - 0.01) < 1e-15
    eq(below and l.radius.above or l.radius.below, 0)
    assert((below and l.radius.below or l.radius.above) > 0)
end)

test("where C bends down: z³ at -1, each side by its own root", function()
    -- C = z³ + 100, δ = 3: (z + d)³ - z³ - 3 d = -3 d² + d³, which is 0.3 |d| where
    -- 3 d - d² = 0.3 above, and 3 |d| + d² = 0.3 below.
    local cube = nn.activation {name = "cube_for_bends", f = function(z) return z * z * z end}
    local net = nn.net({1, nn.dense {1, cube}, cost = "mae"}, F64)
    net[1].w, net[1].b = -1, 0
    local d = net:demon(1, 1, 0.1, {1}, {-100})
    near(d.delta, 3, 1e-13)
    near(d.radius.above, (3 - math.sqrt(9 - 1.2)) / 2, 1e-9)
    near(d.radius.below, (-3 + math.sqrt(9 + 1.2)) / 2, 1e-9)
end)

test("where δ is 0 it is flat", function()
    local net = nn.net("1 - 1 relu - 1 linear", F64)
    net[1].w, net[1].b = -1, 0
    local d = net:demon(1, 1, 3, {1}, {5})
    eq(d.flat, true)
    eq(d.predicted, 0)
    eq(d.radius, nil)
    assert(tostring(d):find("flat: δ is 0", 1, true))
    assert(d.measured ~= 0) -- dz = 3 wakes it
end)

test("a channel at a place, a neuron at a step, the uses of a shared layer", function()
    -- 1x1x3, kernel 2: z = x[i] + 2 x[i + 1] = {5, 8}; C = ½ Σ (z - y)², y = {5, 6}: δ = {0, 2}.
    local net = nn.net("1x1x3 - conv 1 1x2 linear", F64)
    net[1].w = tensor {{{{1, 2}}}}
    net[1].b = 0
    local x, y = tensor {{{1, 2, 3}}}, tensor {{{5, 6}}}
    local d = net:demon(1, 1, 0.5, x, y, {at = {1, 2}})
    near(d.predicted, 1, 1e-15)
    near(d.measured, 1.125, 1e-14)
    near(d.radius.above, 0.4, 1e-9)
    assert(net:demon(1, 1, 0.5, x, y, {at = {1, 1}}).flat)
    local steps = nn.net("*x1 - 1 linear : quadratic", F64)
    steps[1].w, steps[1].b = 1, 0
    local s = steps:demon(1, 1, 0.5, {{1}, {2}}, {{1}, {1}}, {at = 2})
    near(s.predicted, 0.25, 1e-15) -- ½ of 2 steps
    -- The layer named a has two uses: δ of its second z is 1, that of the first 2 · 1.
    local shared = nn.net("1 - 1 linear name=a - @a", F64)
    shared[1].w, shared[1].b = 2, 0
    near(shared:demon(2, 1, 0.1, {1}, {3}).delta, 1, 1e-15)
    near(shared:demon(1, 1, 0.1, {1}, {3}).delta, 2, 1e-15)
    near(shared:demon("a", 1, 0.1, {1}, {3}).delta, 2, 1e-15)
    near(shared:demon(shared[1], 1, 0.1, {1}, {3}).delta, 2, 1e-15)
    near(shared:demon(-1, 1, 0.1, {1}, {3}).delta, 1, 1e-15)
end)

test("blocks, nested networks, functions of Lua: δ of the trace, at every place", function()
    local cube = nn.activation {name = "cube_for_demon", f = function(z) return z * z * z end}
    local net = nn.net({3, nn.dense {4, cube}, nn.net("4 - 3 tanh", F64),
                        nn.residual {nn.dense {3, "tanh"}}, nn.dense {2, "softmax"},
                        cost = "cross_entropy"}, F64)
    local x, y = tensor.randn(3, {dtype = "f64", seed = 1}), tensor {0, 1}
    local t = net:trace(x, y)
    net:backprop(x, y)
    local before, grads = net:params():clone(), net:grads():clone()
    local dz = 1e-4
    for path, z in pairs {["1"] = t[1], ["2.1"] = t[2][1], ["3.1"] = t[3][1], ["4"] = t[4]} do
        for k = 1, z.delta:numel() do
            local d = net:demon(path, k, dz, x, y)
            near(d.predicted, z.delta[k] * dz, 1e-15)
            near(d.measured, d.predicted, 10 * dz * dz) -- the second order
            assert(d.radius.above > dz and d.radius.below > dz, path)
        end
    end
    assert(net:params():equal(before) and net:grads():equal(grads))
end)

test("f32 is taken in f64", function()
    local d = chain("f32"):demon(1, 1, 1e-6, {1}, {5})
    near(d.measured / d.predicted, 1 + 1.5e-6, 1e-9)
end)

test("what there is not is said", function()
    local net = nn.net("1x4x4 - conv 2 3 - max_pool 2 - flatten - 3", F64)
    local x, y = tensor.ones(1, 4, 4), {0, 1, 0}
    refused("there is no layer 5; there are 4", net.demon, net, 5, 1, 0.1, x, y)
    refused("has no layer 'end'", net.demon, net, "end", 1, 0.1, x, y)
    refused("there is no neuron 4; there are 3", net.demon, net, 4, 4, 0.1, x, y)
    refused("layer 2 is max_pool, which has no neurons", net.demon, net, 2, 1, 0.1, x, y)
    refused("at each of 2x2 places; say at which: {at = {row, column}}", net.demon, net, 1, 1, 0.1,
            x, y)
    refused("layer 1 has no column 3; it has 2", net.demon, net, 1, 1, 0.1, x, y, {at = {1, 3}})
    refused("one z; leave `at` out", net.demon, net, 4, 1, 0.1, x, y, {at = 1})
    refused("one example, not to 2", net.demon, net, 4, 1, 0.1, tensor.ones(2, 1, 4, 4), {1, 2})
    refused("no option 'ta'; did you mean 'at'?", net.demon, net, 4, 1, 0.1, x, y, {ta = 1})
    refused("y is missing", net.demon, net, 4, 1, 0.1, x)
    refused("net:demon: dz must be a finite number, not nan", net.demon, net, 4, 1, 0 / 0, x, y)
    refused("dz must be a finite number, not 'x'", net.demon, net, 4, 1, "x", x, y)
    refused("dz must be a finite number, not '1'", net.demon, net, 4, 1, "1", x, y)
    local steps = nn.net("*x2 - lstm 3 - 2", F64)
    refused("layer 1 is lstm, which has no neurons", steps.demon, steps, 1, 1, 0.1, {{1, 2}},
            {{0, 1}})
    refused("a z at each of 1 steps; say at which: {at = 3}", steps.demon, steps, 2, 1, 0.1,
            {{1, 2}}, {{0, 1}})
end)

test("a cost that is not finite is refused, with where it began", function()
    local net = nn.net("4 - 3 tanh - 2", {seed = 1})
    local x, y = tensor.ones(4), tensor.ones(2)
    x[2] = 0 / 0
    refused("net:demon: the cost is nan: x of example 1, column 2 is nan",
            net.demon, net, 1, 1, 0.1, x, y)
    net[1].w[1][1] = 0 / 0
    refused("net:demon: the cost is nan: layer 1: w[1][1] is nan", net.demon, net, 1, 1, 0.1,
            tensor.ones(4), y)
    -- 1e200 twice over.
    local large = chain()
    large[1].w, large[2].w = 1e200, 1e200
    refused("the cost is inf: layer 2, neuron 1, example 1: 1e200 · 1e200 is inf",
            large.demon, large, 1, 1, 0.1, {1}, {5})
end)

spec.report()
