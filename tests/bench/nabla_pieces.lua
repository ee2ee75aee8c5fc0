-- 784-512-512-10 as nabla_deep.lua has it, in batches of 1,024. Told MNIST's folder, in how many
-- pieces each batch goes through, and how many threads.

local child = dofile((arg[0]:gsub("[^/]*$", "child.lua")))

nabla.threads(math.tointeger(arg[3]))
child.serve(nn.net "784 - 512 relu - 512 relu - 10 softmax : cross_entropy", data.mnist(arg[1]),
    {batch = 1024, lr = 0.1, pieces = math.tointeger(arg[2])})
