-- When to stop: a network that has learned enough begins to learn its examples by heart.
--
--     nabla examples/early_stopping.lua      trains two networks, compares, ends
--
-- Both see 300 of the digits and have far more parameters than they need. One trains for all its
-- epochs. The other watches the cost on examples that it does not learn from (valid), stops when
-- that has not fallen for ten epochs (patience), and takes the parameters of its best epoch back.

digits = data.digits()

local few = digits.train:take(400)
local learn, valid = few:split(0.75, 1)
local OPTIONS = {epochs = 300, batch = 10, lr = 0.1, seed = 1, valid = valid, progress = false}

local function train(patience)
    local net = nn.net("64 - 100 relu - 10 softmax : cross_entropy", {seed = 1})
    OPTIONS.patience = patience
    return net, net:train(learn, OPTIONS)
end

local whole, long = train(nil)
local early, short = train(10)

print(short)
print "\n                 epochs   cost on valid   right on test"
for _, row in ipairs {{"all epochs", whole, long}, {"with patience", early, short}} do
    local name, net, h = table.unpack(row)
    print(("%-14s   %6d   %13.4f   %11.1f %%"):format(name, h.epochs, net:evaluate(valid).cost,
        100 * net:evaluate(digits.test).accuracy))
end

plot(long)

assert(short.best < short.epochs and short.epochs < long.epochs)
assert(early:evaluate(valid).cost < whole:evaluate(valid).cost, "the best epoch is the better one")
