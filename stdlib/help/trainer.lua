-- Pages of help on training: batches in pieces, and a run that is walked through by hand.

return function(page)

page("pieces", [[
net:train(set, {batch = 1024, pieces = 8}) cuts every batch into pieces, each of which is a pass of
its own: piece i of p, from 0, has the rows i n / p up to (i + 1) n / p of the batch's n, both
rounded down. Their gradients, each example's times its weight, are added along a tree: the pieces
0 … p - 1 part at the largest power of two that leaves something to the right of it, both sides do
the same, and left + right is the sum. So a sum's bits depend on the number of pieces, never on who
computed which.

That is what several processes need (mpirun -n 4 nabla train.lua): each takes its share of the
pieces, and all step by the same sum. 1, 2, 4 and 8 processes with 8 pieces leave the same bits,
those of one process with pieces = 8. There pieces are 8 unless you say; in one process they are 1.
More processes than pieces are an error: more pieces help.

pieces belongs to a run as its seed does: history.pieces holds it, a checkpoint keeps it, and a run
that is resumed goes on with it, on any number of processes; another number is an error.

Against whole batches nothing changes but rounding. Dropout drops what it drops in the whole batch,
batch_norm has the figures of the whole batch (its pieces run side by side and hold their memory at
once), weights, penalties, clip and accumulate see the batch, augment is given it whole. lbfgs and
cg cut the set likewise; lm makes a triangle R of each piece's Jacobian and of these the whole
one's, and looks at all residuals in every process. Functions of yours see a piece at a time; what
they draw from tensors' chance is a function of seed, step and piece, what math.random gives is not.
A cost in Lua has to be a mean over its examples. A trainer's stops inside a step show the batch
whole.

What it costs. Products of few rows are slower: with fewer than 64 examples in a batch it is better
whole, which is said when the run begins. Of a network of dense layers several pieces go in one
pass, with the bits of one by one. Plain sgd adds no product straight into the weights then, and the
gradients are written and added once more.]],
    [==[digits = data.digits()
net = nn.net("64 - 30 - 10", {seed = 1})
print(net:train(digits.train, {epochs = 1, batch = 128, lr = 3, pieces = 8, progress = false}))]==])

page("trainer", [[
t = net:trainer(set, o) is a run of training under glass: what net:train does in one go, with the
same options and the same bits, stops here wherever you like, and can be gone back in.

  t:step()  t:step(10)   the next step, the next ten
  t:epoch()              the rest of the epoch, or a new one
  t:run()                all epochs that are left; gives the history
  t:step("layer")        to the next stop inside a step (page "inside")
  t:back(50)             50 steps back
  t:seek(120)            to step 120, wherever it lies; 0 is the beginning
  t:save "run.st"        a checkpoint, for net:train(set, {resume = "run.st"})

t:step and t:epoch go on as long as you like; t:run() ends with the run's epochs, or with patience,
and then brings the best epoch's parameters back. t says when a run is over.

A step is one change of the parameters: a batch, with accumulate = k so many of them, of lbfgs, cg
and lm the whole set. The last step of an epoch ends it, and valid and test are evaluated. The
trainer prints itself after every step: where it stands, and what is kept of the run. t.step_number,
t.epoch_number, t.batch_number, t.cost, t.history, t.net, t.set, t.optimizer and t.record hold it.

Changes. At a stop all else works: look (net:why, plot, net:trace), or change weights, an
activation, net[l].frozen, .factor, .mask, t.lr, t.optimizer.momentum; the run goes on with that.
What was changed is found when the run goes on, and is part of the record. What the callbacks
on_batch and on_epoch and a schedule's function change is, too. t:back(0) drops what was changed
since the stop.

Going back. Network, optimizer, running figures, rates and history are what they were, also what had
been changed by then. The steps ahead stay on record: t:step() makes them again, with the same bits
and all changes, and calls no callbacks. Once you change something there, the run goes another way
from there, and the old one is gone. augment, layers and costs of yours are called again; where they
draw from tensors' chance they draw the same numbers, what draws from math.random does not.

The record. The state is kept whole at an even distance of steps; the steps between are made again
when you go there. The distance doubles when the record has filled its memory (256 MB, at most a
quarter of what there is, at least four states), and is wider where copies would take more than 4 %
of the training's time. If changes alone fill it, the beginning is given up: t.record.first says how
far back you can go.

Questions. t:watch(v) reads a view of the network's numbers, or a function, behind every step; t
prints a line for it, plot(t) draws it below the cost. t:stop_when(c) stops every run where a
condition holds, t:run_until(c) this one: a function, an expression such as "cost > 2", or the words
"nan", "saturated", "dead"; t.stopped says which and where. t:bisect(f) searches the record for the
step since which f holds, and the example of it without which it would not; t:compare(u) for the
step in which two runs part.

What else happens to the network. Where it learned elsewhere meanwhile (net:train, net:step, another
trainer), or the numbers of the set, of valid or test were changed, the next call says so and does
nothing; the same again goes on with that, t:back(0) returns to what the run left. Steps before a
change of the set cannot be made again: the record begins there, also where a callback made it; then
t:back(0) drops nothing that would need them. A network whose layers were
replaced, or whose dtype changed, has other numbers: the run ends, another can begin.

Ctrl-C and errors of callbacks leave it at a whole step, and a way back that is stopped was not
gone.]],
    [==[digits = data.digits()
net = nn.net "64 - 30 - 10"
t = net:trainer(digits.train, {lr = 3, seed = 1, progress = false})
t:step(100)
net[1]:neuron(7).activation = "relu"   -- from here on
t:step(44)
w = net[1].w:clone()
t:back(120)
net[1]:neuron(7).activation            → sigmoid
t:step(120)
net[1].w:equal(w)                      → true
t:back(44)
t.lr = 1                               -- and now another way
t:epoch()
t.record.last                          → 144]==])

