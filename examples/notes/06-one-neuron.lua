-- Notes on chapter 2, 6: the exercise of one modified neuron.
--
-- One neuron in the middle of the network takes f in place of σ. What changes in the algorithm?
-- Forward, that neuron's a is f(z). Backward, its δ takes f'(z) where it took σ'(z): one factor
-- in one column of BP2. Every other line stands as it is. But δ flows backward: whoever leaves
-- that one factor as it was has the neuron's own δ wrong and, through BP2, every δ of the layers
-- before it. Its neighbours and the layers after it stay right.

nabla.dtype "f64"

local N <const>, LAYER <const>, NEURON <const> = 5, 2, 3

local net = nn.net("3 - 4 - 4 - 2", {seed = 1})
local x = tensor.randn(N, 3, {seed = 2})
local y = tensor.rand(N, 2, {seed = 3})

net[LAYER]:neuron(NEURON).activation = function(z) return z:sin() end
print(net:notation())

local sigma, sigma_prime = nn.sigmoid, nn.sigmoid.df

-- A copy of `all` in which the neuron's column is that of `one`.
local function with_column(all, one)
    local out = all:clone()
    out[{ {}, NEURON }] = one[{ {}, NEURON }]
    return out
end

-- δ of every layer, with the slopes of layer LAYER given by a function.
local function deltas(slope)
    local z, a = {}, {[0] = x}
    for l = 1, #net do
        z[l] = a[l - 1]:matmul(net[l].w:t()) + net[l].b
        a[l] = sigma(z[l])
        if l == LAYER then a[l] = with_column(a[l], z[l]:sin()) end
    end
    local delta = {[#net] = (a[#net] - y) / N * sigma_prime(z[#net])}
    for l = #net - 1, 1, -1 do
        local slopes = l == LAYER and slope(z[l]) or sigma_prime(z[l])
        delta[l] = delta[l + 1]:matmul(net[l + 1].w) * slopes
    end
    return delta
end

-- By hand, without the tape.
local right = nn.no_grad(deltas, function(z) return with_column(sigma_prime(z), z:cos()) end)
local careless = nn.no_grad(deltas, sigma_prime)

-- ---- Which δ are wrong when the factor is forgotten ----

local t = net:trace(x, y)

-- The trace knows each neuron's own slope: cos z in the column of the modified one.
local own = t[LAYER].slope - with_column(sigma_prime(t[LAYER].z), t[LAYER].z:cos())
assert(own:abs():max():item() < 1e-15)

for l = 1, #net do
    local wrong = {}
    for k = 1, #net[l].b do
        local off = (careless[l] - t[l].delta)[{ {}, k }]:abs():max():item()
        if off > 1e-12 then wrong[#wrong + 1] = k end
    end
    print(("layer %d: δ by hand differs by %.1e · with σ' for f' it is wrong in: %s"):format(l,
        (right[l] - t[l].delta):abs():max():item(),
        #wrong == 0 and "none" or "neuron " .. table.concat(wrong, ", ")))
    assert((right[l] - t[l].delta):abs():max():item() < 1e-15)
    assert(#wrong == (l > LAYER and 0 or l < LAYER and 4 or 1))
    assert(l ~= LAYER or wrong[1] == NEURON)
end

-- Differences, which know nothing of derivatives, agree.
local check = net:gradcheck(x, y)
print(check)
assert(check.ok)
