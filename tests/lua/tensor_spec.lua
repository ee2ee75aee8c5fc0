-- Tensors: from values, looking at, reshaping, and how errors read.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor, nn = nabla.tensor, nabla.nn

-- ---- From values ----

test("a table of numbers is a row of the default dtype", function()
    local x = tensor {1, 2.5, -3}
    eq(x, {1, 2.5, -3})
    eq(x.shape, {3})
    eq(x.dtype, "f32")
end)

test("nested tables are dimensions", function()
    local x = tensor {{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}}
    eq(x.shape, {2, 2, 2})
    eq(x, {{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}})
end)

test("a number and a boolean have no dimensions", function()
    eq(tensor(2.5).shape, {})
    eq(tensor(2.5):item(), 2.5)
    eq(tensor(true).dtype, "u8")
    eq(tensor {true, false}, {1, 0})
    eq(tensor({true, false}, {dtype = "f64"}).dtype, "f64")
end)

test("empty tables keep their sizes", function()
    eq(tensor({}).shape, {0})
    eq(tensor({{}, {}}).shape, {2, 0})
    eq(tensor({{}, {}}):totable(), {{}, {}})
end)

test("a tensor is copied, in another dtype too", function()
    local x = tensor {1, 2}
    local y = tensor(x)
    y[1] = 9
    eq(x, {1, 2})
    eq(tensor(x, {dtype = "f64"}).dtype, "f64")
    eq(tensor(tensor {1, -7}, {dtype = "i32"}), {1, -7})
    fails(function() tensor(tensor {1, 1.7}, {dtype = "i32"}) end,
          "1.7 does not fit into i32", true)
end)

test("ragged tables say where", function()
    fails(function() tensor {{1, 2}, {3}} end,
        "entry [2] has 1 value where entry [1] has 2", true)
    fails(function() tensor {{{1}, {2}}, {{3}, {4, 5}}} end,
        "entry [2][2] has 2 values where entry [1][1] has 1", true)
    fails(function() tensor {{1, 2}, 3} end,
        "entry [2] must be a table of 2 like entry [1], not 3", true)
    fails(function() tensor {1, {2}} end, "entry [2] must be a number, not a table", true)
end)

test("what is no number is refused with its place", function()
    fails(function() tensor {1, "2"} end, "entry [2] must be a number, not '2'", true)
    fails(function() tensor {{1, 2}, {3, false}} end,
        "entry [2][2] must be a number, not false", true)
    fails(function() tensor {true, 1} end,
        "entry [2] must be true or false like the first, not 1", true)
    fails(function() tensor {1, nil, 3} end, "entry [2] must be a number, not nil", true)
    fails(function() tensor {1, [3] = 3} end, "hole behind [1]", true)
    fails(function() tensor("x") end,
        "tensor: argument 1 must be a tensor, a number or a table of numbers, not 'x'", true)
    fails(function() tensor() end, "not nothing", true)
end)

test("options among the values are noticed", function()
    fails(function() tensor {1, 2, dtype = "f64"} end,
        "'dtype' among the values of a tensor", true)
end)

test("numbers that a dtype does not hold are refused", function()
    eq(tensor({0, 255}, {dtype = "u8"}), {0, 255})
    fails(function() tensor({256}, {dtype = "u8"}) end,
        "entry [1] is 256, which does not fit into u8", true)
    fails(function() tensor({-1}, {dtype = "u8"}) end, "does not fit into u8")
    eq(tensor({-2147483648, 2147483647}, {dtype = "i32"}), {-2147483648, 2147483647})
    fails(function() tensor({2147483648}, {dtype = "i32"}) end, "does not fit into i32")
    fails(function() tensor({1, 2.5}, {dtype = "i32"}) end,
        "entry [2] is 2.5, which does not fit into i32", true)
    fails(function() tensor({0 / 0}, {dtype = "i32"}) end, "does not fit into i32")
end)

test("eight dimensions are the most", function()
    local eight = {{{{{{{{1}}}}}}}}
    eq(tensor(eight).shape, {1, 1, 1, 1, 1, 1, 1, 1})
    fails(function() tensor {eight} end, "deeper than the 8 dimensions")
    local cycle = {}
    cycle[1] = cycle
    fails(function() tensor(cycle) end, "deeper than the 8 dimensions")
end)

-- ---- Looking ----

