-- t:step("layer"): every stop shows what training computes, when it is known; the update has the
-- bits of t:step(); and nothing changes inside a step that is half done.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local nn, tensor = nabla.nn, nabla.tensor

local stops = require "stops"
local HALF <const> = stops.HALF
local numbers, run_of, made = stops.numbers, stops.run_of, stops.made
local through, same_state = stops.through, stops.same_state

-- ---- The same bits ----

local NETS <const> = {
    "4 - 5 tanh - 2",
    "4 - 6 relu - batch_norm - dropout 0.4 - 2",
    "4 - residual[layer_norm - 4 tanh - dropout 0.3] - 2",
    "4 - 4 name=a - net[5 - 4] - 4 frozen - @a - 2",
    "4 - parallel[3 | dropout 0.5 - 3 sin] - 2",
}

test("stops make the step that one call makes, on every kind of network", function()
    for _, notation in ipairs(NETS) do
        for _, o in ipairs {{}, {optimizer = "adam"}, {momentum = 0.9, accumulate = 2},
            {l2 = 0.1, clip = 1, weights = tensor.rand(23, {seed = 4})}} do
            local t, u = run_of(made(notation), o), run_of(made(notation), o)
            for _ = 1, 7 do
                through(t)
                u:step()
                same_state(t, u)
            end
        end
    end
end)

test("what the stops show is what backpropagation gives where the mode changes nothing", function()
    local net = made "4 - 5 tanh - 2"
    local t = run_of(net, {shuffle = false})
    local x, y = numbers(23, 4, 2)
    local wanted = net:trace(x:narrow(1, 1, 5), y:narrow(1, 1, 5))
    for _ = 1, 3 do t:step "layer" end
    local s = t:step "layer"
    eq(s.cost, wanted.cost)
    eq(s.x, wanted.x)
    eq(s[0].a, wanted[0].a)
    for _, name in ipairs {"grad_a", "grad_x"} do eq(s[name], wanted[name]) end
    for l = 1, 2 do
        for _, name in ipairs {"z", "a", "slope", "delta", "dw", "db"} do
            eq(s[l][name], wanted[l][name])
        end
        eq(s[l]:jacobian(2), wanted[l]:jacobian(2))
    end
    net:backprop(x:narrow(1, 1, 5), y:narrow(1, 1, 5))
    eq(net:grads():totable(), tensor.cat({s[1].dw:flatten(), s[1].db, s[2].dw:flatten(), s[2].db},
        1):totable())
end)

-- What dropout of a half leaves is doubled; of what batch_norm gives each column has the mean 0
-- over the batch, whatever the running figures are.
test("the pass is one of learning: dropout drops, running figures wait", function()
    local t = run_of(made "4 - 40 linear - dropout 0.5 - batch_norm - 2")
    local mean = t.net[3].mean:clone()
    local s
    for _ = 1, 8 do s = t:step "layer" end
    local kept = s[2].a:ne(0):to "f32"
    local share = kept:mean():item()
    assert(share > 0.3 and share < 0.7, share)
    eq(s[2].a, s[1].a * kept * 2)
    near(s[3].a:mean(1):abs():max():item(), 0, 1e-5)
    assert(t.net[3].mean:equal(mean))
    t:step "layer"
    assert(not t.net[3].mean:equal(mean))
end)

test("functions of Lua that draw, and augment, see in the stops what the update sees", function()
    local calls = 0
    local function runs(o)
        local net = nn.net {4, nn.fn {f = function(x) return x + tensor.randn(x.shape[1], 4) end},
            5, 2, seed = 7}
        nabla.seed(11)
        return run_of(net, o)
    end
    local function shaken(x)
        calls = calls + 1
        return x + 0.1 * tensor.randn(x.shape[1], 4)
    end
    local t = runs {augment = shaken}
    for _ = 1, 6 do
        t:step "layer"
        tensor.randn(3) -- at the prompt
        local s = through(t)
        eq(s[1].a.shape[1], s.batch == 5 and 3 or 5)
    end
    eq(calls, 6)
    local after = t.net:params():clone()
    local u = runs {augment = shaken}
    u:step(6)
    assert(u.net:params():equal(after))
end)

-- ---- When what is known ----

