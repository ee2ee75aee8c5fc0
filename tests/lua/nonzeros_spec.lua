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

-- So wide that the layer takes the columns that hold any alone: products and gradients by hand, of
-- numbers whose sums f32 holds.
test("a layer over wide rows multiplies what they hold", function()
    local n, k, m = 20, 2000, 3
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
    local rnn = nn.net(("*x%d - rnn 3 last - 2 linear : quadratic"):format(k), {seed = 1})
    local steps = x:reshape(1, n, k)
    local h, w = tensor.zeros(3), rnn[1]
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

spec.report()
