-- Every public function, method and metamethod is called with whatever a user may pass by mistake:
-- nothing, too little, values of all kinds in all places, handles that were released. It must give
-- a value or raise an error; a crash ends this program, and the sanitizers see the rest.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, fails = spec.test, spec.fails
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local function noise() end

-- A fresh value of every kind, because calls may change or release what they get.
local function values()
    local released = tensor{1, 2}
    debug.getmetatable(released).__gc(released)
    return {
        nil, true, 0, -1, 2, 2.5, 0 / 0, 1 / 0, math.maxinteger, math.mininteger, "", "relu", "1\0",
        {}, {1, 2}, {x = 1}, {{1, 2}, {3, 4}}, noise, coroutine.create(noise), io.stdout,
        tensor{1, 2}, tensor(3), tensor.zeros(0, 2), tensor.zeros(2, 3, {dtype = "i32"}), released,
        nn.net "2 - 3", nn.net("2 - 3")[1], nn.net("2 - 3")[1]:neuron(1), nn.dense{3}, nn.adam{},
        data.set{x = tensor.zeros(2, 2), y = tensor{1, 2}},
    }
end

local KINDS <const> = 31

-- What prints, or changes how the others behave.
local left = {help = true, ["nabla.memory"] = true, ["nabla.threads"] = true, ["nabla.dtype"] = true}

local function call_with_all(name, f, first)
    for i = 0, KINDS do
        local a, b = values(), values()
        pcall(f, first, a[i])
        if not first then pcall(f, a[i], b[1 + i * 7 % KINDS]) end
        pcall(f, first, b[5], a[i])
        pcall(f, first, a[i], a[i], a[i])
    end
end

local made = {
    tensor = function() return tensor{{1, 2}, {3, 4}} end,
    net = function() return nn.net "2 - 3" end,
    set = function() return data.set{x = tensor.zeros(2, 2), y = tensor{1, 2}} end,
    layer = function() return nn.net("2 - 3")[1] end,
    neuron = function() return nn.net("2 - 3")[1]:neuron(1) end,
}

for _, entry in ipairs(nabla._book) do
    local f = entry.value
    if type(f) == "function" and not left[entry.name] then
        test(entry.name .. " takes anything", function()
            local of = made[entry.name:match "^(%w+):"]
            pcall(f)
            call_with_all(entry.name, f)
            if of then call_with_all(entry.name, f, of()) end
        end)
    end
end

test("metamethods take anything, also when they are called by hand", function()
    for _, of in pairs(made) do
        for key, f in pairs(debug.getmetatable(of())) do
            if type(f) == "function" then
                pcall(f)
                call_with_all(key, f)
                call_with_all(key, f, of())
            end
        end
    end
end)

test("what was released says so", function()
    for name, of in pairs(made) do
        local value = of()
        local meta = debug.getmetatable(value)
        if meta.__gc then
            meta.__gc(value)
            for key, f in pairs(meta) do
                if type(f) == "function" then call_with_all(key, f, value) end
            end
            local ok, message = pcall(tostring, value)
            assert(not ok and message:find "already released", name)
        end
    end
end)

test("getmetatable gives a name and no finaliser", function()
    for name, of in pairs(made) do
        assert(getmetatable(of()).__name:find "^nabla%.", name)
        assert(getmetatable(of()).__gc == nil, name)
    end
end)

-- ---- What the debug library reaches ----

test("the state in the registry is not closed by hand, and not taken for another", function()
    local registry, found = debug.getregistry(), 0
    for key, value in pairs(registry) do
        local meta = type(value) == "userdata" and debug.getmetatable(value)
        if meta and meta.__gc and not meta.__name then
            found = found + 1
            meta.__gc(value)
            registry[key] = io.stdout
            assert(not pcall(tensor.zeros, 2))
            registry[key] = nil
            assert(not pcall(tensor.zeros, 2))
            registry[key] = value
            assert(tensor.zeros(2))
        end
    end
    assert(found > 0)
end)

