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

test("a step beyond its range gives what there is, as a for loop does", function()
    local x = tensor.range(1, 9)
    eq(tensor {7, 8}[{{1, -1, 2}}], {7})
    for _, range in ipairs {{1, 3, 5}, {3, 3, 2}, {3, 3, -2}, {9, 7, -3}, {9, 7, -2}, {1, 9, 8},
        {1, 9, 9}, {2, 2, math.mininteger}, {2, 1, math.mininteger}, {1, 2, math.maxinteger}} do
        local numbers = {}
        for i = range[1], range[2], range[3] do numbers[#numbers + 1] = i end
        eq(x[{range}], numbers)
    end
    x[{{4, 6, 7}}] = 0
    eq(x, {1, 2, 3, 0, 5, 6, 7, 8, 9})
end)

test("ranges that make no sense are errors", function()
    local x = tensor.range(1, 9)
    fails(function() return x[{{3, 1}}] end,
        "the range {3, 1} does not go by 1; a step of -1 goes from 3 to 1", true)
    fails(function() return x[{{1, 3, -1}}] end, "does not go by -1", true)
    fails(function() return x[{{1, 3, 0}}] end, "step of a range must not be 0")
    fails(function() return x[{{7}}] end,
        "a range has two ends: {7, 7} takes entry 7 alone", true)
    fails(function() return x[{{"7"}}] end,
        "a range is {}, {first, last} or {first, last, step}", true)
    fails(function() return x[{{1, 2, 1, 1}}] end, "not 4 numbers")
    fails(function() return x[{{1, 3, 0.5}}] end,
        "step of a range must be a whole number, not 0.5")
end)

test("keys of other kinds are errors", function()
    local x = matrix()
    fails(function() return x[1.5] end,
        "must be a whole number, a range {first, last}, a tensor of indices or a mask, not 1.5",
        true)
    fails(function() return x[true] end, "not true")
    fails(function() return x[{1, "2"}] end, "not '2'")
    fails(function() return x[{1, 0 / 0}] end, "not nan")
    fails(function() return x[print] end, "not a function")
end)

-- ---- Indices and masks ----

local function i32(values)
    return tensor(values, {dtype = "i32"})
end

test("a tensor of indices gives those entries, in its own shape", function()
    local x = matrix()
    eq(x[i32 {3, 1}], {{7, 8, 9}, {1, 2, 3}})
    eq(x[i32 {-1}], {{7, 8, 9}})
    eq(x[i32 {{1, 2}, {2, 1}}].shape, {2, 2, 3})
    eq(x[i32(2)], {4, 5, 6})
    eq(x[tensor {3, 1}], {{7, 8, 9}, {1, 2, 3}})
    eq(x[tensor.zeros(0, {dtype = "i32"})].shape, {0, 3})
    eq(tensor({1, 2, 3}, {dtype = "u8"})[i32 {2}].dtype, "u8")
end)

test("indices stand beside numbers and ranges, in any dimension", function()
    local x = matrix()
    eq(x[{{}, i32 {3, 1}}], {{3, 1}, {6, 4}, {9, 7}})
    eq(x[{{3, 1, -1}, i32 {2}}], {{8}, {5}, {2}})
    eq(x[{2, i32 {3, 3, 1}}], {6, 6, 4})
    eq(x[{i32 {3, 1}, 2}], {8, 2})
    eq(x[{i32 {3, 1}, {1, 2}}], {{7, 8}, {1, 2}})
end)

test("several tensors of indices go together, as NumPy broadcasts them", function()
    local x = tensor.range(1, 24):reshape(2, 3, 4)
    eq(x[{i32 {1, 2}, i32 {3, 1}}], {{9, 10, 11, 12}, {13, 14, 15, 16}})
    eq(x[{i32 {{1}, {2}}, i32 {1, 3}, 1}], {{1, 9}, {13, 21}})
    eq(x[{{}, i32 {1, 2}, i32 {4, 3}}], {{4, 7}, {16, 19}})
    eq(x[{i32 {1, 2}, {}, i32 {4, 3}}], {{4, 8, 12}, {15, 19, 23}}) -- apart: in front
    fails(function() return x[{i32 {1, 2}, i32 {1, 2, 3}}] end,
        "index_spec.lua:%d+: indices of 2 and of 3 do not fit together")
end)

test("a mask gives the elements where it is not 0; one of the leading dimensions gives rows",
    function()
    local x = matrix()
    eq(x[x:gt(6)], {7, 8, 9})
    eq(x[x:gt(9)].shape, {0})
    eq(x[tensor {true, false, true}], {{1, 2, 3}, {7, 8, 9}})
    eq(x[{{}, tensor {false, true, true}}], {{2, 3}, {5, 6}, {8, 9}})
    eq(x[{2, tensor {true, false, true}}], {4, 6})
    eq(x[{tensor {true, false, true}, i32 {2, 1}}], {2, 7})
    eq(x:t()[x:t():gt(6)], {7, 8, 9})
end)

test("masks and indices that do not fit say what and where", function()
    local x = matrix()
    fails(function() return x[tensor {true, false}] end,
        "a mask of 2 does not fit 3x3 from dimension 1 on", true)
    fails(function() return x[{1, tensor {{true}}}] end,
        "a mask of 1x1 does not fit 3x3 from dimension 2 on", true)
    fails(function() return x[{x:gt(1), 1}] end, "for a tensor of 3x3")
    fails(function() return x[i32 {1, 0}] end,
        "index_spec.lua:%d+: index 0 in dimension 1: counting starts at 1")
    fails(function() return x[{1, i32 {4}}] end, "index 4 is outside dimension 2, which has 3")
    fails(function() return x[i32 {-4}] end, "index -4 is outside dimension 1", true)
    fails(function() return x[tensor {1.5}] end, "index 1.5 is no whole number", true)
    fails(function() x[i32 {4}] = 0 end, "index 4 is outside dimension 1, which has 3")
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
    fails(function() mask[1] = 2.5 end, "2.5 does not fit into u8", true)
end)

test("assignment writes through indices and masks", function()
    local x = matrix()
    x[i32 {1, 3}] = 0
    eq(x, {{0, 0, 0}, {4, 5, 6}, {0, 0, 0}})
    x[{{}, i32 {3, 1}}] = tensor {7, 8}
    eq(x, {{8, 0, 7}, {8, 5, 7}, {8, 0, 7}})
    x[{i32 {1, 2}, i32 {2, 2}}] = {-1, -2}
    eq(x, {{8, -1, 7}, {8, -2, 7}, {8, 0, 7}})
    x[x:lt(0)] = 9
    eq(x, {{8, 9, 7}, {8, 9, 7}, {8, 0, 7}})
    x[x:eq(8)] = {1, 2, 3}
    eq(x, {{1, 9, 7}, {2, 9, 7}, {3, 0, 7}})
    x[tensor {false, false, true}] = {{4, 5, 6}}
    eq(x[3], {4, 5, 6})
    x[i32 {1, 1}] = {{1, 1, 1}, {2, 2, 2}}
    eq(x[1], {2, 2, 2}) -- the last one counts
    fails(function() x[i32 {1, 2}] = {1, 2} end, "cannot write 2 into 2x3", true)
end)

test("assignment reaches through views that lie anyhow", function()
    local x = matrix()
    x:t()[{i32 {1, 2}, i32 {2, 3}}] = 0
    eq(x, {{1, 2, 3}, {0, 5, 6}, {7, 0, 9}})
    x:t()[{{}, {1, 2}}][x:t()[{{}, {1, 2}}]:eq(0)] = -1
    eq(x, {{1, 2, 3}, {-1, 5, 6}, {7, 0, 9}})
end)

test("what a dtype does not hold is an error, however it comes", function()
    for _, case in ipairs {{"u8", 300}, {"u8", -1}, {"u8", 2.5}, {"i32", 2.5}, {"i32", 2 ^ 31},
        {"i32", 0 / 0}, {"u8", 1 / 0}} do
        local dtype, value = case[1], case[2]
        local x = tensor({1, 2, 3}, {dtype = dtype})
        local words = "does not fit into " .. dtype
        for _, write in ipairs {
            function() x[1] = value end,
            function() x[{{1, 2}}] = {1, value} end,
            function() x[{{1, 2}}] = tensor({1, value}, {dtype = "f64"}) end,
            function() x[i32 {1, 3}] = value end,
            function() x[x:gt(1)] = value end,
            function() x[x:gt(1)] = tensor({1, value}, {dtype = "f64"}) end,
            function() x:fill_(value) end,
            function() x:copy_(tensor({1, 2, value}, {dtype = "f64"})) end,
            function() x:copy_({1, 2, value}) end,
            function() x:masked_fill_(x:gt(1), value) end,
        } do
            fails(write, words, true)
            eq(x, {1, 2, 3})
        end
    end
    local x = tensor({1, 2, 3}, {dtype = "u8"})
    x[{{1, 2}}] = tensor {4, 255}
    x[3] = tensor(0)
    eq(x, {4, 255, 0})
    eq(x:copy_(tensor {300, -1, 2.5}:to "u8"), {255, 0, 2}) -- cut where it is asked for
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

test("gradients flow through indices and masks; repeated ones add up", function()
    local x = matrix():requires_grad_()
    local w = tensor {1, 10, 100}
    local c = (x[i32 {2, 2, 1}] * w):sum() + x[x:gt(8)]:sum() + x[{{}, i32 {1, 1}}]:sum()
    c:backward()
    eq(x.grad, {{3, 10, 100}, {4, 20, 200}, {2, 0, 1}})
    x:requires_grad_(false)
    x:requires_grad_()
    x[{i32 {1, 2, 1}, i32 {3, 3, 3}}]:sum():backward()
    eq(x.grad, {{0, 0, 2}, {0, 0, 1}, {0, 0, 0}})
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

-- ---- Methods ----

test("index_select, take and gather find elements by lists and tensors", function()
    local x = matrix()
    eq(x:index_select(1, {3, 1}), {{7, 8, 9}, {1, 2, 3}})
    eq(x:index_select(-1, i32 {2}), {{2}, {5}, {8}})
    eq(x:index_select(2, {}).shape, {3, 0})
    eq(x:take {9, 1, -2}, {9, 1, 8})
    eq(x:take {{1, 2}, {3, 4}}, {{1, 2}, {3, 4}})
    eq(x:take(5):item(), 5)
    eq(x:gather(2, {{3}, {1}, {2}}), {{3}, {4}, {8}})
    eq(x:gather(1, x:argmax(1, {keep = true})), {{7, 8, 9}})
    eq(x:t():take {2}, {4})
end)

-- Rows of few elements are taken column by column or one behind the other, by their length; what
-- comes last in row-major order counts.
test("short rows: many of them, read, written and added to as one by one", function()
    local n <const> = 70
    for _, m in ipairs {2, 3, 4, 5, 15, 16, 17} do
        local x = tensor.range(1, n * m):reshape(n, m)
        local g = tensor.randint(1, m, n, m)
        local read, added = x:gather(2, g), tensor.zeros(n, m):scatter_add(2, g, x)
        local all = tensor.full(3, n, m, {dtype = "i32"})
        local across = tensor.zeros(n, m):scatter_add(1, all, x)
        for i = 1, n do
            local sums = {}
            for j = 1, m do sums[j] = 0 end
            for j = 1, m do
                local k = g[i][j]
                assert(read[i][j] == x[i][k])
                sums[k] = sums[k] + x[i][j]
            end
            eq(added[i], sums)
        end
        eq(across[3], x:sum(1))
        eq(across:sum(), x:sum())
    end
    local m <const> = 5
    local x = tensor.range(1, n * m):reshape(n, m)
    local line, places = tensor.zeros(3), tensor.full(2, n, m, {dtype = "i32"})
    places[{n, m}] = 1 -- so that the last one for 2 stands in another column
    line[places] = x
    eq(line, {n * m, n * m - 1, 0})
    eq(x:t():index_select(1, {5, 1})[{ {}, 2 }], {10, 6})
end)

test("indices in i32 reach from 1 to the size and no further", function()
    local x = tensor {{1, 2, 3}, {4, 5, 6}}
    local function i32(t) return tensor(t, {dtype = "i32"}) end
    eq(x:gather(2, i32 {{1, 3}, {3, 1}}), {{1, 3}, {6, 4}})
    eq(x:gather(2, i32 {{1, 3}, {3, 1}}:t()), {{1, 3}, {6, 4}})
    eq(x:gather(2, i32 {{-1}, {-3}}), {{3}, {4}})
    fails(function() x:gather(2, i32 {{1}, {4}}) end, "index 4 is outside dimension 2", true)
    fails(function() x:gather(2, i32 {{1}, {0}}) end, "counting starts at 1", true)
    fails(function() x:scatter_add(2, i32 {{-4}, {1}}, 1) end, "index -4 is outside", true)
end)

test("scatter_add adds repeated indices up, in place too", function()
    local x = tensor.zeros(3)
    eq(x:scatter_add(1, {1, 3, 3}, tensor {1, 2, 4}), {1, 0, 6})
    eq(x, {0, 0, 0})
    eq(x:scatter_add_(1, {1, 3, 3}, 1), {1, 0, 2})
    eq(x, {1, 0, 2})
    local counts = tensor.zeros(2, {dtype = "i32"})
    eq(counts:scatter_add_(1, tensor({1, 2, 2}, {dtype = "u8"}), 1), {1, 2})
    eq(counts.dtype, "i32")
    fails(function() counts:scatter_add_(1, {1}, 2 ^ 31) end, "does not fit into i32", true)
    fails(function() counts:scatter_add_(1, {1}, 0.5) end, "does not fit into i32", true)
    eq(counts, {1, 2})
end)

test("masked_select, masked_fill and nonzero read masks, also written as lists", function()
    local x = matrix()
    eq(x:masked_select(x:ge(8)), {8, 9})
    eq(x:masked_select {true, false, false}, {1, 4, 7})
    eq(x:masked_fill(x:ge(8), 0), {{1, 2, 3}, {4, 5, 6}, {7, 0, 0}})
    eq(x:masked_fill_({{true}, {false}, {false}}, -1), {{-1, -1, -1}, {4, 5, 6}, {7, 8, 9}})
    eq(x:lt(0):nonzero(), {{1, 1}, {1, 2}, {1, 3}})
    eq(tensor {0, 0 / 0}:nonzero(), {{2}})
    eq(tensor({5, 0}, {dtype = "u8"}):masked_fill(tensor {true, false}, 7), {7, 0})
end)

test("diag reads and makes diagonals; that of a matrix is a view", function()
    local x = matrix()
    eq(x:diag(), {1, 5, 9})
    eq(x:diag(-2), {7})
    eq(x:diag(3).shape, {0})
    eq(tensor {1, 2}:diag(1), {{0, 1, 0}, {0, 0, 2}, {0, 0, 0}})
    x:diag():fill_(0)
    eq(x, {{0, 2, 3}, {4, 0, 6}, {7, 8, 0}})
end)

test("wrong arguments are named as they were given", function()
    local x = matrix()
    local mask = x:gt(1)
    fails(function() x:index_select(1, "a") end,
        "index_select: argument 2 must be a tensor or a list of indices, not 'a'", true)
    fails(function() x:index_select(1, {true}) end,
        "index_select: true and false make a mask, not indices", true)
    fails(function() x:index_select(2, {1, 4}) end,
        "index_select: index 4 is outside dimension 2, which has 3", true)
    fails(function() x:index_select(1, {0}) end,
        "index_select: index 0 in dimension 1: counting starts at 1", true)
    fails(function() x:index_select(1, {1.5}) end, "index_select: index 1.5 is no whole", true)
    fails(function() x:index_select(1, {{1}, {2, 3}}) end, "rows of different lengths", true)
    fails(function() x:index_select(1, mask) end, "3x3", true)
    fails(function() x:take(10) end,
        "take: index 10 is outside the tensor, which has 9 elements", true)
    fails(function() x:gather(1, {1, 2}) end, "gather: an index of 2 does not fit 3x3", true)
    fails(function() x:masked_select {1, 0} end,
        "masked_select: argument 1 must be a mask, as x:gt(0) gives it", true)
    fails(function() x:masked_select(x) end, "the mask must be u8, as :gt gives it, not f32", true)
    fails(function() x:masked_fill(mask, "a") end, "argument 2 must be a tensor or a number", true)
    fails(function() x:diag(1.5) end, "1.5", true)
    fails(function() x:nonzero(1) end, "one argument too many", true)
end)

spec.report()
