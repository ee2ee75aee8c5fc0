-- Of thirty neurons one is left in a step. Dropout is a layer, so structure is accepted too.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "dropout far too high",
    accepts = {"regularisation", "structure"},
    make = function(seed, broken)
        local set, test = parts.digits(seed, 600, 250)
        local net = nn.net("64 - 30 relu - dropout " .. (broken and 0.97 or 0.1) ..
            " - 10 softmax : cross_entropy", {seed = seed})
        return net, set, {epochs = 80, batch = 10, lr = 0.1, test = test, seed = seed}
    end,
}
