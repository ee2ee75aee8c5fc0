-- What changes something of a network, its data or what surrounds it, by groups: share says how
-- often a group is drawn, and in it every change is as likely. A setter that is new stands here too
-- (and in tests/lua/held_spec.lua).
--
-- refits: what comes in, goes out or learns may have other sizes, so the program draws data and
-- optimizer anew. spends: what was recorded stands in its way.
-- between: may also stand between two steps under glass (learning.lua). alone: now and then what
-- such changes said before is taken off first, for many together hide what one does.

local nabla = require "nabla"
local networks = require "networks"
local printed = require "printed"
local nn, tensor = nabla.nn, nabla.tensor

-- ---- What rests ----

local freezing = {
    freeze = function(p) p.net:freeze(p:index()) end,
    freeze_all = function(p) p.net:freeze() end,
    thaw = function(p) p.net:thaw(p:index()) end,
    thaw_all = function(p) p.net:thaw() end,
    layer_frozen = function(p) p:dense().frozen = p:chance(0.7) end,
    net_frozen = function(p) p.net.frozen = p:chance(0.4) end,
    neuron_frozen = function(p) p:neuron().frozen = p:chance(0.7) end,
    find_frozen = function(p) p.net:find {layer = p:index()}.frozen = p:chance(0.6) end,
    any_frozen = function(p) p.net[p:index()].frozen = p:chance(0.5) end,
}

local tuning = {
    factor = function(p) p:dense().factor = p:pick {0, 0.5, 1, 2} end,
    net_factor = function(p) p.net.factor = p:pick {0.5, 1, 2} end,
    neuron_factor = function(p) p:neuron().factor = p:pick {0, 0.5, 1} end,
    decay = function(p) p:dense().decay = p:chance(0.5) end,
    net_decay = function(p) p.net.decay = p:chance(0.5) end,
}

local masks = {
    mask_w = function(p)
        local layer = p:dense()
        layer.mask = {w = p:tensor(layer.w.shape):gt(0)}
    end,
    mask_b = function(p)
        local layer = p:dense()
        layer.mask = {b = p:tensor(layer.b.shape):gt(0)}
    end,
    mask_element = function(p)
        local layer = p:dense()
        layer.mask = {w = tensor.ones(table.unpack(layer.w.shape))}
        layer.mask.w[{1, 1}] = 0
    end,
    mask_off = function(p) p:dense().mask = nil end,
}

-- ---- Activations ----

local activations = {
    activation = function(p) p:dense().activation = p:pick(networks.activations) end,
    activation_lua = function(p) p:dense().activation = networks.lua_activation(p) end,
    activation_all = function(p)
        for i = 1, #p.net do
            local name = p:pick {"tanh", "sigmoid", "relu"}
            pcall(function() p.net[i].activation = name end)
        end
    end,
    neuron_activation = function(p) p:neuron().activation = p:pick(networks.activations) end,
    neuron_activation_lua = function(p) p:neuron().activation = networks.lua_activation(p) end,
    find_activation = function(p)
        p.net:find {layer = p:index()}.activation = p:pick {"tanh", "relu"}
    end,
}

-- ---- Weights ----

local function element(p, t)
    local at = {}
    for i, size in ipairs(t.shape) do at[i] = p:random(size) end
    return at
end

local weights = {
    w = function(p)
        local layer = p:dense()
        layer.w = p:tensor(layer.w.shape)
    end,
    w_of_dtype = function(p)
        local layer = p:dense()
        layer.w = p:tensor(layer.w.shape, p:pick {"f32", "f64"})
    end,
    w_from_itself = function(p)
        local layer = p:dense()
        layer.w = layer.w * 0.9
    end,
    w_number = function(p) p:dense().w = 0.125 end,
    b = function(p)
        local layer = p:dense()
        layer.b = p:tensor(layer.b.shape)
    end,
    neuron_w = function(p)
        local neuron, layer = p:neuron()
        neuron.w = p:tensor {layer.w:size(2)}
    end,
    neuron_b = function(p) p:neuron().b = 0.25 end,
    params = function(p) p.net:params():mul_(0.9) end,
    gradients = function(p) p.net:grads():fill_(1) end,
    reset = function(p) p.net:reset(p:random(99)) end,
}

