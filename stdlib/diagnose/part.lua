-- Which examples are learned from and which are judged by.

local _, nabla = ...
local given = require "nabla.plot.given"

local math = math
local ipairs, pairs, pcall, type = ipairs, pairs, pcall, type

local part = {}

-- A fifth of fewer would be four examples or less, on which a single one is a quarter.
local FEWEST <const> = 20
local HELD <const> = 0.2
-- Numbers of x in all examples for each second of a budget: reading, splitting and copying them
-- then take a small part of it. And so many examples at the least.
local NUMBERS <const>, LEAST <const> = 4e5, 1000
local LOOKED <const> = 8 -- examples that say how large one is

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

-- ---- As much as there is time for ----

-- How many numbers an example has, as far as a few tell; 1 where they are no tensors.
local function size_of(set)
    local n, sum = math.min(LOOKED, #set), 0
    local has, x = pcall(function() return set:take(n).x end)
    if not has then return 1 end
    if given.kind(x) == "tensor" then return x:numel() / n end
    for _, each in ipairs(type(x) == "table" and x or {}) do
        sum = sum + (given.kind(each) == "tensor" and each:numel() or 0)
    end
    return math.max(1, sum / n)
end

-- What part.of gives with no more examples than may be read in these seconds, those to judge by
-- too; whole.share says how many of those to learn from are left, where they are fewer.
function part.bound(whole, seconds, seed)
    local size = size_of(whole.set)
    local most = math.max(LEAST, NUMBERS * seconds // size)
    if #whole.set > most then
        whole.share = most / #whole.set
        whole.set, whole.o = part.reduce(whole.set, whole.o, whole.share, seed)
    end
    if whole.same then
        whole.test = whole.set
    elseif whole.test and #whole.test > most then
        whole.test = whole.test:split(most / #whole.test, seed)
    end
    return whole
end

return part
