-- Notes on chapter 2, 8: why a weight learns slowly, seen in a trace.
--
-- BP4 makes every gradient of a weight a product: a of the neuron that speaks times δ of the one
-- that hears. And BP2 makes that δ a product: what the next layer asks of the neuron times its
-- slope. So a weight stands still for one of three reasons: its input is quiet, its neuron is
-- saturated, or nobody asks.

nabla.dtype "f64"

local net = nn.net("3 - 4 - 2", {seed = 1})
local x = tensor {{0.9, 0.001, -0.7}}
local y = tensor {{1, 0}}

local function largest(s)
    return s:abs():max():item()
end

-- ---- A quiet input ----

-- Input 2 is 900 times smaller than input 1, and so is every weight's gradient that comes from
-- it.
local t = net:trace(x, y)
for k = 1, 3 do
    print(("input %d: a is %6.3f, its weights' gradients are at most %.1e"):format(k, x[{1, k}],
        largest(t[1].dw[{ {}, k }])))
end
local quiet = largest(t[1].dw[{ {}, 2 }]) / largest(t[1].dw[{ {}, 1 }])
assert(math.abs(quiet - 0.001 / 0.9) < 1e-15)

-- ---- A saturated neuron ----

-- A bias of 9 takes neuron 3 to the flat end of σ: the next layer asks as before, the slope
-- swallows it.
local function report(what, trace)
    local slope = trace[1].slope[{1, 3}]
    local asked = trace[2].delta:matmul(net[2].w)[{1, 3}]:item()
    print(("neuron 3 %-10s asked %9.1e × σ' %.1e = δ %9.1e"):format(what, asked, slope,
        trace[1].delta[{1, 3}]))
    assert(math.abs(asked * slope - trace[1].delta[{1, 3}]) < 1e-15)
    return math.abs(asked), math.abs(trace[1].delta[{1, 3}])
end

local asked_awake, delta_awake = report("awake:", t)
net[1]:neuron(3).b = 9
local asked_saturated, delta_saturated = report("saturated:", net:trace(x, y))
assert(asked_saturated > asked_awake / 10)
assert(delta_saturated < delta_awake / 100)

-- ---- A neuron that nobody asks ----

-- Back in its middle, but with weights of 0 to the layer after: no demand from above, no δ.
net[1]:neuron(3).b = 0
net[2].w[{ {}, 3 }] = 0
local _, delta_unasked = report("unasked:", net:trace(x, y))
assert(delta_unasked == 0)
