-- Data sets: making, parts, the digits, IDX files, MNIST's folder.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor, data = nabla.tensor, nabla.data

-- ---- Sets ----

test("a set of class numbers", function()
    local set = data.set {x = {{1, 2}, {3, 4}, {5, 6}}, y = {2, 1, 2}, classes = {"cat", "dog"}}
    eq(#set, 3)
    eq(set.x, {{1, 2}, {3, 4}, {5, 6}})
    eq(set.y, {2, 1, 2})
    eq(set.classes, {"cat", "dog"})
    local x, name = table.unpack(set[1])
    eq(x, {1, 2})
    eq(name, "dog")
    eq(set[-2].y, "cat")
    eq(set[3].x, {5, 6})
    eq(set.train, nil)
end)

test("classes at every step", function()
    local nn = nabla.nn
    -- The output is the input, so the largest number of a step is its answer: 3, 1 and 2, 2.
    local net = nn.net {{2, 3}, nn.fn(function(x) return x * 1 end), cost = "quadratic"}
    local x = tensor {{{0, 0, 1}, {1, 0, 0}}, {{0, 1, 0}, {0, 1, 0}}}
    local set = data.set {x = x, y = {{3, 1}, {2, 3}}}
    eq(set[2].y, {2, 3})
    local e = net:evaluate(set)
    eq(e.examples, 2)
    eq(e.answers, 4)
    eq(e.correct, 3)
    eq(e.accuracy, 0.75)
    assert(tostring(e):find("3 right of 4", 1, true), tostring(e))
    near(e.cost, (1 + 1) / 2 / 2, 1e-6)
    near(net:cost(x, {{3, 1}, {2, 3}}), e.cost, 1e-6)
    near(net:cost(x, {{{0, 0, 1}, {1, 0, 0}}, {{0, 1, 0}, {0, 0, 1}}}), e.cost, 1e-6)
    eq(net:evaluate(x, {{3, 1}, {2, 3}}).correct, 3)
    eq(net:evaluate(x[1], {3, 2}).correct, 1)
    local named = data.set {x = x, y = {{3, 1}, {2, 3}}, classes = {"a", "b", "c"}}
    eq(tostring(named), "2 examples · x 2x3 · 3 classes a, b, c")
    eq(net:evaluate(named).correct, 3)
    fails(function() net:evaluate(data.set {x = x, y = {{3, 1}, {4, 1}}}) end,
        "y holds class 4 at example 2, step 1; the network has 3 classes")
    fails(function() net:evaluate(data.set {x = x, y = {{2, 0}, {2, 1}}}) end,
        "y holds class 0: classes count from 1; add 1 to y")
    fails(function() net:cost(x, {{3, 1}, {2.5, 1}}) end, "y holds class 2.5")
end)

test("names that are integers stay integers", function()
    local set = data.set {x = {{1}, {2}}, y = {1, 2}, classes = {0, 9}}
    eq(set.classes, {0, 9})
    eq(math.type(set[2].y), "integer")
    eq(math.type(data.set({x = {{1}, {2}}, y = {1, 2}})[2].y), "integer")
end)

test("a set of targets", function()
    local set = data.set {x = {{1}, {2}}, y = {{0.5, 1}, {0, 2}}}
    eq(set.classes, nil)
    eq(set[2].y, {0, 2})
    local plain = data.set {x = {{1}, {2}}, y = {0.5, 1.5}}
    eq(plain[2].y, 1.5)
    eq(data.set({x = {{1}, {2}}})[1].y, nil)
end)

test("examples count from 1; the one behind the last is nil", function()
    local set = data.set {x = {{1}, {2}}, y = {1, 2}}
    local count = 0
    for _ in ipairs(set) do count = count + 1 end
    eq(count, 2)
    fails(function() return set[0] end, "counting starts at 1")
    fails(function() return set[4] end, "no example 4; there are 2", true)
    fails(function() return set.clases end, "did you mean 'classes'", true)
    fails(function() set.x = 3 end, "does not change")
end)

test("what a set shows is a copy, into which nobody writes by mistake", function()
    local sets = {data.set {x = {{[2] = 1}, {[4] = 2}}, y = {1, 2}}, data.xor(), data.iris(),
        data.set {x = {{1}, {2}}, y = {{0.5, 1}, {0, 2}}}, data.digits().test}
    for _, set in ipairs(sets) do
        local sum, first = set.x:sum():item(), set.y[1]
        for _, change in ipairs {
            function() set.x[1][1] = 7 end,
            function() set.x:fill_(7) end,
            function() set.x:t():narrow(1, 1, 1):mul_(7) end,
            function() set.y[1] = 2 end,
            function() set[1].x:add_(7) end,
            function() set:take(1)[1].x[1] = 7 end,
        } do
            fails(change, "x = set.x:clone() may change", true)
        end
        eq(set.x:sum():item(), sum)
        eq(set.y[1], first)
        local x = set.x:clone()
        x[1][1] = 7
        eq(data.set({x = x, y = set.y})[1].x[1], 7)
        for x, y in set:batches(2) do x:mul_(2) y[1] = 1 end
        eq(set:take(1):map(function(x) x:zero_() return x end).x:sum():item(), 0)
    end
end)

test("what does not fit is refused", function()
    fails(function() data.set {y = {1}} end, "x is missing")
    fails(function() data.set {x = {{1}, {2}}, y = {1, 2, 3}} end, "data.set: ", true)
    fails(function() data.set {x = {{1}, {2}}, y = {0, 1}, classes = {"a", "b"}} end, "1")
    fails(function() data.set {x = {{1}, {2}}, y = {1, 3}, classes = {"a", "b"}} end, "3")
    fails(function() data.set {x = {{1}, {2}}, y = {1, 1.5}, classes = {"a", "b"}} end, "1.5")
    fails(function() data.set {x = {{1}, {2}}, y = {1, 2}, classes = "ab"} end, "table of names")
    fails(function() data.set {x = {{1}, {2}}, y = {1, 2}, classes = {"a", {}}} end,
          "a string or an integer")
    fails(function() data.set {x = {{1}}, clases = {}} end, "did you mean 'classes'", true)
    fails(function() data.set {x = "abc"} end, "abc")
    fails(function() data.set {x = {{1}}, y = "abc"} end, "tensor.load(path)", true)
    fails(function() data.set {x = print} end, "x must be a tensor, a table or a path")
    fails(function() data.set {x = {{1}}, y = data.xor()} end, "y must be .* not a data set")
    fails(function() data.set {x = {{1}, {2}}, y = {"a", "b"}} end, "y holds 'a'; .* classes their")
end)

test("parts", function()
    local rows, y = {}, {}
    for i = 1, 40 do rows[i], y[i] = {i}, i % 4 + 1 end
    local set = data.set {x = rows, y = y}
    eq(set:take(3).x, {{1}, {2}, {3}})
    eq(set:take(-2).x, {{39}, {40}})
    local a, b = set:shuffle(1), set:shuffle(1)
    eq(a.x, b.x)
    local seen = {}
    for i = 1, 40 do
        local v = a[i].x:totable()[1]
        seen[v] = true
        eq(a[i].y, v % 4 + 1)
    end
    eq(#seen, 40)
    local most, rest = set:split(0.75, 3)
    eq(#most, 30)
    eq(#rest, 10)
    local classes = {0, 0, 0, 0}
    for i = 1, 30 do classes[most[i].y] = classes[most[i].y] + 1 end
    table.sort(classes)
    eq(classes, {7, 7, 8, 8})
    fails(function() set:take(41) end, "41")
    fails(function() set:take() end, "whole number")
    fails(function() set:split(0) end, "set:split")
    fails(function() set:split(1.5) end, "set:split")
    fails(function() set:split "a" end, "between 0 and 1")
    fails(function() set.take(3, 1) end, "a data set")
end)

test("the digits", function()
    local digits = data.digits()
    eq(tostring(digits), "digits: 1,797 examples · x 64 · 10 classes 0…9 · train 1,437 · test 360")
    eq({#digits, #digits.train, #digits.test}, {1797, 1437, 360})
    eq(digits.classes, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
    assert(digits.train == digits.train)
    eq(digits.x:max():item(), 1)
    eq(digits.x:min():item(), 0)
    eq(data.digits().test.x:sum():item(), digits.test.x:sum():item())
    local counts = {}
    for i = 1, 360 do
        local name = digits.test[i].y
        counts[name] = (counts[name] or 0) + 1
    end
    for name = 0, 9 do assert(counts[name] >= 34 and counts[name] <= 38, counts[name]) end
end)

-- ---- Files ----

local function write(bytes)
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write(bytes)
    file:close()
    return path
end

local function header(kind, ...)
    local parts = {string.pack(">BBBB", 0, 0, kind, select("#", ...))}
    for _, size in ipairs {...} do parts[#parts + 1] = string.pack(">I4", size) end
    return table.concat(parts)
end

test("idx files", function()
    local path = write(header(0x08, 2, 3) .. "\1\2\3\4\5\255")
    local x = data.idx(path)
    eq(x.dtype, "u8")
    eq(x, {{1, 2, 3}, {4, 5, 255}})
    os.remove(path)
    path = write(header(0x0D, 2) .. string.pack(">ff", 0.5, -2))
    eq(data.idx(path), {0.5, -2})
    os.remove(path)
end)

test("idx files that are none", function()
    local whole = header(0x08, 2, 3) .. "\1\2\3\4\5\6"
    local function refused(bytes, pattern)
        local path = write(bytes)
        local message = fails(function() data.idx(path) end, pattern)
        assert(message:find("data.idx: ", 1, true) and message:find(path, 1, true), message)
        os.remove(path)
    end
    for length = 0, #whole - 1 do refused(whole:sub(1, length), "header") end
    refused("\1" .. whole:sub(2), "not an IDX file")
    refused(whole .. "\7", "goes on after")
    refused(header(0x08, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF), "sizes")
    refused(header(0x07, 1) .. "\1", "type")
    refused("\31\139\8\0\0\0\0\0\0\3", "gzip")
    fails(function() data.idx "/no/such/file" end, "No such file")
    fails(function() data.idx "/" end, "directory")
    fails(function() data.idx(3) end, "must be a path, not 3")
    fails(function() data.idx "a\0b" end, "path")
end)

test("mnist from its folder", function()
    local folder = os.tmpname()
    os.remove(folder)
    os.execute(("mkdir '%s'"):format(folder))
    local function put(name, bytes)
        local file = assert(io.open(folder .. "/" .. name, "wb"))
        file:write(bytes)
        file:close()
    end
    fails(function() data.mnist(folder) end, "data.mnist: .* no file train%-images%-idx3%-ubyte")
    put("train-images-idx3-ubyte", header(0x08, 60000, 1, 2) .. ("\0\255"):rep(60000))
    fails(function() data.mnist(folder) end, "train%-labels%-idx1%-ubyte")
    put("train-labels.idx1-ubyte", header(0x08, 60000) .. ("\0\9"):rep(30000))
    fails(function() data.mnist(folder) end, "t10k%-images%-idx3%-ubyte")
    put("t10k-images-idx3-ubyte", header(0x08, 10, 1, 2) .. ("\51\0"):rep(10))
    put("t10k-labels-idx1-ubyte", header(0x08, 10) .. ("\3"):rep(10))
    local mnist = data.mnist(folder)
    eq({#mnist.train, #mnist.valid, #mnist.test}, {50000, 10000, 10})
    eq(mnist.train[2].y, 9)
    eq(mnist.train[2].x, {0, 1})
    near(mnist.test[1].x, {0.2, 0}, 1e-7)
    eq(mnist.test[1].y, 3)
    put("t10k-labels-idx1-ubyte", header(0x08, 10) .. ("\10"):rep(10))
    fails(function() data.mnist(folder) end, "11")
    put("t10k-labels-idx1-ubyte", header(0x08, 9) .. ("\1"):rep(9))
    fails(function() data.mnist(folder) end, "9")
    put("train-images-idx3-ubyte", header(0x08, 100, 1, 2) .. ("\0\255"):rep(100))
    fails(function() data.mnist(folder) end, "100")
    os.execute(("rm -r '%s'"):format(folder))
    fails(function() data.mnist(folder) end, "data.mnist: ", true)
    fails(function() data.mnist() end, "must be a path")
end)

spec.report()
