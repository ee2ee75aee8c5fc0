-- 784-512-512-10: relu, softmax with cross-entropy, batches of 128.
-- Told MNIST's folder, "sgd" or "adam", and how many threads.

local child = dofile((arg[0]:gsub("[^/]*$", "child.lua")))

nabla.threads(math.tointeger(arg[3]))
local optimizer = arg[2] == "adam" and nn.adam {lr = 1e-3} or nn.sgd {lr = 0.1}
child.serve(nn.net "784 - 512 relu - 512 relu - 10 softmax : cross_entropy", data.mnist(arg[1]),
    {batch = 128, optimizer = optimizer})
