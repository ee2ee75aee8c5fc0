-- Linear algebra as the language has it: products, solving, factors, their errors and gradients.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor = nabla.tensor

local F64 = {dtype = "f64"}

local function f64(x) return tensor(x, F64) end

local function random(...)
    local sizes = {...}
    sizes[#sizes + 1] = {dtype = "f64", seed = 7}
    return tensor.randn(table.unpack(sizes))
end

-- Far from singular.
local function regular(n) return random(n, n) + 2 * n * tensor.eye(n, F64) end

-- Elements 1 / (i + j - 1): symmetric, positive definite, and nearly singular.
local function hilbert(n)
    local rows = {}
    for i = 1, n do
        rows[i] = {}
        for j = 1, n do rows[i][j] = 1 / (i + j - 1) end
    end
    return f64(rows)
end

local function most(x) return x:abs():max():item() end

-- ---- Products ----

test("dot, outer and trace", function()
    eq(tensor {1, 2, 3}:dot(tensor {4, 5, 6}):item(), 32)
    eq(tensor {}:dot(tensor {}):item(), 0)
    eq(tensor {1, 2}:outer(tensor {3, 4, 5}), {{3, 4, 5}, {6, 8, 10}})
    eq(tensor {{1, 2}, {3, 4}}:trace():item(), 5)
    eq(tensor {{1, 2, 3}, {4, 5, 6}}:trace():item(), 6)
    eq(tensor {{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}}:trace(), {5, 13})
    fails(function() tensor {1, 2}:dot(tensor {1, 2, 3}) end, "dot: 2 and 3 do not fit", true)
    fails(function() tensor {1, 2}:outer(3) end,
        "outer takes two vectors, not 2 and a number", true)
    fails(function() tensor {1, 2}:trace() end, "trace takes matrices, not 2", true)
end)

test("triu and tril keep one side of a diagonal, of any dtype, in place too", function()
    local x = tensor {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}
    eq(x:triu(), {{1, 2, 3}, {0, 5, 6}, {0, 0, 9}})
    eq(x:triu(1), {{0, 2, 3}, {0, 0, 6}, {0, 0, 0}})
    eq(x:triu(-1), {{1, 2, 3}, {4, 5, 6}, {0, 8, 9}})
    eq(x:tril(), {{1, 0, 0}, {4, 5, 0}, {7, 8, 9}})
    eq(x:tril(-1), {{0, 0, 0}, {4, 0, 0}, {7, 8, 0}})
    eq(x:tril(math.maxinteger), x:totable())
    eq(x:tril(math.mininteger), tensor.zeros(3, 3):totable())
    eq(x:t():triu(), {{1, 4, 7}, {0, 5, 8}, {0, 0, 9}})
    eq(tensor({{1, 2}, {3, 4}}, {dtype = "i32"}):tril().dtype, "i32")
    eq(rawequal(x:triu_(), x), true)
    eq(x, {{1, 2, 3}, {0, 5, 6}, {0, 0, 9}})
    fails(function() x:triu(1.5) end, "whole number")
end)

test("products without terms are zeros", function()
    eq(tensor.zeros(2, 0):matmul(tensor.zeros(0, 3)), {{0, 0, 0}, {0, 0, 0}})
    eq(tensor.zeros(0, 3):matmul(tensor.zeros(3, 4)).shape, {0, 4})
    eq(tensor.zeros(5, 2, 0):matmul(tensor.zeros(0, 1)):sum():item(), 0)
    eq(tensor.zeros(0):matmul(tensor.zeros(0)):item(), 0)
    eq(tensor.zeros(0, 2, 3):matmul(tensor.zeros(3, 4)).shape, {0, 2, 4})
end)

test("products of integers meet in a dtype that computes", function()
    local x = tensor({{1, 2}, {3, 4}}, {dtype = "u8"})
    eq(x:matmul(x), {{7, 10}, {15, 22}})
    eq(x:matmul(x).dtype, "f64") -- sums of integers are exact
    eq(x:matmul(random(2, 2)).dtype, "f64")
end)

-- ---- solve and inverse ----

test("solve takes vectors, matrices and batches that broadcast", function()
    local a = f64 {{2, 1}, {1, 3}}
    near(a:solve(f64 {3, 5}), {0.8, 1.4}, 1e-14)
    near(a:solve(f64 {{3, 2}, {5, 1}}), {{0.8, 1}, {1.4, 0}}, 1e-14)
    near(a:solve(f64 {{{3}, {5}}, {{2}, {1}}}), {{{0.8}, {1.4}}, {{1}, {0}}}, 1e-14)
    local many = tensor.randn(3, 1, 4, 4, F64) + 8 * tensor.eye(4, F64)
    local b = tensor.randn(2, 4, 5, F64)
    eq(many:solve(b).shape, {3, 2, 4, 5})
    near(most(many:matmul(many:solve(b)) - b), 0, 1e-12)
    local x = many:solve(b[1]:select(2, 1))
    eq(x.shape, {3, 1, 4})
    eq(tensor.zeros(0, 0):solve(tensor.zeros(0)).shape, {0})
    eq(tensor.zeros(0, 0):solve(tensor.zeros(0, 3)).shape, {0, 3})
    eq(tensor.eye(2):solve(tensor.zeros(2, 0)).shape, {2, 0})
end)

test("solve and inverse read views and leave them alone", function()
    local wide = random(8, 8) + 20 * tensor.eye(8, F64)
    local a = wide[{{1, -1, 2}, {1, -1, 2}}]:t()
    local before, b = a:totable(), random(4)
    near(most(a:matmul(a:solve(b)) - b), 0, 1e-13)
    near(most(a:matmul(a:inverse()) - tensor.eye(4, F64)), 0, 1e-13)
    eq(a, before)
end)

test("large systems, f32 and f64", function()
    for _, dtype in ipairs {"f32", "f64"} do
        local o = {dtype = dtype, seed = 3}
        local a, b = tensor.randn(200, 200, o), tensor.randn(200, 7, o)
        local x = a:solve(b)
        eq(x.dtype, dtype)
        near(most(a:matmul(x) - b), 0, dtype == "f64" and 1e-9 or 2e-2)
    end
end)

test("integers are brought to a dtype that computes", function()
    local a = tensor({{2, 0}, {0, 4}}, {dtype = "i32"})
    eq(a:inverse(), {{0.5, 0}, {0, 0.25}})
    eq(a:inverse().dtype, "f64")
    eq(a:to("u8"):cholesky().dtype, "f32")
    eq(a:solve(tensor {2, 2}).dtype, "f32")
end)

test("what cannot be solved says why, and which of a batch", function()
    local singular = f64 {{1, 2}, {2, 4}}
    fails(function() singular:solve(f64 {1, 2}) end,
        "linear_spec.lua:%d+: solve: the matrix is singular$")
    fails(function() singular:inverse() end, "inverse: the matrix is singular", true)
    local batch = tensor.cat {tensor.eye(2, F64):unsqueeze(1), singular:unsqueeze(1)}
    fails(function() batch:inverse() end, "inverse: matrix 2 of the batch is singular", true)
    fails(function() batch:unsqueeze(2):solve(f64 {1, 2}) end,
        "solve: matrix {2, 1} of the batch is singular", true)
    fails(function() tensor.zeros(2, 3):inverse() end,
        "inverse takes square matrices, not 2x3", true)
    fails(function() tensor.eye(3):solve(tensor {1, 2}) end, "solve: 3x3 and 2 do not fit", true)
    fails(function() tensor.eye(3):solve(1) end, "solve: 3x3 and a number do not fit", true)
    fails(function() tensor.eye(3):solve {1} end,
        "solve: argument 1 must be a tensor or a number, not a table; tensor(t) makes one of", true)
    fails(function() f64 {{1, 0 / 0}, {0, 1}}:inverse() end,
        "inverse: the matrix holds NaN or infinity", true)
end)

-- ---- Factors ----

test("cholesky gives the lower triangle, of what is below the diagonal alone", function()
    near(f64 {{4, 2}, {2, 5}}:cholesky(), {{2, 0}, {1, 2}}, 1e-15)
    near(f64 {{4, 99}, {2, 5}}:cholesky(), {{2, 0}, {1, 2}}, 1e-15)
    local h = hilbert(8)
    local l = h:cholesky()
    near(most(l:matmul(l:t()) - h), 0, 1e-15)
    fails(function() f64 {{1, 2}, {2, 1}}:cholesky() end,
        "cholesky: the matrix is not positive definite (its leading minor of order 2 is", true)
    fails(function() f64 {{0}}:cholesky() end, "leading minor of order 1 ", true)
    eq(tensor.zeros(0, 0):cholesky().shape, {0, 0})
end)

test("qr gives a thin q and an upper triangle", function()
    for _, shape in ipairs {{5, 3}, {3, 5}, {4, 4}, {2, 5, 3}, {1, 1}, {0, 3}, {3, 0}} do
        local a = random(table.unpack(shape))
        local q, r = a:qr()
        local k = math.min(shape[#shape], shape[#shape - 1])
        eq({q.shape[#shape], r.shape[#shape - 1]}, {k, k})
        if a:numel() > 0 then
            near(most(q:matmul(r) - a), 0, 1e-13)
            near(most(q:t():matmul(q) - tensor.eye(k, F64)), 0, 1e-13)
            near(most(r - r:triu()), 0, 0)
        end
    end
end)

test("svd gives u, s from the largest, and v that is not transposed", function()
    for _, shape in ipairs {{5, 3}, {3, 5}, {4, 4}, {2, 5, 3}, {1, 1}} do
        local a = random(table.unpack(shape))
        local u, s, v = a:svd()
        local k = math.min(shape[#shape], shape[#shape - 1])
        eq({s.shape[#shape - 1], v.shape[#shape - 1], v.shape[#shape]}, {k, shape[#shape], k})
        near(most((u * s:unsqueeze(#shape - 1)):matmul(v:t()) - a), 0, 1e-13)
        near(most(u:t():matmul(u) - tensor.eye(k, F64)), 0, 1e-13)
        near(most(v:t():matmul(v) - tensor.eye(k, F64)), 0, 1e-13)
    end
    local _, s = f64 {{3, 0}, {0, -4}}:svd()
    near(s, {4, 3}, 1e-15)
    eq(select("#", tensor.zeros(0, 3):svd()), 3)
end)

test("svd sees the rank of a matrix", function()
    local a = random(6, 2):matmul(random(2, 5))
    local _, s = a:svd()
    eq(s:gt(1e-13 * s[1]):sum():item(), 2)
    -- The condition of the Hilbert matrix of 10 is 1.6025e13 (Todd 1954).
    local _, h = hilbert(10):svd()
    near(h[1] / h[10] / 1.6025e13, 1, 1e-3)
end)

test("eigh gives ascending values and vectors in columns, of the lower triangle", function()
    local values, vectors = f64 {{2, 1}, {1, 2}}:eigh()
    near(values, {1, 3}, 1e-15)
    near(vectors:abs(), {{0.5 ^ 0.5, 0.5 ^ 0.5}, {0.5 ^ 0.5, 0.5 ^ 0.5}}, 1e-15)
    near(f64 {{2, 50}, {1, 2}}:eigh(), {1, 3}, 1e-15)
    local a = random(3, 6, 6)
    a = a + a:t()
    local l, v = a:eigh()
    near(most(a:matmul(v) - v * l:unsqueeze(2)), 0, 1e-12)
    near(most(v:t():matmul(v) - tensor.eye(6, F64)), 0, 1e-13)
    eq((l[{{}, {2, -1}}] - l[{{}, {1, -2}}]):lt(0):sum():item(), 0)
    fails(function() tensor.zeros(2, 3):eigh() end, "eigh takes square matrices, not 2x3", true)
end)

-- ---- Least squares ----

test("lstsq fits, exactly where it can, else nearest", function()
    near(f64 {{1, 1}, {1, 2}, {1, 3}}:lstsq(f64 {1, 2, 2}), {2 / 3, 0.5}, 1e-14)
    near(f64 {{1, 1}, {1, 2}, {1, 3}}:lstsq(f64 {{1, 2}, {2, 4}, {3, 6}}), {{0, 0}, {1, 2}}, 1e-13)
    local a, b = random(2, 7, 3), random(7, 2)
    local x = a:lstsq(b)
    eq(x.shape, {2, 3, 2})
    near(most(a:t():matmul(a:matmul(x) - b)), 0, 1e-12)
end)

test("lstsq gives the shortest of many, also where the rank is not full", function()
    near(f64 {{3, 4}}:lstsq(f64 {25}), {3, 4}, 1e-14)
    local a = random(6, 2):matmul(random(2, 5))
    local x = a:lstsq(a:matmul(tensor.ones(5, F64)))
    near(most(a:matmul(x) - a:matmul(tensor.ones(5, F64))), 0, 1e-12)
    -- The shortest solution is made of a's rows: projecting on what they span changes nothing.
    local _, _, v = a:svd()
    local span = v[{{}, {1, 2}}]
    near(most(span:matmul(span:t():matmul(x)) - x), 0, 1e-12)
    local h = hilbert(6)
    near(most(h:lstsq(h:matmul(tensor.ones(6, F64))) - 1), 0, 1e-8)
end)

test("lstsq without rows, columns or right sides", function()
    eq(tensor.zeros(0, 3):lstsq(tensor.zeros(0)), {0, 0, 0})
    eq(tensor.zeros(3, 0):lstsq(tensor.zeros(3)).shape, {0})
    eq(tensor.eye(2):lstsq(tensor.zeros(2, 0)).shape, {2, 0})
    fails(function() tensor.eye(2):lstsq(tensor {1, 1 / 0}) end,
        "lstsq: the matrix holds NaN or infinity", true)
end)

-- ---- Gradients ----

-- The slope of f(x):sum() against central differences.
local function check(f, x)
    local leaf = x:clone():requires_grad_()
    local weights = random(table.unpack(f(x).shape))
    local function cost(at) return (f(at) * weights):sum() end
    cost(leaf):backward()
    local rows, h = x:numel(), 1e-6
    local slopes = {}
    for i = 1, rows do
        local function at(step)
            local moved = x:clone():flatten()
            moved[i] = moved[i] + step
            return cost(moved:reshape(table.unpack(x.shape))):item()
        end
        slopes[i] = (at(h) - at(-h)) / (2 * h)
    end
    near(leaf.grad:flatten(), slopes, 1e-7)
end

test("solve, inverse, cholesky and products have the slopes of differences", function()
    local a, b = regular(3), random(3, 2)
    check(function(x) return x:solve(b) end, a)
    check(function(x) return a:solve(x) end, b)
    check(function(x) return a:t():solve(x) end, random(3))
    check(function(x) return x:inverse() end, a)
    check(function(x) return x:cholesky() end, a + a:t())
    check(function(x) return x:matmul(x:t()):cholesky() end, a)
    check(function(x) return x:matmul(b) end, random(4, 3))
    check(function(x) return random(2, 5, 4):matmul(x) end, random(4, 3))
    check(function(x) return x:t():matmul(x) end, random(4, 3))
    check(function(x) return x:triu(1) * x:tril() + x:trace() end, a)
    check(function(x) return x:outer(x) * x:dot(x) end, random(3))
end)

test("factors without a gradient refuse what takes part in one", function()
    local a = regular(2):requires_grad_()
    for _, name in ipairs {"svd", "eigh", "qr"} do
        fails(function() a[name](a) end, name .. " has no gradient; give it x:detach()", true)
        eq(select("#", a[name](a:detach())) > 1, true)
    end
    fails(function() a:detach():lstsq(a) end, "lstsq has no gradient", true)
end)

-- Long calls are made by a copy of the process: all that they write comes back.
test("what takes long comes back whole", function()
    local big = tensor.randn(1300, 1300, {seed = 1, dtype = "f64"})
    local small = tensor.randn(550, 550, {seed = 2, dtype = "f64"})
    local one, both = tensor.eye(1300):to "f64", small + small:t()
    local function alike(a, b) assert(a:allclose(b, {rtol = 1e-6, atol = 1e-6})) end
    alike(big:matmul(big:inverse()), one)
    alike(big:matmul(big:solve(one)), one)
    local definite = big:matmul(big:t()) / 1300 + one
    local l = definite:cholesky()
    alike(l:matmul(l:t()), definite)
    local q, r = big:qr()
    alike(q:matmul(r), big)
    alike(q:t():matmul(q), one)
    local values, vectors = (big + big:t()):eigh()
    alike(vectors:matmul(values:diag()):matmul(vectors:t()), big + big:t())
    local u, s, v = small:svd()
    alike((u * s):matmul(v:t()), small)
    local unit = tensor.eye(550):to "f64"
    alike(both:matmul(both:lstsq(unit)), unit)
end)

spec.report()
