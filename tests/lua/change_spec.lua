-- What changes networks: append, replace and cut, freezing, and
-- functions that do so while they run.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local samples, saved, refused = spec.samples, spec.saved, spec.refused
local nabla = spec.nabla
local tensor, nn = nabla.tensor, nabla.nn

local F64 = {dtype = "f64"}

-- ---- Changes ----

test("append, replace and cut keep what fits", function()
    local net = nn.net("4 - 3 - 2", {seed = 1})
    local first, w = net[1], net[1].w:totable()
    assert(net:append(nn.residual {2}, "3 relu - 5", function(x) return x * 2 end) == net)
    eq(net:notation(), "4 - 3 sigmoid - 2 sigmoid - residual[2 sigmoid] - " ..
        "3 relu - 5 sigmoid - fn : quadratic")
    assert(net[1] == first)
    eq(net[1].w, w)
    local second = net[2].w:totable()
    net:cut(3, -1)
    eq(net[2].w, second)
    local gone = net[2]
    net:replace(2, nn.dense {7, "tanh", name = "out"})
    eq(net:notation(), "4 - 3 sigmoid - 7 tanh name=out : quadratic")
    eq(net[1].w, w)
    -- what was taken out is usable and remembers its values
    eq(gone.w, second)
    gone.activation, gone.w = "relu", 1
    eq(nn.net {3, gone}[1].w, {{1, 1, 1}, {1, 1, 1}})
    net:cut(1)
    eq(net[1].w.shape, {7, 4})
    eq(net({1, 2, 3, 4}).shape, {7})
    eq(nn.net("4 - 3 - 2", {seed = 1}):append(5):notation(), "4 - 3 sigmoid - 2 sigmoid - " ..
        "5 sigmoid : quadratic")
end)

test("a change that fails changes nothing", function()
    local net = nn.net "4 - 3 - 2"
    refused(net, function() net:append() end, "net:append takes layers")
    refused(net, function() net:append(nil) end, "entry 1 must be a size")
    refused(net, function() net:append(3, {}) end, "entry 2 must be a size")
    refused(net, function() net:append("3 - ") end, "expected a layer")
    refused(net, function() net:append("3 : mse") end, "not ':'")
    refused(net, function() net:append(nn.residual {5}) end, "layer 3: residual adds its input, 2,")
    refused(net, function() net:append(function() error "no" end) end, "no")
    refused(net, function() net:replace(1, nn.residual {5}) end, "layer 1: residual adds its input")
    refused(net, function() net:replace(3, 4) end, "there is no layer 3; there are 2")
    refused(net, function() net:replace(1, "5 - 6") end, "one layer in another's place, not 2")
    refused(net, function() net:replace(1) end, "must be a size, a layer")
    refused(net, function() net:cut(1, 2) end, "a network keeps at least one layer")
    refused(net, function() net:cut(2, 1) end, "from the first layer to the last, not from 2 to 1")
    refused(net, function() net:cut(0) end, "counting starts at 1")
    refused(net, function() net[1] = nn.dense {3} end, "net:replace(l, layer)")
    refused(net, function() net:to "f16" end, "\"f32\" or \"f64\"")
    local record = net:record(tensor.ones(1, 4))
    refused(net, function() net:cut(1) end, "a gradient still needs the network's values")
    refused(net, function() net:to "f64" end, "a gradient still needs the network's values")
    record:sum():backward()
    local block = nn.net "4 - residual[3 - 4 name=last]"
    refused(block, function() block[1][1] = 3 end, "the layers in it cannot be assigned")
    refused(block, function() block[1].last = 3 end, "the layers in it cannot be assigned")
    refused(block, function() return block[1].w end, "no w of its own")
end)

