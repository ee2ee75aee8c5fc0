-- Files of earlier versions: networks that nabla 0.1.0 saved before layers could stand in layers
-- (tests/golden/models/, by scripts/goldens-models.lua) are read to the same parameters, bit for
-- bit, and give the same outputs.

local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near = spec.test, spec.eq, spec.near
local nabla = spec.nabla
local tensor, nn = nabla.tensor, nabla.nn

local folder = here .. "/../golden/models/"

local function numbers(text)
    local list = {}
    for word in text:gmatch "%S+" do list[#list + 1] = assert(tonumber(word), word) end
    return list
end

-- The models as expected.txt tells them, one line a field.
local function read()
    local models = {}
    for line in io.lines(folder .. "expected.txt") do
        local field, text = line:match "^(%l+) (.*)$"
        if field == "model" then models[#models + 1] = {} end
        models[#models][field] = text
    end
    return models
end

local function load(model)
    return nn.load(folder .. model.model .. ".safetensors")
end

local function inputs(model)
    local list = numbers(model.inputs)
    return tensor(list, {dtype = model.dtype}):reshape(-1, 4)
end

local models = read()

test("all models of before are told of", function()
    local names = {}
    for i, model in ipairs(models) do names[i] = model.model end
    eq(names, {"plain", "named", "neurons", "classes", "method"})
end)

for _, model in ipairs(models) do
    test(model.model .. ": notation and dtype", function()
        local net = load(model)
        eq(net:notation(), model.notation)
        eq(net:params().dtype, model.dtype)
    end)

    test(model.model .. ": parameters bit for bit, in the same order", function()
        eq(load(model):params(), numbers(model.params))
    end)

    test(model.model .. ": outputs and classes", function()
        local net = load(model)
        near(net(inputs(model)):flatten(), numbers(model.outputs), 1e-6)
        local names = {}
        for i, name in ipairs(net:classify(inputs(model))) do names[i] = tostring(name) end
        eq(table.concat(names, " "), model.classes)
    end)

    test(model.model .. ": what is saved anew is read to the same", function()
        local path = os.tmpname()
        load(model):save(path)
        local again = nn.load(path)
        os.remove(path)
        eq(again:notation(), model.notation)
        eq(again:params(), numbers(model.params))
        eq(again:classify(inputs(model)), load(model):classify(inputs(model)))
    end)
end

test("a name that new layers are refused reaches its layer by number", function()
    local net = nn.load(folder .. "method.safetensors")
    eq(net[1].name, "train")
    eq(type(net.train), "function")
end)

spec.report()
