-- One size of one growth (growth.lua has them): builds a network, trains it and prints the seconds
-- of processor time that an epoch takes. Told the kind and the size; behind them "once" for the
-- memory of a few epochs, without the history of thousands. "nothing" is for the memory that the
-- program takes without.

local LEAST <const>, ROUNDS <const> = 0.1, 3 -- seconds of one measurement; measurements

-- Notation, shape of an example, outputs, how many examples, and how many in a batch.
local KINDS = {}

function KINDS.examples(n) return "20 - 30 - 5", {20}, 5, n, 32 end

function KINDS.width(n) return ("%d - %d tanh - %d"):format(n, n, n), {n}, n, 64, 64 end

function KINDS.depth(n) return ("128 - %d*[128 tanh] - 10"):format(n), {128}, 10, 64, 64 end

local function sequences(notation, features, examples)
    return function(n)
        return notation:format(n), {n, features}, 4, examples, examples
    end
end

KINDS.lstm = sequences("%dx16 - lstm 32 last - 4", 16, 4)
KINDS.conv = sequences("%dx16 - conv 32 5 relu - global_avg_pool - 4", 16, 4)
KINDS.attention = sequences("%dx32 - attention 2 - global_avg_pool - 4", 32, 1)

nabla.threads(1)
nabla.seed(1)
local kind, size = arg[1], math.tointeger(arg[2])
if kind == "nothing" then return end

local notation, shape, outputs, examples, batch = KINDS[kind](size)
local net = nn.net(notation .. " : mse")
local set = data.set {x = tensor.randn(examples, table.unpack(shape)),
    y = tensor.randn(examples, outputs)}

local function train(epochs)
    local began = os.clock()
    net:train(set, {epochs = epochs, batch = batch, lr = 1e-6, progress = false})
    return os.clock() - began
end

local seconds, epochs = {}, 1
train(1)
if arg[3] == "once" then return train(2) end
while train(epochs) < LEAST do epochs = 2 * epochs end
for i = 1, ROUNDS do seconds[i] = train(epochs) / epochs end
table.sort(seconds)
print(("%.9f"):format(seconds[(ROUNDS + 1) // 2]))
