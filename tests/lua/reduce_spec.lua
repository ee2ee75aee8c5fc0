-- Reductions, order and predicates as a user meets them: dimensions, options, results, messages.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor = nabla.tensor

local x = tensor {{1, 5, 5}, {7, 2, 0}}

local function both(f, values, places)
    local a, b = f()
    eq(a, values)
    eq(b, places)
    if places then eq(b.dtype, "i32") end
end

-- ---- Dimensions ----

test("one dimension, several or all; negative ones from the end", function()
    eq(x:sum(), 20)
    eq(x:sum(1), {8, 7, 5})
    eq(x:sum(-1), {11, 9})
    eq(x:sum(1, 2), 20)
    eq(x:prod(2), {25, 0})
    near(x:mean(1), {4, 3.5, 2.5})
    near(x:var(2), {16 / 3, 13})
    near(x:std(), math.sqrt((104 - 400 / 6) / 5))
    near(x:norm(1), {math.sqrt(50), math.sqrt(29), 5})
    near(tensor {0, 0}:logsumexp(), math.log(2))
    near(tensor.zeros(2, 3):logsumexp(2), {math.log(3), math.log(3)})
    fails(function() x:sum(3) end, "sum: there is no dimension 3; there are 2")
    fails(function() x:max(0) end, "max: .*counting starts at 1")
end)

test("keep leaves the dimensions with size 1", function()
    for _, op in ipairs {"sum", "mean", "prod", "var", "std", "norm", "min", "max", "logsumexp", "all",
        "any", "argmax", "argmin", "median"} do
        eq(x[op](x, 2, {keep = true}).shape, {2, 1})
    end
    eq(x:sum(1, 2, {keep = true}).shape, {1, 1})
    eq(x:max {keep = true}.shape, {1, 1})
    eq(x:median {keep = true}.shape, {1, 1})
    fails(function() x:sum {kep = true} end, "sum has no option 'kep'; did you mean 'keep'?", true)
end)

test("views give what their copies give", function()
    local t = tensor.range(1, 24):reshape(2, 3, 4)
    local v = t:permute(3, 1, 2)
    eq(v:sum(1), v:clone():sum(1))
    eq(v:sum(2, 3), {66, 72, 78, 84})
    eq(v:max(1), {{4, 8, 12}, {16, 20, 24}})
    eq(t[{{}, {}, {4, 1, -2}}]:sum(2, 3), {42, 114})
    eq(tensor {{1}, {2}}:expand(2, 3):prod(2), {1, 8})
    eq(v:cumsum(2), v:clone():cumsum(2))
    eq(v:sort(1, {descending = true}), v:clone():sort(1, {descending = true}))
end)

-- ---- Options ----

test("var and std divide by n - correction", function()
    near(tensor {1, 2, 6}:var(), 7)
    near(tensor {1, 2, 6}:var {correction = 0}, 14 / 3)
    near(tensor {1, 5}:std(1, {correction = 0}), 2)
    local v = tensor {1}:var():item()
    eq(v ~= v, true)
    fails(function() x:var {correction = math.huge} end,
          "correction must be a number, not inf", true)
end)

test("norm takes any power", function()
    local y = tensor {3, -4, 0}
    eq(y:norm(), 5)
    eq(y:norm {p = 1}, 7)
    eq(y:norm {p = 0}, 2)
    eq(y:norm {p = math.huge}, 4)
    eq(y:norm {p = -math.huge}, 0)
    near(y:norm(1, {p = 3}), (27 + 64) ^ (1 / 3))
    fails(function() y:norm {p = 0 / 0} end, "norm: p must be a number, or math.huge or -math.huge",
        true)
    fails(function() y:norm {p = "inf"} end, "p must be a number, or math.huge or -math.huge", true)
end)

-- ---- Extremes and order ----

test("max and min give places along one dimension alone", function()
    both(function() return x:max(2) end, {5, 7}, {2, 1})
    both(function() return x:min(1) end, {1, 2, 0}, {1, 2, 2})
    eq(select("#", x:max()), 1)
    eq(select("#", x:max(1, 2)), 1)
    eq(x:max(), 7)
    eq(x:argmax(), 4)
    eq(math.type(x:argmin()), "integer")
    eq(x:argmin(2), {1, 3})
    fails(function() tensor.zeros(0):max() end, "max of no elements")
    fails(function() tensor.zeros(2, 0):argmax(2) end, "argmax of no elements")
    eq(tensor({3, 250}, {dtype = "u8"}):max().dtype, "u8")
end)

test("sort, topk and median give values and places", function()
    both(function() return x:sort() end, {{1, 5, 5}, {0, 2, 7}}, {{1, 2, 3}, {3, 2, 1}})
    both(function() return x:sort(1, {descending = true}) end, {{7, 5, 5}, {1, 2, 0}},
        {{2, 1, 1}, {1, 2, 2}})
    both(function() return x:topk(2) end, {{5, 5}, {7, 2}}, {{2, 3}, {1, 2}})
    both(function() return x:topk(1, 1, {smallest = true}) end, {{1, 2, 0}}, {{1, 2, 2}})
    both(function() return x:median(2) end, {5, 2}, {2, 2})
    eq(x:median(), 2)
    eq(select("#", x:median()), 1)
    eq(tensor(4):sort(), 4)
    fails(function() x:topk(4) end, "topk: there are 3 elements to choose from, not 4")
    fails(function() x:topk(-1) end, "topk: a count must be a whole number from 0, not -1", true)
    fails(function() x:sort {decending = true} end, "did you mean 'descending'?", true)
end)

