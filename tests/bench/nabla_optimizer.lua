-- Steps of an optimizer on 16,777,216 parameters, one example each: a single layer, so that there
-- is little to do besides. Told the optimizer, and how many threads.

local WIDTH <const>, STEPS <const> = 4096, 8

nabla.threads(math.tointeger(arg[2]))
local net = nn.net(("%d - %d linear bias=false : mse"):format(WIDTH, WIDTH), {seed = 1})
local x, y = tensor.randn(STEPS, WIDTH, {seed = 1}), tensor.randn(STEPS, WIDTH, {seed = 2})
local optimizer = nn[arg[1]] {lr = 1e-3}
if arg[1] == "sgd" then optimizer.momentum = 0.9 end
local options = {epochs = 1, batch = 1, optimizer = optimizer, shuffle = false, progress = false}

net:train(x, y, options)
print("ready")
io.stdout:flush()
while io.read() == "epoch" do
    print(("%.9f"):format(net:train(x, y, options).seconds))
    io.stdout:flush()
end
print()
