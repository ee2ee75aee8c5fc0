-- What only looks at a network: outputs, graphs that wait for their backward pass, traces, checks,
-- and what is refused. Each says what it gave and holds it, so that what is computed later must
-- leave it alone.

local nabla = require "nabla"
local printed = require "printed"
local nn, tensor, data = nabla.nn, nabla.tensor, nabla.data

-- Checks that try every parameter go over few.
local FEW_ROWS <const>, FEW_PARAMS <const> = 8, 120

local function check_few(p)
    if p.rows > FEW_ROWS or #p.net:params() > FEW_PARAMS then error("too large for that", 0) end
end

local function first_line(result)
    return tostring(result):match "^[^\n]*"
end

-- ---- Outputs ----

local outputs = {
    forward = function(p) p:give("output", p.net(p:other_x())) end,
    forward_one = function(p) p:give("output of one", p.net(p.x[p:random(p.rows)])) end,
    forward_rows = function(p) p:give("output of rows", p.net(p.x[{{1, p:random(p.rows)}}])) end,
    cost = function(p) p:say("cost", printed.hash(p.net:cost(p.x, p.y))) end,
    evaluate = function(p) p:say("cost", printed.hash(p.net:evaluate(p.x, p.y).cost)) end,
    no_grad = function(p)
        nn.no_grad(function() p:give("output", p.net:record(p.x)) end)
    end,
    stream = function(p)
        if #p.shape ~= 2 then error("no steps", 0) end
        local s = p.net:stream()
        for step = 1, 2 do p:give("output of a step", s(p.x[1][step])) end
    end,
}

-- ---- Graphs ----

-- What is held of a is not its graph: that ends with the backward pass, made or refused.
local function record(p, x)
    local a = p.net:record(x or p:other_x())
    p:give("recorded", a:detach())
    p:later(function() p:spend(a, x) end)
end

local graphs = {
    record = function(p) record(p) end,
    record_x = function(p) record(p, p:other_x():clone():requires_grad_()) end,
    record_and_back = function(p)
        local x = p:other_x():clone():requires_grad_()
        p:spend(p.net:record(x), x)
    end,
    waiting_one = function(p)
        if #p.waiting == 0 then return record(p) end
        table.remove(p.waiting, p:random(#p.waiting))()
    end,
}

-- ---- Insides ----

local TRACED <const> = {"z", "a", "delta", "slope", "dw", "db"}

-- What a trace has of each layer; how many there were, for by now they may be others.
local function say_trace(p, trace, layers)
    for l = 1, layers do
        for _, name in ipairs(TRACED) do
            local ok, t = pcall(function() return trace[l][name] end)
            if ok and type(t) == "userdata" then p:give("trace " .. name, t) end
        end
    end
end

local insides = {
    trace = function(p)
        local trace, layers = p.net:trace(p:other_x(), p.y), #p.net
        p:say("cost", printed.hash(trace.cost))
        p:hold("gradient of x", trace.grad_x)
        if p:chance(0.5) then say_trace(p, trace, layers) end
        p:later(function() say_trace(p, trace, layers) end)
    end,
    backprop = function(p)
        local w, b = p.net:backprop(p.x, p.y)
        for l = 1, #p.net do
            p:give("gradient of w", w[l])
            p:give("gradient of b", b[l])
        end
    end,
    gradients = function(p) p:give("gradients", p.net:grads():clone()) end,
    gradcheck = function(p)
        check_few(p)
        p:say(first_line(p.net:gradcheck(p.x, p.y)))
    end,
    numeric = function(p)
        check_few(p)
        p:give("differences", (p.net:numeric_gradient(p.x, p.y))[1])
    end,
    example_gradients = function(p) p:say(first_line(p.net:example_gradients(p.x, p.y))) end,
    why = function(p)
        p:say(printed.hash(p.net:why(p:index(), 1, data.set {x = p.x, y = p.y}).size))
    end,
    demon = function(p)
        p:say(printed.hash(p.net:demon(p:index(), 1, 0.01, p.x[1], p.y[1]).measured))
    end,
    curvature = function(p)
        check_few(p)
        p:say(first_line(p.net:curvature(p.x, p.y, {top = 1})))
    end,
    saved = function(p)
        p:with_file(function(path)
            p.net:save(path)
            local other = nn.load(path)
            p:say(printed.hash(other:params()), other:notation())
        end)
    end,
}

-- ---- Refused ----

local function refuse(p, ...)
    p:say("refused", pcall(...))
end

local refused = {
    bad_shape = function(p) refuse(p, p.net, tensor.ones(3, 1, 2, {dtype = p.dtype})) end,
    bad_dtype = function(p) refuse(p, p.net, p.x:to(p.dtype == "f32" and "f64" or "f32")) end,
    bad_y = function(p)
        refuse(p, p.net.step, p.net, p.x, tensor.ones(p.rows + 1, 2), p.optimizer)
    end,
}

return {
    {name = "outputs", share = 3, ops = outputs},
    {name = "graphs", share = 3, ops = graphs},
    {name = "insides", share = 3, ops = insides},
    {name = "refused", share = 1, ops = refused},
}
