-- The book's network: sigmoid, quadratic cost, batches of ten, η = 3. Told MNIST's folder.

local child = dofile((arg[0]:gsub("[^/]*$", "child.lua")))

nabla.threads(1)
child.serve(nn.net "784 - 30 - 10", data.mnist(arg[1]), {batch = 10, lr = 3.0})
