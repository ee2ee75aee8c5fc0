-- Linear layers upon each other are one linear layer, and no line parts a disc from its ring.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "activation forgotten: the network is linear",
    accepts = {"hidden activation"},
    make = function(seed, broken)
        local set, test = parts.rings(seed, 500, 300)
        local hidden = broken and "linear" or "tanh"
        local net = nn.net(("2 - 12 %s - 8 %s - 1 sigmoid : cross_entropy"):format(hidden, hidden),
            {seed = seed})
        return net, set, {epochs = 60, batch = 10, lr = 0.1, test = test, seed = seed}
    end,
}
