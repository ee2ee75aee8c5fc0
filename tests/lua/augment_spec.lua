-- Batches that a function changes before they are learned from.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local nn, data, tensor = nabla.nn, nabla.data, nabla.tensor

local set = data.digits().train:take(70)

local function fresh() return nn.net("64 - 12 tanh - 10 softmax : cross_entropy", {seed = 1}) end

local function train(o)
    local net, all = fresh(), {epochs = 3, batch = 16, lr = 0.2, seed = 4, progress = false}
    for k, v in pairs(o) do all[k] = v end
    net:train(set, all)
    return net:params()
end

local plain = train {}

local function noisy(x) return x + 0.1 * tensor.randn(table.unpack(x.shape)) end

test("what it gives is learned", function()
    assert(train {augment = function(x) return x end}:equal(plain))
    assert(train {augment = function(x) return x:clone() end}:equal(plain))
    -- Half of x is half of the first layer's sums: another way to the same figures.
    local halved = data.set {x = set.x * 0.5, y = set.y, classes = set.classes}
    local net = fresh()
    net:train(halved, {epochs = 3, batch = 16, lr = 0.2, seed = 4, progress = false})
    assert(train {augment = function(x) return x * 0.5 end}:equal(net:params()))
    assert(not net:params():equal(plain))
end)

test("it sees every batch with its y", function()
    local sizes, right = {}, true
    train {epochs = 1, augment = function(x, y)
        sizes[#sizes + 1] = #x
        right = right and #y == #x
        return x
    end}
    eq(sizes, {16, 16, 16, 16, 6})
    assert(right)
end)

test("its chance is a function of seed and step", function()
    local once = train {augment = noisy}
    assert(not once:equal(plain))
    nabla.seed(99)
    tensor.rand(5)
    assert(train {augment = noisy}:equal(once))
    assert(not train {augment = noisy, seed = 5}:equal(train {seed = 5}))
    local first = {}
    train {epochs = 1, augment = function(x)
        first[#first + 1] = tensor.rand(1)[1]
        return x
    end}
    for i = 2, #first do assert(first[i] ~= first[i - 1]) end
end)

test("the chance of others goes on as if it had not been", function()
    nabla.seed(3)
    local expected = tensor.rand(4)
    nabla.seed(3)
    train {augment = noisy}
    assert(tensor.rand(4):equal(expected))
    nabla.seed(0)
end)

test("a run that is resumed has it too", function()
    local path = os.tmpname()
    os.remove(path)
    -- With a callback gradients are kept, which rounds otherwise than without.
    local function until_batch(epoch, batch)
        return function(b) return not (b.epoch == epoch and b.batch == batch) end
    end
    local whole = train {augment = noisy, on_batch = until_batch(9, 9)}
    train {augment = noisy, checkpoint = path, on_batch = until_batch(2, 3)}
    assert(train {augment = noisy, resume = path, on_batch = until_batch(9, 9)}:equal(whole))
    os.remove(path)
end)

test("what it must not give is refused, and nothing was learned of it", function()
    local before = fresh():params()
    local function refuses(f, message)
        local net = fresh()
        fails(function()
            net:train(set, {epochs = 1, batch = 16, lr = 0.2, progress = false, augment = f})
        end, message, true)
        assert(net:params():equal(before))
    end
    refuses(function(x) return x[{{1, 3}}] end,
        "augment must give an x like its own, 16x64 in f32, not 3x64 in f32")
    refuses(function(x) return x:to "f64" end, "not 16x64 in f64")
    refuses(function() end, "must give a tensor, not nil")
    refuses(function() error "oh" end, "oh")
    refuses(5, "augment must be a function, not 5")
    fails(function()
        fresh():train(set, {optimizer = "lbfgs", epochs = 2, progress = false, augment = noisy})
    end, "lbfgs works on the whole set: augment has no meaning for it", true)
end)

spec.report()
