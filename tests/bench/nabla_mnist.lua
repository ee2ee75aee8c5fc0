-- The book's network on MNIST for 30 epochs, on one thread. Told MNIST's folder and a seed; says
-- the accuracy on the test images, and how many requests the core's allocator got in two steady
-- epochs.

nabla.threads(1)
local seed = math.tointeger(arg[2])
local mnist = data.mnist(arg[1])
local net = nn.net("784 - 30 - 10", {seed = seed})
local requests = {}

net:train(mnist.train, {epochs = 30, batch = 10, lr = 3.0, seed = seed, progress = false,
    on_epoch = function(now) requests[now.epoch] = nabla.memory().requests end})
print(net:evaluate(mnist.test).accuracy, requests[4] - requests[2])
