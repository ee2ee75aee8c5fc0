-- Every public function, method and metamethod is called with whatever a user may pass by mistake:
-- nothing, too little, values of all kinds in all places, handles that were released. It must give a
-- value or raise an error; a crash ends this program, and the sanitizers see the rest.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test = spec.test
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

test("user values and upvalues that were taken away are errors", function()
    for _, of in pairs(made) do
        local value = of()
        local meta = debug.getmetatable(value)
        for i = 1, 4 do debug.setuservalue(value, 5, i) end
        for _, f in pairs(meta) do
            if type(f) == "function" then
                pcall(f, value)
                pcall(f, value, "activation")
                pcall(f, value, 1)
                pcall(f, value, "activation", "tanh")
            end
        end
    end
    local small = nn.net "2 - 1"
    local layer, neuron = nn.net("2 - 3 - 4")[2], nn.net("2 - 3")[1]:neuron(3)
    debug.setuservalue(layer, small, 1)
    debug.setuservalue(neuron, small, 1)
    assert(not pcall(tostring, layer) and not pcall(tostring, neuron))
    -- Last, because it breaks the methods for good.
    for _, entry in ipairs(nabla._book) do
        if type(entry.value) == "function" then
            for i = 1, 3 do debug.setupvalue(entry.value, i, math.maxinteger) end
            pcall(entry.value, tensor{1}, tensor{1})
        end
    end
    for _, of in pairs(made) do
        local ok, value = pcall(of)
        for _, f in pairs(ok and debug.getmetatable(value) or {}) do
            if type(f) == "function" then
                for i = 1, 2 do debug.setupvalue(f, i, 5) end
                pcall(f, value, "nosuch")
            end
        end
    end
end)

os.remove "relu" -- save was called with this name

spec.report()
