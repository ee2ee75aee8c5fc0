-- learn(), its steps: every step's commands and answers against sums worked out in plain numbers,
-- the words on wrong answers, and networks of the user's.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec, notes = require "spec", require "notes"
local test, eq, near = spec.test, spec.eq, spec.near
local nabla = spec.nabla
local learn, nn, data, tensor = nabla.learn, nabla.nn, nabla.data, nabla.tensor
local said, contains, answered, begin = notes.said, notes.contains, notes.answered, notes.begin
local in_hand, check_step = notes.in_hand, notes.check_step
local STEPS <const>, ANSWERS <const> = notes.STEPS, notes.ANSWERS

-- ---- The small network ----

begin()
for _, name in ipairs(STEPS) do
    test("the step " .. name .. " on the small network: right and wrong answers", function()
        local _, right = check_step(name, {"sigmoid", "sigmoid"}, true)
        if type(right) ~= "number" or name == "fast" then return end
        contains(answered(right * 1.004), "Right.")
        contains(answered(tensor({{right}}, {dtype = "f64"})), "Right.")
        contains(answered {right * 0.996}, "Right.")
        contains(answered(("%.6g"):format(right)), "Right.")
        contains(answered(right * 1.02), "near, but not to three figures")
        contains(answered(right * 3.1), "learn.hint() says where to look")
        contains(answered(0 / 0), "NaN")
        contains(answered {right, right}, "The answer is one number; this is a vector of 2.")
    end)
end

test("each of three patients comes in turn", function()
    local seen = {}
    for _ = 1, 3 do
        local _, right = check_step("why", {"sigmoid", "sigmoid"})
        seen[right] = true
    end
    eq(seen, {quiet = true, saturated = true, unasked = true})
end)

test("whole numbers are asked for to the last one", function()
    said(learn, "fast")
    contains(answered(47719), "near")
    contains(answered(47640), "The biases")
    contains(answered(47720.0), "Right.")
end)

test("what is shown is what comes out, and can be typed as it stands", function()
    begin()
    for _, name in ipairs(STEPS) do
        local page = said(learn, name)
        local command, values
        local function check()
            local chunk = load("return " .. (command or "nil")) or load(command)
            local out = table.pack(chunk())
            local texts = {}
            for i, v in ipairs(out) do
                local is_list = type(v) == "table" and getmetatable(v) == nil
                texts[i] = is_list and "{" .. table.concat(v, ", ") .. "}" or tostring(v)
            end
            local is_long = table.concat(texts):find("\n", 1, true)
            local text = table.concat(texts, is_long and "\n" or "\t")
            -- Times are measured anew.
            if command and not command:find "gradcheck" and out.n > 0 and text ~= "nil" then
                eq(values, text)
            end
        end
        for line in page:gmatch "(.-)\n" do
            local typed = line:match "^∇ (.*)" or line:match "^nabla> (.*)"
            if typed or line == "" then
                check()
                command, values = typed, nil
            elseif command then
                values = values and values .. "\n" .. line or line
            end
        end
    end
end)

