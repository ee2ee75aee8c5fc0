-- Weights of deviation 10: z is in the tens, where sigmoid is flat.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "weights drawn far too wide: saturated from the start",
    accepts = {"initialiser"},
    make = function(seed, broken)
        local set, test = parts.digits(seed, 600, 250)
        local init = broken and " init=normal(deviation=10)" or ""
        local net = nn.net("64 - 30 sigmoid" .. init .. " - 10 sigmoid" .. init, {seed = seed})
        return net, set, {epochs = 40, batch = 10, lr = 3.0, test = test, seed = seed}
    end,
}
