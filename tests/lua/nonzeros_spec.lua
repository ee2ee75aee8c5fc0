-- Rows {index = value}: sets that keep their non-zeros alone.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local tensor, data, nn = nabla.tensor, nabla.data, nabla.nn

test("rows of non-zeros are rows with their zeros", function()
    local set = data.set {x = {{[3] = 1, [5] = 0.5}, {[1] = 2}, {5, 7}, {}}, y = {1, 2, 1, 2}}
    eq(#set, 4)
    eq(set.x, {{0, 0, 1, 0, 0.5}, {2, 0, 0, 0, 0}, {5, 7, 0, 0, 0}, {0, 0, 0, 0, 0}})
    eq(set.y, {1, 2, 1, 2})
    eq(set[1].x, {0, 0, 1, 0, 0.5})
    eq(tostring(set), "4 examples · x 5 · 25 % non-zero · 2 classes 1, 2")
    eq(set.nonzero, 0.25)
    eq(set:take(1).nonzero, 0.4)
    eq(data.set({x = set.x}).nonzero, 0.25)
    eq(set:take(-2).x[1], {5, 7, 0, 0, 0})
    eq(set:without {1, 2}.x, set:take(-2).x)
    eq(set:shuffle(1):take(4).x:sum(), set.x:sum())
    local wide = data.set {x = {{[3] = 1}, {[2] = 0}}, columns = 8, y = {{1}, {2}}}
    eq(wide.x.shape, {2, 8})
    eq(wide.y, {{1}, {2}})
    eq(set:standardize().x, set.x)
    eq(data.set({x = {{[2] = 1}, {[4] = 1}}}).x, {{0, 1, 0, 0}, {0, 0, 0, 1}})
end)

test("a list of rows has no holes and no names, behind which rows would be lost", function()
    local row = {[4] = 1}
    fails(function() data.set {x = {[1] = row, [3] = row}} end,
          "x is a list that ends with entry 1")
    fails(function() data.set {x = {row, row, [0] = row}} end, "what stands at [0] is not", true)
    fails(function() nn.net("4 - 2")({row}) end, "zeros go through data.set", true)
    fails(function() data.set {x = {row, row, first = row}} end, "at ['first'] is not in it", true)
    local a, b = tensor.ones(2, 2), tensor.ones(3, 2)
    fails(function() data.set {x = {a, b, [9] = b}} end, "x is a list that ends with entry 2;")
    fails(function() data.set {x = {a, b}, y = {a, b, [7] = b}} end, "y is a list that ends")
    fails(function() nn.net("*x2 - 2"):evaluate({a, b, n = b}, {a, b}) end, "at ['n']", true)
end)

test("columns says that rows are {index = value}; lists of one length are lists", function()
    eq(data.set({x = {{1, 2}, {3, 4}}}).x, {{1, 2}, {3, 4}})
    eq(data.set({x = {{1, 2}, {3, 4}}, columns = 3}).x, {{1, 2, 0}, {3, 4, 0}})
    eq(data.set({x = {{1, 2}, {3}}, columns = 2}).x, {{1, 2}, {3, 0}})
    eq(data.set({x = {{}, {}}, columns = 2}).x, {{0, 0}, {0, 0}})
    fails(function() data.set {x = {{1, 2}, {3}}} end, "rows of different lengths")
    fails(function() data.set {x = {{}, {}}} end, "holds nothing")
    eq(data.set({x = {{[2] = 1.5}}, y = {"a" and 1}, classes = {"a"}})[1].y, "a")
end)

test("they train, evaluate and answer as dense ones do, to the bit", function()
    local rows, full, y = {}, tensor.zeros(60, 40), {}
    for i = 1, 60 do
        rows[i], y[i] = {}, i % 3 + 1
        for k = 1, 4 do
            local j = (i * 7 + k * k * 5) % 40 + 1
            rows[i][j] = (i + k) / 16
            full[{i, j}] = (i + k) / 16
        end
    end
    local few, all = data.set {x = rows, y = y, columns = 40}, data.set {x = full, y = y}
    local a = nn.net("40 - 8 - 3 softmax : cross_entropy", {seed = 1})
    local b = a:clone()
    a:train(few, {epochs = 3, batch = 20, lr = 0.5, seed = 2})
    b:train(all, {epochs = 3, batch = 20, lr = 0.5, seed = 2})
    eq(a:params(), b:params())
    eq(a:evaluate(few).cost, b:evaluate(all).cost)
    eq(a:classify(few:take(5)), b:classify(all:take(5)))
    local first, second = few:split(0.5, 1)
    eq(#first + #second, 60)
end)

-- So wide, and with neurons enough, that the layer takes the columns that hold any alone: products
-- and gradients by hand, of numbers whose sums f32 holds.
test("a layer over wide rows multiplies what they hold", function()
    local n, k, m = 20, 2000, 17
    local x = tensor.zeros(n, k)
    for i = 1, n do
        for j = 1, 4 do x[{i, (i * 97 + j * j * 31) % k + 1}] = (i + j) / 8 end
    end
    local net = nn.net(("%d - %d linear : quadratic"):format(k, m), {seed = 1})
    net[1].w = (net[1].w * 64):round() / 64
    local y = tensor.zeros(n, m)
    local a = x:matmul(net[1].w:t()) + net[1].b
    assert(net(x):allclose(a, {rtol = 1e-6, atol = 1e-6}))
    local nabla_w = net:backprop(x, y)
    assert(nabla_w[1]:allclose((a / n):t():matmul(x), {rtol = 1e-5, atol = 1e-7}))
    local zeros = x:sum(1):eq(0)
    eq(nabla_w[1]:masked_select(zeros:unsqueeze(1):expand(m, k)):abs():max():item(), 0)
    local rnn = nn.net(("*x%d - rnn %d last - 2 linear : quadratic"):format(k, m), {seed = 1})
    local steps = x:reshape(1, n, k)
    local h, w = tensor.zeros(m), rnn[1]
    for i = 1, n do h = (w.wx:matmul(x[i]) + w.wh:matmul(h) + w.b):tanh() end
    local out = rnn[2].w:matmul(h) + rnn[2].b
    assert(rnn(steps):allclose(out:unsqueeze(1), {rtol = 1e-5, atol = 1e-6}))
end)

test("what is wrong is told by row and index", function()
    local function refused(x, what, more)
        fails(function() data.set {x = x, columns = more} end, what)
    end
    refused({{[3] = 1}, {[0] = 2}}, "row 2 of x has the index 0; they count from 1")
    refused({{[3] = 1}, {[-2] = 2}}, "row 2 of x has the index %-2; they count from 1")
    refused({{[3] = 1}, {[2.5] = 2}}, "row 2 of x has the index 2.5; indices are whole numbers")
    refused({{[3] = 1}, {a = 2}}, "row 2 of x has the index 'a'")
    refused({{[3] = 1, [0] = 2}}, "row 1 of x has the index 0; they count from 1")
    refused({{[-2] = 1}}, "row 1 of x has the index %-2; they count from 1")
    refused({{1, 2}, {[0] = 3, 1, 2}}, "row 2 of x has the index 0; they count from 1")
    refused({{[3] = 1, [2.5] = 2}}, "row 1 of x has the index 2.5; indices are whole numbers")
    refused({{[3] = 1, ["3"] = 2}}, "row 1 of x has the index '3'; indices are whole numbers")
    refused({{[3] = 1}, {[2] = "x"}}, "row 2 of x holds 'x' at index 2, which is no number")
    refused({{[3] = 1}, {[2] = 0 / 0}}, "row 2 of x holds %-?nan at index 2, which is no number")
    refused({{[3] = math.huge}}, "row 1 of x holds inf at index 3, which is no number")
    refused({{[3] = 1e300}}, "row 1 of x holds 1e%+300 at index 3, which does not fit into f32")
    refused({{[3] = 1}, 5}, "row 2 of x must be {index = value} like others, not 5")
    refused({{[3] = 1}, {[9] = 1}}, "row 2 of x has the index 9; there are 5 columns", 5)
    refused({{[2 ^ 31 | 0] = 1}}, "rows have at most 2147483647 columns")
    refused({}, "there are no rows", 3)
    refused(tensor {{1}},
        "columns goes with rows {index = value}, a list of tables, not with a tensor", 3)
    refused({{[3] = 1}}, "columns must be a whole number from 1", 0)
    fails(function() data.set {x = {{[3] = 1}, {[2] = 1}}, y = {1}} end, "x holds 2 examples, y 1")
end)

-- ---- Files ----

local SIDE <const>, COUNT <const> = 30, 120
local function temporary(content)
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write(content)
    file:close()
    return path
end

-- Images as bytes, of which every `every`-th is not 0.
local function images(every)
    local bytes = {}
    for i = 1, COUNT * SIDE * SIDE do
        bytes[i] = i * 7 % every == 0 and string.char(i % 255 + 1) or "\0"
    end
    return table.concat(bytes)
end

local function idx_of(bytes)
    return "\0\0\8\3" .. string.pack(">I4I4I4", COUNT, SIDE, SIDE) .. bytes
end

test("a file of mostly zeros is kept as its non-zeros, and nothing else shows it", function()
    local path = temporary(idx_of(images(10)))
    local y, tensors = {}, data.idx(path)
    for i = 1, COUNT do y[i] = i % 3 + 1 end
    collectgarbage()
    local before = nabla.memory().live
    local set = data.set {x = path, y = y}
    collectgarbage()
    local bytes = nabla.memory().live - before
    assert(bytes < COUNT * SIDE * SIDE / 2, bytes)
    local full = data.set {x = tensors, y = y}
    eq(tostring(set), "120 examples · x 30x30 · 10 % non-zero · 3 classes 1…3")
    eq(tostring(full), "120 examples · x 30x30 · 3 classes 1…3")
    eq(set.nonzero, 0.1)
    eq(full.nonzero, 0.1)
    eq(set.x, full.x)
    eq(set.x.dtype, "f32")
    eq(set[7].x, full[7].x)
    eq(set:take(-5).x, full:take(-5).x)
    eq(set:shuffle(3).x, full:shuffle(3).x)
    local first, rest = set:split(0.25, 2)
    local a, b = full:split(0.25, 2)
    eq(first.x, a.x)
    eq(rest.x, b.x)
    eq(set:without {1, 5}.x, full:without {1, 5}.x)
    eq(set:standardize().scale.offset, full:standardize().scale.offset)
    eq(set:standardize().scale.factor, full:standardize().scale.factor)
    eq(set:map(function(x) return x * 2 end).x, full.x * 2)
    local saved = {os.tmpname() .. ".npz", os.tmpname() .. ".npz"}
    set:save(saved[1])
    full:save(saved[2])
    eq(tensor.load(saved[1]).x, tensor.load(saved[2]).x)
    eq(tensor.load(saved[1]).x.dtype, "u8")
    for x in set:batches(50) do
        eq(x, set:take(50).x)
        break
    end
    for _, name in ipairs {path, saved[1], saved[2]} do os.remove(name) end
end)

test("one of few zeros keeps them, and so does what is read row by row", function()
    local path = temporary(idx_of(images(2)))
    eq(tostring(data.set({x = path})), "120 examples · x 30x30")
    os.remove(path)
    path = temporary(idx_of(images(10)))
    local set = data.set {x = path, map = true}
    eq(tostring(set), "120 examples · x 30x30")
    eq(set.nonzero, 0.1)
    os.remove(path)
end)

test("tables and images likewise", function()
    local lines, wanted = {"a1"}, {}
    for i = 1, 3000 do
        local row = {}
        for k = 1, 30 do row[k] = (i + k) % 11 == 0 and (i * k) % 200 + 1 or 0 end
        lines[i + 1], wanted[i] = table.concat(row, ","), row
    end
    for k = 2, 30 do lines[1] = lines[1] .. ",a" .. k end
    local path = temporary(table.concat(lines, "\n") .. "\n")
    local set = data.csv(path)
    assert(tostring(set):find("9.09 % non-zero", 1, true), tostring(set))
    eq(set.x, tensor(wanted))
    eq(set.columns[30], "a30")
    os.remove(path)

    local folder = os.tmpname()
    os.remove(folder)
    os.execute(("mkdir -p '%s/a' '%s/b'"):format(folder, folder))
    local bytes = images(10)
    for i = 1, COUNT do
        local name = ("%s/%s/%03d.pgm"):format(folder, i <= 60 and "a" or "b", i)
        local file = assert(io.open(name, "wb"))
        file:write("P5 30 30 255\n", bytes:sub((i - 1) * SIDE * SIDE + 1, i * SIDE * SIDE))
        file:close()
    end
    local pictures = data.images(folder)
    assert(tostring(pictures):find("x 1x30x30 · 10 % non-zero", 1, true), tostring(pictures))
    path = temporary(idx_of(bytes))
    local all = data.idx(path):to "f32":reshape(COUNT, 1, SIDE, SIDE)
    assert(pictures.x:allclose(all / 255, {rtol = 1e-7, atol = 0}))
    eq(pictures[61].y, "b")
    os.remove(path)
    os.execute(("rm -r '%s'"):format(folder))
end)

test("a file that is cut is told, and nothing of it is kept", function()
    local whole = idx_of(images(10))
    local path = temporary(whole:sub(1, -2))
    fails(function() data.set {x = path} end,
        "its sizes 120x30x30 need 108000 bytes after the header; at most 107999 can follow")
    os.remove(path)
end)

spec.report()
