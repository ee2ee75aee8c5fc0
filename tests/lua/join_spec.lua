-- Tensors made of tensors and cut into tensors: cat, stack, rep, chunk, split, lerp.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor, nn = nabla.tensor, nabla.nn

test("cat joins along a dimension", function()
    local a, b = tensor {{1}, {2}}, tensor {{3}, {4}}
    eq(tensor.cat {a, b}, {{1}, {2}, {3}, {4}})
    eq(tensor.cat({a, b, a}, 2), {{1, 3, 1}, {2, 4, 2}})
    local one = tensor {1}
    local copy = tensor.cat {one}
    copy[1] = 5
    eq(one, {1})
    fails(function() tensor.cat {} end, "empty")
    fails(function() tensor.cat {a, 1} end, "entry 2 of the list must be a tensor, not 1")
    fails(function() tensor.cat({a, tensor {{1, 2}}}, 1) end, "2x1.*1x2")
end)

test("cat counts dimensions from the end too, and takes members without entries", function()
    local a = tensor {{1, 2}, {3, 4}}
    eq(tensor.cat({a, a}, -1), {{1, 2, 1, 2}, {3, 4, 3, 4}})
    eq(tensor.cat({a, a}, -2), tensor.cat({a, a}, 1):totable())
    eq(tensor.cat {tensor.zeros(0, 2), a, tensor.zeros(0, 2)}, a:totable())
    eq(tensor.cat({tensor.zeros(2, 0), a}, 2), a:totable())
    eq(tensor.cat {tensor.zeros(0, 2)}.shape, {0, 2})
    eq(tensor.cat({a:t(), a}, 2), {{1, 3, 1, 2}, {2, 4, 3, 4}})
    fails(function() tensor.cat({a, a}, 0) end,
        "cat: there is no dimension 0; counting starts at 1", true)
    fails(function() tensor.cat({a, a}, 3) end, "cat: there is no dimension 3; there are 2", true)
    fails(function() tensor.cat {a, a, tensor {1}} end, "cat: 2x2 and 1 (entry 3) do not fit", true)
    fails(function() tensor.cat {tensor(1), tensor(2)} end, "tensor.stack", true)
    fails(function() tensor.cat(a) end,
        "cat: argument 1 must be a list of tensors, not a tensor", true)
end)

test("cat of a thousand, with and without gradients", function()
    local list, expected = {}, {}
    for i = 1, 1000 do
        list[i] = tensor({i, -i}, {dtype = "f64"})
        expected[2 * i - 1], expected[2 * i] = i, -i
    end
    eq(tensor.cat(list), expected)
    for i = 1, 1000 do list[i]:requires_grad_() end
    local all = tensor.cat(list)
    eq(all, expected);
    (all * tensor.range(1, 2000, {dtype = "f64"})):sum():backward()
    for _, i in ipairs {1, 2, 500, 999, 1000} do eq(list[i].grad, {2 * i - 1, 2 * i}) end
end)

test("members of several dtypes meet where all of them can", function()
    local function of(dtype) return tensor({1}, {dtype = dtype}) end
    local function joined(...)
        local list = {}
        for i, dtype in ipairs {...} do list[i] = of(dtype) end
        return tensor.cat(list).dtype
    end
    eq(joined("u8", "u8"), "u8")
    eq(joined("i32", "i32", "i32"), "i32")
    eq(joined("u8", "i32"), "f64")
    eq(joined("u8", "f32"), "f32")
    -- Pairs would meet in f64 on the way.
    eq(joined("u8", "i32", "f32"), "f32")
    eq(joined("i32", "u8", "u8", "i32", "u8", "f32"), "f32")
    eq(joined("f32", "f64", "u8"), "f64")
    local w = tensor {1, 2}:requires_grad_()
    tensor.cat({w, tensor({3}, {dtype = "f64"})}):sum():backward()
    eq(w.grad, {1, 1})
    eq(w.grad.dtype, "f32")
end)

