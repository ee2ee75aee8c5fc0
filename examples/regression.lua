-- A curve through points by a small network: Levenberg and Marquardt's method against Adam.
--
--     nabla examples/regression.lua [EPOCHS]        of Adam; 2000 unless said
--
-- The function is y = sin(3 x) / (1 + x²) with a little noise. Adam takes many cheap steps; lm
-- takes few, each with the slopes of every example, and goes on to where no step lowers the cost.
-- For networks of up to some thousand parameters and a cost of squares that is often the shorter
-- way.

local EPOCHS = tonumber(arg[1]) or 2000
local N = 200
nabla.seed(3)
nabla.dtype "f64"

local x = tensor.linspace(-3, 3, N):reshape(N, 1)
local truth = (3 * x):sin() / (1 + x * x)
points = data.set {x = x, y = truth + 0.05 * tensor.randn(N, 1)}
train, test = points:split(0.8)
print(points)

-- The same start for both.
local start = nn.net "1 - 12 tanh - 1 linear"

local function run(name, options)
    local net = start:clone()
    options.progress = false
    local h = net:train(train, options)
    print(("  %-6s %6d epochs  %6.2f s   cost %.5f   on the test %.5f"):format(name, h.epochs,
        h.seconds, net:evaluate(train).cost, net:evaluate(test).cost))
    return net, h
end

print "\n  what was left of ½ (a - y)²; of the noise alone it is 0.00125"
adam = run("adam", {optimizer = nn.adam {lr = 0.01}, batch = 20, epochs = EPOCHS, seed = 1})
lbfgs = run("lbfgs", {optimizer = "lbfgs", epochs = 1000})
lm = run("lm", {optimizer = "lm", epochs = 200})

-- Deviation from the function itself, which no optimizer saw.
local function miss(net)
    return math.sqrt(((net(x) - truth) ^ 2):mean():item())
end
print(("\n  off the true curve: adam %.3f, lbfgs %.3f, lm %.3f"):format(miss(adam), miss(lbfgs),
    miss(lm)))
assert(lm:evaluate(train).cost <= adam:evaluate(train).cost, "lm goes further down")
assert(miss(lm) < 0.05, "and finds the curve in the noise")
