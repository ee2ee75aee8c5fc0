-- Kinds that lie at the end of the network: what the outputs can be, and what the cost asks.

local curve = require "nabla.diagnose.curve"
local layout = require "nabla.diagnose.layout"
local task = require "nabla.diagnose.task"
local words = require "nabla.diagnose.words"

local math, table = math, table
local ipairs, pcall = ipairs, pcall

-- ---- output activation ----

-- Targets beyond what the outputs can be, as a share of all: fewer may be stray.
local BEYOND <const> = 0.005
local PROBE <const> = 50 -- an activation is tried from -50 to 50
local BOUND <const> = 20 -- and counts as unbounded where it passes 20 then
-- A dead output has slope 0 on every example: BP1 gives it no δ.
local DEAD <const> = 0.1

-- Least and most that an activation's outputs can be.
local function range(case, activation)
    if activation == "softmax" then return 0, 1 end
    if activation == "log_softmax" then return -math.huge, 0 end
    local f = activation == "function" and case.own.output.layer.activation or case.nn[activation]
    local done, out = pcall(f, case.tensor.linspace(-PROBE, PROBE, 2001, {dtype = "f64"}))
    if not done then return -math.huge, math.huge end
    local low, high = out:min():item(), out:max():item()
    return low < -BOUND and -math.huge or low, high > BOUND and math.huge or high
end

-- The share of targets outside of what outputs can be, and the least and most of these targets.
local function beyond(case, low, high)
    local rows, y = case.data.y_rows, case.data.y
    if case.data.answers == "classes" or case.data.answers == "steps" then
        return (low > 0.01 or high < 0.99) and 1 or 0, 0, 1
    end
    local slack = 1e-6 + 0.01 * (y.most - y.least)
    local out = rows:lt(low - slack):maximum(rows:gt(high + slack)):to "f64":mean():item()
    return out, y.least, y.most
end

local DISTRIBUTION <const> = {cross_entropy = true, nll = true, kl = true, hinge = true}

local function look_single(found, case)
    local name = case.own.output.activation
    if case.own.units ~= 1 or (name ~= "softmax" and name ~= "log_softmax") then return end
    found[#found + 1] = {where = "layer " .. case.own.output.path,
        evidence = ("%s over a single unit is always %d: nothing can be learned"):format(name,
            name == "softmax" and 1 or 0)}
end

-- Of a regression under a cost of distributions the cost is to blame, which asks for such outputs.
local function look_range(found, case)
    local own, data = case.own, case.data
    local name = own.output.activation
    if not data.y or not name or name == "mixed" or #found > 0 then return end
    if data.answers == "targets" and DISTRIBUTION[own.cost] then return end
    if own.cost == "nll" or own.cost == "hinge" or own.cost == "poisson" then return end
    local low, high = range(case, name)
    local share, least, most = beyond(case, low, high)
    if not (share > BEYOND) then return end
    found[#found + 1] = {where = "layer " .. own.output.path,
        evidence = ("%s gives %s to %s, y reaches from %s to %s: %s of it is out of reach"):format(
            name, words.number(low), words.number(high), words.number(least),
            words.number(most), words.percent(share))}
end

-- Softmax's outputs add up to 1.
local function look_sum(found, case)
    local kind = case.data.answers
    if case.own.output.activation ~= "softmax" or #found > 0 or case.own.units == 1 then return end
    if kind ~= "many" then return end
    found[#found + 1] = {where = "layer " .. case.own.output.path,
        evidence = "softmax's outputs add up to 1, the rows of y do not"}
end

local function figure_of(list, one)
    for _, figure in ipairs(list or {}) do
        if figure.one.path == one.path then return figure end
    end
end

-- Whether the rate drove the outputs to where they are.
local function is_leaping(case)
    return case.run.failed ~= nil or curve.leaping(case) ~= nil
end