test("stack makes a dimension", function()
    local a, b = tensor {1, 2, 3}, tensor {4, 5, 6}
    eq(tensor.stack {a, b}, {{1, 2, 3}, {4, 5, 6}})
    eq(tensor.stack({a, b}, 2), {{1, 4}, {2, 5}, {3, 6}})
    eq(tensor.stack({a, b}, -1), {{1, 4}, {2, 5}, {3, 6}})
    eq(tensor.stack({a, b}, -2), {{1, 2, 3}, {4, 5, 6}})
    eq(tensor.stack {tensor(1), tensor(2)}, {1, 2})
    eq(tensor.stack {tensor.zeros(0), tensor.zeros(0)}.shape, {2, 0})
    local w = tensor {1, 2, 3}:requires_grad_();
    (tensor.stack({w, b, w}, 2) * tensor {1, 10, 100}):sum():backward()
    eq(w.grad, {101, 101, 101})
    fails(function() tensor.stack({a, b}, 3) end,
        "stack: there is no dimension 3; there are 2", true)
    fails(function() tensor.stack {a, tensor {1}} end, "stack: 3 and 1 (entry 2) do not fit", true)
    fails(function() tensor.stack {} end, "stack: the list of tensors is empty", true)
    fails(function() tensor.stack {"1"} end,
        "stack: entry 1 of the list must be a tensor, not '1'", true)
    local eight = tensor.ones(1, 1, 1, 1, 1, 1, 1, 1)
    fails(function() tensor.stack {eight} end, "stack: .*at most 8 dimensions")
end)

test("rep repeats the whole", function()
    local x = tensor {{1, 2}, {3, 4}}
    eq(x:rep(1, 2), {{1, 2, 1, 2}, {3, 4, 3, 4}})
    eq(x:rep(2, 1), {{1, 2}, {3, 4}, {1, 2}, {3, 4}})
    eq(tensor {1, 2}:rep(3), {1, 2, 1, 2, 1, 2})
    eq(tensor {1, 2}:rep({2, 2}), {{1, 2, 1, 2}, {1, 2, 1, 2}})
    eq(tensor(5):rep(3), {5, 5, 5})
    eq(x:rep(0, 1).shape, {0, 2})
    eq(x:t():rep(1, 2), {{1, 3, 1, 3}, {2, 4, 2, 4}})
    eq(tensor({1}, {dtype = "u8"}):rep(3).dtype, "u8")
    local w = tensor {1, 2}:requires_grad_();
    (w:rep(2, 2) * tensor {{1, 10, 100, 1000}, {2, 20, 200, 2000}}):sum():backward()
    eq(w.grad, {303, 3030})
    w = tensor {1, 2}:requires_grad_()
    w:rep(0, 3):sum():backward()
    eq(w.grad, {0, 0})
    fails(function() x:rep(2) end, "rep: 2x2 has 2 dimensions", true)
    fails(function() x:rep(2, -1) end, "rep: nothing can be repeated -1 times", true)
    fails(function() x:rep(2, 1.5) end, "rep: size 2 must be a whole number", true)
    fails(function() x:rep(2 ^ 40, 2 ^ 40) end, "too many elements")
end)

