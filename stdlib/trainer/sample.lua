-- The examples on which conditions look into a network: some of the set's, always the same ones.

local setmetatable = setmetatable

local sample = {}

sample.MOST = 100
sample.WORDS = "a hundred of the set's examples"

local SEED <const> = 1 -- of which they are
local kept = setmetatable({}, {__mode = "k"}) -- by trainer

-- A set of them; all, where there are no more.
function sample.of(t)
    local set = t.set
    if #set <= sample.MOST then return set end
    kept[t] = kept[t] or set:shuffle(SEED):take(sample.MOST)
    return kept[t]
end

return sample
