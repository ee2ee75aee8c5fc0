-- Notes on chapter 2, 4: the four equations.
--
-- δ is the error of a neuron: how much C changes with its weighted input, ∂C/∂z. For one example,
-- a vector, the equations are typed as they are printed:
--     BP1   δ of the last layer   = ∇_a C ⊙ σ'(z)
--     BP2   δ of layer l          = (wᵀ δ) ⊙ σ'(z),  w and δ those of layer l + 1
--     BP3   ∂C/∂b                 = δ
--     BP4   ∂C/∂w                 = δ aᵀ,  a that of the layer before
-- A batch has one example a row, and C is the mean over its n examples: everything is transposed,
-- ∇_a C of the quadratic cost is (a - y)/n, and BP3 and BP4 sum over the rows. Below, first one
-- example with what net:trace holds, then a batch by plain tensors. What net:trace and net:backprop
-- compute must be the same numbers, to the last digits.

nabla.dtype "f64"

local N <const> = 5
local net = nn.net("2 - 3 - 1 : quadratic", {seed = 1})
local x = tensor.randn(N, 2, {seed = 2})
local y = tensor.rand(N, 1, {seed = 3})

local function compare(what, by_hand, ...)
    local worst = 0
    for _, other in ipairs {...} do
        worst = math.max(worst, (by_hand - other):abs():max():item())
    end
    print(("%-22s differs by %.1e"):format(what, worst))
    assert(worst < 1e-15)
end

-- ---- One example, as printed ----

local one = net:trace(x[1], y[1])
compare("BP1  one example", one.grad_a * one[2].slope, one[2].delta)
compare("BP2  one example", net[2].w:t():matmul(one[2].delta) * one[1].slope, one[1].delta)
compare("BP3  one example", one[1].delta, one[1].db)
compare("BP4  one example", one[2].delta:outer(one[1].a), one[2].dw)

-- ---- A batch, by hand ----

local sigma, sigma_prime = nn.sigmoid, nn.sigmoid.df

-- Forward.
local z1 = x:matmul(net[1].w:t()) + net[1].b
local a1 = sigma(z1)
local z2 = a1:matmul(net[2].w:t()) + net[2].b
local a2 = sigma(z2)

-- Backward.
local delta2 = (a2 - y) / N * sigma_prime(z2)              -- BP1
local delta1 = delta2:matmul(net[2].w) * sigma_prime(z1)   -- BP2
local db2, db1 = delta2:sum(1), delta1:sum(1)              -- BP3
local dw2, dw1 = delta2:t():matmul(a1), delta1:t():matmul(x) -- BP4

-- ---- The same from the network ----

local t = net:trace(x, y)
local nabla_w, nabla_b = net:backprop(x, y)

compare("BP1  δ of layer 2", delta2, t[2].delta)
compare("BP2  δ of layer 1", delta1, t[1].delta)
compare("BP3  ∂C/∂b of layer 2", db2, t[2].db, nabla_b[2])
compare("BP3  ∂C/∂b of layer 1", db1, t[1].db, nabla_b[1])
compare("BP4  ∂C/∂w of layer 2", dw2, t[2].dw, nabla_w[2])
compare("BP4  ∂C/∂w of layer 1", dw1, t[1].dw, nabla_w[1])
