-- What the specs of learn() share: what it prints, and the notes in plain numbers, which are the
-- answers to its questions.

local nabla = require "nabla"

local learn = nabla.learn

local notes = {}

notes.STEPS = {
    "matrix", "cost", "product", "BP1", "BP2", "BP3", "BP4", "algorithm", "neuron", "linear",
    "quiet", "saturated", "why", "fast",
}

-- What f prints, without colours: standard output is no terminal here.
function notes.said(f, ...)
    local lines, loud = {}, print
    print = function(text) lines[#lines + 1] = text end
    local fine, message = pcall(f, ...)
    print = loud
    if not fine then error(message, 0) end
    return table.concat(lines, "\n") .. "\n"
end

function notes.contains(text, words)
    -- Words may be broken over lines.
    if text:gsub("%s+", " "):find(words, 1, true) then return end
    error(("%q is not in %q"):format(words, text), 2)
end

function notes.answered(x)
    return notes.said(learn.answer, x)
end

-- The session as it was: no names of a lesson's, no network given.
local NAMES <const> = {
    "net", "some", "x", "y", "t", "u", "s", "d", "batch", "other", "w", "asked", "ill", "sick",
    "moved", "nabla_w", "nabla_b", "answer", "digits",
}
function notes.begin()
    for _, name in ipairs(NAMES) do _G[name] = nil end
    notes.said(learn.reset)
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
function notes.in_hand(f)
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
notes.ANSWERS = ANSWERS

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
function notes.check_step(name, f, strict)
    local page = notes.said(learn, name)
    local right, wrong = ANSWERS[name](notes.in_hand(f), page)
    notes.contains(notes.said(learn.hint), "")
    for _, one in ipairs(wrong) do
        local reply = notes.answered(one[1])
        if strict then notes.contains(reply, one[2]) end
        assert(not reply:find "^That is not it")
    end
    local reply = notes.answered(right)
    if not reply:find "^Right" then
        error(("%s: %s was refused: %s"):format(name, tostring(right), reply), 0)
    end
    return page, right, wrong
end

return notes
