-- Fisher's irises, or a table of text, judged by k-fold cross-validation: every flower is tested
-- once, by a network that was trained on the other folds.
--
--     nabla examples/iris.lua [FILE.csv [CLASSES]]
--
-- Without a file it takes the irises of the program, which data.iris():save "iris.csv" writes as
-- such a file. The column CLASSES (the last one unless told) holds the names of the classes.

local nabla = require "nabla"
local data, nn = nabla.data, nabla.nn

local folds, hidden = 10, 8

local set = arg[1] and data.csv(arg[1], {y = arg[2] or -1, classes = true}) or data.iris()
print(("%d examples: %s"):format(#set, table.concat(set.columns or {}, ", ")))

-- A fold learns its scale from what it trains on; the network carries it to what is tested.
local function accuracy(train, test, seed)
    local inputs, classes = train.x.shape[2], #train.classes
    local net = nn.net({inputs, ("%d tanh"):format(hidden), ("%d softmax"):format(classes),
                        cost = "cross_entropy"}, {seed = seed})
    net:train(train:standardize(), {epochs = 60, batch = 10, optimizer = "adam", lr = 0.01,
                                    seed = seed, progress = false})
    return net:evaluate(test).accuracy, net
end

local shares, net = {}, nil
for train, test in set:kfold(folds, 1) do
    shares[#shares + 1], net = accuracy(train, test, #shares + 1)
    print(("fold %2d: trained on %d, %.1f %% of %d right"):format(#shares, #train,
        100 * shares[#shares], #test))
end

local all = nabla.tensor(shares)
print(("accuracy %.1f ± %.1f %%: mean and standard deviation of %d folds"):format(
    100 * all:mean():item(), 100 * all:std():item(), folds))
print(("the surest answers to the first example, a %s: %s"):format(set[1].y,
    net:classify(set[1], {top = 2})))