test("chunk and split give lists of views", function()
    local x = tensor.range(1, 7)
    local function plain(list)
        for i, piece in ipairs(list) do list[i] = piece:totable() end
        return list
    end
    eq(plain(x:chunk(3)), {{1, 2, 3}, {4, 5, 6}, {7}})
    eq(plain(x:chunk(5)), {{1, 2}, {3, 4}, {5, 6}, {7}})
    eq(#x:chunk(100), 7)
    eq(plain(x:chunk(1)), {{1, 2, 3, 4, 5, 6, 7}})
    eq(plain(x:split(3)), {{1, 2, 3}, {4, 5, 6}, {7}})
    eq(plain(x:split(7)), {{1, 2, 3, 4, 5, 6, 7}})
    eq(plain(x:split(2 ^ 60)), {{1, 2, 3, 4, 5, 6, 7}})
    eq(plain(x:split({2, 0, 5})), {{1, 2}, {}, {3, 4, 5, 6, 7}})
    eq(plain(tensor {{1, 2, 3}, {4, 5, 6}}:split(2, 2)), {{{1, 2}, {4, 5}}, {{3}, {6}}})
    eq(plain(tensor {{1, 2, 3}, {4, 5, 6}}:chunk(3, -1)), {{{1}, {4}}, {{2}, {5}}, {{3}, {6}}})
    eq(tensor.zeros(0, 2):chunk(3)[1].shape, {0, 2})
    eq(#tensor.zeros(0, 2):split(3), 1)
    x:split(2)[2]:fill_(0)
    eq(x, {1, 2, 0, 0, 5, 6, 7})
    fails(function() x:chunk(0) end,
        "the number of chunks must be a whole number from 1, not 0", true)
    fails(function() x:split(0) end, "split: the size must be a whole number from 1, not 0", true)
    fails(function() x:split({}) end, "split: the list of sizes is empty", true)
    fails(function() x:split({3, 3}) end, "split: the sizes add up to 6, there are 7 entries", true)
    fails(function() x:split({3, 5}) end, "split: size 2 is 5, but 4 entries are left", true)
    fails(function() x:split({8, -1}) end, "split: size 1 is 8, but 7 entries are left", true)
    fails(function() x:split({-1, 8}) end, "split: size 1 is -1", true)
    fails(function() x:split({3, "4"}) end, "split: a size must be a whole number, not '4'", true)
    fails(function() x:split(2, 2) end, "split: there is no dimension 2; there are 1", true)
    fails(function() tensor(1):chunk(2) end, "chunk: a tensor without dimensions", true)
end)

test("gradients flow through the pieces", function()
    local w = tensor.range(1, 1000, {dtype = "f64"}):requires_grad_()
    local c = 0
    for i, piece in ipairs(w:split(1)) do c = c + piece:sum() * i end
    c:backward()
    eq(w.grad, tensor.range(1, 1000):totable())
    local m = tensor {{1, 2, 3}, {4, 5, 6}}:requires_grad_()
    m:chunk(2, 2)[1]:sum():backward()
    eq(m.grad, {{1, 1, 0}, {1, 1, 0}})
end)

test("lerp goes from x to y", function()
    local x, y = tensor {0, 10}, tensor {4, 20}
    eq(x:lerp(y, 0), {0, 10})
    eq(x:lerp(y, 1), {4, 20})
    eq(x:lerp(y, 0.25), {1, 12.5})
    eq(x:lerp(y, tensor {0.5, 1}), {2, 20})
    eq(x:lerp(5, 0.5), {2.5, 7.5})
    eq(x:lerp(y, tensor {{0}, {1}}), {{0, 10}, {4, 20}})
    -- 1/3 of the way back from y is y where x and y are one number, and exact at the ends.
    local a, b = tensor({0.1, 1e10}, {dtype = "f64"}), tensor({0.7, 0.3}, {dtype = "f64"})
    eq(a:lerp(b, 1), b:totable())
    eq(a:lerp(a, 1 / 3), a:totable())
    local z = tensor {0, 10}
    eq(rawequal(z:lerp_(y, 0.5), z), true)
    eq(z, {2, 15})
    fails(function() x:lerp(y) end,
        "lerp: argument 2 must be a tensor or a number, not nothing", true)
    fails(function() x:lerp(tensor {1, 2, 3}, 0.5) end, "lerp: 2 and 3 do not fit", true)
    fails(function() x:lerp(y, tensor {1, 2, 3}) end, "lerp: 2 and 3 do not fit", true)
    fails(function() z:lerp_(tensor {{1, 2}, {3, 4}}, 0.5) end,
        "lerp_: the result, 2x2, does not fit into 2", true)
end)

spec.report()
