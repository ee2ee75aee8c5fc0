-- Every weight of a layer begins as its neighbours: all neurons get the same gradient and stay one.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "all weights begin equal: symmetry is never broken",
    accepts = {"initialiser"},
    make = function(seed, broken)
        local set, test = parts.rings(seed, 500, 300)
        local init = broken and " init=constant(value=0.5)" or ""
        local net = nn.net("2 - 12 tanh" .. init .. " - 1 sigmoid" .. init .. " : cross_entropy",
            {seed = seed})
        return net, set, {epochs = 60, batch = 10, lr = 0.3, test = test, seed = seed}
    end,
}
