-- Checkpoints: a run that is killed at any batch and resumed ends
-- with the bits of one that was not.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local nn, data, tensor = nabla.nn, nabla.data, nabla.tensor

local set, valid = data.digits().train:take(80):split(0.75, 1)
local path = os.tmpname()
local child = path .. ".lua"
local quoted = "'" .. path:gsub("'", "'\\''") .. "'"

local function erase()
    for _, name in ipairs {path, child, path .. ".out"} do os.remove(name) end
end

-- ---- Killed ----

-- Runs by name: what they learn with, and the network.
local DENSE <const> = "64 - 8 tanh - dropout 0.2 - batch_norm - 10 softmax : cross_entropy"
local runs = {
    {net = DENSE, optimizer = "sgd"},
    {net = DENSE, optimizer = "sgd", momentum = 0.9},
    {net = DENSE, optimizer = "adam"},
    {net = DENSE, optimizer = "adam", patience = 2},
    {net = DENSE, optimizer = "adam", patience = 1, every = 2},
    {net = DENSE, optimizer = "sgd", shuffle = false, batch = 60},
    {net = DENSE, optimizer = "adam", dtype = "f64", batch = 7},
    {net = "64 - 12 - 10", optimizer = "sgd", every = 3},
    {net = DENSE, optimizer = "nadam", accumulate = 4},
    {net = DENSE, optimizer = "sgd", momentum = 0.9, accumulate = 3, schedule = "one_cycle(top=4)"},
    {net = DENSE, optimizer = "rmsprop", schedule = "plateau(patience=1)", patience = 4},
    {net = DENSE, optimizer = "adamw", schedule = "warmup(epochs=2, then=cosine)", clip = 1},
    {net = "64 - reshape 8x8 - lstm 5 last - dropout 0.5 - 10 softmax : cross_entropy",
        optimizer = "adam"},
    {net = "64 - reshape 1x8x8 - conv 3 3 relu - batch_norm - flatten - 10 softmax : cross_entropy",
        optimizer = "sgd"},
}

