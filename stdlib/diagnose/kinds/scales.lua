-- Kinds that lie in the size of numbers: of the inputs, and of the targets.

local layout = require "nabla.diagnose.layout"
local words = require "nabla.diagnose.words"

local math, table = math, table
local ipairs, type = ipairs, type

-- ---- input scale ----

-- z = w a + b is as large as what comes in where w is drawn as usual, and a step η δ a moves z by
-- η δ |a|². Ten times off either way, sigmoid and tanh are flat (σ′(10) = 5e-5), or a step is 100
-- times what it was meant to be, or a hundredth of it.
local LARGE <const>, SMALL <const> = 10, 0.03
-- Columns that differ so in their deviations make steps that differ by the square of it.
local APART <const> = 30
-- A mean so far off in deviations: Σ a aᵀ is then mean² in one direction and deviation² in all
-- others, a condition number of the square of it.
local OFFSET <const> = 10

local NORMS <const> = {batch_norm = true, layer_norm = true, group_norm = true}

local function median(list)
    local sorted = {}
    for _, value in ipairs(list) do
        if value > 0 then sorted[#sorted + 1] = value end
    end
    table.sort(sorted)
    return sorted[(#sorted + 1) // 2] or 0, sorted[#sorted] or 0
end

-- What is wrong with the inputs' size, in words.
local function wrong_size(case)
    local x = case.data.x
    if x.all_size > LARGE or x.all_size < SMALL then
        return "x", ("x reaches from %s to %s, its root mean square is %s"):format(
            words.number(x.least), words.number(x.most), words.number(x.all_size))
    end
    local middle, most = median(x.deviation)
    if middle > 0 and most > APART * middle then
        local at = 1
        for k, d in ipairs(x.deviation) do
            if d == most then at = k end
        end
        local text = "its deviation, %s, is %s times that of the middle column"
        return case.data.name(at), text:format(words.number(most), words.number(most / middle))
    end
    if x.all_deviation > 0 and math.abs(x.all_mean) > OFFSET * x.all_deviation then
        return "x", ("its mean, %s, is %s deviations from 0"):format(words.number(x.all_mean),
            words.number(math.abs(x.all_mean) / x.all_deviation))
    end
end

-- What is held out at another scale than what is learned from; standardizing cannot mend it.
local OTHER <const> = 5 -- times the size

local function look_sides(found, case)
    local x, held = case.data.x, case.held_data and case.held_data.x
    if not x or not held or not (x.all_size > 0 and held.all_size > 0) then return end
    local ratio = held.all_size / x.all_size
    if ratio < OTHER and ratio > 1 / OTHER then return end
    found[#found + 1] = {where = "x", certain = true, cures = {},
        evidence = ("what is learned from has the size %s, what is held out %s"):format(
            words.number(x.all_size), words.number(held.all_size))}
end

local function look_size(case)
    local data, first = case.data, case.own.layers[1]
    if not data.x or data.scaled or case.net.scale or not first or NORMS[first.type] then
        return {}
    end
    local where, evidence = wrong_size(case)
    local figure = case.start and case.start[1]
    if where and figure and figure.saturated and figure.saturated > 0 then
        evidence = evidence .. ("; %s of layer 1 are saturated at the start"):format(
            words.percent(figure.saturated))
    end
    return where and {{where = where, evidence = evidence}} or {}
end

local function look_input(case)
    local found = look_size(case)
    look_sides(found, case)
    return found
end

-- ---- target scale ----

-- The weights of a linear output must grow to the size of the targets, and the δ that goes back
-- through them grows with its square; a mean must be walked to by the bias alone.
local FAR <const>, NARROW <const> = 10, 0.03

local UNSCALED <const> = {adam = true, adamw = true, nadam = true, rmsprop = true, adagrad = true,
    adadelta = true, rprop = true, quickprop = true, lbfgs = true, cg = true, lm = true}
local DEGREE <const> = {quadratic = 2, mse = 2, mae = 1, huber = 1}

local function optimizer_name(o)
    local optimizer = o.optimizer
    if type(optimizer) == "userdata" then return optimizer.name end
    return optimizer or "sgd"
end

local function largest(list)
    local most = 0
    for _, value in ipairs(list) do most = math.max(most, math.abs(value)) end
    return most
end

local function look_target(case)
    local y, own = case.data.y, case.own
    if case.data.answers ~= "targets" or not y or #own.last.out ~= 1 then return {} end
    if own.output.activation ~= "linear" or not DEGREE[own.cost] then return {} end
    local deviation, mean = largest(y.deviation), largest(y.mean)
    local wrong = deviation > FAR or mean > FAR or deviation < NARROW
    if not wrong or deviation == 0 then return {} end
    return {{where = "y", deviation = deviation,
        evidence = ("y reaches from %s to %s, mean %s, deviation %s"):format(
            words.number(y.least), words.number(y.most), words.number(y.all_mean),
            words.number(deviation))}}
end

-- Outputs stay in the units of y: a last layer that does not learn brings them there. Plain
-- descent's gradient grows by what the layer multiplies with and the cost by its own degree, so
-- the rate is divided by that; rules that divide by the gradient's size need no other rate.
local function cure_target(case, finding)
    local units = case.own.units
    local text = ([[
net:append(nn.dense {%d, "linear", frozen = true})
net[%d].w = set.y:reshape(#set, -1):std(1):diag()
net[%d].b = set.y:reshape(#set, -1):mean(1)]]):format(units, #case.net + 1, #case.net + 1)
    local name = optimizer_name(case.o)
    local lr = case.rate()
    if UNSCALED[name] or not lr then return {text} end
    local divided = lr / finding.deviation ^ DEGREE[case.own.cost]
    return {("%s\n%s = %s"):format(text, case.rate_name, layout.number(divided))}
end

return {
    {kind = "input scale", look = look_input,
        cure = function(_, finding) return finding.cures or {"set = set:standardize()"} end,
        words = "inputs whose size is far from 1, whose columns differ much in deviation, or " ..
            "whose mean is far from 0"},
    {kind = "target scale", look = look_target, cure = cure_target,
        words = "targets of linear outputs whose size is far from 1"},
}
