-- t:watch, t:stop_when, t:run_until: what is read behind each step and where runs stop, against
-- plain runs of net:train whose on_batch writes down the same.
package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local tensor, nn, data, plot = nabla.tensor, nabla.nn, nabla.data, nabla.plot

local NOTATION <const> = "4 - 3 tanh - 2"
local N <const>, BATCH <const>, EPOCHS <const> = 22, 4, 3 -- 6 steps an epoch, the last of 2
local STEPS <const> = 18

local function set()
    return data.set {x = tensor.randn(N, 4, {seed = 1}), y = tensor.rand(N, 2, {seed = 2})}
end

-- With on_batch in all, which takes another way through the sums of a step.
local function options(more)
    local o = {epochs = EPOCHS, batch = BATCH, lr = 0.5, seed = 5, progress = false,
        on_batch = function() end}
    for k, v in pairs(more or {}) do o[k] = v end
    return o
end

local function begin(more, notation)
    local net = nn.net(notation or NOTATION, {seed = 1})
    return net:trainer(set(), options(more)), net
end

-- What `read` gives behind every step of a plain run, and the network after it.
local function plain(read, more)
    local net, out = nn.net(NOTATION, {seed = 1}), {}
    local o = options(more)
    o.on_batch = function(info) out[#out + 1] = read(net, info) end
    net:train(set(), o)
    return out, net
end

local function shown(t)
    return tostring(t)
end

-- ---- Watching ----

test("a view and a function are read behind every step", function()
    local t, net = begin()
    local w = t:watch(net[1].w[{2, {3, 3}}])
    local sizes = t:watch(function(given)
        assert(given == t)
        return net[2].w:norm()
    end, "size")
    t:run()
    local first, size = plain(function(n) return n[1].w:totable()[2][3] end),
        plain(function(n) return n[2].w:norm():item() end)
    eq({#w.steps, w.steps[1], #sizes.steps}, {STEPS + 1, 0, STEPS + 1})
    for i = 1, STEPS do
        eq({w.steps[i + 1], w.values[i + 1], sizes.values[i + 1]}, {i, {first[i]}, {size[i]}})
    end
    assert(shown(t):find("layer 1: w%[2%]%[3%]  " .. ("%.6g"):format(first[STEPS]):gsub("%p", "%%%0")))
    assert(shown(t):find("\n  size  ", 1, true))
end)

test("watching changes nothing of what is learned", function()
    local t, net = begin {on_batch = false or nil}
    t:watch(net[1].w)
    t:watch(function() return net(tensor.ones(4)):sum() end)
    t:stop_when("cost < 0")
    t:stop_when("dead")
    t:run()
    local _, wanted = plain(function() end)
    eq(net:params(), wanted:params())
end)

test("going back and ahead again leaves one number for each step", function()
    local t, net = begin()
    local w = t:watch(net[1].b)
    t:run()
    local all = table.move(w.values, 1, STEPS + 1, 1, {})
    t:back(7)
    eq(w.steps[#w.steps], STEPS)
    t:step(3)
    eq(w.steps, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14})
    t:step(4)
    eq(w.values, all)
end)

test("of long runs every second, fourth … step is kept", function()
    local net = nn.net("1 - 1", {seed = 1})
    local t = net:trainer(data.set {x = {{1}, {0}}, y = {{0}, {1}}},
        {batch = 1, epochs = 3000, progress = false})
    local w = t:watch(function() return t.step_number end)
    t:step(4095)
    eq({#w.steps, w.steps[1], w.steps[4096]}, {4096, 0, 4095})
    t:step()
    eq({#w.steps, w.steps[2], w.steps[2049]}, {2049, 2, 4096})
    t:step(2)
    eq({#w.steps, w.steps[2050]}, {2050, 4098})
    for i, step in ipairs(w.steps) do eq({step, w.values[i][1]}, {2 * i - 2, 2 * i - 2}) end
end)

test("of many numbers the root of their mean square", function()
    local t, net = begin()
    local w = t:watch(net[1].w)
    t:step()
    spec.near(w.values[2], {net[1].w:norm():item() / math.sqrt(12)})
    local few = t:watch(net[2].b)
    eq({few.steps, few.values}, {{1}, {net[2].b:totable()}})
end)

test("a watch is taken away by what it watches, its name or itself", function()
    local t, net = begin()
    local f = function() return 1 end
    local w = t:watch(net[1].b)
    t:watch(f)
    t:watch(net[2].w[{1, {2, 2}}])
    t:watch(function() return 2 end, "one")
    t:watch(f, "again")
    eq(#t:watch(), 5)
    t:watch(f, false)
    t:watch(net[2].w[{1, {2, 2}}], false)
    eq(#t:watch(), 2)
    t:watch("one", false)
    eq(tostring(t:watch(w, false)), "nothing is watched")
    eq(tostring(t:watch()), "nothing is watched")
    t:watch(f)
    t:watch(net[1].b)
    t:watch(false)
    eq(#t:watch(), 0)
    fails(function() t:watch(f, false) end, "no such one: nothing is watched", true)
    t:watch(f, "mine")
    fails(function() t:watch("yours", false) end, "no such one; there are 'mine'", true)
end)

test("a watch is called by what it sees, and says where its number is a mean", function()
    local t, net = begin()
    for _, case in ipairs {
        {net[1].w, "layer 1: w  rms "}, {net[1].b, "layer 1: b  "},
        {net[1].w[2], "layer 1: w[2]  "},
        {net[1].w[{2, {3, 3}}], "layer 1: w[2][3]  "},
        {net[1].w[{{1, 2}, {2, 3}}], "layer 1: w[1…2][2…3]  "},
        {net[2].w[{{}, {1, 1}}], "layer 2: w[1…2][1]  "},
        {net[1].w:t(), "layer 1: w[1][1] and 11 more  rms "},
        {net:params(), "all parameters  rms "},
    } do
        local text = tostring(t:watch(case[1]))
        eq(text:sub(1, #case[2]), case[2])
    end
end)

test("names of watches are short, and letters that a terminal obeys are spelled out", function()
    local t, net = begin()
    fails(function() t:watch(net[1].b, ("x"):rep(61)) end, "at most 60 letters", true)
    local w = t:watch(function() return 0 / 0 end, "a\n\27[31mb")
    eq({tostring(w), tostring(t:watch())}, {"a\\n\\027[31mb  nan", "a\\n\\027[31mb  nan"})
    t:watch("a\n\27[31mb", false)
    eq(#t:watch(), 0)
end)

test("printing a run asks no function again", function()
    local t = begin()
    local asked = 0
    t:watch(function()
        asked = asked + 1
        return asked
    end, "asked")
    t:step(3)
    eq(asked, 4)
    for _ = 1, 2 do assert(shown(t):find("asked  4", 1, true)) end
    t:back(2)
    assert(shown(t):find("asked  2", 1, true))
    eq(asked, 4)
end)

test("conditions may be taken away by what is asked; what a function says is cut", function()
    local t = begin()
    t:stop_when(function() t:stop_when(false) end)
    t:stop_when(function() return "\27[31mred\n" .. ("x"):rep(1000) end)
    t:step()
    local text = tostring(t.stopped)
    assert(#text < 300 and text:find("\\027[31mred\\n", 1, true), text)
    eq(#t:stop_when(), 0)
    fails(function() t:stop_when("cost", false) end, "no such one: nothing stops it", true)
end)

test("what the network no longer holds is dropped, and said", function()
    for _, change in ipairs {
        function(net) net:replace(1, nn.dense {3, "tanh"}) end,
        function(net) net:to "f64" end,
        function(net) nn.net {4, net, nn.dense {1}} end,
    } do
        local t, net = begin()
        t:watch(net[1].w[{2, {3, 3}}])
        t:watch(function() return 7 end, "seven")
        t:step()
        change(net)
        local text = shown(t)
        assert(text:find("layer 1: w[2][3] is watched no more", 1, true), text)
        assert(text:find("seven  7", 1, true), text)
        eq(#t:watch(), 1)
    end
end)

test("what cannot be watched is refused", function()
    local t, net = begin()
    fails(function() t:watch(net:params()[3]) end, "a number does not change; watch a view", true)
    fails(function() t:watch(tensor.ones(3)) end, "none of the network's parameters", true)
    fails(function() t:watch("cost") end, "takes a view such as", true)
    fails(function() t:watch(net[1]) end, "not a layer", true)
    fails(function() t:watch(function() return "x" end) end, "must give a number or a tensor, not 'x'",
        true)
    fails(function() t:watch(function() return tensor.ones(0) end) end, "must give a number", true)
    fails(function() t:watch(function() error "boo" end) end, "boo", true)
    fails(function() t:watch(net[3]) end, "nil is nothing that could be asked for", true)
    fails(function() t:watch(net[1].w, 3) end, "name must be a string", true)
    fails(function() t:watch(net[1].w, "w", 3) end, "too many", true)
    eq(#t:watch(), 0)
end)

test("an error in a watched function stops the run behind a whole step", function()
    local t, net = begin()
    t:watch(function() return t.step_number == 8 and error "boo" or 1 end)
    fails(function() t:run() end, "boo", true)
    eq(t.step_number, 8)
    t:watch(false)
    t:run()
    local _, wanted = plain(function() end)
    eq(net:params(), wanted:params())
end)

test("a watched function may take watches away, but not go on with the run", function()
    local t = begin()
    t:watch(function() return 1 end, "first")
    t:watch(function()
        if t.step_number == 3 then t:watch(false) end
        return 2
    end)
    t:watch(function() return 3 end, "last")
    t:step(4)
    eq({t.step_number, #t:watch()}, {4, 0})
    t:stop_when(function() return t.step_number == 6 and pcall(t.step, t) end)
    t:run_until "step >= 8"
    eq({t.step_number, t.stopped.what}, {8, "step >= 8"})
end)

test("plot(t) draws the cost and what is watched by step", function()
    local t, net = begin()
    fails(function() plot(t) end, "the run has not come far enough", true)
    t:epoch()
    assert(plot(t, {text = true}):find "step")
    t:watch(net[1].w[{2, {3, 3}}])
    t:watch(function() return 7 end, "seven")
    t:epoch()
    local text = plot(t, {text = true})
    for _, words in ipairs {"cost", "layer 1: w[2][3]", "seven", "step"} do
        assert(text:find(words, 1, true), text)
    end
    local panels = nabla._panels(t)
    eq(panels[1].series[1].x, {7, 8, 9, 10, 11, 12})
    local costs = plain(function(_, info) return info.cost end)
    eq(panels[1].series[1].y, table.move(costs, 7, 12, 1, {}))
end)

-- ---- Stopping ----

test("a run stops behind the first step where a function or an expression holds", function()
    local costs = plain(function(_, info) return info.cost end)
    local low = math.min(table.unpack(costs, 1, 10))
    local wanted = 1
    while costs[wanted] > low do wanted = wanted + 1 end
    local bound = ("cost <= %.17g"):format(low)
    local t = begin()
    t:stop_when(bound)
    t:run()
    eq({t.step_number, t.stopped.step, t.stopped.what}, {wanted, wanted, bound})
    eq({t.stopped.epoch, t.stopped.batch}, {(wanted - 1) // 6 + 1, (wanted - 1) % 6 + 1})
    assert(t.stopped.where:find(("cost %.4g"):format(low), 1, true))
    local u = begin()
    u:stop_when(function(given) return given.step_cost <= low and "low enough" end)
    u:run()
    eq({u.step_number, u.stopped.where}, {wanted, "low enough"})
    assert(shown(u):find("stopped after step " .. wanted .. ": a function: low enough", 1, true))
end)

test("numbers that an expression may name", function()
    local t, net = begin {valid = set(), test = set(), schedule = "step(every=1, factor=0.5)"}
    t:step(9)
    local _, sum = t:run_until("step == 10"), 0
    for _, p in ipairs(net:params():totable()) do sum = sum + p * p end
    for _, text in ipairs {"step == 11", "epoch == 2", "batch == 5", "lr == 0.25",
        ("abs(weights - %.9f) < 1"):format(math.sqrt(sum)), "gradient > 0 and gradient < huge",
        "mean_cost > 0", "valid_cost > 0 and valid_cost == test_cost", "not (cost > 1e9)"} do
        t:seek(10)
        t:run_until(text)
        eq({text, t.step_number}, {text, 11})
    end
end)

test("a step before the file that a run goes on from has no cost", function()
    local t, path = begin(), os.tmpname()
    t:step(8)
    t:save(path)
    local u = begin {resume = path}
    assert(u.step_number == 8 and u.step_cost ~= u.step_cost)
    u:stop_when "cost >= 0"
    u:run()
    eq(u.step_number, 9)
    t:step()
    eq(u.step_cost, t.step_cost)
    os.remove(path)
end)

test("the gradient is that of a hundred examples, here of all", function()
    local t, net = begin()
    t:step()
    t:stop_when("gradient > 0")
    t:step()
    local nabla_w, nabla_b = net:backprop(set())
    local sum = 0
    for _, list in ipairs {nabla_w, nabla_b} do
        for l = 1, 2 do sum = sum + list[l]:norm():item() ^ 2 end
    end
    eq(t.stopped.where, ("gradient %.4g"):format(math.sqrt(sum)))
end)

test("words look at x and y that were given by themselves", function()
    local net = nn.net("4 - 3 relu - 2", {seed = 1})
    local t = net:trainer(set().x, set().y, options())
    t:stop_when "gradient > 1e9"
    t:stop_when "dead"
    t:step(2)
    net[1].b[2] = -1e6
    t:run()
    eq({t.step_number, t.stopped.what, t.stopped.neuron}, {3, "dead", 2})
end)

test("several conditions: the first that holds stops, and each can be taken away", function()
    local t = begin()
    local c = t:stop_when("step >= 3")
    local f = function() return t.step_number >= 5 end
    t:stop_when(f)
    t:stop_when("step >= 7")
    t:run()
    eq({t.step_number, t.stopped.what}, {3, "step >= 3"})
    t:run()
    eq(t.step_number, 4)
    t:stop_when(c, false)
    t:run()
    eq(t.step_number, 5)
    t:stop_when(f, false)
    t:run()
    eq(t.step_number, 7)
    eq(#t:stop_when(), 1)
    t:stop_when("step >= 7", false)
    eq(tostring(t:stop_when()), "nothing stops it")
    t:run()
    eq({t.step_number, t.stopped}, {STEPS})
end)

test("nan: the step is not made, and where it began is said", function()
    local t, net = begin()
    t:step(4)
    local was = net[1].w:totable()[2][3]
    t:stop_when("nan")
    net[1].w[2][3] = 0 / 0
    t:run()
    eq({t.step_number, t.stopped.what}, {4, "nan"})
    assert(t.stopped.where:find("w[2][3] is nan", 1, true), t.stopped.where)
    net[1].w[2][3] = was
    t:run()
    local _, wanted = plain(function() end)
    eq({t.step_number, t.stopped, net:params()}, {STEPS, nil, wanted:params()})
    t:seek(7)
    t:stop_when(false)
    net[1].w[2][3] = 0 / 0
    fails(function() t:run() end, "w[2][3] is nan", true)
end)

test("dead and saturated name the neuron, and a run can go on past it", function()
    local t, net = begin(nil, "4 - 3 relu - 2")
    t:stop_when("dead")
    t:step(2)
    eq(t.stopped, nil)
    net[1].b[2] = -1e6
    t:run()
    eq({t.step_number, t.stopped.what, t.stopped.layer, t.stopped.neuron}, {3, "dead", "1", 2})
    assert(t.stopped.where:find("layer 1, neuron 2: its slope is 0 in all 22", 1, true))
    net[1].b[3] = -1e6
    t:step(2)
    eq(t.step_number, 4)
    assert(t.stopped.where:find("layer 1, neuron 3", 1, true), t.stopped.where)
    t:run()
    eq(t.step_number, STEPS)
    local u, other = begin()
    u:stop_when("saturated")
    u:step(2)
    eq(u.stopped, nil)
    other[1].b[1] = 6 -- tanh′ of 6 ± 1 is below 4e-4
    other[1].w[1] = 0.1
    u:step()
    assert(u.stopped.where:find("layer 1, neuron 1: its slope is below 0.01", 1, true))
end)

test("conditions that make no sense are refused with the nearest word", function()
    local t = begin()
    local function refused(what, words)
        fails(function() t:stop_when(what) end, words, true)
        fails(function() t:run_until(what) end, words, true)
    end
    refused("satturated", "did you mean 'saturated'?")
    refused("cots > 2", "did you mean 'cost'?")
    refused("cost = 2", "== compares")
    refused("cost >", "is no expression")
    refused("cost", "is a number, neither true nor false; compare it")
    refused("cost + 1", "neither true nor false")
    refused("os.exit()", "has no number 'os'")
    refused("(function() end)()", "has no number 'function'")
    refused("1 < 2 < 3", "write 1 < cost and cost < 2")
    refused("", "not an empty string")
    refused("cost > nil", "has nil, and all that is named is a number")
    refused("abs > 2", "abs is a function in 'abs > 2': abs(x)")
    refused("cost > \0x", "'cost > \\000x' has no number 'x'")
    refused(3, "a function, one of the words \"nan\", \"saturated\", \"dead\"")
    refused(("1 + "):rep(60) .. "cost > 1", "at most 200")
    eq(#t:stop_when(), 0)
    fails(function() t:run_until() end, "say a condition", true)
    local u
    u = begin {on_batch = function() u:run_until "step > 3" end}
    fails(function() u:step() end, "trainer:run_until: this network is learning", true)
    eq(t.step_number, 0)
end)

test("an error in a condition stops the run behind a whole step", function()
    local t, net = begin()
    t:stop_when(function() return t.step_number == 8 and error "boo" end)
    fails(function() t:run() end, "boo", true)
    eq(t.step_number, 8)
    t:stop_when(false)
    t:run()
    local _, wanted = plain(function() end)
    eq(net:params(), wanted:params())
end)

test("run_until stops in what was recorded already, and makes one step at least", function()
    local t = begin()
    t:run()
    t:seek(3)
    eq(t:run_until("step >= 5"), t)
    eq(t.step_number, 5)
    t:run_until("step >= 5")
    eq(t.step_number, 6)
    t:step(3)
    eq({t.step_number, t.stopped}, {9})
    t:run()
    eq(t.step_number, STEPS)
end)

-- ---- What changes the network ----

local CHANGES <const> = {
    function(t) t.net[1].w:mul_(0.5) end,
    function(t) t.net[1].activation = "relu" end,
    function(t) t.lr = 0.5 end,
}

local function of_three(o)
    local x, y = tensor.randn(20, 3, {seed = 1}), tensor.randn(20, 2, {seed = 2})
    local all = {epochs = 3, batch = 5, seed = 1, progress = false}
    for k, v in pairs(o or {}) do all[k] = v end
    return nn.net("3 - 4 tanh - 2 linear : mse", {seed = 1}):trainer(data.set {x = x, y = y}, all)
end

test("what is watched or asked behind a step may change nothing: it is said, and undone", function()
    local plain = of_three()
    plain:step(4)
    for _, change in ipairs(CHANGES) do
        for _, method in ipairs {"watch", "stop_when"} do
            local t = of_three()
            t:step(2)
            t[method](t, function()
                if t.step_number == 4 then change(t) end
                return false
            end)
            fails(function() t:step(5) end, "behind a step may change nothing", true)
            eq(t.step_number, 4)
            eq(t.record.edits, 0)
            assert(t.net:params():equal(plain.net:params()))
            eq(t.net[1].activation, "tanh")
            eq(t.lr, plain.lr)
            t:back(2)
            fails(function() t:step(2) end, "behind a step may change nothing", true)
            eq(t.record.last, 4)
            t[method](t, false)
            local u = of_three()
            eq(#t:run().cost, 3)
            u:run()
            assert(t.net:params():equal(u.net:params()))
        end
    end
end)

spec.report()
