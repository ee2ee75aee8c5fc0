-- nn.sweep: every run is the run that training alone gives, bit for bit; rows, order, means, what
-- fails, what is refused.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local nn, data, plot = nabla.nn, nabla.data, nabla.plot

local digits = data.digits()
local few = digits.train:take(200)
local held = digits.test:take(100)

-- A quiet sweep.
local function sweep(asked)
    asked.progress = false
    asked.set = asked.set or few
    asked.epochs = asked.epochs or 2
    return nn.sweep(asked)
end

-- The run of a point, as it is typed.
local function alone(notation, set, o)
    local net = nn.net(notation, {seed = o.seed})
    o.progress = false
    return net, net:train(set, o)
end

local function same_run(row, net, history, set)
    assert(row.net:params():equal(net:params()), "other parameters")
    eq(row.history.cost, history.cost)
    eq(row.history.test, history.test)
    eq(row.cost, history.cost[history.best or history.epochs])
    eq(row.net.classes, net.classes)
    eq(row.net:evaluate(set).cost, net:evaluate(set).cost)
end

-- ---- Bits ----

local DROPS <const> = "64 - 20 relu - dropout 0.3 - batch_norm - 10 softmax : cross_entropy"

test("every run is the run that train alone gives, with running figures and dropout", function()
    local runs = sweep {net = DROPS, test = held, lr = {0.1, 0.5}, optimizer = {"sgd", "adam"},
        seed = {3, 4}}
    eq(#runs, 8)
    for _, row in ipairs(runs) do
        local net, history = alone(DROPS, few, {epochs = 2, test = held, lr = row.lr,
            optimizer = row.optimizer, seed = row.seed})
        same_run(row, net, history, held)
    end
end)

test("pieces are an option like others", function()
    local runs = sweep {net = DROPS, pieces = {1, 8}, batch = 50, seed = 2}
    for _, row in ipairs(runs) do
        local net = alone(DROPS, few, {epochs = 2, batch = 50, pieces = row.pieces, seed = 2})
        assert(row.net:params():equal(net:params()))
    end
end)

test("at any number of threads", function()
    local threads = nabla.threads()
    local function costs(count)
        nabla.threads(count)
        local runs = sweep {net = "64 - 10", lr = {0.1, 1, 3}, seed = 1}
        nabla.threads(threads)
        return {runs[1].cost, runs[2].cost, runs[3].cost}
    end
    local one = costs(1)
    eq(costs(2), one)
    eq(costs(5), one)
end)

test("without a seed a run has the chance that a run typed now would have", function()
    nabla.seed(11)
    nabla.tensor.rand(3)
    local runs = sweep {net = "64 - 10", lr = {1, 3}}
    local net = nn.net "64 - 10"
    net:train(few, {epochs = 2, lr = 3, progress = false})
    assert(runs[2].net:params():equal(net:params()))
end)

test("what a function of the point draws begins with the seed, else with the session's", function()
    local function draw() return nn.net "64 - 10" end
    local runs = sweep {net = draw, seed = {3, 4}}
    nabla.seed(4)
    local net = nn.net "64 - 10"
    net:train(few, {epochs = 2, seed = 4, progress = false})
    assert(runs[2].net:params():equal(net:params()))
    nabla.seed(8)
    runs = sweep {net = draw, on_epoch = function() end}
    nabla.tensor.rand(3)
    local best = runs:best().net
    nabla.seed(8)
    net = nn.net "64 - 10"
    net:train(few, {epochs = 2, progress = false, on_epoch = function() end})
    assert(best:params():equal(net:params()))
end)

test("a sweep leaves chance, networks and optimizers as they were", function()
    nabla.seed(5)
    local net, o = nn.net("64 - 10", {seed = 2}), nn.adam {lr = 0.01}
    local before = net:params():clone()
    local seed, draws = nabla._chance()
    local runs = sweep {net = net, optimizer = {o, "sgd"}, seed = {1, 2}}
    runs:best()
    eq({nabla._chance()}, {seed, draws})
    assert(net:params():equal(before))
    eq(net.history, nil)
    eq(tostring(o):match "after (%d+) steps", "0")
    local own = net:clone()
    own:train(few, {epochs = 2, optimizer = nn.adam {lr = 0.01}, seed = 2, progress = false})
    assert(runs[2].net:params():equal(own:params()))
end)

test("a network begins with its own parameters, or with reset is drawn by the seed", function()
    local net = nn.net("64 - 10", {seed = 2})
    local kept = sweep {net = net, epochs = 1, seed = 7}
    local own = net:clone()
    own:train(few, {epochs = 1, seed = 7, progress = false})
    assert(kept[1].net:params():equal(own:params()))
    local drawn = sweep {net = net, epochs = 1, seed = 7, reset = true}
    own = net:clone()
    own:reset(7)
    own:train(few, {epochs = 1, seed = 7, progress = false})
    assert(drawn[1].net:params():equal(own:params()))
end)

test("what the user does to a network afterwards changes nothing", function()
    local net = nn.net("64 - 10", {seed = 2})
    local runs = sweep {net = net, epochs = 1, seed = {1, 2}, on_epoch = function() end}
    local own = net:clone()
    own:train(few, {epochs = 1, seed = runs:best().seed, progress = false})
    net:reset(9)
    assert(runs:best().net:params():equal(own:params()))
end)

test("patience: figures and network are those of the best epoch", function()
    local valid = digits.train:take(60)
    local o = {epochs = 40, lr = 3, batch = 5, patience = 2, valid = valid, seed = 1}
    local runs = sweep {net = "64 - 30 - 10", set = few, epochs = 40, lr = 3, batch = 5,
        patience = 2, valid = valid, seed = 1}
    local net, history = alone("64 - 30 - 10", few, o)
    assert(history.best and history.best < history.epochs)
    eq(runs[1].valid_cost, history.valid_cost[history.best])
    assert(runs[1].net:params():equal(net:params()))
    eq(runs[1].net.history.best, history.best)
end)

test("a scaled set and f64: scale, columns and numbers come back", function()
    local iris = data.iris():standardize()
    local runs = sweep {net = {{4, nn.dense {5, "tanh"}, 3, dtype = "f64"}}, set = iris, seed = 4}
    local net = nn.net {4, nn.dense {5, "tanh"}, 3, dtype = "f64", seed = 4}
    net:train(iris, {epochs = 2, seed = 4, progress = false})
    assert(runs[1].net:params():equal(net:params()))
    eq(runs[1].net.columns, net.columns)
    eq(runs[1].net.scale.factor, net.scale.factor)
end)

test("flow, metrics and why lbfgs converged are in the history, and in the network's", function()
    local xor = data.set {x = nabla.tensor {{0, 0}, {0, 1}, {1, 0}, {1, 1}},
        y = nabla.tensor {{0}, {1}, {1}, {0}}}
    local runs = sweep {net = "2 - 4 tanh - 1", set = xor, optimizer = "lbfgs", epochs = 200,
        seed = 3, flow = true, metrics = {"mean_absolute_error"}, test = xor}
    local net, history = alone("2 - 4 tanh - 1", xor, {optimizer = "lbfgs", epochs = 200, seed = 3,
        flow = true, metrics = {"mean_absolute_error"}, test = xor})
    for _, found in ipairs {runs[1].history, runs[1].net.history} do
        eq(found.converged, history.converged)
        eq(found.metrics, history.metrics)
        eq(found.flow[1].delta, history.flow[1].delta)
        eq(found.flow[1].title, history.flow[1].title)
    end
    eq(runs[1].mean_absolute_error,
        history.metrics.mean_absolute_error[history.epochs])
end)

-- ---- The grid ----

test("the columns stand in one order, and the seed goes round first", function()
    local runs = sweep {seed = {1, 2}, lr = {0.1, 1}, batch = {10, 20}, net = "64 - 10", epochs = 1}
    local points = {}
    for i, row in ipairs(runs) do
        points[i] = ("%d %g %d"):format(row.batch, row.lr, row.seed)
        eq(row.run, i)
    end
    eq(points, {"10 0.1 1", "10 0.1 2", "10 1 1", "10 1 2", "20 0.1 1", "20 0.1 2", "20 1 1",
        "20 1 2"})
end)

test("a function of the point makes networks and sets of variables", function()
    local runs = sweep {net = function(p) return ("64 - %d - 10"):format(p.hidden) end,
        set = function(p) return digits.train:take(p.n) end, epochs = 1, seed = 1,
        variables = {hidden = {3, 4}, n = {50, 90}}}
    eq(#runs, 4)
    for _, row in ipairs(runs) do
        eq(row.net:count(), 64 * row.hidden + row.hidden + 10 * row.hidden + 10)
        local net = alone(("64 - %d - 10"):format(row.hidden), digits.train:take(row.n),
            {epochs = 1, seed = 1})
        assert(row.net:params():equal(net:params()))
    end
end)

test("lists of networks, sets and options that are lists themselves", function()
    local runs = sweep {net = {"64 - 10", nn.net "64 - 5 - 10"}, set = {few, held}, epochs = 1,
        test = held, metrics = {"top_k"}, weights = {{1, 1, 1, 1, 1, 1, 1, 1, 1, 2}, {1, 1, 1, 1, 1, 1, 1, 1, 1,
        1}}}
    eq(#runs, 8)
    for _, row in ipairs(runs) do eq(row.error, nil) end
    assert(runs[1].cost ~= runs[2].cost)
    assert(runs[1].top_k >= 0)
    eq(#sweep {net = "64 - 10", epochs = 1, weights = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}}, 1)
end)

-- ---- Rows that fail ----

test("a run that fails is a row with its error in the user's words; the others go on", function()
    local runs = sweep {net = {"64 - 10", "63 - 10"}, lr = {-1, 1}, test = held, seed = 1}
    eq(runs[1].error, "lr must be a number above 0, not -1")
    eq(runs[2].error, nil)
    assert(runs[4].error:find("63", 1, true), runs[4].error)
    eq(runs[4].cost, nil)
    eq(runs[4].test, nil)
    eq(runs[4].options.test, held)
    eq(runs:best().run, 2)
    assert(tostring(runs):find("lr must be a number", 1, true))
    eq(runs:sort "cost"[1].run, 2)
    eq(runs:sort("cost", {descending = true})[1].run, 2)
end)

test("a callback's error, an error that is no text, os.exit and a signal", function()
    local ways = {
        function() error "enough" end, function() error {} end, function() os.exit(3) end,
        function() return false end,
    }
    local runs = sweep {net = "64 - 10", on_epoch = ways, seed = 1}
    assert(runs[1].error:find("enough", 1, true))
    eq(runs[1].history.stopped, 1)
    eq(runs[2].error, "the error is a table")
    assert(runs[3].error:find("left with code 3", 1, true))
    eq(runs[4].error, nil)
    eq(runs[4].history.epochs, 1)
end)

test("training that leaves the numbers says where", function()
    local runs = sweep {net = "64 - 30 relu - 10 linear", lr = {1e30, 0.01}, seed = 1}
    assert(runs[1].error:find("layer", 1, true), runs[1].error)
    eq(runs:best().lr, 0.01)
end)

test("where all fail the best one says why", function()
    local runs = sweep {net = "63 - 10", seed = {1, 2}}
    fails(function() runs:best() end, "all 2 runs failed: the set's examples are 64")
end)

test("functions of a run change nothing here", function()
    local seen = 0
    sweep {net = "64 - 10", lr = {1, 3}, on_epoch = function() seen = seen + 1 end}
    eq(seen, 0)
end)

test("a network that a callback may have changed is trained again", function()
    local runs = sweep {net = "64 - 5 - 10", seed = 1, epochs = 3, on_epoch = function(info)
        if info.epoch == 1 then info.net[1].activation = "tanh" end
    end}
    eq(runs[1].net, nil)
    eq(runs:best().net[1].activation, "tanh")
    local net = alone("64 - 5 - 10", few, {epochs = 3, seed = 1, on_epoch = function(info)
        if info.epoch == 1 then info.net[1].activation = "tanh" end
    end})
    assert(runs:best().net:params():equal(net:params()))
end)

test("a function of the point that gives another network each time is told so", function()
    local asked = {lr = {0.1, 1}, seed = 1}
    for _, hook in ipairs {false, function() end} do
        asked.on_epoch = hook or nil
        local here = "tanh"
        asked.net = function() return "64 - 5 " .. here .. " - 10" end
        local runs = sweep(asked)
        here = "relu"
        fails(function() runs:best() end, "sweep:best: run 2 had the network 64 - 5 tanh - " ..
            "10 sigmoid : quadratic, and net = function(p), called once more, gives 64 - 5 relu", true)
        if not hook then fails(function() return runs[1].net end, "math.random", true) end
        here = "tanh"
        eq(runs:best().net[1].activation, "tanh")
    end
    local drawn = sweep {seed = {1, 2}, net = function()
        return "64 - " .. nabla.tensor.randint(1, 1000, 1):item() .. " - 10"
    end}
    assert(drawn[1].net:notation() ~= drawn[2].net:notation())
end)

-- ---- Order, best, means ----

test("best goes by valid, else test, else cost; or by what is named", function()
    local runs = sweep {net = "64 - 10", test = held, lr = {0.01, 3, 0.1}, seed = 1,
        metrics = {"top_k"}}
    eq(runs:best().run, 2)
    eq(runs:best("test_cost").run, 2)
    eq(runs:best("top_k").lr, 3)
    eq(runs:best("test", {least = true}).lr, 0.01)
    eq(runs:best("cost", {least = false}).lr, 0.01)
    fails(function() runs:best "tset" end, "did you mean 'test'?", true)
    fails(function() runs:best {most = true} end, "takes {least = true}", true)
end)

test("sort gives a new table, rising; without a name the best first", function()
    local runs = sweep {net = "64 - 10", test = held, lr = {0.1, 3, 0.01}, seed = 1}
    local function order(sorted)
        local out = {}
        for i, row in ipairs(sorted) do out[i] = row.lr end
        return out
    end
    eq(order(runs:sort "lr"), {0.01, 0.1, 3})
    eq(order(runs:sort("lr", {descending = true})), {3, 0.1, 0.01})
    eq(order(runs:sort()), {3, 0.1, 0.01})
    eq(order(runs:sort {descending = true}), {0.01, 0.1, 3})
    eq(order(runs), {0.1, 3, 0.01})
    eq(runs:sort "lr":best().lr, 3)
    fails(function() runs:sort "lrr" end, "did you mean 'lr'?", true)
end)

test("mean has the mean and the sample's standard deviation over seeds", function()
    local runs = sweep {net = "64 - 10", test = held, lr = {0.1, 3}, seed = {1, 2, 3}}
    local means = runs:mean()
    eq(#means, 2)
    local sum, squares = 0, 0
    for i = 4, 6 do sum = sum + runs[i].cost end
    for i = 4, 6 do squares = squares + (runs[i].cost - sum / 3) ^ 2 end
    near(means[2].cost, sum / 3, 1e-12)
    near(means[2].spread.cost, math.sqrt(squares / 2), 1e-12)
    eq(means[2].lr, 3)
    eq(means[2].seed, nil)
    eq(#means[2].runs, 3)
    eq(means:best().lr, 3)
    eq(runs:mean "lr"[1].seed, 1)
    eq(#runs:mean {"lr", "seed"}, 1)
    fails(function() runs:mean "batch" end, "batch has no two values in this sweep")
    fails(function() means:mean() end, "these are means already")
end)

test("a mean counts the runs that failed and leaves them out", function()
    local runs = sweep {net = "64 - 10", lr = {-1, 1}, batch = {10, 20}, seed = 1}
    local means = runs:mean "lr"
    eq(means[1].failed, 1)
    eq(means[1].cost, runs[2].cost)
    eq(means[1].spread.cost, nil)
end)

-- ---- What is shown ----

test("the table has a line for each run and names the best", function()
    local runs = sweep {net = "64 - 10", test = held, lr = {0.1, 3}, seed = {1, 2}}
    local lines = {}
    for line in (tostring(runs) .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
    assert(lines[1]:find "^4 runs")
    assert(lines[2]:find "^run%s+lr%s+seed%s+cost%s+test%s+seconds")
    assert(lines[3]:find "^%s+1%s+0.1%s+1%s")
    eq(lines[7], ("best: run %d, test %.2f %%"):format(runs:best().run, 100 * runs:best().test))
    assert(tostring(runs[1]):find "^run 1 · lr 0.1 · seed 1 · cost ")
    assert(tostring(runs:mean()[2]):find "^row 2 · lr 3 · cost ")
    fails(function() runs:sort "nix" end, "there is no 'nix' in this sweep; it has test, test_cost, cost, " ..
        "lr, seed, seconds, run")
end)

test("a wide table fits the window", function()
    local print_table = require "nabla.sweep.print"
    local screen = require "nabla.plot.screen"
    local runs = sweep {net = {"64 - 10", "64 - 20 relu - 20 relu - 10 softmax : cross_entropy",
        "63 - 10"}, valid = held, test = held, lr = {0.1, 3}, optimizer = {"sgd", nn.adam {lr = 0.1}},
        metrics = {"top_k"}, epochs = 1}
    for _, columns in ipairs {150, 80, 60, 45} do
        for line in (print_table.table(runs, columns) .. "\n"):gmatch "(.-)\n" do
            assert(screen.width(line) <= columns, line)
        end
    end
    assert(print_table.table(runs, 60):find "no room for ")
end)

test("a long table shows its first and its last runs", function()
    local list = {}
    for i = 1, 70 do list[i] = i end
    local text = tostring(sweep {net = "64 - 2 - 10", set = digits.test:take(10), epochs = 1,
        seed = list})
    assert(text:find("… 20 more …", 1, true))
    assert(text:find("\n 40  ", 1, true) and not text:find("\n 41  ", 1, true))
    assert(text:find("\n 61  ", 1, true) and not text:find("\n 60  ", 1, true))
end)

test("plot draws a figure over each option", function()
    local runs = sweep {net = "64 - 10", test = held, lr = {0.01, 0.1, 3}, seed = {1, 2},
        optimizer = {"sgd", "adam"}, epochs = 1}
    local all = plot(runs, {text = true, width = 60})
    assert(all:find("\n%s+lr\n"), all)
    assert(all:find("sgd%s+adam"), all)
    assert(all:find("1e-2", 1, true) and all:find("mean", 1, true) and all:find("best", 1, true))
    local one = plot(runs, {text = true, by = "cost", over = "lr"})
    eq(select("#", plot(runs)), 0)
    assert(one:find("cost", 1, true) and not one:find("optimizer", 1, true))
    fails(function() plot(runs, {over = "batch"}) end, "'batch' has no two values", true)
    fails(function() plot(runs, {by = "cots"}) end, "did you mean 'cost'?", true)
    fails(function() plot(runs, {file = "x.svg"}) end, "a file holds one of the 2 pictures", true)
end)

test("short lists stand in the table as they are, functions by their names", function()
    local text = tostring(nn.sweep {net = "2 - 3 - 2", set = data.xor(), epochs = 1, progress = false,
        weights = {{1, 2}, {2, 1.5}}, metrics = {ones = function() return 1 end}})
    eq(text:find("  1  1, 2 ", 1, true) ~= nil and text:find("  2  2, 1.5 ", 1, true) ~= nil, true)
    eq(text:find("   metrics ones\n", 1, true) ~= nil, true)
    eq(text:find("table", 1, true), nil)
end)

-- ---- What is refused ----

local function refused(asked, pattern)
    return fails(function() nn.sweep(asked) end, pattern, true)
end

test("a sweep of nothing, of too much, of what there is not", function()
    refused({}, "net is missing")
    refused({net = "64 - 10"}, "set is missing")
    refused({net = "64 - 10", set = few, lr = {}}, "lr is an empty list")
    refused({net = "64 - 10", set = few, lr = {1, nil, 3}}, "at [3] is not in it")
    refused({net = "64 - 10", set = few, lr = {1, rate = 3}},
            "lr is a list that ends with entry 1;")
    refused({net = {64, 10, cost = "mse"}, set = few}, "in table form stands in a list")
    refused({net = "64 - 10", set = few, lrr = {1}}, "no option 'lrr'; did you mean 'lr'?")
    refused({net = "64 - 10", set = few, learning_rate = 1}, "here it is: lr")
    refused({net = "64 - 10", set = few, hidden = {1}}, "variables = {hidden = …}")
    refused({net = "64 - 10", set = few, variables = {lr = {1}}}, "'lr' is an option of train")
    refused({net = "64 - 10", set = few, variables = 3}, "variables must be a table")
    refused({net = "64 - 10", set = few, checkpoint = "x"}, "all runs would write the file")
    refused({net = {784, 10}, set = few}, "one in table form stands in a list")
    refused({net = "64 - 10", set = 3}, "set must be a data set")
    refused({net = "64 - 10", set = few, limit = 0}, "limit must be a whole number from 1")
    refused({net = "64 - 10", set = few, reset = 1}, "reset must be true or false")
    fails(function() nn.sweep(3) end, "everything stands in one table", true)
    local list = {}
    for i = 1, 1000 do list[i] = i end
    refused({net = "64 - 10", set = few, seed = list, lr = {1, 2}},
        "that is 2,000 runs: lr 2 x seed 1,000; more than 1,000 are made where limit = … says so")
    refused({net = "64 - 10", set = few, seed = list, batch = list}, "that is 1,000,000 runs")
end)

test("limit is the most there may be", function()
    refused({net = "64 - 10", set = few, seed = {1, 2, 3}, limit = 2}, "more than 2")
    eq(#sweep {net = "64 - 2 - 10", seed = {1, 2, 3}, limit = 3, epochs = 1}, 3)
end)

test("what a run left is refused where it is something else", function()
    local net = nn.net "64 - 10"
    net:train(few, {epochs = 1, progress = false})
    local history, numbers = nabla._learned(net, true)
    local other = nn.net "64 - 11"
    fails(function() nabla._learn_again(other, few, history, numbers) end, "not what a run left")
    for _, length in ipairs {0, 10, 100, #history - 1} do
        fails(function() nabla._learned_history(history:sub(1, length)) end, "not what a run left")
    end
end)

spec.report()
