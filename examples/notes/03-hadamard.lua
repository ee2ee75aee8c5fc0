-- Notes on chapter 2, 3: the product ⊙.
--
-- s ⊙ t multiplies element by element; here it is written s * t. It is not the matrix product,
-- which is s:matmul(t). The equations use both: the matrix product carries an error from layer to
-- layer, ⊙ weighs every neuron's error with that neuron's own slope.

nabla.dtype "f64"

local function distance(a, b)
    return (a - b):abs():max():item()
end

local s, t = tensor {2, -1, 4}, tensor {5, 3, 0.5}
local product = s * t
print(("s ⊙ t = (%g, %g, %g)"):format(product[1], product[2], product[3]))
assert(distance(product, tensor {10, -3, 2}) == 0)

-- The same as a matrix: s on the diagonal, zeros elsewhere. Every neuron for itself, in other
-- words.
local diagonal = tensor.eye(3) * s
assert(distance(diagonal:matmul(t), product) == 0)
print("diag(s) t is the same")

-- Shapes have to fit; where only a matrix product would fit, the message says so.
local fits, message = pcall(function() return tensor.ones(2, 3) * tensor.ones(3, 2) end)
print(message)
assert(not fits and message:find("matmul", 1, true))

-- In BP2 the shapes tell the rest of the story. A batch of 5, layers of 4 and 2 neurons: δ
-- arrives with a place for each of the 2, the weights turn it into one for each of the 4, ⊙
-- leaves that shape alone.
local net = nn.net("3 - 4 - 2", {seed = 1})
local trace = net:trace(tensor.randn(5, 3, {seed = 2}), tensor.rand(5, 2, {seed = 3}))
local carried = trace[2].delta:matmul(net[2].w)
local slope = trace[1].slope -- σ'(z), which for σ is a ⊙ (1 - a)
local delta = carried * slope

local function shape(x)
    return table.concat(x.shape, "x")
end

print(("δ %s · w %s = %s,  ⊙ σ'(z) %s = δ %s"):format(shape(trace[2].delta), shape(net[2].w),
    shape(carried), shape(slope), shape(delta)))
assert(shape(delta) == shape(trace[1].z))
assert(distance(slope, trace[1].a * (1 - trace[1].a)) < 1e-15)
assert(distance(delta, trace[1].delta) < 1e-15)
