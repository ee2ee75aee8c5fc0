-- Where attention looks: net:attention(x), and its pictures.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec, plotted = require "spec", require "plotted"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor, nn, plot = nabla.tensor, nabla.nn, nabla.plot
local ASCII, UTF8, drawn = plotted.ASCII, plotted.UTF8, plotted.drawn

local F64 <const> = {dtype = "f64"}

-- softmax(q kᵀ / √size) of a head by ops of the user's, of x (T, features); mask: from where on a
-- step is not looked at, by row.
local function by_hand(layer, x, heads, h, seen)
    local size = x:size(2) // heads
    local q = (x:matmul(layer.wq:t()) + layer.bq):narrow(2, (h - 1) * size + 1, size)
    local k = (x:matmul(layer.wk:t()) + layer.bk):narrow(2, (h - 1) * size + 1, size)
    local scores, rows = q:matmul(k:t()) / math.sqrt(size), {}
    for t = 1, x:size(1) do
        local n = seen(t)
        local row = tensor.zeros(x:size(1), F64)
        row:narrow(1, 1, n):copy_(scores[t]:narrow(1, 1, n):softmax():detach())
        rows[t] = row
    end
    return tensor.stack(rows, 1)
end

local function drawn_net(notation)
    local net = nn.net(notation, {seed = 1, dtype = "f64"})
    local values = tensor.randn(net:count(), {dtype = "f64", seed = 2})
    nn.no_grad(function() net:params():copy_(values) end)
    return net
end

