-- Relu answers nothing below 0, where half of the targets are. The twin is linear there.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "relu as output where targets are negative too",
    accepts = {"output activation"},
    make = function(seed, broken)
        local set, test = parts.curve(seed, 600, 400)
        local net = nn.net("4 - 20 tanh - 1 " .. (broken and "relu" or "linear"), {seed = seed})
        return net, set, {epochs = 150, batch = 10, lr = 0.05, test = test, seed = seed}
    end,
}
