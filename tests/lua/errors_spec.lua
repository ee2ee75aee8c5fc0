-- What a person may get wrong with networks, and what the program says to it.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

test("notation that does not parse is shown with the place marked", function()
    for text, expected in pairs {
        ["64 - 30 -"] = "expected",
        ["64 -- 30"] = "expected",
        [""] = "expected",
        ["64"] = "expected",
        ["64 - 30 rleu - 10"] = "unknown activation 'rleu'; did you mean 'relu'?",
        ["64 - 30 : quadratc"] = "unknown cost 'quadratc'; did you mean 'quadratic'?",
        ["64 - dens 30"] = "unknown layer 'dens'; did you mean 'dense'?",
        ["64 - 30 int=he"] = "dense has no option 'int'; did you mean 'init'?",
        ["64 - 30 init=hee"] = "unknown initialiser 'hee'; did you mean 'he'?",
        ["64 - 0"] = "units must be a whole number from 1 to 2147483648, not 0",
        ["64 - -5"] = "at least 1",
        ["64 - 2.5"] = "whole number",
        ["64 - 99999999999999999999"] = "from 1 to 2147483648, not 1e20",
        ["64 - residual[]"] = "residual has no layer in its brackets",
        ["64 - 0*[30]"] = "a list is repeated from 1 to 10000 times, not '0'",
        ["64 - residual[@r] name=r"] = "@r stands inside the layer 'r' itself",
        ["64 - *"] = "a layer needs its sizes",
        ["64 - 30 ) - 10"] = "expected",
    } do
        local message = fails(function() nn.net(text) end, expected, true)
        assert(message:find("nn.net: ", 1, true) and message:find "\n.*%^%s*$", message)
    end
end)

test("entries of a table that are no layers", function()
    for _, case in ipairs {
        {{}, "at least one layer"},
        {{64}, "at least one layer"},
        {{64, 0}, "entry 2: a size is at least 1"},
        {{64, -3}, "entry 2: a size is at least 1"},
        {{64, 2.5}, "entry 2: a size is a whole number, not 2.5"},
        {{64, 1e300}, "entry 2"},
        {{64, 2 ^ 40}, "at most"},
        {{0, 10}, "entry 1"},
        {{{}, 10}, "1 to 7 dimensions"},
        {{{1, 28, -28}, 10}, "entry 1: a size is at least 1"},
        {{"64", 10}, "entry 1 is the input's size"},
        {{64, {}}, "entry 2 must be a size, a layer, a network, a string of notation or a function"},
        {{64, true}, "entry 2 must be"},
        {{64, "10 rleu"}, "did you mean 'relu'"},
        {{64, 10, cots = "mse"}, "did you mean 'cost'"},
        {{64, 10, cost = "msee"}, "did you mean 'mse'"},
        {{64, 10, dtype = "f16"}, "dtype must be \"f32\" or \"f64\""},
        {{64, 10, dtype = "i32"}, "dtype must be"},
        {{64, 10, seed = -2}, "seed must be"},
    } do
        fails(function() nn.net(case[1]) end, case[2], true)
    end
    local wanted = "must be notation or a table, as in nn.net{64, 30, 10}, not "
    fails(function() nn.net() end, wanted .. "nothing")
    fails(function() nn.net(64) end, wanted .. "64")
    fails(function() nn.net("64-10", {sed = 1}) end, "did you mean 'seed'", true)
    fails(function() nn.net("64-10", 5) end, "must be a table, not 5")
end)

test("networks that memory cannot hold", function()
    fails(function() nn.net "2147483648 - 2147483648" end, "nn.net: ", true)
    local limit = nabla.memory().limit
    nabla.memory {limit = nabla.memory().used + (1 << 20)}
    local ok, message = pcall(nn.net, "10000 - 10000")
    nabla.memory {limit = limit}
    assert(not ok and message:find "memory", message)
end)

