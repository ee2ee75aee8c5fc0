-- The whole set is one batch: an epoch is one step. More epochs make as many steps: accepted too.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "the whole set as one batch, few epochs",
    accepts = {"batch", "epochs"},
    make = function(seed, broken)
        local set, test = parts.digits(seed, 600, 250)
        local net = nn.net("64 - 30 relu - 10 softmax : cross_entropy", {seed = seed})
        return net, set, {epochs = 20, batch = broken and 600 or 10, lr = 0.1, test = test,
                          seed = seed}
    end,
}
