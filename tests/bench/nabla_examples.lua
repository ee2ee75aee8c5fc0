-- The norms of all examples' gradients beside one pass of training over the same, on one thread, in
-- turns. Told the network's notation, how many examples there are, the sizes of one and that of a
-- batch of training; prints seconds of both, line by line.

nabla.threads(1)
local notation, count, sizes = arg[1], tonumber(arg[2]), {}
for size in arg[3]:gmatch "%d+" do sizes[#sizes + 1] = math.tointeger(size) end
local x = tensor.randn(count, table.unpack(sizes))
local y = tensor.randint(1, 10, count)
local set = data.set {x = x, y = y}
local net = nn.net(notation, {seed = 1})

local function seconds(f)
    local began = os.clock() -- one thread, which waits for nobody
    f()
    return os.clock() - began
end

for i = 0, 7 do
    local norms = seconds(function() net:example_gradients(set) end)
    local training = seconds(function()
        net:train(set, {epochs = 1, batch = math.tointeger(arg[4]), lr = 1e-3, seed = 1,
            progress = false})
    end)
    if i > 0 then print(("%.6f %.6f"):format(norms, training)) end
end