test("recorded results that nobody has any more hold up no change", function()
    local function forget(net) net:record(tensor.ones(2, 4)):sum() end
    for what, change in pairs {
        append = function(net) net:append "2" end, cut = function(net) net:cut(1) end,
        replace = function(net) net:replace(2, "5") end, to = function(net) net:to "f64" end,
        nest = function(net) nn.net{4, net, "2"} end,
        append_to = function(net) nn.net("4 - 4"):append(net) end,
    } do
        local net = nn.net "4 - 4 - 3"
        for _ = 1, 3 do forget(net) end
        local ok, message = pcall(change, net)
        assert(ok, what .. ": " .. tostring(message))
    end
end)

test("another dtype keeps the values", function()
    local net = nn.net "4 - residual[3 - 4] - net[2]"
    local layer, values, x = net[1][1], net:params():totable(), tensor.randn(2, 4)
    local out = net(x)
    assert(net:to("f64") == net and net[1][1] == layer)
    eq(net:params(), values)
    eq(layer.w.dtype, "f64")
    near(net(x), out, 1e-6)
    assert(net:gradcheck(x, tensor.zeros(2, 2)).ok)
end)

-- ---- Frozen layers and factors ----

test("no bit of a frozen layer moves in training", function()
    local x, y = samples(6, 4, 2)
    local with_momentum = nn.sgd {lr = 1, momentum = 0.9}
    for _, optimizer in ipairs {nn.sgd {lr = 1}, with_momentum, nn.adam {lr = 0.1}} do
        local net = nn.net("4 - 3 - residual[3 - 3 frozen] - 2", F64)
        net:train(x, y, {epochs = 2, batch = 2, optimizer = optimizer, progress = false})
        net:freeze(1)
        assert(net[1].frozen and net[2][2].frozen and not net[2][1].frozen and not net[2].frozen)
        local w, b = net[1].w:totable(), net[2][2].b:totable()
        local free = net[2][1].w:clone()
        net:train(x, y, {epochs = 2, batch = 2, optimizer = optimizer, progress = false})
        eq(net[1].w, w)
        eq(net[2][2].b, b)
        assert((net[2][1].w - free):abs():max():item() > 0)
        assert(net:gradcheck(x, y).ok)
        assert(net:trace(x, y)[1].dw:abs():max():item() > 0)
        assert(net:backprop(x, y)[2][2]:abs():max():item() > 0)
        net:thaw(1)
        net:step(x, y, optimizer)
        assert((net[1].w - tensor(w, F64)):abs():max():item() > 0)
    end
end)

test("freeze and thaw by number, path, handle and all", function()
    local net = nn.net "4 - 3 - residual[3 - 3 name=r] - 2"
    net:freeze "2.r"
    eq(net:notation(), "4 - 3 sigmoid - residual[3 sigmoid - 3 sigmoid name=r frozen] - " ..
        "2 sigmoid : quadratic")
    assert(saved(net)[2].r.frozen and net:clone()[2].r.frozen)
    net:freeze(net[2])
    assert(net[2].frozen and net[2][1].frozen and not net.frozen)
    net:freeze()
    assert(net.frozen and net[3].frozen)
    net:thaw()
    assert(not net.frozen and not net[2].r.frozen)
    net[2].frozen = true
    assert(net[2].r.frozen)
    fails(function() net:freeze(4) end, "there is no layer 4; there are 3")
    fails(function() net:freeze "x" end, "no layer 'x'", true)
    fails(function() net:freeze(nn.dense(3)) end, "this layer is not one of the network's", true)
    fails(function() net:thaw(nn.net("4 - 3")[1]) end, "is not one of the network's", true)
end)

test("a factor scales a layer's steps", function()
    local net = nn.net("4 - 3 - residual[3] - 2", F64)
    local x, y = samples(5, 4, 2)
    net[1].factor, net[2].factor = 0.5, 0
    eq(net[2][1].factor, 0)
    local nabla_w = net:backprop(x, y)
    local w1, w2, w3 = net[1].w:clone(), net[2][1].w:clone(), net[3].w:clone()
    net:step(x, y, {lr = 2})
    near(net[1].w, w1 - nabla_w[1], 1e-14)
    eq(net[2][1].w, w2)
    near(net[3].w, w3 - nabla_w[3] * 2, 1e-14)
end)

