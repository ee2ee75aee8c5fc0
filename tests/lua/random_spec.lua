-- Chance: seeds, threads, distributions within bounds, and what is refused. Seeds are fixed, so
-- that a bound that holds once holds always.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor = nabla.tensor

test("a seed gives the same numbers, another gives others", function()
    eq(tensor.rand(3, 4, {seed = 1}), tensor.rand(3, 4, {seed = 1}):totable())
    eq(tensor.rand(4, {seed = 1})[1] == tensor.rand(4, {seed = 2})[1], false)
    nabla.seed(5)
    local first = tensor.randn(4):totable()
    local second = tensor.randn(4):totable()
    nabla.seed(5)
    eq(tensor.randn(4), first)
    eq(first[1] == second[1], false)
end)

test("rand is uniform in 0 to 1, randn has mean 0 and deviation 1", function()
    local n = 10000
    for _, dtype in ipairs {"f32", "f64"} do
        local x = tensor.rand(n, {seed = 1, dtype = dtype})
        eq(x:min():item() >= 0 and x:max():item() < 1, true)
        -- The mean of n numbers strays by 1/sqrt(12 n) = 0.003; 5 of these are allowed.
        near(x:mean():item(), 0.5, 0.015)
        local y = tensor.randn(n, {seed = 1, dtype = dtype})
        near(y:mean():item(), 0, 0.05)
        near((y * y):mean():item(), 1, 0.07)
    end
end)

test("randint has both ends, randperm every number once", function()
    local x = tensor.randint(-1, 1, 300, {seed = 3})
    eq(x.dtype, "i32")
    eq(x:min():item(), -1)
    eq(x:max():item(), 1)
    eq(tensor.randint(4, 4, 2), {4, 4})
    fails(function() tensor.randint(2, 1, 3) end, "lowest number is above the highest")
    fails(function() tensor.randint(0, 256, 3, {dtype = "u8"}) end,
        "256 does not fit into u8", true)
    local p = tensor.randperm(50, {seed = 3}):totable()
    table.sort(p)
    eq(p, tensor.range(1, 50))
    eq(tensor.randperm(0).shape, {0})
end)

-- ---- Seeds and threads ----

-- What each call draws into or makes; n is large enough for the workers.
local n = 300001
local calls = {
    rand = function(o) return tensor.rand(n, o) end,
    randn = function(o) return tensor.randn(n, o) end,
    randint = function(o) return tensor.randint(0, 999, n, o) end,
    randperm = function(o) return tensor.randperm(n, o) end,
    uniform_ = function(o) return tensor.zeros(n):uniform_(-1, 1, o) end,
    normal_ = function(o) return tensor.zeros(n):normal_(0, 2, o) end,
    exponential_ = function(o) return tensor.zeros(n):exponential_(3, o) end,
    bernoulli_ = function(o) return tensor.zeros(n):bernoulli_(0.5, o) end,
    multinomial = function(o)
        return tensor.range(1, 1000):multinomial(300, {seed = o and o.seed})
    end,
}

local function same(a, b)
    return a:eq(b):to("f64"):sum():item() == a:numel()
end

for name, call in pairs(calls) do
    test(name .. ": a seed gives the same bits at any number of threads, another others", function()
        local threads = nabla.threads()
        nabla.threads(1)
        local one = call {seed = 11}
        nabla.threads(4)
        local four = call {seed = 11}
        nabla.threads(threads)
        eq(same(one, four), true)
        eq(same(one, call {seed = 12}), false)
    end)

    test(name .. ": without a seed nabla.seed decides, and no two calls are alike", function()
        nabla.seed(5)
        local first, second = call(), call()
        nabla.seed(5)
        eq(same(first, call()), true)
        eq(same(first, second), false)
    end)
end

test("a seed of its own does not move nabla's", function()
    nabla.seed(5)
    local first = tensor.rand(4):totable()
    nabla.seed(5)
    tensor.rand(4, {seed = 1})
    pcall(tensor.rand, 4, {dtype = "u8"})
    eq(tensor.rand(4), first)
end)

