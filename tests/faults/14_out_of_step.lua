-- x was shuffled and y was not, before a part was held out: no label belongs to its example, there
-- either. Evidence is asked for, no cure.
local parts = require "parts"
local nn, tensor = parts.nn, parts.tensor

return {
    pattern = "examples and labels out of step",
    accepts = {"labels"},
    cure = false,
    make = function(seed, broken)
        local function shuffled(x, y)
            if not broken then return x, y end
            return x:index_select(1, tensor.randperm(x:size(1), {seed = seed + 7})), y
        end
        local set, test = parts.digits(seed, 600, 250, shuffled, shuffled)
        local net = nn.net("64 - 30 relu - 10 softmax : cross_entropy", {seed = seed})
        return net, set, {epochs = 80, batch = 10, lr = 0.1, test = test, seed = seed}
    end,
}
