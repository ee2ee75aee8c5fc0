-- Pages of the help for who is new: a first session, the keys, and what is different for those who
-- know Python or PyTorch.

return function(page)

page("tutorial", [[
A first session, to be typed line by line; ? in front of any name explains it.

1. Data. digits = data.digits() holds 1,797 small pictures of digits, most to learn from and some to
test on. digits.train[1] is one of them: its x are 64 numbers, its y the digit. A table of your own
is data.csv("file.csv", {y = "kind"}), a text data.text("file.txt").

2. A network. nn.net "64 - 30 - 10" has 64 inputs, 30 sigmoid neurons and 10 more, one for each
digit. Its name alone shows it: layers, activations, how many numbers it can learn.

3. Learning. net:train runs epochs of mini-batches; h holds what happened and plot(h) draws it.
Ctrl-C stops it and keeps what was learned.

4. Asking. net:classify names what it sees, net:evaluate counts right answers.

5. Looking inside. net:trace(digits.test[1]) holds every z, a and δ of one pass; the page "chapter"
leads from the equations of the notes to their names. net:gradcheck holds them against differences.
learn() goes through the notes with you, on this network.

6. Changing things. One neuron gets another activation; the equations still hold.

7. Keeping. net:save writes a file that Python reads too; nn.load brings it back. .save FILE writes
the session as a script.

Further: help pages "notation", "blocks", "keys", "lua", and "examples", the scripts that come with
the program.]],
    [[
digits = data.digits()
net = nn.net("64 - 30 - 10", {seed = 1})
h = net:train(digits.train, {epochs = 2, batch = 10, lr = 3, test = digits.test, seed = 1})
net:evaluate(digits.test).accuracy > 0.5  → true
net:classify(digits.test:take(3))
t = net:trace(digits.test[1])
t[2].delta.shape                          → {10}
net[1]:neuron(7).activation = "relu"
net:gradcheck(digits.test:take(1)).ok     → true]])

page("examples", [[
Scripts that come with the program, in examples/ of its source and, once installed, in
share/doc/nabla/examples. nabla FILE runs one; most need no argument, DIR is the folder of MNIST.

  notes/                the chapter in nine steps, 01-forward.lua to
                        09-differences.lua
  digits.lua            the first network: it says what it sees
  mnist.lua DIR         the book's network, 784-30-10
  book.lua DIR CHAPTER  all networks of a chapter of the book, its figures
                        beside ours
  mnist_cnn.lua DIR     a LeNet
  iris.lua              irises or a table of text, judged by ten folds
  table.lua FILE        a network for a table of your own
  regression.lua        a curve through points, by two optimizers
  fit.lua               a certified problem, and the errors of its parameters
  early_stopping.lua    when to stop
  resume.lua            a run that is killed and goes on with the same bits
  ranks.lua             one training by several processes, under mpirun
  sweep.lua             which learning rate, how many neurons: 24 runs in a table
  under_glass.lua       a run that stops, is looked into, searched, taken back, changed
  spirals.lua           a network draws its boundary while it learns
  residual.lua          where residual blocks learn and plain layers do not
  autoencoder.lua       pictures through 12 numbers and back
  custom_layer.lua      a layer in ten lines of Lua
  sequence.lua          an lstm learns a grammar
  char_rnn.lua          a text, letter by letter; char_transformer.lua
                        likewise with attention
  tensors.lua           tensors as a calculator
  python/read.py        computes what a saved network answers, by NumPy alone

tales.lua holds the texts that char_rnn.lua learns where no file is given.]],
    'help("tutorial")')

