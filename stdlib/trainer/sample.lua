-- The examples on which conditions look into a network: some of the set's, always the same ones.

local setmetatable = setmetatable

local sample = {}

sample.MOST = 100
sample.WORDS = "a hundred of the set's examples"

-- sample.learned_set(t), what t learns from, is there once questions.lua has been read: the help
-- reads this file when there is no module yet.

local SEED <const> = 1 -- of which they are
local kept = setmetatable({}, {__mode = "k"}) -- by trainer

-- A set of them; all, where there are no more.
function sample.of(t)
    if not kept[t] then
        local set = sample.learned_set(t)
        kept[t] = #set > sample.MOST and set:shuffle(SEED):take(sample.MOST) or set
    end
    return kept[t]
end

return sample
