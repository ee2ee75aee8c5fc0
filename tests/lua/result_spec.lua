-- Results are tables that know their fields: what none of their kind has is an error with the
-- nearest name, what this one lacks is nil.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

local digits = data.digits()
local net = nn.net("64 - 12 - 10", {seed = 1})
local some = digits.test:take(20)

local function refused(value, key, words)
    fails(function() return value[key] end, words, true)
end

test("what a kind of results has not is an error that names the nearest", function()
    local h = net:train(digits.train, {epochs = 1, seed = 1, progress = false})
    refused(h, "cots", "result_spec.lua:")
    refused(h, "cots", "a history has no field 'cots'; did you mean 'cost'?")
    refused(h, "sav", "a history has no field 'sav'; did you mean 'save'?")
    refused(h, "nonsense", "a history has no field 'nonsense'")
    refused(net:evaluate(some), "acuracy", "an evaluation has no field 'acuracy'; did you mean 'acc")
    refused(net:evaluate(some), "correctt", "did you mean 'correct'?")
    refused(net:why(1, 2, some), "imputs", "what net:why gives has no field 'imputs'; did you")
    refused(net:demon(1, 2, 0.1, some[1]), "radios", "what net:demon gives has no field 'radios'")
    refused(net:gradcheck(some:take(2)), "BP5", "what net:gradcheck gives has no field 'BP5'; it has BP1, ")
    refused(net:paths(1, 2, 20, some[1], {top = 2}), "totl", "did you mean 'total'?")
    refused(net:example_gradients(some), "nois", "did you mean 'noise'?")
    refused(net:example_gradients(some), "roww", "did you mean 'row'?")
    refused(net:classify(some[1], {top = 2})[1], "valu", "an answer has no field 'valu'; did you")
    refused(net:backprop(some), "deltas", "a list of gradients has no field 'deltas'")
    refused(some[1], "lable", "an example has no field 'lable'")
    refused(digits:standardize().scale, "ofset", "a scale has no field 'ofset'; did you mean 'off")
    local small = nn.net("2 - 2", {seed = 1})
    refused(small:curvature({{1, 2}, {3, 4}}, {1, 2}), "larges", "a curvature has no field 'larges'")
end)

test("words of other tools and of a result's parts say where that is", function()
    local h = net:train(digits.train:take(50), {epochs = 1, seed = 1, progress = false})
    local t = net:trace(some)
    refused(h, "loss", "a history has no field 'loss'; here that is 'cost'")
    refused(net:evaluate(some), "loss", "here that is 'cost'")
    refused(t, "delta", "a trace has no field 'delta'; here that is t[l].delta of layer l")
    refused(t[0], "z", "t[0], the input, has no field 'z'; here that is t[l].z of layer l")
    refused(net, "w", "result_spec.lua:")
    refused(net, "w", "a network has no field 'w'; here that is net[l].w of layer l")
    for _, value in ipairs {h, t, net:evaluate(some), some, net[1], tensor.ones(3), data} do
        refused(value, "plot", " has no field 'plot'; here that is plot(x), a function")
    end
    refused(net, "plot", "a network has no field 'plot'; here that is net:show(), or plot(net)")
    refused(t, "grads", "a trace has no field 'grads'; here that is t[l].dw and t[l].db of layer l")
    refused(t[1], "grads", "layer 1 of a trace has no field 'grads'; here that is t[l].dw and t[l].")
    refused(h, "losses", "a history has no field 'losses'; here that is h.cost")
end)

-- Each entry of the table of other tools' fields (base/foreign.c) is met by something of its kind.
test("what stands elsewhere is said by all that lack it", function()
    local t = net:trace(some)
    local runs = nn.sweep {net = "64 - 10", set = some, lr = {1}, epochs = 1, progress = false}
    local samples = {any = net[1], net = net, layer = net[1], set = digits, x = tensor.ones(2),
        nn = nn, data = data, tensor = tensor, trace = t, ["trace input"] = t[0],
        evaluation = net:evaluate(some), ["trace layer"] = t[1], sweep = runs, run = runs[1],
        trainer = net:trainer(digits.train, {lr = 1}),
        diagnosis = net:diagnose(some, {budget = 0, epochs = 1, progress = false}),
        history = net:train(digits.train:take(50), {epochs = 1, progress = false})}
    local met, i = {}, 1
    while nabla._book.foreign(i) do
        local word, here = nabla._book.foreign(i)
        local kind, key = word:match "^([%a ]+)%.([%w_]+)$"
        if kind then
            local words = (" has no field '%s'; here that is "):format(key)
            refused(samples[kind], key, words)
            local _, message = pcall(function() return samples[kind][key] end)
            met[kind] = met[kind] or {}
            met[kind][word] = met[kind][word] or message:find(words .. here, 1, true) ~= nil
        end
        i = i + 1
    end
    for kind in pairs(samples) do assert(met[kind], kind) end
    for _, words in pairs(met) do
        for word, said in pairs(words) do assert(said, word) end
    end
end)

