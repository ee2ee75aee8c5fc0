-- Cross-entropy of classes over one probability: there is one class, so ln a is 0 whatever z is, C
-- is 0 and so is its gradient. nabla takes the categorical cost after softmax and log_softmax
-- alone, so the cure takes another activation with another cost, or, as cross_entropy after sigmoid
-- is the book's, is said as another activation: output activation is accepted too.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "categorical cross-entropy on one unit: the cost is 0",
    accepts = {"cost", "output activation"},
    make = function(seed, broken)
        local set, test = parts.clouds(seed, 700, 300, 6, 1.2, 0.5)
        local net = nn.net("6 - 8 tanh - 1 " .. (broken and "log_softmax : nll" or
            "sigmoid : cross_entropy"), {seed = seed})
        return net, set, {epochs = 20, batch = 10, lr = 0.1, test = test, seed = seed}
    end,
}
