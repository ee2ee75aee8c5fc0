-- The page of help on runs over a grid of options.

return function(page)

page("sweeps", [[
A sweep tries several values of several options:

  runs = nn.sweep{net = "64 - 30 - 10", set = digits.train, test = digits.test,
                  lr = {0.1, 1, 3}, batch = {10, 100}, seed = {1, 2, 3}}

It trains once for every combination of the options that are lists, 18 times here. Every option of
net:train may be a list, but those that name files. metrics and weights are lists themselves:
several of them are a list of lists. It says how many runs there are before it begins; more than
1,000 must be asked for, limit = 5000.

  net      notation, a network, {784, 30, 10} in a list of its own, or a list of these
  set      a data set or a list; valid and test likewise

A function of the point stands for any of these four: it is called with the options of a run, once
more where its network is asked for, and must give the same then. What it draws from tensors' chance
(tensor.randint, …) is the run's seed's; what math.random draws is not. Options of your own that it
reads stand in variables:

  variables = {hidden = {10, 30}}, net = function(p) return "64 - " .. p.hidden .. " - 10" end

The seed. Run with seed = s is what nabla.seed(s), nn.net(notation, {seed = s}) and net:train(set,
{…, seed = s}) give, bit for bit, at any number of threads (under a launcher net:train has 8 pieces
unless pieces says otherwise, a run of a sweep 1). A network that is given begins with the
parameters that it has; reset = true draws them anew by the seed. Without a seed all runs have the
one that a run typed now would have. An optimizer object stands for its options: each run has a
fresh one.

The table. A row is a run: its options and figures are its fields.

  runs[1].lr .batch .seed …     its options; .options holds them all
  runs[1].cost .test .test_cost .valid .valid_cost .metrics
                                of the epoch whose parameters it has
  runs[1].history .seconds      as of net:train
  runs[1].error                 why it failed, else nil; the other runs go on
  runs[1].net                   its trained network, while that is kept
  runs[1].run                   its number

  runs:best()    the best by valid, else test, else cost, with its .net; runs:best "cost"
  runs:sort()    the best first; runs:sort "lr" rises, {descending = true} falls
  runs:mean()    means over seeds with their spread, also a table; runs:mean "batch"
  plot(runs)     the figure over each option: the mean of all runs, and the best

Shares of right answers are compared by the highest, costs by the lowest, a metric by the highest
unless it is an error; runs:best("f", {least = true}) says otherwise. Networks are kept in 64 MB,
the best ones; best() trains a run again whose network was not kept, and says so: one that is larger
than that, or with on_epoch or on_batch, which may do anything to a network.

Where they run. Each run has a process of its own, a copy of this one, so many at once as
nabla.threads() says; under a launcher (mpirun) all its processes share the runs, and all get the
table. Nothing that a run does is seen here or by another: functions (on_epoch, augment, …) are
called in the copy, what they print appears, what they set is gone with it. A run that needs more
memory than its share comes again alone. Each is trained by one thread, so one run alone is faster
by net:train.

Ctrl-C ends all runs; the rows so far are in _ and in the variable that the line assigns.]],
    [==[
digits = data.digits()
runs = nn.sweep{net = function(p) return "64 - " .. p.hidden .. " relu - 10" end, epochs = 2,
    set = digits.train, test = digits.test, variables = {hidden = {5, 30}}, seed = {1, 2}}
print(runs:mean())
best = runs:best()
print(best.hidden, best.net:evaluate(digits.test).accuracy)]==])

end
