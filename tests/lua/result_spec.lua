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
    refused(net:gradcheck(some:take(2)), "BP5", "what net:gradcheck gives has no field 'BP5'; did")
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
    refused(h, "accuracy", "a history has no field 'accuracy'; here that is h.test, or h.valid")
    refused(net:evaluate(some), "loss", "here that is 'cost'")
    refused(t, "delta", "a trace has no field 'delta'; here that is t[l].delta of layer l")
    refused(t[0], "z", "t[0], the input, has no field 'z'; here that is t[l].z of layer l")
    refused(net, "w", "result_spec.lua:")
    refused(net, "w", "a network has no field 'w'; here that is net[l].w of layer l")
    for _, value in ipairs {h, t, net:evaluate(some), some, net[1], tensor.ones(3), data} do
        refused(value, "plot", " has no field 'plot'; here that is plot(x), a function")
    end
    refused(net, "plot", "a network has no field 'plot'; here that is net:show(), or plot(net)")
    refused(t, "grad", "a trace has no field 'grad'")
end)

-- Each entry of the table of other tools' fields (base/foreign.c) is met by something of its kind.
test("what stands elsewhere is said by all that lack it", function()
    local t = net:trace(some)
    local samples = {any = net[1], net = net, layer = net[1], set = digits, x = tensor.ones(2),
        nn = nn, data = data, tensor = tensor, trace = t, ["trace input"] = t[0],
        evaluation = net:evaluate(some),
        history = net:train(digits.train:take(50), {epochs = 1, progress = false})}
    local met, i = {}, 1
    while nabla._book.foreign(i) do
        local word, here = nabla._book.foreign(i)
        local kind, key = word:match "^([%a ]+)%.([%w_]+)$"
        if kind then
            refused(samples[kind], key, (" has no field '%s'; here that is %s"):format(key, here))
            met[kind] = true
        end
        i = i + 1
    end
    for kind in pairs(samples) do assert(met[kind], kind) end
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

spec.report()
