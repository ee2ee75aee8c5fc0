-- Neurons and single weights: how they learn, what they are called, how they are found.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local samples, saved = spec.samples, spec.saved
local nabla = spec.nabla
local tensor, nn = nabla.tensor, nabla.nn

local F64 = {dtype = "f64"}

-- What one step of `o` moves the parameters of layer 1, beside the gradient that it had.
local function moved(net, o)
    local x, y = samples(7, 4, 2)
    local w, b = net[1].w:clone(), net[1].b:clone()
    net:backprop(x, y)
    local dw, db = net[1].w.grad:clone(), net[1].b.grad:clone()
    net:step(x, y, o)
    return net[1].w - w, net[1].b - b, dw, db
end

-- ---- Neurons ----

test("a frozen neuron stays to the bit, the others learn, with every optimizer", function()
    for _, o in ipairs {nn.sgd{lr = 0.5}, nn.sgd{lr = 0.5, momentum = 0.9}, nn.adam{lr = 0.1}} do
        local net = nn.net("4 - 5 tanh - 2", F64)
        net[1]:neuron(2).frozen = true
        net[1]:neuron(5).frozen = true
        for _ = 1, 3 do
            local w, b = moved(net, o)
            for k = 1, 5 do
                local stays = k == 2 or k == 5
                eq((w[k]:abs():max():item() == 0), stays)
                eq(b[k]:item() == 0, stays)
            end
        end
    end
end)

test("the factor of a neuron scales its step alone", function()
    local net = nn.net("4 - 5 tanh - 2", F64)
    net[1].factor = 0.5
    net[1]:neuron(3).factor = 2
    local w, b, dw, db = moved(net, {lr = 0.1})
    local scale = tensor({0.5, 0.5, 2, 0.5, 0.5}, F64) * -0.1
    near(w, dw * scale:reshape(5, 1), 1e-15)
    near(b, db * scale, 1e-15)
    eq(net[1]:neuron(3).factor, 2)
    eq(net[1]:neuron(1).factor, 0.5)
end)

test("neighbours that differ are each their own", function()
    local net = nn.net("4 - 5 tanh - 2", F64)
    for k = 1, 5 do net[1]:neuron(k).factor = k end
    local w, b, dw, db = moved(net, {lr = 0.01})
    local scale = tensor({1, 2, 3, 4, 5}, F64) * -0.01
    near(w, dw * scale:reshape(5, 1), 1e-15)
    near(b, db * scale, 1e-15)
end)

