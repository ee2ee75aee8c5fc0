-- What a network is made of, as the looks ask it: its layers in order, those of blocks too, with
-- type, sizes and activation; its cost by name; and the Lua that builds it again with another.

local given = require "nabla.plot.given"

local math, table = math, table
local ipairs, load, next, pcall, rawequal, tonumber, tostring, type =
    ipairs, load, next, pcall, rawequal, tonumber, tostring, type

local layout = {}

-- Layers that pass on what comes in, without a bend.
local PLAIN <const> = {flatten = true, reshape = true, dropout = true, avg_pool = true,
    global_avg_pool = true, positions = true}
-- Layers that are sums w a + b and an activation.
local SUMS <const> = {dense = true, conv = true, conv_transpose = true}

-- "4x6x6" as numbers; a free size is nil.
local function sizes(text)
    local out = {}
    for word in text:gmatch "[^x]+" do out[#out + 1] = math.tointeger(tonumber(word)) or false end
    return out
end

-- The layer as notation, "dense 30 relu".
local function words(layer)
    return (tostring(layer:clone()):gsub(", in no network yet$", ""))
end

-- An activation by its name without options, "function" where it has none, "mixed" where the
-- neurons differ, nil where the layer has none.
local function activation(layer)
    local value = layer.activation
    if value == nil then return nil end
    if type(value) == "string" then return value:match "^[%w_]+" end
    if type(value) == "table" then return "mixed" end
    if type(value) == "function" then return "function" end
    return tostring(value):match "^[%w_]+" or "function"
end

local describe_last

-- A layer, or a network that stands as one, at a path.
local function describe(layer, lua, path)
    if given.kind(layer) == "network" then
        local last = describe_last(layer)
        return {layer = layer, lua = lua, path = path, type = "net", out = last.out,
            notation = "net"}
    end
    -- "layer 2 (name): dense 4 → 3 relu"; a name may hold anything.
    local kind, to = tostring(layer):match ".*: (%S+) %S+ → (%S+)"
    return {layer = layer, lua = lua, path = path, type = kind, out = sizes(to or ""),
        activation = activation(layer), notation = words(layer), sums = SUMS[kind],
        plain = PLAIN[kind]}
end

describe_last = function(net)
    return describe(net[#net], "", "")
end

-- Every layer in order, those in blocks behind their block; `at` finds one's place in a trace.
local function collect(list, owner, lua, at)
    for l = 1, #owner do
        local place = table.move(at, 1, #at, 1, {})
        place[#place + 1] = l
        local one = describe(owner[l], ("%s[%d]"):format(lua, l), table.concat(place, "."))
        one.at, one.top, one.block = place, #at == 0, #owner[l] > 0
        list[#list + 1] = one
        if one.block then collect(list, owner[l], one.lua, place) end
    end
    return list
end

local BUILTIN <const> = {}
for name in ("quadratic mse mae huber cross_entropy nll hinge kl poisson cosine"):gmatch "%S+" do
    BUILTIN[name] = true
end

-- {layers, last, input, cost, cost_text, cost_is_lua}
function layout.read(net)
    local notation = net:notation()
    local cost = notation:match " : (.-)%s*$" or "quadratic"
    local list = collect({}, net, "net", {})
    local own = {layers = list, input = notation:match "^%s*(.-) %- ", cost_text = cost,
        cost = cost:match "^[%w_]+" or cost, notation = notation}
    own.cost_is_lua = not BUILTIN[own.cost]
    for _, one in ipairs(list) do
        if one.top then own.last = one end
    end
    -- The layer whose activation the outputs have: behind it only the shape changes.
    for i = #list, 1, -1 do
        local one = list[i]
        if one.top and not one.plain then own.output = one break end
    end
    own.output = own.output or own.last
    own.units = own.last.out[#own.last.out]
    return own
end

-- The layers that have an activation and are not what gives the outputs.
function layout.hidden(own)
    local out = {}
    for _, one in ipairs(own.layers) do
        if one ~= own.output and one.activation and not one.block then out[#out + 1] = one end
    end
    return out
end

-- ---- Lua text ----

-- A number as it is written in a cure: three figures.
function layout.number(value)
    if math.type(value) == "integer" or value == math.floor(value) and math.abs(value) < 1e6 then
        return ("%d"):format(value)
    end
    return ("%.3g"):format(value)
end

-- A shape of notation in a table: "4", "{1, 8, 8}", "{\"*\", 2}", "{8, 4, 4, \"space\"}".
local function shape(text)
    if text:find "^%d+$" then return text end
    local sizes, word = text:match "^(%S+) ?(%a*)$"
    local inner = sizes:gsub("x", ", "):gsub("%*", '"*"')
    if word ~= "" then inner = ("%s, %q"):format(inner, word) end
    return text == "*" and '"*"' or ("{%s}"):format(inner)
end

-- A value of a pass over the network with other words for cost or input: the same layers, with
-- what they have learned. nn.net checks cost and outputs, which a new activation must suit first.
function layout.rebuilt(net, own, change)
    local parts, shared, first = {}, {}, {}
    for l = 1, #net do
        local before
        for k = 1, l - 1 do before = before or rawequal(net[k], net[l]) and k end
        if before then
            shared[before] = true
            parts[l] = ("layer_%d"):format(before)
        else
            parts[l] = ("net[%d]:clone()"):format(l)
        end
    end
    for l = 1, #net do
        if shared[l] then
            first[#first + 1] = ("local layer_%d = %s\n"):format(l, parts[l])
            parts[l] = ("layer_%d"):format(l)
        end
    end
    if change.insert then
        table.insert(parts, change.insert.at, ("%q"):format(change.insert.text))
    end
    local input = change.input or own.input
    local cost = change.cost or not own.cost_is_lua and own.cost_text
    local dtype = net:params().dtype == "f64" and ', {dtype = "f64"}' or ""
    return ('%snet = nn.net({%s, %s%s}%s)'):format(table.concat(first),
        shape(input), table.concat(parts, ", "),
        cost and (', cost = "%s"'):format(cost) or "", dtype)
end

-- The weights of a layer drawn anew with a width that keeps sums as large as what comes in:
-- deviation √(gain / inputs), gain 2 behind relu and its like, of which half is cut off.
local HALVES <const> = {relu = true, leaky_relu = true, relu6 = true, elu = true, gelu = true,
    silu = true, mish = true, selu = true}

function layout.gain(name)
    return HALVES[name] and 2 or 1
end

function layout.fan(layer)
    local w = layer.w
    return w:numel() // w:size(1)
end

function layout.redrawn(one, name)
    local layer = one.layer
    local width = math.sqrt(layout.gain(name or one.activation) / layout.fan(layer))
    local text = ("%s.w:normal_(0, %s)"):format(one.lua, layout.number(width))
    local has, b = pcall(function() return layer.b end)
    if has and given.kind(b) == "tensor" then text = text .. ("; %s.b:fill_(0)"):format(one.lua) end
    return text
end

function layout.activated(one, name)
    return ('%s.activation = "%s"'):format(one.lua, name)
end

-- ---- Options ----

-- What the program does with a copy of the run's options: nothing is shown, nothing is written,
-- and no function of the user's is called beside the run.
local LEFT_OUT <const> = {"on_epoch", "on_batch", "checkpoint", "resume", "every", "flow"}

-- A fresh optimizer with the same options, for an object that has state.
function layout.optimizer(object, nn)
    if given.kind(object) ~= "optimizer" then return object end
    local text = tostring(object):match "^(.-}) after"
    local make = text and load("local nn, inf, nan = ... return nn." .. text, "=optimizer", "t", {})
    return make and make(nn, math.huge, 0 / 0) or object
end

function layout.options(o, nn)
    local out = {}
    for name, value in next, o or {} do out[name] = value end
    for _, name in ipairs(LEFT_OUT) do out[name] = nil end
    out.optimizer = layout.optimizer(out.optimizer, nn)
    out.progress = false
    return out
end

return layout