test("of several places those are named that are there, and have something in them", function()
    local function trained(o)
        o.epochs, o.seed, o.progress = 1, 1, false
        return nn.net("64 - 10", {seed = 1}):train(digits.train:take(50), o)
    end
    refused(trained {}, "acc", "here that is h.test, of a run with {test = set} whose y is classes")
    refused(trained {test = some}, "acc", "here that is h.test")
    fails(function() return trained {test = some}.acc end, "h%.test$")
    fails(function() return trained {valid = some}.acc end, "here that is h%.valid$")
    fails(function() return trained {valid = some, test = some}.acc end, "is h%.test or h%.valid$")
    refused(trained {test = some}, "val_loss", "here that is h.valid_cost, of a run with {valid = s")
    fails(function() return net:evaluate(some).acc end, "here that is e%.accuracy$")
    refused(nn.net("2 - 1"):evaluate({{1, 2}}, {{3}}), "acc", "is e.accuracy, where y is classes")
end)

test("where no name is near, few fields are listed, those that are there", function()
    local none = "has no field 'nonsense'"
    refused(net:trace(some), "nonsense", none .. "; it has cost, grad_a, grad_x, show and x")
    refused(net:trace(some)[1], "nonsense", "; it has a, db, delta, dw, jacobian, show, slope and z")
    refused(net:demon(1, 2, 0.1, some[1]).radius, "nonsense", none .. "; it has above and below")
    refused(net:why(1, 2, some).cures[1], "nonsense", none .. "; it has change, factor, size and ")
    refused(nn.relu, "nonsense", none .. "; it has df and name")
    refused(nn.net("2 - 1"):evaluate({{1, 2}}, {{3}}), "nonsense", "; it has cost, examples and show")
    fails(function() return net.nonsense end, none .. "$")
    fails(function() return digits.nonsense end, none .. "$")
    fails(function() return tensor.ones(2).nonsense end, none .. "$")
    refused(net:evaluate(some), "losses", "an evaluation has no field 'losses'; here that is e.cost")
end)

test("fields that not every one has are nil, and so is what no list holds", function()
    local h = net:train(digits.train:take(50), {epochs = 1, seed = 1, progress = false})
    for _, name in ipairs {"metrics", "flow", "best", "converged", "stopped", "note"} do
        eq(h[name], nil)
    end
    eq(h[1], nil)
    eq(h.epochs, 1)
    local e = nn.net("2 - 1"):evaluate({{1, 2}}, {{3}})
    for _, name in ipairs {"accuracy", "correct", "answers", "confusion", "metrics", "began"} do
        eq(e[name], nil)
    end
    eq(net:trace(some)[3], nil)
    eq(net:gradcheck(some:take(2)).blame, nil)
    h.mine = "a remark"
    eq(h.mine, "a remark")
end)

test("a result prints what is left of it", function()
    local h = net:train(digits.train:take(50), {epochs = 2, seed = 1, progress = false})
    h.valid, h.valid_cost, h.cost, h.seconds = nil, nil, nil, nil
    assert(tostring(h):find "epoch")
    local e = net:evaluate(some)
    e.cost, e.answers = nil, nil
    assert(tostring(e):find "accuracy")
end)

test("a layer of a trace has d and the names of its parameters, and of others none", function()
    local deep = nn.net("4x4 steps - layer_norm - lstm 3 last - dropout 0.5 - 2", {seed = 1})
    local t = deep:trace(tensor.randn(4, 4, {seed = 1}), {1, 0})
    eq(t[1].dgain:dim(), 1)
    refused(t[1], "dwx", "layer 1 of a trace has no field 'dwx'")
    refused(t[2], "dgain", "layer 2 of a trace has no field 'dgain'")
    refused(t[4], "dlta", "layer 4 of a trace has no field 'dlta'; did you mean 'delta'?")
    eq(t[3].dw, nil)
    eq(t[2].db:dim(), 1)
    eq(t[3][1], nil)
    eq(type(t[4].jacobian), "function")
end)

test("a step that is half done has the fields of a trace", function()
    local t = nn.net("64 - 10", {seed = 1}):trainer(digits.train, {lr = 1, seed = 1})
    local half = t:step "layer"
    refused(half, "stepp", "a trace has no field 'stepp'")
    refused(half, "z", "here that is t[l].z of layer l")
    refused(half[1], "zz", "layer 1 of a trace has no field 'zz'; did you mean 'z'?")
    eq(half.step, 1)
end)

