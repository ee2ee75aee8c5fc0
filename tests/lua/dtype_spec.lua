-- Which dtype comes of which, for every op of two tensors and every pair: the sentences of the help
-- page "dtype", one by one. And no number that a dtype does not hold passes in silence.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor = nabla.tensor

local DTYPES = {"f32", "f64", "u8", "i32"}
local computes = {f32 = true, f64 = true}

local function of(dtype, ...)
    return tensor({...}, {dtype = dtype})
end

-- What tensors of these dtypes meet in, by the page's words.
local function meeting(...)
    local has = {}
    for _, dtype in ipairs {...} do has[dtype] = true end
    if has.f64 then return "f64" end
    if has.f32 then return "f32" end
    return has.i32 and "f64" or nabla.dtype()
end

-- Every test below holds whatever nabla.dtype() is.
local function both_defaults(name, fn)
    for _, default in ipairs {"f32", "f64"} do
        test(name .. " (nabla.dtype is " .. default .. ")", function()
            local before = nabla.dtype()
            nabla.dtype(default)
            local ok, message = pcall(fn)
            nabla.dtype(before)
            if not ok then error(message, 0) end
        end)
    end
end

-- ---- Meeting ----

local ARITHMETIC = {add = 5, sub = 1, mul = 6, div = 1.5, pow = 9, maximum = 3, minimum = 2}
local OPERATORS = {
    add = function(a, b) return a + b end, sub = function(a, b) return a - b end,
    mul = function(a, b) return a * b end, div = function(a, b) return a / b end,
    pow = function(a, b) return a ^ b end,
}
local COMPARISONS = {eq = 0, ne = 1, lt = 0, le = 0, gt = 1, ge = 1}

both_defaults("arithmetic gives the widest that computes, for every pair", function()
    for _, a in ipairs(DTYPES) do
        for _, b in ipairs(DTYPES) do
            local x, y = of(a, 3), of(b, 2)
            for name, value in pairs(ARITHMETIC) do
                local z = x[name](x, y)
                eq({name, a, b, z.dtype, z[1]}, {name, a, b, meeting(a, b), value})
                if OPERATORS[name] then eq(OPERATORS[name](x, y).dtype, meeting(a, b)) end
            end
            eq(x:lerp(y, 0.5).dtype, meeting(a, b))
            eq(x:lerp(x, y).dtype, meeting(a, b))
        end
    end
end)

both_defaults("what a tensor computes alone: u8 in the default, i32 in f64", function()
    for _, dtype in ipairs(DTYPES) do
        local x = of(dtype, 1)
        for _, name in ipairs {"neg", "exp", "sqrt", "abs", "floor"} do
            eq({name, x[name](x).dtype}, {name, meeting(dtype)})
        end
        eq((-x).dtype, meeting(dtype))
        eq((x + x).dtype, meeting(dtype))
    end
end)

both_defaults("a number takes the dtype beside it", function()
    for _, dtype in ipairs(DTYPES) do
        local x = of(dtype, 3)
        for name, value in pairs(ARITHMETIC) do
            for _, two in ipairs {2, 2.0} do
                local z = x[name](x, two)
                eq({name, dtype, z.dtype, z[1]}, {name, dtype, meeting(dtype), value})
            end
            -- Not held by those that store, and all the same what the tensor becomes.
            for _, number in ipairs {0.5, 300, -1, 2 ^ 40} do
                eq({name, dtype, x[name](x, number).dtype}, {name, dtype, meeting(dtype)})
            end
            if OPERATORS[name] then
                eq(OPERATORS[name](2, x).dtype, meeting(dtype))
                eq(OPERATORS[name](0.5, x).dtype, meeting(dtype))
            end
        end
    end
end)

test("i32 loses no digit to a number beside it", function()
    local x = of("i32", 16777217, -2147483648)
    eq(x + 1, {16777218, -2147483647})
    eq(x + 0.5, {16777217.5, -2147483647.5})
    eq(0.5 * x, {8388608.5, -1073741824})
    eq(x:eq(16777217), {1, 0})
    eq(x:lt(16777217.5), {1, 1})
    eq(x:lt(16777216.5), {0, 1})
end)

test("u8 and i32 do not wrap around", function()
    local x = of("u8", 200, 1)
    eq(x + x, {400, 2})
    eq(x - 201, {-1, -200})
    eq(x * 200, {40000, 200})
    eq(-x, {-200, -1})
    local y = of("i32", 2147483647, -2147483648)
    eq(y + 1, {2147483648, -2147483647})
    eq(y * y, {2147483647 ^ 2, 2 ^ 62})
    eq(-y, {-2147483647, 2147483648})
    eq(x:maximum(300), {300, 300})
end)

