-- net:paths: sums over paths from a weight to the cost, on networks worked out by hand, against all
-- paths written out one by one, and against backpropagation on networks that chance draws.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near = spec.test, spec.eq, spec.near
local nabla = spec.nabla
local tensor, nn = nabla.tensor, nabla.nn

local F64 = {dtype = "f64"}

local function refused(part, f, ...)
    local ok, message = pcall(f, ...)
    assert(not ok, "not refused")
    if not tostring(message):find(part, 1, true) then
        error(("%s: no %q"):format(message, part), 2)
    end
end

-- The total is backpropagation's, up to rounding in sums of numbers of that size.
local function agrees(p, what)
    if not (math.abs(p.total - p.gradient) <= 1e-12 * p.size + 1e-300) then
        error(("%s: %.17g by paths, %.17g by backpropagation, size %g"):format(what, p.total,
              p.gradient, p.size), 2)
    end
end

-- ---- By hand ----

test("1-1-1: one path, x f'(z1) w2 f'(z2) (a2 - y)", function()
    local net = nn.net("1 - 1 - 1", F64)
    net[1].w, net[1].b, net[2].w, net[2].b = 0.5, 0.1, -2, 0.3
    local function s(z) return 1 / (1 + math.exp(-z)) end
    local a1 = s(0.5 * 0.8 + 0.1)
    local a2 = s(-2 * a1 + 0.3)
    local value = 0.8 * a1 * (1 - a1) * -2 * a2 * (1 - a2) * (a2 - 1)
    local p = net:paths(1, 1, 1, {0.8}, {1})
    eq(#p, 1)
    near(p[1].value, value, 1e-16)
    near(p.total, value, 1e-16)
    near(p.gradient, value, 1e-16)
    eq(p.count, 1)
    near(p.size, math.abs(value), 1e-16)
    eq(tostring(p[1].path), "1[1] → 2[1]")
    eq(p[1].path[2].layer, "2")
    eq(p[1].path[2].neuron, 1)
end)

test("2-2-1, linear: the output's weights take a path each way", function()
    -- w1 = {1 2 / 3 4}, w2 = {5 6}, x = {1, -1}, y = 0: z1 = {-1, -1}, a2 = -11, δ = -11.
    local net = nn.net("2 - 2 linear - 1 linear", F64)
    net[1].w, net[2].w = {{1, 2}, {3, 4}}, {{5, 6}}
    net[1].b, net[2].b = 0, 0
    local p = net:paths(1, 2, 1, {1, -1}, {0})
    eq(p.count, 1)
    near(p.total, 1 * 6 * -11, 1e-13)
    near(net:paths(2, 1, 2, {1, -1}, {0}).total, -1 * -11, 1e-13)
    near(net:paths(1, 1, 2, {1, -1}, {0}).total, -1 * 5 * -11, 1e-13)
    -- A layer of two more between: from w1[1][1] = x1 · {w2[1][1] w3[1], w2[2][1] w3[2]} δ.
    local deep = nn.net("2 - 2 linear - 2 linear - 1 linear", F64)
    deep[1].w, deep[2].w, deep[3].w = {{1, 2}, {3, 4}}, {{1, 0}, {-2, 1}}, {{3, 0.5}}
    deep[1].b, deep[2].b, deep[3].b = 0, 0, 0
    -- z1 = {1, 3}, z2 = {1, 1}, a3 = 3.5, y = 1.5: δ = 2; x = {1, 0}.
    local q = deep:paths(1, 1, 1, {1, 0}, {1.5})
    eq(#q, 2)
    near(q[1].value, 1 * 1 * 3 * 2, 1e-13)
    near(q[2].value, 1 * -2 * 0.5 * 2, 1e-13)
    eq(tostring(q[1].path), "1[1] → 2[1] → 3[1]")
    eq(tostring(q[2].path), "1[1] → 2[2] → 3[1]")
    near(q.total, 4, 1e-13)
    near(q.size, 8, 1e-13)
    eq(q.count, 2)
    local one = deep:paths(1, 1, 1, {1, 0}, {1.5}, {top = 1})
    eq(#one, 1)
    near(one[1].value, 6, 1e-13)
    near(one.total, 4, 1e-13)
end)

test("softmax by its Jacobian, with cross-entropy by δ alone", function()
    -- z = {log 1, log 3}: a = {1/4, 3/4}, J = {3/16 -3/16 / -3/16 3/16}; y = {0, 1}:
    -- ∇ₐC = {1/4, -1/4}. From w[1][1], x = 1: through a1 3/64, through a2 3/64.
    local net = nn.net("1 - 2 softmax : quadratic", F64)
    net[1].w, net[1].b = {{0}, {math.log(3)}}, 0
    local p = net:paths(1, 1, 1, {1}, {0, 1})
    eq(p.count, 2)
    near(p.total, 3 / 32, 1e-15)
    near(p[1].value, 3 / 64, 1e-15)
    near(p[2].value, 3 / 64, 1e-15)
    local names = {[tostring(p[1].path)] = true, [tostring(p[2].path)] = true}
    assert(names["1[1]"] and names["1[1→2]"])
    local fused = nn.net("1 - 2 softmax : cross_entropy", F64)
    fused[1].w, fused[1].b = {{0}, {math.log(3)}}, 0
    local q = fused:paths(1, 1, 1, {1}, {0, 1})
    eq(q.count, 1)
    near(q.total, 1 / 4, 1e-15)
end)

test("a residual's skip weighs 1, branches side by side, a shared layer from each place", function()
    -- z1 = 2, residual: z1 + 3 z1 = 8, y = 6: δ = 2; from w1: 1 · 1 · 2 and 1 · 3 · 2.
    local net = nn.net("1 - 1 linear - residual[1 linear]", F64)
    net[1].w, net[1].b, net[2][1].w, net[2][1].b = 2, 0, 3, 0
    local p = net:paths(1, 1, 1, {1}, {6})
    eq(#p, 2)
    near(p[1].value, 6, 1e-14)
    near(p[2].value, 2, 1e-14)
    eq(tostring(p[1].path), "1[1] → 2.1[1]")
    eq(tostring(p[2].path), "1[1]")
    -- Side by side: {3 z1, z1, -z1} into a sum with weights 1, 10, 100.
    local wide = nn.net("1 - 1 linear - parallel[1 linear | | 1 linear] - 1 linear", F64)
    wide[1].w, wide[2][1].w, wide[2][2].w, wide[3].w = 1, 3, -1, {{1, 10, 100}}
    for _, l in ipairs {wide[1], wide[2][1], wide[2][2], wide[3]} do l.b = 0 end
    -- a = 3 + 10 - 100 = -87, y = -88: δ = 1.
    local q = wide:paths(1, 1, 1, {1}, {-88})
    eq(#q, 3)
    near(q[1].value, -100, 1e-11)
    near(q[2].value, 10, 1e-11)
    near(q[3].value, 3, 1e-11)
    eq(tostring(q[2].path), "1[1] → 3[1]")
    -- w twice: a = w² x, C = ½ (a - y)²: w = 3, x = 1, y = 8: δ = 1, 3 from each use.
    local twice = nn.net("1 - 1 linear name=f bias=false - @f", F64)
    twice[1].w = 3
    local r = twice:paths(1, 1, 1, {1}, {8})
    eq(#r, 2)
    near(r[1].value, 3, 1e-14)
    near(r[2].value, 3, 1e-14)
    near(r.total, 6, 1e-14)
end)

test("a convolution's weight begins at every place, a pool passes its largest", function()
    -- x = {1 2 3 4}, w = {1, -1}: z = {-1, -1, -1}; the first of equals is the pool's.
    local net = nn.net("1x1x4 - conv 1 1x2 linear - max_pool 1x3 - flatten - 1 linear", F64)
    net[1].w, net[1].b, net[4].w, net[4].b = tensor {{{{1, -1}}}}, 0, 5, 0
    local x = tensor {{{1, 2, 3, 4}}}
    local p = net:paths(1, 1, {1, 1, 2}, x, {-6})
    eq(#p, 1)
    near(p[1].value, 2 * 5 * 1, 1e-13)
    eq(tostring(p[1].path), "1[1 at 1,1] → 4[1]")
    eq(p[1].path[1].at[2], 1)
    eq(net:paths(1, 1, 2, x, {-6}).total, p.total)
    -- avg_pool: each place a third.
    local mean = nn.net("1x1x4 - conv 1 1x2 linear - avg_pool 1x3 - flatten - 1 linear", F64)
    mean[1].w, mean[1].b, mean[4].w, mean[4].b = tensor {{{{1, -1}}}}, 0, 5, 0
    local q = mean:paths(1, 1, 1, x, {-6})
    eq(#q, 3)
    for i, value in ipairs {5, 10 / 3, 5 / 3} do near(q[i].value, value, 1e-13) end
end)

-- ---- All paths, one by one ----

-- Of a dense network: {values by text}, from the trace and the weights.
local function enumerate(net, t, k, j, x, layers)
    local all = {}
    local function go(l, i, value, text)
        text = text .. ("%d[%d]"):format(l, i)
        value = value * t[l].slope[i]
        if l == layers then
            all[#all + 1] = {value = value * t.grad_a[i], text = text}
            return
        end
        for m = 1, t[l + 1].z:numel() do
            go(l + 1, m, value * net[l + 1].w:detach()[{m, i}], text .. " → ")
        end
    end
    go(1, k, x[j], "")
    table.sort(all, function(a, b) return math.abs(a.value) > math.abs(b.value) end)
    return all
end

test("the largest of all, in order, on 40 dense networks", function()
    local f = {"sigmoid", "tanh", "softplus", "gelu relu@2", "linear", "relu"}
    for seed = 1, 40 do
        local sizes = {3, 2 + seed % 4, 2 + seed % 3, 4, 2}
        local net = nn.net(("%d - %d %s - %d %s - %d tanh - %d : quadratic"):format(sizes[1],
            sizes[2], f[1 + seed % 6], sizes[3], f[1 + seed // 6 % 6], sizes[4], sizes[5]),
            {dtype = "f64", seed = seed})
        local x = tensor.randn(3, {dtype = "f64", seed = seed})
        local y = tensor.rand(2, {dtype = "f64", seed = seed})
        local k, j = 1 + seed % sizes[2], 1 + seed % 3
        local all = enumerate(net, net:trace(x, y), k, j, x, 4)
        local some = {}
        for _, path in ipairs(all) do if path.value ~= 0 then some[#some + 1] = path end end
        for _, top in ipairs {1, 3, 10, 1000} do
            local p = net:paths(1, k, j, x, y, {top = top})
            eq(p.count, #some)
            eq(#p, math.min(top, #some))
            agrees(p, net:notation())
            for i = 1, #p do
                near(p[i].value, some[i].value, 1e-12 * math.abs(some[i].value))
                eq(tostring(p[i].path), some[i].text)
            end
        end
    end
end)

-- ---- Networks that chance draws ----

local draw = {state = 1}
function draw.number(n)
    draw.state = (draw.state * 1103515245 + 12345) % 2147483648
    return draw.state // 65536 % n + 1
end
function draw.of(list) return list[draw.number(#list)] end

local ACTS <const> = {"sigmoid", "tanh", "relu", "gelu", "softplus", "linear", "elu tanh@1",
                      "softmax"}

local function vector_item(size)
    local kind = draw.number(8)
    if kind == 1 then return ("residual[%d %s - %d tanh]"):format(2 + draw.number(3),
                                                                   draw.of(ACTS), size), size end
    if kind == 2 then return ("residual[%d tanh | %d linear]"):format(size, size), size end
    if kind == 3 then return ("parallel[2 %s | | 3 tanh - 2]"):format(draw.of(ACTS)), size + 4 end
    if kind == 4 then return "act " .. draw.of(ACTS), size end
    if kind == 5 then return ("net[3 %s - %d tanh]"):format(draw.of(ACTS), size), size end
    if kind == 6 then return "dropout 0.5", size end
    local units = 1 + draw.number(4)
    return ("%d %s"):format(units, draw.of(ACTS)), units
end

local ENDS <const> = {"3 softmax : cross_entropy", "3 softmax : quadratic", "3 : cross_entropy",
                      "3 tanh : mse", "3 linear : huber", "3 log_softmax : cross_entropy",
                      "net[3 softmax] : cross_entropy", "3 linear : cross_entropy logits=true"}

-- The notation, the shape of an example, and the shape of its targets.
local function vector_net()
    local items, size = {"4", "5 " .. draw.of(ACTS)}, 5
    for _ = 1, draw.number(4) do
        items[#items + 1], size = vector_item(size)
    end
    items[#items + 1] = draw.of(ENDS)
    return table.concat(items, " - "), {4}, {3}
end

local function space_net()
    local first = draw.of {"conv 4 3 tanh", "conv 4 2 relu padding=1",
                           "conv 4 3 stride=2 padding=1", "conv 4 2 sigmoid dilation=2", "conv_transpose 4 2 tanh",
                           "conv_transpose 4 3 gelu stride=2 padding=1 output_padding=1",
                           "conv 4 3 softmax padding=same groups=2"}
    local second = draw.of {"max_pool 2", "avg_pool 2", "max_pool 3 stride=1 padding=1",
                            "avg_pool 3x2 stride=1 padding=1", "conv 3 2 tanh",
                            "conv_transpose 6 2 softplus groups=2", "act tanh",
                            "residual[conv 4 3 tanh padding=same]",
                            "parallel[conv 2 3 padding=same tanh | ]"}
    local third = draw.of {"flatten", "global_avg_pool", "conv 2 2 tanh padding=1 - flatten"}
    return ("2x5x4 - %s - %s - %s - %s"):format(first, second, third, draw.of(ENDS)), {2, 5, 4}, {3}
end

local function steps_net()
    local first = draw.of {"4 tanh", "conv 4 2 tanh padding=causal", "conv 4 3 padding=same",
                           "4 softmax", "conv_transpose 4 3 tanh padding=1"}
    local second = draw.of {"positions", "max_pool 3 stride=1 padding=same", "residual[4 tanh]",
                            "avg_pool 3 stride=1 padding=1", "dropout 0.3", "parallel[2 | 2 tanh]"}
    if draw.number(2) == 1 then
        return ("*x3 - %s - %s - 3 softmax : cross_entropy"):format(first, second), {5, 3}, {5, 3}
    end
    local last = "global_avg_pool - " .. draw.of(ENDS)
    return ("*x3 - %s - %s - %s"):format(first, second, last), {5, 3}, {3}
end

local function targets(shape, seed)
    local y = tensor.zeros(table.unpack(shape)):to "f64"
    if #shape == 1 then
        y[1 + seed % 3] = 1
    else
        for i = 1, shape[1] do y[{i, 1 + (seed + i) % 3}] = 1 end
    end
    return y
end

test("200 networks of every kind: the total is backpropagation's, paths come in order", function()
    local makers = {vector_net, space_net, steps_net}
    for n = 1, 200 do
        local notation, x_shape, y_shape = makers[1 + n % 3]()
        local net = nn.net(notation, {dtype = "f64", seed = n})
        local sizes = {table.unpack(x_shape)}
        sizes[#sizes + 1] = {dtype = "f64", seed = n}
        local x, y = tensor.randn(table.unpack(sizes)), targets(y_shape, n)
        local w = net[1].w
        local k, before = draw.number(net[1].b:numel()), net:params():clone()
        local p = net:paths(1, k, draw.number(w:numel() // net[1].b:numel()), x, y, {top = 20})
        agrees(p, notation)
        local sum, last = 0, math.huge
        for i = 1, #p do
            local size = math.abs(p[i].value)
            assert(size > 0 and size <= last * (1 + 1e-12), notation)
            sum, last = sum + p[i].value, size
        end
        -- Where those are all, their sum is the total.
        eq(#p, math.min(20, p.count))
        if p.count <= 20 then near(sum, p.total, 1e-12 * p.size + 1e-300) end
        assert(net:params():equal(before))
    end
end)

test("every weight of a convolution, transposed and in groups, has its own gradient", function()
    for _, notation in ipairs {
        "4x3x3 - conv 4 2 tanh groups=2 - flatten - 2",
        "4x3x3 - conv_transpose 6 2 tanh groups=2 stride=2 - flatten - 2",
        "2x3x3 - conv_transpose 3 2x3 tanh - flatten - 2",
        "*x4 - conv 2 2 tanh groups=2 - global_avg_pool - 2",
    } do
        local net = nn.net(notation, {dtype = "f64", seed = 3})
        local steps = notation:sub(1, 1) == "*"
        local x = steps and tensor.randn(3, 4, {dtype = "f64", seed = 1})
                  or tensor.randn(notation:match("^%d") + 0, 3, 3, {dtype = "f64", seed = 1})
        local units, seen = net[1].b:numel(), {}
        local inputs = net[1].w:numel() // units
        for k = 1, units do
            for j = 1, inputs do
                local p = net:paths(1, k, j, x, {0, 1})
                agrees(p, notation)
                seen[#seen + 1] = p.gradient
            end
        end
        -- All of dw, each once.
        local dw = net:trace(x, {0, 1})[1].dw:flatten():totable()
        table.sort(dw)
        table.sort(seen)
        for i = 1, #dw do eq(seen[i], dw[i]) end
    end
end)

test("tied weights, embeddings, layers behind what no path goes through", function()
    local tied = nn.net("* - embedding 5 4 name=e - 4 tanh - 5 softmax tied=e : cross_entropy",
                        {dtype = "f64", seed = 1})
    local x, y = tensor {2, 5, 2}, tensor {3, 1, 2}
    for k = 1, 5 do
        for j = 1, 4 do agrees(tied:paths(3, k, j, x, y), "tied") end
    end
    local after = nn.net("*x2 - lstm 3 last - layer_norm - 4 tanh - 2", {dtype = "f64", seed = 1})
    agrees(after:paths(3, 2, 1, tensor.randn(3, 2, {dtype = "f64", seed = 1}), {0, 1}), "behind")
end)

test("functions of Lua as activations, also such that mix neurons", function()
    local cube = nn.activation {name = "cube_for_paths", f = function(z) return z * z * z end}
    local mixed = nn.activation {name = "mixed_for_paths", f = function(z)
        return z * z:sum(z:dim(), {keep = true})
    end}
    local net = nn.net({3, nn.dense {4, cube}, nn.dense {3, mixed}, nn.dense {2, "tanh"}}, F64)
    local x = tensor.randn(3, {dtype = "f64", seed = 4})
    for k = 1, 4 do agrees(net:paths(1, k, 2, x, {0, 1}), "lua") end
end)

-- ---- What is refused ----

test("what there is not, and what no path goes through, is said", function()
    local net = nn.net("3 - 4 - 2", F64)
    local x, y = {1, 2, 3}, {0, 1}
    refused("top must be a whole number from 1 to 10000, not 0", net.paths, net, 1, 1, 1, x, y,
            {top = 0})
    refused("top must be", net.paths, net, 1, 1, 1, x, y, {top = 10001})
    refused("no option 'tpo'; did you mean 'top'?", net.paths, net, 1, 1, 1, x, y, {tpo = 1})
    refused("there is no input 4; there are 3", net.paths, net, 1, 1, 4, x, y)
    refused("there is no neuron 5; there are 4", net.paths, net, 1, 5, 1, x, y)
    refused("there is no layer 3; there are 2", net.paths, net, 3, 1, 1, x, y)
    refused("an input of layer 1 is named by 1 number, not 0", net.paths, net, 1, 1, {}, x, y)
    local space = nn.net("2x3x3 - conv 1 2 - flatten - 2", F64)
    refused("an input of layer 1 is named by 3 numbers, not 2", space.paths, space, 1, 1, {1, 2},
            tensor.ones(2, 3, 3), y)
    refused("net:paths: the cost is nan: x of example 1, column 2 is nan", net.paths, net, 1, 1, 1,
            {1, 0 / 0, 3}, y)
    refused("net:paths: paths are those of one example, not of 2",
            net.paths, net, 1, 1, 1, tensor.ones(2, 3), {1, 2})
    local function through(items, what, shape)
        local n = nn.net(items, F64)
        refused(what, n.paths, n, 1, 1, 1, tensor.ones(table.unpack(shape)), {0, 1})
    end
    through("*x3 - 4 - lstm 3 last - 2", "layer 2 is lstm, ", {2, 3})
    through("*x3 - 4 - attention 2 - global_avg_pool - 2", "layer 2 is attention, ", {2, 3})
    through("3 - 4 - layer_norm name=norm - 2", "layer 2 (norm) is layer_norm, ", {3})
    through("3 - 4 - residual[batch_norm] - 2", "layer 2.1 is batch_norm, ", {3})
    through({3, nn.dense {4}, nn.fn {f = function(a) return a * 2 end, name = "double"}, 2},
            "layer 2 (double) is fn, ", {3})
    local table_too = nn.net("*x4 - positions 4 name=p - 4 linear tied=p", F64)
    refused("layer 1 (p) is positions, ", table_too.paths, table_too, 2, 1, 1, tensor.ones(3, 4),
            tensor.ones(3, 4))
    local act = nn.net("3 - act tanh - 2", F64)
    refused("layer 1 is act, which has no weights", act.paths, act, 1, 1, 1, x, y)
    local pool = nn.net("1x2x2 - max_pool 2 - flatten - 2", F64)
    refused("layer 1 is max_pool, which has no neurons", pool.paths, pool, 1, 1, 1,
            tensor.ones(1, 2, 2), y)
end)

test("it prints the largest and how much of all they are", function()
    local net = nn.net("3 - 4 name=hidden - 5 tanh - 2", {dtype = "f64", seed = 1})
    net[2]:neuron(3).name = "third"
    local text = tostring(net:paths(1, 2, 3, {1, 2, 3}, {0, 1}, {top = 3}))
    assert(text:find("∂C/∂w[1][2][3] = ", 1, true) and text:find("the sum over 10 paths", 1, true))
    assert(text:find("hidden[2] → 2[", 1, true))
    assert(text:find("these 3 are ", 1, true))
    assert(tostring(net:paths(1, 2, 3, {1, 2, 3}, {0, 1})):find("2[third] →", 1, true))
    local relu = nn.net("1 - 1 relu - 1", F64)
    relu[1].w, relu[1].b = -1, 0
    local none = relu:paths(1, 1, 1, {1}, {0})
    eq(#none, 0)
    eq(none.total, 0)
    eq(tostring(none), "∂C/∂w[1][1][1] = 0: no path; its input is 0, or a slope or weight on every "
                       .. "way")
    local named = nn.net("2 - 3 tanh - 2", {dtype = "f64", seed = 1})
    named:train(nabla.data.set {x = {{1, 2}, {2, 1}}, y = {1, 2}, classes = {"cat", "dog"}},
                {epochs = 1, batch = 1, progress = false})
    local cat = tostring(named:paths(1, 3, 2, {1, 2}, {1, 0}))
    assert(cat:find("1[3] → 2[1 = cat]", 1, true) and cat:find("2[2 = dog]", 1, true))
    local deep = nn.net("1 - 9*[1 tanh]", {dtype = "f64", seed = 1}):paths(1, 1, 1, {1}, {0})
    local first, last = "1[1] → 2[1] → 3[1] → 4[1] → ", "7[1] → 8[1] → 9[1]"
    assert(tostring(deep):find(first .. "… 2 … → " .. last, 1, true))
    eq(tostring(deep[1].path), first .. "5[1] → 6[1] → " .. last)
end)

spec.report()
