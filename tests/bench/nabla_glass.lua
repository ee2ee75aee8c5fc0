-- A run under glass of the book's network, 784-30-10, batch 10, on generated examples of MNIST's
-- size. Prints, line by line: seconds of an epoch by net:train and by a trainer, in turn ("epoch A
-- B"); then of a run of `epochs` (30 where none are told): seconds of t:back(50) ("back A"), and of
-- t:bisect on events at random steps, each found exactly or the program fails ("bisect A").

local N <const>, INPUTS <const>, CLASSES <const> = 50000, 784, 10
local epochs, events = tonumber(arg[1] or 30), tonumber(arg[2] or 100)
local EVENTS_FROM <const> = INPUTS - events -- input EVENTS_FROM + k is 1 in example k * 401 alone

nabla.threads(1)

local function generated()
    local x = tensor.rand(N, INPUTS, {seed = 1}):gt(0.8):to "u8"
    x[{{}, {EVENTS_FROM + 1, INPUTS}}] = 0
    for k = 1, events do x[{k * 401, EVENTS_FROM + k}] = 1 end
    return data.set {x = x, y = tensor.randint(1, CLASSES, N, {seed = 2})}
end

local set = generated()
local o = {epochs = epochs, batch = 10, lr = 3, seed = 1, progress = false}

local function network() return nn.net("784 - 30 - 10", {seed = 1}) end

local function seconds(f)
    local began = os.clock() -- one thread, which waits for nobody
    f()
    return os.clock() - began
end

-- Epochs of both in turn, the first of each left out.
local plain, glass = network(), network()
local t = glass:trainer(set, o)
local one = {epochs = 1, batch = 10, lr = 3, progress = false}
for i = 1, math.min(6, epochs) do
    one.seed = i
    local a = seconds(function() plain:train(set, one) end)
    local b = seconds(function() t:epoch() end)
    if i > 1 then print(("epoch %.6f %.6f"):format(a, b)) end
end
t:run()
assert(t.step_number == epochs * N // 10)

for _ = 1, 5 do
    print(("back %.6f"):format(seconds(function() t:back(50) end)))
    t:step(50)
end

-- The weight from input j to neuron 1 moves in the steps of one example alone, one an epoch: the
-- step in which it passes a threshold between where it began and where it ended must be one of
-- these.
local last = t.step_number
local ends = glass:params():clone()
t:seek(0)
local begins = glass:params():clone()
t:seek(last)
for k = 1, events do
    local j, b = EVENTS_FROM + k, nil
    local share = (k * 37 % 100 + 0.5) / 100
    local threshold = begins[j] + share * (ends[j] - begins[j])
    local sign = ends[j] > begins[j] and 1 or -1
    local function passed() return sign * (glass:params()[j] - threshold) > 0 end
    print(("bisect %.6f"):format(seconds(function() b = t:bisect(passed) end)))
    assert(b.example == k * 401, "not the example that was planted")
    t:seek(b.step - 1)
    assert(not passed(), "it held before")
    t:seek(b.step)
    assert(passed(), "it does not hold")
    t:seek(last)
end
