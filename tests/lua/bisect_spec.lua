-- t:bisect and t:compare: steps that are known from a plain run of net:train, or
-- from how the events were planted.
package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

-- ---- Planted events ----

-- Examples with an input of their own each, which is 0 in all others: the weights of input j change
-- in the steps of example j alone.
local N <const>, BATCH <const>, EPOCHS <const> = 60, 7, 9

local function own_inputs()
    return data.set {x = tensor.eye(N), y = tensor.rand(N, 2, {seed = 3})}
end

local NOTATION <const> = "60 - 4 - 2"
local function options(more)
    local o = {epochs = EPOCHS, batch = BATCH, lr = 3, seed = 5, progress = false}
    for k, v in pairs(more or {}) do o[k] = v end
    return o
end

-- By a plain run: the steps in which w[1][j] of the first layer changed, and its values after them.
local function plain(o)
    local net, step = nn.net(NOTATION, {seed = 1}), 0
    local before, visits = net[1].w:totable()[1], {}
    for j = 1, N do visits[j] = {} end
    o.on_batch = function()
        step = step + 1
        local now = net[1].w:totable()[1]
        for j = 1, N do
            if now[j] ~= before[j] then
                visits[j][#visits[j] + 1] = {step = step, from = before[j], to = now[j]}
            end
        end
        before = now
    end
    net:train(own_inputs(), o)
    return visits, step
end

local function finished(o)
    local net = nn.net(NOTATION, {seed = 1})
    local t = net:trainer(own_inputs(), o)
    t:run()
    return t, net
end

-- Chance that is the same everywhere.
local state = 12345
local function draw(n)
    state = (state * 1103515245 + 12345) % 2147483648
    return state // 8 % n + 1
end

-- Of the visits to input j one at random behind which the weight has passed a threshold for good;
-- nil where it does not move in one direction.
local function event(list)
    local k = draw(#list)
    local sign = list[k].to > list[k].from and 1 or -1
    for i = 2, #list do
        if (list[i].to - list[i].from) * (list[1].to - list[1].from) <= 0 then return nil end
    end
    return list[k].step, (list[k].from + list[k].to) / 2, sign
end

test("100 planted events at random steps are found, each with its example", function()
    local visits, steps = plain(options())
    local t, net = finished(options())
    eq(t.step_number, steps)
    local found = 0
    while found < 100 do
        local j = draw(N)
        local step, threshold, sign = event(visits[j])
        if step then
            local b = t:bisect(function() return sign * (net:params()[j] - threshold) > 0 end)
            eq({b.step, b.example, b.epoch, b.batch, b.without},
                {step, j, (step - 1) // 9 + 1, (step - 1) % 9 + 1, {j}})
            found = found + 1
        end
    end
    eq(t.step_number, steps)
end)

-- ---- The rest of bisect ----

-- The examples of every step, by a function that sees batches: row i of x has its 1 in column i.
local function batches(o)
    local out = {}
    o.augment = function(x)
        local list = x:argmax(2):totable()
        out[#out + 1] = list
        return x
    end
    nn.net(NOTATION, {seed = 1}):train(own_inputs(), o)
    return out
end

test("the examples of a step are those that it took, in its order", function()
    local wanted = batches(options {epochs = 2})
    local t = finished(options {epochs = 2})
    for step, list in ipairs(wanted) do
        local b = t:bisect(function() return t.step_number >= step end)
        eq({b.step, b.examples, b.without, b.example}, {step, list, {}})
    end
    local both = finished(options {epochs = 2, accumulate = 2})
    for step = 1, 10 do
        local b = both:bisect("step >= " .. step)
        local first, second = wanted[step < 6 and 2 * step - 1 or 2 * step - 2], nil
        if step < 5 then second = wanted[2 * step]
        elseif step > 5 and step < 10 then second = wanted[2 * step - 1] end
        if step == 10 then first = wanted[18] end
        local all = table.move(first, 1, #first, 1, {})
        if second then table.move(second, 1, #second, #all + 1, all) end
        eq({b.step, b.examples}, {step, all})
    end
end)

test("several examples, or all, or none decide", function()
    local t, net = finished(options {epochs = 2})
    local all = batches(options {epochs = 2})
    local last = all[#all]
    -- Weights of two inputs have both moved since before: each alone would leave one where it was.
    local before = net:clone()
    t:back(1)
    before = net:params():clone()
    t:step(1)
    local a, b = last[1], last[2]
    local function moved(j) return net:params()[j] ~= before[j] end
    local found = t:bisect(function() return moved(a) and moved(b) and t.step_number == 18 end)
    eq({found.step, found.without, found.example}, {18, {a, b}})
    local said = "without one of these it would not hold there: " .. a .. " " .. b
    assert(tostring(found):find(said, 1, true))
    found = t:bisect(function()
        if t.step_number < 18 then return false end
        for _, j in ipairs(last) do if not moved(j) then return false end end
        return true
    end)
    eq({found.without, tostring(found):match "without any one of them it would not"},
        {last, "without any one of them it would not"})
    found = t:bisect(function() return t.step_number == 18 end)
    assert(tostring(found):find("none decides alone", 1, true))
end)

test("a step of one example is not made without it", function()
    local net = nn.net("1 - 1", {seed = 1})
    local t = net:trainer({{1}, {0.5}, {2}}, {{0}, {1}, {1}}, options {batch = 1, epochs = 2})
    t:run()
    t:seek(4)
    local before = net[1].b:totable()[1]
    t:seek(6)
    local found = t:bisect(function() return t.step_number >= 5 and net[1].b:totable()[1] ~= before end)
    eq({found.step, #found.examples, found.without}, {5, 1, found.examples})
end)

test("first = true finds what does not stay so", function()
    local t = finished(options {epochs = 2})
    local function odd() return t.step_number == 7 or t.step_number == 12 end
    eq({t:bisect(odd).never, t:bisect(odd).step}, {true})
    eq(t:bisect(odd, {first = true}).step, 7)
    local never = t:bisect(function() return false end, {first = true})
    eq({never.never, never.asked}, {true, 19})
    assert(tostring(never):find("after none of the steps up to 18", 1, true))
    eq(t.step_number, 18)
end)

test("true from the start, never true, raising: the run stands where it was", function()
    local t, net = finished(options {epochs = 2})
    t:seek(11)
    local values = net:params():clone()
    local function stands()
        eq(t.step_number, 11)
        eq(net:params(), values)
    end
    local b = t:bisect(function() return true end)
    eq({b.before, b.step, tostring(b)}, {true, 0, "it holds from the start: at step 0 already"})
    stands()
    b = t:bisect(function() return t.step_number > 11 end)
    eq({b.never, b.step}, {true})
    assert(tostring(b):find("at step 11, where the run stands", 1, true))
    stands()
    for wrong = 0, 10 do
        fails(function()
            t:bisect(function() return t.step_number == wrong and error "boo" or t.step_number > 10 end,
                {first = true})
        end, "boo", true)
        stands()
    end
    fails(function() t:bisect(function() net[1].w:mul_(2) return false end) end,
        "may change nothing", true)
    stands()
    t:run()
    local _, wanted = finished(options {epochs = 2})
    eq(net:params(), wanted:params())
end)

test("a change by hand is told from the step behind it", function()
    local t, net = finished(options {epochs = 2})
    t:seek(5)
    net[1].w[1][1] = 50
    t:step(4)
    local b = t:bisect(function() return net:params()[1] > 40 end)
    eq({b.by_hand, b.step, b.examples}, {true, 5})
    assert(tostring(b):find("by what was changed there, not by a step", 1, true))
    b = t:bisect("step >= 6")
    eq({b.by_hand, b.step}, {nil, 6})
    net[1].w[1][1] = 90
    b = t:bisect(function() return net:params()[1] > 80 end)
    eq({b.by_hand, b.step, net:params()[1]}, {true, 9, 90})
end)

test("conditions and words are asked likewise", function()
    local t, net = finished(options {epochs = 2})
    local b = t:bisect "weights > 0"
    eq(b.before, true)
    t:seek(7)
    net[1].b[2] = 1000
    t:run()
    b = t:bisect "saturated"
    eq({b.by_hand, b.step}, {true, 7})
    fails(function() t:bisect "nan" end, "a step that was not made", true)
    fails(function() t:bisect "saturatde" end, "did you mean 'saturated'?", true)
    fails(function() t:bisect() end, "say a condition", true)
    fails(function() t:bisect("step > 1", {frist = true}) end, "did you mean 'first'?", true)
    fails(function() t:bisect("step > 1", {}, 1) end, "too many", true)
end)

test("where weights cannot enter none is left out, and it says so", function()
    local net = nn.net("60 - 4 - 2",
                       {seed = 1, cost = function(a, y) return ((a - y) ^ 2):mean() end})
    local t = net:trainer(own_inputs(), options {epochs = 1})
    t:run()
    local b = t:bisect "step >= 4"
    eq({b.step, b.untried}, {4, "the cost is a function, which knows no weights"})
    assert(tostring(b):find("none was left out: the cost is a function", 1, true))
end)

test("weights of classes count as those of their examples", function()
    local y = {}
    for i = 1, N do y[i] = i % 2 + 1 end
    local net = nn.net("60 - 4 - 2 softmax : cross_entropy", {seed = 1})
    local t = net:trainer(data.set {x = tensor.eye(N), y = tensor(y, {dtype = "i32"})},
        options {weights = {classes = {0.5, 3}}, epochs = 1, batch = 6})
    local begins = net:params():clone()
    t:run()
    for step = 1, 10 do
        local function moved(j) return function() return net:params()[j] ~= begins[j] end end
        local b = t:bisect("step >= " .. step)
        for _, j in ipairs(b.examples) do
            eq({t:bisect(moved(j)).step, t:bisect(moved(j)).without}, {step, {j}})
        end
    end
    y = tensor.ones(8, 3, {dtype = "i32"})
    net = nn.net("*x2 - 2 softmax : cross_entropy", {seed = 1})
    t = net:trainer(data.set {x = tensor.randn(8, 3, 2, {seed = 1}), y = y},
        options {weights = {classes = {0.5, 3}}, epochs = 1})
    t:run()
    eq(t:bisect("step >= 2").untried, "the run weighs the classes of steps or places")
end)

test("the weights of a run count, and every optimizer bisects", function()
    local weights = {}
    for i = 1, N do weights[i] = i % 3 end
    for _, o in ipairs {{weights = weights}, {optimizer = "adam", lr = 0.1}, {momentum = 0.9},
        {optimizer = "lbfgs", batch = false, lr = false}, {accumulate = 2}} do
        local all = options(o)
        all.lr, all.batch = all.lr or nil, all.batch or nil
        local t, net = finished(all)
        local last, values = t.step_number, net:params():clone()
        for step = 1, last, 3 do
            local b = t:bisect("step >= " .. step)
            eq({b.step, b.without}, {step, {}})
        end
        eq(net:params(), values)
    end
end)

test("what the end of an epoch makes hold is the doing of its last step", function()
    local function judged() return options {epochs = 4, valid = own_inputs(), patience = 9} end
    local plainly = nn.net(NOTATION, {seed = 1}):train(own_inputs(), judged())
    local all = batches(options {epochs = 3})
    local t, net = finished(judged())
    for epoch = 1, 3 do
        local wanted = plainly.valid_cost[epoch]
        local b = t:bisect(function() return #t.history.cost >= epoch end)
        eq({b.step, b.by_hand, b.epoch, b.batch, b.examples, b.without},
            {9 * epoch, nil, epoch, 9, all[9 * epoch], {}})
        -- Each example moves the biases, so without it the network costs something else.
        b = t:bisect(function() return t.history.valid_cost[epoch] == wanted end)
        eq({b.step, b.by_hand, b.without, b.untried}, {9 * epoch, nil, all[9 * epoch], nil})
    end
    eq(t:bisect("valid_cost > 0", {first = true}).step, 9)
    eq(t.history.valid_cost, plainly.valid_cost)
    t:seek(20)
    t:run()
    eq({t.history.valid_cost, net:params():totable()},
        {plainly.valid_cost, finished(judged()).net:params():totable()})
end)

test("a stop is asked for as the step left it, then as it was changed", function()
    local t, net = finished(options {epochs = 2})
    t:seek(6)
    local left = net[2].b:totable()[1]
    net[2].b[1] = 9
    t:step(3)
    local b = t:bisect(function() return net[2].b:totable()[1] == left end, {first = true})
    eq({b.step, b.by_hand, b.never}, {6})
    b = t:bisect(function() return net[2].b:totable()[1] > 5 end, {first = true})
    eq({b.step, b.by_hand}, {6, true})
    t:seek(0)
    left = net[1].w:totable()[1][1]
    net[1].w[1][1] = 50
    t:step(3)
    for _, first in ipairs {true, false} do
        b = t:bisect(function() return net:params()[1] > 40 end, {first = first})
        eq({b.step, b.by_hand, b.before}, {0, true})
    end
    b = t:bisect(function() return net:params()[1] == left end, {first = true})
    eq({b.step, b.before}, {0, true})
    eq({t.step_number, t.record.edits}, {3, 1})
end)

test("of a step with very many examples none is left out, and it says so", function()
    local x, y = tensor.randn(513, 3, {seed = 1}), tensor.randn(513, 2, {seed = 2})
    local set = data.set {x = x, y = y}
    local t = nn.net("3 - 2", {seed = 1}):trainer(set, options {batch = 513, epochs = 2})
    t:run()
    local b = t:bisect "step >= 1"
    eq({b.step, #b.examples, b.without}, {1, 513, {}})
    assert(tostring(b):find("none was left out: 513 are too many to leave out one by one, " ..
        "which is done with 512 at most", 1, true))
    t = nn.net("3 - 2", {seed = 1}):trainer(set, options {batch = 512, epochs = 2})
    t:run()
    eq(t:bisect("step >= 1").untried, nil)
end)

test("a record whose beginning was given up is no start", function()
    local runs = {}
    for k = 1, 2 do
        local x, y = tensor.eye(N), tensor.rand(N, 2, {seed = k})
        runs[k] = nn.net(NOTATION, {seed = k}):trainer(data.set {x = x, y = y}, options())
        runs[k]:step(6)
        y:mul_(0.5)
        fails(function() runs[k]:step() end, "set", true)
        runs[k]:step(2)
    end
    eq(tostring(runs[1]:bisect "step >= 2"),
        "it holds where the run's record begins: at step 6 already")
    assert(tostring(runs[1]:compare(runs[2])):find(
        "they differ where the later record begins: at step 6 already", 1, true))
end)

-- ---- Two runs ----

local function pair(one, other, notation)
    local runs = {}
    for k, o in ipairs {one or {}, other or {}} do
        local net = nn.net(k == 2 and notation or NOTATION, {seed = 1})
        runs[k] = net:trainer(own_inputs(), options(o))
        runs[k]:step(20)
    end
    return runs[1], runs[2]
end

test("runs that are alike do not part", function()
    local t, u = pair {}
    local c = t:compare(u)
    eq({c.step, c.to, #c.options, #c}, {nil, 20, 0, 0})
    assert(tostring(c):find("no difference up to step 20", 1, true))
    u:back(5)
    eq(t:compare(u).to, 15)
end)

test("another rate, another order, another optimizer, in both values", function()
    local t, u = pair({}, {lr = 2})
    local c = t:compare(u)
    eq({c.step, c.epoch, c.batch, c.same_examples}, {1, 1, 1, true})
    eq({#c.options, c.options[1].name, c.options[1][1], c.options[1][2]}, {1, "lr", "3", "2"})
    t, u = pair({}, {seed = 6})
    c = t:compare(u)
    eq({c.step, c.same_examples, c.options[1].name, c.options[1][1], c.options[1][2]},
        {1, false, "seed", "5", "6"})
    local wanted = batches(options {epochs = 1})
    eq(c.examples[1], wanted[1])
    t, u = pair({}, {optimizer = "adam", lr = 0.1, epochs = 4, l2 = 0.5, schedule = "cosine"})
    c = t:compare(u)
    local said = {}
    for i, o in ipairs(c.options) do said[i] = ("%s %s %s"):format(o.name, o[1], o[2]) end
    eq(said,
       {"epochs 9 4", "optimizer sgd adam", "lr 3 0.1", "schedule constant cosine", "l2 0 0.5"})
end)

test("a rate that falls in epoch 2 parts them in its first step", function()
    local t, u = pair({}, {schedule = "step(every=1, factor=0.5)"})
    local c = t:compare(u)
    eq({c.step, c.epoch, c.batch}, {10, 2, 1})
    eq({t.step_number, u.step_number}, {20, 20})
end)

test("what was changed by hand, and which number of which layer", function()
    local t, u = pair {}
    t:seek(7)
    t.net[2].w[2][3] = 900
    t:step(3)
    u:seek(9)
    local c = t:compare(u)
    eq({c.step, c.by_hand, c.from, c.to}, {7, {7, false}, 0, 9})
    eq({#c, c[1].where, c[1].differing, c[1].count, c[1][1]}, {1, "layer 2: w[2][3]", 1, 8, 900})
    assert(tostring(c):find("in the first run something was changed by hand", 1, true))
    eq({t.step_number, u.step_number, t.net[2].w:totable()[2][3] > 800}, {10, 9, true})
end)

test("running figures are numbers of a network too", function()
    local runs = {}
    for k = 1, 2 do
        runs[k] = nn.net("60 - 4 - batch_norm - 2", {seed = 1}):trainer(own_inputs(), options())
        runs[k]:step(20)
    end
    runs[2]:seek(9)
    runs[2].net[2].mean[3] = 5
    local c = runs[1]:compare(runs[2])
    eq({c.step, #c, c[1].where, c[1].differing, c[1][2]}, {9, 1, "layer 2: mean[3]", 1, 5})
end)

test("networks that begin apart, with other parameters, or are the same one", function()
    local t, u = pair {}
    u = nn.net(NOTATION, {seed = 2}):trainer(own_inputs(), options())
    local c = t:compare(u)
    eq({c.step, c.epoch}, {0, 0})
    assert(tostring(c):find("they differ from the start: at step 0 already", 1, true))
    u = nn.net("60 - 5 - 2"):trainer(own_inputs(), options())
    c = t:compare(u)
    eq({c.unlike, c.step, c.notation}, {true, nil, {t.net:notation(), u.net:notation()}})
    assert(tostring(c):find("the networks have other parameters", 1, true))
    u = t.net:trainer(own_inputs(), options())
    fails(function() t:compare(u) end, "both runs train one network", true)
    fails(function() t:compare(t) end, "both runs train one network", true)
    fails(function() t:compare(t.net) end, "a trainer", true)
    fails(function() t:compare() end, "a trainer", true)
    u = nn.net(NOTATION, {seed = 1, dtype = "f64"}):trainer(own_inputs(), options())
    fails(function() t:compare(u) end, "one network is f32, the other f64", true)
end)

-- On valid the cost of noise soon rises: the best epoch is one of the first.
local function patient()
    local net = nn.net("3 - 8 tanh - 2 linear : mse", {seed = 1})
    local s = data.set {x = tensor.randn(20, 3, {seed = 1}), y = tensor.randn(20, 2, {seed = 2})}
    local v = data.set {x = tensor.randn(20, 3, {seed = 3}), y = tensor.randn(20, 2, {seed = 4})}
    return net:trainer(s, {epochs = 30, batch = 5, seed = 1, lr = 0.3, progress = false, valid = v,
        patience = 2})
end

test("runs that part and end with the same best epoch are found apart", function()
    local t, u = patient(), patient()
    local best = u:run().best
    t:step(4 * best + 2)
    t.net[1].w:mul_(0.9)
    eq({t:run().best, t.step_number}, {best, u.step_number})
    local last = t.step_number
    assert(t.net:params():equal(u.net:params()) and last > 4 * best + 2)
    local c = t:compare(u)
    eq({c.step, c.by_hand, c.to}, {4 * best + 2, {4 * best + 2, false}, last})
    assert(t.net:params():equal(u.net:params()))
    eq({t.step_number, u.step_number}, {last, last})
    local b = t:bisect(function() return false end)
    assert(tostring(b):find("stands and the best epoch's parameters came back", 1, true))
    -- alike in all steps, but one has not brought them back
    t, u = patient(), patient()
    u:run()
    t:step(u.step_number)
    c = t:compare(u)
    eq({c.step, c.by_end, c.by_hand}, {last, true, {false, false}})
    eq(t:compare(u).step, last)
    t:run()
    eq(t:compare(u).step, nil)
end)

test("an example that is another one in the other set is named", function()
    local runs, x = {}, tensor.randn(12, 3, {seed = 1})
    for k = 1, 2 do
        local y = tensor.zeros(12, 2)
        if k == 2 then y[3][1] = 1 end
        local net = nn.net("3 - 4 - 2", {seed = 1})
        runs[k] = net:trainer(data.set {x = x, y = y}, {batch = 5, seed = 2, progress = false})
        runs[k]:step(3)
    end
    local c = runs[1]:compare(runs[2])
    eq({c.other, c.same_examples, c.examples[1]}, {3, false, c.examples[2]})
    assert(table.concat(c.examples[1], " "):find "%f[%d]3%f[%D]")
    assert(tostring(c):find("example 3, which both took there, is not the same", 1, true))
end)

test("options as they stand where the runs part, those that were changed by hand too", function()
    local t, u = pair()
    u:seek(11)
    u.optimizer.momentum = 0.5
    u:step(9)
    local c = t:compare(u)
    assert(c.step == 12 or c.step == 13) -- momentum needs a step's move
    eq(c.options, {{name = "momentum", "0", "0.5"}})
    eq(c.by_hand, {false, 11})
    assert(tostring(c):find("in the second run something was changed by hand after step 11",
        1, true))
    t, u = pair({}, {lr = 0.1 + 0.2})
    eq(t:compare(u).options, {{name = "lr", "3", "0.3"}})
    for k = 1, 2 do -- seeds that nobody gave have 64 bits
        local net = nn.net(NOTATION, {seed = 1})
        t, u = u, net:trainer(own_inputs(), {batch = BATCH, lr = 3, progress = false})
        u:step(k)
    end
    local seed = t:compare(u).options[1]
    assert(seed.name == "seed" and seed[1]:find "^%d+$" and seed[2]:find "^%d+$", seed[1])
end)

spec.report()
