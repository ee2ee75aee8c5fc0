-- Networks as trees: blocks, networks in networks, layers at several places.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local samples, saved, refused = spec.samples, spec.saved, spec.refused
local nabla = spec.nabla
local tensor, nn = nabla.tensor, nabla.nn

local F64 = {dtype = "f64"}

-- ---- Making ----

test("blocks from tables are those of notation", function()
    local text = "8 - residual[16 relu - 8 linear] - residual[8 | 8 tanh] name=two - " ..
        "parallel[4 - 3 | | 2] - 5"
    local built = nn.net {
        8, nn.residual {"16 relu", nn.dense {8, "linear"}},
        nn.residual {{8}, {nn.dense {8, "tanh"}}, name = "two"},
        nn.parallel {{4, 3}, {}, {"2"}}, 5,
    }
    eq(built:notation(), nn.net(text):notation())
    eq(built:count(), 8 * 16 + 16 + 16 * 8 + 8 + 2 * 72 + (8 * 4 + 4 + 4 * 3 + 3 + 8 * 2 + 2) +
        (3 + 8 + 2) * 5 + 5)
    eq(nn.net(built:notation()):notation(), built:notation())
    eq(nn.net {4, "3*[4 tanh]"}:notation(), "4 - 3*[4 tanh] : quadratic")
end)

test("residual adds, parallel joins", function()
    local net = nn.net("3 - residual[3 tanh] - parallel[2 linear | ]", F64)
    local x = samples(4, 3, 1)
    local r = x + (x:matmul(net[1][1].w:t()) + net[1][1].b):tanh()
    local left = r:matmul(net[2][1].w:t()) + net[2][1].b
    near(net(x), tensor.cat({left, r}, 2), 1e-14)
    local two = nn.net("3 - residual[2 tanh | 2 linear]", F64)
    local f, g = two[1][1], two[1][2]
    near(two(x), (x:matmul(f.w:t()) + f.b):tanh() + x:matmul(g.w:t()) + g.b, 1e-14)
end)