-- ---- What stores ----

both_defaults("comparisons give u8, for every pair, exactly", function()
    for _, a in ipairs(DTYPES) do
        for _, b in ipairs(DTYPES) do
            local x, y = of(a, 3, 2), of(b, 2, 2)
            for name, value in pairs(COMPARISONS) do
                local z = x[name](x, y)
                eq({name, a, b, z.dtype, z[1]}, {name, a, b, "u8", value})
            end
        end
        eq(of(a, 3):gt(2.5).dtype, "u8")
        eq(of(a, 3):lt(300), {1})
        eq(of(a, 3):gt(-1), {1})
    end
    -- 2^24 + 1 and 2^24 are one number in f32.
    eq(of("i32", 2 ^ 24 + 1):eq(of("i32", 2 ^ 24)), {0})
    eq(of("i32", 2 ^ 24 + 1):eq(of("f32", 2 ^ 24)), {0})
end)

both_defaults("cat, stack and where keep a dtype that all share", function()
    local yes = tensor {true}
    for _, a in ipairs(DTYPES) do
        for _, b in ipairs(DTYPES) do
            local x, y = of(a, 3), of(b, 2)
            local shared = a == b and a or meeting(a, b)
            eq({a, b, tensor.cat({x, y}).dtype}, {a, b, shared})
            eq({a, b, tensor.stack({x, y}).dtype}, {a, b, shared})
            eq({a, b, tensor.where(yes, x, y).dtype}, {a, b, shared})
            eq(tensor.where(yes, x, y), {3})
            eq(tensor.cat({x, y}), {3, 2})
        end
        eq(tensor.where(yes, of(a, 3), 2).dtype, a)
        eq(tensor.where(yes, of(a, 3), 0.5).dtype, meeting(a))
    end
end)

test("indices are i32", function()
    eq(tensor.randperm(3).dtype, "i32")
    eq(tensor.randint(1, 3, 2).dtype, "i32")
    eq(tensor.ones(3):multinomial(2).dtype, "i32")
    eq(select(2, tensor {{1, 2}}:max(2)).dtype, "i32")
    eq(tensor {{1, 2}}:argmax(2).dtype, "i32")
end)

test("shapes and copies keep the dtype", function()
    for _, dtype in ipairs(DTYPES) do
        local x = tensor({{1, 2}, {3, 4}}, {dtype = dtype})
        for _, y in ipairs {x:t(), x:reshape(4), x:flatten(), x:clone(), x[1], x:rep(2, 2),
            x:t():contiguous(), x:expand(2, 2, 2), x:chunk(2)[1], x:split(1)[2], tensor(x)} do
            eq(y.dtype, dtype)
        end
        eq(x:rep(1, 2), {{1, 2, 1, 2}, {3, 4, 3, 4}})
    end
end)

test("u8 and i32 do not compute in place; f32 keeps its dtype there", function()
    for _, dtype in ipairs {"u8", "i32"} do
        local x = of(dtype, 200)
        for name in pairs(ARITHMETIC) do
            fails(function() return x[name .. "_"](x, 100) end,
                name .. "_: " .. dtype .. " tensors store and do not compute", true)
        end
        fails(function() x:lerp_(x, 0.5) end, "store and do not compute", true)
        eq(x, {200})
    end
    local x = of("f32", 1)
    eq(x:add_(of("f64", 0.5)).dtype, "f32")
    eq(x:mul_(of("u8", 2)), {3})
end)

-- ---- Converting by name ----

test("to rounds towards zero, keeps to the range, makes NaN 0", function()
    local inf, nan = 1 / 0, 0 / 0
    for _, dtype in ipairs {"f32", "f64"} do
        local x = of(dtype, -inf, -300, -1.7, -0.5, 0.5, 1.7, 254.9, 256, inf, nan)
        eq(x:to("u8"), {0, 0, 0, 0, 0, 1, 254, 255, 255, 0})
        eq(x:to("i32"), {-2147483648, -300, -1, 0, 0, 1, 254, 256, 2147483647, 0})
        eq((x * 1e8):to("i32")[2], -2147483648)
    end
    eq(of("i32", -1, 256, 7):to("u8"), {0, 255, 7})
    eq(of("u8", 255):to("i32"), {255})
    eq(of("i32", 2147483647, -2147483648):to("f64"), {2147483647, -2147483648})
    eq(of("f64", 1e300, -1e300, 0.1):to("f32")[1], inf)
end)

