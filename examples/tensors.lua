-- Tensors as a calculator: a curve fitted three ways, and what the digits have in common.
--
--     nabla examples/tensors.lua

-- ---- A curve ----

-- Points of a curve with noise; a row of powers for each.
local x = tensor.linspace(-1, 1, 40, {dtype = "f64"})
local y = (x * 3):sin() + tensor.randn(40, {dtype = "f64", seed = 1}) * 0.1
local powers = tensor.stack({x ^ 0, x, x ^ 2, x ^ 3, x ^ 4, x ^ 5}, 2)

-- Least squares at once.
local exact = powers:lstsq(y)

-- The normal equations.
local normal = powers:t():matmul(powers):solve(powers:t():matmul(y))

-- Gradient descent: the cost is built of tensor methods, the tape knows its slope.
local c = tensor.zeros(6, {dtype = "f64"}):requires_grad_()
local function cost()
    return (powers:matmul(c) - y):pow(2):mean()
end
for _ = 1, 20000 do
    cost():backward()
    nn.no_grad(function() c:sub_(c.grad * 0.3) end)
end

print "coefficients: least squares, normal equations, descent"
print(tensor.stack({exact, normal, c:detach()}, 2))
print(("largest difference of the first two: %.1e"):format((exact - normal):abs():max():item()))
plot({x, tensor.stack({y, powers:matmul(exact)}, 2)},
    {labels = {"points", "fitted"}, points = true, height = 12})

-- ---- The digits ----

-- Directions in which the digits differ most: right singular vectors of what is left of each when
-- the mean is gone.
local digits = data.digits()
local images = digits.train.x:to "f32"
local _, s, v = (images - images:mean(1)):svd()
local share = (s ^ 2 / (s ^ 2):sum()):cumsum()
print(("10 of 64 directions hold %.0f %% of the variance"):format(100 * share[10]))
print "the first of them:"
plot.image(v:select(2, 1))