test("layers of blocks by number, name and path", function()
    local net = nn.net "4 - residual[8 relu - 4 name=back] name=block - net[3 - 2] - 2"
    local back = net[1][2]
    assert(back == net.block.back and back == net:layer "1.2" and back == net:layer "block.back")
    assert(back == net[1][-1] and net[1][1] == net:layer(1.1) and net:layer(3) == net[3])
    assert(net[2] == net:layer "2" and net[2][1] == net:layer "2.1")
    eq(net[1][3], nil)
    eq(#net[1], 2)
    local count = 0
    for i, layer in ipairs(net[1]) do count = count + 1 assert(layer == net[1][i]) end
    eq(count, 2)
    local known = setmetatable({}, {__mode = "k"})
    known[back] = true
    back = nil
    collectgarbage()
    assert(known[net.block.back])
    fails(function() return net[1][0] end, "counting starts at 1")
    fails(function() return net[1][4] end, "no layer 4; there are 2", true)
    fails(function() return net[3][1] end, "layer 3 has no layers in it")
    fails(function() net:layer "1.3" end, "'1.3': '3' is not in '1', it has 2 layers", true)
    fails(function() net:layer "3.1" end, "'3.1': '1' is not in '3', no layers stand in", true)
    fails(function() net:layer "tail" end, "no layer 'tail'; it has 3 layers", true)
    fails(function() net:layer {} end, "a path such as")
    for _, path in ipairs {"", ".", "1.", ".1", "1..1", "-1", "99999999999999999999"} do
        fails(function() net:layer(path) end, "the network has no layer '" .. path, true)
    end
end)

test("gradients and traces have the network's shape", function()
    local net = nn.net("4 - residual[5 tanh - 4 linear] - 2", F64)
    local x, y = samples(6, 4, 2)
    local t = net:trace(x, y)
    local nabla_w, nabla_b = net:backprop(x, y)
    eq(#nabla_w, 2)
    eq(nabla_w[1][2], t[1][2].dw)
    eq(nabla_b[1][1], t[1][1].db)
    eq(nabla_w[2], t[2].dw)
    eq(t[1].a, x + t[1][2].a)
    eq(t[1].z, t[1].a)
    -- BP2 through the sum: what arrives at the block's input is what its output gets, and more.
    near(t[1].delta, t[2].delta:matmul(net[2].w), 1e-14)
    near(t[1][2].delta, t[1].delta, 1e-14)
    near(net:numeric_gradient(x, y)[1][1], nabla_w[1][1], 1e-7)
    assert(net:gradcheck(x, y).ok)
    local row = "[1][2]  z 6x4  a 6x4  slope 6x4  delta 6x4  dw 4x5  db 4"
    assert(tostring(t):find(row, 1, true), tostring(t))
    local fn = nn.net {4, nn.residual {function(v) return v * 2 end}, 2}
    eq(fn:backprop(x, y)[1], {false})
end)

test("names that would hide something are refused", function()
    for name, where in pairs {train = "net", layer = "net", neuron = "net[l]", w = "net[l]",
                              frozen = "net[l]"} do
        local words = ("cannot be called %s: %s.%s is something else"):format(name, where, name)
        fails(function() nn.net("4 - 3 name=" .. name) end, words, true)
        fails(function() nn.net("4 - residual[4 name=" .. name .. "]") end, words, true)
        fails(function() nn.dense {3, name = name} end, words, true)
        fails(function() nn.net {4, "3 name=" .. name} end, words, true)
        fails(function() nn.net("4 - 3"):append("2 name=" .. name) end, words, true)
        fails(function() nn.net("4 - 3")[1].name = name end, words, true)
    end
    fails(function() nn.dense {3, name = "a.b"} end, "'a.b'")
    fails(function() nn.net "4 - 3 name=a - 2 name=a" end, "'a' is the name of an earlier layer")
    local a = nn.net "4 - 3 name=a - 2"
    refused(a, function() a[2].name = "a" end, "layer 1 (a) has the name a already")
    refused(a, function() a:append("2 name=a") end, "'a' is the name of an earlier layer already")
    refused(a, function() a:append(nn.dense {2, name = "a"}) end, "layers 1 and 3 have the same")
    eq(nn.net("4 - 4 name=a - residual[4 name=a]"):notation(),
       "4 - 4 sigmoid name=a - residual[4 sigmoid name=a] : quadratic")
end)

-- ---- A layer before it is part of a network ----

test("a layer alone can be told what a layer is told", function()
    local layer = nn.dense {3}
    eq(layer.name, nil)
    eq(layer.activation, nil)
    layer.name, layer.activation, layer.frozen, layer.factor = "hidden", "relu", true, 0.5
    eq(tostring(layer), "dense 3 relu name=hidden frozen, in no network yet")
    fails(function() return layer.w end, "no network yet, so it has no w; nn.net{…, layer}", true)
    fails(function() layer.w = 1 end, "part of no network yet, so it has no w", true)
    fails(function() return layer:neuron(1) end, "part of no network yet; its neurons are", true)
    fails(function() return layer.nam end, "no field 'nam'; did you mean 'name'?", true)
    fails(function() layer.fozen = true end, "did you mean 'frozen'?", true)
    fails(function() layer.frozen = 1 end, "frozen must be true or false, not 1")
    fails(function() layer.factor = -1 end, "factor must be a number from 0, not -1", true)
    local net = nn.net {4, layer, 2}
    assert(net[1] == layer and layer.frozen and layer.factor == 0.5)
    eq(layer.w.shape, {3, 4})
    local block = nn.residual {layer:clone(), 4}
    assert(block[1] == block[1] and #block == 2)
    block[2].activation = "tanh"
    fails(function() block.activation = "relu" end, "no neurons, so no activation")
    fails(function() return block.w end, "no w of its own; the layers that stand in it have", true)
    eq(nn.net {4, block}[1][2].activation, "tanh")
end)

test("options of activations and initialisers", function()
    local net = nn.net {2, nn.dense {3, "leaky_relu(slope=0.2)", init = "constant(value=2)"}}
    eq(net[1].w, {{2, 2}, {2, 2}, {2, 2}})
    near(net({-1, 0}), {-0.4, -0.4, -0.4})
    eq(net:notation(), "2 - 3 leaky_relu(slope=0.2) init=constant(value=2) : quadratic")
    net[1].activation = "leaky_relu(slope=0.5)"
    eq(net[1].activation, "leaky_relu(slope=0.5)")
    net[1]:neuron(2).activation = "leaky_relu"
    near(net({-1, 0}), {-1, -0.02, -1})
    eq(saved(net):notation(), net:notation())
    eq(net:clone():notation(), net:notation())
    fails(function() net[1].activation = "leaky_relu(slop=1)" end, "did you mean 'slope'", true)
    fails(function() net[1].activation = "relu(slope=1)" end, "relu has no option 'slope'", true)
    fails(function() nn.net "4 - 3 leaky_relu slope=0.2" end,
          "slope is an option of leaky_relu, written leaky_relu(slope=…)", true)
    fails(function() nn.net "4 - 3 init=he init=he" end, "init is given twice")
    fails(function() nn.net "4 - residual[4] init=he" end, "residual has no option 'init'")
    fails(function() nn.residual {4, init = "he"} end, "no option 'init'")
end)

test("parameters of functions begin as they are told", function()
    local function times(x, w) return x * w end
    local function with(param)
        param.name = "s"
        return nn.net {3, nn.fn {f = times, params = {param}}}
    end
    eq(with {3}[1].s, {0, 0, 0})
    eq(with {3, value = 2.5}[1].s, {2.5, 2.5, 2.5})
    eq(with {3, value = tensor {1, 2, 3}}[1].s, {1, 2, 3})
    eq(with {3, value = {4, 5, 6}}({1, 1, 1}), {4, 5, 6})
    eq(with {3, init = "constant(value=7)"}[1].s, {7, 7, 7})
    local net = with {3, value = {4, 5, 6}}
    net[1].s = 0
    net:reset(1)
    eq(net[1].s, {4, 5, 6})
    local both = {3, value = 1, init = "ones"}
    fails(function() with(both) end, "parameter s takes value or init, not both")
    fails(function() with {3, value = {1, 2}} end, "layer 1: the value of s is 2; the param")
    fails(function() with {3, value = "x"} end, "value of parameter s must be a number or a tensor")
    fails(function() with {3, init = 3} end, "init of parameter s must be a word")
    fails(function() with {3, valu = 3} end, "no option 'valu'; did you mean 'value'?", true)
    fails(function() with {-3} end, "sizes are at least 0")
    fails(function() nn.fn {f = times, params = {w = {3}}} end, "params is a list")
    fails(function() nn.fn {f = times, params = {{name = "frozen", 3}}} end,
          "cannot be called frozen: layer.frozen is something else")
end)

test("what a function of a layer gives is checked by its place", function()
    fails(function() nn.net {4, 3, function() return 3 end} end,
          "layer 2: its function %(%S+:%d+%) must give a tensor, not 3")
    fails(function() nn.net {4, nn.residual {nn.fn {f = function() end, name = "f"}}} end,
          "layer 1.1 %(f%): layer function f %(%S+:%d+%) must give a tensor, not nil")
end)

-- ---- Sharing ----

test("a layer value used twice is one layer at two places", function()
    local layer = nn.dense {3, "tanh"}
    local net = nn.net({3, layer, layer, 2}, F64)
    eq(net:count(), 12 + 8)
    assert(net[1] == net[2] and net[1] == layer)
    eq(net:notation(), "3 - 3 tanh - @1 - 2 sigmoid : quadratic")
    local again = nn.net(net:notation(), F64)
    assert(again[1] == again[2])
    local x, y = samples(5, 3, 2)
    local h = (x:matmul(layer.w:t()) + layer.b):tanh()
    near(net:trace(x, y)[2].a, (h:matmul(layer.w:t()) + layer.b):tanh(), 1e-14)
    -- the gradients of both places, of a network whose two layers have the same values
    local apart = nn.net("3 - 3 tanh - 3 tanh - 2", F64)
    for l = 1, 3 do apart[l].w, apart[l].b = net[l].w:detach(), net[l].b:detach() end
    local one, two = net:backprop(x, y), apart:backprop(x, y)
    near(one[1], two[1] + two[2], 1e-14)
    eq(one[2], one[1])
    assert(net:gradcheck(x, y).ok)
    net[2].activation = "relu"
    eq(net[1].activation, "relu")
    for _, copy in ipairs {net:clone(), saved(net)} do
        assert(copy[1] == copy[2])
        eq(copy(x), net(x))
        eq(copy:count(), net:count())
    end
end)

test("@name shares what stands before", function()
    local net = nn.net "4 - 4 name=a - residual[4 - @a] - @a"
    assert(net[1] == net[2][2] and net[1] == net[3])
    eq(net:count(), 2 * 20)
    assert(tostring(net):find("@a", 1, true))
    net:append("@a", net.a, 3)
    assert(net[5] == net[1])
    eq(net:count(), 2 * 20 + 15)
    net:replace(4, "@a")
    assert(net[4] == net.a)
    fails(function() nn.net "8 - 4 name=a - @a" end,
          "layer 2 shares layer 1 (a), which takes 8; 4 comes to it here", true)
    fails(function() nn.net "4x9 - conv 4 3 padding=same name=s - @s - flatten - 3" end,
          "which takes 4x9 (read in no way yet); 4x9 (channels x places) comes to it here", true)
    fails(function() nn.net "2x3x4 - dropout 0.1 name=a - conv 2 1 - @a - flatten - 2" end,
          "takes 2x3x4 (read in no way yet); 2x3x4 (channels x rows x columns) comes", true)
    -- As many features, but half as many steps.
    fails(function() nn.net "*x4 - conv 4 3 stride=2 name=s - @s - 3" end,
          "which takes *x4; *x4 (another *) comes to it here", true)
    fails(function() nn.net "*x4 - residual[conv 4 3 stride=2]" end,
          "adds its input, *x4, to what its layers give, *x4 (another *); end them with a layer " ..
          "of *x4, or", true)
    fails(function() nn.net "*x4 - residual[conv 4 3 stride=2 | conv 4 3 stride=2]" end,
          "gives *x4, branch 2 (up to layer 1.2) *x4 (another *); residual", true)
    fails(function() nn.net {4, nn.dense {4}, nn.net {4, 4}, "@a"} end, "no layer called 'a'")
    fails(function() nn.net "4 - residual[4 - @r] name=r" end, "@r stands inside the layer 'r'")
    fails(function() nn.net "4 - 4 name=a - net[@a]" end, "as far as its network goes; 'a' is none")
    fails(function() nn.net "4 - residual[4 name=a] - @a" end, "'a' is none of them")
    fails(function() nn.net "4 - 3*[4 name=a]" end, "a layer that is repeated has no name")
end)

test("a layer has one network", function()
    local net = nn.net "4 - 4"
    local words = "layer 1 is part of another network already (layer 1 there); give this one a " ..
        "copy, %s:clone()"
    refused(net, function() nn.net {4, net[1], 2} end, words:format "layer")
    local outer = nn.net {4, net, 2}
    refused(net, function() nn.net {4, net} end, words:format "net")
    refused(net, function() nn.net {4, nn.residual {net[1]}} end, "(layer 1.1 there)")
    refused(outer, function() outer:append(outer[1][1]) end, "layer 3 shares layer 1.1 of another")
    refused(outer, function() outer:append(outer) end, "a network cannot hold itself")
    refused(outer, function() outer:append(nn.residual {outer}) end, "a network cannot hold itself")
    local copy = nn.net {4, net:clone(), outer[2]:clone()}
    eq(copy:params(), outer:params())
end)

test("a cloned layer brings its values where they fit", function()
    local net = nn.net "4 - 3 relu tanh@2 name=h frozen - residual[3 - 3 tanh]"
    net[1].factor = 3
    local layer = net.h:clone()
    eq(tostring(layer), "dense 3 relu tanh@2 name=h frozen, in no network yet")
    fails(function() return layer.w end, "part of no network yet")
    local fits, other = nn.net {4, layer}, nn.net {5, net[1]:clone()}
    eq(fits[1].w, net[1].w)
    eq(fits[1].factor, 3)
    eq(fits[1].activation, {"relu", "tanh", "relu"})
    eq(other[1].w.shape, {3, 5})
    fits[1].w = 0
    assert(net[1].w:abs():max():item() > 0)
    fits:reset(3)
    assert((fits[1].w - net[1].w):abs():max():item() > 0)
    local block = net[2]:clone()
    eq(nn.net {3, block}[1][2].w, net[2][2].w)
end)

-- ---- Networks in networks ----

test("a network in another is a view of its numbers and trains alone", function()
    local inner = nn.net("4 - 3 tanh - 4", F64)
    local before, values = inner:params(), inner:params():totable()
    local outer = nn.net({4, 4, inner, nn.residual {4}, 2}, F64)
    assert(outer[2] == inner and outer[2][1] == inner[1])
    eq(inner:params(), values)
    assert(inner:params() ~= before)
    outer:params():fill_(0.25)
    eq(inner[1].w, tensor.full(0.25, 3, 4):totable())
    eq(before, values)
    outer:reset(1)
    local start, x = outer:params():totable(), samples(8, 4, 4)
    inner:train(x, x, {epochs = 3, lr = 0.5, progress = false, optimizer = "adam"})
    local now, first = outer:params():totable(), 20
    for i = 1, outer:count() do
        local inside = i > first and i <= first + inner:count()
        assert((now[i] ~= start[i]) == inside, "number " .. i)
    end
    assert(outer:gradcheck(x, tensor.zeros(8, 2, F64)).ok)
    assert(inner:gradcheck(x, x).ok)
    eq(nn.net(outer:notation()):notation(), outer:notation())
    eq(outer:clone():params(), outer:params())
    eq(saved(outer):params(), outer:params())
end)

test("a nested network is saved and cloned alone", function()
    local inner = nn.net "4 - 3 tanh name=h - residual[3] - net[4]"
    local outer = nn.net {4, 4, nn.residual {inner}, 2}
    local x = tensor.randn(3, 4, {seed = 4})
    for _, copy in ipairs {saved(inner), inner:clone()} do
        eq(copy:notation(), inner:notation())
        eq(copy:params(), inner:params())
        eq(copy(x), inner(x))
        copy:append(2)
    end
    eq(#inner, 3)
    outer = nil
    collectgarbage()
    collectgarbage()
    eq(saved(inner):params(), inner:params())
end)

-- Every kind of first layer, behind convolutions of one extent and of two, behind free space,
-- behind sequences, and in blocks.
local PLACES <const> = {
    {"1x8x8 - conv 4 3 relu - %s", {4, 6, 6}, "4x6x6 space"},
    {"1x9 - conv 4 3 relu - %s", {4, 7}, "4x7 space"},
    {"3x*x* - conv 4 3 relu padding=same - %s", {4, 5, 6}, "4x*x* space"},
    {"1x* - conv 4 3 relu padding=same - %s", {4, 7}, "4x* space"},
    {"*x3 - lstm 4 - %s", {5, 4}, "*x4"},
    {"6x3 - lstm 4 - %s", {6, 4}, "6x4 steps"},
    {"2x8x8 - conv 4 3 relu - residual[conv 4 3 padding=same | %s]", {4, 6, 6},
        "4x6x6 space"},
    {"2x8x8 - conv 4 3 relu - parallel[%s | %s]", {4, 6, 6}, "4x6x6 space"},
}
local FIRST <const> = {"conv 4 3 padding=same", "conv_transpose 4 1", "max_pool 2", "avg_pool 2",
    "global_avg_pool", "batch_norm", "group_norm 2", "layer_norm", "dropout 0.25", "act tanh",
    "flatten", "reshape 2x2", "4 tanh", "rnn 4", "lstm 4", "gru 4", "attention 2", "positions",
    "residual[conv 4 3 padding=same]", "residual[4 tanh]", "parallel[act tanh | act sin]",
    "net[global_avg_pool]", "net[residual[batch_norm - conv 4 1]]"}

local function nets_in(layer, out)
    for i = 1, #layer do
        if tostring(layer[i]):find "^[%dx*]+ ?%a* %- " then out[#out + 1] = layer[i] end
        if #layer[i] > 0 then nets_in(layer[i], out) end
    end
    return out
end

local function batch(sizes, seed)
    local shape = {3, table.unpack(sizes)}
    shape[#shape + 1] = {seed = seed, dtype = "f64"}
    return tensor.randn(table.unpack(shape))
end

test("networks behind convolutions and sequences are cloned, saved and read alone", function()
    local tried = 0
    for _, place in ipairs(PLACES) do
        for _, first in ipairs(FIRST) do
            local text = place[1]:gsub("%%s", function() return "net[" .. first .. "]" end)
            local fits, outer = pcall(nn.net, text, F64)
            if fits then
                local inner = nets_in(outer, {})
                assert(#inner > 0, text)
                for _, net in ipairs(inner) do
                    local x, alone = batch(place[2], 3), net:notation()
                    eq(alone:match "^(.-) %- ", place[3])
                    local expected = net(x)
                    local built = nn.net(alone, F64)
                    built:params():copy_(net:params())
                    for _, copy in ipairs {net:clone(), saved(net), built} do
                        eq(tostring(copy), tostring(net))
                        eq(copy(x), expected)
                    end
                    tried = tried + 1
                end
            end
        end
    end
    assert(tried > 80, tried)
end)

test("a clone of a nested network learns, and one that is left goes on", function()
    local outer = nn.net("1x8x8 - conv 4 3 relu - net[residual[conv 4 3 tanh padding=same] - " ..
        "global_avg_pool - 2 softmax]  : cross_entropy", F64)
    local inner = outer[2]
    local x, y = batch({4, 6, 6}, 5), tensor {1, 2, 1}
    local copy = inner:clone()
    copy:train(x, y, {epochs = 2, lr = 0.1, progress = false})
    eq(copy:evaluate(x, y).answers, 3)
    eq(copy:gradcheck(x, tensor({{1, 0}, {0, 1}, {1, 0}}, F64)).ok, true)
    copy:append(3)
    eq(copy:notation():match "^%S+ %S+", "4x6x6 space")
    outer = nil
    collectgarbage()
    collectgarbage()
    inner:append(3)
    eq(inner(x).shape, {3, 3})
    eq(inner:notation():match "^%S+ %S+", "4x6x6 space")
end)

test("how an input is read can be said", function()
    local net = nn.net {{4, 6, 6, "space"}, nn.residual {"conv 4 3 padding=same"}}
    eq(net:notation(), "4x6x6 space - residual[conv 4 3 sigmoid padding=same] : quadratic")
    eq(nn.net("4x*x* space - global_avg_pool")(tensor.ones(2, 4, 5, 3)), tensor.ones(2, 4))
    -- Features are channels where conv reads steps: 4 of them, not 5.
    eq(nn.net "5x4 steps - conv 3 2"[1].w.shape, {3, 4, 2})
    eq(nn.net "5x4 - conv 3 2"[1].w.shape, {3, 5, 2})
    for text, message in pairs {
        ["4 space - 3"] = "space is channels, then one or two extents",
        ["4x4x4x4 space - conv 3 3"] = "space is channels, then one or two extents",
        ["4x4x4 steps - conv 3 3"] = "steps have one size, or two, the features last",
        ["4x4x4 spce - conv 3 3"] = "or space or steps, as which it is read, not 'spce'",
    } do
        fails(function() nn.net(text) end, message, true)
    end
    fails(function() nn.net {{4, 4, 4, "steps"}, "conv 3 3"} end,
        "an input of 4x4x4 cannot be steps, which are one size, or two, the features last")
    fails(function() nn.net {{4, 4, 4, "spce"}, "conv 3 3"} end, "not 'spce'")
    fails(function() nn.net {{4, 5}, "conv 5 2", nn.net "5x4 steps - 3"} end,
        "layer 2: the network takes 5x4 (steps x features); 5x4 (channels x places) comes", true)
end)

test("what nesting refuses", function()
    local inner = nn.net "4 - 3"
    local record = inner:record(tensor.ones(2, 4))
    refused(inner, function() nn.net {4, inner, 2} end, "a gradient still needs; call backward")
    record:sum():backward()
    fails(function() nn.net({4, inner}, F64) end, "layer 1 is a network in f32, this one is in f64")
    fails(function() nn.net {5, inner} end, "layer 1: the network takes 4; 5 comes to it here")
    local outer = nn.net({4, inner:to "f64", 2}, F64)
    for _, f in ipairs {
        function() inner:append(3) end, function() inner:cut(1) end,
        function() inner:replace(1, 3) end, function() inner:to "f32" end,
    } do
        if pcall(f) then error "a nested network was changed" end
    end
    refused(inner, function() inner:append(3) end, "this network is layer 1 of another; change")
    eq(outer:to("f32"):params().dtype, "f32")
    eq(inner:params().dtype, "f32")
end)

-- ---- Where gradients go ----

test("every backward fills the gradients of the whole tree", function()
    local inner = nn.net("2 - 2 linear", F64)
    local net = nn.net({2, inner, nn.residual {"2 linear"}, 1}, F64)
    local x = tensor({{1, 2}, {3, 4}}, F64)
    fails(function() net:grads() end, "no gradient yet; net:backprop(x, y) computes it", true)
    fails(function() inner:grads() end, "no gradient yet")
    net[2][1].w:sum():backward()
    eq(net:grads(), {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0})
    eq(inner:grads(), {0, 0, 0, 0, 0, 0})
    eq(net[1][1].w.grad, {{0, 0}, {0, 0}})
    inner:record(x):sum():backward()
    -- of the sum of x wᵀ + b: every row of w gets the sum of the examples, b their number
    eq(inner:grads(), {4, 6, 4, 6, 2, 2})
    eq(net:grads(), {4, 6, 4, 6, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0})
    eq(net[3].w.grad, {{0, 0}})
    net:train(x, {{1}, {0}}, {epochs = 1, progress = false})
    local why = "training by plain gradient descent adds the gradients straight into the weights"
    fails(function() net:grads() end, why, true)
    fails(function() inner:grads() end, why, true)
    fails(function() return net[2][1].w.grad end, why, true)
    net[1].frozen = true
    net:backprop(x, {{1}, {0}})
    eq(net[1][1].w.grad, net:grads():narrow(1, 1, 4):reshape(2, 2))
end)

-- ---- Free sizes ----

test("free sizes in notation and tables", function()
    local net = nn.net({{"*", 4}, nn.residual {"4 tanh"}, "3 softmax", cost = "cross_entropy"}, F64)
    eq(net:notation(), "*x4 - residual[4 tanh] - 3 softmax : cross_entropy")
    local x = tensor.randn(2, 5, 4, {dtype = "f64", seed = 5})
    eq(net(x).shape, {2, 5, 3})
    eq(net(x[1]).shape, {5, 3})
    near(net(x)[2], net(x[2]), 1e-14)
    -- class numbers at every step, their targets written out, and the mean over all steps
    local y = {{1, 2, 3, 1, 2}, {3, 3, 1, 2, 1}}
    local one_hot, cost = tensor.zeros(2, 5, 3, F64), 0
    for i = 1, 2 do
        for s = 1, 5 do
            one_hot[{i, s, y[i][s]}] = 1
            cost = cost - math.log(net(x)[{i, s, y[i][s]}]) / 10
        end
    end
    near(net:cost(x, y), cost, 1e-12)
    near(net:cost(x, one_hot), cost, 1e-12)
    assert(net:gradcheck(x, y).ok)
    eq(net:evaluate(x, y).answers, 10)
    net:train(x, y, {epochs = 1, progress = false})
    fails(function() net:cost(x, {{1, 2}, {1, 2}}) end,
          "y is 2x2; the outputs are 2x5x3, so y needs 5 steps", true)
    fails(function() net:cost(x, {{1, 2, 3, 1, 4}, {1, 1, 1, 1, 1}}) end, "y holds class 4")
    fails(function() net(tensor.zeros(2, 5, 3)) end, "examples of *x4, so *x4 or nx*x4", true)
    fails(function() net(tensor.zeros(2, 0, 4)) end, "* at least 1", true)
    fails(function() net:classify(x) end, "net(x):argmax(-1) has the largest of each", true)
    eq(saved(net):notation(), net:notation())
    fails(function() nn.net {4, "*"} end, "a layer needs its sizes")
    fails(function() nn.net "4 - dense *" end, "a layer needs its sizes")
    fails(function() nn.net {"*", 4} end, "needs the number of its inputs; the size of * is", true)
    fails(function() nn.net {{4, "*"}, 3} end,
          "layer 1: dense takes a vector, or steps of features; 4x* is neither: " ..
          "write *x4 for steps of 4 features", true)
    fails(function() nn.net {{3, 4}, 3} end,
        "put flatten before it for one vector, or write *x4 for steps", true)
end)

-- ---- Bad input ----

test("branches that do not fit", function()
    fails(function() nn.net "8 - residual[5]" end,
          "layer 1: residual adds its input, 8, to what its layers give, 5", true)
    fails(function() nn.net "8 - 8 - residual[5 | 6]" end,
          "layer 2: branch 1 (up to layer 2.1) gives 5, branch 2 (up to layer 2.2) 6; " ..
          "residual adds", true)
    fails(function() nn.net "8 - residual[]" end, "residual has no layer in its brackets")
    fails(function() nn.net "8 - parallel[ | ]" end, "parallel has no layer in its brackets")
    fails(function() nn.net "8 - net[]" end, "net has no layer in its brackets")
    fails(function() nn.residual {} end, "residual needs at least one layer")
    fails(function() nn.residual {{}, {}} end, "residual needs at least one layer")
    fails(function() nn.residual {{8}, 8} end, "entry 2 must be a branch, {layers…}", true)
    fails(function() nn.residual {{8}, {8}, {8}} end, "2 branches at most")
    fails(function() nn.net "8 - 0*[8]" end, "repeated from 1 to 10000 times, not '0'")
    fails(function() nn.net "8 - 1000000*[8]" end, "repeated from 1 to 10000 times, not '1000000'")
    fails(function() nn.net "8 - 10000*[10000*[8]]" end, "notation has room for 10000 layers")
end)

test("texts are read to their ends, and sizes counted", function()
    for _, f in ipairs {
        function() nn.net "4 - 3\0 - 5" end, function() nn.net {4, "3\0"} end,
        function() nn.dense {3, "relu\0x"} end, function() nn.net {4, 3, cost = "mse\0"} end,
        function() nn.net("4 - 3 name=a"):layer "a\0b" end,
    } do
        fails(f, "is followed by a NUL", true)
    end
    fails(function() nn.net "2147483648x2147483648x2147483648 - 3" end, "has too many elements")
    fails(function() nn.net "1 - 2147483648 - 2147483648" end, "layer 2: parameter w of 2147")
end)

test("layers stand 64 deep and at 10000 places", function()
    local deep, net = nn.dense {2}, nil
    for _ = 1, 64 do deep = nn.residual {deep} end
    net = nn.net {2, deep}
    eq(net:clone():notation(), net:notation())
    eq(saved(net):params(), net:params())
    assert(#tostring(net:trace({1, 2}, {1, 2})) > 64)
    deep = nn.residual {deep:clone()}
    fails(function() nn.net {2, deep} end, "layers stand at most 64 deep in one another")
    fails(function() nn.residual {deep} end, "layers stand at most 64 deep in one another")
    refused(net, function() net:append(nn.residual {net[1]}) end, "layers stand at most 64 deep")
    local many = nn.dense {2}
    for _ = 1, 12 do many = nn.residual {many, many} end
    fails(function() nn.residual {many, many} end, "a network has room for 10000 layers; a shared")
    local wide = nn.net {2, many}
    eq(wide:count(), 6)
    refused(wide, function() wide:append(many) end, "a network has room for 10000 layers")
    wide.frozen = true
    assert(many.frozen and wide:clone().frozen)
end)

spec.report()
