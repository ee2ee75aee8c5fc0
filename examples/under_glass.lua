-- Training under glass: a run that stops where something goes wrong, is looked into, searched for
-- the step and the example that did it, taken back, changed, and goes on.
--
--     nabla examples/under_glass.lua
--
-- One example of 1,437 is broken: somebody scaled it wrongly. One step with it is enough to push
-- neurons to where tanh is flat for every example, and there they stay. net:train would show a cost
-- that leaps once and comes down late.

local BROKEN <const>, TIMES <const> = 700, 30

digits = data.digits()
local x = digits.train.x:clone()
x[BROKEN] = x[BROKEN] * TIMES
test = data.set {x = digits.test.x, y = digits.test.y, classes = digits.classes}
set = data.set {x = x, y = digits.train.y, classes = digits.classes}

net = nn.net("64 - 30 tanh - 10 softmax : cross_entropy", {seed = 3})
t = net:trainer(set, {epochs = 1, batch = 10, lr = 1, seed = 1, progress = false})

local function right()
    return ("%.1f %% of the test examples right"):format(100 * net:evaluate(test).accuracy)
end

-- ---- Stop ----

t:stop_when "nan"
t:stop_when "saturated"
t:watch(net[1].b[{{1, 3}}])
t:watch(function() return net[2].w:norm() end, "size of w")
t:run()
print(t)

-- ---- Look ----

print "\nwhat is the matter with it:"
print(net:why(t.stopped.layer, t.stopped.neuron, set))

-- ---- Which step, and which example of it? ----

local found = t:bisect "saturated"
print "\nsince when, and by whom:"
print(found)
assert(found.example == BROKEN)
print(("example %d reaches from %g to %g, the others to %g"):format(found.example,
    set[found.example].x:min():item(), set[found.example].x:max():item(), set[1].x:max():item()))

-- ---- On as it is, to see what comes of it ----

t:stop_when(false)
t:run()
print(("\nafter the epoch: %s"):format(right()))

-- ---- Back to before it, a small rate for this one step, and on ----

t:seek(found.step - 1)
t.lr = 1e-6
t:step()
t.lr = 1
t:run()
print(("with a small rate in step %d alone: %s"):format(found.step, right()))
print("\n" .. tostring(t))

-- ---- The changes are part of the record: the same again, bit for bit ----

local values = net:params():clone()
t:back(60)
t:run()
assert(net:params():equal(values))
print "\n60 steps back and forward again: the same bits"
