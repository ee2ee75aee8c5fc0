-- One column counts seconds since 1970: about 1.7e9, and all that is seen. It belongs to no input,
-- so data is accepted too.
local parts = require "parts"
local nn, tensor, data = parts.nn, parts.tensor, parts.data

return {
    pattern = "a time stamp among the inputs",
    accepts = {"input scale", "data"},
    make = function(seed, broken)
        local set, test = parts.rings(seed, 500, 300)
        local function stamped(s)
            local n = #s
            local time = tensor.rand(n, 1, {seed = seed + 3}) * (broken and 1e5 or 1)
            if broken then time = time + 1.7e9 end
            return data.set {x = tensor.cat({s.x, time}, 2), y = s.y, classes = s.classes}
        end
        local net = nn.net("3 - 16 tanh - 1 sigmoid : cross_entropy", {seed = seed})
        return net, stamped(set), {epochs = 100, batch = 10, lr = 0.3, test = stamped(test),
                                   seed = seed}
    end,
}