test("two steps by hand", function()
    -- One feature, wq = wk = 1: the scores are the products of the steps, 0 0 and 0 ln 3, so the
    -- first looks at both alike, the second at itself thrice as much.
    local net = nn.net("*x1 - attention 1", {seed = 1, dtype = "f64"})
    nn.no_grad(function()
        net[1].wq:fill_(1)
        net[1].wk:fill_(1)
    end)
    local maps = net:attention(tensor({{0}, {math.sqrt(math.log(3))}}, F64))
    eq(#maps, 1)
    eq(maps[1].layer, "1")
    near(maps[1].shares, {{{0.5, 0.5}, {0.25, 0.75}}}, 1e-15)
end)

test("every head's shares, also where the steps are more than a head's features", function()
    for _, case in ipairs {{"*x4 - attention 2", 2}, {"*x4 - attention 4", 4},
        {"*x6 - attention 1", 1}} do
        local net = drawn_net(case[1])
        for steps = 1, 7 do
            local x = tensor.randn(steps, net[1].wq:size(1), {dtype = "f64", seed = steps})
            local shares = net:attention(x)[1].shares
            eq(shares.shape, {case[2], steps, steps})
            for h = 1, case[2] do
                near(shares[h], by_hand(net[1], x, case[2], h, function() return steps end), 1e-13)
            end
            near(shares:sum(3), tensor.ones(case[2], steps), 1e-13)
        end
    end
end)

test("causal looks back alone", function()
    local net = drawn_net "*x4 - attention 2 causal"
    local x = tensor.randn(5, 4, {dtype = "f64", seed = 1})
    local shares = net:attention(x)[1].shares
    for h = 1, 2 do
        near(shares[h], by_hand(net[1], x, 2, h, function(t) return t end), 1e-13)
        eq(shares[h]:triu(1), tensor.zeros(5, 5))
    end
end)

test("the layer's output is the shares' mean of the values", function()
    local net = drawn_net "*x4 - attention 2 causal"
    local x = tensor.randn(6, 4, {dtype = "f64", seed = 3})
    local shares, v = net:attention(x)[1].shares, x:matmul(net[1].wv:t()) + net[1].bv
    local heads = {}
    for h = 1, 2 do heads[h] = shares[h]:matmul(v:narrow(2, 2 * h - 1, 2)) end
    near(net(x), tensor.cat(heads, 2):matmul(net[1].wo:t()) + net[1].bo, 1e-13)
end)

test("padding neither looks nor is looked at; several examples have a dimension more", function()
    local net = drawn_net "*x4 - attention 2"
    local long = tensor.randn(4, 4, {dtype = "f64", seed = 5})
    local short = long:narrow(1, 1, 2)
    local shares = net:attention({long, short})[1].shares
    eq(shares.shape, {2, 2, 4, 4})
    near(shares[1], net:attention(long)[1].shares, 1e-14)
    near(shares[2]:narrow(2, 1, 2):narrow(3, 1, 2), net:attention(short)[1].shares, 1e-14)
    eq(shares[2]:narrow(2, 3, 2), tensor.zeros(2, 2, 4))
    eq(shares[2]:narrow(3, 3, 2), tensor.zeros(2, 4, 2))
end)

test("every place is found by its path, and nothing of the network changes", function()
    local net = nn.net("*x4 - residual[layer_norm - attention 2] - " ..
        "parallel[attention 1 name=a | @a] - 3", {seed = 1})
    local params, x = net:params():totable(), tensor.randn(5, 4, {seed = 1})
    local maps = net:attention(x)
    local paths = {}
    for i, map in ipairs(maps) do paths[i] = map.layer end
    eq(paths, {"1.2", "2.1", "2.2"})
    eq(maps[2].shares, maps[3].shares)
    eq(net:params():totable(), params)
    eq(tostring(maps):match "^[^\n]*", "[1]  layer 1.2: attention *x4 → *x4      shares 2x5x5")
end)

test("what has no attention, and what does not fit, is refused", function()
    fails(function() nn.net("2 - 1"):attention {1, 2} end,
        "looks_spec.lua:%d+: net:attention: this network has no attention")
    fails(function() drawn_net("*x4 - attention 2"):attention(tensor.zeros(2, 3)) end,
        "net:attention: ", true)
    fails(function() drawn_net("*x4 - attention 2"):attention(tensor.zeros(2, 4), 3) end,
        "one argument too many", true)
end)

-- ---- Pictures ----

local function looking()
    local net = nn.net("*x1 - attention 1", {seed = 1, dtype = "f64"})
    nn.no_grad(function()
        net[1].wq:fill_(1)
        net[1].wk:fill_(1)
    end)
    return net, tensor({{0}, {math.sqrt(math.log(3))}}, F64)
end

test("a picture has a row for each step that looks", function()
    local net, x = looking()
    local text = drawn(ASCII, plot.attention, net, x, {text = true, width = 30})
    eq(text:match "^[^\n]*", "layer 1: attention *x1 → *x1")
    -- Ten shades from 0 to 1: 1/2 is the sixth, 1/4 the third, 3/4 the eighth.
    local seen = {}
    for line in text:gmatch "[^\n]+" do
        if line:find "^[:+#]+$" then
            line = line:gsub("%++", "+"):gsub(":+", ":"):gsub("#+", "#")
            seen[#seen + 1] = line
        end
    end
    eq(seen[1], "+")
    eq(seen[#seen], ":#")
    eq(drawn(ASCII, plot, net:attention(x), {text = true, width = 30}), text)
    -- One head with its steps: quarters of a cell.
    eq(drawn(ASCII, plot.attention, net, x, {text = true, head = 1}),
        "layer 1: attention *x1 → *x1, head 1\n  1\n1 +2+2\n2 +1+3\n+4 1")
end)

test("steps that are words have their names", function()
    local path = os.tmpname()
    assert(io.open(path, "w")):write("abca"):close()
    local set = nabla.data.text(path, {steps = 3})
    os.remove(path)
    local net = nn.net("* - embedding 3 2 - attention 1 causal - 3 softmax : cross_entropy",
        {seed = 1})
    net:train(set, {epochs = 1, lr = 1e-9, progress = false})
    local text = drawn(ASCII, plot.attention, net, "abc", {text = true, head = 1})
    -- The first step looks at itself alone.
    eq(text:match "\n(a [^\n]*)", "a +4")
    eq(text:find("\nc ", 1, true) ~= nil, true)
end)

test("what is asked for and not there is said", function()
    local net, x = looking()
    fails(function() plot.attention(net, x, {head = 2}) end,
        "looks_spec.lua:%d+: plot.attention: layer 1: attention %*x1 → %*x1 has 1 head, not 2")
    fails(function() plot.attention(net, x, {layer = "3"}) end,
        "there is no attention in layer 3; it is in layer 1", true)
    fails(function() plot.attention(net, x, {example = 2}) end, "there is no example 2 of 1", true)
    fails(function() plot.attention(nn.net "2 - 1", {1, 2}) end,
        "looks_spec.lua:%d+: net:attention: this network has no attention")
    fails(function() plot.attention(3) end, "plot.attention takes a network and what it reads",
        true)
end)

spec.report()
