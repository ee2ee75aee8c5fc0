-- What confirms a cure: the permutation test against counts by hand and by another way, the order
-- of cures, how often chance alone is taken for one, and what a budget lets be tried.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near = spec.test, spec.eq, spec.near
local nabla = spec.nabla
local tensor = nabla.tensor

local permutation = require "nabla.diagnose.permutation"
local experiment = require "nabla.diagnose.experiment"

-- ---- The permutation test ----

test("splits counted by hand", function()
    -- Of the 6 pairs of {1, 2, 3, 4} one has a sum of at least 7, four one of at least 5.
    eq(permutation.p({3, 4}, {1, 2}), 1 / 6)
    eq(permutation.p({1, 4}, {2, 3}), 4 / 6)
    eq(permutation.p({1, 2}, {3, 4}), 1)
    eq(permutation.p({1}, {0, 0, 0}), 1 / 4)
    -- 0.1 + 0.2 and 0.3 are equal but for rounding; of the ten pairs of 0.1, 0.2, 0.3, 0, 0 those
    -- with 0.3 (four) and {0.1, 0.2} have at least that.
    eq(permutation.p({0.3, 0}, {0.1, 0.2, 0}), 5 / 10)
    eq(permutation.p({0.1, 0.2}, {0.3, 0, 0}), 5 / 10)
    eq(permutation.p({0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}), 1)
end)

-- How many subsets of `size` of 1 … most have each sum, by the recurrence of Mann and Whitney.
local function subsets(most, size)
    local ways = {}
    for k = 0, size do ways[k] = {} end
    ways[0][0] = 1
    for value = 1, most do
        for k = size, 1, -1 do
            for sum, count in pairs(ways[k - 1]) do
                ways[k][sum + value] = (ways[k][sum + value] or 0) + count
            end
        end
    end
    return ways[size]
end

test("of ranks as Mann and Whitney count them, 8 against 8", function()
    local ways, all = subsets(16, 8), 0
    for _, count in pairs(ways) do all = all + count end
    eq(all, 12870)
    for round = 1, 12 do
        local order = tensor.randperm(16, {seed = round}):totable()
        local more, less, sum, extreme = {}, {}, 0, 0
        for i = 1, 8 do
            more[i], less[i] = order[i], order[i + 8]
            sum = sum + order[i]
        end
        for s, count in pairs(ways) do extreme = extreme + (s >= sum and count or 0) end
        near(permutation.p(more, less), extreme / 12870, 1e-12)
    end
    eq(permutation.p({9, 10, 11, 12, 13, 14, 15, 16}, {1, 2, 3, 4, 5, 6, 7, 8}), 1 / 12870)
end)

test("mean and spread", function()
    eq(permutation.mean {1, 2, 3, 6}, 3)
    near(permutation.spread {1, 3}, math.sqrt(2), 1e-15)
    eq(permutation.spread {7}, 0)
end)

-- ---- Which cure is first ----

test("within one spread of the best the first kind is first", function()
    local function order(list)
        local names = {}
        for i, one in ipairs(experiment.order(list)) do names[i] = one.kind end
        return table.concat(names, " ")
    end
    local a, b, c = {kind = "a", gain = 0.30, spread = 0.01}, {kind = "b", gain = 0.35,
        spread = 0.1}, {kind = "c", gain = 0.40, spread = 0.06}
    eq(order {a, b, c}, "b c a") -- 0.34 is asked for; then, without b, still
    eq(order {a, c}, "c a")
    eq(order {c, a}, "c a")
    c.spread = 0.11
    eq(order {a, b, c}, "a b c")
    eq(order {}, "")
end)

-- ---- False confirmations ----

-- A purse without an end.
local ENDLESS <const> = {
    choose = function(causes) return causes end,
    cost = function() end,
    confirms = function(places) return places end,
}

-- Numbers from a normal distribution, by Box and Muller, from a generator of their own.
local function normal(seed)
    local state = seed * 2654435761 % 2 ^ 32
    local function uniform()
        state = (state * 1664525 + 1013904223) % 2 ^ 32
        return (state + 0.5) / 2 ^ 32
    end
    for _ = 1, 10 do uniform() end
    return function()
        return math.sqrt(-2 * math.log(uniform())) * math.cos(2 * math.pi * uniform())
    end