-- ---- Refusals ----

test("constructors refuse what does not fit", function()
    local wrong = {u8 = {-1, 256, 0.5, 0 / 0, 1 / 0}, i32 = {-2 ^ 31 - 1, 2 ^ 31, 0.5, 0 / 0},
        f32 = {1e39, -3.5e38}}
    for dtype, numbers in pairs(wrong) do
        local o = {dtype = dtype}
        for _, number in ipairs(numbers) do
            local words = "does not fit into " .. dtype
            fails(function() tensor({number}, o) end, words, true)
            fails(function() tensor(number, o) end, words, true)
            fails(function() tensor.full(number, 2, o) end, words, true)
            if number - number == 0 then
                fails(function() tensor.range(number, number, o) end, words, true)
            end
        end
    end
    -- The last numbers that fit.
    eq(tensor({0, 255}, {dtype = "u8"}), {0, 255})
    eq(tensor({-2147483648, 2147483647}, {dtype = "i32"}), {-2147483648, 2147483647})
    near(tensor({3.4028235e38}, {dtype = "f32"}) / 3.4028234663852886e38, {1}, 1e-7)
    eq(tensor({1e39}, {dtype = "f64"}), {1e39})
    fails(function() tensor.linspace(0, 1e39, 2) end, "linspace: 1e39 does not fit into f32", true)
    fails(function() tensor.range(0, 1, 0.5, {dtype = "u8"}) end, "0.5 does not fit into u8", true)
    fails(function() tensor.randint(-1, 5, 2, {dtype = "u8"}) end, "-1 does not fit into u8", true)
    fails(function() tensor.randint(0, 256, 2, {dtype = "u8"}) end,
        "256 does not fit into u8", true)
end)

test("so does a copy in another dtype", function()
    for _, bad in ipairs {-1, 256, 0.5, 0 / 0} do
        fails(function() tensor(tensor {1, bad}, {dtype = "u8"}) end, "does not fit into u8", true)
    end
    fails(function() tensor(of("i32", 256), {dtype = "u8"}) end, "256 does not fit into u8", true)
    fails(function() tensor(of("f64", 2 ^ 31), {dtype = "i32"}) end, "fit into i32", true)
    fails(function() tensor(of("f64", 1e39), {dtype = "f32"}) end,
        "1e+39 does not fit into f32", true)
    eq(tensor(of("f64", 1 / 0), {dtype = "f32"}), {1 / 0})
    eq(tensor(of("f64", 255, 0), {dtype = "u8"}), {255, 0})
    eq(tensor(of("u8", 255), {dtype = "i32"}).dtype, "i32")
    eq(tensor(of("i32", 2147483647), {dtype = "f64"}), {2147483647})
end)

test("so do assignments", function()
    local x = of("u8", 1, 2)
    for _, bad in ipairs {-1, 256, 0.5, 0 / 0} do
        fails(function() x[1] = bad end, "fit into u8", true)
        fails(function() x:fill_(bad) end, "fit into u8", true)
        fails(function() x:copy_({bad, 1}) end, "fit into u8", true)
        fails(function() x:copy_(tensor {1, bad}) end, "fit into u8", true)
        fails(function() x[{}] = tensor {1, bad} end, "fit into u8", true)
    end
    eq(x, {1, 2})
    local y = of("f32", 1)
    fails(function() y[1] = 1e39 end, "fit into f32", true)
    fails(function() y:fill_(1e39) end, "fit into f32", true)
    y[1] = 1 / 0
    eq(y, {1 / 0})
end)

-- ---- Counts ------------------------------------------------------------------------------------

test("what adds up u8 and i32 is exact", function()
    local n = 2^24 + 1
    for _, dtype in ipairs {"u8", "i32"} do
        local ones = tensor.ones(n, {dtype = dtype})
        for name, got in pairs {sum = ones:sum(), dot = ones:dot(ones), mean = ones:mean() * n,
            cumsum = ones:cumsum()[-1], rows = ones:reshape(1, n):sum(2)[1],
            columns = ones:reshape(n, 1):sum(1)[1], norm = ones:norm {p = 1},
            matmul = ones:matmul(ones)} do
            if type(got) ~= "number" then got = got:item() end
            if got ~= n then error(dtype .. " " .. name .. " " .. got) end
        end
        eq(ones:sum().dtype, "f64")
    end
    eq(tensor({255, 255, 255, 255}, {dtype = "u8"}):prod():item(), 255^4)
    eq(tensor({255, 255, 255, 255}, {dtype = "u8"}):cumprod()[4], 255^4)
    eq(tensor({2^31 - 1, 2^31 - 1, 1}, {dtype = "i32"}):cumsum(), {2^31 - 1, 2^32 - 2, 2^32 - 1})
    eq(tensor.ones(3):sum().dtype, "f32")
    eq(tensor.eye(3, {dtype = "u8"}):trace().dtype, "f64")
end)

