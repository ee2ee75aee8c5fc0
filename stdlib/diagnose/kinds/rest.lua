-- Kinds that lie in what holds learning back, in what is switched off, and in the network's build.

local layout = require "nabla.diagnose.layout"
local words = require "nabla.diagnose.words"

local math, table = math, table
local ipairs, pcall, tonumber, tostring, type = ipairs, pcall, tonumber, tostring, type

-- ---- regularisation ----

-- What penalties pull, against what the cost does: half as much and the weights go where the
-- penalty wants them.
local PULL <const> = 0.5
local SHRUNK <const> = 0.5 -- of the weights' size at the start
local DROPPED <const> = 0.6 -- of the numbers: the sums' noise is √(p/(1-p)) times their size
local GAP <const> = 0.15 -- of quality between what was learned and what is held out
local LEARNED <const> = 0.8

local function total(list, field)
    local sum = 0
    for _, figure in ipairs(list or {}) do
        if figure.size then sum = sum + figure[field] ^ 2 end
    end
    return math.sqrt(sum)
end

local function count(case)
    local n = 0
    for _, figure in ipairs(case.start or {}) do
        for _, name in ipairs(figure.names or {}) do n = n + figure.one.layer[name]:numel() end
    end
    return n
end

-- What an option pulls at the weights of the start: λ/n w of l2, λ/n of l1 each, decay · w.
local PULLS <const> = {
    l2 = function(value, case) return value / #case.set * total(case.start, "size") end,
    l1 = function(value, case) return value / #case.set * math.sqrt(count(case)) end,
    decay = function(value, case) return value * total(case.start, "size") end,
}

local function look_penalty(found, case)
    local gradient = total(case.start, "gradient")
    local before, after = total(case.start, "size"), total(case.finish, "size")
    for _, name in ipairs {"l2", "l1", "decay"} do
        local value, target = case.o[name], "o." .. name
        if value == nil and type(case.o.optimizer) == "userdata" then
            local has, own = pcall(function() return case.o.optimizer[name] end)
            if has then value, target = own, "o.optimizer." .. name end
        end
        local pull = type(value) == "number" and value > 0 and PULLS[name](value, case) or 0
        local shrunk = after > 0 and before > 0 and after / before or 1
        if pull > 0 and (pull > PULL * gradient or shrunk < SHRUNK) then
            found[#found + 1] = {where = name,
                cures = {target .. " = 0", ("%s = %s"):format(target, layout.number(value / 100))},
                evidence = ("at the start it pulls with %s, the cost with %s; the weights end " ..
                    "at %s of their size"):format(words.number(pull), words.number(gradient),
                    words.percent(shrunk))}
        end
    end
end

