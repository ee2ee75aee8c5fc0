-- From the call of train to the first step done, on MNIST in the book's network. Told MNIST's
-- folder; prints seconds, line by line.

nabla.threads(1)
local mnist = data.mnist(arg[1])
local net = nn.net("784 - 30 - 10", {seed = 1})
local function stop() return false end

for i = 1, 21 do
    local began = os.clock() -- one thread, which waits for nobody
    net:train(mnist.train, {epochs = 1, batch = 10, lr = 3, on_batch = stop, progress = false})
    if i > 1 then print(("%.9f"):format(os.clock() - began)) end
end
