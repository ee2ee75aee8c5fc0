-- The ground of a lesson: a network, examples for it, and the numbers of the neurons that are
-- asked about. Either the user's own or a small one.

local _, nabla = ...

local given = require "nabla.plot.given"

local math, table = math, table
local ipairs, pairs, pcall, rawget, tonumber, tostring, type =
    ipairs, pairs, pcall, rawget, tonumber, tostring, type

local ground = {}

local SHARE <const> = 3 -- examples of a batch

-- ---- What a network is like ----

-- Why the steps about dense layers cannot use a network, in words behind "it"; nil where they can.
local function unfit(net)
    local input, layers, cost = net:notation():match "^(.-) %- (.*) : (.*)$"
    for item in (layers .. " - "):gmatch "(.-) %- " do
        local word = item:match "^[%a_@]+" or item:match "^%d+%*"
        if word then return ("has more than dense layers (%s)"):format(word) end
        if item:find "softmax" then return "has a softmax, whose neurons have no slope each" end
        if item:find "bias=false" then return "has a layer without biases" end
    end
    if not tonumber(input) then return ("takes %s, not one row of numbers"):format(input) end
    if #net < 2 then return "has one layer only" end
    if cost ~= "quadratic" then return ("has the cost %s, not the quadratic one"):format(cost) end
    if net[1].w.shape[2] < 2 or net[1].w.shape[1] < 2 then
        return "has a single input or a single neuron in layer 1"
    end
    if not net:params():isfinite():all() then return "has a parameter that is NaN or infinite" end
end

-- ---- Examples ----

-- What was raised, in one line.
local function reason_of(message)
    return (tostring(message):match "^[^\n]*")
end

-- Why the cost of examples is no number: where that began, by a pass of backpropagation of a copy.
local function not_finite(net, some)
    local copy = net:clone()
    local fine, message = pcall(copy.backprop, copy, some)
    return fine and "the cost of the set's examples is not finite" or reason_of(message)
end

local function too_few(count)
    return ("the set has %d example%s, and the steps take the first %d"):format(count,
        count == 1 and "" or "s", SHARE)
end

-- The first examples of a set as one of their own; nil and why where the network takes none. What
-- is called by pcall itself tells no place of this file.
local function first_of(net, set)
    set = set.train or set
    if #set < SHARE then return nil, too_few(#set) end
    local fine, some = pcall(set.take, set, SHARE)
    if not fine then return nil, reason_of(some) end
    local total = 0
    for _, examples in ipairs {some, some[1]} do
        local took, cost = pcall(net.cost, net, examples)
        if not took then return nil, reason_of(cost) end
        total = total + cost
    end
    if not (total - total == 0) then return nil, not_finite(net, some) end
    return some
end

-- A set among the session's globals whose examples the network takes, and its name.
local function look_for(net, globals, ours)
    local names = {}
    for name, value in pairs(globals) do
        if type(name) == "string" and given.kind(value) == "data set" and not ours(name, value) then
            names[#names + 1] = name
        end
    end
    table.sort(names)
    for _, name in ipairs(names) do
        local some = first_of(net, rawget(globals, name))
        if some then return some, name end
    end
end

-- Targets of the width of the last layer: classes become rows with a 1.
local function targets(net, some)
    local y, units = some.y, net[#net].b.shape[1]
    if y:dim() == 2 then return y end
    return nabla.tensor.one_hot(y, units)
end

local function made_up(net)
    local inputs, outputs = net[1].w.shape[2], net[#net].b.shape[1]
    return nabla.data.set {
        x = nabla.tensor.randn(SHARE, inputs, {seed = 1}),
        y = nabla.tensor.rand(SHARE, outputs, {seed = 2}):round(),
    }
end

-- ---- The neurons that are asked about ----

-- The place of the number that is largest by `score` among those of a vector, but for one place.
local function best(v, score, but)
    local place, most
    for at, value in ipairs(v:totable()) do
        local s = at ~= but and score(value)
        if s and s == s and (not most or s > most) then place, most = at, s end
    end
    return place
end

local function smallest(value)
    return value ~= 0 and -math.abs(value) or -math.huge
end

-- $L is the last layer, $H the one before; $i, $h, $j are neurons of $L, $H and layer 1, $k and $m
-- a loud and a quiet input. Two that could be mistaken for each other are two numbers.
local function numbers_of(net, x, y)
    local t, last = net:trace(x, y), #net
    local k = best(t[0].a, math.abs)
    local h = best(t[last - 1].delta, math.abs)
    local j = last == 2 and h or best(t[1].delta, math.abs)
    if j == k then
        j = best(t[1].delta, math.abs, k)
        if last == 2 then h = j end
    end
    return {
        L = last, H = last - 1, i = best(t[last].delta, math.abs), h = h, j = j, k = k,
        m = best(t[0].a, smallest, k),
    }
end

-- ---- Grounds ----

-- Whether a step of plain descent moves every parameter against its gradient: none is frozen,
-- masked, or has a rate of its own.
local function learns_freely(net, some)
    local asked, moved = net:clone(), net:clone()
    asked:backprop(some)
    moved:step(some, {lr = 0.5})
    return moved:params():allclose(net:params() - 0.5 * asked:grads())
end

-- Fills in what the steps about dense layers need.
local function add_dense(g, some)
    local rows = targets(g.net, some)
    g.some = nabla.data.set {x = some.x, y = rows}
    g.x, g.y = some.x[1], rows[1]:to(g.net:params().dtype)
    g.numbers = numbers_of(g.net, g.x, g.y)
    g.is_scaled = not g.net:trace(g.x, g.y)[0].a:allclose(g.x)
end

-- A ground of the user's network: g.unfit says why it is none for dense layers, g.some is nil where
-- there are no examples either.
function ground.own(net, set, globals, ours)
    local g = {net = net, own = true, unfit = unfit(net)}
    local some, name
    if set then some = first_of(net, set) else some, name = look_for(net, globals, ours) end
    g.set = set and "the set given" or name
    g.some = some
    if g.unfit then return g end
    local fine, message = pcall(add_dense, g, some or made_up(net))
    if not fine then g.unfit = "stops (" .. reason_of(message) .. ")"
    elseif not learns_freely(net, g.some) then
        g.unfit = "holds weights back (frozen, a mask, a factor)"
    end
    if g.unfit then g.numbers, g.some = nil, some end
    return g
end

-- The ground of those who have no network that fits.
function ground.small(notation)
    local nn, tensor = nabla.nn, nabla.tensor
    local g = {net = nn.net(notation, {seed = 4})}
    g.net[1].b, g.net[2].b = tensor {0.3, -0.6, 0.9}, tensor {-0.2, 0.4}
    add_dense(g, nabla.data.set {
        x = tensor {{0.8, 0.1}, {-0.4, 0.9}, {0.3, -0.6}}, y = tensor {{1, 0}, {0, 1}, {1, 1}},
    })
    return g
end

-- Why a set cannot be one of a network's; nil where it can.
function ground.refuses(net, set)
    local _, message = first_of(net, set)
    return message
end

return ground
