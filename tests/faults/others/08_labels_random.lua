-- Two of three labels to learn from were drawn by lot. Evidence is asked for, no
-- cure; labels are data.
local parts = require "parts"
local nn, tensor = parts.nn, parts.tensor

return {
    pattern = "two of three labels drawn by lot",
    accepts = {"labels", "data"},
    cure = false,
    make = function(seed, broken)
        local function drawn(x, y)
            if not broken then return x, y end
            local n = y:size(1)
            local keep = tensor.rand(n, {seed = seed + 3}):lt(1 / 3)
            return x, tensor.where(keep, y, tensor.randint(1, 10, n, {seed = seed + 4}):to "i32")
        end
        local set, test = parts.digits(seed, 600, 250, drawn)
        local net = nn.net("64 - 30 relu - 10 softmax : cross_entropy", {seed = seed})
        return net, set, {epochs = 80, batch = 10, lr = 0.1, test = test, seed = seed}
    end,
}
