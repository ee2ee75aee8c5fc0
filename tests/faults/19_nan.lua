-- Cells that were missing became NaN. nabla refuses them in the first batch that holds one, by name
-- and place. Evidence is asked for, no cure.
local parts = require "parts"
local nn, data = parts.nn, parts.data

return {
    pattern = "NaN in the data",
    accepts = {"data"},
    cure = false,
    refused = "x holds nan in example",
    make = function(seed, broken)
        local set, test = data.iris():split(0.5, seed)
        if broken then
            local x = set.x:clone()
            for i = 1, 5 do x[{(seed * 7 + i * 13) % #set + 1, i % 4 + 1}] = 0 / 0 end
            set = data.set {x = x, y = set.y, classes = set.classes}
        end
        local net = nn.net("4 - 8 tanh - 3 softmax : cross_entropy", {seed = seed})
        return net, set, {epochs = 400, batch = 10, lr = 0.03, test = test, seed = seed}
    end,
}