test("x and y that do not fit", function()
    local net = nn.net "64 - 30 - 10"
    local x = tensor.zeros(5, 64)
    fails(function() net(tensor.zeros(5, 60)) end, "60")
    fails(function() net() end, "x is missing")
    fails(function() net "abc" end, "abc")
    fails(function() net:cost(x) end, "net:cost: y is missing")
    fails(function() net:cost(x, tensor.zeros(4, 10)) end, "net:cost: y is 4x10; 5 examples", true)
    fails(function() net:cost(x, tensor.zeros(5, 9)) end, "5x9", true)
    fails(function() net:cost(x, {0, 1, 2, 3, 4}) end, "count from 1", true)
    fails(function() net:cost(x, {1, 2, 3, 4, 11}) end, "class 11", true)
    fails(function() net:cost(x, {1, 2, 3, 4, 1.5}) end, "class 1.5", true)
    fails(function() net:cost(x, {1, 2, 3, 4, 0 / 0}) end, "nan", true)
    fails(function() net:backprop(x, {1, 2}) end, "net:backprop: ", true)
    fails(function() net:cost(data.set {x = x}) end, "no y")
    fails(function() net.cost(3, x) end, "network")
    fails(function() net:grads() end, "no gradient yet")
end)

test("a step that would not be finite changes nothing", function()
    local net = nn.net("4 - 3 - 2", {seed = 1})
    local before = net:params():totable()
    for _, o in ipairs {{lr = 1}, nn.adam(), nn.sgd {momentum = 0.9}} do
        fails(function() net:step({0 / 0, 1, 2, 3}, {0, 1}, o) end, "net:step: ", true)
        fails(function() net:step({1, 1, 2, 3}, {math.huge, 1}, o) end, "net:step: ", true)
        eq(net:params(), before)
    end
    for _, lr in ipairs {0, -1, 0 / 0, math.huge} do
        fails(function() net:step({0, 1, 2, 3}, {0, 1}, {lr = lr}) end, "lr must be a number above")
    end
    fails(function() net:step({0, 1, 2, 3}, {0, 1}, {epochs = 1}) end, "no option 'epochs'", true)
    fails(function() net:step({0, 1, 2, 3}, {0, 1}, 3) end, "must be a table")
    eq(net:params(), before)
end)

-- ---- Files ----

local function file_with(bytes)
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write(bytes)
    file:close()
    return path
end

