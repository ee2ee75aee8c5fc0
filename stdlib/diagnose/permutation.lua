-- The exact two-sample permutation test, and what a few runs have in common.

local math = math
local ipairs = ipairs

local permutation = {}

-- Sums that differ by rounding alone count as equal: of this share of what they hold.
local EQUAL <const> = 1e-12

function permutation.mean(list)
    local sum = 0
    for _, value in ipairs(list) do sum = sum + value end
    return sum / #list
end

-- The standard deviation, of n - 1; 0 of one.
function permutation.spread(list)
    local mean, sum = permutation.mean(list), 0
    for _, value in ipairs(list) do sum = sum + (value - mean) ^ 2 end
    return #list > 1 and math.sqrt(sum / (#list - 1)) or 0
end

-- How many of the ways to choose `left` of all[i …] have a sum of at least `least`, and how many
-- ways there are.
local function count(all, i, left, least)
    if left == 0 then return least <= 0 and 1 or 0, 1 end
    if #all - i + 1 < left then return 0, 0 end
    local with, ways_with = count(all, i + 1, left - 1, least - all[i])
    local without, ways_without = count(all, i + 1, left, least)
    return with + without, ways_with + ways_without
end

-- P(the sum of #more of all values, drawn without return, is at least that of `more`): how often
-- chance alone would make `more` so much larger than `less`. 8 against 8 are 12,870 ways.
function permutation.p(more, less)
    local all, sum, size = {}, 0, 0
    for _, list in ipairs {more, less} do
        for _, value in ipairs(list) do
            all[#all + 1] = value
            size = size + math.abs(value)
        end
    end
    for _, value in ipairs(more) do sum = sum + value end
    local extreme, ways = count(all, 1, #more, sum - EQUAL * size)
    return extreme / ways
end

return permutation
