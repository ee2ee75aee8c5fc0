-- Notes on chapter 2, 1: the forward pass in matrices.
--
-- w[l][j][k] is the weight by which neuron j of layer l hears neuron k of the layer before. With
-- one row for each neuron that hears, a layer is one product, one sum, and one function taken of
-- every element:
--     z = w a + b,  a = σ(z).
-- A batch has one example in a row, so that the product turns round: Z = A wᵀ + b.

nabla.dtype "f64"

local net = nn.net("3 - 4 - 2", {seed = 1})
local x = tensor.randn(5, 3, {seed = 2})

local function distance(s, t)
    return (s - t):abs():max():item()
end

-- One neuron by its sum, index by index; :item() makes a number of what is on the tape.
local j, first = 2, x[1]
local sum = net[1].b[j]
for k = 1, 3 do sum = sum + net[1].w[{j, k}] * first[k] end
sum = sum:item()

-- The layer as a product with a vector, and both layers with the batch as rows.
local z = net[1].w:matmul(first) + net[1].b
local z1 = x:matmul(net[1].w:t()) + net[1].b
local a1 = nn.sigmoid(z1)
local z2 = a1:matmul(net[2].w:t()) + net[2].b
local a2 = nn.sigmoid(z2)

-- One example goes through as it is printed: vectors, no rows.
local one = net:trace(first, tensor.zeros(2))
assert(distance(one[1].z, net[1].w:matmul(one.x) + net[1].b) < 1e-15)
assert(distance(one[1].a, nn.sigmoid(one[1].z)) == 0)
assert(distance(one[2].z, net[2].w:matmul(one[1].a) + net[2].b) < 1e-15)

local t = net:trace(x, tensor.zeros(5, 2))
print(("neuron %d by its sum      z = %.12f"):format(j, sum))
print(("the layer by a product   z = %.12f at place %d"):format(z[j]:item(), j))
print(("a batch of 5 by rows     z %s in layer 1, a %s in layer 2"):format(
    table.concat(z1.shape, "x"), table.concat(a2.shape, "x")))

assert(math.abs(sum - z[j]:item()) < 1e-15)
assert(distance(z, z1[1]) < 1e-15)

local worst = math.max(distance(z1, t[1].z), distance(a1, t[1].a), distance(z2, t[2].z),
    distance(a2, t[2].a), distance(a2, net(x)))
print(("by hand and net:trace    differ by %.1e at most"):format(worst))
assert(worst < 1e-15)
