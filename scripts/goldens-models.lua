-- Writes tests/golden/models/: networks in files and what they give, which later versions must
-- read to the same bits. The files there were saved by the version that their README names; a new
-- version adds to them, under names of their own, and changes none.
--
--     nabla scripts/goldens-models.lua FOLDER

local folder = arg[1] or error("usage: nabla scripts/goldens-models.lua FOLDER", 0)

local x = {{-1.5, 0.25, 2, 0.125}, {0.5, -0.75, 0.375, 1}, {3, 1.25, -2.5, -0.0625}}

-- Three clouds of points, 20 examples each.
local function flowers()
    local centre = {{5, 3.5, 1.5, 0.25}, {6, 2.75, 4.25, 1.25}, {6.5, 3, 5.5, 2}}
    local rows, kinds = {}, {}
    for i = 1, 60 do
        local kind, row = (i - 1) % 3 + 1, {}
        for j = 1, 4 do row[j] = centre[kind][j] + 0.3 * math.sin(7 * i + 3 * j) end
        rows[i], kinds[i] = row, kind
    end
    return data.set {x = tensor(rows), y = tensor(kinds, {dtype = "i32"}),
                     classes = {"setosa", "versicolor", "virginica"}}
end

local function learned(net)
    net:train(flowers(), {epochs = 40, batch = 10, lr = 0.05, seed = 3, progress = false})
    return net
end

local networks = {
    {"plain", nn.net("4 - 5 - 3", {seed = 1})},
    {"named", nn.net("4 - 6 relu init=glorot name=hidden - 3 tanh - 2 name=out : mse",
                     {seed = 2, dtype = "f64"})},
    {"neurons", nn.net("4 - 7 tanh relu@2 gaussian@4..5 name=mixed - 3 linear sigmoid@3 : mse",
                       {seed = 3})},
    {"classes", learned(nn.net("4 - 5 tanh - 3 softmax : cross_entropy", {seed = 4}))},
}

-- A name that only the first version gives; the others read it.
local given, net = pcall(nn.net, "4 - 3 name=train - 2", {seed = 5})
if given then networks[#networks + 1] = {"method", net} end

local function numbers(values)
    local words = {}
    for i, value in ipairs(values) do words[i] = ("%.17g"):format(value) end
    return table.concat(words, " ")
end

local out = assert(io.open(folder .. "/expected.txt", "w"))
for _, one in ipairs(networks) do
    local name = one[1]
    net = one[2]
    local input = tensor(x, {dtype = net:params().dtype})
    net:save(folder .. "/" .. name .. ".safetensors")
    out:write("model ", name, "\n")
    out:write("notation ", net:notation(), "\n")
    out:write("dtype ", net:params().dtype, "\n")
    out:write("params ", numbers(net:params():totable()), "\n")
    out:write("inputs ", numbers(input:flatten():totable()), "\n")
    out:write("outputs ", numbers(net(input):flatten():totable()), "\n")
    out:write("classes ", table.concat(net:classify(input), " "), "\n")
end
out:close()
