-- Cross-entropy takes targets for probabilities: above 1 no output is enough, below 0 none small
-- enough. nabla refuses it over linear outputs; with logits=true it takes their sigmoid, and what
-- is wrong is the same. The twin has quadratic.
local parts = require "parts"
local nn = parts.nn

return {
    pattern = "cross-entropy for a regression",
    accepts = {"cost"},
    make = function(seed, broken)
        local set, test = parts.curve(seed, 600, 400)
        local cost = broken and "cross_entropy logits=true" or "quadratic"
        local net = nn.net("4 - 20 tanh - 1 linear : " .. cost, {seed = seed})
        return net, set, {epochs = 150, batch = 10, lr = 0.05, test = test, seed = seed}
    end,
}
