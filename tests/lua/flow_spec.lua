-- What flows through the layers over a run: train{flow = true} keeps it in the history.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec, plotted = require "spec", require "plotted"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor, nn, data, plot = nabla.tensor, nabla.nn, nabla.data, nabla.plot

local moons = data.moons(60)

local function set_values(layer, values)
    nn.no_grad(function()
        for name, value in pairs(values) do layer[name]:copy_(tensor(value)) end
    end)
end

-- A rate that changes no parameter.
local STILL <const> = {epochs = 2, lr = 1e-300, flow = true, progress = false, seed = 1}

test("one neuron by hand", function()
    local net = nn.net("1 - 1", {seed = 1, dtype = "f64"})
    local one = data.set {x = {{1}}, y = {{1}}}
    -- w = b = 0: a = 1/2, δ = (a - y) a (1 - a) = -1/8, and so are ∂C/∂w and ∂C/∂b.
    set_values(net[1], {w = {{0}}, b = {0}})
    local flow = net:train(one, STILL).flow
    eq(#flow, 1)
    near(flow[1].delta, {1 / 8, 1 / 8}, 1e-15)
    near(flow[1].gradient, {math.sqrt(2) / 8, math.sqrt(2) / 8}, 1e-15)
    eq(flow[1].saturated, {0, 0})
    eq(flow[1].title, "dense 1 sigmoid")
    -- Of 101 examples the last alone counts, y = 0 and x = 2: δ = 1/8, ∂C/∂w twice that.
    local x, y, weights = {}, {}, {}
    for i = 1, 101 do x[i], y[i], weights[i] = {1}, {1}, 0 end
    x[101], y[101], weights[101] = {2}, {0}, 1
    local weighed = {epochs = 2, lr = 1e-300, flow = true, progress = false, seed = 1, batch = 101,
                     weights = weights}
    flow = net:train(data.set {x = x, y = y}, weighed).flow
    near(flow[1].delta, {1 / 8, 1 / 8}, 1e-15)
    near(flow[1].gradient, {math.sqrt(5) / 8, math.sqrt(5) / 8}, 1e-15)
    -- w = 100: its slope is nothing.
    set_values(net[1], {w = {{100}}})
    eq(net:train(one, STILL).flow[1].saturated, {1, 1})
    -- a (1 - a) is 0.01 where z is 4.5848: below it is awake, above it saturated.
    set_values(net[1], {w = {{4.584}}})
    eq(net:train(one, STILL).flow[1].saturated, {0, 0})
    set_values(net[1], {w = {{4.586}}})
    eq(net:train(one, STILL).flow[1].saturated, {1, 1})
end)

test("it is that of a trace of a hundred examples, evenly chosen", function()
    local digits = data.digits().train
    local net = nn.net("64 - 20 relu - dropout 0.5 - batch_norm - residual[20 tanh] - 10",
        {seed = 1, dtype = "f64"})
    local h = net:train(digits, {epochs = 2, lr = 0.5, flow = true, progress = false, seed = 1})
    local rows, y = {}, {}
    for i = 0, 99 do
        local at = i * #digits // 100 + 1
        rows[i + 1], y[i + 1] = at, at
    end
    local t = net:trace(digits.x:index_select(1, tensor(rows, {dtype = "i32"})),
        digits.y:index_select(1, tensor(y, {dtype = "i32"})))
    local function check(flow, part)
        near(flow.delta[2], part.delta:norm():item(), 1e-12)
        if rawget(part, "dw") then
            near(flow.gradient[2]^2, part.dw:norm():item()^2 + part.db:norm():item()^2, 1e-12)
        end
        if rawget(part, "slope") then
            near(flow.saturated[2],
                part.slope:abs():lt(0.01):to("f64"):mean():item(), 1e-12)
        else
            eq(flow.saturated, nil)
        end
        for k = 1, #flow do check(flow[k], part[k]) end
    end
    eq(#h.flow, #net)
    for l = 1, #net do check(h.flow[l], t[l]) end
    eq(#h.flow[4], 1)
    eq(h.flow[2].gradient, nil)
    eq(h.flow[1].saturated[2] > 0, true)
end)

test("padding is not saturated", function()
    -- tanh of 10 is saturated, of padding, 0, it is not: one of one step, two of two.
    local net = nn.net("*x1 - 1 tanh", {seed = 1, dtype = "f64"})
    set_values(net[1], {w = {{1}}, b = {0}})
    local long = tensor({{10}, {0.1}}, {dtype = "f64"})
    local set = data.set {x = {long:narrow(1, 1, 1), long}, y = {long:narrow(1, 1, 1), long}}
    near(net:train(set, STILL).flow[1].saturated, {2 / 3, 2 / 3}, 1e-15)
    -- z = 0 of padding is awake, and b = 10 saturates padding too.
    set_values(net[1], {b = {10}})
    near(net:train(set, STILL).flow[1].saturated, {1, 1}, 1e-15)
end)

test("training is the same with it and without", function()
    local function trained(flow)
        local net = nn.net("2 - 8 relu - dropout 0.2 - batch_norm - 2", {seed = 3})
        net:train(moons, {epochs = 3, lr = 1, optimizer = "adam", flow = flow, seed = 1,
            progress = false})
        return net:params():totable()
    end
    eq(trained(true), trained(false))
    eq(nn.net("2 - 2", {seed = 1}):train(moons, {epochs = 1, progress = false}).flow, nil)
end)

local UNTOLD <const> = {} -- an option that is not written

test("a run that goes on has it of all epochs, and NaN of those without", function()
    local path = os.tmpname()
    local function run(epochs, options)
        local net = nn.net("2 - 4 - 2", {seed = 3})
        local all = {epochs = epochs, lr = 1, flow = true, seed = 1, progress = false}
        for name, value in pairs(options) do
            if value == UNTOLD then value = nil end
            all[name] = value
        end
        return net:train(moons, all)
    end
    local whole = run(4, {}).flow
    run(2, {checkpoint = path})
    local resumed = run(4, {resume = path}).flow
    for l = 1, 2 do
        for _, name in ipairs {"delta", "gradient", "saturated"} do
            eq(#whole[l][name], 4)
            eq(resumed[l][name], whole[l][name])
        end
    end
    run(2, {checkpoint = path, flow = false})
    local late = run(4, {resume = path}).flow
    eq(#late[1].delta, 4)
    eq(late[1].delta[2] ~= late[1].delta[2], true)
    eq(late[1].delta[3], whole[1].delta[3])
    local words = ("%.4g to %.4g"):format(whole[1].delta[3], whole[1].delta[4])
    eq(tostring(late):find(words, 1, true) ~= nil, true)
    -- A run that kept it goes on with it; who asks for none has none.
    run(2, {checkpoint = path})
    local kept = run(4, {resume = path, flow = UNTOLD}).flow
    eq(kept[2].gradient, whole[2].gradient)
    eq(run(4, {resume = path, flow = false}).flow, nil)
    run(2, {checkpoint = path, flow = false})
    eq(run(4, {resume = path, flow = UNTOLD}).flow, nil)
    os.remove(path)
end)

test("its columns stand in the history's file", function()
    local path = os.tmpname()
    local net = nn.net("2 - residual[2] - 2", {seed = 1})
    local h = net:train(moons, {epochs = 2, flow = true, seed = 1, progress = false})
    h:save(path)
    local set = data.csv(path)
    os.remove(path)
    local column = {}
    for i, name in ipairs(set.columns) do column[name] = i end
    near(set.x[{2, column["delta[1.1]"]}], h.flow[1][1].delta[2], 1e-6)
    near(set.x[{1, column["gradient[2]"]}], h.flow[2].gradient[1], 1e-6)
    eq(column["saturated[1]"], nil)
    eq(column["saturated[1.1]"] ~= nil, true)
end)

test("it tells itself, first and last", function()
    local net = nn.net("1 - 1", {seed = 1, dtype = "f64"})
    set_values(net[1], {w = {{0}}, b = {0}})
    local h = net:train(data.set {x = {{1}}, y = {{1}}}, STILL)
    eq(tostring(h.flow), "   layer            size of δ       of the gradient   saturated\n" ..
        "1  dense 1 sigmoid  0.125 to 0.125  0.1768 to 0.1768  0 % to 0 %")
    eq(net.history.flow[1].delta, h.flow[1].delta)
end)

test("it is drawn by layer, δ and gradient on logarithmic axes", function()
    local h = nn.net("2 - 3 - 2", {seed = 1}):train(moons,
        {epochs = 3, flow = true, seed = 1, progress = false})
    local text = plotted.drawn(plotted.ASCII, plot, h.flow, {text = true, width = 40})
    for _, part in ipairs {"size of", "gradient", "saturated in %", "* 1   + 2", "epoch"} do
        eq(text:find(part, 1, true) ~= nil, true)
    end
    eq(plotted.widest(text) <= 40, true)
    -- With the costs, in the marks that these leave.
    text = plotted.drawn(plotted.ASCII, plot, h, {text = true})
    eq(text:find("+ 1   x 2", 1, true) ~= nil, true)
end)

test("what it is not is said", function()
    fails(function()
        nn.net("2 - 2"):train(moons, {flow = 1, progress = false})
    end, "flow must be true or false", true)
end)

spec.report()
