-- Which picture a value is shown as: the name of one of plot's functions, and what that is given.

local given = require "nabla.plot.given"

local math = math
local pcall, require = pcall, require

local show = {}

local LEAST_SIDE <const> = 4 -- of a square that a row of numbers is taken for
local MOST_ROWS <const> = 1000 -- of a set that is shown row by row

local function is_side(side)
    return side >= LEAST_SIDE
end

-- Whether the x of an example is a picture: of one channel or three, or a square.
local function is_picture(x)
    if given.kind(x) ~= "tensor" then return false end
    local dims = x:dim()
    if dims == 3 then return x:size(1) == 1 or x:size(1) == 3 end
    if dims == 2 then return x:size(1) == x:size(2) and is_side(x:size(1)) end
    local side = dims == 1 and math.floor(math.sqrt(x:numel()) + 0.5) or 0
    return is_side(side) and side * side == x:numel()
end

local WAYS <const> = {
    history = "lines", flow = "lines", curvature = "lines", trainer = "lines",
    activation = "lines", ["function"] = "lines", layer = "weights", neuron = "weights",
    neurons = "weights", trace = "trace", ["trace layer"] = "trace", attention = "attention",
    sweep = "sweep", evaluation = "confusion",
}

local function of_tensor(x)
    local dims = x:dim()
    if dims == 0 then return nil, "plot.show: one number is no picture" end
    if dims == 2 and (x:size(1) == 1 or x:size(2) == 1) then
        return "lines", x:detach():reshape(x:numel())
    end
    return dims == 1 and "lines" or dims == 2 and "heat" or "image", x
end

local function of_example(example)
    local x = example.x or example[1]
    if is_picture(x) then return "image", example end
    if given.kind(x) ~= "tensor" then
        return nil, "plot.show: the example has no numbers to show"
    end
    return of_tensor(x)
end

local function of_set(set)
    local first = set[1]
    if not first or is_picture(first.x) then return "image", set end
    local x = set:take(math.min(#set, MOST_ROWS)).x
    return x:dim() > 1 and "heat" or "lines", x
end

local function of_list(list)
    if given.numbers(list) then return "lines", list end
    local first = given.kind(list[1])
    return (first == "example" or first == "tensor" and list[1]:dim() > 1) and "image" or "lines",
        list
end

-- The network where it is small, else its first layer with weights.
local function of_network(net)
    if require("nabla.plot.network").read(net) then return "network", net end
    for i = 1, #net do
        if require("nabla.plot.weights").read(net[i], {}) then return "weights", net[i] end
    end
    return "network", net
end

local READERS <const> = {tensor = of_tensor, example = of_example, ["data set"] = of_set,
    table = of_list, network = of_network, ["example gradients"] = function(x)
        return "hist", x.norms
    end}

-- The function's name and what it is given; nil and a message where x is no picture.
function show.choose(x)
    local kind = given.kind(x)
    if WAYS[kind] then return WAYS[kind], x end
    if READERS[kind] then return READERS[kind](x) end
    return nil, ("plot.show takes what can be drawn: a tensor, an example, a set, a layer, a " ..
        "network, a history, …, not %s"):format(given.describe(x))
end

-- The kinds of values that have it as a method, with the name of their pages and an example. A
-- sweep has its own (sweep/runs.lua).
show.METHODS = {
    {"tensor", "tensor", "tensor.rand(8, 20, {seed = 1}):show()\ntensor.linspace(0, 1, 9):show()"},
    {"data set", "set", "data.digits().test:show()"},
    {"example", "example", "data.digits().test[3]:show()\ndata.iris()[1]:show()"},
    {"layer", "layer", 'nn.net("64 - 10", {seed = 1})[1]:show{count = 3}'},
    {"neuron", "neuron", 'nn.net("64 - 10", {seed = 1})[1]:neuron(3):show()'},
    {"neurons", "neurons", 'net = nn.net("64 - 10", {seed = 1})\n' ..
        "net:find{layer = 1}:show{count = 2}"},
    {"network", "net", 'nn.net("2 - 3 tanh - 1", {seed = 1}):show()'},
    {"history", "history", 'nn.net("64 - 10"):train(data.digits().train, {epochs = 3}):show()'},
    {"flow", "flow", 'net = nn.net("64 - 10", {seed = 1})\n' ..
        "net:train(data.digits().train, {epochs = 3, flow = true}).flow:show()"},
    {"trainer", "trainer", 't = nn.net("64 - 10"):trainer(data.digits().train)\nt:epoch()\n' ..
        "t:epoch()\nt:show()"},
    {"evaluation", "evaluation", "digits = data.digits()\n" ..
        'nn.net("64 - 10", {seed = 1}):evaluate(digits.test):show()'},
    {"curvature", "curvature", 'net = nn.net("2 - 3 - 1", {seed = 1})\n' ..
        "net:curvature(tensor.rand(9, 2), tensor.rand(9, 1)):show()"},
    {"trace", "trace", 't = nn.net("2 - 3 - 2", {seed = 1}):trace({1, 0}, {0, 1})\nt:show()\n' ..
        "t[1]:show()", "trace:show(options), t[l]:show(options)"},
    {"attention", "attention", 'net = nn.net("*x4 - attention 2 causal - 3", {seed = 1})\n' ..
        "net:attention(tensor.randn(5, 4, {seed = 1})):show()"},
    {"example gradients", "example_gradients", "digits = data.digits()\n" ..
        'nn.net("64 - 10"):example_gradients(digits.test:take(50)):show()'},
}

return show
