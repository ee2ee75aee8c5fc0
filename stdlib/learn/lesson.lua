-- A lesson: one step of the course on a ground. It picks the network, runs the step's commands, and
-- knows what is right.
--
-- A step holds
--   name, title   what learn "name" finds, and its heading
--   text          what it is about; `code` in it is written with the names of the session
--   run           commands: code, or {code, has = a method that must be there, small or large = a
--                 layer that must be so, few = a layer whose first neurons are enough, dense or
--                 cheap = what the network must be}
--   ask, way      the question, and code that computes the answer, or commands that lead to a word
--   wrong         {code, words}: answers that an error of thought gives
--   hint, right   words on asking, words on a right answer; after: commands then
--   dense         whether the network must be one of dense layers
--   suits         "loud": its inputs must not be all as loud; "awake": what is asked about must
--                 learn; "sloped": $h must not be saturated with $f; "cheap": not too many
--                 parameters
--   prepare       makes what the commands need, and gives the word that is the answer
--   exact         the answer is a whole number
--   see           a page of the help
-- In all of them $L, $H, $i, $h, $j, $k, $m are numbers of the ground, $f an activation.

local _, nabla = ...

local given = require "nabla.plot.given"
local screen = require "nabla.plot.screen"
local ground = require "nabla.learn.ground"
local judge = require "nabla.learn.judge"
local names = require "nabla.learn.names"

local math = math
local _G, ipairs, pcall, rawget, tostring, type = _G, ipairs, pcall, rawget, tostring, type

local lesson = {}

local SMALL <const> = "2-3-2"
local MOST <const> = 5000 -- parameters of a network that differences are asked of
local LOUD <const> = 1.5 -- times as loud that can be told apart
local WORDS <const> = 40 -- columns for a notation

local wanted = {} -- the network and the set that the user gave
local small -- the ground of the small network, once made
local turns = 0 -- of a step that prepares something else each time

-- ---- The ground ----

local function session_net()
    local net = rawget(_G, "net")
    local own = given.kind(net) == "network" and not names.is_placed("net", net)
    return own and net or nil
end

-- Why a step that divides two inputs cannot; nil where it can.
local function unfit_loud(g)
    local n, a = g.numbers, g.net:trace(g.x, g.y)[0].a
    local loud, quiet = math.abs(a[n.k]), n.m and math.abs(a[n.m]) or 0
    if not (quiet > 0) then return "hears fewer than two inputs that are not 0" end
    if not (loud >= LOUD * quiet) then return "has inputs that are all as loud" end
end

-- An activation that neuron $h has not.
local function another(g)
    local activation = g.net[g.numbers.H]:neuron(g.numbers.h).activation
    return tostring(activation) == "tanh" and "sigmoid" or "tanh"
end

-- Whether neuron $h has a slope with that.
local function is_sloped(g)
    local n, other = g.numbers, g.net:clone()
    other[n.H]:neuron(n.h).activation = another(g)
    return other:trace(g.x, g.y)[n.H].slope[n.h] > 0
end

-- Whether the weights of the neuron that is asked about have a gradient that is not 0.
local function is_awake(g)
    return g.net:trace(g.x, g.y)[1].dw[g.numbers.j]:abs():max():item() > 0
end

-- Why a step cannot stand on a ground, in words behind "your network"; nil where it can.
local function unfit(step, g)
    if step.dense and g.unfit then return g.unfit end
    if not g.numbers and not g.some then return "has no set here whose examples it takes" end
    local reason = step.suits == "loud" and unfit_loud(g)
    if reason then return reason end
    if step.suits == "sloped" and not is_sloped(g) then
        return "has a neuron whose slope with another f is 0"
    end
    if step.suits == "awake" and not is_awake(g) then
        return "learns nothing from its first example"
    end
    local count = g.net:count()
    if step.suits == "cheap" and count > MOST then
        return ("has %d parameters, for which differences take %d passes"):format(count, 2 * count)
    end
end

-- The ground for a step, and a line that says which.
local function ground_for(step)
    local net = wanted.net
    if net == nil then net = session_net() end
    small = small or ground.small(SMALL)
    if not net then return small, "net is a small network, " .. SMALL end
    local g = ground.own(net, wanted.set, _G, names.is_placed)
    local reason = unfit(step, g)
    if reason then
        return small, ("your network %s; here net is a small one, %s"):format(reason, SMALL)
    end
    local from = g.set and "its examples from " .. g.set or "its examples made up"
    return g, ("net is yours, %s, %s"):format(screen.fit(net:notation(), WORDS), from)
