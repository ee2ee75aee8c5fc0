-- The page of help on training that is walked through by hand.

return function(page)

page("trainer", [[
t = net:trainer(set, o) is a run of training under glass: what net:train does in one go, with the
same options and the same bits, stops here wherever you like, and can be gone back in.

  t:step()  t:step(10)   the next step, the next ten
  t:epoch()              the rest of the epoch, or a new one
  t:run()                all epochs that are left; gives the history
  t:back(50)             50 steps back
  t:seek(120)            to step 120, wherever it lies; 0 is the beginning
  t:save "run.st"        a checkpoint, for net:train(set, {resume = "run.st"})

A step is one change of the parameters: a batch, with accumulate = k so many of them, of lbfgs, cg and
lm the whole set. The last step of an epoch ends it, and valid and test are evaluated. The trainer
prints itself after every step: where it stands, and what is kept of the run. t.step_number,
t.epoch_number, t.batch_number, t.cost, t.history, t.net, t.set, t.optimizer and t.record hold it.

Changes. At a stop all else works: look (net:why, plot, net:trace), or change weights, an activation,
net[l].frozen, .factor, .mask, t.lr, t.optimizer.momentum; the run goes on with that. What was
changed is found when the run goes on, and is part of the record. What the callbacks on_batch and
on_epoch and a schedule's function change is, too. t:back(0) drops what was changed since the stop.

Going back. Network, optimizer, running figures, rates and history are what they were, also what had
been changed by then. The steps ahead stay on record: t:step() makes them again, with the same
bits and all changes, and calls no callbacks. Once you change something there, the run goes another
way from there, and the old one is gone. augment is called again; where it draws from tensors' chance
it draws the same numbers. What draws from math.random does not.

The record. The state is kept whole at an even distance of steps; the steps between are made again
when you go there. The distance doubles when the record has filled its memory (256 MB, or four states
of a large network), and while copies take more than 4 % of the training's time. If changes alone
fill it, the beginning is given up: t.record.first says how far back you can go.

What else happens to the network. Where it learned elsewhere meanwhile (net:train, net:step, another
trainer), or the numbers of the set were changed, the next call says so and does nothing; the same
again goes on with that, t:back(0) returns to what the run left. A network whose layers were
replaced, or whose dtype changed, has other numbers: the run ends, another can begin.

Ctrl-C and errors of callbacks leave it at a whole step, and a way back that is stopped was not gone.]],
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

end
