-- Tensors from sizes, ranges and labels, and how constructors refuse.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor = nabla.tensor

test("zeros, ones, full", function()
    eq(tensor.zeros(2, 3), {{0, 0, 0}, {0, 0, 0}})
    eq(tensor.ones({2, 2}), {{1, 1}, {1, 1}})
    eq(tensor.full(7, 3, {dtype = "i32"}), {7, 7, 7})
    eq(tensor.zeros().shape, {})
    eq(tensor.zeros(0, 3).shape, {0, 3})
    eq(tensor.ones(2, {dtype = "f64"}).dtype, "f64")
    fails(function() tensor.full(0.5, 2, {dtype = "u8"}) end, "0.5 does not fit into u8", true)
end)

test("sizes are whole numbers from 0", function()
    fails(function() tensor.zeros(2, -1) end, "size 2 must be a whole number from 0, not -1", true)
    fails(function() tensor.zeros(2.5) end, "size 1 must be a whole number from 0, not 2.5", true)
    fails(function() tensor.zeros("2") end, "size 1 must be a whole number from 0, not '2'", true)
    fails(function() tensor.zeros(1, 1, 1, 1, 1, 1, 1, 1, 1) end, "at most 8 dimensions")
    fails(function() tensor.zeros(2 ^ 31, 2 ^ 31) end, "too many elements")
end)

test("unknown options name the nearest", function()
    fails(function() tensor.zeros(2, {dtpye = "f64"}) end,
        "zeros has no option 'dtpye'; did you mean 'dtype'?", true)
    fails(function() tensor.zeros(2, {dtype = "f16"}) end, "not 'f16'", true)
    fails(function() tensor.zeros(2, {dtype = 64}) end, "dtype must be", true)
    fails(function() tensor.rand(2, {seed = -1}) end,
        "seed must be a whole number from 0, not -1", true)
    fails(function() tensor.zeros({dtype = "f32"}, 2) end,
        "zeros: 2 is one argument too many; write ")
end)

test("eye", function()
    eq(tensor.eye(2), {{1, 0}, {0, 1}})
    eq(tensor.eye(2, 3), {{1, 0, 0}, {0, 1, 0}})
    fails(function() tensor.eye() end, "one or two sizes")
end)