end

-- The session's own network counts again, and its sets.
function lesson.forget()
    wanted = {}
end

-- Takes a network (false: the small one) and a set, or nil; a message where they do not go
-- together.
function lesson.take(net, set)
    local own = net or wanted.net or session_net()
    if set and not own then return "a set needs a network: learn{net = …, set = …}" end
    local message = set and ground.refuses(own, set)
    if message then return message end
    if net == nil then net = wanted.net or nil end
    wanted = {net = net, set = set}
end

-- ---- Commands ----

local FEW <const>, FIRST <const> = 10, 6

local function size(g, l)
    return g.net[g.numbers[l] or l].w.shape
end

local function is_small(g, l)
    local shape = size(g, l)
    return shape[1] <= FEW and (l ~= 1 or shape[2] <= FEW)
end

local function has(g, method)
    local fine, value = pcall(function() return g.net[method] end)
    return fine and value ~= nil
end

-- Whether a command is one for this ground.
local function is_for(g, command)
    if type(command) == "string" then return true end
    if command.dense ~= nil and command.dense ~= (g.numbers ~= nil) then return false end
    if command.has and not has(g, command.has) then return false end
    if command.cheap and g.net:count() > MOST then return false end
    if command.small and not is_small(g, command.small) then return false end
    return not command.large or not is_small(g, command.large)
end

-- Text with the numbers of the ground.
function lesson.filled(text, g)
    return (text:gsub("%$(%a)", g.numbers or {}))
end

local function code_of(g, command)
    if type(command) == "string" then return lesson.filled(command, g) end
    local code = lesson.filled(command[1], g)
    if not command.few or size(g, command.few)[1] <= FEW then return code end
    if code:find " " then code = "(" .. code .. ")" end
    return ("%s[{ {1, %d} }]"):format(code, FIRST)
end

-- The commands of a list that are for this ground, as code.
function lesson.codes(g, list)
    local out = {}
    for _, command in ipairs(list or {}) do
        if is_for(g, command) then out[#out + 1] = code_of(g, command) end
    end
    return out
end

-- ---- A step on its ground ----

-- The names that every step has, and an activation that neuron $h has not.
local function put_names(g)
    names.put("answer", nabla.learn.answer)
    names.put("net", g.net)
    names.put("some", g.some)
    if not g.numbers then return end
    names.put("x", g.x)
    names.put("y", g.y)
    g.numbers.f = another(g)
end

-- A step and the ground for it, `words` saying which. Nothing is run yet.
function lesson.begin(step)
    local g, words = ground_for(step)
    put_names(g)
    return {step = step, ground = g, words = words, hints = 0}
end

-- What is right, and what errors of thought give. Code that fails on this ground is no answer here.
local function find_answers(one, word)
    local step, g = one.step, one.ground
    one.word, one.errors = word, {}
    one.right = judge.read(word or names.run(lesson.filled(step.way, g)))
    for _, wrong in ipairs(step.wrong) do
        local fine, value = pcall(names.run, lesson.filled(wrong[1], g))
        local answer = fine and value ~= nil and judge.read(value)
        if answer then one.errors[#one.errors + 1] = {answer, lesson.filled(wrong[2], g)} end
    end
end

-- Runs the step's commands; `show` gets each.
function lesson.run(one, show)
    local step, g = one.step, one.ground
    local word = nil
    if step.prepare then
        if not one.turn then one.turn, turns = turns, turns + 1 end
        word = step.prepare(g, names, one.turn)
    end
    for _, code in ipairs(lesson.codes(g, step.run)) do show(code) end
    find_answers(one, word)
    one.params = g.net:params():clone()
end

-- Whether the network is another than when the step was run.
function lesson.is_stale(one)
    local params = one.ground.net:params()
    local fine, same = pcall(params.equal, params, one.params)
    return not (fine and same)
end

function lesson.is_right(one, answer)
    return judge.is_right(answer, one.right, one.step.exact)
end

-- Words on an answer that is not right.
function lesson.words(one, answer)
    return judge.words(answer, one.right, one.errors, one.step.exact)
end

return lesson
