-- One example through a network: nabla called from Lua beside PyTorch at each of its settings, on
-- the same parameters. What they gave is judged by the same network in f64.

local one = {}

local EXAMPLES <const> = 100

one.notations = {
    dense = "784 - 30 - 10",
    lenet = "784 - reshape 1x28x28 - conv 20 5 relu - max_pool 2 - conv 40 5 relu - max_pool 2 - " ..
        "flatten - 100 relu - 10 softmax : cross_entropy",
}

-- Which layers have parameters; the file calls them w1, b1, w2 and so on.
one.layers = {dense = {1, 2}, lenet = {2, 4, 7, 8}}

one.titles = {
    dense = "784-30-10, sigmoid, one example",
    lenet = "LeNet of 20 and 40 filters, softmax, one example",
}

-- The settings of PyTorch, and how many times our time is asked on one thread. Which is its better
-- one depends on the machine; addmv is no layer's function, but what is left where one is at hand.
local WAYS <const> = {
    dense = { {"functional", 6.5}, {"functional, a batch of one", 6.5}, {"addmv, sigmoid_"} },
    lenet = { {"eager"}, {"jit, frozen", 3}, {"jit, optimized", 3}, {"jit, channels last", 3} },
}

-- Parameters, inputs and outputs for both, as one file that NumPy reads.
function one.write(name, path)
    local net = nn.net(one.notations[name], {seed = 1})
    local x = tensor.rand(EXAMPLES, 784, {seed = 1})
    local parts = {x = x, y = net:clone():to("f64")(x:to("f64"))}
    for i, place in ipairs(one.layers[name]) do
        parts["w" .. i], parts["b" .. i] = net[place].w, net[place].b
    end
    tensor.save(path, parts)
end

function one.children(has, program, python, here, scratch, name)
    local path = ("%s/one_%s.npz"):format(scratch, name)
    local children = {}
    one.write(name, path)
    for threads = 1, 2 do
        local function called(who) return threads == 2 and who .. ", 2 threads" or who end
        children[#children + 1] = {name = called "nabla", ours = true, threads = threads,
            command = {program, here .. "/nabla_one.lua", path, name, threads}}
        for _, way in ipairs(has.torch and WAYS[name] or {}) do
            children[#children + 1] = {name = called("PyTorch, " .. way[1]), threads = threads,
                times = threads == 1 and way[2] or nil,
                command = {python, here .. "/torch_one.py", path, name, way[1]}}
        end
    end
    return children
end

return one
