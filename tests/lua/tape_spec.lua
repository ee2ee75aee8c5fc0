-- The tape as Lua sees it: what a change in place breaks and how that reads, where gradients begin,
-- no_grad, and the memory of graphs.
package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor, nn = nabla.tensor, nabla.nn

local function leaf(values) return tensor(values):requires_grad_() end
local function line() return debug.getinfo(2, "l").currentline end

-- fn fails because `op` needs what `name` changed on that line.
local function blames(fn, op, name, at)
    fails(fn, ("%s needs values for its gradient that %s in .*tape_spec%%.lua:%d changed in place")
        :format(op, name, at))
end

-- ---- Changes in place --------------------------------------------------------------------------

-- Every way to change a tensor, and its name in the message.
local changes = {
    ["add_"] = function(x) x:add_(1) return (line()) end,
    ["exp_"] = function(x) x:exp_() return (line()) end,
    ["clamp_"] = function(x) x:clamp_(0, 1) return (line()) end,
    ["copy_"] = function(x) x:copy_ {7, 8} return (line()) end,
    ["fill_"] = function(x) x:fill_(3) return (line()) end,
    ["zero_"] = function(x) x:zero_() return (line()) end,
    ["uniform_"] = function(x) x:uniform_() return (line()) end,
    ["an assignment"] = function(x) x[2] = 5 return (line()) end,
}

test("backward names the op and the line of the change that it cannot bear", function()
    for name, change in pairs(changes) do
        local w, x = leaf {1, 2}, tensor {3, 4}
        local y = (w * x):sum()
        local at = change(x)
        blames(function() y:backward() end, "mul", name, at)
        eq(w.grad, nil)
    end
end)

test("the line is found through a view, pcall and a function of Lua's own", function()
    local w, x = leaf {{1, 2}, {3, 4}}, tensor {{5, 6}, {7, 8}}
    local y = (w * x):sum()
    x[1]:add_(1)
    local at = line() - 1
    blames(function() y:backward() end, "mul", "add_", at)
    y = (w * x):sum()
    pcall(x.mul_, x, 2)
    at = line() - 1
    blames(function() y:backward() end, "mul", "mul_", at)
end)

test("a saved result may not change either", function()
    local x = leaf {1, 2}
    local y = x:exp()
    nn.no_grad(function() y:mul_(2) end)
    local at = line() - 1
    blames(function() y:sum():backward() end, "exp", "mul_", at)
end)

test("the last change is told, and a step of a network is one", function()
    local net = nn.net "2 - 1"
    local y = (net[1].w * net[1].w):sum()
    net:step({{1, 2}}, {{1}})
    local at = line() - 1
    blames(function() y:backward() end, "mul", "net:step", at)
    y = (net[1].w * net[1].w):sum()
    net[1].w = {{1, 2}}
    at = line() - 1
    blames(function() y:backward() end, "mul", "an assignment", at)
    y = (net[1].w * net[1].w):sum()
    net:reset(1)
    at = line() - 1
    blames(function() y:backward() end, "mul", "net:reset", at)
    y = (net[1].w * net[1].w):sum()
    net:train(tensor {{1, 2}, {3, 4}}, tensor {{1}, {0}}, {epochs = 1, progress = false})
    at = line() - 1
    blames(function() y:backward() end, "mul", "net:train", at)
end)

test("what no record needs may change", function()
    local w, x = leaf {1, 2}, tensor {3, 4}
    local y, z = (w * x):sum(), (x + w):sum()
    nn.no_grad(function() w:mul_(100) end)
    y:backward()
    eq(w.grad, {3, 4})
    x:zero_()
    z:backward()
    eq(w.grad, {1, 1})
    nn.no_grad(function() w:zero_() end)
    local exp = w:exp()
    nn.no_grad(function() w:add_(5) end)
    exp:sum():backward()
    eq(w.grad, {1, 1})
end)

test("in place on what takes part in a gradient is refused with the reason", function()
    local w = leaf {1, 2}
    local y = w:exp()
    fails(function() w:add_(1) end, "add_ would change a tensor that takes part in a gradient; " ..
        "do it inside nn.no_grad", true)
    fails(function() y:add_(1) end, "add_ would change the result of exp, which takes part in " ..
        "a gradient that would miss it; compute a new tensor, or change x:detach():clone()", true)
    fails(function() y[1] = 1 end, "an assignment would change the result of exp", true)
    local row = leaf({{1, 2}, {3, 4}})[1]
    fails(function() row[1] = 9 end, "an assignment would change a tensor that takes part", true)
    eq(w, {1, 2})
    eq(row, {1, 2})
    near(y, {math.exp(1), math.exp(2)})
end)

test("in place gives what the plain form gives, through every view", function()
    local function views()
        local base = tensor.range(1, 12):reshape(3, 4)
        return {base, base:t(), base[{{}, {2, 3}}], base[2], base:narrow(1, 2, 2)}
    end
    for i = 1, #views() do
        local x, y = views()[i], views()[i]
        local want = (y * 3 - y:mean() + y)
        x:mul_(3):sub_(y:mean()):add_(y)
        near(x, want)
    end
end)

