-- net:why of a neuron of the book's network, over 10,000 examples of random numbers, its cures
-- measured with it. Prints seconds, line by line.

nabla.threads(1)
local net = nn.net("784 - 30 - 10", {seed = 1})
local set = data.set {x = tensor.rand(10000, 784, {seed = 1}),
    y = tensor.randint(1, 10, 10000, {seed = 2})}

for i = 1, 6 do
    local began = os.clock() -- one thread, which waits for nobody
    net:why(1, 9, set)
    if i > 1 then print(("%.9f"):format(os.clock() - began)) end
end
