-- What the broken programs and their twins are made of: examples that a seed draws, with a part
-- held out, and the quality of a network on it. Seeds from 1000 draw other examples than those
-- below, so that a cure found on some is tried on others.

local nabla = require "nabla"
local tensor, data = nabla.tensor, nabla.data

local parts = {nn = nabla.nn, tensor = tensor, data = data}

parts.OTHER = 1000 -- the first seed of other examples

-- ---- Sets ----

-- The examples of these numbers, x and y changed by f (x, y → x, y) if it is given.
local function pick(from, numbers, classes, f)
    local at = tensor(numbers):to "i32"
    local x, y = from.x:index_select(1, at), from.y:index_select(1, at)
    if f then x, y = f(x, y) end
    return data.set {x = x, y = y, classes = classes}
end

-- 1 … n in an order of the seed.
local function order(n, seed) return tensor.randperm(n, {seed = seed}):totable() end

local whole -- all digits, the same order always

local function all_digits()
    if not whole then
        local d = data.digits()
        whole = {x = tensor.cat({d.train.x, d.test.x}, 1), y = tensor.cat({d.train.y, d.test.y}, 1),
                 classes = d.classes}
    end
    return whole
end

-- Sets of `train` and `test` digits. Seeds below OTHER draw from one half, the others from the
-- other. f and g (x, y → x, y) change what is learned from and what is held out.
function parts.digits(seed, train, test, f, g)
    local digits = all_digits()
    local half = digits.x:size(1) // 2
    local shift = seed >= parts.OTHER and half or 0
    local numbers = order(half, seed)
    for i = 1, half do numbers[i] = numbers[i] + shift end
    local first = table.move(numbers, 1, train, 1, {})
    local rest = table.move(numbers, train + 1, train + test, 1, {})
    return pick(digits, first, digits.classes, f), pick(digits, rest, digits.classes, g)
end

-- The first `train` of x and y to learn from, the rest held out.
function parts.cut(x, y, train, classes)
    local n = x:size(1)
    local held = n - train
    return data.set {x = x:narrow(1, 1, train), y = y:narrow(1, 1, train), classes = classes},
        data.set {x = x:narrow(1, train + 1, held), y = y:narrow(1, train + 1, held),
                  classes = classes}
end

-- Two classes in the plane, "in" a disc and "out" in a ring about it: no line parts them.
function parts.rings(seed, n, train)
    local angle = tensor.rand(n, {seed = seed}) * (2 * math.pi)
    local radius = tensor.rand(n, {seed = seed + 1})
    local side = tensor.range(1, n):to "f32" -- 1, 2, 3, …: in turn inside and outside
    side = side - (side / 2):floor() * 2
    radius = radius + side * 1.3
    local x = tensor.stack({radius * angle:cos(), radius * angle:sin()}, 2)
    return parts.cut(x, (side + 1):to "i32", train, {"in", "out"})
end

-- Rows of four numbers in -1 … 1 and one smooth target, about 0, of deviation about 1; f changes
-- the targets.
function parts.curve(seed, n, train, f)
    local x = tensor.rand(n, 4, {seed = seed}) * 2 - 1
    local a, b, c, d = x:select(2, 1), x:select(2, 2), x:select(2, 3), x:select(2, 4)
    local y = (a * 2.5):sin() + b * c * 1.5 + d
    y = (y + tensor.randn(n, {seed = seed + 1}) * 0.05):reshape(n, 1)
    if f then y = f(y) end
    return parts.cut(x, y, train)
end

-- Gaussian clouds of deviation 1 about `shift` in all of `width` columns, of two classes: a share
-- of `rare` of the examples is "ill".
function parts.clouds(seed, n, train, width, shift, rare)
    local ill = tensor.rand(n, {seed = seed}):lt(rare):to "f32"
    local x = tensor.randn(n, width, {seed = seed + 1}) + ill:reshape(n, 1) * shift
    return parts.cut(x, (ill + 1):to "i32", train, {"well", "ill"})
end

-- ---- Quality ----

-- R² on the targets as they are.
local function r2(net, set)
    local y = set.y:to "f64"
    local left = (net(set.x):to "f64" - y):pow(2):sum():item()
    local spread = (y - y:mean(1)):pow(2):sum():item()
    return 1 - left / spread
end

-- The mean over the classes of the share that was answered rightly.
local function balanced(net, set)
    local answers, right, count = net:classify(set), {}, {}
    for i, y in ipairs(set.y:totable()) do
        local name = set:name(y)
        count[name] = (count[name] or 0) + 1
        if answers[i] == name then right[name] = (right[name] or 0) + 1 end
    end
    local sum, classes = 0, 0
    for name, n in pairs(count) do
        sum, classes = sum + (right[name] or 0) / n, classes + 1
    end
    return sum / classes
end

-- Balanced accuracy, or R², of which what is below 0 counts as 0: worse than the mean is worthless.
function parts.quality(net, set)
    local value = set.classes and balanced(net, set) or r2(net, set)
    return value > 0 and value or 0 -- NaN too
end

return parts
