-- The networks of Nielsen's book, Neural Networks and Deep Learning, trained as it trains them:
-- what it reports beside what comes out here.
--
--     nabla examples/book.lua DIR CHAPTER [EPOCHS [EXAMPLES]]
--
-- DIR holds the four IDX files of MNIST, plain or gzip; CHAPTER is 1, 3, 5 or 6. A run has the
-- book's epochs, in chapter 6 five of its 60, or at most EPOCHS. Of the 50,000 examples to learn
-- from the first EXAMPLES are taken, then λ is that much smaller. Initial weights are another draw
-- than the book's, so that some tenths of a percent lie between two runs; in chapter 1 more, where
-- large weights can saturate an output from the beginning: then its digit is never learned.

local LENET <const> =
    "784 - reshape 1x28x28 - conv 20 5 %s - max_pool 2 - conv 40 5 %s - max_pool 2"
    .. " - flatten - %s - 10 softmax : cross_entropy"
local function lenet(f, rest) return LENET:format(f, f, rest) end

-- Of each run: the network and how it learns, the percentage that the book has, and of what that
-- is: the best epoch's on test or on valid, else test's where valid is best. large: weights of
-- standard deviation 1, as the book draws them before it knows better; else 1 / √inputs; biases
-- always 1. In chapter 6 weights are this program's own. There the book divides λ by batches of
-- ten, not by examples: its 0.1 is an l2 of 1.
local RUNS <const> = {
    [1] = {
        {"784 - 30 - 10", lr = 3, book = 95.42, of = "test", large = true},
        {"784 - 100 - 10", lr = 3, book = 96.59, of = "test", large = true},
        {"784 - 100 - 10", lr = 0.001, book = 21.42, of = "test", large = true},
        {"784 - 30 - 10", lr = 100, book = 10.09, of = "test", large = true},
    },
    [3] = {
        {"784 - 30 - 10 : cross_entropy", lr = 0.5, book = 95.49, of = "test", large = true},
        {"784 - 100 - 10 : cross_entropy", lr = 0.5, book = 96.82, of = "test", large = true},
        {"784 - 30 - 10 : cross_entropy", lr = 0.5, book = 82.27, of = "test", large = true,
            epochs = 400, examples = 1000},
        {"784 - 30 - 10 : cross_entropy", lr = 0.5, l2 = 0.1, book = 87.1, of = "test",
            large = true, epochs = 400, examples = 1000},
        {"784 - 30 - 10 : cross_entropy", lr = 0.5, l2 = 5, book = 96.49, of = "test",
            large = true},
        {"784 - 100 - 10 : cross_entropy", lr = 0.5, l2 = 5, book = 97.92, of = "valid",
            large = true},
        {"784 - 100 - 10 : cross_entropy", lr = 0.1, l2 = 5, book = 98.04, of = "valid",
            large = true, epochs = 60},
        {"784 - 30 - 10 : cross_entropy", lr = 0.1, l2 = 5, book = 87, of = "valid",
            large = true, epochs = 1},
        {"784 - 30 - 10 : cross_entropy", lr = 0.1, l2 = 5, book = 93, of = "valid", epochs = 1},
    },
    [5] = {
        {"784 - 30 - 10 : cross_entropy", lr = 0.1, l2 = 5, book = 96.48, of = "valid"},
        {"784 - 30 - 30 - 10 : cross_entropy", lr = 0.1, l2 = 5, book = 96.90, of = "valid"},
        {"784 - 3*[30] - 10 : cross_entropy", lr = 0.1, l2 = 5, book = 96.57, of = "valid"},
        {"784 - 4*[30] - 10 : cross_entropy", lr = 0.1, l2 = 5, book = 96.53, of = "valid"},
    },
    [6] = {
        {"784 - 100 - 10 softmax : cross_entropy", lr = 0.1, book = 97.80},
        {"784 - reshape 1x28x28 - conv 20 5 sigmoid - max_pool 2 - flatten - 100"
            .. " - 10 softmax : cross_entropy", lr = 0.1, book = 98.78},
        {lenet("sigmoid", "100"), lr = 0.1, book = 99.06},
        {lenet("relu", "100 relu"), lr = 0.03, l2 = 1, book = 99.23},
        {lenet("relu", "100 relu"), lr = 0.03, l2 = 1, book = 99.37, shift = true},
        {lenet("relu", "100 relu - 100 relu"), lr = 0.03, l2 = 1, book = 99.43, shift = true},
        {lenet("relu", "dropout 0.5 - 1000 relu - dropout 0.5 - 1000 relu - dropout 0.5"),
            lr = 0.03, book = 99.60, shift = true, epochs = 40},
    },
}
local EPOCHS <const> = {30, [3] = 30, [5] = 30, [6] = 60}

