-- The transformer of one line on a text of 65 letters: 64 steps, batches of 32, Adam. Told
-- MNIST's folder, which it does not need, and how many threads.

local TRANSFORMER = "* - embedding 65 64 name=e - positions - 4*[residual[layer_norm - attention 4 causal] - " ..
    "residual[layer_norm - 256 gelu - 64 linear]] - layer_norm - 65 softmax tied=e : cross_entropy"
local STEPS, BATCH, BATCHES = 64, 32, 16

nabla.threads(math.tointeger(arg[2]))

-- A text that can be learned: each letter hangs on the one before.
local letters, last = {}, 7
for i = 1, STEPS * BATCH * BATCHES + 1 do
    letters[i] = last
    last = (last * 17 + 3 + i % 5) % 65 + 1
end
local text = tensor(letters)
local function cut(first)
    return text:narrow(1, first, #text - 1):reshape(BATCH * BATCHES, STEPS):to "i32"
end
local set = data.set {x = cut(1), y = cut(2)}
local net = nn.net(TRANSFORMER, {seed = 1})
local options = {batch = BATCH, epochs = 1, optimizer = nn.adam {lr = 1e-3}, progress = false}

net:train(set, options)
print "ready"
io.stdout:flush()
while io.read() == "epoch" do
    print(("%.9f"):format(net:train(set, options).seconds))
    io.stdout:flush()
end
print(net:evaluate(set).accuracy)
