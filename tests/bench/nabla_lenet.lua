-- A LeNet of 20 and 40 filters of 5 x 5: relu, softmax with cross-entropy, batches of 64, momentum.
-- Told MNIST's folder, and how many threads.

local child = dofile((arg[0]:gsub("[^/]*$", "child.lua")))

nabla.threads(math.tointeger(arg[2]))
child.serve(nn.net("784 - reshape 1x28x28 - conv 20 5 relu - max_pool 2 - conv 40 5 relu - " ..
    "max_pool 2 - flatten - 100 relu - 10 softmax : cross_entropy"), data.mnist(arg[1]),
    {batch = 64, optimizer = nn.sgd {lr = 0.05, momentum = 0.9}})