local function archive(json, bytes)
    return string.pack("<I8", #json) .. json .. (bytes or "")
end

test("model files that are none", function()
    local path = os.tmpname()
    local net = nn.net "4 - 3 - 2"
    net:save(path)
    local file = assert(io.open(path, "rb"))
    local whole = file:read "a"
    file:close()
    os.remove(path)
    local length = string.unpack("<I8", whole)
    local json, body = whole:sub(9, 8 + length), whole:sub(9 + length)
    local function refused(bytes)
        local at = file_with(bytes)
        local message = fails(function() nn.load(at) end, "nn.load: ", true)
        os.remove(at)
        return message
    end
    for n = 0, #whole - 1, 7 do refused(whole:sub(1, n)) end
    refused(whole .. "x")
    refused(string.pack("<I8", 1 << 62) .. "{}")
    refused("\0\0\0\0\0\0\0\128{}")
    refused(archive("{}"))
    refused(archive("[1]"))
    refused(archive(json:gsub('"1.w"', '"1.v"'), body))
    refused(archive(json:gsub('"1.b"', '"1.w"'), body))
    refused(archive(json:gsub("%[3,4%]", "[4,3]"), body))
    refused(archive(json:gsub("%[0,", "[1,"), body))
    refused(archive(json:gsub("sigmoid", "rleu"), body))
    refused(archive(json:gsub("4 %- 3 sigmoid", "4 - 5 sigmoid"), body))
    assert(json:find("[3,4]", 1, true) and json:find("[0,", 1, true), json)
    assert(json:find "4 %- 3 sigmoid", json)
    fails(function() nn.load "/no/such/model" end, "nn.load: .*No such file")
    fails(function() nn.load "/" end, "directory")
    fails(function() nn.load() end, "must be a path, not nothing")
end)

test("a network that cannot be saved says why and leaves the file", function()
    local path = file_with "precious"
    local net = nn.net "4 - 3 - 2"
    fails(function() net:save "/no/such/folder/net" end, "net:save: .*No such file")
    fails(function() net:save "/" end, "net:save: ", true)
    net[1].activation = function(z) return z end
    fails(function() net:save(path) end, "net:save: layer 1 has an activation without a name")
    fails(function() nn.net {4, 2, cost = function(a) return a:sum() end}:save(path) end,
          "net:save: the cost has no name")
    fails(function() nn.net {4, function(x) return x end, 2}:save(path) end,
          "net:save: layer 1 is a function of Lua")
    local file = assert(io.open(path))
    eq(file:read "a", "precious")
    file:close()
    os.remove(path)
end)

test("a file names activations that this session does not have", function()
    nn.activation {name = "session_only", f = function(z) return z * 2 end}
    local path = os.tmpname()
    local net = nn.net "4 - 3 session_only - 2"
    net:save(path)
    eq(nn.load(path):notation(), net:notation())
    local file = assert(io.open(path, "rb"))
    local whole = file:read "a"
    file:close()
    file = assert(io.open(path, "wb"))
    file:write((whole:gsub("session_only", "session_0nly")))
    file:close()
    fails(function() nn.load(path) end, "session_0nly")
    os.remove(path)
end)

test("a method called with a dot", function()
    local x, net = nabla.tensor.ones(2), nabla.nn.net "2 - 1"
    fails(function() x.add(1) end,
        "add: argument 1 must be a tensor, not 1; a method is called with a colon, x:add(…)", true)
    fails(function() net.cost(x) end,
        "cost: argument 1 must be a network, not a tensor; a method is called with a colon", true)
    local message = fails(function() x:add({}) end, "add: argument 1 must be a tensor or a number")
    eq(message:find "colon", nil)
    message = fails(function() nabla.tensor.full({}, 2) end, "full: argument 1 must be a number")
    eq(message:find "colon", nil)
    message = fails(function() tensor.where(1) end, "where: argument 1 must be a tensor, not 1")
    eq(message:find "colon", nil)
end)

-- ---- Tensors ----

test("arguments too many are refused by every function alike, with how it is called", function()
    local x = tensor.ones(2, 2)
    for name, arguments in pairs {
        dim = {}, numel = {}, is_contiguous = {}, totable = {}, each = {}, zero_ = {}, detach = {},
        size = {1}, format = {{}}, copy_ = {1}, fill_ = {1}, requires_grad_ = {false},
        chunk = {1, 1}, split = {1, 1}, uniform_ = {0, 1, {}}, bernoulli_ = {1, {}},
        multinomial = {1, {}}, exp = {}, exp_ = {}, add_ = {1}, sum = {1, {}},
    } do
        arguments[#arguments + 1] = "more"
        fails(function() x[name](x, table.unpack(arguments)) end,
            (": %s: 'more' is one argument too many; write x:%s"):format(name, name), true)
    end
    fails(function() x:dim(1) end, "dim: 1 is one argument too many; write x:dim()", true)
    fails(function() x:add_(1, 2) end, "add_: 2 is one argument too many; write x:add_(y)", true)
    for name, arguments in pairs {
        zeros = {2, {}}, rand = {2, {}}, range = {1, 2, 1, {}}, logspace = {0, 1, 2, {}},
        cat = {{x}, 1}, stack = {{x}, 1}, load = {"x", "y"},
    } do
        arguments[#arguments + 1] = "more"
        fails(function() tensor[name](table.unpack(arguments)) end,
            (": %s: 'more' is one argument too many; write tensor.%s("):format(name, name), true)
    end
    fails(function() tensor(1, {}, 2) end, "tensor: 2 is one argument too many", true)
end)

test("a dimension is named once, and by a number", function()
    local x = tensor.ones(2, 3)
    for _, name in ipairs {"sum", "mean", "var", "max", "all", "logsumexp", "permute"} do
        fails(function() x[name](x, 1, 1) end, "dimension 1 is named twice", true)
        fails(function() x[name](x, 2, -1) end, "dimension 2 is named twice", true)
    end
    for _, name in ipairs {"sum", "argmax", "softmax", "sort", "median", "squeeze"} do
        fails(function() x[name](x, "a") end, "dimension must be a whole number, not 'a'", true)
    end
    fails(function() x:sum(nil) end, "sum: dimension must be a whole number, not nil", true)
    fails(function() x:diag "a" end, "diag: a distance must be a whole number, not 'a'", true)
    eq(x:softmax(nil):sum(), 2)
end)

test("a message names a form in place once, as it was called", function()
    local x = tensor.ones(3)
    local message = fails(function() x:add_(tensor.ones(2)) end, ": add_: 3 and 2 do not fit", true)
    eq(select(2, message:gsub("add", "")), 1)
    fails(function() x:tril_() end, ": tril_ takes matrices, not 3", true)
    fails(function() x:masked_fill_(x, 1) end, ": masked_fill_: the mask must be u8", true)
    fails(function() x:mul_(tensor.ones(2, 3)) end,
        ": mul_: the result, 2x3, does not fit into 3", true)
    eq(x, {1, 1, 1})
end)

test("nothing is written to an expanded tensor, where places share an element", function()
    local row = tensor {1, 2}
    local x = row:expand(3, 2)
    local writes = {
        add_ = function() x:add_(1) end, exp_ = function() x:exp_() end,
        copy_ = function() x:copy_(tensor.ones(3, 2)) end, fill_ = function() x:fill_(1) end,
        zero_ = function() x:zero_() end, masked_fill_ = function() x:masked_fill_(x:gt(0), 1) end,
        uniform_ = function() x:uniform_() end, ["an assignment"] = function() x[1] = 5 end,
        scatter_add_ = function() x:scatter_add_(1, {{1, 1}}, 1) end,
        triu_ = function() x:triu_() end,
    }
    for name, write in pairs(writes) do
        fails(write, name .. ": an expanded tensor shows one element several times; x:clone() has",
            true)
    end
    fails(function() x:t()[{{}, 1}] = 0 end, "an expanded tensor shows", true)
    eq(row, {1, 2})
    eq(x[1]:add_(1), {2, 3})
    eq(row:expand(1, 2):mul_(2), {{4, 6}})
    eq(x:clone():zero_(), tensor.zeros(3, 2))
end)

test("a product that does not fit says which sizes do not meet", function()
    fails(function() tensor.ones(2, 3):matmul(tensor.ones(4, 5)) end,
        "matmul: 2x3 and 4x5 do not fit: the first has 3 columns, the second 4 rows", true)
    fails(function() tensor.ones(3):matmul(tensor.ones(4, 5)) end,
        "matmul: 3 and 4x5 do not fit: the first has 3 columns, the second 4 rows", true)
    fails(function() tensor.ones(2, 2, 3):matmul(tensor.ones(3, 3, 5)) end,
        "matmul: 2x2x3 and 3x3x5 do not fit: the batches 2 and 3 do not broadcast", true)
end)

test("signs of Lua that tensors do not have propose what to write", function()
    local x = tensor {5, -5}
    fails(function() return x // 2 end, "tensors have no //; (a / b):floor() divides", true)
    fails(function() return 7 % x end, "tensors have no %; a - (a / b):floor() * b", true)
    eq((x / 2):floor(), {5 // 2, -5 // 2})
    eq(x - (x / 3):floor() * 3, {5 % 3, -5 % 3})
end)

test("a function that Lua has no name for is named by the book", function()
    local x, name = tensor.ones(2), "add"
    fails(function() return x:add {} end, ": add: argument 1 must be a tensor or a number", true)
    fails(function() return x:item() end, ": item needs", true)
    fails(function() x[name](x, tensor.ones(3)) end, ": add: 2 and 3 do not fit", true)
    fails(function() x[name]() end, ": add belongs to a tensor, not nothing", true)
    local ok, message = pcall(tensor.zeros, -1)
    eq({ok, message}, {false, "zeros: size 1 must be a whole number from 0, not -1"})
end)

test("what is no number is told without a sign", function()
    local nan = -(0 / 0)
    for _, value in ipairs {nan, -nan} do
        fails(function() tensor.one_hot {value} end, "whole number from 1, not nan", true)
        fails(function() tensor {1}:bernoulli_(value) end, "within 0 and 1, not at nan", true)
        fails(function() tensor {value}:multinomial(1) end, "is nan; weights are finite", true)
    end
    fails(function() tensor {nan}:histogram(2) end, "the data, nan to nan, is not finite", true)
    fails(function() tensor.one_hot {math.huge} end, "must be a whole number from 1, not inf", true)
end)

test("a list of tensors is no tensor; what makes one of it is named", function()
    fails(function() tensor {tensor {1}, tensor {2}} end,
        "tensor: entry [1] must be a number, not a tensor; tensor.stack joins tensors", true)
end)

test("a delta of a wrong kind is named by its name", function()
    local c = tensor({1}):requires_grad_():sum()
    fails(function() c:backward {delta = "x"} end,
        "backward: delta must be a tensor, a number or a table of numbers, not 'x'", true)
end)

test("a method of a network names itself once", function()
    local message = fails(function() nn.net "2 - 1":cost(tensor.ones(1, 2)) end, "net:cost: ", true)
    eq(message:find("cost: net:cost", 1, true), nil)
end)

test("words of other tools are answered with ours, where we have what they mean", function()
    local net, set = nn.net "2 - 1", data.set{x = {{0, 1}}, y = {{1}}}
    for option, ours in pairs {
        learning_rate = "lr", eta = "lr", batch_size = "batch", validation = "valid",
        mini_batch_size = "batch", callbacks = "on_epoch",
    } do
        fails(function() net:train(set, {[option] = 1}) end,
            ("net:train has no option '%s'; here it is '%s'"):format(option, ours), true)
    end
    fails(function() tensor.ones(2):sum(1, {keepdim = true}) end, "here it is 'keep'", true)
    -- An option that is elsewhere's and of another function of ours.
    local message = fails(function() tensor.ones(2, {learning_rate = 1}) end, "no option", true)
    eq(message:find("here it is", 1, true), nil)
    fails(function() return net.fit end,
          "a network has no field 'fit'; here that is net:train(set", true)
    fails(function() net:feedforward {0, 1} end, "here that is net(x)", true)
    fails(function() return nn.Sequential end, "here that is nn.net", true)
    fails(function() return tensor.arange(3) end, "here that is tensor.range(first, last)", true)
    fails(function() return tensor{1}:view(1) end,
        "a tensor has no field 'view'; here that is x:reshape(sizes…)", true)
    fails(function() nn.net "2 - 3 swish" end,
          "unknown activation 'swish'; here it is 'silu'", true)
    fails(function() nn.net "2 - 3 : mean_squared_error" end, "here it is 'mse'", true)
    fails(function() nn.net "2 - 3 init=xavier" end, "here it is 'glorot'", true)
end)

test("what cannot be set of a network is named, and where it is set", function()
    local net = nn.net "2 - 3 - 1"
    for field, message in pairs {
        cost = "a network has no field 'cost' that can be set; those of its layers can",
        sped = "a network has no field 'sped' that can be set",
        lr = "a network has no field 'lr'; here that is an option of train",
        classes = "a network has its classes from the set",
        [1] = "the layers of a network cannot be assigned; net:replace(l, layer)",
    } do
        fails(function() net[field] = 1 end, message, true)
    end
    net = nn.net {2, nn.dense {3, name = "first"}, 1}
    fails(function() net.first = 1 end, "the layers of a network cannot be assigned", true)
end)

test("train says what is missing, and which names numbers should have", function()
    local net, set = nn.net "2 - 1", data.set{x = {{0, 1}}, y = {{1}}}
    fails(function() net:train(set, 30, 10, 3.5) end,
        "by name in a table: net:train(set, {epochs = 30, batch = 10, lr = 3.5})", true)
    fails(function() net:train(set, 30) end, "net:train(set, {epochs = 30})", true)
    fails(function() net:train{epochs = 3} end, "x is missing before the options", true)
    fails(function() net:train() end, "x is missing", true)
    fails(function() net:train{0, 1} end, "y is missing", true)
end)

-- ---- Inside the user's own functions ----

local here = debug.getinfo(1, "S").short_src

test("an error inside a function of the user's names his line, the layer and the neuron", function()
    local x, y = tensor.ones(5, 4), tensor.ones(5, 2)
    local function line_of(f) return debug.getinfo(f, "S").linedefined end
    local function broken(z) return z:nothing() end
    local place = ("%s:%d: "):format(here, line_of(broken))
    local words = "the function of this activation: a tensor has no"
    local net = nn.net {4, 3, nn.dense {2, broken}}
    fails(function() net(x) end, place .. "layer 2: " .. words, true)
    net = nn.net {4, nn.dense {3, name = "first"}, 2}
    net[1]:neuron(2).activation = broken
    for _, call in ipairs {
        function() net(x) end, function() net:train(x, y, {epochs = 1, progress = false}) end,
        function() net:trace(x, y) end, function() net:backprop(x, y) end,
    } do
        fails(call, place .. "layer 1 (first): neuron 2: " .. words, true)
    end
    local shared = nn.activation {name = "shared", f = broken}
    for k = 1, 2 do net[1]:neuron(k).activation = shared end
    fails(function() net(x) end, "layer 1 (first): neurons 1 to 2: ", true)
    nn.activation {name = "steep", f = function(z) return z end, df = broken}
    fails(function() nn.net("4 - 2 steep"):backprop(x, y) end,
        place .. "layer 1: activation steep: a tensor has", true)
    fails(function() nn.net {4, nn.fn {name = "mine", f = broken}} end,
        place .. "layer 1 (mine): layer function mine: a tensor has", true)
    fails(function() nn.net {4, 2, cost = function(a) return broken(a) end}:cost(x, y) end,
        place .. "the function of this cost: a tensor has", true)
end)

test("parameters take no truth values; NaN and infinity they take, as every tensor", function()
    local net = nn.net("2 - 3 - 1", {seed = 1})
    local words = "w must be a tensor, a number or a table of numbers, not "
    fails(function() net[1].w = true end, words .. "true", true)
    fails(function() net[1].w = false end, words .. "false", true)
    fails(function() net[1].w = {{true, false}, {true, true}, {false, true}} end,
        words .. "a table of true", true)
    fails(function() net[1]:neuron(2).b = true end, "b must be a tensor, a number or a tab", true)
    fails(function() net[1]:neuron(2).w = {true, false} end, words .. "a table of true", true)
    net[1].w = net[1].w:gt(0)
    net[1].w = 0 / 0
    eq(net[1].w:isnan():sum():item(), 6)
    net[1]:neuron(2).b = 1 / 0
    eq(net[1].b[2], 1 / 0)
end)

test("what a callback raises stays as it is", function()
    local x, y, object = tensor.ones(5, 4), tensor.ones(5, 2), {}
    local net = nn.net "4 - 2"
    local function train(error_object)
        local function raise() error(error_object, 0) end
        return select(2, pcall(net.train, net, x, y, {progress = false, on_epoch = raise}))
    end
    eq(train("a: b 3: c"), "a: b 3: c")
    eq(rawequal(train(object), object), true)
    net[1].activation = function() error(object) end
    eq(rawequal(select(2, pcall(net, x)), object), true)
    net[1].activation = function() error("at 3: there", 0) end
    eq(select(2, pcall(net, x)), "layer 1: the function of this activation: at 3: there")
end)

spec.report()
