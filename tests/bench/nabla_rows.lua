-- The book's network on MNIST's unpacked files, each row with its zeros. Told their folder, and
-- where rows come from: "memory", or the file "idx" or "npy".

local child = dofile((arg[0]:gsub("[^/]*$", "child.lua")))

nabla.threads(1)
local mnist = data.mnist(arg[1], {map = true})
local net = nn.net "784 - 30 - 10"
if arg[2] ~= "idx" then
    local labels = data.idx(arg[1] .. "/train-labels-idx1-ubyte"):to "i32" + 1
    local map, x = arg[2] == "npy", arg[1] .. "/images.npy"
    -- A set of a file would keep its non-zeros alone; one of a tensor keeps what it is given.
    if not map then x = tensor.load(x) end
    local set = data.set {x = x, y = labels, classes = mnist.classes, map = map}
    local test = mnist.test
    mnist = {train = set:take(50000),
        test = data.set {x = test.x * 255, y = test.y, classes = test.classes}}
    -- These bytes are not divided by 255; w is, and its layer's rate by the square. Else the
    -- neurons saturate until δ holds numbers below the smallest normal one, which cost the
    -- processor twice the step, wherever the rows come from.
    net[1].w, net[1].factor = net[1].w / 255, 1 / 255 ^ 2
end
child.serve(net, mnist, {batch = 10, lr = 3.0})