test("a neuron of a frozen layer can be thawed, and the layer sets all again", function()
    local net = nn.net("4 - 5 tanh - 2", F64)
    net[1].frozen = true
    assert(net[1].frozen)
    net[1]:neuron(4).frozen = false
    assert(not net[1].frozen and net[1]:neuron(1).frozen)
    local w = moved(net, {lr = 0.1})
    eq(w:abs():sum(2):gt(0), tensor({0, 0, 0, 1, 0}, {dtype = "u8"}))
    net[1]:neuron(4).name = "woken"
    net[1].frozen = true
    assert(net[1].frozen and net[1]:neuron(4).frozen)
    eq(moved(net, {lr = 0.1}):abs():sum():item(), 0)
    net:thaw(1)
    eq(#net:find{frozen = true}, 0)
    net[1]:neuron(4).factor = 3
    net[1].factor = 1
    eq(net[1]:neuron(4).factor, 1)
end)

test("a neuron has a name, one of its layer", function()
    local net = nn.net "4 - 5 name=h - 2"
    eq(net[1]:neuron(2).name, nil)
    net[1]:neuron(2).name = "edge"
    eq(net[1]:neuron(2).name, "edge")
    assert(tostring(net[1]:neuron(2)):find "neuron 2 of layer 1 %(h%).* edge")
    net[2]:neuron(2).name = "edge"
    fails(function() net[1]:neuron(1).name = "edge" end,
          "neuron 2 of layer 1 (h) has the name edge already", true)
    fails(function() net[1]:neuron(1).name = "a b" end, "a name is letters, digits and _", true)
    fails(function() net[1]:neuron(1).name = ("n"):rep(64) end, "at most 63 characters", true)
    net[1]:neuron(2).name = nil
    eq(net[1]:neuron(2).name, nil)
    net[1]:neuron(2).name = "edge"
    net[1].frozen = true
    eq(net[1]:neuron(2).name, "edge")
end)

test("what is no setting of a neuron is refused", function()
    local net = nn.net "4 - 5 - act tanh - 2"
    local k = net[1]:neuron(1)
    fails(function() k.frozen = 1 end, "frozen must be true or false, not 1", true)
    fails(function() k.factor = -1 end, "factor must be a number from 0, not -1", true)
    fails(function() k.factor = 0 / 0 end, "factor must be a number from 0", true)
    fails(function() k.name = {} end, "name must be a string, not a table", true)
    fails(function() k.fozen = true end, "did you mean 'frozen'?", true)
    fails(function() net[2]:neuron(1).frozen = true end, "layer 2 has no weights", true)
    net[2]:neuron(1).name = "free"
    eq(net[2]:neuron(1).name, "free")
end)

test("a layer that becomes narrower forgets the neurons that it has no longer", function()
    local net = nn.net "4 - 5 - 2"
    net[2]:neuron(2).frozen = true
    net[1]:neuron(5).frozen = true
    net:replace(1, "3")
    eq(#net:find{frozen = true}, 1)
    eq(tostring(net:find{frozen = true}), "1 neuron · layer 2 2")
    net = nn.net "4 - 5 - act tanh - 2"
    net[2]:neuron(2).name = "kept"
    net[2]:neuron(5).name = "gone"
    net:replace(1, "3")
    eq(saved(net)[2]:neuron(2).name, "kept")
    net:replace(1, "5")
    eq(net[2]:neuron(5).name, nil)
    eq(net[2]:neuron(2).name, "kept")
end)

-- Without readers of the gradient plain descent goes straight into the weights, but not here.
test("training, too, leaves frozen neurons and masked numbers, and heeds factors", function()
    local x, y = samples(20, 4, 2)
    local set = nabla.data.set{x = x, y = y}
    local function trained(setting)
        local net = nn.net("4 - 5 tanh - 2", {dtype = "f64", seed = 3})
        local w = net[1].w:clone()
        setting(net)
        net:train(set, {epochs = 2, batch = 5, lr = 0.1, progress = false, shuffle = false})
        return net[1].w - w
    end
    local plain = trained(function() end)
    local frozen = trained(function(net) net[1]:neuron(2).frozen = true end)
    eq(frozen:abs():sum(2):gt(0), tensor({1, 0, 1, 1, 1}, {dtype = "u8"}))
    local slow = trained(function(net) net[1]:neuron(2).factor = 1e-3 end)
    assert((slow[2]:norm() / plain[2]:norm()):item() < 0.01)
    local mask = tensor.rand(5, 4):gt(0.5)
    eq(trained(function(net) net[1].mask = {w = mask} end):ne(0), mask)
end)

test("nguyen_widrow spreads the neurons by weights and biases", function()
    local net = nn.net("2 - 9 tanh init=nguyen_widrow - 3 init=nguyen_widrow - 1", F64)
    near((net[1].w * net[1].w):sum(2), tensor.full(0.49 * 9, 9, F64), 1e-12)
    assert(net[1].b:abs():max():item() <= 2.1 and net[1].b:ne(0):sum():item() == 9)
    near((net[2].w * net[2].w):sum(2), tensor.full(0.49 * 3 ^ (2 / 9), 3, F64), 1e-12)
    assert(net[2].b:abs():max():item() <= 0.7 * 3 ^ (1 / 9))
    eq(net[3].b:item(), 0)
    local before = net:params():clone()
    net:reset(5)
    assert(not net[1].b:equal(before:narrow(1, 19, 9)))
end)

-- ---- Masks ----

test("a number whose mask is 0 stays, whatever moves the others", function()
    for _, o in ipairs {nn.sgd{lr = 0.5}, nn.sgd{lr = 0.5, momentum = 0.9}, nn.adam{lr = 0.1}} do
        local net = nn.net("4 - 5 tanh - 2", F64)
        local mask = tensor.rand(5, 4):gt(0.5)
        net[1].mask = {w = mask}
        for _ = 1, 3 do
            local w, b = moved(net, o)
            eq(w:ne(0), mask)
            eq(b:ne(0):sum():item(), 5)
        end
    end
end)

test("masks are read, written in place, taken away", function()
    local net = nn.net("4 - 5 tanh - 2", F64)
    eq(net[1].mask, nil)
    net[1].mask = {w = tensor.ones(5, 4) * 0.5, b = {0, 1, 0, 1, 1}}
    eq(net[1].mask.w, tensor.ones(5, 4, {dtype = "u8"}))
    eq(net[1].mask.b, tensor({0, 1, 0, 1, 1}, {dtype = "u8"}))
    net[1].mask.w[{2, 3}] = 0
    local w, b = moved(net, {lr = 1})
    eq(w:eq(0):nonzero():totable(), {{2, 3}})
    eq(b:ne(0), net[1].mask.b)
    net[1].mask = nil
    eq(net[1].mask, nil)
    eq(moved(net, {lr = 1}):eq(0):sum():item(), 0)
end)

test("a mask that does not fit leaves the old ones", function()
    local net = nn.net "4 - 5 name=h - 2"
    net[1].mask = {b = {1, 1, 1, 1, 0}}
    fails(function() net[1].mask = {b = tensor.ones(5), w = tensor.ones(4, 5)} end,
          "mask: w is 4x5; w of layer 1 (h) is 5x4", true)
    fails(function() net[1].mask = {v = tensor.ones(4, 5)} end,
          "mask: layer 1 (h) has no parameter v", true)
    fails(function() net[1].mask = {tensor.ones(4, 5)} end, "name the parameter", true)
    fails(function() net[1].mask = true end, "mask must be a table, as in {w = t}, or nil", true)
    eq(net[1].mask.b, tensor({1, 1, 1, 1, 0}, {dtype = "u8"}))
    net:replace(1, "3")
    eq(net[1].mask, nil)
end)

test("a tied weight is another layer's to mask, and its rows are the neurons'", function()
    local net = nn.net "* - embedding 6 4 name=e - 6 softmax tied=e : cross_entropy"
    eq(net[2]:neuron(3).w, net.e.w[3])
    fails(function() net[2].mask = {w = tensor.ones(6, 4)} end,
          "mask: w of layer 2 is that of layer 1 (e); give that one the mask", true)
    net.e.mask = {w = tensor.zeros(6, 4)}
    net[2]:neuron(3).frozen = true
    local w, b = net.e.w:clone(), net[2].b:clone()
    net:step(tensor({{1, 2, 3}}, {dtype = "i32"}), tensor({{4, 3, 6}}, {dtype = "i32"}), {lr = 1})
    eq(net.e.w, w)
    eq((net[2].b - b):ne(0), tensor({1, 1, 0, 1, 1, 1}, {dtype = "u8"}))
end)

-- ---- Files and copies ----

test("files and copies keep how neurons, weights and layers learn", function()
    local net = nn.net "4 - residual[6 relu - 4 linear name=z] name=r - 2"
    local z = net.r.z
    z:neuron(3).frozen = true
    z:neuron(4).factor = 1e-7
    z:neuron(1).name = "first"
    z.mask = {w = tensor.rand(4, 6):gt(0.5)}
    net[2].factor = 2.5e20
    net.r[1].frozen = true
    net.r[1]:neuron(6).frozen = false
    for _, other in ipairs {saved(net), net:clone()} do
        local y = other.r.z
        eq(y:neuron(3).frozen, true)
        eq(y:neuron(4).factor, 1e-7)
        eq(y:neuron(1).name, "first")
        eq(y.mask.w, z.mask.w)
        eq(other[2].factor, 2.5e20)
        eq(tostring(other:find{frozen = true}), tostring(net:find{frozen = true}))
        eq(tostring(other), tostring(net))
    end
    local copy = z:clone()
    local other = nn.net{6, copy}
    eq(other[1]:neuron(1).name, "first")
    z.mask.w:fill_(0)
    assert(other[1].mask.w:sum():item() > 0)
end)

test("a network inside another keeps them where it is saved alone", function()
    local inner = nn.net "3 - 3 - 3"
    inner[2]:neuron(2).frozen = true
    local outer = nn.net{4, 3, inner, 2}
    eq(tostring(saved(outer):find{frozen = true}), "1 neuron · layer 2.2 2")
    eq(tostring(saved(inner):find{frozen = true}), "1 neuron · layer 2 2")
end)

test("a file that says nonsense of neurons is refused", function()
    local path = os.tmpname()
    local net = nn.net "4 - 5 - 2"
    net[1]:neuron(2).frozen = true
    net:save(path)
    local file = assert(io.open(path, "rb"))
    local whole = file:read "a"
    file:close()
    local line = "neuron 1 2 frozen 1 -"
    assert(whole:find(line, 1, true))
    for wrong, message in pairs {
        ["neuron 1 9 frozen 1 -"] = "layer 1 has no neuron 9",
        ["neuron 1 0 frozen 1 -"] = "layer 1 has no neuron 0",
        ["neuron 7 2 frozen 1 -"] = "no layer '7'",
        ["neuron 1 2 melted 1 -"] = "not understood",
        ["neuron 1 2 frozen - -"] = "not understood",
        ["muscle 1 2 frozen 1 -"] = "not understood",
        ["neuron 1 2 frozen 1 1"] = "not understood",
    } do
        local at = whole:find(line, 1, true)
        file = assert(io.open(path, "wb"))
        file:write(whole:sub(1, at - 1), wrong, whole:sub(at + #line))
        file:close()
        fails(function() nn.load(path) end, message, true)
    end
    os.remove(path)
end)

-- ---- Selections ----

test("net:find gives the neurons that are as was said", function()
    local net = nn.net "4 - 6 relu@2..3 name=h - residual[6 relu] - 2 leaky_relu(slope=0.3)"
    eq(#net:find{}, 14)
    eq(#net:find(), 14)
    eq(tostring(net:find{activation = "relu"}), "8 neurons · layer 1 (h) 2..3 · layer 2.1 1..6")
    eq(tostring(net:find{layer = 1, activation = "relu"}), "2 neurons · layer 1 (h) 2..3")
    eq(tostring(net:find{layer = "h", activation = "sigmoid"}), "4 neurons · layer 1 (h) 1, 4..6")
    eq(#net:find{layer = 2}, 6)
    eq(#net:find{layer = net[2][1]}, 6)
    eq(#net:find{layer = "2.1"}, 6)
    eq(#net:find{activation = "leaky_relu"}, 2)
    eq(#net:find{activation = "leaky_relu(slope=0.3)"}, 2)
    eq(#net:find{activation = "leaky_relu(slope=0.2)"}, 0)
    net[1]:neuron(5).factor = 3
    net[1]:neuron(6).name = "last"
    eq(tostring(net:find{factor = 3}), "1 neuron · layer 1 (h) 5")
    eq(tostring(net:find{name = "last"}), "1 neuron · layer 1 (h) 6")
    net[1].b:fill_(0)
    net[1].b[4] = 1
    eq(tostring(net:find{layer = 1, where = function(k) return k.b:item() == 1 end}),
       "1 neuron · layer 1 (h) 4")
    eq(tostring(net:find{factor = 4}), "0 neurons")
end)

test("a selection is read and set as one", function()
    local net = nn.net "4 - 6 relu@2..3 - 2"
    local s = net:find{activation = "relu"}
    eq(s.frozen, {false, false})
    s.frozen = true
    s.factor = 0.25
    eq(s.factor, {0.25, 0.25})
    eq(net[1]:neuron(3).frozen, true)
    s.activation = "tanh"
    eq(net:notation(), "4 - 6 sigmoid tanh@2..3 - 2 sigmoid : quadratic")
    eq(#s, 2)
    eq(s[3], nil)
    eq(tostring(s[2]), "neuron 3 of layer 1 (tanh) frozen factor 0.25")
    local seen = 0
    for i, neuron in ipairs(s) do
        seen = seen + i
        neuron.b:fill_(i)
    end
    eq(seen, 3)
    eq(net[1].b:narrow(1, 2, 2), tensor {1, 2})
    fails(function() s[4].frozen = true end, "neuron 4")
    fails(function() s.fozen = true end, "did you mean 'frozen'?", true)
    fails(function() return net:find{factor = 9}.frozen end, "an empty selection", true)
end)

test("what cannot be looked for is refused", function()
    local net = nn.net "4 - 6 - 2"
    local other = nn.net "4 - 2"
    fails(function() net:find{layr = 1} end, "did you mean 'layer'?", true)
    fails(function() net:find{layer = 3} end, "there is no layer 3; there are 2", true)
    fails(function() net:find{layer = other[1]} end, "not one of the network's", true)
    fails(function() net:find{activation = "rleu"} end, "did you mean 'relu'?", true)
    fails(function() net:find{frozen = 1} end, "frozen must be true or false, not 1", true)
    fails(function() net:find{factor = "x"} end, "factor must be a number, not 'x'", true)
    fails(function() net:find{name = 1} end, "name must be a string, not 1", true)
    fails(function() net:find{where = 1} end, "where must be a function, not 1", true)
    fails(function() net:find{where = function() error "mine" end} end, "mine")
    assert(net:step(tensor.ones(1, 4), tensor.ones(1, 2)))
end)

test("what a selection refuses says where it was asked", function()
    local net = nn.net "4 - 6 relu - 3"
    fails(function() net:find {layer = 1}.activation = "softmax" end,
        "neuron_spec.lua:%d+: softmax belongs to a whole layer")
    fails(function() net:find {layer = 1}.factor = -1 end, "neuron_spec.lua:%d+: factor must be")
    fails(function() return net:find {layer = 1}.activatoin end,
        "neuron_spec.lua:%d+: a neuron has no field 'activatoin'; did you mean 'activation'")
end)

spec.report()