local function look_dead(found, case)
    if #found > 0 then return end
    local list = is_leaping(case) and case.start or case.finish or case.start
    local figure = figure_of(list, case.own.output)
    if not figure or not figure.dead or not (figure.dead > DEAD) then return end
    found[#found + 1] = {where = "layer " .. figure.path,
        evidence = ("%s of the outputs are dead%s: slope 0 on every example, so δ is 0"):format(
            words.percent(figure.dead), list == case.start and "" or " after the run")}
end

-- What the program itself refuses.
local function look_refused(found, case)
    local message = case.run.failed or case.start_failed
    if #found > 0 or not message or not message:find "whose outputs can leave" then return end
    if case.data.answers == "targets" then return end
    found[#found + 1] = {where = "layer " .. case.own.output.path, certain = true,
        evidence = message}
end

local function look_output(case)
    local found = {}
    look_single(found, case)
    look_range(found, case)
    look_sum(found, case)
    look_refused(found, case)
    look_dead(found, case)
    return found
end

-- Another cost only where this one does not go with the new outputs.
local TAKES <const> = {
    softmax = {cross_entropy = true, quadratic = true, mse = true},
    sigmoid = {cross_entropy = true, quadratic = true, mse = true},
    linear = {quadratic = true, mse = true, mae = true, huber = true, hinge = true},
}

