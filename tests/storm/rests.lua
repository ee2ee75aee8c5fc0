-- What no step may move: numbers of frozen neurons, and those that a mask holds. The ways that are
-- compared might all ignore these alike.

local networks = require "networks"

local rests = {}

-- Its neurons that rest, by number; nil: none.
local function resting_neurons(layer, count)
    local list
    for k = 1, count do
        local ok, neuron = pcall(layer.neuron, layer, k)
        local one = ok and neuron or layer -- an embedding has none
        if one.frozen then
            list = list or {}
            list[k] = true
        end
    end
    return list
end

-- What rests of a dense layer as it is now; of w nothing where w may be another layer's.
local function of_layer(layer, own)
    local neurons = resting_neurons(layer, layer.w:size(1))
    local mask, b = layer.mask or {}, networks.field(layer, "b")
    if not neurons and not mask.w and not mask.b then return nil end
    return {layer = layer, neurons = neurons or {}, w = own and layer.w:totable(),
        b = b and b:totable(), mask_w = mask.w and mask.w:totable(),
        mask_b = mask.b and mask.b:totable()}
end

-- layers: dense ones of the network.
function rests.of(net, layers)
    local list, own = {}, not net:notation():find("tied=", 1, true)
    for _, layer in ipairs(layers) do list[#list + 1] = of_layer(layer, own) end
    return list
end

-- NaN stays NaN.
local function differs(a, b)
    return a ~= b and (a == a or b == b)
end

local function row_moved(was, now, whole, mask)
    for j = 1, #was do
        local held = whole or (mask and mask[j] == 0)
        if held and differs(was[j], now[j]) then return j end
    end
end

local function layer_moved(was)
    local w, b = was.w and was.layer.w:totable(), was.b and was.layer.b:totable()
    for k = 1, was.w and #w or 0 do
        local j = row_moved(was.w[k], w[k], was.neurons[k], was.mask_w and was.mask_w[k])
        if j then return ("w[%d][%d]"):format(k, j) end
    end
    for k = 1, was.b and #b or 0 do
        local held = was.neurons[k] or (was.mask_b and was.mask_b[k] == 0)
        if held and differs(was.b[k], b[k]) then return ("b[%d]"):format(k) end
    end
end

-- The first number of such a list that is another now, as text; or nil.
function rests.moved(list)
    for _, was in ipairs(list) do
        local number = layer_moved(was)
        if number then return number .. " of " .. tostring(was.layer) end
    end
end

return rests