local function look_dropout(found, case)
    local lines, names, most = {}, {}, 0
    for _, one in ipairs(case.own.layers) do
        local rate = one.type == "dropout" and tonumber(one.notation:match "dropout ([%d%.e%-]+)")
        if rate and rate >= DROPPED and one.top then
            lines[#lines + 1] = ('net:replace(%d, "dropout 0.1")'):format(one.at[1])
            names[#names + 1] = one.path
            most = math.max(most, rate)
        end
    end
    if #lines == 0 then return end
    found[#found + 1] = {where = "layer " .. table.concat(names, ", "),
        cures = {table.concat(lines, "\n")},
        evidence = ("%s of what comes in is dropped: the noise of sums is %s times their size"):
            format(words.percent(most), words.number(math.sqrt(most / (1 - most))))}
end

local function look_gap(found, case)
    local learned, held = case.train_answers, case.held_answers
    if not learned or not held or learned.broken or held.broken then return end
    local gap = learned.quality - held.quality
    if not (gap > GAP) or not (learned.quality > LEARNED) or case.o.l2 or #found > 0 then return end
    local n = #case.set
    found[1] = {where = "weights",
        cures = {"o.l2 = " .. layout.number(0.001 * n), "o.l2 = " .. layout.number(0.01 * n)},
        evidence = ("quality %s on what was learned, %s on what is held out, and nothing holds " ..
            "the weights"):format(words.number(learned.quality), words.number(held.quality))}
end

-- What is done to batches before they are learned from.
local function look_augment(found, case)
    if case.o.augment == nil or not case.poor then return end
    found[#found + 1] = {where = "augment", cures = {"o.augment = nil"},
        evidence = ("batches are changed by augment, and examples as they are answered with " ..
            "quality %s"):format(words.number(case.quality or 0))}
end

local function look_regularisation(case)
    local found = {}
    look_penalty(found, case)
    look_dropout(found, case)
    look_gap(found, case)
    look_augment(found, case)
    return found
end

local function given_cures(_, finding)
    return finding.cures or {}
end

-- ---- mode ----

local FACTOR <const> = 100 -- times that one layer's rate is off
local OFF <const> = 2 -- times the cost of learning that evaluation's is

-- A layer with weights whose gradient is not 0 and that the first steps did not move.
local function look_still(found, case)
    for _, figure in ipairs(case.start or {}) do
        local still = figure.update == 0 and figure.gradient and figure.gradient > 0
        local layer, lua = figure.one.layer, figure.one.lua
        local why = layer.frozen and "frozen" or layer.factor == 0 and "factor 0" or
            layer.mask and "masked"
        if still and why then
            local cure = ({frozen = ".frozen = false", ["factor 0"] = ".factor = 1",
                masked = ".mask = nil"})[why]
            found[#found + 1] = {where = "layer " .. figure.path, cures = {lua .. cure},
                evidence = ("%s: its gradient is %s and no step moves it"):format(why,
                    words.number(figure.gradient))}
        elseif figure.gradient and layer.factor > 0 and
            (layer.factor > FACTOR or layer.factor < 1 / FACTOR) then
            found[#found + 1] = {where = "layer " .. figure.path, cures = {lua .. ".factor = 1"},
                evidence = ("its rate is multiplied by %s"):format(words.number(layer.factor))}
        end
    end
end

local function join_still(found)
    if #found < 2 then return found end
    local places, lines = {}, {}
    for i, finding in ipairs(found) do
        places[i], lines[i] = finding.where, finding.cures[1]
    end
    return {{where = table.concat(places, ", "), evidence = found[1].evidence,
        cures = {table.concat(lines, "\n")}}}
end

-- Nothing behind the dropout learns to do without what was dropped.
local function look_dropped_output(found, case)
    local last = case.own.last
    if last.type ~= "dropout" then return end
    found[#found + 1] = {where = "layer " .. last.path,
        cures = {("net:cut(%d)"):format(last.at[1])},
        evidence = "dropout behind the outputs: they are 0 at random while it learns"}
end

-- A pass as in learning and one as in use, of the same examples after the run.
local function look_running(found, case)
    local norms = {}
    for _, one in ipairs(case.own.layers) do
        if one.type == "batch_norm" and one.top then norms[#norms + 1] = one end
    end
    if #norms == 0 or not case.finish or not case.finish.cost then return end
    local has, cost = pcall(case.run.net.cost, case.run.net, case.part)
    if not has or not (cost > OFF * case.finish.cost) then return end
    local lines = {}
    for i, one in ipairs(norms) do
        lines[i] = ('net:replace(%d, "batch_norm")'):format(one.at[1])
    end
    found[#found + 1] = {where = "layer " .. norms[1].path,
        cures = {table.concat(lines, "\n"), "o.batch = 32"},
        evidence = ("with the batch's own mean the cost is %s, with the running ones %s"):format(
            words.number(case.finish.cost), words.number(cost))}
end

local function look_mode(case)
    local found = {}
    look_still(found, case)
    found = join_still(found)
    look_dropped_output(found, case)
    look_running(found, case)
    return found
end

-- ---- structure ----

local NARROW <const> = 0.5 -- neurons for each class
local SMALL <const> = 8 -- neurons of a hidden layer, below which width itself is doubted
local WIDER <const> = {32, 128}

-- A vocabulary smaller than the words that come.
local function look_vocabulary(found, case, message)
    local first = case.own.layers[1]
    if not message:find "words are whole numbers" or first.type ~= "embedding" then return end
    local has, most = pcall(function() return case.set.x:max():item() end)
    local cure = has and ('net:replace(1, "embedding %d %d")'):format(most, first.layer.w:size(2))
    found[1] = {where = "layer 1", certain = true, evidence = message, cures = {cure or nil}}
end

-- What the program refuses since sizes do not go together.
local function look_sizes(found, case)
    local message = case.run.failed or case.start_failed
    if not message then return end
    look_vocabulary(found, case, message)
    local classes, gives = message:match "the set has (%d+) classes; the network gives (%d+)"
    if not classes then
        classes, gives = message:match "the set's targets are (%d+); the network gives (%d+)"
    end
    local takes = message:match "the set's examples are (%S+); the network takes"
    local output = case.own.output
    if classes and output.type == "dense" and output.top then
        found[1] = {where = "layer " .. output.path, certain = true, evidence = message,
            cures = {('net:replace(%d, "%s %s")'):format(output.at[1], classes,
                output.activation or "softmax")}}
    elseif takes then
        found[1] = {where = "input", certain = true, evidence = message,
            cures = {layout.rebuilt(case.net, case.own, {input = takes})}}
    elseif gives then
        found[1] = {where = "outputs", certain = true, evidence = message}
    end
end

local function is_poor(case)
    local learned = case.train_answers
    return learned and not learned.broken and not case.run.failed and case.poor
end

-- A network without a hidden layer draws one plane for each output.
local function look_shallow(found, case)
    local own = case.own
    if #own.layers ~= 1 or own.output.type ~= "dense" then return end
    local cures = {}
    for i, n in ipairs(WIDER) do
        cures[i] = layout.rebuilt(case.net, own, {insert = {at = 1, text = n .. " relu"}})
    end
    found[#found + 1] = {where = "network", cures = cures,
        evidence = ("one layer of sums, quality %s on what it learned: a plane for each output " ..
            "is all it can draw"):format(words.number(case.train_answers.quality))}
end

local function look_narrow(found, case)
    local own, lines, names = case.own, {{}, {}}, {}
    for _, one in ipairs(layout.hidden(own)) do
        -- A function has no notation, and a name is there already.
        local said = not one.notation:find "[<=]"
        local units = said and one.type == "dense" and one.top and one.layer.w:size(1)
        if units and (units < SMALL or units < NARROW * own.units) then
            names[#names + 1] = one.path
            for i, n in ipairs(WIDER) do
                local text = one.notation:gsub("^dense ", ""):gsub("^%d+", tostring(n), 1)
                table.insert(lines[i], ('net:replace(%d, "%s")'):format(one.at[1], text))
            end
        end
    end
    if #names == 0 then return end
    found[#found + 1] = {where = "layer " .. table.concat(names, ", "),
        cures = {table.concat(lines[1], "\n"), table.concat(lines[2], "\n")},
        evidence = ("fewer than %d neurons, quality %s on what it learned"):format(
            math.max(SMALL, math.ceil(NARROW * own.units)),
            words.number(case.train_answers.quality))}
end

local function look_biases(found, case)
    local lines, names = {}, {}
    for _, one in ipairs(case.own.layers) do
        if one.type == "dense" and one.top and one.notation:find "bias=false" then
            names[#names + 1] = one.path
            lines[#lines + 1] = ('net:replace(%d, "%s")'):format(one.at[1],
                (one.notation:gsub(" ?bias=false", ""):gsub("^dense ", "")))
        end
    end
    if #names == 0 then return end
    found[#found + 1] = {where = "layer " .. table.concat(names, ", "),
        cures = {table.concat(lines, "\n")},
        evidence = "no biases: every plane goes through 0"}
end

local function look_structure(case)
    local found = {}
    look_sizes(found, case)
    if #found > 0 or not is_poor(case) then return found end
    look_shallow(found, case)
    look_narrow(found, case)
    look_biases(found, case)
    return found
end

return {
    {kind = "regularisation", run = true, look = look_regularisation, cure = given_cures,
        words = "penalties that pull as hard as the cost, dropout of most numbers, a gap " ..
            "between what was learned and what is held out"},
    {kind = "mode", look = look_mode, cure = given_cures,
        words = "layers that no step moves, dropout behind the outputs, batch_norm whose " ..
            "running figures are not the batches'"},
    {kind = "structure", run = true, look = look_structure, cure = given_cures,
        words = "sizes that do not go together; no hidden layer, too narrow ones, no biases, " ..
            "where even what was learned is answered badly"},
}
