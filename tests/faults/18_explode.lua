-- Weights of variance 1 over 30 inputs take signal and δ up four times a layer: the first step at a
-- usual rate leaves the numbers that there are. A smaller rate or a narrower draw helps.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "gradients explode",
    accepts = {"learning rate", "initialiser"},
    refused = "is not finite|the cost is nan|the cost is inf",
    make = function(seed, broken)
        local set, test = parts.digits(seed, 600, 250)
        local init = broken and " init=normal" or ""
        local net = nn.net("64 - 4*[30 relu" .. init .. "] - 10 softmax : cross_entropy",
            {seed = seed})
        return net, set, {epochs = 30, batch = 10, lr = 0.1, test = test, seed = seed}
    end,
}