test("shape is a table of one's own", function()
    local x = tensor.zeros(2, 3)
    x.shape[1] = 99
    eq(x.shape, {2, 3})
    eq(x:dim(), 2)
    eq(x:size(1), 2)
    eq(x:size(-1), 3)
    eq(x:numel(), 6)
    eq(#x, 2)
    fails(function() return x:size(0) end, "there is no dimension 0; counting starts at 1", true)
    fails(function() return x:size(3) end, "there is no dimension 3; there are 2", true)
    fails(function() return x:size(1.5) end, "dimension must be a whole number, not 1.5", true)
    fails(function() return #tensor(1) end, "no length")
end)

test("item gives the one number", function()
    eq(tensor {{5}}:item(), 5)
    eq(math.type(tensor({5}, {dtype = "i32"}):item()), "integer")
    fails(function() return tensor {1, 2}:item() end, "one element, not 2")
end)

test("unknown names are errors with the nearest", function()
    local x = tensor {1}
    fails(function() return x.shap end,
        "a tensor has no field 'shap'; did you mean 'shape'?", true)
    fails(function() return x:matmull(x) end, "did you mean 'matmul'?", true)
    fails(function() x.shape = {1} end, "cannot be set; x:reshape")
    fails(function() x.dtype = "f64" end, "cannot be set; x:to")
    fails(function() x.requires_grad = true end, "cannot be set; x:requires_grad_")
    fails(function() x.grad = nil end, "cannot be set; every backward makes it anew")
    fails(function() x.foo = 1 end, "no field 'foo'")
end)

test("each walks the first dimension; ipairs and pairs say so", function()
    local seen = {}
    for i, row in tensor {{1, 2}, {3, 4}}:each() do seen[i] = row:totable() end
    eq(seen, {{1, 2}, {3, 4}})
    local sum = 0
    for i, v in tensor {5, 6}:each() do sum = sum + i * v end
    eq(sum, 17)
    fails(function() for _ in ipairs(tensor {1}) do end end,
        "tensor_spec.lua:%d+: ipairs does not walk tensors.*x:each")
    fails(function() for _ in pairs(tensor {1}) do end end, "x:each()", true)
    for _ in tensor.zeros(0, 2):each() do error("an empty tensor has no rows") end
end)

test("tostring is short, format{all} is whole", function()
    local x = tensor.range(1, 5000)
    eq(#tostring(x) < 2000, true)
    eq(#x:format {all = true} > 15000, true)
    eq(tostring(tensor(2.5)):find("2.5", 1, true) ~= nil, true)
    fails(function() x:format {al = true} end, "did you mean 'all'?", true)
end)

-- ---- Shapes ----

test("reshape is a view where it can be", function()
    local x = tensor.range(1, 6)
    local y = x:reshape(2, -1)
    eq(y, {{1, 2, 3}, {4, 5, 6}})
    y[{1, 1}] = 9
    eq(x[1], 9)
    eq(y:t():reshape(6), {9, 4, 2, 5, 3, 6})
    eq(x:reshape({3, 2}).shape, {3, 2})
    fails(function() x:reshape(4, 2) end, "cannot reshape 6 .*4x2")
    fails(function() x:reshape(-1, -1) end, "-1")
    fails(function() x:reshape(-2, 3) end, "size 1 must be a whole number from -1, not -2", true)
end)

test("flatten, squeeze, unsqueeze, expand", function()
    local x = tensor {{1, 2, 3}}
    eq(x:flatten(), {1, 2, 3})
    eq(x:squeeze(), {1, 2, 3})
    eq(x:squeeze(2).shape, {1, 3})
    eq(x:unsqueeze(1).shape, {1, 1, 3})
    eq(x:unsqueeze(-1).shape, {1, 3, 1})
    eq(x:unsqueeze(3).shape, {1, 3, 1})
    eq(x:expand(2, 3), {{1, 2, 3}, {1, 2, 3}})
    fails(function() x:unsqueeze(4) end, "no dimension 4", true)
    fails(function() x:unsqueeze(0) end, "counting starts at 1")
    fails(function() x:expand(2, 2) end, "1x3.*2x2")
end)

test("t, permute, contiguous, clone", function()
    local x = tensor {{1, 2, 3}, {4, 5, 6}}
    eq(x:t(), {{1, 4}, {2, 5}, {3, 6}})
    eq(x:permute(2, 1), x:t():totable())
    eq(x:t():is_contiguous(), false)
    eq(x:t():contiguous():is_contiguous(), true)
    local y = x:clone()
    y[{1, 1}] = 0
    eq(x[{1, 1}], 1)
    fails(function() x:permute(1) end, "each of the 2 dimensions once")
    fails(function() x:permute(1, 1) end, "permute: dimension 1 is named twice")
    fails(function() x:permute(1, 3) end, "no dimension 3")
end)

test("narrow and select are views", function()
    local x = tensor {{1, 2, 3}, {4, 5, 6}}
    eq(x:narrow(2, 2, 2), {{2, 3}, {5, 6}})
    eq(x:narrow(1, -1, 1), {{4, 5, 6}})
    eq(x:narrow(1, 2, 0).shape, {0, 3})
    eq(x:select(2, -1), {3, 6})
    x:select(1, 1):fill_(0)
    eq(x, {{0, 0, 0}, {4, 5, 6}})
    fails(function() x:narrow(2, 2, 3) end, "there are 2 entries from there, not 3")
    fails(function() x:select(3, 1) end, "no dimension 3")
    fails(function() x:select(1, 0) end, "counting starts at 1")
    fails(function() x:select(1, 3) end, "there is no entry 3; there are 2")
end)

test("to converts, to integers towards zero", function()
    eq(tensor {1.7, -1.7}:to("i32"), {1, -1})
    eq(tensor {-5, 300}:to("u8"), {0, 255})
    eq(tensor {1}:to("f64").dtype, "f64")
    fails(function() tensor {1}:to("f16") end, "not 'f16'", true)
    fails(function() tensor {1}:to() end, "to: argument 1 must be a dtype, not nothing", true)
end)

-- ---- Life ----

test("a released tensor says so", function()
    local kept
    do
        local x <close> = tensor {1, 2}
        kept = x
    end
    fails(function() return kept:sum() end, "already released")
    fails(function() return kept + 1 end, "already released")
    fails(function() return kept[1] end, "already released")
    fails(function() return tostring(kept) end, "already released")
end)

test("tensors that nobody holds give their memory back", function()
    collectgarbage()
    local before = nabla.memory().live
    for _ = 1, 2000 do tensor.zeros(64, 1024) end -- 512 MiB altogether
    eq(nabla.memory().live - before < 200 * 2 ^ 20, true)
    collectgarbage()
    eq(nabla.memory().live, before)
end)

-- Results that are older than two collections of the young would stay until a full one.
test("what a variable held ends when the value after its next one is made", function()
    local x <const>, y <const>, bytes <const> = tensor.zeros(256, 1024), tensor.zeros(1, 1024), 2 ^ 20
    local makes = {
        function() return -x end, function() return x + y end, function() return x:add(y) end,
        function() return x:clone() end, function() return tensor.zeros(256, 1024) end,
    }
    for _, make in ipairs(makes) do
        collectgarbage()
        collectgarbage()
        local before, most, z = nabla.memory().live, 0, nil
        for _ = 1, 12 do
            z = make()
            most = math.max(most, nabla.memory().live)
        end
        eq(#z > 0, true)
        eq((most - before) // bytes <= 2, true)
    end
end)

-- What Lua has held for long goes with a full collection only.
test("temporaries end without full collections", function()
    local x, old = tensor.zeros(100, 100), setmetatable({{}}, {__mode = "v"})
    local kept = old[1]
    collectgarbage()
    kept = nil
    local before, most = nabla.memory().live, 0
    for _ = 1, 500 do
        local _ = x + x -- 40 kB
        most = math.max(most, nabla.memory().live)
    end
    eq(most - before < 2 ^ 20, true)
    if not os.getenv "NABLA_STRESS" then eq(old[1] ~= nil, true) end
    collectgarbage()
    eq(old[1], nil)
end)

test("past the memory limit comes an error, and all goes on", function()
    collectgarbage()
    local x = tensor.ones(1000)
    local limit = nabla.memory().limit
    nabla.memory {limit = nabla.memory().used + 2 ^ 20}
    local ok, message = pcall(tensor.zeros, 2 ^ 20)
    local fits = pcall(tensor.zeros, 2 ^ 10)
    nabla.memory {limit = limit}
    eq(ok, false)
    eq(message:find("memory") ~= nil, true)
    eq(fits, true)
    eq(x:sum():item(), 1000)
end)

test("memory that only garbage holds does not count against the limit", function()
    collectgarbage()
    collectgarbage("stop")
    local limit = nabla.memory().limit
    nabla.memory {limit = nabla.memory().used + 2 ^ 22}
    local ok = pcall(function() for _ = 1, 50 do tensor.zeros(2 ^ 17) end end)
    nabla.memory {limit = limit}
    collectgarbage("restart")
    eq(ok, true)
end)

test("coroutines use tensors as everybody", function()
    local co = coroutine.wrap(function(x)
        while true do x = coroutine.yield(x * 2) end
    end)
    eq(co(tensor {1}), {2})
    eq(co(tensor {4}), {8})
    local bad = coroutine.create(function() return tensor {1, 2} + tensor {1, 2, 3} end)
    local ok, message = coroutine.resume(bad)
    eq(ok, false)
    eq(message:find("tensor_spec.lua:%d+: add") ~= nil, true)
end)

test("a tensor without dimensions joins a text; Lua's functions name item", function()
    local x = tensor {1, 2}
    eq("C = " .. x:sum(), "C = 3")
    eq(x:sum() .. "!", "3!")
    eq(x:sum() .. x:mean(), "31.5")
    fails(function() return "a" .. x end, "cannot join 'a' and a tensor by ..", true)
    fails(function() return x:sum() .. {} end, "cannot join", true)
    fails(function() return ("%g"):format(x:sum()) end, "x:item() gives its number", true)
end)

test("functions of Lua's math are refused at once in networks", function()
    local nn = nabla.nn
    local net = nn.net "2 - 1"
    fails(function() nn.dense {1, math.sin} end, 'gets a tensor; write "sin"', true)
    fails(function() net[1].activation = math.exp end, "math.exp takes a number", true)
    fails(function() net[1]:neuron(1).activation = math.sin end, 'write "sin"', true)
    fails(function() nn.activation {name = "q", f = math.sqrt} end, "return x:sqrt() end", true)
    fails(function() nn.net {2, 1, cost = math.abs} end, "the cost gets a tensor", true)
    fails(function() nn.net {2, math.floor, 1} end, "gets a tensor; write function(x)", true)
end)

spec.report()
