-- Sets whose rows stay in their file: the same bits as from memory, in every order; files that
-- change or go are errors.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local tensor, data, nn = nabla.tensor, nabla.data, nabla.nn

local function with(ending, f)
    local path = os.tmpname()
    os.remove(path)
    path = path .. ending
    local ok, message = pcall(f, path)
    os.remove(path)
    if not ok then error(message, 0) end
end

local function trained(set, test_set)
    local net = nn.net("8 - 6 - 3", {seed = 5})
    net:train(set, {epochs = 3, batch = 7, lr = 1, seed = 2, test = test_set, progress = false})
    return net:params()
end

test("npy: the same bits as from memory", function()
    with(".npy", function(path)
        local x = tensor.randn(500, 8, {seed = 1})
        local y = tensor.randint(1, 3, 500, {seed = 2, dtype = "i32"})
        x:save(path)
        local held = data.set {x = x, y = y, classes = {"a", "b", "c"}}
        local mapped = data.set {x = path, y = y, classes = {"a", "b", "c"}, map = true}
        local read = data.set {x = path, y = y, classes = {"a", "b", "c"}}
        eq(tostring(mapped), tostring(held))
        assert(mapped.x:equal(held.x) and read.x:equal(held.x))
        eq(mapped[77].x, held[77].x)
        eq(mapped[-1].y, held[-1].y)
        assert(trained(mapped):equal(trained(held)))
        local a, b = held:split(0.8, 3)
        local c, d = mapped:split(0.8, 3)
        assert(c.x:equal(a.x))
        assert(trained(c, d):equal(trained(a, b)))
        assert(trained(mapped:shuffle(4)):equal(trained(held:shuffle(4))))
        -- Rows asked for between those that training has announced.
        local net, count = nn.net("8 - 6 - 3", {seed = 5}), 0
        local function ask()
            count = count + 1
            eq(mapped[count].x, held[count].x)
        end
        net:train(mapped,
            {epochs = 3, batch = 7, lr = 1, seed = 2, progress = false, on_batch = ask})
        assert(net:params():equal(trained(held)))
        net = nn.net("8 - 3", {seed = 1})
        eq(net:evaluate(mapped).cost, net:evaluate(held).cost)
    end)
end)

local function idx(path, rows)
    local file = assert(io.open(path, "wb"))
    file:write(string.pack(">BBBBI4I4I4", 0, 0, 8, 3, rows, 2, 4))
    for i = 1, rows * 8 do file:write(string.char(i * 7 % 256)) end
    file:close()
end

test("idx: a set without y", function()
    with("", function(path)
        idx(path, 90)
        local set = data.idx(path, {map = true})
        eq(#set, 90)
        assert(set.x:equal(data.idx(path):to "f32"))
        eq(set[3].y, nil)
        fails(function() data.idx(path, {mapp = true}) end, "did you mean 'map'", true)
        fails(function() data.set {x = {{1}}, map = true} end, "map needs a path", true)
    end)
end)

test("files that change or go", function()
    with("", function(path)
        local function again()
            idx(path, 90)
            local y = tensor.randint(1, 3, 90, {seed = 2, dtype = "i32"})
            return data.set {x = path, y = y, classes = {1, 2, 3}, map = true}
        end
        local net = nn.net({{2, 4}, "flatten", 3}, {seed = 1})
        local set, before = again(), net:params():clone()
        idx(path, 40)
        local message = fails(function() net:train(set, {epochs = 1, progress = false}) end,
            "has changed since it was opened: it has 336 bytes and had 736; row ", true)
        assert(message:find(path, 1, true), message)
        assert(net:params():equal(before))
        fails(function() return set.x end, "row 1 (up to byte 24) is not read", true)
        set = again()
        os.remove(path)
        fails(function() return set[2] end,
            "was removed or replaced after it was opened; row 2 ", true)
        set = again()
        fails(function()
            net:train(set, {epochs = 3, batch = 90, progress = false, on_batch = function()
                os.remove(path)
            end})
        end, "epoch 2, batch 1: .*was removed or replaced")
    end)
end)

test("csv: converted once", function()
    -- The specs' own HOME is empty and goes with them.
    with(".csv", function(path)
        local file = assert(io.open(path, "w"))
        file:write("a,b,c,d,e,f,g,h,kind\n")
        local x = tensor.randn(300, 8, {seed = 3}):totable()
        for i = 1, 300 do
            for k = 1, 8 do file:write(("%.9g,"):format(x[i][k])) end
            file:write(({"cat", "dog", "eel"})[i % 3 + 1], "\n")
        end
        file:close()
        local held, mapped = data.csv(path, {y = "kind"}), data.csv(path, {y = "kind", map = true})
        eq(tostring(mapped), tostring(held))
        eq(mapped.classes, held.classes)
        eq(mapped.columns, held.columns)
        assert(mapped.x:equal(held.x) and mapped.y:equal(held.y))
        assert(trained(mapped):equal(trained(held)))
        local again = data.csv(path, {y = "kind", map = true})
        eq(again[300].y, held[300].y)
        assert(again.x:equal(held.x))
        fails(function() data.csv(path, {map = true}) end, "row 1 (line 2), column 9 (kind)", true)
        fails(function() data.csv("/no/such/file", {map = true}) end, "No such file", true)
    end)
end)

spec.report()