-- Sets one number.
local function set_one(p, t, value)
    local at = {}
    for i, size in ipairs(t.shape) do at[i] = p:random(size) end
    t[at] = value
end

local elements = {
    w_element = function(p) set_one(p, p:dense().w, 0.375) end,
    w_row = function(p)
        local w = p:dense().w
        w[p:random(w:size(1))] = 0.25
    end,
    w_rows = function(p)
        local w = p:dense().w
        local rows = p:random(w:size(1))
        w[{{1, rows}, {}}] = p:tensor {rows, w:size(2)}
    end,
    w_column = function(p) p:dense().w[{{}, {1, 1}}] = 0.5 end,
    w_in_place = function(p) p:dense().w:mul_(0.75) end,
    w_by_view = function(p) p:dense().w:t():add_(0.01) end,
    w_no_grad = function(p)
        local w = p:dense().w
        nn.no_grad(function() w:sub_(0.01) end)
    end,
    w_minus_zero = function(p) p:dense().w:mul_(-0.0) end,
    w_not_finite = function(p) set_one(p, p:dense().w, p:pick {0 / 0, math.huge}) end,
    b_element = function(p) set_one(p, p:dense().b, -0.5) end,
    param = function(p) set_one(p, p.net:params(), 0.5) end,
}

-- ---- Layers ----

local NEW_LAYERS <const> = {"5 tanh", "4 relu", "3 softmax", "6 bias=false", "7 linear", "5",
    "4 gelu", "dropout 0.2", "residual[5]", "batch_norm", "layer_norm", "net[4 - 3 tanh]"}

local layers = {
    append = function(p) p.net:append(p:pick(NEW_LAYERS)) end,
    append_dense = function(p) p.net:append(nn.dense {p:random(6), p:pick {"relu", "tanh"}}) end,
    append_function = function(p) p.net:append(function(x) return x * 2 end) end,
    replace = function(p) p.net:replace(p:index(), p:pick(NEW_LAYERS)) end,
    replace_alike = function(p) -- by one of the same sizes
        local i = p:index()
        p.net:replace(i, nn.dense {p.net[i].w:size(1), p:pick {"elu", "tanh", "relu"}})
    end,
    cut = function(p) p.net:cut(p:index()) end,
    name = function(p) p:dense().name = "n" .. p:random(99) end,
    dtype = function(p)
        local other = p.dtype == "f32" and "f64" or "f32"
        p.net:to(other)
        p.dtype = other
    end,
    loaded = function(p)
        p:with_file(function(path)
            p.net:save(path)
            p.net = nn.load(path)
        end)
    end,
}

-- ---- Sharing ----

-- A layer of the network's own list with a matrix w, its number, and how many inputs it has.
local function own_dense(p)
    local from = p:index()
    for k = 0, #p.net - 1 do
        local i = (from + k - 1) % #p.net + 1
        local w = networks.field(p.net[i], "w")
        if w and #w.shape == 2 then return p.net[i], i, w:size(2) end
    end
    error("no layer to share", 0)
end

local function named(p)
    local layer, _, inputs = own_dense(p)
    if not layer.name then layer.name = "t" .. p:random(1 << 20) end
    return layer, inputs
end