-- A script that trains; behind batch number DIE of this life it kills itself.
local SCRIPT <const> = [==[
local nabla = require "nabla"
local nn, data = nabla.nn, nabla.data
local o, die = load("return " .. arg[1])(), tonumber(arg[3])
local set, valid = data.digits().train:take(80):split(0.75, 1)
nabla.dtype(o.dtype or "f32")
local net, batches = nn.net(o.net, {seed = 1}), 0
local h = net:train(set, {epochs = 5, batch = o.batch or 10, seed = 5, optimizer = o.optimizer,
    momentum = o.momentum, lr = 0.1, shuffle = o.shuffle, valid = o.patience and valid,
    patience = o.patience, progress = false, accumulate = o.accumulate, schedule = o.schedule,
    clip = o.clip,
    checkpoint = arg[2], resume = arg[2], every = o.every or "0.000001 s",
    on_batch = function(b)
        batches = batches + 1
        if batches == die then os.execute "kill -9 $PPID" end
    end})
local state = {net:params(), h.epochs, h.best or 0}
for _, cost in ipairs(h.cost) do state[#state + 1] = cost end
io.write(("%a"):rep(#state - 1, " "):format(table.unpack(state, 2)), "\n")
for v in net:params():each() do io.write(("%a "):format(v)) end
]==]

local function text_of(run)
    local parts = {}
    for k, v in pairs(run) do parts[#parts + 1] = ("%s = %q"):format(k, v) end
    return "{" .. table.concat(parts, ", ") .. "}"
end

-- What the child says at its end; nil when it died.
local function live(run, die)
    local ok = os.execute(("exec %s '%s' '%s' %s %d > %s.out 2> /dev/null"):format(
        os.getenv "NABLA" or "nabla", child, text_of(run):gsub("'", "'\\''"), quoted, die, quoted))
    local file = assert(io.open(path .. ".out"))
    local said = file:read "a"
    file:close()
    return ok and said or nil
end

if os.getenv "NABLA" then
    test("a killed run goes on with the same bits", function()
        local file = assert(io.open(child, "w"))
        file:write(SCRIPT)
        file:close()
        math.randomseed(7)
        for i, run in ipairs(runs) do
            os.remove(path)
            local straight = assert(live(run, 0), "run " .. i)
            for _ = 1, 3 do
                os.remove(path)
                local lives, said = 0, nil
                repeat
                    lives = lives + 1
                    -- At least one batch is done and kept in every life.
                    local most = run.every and 40 or 12
                    said = live(run, math.random(run.every and 20 or 1, most))
                until said or lives > 60
                if said ~= straight then error(("run %d, %d lives"):format(i, lives)) end
            end
        end
    end)
end

-- ---- Resumed in one process ----

local function fresh() return nn.net(DENSE, {seed = 1}) end

local function options(o)
    local all = {epochs = 4, batch = 10, lr = 0.1, seed = 5, progress = false, optimizer = "adam"}
    for k, v in pairs(o or {}) do all[k] = v end
    return all
end

test("more epochs go on from the file, and the history is whole", function()
    os.remove(path)
    local straight, net = fresh(), fresh()
    local whole = straight:train(set, options())
    fresh():train(set, options {epochs = 2, checkpoint = path})
    local h = net:train(set, options {resume = path})
    assert(net:params():equal(straight:params()))
    eq(h.cost, whole.cost)
    eq(h.epochs, 4)
end)

test("a run that has all its epochs is given back", function()
    os.remove(path)
    local net, other = fresh(), fresh()
    local h = net:train(set, options {checkpoint = path, valid = valid, patience = 1, epochs = 30})
    local again = other:train(set,
                              options {resume = path, valid = valid, patience = 1, epochs = 30})
    eq(again.cost, h.cost)
    eq(again.best, h.best)
    assert(other:params():equal(net:params()))
    eq(other.classes, net.classes)
end)

test("the file of a run that gave its best epoch back goes on behind its last", function()
    os.remove(path)
    -- Whatever is learned is wrong on the other set: its cost rises from the first epoch on.
    local wrong = data.set {x = valid.x, y = valid.y:sub(10):abs():add(1):clamp(1, 10)}
    local o = {valid = wrong, patience = 10}
    local straight, short, net = fresh(), fresh(), fresh()
    o.epochs = 6
    straight:train(set, options(o))
    o.epochs, o.checkpoint, o.every = 3, path, 5 -- so it is written at the end alone
    local h = short:train(set, options(o))
    assert(h.best < 3, "the best epoch is not the last")
    o.epochs, o.checkpoint, o.every, o.resume = 6, nil, nil, path
    local last = net:train(set, options(o))
    eq(last.epochs, 6)
    assert(net:params():equal(straight:params()))
    local goes_on = {}
    for _, cost in ipairs(last.cost) do goes_on[#goes_on + 1] = cost end
    local whole = fresh():train(set, options {epochs = 6}).cost
    for i, cost in ipairs(whole) do eq(goes_on[i], cost) end
end)

test("an error and Ctrl-C by a callback lose nothing that was kept", function()
    os.remove(path)
    local straight, net = fresh(), fresh()
    straight:train(set, options())
    fails(function()
        fresh():train(set, options {checkpoint = path, on_batch = function(b)
            if b.epoch == 3 and b.batch == 4 then error "stop" end
        end})
    end, "stop")
    net:train(set, options {resume = path})
    assert(net:params():equal(straight:params()))
end)

test("a callback's own rate goes on", function()
    os.remove(path)
    local function train(net, o)
        local adam = nn.adam {lr = 0.1}
        o.optimizer, o.lr = adam, false
        local all = options(o)
        all.lr = nil
        all.on_epoch = function(e) if e.epoch == 2 then adam.lr = 0.01 end end
        return net:train(set, all)
    end
    local straight, net = fresh(), fresh()
    train(straight, {})
    train(fresh(), {epochs = 3, checkpoint = path})
    local h = train(net, {resume = path})
    assert(net:params():equal(straight:params()))
    eq(h.lr, {0.1, 0.1, 0.01, 0.01})
end)

test("a network is loaded from a checkpoint", function()
    local net = nn.load(path)
    eq(net:notation(), fresh():notation())
    eq(#net.classes, 10)
end)

test("a run without its file begins", function()
    os.remove(path)
    local straight, net = fresh(), fresh()
    straight:train(set, options())
    net:train(set, options {resume = path})
    assert(net:params():equal(straight:params()))
end)

-- ---- What is refused ----

test("what cannot be is refused, and nothing has changed", function()
    os.remove(path)
    fresh():train(set, options {epochs = 1, checkpoint = path})
    local net = fresh()
    local before = net:params():clone()
    local function refuses(o, message)
        fails(function() net:train(set, options(o)) end, message, true)
        assert(net:params():equal(before))
    end
    refuses({resume = path, optimizer = "sgd"}, "its run has the optimizer adam, this one sgd")
    refuses({resume = path, batch = 20}, "its run has batch 10, this one 20")
    refuses({resume = path, seed = 6}, "its run has seed 5, this one 6")
    refuses({resume = path, shuffle = false}, "its run shuffles its examples, this one does not")
    refuses({every = 2}, "there is no checkpoint = path")
    for _, every in ipairs {0, -1, 1.5, "10", "s", "-1 s", "0 s", "nan s", "10 days"} do
        refuses({checkpoint = path, every = every}, "every must be a whole number of epochs from 1")
    end
    refuses({checkpoint = "no/such/folder/x"}, "no/such/folder/x")
    refuses({resume = path .. "/x"}, path .. "/x")
    net = nn.net("64 - 9 - 10", {seed = 1})
    before = net:params():clone()
    refuses({resume = path}, "this network is 64 - 9 sigmoid - 10 sigmoid : quadratic")
    net:save(path)
    refuses({resume = path}, "holds no run of training")
    fails(function() net:train(set, options {resume = 5}) end, "resume", true)
end)

-- ---- Chance in functions of the user's ----

local function noisy_net()
    local function noise(x) return x + tensor.randn(x.shape[1], x.shape[2]) * 0.1 end
    return nn.net {64, nn.fn(noise), 12, nn.fn(function(x) return x * tensor.rand(12) end), 10,
        seed = 1}
end

for name, more in pairs {["in one piece"] = {}, ["in two"] = {pieces = 2},
    ["accumulated"] = {accumulate = 3}, ["accumulated in two"] = {accumulate = 3, pieces = 2},
    ["by adam"] = {optimizer = "adam", lr = 0.01}} do
    local function train(life, o)
        local net = noisy_net()
        local all = {epochs = 4, batch = 12, lr = 0.5, seed = 4, progress = false, shuffle = false}
        for _, given in ipairs {more, o} do for k, v in pairs(given) do all[k] = v end end
        nabla.seed(life)
        net:train(set, all)
        local behind = tensor.rand(2)
        nabla.seed(life)
        eq(behind, tensor.rand(2):totable())
        return net:params()
    end
    test("what layers of the user's draw comes again, " .. name, function()
        os.remove(path)
        local whole = train(1, {})
        train(2, {checkpoint = path, on_epoch = function(e) return e.epoch < 2 end})
        assert(train(3, {checkpoint = path, resume = path}):equal(whole))
        assert(not train(1, {seed = 5}):equal(whole))
    end)
end

test("and where a trainer goes back, and stops within a step; other draws are as they were",
    function()
        local net = noisy_net()
        local t = net:trainer(set, {batch = 12, lr = 0.5, seed = 4})
        nabla.seed(3)
        local next_one = tensor.rand(2)
        nabla.seed(3)
        t:step(15)
        eq(tensor.rand(2), next_one:totable())
        local early = net:params():clone()
        t:step(5)
        local late = net:params():clone()
        t:back(12)
        tensor.rand(2)
        t:step(7)
        assert(net:params():equal(early))
        t:step(5)
        assert(net:params():equal(late))
        local other = noisy_net()
        local u = other:trainer(set, {batch = 12, lr = 0.5, seed = 4})
        for _ = 1, 20 do
            nabla.seed(3)
            u:step "layer"
            eq(tensor.rand(2), next_one:totable())
            u:step()
        end
        assert(other:params():equal(late))
    end)

erase()
spec.report()
