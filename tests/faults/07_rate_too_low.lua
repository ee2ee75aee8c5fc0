-- A thousandth of the book's rate: five times the epochs do not help either.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "learning rate far too low",
    accepts = {"learning rate"},
    cures_not = {"epochs", 5},
    make = function(seed, broken)
        local set, test = parts.digits(seed, 600, 250)
        local net = nn.net("64 - 30 - 10", {seed = seed})
        return net, set, {epochs = 40, batch = 10, lr = broken and 0.003 or 3.0, test = test,
                          seed = seed}
    end,
}
