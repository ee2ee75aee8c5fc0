-- A deep network of the book's sigmoid neurons learns nothing; the
-- same layers in residual blocks do.
--
--     nabla examples/residual.lua        trains eight networks, compares, ends
--
-- BP2 says why: on its way back δ is multiplied by σ′ ≤ ¼ at every layer of sigmoid neurons, so
-- that of the demand at the end next to nothing reaches the first layer. A residual block gives
-- x + f(x): its derivative is 1 + f′, and the 1 carries δ past f untouched.

digits = data.digits()

local OPTIONS = {epochs = 20, batch = 10, lr = 0.05, seed = 1, progress = false}

-- The same layers with the same numbers of parameters; n*[…] writes a list n times.
local KINDS = {
    plain = "64 - 30 - %d*[30 - 30 linear] - 10 softmax : cross_entropy",
    residual = "64 - 30 - %d*[residual[30 - 30 linear]] - 10 softmax : cross_entropy",
}

-- How large δ is at the first layer before anything was learned, and what the trained one knows.
local function try(kind, blocks)
    local net = nn.net(KINDS[kind]:format(blocks), {seed = 1})
    local demand = net:trace(digits.train:take(200))[1].delta:norm():item()
    net:train(digits.train, OPTIONS)
    return {net = net, demand = demand, right = net:evaluate(digits.test).accuracy}
end

print(nn.net(KINDS.residual:format(2)))
print "\n            plain                 residual"
print "blocks      ‖δ¹‖      right       ‖δ¹‖      right"

local last
for _, blocks in ipairs {1, 2, 4, 8} do
    local plain, residual = try("plain", blocks), try("residual", blocks)
    print(("%6d   %7.0e   %6.1f %%    %7.0e   %6.1f %%"):format(
        blocks, plain.demand, 100 * plain.right, residual.demand, 100 * residual.right))
    last = {plain = plain, residual = residual}
end

assert(last.plain.right < 0.2 and last.residual.right > 0.85, "residual blocks carry δ")

-- ---- Looking into a block ----

-- net[l][k] is layer k of block l, and t[l][k] what the trace saw there.
local net = last.residual.net
local t = net:trace(digits.test:take(200))
print("\nIn the deep residual network:")
for _, l in ipairs {2, 5, #net - 1} do
    print(("  block %d: ‖δ‖ of its inner layer %.0e, ‖f(x)‖ beside ‖x‖ %.2f"):format(
        l, t[l][1].delta:norm():item(), (t[l][2].a:norm() / t[l - 1].a:norm()):item()))
end

-- ---- A network as a layer ----

-- Without its last layer the deep network is the first layer of another one, frozen: what it
-- learned stays, and only the new last layer learns.
net:cut(#net)
local pair = nn.net {64, net, "10 softmax", cost = "cross_entropy", seed = 2}
pair:freeze(1)
pair:train(digits.train, {epochs = 5, batch = 10, lr = 0.05, seed = 1, progress = false})
print(("\nA new last layer on it, which alone learned: %.1f %% right"):format(
    100 * pair:evaluate(digits.test).accuracy))
