-- λ of the order of n: every step takes more off the weights than the cost puts on.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "weight decay drowns the cost",
    accepts = {"regularisation"},
    make = function(seed, broken)
        local set, test = parts.digits(seed, 600, 250)
        local net = nn.net("64 - 30 relu - 10 softmax : cross_entropy", {seed = seed})
        return net, set, {epochs = 80, batch = 10, lr = 0.1, l2 = broken and 300 or 0.1,
                          test = test, seed = seed}
    end,
}
