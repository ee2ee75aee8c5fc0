-- Numbers of a network that are none: of its parameters, and of the figures that its layers keep.

local given = require "nabla.plot.given"
local layout = require "nabla.diagnose.layout"

local math, table = math, table
local ipairs, pcall = ipairs, pcall

local finite = {}

-- What layers call their tensors.
local NAMES <const> = {"w", "wx", "wh", "wq", "wk", "wv", "wo", "b", "bh", "bq", "bk", "bv", "bo",
    "gain", "shift", "mean", "variance"}

local function tensor_of(layer, name)
    local has, value = pcall(function() return layer[name] end)
    return has and given.kind(value) == "tensor" and value:numel() > 0 and value or nil
end

-- "w[2][1]" of a flat index from 1.
local function place(name, x, flat)
    local parts, rest = {}, flat - 1
    for d = x:dim(), 1, -1 do
        table.insert(parts, 1, ("[%d]"):format(rest % x:size(d) + 1))
        rest = rest // x:size(d)
    end
    return name .. table.concat(parts)
end

-- x · 0 is 0 for numbers, and NaN for NaN and both infinities.
local function broken(one, name)
    local x = tensor_of(one.layer, name)
    local bad = x and (x:detach():to "f64" * 0):isnan():to "f64":reshape(-1)
    local count = bad and math.tointeger(bad:sum():item()) or 0
    if count == 0 then return nil end
    local flat = math.tointeger(bad:argmax(1):item())
    return {one = one, name = name, count = count, place = place(name, x, flat),
        value = x:detach():reshape(-1)[{{flat, flat}}]:sum():item()}
end

-- Those of a network, tensor by tensor: {one = the layer (layout.lua), name =, count =, place = of
-- the first, value =}.
function finite.broken(net)
    local out = {}
    for _, one in ipairs(layout.read(net).layers) do
        for _, name in ipairs(one.block and {} or NAMES) do out[#out + 1] = broken(one, name) end
    end
    return out
end

return finite
