-- Operators and methods made from the table of ops: arguments, broadcasting, in-place forms; the
-- tape.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor, nn = nabla.tensor, nabla.nn

-- ---- Operators ----

test("operators work element by element, numbers on either side", function()
    local x, y = tensor {1, 2, 4}, tensor {4, 5, 8}
    eq(x + y, {5, 7, 12})
    eq(x - y, {-3, -3, -4})
    eq(x * y, {4, 10, 32})
    eq(y / x, {4, 2.5, 2})
    eq(x ^ 2, {1, 4, 16})
    eq(-x, {-1, -2, -4})
    eq(1 + x, {2, 3, 5})
    eq(10 - x, {9, 8, 6})
    eq(2 * x, {2, 4, 8})
    eq(8 / x, {8, 4, 2})
    eq(2 ^ x, {2, 4, 16})
end)

test("shapes broadcast from the last dimension", function()
    local column, row = tensor {{1}, {2}}, tensor {10, 20, 30}
    eq(column + row, {{11, 21, 31}, {12, 22, 32}})
    eq(tensor.zeros(0, 3) + row, {})
    eq(tensor(5) + row, {15, 25, 35})
    fails(function() return tensor.ones(2, 3) + tensor.ones(2) end,
        "ops_spec.lua:%d+: add: .*2x3.*2")
    fails(function() return tensor.ones(2, 3) * tensor.ones(3, 2) end, "a:matmul(b)", true)
end)

test("f64 stays f64 beside numbers and wins over f32", function()
    local x = tensor({0.1}, {dtype = "f64"})
    eq((x + 0.2)[1], 0.1 + 0.2)
    eq((0.2 + x).dtype, "f64")
    eq((x * tensor {1}).dtype, "f64")
    eq(tensor.where(tensor {true}, 0.1, x)[1], 0.1)
    eq((tensor({1}, {dtype = "u8"}) + 1).dtype, "f32")
    eq(tensor({3}, {dtype = "i32"}) / 2, {1.5})
    eq(tensor({3}, {dtype = "u8"}) + 0.5, {3.5})
end)

test("operands that are neither tensor nor number are refused in words", function()
    local x = tensor {1}
    fails(function() return x + nil end, "cannot compute a tensor + nil", true)
    fails(function() return {} * x end, "cannot compute a table * a tensor", true)
    fails(function() return x / "2" end, "cannot compute a tensor / '2'", true)
    fails(function() return x ^ true end, "cannot compute a tensor ^ true", true)
end)

test("< <= > >= compare tensors without dimensions", function()
    local a, b = tensor {1, 2}:sum(), tensor(4)
    eq(a < b, true)
    eq(a <= 3, true)
    eq(a > b, false)
    eq(5 >= b, true)
    eq(tensor(0 / 0) < 1, false)
    eq(tensor(0 / 0) >= 1, false)
    fails(function() return tensor {1, 2} < 3 end, "a:lt(b)", true)
    fails(function() return tensor {1} <= tensor {1} end, "a:le(b)", true)
    fails(function() return a < "x" end, "and 'x'", true)
end)

test("== is identity", function()
    local x = tensor {1}
    eq(x == x, true)
    eq(x == tensor {1}, false)
end)

-- ---- Methods ----

test("methods take tensors and numbers", function()
    local x = tensor {1, 2, 3}
    eq(x:add(1), {2, 3, 4})
    eq(x:pow(2), {1, 4, 9})
    eq(x:maximum(2), {2, 2, 3})
    eq(x:gt(1), {0, 1, 1})
    eq(x:gt(1).dtype, "u8")
    eq(x:clamp(1.5, 2.5), {1.5, 2, 2.5})
    eq(tensor.where(x:gt(2), x, -x), {-1, -2, 3})
    near(x:exp(), {math.exp(1), math.exp(2), math.exp(3)})
    near(x:sigmoid(), {1 / (1 + math.exp(-1)), 1 / (1 + math.exp(-2)), 1 / (1 + math.exp(-3))})
end)

test("arguments of a wrong kind or number name the method", function()
    local x = tensor {1, 2}
    fails(function() x:add("1") end, "add: argument 1 must be a tensor or a number, not '1'", true)
    fails(function() x:add() end,
        "add: argument 1 must be a tensor or a number, not nothing", true)
    fails(function() x:exp(1) end, "exp: 1 is one argument too many; write x:exp()", true)
    fails(function() x:clamp(1) end, "clamp: argument 2 must be a number, not nothing", true)
    fails(function() x.exp(nil) end, "exp: argument 1 must be a tensor, not nil", true)
    fails(function() x.exp() end, "exp: argument 1 must be a tensor, not nothing", true)
    fails(function() x:sum(0) end, "there is no dimension 0; counting starts at 1", true)
    fails(function() x:sum(2) end, "there is no dimension 2; there are 1", true)
    fails(function() x:sum(1, {kep = true}) end,
        "sum has no option 'kep'; did you mean 'keep'?", true)
    fails(function() x:sum(1, {keep = 1}) end, "keep must be true or false, not 1", true)
    fails(function() x:sum({true}) end, "sum: options are written name = value", true)
    fails(function() tensor.where(1, x, x) end, "argument 1 must be a tensor, not 1", true)
end)

