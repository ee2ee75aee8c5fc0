-- The module: one copy, its settings, the files of stdlib.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla

test("loaded again it is the same table", function()
    local kept = package.loaded.nabla
    package.loaded.nabla = nil
    local ok, again = pcall(require, "nabla")
    package.loaded.nabla = kept
    eq(ok, true)
    eq(rawequal(again, nabla), true)
end)

test("its fields are the modules", function()
    eq(type(nabla.version), "string")
    for _, name in ipairs {"tensor", "nn", "data", "plot", "learn"} do
        eq(type(nabla[name]), "table")
    end
    eq(type(nabla.help), "function")
end)

test("a name that a module has not is an error with the nearest one", function()
    fails(function() return nabla.tensor.rndn end,
        "tensor has no field 'rndn'; did you mean 'randn'?", true)
    fails(function() nabla.nn.nett "2 - 1" end, "nn has no field 'nett'; did you mean 'net'?", true)
    fails(function() return nabla.tensr end,
        "nabla has no field 'tensr'; did you mean 'tensor'?", true)
    fails(function() return tensor.sum end, "tensor has no field 'sum'; it is a method: x:sum(", true)
    fails(function() return nabla.nn.train end, "nn has no field 'train'; it is a method: net:tr", true)
    fails(function() return nabla.data.shuffle end, "it is a method: set:shuffle([seed])", true)
    fails(function() return nabla.sum end, "nabla has no field 'sum'", true)
    fails(function() return nabla.data[1] end, "data has no field 1", true)
    nabla.plot.mine = "a field of one's own"
    eq(nabla.plot.mine, "a field of one's own")
    nabla.plot.mine = nil
end)

test("files of stdlib are modules, as text", function()
    eq(rawequal(require "nabla.plot", nabla.plot), true)
    eq(rawequal(require "nabla.help", nabla._help), true)
    fails(function() require "nabla.nothing" end, "no embedded file 'stdlib/nothing.lua'", true)
    eq(debug.getinfo(nabla.help, "S").source, "=stdlib/help.lua")
end)

-- The program that runs this spec, started again.
local function run(environment, script)
    local command = ("%s '%s' '%s' 2>&1"):format(environment, arg[-1], script)
    local pipe <close> = io.popen(command)
    return pipe:read("a")
end

test("a file in a folder of NABLA_PATH shadows that of stdlib, as text only", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir '" .. folder .. "'"))
    local plot, script = folder .. "/plot.lua", folder .. "/script.lua"
    local function write(path, text)
        local file <close> = assert(io.open(path, "wb"))
        file:write(text)
    end
    write(script, 'print(rawget(require "nabla".plot, "mine"))')
    write(plot, "return {mine = 'shadowed'}")
    local shadowed = run(("NABLA_PATH='/nowhere::%s'"):format(folder), script)
    local plain = run("NABLA_PATH=", script)
    write(plot, string.dump(load("return {mine = 'bytes'}")))
    local binary = run(("NABLA_PATH='%s'"):format(folder), script)
    os.remove(plot)
    os.remove(script)
    os.remove(folder)
    eq(shadowed, "shadowed\n")
    eq(plain, "nil\n")
    eq(binary:find("binary chunk", 1, true) ~= nil, true)
end)

test("seed", function()
    nabla.seed(7)
    eq(nabla.seed(), 7)
    fails(function() nabla.seed(-1) end, "seed must be a whole number from 0, not -1", true)
    fails(function() nabla.seed(1.5) end, "seed must be a whole number, not 1.5", true)
    fails(function() nabla.seed("a") end, "not 'a'", true)
end)

test("threads", function()
    local before = nabla.threads()
    nabla.threads(1)
    eq(nabla.threads(), 1)
    fails(function() nabla.threads(0) end, "threads")
    fails(function() nabla.threads(257) end, "threads")
    fails(function() nabla.threads(1.5) end, "threads must be a whole number, not 1.5", true)
    nabla.threads(before)
end)

test("threads do not change results", function()
    local before = nabla.threads()
    local x = nabla.tensor.randn(300, 300, {seed = 1})
    nabla.threads(1)
    local one = x:matmul(x):exp():sum():item()
    nabla.threads(4)
    local four = x:matmul(x):exp():sum():item()
    nabla.threads(before)
    eq(one == four or one ~= one, true)
end)

test("dtype", function()
    nabla.dtype("f64")
    eq(nabla.dtype(), "f64")
    eq(nabla.tensor.zeros(1).dtype, "f64")
    nabla.dtype("f32")
    fails(function() nabla.dtype("u8") end, "dtype must be \"f32\" or \"f64\", not 'u8'", true)
    fails(function() nabla.dtype(nil) end, "not nil")
end)

test("memory", function()
    local x = nabla.tensor.zeros(1000)
    collectgarbage()
    local m = nabla.memory()
    eq(m.live >= 4000 and m.peak >= m.live and m.limit > 0, true)
    eq(m.used >= m.live and m.lua > 100000, true)
    local text = ("x"):rep(1000000)
    eq(nabla.memory().lua >= m.lua + #text, true)
    fails(function() nabla.memory {limit = -1} end,
        "limit must be a number of bytes from 0, not -1", true)
    fails(function() nabla.memory {limt = 1} end, "did you mean 'limit'?", true)
    eq(x[1], 0)
end)

test("what Lua holds counts against the limit too, and what was there stays", function()
    collectgarbage()
    local x, limit = nabla.tensor.ones(1000), nabla.memory().limit
    local wide = nabla.tensor.ones(1):expand(10000000)
    fails(function() nabla.memory {limit = 1000} end, "the limit must be more than what is held")
    assert(nabla.memory().limit == limit)
    nabla.memory {limit = nabla.memory().used + 3e7}
    local endless = {
        function() local t = {} while true do t[#t + 1] = {} end end,
        function() local t = {} while true do t = {t} end end,
        function() local s = "x" while true do s = s .. s end end,
        function() return ("x"):rep(100000000) end,
        function() return wide:totable() end,
        function() return nabla.tensor.zeros(10000000) end,
    }
    local outcomes = {}
    for i, f in ipairs(endless) do outcomes[i] = {pcall(f)} end
    nabla.memory {limit = limit}
    for _, outcome in ipairs(outcomes) do
        eq(outcome[1], false)
        assert(tostring(outcome[2]):find("not enough memory", 1, true), outcome[2])
    end
    collectgarbage()
    eq(x:sum():item(), 1000)
    eq(#wide:totable(), 10000000)
end)

test("the language's own operations on a module's tables still work", function()
    for name in pairs(nabla.tensor) do eq(type(name), "string") end
end)

spec.report()
