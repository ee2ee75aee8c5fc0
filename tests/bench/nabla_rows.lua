-- The book's network on MNIST's unpacked files. Told their folder, and where rows come from:
-- "memory", or the file "idx" or "npy".

local child = dofile((arg[0]:gsub("[^/]*$", "child.lua")))

nabla.threads(1)
local mnist = data.mnist(arg[1], {map = arg[2] == "idx"})
if arg[2] == "npy" then
    local labels = data.idx(arg[1] .. "/train-labels-idx1-ubyte"):to "i32" + 1
    local path, names = arg[1] .. "/images.npy", mnist.classes
    local set = data.set {x = path, y = labels, classes = names, map = true}
    mnist = {train = set:take(50000), test = mnist.test}
end
-- Bytes of the .npy are not divided by 255, so its rate is that much lower.
child.serve(nn.net "784 - 30 - 10", mnist, {batch = 10, lr = arg[2] == "npy" and 0.01 or 3.0})