test("functions that only the core calls refuse others", function()
    local seen = {}
    local function activation(z)
        seen[#seen + 1] = debug.getinfo(2, "f").func
        assert(not pcall(seen[#seen]) and not pcall(seen[#seen], 5))
        return z
    end
    local net = nn.net{2, nn.dense{3, activation}}
    net(tensor{{1, 2}})
    assert(#seen > 0)
    for _, f in ipairs(seen) do assert(not pcall(f) and not pcall(f, io.stdout)) end
end)

-- One of every kind of handle that a script can hold.
local kinds = {
    tensor = made.tensor, network = made.net, layer = made.layer, neuron = made.neuron,
    ["data set"] = made.set,
    ["layer value"] = function() return nn.dense {3, noise} end,
    optimizer = function() return nn.adam {} end,
    activation = function() return nn.activation {f = function(z) return z * 2 end} end,
    cost = function() return nn.cost {f = function(a, y) return (a - y):sum() end} end,
    state = function()
        for _, value in pairs(debug.getregistry()) do
            local meta = type(value) == "userdata" and debug.getmetatable(value)
            if meta and meta.__gc and not meta.__name then return value end
        end
    end,
}

test("debug refuses the user values and the metatables of handles", function()
    for kind, of in pairs(kinds) do
        local value = of()
        local meta = debug.getmetatable(value)
        for i = -1, 4 do
            fails(function() debug.setuservalue(value, {}, i) end, "user values of .* its own")
            fails(function() debug.getuservalue(value, i) end, "user values of .* its own")
        end
        fails(function() debug.setmetatable(value, {}) end, "stays its own")
        fails(function() debug.setmetatable(value, nil) end, "stays its own")
        fails(function() debug.setmetatable(value, meta) end, "stays its own")
        assert(debug.getmetatable(value) == meta, kind)
        if kind ~= "state" then
            for _, other in ipairs {io.stdout, {}, 5, "x", print, coroutine.create(noise)} do
                fails(function() debug.setmetatable(other, meta) end, "cannot have it")
                assert(debug.getmetatable(other) ~= meta, kind)
            end
        end
    end
end)

test("a network whose user values somebody went for still has its functions", function()
    local weak = setmetatable({}, {__mode = "v"})
    local net
    do
        local f = nn.activation {f = function(z) return z * 2 end}
        net, weak[1] = nn.net {2, nn.dense {3, f}}, f
    end
    for i = 1, 2 do pcall(debug.setuservalue, net, {}, i) end
    collectgarbage()
    collectgarbage()
    assert(weak[1] and tostring(net):find "2 %- 3")
    assert(#net(tensor {1, 2}) == 3)
end)

test("a handle is known while the registry has lost the state", function()
    local registry, net, state = debug.getregistry(), nn.net "2 - 3", kinds.state()
    local key
    for k, value in pairs(registry) do if rawequal(value, state) then key = k end end
    registry[key] = nil
    local user = pcall(debug.setuservalue, net, 5, 2)
    local own = pcall(debug.setuservalue, state, 5, 1)
    local meta = pcall(debug.setmetatable, io.stdout, debug.getmetatable(net))
    registry[key] = state
    assert(not user and not own and not meta)
    assert(tostring(net[1]):find "dense")
end)

test("the upvalues of our functions are read, not written", function()
    local x = tensor {1, 2}
    for name, f in pairs {add = x.add, exp_ = x.exp_, index = debug.getmetatable(x).__index} do
        local _, before = debug.getupvalue(f, 1)
        fails(function() debug.setupvalue(f, 1, math.maxinteger) end, "are its own")
        local _, after = debug.getupvalue(f, 1)
        assert(before ~= nil and before == after, name)
    end
    fails(function() debug.setupvalue(debug.setupvalue, 1, noise) end, "are its own")
end)

test("what a running function of ours has on the stack is not there for debug", function()
    local seen, changed = {}, {}
    nn.no_grad(function()
        for i = -3, 6 do
            seen[#seen + 1] = debug.getlocal(2, i)
            changed[#changed + 1] = debug.setlocal(2, i, 5)
        end
    end)
    assert(#seen == 0 and #changed == 0)
    local net = nn.net "2 - 3"
    local thread = coroutine.create(function()
        net:train(tensor.ones(4, 2), tensor.ones(4, 3), {epochs = 1, progress = false,
            on_batch = function()
                for level = 1, 8 do
                    local info = debug.getinfo(level, "f")
                    for i = 1, info and 9 or 0 do
                        if info.func == net.train then
                            assert(not debug.setlocal(level, i, nil))
                            assert(not debug.getlocal(level, i))
                        end
                    end
                end
                collectgarbage()
            end})
    end)
    assert(coroutine.resume(thread))
end)

test("for everything else debug is Lua's own", function()
    local file = io.tmpfile()
    local meta = debug.getmetatable(file)
    assert(debug.setmetatable(file, meta) == file)
    assert(debug.setuservalue(file, 1, 9) == nil and debug.getuservalue(file, 9) == nil)
    assert(debug.getuservalue(5) == nil)
    local n = 1
    local function counter() return n end
    assert(debug.setupvalue(counter, 1, 7) == "n" and counter() == 7)
    assert(debug.setupvalue(counter, 2, 7) == nil)
    local function named(a)
        local b = a
        assert(select("#", debug.getlocal(1, 3)) == 2) -- a temporary
        assert(debug.setlocal(1, 2, "changed") == "b")
        local name, value = debug.getlocal(1, 1)
        return b, name, value, debug.getlocal(named, 1)
    end
    local b, name, value = named(5)
    assert(b == "changed" and name == "a" and value == 5)
    assert(debug.getlocal(named, 1) == "a" and debug.getlocal(0, 1) == "(C temporary)")
    local found
    pcall(string.gsub, "x", ".", function() found = debug.getlocal(2, 1) end)
    assert(found == "(C temporary)")
    for call, expected in pairs {
        ["debug.setuservalue(5, 1)"] = "bad argument #1 to 'setuservalue' (userdata expected",
        ["debug.setuservalue(io.stdout)"] = "bad argument #2 to 'setuservalue' (value expected",
        ["debug.setmetatable({}, 5)"] = "bad argument #2 to 'setmetatable' (nil or table expected",
        ["debug.setupvalue(type, 1)"] = "bad argument #3 to 'setupvalue' (value expected)",
        ["debug.getlocal(1)"] = "bad argument #2 to 'getlocal' (number expected, got no value)",
        ["debug.getlocal(100, 1)"] = "bad argument #1 to 'getlocal' (level out of range)",
        ["debug.setlocal(2^70, 1, 1)"] = "number has no integer representation",
        ["debug.setlocal(coroutine.create(print), 9, 1, 1)"] = "#2 to 'setlocal' (level out of",
    } do
        fails(load(call), expected, true)
    end
end)

-- The program has functions of its own in the place of some of debug's; a hook must not tell.
test("a hook sees of debug's functions what it sees in a plain Lua", function()
    local function noted(f, ...)
        local events = {}
        debug.sethook(function(event) events[#events + 1] = event end, "cr")
        f(...)
        debug.sethook()
        return table.concat(events, " ")
    end
    local file, meta = io.stdout, getmetatable(io.stdout)
    local calls = {
        {function() end}, {type, 1}, {debug.getuservalue, file, 1},
        {debug.setuservalue, file, nil, 1}, {debug.setmetatable, file, meta},
        {debug.setupvalue, function() return file end, 9, 1}, {debug.getlocal, 1, 1},
        {debug.setlocal, 1, 99, 1}, {debug.gethook}, {debug.sethook, coroutine.create(type)},
    }
    for i, call in ipairs(calls) do
        local seen = noted(table.unpack(call))
        assert(seen == "return call return call", i .. ": " .. seen)
    end
end)

-- Every function of debug with everything, seeded; what it left must still print.
test("debug takes anything", function()
    local state = 8
    local function below(n)
        state = (state * 6364136223846793005 + 1442695040888963407) & math.maxinteger
        return 1 + (state >> 24) % n
    end
    local names, makers = {}, {}
    for name in pairs(debug) do
        if name ~= "debug" and name ~= "sethook" and name ~= "traceback" then
            names[#names + 1] = name
        end
    end
    for kind, of in pairs(kinds) do
        if kind ~= "state" then makers[#makers + 1] = of end
    end
    table.sort(names)
    local others = {nil, 0, 1, 2, -1, "x", {}, noise, print, io.stdout, coroutine.create(noise)}
    local stock = {[""] = getmetatable "", file = getmetatable(io.stdout)}
    local handles = {}
    local function anything()
        local which = below(5)
        local value = handles[below(#handles)]
        if which == 1 then return others[below(11)] end
        if which == 2 then return debug.getmetatable(value) end
        if which == 3 then return debug.getmetatable(value).__index or tensor.zeros end
        return value
    end
    for _ = 1, 15 do
        for i = 1, 12 do
            local ok, value = pcall(makers[below(#makers)])
            handles[i] = ok and value or tensor {1}
        end
        local f = nn.activation {f = function(z)
            for _ = 1, 20 do
                pcall(debug[names[below(#names)]], below(9), anything(), anything())
            end
            return z
        end}
        handles[12] = nn.net {2, nn.dense {3, f}}
        for _ = 1, 60 do
            pcall(debug[names[below(#names)]], anything(), anything(), anything())
        end
        pcall(handles[12], tensor {1, 2})
        for _, value in ipairs {io.stdout, noise, print, 5, true} do
            debug.setmetatable(value, nil)
        end
        debug.setmetatable(nil, nil)
        debug.setmetatable(io.stdout, stock.file)
        debug.setmetatable("", stock[""])
        debug.setmetatable(coroutine.create(noise), nil)
        f = nil
        collectgarbage()
        for _, value in pairs(handles) do pcall(tostring, value) end
    end
end)

os.remove "relu" -- save was called with this name

spec.report()
