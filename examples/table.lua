-- A network for a table of text: classes or a number out of the other columns.
--
--     nabla examples/table.lua                    the irises, which are in the program
--     nabla examples/table.lua FILE [COLUMN]      a .csv file, plain or gzip; COLUMN is what is to
--                                                 be said, by its name, else the last one

local path, column = arg[1], arg[2] or -1

set = path and data.csv(path, {y = column, missing = "drop"}) or data.iris()
print(set)

-- batch_norm brings columns of different sizes to one scale.
local inputs, outputs = set[1].x:numel(), set.classes and #set.classes
local last = outputs and outputs .. " softmax : cross_entropy" or "1 linear : mse"
net = nn.net(("%d - batch_norm - 16 relu - %s"):format(inputs, last), {seed = 1})

local most, rest = set:split(0.8, 1)
net:train(most, {epochs = 40, batch = 16, optimizer = "adam", lr = 0.01, seed = 1,
    progress = false})
print(net:evaluate(rest))

-- ---- What it says of the first that it has not seen ----

local first = rest:take(math.min(5, #rest))
local said = outputs and net:classify(first)
for i = 1, #first do
    local answer = said and said[i] or net(first[i].x)
    print(("%s: %s"):format(first[i].y, answer))
end