-- ---- Functions that change what runs ----

test("a function that is tried while a network is built may use it, not change it", function()
    local net, messages = nn.net "4 - 4 - 4", {}
    local other = nn.net "4 - 4"
    net:append(other, function(x)
        for i, f in ipairs {
            function() net:append(4) end, function() net:cut(1) end, function() other:append(4) end,
            function() other:to "f64" end, function() nn.net {4, other} end,
        } do
            local ok, message = pcall(f)
            messages[i] = not ok and message
        end
        collectgarbage()
        eq(#net, 2)
        net({1, 2, 3, 4})
        saved(net)
        assert(tostring(net):find "^4 %- 2%*%[4 sigmoid%] : ", tostring(net))
        return x
    end)
    eq(#net, 4)
    for i, words in ipairs {"cannot change it", "cannot change it", "is being built into another",
                            "is being built into another", "is being built into a network"} do
        assert(messages[i] and messages[i]:find(words, 1, true), messages[i])
    end
    assert(net[3] == other and other[1] == net[3][1])
end)

test("a network that runs is not changed, and takes new activations", function()
    local net, messages = nil, {}
    net = nn.net {4, nn.residual {nn.dense {4, function(z)
        if net then
            messages.append = select(2, pcall(net.append, net, 4))
            messages.cut = select(2, pcall(net.cut, net, 1))
            messages.to = select(2, pcall(net.to, net, "f64"))
            messages.nest = select(2, pcall(nn.net, {4, net, 2}))
            messages.block = select(2, pcall(nn.residual, {net}))
            net[1][1].activation = "relu"
            collectgarbage()
        end
        return z:tanh()
    end}}, 2}
    net:train(tensor.ones(4, 4), tensor.ones(4, 2), {epochs = 2, batch = 2, progress = false})
    for _, method in ipairs {"append", "cut", "to"} do
        assert(messages[method]:find("cannot change it", 1, true), messages[method])
    end
    for _, way in ipairs {"nest", "block"} do
        assert(messages[way]:find("a network that is running cannot be put into another", 1, true))
    end
    eq(net[1][1].activation, "relu")
end)

-- A collection may come whenever something is made, under NABLA_STRESS at every entry.
test("finalisers may change a network at any time", function()
    local x = tensor.ones(2, 4)
    local changes = {
        function(net) net:replace(1, 4) end, function(net) net:to "f64" end,
        function(net) net:cut(1) end, function(net) net:append(4) end,
        function(net) net[1].activation = function(z) return z:relu() end end,
        function(net) nn.net {4, net, 4} end,
    }
    local uses = {
        function(_, layer) return layer.w, layer:neuron(2).w end,
        function(_, layer) layer.w, layer:neuron(2).b = tensor.ones(4, 4), 1 end,
        function(net) return net:params(), net:grads() end,
        function(net) return net:backprop(x, x) end,
        function(net) return net:trace(x, x) end,
        function(net) return net:numeric_gradient(x, x) end,
        function(net) return net[1].activation, tostring(net) end,
        function(net) net:append("4 - 4", 4) end,
        function(net) return nn.net {4, net, net}, net:clone() end,
    }
    for _, change in ipairs(changes) do
        for _, use in ipairs(uses) do
            local net = nn.net {4, nn.dense {4, function(z) return z:tanh() end}, nn.residual {4}}
            local layer = net[1]
            layer:neuron(2).activation = "relu"
            net:backprop(x, x)
            setmetatable({}, {__gc = function() pcall(change, net) end})
            pcall(use, net, layer)
            collectgarbage()
            eq(net(x).shape, {2, 4})
            assert(net:gradcheck(x, x).forwards > 0)
        end
    end
end)

spec.report()
