-- Notes on chapter 2, 2: the two things that backpropagation asks of a cost.
--
-- First, C is an average over examples: C = 1/n Σ C_x. Then the gradient of C is the average of
-- the gradients of the C_x, and it is enough to find those. Second, C_x is a function of what the
-- network puts out: C_x = ½ ‖y - a‖² knows the weights only through a. The wanted y is given with
-- the example; nobody may turn it, so there is no derivative in y.

nabla.dtype "f64"

local N <const> = 6
local net = nn.net("3 - 4 - 2 : quadratic", {seed = 1})
local x = tensor.randn(N, 3, {seed = 2})
local y = tensor.rand(N, 2, {seed = 3})

local function distance(s, t)
    return (s - t):abs():max():item()
end

-- ---- An average over examples ----

local mean, mean_gradient = 0, tensor.zeros(net[1].w.shape[1], net[1].w.shape[2])
for i = 1, N do
    local off = y[i] - net(x[i])
    mean = mean + 0.5 * (off * off):sum():item() / N
    local nabla_w = net:backprop(x[{ {i, i} }], y[{ {i, i} }])
    mean_gradient = mean_gradient + nabla_w[1] / N
end
local nabla_w = net:backprop(x, y)

print(("C of %d examples          %.12f"):format(N, net:cost(x, y)))
print(("the mean of their C_x    %.12f"):format(mean))
print(("gradient of the mean and mean of the gradients differ by %.1e"):format(
    distance(mean_gradient, nabla_w[1])))
assert(math.abs(mean - net:cost(x, y)) < 1e-15)
assert(distance(mean_gradient, nabla_w[1]) < 1e-15)

-- ---- A function of the outputs ----

-- Turn one output of one example a little: C answers with its slope there, a - y, over n.
local H <const> = 1e-6
local a = net(x)

local function cost_at(turn)
    local moved = a:clone()
    moved[{4, 1}] = moved[{4, 1}] + turn
    return 0.5 * ((y - moved) ^ 2):sum():item() / N
end

local grad_a = net:trace(x, y).grad_a
local measured = (cost_at(H) - cost_at(-H)) / (2 * H)
local slope = (a[{4, 1}] - y[{4, 1}]) / N
print(("∂C/∂a of example 4, output 1: measured %.9f, (a - y)/n is %.9f"):format(measured, slope))
assert(math.abs(measured - slope) < 1e-9)

-- The trace has it for all outputs: ∇_a C.
assert(distance(grad_a, (a - y) / N) < 1e-15)
