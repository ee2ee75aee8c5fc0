-- The words that stop a run: {name, help}, with look(t, known) → where it holds now, in words and
-- as {layer, neuron}, or nil; known keeps what was told, so that a run can go on past it. `fails`:
-- it is about a step that cannot be made, which whoever runs it hands on.

local sample = require "nabla.trainer.sample"

local getmetatable, ipairs, pairs, rawget = getmetatable, ipairs, pairs, rawget

local SMALL <const> = 0.01 -- as everywhere: a slope below it hardly moves what is before it

-- Shares of a layer's slopes that are small, by neuron; the neurons of steps stand last, of space
-- first.
local function by_neuron(part, slope, small)
    local low = small(slope:detach():abs()):to "f64"
    local at = getmetatable(part).reading == "steps" and low:dim() or 2
    if low:dim() < 2 then low, at = low:reshape(1, low:numel()), 2 end
    for d = low:dim(), 1, -1 do
        if d ~= at then low = low:mean(d) end
    end
    return low:totable()
end

-- Calls found(path, k) for every neuron whose slope is small in every example.
local function walk(part, path, small, found)
    local slope = rawget(part, "slope")
    if slope and slope:numel() > 0 then
        for k, share in ipairs(by_neuron(part, slope, small)) do
            if share == 1 then found(path, k) end
        end
    end
    for i = 1, #part do
        walk(part[i], path == "" and ("%d"):format(i) or path .. "." .. i, small, found)
    end
end

-- Neurons that are so now and were not told, the first of them in words.
local function look_for(small, words)
    return function(t, known)
        local set, step, first, more = sample.of(t), t.step_number, nil, 0
        for key, when in pairs(known) do
            if when > step then known[key] = nil end
        end
        walk(t.net:trace(set), "", small, function(path, k)
            local key = path .. ":" .. k
            if known[key] then return end
            known[key] = step
            if first then more = more + 1 else first = {layer = path, neuron = k} end
        end)
        if not first then return nil end
        local others = more > 0 and (" (and %d more)"):format(more) or ""
        return ("layer %s, neuron %d%s: %s in all %d examples looked at"):format(first.layer,
            first.neuron, others, words, #set), first
    end
end

return {
    {name = "nan", fails = true,
        help = "a step that would leave NaN or infinity: it is not made; where that began is said"},
    {name = "saturated",
        help = "a neuron whose slope is below 0.01 in each of " .. sample.WORDS,
        look = look_for(function(slope) return slope:lt(SMALL) end, "its slope is below 0.01")},
    {name = "dead", help = "a neuron whose slope is 0 in each of " .. sample.WORDS,
        look = look_for(function(slope) return slope:eq(0) end, "its slope is 0")},
}
