-- learn(): every step's commands and answers against sums worked out here in plain numbers, the
-- words on wrong answers, names of the session's own, other networks, and going on another day.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local learn, nn, data, tensor = nabla.learn, nabla.nn, nabla.data, nabla.tensor

local STEPS <const> = {
    "matrix", "cost", "product", "BP1", "BP2", "BP3", "BP4", "algorithm", "neuron", "linear",
    "quiet", "saturated", "why", "fast",
}

-- What f prints, without colours: standard output is no terminal here.
local function said(f, ...)
    local lines, loud = {}, print
    print = function(text) lines[#lines + 1] = text end
    local fine, message = pcall(f, ...)
    print = loud
    if not fine then error(message, 0) end
    return table.concat(lines, "\n") .. "\n"
end

local function contains(text, words)
    -- Words may be broken over lines.
    if text:gsub("%s+", " "):find(words, 1, true) then return end
    error(("%q is not in %q"):format(words, text), 2)
end

local function answered(x)
    return said(learn.answer, x)
end

-- The session as it was: no names of a lesson's, no network given.
local NAMES <const> = {
    "net", "some", "x", "y", "t", "u", "s", "d", "batch", "other", "w", "asked", "ill", "sick",
    "moved", "nabla_w", "nabla_b", "answer", "digits",
}
local function begin()
    for _, name in ipairs(NAMES) do _G[name] = nil end
    said(learn.reset)
end

-- ---- The notes in plain numbers ----

local F <const> = {
    sigmoid = function(z) return 1 / (1 + math.exp(-z)) end,
    tanh = function(z) return (math.exp(z) - math.exp(-z)) / (math.exp(z) + math.exp(-z)) end,
    linear = function(z) return z end,
    relu = function(z) return math.max(z, 0) end,
}
local SLOPE <const> = {
    sigmoid = function(z) return F.sigmoid(z) * (1 - F.sigmoid(z)) end,
    tanh = function(z) return 1 - F.tanh(z) ^ 2 end,
    linear = function() return 1 end,
    relu = function(z) return z > 0 and 1 or 0 end,
}

-- A network as lists of numbers; `f` names the activation of each layer.
local function plain(net, f)
    local layers = {}
    for l = 1, #net do
        layers[l] = {w = net[l].w:totable(), b = net[l].b:totable(), f = f[l]}
        layers[l].of = {} -- activations of single neurons
    end
    return layers
end

-- z, a, slope and δ of every layer for one example, δ of the quadratic cost; C.
local function pass(layers, x, y)
    local t = {[0] = {a = x}}
    for l, layer in ipairs(layers) do
        local z, a, slope = {}, {}, {}
        for j, row in ipairs(layer.w) do
            z[j] = layer.b[j]
            for k, weight in ipairs(row) do z[j] = z[j] + weight * t[l - 1].a[k] end
            local f = layer.of[j] or layer.f
            a[j], slope[j] = F[f](z[j]), SLOPE[f](z[j])
        end
        t[l] = {z = z, a = a, slope = slope, delta = {}, asked = {}}
    end
    t.cost = 0
    for l = #layers, 1, -1 do
        for j = 1, #t[l].z do
            local asked = 0
            if l == #layers then
                asked = t[l].a[j] - y[j]
                t.cost = t.cost + asked ^ 2 / 2
            else
                for i, row in ipairs(layers[l + 1].w) do
                    asked = asked + row[j] * t[l + 1].delta[i]
                end
            end
            t[l].asked[j], t[l].delta[j] = asked, asked * t[l].slope[j]
        end
    end
    return t
end

-- The network in hand as plain numbers, its first example's pass, and those of all three.
local function in_hand(f)
    local p = {layers = plain(learn.net, f), passes = {}}
    local xs, ys = learn.some.x:totable(), learn.some.y:totable()
    for i = 1, 3 do p.passes[i] = pass(p.layers, xs[i], ys[i]) end
    p.t, p.x, p.y = p.passes[1], xs[1], ys[1]
    p.L, p.H = #p.layers, #p.layers - 1
    return p
end

local function map(list, f)
    local out = {}
    for i, v in ipairs(list) do out[i] = f(v, i) end
    return out
end

-- Numbers that a page names, by a pattern over its text.
local function asked_for(page, pattern)
    local question = page:gsub("%s+", " ")
    local found = {question:match(pattern)}
    if #found == 0 then error(("%q is not asked in %q"):format(pattern, page), 2) end
    return table.unpack(map(found, function(n) return tonumber(n) end))
end

-- For each step: what is right on p, and answers that errors of thought give with words that must
-- answer them.
local ANSWERS = {}

function ANSWERS.matrix(p, page)
    local k, j = asked_for(page, "Number (%d+) of .- z of neuron (%d+) of layer 1")
    local w = p.layers[1].w[j][k]
    return 0.1 * w, {{w, "That is the weight"}, {0.1 * w + p.layers[1].b[j], "The bias is in z"},
        {p.t[1].z[j] + 0.1 * w, "That is the new z"},
        {0.1 * w * p.t[1].slope[j], "That is what its output a grows by"}}
end

function ANSWERS.cost(p)
    local sum = p.passes[1].cost + p.passes[2].cost + p.passes[3].cost
    return sum / 4, {{sum / 3, "the mean is taken over four"}, {sum, "That is the sum of the C_x"},
        {sum / 12, "C of the three is a mean already"}, {sum / 3 * 4 / 3, "it becomes less"}}
end

function ANSWERS.product(p)
    local off = map(p.t[p.L].a, function(a, i) return p.y[i] - a end)
    return map(off, function(v) return v * v / 2 end), {{p.t.cost, "a dot product"},
        {map(off, function(v) return v * v end), "The ½ is missing"},
        {map(off, function(v) return v / 2 end), "is to be squared"},
        {map(off, function(v) return map(off, function(u) return u * v / 2 end) end),
            "an outer product"}}
end

function ANSWERS.BP1(p)
    local t = p.t[p.L]
    local off = map(t.a, function(a, i) return a - (1 - p.y[i]) end)
    local right = map(off, function(v, i) return v * t.slope[i] end)
    return right, {{off, "the slope is missing"}, {t.delta, "That is δ for y as it is"},
        {map(right, function(v) return -v end), "The sign is turned"},
        {map(off, function(v, i) return v * t.a[i] end), "The second factor is f'(z)"},
        {map(right, function(v, i) return v * t.slope[i] end), "The slope comes once"}}
end

local function columns(w)
    return map(w[1], function(_, k)
        local sum = 0
        for _, row in ipairs(w) do sum = sum + row[k] end
        return sum
    end)
end

function ANSWERS.BP2(p)
    local asked, h = columns(p.layers[p.L].w), p.t[p.H]
    local right, sum = map(asked, function(v, k) return v * h.slope[k] end), 0
    for _, v in ipairs(right) do sum = sum + v end
    return right, {{asked, "is missing"}, {h.delta, "with the δ of layer"},
        {map(asked, function(v, k) return v * h.a[k] end), "not its output"},
        {sum, "That is their sum"},
        {map(p.layers[p.L].w, function(row)
            local of_row = 0
            for _, v in ipairs(row) do of_row = of_row + v end
            return of_row
        end), "Those are sums along the rows"}}
end

function ANSWERS.BP3(p, page)
    local i = asked_for(page, "of neuron (%d+) of layer")
    local one = map(p.passes, function(t) return t[p.L].delta[i] end)
    local sum = one[1] + one[2] + one[3]
    return sum / 3, {{sum / 9, "it is in twice"}, {one[1] / 3, "the share of the first example"},
        {sum, "the sum of the examples' own gradients"}, {one[1], "the first example alone"},
        {map(p.passes[1][p.L].delta, function(_, o)
            return (p.passes[1][p.L].delta[o] + p.passes[2][p.L].delta[o] +
                p.passes[3][p.L].delta[o]) / 3
        end), "neuron " .. i .. " alone was asked for"}}
end

function ANSWERS.BP4(p, page)
    local k, j = asked_for(page, "Let input (%d+) .- by which neuron (%d+) of layer 1")
    local a, delta = p.t[0].a[k], p.t[1].delta[j]
    return 3 * a * delta, {{a * delta, "That is the gradient as it is"},
        {3 * delta, "δ alone is the gradient of the bias"},
        {3 * a * delta * p.t[1].slope[j], "The slope is in δ already"},
        {3 * p.layers[1].w[j][k] * delta, "The weight itself is not in its gradient"},
        {-3 * a * delta, "The sign is turned"}}
end

function ANSWERS.algorithm(p, page)
    local j, k = asked_for(page, "by which neuron (%d+) of layer 1 hears input (%d+)")
    local sum = 0
    for _, t in ipairs(p.passes) do sum = sum + t[0].a[k] * t[1].delta[j] end
    local first = p.t[0].a[k] * p.t[1].delta[j]
    return -0.5 * sum / 3, {{0.5 * sum / 3, "That goes up"}, {sum / 3, "That is the gradient"},
        {-sum / 3, "η is missing"}, {-0.5 * sum / 9, "is in the gradient already"},
        {-0.5 * sum, "C is their mean"}, {-0.5 * first, "the first example alone"},
        {p.layers[1].w[j][k] - 0.5 * sum / 3, "That is the weight after the step"}}
end

function ANSWERS.neuron(p, page)
    local h, l = asked_for(page, "Neuron (%d+) of layer (%d+) gets an f of its own")
    local f = page:match 'activation = "(%a+)"'
    local z, old = p.t[l].z[h], p.t[l].slope[h]
    local own = SLOPE[f](z)
    return old / own, {{own / old, "turn it over"}, {old, "That is the old slope"},
        {own, "That is the right slope"}, {1, "The two slopes are not the same"},
        {p.t[l].a[h] / F[f](z), "Those are the outputs"}}
end

function ANSWERS.linear(p)
    for _, layer in ipairs(p.layers) do layer.f = "linear" end
    local u = pass(p.layers, p.x, p.y)
    local last, h = u[p.L], u[p.H]
    local from_a = map(h.delta, function(_, k)
        local sum = 0
        for i, row in ipairs(p.layers[p.L].w) do sum = sum + row[k] * last.a[i] end
        return sum
    end)
    return h.delta, {{last.delta, "That is δ of layer"}, {from_a, "y, is missing"},
        {map(h.delta, function(v) return -v end), "The sign is turned"},
        {map(h.delta, function(v, k) return v * p.t[p.H].slope[k] end), "Here it is 1"}}
end

function ANSWERS.quiet(p, page)
    local j, k, m = asked_for(page, "go into neuron (%d+) .- input (%d+) and one from input (%d+)")
    local a, w = p.t[0].a, p.layers[1].w[j]
    return a[k] / a[m], {{a[m] / a[k], "Turned over"}, {1, "δ is the same for both"},
        {w[k] / w[m], "Those are the weights"}, {a[k] * p.t[1].delta[j], "Divide it by the second"}}
end

function ANSWERS.saturated(p, page)
    local h, l = asked_for(page, "takes neuron (%d+) of layer (%d+)")
    p.layers[l].b[h], p.layers[l].of[h] = 9, "sigmoid"
    local u = pass(p.layers, p.x, p.y)
    local asked = u[l].asked[h]
    return asked / 4, {{asked, "is not 1"}, {asked / 2, "½ is σ(0)"}, {0.25, "That is the slope"},
        {u[l].delta[h], "at the flat end"}, {u[l].delta[h] / 4, "The flat slope is still in"}}
end

-- Which of the three factors has shrunk most, in the copy that learn() made.
function ANSWERS.why(p, page)
    local j = asked_for(page, "now neuron (%d+) of layer 1 hardly learns")
    local f = map(p.layers, function(layer) return layer.f end)
    local ill = plain(learn.ill, f)
    if tostring(learn.ill[1]:neuron(j).activation) == "sigmoid" then ill[1].of[j] = "sigmoid" end
    local u = pass(ill, learn.sick:totable(), p.y)
    local shrunk, names = {}, {"quiet", "saturated", "unasked"}
    local function loudest(t) return math.max(table.unpack(map(t[0].a, math.abs))) end
    shrunk[1] = loudest(u) / loudest(p.t)
    shrunk[2] = math.abs(u[1].slope[j] / p.t[1].slope[j])
    shrunk[3] = math.abs(u[1].asked[j] / p.t[1].asked[j])
    local least = math.min(table.unpack(shrunk))
    assert(least < 0.05)
    local right, wrong = nil, {}
    local words = {"it hears what it always heard", "it could follow well enough", "it is asked"}
    for i, value in ipairs(shrunk) do
        if value == least then right = names[i] else wrong[#wrong + 1] = {names[i], words[i]} end
    end
    return right, wrong
end

function ANSWERS.fast()
    -- 784 · 30 weights and 30 biases, 30 · 10 weights and 10 biases: 23,860, each turned both ways.
    return 47720, {{23860, "each is turned up and down"}, {23861, "the one-sided way"},
        {47640, "The biases are parameters too"}, {2, "forward and back"}}
end

-- One step on the network in hand: its answers. Returns what the step showed. An error of thought
-- may be right, or look like another, by chance, unless `strict`.
local function check_step(name, f, strict)
    local page = said(learn, name)
    local right, wrong = ANSWERS[name](in_hand(f), page)
    contains(said(learn.hint), "")
    for _, one in ipairs(wrong) do
        local reply = answered(one[1])
        if strict then contains(reply, one[2]) end
        assert(not reply:find "^That is not it")
    end
    local reply = answered(right)
    if not reply:find "^Right" then
        error(("%s: %s was refused: %s"):format(name, tostring(right), reply), 0)
    end
    return page, right, wrong
end

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
            local texts = map(out, function(v)
                return type(v) == "table" and getmetatable(v) == nil and
                    "{" .. table.concat(v, ", ") .. "}" or tostring(v)
            end)
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

-- ---- Names ----

test("names that the session has stay its own, and others are shown", function()
    begin()
    t, x, net, answer, nn_before = 5, "mine", {1}, 7, nn
    local nn_own = nn
    nn = {}
    local page = said(learn, "BP2")
    contains(page, "learn.t = learn.net:trace(learn.x, y)")
    contains(page, "learn.answer(…)")
    eq({t, x, net, answer}, {5, "mine", {1}, 7})
    d = 8
    contains(said(learn, "fast"), "learn.net:count()")
    said(learn, "BP2")
    eq(d, 8)
    local right = ANSWERS.BP2(in_hand {"sigmoid", "sigmoid"})
    contains(said(learn.answer, right), "Right.")
    nn, nn_before = nn_own, nil
end)

test("what comes behind a right answer is shown, and a ; is quiet", function()
    begin()
    local page = said(learn, "algorithm")
    local p = in_hand {"sigmoid", "sigmoid"}
    local reply = answered(ANSWERS.algorithm(p, page))
    assert(reply:find "other:step%(some, {lr = 0.5}%);\n%S+ other%[1%]")
    local change, before, after = reply:match "\n(%S+)\n%S+ net:cost[^\n]*\n(%S+)%s+(%S+)\n"
    near(tonumber(change), (ANSWERS.algorithm(p, page)), 1e-4)
    near(tonumber(before), (p.passes[1].cost + p.passes[2].cost + p.passes[3].cost) / 3)
    assert(tonumber(after) < tonumber(before))
end)

test("a name that the user gives another value is the user's from then on", function()
    begin()
    said(learn, "BP2")
    eq(rawequal(t, learn.t), true)
    t = 3
    contains(said(learn, "BP3"), "learn.t = net:trace(x, y)")
    eq(t, 3)
end)

test("in a Lua that has only the module nothing becomes a global", function()
    begin()
    local kept = _G.learn
    _G.learn = nil
    local page = said(learn, "BP2")
    _G.learn = kept
    contains(page, "nabla.learn.t = nabla.learn.net:trace(nabla.learn.x, nabla.learn.y)")
    contains(page, 'nabla.learn.answer(…) · nabla.learn.hint() · nabla.learn.next() · ' ..
        'nabla.help "BP2"')
    eq(t, nil)
    eq(net, nil)
end)

-- ---- Going through ----

test("learn() goes on where an answer was right, and only there", function()
    begin()
    contains(said(learn), "fourteen steps")
    contains(said(learn), "1 of 14")
    contains(said(learn), "1 of 14")
    contains(answered(99), "That is not it")
    contains(said(learn), "1 of 14")
    contains(answered(ANSWERS.matrix(in_hand {"sigmoid", "sigmoid"}, said(learn))),
        "learn() goes on: 2 of 14")
    contains(said(learn), "2 of 14")
    contains(said(learn.next), "3 of 14")
    contains(said(learn.back), "2 of 14")
    contains(said(learn, 14), "14 of 14")
    contains(said(learn.next), "1 of 14 are answered")
    contains(said(learn, "bp4"), "7 of 14 · BP4")
    contains(said(learn, "hadamard"), "3 of 14")
    contains(said(learn, 1), "1 of 14, answered")
    contains(said(learn.back), "1 of 14")
    contains(said(learn.list), "9 neuron")
end)

test("what was shown is not answered, until the step is shown anew", function()
    begin()
    said(learn, "cost")
    contains(said(learn.hint), "What do the three cost together?")
    contains(said(learn.hint), "learn.solve() shows a way")
    local text = said(learn.solve)
    local right = ANSWERS.cost(in_hand {"sigmoid", "sigmoid"})
    near(tonumber(text:match "\n(%S+)\n"), right)
    contains(text, "learn() goes on: 3 of 14")
    answered(right)
    said(learn, 14)
    contains(said(learn.next), "0 of 14 are answered")
    said(learn, "cost")
    answered(right)
    said(learn, 14)
    contains(said(learn.next), "1 of 14 are answered")
end)

test("without a value the last result is the answer", function()
    begin()
    said(learn, "cost")
    _ENV._ = ANSWERS.cost(in_hand {"sigmoid", "sigmoid"})
    contains(said(learn.answer), "Right.")
    _ENV._ = nil
    fails(function() said(learn.answer) end, "answer takes what you found: answer(x)", true)
end)

test("answers of other kinds", function()
    begin()
    said(learn, "cost")
    contains(answered(nil), "That is nil")
    contains(answered "net[1].w", "without quotes")
    contains(answered(print), "not a function")
    contains(answered {}, "")
    contains(answered {"a"}, "not a table")
    contains(answered(true), "not true")
    contains(answered(net), "not a network")
    contains(answered(1 / 0), "That is not it")
    said(learn, "why")
    contains(answered(3), "A word is asked for")
    contains(answered "tired", "none of those words")
    fails(function() said(learn.answer, 1, 2) end, "answer takes one value", true)
end)

test("what is refused", function()
    fails(function() learn(0) end, "learn: the steps are 1 to 14, not 0", true)
    fails(function() learn(15) end, "the steps are 1 to 14, not 15", true)
    fails(function() learn(1.5) end, "the steps are 1 to 14, not 1.5", true)
    fails(function() learn "BP5" end, "learn has no step 'BP5'; they are matrix, cost, product",
        true)
    fails(function() learn(1, 2) end, "learn takes one argument", true)
    fails(function() learn(true) end, "not true", true)
    fails(function() learn {nett = 1} end, "learn has no option 'nett'; it has net, set", true)
    fails(function() learn {net = 3} end, "net must be a network, not 3", true)
    fails(function() learn {net = "small", set = data.xor()} end, "examples of its own", true)
    fails(function() learn {net = nn.net "3 - 2 - 1", set = data.xor()} end,
        "the network does not take the set's examples", true)
    fails(function() learn.hint(1) end, "learn.hint takes no argument", true)
    fails(function() return learn.hnt end, "learn has no field 'hnt'; did you mean 'hint'?", true)
    local message = fails(function() learn(99) end, "learn_spec.lua:")
    assert(message:find "^[^\n]*learn_spec.lua:%d+: learn: the steps")
end)

test("a failing command leaves the course where it was", function()
    begin()
    said(learn, "cost")
    local loud, right = print, ANSWERS.cost(in_hand {"sigmoid", "sigmoid"})
    print = function(text)
        if text:find "gradcheck%(" then error "stopped" end
    end
    local fine = pcall(learn, "fast")
    print = loud
    eq(fine, false)
    contains(said(learn), "14 of 14")
    contains(answered(47720), "Right.")
    said(learn, "cost")
    contains(answered(right), "Right.")
end)

-- ---- Another day ----

-- The program started again with a home of its own, running a line of Lua.
local function run(home, code, before)
    local script = os.tmpname()
    local file <close> = assert(io.open(script, "w"))
    file:write(code)
    file:close()
    local command = ("%s XDG_STATE_HOME='%s' '%s' '%s' 2>&1"):format(before or "", home, arg[-1],
        script)
    local pipe <close> = io.popen(command)
    local text = pipe:read "a"
    os.remove(script)
    return text
end

local function with_home(f)
    local home = os.tmpname()
    os.remove(home)
    assert(os.execute(("mkdir '%s'"):format(home)))
    local fine, message = pcall(f, home, home .. "/nabla/learn")
    os.execute(("chmod -R u+w '%s'; rm -rf '%s'"):format(home, home))
    if not fine then error(message, 0) end
end

local function read(path)
    local file <close> = assert(io.open(path))
    return file:read "a"
end

local function write(path, text)
    assert(os.execute(("mkdir -p '%s'"):format(path:match "^(.*)/")))
    local file <close> = assert(io.open(path, "w"))
    file:write(text)
end

test("another session goes on where the last one left", function()
    with_home(function(home, path)
        contains(run(home, "learn(2) answer(0.75 * net:cost(some)) learn.next() learn.solve()"),
            "goes on: 4 of 14")
        eq(read(path), "nabla learn 1\nat product\nright cost\nseen product\n")
        local pipe <close> = io.popen(("stat -c %%a '%s' '%s'"):format(path, path:match "^(.*)/"))
        eq(pipe:read "a", "600\n700\n")
        contains(run(home, "learn()"), "4 of 14 · BP1")
        contains(run(home, "learn.answer(3)"), "The answer is a vector of 2")
        contains(run(home, "learn.list()"), "2 cost")
        contains(run(home, "learn.reset()"), "Forgotten")
        eq(read(path), "nabla learn 1\n")
        contains(run(home, "learn()"), "fourteen steps")
    end)
end)

test("a file of something else is left alone, until it is asked for anew", function()
    with_home(function(home, path)
        for _, text in ipairs {"a letter\nat BP1\n", "\0\1\2",
            "nabla learn 2\nat BP1\n"} do
            write(path, text)
            local said_there = run(home, "learn() learn(2) answer(0.75 * net:cost(some)) learn()")
            contains(said_there, "learn.reset() makes it anew")
            contains(said_there, "3 of 14")
            eq(read(path), text)
        end
        -- One larger than any of ours is not even read.
        write(path, "nabla learn 1\nat BP1\n" .. ("x"):rep(5000))
        contains(run(home, "learn()"), "holds more than 4096 bytes")
        run(home, "learn.reset() learn(4)")
        eq(read(path), "nabla learn 1\nat BP1\n")
        -- Names that are none any more are passed over.
        write(path, "nabla learn 1\nat nowhere\nright nothing\nright BP1\nwrong BP2\n")
        local listed = run(home, "learn.list() learn.next()")
        assert(listed:find "%S  4  BP1" and not listed:find "%S  5  BP2")
        contains(listed, "1 of 14")
    end)
end)

test("without a place for the file it is said once and goes all the same", function()
    with_home(function(home, path)
        local there = "learn(2) answer(0.75 * net:cost(some)) learn()"
        local function said_once(text)
            contains(text, "for this session only")
            contains(text, "3 of 14")
            local _, count = text:gsub("session%s+only", "")
            eq(count, 1)
        end
        -- A file where the folder should be.
        write(home .. "/file", "")
        said_once(run(home .. "/file", there))
        said_once(run("", there, "HOME="))
        -- Nobody writes into a pipe, and reading it would wait for ever.
        assert(os.execute(("mkdir '%s/nabla' && mkfifo '%s'"):format(home, path)))
        contains(run(home, there), "3 of 14")
        os.remove(path)
        assert(os.execute(("mkdir '%s'"):format(path)))
        contains(run(home, there), "3 of 14")
    end)
end)

spec.report()
