-- Streams: a network that answers step by step, and what it refuses.
local here = arg[0]:match "^(.*)/"
local spec = dofile(here .. "/spec.lua")
local test, eq, fails = spec.test, spec.eq, spec.fails
local tensor, nn = nabla.tensor, nabla.nn

local F64 <const> = {dtype = "f64"}

-- Step by step, several at a time and all at once give the same.
local function agrees(net, x, tolerance)
    local close = {rtol = tolerance or 1e-12, atol = tolerance or 1e-12}
    local whole, s = net(x), net:stream()
    local function check(first, last, y)
        local wanted = first and whole[{ {first, last} }] or whole[last]
        assert(y:allclose(wanted, close), ("%s, step %d"):format(net:notation(), last))
    end
    for t = 1, #x do check(nil, t, s(x[t])) end
    s:reset()
    for t = 1, #x, 3 do
        local last = math.min(t + 2, #x)
        check(t, last, s(x[{ {t, last} }]))
    end
    check(1, #x, net:stream()(x))
end

test("a stream gives what the whole sequence gives", function()
    local x = tensor.randn(10, 3, {dtype = "f64", seed = 1})
    for _, layers in ipairs {
        "rnn 4", "lstm 4", "gru 4", "rnn 4 relu", "lstm 4 layers=3", "gru 3 layers=2 - lstm 2",
        "5 tanh - lstm 4 - dropout 0.5 - layer_norm - 2", "2*[residual[gru 3 - 3 linear]]",
        "parallel[lstm 2 | rnn 3 |] - 2", "net[lstm 4 - 3] - act tanh",
    } do
        agrees(nn.net("*x3 - " .. layers, F64), x)
    end
    agrees(nn.net("*x3 - lstm 4 - 2"), x:to "f32", 1e-6)
end)

test("a shared layer has a memory at each of its places", function()
    local x = tensor.randn(7, 3, {dtype = "f64", seed = 2})
    agrees(nn.net("*x3 - lstm 3 name=a - 3 tanh - @a", F64), x)
end)

test("words: a number, or a vector of them", function()
    local net = nn.net("* - embedding 9 4 - gru 3 - 2", F64)
    agrees(net, tensor {3, 1, 9, 2, 2, 7})
    local s = net:stream()
    assert(s(3):allclose(net {3, 1}[1]) and s(1):allclose(net {3, 1}[2]))
    fails(function() s(10) end, "10", true)
end)

test("last: the answer after each step", function()
    local net = nn.net("*x3 - gru 4 last - 2", F64)
    local x, s = tensor.randn(5, 3, {dtype = "f64", seed = 3}), net:stream()
    for t = 1, 5 do assert(s(x[t]):allclose(net(x[{ {1, t} }]), {rtol = 1e-12})) end
    assert(net:stream()(x):equal(net(x)))
end)

test("a clone goes on alone, reset forgets", function()
    local net = nn.net("*x2 - lstm 3", F64)
    local s = net:stream()
    local first = s {1, 2}
    local copy = s:clone()
    local second = s {3, 4}
    assert(copy {3, 4}:equal(second) and not second:equal(first))
    assert(copy {3, 4}:equal(s {3, 4}))
    s:reset()
    assert(s {1, 2}:equal(first) and not copy {1, 2}:equal(first))
end)

test("behind what ends the steps every call begins anew", function()
    local x = tensor.randn(6, 3, {dtype = "f64", seed = 8})
    for _, behind in ipairs {"reshape 2x2 - lstm 3", "reshape 2x2 - attention 1 causal",
                             "reshape 2x2 - positions 2 - residual[4 tanh - 2]", "reshape 2x2 - net[gru 2 both]",
                             "reshape 1x4 - conv 2 3 padding=causal", "reshape 1x4x1 - conv 2 3 padding=same"} do
        local net = nn.net("*x3 - rnn 4 last - " .. behind, F64)
        local s, out = net:stream(), nil
        assert(s(x:narrow(1, 1, 2)):allclose(net(x:narrow(1, 1, 2)), {rtol = 1e-12, atol = 1e-12}))
        for i = 3, 6 do out = s(x[i]) end
        assert(out:allclose(net(x), {rtol = 1e-12, atol = 1e-12}), behind)
    end
end)

test("a function says that it works step by step", function()
    local function double(x) return x * 2 end
    local x = tensor.randn(5, 3, {dtype = "f64", seed = 4})
    agrees(nn.net({{"*", 3}, nn.rnn(4), nn.fn {f = double, per_step = true}}, F64), x)
    fails(function() nn.net {{"*", 3}, nn.fn(double)}:stream() end,
          "layer 1: fn may look at the whole sequence, so the network cannot answer step by step; " ..
          "say per_step = true", true)
end)

test("what cannot answer step by step is refused by name", function()
    local function refused(notation, pattern)
        fails(function() nn.net(notation):stream() end, pattern, true)
    end
    refused("*x3 - 4 - gru 4 both", "layer 2: gru reads each sequence from its end too (both), so "
        .. "the network cannot answer step by step")
    refused("*x3 - residual[lstm 3] - net[rnn 4 both name=r]", "layer 2.1 (r): rnn reads")
    refused("8x3 - lstm 4 - flatten - 2", "layer 2: flatten puts all steps into one vector")
    refused("8x3 - lstm 4",
            "a stream goes over steps of a free number, as in *x3; the network takes 8x3")
    refused("3 - 2", "the network takes 3")
    nn.net "*x3 - lstm 4 last - reshape 2x2 - flatten - 2":stream()
end)

test("what a stream refuses, it forgets nothing by", function()
    local net = nn.net("*x3 - lstm 4", F64)
    local s, t = net:stream(), net:stream()
    s {1, 2, 3}
    t {1, 2, 3}
    fails(function() s {1, 2} end, "x is 2; a step of this network is 3, several are nx3", true)
    fails(function() s(tensor.zeros(4, 2)) end, "x is 4x2; a step of this network is 3", true)
    fails(function() s(tensor.zeros(0, 3)) end, "x is 0x3; a step of this network is 3", true)
    fails(function() s(1) end, "a step of this network is 3", true)
    fails(function() s() end, "stream: x is missing: one step, or several", true)
    fails(function() s:restart() end, "restart", true)
    assert(s {4, 5, 6}:equal(t {4, 5, 6}))
    net:append "2"
    fails(function() s {1, 2, 3} end,
        "the network has changed since the stream began; s:reset()", true)
    s:reset()
    eq(#s {1, 2, 3}, 2)
    eq(tostring(s), "stream of *x3 - lstm 4 - 2 sigmoid : quadratic · 1 step")
end)

test("a step that fails on its way is as if it had not been", function()
    local broken = false
    local function f(x)
        if broken then error "broken" end
        return x * 1
    end
    local net = nn.net {{"*", 3}, nn.lstm(4), nn.fn {f = f, per_step = true}}
    local s, t = net:stream(), net:stream()
    s {1, 2, 3}
    t {1, 2, 3}
    broken = true
    fails(function() s {4, 5, 6} end, "broken", true)
    broken = false
    assert(s {7, 8, 9}:equal(t {7, 8, 9}))
end)

test("a stream leaves no tape, and keeps its network", function()
    local s = nn.net("*x3 - lstm 4"):stream()
    collectgarbage()
    collectgarbage()
    eq(s {1, 2, 3}.requires_grad, false)
end)

spec.report()
