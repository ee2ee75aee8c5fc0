-- Prices of about 3,000 with a deviation of 1,000, from outputs that begin about 0. The twin counts
-- in thousands from their mean.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "targets of a regression in the thousands, not scaled",
    accepts = {"target scale"},
    make = function(seed, broken)
        local set, test = parts.curve(seed, 600, 400, broken and function(y)
            return y * 1000 + 3000
        end)
        local net = nn.net("4 - 20 tanh - 1 linear", {seed = seed})
        return net, set, {epochs = 60, batch = 10, lr = 0.01, optimizer = "adam", test = test,
                          seed = seed}
    end,
}
