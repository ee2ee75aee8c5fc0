-- Which learning rate, and how many neurons? A sweep trains them all and says.
--
--     nabla examples/sweep.lua      24 runs on the cores of this machine; a few seconds
--     mpirun -n 4 nabla examples/sweep.lua      the same, on four processes
--
-- The network is a function of the point, so that the size of its hidden layer is an option like
-- any other. Three seeds a setting tell a better setting from a lucky one.

digits = data.digits()
local learn, valid = digits.train:split(0.8, 1)

runs = nn.sweep {
    net = function(point)
        return ("64 - %d relu - 10 softmax : cross_entropy"):format(point.hidden)
    end,
    variables = {hidden = {5, 30}},
    set = learn, valid = valid, test = digits.test,
    epochs = 5, batch = 10,
    lr = {0.003, 0.03, 0.3, 3},
    seed = {1, 2, 3},
}

means = runs:mean()
print(means:sort())
plot(means, {over = "lr", height = 10})

-- The choice is made on valid; what test says of it was used for no choice.
best = runs:best()
print(("\nchosen: %d hidden neurons, lr %g, seed %d"):format(best.hidden, best.lr, best.seed))
print(("right on valid %.1f %%, on test %.1f %%"):format(100 * best.valid, 100 * best.test))

-- It is the network that training alone gives, bit for bit: alone, for a launcher's processes share
-- what net:train does, in pieces, and runs of a sweep are whole.
if nabla.ranks() == 1 then
    local own = nn.net(("64 - %d relu - 10 softmax : cross_entropy"):format(best.hidden),
        {seed = best.seed})
    own:train(learn, {epochs = 5, batch = 10, lr = best.lr, seed = best.seed, pieces = 1,
        progress = false})
    assert(own:params():equal(best.net:params()))
end
assert(best.valid > 0.9, "one of them learns")