end

-- An experiment on arms that are numbers: of mean 0.5, with a cure more by its effect.
local function play(draw, effects, noise)
    local list = {}
    for i, effect in ipairs(effects) do
        list[i] = {kind = tostring(i), cure = "", effect = effect}
    end
    local function run(tasks)
        local out = {}
        for i, task in ipairs(tasks) do
            local effect = task.cause and task.cause.effect or 0
            out[i] = {quality = 0.5 + effect + noise * draw(), seconds = 0}
        end
        return out
    end
    return experiment.find(list, run, ENDLESS, 0.1)
end

test("what does nothing is confirmed in less than one experiment of a hundred", function()
    -- The noise makes gains of 0.05 common, so that it is the test that holds it. Of 400 such
    -- experiments at most 4 are expected; 12 or more would be chance in 1 of 1,000.
    local draw, false_ones = normal(1), 0
    for _ = 1, 400 do
        local found = play(draw, {0, 0, 0, 0}, 0.2)
        false_ones = false_ones + (#found.confirmed > 0 and 1 or 0)
        eq(#found.tried, 4)
        eq(#found.confirmed + #found.noticed, 4)
    end
    assert(false_ones < 12, false_ones)
end)

test("a gain that is small is not confirmed however sure it is", function()
    local draw = normal(2)
    for _ = 1, 20 do eq(#play(draw, {0.04}, 0.0001).confirmed, 0) end
    local found = play(draw, {0.04}, 0.0001)
    eq(found.noticed[1].why, "+0.04 on 8 seeds")
    eq(#play(draw, {0.06}, 0.0001).confirmed, 1)
end)

test("an effect is found among those that are none", function()
    local draw = normal(3)
    for _ = 1, 20 do
        local found = play(draw, {0, 0.3, 0}, 0.05)
        eq(found.confirmed[1].kind, "2")
        near(found.confirmed[1].gain, 0.3, 0.1)
        assert(found.confirmed[1].p < 0.01 / 3)
    end
end)

test("the more cures are tried the less chance is allowed", function()
    -- 8 against 8 with the same two values throughout but one pair that is turned: p is that of one
    -- of 65 splits in 12,870 (the 1 as it is, and 8 · 8 with one pair exchanged), 0.00505.
    local function find(count)
        local list = {}
        for i = 1, count do list[i] = {kind = tostring(i), cure = ""} end
        local function run(tasks)
            local out = {}
            for i, task in ipairs(tasks) do
                local turned = #tasks > 3 * (count + 1) - 1 and task.seed == 11
                local high = task.cause and task.cause.kind == "1"
                if turned and task.cause and task.cause.kind ~= "1" then turned = false end
                if turned then high = not high end
                out[i] = {quality = high and 0.9 or 0.5, seconds = 0}
            end
            return out
        end
        local purse = {choose = ENDLESS.choose, cost = ENDLESS.cost,
            confirms = function(places) return {places[1]} end}
        return experiment.find(list, run, purse, 0.6)
    end
    near(find(1).confirmed[1].p, 65 / 12870, 1e-12)
    eq(#find(2).confirmed, 0)
    assert(find(2).noticed[1].why:find "chance")
end)

test("what is no better than chance is not confirmed", function()
    local found = play(normal(4), {0.3}, 0.001)
    eq(#found.confirmed, 1)
    local function run(tasks)
        local out = {}
        for i, task in ipairs(tasks) do
            out[i] = {quality = task.cause and 0.5 or 0.1, seconds = 0}
        end
        return out
    end
    local one = {kind = "x", cure = ""}
    eq(#experiment.find({one}, run, ENDLESS, 0.51).confirmed, 0)
    assert(one.why:find "no better than chance")
    eq(#experiment.find({one}, run, ENDLESS, 0.5).confirmed, 1)
end)

test("in runs made shorter a cure must be better than the whole run is", function()
    local function run(tasks)
        local out = {}
        for i, task in ipairs(tasks) do
            out[i] = {quality = task.cause and 0.75 or 0.5, seconds = 0}
        end
        return out
    end
    local function find(beat)
        local one = {kind = "x", cure = "", beat = beat}
        return #experiment.find({one}, run, ENDLESS, 0.2).confirmed, one.why
    end
    local count, why = find(0.75)
    eq(count, 0)
    eq(why, "+0.00 on 8 seeds beside whole runs")
    eq(find(0.5), 1)
    eq(find(nil), 1)
end)

test("the dear ones give way, and what fits is confirmed whichever comes first", function()
    local budgets = require "nabla.diagnose.budget"
    local course = {examples = 1000, set_share = 1, epochs_share = 1}
    -- Of a clock that hardly moves: a run takes a hundredth of the time.
    local seconds = 1000
    local function run(tasks)
        local out = {}
        for i in ipairs(tasks) do out[i] = {quality = 0.5, seconds = seconds / 100, share = 1} end
        return out
    end
    local purse = budgets.seconds(course, run, nabla._clock() + seconds, 1)
    purse.measure(seconds)
    eq(purse.run, seconds / 100)
    eq(purse.full, 0.5)
    local dear, cheap = {kind = "dear", price = 30}, {kind = "cheap", price = 1}
    -- 3 (1 + 1.2) + 8 (1 + 1.2) runs fit into nine tenths of a hundred; with 30 more they do not.
    local tried = purse.choose {dear, cheap}
    eq(#tried, 1)
    eq(tried[1].kind, "cheap")
    assert(dear.why:find "does not reach")
    eq(course.set_share, 1)
    purse.cost(0, seconds / 100)
    purse.cost(1, seconds / 4)
    purse.cost(2, seconds / 100)
    eq(purse.confirms {1, 2}, {2}) -- 8 (1/100 + 1/4) of the time are too much
    -- Ten times as long, and both are made shorter, of examples first.
    seconds = 10000
    purse = budgets.seconds(course, run, nabla._clock() + 1000, 1)
    purse.measure(1000)
    tried = purse.choose {cheap, {kind = "longer", price = 1, longer = true}}
    eq(#tried, 2)
    eq(tried[1].beat, 0.5)
    assert(course.set_share < 1 and course.set_share >= 0.2)
    -- Three runs each to look and two to confirm: 3 · 3.4 + 8 · 3.4 = 37.4 runs in nine.
    near(course.set_share * course.epochs_share, 9 / 37.4, 0.01)
end)

test("that there is nothing to learn is said of whole runs alone", function()
    local budgets = require "nabla.diagnose.budget"
    local function run(tasks)
        local out = {}
        for i in ipairs(tasks) do out[i] = {quality = 0.5, seconds = 1, share = 1} end
        return out
    end
    -- Of a part of a set neither a null nor what is longer is tried; of all of it both are.
    for bounded, count in pairs {[0.5] = 1, [false] = 3} do
        local course = {examples = 1000, set_share = 1, epochs_share = 1,
            bounded = bounded or nil}
        local purse = budgets.seconds(course, run, nabla._clock() + 1e6, 1)
        purse.measure(1)
        local null = {kind = "null", null = "", price = 1}
        local longer = {kind = "longer", cure = "", longer = true, price = 1}
        eq(#purse.choose {null, {kind = "x", cure = "", price = 1}, longer}, count)
        eq(null.why, bounded and "runs made shorter do not tell" or nil)
    end
    -- Where the whole run was better than chance, 0.6, the short ones' 0.5 tells nothing.
    for beat, count in pairs {[0.9] = 0, [0.55] = 1} do
        local null = {kind = "null", null = "", beat = beat}
        eq(#experiment.find({null}, run, ENDLESS, 0.6).confirmed, count)
    end
end)

test("runs that were cut say nothing", function()
    local function run(tasks)
        local out = {}
        for i, task in ipairs(tasks) do
            out[i] = {quality = (task.seed ~= 2 or not task.cause) and 0.5 or nil, seconds = 1}
        end
        return out
    end
    local one = {kind = "x", cure = ""}
    local found = experiment.find({one}, run, ENDLESS, 0.2)
    eq(#found.confirmed, 0)
    assert(one.why:find "did not end")
end)

spec.report()