page("editor", [[
Editors that know the Lua language server complete nabla's names and show its help while a script is
written. Their definitions come from the same book as this help and are installed in
share/nabla/meta; in the source they are in the build folder's meta/. Tell the server so once, in
.luarc.json beside your scripts:

  {"runtime.version": "Lua 5.4",
   "workspace.library": ["/usr/local/share/nabla/meta"]}

bash and zsh complete the options of the command line once the program is installed. At the prompt
.edit opens the last input, or a file, in $VISUAL or $EDITOR and runs it afterwards. The program
reads and writes scripts as any Lua does; #!/usr/bin/env nabla may be their first line.]],
    'help("keys")')

page("keys", [[
Keys at the prompt are GNU Readline's, as in bash; ~/.inputrc changes them.

  Tab                  completes names, fields, methods, options, words of the
                       notation, file names; twice: lists what fits; in
                       strings and comments \delta becomes δ, \nabla ∇, and
                       so on; at a line's beginning it indents
  Up, Down             earlier inputs that begin with what stands before the
                       cursor; within an input of several lines the next line
  Ctrl-R               searches earlier inputs while you type
  Enter                runs the input, or goes on where it is not complete
  Esc Enter            runs the input as it is
  Esc Ctrl-J           a new line, also where the input is complete
  Ctrl-C               drops the input; stops what runs
  Ctrl-D               on an empty line: leaves
  Ctrl-A, Ctrl-E       to the line's beginning, its end
  Ctrl-W               cuts the word before the cursor
  Ctrl-U, Ctrl-K       cut the line before it, behind it
  Ctrl-Y, Ctrl-_       put the cut back in; undo
  Ctrl-L               clears the window
  Right, End, Ctrl-F   at the input's end: takes what is suggested in grey
  Alt-F                takes a word of it

An input of several lines is edited whole, also one from the history. Its further lines begin with ·
and two blanks for each block or bracket that is open; a line that becomes end, else, elseif, until
or } moves out by itself. In vi mode dd cc yy S p take whole lines, o and O open one, J joins two,
gg and G go to the first and the last, also behind d c y, h l 0 ^ $ | A I D C x X r R ~ f t . keep
to theirs. With TERM=dumb inputs are typed line by line.

Colours tell keywords, names of Lua and nabla, numbers, strings, comments and the notation inside
strings as you type. Underlined is what nobody knows: a global without a value, a word that is no
layer, activation, option or cost where one belongs; the word that is being typed only once nothing
could come of it. The bracket or block word at the cursor shows its other. nabla.colours changes the
colours; NO_COLOR takes them away, and the suggestions with them.

What is suggested behind the end is no part of the input until it is taken: the rest of the line in
the last input that began so and did not fail in this session; else an option that is not given yet,
a layer or cost that fits what the notation says so far (and the one data set of the session), or
the brackets and end that are missing.

What begins an input: ?name asks the help, .command talks to the prompt (.help lists them), !command
runs a program of the system. A ; at the end keeps the value quiet; _ is the last value.]],
    'help("notation")')

page("lua", [=[
Lua for those who come from Python. The prompt speaks Lua 5.4.

  Python                        Lua
  a != b                        a ~= b
  not a, a and b, a or b        the same; only nil and false are false, 0 and
                                "" are true
  "C = " + str(c)               "C = " .. c
  x[0] is the first             x[1] is the first; -1 the last of a tensor
  x[1:3]                        x[{ {2, 3} }], both ends included
  [1, 2], {"lr": 3}             {1, 2}, {lr = 3}: both are tables
  len(t)                        #t
  x.sum(), net.train(set)       x:sum(), net:train(set): a colon for methods
  f(x, lr=3)                    f(x, {lr = 3}), f{lr = 3}
  None, True                    nil, true
  x += 1                        x = x + 1
  a ** b, a // b, a % b         a ^ b, a // b, a % b
  if a: … elif b: … else: …     if a then … elseif b then … else … end
  for i in range(1, 11): …      for i = 1, 10 do … end
  for v in t: …                 for i, v in ipairs(t) do … end
  while a: …                    while a do … end
  def f(x): return x            function f(x) return x end
  lambda x: x * 2               function(x) return x * 2 end
  try: …                        ok, message = pcall(f, x)
  # comment                     -- comment
  f"{x:.2f}"                    ("%.2f"):format(x)
  a, b = b, a                   the same

Names are global unless local stands before them; in scripts write local x = 1, at the prompt it
makes no difference. A call with one string or one table needs no brackets: nn.net "2 - 1",
nn.sgd{lr = 3}. == asks whether two tensors are one thing; x:equal(y) compares their numbers. What
is not there is nil, and nil in a calculation is an error; so is, at the prompt, a name without a
value in a table, {lr = eta}, or given to a method. A script takes it for nil, as Lua does.]=],
    [=[
"C = " .. 0.5                     → C = 0.5
x = tensor{10, 20, 30, 40}
x[1]                              → 10.0
x[{ {2, 3} }]                     → 20 30
1 ~= 2                            → true
total = 0
for i = 1, 10 do total = total + i end
total                             → 55
string.format("%.2f", 2 / 3)      → 0.67
double = function(v) return v * 2 end
double(21)                        → 42]=])

page("pytorch", [=[
For those who know PyTorch. Tensors mean the same: broadcasting, dtypes, dimensions, a trailing _
for in place, requires_grad and backward. Indices, dimensions and classes count from 1.

  PyTorch                               here
  torch.tensor([1., 2.])                tensor{1, 2}
  torch.randn(3, 4)                     tensor.randn(3, 4)
  x @ w.t()                             x:matmul(w:t())
  x[0], x[:, 1:3]                       x[1], x[{ {}, {2, 3} }]
  x.sum(dim=0), x.item()                x:sum(1), x:item()
  torch.cat, stack, where               tensor.cat, stack, where
  x.requires_grad_(), c.backward()      x:requires_grad_(), c:backward()
  with torch.no_grad(): …               nn.no_grad(function() … end)
  nn.Sequential(nn.Linear(4, 3), …)     nn.net "4 - 3 relu - 2"
  F.relu(x), torch.sigmoid(x)           nn.relu(x), nn.sigmoid(x)
  net(x) in eval mode                   net(x): without tape
  net(x) in train mode                  net:record(x)
  loss_fn(net(x), y)                    net:cost(x, y)
  optimizer.step() and what is          net:step(x, y, o), o = nn.adam{lr = 1e-3}
    around it
  the loop over epochs and batches      net:train(set, {epochs = 3, batch = 64})
  TensorDataset, DataLoader             data.set{x = x, y = y}; train cuts batches
  pandas.read_csv, numpy.loadtxt        data.csv(path, {y = "kind"})
  torchvision ImageFolder               data.images(dir, {size = 28})
  numpy.load with mmap_mode             data.set{x = "x.npy", y = y, map = true}
  nn.CrossEntropyLoss of logits         "… - 10 softmax : cross_entropy"
  nn.MSELoss                            : mse (: quadratic is the book's, half the
                                        squared distance)
  state_dict, torch.save                net:params(), net:save "x.safetensors"
  net.parameters()                      net:params(), one flat tensor
  p.grad                                net[1].w.grad, net:grads()
  zero_grad()                           not needed: gradients are fresh at every
                                        backward
  forward hooks                         net:trace(x, y): every z, a, δ and gradient
  gradcheck                             net:gradcheck(x, y)

net[l].w has nn.Linear's layout, outputs × inputs, and files are safetensors: PyTorch reads
them.]=],
    [=[
x = tensor{{1, 2}, {3, 4}}
x[{ {}, {2, 2} }]                 → 2 / 4
x:sum(1)                          → 4 6
w = tensor{1, 2}:requires_grad_()
c = w * w
c:sum():backward()
w.grad                            → 2 4
net = nn.net "4 - 3 relu - 2 softmax : cross_entropy"
net[1].w.shape                    → {3, 4}
o = nn.adam{lr = 1e-3}
net:step(tensor.ones(5, 4), tensor{1, 2, 1, 2, 1}, o) > 0  → true]=])

end
