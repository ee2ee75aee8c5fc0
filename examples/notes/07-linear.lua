-- Notes on chapter 2, 7: linear neurons, σ(z) = z.
--
-- The slope is 1 everywhere, so the factor ⊙ σ'(z) goes from BP1 and BP2: the error of the
-- outputs is a - y itself, and what a layer asks of the one before is the product with the
-- weights and nothing else. Nothing saturates. But nothing is gained by depth either: layer after
-- layer is one matrix and one vector.

nabla.dtype "f64"

local N <const> = 6
local net = nn.net("4 - 5 linear - 3 linear - 2 linear : quadratic", {seed = 1})
local x = tensor.randn(N, 4, {seed = 2})
local y = tensor.rand(N, 2, {seed = 3})

local function compare(what, s, t)
    local worst = (s - t):abs():max():item()
    print(("%s: differs by %.1e"):format(what, worst))
    assert(worst < 1e-14)
end

-- ---- The equations without slopes ----

local t = net:trace(x, y)
compare("BP1, δ = (a - y)/n", (t[3].a - y) / N, t[3].delta)
compare("BP2, δ of layer 2 = δ w", t[3].delta:matmul(net[3].w), t[2].delta)
compare("BP2, δ of layer 1 = δ w w", t[3].delta:matmul(net[3].w):matmul(net[2].w), t[1].delta)
compare("z and a are one", t[2].z, t[2].a)
compare("the slope is 1", t[2].slope, tensor.ones(N, 3))
compare("BP1 with that slope", t.grad_a * t[3].slope, t[3].delta)

-- ---- One map ----

-- w₃(w₂(w₁x + b₁) + b₂) + b₃, sorted into what multiplies x and what does not.
local w = net[3].w:matmul(net[2].w):matmul(net[1].w)
local b = net[3].w:matmul(net[2].w:matmul(net[1].b) + net[2].b) + net[3].b

local one = nn.net "4 - 2 linear : quadratic"
one[1].w = w
one[1].b = b
compare(("%d parameters do the work of %d"):format(one:count(), net:count()), one(x), net(x))
