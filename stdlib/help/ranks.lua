-- The page of help on several processes.

return function(page)

page("ranks", [[
  mpirun -n 4 nabla train.lua

starts four processes, on this machine or on those that mpirun is told of, which train together:
each batch is cut into pieces, 8 unless pieces = says otherwise, each process takes its share of
them, and the sum of their gradients moves the same network in all. How many processes share the
pieces changes no bit; alone, pieces = 8 gives the same bits too. Large batches and wide networks
gain; batches under 64 do not. nn.sweep shares whole runs among the processes instead (page
"sweeps").

Every process runs the whole script, with the same seed and the same sets, callbacks included.
nabla.ranks() says how many there are, nabla.rank() which one this is, from 0: the count is MPI's,
as is the word. So what all do stands in the script as ever, and what one does alone behind

  if nabla.rank() == 0 then … end

Training is no such thing: who trains while others do not is told so, and nobody waits for ever.
When a run begins the processes compare set, seeds, options, network and parameters, and behind
every epoch what a callback may have changed, and say what differs and on which of them. Tensors'
chance is the same in all; math.random is another in each before math.randomseed(1).

What is silent but on the first: print, io.write and whatever else goes to standard output,
progress, warnings, and nabla's own writers: net:save, tensor.save, x:save, set:save, history:save,
plots in files, checkpoints. What is not: io.stderr, and a script's own io.open, which each process
opens. What the first saves is not yet there where others come to it before; so all wait for it

  net:save "net.st"
  nabla.barrier()
  net = nn.load "net.st"

at nabla.barrier(), which every process must call (a training waits likewise). The file's name has
to be one that all have: os.tmpname() is another on each.
Checkpoints are the first's; how that went all hear. resume reads the same file in all, so the
folder must be seen by all machines; a run goes on with the same bits on any number of processes.
Standard input comes to the first alone; others find it empty.

Threads: as many as a process has cores of its own, shared evenly where several processes of a
machine may use the same; --threads or nabla.threads(n) say otherwise. Memory: each process has sets
and network of its own; sets read with {map = true} stay in their file.

Ends. An error in a callback, or NaN, on one process stops the training in all with one message, at
the same batch; an error elsewhere is told and ends all of them. Ctrl-C, which launchers pass on as
SIGINT or SIGTERM, stops all at the next whole batch. Where a process is killed the launcher ends
the rest; the last checkpoint is whole. The prompt has no place under a launcher.

What is needed: nabla built where there was an mpicc (on Debian: apt-get install libmpich-dev
mpich), and the mpirun of that MPI. MPICH's, Open MPI's and srun are recognised. Without a launcher
nothing of MPI is loaded. The module for lua5.4 takes no notice of launchers.]],
    [==[nabla.ranks()  → 1
nabla.rank()   → 0
digits = data.digits()
net = nn.net("64 - 30 - 10", {seed = 1})
h = net:train(digits.train, {epochs = 2, batch = 100, lr = 3.0, progress = false})
if nabla.rank() == 0 then print(h.cost[2] < h.cost[1]) end]==])

end