test("seeds are whole numbers from 0", function()
    for _, name in ipairs {"uniform_", "normal_", "exponential_", "bernoulli_"} do
        local x = tensor.zeros(3)
        fails(function() return x[name](x, 1, {sed = 1}) end, "did you mean 'seed'", true)
        fails(function() return x[name](x, 1, {seed = -1}) end,
            "seed must be a whole number from 0")
        fails(function() return x[name](x, 1, {seed = 1}, 2) end, name)
        eq(x, {0, 0, 0})
    end
end)

-- ---- Distributions ----

test("uniform_ and normal_ have their parameters", function()
    local x = tensor.zeros(10000):uniform_(2, 4, {seed = 1})
    eq(x:min():item() >= 2 and x:max():item() < 4, true)
    near(x:mean():item(), 3, 5 * 2 / math.sqrt(12 * 10000))
    near(tensor.zeros(10000):uniform_({seed = 1}):mean():item(), 0.5, 0.015)
    local z = tensor.zeros(10000, {dtype = "f64"}):normal_(10, 0.5, {seed = 1})
    near(z:mean():item(), 10, 5 * 0.5 / 100)
    near(((z - 10) * (z - 10)):mean():item(), 0.25, 5 * 0.25 * math.sqrt(2 / 10000))
    eq(tensor.zeros(3):normal_(7, 0), {7, 7, 7})
    eq(tensor.zeros(2):uniform_(3, 3), {3, 3})
    fails(function() tensor.zeros(2):uniform_(1, 0) end,
        "uniform_: the lowest number, 1, is above the highest, 0", true)
    fails(function() tensor.zeros(2):normal_(0, -1) end,
        "deviation must be a number from 0, not -1", true)
    fails(function() tensor.zeros(2):normal_(0 / 0) end, "finite number")
    fails(function() tensor.zeros(2):uniform_(0, 1e39) end,
        "uniform_: 1e39 does not fit into f32", true)
    fails(function() tensor.zeros(2, {dtype = "i32"}):normal_() end,
        "normal_ fills f32 and f64 tensors, not i32", true)
end)

test("exponential_ has mean 1 / rate and no zero", function()
    local x = tensor.zeros(10000):exponential_(4, {seed = 1})
    eq(x:min():item() > 0, true)
    near(x:mean():item(), 0.25, 5 * 0.25 / 100)
    for _, rate in ipairs {0, -1} do
        fails(function() tensor.zeros(2):exponential_(rate) end,
            "rate must be a number above 0", true)
    end
    fails(function() tensor.zeros(2):exponential_(1 / 0) end, "finite number")
    fails(function() tensor.zeros(2, {dtype = "f64"}):exponential_(1e-310) end,
        "the mean of rate 1e-310 does not fit into f64", true)
end)

test("bernoulli_ takes a number or a tensor that broadcasts, and any dtype", function()
    for _, dtype in ipairs {"f32", "f64", "u8", "i32"} do
        local x = tensor.zeros(10000, {dtype = dtype}):bernoulli_(0.2, {seed = 1})
        eq(x.dtype, dtype)
        near(x:to("f64"):mean():item(), 0.2, 5 * 0.4 / 100)
    end
    local x = tensor.zeros(4, 3):bernoulli_(tensor {0, 1, 0})
    eq(x, {{0, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 1, 0}})
    eq(tensor.zeros(2, 3):t():bernoulli_(tensor {0, 1}), {{0, 1}, {0, 1}, {0, 1}})
    for _, p in ipairs {-0.1, 1.1, 0 / 0} do
        fails(function() tensor.zeros(2):bernoulli_(p) end, "within 0 and 1")
    end
    fails(function() tensor.zeros(2):bernoulli_("x") end,
        "bernoulli_: argument 1 must be a probab", true)
    fails(function() tensor.zeros(2):bernoulli_(tensor {0, 0, 1}) end, "3.*2")
end)

