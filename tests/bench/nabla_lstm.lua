-- A character LSTM: 64 letters, lstm 128, a softmax at every one of 64 steps, batches of 32, Adam.
-- Told MNIST's folder (not used), "rows" (letters one-hot) or "embedding", and how many threads.

local LETTERS <const>, UNITS <const>, STEPS <const>, BATCH <const> = 64, 128, 64, 32
local BATCHES <const> = 20 -- in an epoch

nabla.threads(math.tointeger(arg[3]))
local words = arg[2] == "embedding"
local input = words and "* - embedding 64 64" or "*x64"
local net = nn.net(("%s - lstm %d - %d softmax : cross_entropy"):format(input, UNITS, LETTERS))
local optimizer = nn.adam {lr = 1e-3}

-- Letter after letter by one fixed rule, so that there is something to learn.
local function text(count, seed)
    local first = tensor.randint(1, LETTERS, {count, 1, seed = seed})
    local letter = (first + tensor.range(0, STEPS) * 7 - 1):to "f64"
    letter = letter - (letter / LETTERS):floor() * LETTERS + 1
    local from, to = letter[{ {}, {1, STEPS} }]:to "i32", letter[{ {}, {2, STEPS + 1} }]:to "i32"
    return words and from or tensor.one_hot(from, LETTERS), to
end

local x, y = text(BATCH * BATCHES, 1)
local set = data.set {x = x, y = y}
local options = {epochs = 1, batch = BATCH, optimizer = optimizer, progress = false}

net:train(set, options)
print("ready")
io.stdout:flush()
while io.read() == "epoch" do
    print(("%.9f"):format(net:train(set, options).seconds))
    io.stdout:flush()
end
print(net:evaluate(set).accuracy)
