-- Which examples are learned from and which are judged by.

local _, nabla = ...
local given = require "nabla.plot.given"

local math = math
local ipairs, pairs, type = ipairs, pairs, type

local part = {}

-- A fifth of fewer would be four examples or less, on which a single one is a quarter.
local FEWEST <const> = 20
local HELD <const> = 0.2

-- ---- Weights of examples go with them ----

-- The numbers for each of the examples, as a list, or nil where there are none of that kind.
local function by_example(weights, count)
    if type(weights) == "table" and weights.examples then weights = weights.examples end
    local list = given.numbers(weights)
    if given.kind(list) == "tensor" then list = list:totable() end
    return list and #list == count and list or nil
end

-- The places in the set of the examples of both parts of set:split(share, seed), which draws by
-- classes alone.
local function places(set, share, seed)
    local own = nabla.data.set {x = nabla.tensor.range(1, #set, {dtype = "f64"}):reshape(#set, 1),
        y = set.y, classes = set.classes}
    local one, other = own:split(share, seed)
    return one.x:flatten():totable(), other.x:flatten():totable()
end

local function chosen(list, which)
    local out = {}
    for i, k in ipairs(which) do out[i] = list[math.tointeger(k)] end
    return {examples = out}
end

-- The options with which the first part of a split is learned from.
local function options_for(o, set, share, seed)
    local list = o.weights and by_example(o.weights, #set)
    if not list then return o end
    local out = {}
    for key, value in pairs(o) do out[key] = value end
    out.weights = chosen(list, (places(set, share, seed)))
    return out
end

-- ---- Parts ----

-- What is learned from, with its options, and what is judged by, as words too.
--   {set =, o =, test =, words =, varies = whether each seed holds others out}
function part.of(set, o)
    local learned = set.train or set
    local test = o.test or set.test
    if test then
        return {set = learned, o = o, test = test, varies = false,
            words = o.test and "the test set" or "set.test"}
    elseif #learned < FEWEST then
        return {set = learned, o = o, test = learned, varies = false, same = true,
            words = "the examples that it learns from, too few to hold any out"}
    end
    return {set = learned, o = o, varies = true, words = "a fifth that is held out"}
end

-- The same for a seed: set and test, and the options that fit that set.
function part.draw(whole, seed)
    if not whole.varies then return whole.set, whole.test, whole.o end
    local set, test = whole.set:split(1 - HELD, seed)
    return set, test, options_for(whole.o, whole.set, 1 - HELD, seed)
end

-- A share of the examples, the same of every class.
function part.reduce(set, o, share, seed)
    local fewer = set:split(share, seed)
    return fewer, options_for(o, set, share, seed)
end

return part
