-- The layers that should learn were frozen, as one does with those of another network: that they do
-- not learn is a mode, that of layers is of the structure.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "hidden layers frozen by mistake",
    accepts = {"mode", "structure"},
    make = function(seed, broken)
        local set, test = parts.rings(seed, 500, 300)
        local net = nn.net("2 - 4 tanh - 4 tanh - 1 sigmoid : cross_entropy", {seed = seed})
        if broken then
            net:freeze(1)
            net:freeze(2)
        end
        return net, set, {epochs = 60, batch = 10, lr = 0.3, test = test, seed = seed}
    end,
}
