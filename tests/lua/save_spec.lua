-- set:save: what is written comes back, and a network's answers stand beside it.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local tensor, data, nn = nabla.tensor, nabla.data, nabla.nn

local function with_path(extension, f)
    local name = os.tmpname()
    os.remove(name)
    local path = name .. extension
    local ok, message = pcall(f, path)
    os.remove(path)
    if not ok then error(message, 0) end
end

local function read(path)
    local file <close> = assert(io.open(path, "rb"))
    return file:read "a"
end

local function table_of(set, options)
    local text
    with_path(".csv", function(path)
        set:save(path, options)
        text = read(path)
    end)
    return text
end

-- The set after a way through a table.
local function back(set, options)
    local again
    with_path(".csv", function(path)
        set:save(path)
        again = data.csv(path, options)
    end)
    eq(again.x, set.x)
    eq(again.y, set.y)
    return again
end

test("a table comes back to the last bit", function()
    local iris = back(data.iris(), {y = "species"})
    eq(iris.columns, data.iris().columns)
    eq(iris.classes, {"setosa", "versicolor", "virginica"})
    back(data.set {x = tensor.randn(300, 5, {seed = 1}), y = tensor.randn(300, 2, {seed = 2})},
        {y = {"y1", "y2"}})
    back(data.set {x = tensor.randn(300, 1, {seed = 1}):exp(), y = tensor.randn(300, {seed = 2})},
        {y = "y"})
    nabla.dtype "f64"
    local wide = data.set {x = tensor.randn(300, 2, {seed = 3}) * 1e-30,
                           y = tensor.rand(300, {seed = 4})}
    back(wide, {y = "y", dtype = "f64"})
    eq(back(data.set {x = {{0.1, 1 / 3}, {5e-324, 1.7976931348623157e308}}}).x[1], {0.1, 1 / 3})
    nabla.dtype "f32"
    local digits = data.digits().test
    eq(back(digits, {y = -1, classes = digits.classes}).classes, digits.classes)
    back(digits:take(20):shuffle(3), {y = -1, classes = digits.classes})
    back(data.set {x = {{[3] = 1, [9] = 0.5}, {[1] = 2}}, y = {0.5, 0.25}}, {y = "y"})
    back(data.set {x = {{1, 2}, {-3, 1 / 0}}})
end)

test("what a table looks like", function()
    eq(table_of(data.set {x = {{1, 2.5}, {-0.0, 1e20}}, y = {2, 1}, classes = {"a", "b"}}),
        "x1,x2,y\n1,2.5,b\n-0,1e20,a\n")
    eq(table_of(data.set {x = {{1}, {2}}, y = {{1, 2}, {3, 4}}}), "x,y1,y2\n1,1,2\n2,3,4\n")
    eq(table_of(data.set {x = {{0.1}, {16777216}}}), "x\n0.1\n16777216\n")
    eq(table_of(data.set {x = {{{1, 2}, {3, 4}}}}), "x1,x2,x3,x4\n1,2,3,4\n")
end)

test("names with all that takes a table apart", function()
    local names = {'a "b"', "c,d;e", " blanks ", "two\nlines", "5;3", "\ttab", "ü|x", "NA", "-"}
    local rows, y = {}, {}
    for i in ipairs(names) do rows[i], y[i] = {i + 0.5}, i end
    local set = data.set {x = rows, y = y, classes = names}
    eq(back(set, {y = "y", classes = names}).classes, names)
end)

-- The answers of y = 2 x - 1 and of two linear outputs are known.
test("answers beside the examples", function()
    local net = nn.net("2 - 2 linear : quadratic")
    net[1].w, net[1].b = tensor {{1, 0}, {0, 2}}, tensor {0, -1}
    local set = data.set {x = {{3, 1}, {1, 2}}, y = {1, 1}, classes = {"up", "down"}}
    eq(table_of(set, {net = net}), "x1,x2,y,answer,answer_up,answer_down\n3,1,up,up,3,1\n"
        .. "1,2,up,down,1,3\n")
    local mute = data.set {x = {{3, 1}, {1, 2}}}
    eq(table_of(mute, {net = net}), "x1,x2,answer_1,answer_2\n3,1,3,1\n1,2,1,3\n")
    local line = nn.net("1 - 1 linear")
    line[1].w, line[1].b = tensor {{2}}, tensor {-1}
    eq(table_of(data.set {x = {{3}, {0.25}}, y = {5.5, 0}}, {net = line}),
        "x,y,answer\n3,5.5,5\n0.25,0,-0.5\n")
    -- One output for two classes: sigmoid(0) is a half, which is not above it.
    local pair = nn.net("1 - 1")
    pair[1].w, pair[1].b = tensor {{0}}, tensor {0}
    eq(table_of(data.set {x = {{1}}, y = {2}, classes = {"no", "yes"}}, {net = pair}),
        "x,y,answer,answer_yes\n1,yes,no,0.5\n")
end)

-- More of them than are written at once.
test("answers of many examples are those of the network", function()
    local digits = data.digits()
    local net = nn.net("64 - 10 softmax : cross_entropy", {seed = 1})
    with_path(".csv", function(path)
        digits:save(path, {net = net})
        local columns = {}
        for k = 0, 9 do columns[k + 1] = "answer_" .. k end
        local again = data.csv(path, {x = columns, y = "answer", classes = digits.classes})
        eq(again.x, net(digits))
        eq(again.y, net(digits):argmax(2))
    end)
end)

test("tensors keep their shapes", function()
    local set = data.set {x = tensor.rand(3, 2, 2, {seed = 1}), y = {{1, 2}, {2, 2}, {1, 1}},
                          classes = {"a", "b"}}
    for _, extension in ipairs {".npz", ".safetensors"} do
        with_path(extension, function(path)
            set:save(path)
            local t = tensor.load(path)
            eq(t.x, set.x)
            eq(t.y, set.y)
        end)
    end
    fails(function() table_of(set) end, "y holds a class for every step")
end)

test("what cannot be saved is refused, and the old file stays", function()
    local iris = data.iris()
    fails(function() iris:save "x.npy" end,
        "ends in .csv, .npz or .safetensors, not 'x.npy'", true)
    fails(function() iris:save "x.txt" end, "not 'x.txt'", true)
    fails(function() iris:save("x.npz", {net = nn.net "4 - 3"}) end, "answers go into a table")
    fails(function() iris:save "/nowhere/x.csv" end, "cannot write /nowhere/x.csv")
    fails(function() iris:save("x.csv", {nett = 1}) end, "did you mean 'net'", true)
    local sequences = data.set {x = {tensor {{1}}, tensor {{1}, {2}}}}
    fails(function() table_of(sequences) end, "sequences of different lengths")
    fails(function() sequences:save "x.npz" end, "sequences of different lengths")
    with_path(".csv", function(path)
        iris:take(1):save(path)
        local before = read(path)
        fails(function() iris:save(path, {net = nn.net "5 - 3"}) end,
            "the network takes examples of 5")
        eq(read(path), before)
    end)
    local net = nn.net "4 - 3 softmax : cross_entropy"
    net:train(iris, {epochs = 1, progress = false})
    with_path(".csv", function(path)
        iris:save(path)
        local turned = data.csv(path, {y = "species", x = {4, 3, 2, 1}})
        fails(function() turned:save(path, {net = net}) end, "where the network learned")
    end)
    fails(function() table_of(iris, {net = nn.net "*x4 - 3"}) end, "one answer for every example")
end)

spec.report()
