-- Notes on chapter 2, 5: the algorithm, and learning with it.
--
-- For every mini-batch: set a of layer 0 to the examples, feed forward, compute the output error
-- (BP1), carry it back (BP2), read off the gradients (BP3, BP4), and go a step against them:
--     w → w - η ∂C/∂w,  b → b - η ∂C/∂b.
-- Below, plain tensors learn an epoch of digits by these lines, and a network that began with the
-- same numbers learns it by net:step. They end as one.

nabla.dtype "f64"

local ETA <const>, BATCH <const> = 3.0, 10

local digits = data.digits()
local learner = nn.net("64 - 30 - 10", {seed = 1})

-- Plain tensors to learn by hand with: copies, and detached, because no tape is wanted.
local w = {learner[1].w:detach():clone(), learner[2].w:detach():clone()}
local b = {learner[1].b:detach():clone(), learner[2].b:detach():clone()}

local function sigma(z)
    return 1 / (1 + (-z):exp())
end

-- One step by hand on examples x and their targets y.
local function step(x, y)
    local a = {[0] = x}
    for l = 1, #w do a[l] = sigma(a[l - 1]:matmul(w[l]:t()) + b[l]) end

    local delta = {}
    delta[#w] = (a[#w] - y) / #x * (a[#w] * (1 - a[#w]))
    for l = #w - 1, 1, -1 do
        delta[l] = delta[l + 1]:matmul(w[l + 1]) * (a[l] * (1 - a[l]))
    end

    for l = 1, #w do
        w[l] = w[l] - ETA * delta[l]:t():matmul(a[l - 1])
        b[l] = b[l] - ETA * delta[l]:sum(1)
    end
end

-- ---- One epoch, in an order that both see ----

local set = digits.train:shuffle(1)
local x = set.x
-- A row of targets for each digit, with a 1 at its class.
local y = set.y:unsqueeze(2):eq(tensor.range(1, 10)):to "f64"

local before = learner:evaluate(digits.test)
for first = 1, #x, BATCH do
    local rows = { {first, math.min(first + BATCH - 1, #x)} }
    step(x[rows], y[rows])
    learner:step(x[rows], y[rows], {lr = ETA})
end
local after = learner:evaluate(digits.test)

local worst = 0
for l = 1, #w do
    worst = math.max(worst, (w[l] - learner[l].w):abs():max():item(),
        (b[l] - learner[l].b):abs():max():item())
end
print(("%d mini-batches of %d: %d test digits right before, %d after, of %d"):format(
    math.ceil(#x / BATCH), BATCH, before.correct, after.correct, #digits.test))
print(("by hand and net:step: no weight and no bias differs by more than %.1e"):format(worst))
assert(worst < 1e-13) -- what 144 steps add up from differences in the last digit
assert(after.accuracy > 0.6 and after.accuracy > before.accuracy)
