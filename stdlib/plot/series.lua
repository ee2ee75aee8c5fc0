-- What can be drawn as lines: histories, tensors, lists, {x, y, …} and functions become panels. A
-- panel is {series}, a series {x, y, label} with lists of numbers of one length. What cannot
-- be read is nil and a message.

local given = require "nabla.plot.given"

local _, nabla = ...

local math, table = math, table
local debug, error, ipairs, next, pcall, tostring, type =
    debug, error, ipairs, next, pcall, tostring, type

local series = {}

series.MOST = 60 -- canvas.lua has a mark for each
local SAMPLES <const> = 500 -- of a function

-- ---- Histories ----

-- A list with a number an epoch, NaN where there is none.
local function by_epoch(list, epochs, factor)
    local out = {}
    for i = 1, epochs do
        out[i] = type(list[i]) == "number" and factor * list[i] or 0 / 0
    end
    return out
end

-- The costs in one panel, what was right in another: shares and costs have no common measure.
local PANELS <const> = {
    {lists = {"cost", "valid_cost", "test_cost"}, factor = 1, label = "%s"},
    {lists = {"valid", "test"}, factor = 100, label = "%s: right in %%"},
}

-- What flow = true keeps of each layer: δ and gradients span powers of ten, what is saturated is a
-- share.
local FLOW <const> = {
    {list = "delta", factor = 1, label = "size of δ", log = true},
    {list = "gradient", factor = 1, label = "size of the gradient", log = true},
    {list = "saturated", factor = 100, label = "saturated in %"},
}

