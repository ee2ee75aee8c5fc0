-- learn(): the notes on backpropagation, live. This file is what a session calls; what stands
-- behind it is loaded at the first call: learn/course.lua goes through the steps, whose texts,
-- commands and questions are the files that it lists.

local _, nabla = ...

local error, require, select, setmetatable = error, require, select, setmetatable

local learn = {}

-- Calls a function of the course; what that refuses is raised where the user stands.
local function call(name, ...)
    local course = require "nabla.learn.course"
    local message = course[name](...)
    if message then error(message, 3) end -- behind this function and its caller
end

-- Likewise for a function that takes nothing.
local function plain(name)
    learn[name] = function(...)
        if select("#", ...) > 0 then error(("learn.%s takes no argument"):format(name), 2) end
        call(name)
    end
end

function learn.answer(...)
    call("answer", select("#", ...), ...)
end

for _, name in ipairs {"hint", "solve", "next", "back", "list", "reset"} do plain(name) end

local OPTIONS <const> = {
    {name = "net", text = "the network to work on, or \"small\" for the small one",
        kind = "network", standard = "the session's net"},
    {name = "set", text = "where its examples come from", kind = "data set",
        standard = "a set of the session's that fits"},
}

-- ---- Help ----

nabla._help.openings.learn = "learn() shows the step where you stand; ?learn says more"

local doc = nabla._help.doc

doc(learn, {
    name = "learn", kind = "function",
    usage = "learn(), learn(3), learn \"BP2\", learn{net = …, set = …}",
    text = [[
The notes on backpropagation in fourteen steps: each a short text, commands that are run here and
now, and a question. learn() shows the step where one stands, and the next one once its question
is answered with answer(x); it goes on where the last session left. A number or a name jumps.

The commands work on the session's own net where it has one of dense layers with the quadratic
cost, on the one given as {net = …} ("small": none), else on a small one; the network itself is
never changed. Examples are those of {set = …}, or of a set of the session that fits. The names of
a step, net, x, y, t and so on, are fields of learn as well, and globals where the session has none
so called.]],
    options = OPTIONS,
    example = 'learn()\nlearn "BP2"\nlearn.net[2].w',
})
doc(learn.answer, {
    name = "learn.answer", kind = "function", usage = "learn.answer(x), or answer(x)",
    text = [[
Answers the question of the step that learn() showed: x is a number, a tensor, a list of numbers,
or a word; three figures will do (0.5 % of each number). Without x the last result counts, _. What
is right is computed from the network in hand. learn() puts this function under the name answer as
well, where a session has none of its own.]],
    example = 'learn "cost"\nlearn.answer(0.75 * learn.net:cost(learn.some))',
})
doc(learn.hint, {
    name = "learn.hint", kind = "function", usage = "learn.hint()",
    text = "Says where to look for the answer to this step's question.",
    example = 'learn "BP2"\nlearn.hint()',
})
doc(learn.solve, {
    name = "learn.solve", kind = "function", usage = "learn.solve()",
    text = "Shows one way to the answer, and what comes out; learn() then goes on.",
    example = 'learn "BP2"\nlearn.solve()',
})
doc(learn.next, {
    name = "learn.next", kind = "function", usage = "learn.next()",
    text = "Goes to the next step, whether this one's question is answered or not.",
    example = "learn(1)\nlearn.next()",
})
doc(learn.back, {
    name = "learn.back", kind = "function", usage = "learn.back()",
    text = "Goes to the step before.",
    example = "learn(2)\nlearn.back()",
})
doc(learn.list, {
    name = "learn.list", kind = "function", usage = "learn.list()",
    text = "Lists the steps, with those that are answered.",
    example = "learn.list()",
})
doc(learn.reset, {
    name = "learn.reset", kind = "function", usage = "learn.reset()",
    text = "Forgets which steps are answered, and the network and set that were given: learn() " ..
        "begins anew.",
    example = "learn.reset()",
})
return setmetatable(learn, {__call = function(_, ...)
    call("learn", OPTIONS, select("#", ...), ...)
end})
