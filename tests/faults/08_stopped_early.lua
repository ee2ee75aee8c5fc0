-- One pass of the sixty that it takes, at a rate as it should be: with ten times the rate it leaps
-- about and does no better.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "stopped long before it had learned",
    accepts = {"epochs"},
    cures_not = {"lr", 10},
    make = function(seed, broken)
        local set, test = parts.digits(seed, 600, 290)
        local net = nn.net("64 - 30 relu - 20 relu - 10 softmax : cross_entropy", {seed = seed})
        return net, set, {epochs = broken and 1 or 60, batch = 50, lr = 0.3, test = test,
                          seed = seed}
    end,
}
