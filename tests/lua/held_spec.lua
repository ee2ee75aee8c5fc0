-- Inside a step that is half done nothing of its network, set or run is changed, and all that only
-- looks works.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local nn, tensor, data = nabla.nn, nabla.tensor, nabla.data

local stops = require "stops"
local HALF <const> = stops.HALF
local numbers, run_of, made = stops.numbers, stops.run_of, stops.made
local through, same_state = stops.through, stops.same_state

-- Everything that changes something of the network nn.net("4 - 6 tanh name=h - batch_norm -
-- residual[6] - 2"); each must be refused, and no number moved.
local CHANGES <const> = {
    function(net) net[1].w[{1, 1}] = 3 end,
    function(net) net[1].w = tensor.zeros(6, 4) end,
    function(net) net[1].b = tensor.zeros(6) end,
    function(net) net[1].w:zero_() end,
    function(net) net[1].w:add_(1) end,
    function(net) net[1].w:normal_() end,
    function(net) net[1].w:uniform_(0, 1) end,
    function(net) net[1].w:t():mul_(2) end,
    function(net) net[1].w[1][2] = 5 end,
    function(net) net:params():mul_(2) end,
    function(net) net:params()[1] = 2 end,
    function(net) nn.no_grad(function() net[1].w:sub_(1) end) end,
    function(net) net[2].mean[1] = 3 end,
    function(net) net[2].mean = tensor.zeros(6) end,
    function(net) net[2].variance:fill_(1) end,
    function(net) net[2].gain:fill_(2) end,
    function(net) net[3][1].w:fill_(2) end,
    function(net) net[3][1].frozen = true end,
    function(net) net[1].activation = "relu" end,
    function(net) net[1].name = "other" end,
    function(net) net[1].frozen = true end,
    function(net) net[1].factor = 2 end,
    function(net) net[1].decay = true end,
    function(net) net[1].mask = {w = tensor.ones(6, 4)} end,
    function(net) net[1].mask = nil end,
    function(net) net[4].mask.w[{1, 1}] = 0 end,
    function(net) net[1]:neuron(2).activation = "relu" end,
    function(net) net[1]:neuron(2).w = tensor.zeros(4) end,
    function(net) net[1]:neuron(2).w[1] = 0 end,
    function(net) net[1]:neuron(2).b = 0 end,
    function(net) net[1]:neuron(2).frozen = true end,
    function(net) net[1]:neuron(2).factor = 0 end,
    function(net) net[1]:neuron(2).name = "edge" end,
    function(net) net:find {layer = 1}.frozen = true end,
    function(net) net:find {layer = 1}.activation = "relu" end,
    function(net) net.frozen = true end,
    function(net) net.factor = 2 end,
    function(net) net.decay = true end,
    function(net) net.scale = {offset = {1, 1, 1, 1}, factor = {1, 1, 1, 1}} end,
    function(net) net.scale = nil end,
    function(net) net:freeze(1) end,
    function(net) net:freeze() end,
    function(net) net:thaw() end,
    function(net) net:reset() end,
    function(net) net:reset(1) end,
    function(net) net:to "f64" end,
    function(net) net:to "f32" end,
    function(net) net:append(3) end,
    function(net) net:replace(1, "6 relu") end,
    function(net) net:cut(2) end,
    function(net) net:train({{1, 2, 3, 4}}, {{0, 1}}, {progress = false}) end,
    function(net) net:step({1, 2, 3, 4}, {0, 1}, {lr = 1}) end,
    function(net) nn.net {4, net, 2} end,
    function(net) nn.net {4, nn.residual {net}, 2} end,
    function(_, t) t.lr = 2 end,
    function(_, t) t.optimizer.lr = 2 end,
    function(_, t) t.optimizer.momentum = 0.5 end,
    function(_, t)
        local o = {optimizer = t.optimizer, progress = false}
        made("4 - 2"):train({{1, 2, 3, 4}}, {{0, 1}}, o)
    end,
    function(_, _, s) s.x:zero_() end,
    function(_, _, s) s[0].a[1][1] = 4 end,
}

-- What another trainer of the network is refused.
local OTHERS <const> = {
    function(u) u:step() end,
    function(u) u:epoch() end,
    function(u) u:run() end,
    function(u) u:back(1) end,
    function(u) u:seek(0) end,
    function(u) u:step "layer" end,
    function(u) run_of(u.net) end,
}

local function held()
    local net = made "4 - 6 tanh name=h - batch_norm - residual[6] - 2"
    net[4].mask = {w = tensor.ones(2, 6)}
    local u = run_of(net)
    u:step()
    u:back(1)
    return net, u
end

test("inside a step all that would change something is refused, and changes nothing", function()
    for i, change in ipairs(CHANGES) do
        local net = held()
        local t = run_of(net, {momentum = 0.1})
        t:step(1)
        local notation, values, mean = tostring(net), net:params():clone(), net[2].mean:clone()
        local s = t:step "layer"
        local fine, message = pcall(change, net, t, s)
        assert(not fine, ("change %d was not refused"):format(i))
        message = tostring(message)
        assert(message:find("layer 1 of step 2 " .. HALF, 1, true),
            ("change %d: %s"):format(i, message))
        eq(tostring(net), notation)
        assert(net:params():equal(values) and net[2].mean:equal(mean), i)
        local plain = held()
        local v = run_of(plain, {momentum = 0.1})
        v:step(2)
        t:step()
        assert(net:params():equal(v.net:params()), ("change %d moved the step"):format(i))
    end
end)

test("another trainer is told that the step is not its own", function()
    local net, u = held()
    local t = run_of(net)
    t:step "layer"
    for _, go in ipairs(OTHERS) do
        fails(function() go(u) end, "layer 1 of step 1 is half done: the step of another " ..
            "trainer on this network, whose step() ends it first", true)
    end
    t:step()
    fails(function() u:step() end, "learned elsewhere", true)
    u:step()
end)

test("the set's numbers and weights stay inside a step, also those of other batches", function()
    local x, y = numbers(12, 4, 2)
    local c = tensor.ones(12):to "f64"
    local o = {seed = 3, batch = 5, shuffle = false, weights = c, progress = false}
    local t = made("4 - 3 - 2"):trainer(data.set {x = x, y = y}, o)
    t:step "layer"
    for _, change in ipairs {function() x:mul_(2) end, function() y[12][1] = 3 end,
        function() x[11]:zero_() end, function() c:zero_() end} do
        fails(change, "layer 1 of step 1 " .. HALF, true)
    end
    t:step()
    x:mul_(2)
    c:zero_()
end)

test("what two runs inside a step have in common stays until both are whole", function()
    local x, y = numbers(12, 4, 2)
    local set, runs = data.set {x = x, y = y}, {}
    for _, order in ipairs {{1, 2}, {2, 1}} do
        for k = 1, 2 do
            runs[k] = made("4 - 3 - 2"):trainer(set, {batch = 5, seed = 3, progress = false})
            runs[k]:step "layer"
        end
        runs[order[1]]:step()
        fails(function() x:mul_(2) end, "layer 1 of step 1 " .. HALF, true)
        runs[order[2]]:step()
        x:mul_(2)
    end
end)

test("when the step is whole they may be made again", function()
    for i, change in ipairs(CHANGES) do
        local net = held()
        local t = run_of(net)
        local s = t:step "layer"
        t:step()
        local fine, message = pcall(change, net, t, s)
        assert(fine or not tostring(message):find(HALF, 1, true), i)
    end
end)

test("of a network in another one all of it is held, from either side", function()
    local inner = made "4 - 3 - 4"
    local outer = nn.net {4, inner, 2, seed = 1}
    local x, y = numbers(23, 4, 4)
    local t = inner:trainer(x, y, {seed = 1, batch = 5})
    t:step "layer"
    for _, change in ipairs {function() outer[2].w:zero_() end, function() outer:reset() end,
        function() outer[2].frozen = true end, function() outer:to "f64" end,
        function() inner[1].w:zero_() end, function() inner:freeze() end} do
        fails(change, HALF, true)
    end
    t:step()
    outer:reset()
    local v = run_of(outer)
    v:step "layer"
    fails(function() inner:reset() end, "layer 1.1 of step 1 " .. HALF, true)
    fails(function() inner[1].frozen = true end, HALF, true)
    fails(function() t:step() end, "is half done: the step of another trainer", true)
end)

test("everything that only looks works inside a step, with the same answers", function()
    local function looks(net)
        local x, y = numbers(6, 4, 2)
        local set = data.set {x = x, y = y}
        return {net(x):sum():item(), net:cost(x, y), net:trace(x, y).cost,
            net:why(1, 1, set).size, net:demon(1, 1, 0.01, x[1], y[1]).measured,
            tostring(net:gradcheck(x, y)):match "^BP1 ok", net:evaluate(set).cost,
            #net:classify(x), net:clone():params():sum():item(), net:notation(), net:count(),
            select(1, net:numeric_gradient(x, y))[1]:sum():item(),
            net:backprop(x, y)[1]:sum():item(), net:find {layer = 1}[1].activation,
            net:curvature(x, y, {top = 1}).values[1] ~= nil}
    end
    local t = run_of(made "4 - 3 tanh - 2")
    local wanted = looks(t.net)
    for _ = 1, 4 do
        t:step "layer"
        near(looks(t.net), wanted, 0)
    end
    local u = run_of(made "4 - 3 tanh - 2")
    t:step()
    u:step()
    same_state(t, u)
end)

test("callbacks behind the step may change the network: it is whole by then", function()
    local function change(info) info.net[1]:neuron(1).factor = 0.5 end
    local t = run_of(made "4 - 3 - 2", {on_batch = change})
    local u = run_of(made "4 - 3 - 2", {on_batch = change})
    for _ = 1, 3 do
        through(t)
        u:step()
        same_state(t, u)
    end
end)

test("a callback that fails behind the step leaves it made", function()
    local t = run_of(made "4 - 3 - 2", {on_batch = function() error("enough", 0) end})
    for _ = 1, 4 do t:step "layer" end
    fails(function() t:step "layer" end, "enough", true)
    eq(t.step_number, 1)
    t.net:freeze(1)
end)

test("what stops a run behind the step that was half done stops it there", function()
    for _, way in ipairs {"run", "epoch", "step3"} do
        local t = run_of(made "4 - 3 - 2", {on_batch = function(info) return info.batch < 3 end})
        t:step(2)
        t:step "layer"
        if way == "step3" then t:step(3) else t[way](t) end
        eq(t.step_number, 3)
        t:stop_when "step >= 4"
        t:step "layer"
        if way == "step3" then t:step(3) else t[way](t) end
        eq(t.step_number, 4)
    end
end)

test("sequences of different lengths, classes and scales go through the stops", function()
    local list, classes = {}, {}
    for i = 1, 8 do
        list[i] = tensor.randn(2 + i % 3, 3, {seed = i})
        classes[i] = i % 2 + 1
    end
    local set = data.set {x = list, y = classes, classes = {"low", "high"}}
    local function runs()
        return nn.net("*x3 - gru 4 last - 2 softmax : cross_entropy", {seed = 1}):trainer(set,
            {batch = 3, seed = 2, lr = 0.1})
    end
    local t, u = runs(), runs()
    for _ = 1, 4 do
        local s = through(t)
        assert(s[1].dwx and s[2].delta)
        u:step()
        same_state(t, u)
    end
    local iris = data.iris():standardize()
    local function scaled()
        return nn.net("4 - 5 - 3 softmax : cross_entropy", {seed = 1}):trainer(iris,
            {seed = 1, lr = 0.1})
    end
    local v, w = scaled(), scaled()
    local s = through(v)
    w:step()
    same_state(v, w)
    assert(not s.x:equal(s[0].a))
end)

spec.report()