local function give_up(text)
    io.stderr:write(text, "usage: nabla examples/book.lua DIR CHAPTER [EPOCHS [EXAMPLES]]\n",
        "DIR holds MNIST's files: train-images-idx3-ubyte.gz and the other three, plain or gzip;\n",
        "CHAPTER is 1, 3, 5 or 6; chapters 2 and 4 train nothing\n")
    os.exit(2)
end

local function count(text, standard)
    local n = math.tointeger(tonumber(text or standard))
    return n and n >= 1 and n or give_up(("%s is no number from 1\n"):format(text))
end

local folder, runs = arg[1], RUNS[tonumber(arg[2])]
if not folder or not runs then give_up "" end
local chapter = tonumber(arg[2])
local most, examples = count(arg[3], chapter == 6 and 5 or 1000), count(arg[4], 50000)
local there, mnist = pcall(data.mnist, folder)
if not there then give_up(tostring(mnist) .. "\n") end

-- ---- A run ----

local function begin(run)
    local net = nn.net(run[1], {seed = 1})
    for l = 1, chapter < 6 and #net or 0 do
        local w, b = net[l].w, net[l].b
        w:normal_(0, run.large and 1 or 1 / math.sqrt(w:size(2)))
        b:normal_(0, 1)
    end
    return net
end

-- In place of the book's 250,000 examples: a batch stays, or moves by
-- one pixel to one of four sides.
local SIDES <const> = { {0, 0}, {1, 0}, {-1, 0}, {0, 1}, {0, -1} }
local function shift(x)
    local down, right = table.unpack(SIDES[tensor.randint(1, 5, 1):item()])
    local from, to = x:reshape(-1, 28, 28), tensor.zeros(#x, 28, 28)
    local function range(by) return {math.max(1, 1 + by), math.min(28, 28 + by)} end
    to[{ {}, range(down), range(right) }] = from[{ {}, range(-down), range(-right) }]
    return to:reshape(#x, -1)
end

local function train(run)
    local set = mnist.train:take(math.min(examples, run.examples or 50000))
    local epochs = math.min(most, run.epochs or EPOCHS[chapter])
    return begin(run):train(set, {epochs = epochs, batch = 10, lr = run.lr, seed = 1,
        l2 = (run.l2 or 0) * #set / (run.examples or 50000),
        augment = run.shift and shift or nil, valid = run.of ~= "test" and mnist.valid or nil,
        test = run.of ~= "valid" and mnist.test or nil})
end

-- The percentage that the book reports, of this history; and its epoch.
local function result(run, history)
    local judge, best = history[run.of == "test" and "test" or "valid"], 1
    for e = 2, history.epochs do if judge[e] > judge[best] then best = e end end
    return 100 * (run.of and judge or history.test)[best], best
end

-- ---- All of them ----

local function describe(run)
    local parts = {"η " .. run.lr}
    if run.l2 then parts[#parts + 1] = ("λ %g"):format(chapter == 6 and run.l2 / 10 or run.l2) end
    if run.examples then parts[#parts + 1] = ("%d examples"):format(run.examples) end
    if run.shift then parts[#parts + 1] = "shifted" end
    if run.large then parts[#parts + 1] = "large weights" end
    return table.concat(parts, " · ")
end

nabla.seed(1)
local rows = { {"run", "book", "here", "of", "in epoch"} }
for i, run in ipairs(runs) do
    print(("%d.%d  %s\n     %s"):format(chapter, i, run[1], describe(run)))
    local history = train(run)
    local percent, epoch = result(run, history)
    rows[i + 1] = {("%d.%d"):format(chapter, i), ("%.2f %%"):format(run.book),
        ("%.2f %%"):format(percent), run.of or "test, chosen by valid",
        ("%d of %d"):format(epoch, history.epochs)}
    print(("     %s, %.0f s"):format(rows[i + 1][3], history.seconds))
    io.flush()
end

print()
for _, row in ipairs(rows) do
    print(("%-5s  %8s  %8s  %-21s  %s"):format(table.unpack(row)))
end
