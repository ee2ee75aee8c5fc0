-- Kinds that lie in how the network learns: rate, optimizer, batch, epochs. They look at the run.

local curve = require "nabla.diagnose.curve"
local layout = require "nabla.diagnose.layout"
local words = require "nabla.diagnose.words"

local math = math
local ipairs, pcall, type = ipairs, pcall, type

local WHOLE <const> = {lbfgs = true, cg = true, lm = true}

local function optimizer_name(o)
    if type(o.optimizer) == "userdata" then return o.optimizer.name end
    return o.optimizer or "sgd"
end

-- ---- learning rate ----

-- A layer that ends nearer to where it was drawn than half its size is drawn rather than learned.
local STAYED <const> = 0.5
local DIED <const> = 0.5 -- of a layer's neurons, in the run
local CUT <const> = 100 -- times that clip makes a gradient smaller
local FADED <const> = 1e-3 -- of the rate: what a schedule left

-- Why the run did not end, where its numbers grew beyond all bounds.
local function look_failed(case)
    local message = case.run.failed or case.start_failed
    local bad = case.bad.x or case.bad.y
    if not message or bad or not (message:find "%f[%w]inf" or message:find "%f[%w]nan" or
        message:find "not finite") then
        return
    end
    return message
end

local function died(case)
    for i, figure in ipairs(case.finish or {}) do
        local before = case.start and case.start[i]
        if figure.dead and before and before.dead and figure.path ~= case.own.output.path then
            local more = figure.dead + figure.saturated - before.dead - before.saturated
            if more > DIED then return figure, more end
        end
    end
end

local function high(case)
    local message = look_failed(case)
    if message then return "the run", message end
    local where, evidence = curve.leaping(case)
    if where then return where, evidence end
    local figure, more = died(case)
    if figure then
        return "layer " .. figure.path, ("%s of its neurons lose their slope in the run"):format(
            words.percent(more))
    end
end

-- Gradients, relative to the weights, so far apart between layers that no one rate suits both.
local APART <const> = 100

-- How far apart the layers' gradients are, and which has the least and the most.
local function spread(case)
    local least, most, low_at, high_at = math.huge, 0, nil, nil
    for _, figure in ipairs(case.start or {}) do
        local value = figure.relative
        if value and value > 0 and not figure.one.layer.frozen then
            if value < least then least, low_at = value, figure.path end
            if value > most then most, high_at = value, figure.path end
        end
    end
    return most / least, low_at, high_at
end

-- Whether a layer is yet to be learned though the network answers badly. Where another layer's
-- gradient is far greater, what lies between is to blame, not the rate.
local function is_raw(case)
    return case.poor and case.stayed and case.stayed < STAYED and not case.dark and
        not case.run.failed and spread(case) < APART
end

local function low(case)
    if not is_raw(case) then return end
    return "layer " .. case.stayed_at, ("after %s its weights are within %s of where they " ..
        "began, and what was learned is answered badly"):format(
        words.count(case.run.epochs, "epoch"), words.percent(case.stayed))
end

local function gradient_size(case)
    local sum = 0
    for _, figure in ipairs(case.start or {}) do sum = sum + (figure.gradient or 0) ^ 2 end
    return math.sqrt(sum)
end

local function largest(list)
    local most = 0
    for _, value in ipairs(list) do most = math.max(most, value) end
    return most
end