test("a step fits a window of 24 rows and 80 columns", function()
    begin()
    local long = {}
    for _, name in ipairs(STEPS) do
        local page, rows = said(learn, name), 0
        for line in page:gmatch "(.-)\n" do
            -- Lines of the gradient check may be longer: they take the room of two.
            local wide = utf8.len(line) > 80
            rows = rows + (wide and 2 or 1)
            if wide and name ~= "fast" then error(name .. ": " .. line) end
        end
        if rows > 22 then long[#long + 1] = name .. " " .. rows end
    end
    eq(long, {})
end)

test("the figures that the pages show are those of the notes", function()
    begin()
    said(learn, "BP2")
    local p = in_hand {"sigmoid", "sigmoid"}
    near(_G.t[1].z, p.t[1].z)
    near(_G.t[2].delta, p.t[2].delta)
    near(_G.t[1].delta, p.t[1].delta)
    said(learn, "algorithm")
    near(_G.nabla_w[1][{2, 1}], (p.passes[1][1].delta[2] * p.passes[1][0].a[1] +
        p.passes[2][1].delta[2] * p.passes[2][0].a[1] +
        p.passes[3][1].delta[2] * p.passes[3][0].a[1]) / 3)
end)

-- ---- Networks of the user's ----

-- Notations with their activations by layer; sizes, depth and f that the small network has not.
local OWN <const> = {
    {"5 - 4 tanh - 3", {"tanh", "sigmoid"}},
    {"3 - 4 - 4 tanh - 2", {"sigmoid", "tanh", "sigmoid"}},
    {"2 - 3 - 1", {"sigmoid", "sigmoid"}},
    {"20 - 15 - 12", {"sigmoid", "sigmoid"}},
    {"4 - 4 linear - 4", {"linear", "sigmoid"}},
}
for i, own in ipairs(OWN) do
    test("every step on a network of one's own, " .. own[1], function()
        begin()
        said(learn, {net = nn.net(own[1], {seed = 40 + i, dtype = i % 2 == 0 and "f64" or "f32"})})
        for _, name in ipairs(STEPS) do check_step(name, own[2]) end
        eq(rawequal(learn.net, _G.net), true)
    end)
end

test("the session's net and its set are used, and said, and stay what they are", function()
    begin()
    net = nn.net("64 - 12 - 10", {seed = 3})
    digits = data.digits()
    net:backprop(digits:take(2))
    local params, notation, own = net:params():clone(), net:notation(), net
    local grads = net:grads():clone()
    nabla.seed(5)
    local random = tensor.rand(4):totable()
    nabla.seed(5)
    learn_first = said(learn, "matrix")
    contains(learn_first, "net is yours, 64 - 12 sigmoid - 10 sigmoid : quadratic")
    contains(learn_first, "its examples from digits")
    learn_first = nil
    for _, name in ipairs(STEPS) do check_step(name, {"sigmoid", "sigmoid"}) end
    eq(rawequal(net, own), true)
    assert(net:params():equal(params) and net:grads():equal(grads))
    eq(net:notation(), notation)
    eq(tensor.rand(4):totable(), random)
    eq(rawequal(learn.net, own), true)
end)

test("answers follow the network when it learns", function()
    begin()
    net = nn.net("3 - 4 - 2", {seed = 1})
    said(learn, "matrix")
    local page = said(learn, "matrix")
    net[1].w = net[1].w:detach() * 7
    local right = ANSWERS.matrix(in_hand {"sigmoid", "sigmoid"}, page)
    contains(answered(right), "Right.")
    net[1].w = net[1].w:detach() * 7
    contains(answered(12345), "computed anew")
    contains(answered(right * 7), "Right.")
end)

test("what needs dense layers says so, and takes the small network", function()
    begin()
    local reasons = {
        {"1x8x8 - conv 2 3 relu - flatten - 10 softmax : cross_entropy", "more than dense layers"},
        {"3x4 - lstm 5 last - 2", "more than dense layers (lstm)"},
        {"64 - 10", "has one layer only"},
        {"64 - 5 - 10 softmax : cross_entropy", "has a softmax"},
        {"64 - 5 - 10 : cross_entropy", "has the cost cross_entropy"},
        {"64 - residual[64] - 10", "more than dense layers (residual)"},
        {"1 - 5 - 1", "has a single input"},
        {"64 - 5 frozen - 10", "holds weights back (frozen, a mask, a factor)"},
        {"64 - 5 bias=false - 10", "has a layer without biases"},
        {"*x4 - 5 - 3", "takes *x4, not one row of numbers"},
        {"64 - 5 - dropout 0.5 - 10", "more than dense layers (dropout)"},
    }
    for _, one in ipairs(reasons) do
        net = nn.net(one[1], {seed = 1})
        local own = net
        local page = said(learn, "BP2")
        contains(page, "your network " .. "")
        contains(page, one[2])
        contains(page, "learn.net[2].w:t()")
        eq(learn.net:notation(), "2 - 3 sigmoid - 2 sigmoid : quadratic")
        eq(rawequal(net, own), true)
        contains(answered(ANSWERS.BP2(in_hand {"sigmoid", "sigmoid"})), "Right.")
    end
end)

test("what any network can serve for is shown on any network with a set", function()
    begin()
    net = nn.net("1x8x8 - conv 2 3 relu - flatten - 10 softmax : cross_entropy", {seed = 1})
    contains(said(learn, "cost"), "has no set here whose examples it takes")
    local digits = data.digits()
    pictures = data.set {x = digits.x:reshape(#digits, 1, 8, 8), y = digits.y}
    contains(said(learn, "cost"), "net is yours")
    local costs = 0
    for i = 1, 3 do costs = costs + net:cost(pictures[i]) end
    contains(answered(costs / 4), "Right.")
    contains(said(learn, "fast"), "BP4 ok")
    contains(answered(47720), "Right.")
    pictures = nil
    net = nn.net("64 - 100 - 10", {seed = 1})
    contains(said(learn, "fast"), "has 7510 parameters, for which differences take 15020 passes")
end)

spec.report()
