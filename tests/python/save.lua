-- Networks of every kind with random parameters, for compare.py: into FOLDER goes of each its file,
-- an input, and what it answers.
-- usage: nabla save.lua FOLDER

local folder = arg[1]

-- A notation, and the sizes of an input; words: how many there are, where it is of such; wide: how
-- far it goes; figures: the layers that have running ones.
local CASES = {
    -- Activations, and neurons that differ.
    {"3 - 20 sigmoid tanh@1 relu@2 leaky_relu@3 leaky_relu(slope=0.2)@4 elu@5 elu(alpha=0.5)@6 selu@7 gelu@8 " ..
        "silu@9 mish@10 softplus@11 softsign@12 hard_sigmoid@13 hard_tanh@14 hard_silu@15 relu6@16 gaussian@17 " ..
        "sin@18 linear@19", {40, 3}, wide = 4},
    {"3 - 9 leaky_relu(slope=-0.5) exp@2 step@3..5 elliot@6..7 - 4 softmax : cross_entropy", {5, 3}},
    {"3 - 4 - 5 log_softmax : nll", {3}},
    {"*x3 - 4 tanh relu@2..3 - act sin linear@4 - 2 softmax : cross_entropy", {2, 5, 3}},
    -- Shapes.
    {"2x3x4 - flatten - 6 relu init=constant(value=2) - reshape 2x3 - lstm 2 - flatten - dropout 0.5 - 3", {4, 2, 3, 4}},
    {"6 - reshape 3x2 - act tanh", {4, 6}},
    -- Norms.
    {"5 - layer_norm - 4 - layer_norm epsilon=0.1", {3, 5}},
    {"5 - batch_norm - 4 - batch_norm epsilon=0.1", {3, 5}, figures = {1, 3}},
    {"*x4 - batch_norm - group_norm 2 - 3", {2, 5, 4}, figures = {1}},
    {"2x6x5 - batch_norm - group_norm 2 - 3*[group_norm 1]", {3, 2, 6, 5}, figures = {1}},
    {"4x5 - batch_norm - parallel[ | group_norm 4] - flatten - 2", {2, 4, 5}, figures = {1}},
    {"6 - group_norm 3 epsilon=0.01", {3, 6}},
    {"2x6x5 - batch_norm - conv 4 3 linear - batch_norm - act relu tanh@2 - group_norm 2 - 3*[group_norm 1]",
        {3, 2, 6, 5}, figures = {1, 3}},
    -- Windows.
    {"2x9x8 - conv 6 3x2 relu tanh@2 sigmoid@4..5 stride=2x1 padding=1x2 groups=2 - conv 4 2 softmax dilation=2x1 bias=false",
        {3, 2, 9, 8}},
    {"2x6x7 - conv 3 4x3 tanh padding=same dilation=2x1 - conv 2 3 elu padding=valid - flatten - 3", {2, 2, 6, 7}},
    {"3x11 - conv 4 3 stride=2 padding=2 - max_pool 2 - conv 2 2 dilation=2 - reshape 2 - 3", {2, 3, 11}},
    {"*x3 - conv 4 3 relu padding=causal dilation=2 - conv 5 4 padding=same - max_pool 3 stride=2 padding=1 - " ..
        "avg_pool 2 - 2", {2, 12, 3}},
    {"2x3x4 - conv_transpose 4 3x2 gelu relu@1 stride=2x3 padding=2x1 dilation=2x3 groups=2 output_padding=1x2",
        {2, 2, 3, 4}},
    {"2x3x4 - conv_transpose 3 4 padding=same - conv_transpose 2 3 linear bias=false", {2, 2, 3, 4}},
    {"*x3 - conv_transpose 4 3 stride=2 padding=1 output_padding=1 - 2", {2, 5, 3}},
    {"2x7x8 - max_pool 3x2 padding=1 stride=2 - avg_pool 2 padding=1 stride=1 - avg_pool 2x3 padding=same stride=1 - " ..
        "max_pool 2", {2, 2, 7, 8}},
    {"3x*x* - conv 4 3 - global_avg_pool - 2", {2, 3, 6, 5}},
    {"3x*x* space - residual[conv 3 3 tanh padding=same] - global_avg_pool - 2", {2, 3, 6, 5}},
    {"5x3 steps - 4 tanh - lstm 3 last - 2", {2, 5, 3}},
    {"*x3 - parallel[conv 4 3 padding=same | | conv 2 1] - global_avg_pool", {2, 6, 3}},
    {"2x5x5 - conv 4 3 padding=same - residual[conv 4 3 relu padding=same - group_norm 2] - " ..
        "parallel[conv 2 3 padding=1 | avg_pool 3 padding=1 stride=1] - act log_softmax", {2, 2, 5, 5}},
    -- Sequences.
    {"* - embedding 7 4 - positions - rnn 5 relu - 3", {2, 6}, words = 7},
    {"* - embedding 7 5 - positions 9 - 2", {6}, words = 7},
    {"*x3 - rnn 4 layers=2 both - gru 3 layers=3", {2, 5, 3}},
    {"*x3 - rnn 4 leaky_relu(slope=0.1) last - 2", {5, 3}},
    {"*x3 - lstm 4 - lstm 3 layers=2 both last", {2, 5, 3}},
    {"*x3 - gru 4 both - gru 2 both last", {2, 5, 3}},
    {"*x6 - attention 3 - attention 2 causal", {2, 5, 6}},
    {"4x6 - attention 1 - flatten - 2", {2, 4, 6}},
    {"* - embedding 9 8 - positions - 2*[residual[layer_norm - attention 4 causal] - " ..
        "residual[layer_norm - 16 gelu - 8 linear]] - layer_norm - 9 softmax : cross_entropy", {2, 6}, words = 9},
    {"* - embedding 7 4 name=e - lstm 4 - 7 softmax tied=e : cross_entropy", {2, 6}, words = 7},
    {"4 - 5 tanh bias=false - 3", {4}},
    {"4 - 4 tanh name=a - residual[4 tanh tied=a name=inner - 4 tied=inner] - 3", {3, 4}},
    -- Blocks, repeats, names, sharing.
    {"4 - residual[6 relu - 4 linear | 4 tanh] - parallel[3 | | residual[4]] - 2", {3, 4}},
    {"*x4 - parallel[lstm 3 | 2] name=both - 2", {2, 5, 4}},
    {"4 - 3*[4 relu] - 2*[residual[2*[4 tanh]]] - 2 name=out", {3, 4}},
    {"4 - net[4 name=a - 4 relu] name=inner - 4 name=a - @inner - residual[@a - 4 name=c - @c] - @a - 3", {3, 4}},
    {"4 - residual[4 relu - residual[4 tanh]] - @1.1 - @1.2 - @1 - 3", {3, 4}},
}