local function look_rate(case)
    if WHOLE[optimizer_name(case.o)] then return {} end
    local found, o = {}, case.o
    local where, evidence = high(case)
    if where then
        found[1] = {where = where, evidence = evidence, by = {0.1, 0.01, 0.001},
            clip = case.run.failed and o.clip == nil}
    end
    where, evidence = low(case)
    if where then
        found[#found + 1] = {where = where, evidence = evidence, by = {10, 100, 1000},
            longer = true}
    end
    local size = gradient_size(case)
    if type(o.clip) == "number" and size > CUT * o.clip then
        found[#found + 1] = {where = "clip", cures = {"o.clip = nil"},
            evidence = ("the gradient is %s long at the start, clip cuts it to %s"):format(
                words.number(size), words.number(o.clip))}
    end
    local rates = case.run.lr
    local first, last, most = rates[1], rates[#rates], largest(rates)
    local given = type(o.lr) == "number" and o.lr or most
    if o.schedule and #rates > 0 and (last < FADED * first or most < given / CUT) then
        found[#found + 1] = {where = "schedule", cures = {"o.schedule = nil"},
            evidence = ("the rate goes from %s to %s, and lr is %s"):format(words.number(first),
                words.number(last), words.number(given))}
    end
    return found
end

local function cure_rate(case, finding)
    if finding.cures then return finding.cures end
    local lr, list = case.rate(), {}
    if not lr then return list end
    for i, factor in ipairs(finding.by) do
        list[i] = ("%s = %s"):format(case.rate_name, layout.number(lr * factor))
    end
    if finding.clip then list[#list + 1] = "o.clip = 1" end
    return list
end

-- ---- optimizer ----

local OFTEN <const>, MUCH <const> = 0.25, 0.05 -- of epochs rise so, by so much of the cost

-- Momentum m makes a lasting gradient count 1/(1 - m) times: 20 at 0.95.
local HEAVY <const> = 0.95
local DULL <const> = 1e-3 -- an epsilon that drowns the root of the mean square

local function option(o, name)
    local optimizer = o.optimizer
    if type(optimizer) ~= "userdata" then return o[name] end
    local has, value = pcall(function() return optimizer[name] end)
    return has and value or nil
end

local ADAM <const> = 'o.optimizer = "adam"\no.lr = nil\no.momentum = nil'
local PLAIN <const> = {sgd = true, adagrad = true, adadelta = true}
local SIGNS <const> = {rprop = true, quickprop = true}

local function look_optimizer(case)
    local found, o, name = {}, case.o, optimizer_name(case.o)
    local momentum = option(o, "momentum")
    if momentum and momentum >= HEAVY then
        local text = type(o.optimizer) == "userdata" and "o.optimizer.momentum" or "o.momentum"
        found[1] = {where = "momentum", cures = {text .. " = 0.9", text .. " = 0"},
            evidence = ("with momentum %s a lasting gradient counts %s times"):format(
                words.number(momentum), words.number(1 / (1 - momentum)))}
    end
    local ratio, low_at, high_at = spread(case)
    if PLAIN[name] and ratio > APART and low_at then
        found[#found + 1] = {where = ("layers %s and %s"):format(low_at, high_at), cures = {ADAM},
            evidence = ("relative to its weights the gradient of layer %s is %s times that of " ..
                "layer %s: no one rate suits both"):format(high_at, words.number(ratio), low_at)}
    end
    local epsilon = option(o, "epsilon")
    if epsilon and epsilon >= DULL then
        found[#found + 1] = {where = "epsilon", cures = {ADAM},
            evidence = ("epsilon %s is as large as the gradients it stands beside"):format(
                words.number(epsilon))}
    end
    local batch = o.batch or 10
    if SIGNS[name] and batch < #case.set then
        found[#found + 1] = {where = "batch", cures = {("o.batch = %d"):format(#case.set), ADAM},
            evidence = ("%s goes by the signs of the whole set's gradient, and sees %d examples"):
                format(name, batch)}
    end
    return found
end

-- ---- batch ----

local FEW <const> = 200 -- steps in a run
local LARGE <const> = 0.1 -- of the set in a batch
local SINGLE <const> = 2 -- examples, of which a mean says little
local SORTED <const> = 0.9 -- of the examples have the label of the one before
local USUAL <const> = {10, 32}

local function steps_of(case)
    local batch = (case.o.batch or 10) * (case.o.accumulate or 1)
    return case.run.epochs * math.max(1, (#case.set + batch - 1) // batch), batch
end

local function look_few(found, case)
    local steps, batch = steps_of(case)
    if not (steps < FEW) or not (batch > LARGE * #case.set) then return end
    local cures = {}
    for _, n in ipairs(USUAL) do
        if n < batch then
            cures[#cures + 1] = ("o.batch = %d\no.accumulate = nil"):format(n)
        end
    end
    if #cures == 0 then return end
    found[#found + 1] = {where = "batch", cures = cures,
        evidence = ("%s in %s, of %d of %d examples each"):format(words.count(steps, "step"),
            words.count(case.run.epochs, "epoch"), math.min(batch, #case.set), #case.set)}
end

local function look_small(found, case)
    local _, batch = steps_of(case)
    if batch > SINGLE then return end
    local often, much = curve.leaps(case.run.cost)
    local norm
    for _, one in ipairs(case.own.layers) do norm = norm or one.type == "batch_norm" and one end
    if not norm and not (often > OFTEN and much > MUCH) then return end
    found[#found + 1] = {where = norm and "layer " .. norm.path or "batch",
        cures = {"o.batch = 10", "o.batch = 32"},
        evidence = norm and ("batch_norm brings %s to mean 0"):format(words.count(batch,
            "example")) or ("steps from %s: the cost rises in %s of the epochs"):format(
            words.count(batch, "example"), words.percent(often))}
end

-- Examples in the order of their classes, and not shuffled: each batch unlearns the others.
local function look_sorted(found, case)
    local labels = case.data.labels
    if case.o.shuffle ~= false or not labels then return end
    local same, chance, total = 0, 0, #labels
    for i = 2, total do
        if labels[i] == labels[i - 1] then same = same + 1 end
    end
    for _, n in ipairs(case.data.counts) do chance = chance + (n / total) ^ 2 end
    if not (same > SORTED * (total - 1)) or not (chance < SORTED) then return end
    found[#found + 1] = {where = "shuffle", cures = {"o.shuffle = nil"},
        evidence = ("%s of the examples have the label of the one before, and are not " ..
            "shuffled"):format(words.percent(same / (total - 1)))}
end

local function look_batch(case)
    local found = {}
    if WHOLE[optimizer_name(case.o)] then return found end
    look_few(found, case)
    look_small(found, case)
    look_sorted(found, case)
    return found
end

-- ---- epochs ----

-- From the last fifth but one of the run to its last the cost still falls by a hundredth.
local FALLS <const> = 0.01
local LONGER <const> = {5, 25}

-- Costs of what is held out that were lower half of the way: the rest of the run unlearned it.
local HALF <const>, ABOVE <const> = 0.5, 0.2

local function look_late(case)
    local list, best = case.run.test_cost, 1
    for epoch, cost in ipairs(list) do
        if cost < list[best] then best = epoch end
    end
    local last = list[#list]
    if #list < 4 or best > HALF * #list or not (last > list[best] * (1 + ABOVE)) then return {} end
    return {{where = "epochs", cures = {"o.epochs = " .. best},
        evidence = ("the cost of what is held out was least after %s, %s, and ends at %s"):format(
            words.count(best, "epoch"), words.number(list[best]), words.number(last))}}
end

local function look_epochs(case)
    local list, unit = curve.of(case)
    local fall = curve.fall(list)
    if case.run.failed then return {} end
    if fall and fall > FALLS then
        return {{where = "epochs", longer = true,
            evidence = ("the cost still falls at the end, by %s over the last fifth of %s"):format(
                words.percent(fall),
                words.count(unit == "epoch" and #list or #case.run.batches, unit))}}
    end
    if not is_raw(case) then return look_late(case) end
    return {{where = "epochs", longer = true,
        evidence = ("when the run ends, after %s, the weights of layer %s are within %s of " ..
            "where they began"):format(words.count(case.run.epochs, "epoch"), case.stayed_at,
            words.percent(case.stayed))}}
end

local function cure_epochs(case, finding)
    local list = {}
    if finding.cures then return finding.cures end
    local asked = type(case.o.epochs) == "number" and case.o.epochs or case.run.epochs
    if case.o.patience and case.run.epochs < asked then list[1] = "o.patience = nil" end
    for _, factor in ipairs(LONGER) do
        list[#list + 1] = ("o.epochs = %d"):format(math.max(case.run.epochs, 1) * factor)
    end
    return list
end

local function given_cures(_, finding)
    return finding.cures
end

return {
    {kind = "learning rate", run = true, look = look_rate, cure = cure_rate,
        words = "a run that fails, leaps or ends worse than it began; weights that hardly move " ..
            "while the cost falls; a rate that clip or schedule cut away"},
    {kind = "optimizer", run = true, look = look_optimizer, cure = given_cures,
        words = "heavy momentum, layers whose gradients are far apart for one rate, rules by " ..
            "sign on single batches"},
    {kind = "batch", run = true, look = look_batch, cure = given_cures,
        words = "very few steps of many examples, leaps from one or two, batches of one class"},
    {kind = "epochs", run = true, look = look_epochs, cure = cure_epochs,
        words = "a cost that still falls when the run ends"},
}
