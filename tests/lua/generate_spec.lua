-- Made-up data sets: where their points are, and that they can be learned.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local nn, data = nabla.nn, nabla.data

test("xor has its four points", function()
    local set = data.xor()
    eq(set.x:totable(), {{0, 0}, {0, 1}, {1, 0}, {1, 1}})
    eq(set.y:totable(), {1, 2, 2, 1})
    eq(set.classes, {0, 1})
    -- One output answers for both classes.
    local net = nn.net("2 - 8 tanh - 1 : cross_entropy", {seed = 2})
    net:train(set, {epochs = 500, batch = 4, lr = 0.5, seed = 1, progress = false})
    eq(net:evaluate(set).accuracy, 1)
end)

test("spirals lie on their arms", function()
    local set = data.spirals(9, {noise = 0, turns = 1})
    eq(#set, 9)
    eq(set.y:totable(), {1, 2, 1, 2, 1, 2, 1, 2, 1})
    local x = set.x:totable()
    -- Five points on the first arm, at shares 0, ¼, ½, ¾ and 1 of one turn.
    for i, at in ipairs {{0, 0}, {0, 0.25}, {-0.5, 0}, {0, -0.75}, {1, 0}} do
        near(x[2 * i - 1], at)
    end
    -- Four on the second, the first's turned by half a turn: at shares 0, ⅓, ⅔ and 1.
    near(x[8], {-1, 0})
    near(x[4], {-1 / 3 * math.cos(2 * math.pi / 3), -1 / 3 * math.sin(2 * math.pi / 3)})
end)

test("moons lie on their circles", function()
    local x = data.moons(7, {noise = 0}).x:totable()
    near(x[1], {1, 0})
    near(x[7], {-1, 0})
    near(x[3], {math.cos(math.pi / 3), math.sin(math.pi / 3)})
    near(x[2], {0, 0.5})
    near(x[4], {1, -0.5})
    near(x[6], {2, 0.5})
end)

test("noise has its deviation and its seed", function()
    local clean = data.moons(4000, {noise = 0}).x
    local a = data.moons(4000, {noise = 0.2, seed = 3}).x
    near((a - clean):std():item(), 0.2, 0.01)
    near((a - clean):mean():item(), 0, 0.01)
    assert(a:equal(data.moons(4000, {noise = 0.2, seed = 3}).x))
    assert(not a:equal(data.moons(4000, {noise = 0.2, seed = 4}).x))
    nabla.seed(5)
    local b = data.spirals(50).x
    assert(not b:equal(data.spirals(50).x))
    nabla.seed(5)
    assert(b:equal(data.spirals(50).x))
    nabla.seed(0)
end)

test("they are 200 unless told, and split with both classes", function()
    eq(#data.spirals(), 200)
    eq(#data.moons {noise = 0.3}, 200)
    local a, b = data.moons(40, {seed = 1}):split(0.5, 1)
    eq(a.y:eq(1):sum():item(), 10)
    eq(#b, 20)
    eq(tostring(data.moons(40)), "moons: 40 examples · x 2 · 2 classes 1, 2")
end)

test("what cannot be is refused", function()
    fails(function() data.spirals(1) end, "the number of examples must be from 2 to", true)
    fails(function() data.spirals(-5) end, "the number of examples must be from 2 to", true)
    fails(function() data.spirals(1e18) end, "the number of examples must be from 2 to", true)
    fails(function() data.moons(2.5) end, "the number of examples must be a whole number", true)
    fails(function() data.moons(10, {noise = -1}) end,
          "noise must be a number from 0, not -1", true)
    fails(function() data.moons(10, {turns = 1}) end, "has no option 'turns'", true)
    fails(function() data.spirals(10, {turns = 0}) end, "turns must be a number above 0", true)
    fails(function() data.spirals "ten" end, "data.spirals", true)
end)

spec.report()