local function fill(net, case, options)
    net:params():copy_(tensor.randn(net:count(), options) * 0.7)
    for _, l in ipairs(case.figures or {}) do
        local features = net[l].mean.shape[1]
        net[l].mean = tensor.randn(features, options)
        net[l].variance = tensor.rand(features, options) + 0.5
    end
end

local function input(case, options)
    if case.words then
        return tensor.randint(1, case.words, table.unpack(case[2])):to "i32"
    end
    return (tensor.randn(table.unpack(case[2])) * (case.wide or 1)):to(options.dtype)
end

local function save(net, x, name)
    local path = folder .. "/" .. name
    net:save(path .. ".safetensors")
    x:save(path .. "-x.npy")
    net(x):save(path .. "-y.npy")
end

nabla.seed(1)
for i, case in ipairs(CASES) do
    for _, dtype in ipairs {"f32", "f64"} do
        local options = {dtype = dtype}
        local net, x = nn.net(case[1], options), input(case, options)
        fill(net, case, options)
        save(net, x, ("%02d-%s"):format(i, dtype))
    end
end

-- Networks that see their input in a scale.
local SCALED = {
    {"3 - 4 tanh - 2", {5, 3}, 3}, {"*x3 - gru 2", {2, 4, 3}, 3}, {"2x3x4 - conv 2 2 - flatten - 2", {2, 2, 3, 4}, 2},
    {"2x3x4 - flatten - 2", {3, 2, 3, 4}, 24}, {"4x3 - conv 3 2", {2, 4, 3}, 1},
    {"3 - 2 tanh - net[3 tanh] name=inner - 2", {4, 3}, 3, inner = 2},
    {"2x4x4 - conv 3 2 - net[conv 2 2 - flatten - 2] - 2", {2, 2, 4, 4}, 2, inner = 3},
}
for i, case in ipairs(SCALED) do
    local net = nn.net(case[1], {dtype = "f64"})
    local function scale(n) return {offset = tensor.randn(n), factor = tensor.rand(n) + 0.5} end
    fill(net, case, {dtype = "f64"})
    net.scale = scale(case[3])
    if case.inner then net[2].scale = scale(case.inner) end
    save(net, input(case, {dtype = "f64"}), ("scaled-%d"):format(i))
end

-- Names that compare.py knows; and what is learned in another way changes no output.
local named = nn.net "2 - 3 softmax : cross_entropy"
local corners = tensor {{0, 1}, {1, 0}, {1, 1}}
local set = data.set {x = corners, y = {1, 2, 3}, classes = {"plain", "back\\slash", "two\nlines"}}
named:train(set, {epochs = 1, batch = 3, progress = false})
named[1].mask = {w = tensor {{1, 0}, {1, 1}, {0, 1}}}
named[1].factor = 0.5
save(named, corners, "classes")

-- A vocabulary that compare.py knows.
local path = os.tmpname()
local file <close> = assert(io.open(path, "wb"))
file:write "a\0\n\xE9\\a"
file:close()
local text = data.text(path, {steps = 5, bytes = true})
os.remove(path)
local words = nn.net "* - embedding 5 4 - 5 softmax : cross_entropy"
words:train(text, {epochs = 1, progress = false})
save(words, text.x, "words")
