-- What the third chapter of the book finds of weight decay, small: its first update by hand, and
-- that it helps a network of few examples on those that it has not seen. `make book` has the whole.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, nabla = spec.test, spec.nabla
local nn, data, tensor = nabla.nn, nabla.data, nabla.tensor

test("the first update: w (1 - ηλ/n) - η/m Σ (a - y) x, b - η/m Σ (a - y)", function()
    local rate, lambda, n, m = 0.5, 3, 5, 2
    local x = { {1, -2}, {0.5, 3}, {7, 7}, {7, 7}, {7, 7} }
    local y = { {1}, {0}, {0}, {0}, {0} }
    local w, b = {0.3, -0.4}, 0.1
    local net = nn.net("2 - 1 : cross_entropy", {dtype = "f64"})
    net[1].w[1], net[1].b[1] = tensor(w, {dtype = "f64"}), b
    net:train(tensor(x, {dtype = "f64"}), tensor(y, {dtype = "f64"}), {batch = m, lr = rate,
        l2 = lambda, shuffle = false, progress = false, on_batch = function() return false end})
    local slope, lean, learned = {0, 0}, 0, net:params()
    for i = 1, m do
        local z = w[1] * x[i][1] + w[2] * x[i][2] + b
        local delta = 1 / (1 + math.exp(-z)) - y[i][1]
        for j = 1, 2 do slope[j] = slope[j] + delta * x[i][j] end
        lean = lean + delta
    end
    for j = 1, 2 do
        local wanted = w[j] * (1 - rate * lambda / n) - rate / m * slope[j]
        assert(math.abs(learned[j] - wanted) <= 1e-15, j)
    end
    assert(math.abs(learned[3] - (b - rate / m * lean)) <= 1e-15)
end)

-- The network of seed `seed`, with the large weights of the book's third chapter: right answers on
-- examples that it has not seen, and the cost of those that it has.
local RUNS <const> = 16
local function learn(seed, lambda)
    local digits = data.digits()
    local few = digits.train:shuffle(seed):take(200)
    local net = nn.net("64 - 30 - 10 : cross_entropy", {seed = seed})
    for l = 1, 2 do net[l].w:normal_(0, 1, {seed = 10 * seed + l}) end
    net:train(few, {epochs = 60, batch = 10, lr = 0.5, l2 = lambda, seed = seed, progress = false})
    return net:evaluate(digits.test).accuracy, net:evaluate(few).cost
end

test("decay of weights helps on what is new, and costs on what is known", function()
    local sum, squares, dearer = 0, 0, 0
    for seed = 1, RUNS do
        local plain, cost = learn(seed, 0)
        local decayed, more = learn(seed, 0.2)
        sum, squares = sum + (decayed - plain), squares + (decayed - plain) ^ 2
        if more > cost then dearer = dearer + 1 end
    end
    local mean = sum / RUNS
    local noise = math.sqrt((squares / RUNS - mean ^ 2) / (RUNS - 1))
    assert(mean > 0.005 and mean > 3 * noise, ("%g ± %g"):format(mean, noise))
    assert(dearer == RUNS, dearer)
end)

spec.report()
