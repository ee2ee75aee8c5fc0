-- Momentum of 0.999 carries every gradient a thousand steps on: the rate is in effect a thousand
-- times lr, so learning rate is accepted too.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "momentum far too high",
    accepts = {"optimizer", "learning rate"},
    make = function(seed, broken)
        local set, test = parts.digits(seed, 600, 250)
        local net = nn.net("64 - 30 tanh - 10 softmax : cross_entropy", {seed = seed})
        return net, set, {epochs = 80, batch = 10, lr = 0.1, momentum = broken and 0.999 or 0.5,
                          test = test, seed = seed}
    end,
}