test("each thing comes at its stop, and before it an error says when", function()
    local net = made "4 - residual[layer_norm - 4 tanh] - 2"
    local t = run_of(net)
    local s = t:step "layer"
    eq({s.step, s.epoch, s.batch, s.way, s.layer}, {1, 1, 1, "forward", "1.1"})
    s = t:step "layer"
    assert(s[1][1].z and s[1][2].a and s.layer == "1.2")
    fails(function() return s[1].a end,
        'a of layer 1 is not known yet; it comes with 1 stop more of t:step("layer")', true)
    fails(function() return s.cost end, "the cost is not known yet; it comes with 2 stops", true)
    fails(function() return s.grad_a end, "grad_a is not known yet; it comes with 2 stops", true)
    fails(function() return s.grad_x end, "grad_x is not known yet; it comes with 6 stops", true)
    fails(function() return s[2].delta end, "delta of layer 2 is not known yet; it comes", true)
    fails(function() return s[1][2].dw end, "dw of layer 1.2 is not known yet; it comes with", true)
    fails(function() return s[2]:jacobian(1) end, "jacobian of layer 2 is not known yet", true)
    eq(rawget(s, "cost"), nil)
    eq(run_of(made "4 - 2"):step("layer").layer, 1)
    fails(function() return s.nothing end, "a trace has no field 'nothing'", true)
    fails(function() return s[2].nothing end, "layer 2 of a trace has no field 'nothing'", true)
    eq(s[3], nil)
    eq(t:step "layer", s)
    t:step "layer"
    assert(s.cost and s.grad_a)
    t:step "layer"
    assert(s[2].delta and s[2].dw and not rawget(s[1], "delta"))
    t:step "layer"
    assert(s[1].delta and not rawget(s[1][2], "delta"))
    t:step "layer"
    assert(s[1][2].dw and not rawget(s[1][1], "delta"))
    fails(function() return s.grad_x end, "it comes with 1 stop more", true)
    t:step "layer"
    assert(s[1][1].delta and s[1][1].dgain and s.grad_x)
    eq(t.step_number, 0)
    eq(t:step "layer", s)
    eq(t.step_number, 1)
    eq(s.way, "whole")
end)

test("what cannot be read is said at the line that asked for it", function()
    local function softmax()
        return nn.net("4 - 3 tanh - 2 softmax : cross_entropy", {seed = 1})
    end
    local net = softmax()
    local t = run_of(net, {batch = 4})
    local s = t:step "layer"
    local here = "half_spec%.lua:%d+: "
    fails(function() nabla.plot(s[2]) end, here .. "plot: a of layer 2 is not known yet; it comes")
    fails(function() return s[2].a end, here .. "a of layer 2 is not known yet")
    t:step "layer"
    fails(function() return s[2].slope end, here .. "layer 2: each output of softmax depends")
    local whole = softmax():trace(numbers(4, 4, 2))
    fails(function() return whole[2].slope end, here .. "layer 2: each output of softmax depends")
end)

-- Gradients of a layer at two places add, so they are whole where the pass back is through both.
test("gradients of shared layers and tied weights come with the last of their places", function()
    local t = run_of(made "4 - 4 name=a - @a - 2")
    local s
    for _ = 1, 5 do s = t:step "layer" end
    assert(s[2].delta and not rawget(s[2], "dw"))
    fails(function() return s[2].dw end, "dw of layer 2 is not known yet; it comes with 1", true)
    t:step "layer"
    assert(s[1].dw:equal(s[2].dw))
    local net = nn.net("* - embedding 5 4 name=e - 5 softmax tied=e : cross_entropy", {seed = 1})
    local x = tensor {{1, 2, 3}, {2, 3, 4}}
    t = net:trainer(x, x, {batch = 2, seed = 1, lr = 0.1})
    for _ = 1, 3 do s = t:step "layer" end
    assert(s[2].db)
    fails(function() return s[2].dw end, "it comes with 1 stop more", true)
    t:step "layer"
    assert(s[1].dw:equal(s[2].dw))
end)

