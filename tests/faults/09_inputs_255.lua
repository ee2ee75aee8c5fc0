-- Grey values as they are in the file, 0 … 255: the first layer is saturated whatever it sees. The
-- twin has them from 0 to 1.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "inputs 0 to 255, not scaled",
    accepts = {"input scale"},
    make = function(seed, broken)
        local function grey(x, y) return broken and x * 255 or x, y end
        local set, test = parts.digits(seed, 600, 250, grey, grey)
        local net = nn.net("64 - 30 - 10", {seed = seed})
        return net, set, {epochs = 40, batch = 10, lr = 3.0, test = test, seed = seed}
    end,
}