local function cure_output(case)
    local activation, cost = task.suits(case)
    if not activation then return {} end
    local list = {}
    if TAKES[activation][case.own.cost] and case.own.output.activation ~= activation then
        list[1] = layout.activated(case.own.output, activation)
    end
    local whole = task.text(case, activation, cost)
    if whole ~= "" and whole ~= list[1] then list[#list + 1] = whole end
    local y = case.data.y
    if activation == "linear" and y and math.max(math.abs(y.least), y.most) <= 1 then
        list[#list + 1] = task.text(case, "tanh", cost)
    end
    return list
end

-- ---- cost ----

-- A cost must be least where the outputs are the targets. The outputs that are tried beside them:
-- the same answer everywhere, and the targets of other examples.
local EVEN <const> = 1e-3 -- of the cost: no better than that is no better
local TRIED <const> = 20 -- examples
local EDGE <const> = 1e-3 -- from 0 and 1, where logarithms are not finite

local function wanted_outputs(case, set, n)
    local K, tensor = case.own.units, case.tensor
    if case.data.labels and K > 1 then
        return tensor.one_hot(set.y, K):to "f64":reshape(n, K), true
    end
    local y = set.y:to "f64":reshape(n, -1)
    if case.data.answers == "classes" then y = y - 1 end
    return y, case.data.answers ~= "targets"
end

-- The cost of given outputs on a set, as the network's cost counts it: a last layer in Lua gives
-- them, whatever comes in.
local function cost_of(case, set, outputs)
    local net, n = case.copy(), outputs:size(1)
    net:append(case.nn.fn {f = function(x)
        if x:size(1) ~= n then return x end
        return outputs:to(x.dtype):reshape(table.unpack(x.shape)) + 0 * x
    end})
    return net:cost(set)
end

local function probe_cost(case)
    local n = math.min(#case.set, TRIED)
    local set = case.part:take(n)
    local right, unit = wanted_outputs(case, set, n)
    if unit then right = right:clamp(EDGE, 1 - EDGE) end
    local ones = right * 0
    local others = {{"1 everywhere", ones + (unit and 1 - EDGE or 1)},
        {"0 everywhere", ones + (unit and EDGE or 0)},
        {"their mean everywhere", ones + right:mean(1, {keep = true})}}
    if unit then others[4] = {"the opposite of them", 1 - right} end
    local best = cost_of(case, set, right)
    for _, other in ipairs(others) do
        local cost = cost_of(case, set, other[2])
        if cost <= best + EVEN * math.abs(best) then return best, other[1], cost end
    end
end

local function look_own_cost(found, case)
    if not case.own.cost_is_lua or not case.data.y then return end
    local message = case.run.failed
    if message and message:find "in the function of this cost" then
        found[#found + 1] = {where = "cost", wrong = true, evidence = message}
        return
    end
    local done, best, what, cost = pcall(probe_cost, case)
    if not done or not what then return end
    found[#found + 1] = {where = "cost", wrong = true,
        evidence = ("with the targets themselves as outputs the cost is %s, with %s it is %s"):
            format(words.number(best), what, words.number(cost))}
end

local REGRESSION <const> = {mae = true, huber = true, poisson = true}

-- Targets that are no classes under a cost of distributions.
local function look_regression(found, case)
    local cost, kind = case.own.cost, case.data.answers
    if kind ~= "targets" or not (DISTRIBUTION[cost] or cost == "cosine") then return end
    local y = case.data.y
    found[#found + 1] = {where = "cost", wrong = true,
        evidence = ("y are numbers from %s to %s, and %s is a cost of %s"):format(
            words.number(y.least), words.number(y.most), cost,
            cost == "cosine" and "directions" or "classes and shares of a whole")}
end

-- A run that gives one answer under a cost whose best constant answer is the median.
local function look_classes(found, case)
    local cost, judged = case.own.cost, case.train_answers
    if not task.classes(case) or not REGRESSION[cost] or not judged then return end
    found[#found + 1] = {where = "cost",
        evidence = ("y are classes, and %s's best answer to all is their median; quality on " ..
            "what was learned %s, one answer in %s"):format(cost, words.number(judged.quality),
            words.percent(judged.alike))}
end

-- BP1: δ = (a - y) f′. Where an output is sure and wrong its slope is 0 with quadratic and mse,
-- and the factor that cross_entropy does not have keeps it there.
local SURE <const> = 0.02 -- sigmoid's slope is as small there
local MANY <const> = 0.1 -- of the examples
local FLAT <const> = 0.5 -- of the outputs' slopes at the start
local SLOPED <const> = {quadratic = true, mse = true, mae = true, huber = true}
local BENT <const> = {sigmoid = true, softmax = true, hard_sigmoid = true}

-- Whether the outputs were saturated before the run: then their weights or biases are to blame.
local function is_drawn(case)
    local figure = figure_of(case.start, case.own.output)
    return figure and figure.flat and figure.flat > FLAT
end

local function look_slope(found, case)
    local own, judged, labels = case.own, case.train_answers, case.data.labels
    if not SLOPED[own.cost] or not BENT[own.output.activation] or not judged or not labels then
        return
    end
    local outputs, wrong = judged.outputs, 0
    labels = judged.labels
    if not outputs or not labels or is_leaping(case) or is_drawn(case) then return end
    local rows = outputs:totable()
    for i, row in ipairs(rows) do
        local k = math.tointeger(labels[i])
        local right = #row > 1 and row[k] or #row == 1 and (k == 2 and row[1] or 1 - row[1])
        if right and right < SURE then wrong = wrong + 1 end
    end
    if not (wrong > MANY * #rows) or #found > 0 then return end
    found[#found + 1] = {where = "cost",
        evidence = ("after the run the right output is below %s in %s of the examples, where %s " ..
            "has no slope: %s hardly moves them"):format(words.number(SURE),
            words.percent(wrong / #rows), own.output.activation, own.cost)}
end

local function look_cost(case)
    local found = {}
    look_own_cost(found, case)
    look_regression(found, case)
    look_classes(found, case)
    look_slope(found, case)
    return found
end

-- Beside the cost alone, with the rate left to the program where it is the cost that is wrong:
-- its gradients may be of any size.
local function cure_cost(case, finding)
    local text = task.text(case, task.suits(case))
    if text == "" then return {} end
    return finding.wrong and case.o.lr and {text, text .. "\no.lr = nil"} or {text}
end

return {
    {kind = "output activation", look = look_output, cure = cure_output,
        words = "outputs that cannot be what y asks: softmax over one unit, targets beyond the " ..
            "activation's range, outputs without slope"},
    {kind = "cost", look = look_cost, cure = cure_cost, run = true,
        words = "a cost that is not least where outputs are the targets, one of classes for " ..
            "numbers or of numbers for classes, sure and wrong outputs that it does not move"},
}
