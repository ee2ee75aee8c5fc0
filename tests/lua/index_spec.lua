-- x[key] and x[key] = value.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local tensor, nn = spec.nabla.tensor, spec.nabla.nn

local function matrix()
    return tensor {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}
end

-- ---- Reading ----

test("a number takes an entry: a view, or a number where one element is left", function()
    local x = matrix()
    eq(x[2], {4, 5, 6})
    eq(x[-1], {7, 8, 9})
    eq(x[2][3], 6)
    eq(type(x[2][3]), "number")
    eq(x[{2, 3}], 6)
    eq(x[{-1, -3}], 7)
    eq(x[{2}], {4, 5, 6})
    eq(x[{}], x:totable())
end)

test("stored whole numbers come as integers", function()
    eq(math.type(tensor({3}, {dtype = "u8"})[1]), "integer")
    eq(math.type(tensor({3}, {dtype = "i32"})[1]), "integer")
    eq(math.type(tensor {3}[1]), "float")
end)

test("ranges include both ends", function()
    local x = tensor.range(1, 6)
    eq(x[{{2, 4}}], {2, 3, 4})
    eq(x[{{-2, -1}}], {5, 6})
    eq(x[{{3, 3}}], {3})
    eq(x[{{}}], {1, 2, 3, 4, 5, 6})
    eq(x[{{1, 6, 2}}], {1, 3, 5})
    eq(x[{{2, 6, 4}}], {2, 6})
    eq(x[{{6, 1, -1}}], {6, 5, 4, 3, 2, 1})
    eq(x[{{-1, 2, -2}}], {6, 4, 2})
end)

test("ranges and numbers go together", function()
    local x = matrix()
    eq(x[{{1, 2}, {2, 3}}], {{2, 3}, {5, 6}})
    eq(x[{{}, 1}], {1, 4, 7})
    eq(x[{1, {2, 3}}], {2, 3})
    eq(x[{{1, 3, 2}, {3, 1, -1}}], {{3, 2, 1}, {9, 8, 7}})
end)

test("what is read is a view", function()
    local x = matrix()
    x[2]:fill_(0)
    x[{{}, {3, 3}}]:fill_(-1)
    eq(x, {{1, 2, -1}, {0, 0, -1}, {7, 8, -1}})
end)

test("0 says that counting starts at 1", function()
    local x = matrix()
    fails(function() return x[0] end,
        "index_spec.lua:%d+: index 0 in dimension 1: counting starts at 1")
    fails(function() return x[{1, 0}] end, "index 0 in dimension 2: counting starts at 1")
    fails(function() return x[{{0, 2}}] end, "index 0 in dimension 1: counting starts at 1")
    fails(function() x[0] = 1 end, "counting starts at 1")
end)

test("indices beyond a dimension name it and its size", function()
    local x = matrix()
    fails(function() return x[4] end, "index 4 is outside dimension 1, which has 3")
    fails(function() return x[-4] end, "index -4 is outside dimension 1, which has 3", true)
    fails(function() return x[{1, 4}] end, "index 4 is outside dimension 2, which has 3")
    fails(function() return x[{{2, 4}}] end, "index 4 is outside dimension 1, which has 3")
    fails(function() return tensor.zeros(0)[1] end, "index 1 is outside dimension 1, which has 0")
end)

test("too many indices are an error that shows how a range is written", function()
    fails(function() return tensor {1, 2, 3}[{1, 2}] end,
        "2 indices for a tensor of 3.*{ {first, last} }")
    fails(function() return tensor(1)[1] end, "no entries; x:item() is its number", true)
end)

