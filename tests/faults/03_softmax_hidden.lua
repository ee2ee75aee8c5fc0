-- A hidden layer of softmax passes one number of 1 on, shared among its units: little that differs
-- between examples comes through, and less of δ back. The twin has tanh.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "softmax in a hidden layer",
    accepts = {"hidden activation"},
    make = function(seed, broken)
        local set, test = parts.digits(seed, 600, 250)
        local hidden = broken and "softmax" or "tanh"
        local notation = "64 - 30 %s - 20 %s - 10 softmax : cross_entropy"
        local net = nn.net(notation:format(hidden, hidden), {seed = seed})
        return net, set, {epochs = 30, batch = 10, lr = 0.1, test = test, seed = seed}
    end,
}