test("in place with its own elements in other places works on what was there before", function()
    local x = tensor {{1, 2}, {3, 4}}
    eq(x:add_(x:t()), {{2, 5}, {5, 8}})
    x = tensor {{1, 2}, {3, 4}}
    eq(x:mul_(x[1]), {{1, 4}, {3, 8}})
    x = tensor {1, 2, 3, 4}
    x[{{2, 4}}]:add_(x[{{1, 3}}])
    eq(x, {1, 3, 5, 7})
    x = tensor {1, 2, 3}
    x:sub_(x[{{3, 1, -1}}])
    eq(x, {-2, 0, 2})
    x = tensor({1, 2, 3}, {dtype = "f32"})
    eq(x:add_(tensor({1, 2, 3}, {dtype = "f64"})), {2, 4, 6})
    eq(x.dtype, "f32")
end)

test("where a slope is a convention it is the one that the help tells", function()
    local function slope(of, ...)
        local leaves = {...}
        for _, leaf in ipairs(leaves) do leaf:requires_grad_() end
        of(table.unpack(leaves)):sum():backward()
        for i, leaf in ipairs(leaves) do leaves[i] = leaf.grad:totable() end
        return leaves
    end
    for _, name in ipairs {"maximum", "minimum"} do
        eq(slope(function(x, y) return x[name](x, y) end, tensor {2}, tensor {2}), {{1}, {0}})
    end
    eq(slope(function(x) return x:std() end, tensor {3, 3, 3}), {{0, 0, 0}})
end)

-- ---- Where backward begins ---------------------------------------------------------------------

test("backward takes a delta: a tensor, a table, a number", function()
    local x = leaf {1, 2, 3}
    local y = x * x
    y:backward {delta = tensor {1, 0, -1}, keep = true}
    eq(x.grad, {2, 0, -6})
    y:backward {delta = {0, 1, 0}, keep = true, accumulate = true}
    eq(x.grad, {2, 4, -6})
    y:backward {delta = tensor({1, 1, 1}, {dtype = "f64"}), keep = true}
    eq(x.grad, {2, 4, 6})
    y:sum():backward {delta = 10}
    eq(x.grad, {20, 40, 60})
    x:backward {delta = {7, 8, 9}}
    eq(x.grad, {7, 8, 9})
end)

test("a delta of another shape is an error that prints both", function()
    local x = leaf {1, 2, 3}
    local y = x * x
    fails(function() y:backward {delta = {{1, 2, 3}}} end, "delta is 1x3, the tensor 3")
    fails(function() y:backward {delta = 1} end, "delta is a number, the tensor 3")
    fails(function() y:backward() end, "one number, not 3; take its sum, or give a delta", true)
    fails(function() y:backward {delta = "one"} end, "'one'")
    fails(function() y:backward {delt = 1} end, "did you mean 'delta'")
    fails(function() tensor.ones(2):backward() end, "no gradient flows here")
    eq(x.grad, nil)
end)

test("a delta is not written over", function()
    local x, delta = leaf {1, 2}, tensor {1, 1}
    x:neg():exp():mul(3):backward {delta = delta}
    eq(delta, {1, 1})
    x:backward {delta = delta}
    x.grad:zero_()
    eq(delta, {1, 1})
end)

test("a second backward without keep says so, also from a part of the graph", function()
    local x = leaf {1, 2}
    local y = x * x
    local z = y:sum()
    z:backward()
    local words = "this graph was released by an earlier backward; give that one {keep = true}"
    fails(function() z:backward() end, words, true)
    fails(function() (y * 2):sum():backward() end, words, true)
    eq(x.grad, {2, 4})
end)

-- ---- no_grad -----------------------------------------------------------------------------------

local function records() return leaf {1}:exp().requires_grad end

test("no_grad nests, passes values and errors on, and ends with its function", function()
    local function count(...) return select("#", ...), ... end
    eq({nn.no_grad(count, 1, nil, 3)}, {[1] = 3, [2] = 1, [4] = 3})
    nn.no_grad(function()
        nn.no_grad(function() eq(records(), false) end)
        eq(records(), false)
        fails(function() nn.no_grad(error, {}) end, "table")
        eq(records(), false)
    end)
    eq(records(), true)
    fails(function() nn.no_grad(function() tensor.ones(2):add(tensor.ones(3)) end) end, "2 and 3")
    eq(records(), true)
    fails(function() nn.no_grad(3) end, "no_grad: argument 1 must be a function, not 3")
end)

test("no_grad does not leak out of a coroutine or into one", function()
    -- A yield would leave it on for whoever resumed.
    local co = coroutine.create(function() nn.no_grad(coroutine.yield, 1) end)
    local ok, message = coroutine.resume(co)
    eq(ok, false)
    eq(message:find("yield", 1, true) ~= nil, true)
    eq(records(), true)
    local inside = coroutine.wrap(function()
        while true do coroutine.yield(records()) end
    end)
    eq(inside(), true)
    nn.no_grad(function() eq(inside(), false) end)
    eq(inside(), true)
end)