test("NaN sorts last and is every extreme", function()
    local y = tensor {2, 0 / 0, 1}
    both(function() return select(2, y:sort()) end, {3, 1, 2})
    both(function() return select(2, y:sort {descending = true}) end, {2, 1, 3})
    eq(y:argmax(), 2)
    eq(y:argmin(), 2)
    eq(y:median():isnan():any(), true)
end)

test("labels are sorted as labels", function()
    local labels = tensor({2147483647, -2147483648, 2147483646}, {dtype = "i32"})
    local sorted = labels:sort()
    eq(sorted.dtype, "i32")
    eq(sorted, {-2147483648, 2147483646, 2147483647})
    eq(labels:sum(), 2147483645)
    eq(labels:max(), 2147483647)
end)

-- ---- Running values, histogram ----

test("cumsum and cumprod run along the last dimension unless told", function()
    eq(x:cumsum(), {{1, 6, 11}, {7, 9, 9}})
    eq(x:cumsum(1), {{1, 5, 5}, {8, 7, 5}})
    eq(x:cumprod(-1), {{1, 5, 25}, {7, 14, 0}})
    eq(tensor(3):cumsum(), 3)
end)

test("histogram gives counts and edges", function()
    local counts, edges = tensor {1, 2, 2, 5}:histogram(4)
    eq(counts, {1, 2, 0, 1})
    eq(counts.dtype, "f64")
    eq(edges, {1, 2, 3, 4, 5})
    eq(tensor {1, 2, 9}:histogram(2, {min = 0, max = 4}), {1, 1})
    fails(function() x:histogram() end,
          "histogram: a count must be a whole number, not nothing", true)
    fails(function() x:histogram(2, {min = 2, max = 1}) end, "min, 2, is above max, 1", true)
    -- A half is lost beside large numbers; between small ones there may be no others.
    for _, dtype in ipairs {"f32", "f64"} do
        local counts, edges = tensor({1e30, 1e30}, {dtype = dtype}):histogram(3)
        eq(counts, {0, 2, 0})
        eq(edges.dtype, dtype)
    end
    local small = tensor({0, 5e-324}, {dtype = "f64"})
    fails(function() small:histogram(2) end, "is too narrow for 2 bins", true)
    fails(function() x:histogram(2, {min = 1, max = 1 + 2 ^ -52}) end,
          "too narrow for 2 bins", true)
    eq(tensor({1}, {dtype = "f64"}):histogram(1, {min = 1, max = 1 + 2 ^ -52}), {1})
end)

-- ---- Predicates ----

test("all and any are booleans, along dimensions u8", function()
    eq(x:all(), false)
    eq(x:any(), true)
    eq(x:all(2), {1, 0})
    eq(x:gt(6):any(1), {1, 0, 0})
    eq(x:any(1).dtype, "u8")
    eq(tensor.zeros(0):all(), true)
    eq(tensor.zeros(0):any(), false)
    eq(tensor {0 / 0}:all(), true)
end)

test("equal and allclose compare whole tensors", function()
    eq(x:equal(x:clone()), true)
    eq(x:equal(x:t()), false)
    eq(tensor({16777217}, {dtype = "i32"}):equal(tensor({16777216}, {dtype = "i32"})), false)
    eq(x:allclose(x * (1 + 1e-6)), true)
    eq(tensor.allclose(x, x + 1), false)
    eq(tensor.allclose(x, x + 1, {atol = 1.5}), true)
    eq(tensor.allclose(tensor {0 / 0}, tensor {0 / 0}), false)
    eq(tensor.allclose(tensor {0 / 0}, tensor {0 / 0}, {nan = true}), true)
    eq(tensor {math.huge}:allclose(math.huge), true)
    fails(function() x:allclose(x, {rtol = -1}) end, "rtol must be a number from 0, not -1", true)
    fails(function() x:allclose(tensor.ones(2)) end, "allclose: 2x3 and 2 do not fit", true)
    fails(function() x:equal("x") end, "equal: .*a tensor or a number")
end)

test("isnan and isfinite look at each element", function()
    local y = tensor {1, 0 / 0, math.huge}
    eq(y:isnan(), {0, 1, 0})
    eq(y:isfinite(), {1, 0, 0})
    eq(tensor({1, 2}, {dtype = "u8"}):isfinite(), {1, 1})
end)

-- ---- Gradients ----

test("gradients flow through values", function()
    local w = tensor {3, 1, 2}:requires_grad_()
    local function grad(f)
        f():backward()
        return w.grad
    end
    eq(grad(function() return (w:sort() * tensor {1, 10, 100}):sum() end), {100, 1, 10})
    eq(grad(function() return w:topk(2):sum() end), {1, 0, 1})
    eq(grad(function() return w:median() end), {0, 0, 1})
    eq(grad(function() return w:max() end), {1, 0, 0})
    eq(grad(function() return w:min(1) end), {0, 1, 0})
    eq(grad(function() return w:cumsum():sum() end), {3, 2, 1})
    eq(grad(function() return w:prod() end), {2, 6, 3})
    near(grad(function() return w:var() end), {1, -1, 0})
    near(grad(function() return w:norm() end), {3 / 14 ^ 0.5, 1 / 14 ^ 0.5, 2 / 14 ^ 0.5})
end)

spec.report()
