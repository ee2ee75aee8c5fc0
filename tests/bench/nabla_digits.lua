-- The digits that the program holds, with five seeds: accuracy on the test digits and seconds of
-- training.

nabla.threads(1)
local digits = data.digits()
for seed = 1, 5 do
    local net = nn.net("64 - 30 - 10", {seed = seed})
    local history = net:train(digits.train, {epochs = 30, batch = 10, lr = 3.0, seed = seed,
        progress = false})
    print(net:evaluate(digits.test).accuracy, ("%.4f"):format(history.seconds))
end
