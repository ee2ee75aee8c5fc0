-- The file is sorted by class and is not shuffled: the last class is what is remembered. What a
-- batch holds is wrong, so batch is accepted too.
local parts = require "parts"
local nn, data = parts.nn, parts.data

return {
    pattern = "sorted by class and not shuffled",
    accepts = {"data", "batch"},
    make = function(seed, broken)
        local function sorted(x, y)
            if not broken then return x, y end
            local _, at = y:sort()
            return x:index_select(1, at), y:index_select(1, at)
        end
        local set, test = parts.digits(seed, 600, 250, sorted)
        local net = nn.net("64 - 30 relu - 10 softmax : cross_entropy", {seed = seed})
        return net, set, {epochs = 10, batch = 10, lr = 0.3, test = test, seed = seed,
                          shuffle = not broken}
    end,
}