-- Lines of names with what they are, of the same lists that conditions are read by.
local function listed(entries)
    local wide, lines = 0, {}
    for _, entry in ipairs(entries) do wide = math.max(wide, #entry.name) end
    for i, entry in ipairs(entries) do
        lines[i] = ("  %s%s  %s"):format(entry.name, (" "):rep(wide - #entry.name), entry.help)
    end
    return table.concat(lines, "\n")
end

page("conditions", [[
What t:stop_when(c), t:run_until(c) and t:bisect(c) take.

A function: it is given the trainer and says true, or in words why, behind every step. An error in
it stops the run there, whole.

A word:

]] .. listed(require "nabla.trainer.words") .. [[


An expression that is true or false, of numbers, abs, ceil, exp, floor, huge, log, max, min, pi and
sqrt, and of what the run is behind the step:

]] .. listed(require "nabla.trainer.figures") .. [[


The hundred examples are drawn from the set once, and are all where it has no more. Words that look
at them, and gradient, take a pass over them at every step, which is more than the step itself of a
small network. saturated and dead tell a neuron once, so that the run can go on past it.]],
    [==[digits = data.digits()
net = nn.net("64 - 30 - 10", {seed = 1})
t = net:trainer(digits.train, {lr = 3, seed = 1, progress = false})
t:stop_when "nan"
t:run_until "cost < 0.3 and step > 10"
print(t.stopped)]==])

page("inside", [[
s = t:step("layer") goes through a step stop by stop: forward through each layer, back through each,
then the update. Of a block the layers in it come before it on the way forward, behind it on the way
back. s is a trace, as net:trace(x, y) gives it, in which stands what is known by then:

  at the start               s.x, s[0].a
  forward, at layer l        s[l].z, .a, .slope, s[l]:jacobian(i)
  … at the last one          s.cost, s.grad_a
  back, at layer l           s[l].delta, .dw, .db
  … at the first one         s.grad_x
  the last stop              the update: t.step_number counts it

What is not known yet is an error that says how many stops it is away. A layer that stands at two
places has its dw when both are behind. s.step, s.epoch, s.batch, s.layer (2, in a block "3.1") and
s.way ("forward", "back", "whole") say where it is; plot(s) draws what there is. One table serves
all stops of a batch; of accumulate = k each of the k batches has its own, and the update comes
behind the last.

The numbers are those that training computes, bit for bit: dropout drops, batch_norm takes the
batch's own figures, augment was called; running figures and optimizer move with the update alone.
Where training takes a batch in parts, pieces or the slices of one that outgrows a cache, the stops
show it in one pass, whose last bits may be others; the update has those of training.

Inside the step nothing changes: weights, activations, masks, rates, layers, numbers of the set,
net:train and all else that would move something is refused until it is whole. What looks (net(x),
net:why, net:trace, gradcheck, plot) works. t:step(), t:epoch() and t:run() end the step first;
t:back(0) drops it, and t:back(n) and t:seek(step) do so before they go. Ctrl-C in the update leaves
it half done.

lbfgs, cg and lm look at the whole set several times in a step: they have no such stops.

The prompt says where training stands while a run is under way: "3·120" is epoch 3, 120 steps made,
"3·121 a2" a step half done that has gone forward to layer 2, "3·121 δ2" one that has come back to
it.]],
    [==[net = nn.net("2 - 3 - 1", {seed = 1})
t = net:trainer({{0, 1}, {1, 0}}, {{1}, {0}}, {batch = 2, lr = 1, seed = 1})
s = t:step "layer"                     -- forward, layer 1
s[1].a.shape[2]                        → 3
t:step "layer";                        -- forward, layer 2: the cost is known
c = net:cost(s.x, {{1}, {0}})
t:step "layer"                         -- back, layer 2
s[2].delta.shape[1]                    → 2
pcall(function() net[1].w:zero_() end) → false
t:step()                               -- the rest of it
t.step_number                          → 1
s.way                                  → whole]==])

end
