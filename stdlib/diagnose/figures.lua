-- All that the looks stand on: the network's layout, figures of the set and of what is held out,
-- figures by layer as the network stands and after its run, and the run itself. Everything is done
-- on copies; nothing is drawn from the session's chance.

local _, nabla = ...

local answers = require "nabla.diagnose.figures.answers"
local finite = require "nabla.diagnose.figures.finite"
local given = require "nabla.plot.given"
local layers = require "nabla.diagnose.figures.layers"
local layout = require "nabla.diagnose.layout"
local run = require "nabla.diagnose.figures.run"
local set_figures = require "nabla.diagnose.figures.set"

local math = math
local ipairs, pcall = ipairs, pcall

local TRACED <const> = 200 -- examples of a trace
local JUDGED <const> = 2000 -- examples whose answers are looked at
local SEED <const> = 1 -- of the part that is looked at, and of the run

local figures = {}

local function part(set, n)
    return #set > n and set:shuffle(SEED):take(n) or set
end

-- A trace's figures by layer; nil, with the message, where there is none.
local function traced(case, net)
    local made, trace = pcall(net.trace, net, case.part)
    if not made then return nil, trace end
    local has, list = pcall(layers.of, layout.read(net), trace, nabla.tensor)
    if not has then return nil, list end
    list.cost = trace.cost
    return list
end

local function judge(case, net, set)
    local chosen = part(set, JUDGED)
    local own = case.own
    local logit = own.units == 1 and (own.output.activation == "linear" or
        own.cost_text:find "logits")
    return answers.of(net, chosen, set_figures.of(chosen, case.seen, true), logit)
end

-- Costs that take a y of fewer dimensions than the outputs as numbers of classes, of any dtype.
local NUMBERED <const> = {cross_entropy = true, nll = true}

-- How the network sees a set: whether it takes numbers of words, and, where its outputs stand at
-- steps or places, the dimensions of a y that holds classes there; whether -1 and 1 are classes.
local function sees(own)
    return {words = own.layers[1] ~= nil and own.layers[1].type == "embedding",
        steps = #own.last.out > 1 and #own.last.out or nil,
        signs = own.cost == "hinge", numbered = NUMBERED[own.cost]}
end

-- What a step of the first few moves, relative to the weights, into the figures of the start.
local function add_updates(case)
    for _, figure in ipairs(case.start or {}) do
        local moves = case.first.moves[figure.path]
        if moves and moves.steps > 0 then figure.update = moves.total / moves.steps end
    end
end

-- How far the weights end from where they began, relative to their size: of the layer that went
-- least of those that have a gradient. `dark`: none has.
local function measure_way(case)
    local least, dark = nil, true
    for _, figure in ipairs(case.start or {}) do
        if figure.names and figure.size and figure.size > 0 then
            local sum = 0
            for _, name in ipairs(figure.names) do
                local after = case.run.net
                for _, k in ipairs(figure.one.at) do after = after[k] end
                local gap = after[name]:to "f64" - figure.one.layer[name]:to "f64"
                sum = sum + (gap * gap):sum():item()
            end
            local lit = figure.gradient > 0 and not figure.one.layer.frozen
            local way = math.sqrt(sum) / figure.size
            if lit and not (least and least <= way) then
                least, case.stayed_at = way, figure.path
            end
            dark = dark and not lit
        end
    end
    case.stayed, case.dark = least, dark
end

local function measure_run(case)
    case.first = run.first(case)
    add_updates(case)
    case.run = run.whole(case)
    measure_way(case)
    case.finish = traced(case, case.run.net)
    case.train_answers = judge(case, case.run.net, case.set)
    if case.held then case.held_answers = judge(case, case.run.net, case.held) end
end

-- Quality above which no cure can gain what a cause must.
local GAIN <const> = 0.05

-- A copy as a run begins with it where the network was trained: drawn anew; its scale stays.
local function drawn_anew(net, seed)
    local copy = net:clone()
    copy:reset(seed)
    if net.scale then copy.scale = net.scale end
    return copy
end

-- What looks and cures ask of the options: copies for a run; the rate as it was given, or as the
-- first steps had it, and where it is written.
local function add_options(case, o, seed)
    local object = given.kind(o.optimizer) == "optimizer" and o.optimizer
    case.rate_name = object and "o.optimizer.lr" or "o.lr"
    function case.rate()
        if not object then return o.lr or case.first.lr end
        local has, lr = pcall(function() return object.lr end)
        return has and lr or nil
    end
    function case.options()
        local copy = layout.options(o, nabla.nn)
        if copy.seed == nil then copy.seed = seed end
        return copy
    end
end

-- Figures of the sets. Numbers that are none are told by their places in the whole; neighbours are
-- those of as many examples on both sides, which then stand as close.
local function add_sets(case, set, held, whole)
    case.part = part(set, TRACED)
    case.data = set_figures.of(set, case.seen, false)
    case.bad = {x = not case.seen.words and set_figures.unfinished(whole) or nil,
        y = set_figures.unfinished_answers(whole), count = #whole}
    if not held then return end
    case.held_data = set_figures.of(held, case.seen, false, #set)
    case.even_data = #held < #set and set_figures.of(set, case.seen, false, #held) or case.data
end

-- How good the run is, whether there is room for a cure, whether even what it learned is answered
-- badly.
local function add_quality(case)
    local judged, learned = case.held_answers or case.train_answers, case.train_answers
    case.quality = judged and judged.quality
    case.room = not case.quality or not (case.quality > 1 - GAIN)
    case.poor = not learned or not (learned.quality > 1 - 2 * GAIN)
end

-- The case of a network, the set that it learns from, the options of train, and about = {test =
-- what is held out, whole = the set as the user gave it, seed =, trained =}. `start` is the state
-- that a run begins with: the network, or, where it was trained, one drawn anew, and `stands` the
-- figures of the network as it stands; `broken` are its numbers that are none, as it stands.
function figures.of(net, set, o, about)
    local seed, trained = about.seed or SEED, about.trained
    if trained == nil then trained = net.history ~= nil end
    local case = {set = set, o = o or {}, held = about.test, nn = nabla.nn,
        tensor = nabla.tensor, trained = trained, broken = finite.broken(net)}
    if trained then
        case.stands = traced({part = part(set, TRACED)}, net:clone())
        net = drawn_anew(net, seed)
    end
    case.net, case.own = net, layout.read(net)
    case.seen = sees(case.own)
    function case.copy() return net:clone() end
    add_options(case, case.o, seed)
    add_sets(case, set, about.test, about.whole or set)
    case.start, case.start_failed = traced(case, net:clone())
    measure_run(case)
    add_quality(case)
    case.layers = case.stands or case.start
    return case
end

return figures