test("a backward inside no_grad works on what was recorded outside", function()
    local x = leaf {1, 2}
    local y = (x * x):sum()
    nn.no_grad(function() y:backward() end)
    eq(x.grad, {2, 4})
end)

-- ---- Memory ------------------------------------------------------------------------------------

local function live()
    collectgarbage()
    collectgarbage()
    return nabla.memory().live
end

test("backward without keep gives the graph back at once", function()
    local x = tensor.zeros(100000):requires_grad_()
    local bytes = x:numel() * 4
    local before = live()
    local c = ((x * 2):exp() * 3):tanh():sum()
    eq(nabla.memory().live - before > 2 * bytes, true)
    c:backward()
    -- Nothing is collected in between: the gradient, and what hangs on handles of Lua.
    x.grad:sum()
    c = nil
    local after = live()
    eq(after - before >= bytes and after - before < bytes + 4096 + bytes / 4, true)
end)

test("a graph that is dropped brings the collection nearer by its bytes", function()
    local x = tensor.zeros(250000):requires_grad_()
    live()
    local most = 0
    for _ = 1, 1000 do
        local y = x
        for _ = 1, 4 do y = y + 1 end
        most = math.max(most, nabla.memory().live)
    end
    -- A gigabyte a thousand times four; at most what asks for a collection and a graph are live.
    eq(most < 80 * 2^20, true)
end)

-- The number that a program of its own prints.
local function number_of(code)
    local pipe = io.popen(("%s -e '%s'"):format(os.getenv "NABLA" or arg[-1], code))
    local number = pipe:read "n"
    pipe:close()
    return number
end

-- Catches blocks that go back to the system in every turn of a loop: fresh pages cost more than the
-- work on them.
test("a loop over a chain with backward asks the system for nothing", function()
    eq(number_of [[
        local x = tensor.zeros(1000000):requires_grad_()
        local requests
        for turn = 1, 6 do
            local y = x
            for _ = 1, 10 do y = (y * 1.01):tanh() end
            y:sum():backward()
            y = nil
            collectgarbage()
            if turn == 3 then requests = nabla.memory().requests end
        end
        print(nabla.memory().requests - requests)]], 0)
end)

-- The most memory that a program ever held which runs this code, in bytes.
local function most(code)
    return 1024 * number_of(code .. [[
        for text in io.lines "/proc/self/status" do
            local kilobytes = text:match "VmHWM:%s*(%d+)"
            if kilobytes then print(kilobytes) end
        end]])
end

test("a loop of temporaries holds little memory", function()
    -- Sanitizers keep what is freed; the stress mode is no measure; not every system has /proc.
    local status = io.open "/proc/self/status"
    if not status or os.getenv "NABLA_SANITIZED" or os.getenv "NABLA_STRESS" then return end
    status:close()
    local large, small = "x = tensor.zeros(262144) ", "x = tensor.zeros(300) "
    eq(most(large .. "for i = 1, 4000 do local y = x + 1 end") < 128 * 2^20, true)
    eq(most(small .. "for i = 1, 1000000 do local y = x + 1 end") < 100e6, true)
    eq(most(small .. "for i = 1, 300000 do x = x + 1 end") < 100e6, true)
    eq(most(small .. "x:requires_grad_() for i = 1, 300000 do local y = x + 1 end") < 100e6, true)
    eq(most(large .. "x:requires_grad_() for i = 1, 500 do (x * 2):sum():backward() end") <
        128 * 2^20, true)
end)

-- Runs fn with ever more memory until it is enough: every failure is an error of memory, leaves
-- `watch` as it was and nothing behind.
local function sweep(fn, watch, step)
    local want, limit, failures = watch:totable(), nabla.memory().limit, 0
    local before = live()
    -- From below, because garbage of Lua's gives way too.
    for more = -2048, 2^20, step do
        nabla.memory {limit = nabla.memory().used + more}
        local ok, message = pcall(fn)
        nabla.memory {limit = limit}
        if ok then return failures end
        failures = failures + 1
        if not tostring(message):find("not enough memory", 1, true) then error(message) end
        eq(watch, want)
        eq(live(), before)
    end
    error "memory was never enough"
end

test("where memory ends everything is as it was", function()
    local x, y, w = tensor.range(1, 100), tensor.ones(100), tensor.ones(100):requires_grad_()
    eq(sweep(function() return x:add(y):mul(3):exp():sum(1) end, x, 64) > 5, true)
    eq(sweep(function() return x:to("f64"):softmax() end, x, 64) > 5, true)
    local c = (w * x):tanh():sum()
    eq(sweep(function() c:backward {keep = true} end, x, 64) > 1, true)
end)

spec.report()