test("ranges that make no sense are errors", function()
    local x = tensor.range(1, 9)
    fails(function() return x[{{1, 3, 5}}] end,
        "step 5 goes beyond the range {1, 3}.*index_select")
    fails(function() return x[{{3, 3, 2}}] end, "goes beyond")
    fails(function() return x[{{3, 1}}] end,
        "the range {3, 1} does not go by 1; a step of -1 goes from 3 to 1", true)
    fails(function() return x[{{1, 3, -1}}] end, "does not go by -1", true)
    fails(function() return x[{{1, 3, 0}}] end, "step of a range must not be 0")
    fails(function() return x[{{1}}] end,
        "a range is {}, {first, last} or {first, last, step}", true)
    fails(function() return x[{{1, 2, 1, 1}}] end, "not 4 numbers")
    fails(function() return x[{{1, 3, 0.5}}] end,
        "step of a range must be a whole number, not 0.5")
end)

test("keys of other kinds are errors", function()
    local x = matrix()
    fails(function() return x[1.5] end,
        "must be a whole number or a range {first, last}, not 1.5", true)
    fails(function() return x[true] end, "not true")
    fails(function() return x[{1, "2"}] end, "not '2'")
    fails(function() return x[x] end, "a tensor is no index")
end)

-- ---- Writing ----

test("assignment writes numbers, tables and tensors that broadcast", function()
    local x = matrix()
    x[{1, 1}] = 10
    x[2] = 0
    x[{{}, 3}] = tensor {-1, -2, -3}
    x[3] = {1, 1, 1}
    eq(x, {{10, 2, -1}, {0, 0, -2}, {1, 1, 1}})
    x[{{1, 2}, {1, 2}}] = {{1}, {2}}
    eq(x, {{1, 1, -1}, {2, 2, -2}, {1, 1, 1}})
    x[{}] = 4
    eq(x:sum():item(), 36)
end)

test("other dtypes are converted as they are written", function()
    local x = tensor.zeros(2)
    x[1] = tensor({7}, {dtype = "i32"}):reshape(1)[1]
    x[{{2, 2}}] = tensor({9}, {dtype = "u8"})
    eq(x, {7, 9})
    local mask = tensor({0, 0}, {dtype = "u8"})
    mask[1] = true
    eq(mask, {1, 0})
    fails(function() mask[1] = 2.5 end, "2.5, which does not fit into u8", true)
end)

test("overlapping parts are written as if copied first", function()
    local x = tensor.range(1, 5)
    x[{{2, 5}}] = x[{{1, 4}}]
    eq(x, {1, 1, 2, 3, 4})
    x[{{1, 5}}] = x[{{5, 1, -1}}]
    eq(x, {4, 3, 2, 1, 1})
end)

test("what does not fit changes nothing", function()
    local x = matrix()
    fails(function() x[1] = tensor {1, 2} end, "2")
    fails(function() x[1] = {1, 2} end, "2")
    fails(function() x[1] = "a" end,
        "the value must be a tensor, a number or a table of numbers, not 'a'")
    fails(function() x[1] = nil end, "not nil")
    eq(x, matrix():totable())
end)

-- ---- With gradients ----

test("gradients flow through what is read", function()
    local x = matrix():requires_grad_()
    local c = (x[2] * x[{{}, 1}] + x[{{3, 1, -1}, 3}]):sum()
    c:backward()
    -- d/dx of x21 x11 + x22 x21 + x23 x31 + x33 + x23 + x13
    eq(x.grad, {{4, 0, 1}, {1 + 5, 4, 7 + 1}, {6, 0, 1}})
end)

test("assignment to what takes part in a gradient is refused", function()
    local x = matrix():requires_grad_()
    fails(function() x[1] = 0 end,
        "an assignment would change a tensor that takes part in a gradient.*no_grad")
    local y = x * 2
    fails(function() y[1] = 0 end, "takes part in a gradient")
    nn.no_grad(function() x[1] = 0 end)
    eq(x[1], {0, 0, 0})
    local z = tensor.zeros(3)
    fails(function() z[1] = x:sum() end,
        "would lose the gradient of what it is given; give it y:detach()", true)
    z[1] = x:sum():detach()
    eq(z[1], 39)
end)

spec.report()
