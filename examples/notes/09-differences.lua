-- Notes on chapter 2, 9: what backpropagation saves.
--
-- The gradient could be measured instead: turn one weight a little each way, run the network
-- forward twice, take the difference. It needs no thought, which makes it the right judge of the
-- four equations. But it pays two passes for each weight, where backpropagation pays one forward
-- and one back for all of them together.

local net = nn.net("64 - 30 - 10", {seed = 1, dtype = "f64"})
local few = data.digits().test:take(5)

-- ---- One weight, by hand ----

local H <const> = 1e-5
local place = {4, 17}
local w = net[2].w:detach() -- a view without tape: what is written here, the network has

local function cost_at(value)
    local old = w[place]
    w[place] = value
    local cost = net:cost(few)
    w[place] = old
    return cost
end

local measured = (cost_at(w[place] + H) - cost_at(w[place] - H)) / (2 * H)
local nabla_w = net:backprop(few)
print(("∂C/∂w[4][17] of layer 2: measured %.9f, by backpropagation %.9f"):format(measured,
    nabla_w[2][place]))
assert(math.abs(measured - nabla_w[2][place]) < 1e-9)

-- ---- All of them ----

local by_differences = net:numeric_gradient(few)
local worst = 0
for l = 1, #net do
    worst = math.max(worst, (by_differences[l] - nabla_w[l]):abs():max():item())
end
print(("all %d parameters: no weight's gradient differs by more than %.1e"):format(
    net:count(), worst))
assert(worst < 1e-8)

-- ---- Both prices ----

local check = net:gradcheck(few)
print(check)
assert(check.ok)
assert(check.forwards == 2 * net:count())
