-- Steps that leap across the valley: neurons are thrown where they no longer move.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "learning rate far too high",
    accepts = {"learning rate"},
    make = function(seed, broken)
        local set, test = parts.digits(seed, 600, 250)
        local net = nn.net("64 - 30 relu - 10 softmax : cross_entropy", {seed = seed})
        return net, set, {epochs = 80, batch = 10, lr = broken and 5 or 0.1, test = test,
                          seed = seed}
    end,
}