test("range ends where a for loop ends", function()
    eq(tensor.range(1, 5), {1, 2, 3, 4, 5})
    eq(tensor.range(1, 6, 2), {1, 3, 5})
    eq(tensor.range(3, 1, -1), {3, 2, 1})
    eq(tensor.range(3, 1).shape, {0})
    for _, ends in ipairs {
        {0, 0.3, 0.1}, {0, 1, 0.1}, {0, 0.8, 0.1}, {-4.6, -3.1, 0.5}, {3.6, 0.4, -0.8}, {1, 2.7},
        {-0.5, 3}, {2^52 - 2, 2^52}, {0.1, 70, 0.1},
    } do
        local numbers = {}
        for i = ends[1], ends[2], ends[3] or 1 do numbers[#numbers + 1] = i end
        eq(tensor.range(ends[1], ends[2], ends[3] or 1, {dtype = "f64"}), numbers)
    end
    fails(function() tensor.range(1e16, 1e16 + 64) end, "range: a step of 1 leads no further", true)
    eq(tensor.range(1, 3, {dtype = "i32"}).dtype, "i32")
    fails(function() tensor.range(1, 3, 0) end, "step must not be 0")
    fails(function() tensor.range(1, 1 / 0) end, "finite")
    fails(function() tensor.range(1, 2, 0.5, {dtype = "i32"}) end,
        "1.5 does not fit into i32", true)
    fails(function() tensor.range(0, 1e300) end, "too many")
end)

test("linspace holds both ends exactly", function()
    eq(tensor.linspace(0, 1, 5, {dtype = "f64"}), {0, 0.25, 0.5, 0.75, 1})
    eq(tensor.linspace(0, 0.1, 4, {dtype = "f64"})[-1], 0.1)
    eq(tensor.linspace(3, 9, 1), {3})
    eq(tensor.linspace(0, 1, 0).shape, {0})
end)

test("range and linspace of nothing, of one, of far too many", function()
    eq(tensor.range(1, 1), {1})
    eq(tensor.range(1, 0).shape, {0})
    eq(tensor.range(1, 0.5, -1), {1})
    eq(tensor.range(0, 255, 51, {dtype = "u8"}), {0, 51, 102, 153, 204, 255})
    eq(tensor.linspace(3, 9, 0).shape, {0})
    eq(tensor.linspace(3, 9, 1), {3})
    eq(tensor.linspace(3, 9, 2), {3, 9})
    eq(tensor.linspace(5, 5, 3), {5, 5, 5})
    fails(function() tensor.linspace(0, 1, -1) end,
        "linspace: the count must be a whole number from 0, not -1", true)
    fails(function() tensor.linspace(0, 1, 2.5) end,
        "linspace: the count must be a whole number, not 2.5", true)
    fails(function() tensor.linspace(0, 1, 1e17) end, "too many elements")
    fails(function() tensor.linspace(0, 1, 1e14) end, "linspace: not enough memory")
    fails(function() tensor.linspace(0, 1, 3, {dtype = "i32"}) end, "f32 or f64, not i32", true)
    fails(function() tensor.range(0, 256, {dtype = "u8"}) end,
        "range: 256 does not fit into u8", true)
    fails(function() tensor.range(0, -1, -1, {dtype = "u8"}) end, "-1 does not fit into u8", true)
    fails(function() tensor.range(0, 1e15) end, "range: too many numbers")
    fails(function() tensor.range(1, 2, "x") end,
        "range: argument 3 must be a number, not 'x'", true)
    fails(function() tensor.range(1, 2, 1, {}, 5) end,
        "range: 5 is one argument too many; write tensor.range(", true)
    fails(function() tensor.range(1) end, "range: argument 2 must be a number, not nothing", true)
end)

test("logspace is base to the power of a line", function()
    eq(tensor.logspace(0, 3, 4, {dtype = "f64"}), {1, 10, 100, 1000})
    eq(tensor.logspace(3, 0, 4, {base = 2}), {8, 4, 2, 1})
    near(tensor.logspace(-1, 1, 5, {dtype = "f64"}), {0.1, 10 ^ -0.5, 1, 10 ^ 0.5, 10}, 1e-15)
    eq(tensor.logspace(2, 5, 1), {100})
    eq(tensor.logspace(2, 5, 0).shape, {0})
    fails(function() tensor.logspace(0, 39, 2) end,
        "logspace: 10 to the power of 39 does not fit into f32", true)
    eq(tensor.logspace(0, 39, 2, {dtype = "f64"})[2], 1e39)
    fails(function() tensor.logspace(0, 309, 2, {dtype = "f64"}) end, "does not fit into f64", true)
    for _, base in ipairs {0, -2, 1 / 0, 0 / 0} do
        fails(function() tensor.logspace(0, 1, 2, {base = base}) end,
            "base must be a number above 0")
    end
    fails(function() tensor.logspace(0, 1, 2, {bass = 2}) end, "did you mean 'base'", true)
    fails(function() tensor.logspace(0, 1, 2, {dtype = "u8"}) end, "f32 or f64, not u8", true)
end)

test("one_hot has a one at each label", function()
    eq(tensor.one_hot({2, 1, 3}, 3), {{0, 1, 0}, {1, 0, 0}, {0, 0, 1}})
    eq(tensor.one_hot({2, 1}), {{0, 1}, {1, 0}})
    eq(tensor.one_hot({1}, 3, {dtype = "u8"}).dtype, "u8")
    eq(tensor.one_hot({2}, {dtype = "i32"}).shape, {1, 2})
    eq(tensor.one_hot(tensor({{1, 2}, {2, 2}}, {dtype = "i32"}):t(), 2),
        {{{1, 0}, {0, 1}}, {{0, 1}, {0, 1}}})
    eq(tensor.one_hot(3, 4), {0, 0, 1, 0})
    eq(tensor.one_hot({}, 4).shape, {0, 4})
    eq(tensor.one_hot({}).shape, {0, 0})
    fails(function() tensor.one_hot({1, 0}, 2) end,
        "one_hot: there is no class 0; counting starts at 1", true)
    fails(function() tensor.one_hot({1, 3}, 2) end,
        "one_hot: label 2 is class 3; there are 2", true)
    fails(function() tensor.one_hot({1.5}) end,
        "one_hot: label 1 must be a whole number from 1, not 1.5", true)
    fails(function() tensor.one_hot({1, 0 / 0}) end, "label 2 must be a whole number from 1")
    fails(function() tensor.one_hot({1}, -1) end, "from 0, not -1", true)
    fails(function() tensor.one_hot("a") end, "one_hot: argument 1 must be", true)
    fails(function() tensor.one_hot({1}, 2 ^ 50) end, "too many elements")
    fails(function() tensor.one_hot(tensor.ones(1, 1, 1, 1, 1, 1, 1, 1)) end,
        "at most 8 dimensions")
end)

test("eight dimensions are the most, and sizes may be 0 in any of them", function()
    eq(tensor.zeros(1, 1, 1, 1, 1, 1, 1, 2):numel(), 2)
    eq(tensor.zeros(3, 0, 2).shape, {3, 0, 2})
    eq(tensor.eye(0).shape, {0, 0})
    for _, name in ipairs {"zeros", "ones", "rand", "randn"} do
        fails(function() local make = tensor[name] make({1, 1, 1, 1, 1, 1, 1, 1, 1}) end,
            "at most 8 dimensions")
    end
end)

test("what is larger than memory or than a count is an error that names the function", function()
    fails(function() tensor.zeros(1e9, 1e9) end,
        "zeros: a tensor of 1000000000x1000000000 has too many elements", true)
    fails(function() tensor.ones(2 ^ 62, 2 ^ 62, 4) end, "ones: a tensor of", true)
    fails(function() tensor.full(0, 1e7, 1e7) end, "full: not enough memory for 400 TB", true)
    fails(function() tensor.rand(1e14) end, "rand: not enough memory", true)
    fails(function() tensor.eye(1e7) end, "eye: not enough memory", true)
    fails(function() tensor.zeros(1e300) end, "zeros: size 1 must be a whole number from 0", true)
    fails(function() tensor.zeros(0 / 0) end, "zeros: size 1 must be a whole number from 0", true)
    fails(function() tensor.zeros(true) end,
        "zeros: size 1 must be a whole number from 0, not true", true)
    fails(function() tensor.zeros({2, "x"}) end,
        "zeros: size 2 must be a whole number from 0, not 'x'", true)
end)

test("zeros, ones, full and eye draw nothing", function()
    for _, name in ipairs {"zeros", "ones", "eye"} do
        fails(function() return tensor[name](2, {seed = 1}) end, "has no option 'seed'", true)
    end
end)

test("NaN and infinity pass where numbers compute", function()
    local x = tensor {1 / 0, -1 / 0, 0 / 0}
    eq(x[1], 1 / 0)
    eq(x[2], -1 / 0)
    eq(x[3] ~= x[3], true)
    eq(tensor.full(1 / 0, 1)[1], 1 / 0)
    fails(function() tensor.full(0 / 0, 1, {dtype = "u8"}) end, "does not fit into u8", true)
end)

test("tables that are no rows of numbers are refused", function()
    fails(function() tensor {{1, 2}, {3, 4, 5}} end,
        "tensor: rows of different lengths: entry [2] has 3 values where entry [1] has 2", true)
    fails(function() tensor {{1, 2}, {3, [3] = 5}} end, "tensor: ", true)
    fails(function() tensor {{1, "x"}} end, "tensor: entry [1][2] must be a number, not 'x'", true)
    fails(function() tensor {print} end, "tensor: entry [1] must be a number, not a function", true)
    fails(function() tensor {{}, {1}} end, "rows of different lengths")
    local loop = {}
    loop[1], loop[2] = loop, loop
    fails(function() tensor(loop) end, "deeper than the 8 dimensions")
    local deep = 1
    for _ = 1, 9 do deep = {deep} end
    fails(function() tensor(deep) end, "deeper than the 8 dimensions")
    local row = {1, 2}
    eq(tensor {row, row}, {{1, 2}, {1, 2}})
end)

spec.report()
