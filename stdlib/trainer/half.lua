-- A step that is half done, as t:step("layer") gives it: read as a trace, net:trace(x, y), in which
-- stands what is known by the stop. One table for a batch, which fills stop by stop; what is not
-- known yet is an error that says when it will be.

local given = require "nabla.plot.given"

local math, table = math, table
local error, getmetatable, ipairs, next, pairs, pcall, rawget, rawset, setmetatable, tostring =
    error, getmetatable, ipairs, next, pairs, pcall, rawget, rawset, setmetatable, tostring

local half = {}

-- What hangs on a trace that fills: {trace, layers, about, over}. layers is a list of {part, from,
-- known, path}: a layer's table as it fills, that of the whole trace, the stops at which its fields
-- come, and its path.
local hidden = setmetatable({}, {__mode = "k"})

local function plural(n, word)
    return ("%d %s%s"):format(n, word, n == 1 and "" or "s")
end

-- "delta of layer 2 comes 3 stops on"
local function not_yet(of, what, stop)
    local about = hidden[of].about
    if hidden[of].over then
        return ("%s never came: step %d was not gone through to its end"):format(what, about.step)
    end
    return ('%s is not known yet; it comes with %s more of t:step("layer")'):format(what,
        plural(stop - about.stop, "stop"))
end

-- ---- Layers ----

local FORWARD <const> = {z = true, a = true, slope = true, jacobian = true}

-- When a field of a layer comes; nil: it has no such field.
local function when(layer, key)
    if FORWARD[key] then return layer.known.forward end
    return rawget(layer.from, key) ~= nil and (layer.known[key] or layer.known.back) or nil
end

-- The metatable of a layer's table: that of the whole trace, but for what is not known yet.
local function new_meta(of, layer)
    local meta, whole = {}, getmetatable(layer.from)
    for key, value in next, whole do meta[key] = value end
    meta.waits = true
    function meta.__index(part, key)
        local stop = when(layer, key)
        if stop and stop > hidden[of].about.stop then
            error(not_yet(of, ("%s of layer %s"):format(key, layer.path), stop), 2)
        end
        local fine, value = pcall(whole.__index, part, key)
        if not fine then error(value, 2) end
        return value
    end
    return meta
end

-- The tables of a block's layers, from those of the whole trace.
local function add_layers(of, into, from, known, before)
    local layers = hidden[of].layers
    for i, whole in ipairs(from) do
        local at = #layers + 1
        local layer = {part = {}, from = whole, known = known[at], path = before .. i}
        layers[at] = layer
        setmetatable(layer.part, new_meta(of, layer))
        rawset(into, i, layer.part)
        add_layers(of, layer.part, whole, known, layer.path .. ".")
    end
end

-- What has come by now.
local function fill(layer, stop)
    for key, value in next, layer.from do
        local known = math.type(key) == nil and stop >= when(layer, key)
        if known then rawset(layer.part, key, value) end
    end
    getmetatable(layer.part).waits = rawget(layer.part, "a") == nil
end

-- ---- The whole ----

-- When what stands beside the layers comes.
local function comes(about, key)
    if key == "cost" or key == "grad_a" then return about.stops // 2 end
    return key == "grad_x" and about.stops or nil
end

-- Where it stands; some stops are in no layer.
local PLACE <const> = {step = true, epoch = true, batch = true, way = true, layer = true}

local function index(of, key)
    local mine = hidden[of]
    local stop = comes(mine.about, key)
    if stop and stop > mine.about.stop and rawget(mine.trace, key) ~= nil then
        error(not_yet(of, key == "cost" and "the cost" or key, stop), 2)
    end
    if PLACE[key] then return nil end
    local fine, value = pcall(getmetatable(mine.trace).__index, of, key)
    if not fine then error(value, 2) end
    return value
end

-- "forward to layer 2", "back to layer 2"
local WAYS <const> = {forward = "forward to layer ", back = "back to layer "}

local function place(about)
    return WAYS[about.way] and WAYS[about.way] .. about.layer
end

-- What the next stop shows.
local function coming(mine)
    local about = mine.about
    local stop = about.stop + 1
    local last = about.part == about.parts
    if stop > about.stops then return last and "the update" or "the next batch" end
    for _, layer in ipairs(mine.layers) do
        if layer.known.forward == stop then return "layer " .. layer.path end
        if layer.known.back == stop then
            return (about.way == "forward" and "back to layer " or "layer ") .. layer.path
        end
    end
end

-- What stands in the first line: the step, where it is, what comes.
local function title(of)
    local about, over = hidden[of].about, hidden[of].over
    local text = ("step %d (epoch %d, batch %d)"):format(about.step, about.epoch, about.batch)
    if about.parts > 1 then
        text = text .. (", %d of its %d batches"):format(about.part, about.parts)
    end
    if over == "whole" then return text .. ": whole" end
    text = ("%s: %s"):format(text, place(about))
    return text .. (over and ", not gone on with" or "; next " .. coming(hidden[of]))
end

local FIELDS <const> = {"z", "a", "slope", "delta", "dw", "db"}

local function line(path, part)
    local parts = {path}
    for _, name in ipairs(FIELDS) do
        local x = rawget(part, name)
        if given.kind(x) == "tensor" then parts[#parts + 1] = name .. " " .. given.shape(x) end
    end
    return table.concat(parts, "  ")
end

local function text_of(of)
    local mine = hidden[of]
    local cost = rawget(of, "cost")
    local lines = {title(of), "cost " .. (cost and ("%.6g"):format(cost) or "not yet")}
    lines[3] = line("[0]", of[0])
    for _, layer in ipairs(mine.layers) do
        local path = "[" .. layer.path:gsub("%.", "][") .. "]"
        local here = not mine.over and layer.path == mine.about.layer
        lines[#lines + 1] = line(path, layer.part) .. (here and "  <" or "")
    end
    return table.concat(lines, "\n")
end

-- What is known beside the layers.
local function fill_whole(of, trace, about)
    for key, value in next, trace do
        local stop = math.type(key) == nil and (comes(about, key) or 0)
        if stop and stop <= about.stop then rawset(of, key, value) end
    end
    for _, key in ipairs {"step", "epoch", "batch", "way"} do rawset(of, key, about[key]) end
    rawset(of, "layer", math.tointeger(about.layer) or about.layer)
end

-- A trace that fills, from the whole one and, for each place, depth first, the stops at which its
-- fields come.
function half.new(trace, known)
    local of = {[0] = trace[0]}
    hidden[of] = {trace = trace, layers = {}, about = {stop = 0, stops = 0}}
    add_layers(of, of, trace, known, "")
    return setmetatable(of, {__name = "nabla.trace", __index = index, __tostring = text_of})
end

-- about: {step, epoch, batch, part, parts, stop, stops, way, layer}
function half.show(of, about)
    local mine = hidden[of]
    mine.about = about
    fill_whole(of, mine.trace, about)
    for _, layer in ipairs(mine.layers) do fill(layer, about.stop) end
    return of
end

-- over: "whole" where the step was made, else "dropped".
function half.close(of, over)
    local mine = hidden[of]
    if over == "whole" then
        local about = {}
        for key, value in pairs(mine.about) do about[key] = value end
        about.stop, about.way = about.stops, "whole"
        half.show(of, about)
    end
    mine.over = over
    return of
end

-- How pictures tell of it, where it is one; nil of any other trace.
function half.told(of)
    return hidden[of] and title(of)
end

return half
