-- Biases of -20: no neuron is ever above 0, so none has a slope, as an activation that has one
-- below 0 would: accepted too.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "relus dead from the start by their biases",
    accepts = {"initialiser", "hidden activation"},
    make = function(seed, broken)
        local set, test = parts.digits(seed, 600, 250)
        local net = nn.net("64 - 30 relu - 10 softmax : cross_entropy", {seed = seed})
        if broken then net[1].b:sub_(20) end
        return net, set, {epochs = 80, batch = 10, lr = 0.1, test = test, seed = seed}
    end,
}
