-- Eight layers, each of which takes δ down by a quarter at least. The twin has tanh.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "deep sigmoid stack: δ vanishes",
    accepts = {"depth", "hidden activation"},
    make = function(seed, broken)
        local set, test = parts.digits(seed, 600, 250)
        local net = nn.net("64 - 8*[20 " .. (broken and "sigmoid" or "tanh") ..
            "] - 10 softmax : cross_entropy", {seed = seed})
        return net, set, {epochs = 30, batch = 10, lr = 0.1, test = test, seed = seed}
    end,
}