local sharing = {
    share = function(p) -- the layer stands at a second place
        local _, i, inputs = own_dense(p)
        p.net:append(nn.dense {inputs, p:pick {"tanh", "relu"}})
        p.net:append("@" .. i)
    end,
    share_last = function(p)
        p.net:append(nn.dense {p.y:size(-1), "tanh"})
        p.net:append("@" .. #p.net)
    end,
    tie = function(p) -- another layer takes its w
        local layer, inputs = named(p)
        p.net:append(nn.dense {inputs, "tanh"})
        local activation = p:pick {"relu", "linear"}
        p.net:append(("%d %s tied=%s"):format(layer.w:size(1), activation, layer.name))
    end,
    tie_replaced = function(p) -- one that stands there takes it
        local layer, inputs = named(p)
        for i = 1, #p.net do
            local w = p.net[i] ~= layer and networks.field(p.net[i], "w")
            if w and w.shape[2] == inputs and w.shape[1] == layer.w:size(1) then
                return p.net:replace(i, ("%d tied=%s"):format(w:size(1), layer.name))
            end
        end
        p.net:append(nn.dense {inputs})
    end,
    untie = function(p)
        local layer, i = own_dense(p)
        p.net:replace(i, nn.dense {layer.w:size(1), "tanh"})
    end,
}

-- ---- Networks in networks, and beside ----

local function wrap(p, behind, cost)
    local inner, entries = p.net, {p.first, p.net}
    for _, layer in ipairs(behind) do entries[#entries + 1] = layer end
    entries.cost = cost
    p.net = nn.net(entries, {dtype = p.dtype, seed = p:random(99)})
    p.inner = inner
end

local function squares(a, y)
    return ((a - y) ^ 2):mean()
end

local function nest(p)
    wrap(p, {nn.dense {4, "tanh"}, 3}, p:pick {"mse", "quadratic", "huber"})
end

local function step_beside(p, net)
    p:say("beside", printed.hash(net:step(p.x, net(p.x):detach() * 0.5, nn.sgd {lr = 0.1})))
    p:say("its params", printed.hash(net:params()))
end

local nesting = {
    nest = nest,
    nest_alone = function(p) wrap(p, {}, p:pick {"mse", "mae", "huber delta=0.5", squares}) end,
    step_inside = function(p)
        if not p.inner then nest(p) end
        step_beside(p, p.inner)
    end,
    freeze_inside = function(p)
        if not p.inner then nest(p) end
        p.inner:freeze(p:random(#p.inner))
    end,
    clone = function(p) p.net, p.copy = p.net:clone(), p.net end,
    step_copy = function(p)
        p.copy = p.copy or p.net:clone()
        step_beside(p, p.copy)
    end,
}

-- ---- Data and surroundings ----

local data = {
    rows = function(p)
        p.rows = p:pick {1, 2, 7, 8, 13, 33}
        p.data_seed = p.data_seed + 10
    end,
    turned = function(p) p.turned = not p.turned end, -- x is a view whose columns lie together
    sparse = function(p) p.sparse = p:pick {false, 0.05, 0.2, 0.5} end,
}

local surroundings = {
    zero_x = function(p) p.x = p.x * 0 end,
    scale = function(p)
        local n = p.shape[1]
        p.net.scale = {offset = p:tensor({n}, "f64"):totable(),
            factor = (p:tensor({n}, "f64"):abs() + 0.5):totable()}
    end,
    scale_off = function(p) p.net.scale = nil end,
    optimizer = function(p) p.optimizer = networks.optimizer(p) end,
    rate = function(p) p.optimizer.lr = p:pick {0.01, 0.2} end,
    threads = function(p) nabla.threads(p:random(3)) end,
    anomaly = function(p) nabla.anomaly(p:chance(0.7)) end,
    garbage = function() collectgarbage() end,
    dropped = function(p) -- nobody holds anything any more
        p.held, p.given, p.waiting = {}, 0, {}
        collectgarbage()
    end,
}

return {
    {name = "freezing", share = 4, alone = true, between = true, ops = freezing},
    {name = "tuning", share = 2, alone = true, between = true, ops = tuning},
    {name = "masks", share = 2, alone = true, between = true, ops = masks},
    {name = "activations", share = 3, between = true, ops = activations},
    {name = "weights", share = 3, spends = true, between = true, ops = weights},
    {name = "elements", share = 4, spends = true, between = true, ops = elements},
    {name = "layers", share = 4, spends = true, refits = true, ops = layers},
    {name = "sharing", share = 4, spends = true, refits = true, ops = sharing},
    {name = "nesting", share = 2, spends = true, refits = true, ops = nesting},
    {name = "data", share = 1, refits = true, ops = data},
    {name = "surroundings", share = 2, ops = surroundings},
}
