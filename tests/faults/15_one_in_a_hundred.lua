-- One of a hundred is ill, and the clouds overlap: to answer "well" always is nearly the least
-- cost. The twin weighs the classes alike.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "one class in a hundred: the answer is constant",
    accepts = {"balance"},
    make = function(seed, broken)
        local set, test = parts.clouds(seed, 10000, 5000, 4, 1, 0.01)
        local net = nn.net("4 - 1 sigmoid : cross_entropy", {seed = seed})
        return net, set, {epochs = 40, batch = 100, lr = 0.05, test = test, seed = seed,
                          weights = not broken and {well = 1, ill = 99} or nil}
    end,
}