test("a sweep and its runs know their fields; an option that was not asked for is nil", function()
    local runs = nn.sweep {net = "64 - 10", set = digits.train:take(50), lr = {0.1, 1}, epochs = 1,
        valid = some, metrics = {{"top_k"}}, progress = false}
    refused(runs, "bst", "a sweep has no field 'bst'; did you mean 'best'?")
    refused(runs[1], "lrr", "result_spec.lua:")
    refused(runs[1], "lrr", "a run of a sweep has no field 'lrr'; did you mean 'lr'?")
    refused(runs[1], "tpo_k", "did you mean 'top_k'?")
    for _, name in ipairs {"test", "test_cost", "error", "batch", "momentum"} do
        eq(runs[1][name], nil)
    end
    eq(runs[2].lr, 1)
    eq(runs.stopped, nil)
    eq(runs[3], nil)
    refused(runs:sort(), "askd", "a sweep has no field 'askd'; did you mean 'asked'?")
end)

-- ---- Parts ----

test("what stands in a result knows its fields as well, and says whose they are", function()
    local h = net:train(digits.train:take(100), {epochs = 2, seed = 1, progress = false,
        metrics = {"top_k"}, test = some, flow = true})
    refused(h.metrics, "topk", ".metrics of a history has no field 'topk'; did you mean 'top_k'?")
    refused(h.cost, "last", "result_spec.lua:")
    refused(h.cost, "last", ".cost of a history has no field 'last'; it is a list of 2")
    refused(h.flow[1], "detla", "[i] of a flow has no field 'detla'; did you mean 'delta'?")
    local w = net:why(1, 2, some)
    refused(w.median, "imputs", ".median of what net:why gives has no field 'imputs'; did you mean")
    refused(w.cures, "kind", (".cures of what net:why gives has no field 'kind'; it is a list of " ..
        "%d"):format(#w.cures))
    refused(w.cures[1], "fctor", ".cures[i] of what net:why gives has no field 'fctor'; did you")
    local g = net:gradcheck(some:take(2))
    refused(g.BP1, "wors", ".BP1 of what net:gradcheck gives has no field 'wors'; did you mean 'wo")
    refused(g.seconds, "bakprop", "did you mean 'backprop'?")
    local p = net:paths(1, 2, 20, some[1], {top = 2})
    refused(p[1], "valu", "[i] of what net:paths gives has no field 'valu'; did you mean 'value'?")
    refused(p[1].path[1], "lyer", "[i] of a path has no field 'lyer'; did you mean 'layer'?")
    refused(net:evaluate(some).recall, "mean", ".recall of an evaluation has no field 'mean'; it is")
    refused(net:evaluate(some, {metrics = {"top_k"}}).metrics, "topk", "did you mean 'top_k'?")
    refused(net:example_gradients(some).most[1], "nrm", "did you mean 'norm'?")
    local d = net:demon(1, 2, 0.1, some[1])
    refused(d.radius, "abov", ".radius of what net:demon gives has no field 'abov'; did you mean")
    local c = nn.net("2 - 2", {seed = 1}):curvature({{1, 2}, {3, 4}}, {1, 2})
    refused(c.layers[1], "larges", ".layers[i] of a curvature has no field 'larges'; did you mean")
    local one = nn.net("2 - 1", {seed = 1})
    local found = one:influence(data.xor(), {test = data.xor(), epochs = 1, seed = {1, 2}})
    refused(found.changes[1], "x", ".changes[i] of what net:influence gives has no field 'x'; it is")
    refused(found.helped, "x", ".helped of what net:influence gives has no field 'x'; it is")
end)

test("what stands in a list of lists is one part, however deep", function()
    local deep = nn.net("4 - residual[4 - residual[4]] - 2", {seed = 1})
    local t = deep:train(tensor.randn(9, 4, {seed = 1}), tensor.rand(9, 2, {seed = 2}),
        {epochs = 1, seed = 1, progress = false, flow = true}).flow
    refused(t[1][2][1], "detla", "[i] of a flow has no field 'detla'; did you mean 'delta'?")
    assert(rawequal(getmetatable(t[1]), getmetatable(t[1][2][1])))
end)

test("a part may lack what not every one has", function()
    local w = net:why(1, 2, some)
    for _, cure in ipairs(w.cures) do eq(cure.to and cure.by and cure.by == 0 or nil, nil) end
    eq(net:paths(1, 2, 20, some[1], {top = 1})[1].path[1].out, nil)
    local c = nn.net("2 - 2", {seed = 1}):curvature({{1, 2}, {3, 4}}, {1, 2})
    eq(c.layers[1].smallest, nil)
    local h = nn.net("64 - 10 softmax", {seed = 1}):train(digits.train:take(50),
        {epochs = 1, seed = 1, progress = false, flow = true})
    eq(h.flow[1].saturated, nil)
    local unclassed = nn.net("2 - 1", {seed = 1}):example_gradients({{1, 2}, {3, 4}}, {1, 2})
    eq(unclassed.most[1].class, nil)
end)

test("parts are plain tables else", function()
    local w, h = net:why(1, 2, some), net.history
    eq(rawlen(w.cures), #w.cures)
    eq(w.cures[#w.cures + 1], nil)
    local keys = {}
    for name in pairs(w.median) do keys[#keys + 1] = name end
    eq(#keys, 6)
    w.median.mine = "a remark"
    eq(w.median.mine, "a remark")
    assert(tostring(w.median):find "^table: ")
    eq(w.median == w.median, true)
    eq(tensor(h.cost).shape[1], #h.cost)
    eq(select("#", table.unpack(h.cost)), #h.cost)
    table.sort(h.cost)
    eq(w.median[1], nil)
    eq(w.median[true], nil)
end)

test("a diagnosis knows its causes, layers and budget; its figures stay as they are", function()
    local d = nn.net("64 - 20 - 10", {seed = 1}):diagnose(digits.train:take(200),
        {epochs = 5, lr = 0.1, seed = 1, budget = {runs = 40}, progress = false})
    refused(d[1], "evidnce", "a cause has no field 'evidnce'; did you mean 'evidence'?")
    refused(d.tried, "kind", ".tried of a diagnosis has no field 'kind'; it is a list of ")
    refused(d.tried[1], "gian", "a cause has no field 'gian'; did you mean 'gain'?")
    refused(d.noticed[1], "kinds", "a cause has no field 'kinds'; did you mean 'kind'?")
    eq(d.noticed[1].confirmed and true, nil)
    refused(d.layers[1], "satured", ".layers[i] of a diagnosis has no field 'satured'; did you mean")
    eq(d.layers[2].ratio, nil)
    refused(d.base, "men", ".base of a diagnosis has no field 'men'; did you mean 'mean'?")
    eq(d.budget.seconds, nil)
    eq(d.figures.anything, nil)
    eq(getmetatable(d.figures), nil)
    eq(getmetatable(d.figures.o), nil)
    assert(tostring(d.noticed[1]):find "^table: ")
end)

test("the parts of a sweep's runs know their fields", function()
    local runs = nn.sweep {net = "64 - 10", set = digits.train:take(50), lr = {0.1, 1}, epochs = 1,
        seed = {1, 2}, valid = some, metrics = {{"top_k"}}, progress = false}
    refused(runs[1].options, "lrr", "result_spec.lua:")
    refused(runs[1].options, "lrr", ".options of a run of a sweep has no field 'lrr'; did you mean")
    eq(runs[1].options.momentum, nil)
    eq(runs[1].options.lr, 0.1)
    refused(runs[1].metrics, "topk", ".metrics of a run of a sweep has no field 'topk'; did you")
    local means = runs:mean()
    refused(means[1].spread, "tst", ".spread of a run of a sweep has no field 'tst'; did you mean '")
    eq(means[1].spread.test, nil)
    assert(means[1].spread.top_k)
    refused(means[1].runs, "lr", ".runs of a run of a sweep has no field 'lr'; it is a list of 2")
end)

test("what is asked of a trainer knows its fields", function()
    local t = nn.net("64 - 10", {seed = 1}):trainer(digits.train, {lr = 1, seed = 1})
    local w, c = t:watch(function() return 1 end, "one"), t:stop_when "step >= 2"
    t:step(3)
    refused(w, "valus", "a watch has no field 'valus'; did you mean 'values'?")
    eq(w.root, nil)
    refused(c, "txet", "a condition has no field 'txet'; did you mean 'text'?")
    eq(c.fails, nil)
    refused(t.stopped, "stp", "t.stopped has no field 'stp'; did you mean 'step'?")
    eq(t.stopped.layer, nil)
    refused(t:watch(), "text", "what t:watch() gives has no field 'text'; it is a list of 1")
    refused(t:stop_when(), "text", "what t:stop_when() gives has no field 'text'; it is a list of 1")
    refused(t:watch(false), "text", "what t:watch() gives has no field 'text'; it is empty")
    local b = t:bisect(function() return true end)
    refused(b, "stp", "a bisection has no field 'stp'; did you mean 'step'?")
end)

spec.report()