-- The layers of a flow with those that stand in them, as a list of {path, part}; blocks have
-- nothing of their own to tell.
local function flow_layers(flow, before, out)
    for i = 1, #flow do
        local path = before .. i
        if #flow[i] == 0 and (flow[i].gradient or flow[i].saturated) then
            out[#out + 1] = {path, flow[i]}
        end
        flow_layers(flow[i], path .. ".", out)
    end
    return out
end

-- A layer has one colour in all panels, behind those that are taken.
local function of_flow(flow, taken)
    local panels, layers = {}, flow_layers(flow, "", {})
    for _, panel in ipairs(FLOW) do
        local found = {}
        for k, layer in ipairs(layers) do
            local list = layer[2][panel.list]
            if list then
                found[#found + 1] = {x = given.counted(flow.epochs), label = layer[1],
                    number = taken + k,
                    y = by_epoch(list, flow.epochs, panel.factor)}
            end
        end
        if #found > 0 then
            panels[#panels + 1] = {series = found, label = panel.label, log = panel.log}
        end
    end
    return panels
end

local function of_history(history)
    local panels, epochs = {}, history.epochs or #(history.cost or {})
    for _, panel in ipairs(PANELS) do
        local found = {}
        for _, name in ipairs(panel.lists) do
            local list = history[name]
            if type(list) == "table" and next(list) then
                found[#found + 1] = {x = given.counted(epochs),
                    label = panel.label:format(name),
                    y = by_epoch(list, epochs, panel.factor)}
            end
        end
        if #found > 0 then panels[#panels + 1] = {series = found} end
    end
    local taken = 0
    for _, panel in ipairs(panels) do taken = taken + #panel.series end
    local flow = given.kind(history.flow) == "flow" and of_flow(history.flow, taken) or {}
    table.move(flow, 1, #flow, #panels + 1, panels)
    return panels
end

-- ---- Curvatures ----

-- Numbers above `least` of a tensor, with their signs turned where that is asked, largest first.
local function above(list, sign, least)
    local out = {}
    for _, value in ipairs(list and list:totable() or {}) do
        if sign * value > least then out[#out + 1] = sign * value end
    end
    table.sort(out, function(a, b) return a > b end)
    return out
end

-- Eigenvalues by their rank, for a logarithmic axis: those above 0, those below without their sign,
-- and how much any may be off. What is below that is as good as 0 and is counted in the label.
local function of_curvature(c)
    local found, length, least = {}, 2, c.error
    local function add(y, label)
        if #y > 0 then found[#found + 1] = {x = given.counted(#y), y = y, label = label} end
        length = math.max(length, #y)
    end
    local up, down = above(c.values, 1, least), above(c.smallest or c.values, -1, least)
    add(up, "λ above 0")
    add(down, "-λ of those below 0")
    add(above(c.gauss_newton, 1, least), "Gauss-Newton")
    local flat = not c.smallest and c.parameters - #up - #down or 0
    if least > 0 then
        found[#found + 1] = {x = {1, length}, y = {least, least},
            label = flat > 0 and ("what any may be off; %d are below"):format(flat) or
                "what any may be off"}
    end
    return {{series = found}}
end

-- ---- Runs ----

-- The cost by step and what is watched, each in a panel of its own.
local function of_trainer(t)
    local panels = nabla._panels(t)
    if #panels > 0 then return panels end
    return nil, "the run has not come far enough: t:epoch() gives a cost to draw, t:watch(v) " ..
        "one behind every step"
end

-- ---- Numbers ----

local function too_many(count)
    local message = "plot draws at most %d series, not %d; take some of them, or plot.heat"
    return message:format(series.MOST, count)
end

-- The columns of a matrix over the numbers x, or over their places. A row alone is a line.
local function of_columns(matrix, x)
    local rows, columns = matrix:size(1), matrix:size(2)
    if rows == 1 and not x then
        return {{x = given.counted(columns), y = matrix:select(1, 1):totable()}}
    end
    if columns > series.MOST then return nil, columns end
    local out = {}
    for j = 1, columns do
        out[j] = {x = x or given.counted(rows), y = matrix:select(2, j):totable()}
    end
    return out
end

-- {x, y, …}: every y of one dimension, or a matrix with a column for each series.
local function of_list(list)
    local x, out = given.numbers(list[1]), {}
    if not x or #list < 2 then return nil end
    for i = 2, #list do
        local y, found, many = list[i], nil, nil
        if given.kind(y) == "tensor" and y:dim() == 2 then
            if y:size(1) ~= #x then return nil end
            found, many = of_columns(y, x)
        else
            y = given.numbers(y)
            found = y and #y == #x and {{x = x, y = y}} or nil
        end
        if not found then return nil, many end
        table.move(found, 1, #found, #out + 1, out)
    end
    return out
end

local WANTED <const> = "plot takes a history, a trainer, a curvature, a function and its ends, " ..
    "a tensor of one or two dimensions, a list of numbers, or {x, y, …} with as many of each, not "

-- Series of what is no history and no function.
function series.numbers(what)
    local kind, out, many = given.kind(what), nil, nil
    if kind == "tensor" and what:dim() == 2 then
        out, many = of_columns(what)
    else
        local list = given.numbers(what)
        if list then out = {{x = given.counted(#list), y = list}}
        elseif kind == "table" then out, many = of_list(what) end
    end
    many = many or out and #out
    if many and many > series.MOST then return nil, too_many(many) end
    if out then return out end
    return nil, WANTED .. given.describe(what)
end

-- Panels of a history or of numbers.
function series.read(what)
    if given.kind(what) == "history" then return of_history(what) end
    if given.kind(what) == "flow" then return of_flow(what, 0) end
    if given.kind(what) == "curvature" then return of_curvature(what) end
    if given.kind(what) == "trainer" then return of_trainer(what) end
    local out, message = series.numbers(what)
    return out and {{series = out}}, message
end

-- ---- Functions ----

local function callable(x)
    local kind = given.kind(x)
    return kind == "function" or kind == "network" or kind == "activation"
end

-- Functions to be sampled: one, or a list of them; nil where it is something else.
function series.functions(what)
    if callable(what) then return {what} end
    if given.kind(what) ~= "table" or #what == 0 then return nil end
    for _, f in ipairs(what) do
        if not callable(f) then return nil end
    end
    return what
end

-- A function of Lua is called in the open, so that an error of its own shows its own lines. Of what
-- is written in C an error would show ours: only its words go on.
local function call(f, x)
    if type(f) == "function" and debug.getinfo(f, "S").what ~= "C" then return true, f(x) end
    local fine, value = pcall(f, x)
    if not fine and type(value) ~= "string" then error(value, 0) end
    return fine, fine and value or value:gsub("^[^:]*:%d+: ", "")
end

-- A function of numbers and one of tensors both draw: what the first point says decides.
local function takes_numbers(f, x)
    if type(f) ~= "function" then return false end
    if pcall(f, x[1]) then return true end
    return not pcall(f, nabla.tensor(x))
end

-- A number, or a tensor of one element; nil for anything else.
local function number_of(value)
    if given.kind(value) == "tensor" then return value:numel() == 1 and value:item() or nil end
    return type(value) == "number" and value or nil
end

local function sample_numbers(f, x)
    local out = {}
    for i, at in ipairs(x) do
        local fine, value = call(f, at)
        if not fine then return nil, "plot: " .. value end
        out[i] = number_of(value)
        if not out[i] then
            return nil, ("plot: the function gives %s at %.6g, not a number"):format(
                given.describe(value), at)
        end
    end
    return {{x = x, y = out}}
end

-- A network takes its points as rows; what gives several outputs gives several series.
local function sample_tensor(f, x)
    local points = nabla.tensor(x)
    if given.kind(f) == "network" then points = points:reshape(#x, 1) end
    local fine, value = call(f, points)
    if not fine then return nil, "plot: " .. value end
    if given.kind(value) ~= "tensor" or value:dim() > 2 or value:dim() == 0 or
        value:size(1) ~= #x then
        return nil, "plot: the function gives no number for each point"
    end
    if value:dim() == 2 then return of_columns(value, x) end
    return {{x = x, y = value:totable()}}
end

-- Panels of functions between two ends.
function series.sample(functions, from, to)
    local x, out = {}, {}
    for i = 1, SAMPLES do
        local share = (i - 1) / (SAMPLES - 1)
        x[i] = from * (1 - share) + to * share
    end
    for _, f in ipairs(functions) do
        local sample = takes_numbers(f, x) and sample_numbers or sample_tensor
        local found, message = sample(f, x)
        if type(message) == "string" then return nil, message end
        local many = found and #out + #found or message
        if many > series.MOST then return nil, too_many(many) end
        if given.kind(f) == "activation" then
            found[1].label = tostring(f):gsub("^activation ", "")
        end
        table.move(found, 1, #found, #out + 1, out)
    end
    return {{series = out}}
end

-- ---- Labels ----

-- Names of all series, in their order; several without one are counted.
function series.name(panels, labels)
    local all = {}
    for _, panel in ipairs(panels) do table.move(panel.series, 1, #panel.series, #all + 1, all) end
    if labels and #labels > #all then
        return ("plot: there are %d labels and %d series"):format(#labels, #all)
    end
    for i, one in ipairs(all) do
        one.number = one.number or i
        one.label = labels and labels[i] or one.label or (#all > 1 and i) or nil
    end
end

-- Whether all x of some panels are whole numbers: an axis of epochs has no half ones.
function series.whole(panels)
    for _, panel in ipairs(panels) do
        for _, one in ipairs(panel.series) do
            for _, x in ipairs(one.x) do
                if x % 1 ~= 0 then return false end
            end
        end
    end
    return true
end

return series