test("of several batches that make a step each has its table", function()
    local t = run_of(made "4 - 3 - 2", {accumulate = 3})
    local tables, stops = {}, 0
    repeat
        local s = t:step "layer"
        tables[s] = s.batch
        stops = stops + 1
    until t.step_number > 0
    eq(stops, 3 * 4 + 1)
    local batches = {}
    for s, batch in pairs(tables) do
        batches[#batches + 1] = batch
        assert(s[1].dw)
    end
    table.sort(batches)
    eq(batches, {1, 2, 3})
    eq(t.batch_number, 3)
    -- what the epoch has left is the next step
    local _, rest = through(t)
    eq(rest, 2 * 4 + 1)
    eq(t.epoch_number, 1)
end)

-- ---- How it prints ----

test("it prints what is known, and where it is", function()
    local t = run_of(made "4 - 3 - 2")
    local s = t:step "layer"
    eq(tostring(s), "step 1 (epoch 1, batch 1): forward to layer 1; next layer 2\ncost not yet\n" ..
        "[0]  a 5x4\n[1]  z 5x3  a 5x3  slope 5x3  <\n[2]")
    t:step "layer"
    assert(tostring(s):find("^step 1 %(epoch 1, batch 1%): forward to layer 2; next back to " ..
        "layer 2\ncost %d"))
    t:step "layer"
    assert(tostring(s):find("back to layer 2; next layer 1", 1, true))
    t:step "layer"
    assert(tostring(s):find("back to layer 1; next the update", 1, true))
    assert(tostring(t):find("^step 0 · before epoch 1 · lr [%d.]+\ninside step 1, back at layer 1\n"))
    t:step "layer"
    assert(tostring(s):find("^step 1 %(epoch 1, batch 1%): whole\n"))
    assert(not tostring(t):find "inside")
end)

test("a picture of it shows what is known", function()
    local t = run_of(made "4 - 3 - 2")
    local s = t:step "layer"
    local text = require("nabla.plot.strips").read(s, {})
    eq(#text, 3)
    eq(#text[2].strips, 1)
    assert(text[3].title:find(": not yet$"))
    eq(#text[3].strips, 0)
    local _, told = require("nabla.plot.strips").read(s, {})
    eq(told[1], "step 1 (epoch 1, batch 1): forward to layer 1; next layer 2")
    for _ = 1, 3 do t:step "layer" end
    text, told = require("nabla.plot.strips").read(s, {})
    eq(#text[2].strips, 2)
    assert(told[2]:find "^cost ")
end)

-- ---- Ends ----

test("t:step, t:epoch and t:run make the step first, from any stop", function()
    for stops = 1, 6 do
        for _, way in ipairs {"step", "step3", "epoch", "run"} do
            local t, u = run_of(made(NETS[2])), run_of(made(NETS[2]))
            t:step(2)
            u:step(2)
            local s
            for _ = 1, stops do s = t:step "layer" end
            for _, v in ipairs {t, u} do
                if way == "step3" then v:step(3) else v[way](v) end
            end
            same_state(t, u)
            eq(s.way, "whole")
            assert(s[1].dw)
        end
    end
end)

test("t:epoch from inside an epoch's last step ends that epoch and no other", function()
    local t = run_of(made "4 - 3 - 2")
    t:epoch()
    eq(t.step_number, 5)
    t:seek(0)
    t:step(4)
    t:step "layer"
    t:epoch()
    eq(t.epoch_number, 1)
    eq(#t.history.cost, 1)
    t:step "layer"
    t:epoch()
    eq(t.epoch_number, 2)
end)

test("t:back and t:seek drop it, and what was shown says so", function()
    local t, u = run_of(made(NETS[2])), run_of(made(NETS[2]))
    t:step(6)
    local at6 = t.net:params():clone()
    local s = t:step "layer"
    t:back(0)
    assert(t.net:params():equal(at6))
    assert(tostring(s):find("forward to layer 1, not gone on with", 1, true))
    fails(function() return s[1].delta end, "delta of layer 1 never came", true)
    t:step "layer"
    t:back(2)
    eq(t.step_number, 4)
    t:step "layer"
    t:seek(6)
    assert(t.net:params():equal(at6))
    through(t)
    u:step(7)
    same_state(t, u)
    -- a step that is on record is gone through as it was made
    t:back(3)
    through(t)
    t:seek(7)
    same_state(t, u)
end)

test("t:save leaves it half done, and writes the last whole step", function()
    local t, path = run_of(made "4 - 3 - 2"), os.tmpname()
    t:step(3)
    t:step "layer"
    t:save(path)
    fails(function() t.net:reset() end, HALF, true)
    local u = run_of(made "4 - 3 - 2", {resume = path})
    os.remove(path)
    eq(u.step_number, 3)
    t:step()
    u:step()
    assert(t.net:params():equal(u.net:params()))
end)

test("a trainer that is collected inside a step lets its network go", function()
    local net = made "4 - 3 - 2"
    do
        local t = run_of(net)
        t:step "layer"
        fails(function() net:reset() end, HALF, true)
    end
    net:reset() -- looks for it before it refuses
    net[1].w[{1, 1}] = 3
end)

test("optimizers on the whole set are refused by name", function()
    for _, name in ipairs {"lbfgs", "cg", "lm"} do
        local x, y = numbers(23, 4, 2)
        local t = made("4 - 3 - 2 linear : mse"):trainer(x, y, {optimizer = name, seed = 1})
        fails(function() t:step "layer" end, name .. " looks at the whole set several times", true)
        t:step()
        t.net:reset()
    end
end)

test("a step that is not finite is dropped with the error of t:step", function()
    local net = made "4 - 3 relu - 2 linear : mse"
    local x, y = numbers(10, 4, 2)
    local t = net:trainer(x, y, {batch = 5, lr = 1, seed = 1})
    net[1].w[{1, 1}] = 1 / 0
    local s = t:step "layer"
    for _ = 1, 3 do t:step "layer" end
    assert(s.cost ~= s.cost or s.cost == 1 / 0)
    fails(function() t:step "layer" end, "epoch 1, batch 1", true)
    net:reset()
    t:step()
    assert(tostring(s):find "not gone on with")
end)

test("words and counts that are none are refused", function()
    local t = run_of(made "4 - 3 - 2")
    fails(function() t:step "layers" end, "'layers' is none of these", true)
    fails(function() t:step(nil) end, "nil is none of these", true) -- quotes were forgotten
    fails(function() t:step("layer", 2) end, "one argument too many", true)
    fails(function() t:step(0) end, "must be a whole number from 1", true)
end)

spec.report()