test("reductions drop the dimension or keep it", function()
    local x = tensor {{1, 2, 3}, {4, 5, 6}}
    eq(x:sum():item(), 21)
    eq(x:sum().shape, {})
    eq(x:sum(1), {5, 7, 9})
    eq(x:sum(-1), {6, 15})
    eq(x:sum(1, 2):item(), 21)
    eq(x:sum(2, {keep = true}), {{6}, {15}})
    eq(x:sum {keep = true}.shape, {1, 1})
    eq(x:mean(2), {2, 5})
end)

test("max along a dimension gives values and places, without one the value", function()
    local x = tensor {{1, 9, 3}, {7, 5, 7}}
    local values, places = x:max(2)
    eq(values, {9, 7})
    eq(places, {2, 1})
    eq(select("#", x:max()), 1)
    eq(x:max():item(), 9)
    eq(x:min():item(), 1)
    eq(x:argmax(2), {2, 1})
    eq(x:argmax(), 2)
    eq(math.type(x:argmin()), "integer")
    eq(select("#", x:argmax(1)), 1)
    eq(spec.is_tensor(tensor({{5}}, {dtype = "i32"}):squeeze()), true)
    fails(function() tensor {}:max() end, "no elements")
end)

test("matmul takes vectors, matrices and batches", function()
    local a, b = tensor {{1, 2}, {3, 4}}, tensor {{5, 6}, {7, 8}}
    eq(a:matmul(b), {{19, 22}, {43, 50}})
    eq(a:matmul(tensor {1, 1}), {3, 7})
    eq(tensor {1, 1}:matmul(a), {4, 6})
    eq(tensor {1, 2}:matmul(tensor {3, 4}):item(), 11)
    eq(a:t():matmul(b), {{26, 30}, {38, 44}})
    eq(tensor {{{1, 2}}, {{3, 4}}}:matmul(b).shape, {2, 1, 2})
    fails(function() a:matmul(tensor {1, 2, 3}) end, "matmul: .*2x2.*3")
end)

-- ---- In place ----

test("a trailing underscore changes the tensor and gives it back", function()
    local x = tensor {1, 2, 3}
    eq(rawequal(x:add_(1), x), true)
    eq(x, {2, 3, 4})
    x:mul_(tensor {1, 0, 2}):neg_()
    eq(x, {-2, 0, -8})
    x:fill_(4):sqrt_()
    eq(x, {2, 2, 2})
    eq(x:zero_(), {0, 0, 0})
    eq(tensor.zeros(2, 2):copy_({1, 2}), {{1, 2}, {1, 2}})
    local y = tensor.range(1, 4)
    y[{{2, 3}}]:mul_(10)
    eq(y, {1, 20, 30, 4})
    y[{{1, 3}}]:copy_(y[{{2, 4}}])
    eq(y, {20, 30, 4, 4})
end)

test("arcs, hyperbolic functions and erf, in place too", function()
    local x = tensor({-0.5, 0, 0.75}, {dtype = "f64"})
    local of = {
        asin = math.asin,
        acos = math.acos,
        atan = math.atan,
        sinh = function(v) return (math.exp(v) - math.exp(-v)) / 2 end,
        cosh = function(v) return (math.exp(v) + math.exp(-v)) / 2 end,
    }
    for name, f in pairs(of) do
        local wanted = {f(-0.5), f(0), f(0.75)}
        near(x[name](x), wanted)
        local y = x:clone()
        y[name .. "_"](y)
        near(y, wanted)
    end
    near(x:erf(), {-0.5204998778130465, 0, 0.7111556336535151})
    near(x:clone():erf_(), {-0.5204998778130465, 0, 0.7111556336535151})
    eq(tensor {2}:asin():isnan(), {1})
    fails(function() return x:erf(1) end, "erf")
end)

test("in place neither shape nor dtype can change", function()
    local x = tensor {1, 2}
    fails(function() x:add_(tensor.ones(2, 2)) end, "2x2")
    fails(function() tensor({1}, {dtype = "i32"}):add_(1) end,
        "add_: i32 tensors store and do not compute")
    fails(function() x:fill_("a") end, "fill_: argument 1 must be a number, not 'a'", true)
    fails(function() x:copy_(nil) end, "copy_: argument 1 must be", true)
    fails(function() tensor({1}, {dtype = "u8"}):fill_(256) end, "256.*u8")
    eq(x, {1, 2})
end)

test("in place is refused where a gradient would miss it, but not inside no_grad", function()
    local w = tensor {1, 2}:requires_grad_()
    fails(function() w:add_(1) end,
        "add_ would change a tensor that takes part in a gradient; do it inside nn.no_grad", true)
    fails(function() w:fill_(1) end, "fill_ would change")
    fails(function() w:zero_() end, "zero_ would change")
    fails(function() tensor.zeros(2):add_(w) end,
        "add_ would lose the gradient of what it is given", true)
    fails(function() tensor.zeros(2):copy_(w) end, "copy_ would lose")
    nn.no_grad(function() w:add_(1) end)
    eq(w, {2, 3})
    eq(w.requires_grad, true)
end)

