-- A few of the broken programs of tests/faults and their twins: `make faults` judges all of them,
-- for more seeds. One seed each here, so that a seed in which the diagnosis misses would fail.

local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/?.lua;" .. here .. "/../faults/?.lua;" .. package.path
local spec = require "spec"
local judge = require "judge"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nn, tensor, data = spec.nabla.nn, spec.nabla.tensor, spec.nabla.data

local function program(name) return dofile(here .. "/../faults/" .. name .. ".lua") end

-- The first kind is an accepted one, and its cure closes half the gap to the twin where there is a
-- cure to be had.
local function finds(name, seed)
    local broken = program(name)
    local d = judge.diagnosis(broken, seed, true)
    eq(d.refused, nil)
    local cause = judge.first(broken, d)
    assert(judge.accepted(broken, cause), cause and cause.kind or "nothing found")
    if broken.cure == false then return end
    local tried = judge.try_cure(broken, seed, cause.cure)
    eq(tried.refused, nil)
    assert(judge.share(tried) >= judge.CURED, cause.cure)
end

local function is_healthy(name, seed)
    local d = judge.diagnosis(program(name), seed, false)
    eq(d.refused, nil)
    eq(#d, 0)
end

test("softmax over one unit", function() finds("01_softmax_of_one", 1) end)
test("weights that begin equal", function() finds("12_all_equal", 1) end)
test("NaN in the data", function() finds("19_nan", 1) end)
test("healthy twins", function()
    is_healthy("01_softmax_of_one", 1)
    is_healthy("19_nan", 1)
end)

test("a program that is judged is what it says", function()
    local found = judge.check(program "01_softmax_of_one")
    assert(found.least >= judge.COST and found.worst < judge.PLATEAU)
    eq(judge.check(program "19_nan").refusals, judge.SEEDS)
end)

test("a set to judge by that the network cannot take is refused, as train does", function()
    local net, set = nn.net("2 - 3 - 1", {seed = 1}), data.moons(40, {seed = 1})
    local function judged_by(held, message)
        for _, how in ipairs {"train", "diagnose"} do
            fails(function() net[how](net, set, {test = held, epochs = 1, progress = false}) end,
                message, true)
        end
    end
    judged_by("x", "test must be a data set, not 'x'")
    judged_by(data.set {x = tensor.rand(5, 3), y = tensor.rand(5, 1)},
        "test: the set's examples are 3; the network takes 2")
    local x = set.x:clone()
    x[{3, 2}] = 0 / 0
    judged_by(data.set {x = x, y = set.y, classes = set.classes}, "x holds nan in example 3")
end)

spec.report()