test("fills change what they are called on, and refuse where a gradient would miss it", function()
    local x = tensor.zeros(3)
    eq(rawequal(x:normal_(), x), true)
    local w = tensor.zeros(3):requires_grad_()
    for _, name in ipairs {"uniform_", "normal_", "exponential_", "bernoulli_"} do
        fails(function() return w[name](w, 0.5) end, name .. " would change a tensor", true)
    end
    nabla.nn.no_grad(function() w:normal_() end)
    fails(function() tensor.zeros(1):expand(3):normal_() end,
        "normal_: an expanded tensor shows one element several times", true)
    local y = tensor.ones(3):requires_grad_()
    local kept = tensor.ones(3)
    local c = (y * kept):sum()
    kept:uniform_()
    fails(function() c:backward() end, "uniform_")
end)

test("randint knows what its dtype holds", function()
    eq(tensor.randint(0, 255, 5, {dtype = "u8"}).dtype, "u8")
    eq(tensor.randint(-2 ^ 31, 2 ^ 31 - 1, 5).dtype, "i32")
    fails(function() tensor.randint(0, 2 ^ 31, 5) end,
        "randint: 2147483648 does not fit into i32", true)
    eq(tensor.randint(0, 2 ^ 24, 5, {dtype = "f32"}).dtype, "f32")
    fails(function() tensor.randint(0, 2 ^ 24 + 1, 5, {dtype = "f32"}) end,
        "beyond the whole numbers of f32, which end at 16777216", true)
    eq(tensor.randint(-2 ^ 53, 2 ^ 53, 5, {dtype = "f64"}).dtype, "f64")
    fails(function() tensor.randint(0, 2 ^ 53 + 2, 5, {dtype = "f64"}) end,
        "beyond the whole numbers")
    fails(function() tensor.randint(0.5, 2, 5) end, "must be a whole number, not 0.5")
    fails(function() tensor.randint(0, 2, -1) end,
        "size 1 must be a whole number from 0, not -1", true)
end)

test("randperm ends where i32 does", function()
    fails(function() tensor.randperm(2 ^ 31) end, "randperm: at most 2147483647 numbers", true)
    fails(function() tensor.randperm(2, 2) end, "randperm takes one size, not 2", true)
    fails(function() tensor.randperm(3, {dtype = "f32"}) end, "randperm makes i32, not f32", true)
end)

test("multinomial draws rows of indices from 1", function()
    local w = tensor {{0, 3, 1}, {1, 0, 0}}
    local d = w:multinomial(2000, {replacement = true, seed = 1})
    eq(d.dtype, "i32")
    eq(d.shape, {2, 2000})
    eq(d[2]:min():item(), 1)
    eq(d[2]:max():item(), 1)
    eq(d[1]:min():item(), 2)
    near(d[1]:eq(2):to("f64"):mean():item(), 0.75, 5 * math.sqrt(0.1875 / 2000))
    local p = tensor.ones(20):multinomial(20, {seed = 1}):totable()
    table.sort(p)
    eq(p, tensor.range(1, 20))
    eq(tensor({1, 2}, {dtype = "u8"}):multinomial(0).shape, {0})
    eq(tensor.zeros(0, 3):multinomial(2).shape, {0, 2})
    eq(w:requires_grad_():multinomial(1, {seed = 1}).requires_grad, false)
    fails(function() tensor {1, -1}:multinomial(1) end,
        "multinomial: weight 2 of row 1 is -1", true)
    fails(function() tensor {1, 0 / 0}:multinomial(1) end, "weight 2 of row 1 is .*nan")
    fails(function() tensor {0, 0}:multinomial(1) end, "all weights of row 1 are zero", true)
    fails(function() tensor {1, 0, 1}:multinomial(3) end, "3 indices without replacement", true)
    eq(tensor {1, 0, 1}:multinomial(2).shape, {2})
    fails(function() tensor {1}:multinomial(-1) end, "must be a whole number from 0, not -1", true)
    fails(function() tensor {1}:multinomial(1, true) end, "multinomial: options must be a table")
    fails(function() tensor(1):multinomial(1) end, "a row, or rows", true)
end)

spec.report()
