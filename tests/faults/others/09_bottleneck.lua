-- A hidden layer of one neuron, where ten classes must pass.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "a hidden layer of one neuron",
    accepts = {"structure"},
    make = function(seed, broken)
        local set, test = parts.digits(seed, 600, 250)
        local net = nn.net("64 - 30 tanh - " .. (broken and 1 or 20) ..
            " tanh - 10 softmax : cross_entropy", {seed = seed})
        return net, set, {epochs = 80, batch = 10, lr = 0.1, test = test, seed = seed}
    end,
}
