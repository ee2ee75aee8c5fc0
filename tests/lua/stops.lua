-- Runs whose steps are made in halves, for half_spec.lua and held_spec.lua.

local spec = require "spec"
local eq = spec.eq
local nn, tensor = spec.nabla.nn, spec.nabla.tensor

local stops = {}

stops.HALF = "is half done: t:step() ends the step first"

function stops.numbers(n, inputs, outputs)
    return tensor.randn(n, inputs, {seed = 1}), tensor.rand(n, outputs, {seed = 2})
end

-- A run on 23 examples of 4 numbers, whose last batch is short.
function stops.run_of(net, o)
    local x, y = stops.numbers(23, 4, 2)
    local options = {seed = 3, batch = 5, lr = 0.1, epochs = 3, progress = false}
    for key, value in pairs(o or {}) do options[key] = value end
    return net:trainer(x, y, options)
end

function stops.made(notation)
    return nn.net(notation, {seed = 7})
end

-- Through a step; gives the table of the last stop and the number of stops.
function stops.through(t)
    local before, s, stops = t.step_number, nil, 0
    repeat
        s = t:step "layer"
        stops = stops + 1
    until t.step_number > before
    return s, stops
end

function stops.same_state(t, u)
    eq(t.step_number, u.step_number)
    eq(t.cost, u.cost)
    assert(t.net:params():equal(u.net:params()))
    eq(#t.history.cost, #u.history.cost)
end

return stops