-- What a method's name was put before twice: "add_: add_ would change …".
test("a sentence that begins with the method's name has it once", function()
    local w = tensor {1, 2}:requires_grad_()
    for _, change in ipairs {function() w:add_(1) end, function() w:fill_(1) end,
            function() w[1] = 3 end, function() w:tril() end, function() w:inverse() end,
            function() w:expand(2, 2):item() end} do
        local ok, message = pcall(change)
        eq(ok, false)
        eq(message:match "^[^ ]+ ([%a_]+):? %1" , nil)
        eq(message:match "^[^ ]+ ([%a_]+): an" , nil)
    end
    fails(function() return w * {1, 2} end,
        "cannot compute a tensor * a table; beside a tensor stands a tensor or a number; tensor(t)", true)
    fails(function() return w:dot({1}) end, "not a table; tensor(t) makes one of a table", true)
    fails(function() return w * "2" end, "number$")
    fails(function() w:mul_(2) end, ":%d+: mul_ would change a tensor")
    fails(function() w:tril() end, ":%d+: tril takes matrices, not 2")
end)

-- ---- The tape ----

test("backward fills grad, fresh each time, unless accumulate", function()
    local x = tensor {1, 2, 3}:requires_grad_()
    eq(x.grad, nil)
    for _ = 1, 2 do
        (x ^ 2):sum():backward()
        eq(x.grad, {2, 4, 6})
    end
    (x * 10):sum():backward {accumulate = true}
    eq(x.grad, {12, 14, 16})
    x:requires_grad_(false)
    eq(x.requires_grad, false)
end)

test("an extreme hands its gradient to one input, also when it is infinite or beside NaN", function()
    local infinite = math.huge
    local x, y = tensor {1, 5, 0 / 0, 1}, tensor {2, 3, 1, 0 / 0}
    for _, name in ipairs {"maximum", "minimum"} do
        x:requires_grad_()
        y:requires_grad_();
        (x[name](x, y) * tensor {infinite, -infinite, 7, 8}):sum():backward()
        local dx, dy = {0, -infinite, 0, 0}, {infinite, 0, 7, 8}
        if name == "minimum" then dx, dy = {infinite, 0, 0, 0}, {0, -infinite, 7, 8} end
        eq(x.grad, dx)
        eq(y.grad, dy)
    end
end)

test("the slope of a power by its exponent at a base of 0", function()
    local a, b = tensor {0, 0, 0, 0}, tensor({2, 0, -2, -math.huge}):requires_grad_();
    (a ^ b):sum():backward()
    eq(b.grad, {0, 0, -math.huge, -math.huge})
end)

test("keep lets a graph be used again", function()
    local x = tensor {3}:requires_grad_()
    local c = (x * x):sum()
    c:backward {keep = true}
    c:backward()
    eq(x.grad, {6})
    fails(function() c:backward() end, "keep")
end)

test("backward says what is wrong", function()
    local x = tensor {1, 2}:requires_grad_()
    fails(function() (x * 2):backward() end, "ops_spec.lua:%d+: ")
    fails(function() tensor {1}:sum():backward() end, "no gradient flows here.*requires_grad_")
    fails(function() x:sum():backward {kepe = true} end,
        "backward has no option 'kepe'; did you mean 'keep'?", true)
    fails(function() tensor({1}, {dtype = "u8"}):requires_grad_() end, "u8")
    fails(function() x:requires_grad_(1) end, "must be true or false, not 1")
end)

test("detach and no_grad leave the tape", function()
    local x = tensor {2}:requires_grad_()
    eq(x:detach().requires_grad, false)
    eq((x * 2).requires_grad, true)
    local a, b = nn.no_grad(function(y) return y * 2, "two" end, x)
    eq(a.requires_grad, false)
    eq(b, "two")
    eq((x * 2).requires_grad, true)
end)

test("no_grad records again after an error", function()
    local x = tensor {2}:requires_grad_()
    local object = {}
    local ok, e = pcall(nn.no_grad, function() error(object) end)
    eq(ok, false)
    eq(rawequal(e, object), true)
    eq((x * 2).requires_grad, true)
    fails(function() nn.no_grad(1) end, "no_grad: argument 1 must be a function, not 1")
end)

test("a chain of 100,000 ops runs backward and is released", function()
    local x = tensor {1}:requires_grad_()
    local y = x
    for _ = 1, 100000 do y = y + 1 end
    y:sum():backward()
    eq(x.grad, {1})
end)

test("an old value that backward needs may not be changed", function()
    local x = tensor {1, 2}:requires_grad_()
    local factor = tensor {3, 4}
    local c = (x * factor):sum()
    factor:add_(1)
    fails(function() c:backward() end, "add")
end)

spec.report()
