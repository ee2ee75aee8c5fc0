-- Figures by layer of one trace: what flows forward and back, and how it stands to the weights.
-- Shares are of neurons; a conv's neurons are its channels, a sequence's steps count as examples.

local given = require "nabla.plot.given"

local math, table = math, table
local ipairs, pairs, rawget, type = ipairs, pairs, rawget, type

local layers = {}

local SATURATED <const> = 0.01 -- a slope below it hardly moves what is before it, as in net:why
local MOSTLY <const> = 0.9 -- of the examples: so often it must be
local QUIET <const> = 0.01 -- a mean |a| below it: BP4's a hardly moves the weights behind it
local EQUAL <const> = 1e-5 -- of a neuron's weights: what still counts as the same
-- Layers whose outputs stand where their inputs stand: channels stay channels.
local PASSED <const> = {act = true, batch_norm = true, group_norm = true, dropout = true}
local ROWS <const> = 1000 -- examples, steps or places that are looked at

-- Its numbers with a column for every neuron.
local function columns(one, x)
    if x:dim() < 2 then return x:reshape(1, -1) end
    if x:dim() > 2 and one.out and #one.out == x:dim() - 1 and one.type ~= "dense" and
        one.space then
        local order = {1}
        for d = 3, x:dim() do order[#order + 1] = d end
        order[#order + 1] = 2
        x = x:permute(table.unpack(order))
    end
    x = x:reshape(-1, x:size(x:dim()))
    if x:size(1) > ROWS then
        x = x[{{1, -1, (x:size(1) + ROWS - 1) // ROWS}}]
    end
    return x:detach():to "f64"
end

local function root_mean(x)
    return math.sqrt((x * x):mean():item())
end

-- How many directions the activations take up: (Σ λ)² / Σ λ² of their covariance, 1 where all
-- neurons say the same, as many as neurons where each says something of its own. Of the smaller
-- of A Aᵀ and Aᵀ A, which have the same λ.
local function rank(a)
    local free = a - a:mean(1, {keep = true})
    local product = free:size(1) < free:size(2) and free:matmul(free:t()) or free:t():matmul(free)
    local trace, squares = product:diag():sum():item(), (product * product):sum():item()
    return squares > 0 and trace * trace / squares or 0
end

-- Rows of a parameter and its gradient as one number each: equal rows give equal numbers.
local function told_apart(x, tensor, seed)
    local rows = x:to "f64":reshape(x:size(1), -1)
    local out = rows:matmul(tensor.randn(rows:size(2), {dtype = "f64", seed = seed}))
    local scale = out:abs():max():item()
    return scale > 0 and out / scale or out
end

-- How many neurons have weights and gradient of another: they stay equal. A draw of numbers r
-- tells rows apart by w r.
local function equal(layer, place, tensor)
    local n = layer.w:size(1)
    if n < 2 then return 0 end
    local seen = told_apart(layer.w, tensor, 1)
    local names = {dw = 2, db = 3}
    for name, seed in pairs(names) do
        local gradient = rawget(place, name)
        if given.kind(gradient) == "tensor" then
            seen = seen + seed * told_apart(gradient, tensor, seed)
        end
    end
    local sorted, count = seen:sort():totable(), 0
    for k = 1, n do
        local before = k > 1 and sorted[k] - sorted[k - 1] <= EQUAL
        local behind = k < n and sorted[k + 1] - sorted[k] <= EQUAL
        if before or behind then count = count + 1 end
    end
    return count
end

-- The names of a layer's tensors of weights: those with two dimensions or more.
local function weights(place)
    local out = {}
    for key, value in pairs(place) do
        local name = type(key) == "string" and key ~= "delta" and key:match "^d(.+)$"
        if name and given.kind(value) == "tensor" and value:dim() > 1 then out[#out + 1] = name end
    end
    table.sort(out)
    return out
end

local function squares(x)
    x = x:detach():to "f64"
    return (x * x):sum():item()
end

-- The gradient's size, and the weights', over all tensors of weights.
local function measure_weights(out, one, place)
    local gradient, size = 0, 0
    out.names = weights(place)
    for _, name in ipairs(out.names) do
        gradient = gradient + squares(place["d" .. name])
        size = size + squares(one.layer[name])
    end
    if #out.names == 0 then return end
    out.gradient, out.size = math.sqrt(gradient), math.sqrt(size)
    out.relative = out.size > 0 and out.gradient / out.size or nil
end

local function measure_slopes(out, one, slope)
    slope = columns(one, slope):abs()
    local low, none = slope:lt(SATURATED):to "f64", slope:eq(0):to "f64"
    local dead = none:mean(1):ge(1)
    out.flat = low:mean():item()
    out.slope = slope:mean():item()
    out.dead = dead:to "f64":mean():item()
    out.saturated = low:mean(1):ge(MOSTLY):to "f64":mean():item() - out.dead
end

local function place_of(trace, at)
    local place = trace[at[1]]
    for k = 2, #at do place = place and rawget(place, at[k]) end
    return place
end

local function measure(one, place, before, tensor)
    local out = {path = one.path, type = one.type, title = one.notation, one = one}
    local a = columns(one, place.a)
    out.neurons = a:size(2)
    out.a = root_mean(a)
    out.rank = rank(a)
    local mean = a:abs():mean(1)
    out.quiet = mean:lt(QUIET):to "f64":mean():item()
    local z, delta = rawget(place, "z"), rawget(place, "delta")
    if given.kind(z) == "tensor" then out.z = root_mean(z:detach():to "f64") end
    if before then out.input = root_mean(before:detach():to "f64") end
    if given.kind(rawget(place, "slope")) == "tensor" then
        measure_slopes(out, one, place.slope)
        out.quiet = math.max(out.quiet - out.dead, 0)
    end
    if given.kind(delta) == "tensor" then out.delta = math.sqrt(squares(delta)) end
    measure_weights(out, one, place)
    if one.sums then
        out.equal = equal(one.layer, place, tensor)
        -- Σ w² a² over the inputs, against a²: 1 where sums are as large as what comes in.
        out.width = out.size / math.sqrt(one.layer.w:size(1))
    end
    return out
end

-- The list of figures of a network's layers, of a trace of it. `own` is its layout.
function layers.of(own, trace, tensor)
    local list, x, space = {}, trace[0].a, nil
    for _, one in ipairs(own.layers) do
        local place = place_of(trace, one.at)
        if place and not one.block then
            one.space = one.space or one.type:find "conv" or one.type:find "pool" or
                PASSED[one.type] and space
            local out = measure(one, place, one.top and x or nil, tensor)
            list[#list + 1] = out
        end
        if one.top and place then x, space = place.a, one.space end
    end
    for i = 1, #list - 1 do
        local above = list[i + 1].delta
        if list[i].delta and above and above > 0 then list[i].ratio = list[i].delta / above end
    end
    return list
end

return layers
