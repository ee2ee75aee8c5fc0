-- NABLA_FUSE=0: dense layers one by one give every number and every message of dense layers as one
-- operation, whatever is asked of the network. One program runs both ways, and what it prints is
-- compared.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq = spec.test, spec.eq

local program = os.getenv "NABLA" or arg[-1]

-- What comes before every case: `show` prints all bits.
local HEAD <const> = [[
local function show(x)
    if type(x) == "number" then return print(("%a"):format(x)) end
    if type(x) ~= "userdata" then return print(x) end
    local list = {}
    for i, v in ipairs(x:flatten():totable()) do list[i] = ("%a"):format(v) end
    print(table.concat(list, " "))
end
nabla.seed(5)
local x, y = tensor.randn(30, 5), tensor.rand(30, 3)
local net = nn.net("5 - 6 tanh - 4 relu - 4 - 3", {seed = 2})
local set = data.set {x = x, y = y}
local function train(o)
    o = o or {}
    o.epochs, o.batch, o.progress = 2, o.batch or 7, false
    local h = net:train(set, o)
    for _, cost in ipairs(h.cost) do show(cost) end
    show(net:params())
end
]]

local function run(code, fuse)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(HEAD, code, "\nprint 'whole'")
    file:close()
    local pipe = io.popen(("NABLA_FUSE=%s %s %s 2>&1"):format(fuse, program, path))
    local text = pipe:read "a"
    pipe:close()
    os.remove(path)
    return (text:gsub(path:gsub("%p", "%%%0"), "FILE"))
end

local function alike(name, code)
    test(name, function()
        local one, other = run(code, "0"), run(code, "1")
        assert(one:find "whole\n$", one)
        eq(other, one)
    end)
end

alike("outputs, of one example and of many",
      "show(net(x)) show(net(x[3])) show(net(x:t():contiguous():t()))")
-- An example alone goes through one chain as it is, through other networks as a batch of one: as
-- the program itself sees, and as it prints either way.
alike("one example alone, as a batch of one", [[
    local notations = {"5 - 4 - 3", "5 - 3 relu", "5 - 4 tanh - 4 relu - 3 softmax : cross_entropy",
        "5 - 4 - 4 - 4 - 3", "5 - 4 bias=false - 3", "5 - 4 - 3 linear : mse",
        "5 - dropout 0.5 - 3", "5 - residual[5] - 3", "5 - reshape 1x5 - conv 2 2 - flatten - 3"}
    local function same(alone, batch)
        assert(#alone.shape == 1 and #alone == 3 and alone:equal(batch[1]))
        show(alone)
    end
    for _, dtype in ipairs {"f32", "f64"} do
        local every = tensor.randn(4, 10, {dtype = dtype, seed = 1})[{{}, {2, 10, 2}}]
        for _, notation in ipairs(notations) do
            local net = nn.net(notation, {dtype = dtype, seed = 2})
            for i = 1, 4 do same(net(every[i]), net(every[{{i, i}}])) end
            same(net(every[1]:clone()), net(every[{{1, 1}}]))
            net.scale = {offset = {1, 2, 3, 4, 5}, factor = {1, 2, 1, 2, 1}}
            same(net(every[2]), net(every[{{2, 2}}]))
            net.scale, net[1].frozen = nil, true
            same(net(every[3]), net(every[{{3, 3}}]))
        end
        print(pcall(nn.net("5 - 3", {dtype = dtype}), tensor.zeros(4, {dtype = dtype})))
    end
    print(nn.net("5 - 3")(tensor.ones(5, {dtype = "i32"})).dtype)]])
alike("gradients and a trace", [[
    local w, b = net:backprop(x, y)
    for l = 1, #net do show(w[l]) show(b[l]) end
    show(net:cost(x, y))
    local t = net:trace(x, y)
    for l = 1, #net do show(t[l].z) show(t[l].delta) show(t[l].dw) end]])
alike("graphs by hand that wait", [[
    local a, b = net:record(x), net:record(x * 2)
    a:sum():backward() show(net:grads())
    b:sum():backward() show(net:grads())
    show(a)]])
alike("training straight into the weights", "train()")
alike("training with a callback", "train {on_batch = function() end}")
alike("momentum and penalties", "train {momentum = 0.9, l2 = 0.1}")
alike("adam", "train {optimizer = nn.adam {lr = 0.01}}")
alike("weights of examples", "train {weights = tensor.rand(30)}")
alike("what is frozen, scaled and masked", [[
    net[1].frozen = true train()
    net[1].frozen = false
    net[2].factor = 0.5 train()
    net[3]:neuron(2).frozen = true train()]])
alike("other activations, also of one neuron", [[
    net[2].activation = "gelu" train()
    net[3]:neuron(1).activation = "tanh" train()]])
alike("functions of Lua on the way", [[
    net[3].activation = function(z) return z:tanh() end
    train()]])
alike("layers replaced, cut and appended", [[
    train() net:replace(2, nn.dense {4, "softplus"}) train() net:append(nn.dense {3}) train()]])
alike("another dtype",
      [[net:to "f64" show(net(x)) set = data.set {x = x:to "f64", y = y:to "f64"} train()]])
alike("a run under glass, forth and back", [[
    local t = net:trainer(set, {epochs = 2, batch = 7, progress = false})
    t:watch(net[1].w)
    for i = 1, 6 do t:step() end
    t:back(3) show(net:params()) t:step() show(net:params())
    t:step "layer" t:step() show(net:params())]])
alike("sequences of different lengths", [[
    local one = nn.net("*x3 - 4 tanh - 4 relu - 2", {seed = 1})
    local list, targets = {}, {}
    for i = 1, 6 do list[i] = tensor.randn(i, 3) targets[i] = tensor.rand(i, 2) end
    one:train(data.set {x = list, y = targets}, {epochs = 2, batch = 2, progress = false})
    show(one:params())]])
alike("where a NaN began", [[
    for _, where in ipairs {1, 2, 3, 4} do
        local bad = net:clone()
        bad[where].w[1][1] = 0 / 0
        print(pcall(bad.train, bad, set, {epochs = 1, progress = false}))
        print(bad:cost(x, y))
    end]])
alike("what was changed in place since", [[
    local a = net:record(x)
    nn.no_grad(function() net[2].w:add_(1) end)
    print(pcall(a.sum(a).backward, a:sum()))]])

spec.report()