test("a cost may count by a mask", function()
    local function cost(a, y)
        local mask = y:gt(0)
        return ((a - y) ^ 2 * mask):sum() / mask:sum()
    end
    local net = nabla.nn.net {2, nabla.nn.dense {2, "linear"}, cost = cost}
    net[1].w = {{1, 0}, {0, 1}}
    net:backprop({{3, 5}}, {{1, 0}})
    eq(net[1].b.grad, {4, 0})
    assert(net:gradcheck({{3, 5}}, {{1, 0}}).ok)
end)

-- ---- Numbers beyond f32 ------------------------------------------------------------------------

test("a number beyond f32 is refused where it is written, and makes f64 where it computes", function()
    local x = tensor {1, 2}
    local mask, wide = x:gt(1), tensor({1e300, 1}, {dtype = "f64"})
    fails(function() x:masked_fill(mask, 1e300) end,
        "masked_fill: 1e+300 does not fit into f32", true)
    fails(function() x:masked_fill_(mask, 1e300) end, "does not fit into f32", true)
    fails(function() x:add_(1e300) end, "add_: 1e+300 does not fit into f32", true)
    fails(function() x:maximum_(1e300) end, "does not fit into f32", true)
    fails(function() x:scatter_add(1, {1}, 1e300) end, "does not fit into f32", true)
    fails(function() x:scatter_add(1, {1, 2}, wide) end, "does not fit into f32", true)
    fails(function() x:clamp(1e300, math.huge) end, "clamp: numbers from 1e300 to inf do not", true)
    fails(function() x:clamp(-math.huge, -1e300) end, "do not fit into f32", true)
    eq(x, {1, 2})
    eq(x:clamp(-1e300, 1e300), {1, 2})
    for _, got in ipairs {x * 1e300 / 1e300, tensor.where(mask, 2, 1e300):minimum(x),
        x:maximum(1e300) - 1e300 + x, tensor.stack {1e300, x[1]}[{{2, 2}}] * x} do
        eq(got, {1, 2})
        eq(got.dtype, "f64")
    end
    eq((tensor.eye(2) * 1e300)[{1, 2}], 0)
    eq((x / 0):eq(1e300), {0, 0})
    local net = nabla.nn.net "2 - 1"
    local before = net:params():totable()
    fails(function() net[1].w = {{1, 1e300}} end, "does not fit into f32", true)
    fails(function() net[1].w = wide:reshape(1, 2) end, "does not fit into f32", true)
    fails(function() net[1]:neuron(1).w = wide end, "does not fit into f32", true)
    fails(function() net(wide) end, "x: 1e+300 does not fit into f32", true)
    fails(function() net:cost(x, wide:reshape(2)[{{1, 1}}]) end, "y: 1e+300 does not fit", true)
    fails(function() net:record(x):sum():backward {delta = tensor(1e300, {dtype = "f64"})} end,
        "does not fit into f32", true)
    eq(net:params(), before)
end)

test("a bound that is NaN makes all NaN", function()
    local nan, x = 0 / 0, tensor {-5, 0.5, 1 / 0}
    for _, y in ipairs {x:clamp(nan, 1), x:clamp(0, nan), x:clamp(nan, nan),
        x:to "f64":clamp(nan, 1), x:clone():clamp_(nan, 1)} do
        eq(y:isnan(), {1, 1, 1})
    end
    eq(x:clamp(-1, 1), {-1, 0.5, 1})
    eq(x:clamp(3, 2), {2, 2, 2})
    x:requires_grad_()
    x:clamp(nan, 1):sum():backward()
    eq(x.grad, {0, 0, 0})
end)

test("a zero keeps its sign where it is shown", function()
    eq(tostring(tensor {-0.0}):match "%S+$", tostring(tensor(-0.0)))
    eq(tostring(tensor(-0.0)), "-0")
    eq(tostring(tensor {-0.0, 0.0, 1.5}):match "\n(.*)", "  -0.0   0.0   1.5")
end)

spec.report()
