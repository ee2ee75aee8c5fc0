-- The weight that was meant for the rare class was given to the frequent one.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "class weights the wrong way round",
    accepts = {"balance"},
    make = function(seed, broken)
        local set, test = parts.clouds(seed, 3000, 1500, 4, 1, 0.2)
        local net = nn.net("4 - 6 tanh - 1 sigmoid : cross_entropy", {seed = seed})
        local weights = broken and {well = 4, ill = 1} or {well = 1, ill = 4}
        return net, set, {epochs = 15, batch = 10, lr = 0.1, test = test, seed = seed,
                          weights = weights}
    end,
}
