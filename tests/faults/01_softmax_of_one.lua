-- Softmax shares 1 among the units of a layer: over a single one it is 1 whatever z is, and its
-- slope is 0. The twin has sigmoid.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "softmax over a single unit: the output is always 1",
    accepts = {"output activation"},
    make = function(seed, broken)
        local set, test = parts.rings(seed, 500, 300)
        local net = nn.net("2 - 12 tanh - 1 " .. (broken and "softmax" or "sigmoid"), {seed = seed})
        return net, set, {epochs = 60, batch = 10, lr = 3.0, test = test, seed = seed}
    end,
}
