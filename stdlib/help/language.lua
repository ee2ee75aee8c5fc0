-- Pages of the help on the language: notation, shapes, tensors, the tape. stdlib/help.lua reads
-- them into the book.

return function(page)

page("notation", [=[
A network in one line: the shape of its input, then its layers, joined by -, then : and a cost.
A bare number is a dense layer; the word behind it is its activation, sigmoid where none stands;
relu@7 changes neuron 7 alone, relu@3..5 three of them; options follow as key=value, those that are
true or false as their name alone: frozen. Words may have options too: leaky_relu(slope=0.2),
init=constant(value=2). The cost is quadratic where none stands; its options follow it: huber
delta=2. A size of the input that is * is free: *x64 is steps of 64 numbers, as many as come (help
page "shapes").

Blocks hold layers in brackets (help page "blocks"): residual[30 - 64] adds what comes in to what
its layers give, residual[30 | 40 - 30] adds two branches, parallel[30 | 40 |] puts branches side by
side, and an empty one passes on what comes in; net[30 - 10] is a network as one layer. Options
stand behind the brackets. 4*[30 - 64] stands for its list four times, each with parameters of its
own. @a is the layer with name=a once more, the same and not a copy: one that stands before it in
its list, or before the lists around it.

tostring(net) begins with its notation, where @3.1 is a layer that no name reaches; reading that
back builds the same network. What notation cannot say, functions and values, the table form of
nn.net takes. ]] ends Lua's long strings: write [==[…]==] around it, or "…".]=],
    [=[nn.net "64 - 30 - 10"
nn.net "784-100 relu-10 softmax : cross_entropy"
nn.net "2 - 3 tanh init=he name=hidden - 1 linear : mse"
nn.net "4 - 5 leaky_relu(slope=0.2) tanh@2 sin@4..5 - 1 frozen"
nn.net "8 - 8 relu name=a - @a - parallel[4 | net[6 - 4] |] name=wide - 3"
nn.net "1x8x8 - flatten - 30 relu - dropout 0.5 - 10 softmax : cross_entropy"
nn.net "64 - 2*[residual[30 relu - 64 linear]] - 10 softmax : cross_entropy"]=])

page("blocks", [=[
Layers that hold layers. residual[f] gives x + f(x), so f must give the shape that it takes;
residual[f | g] gives f(x) + g(x). parallel[f | g] puts side by side what its branches give; an
empty branch passes on x. net[…] is a network as one layer. Blocks stand in blocks. In tables they
are nn.residual{30, 64}, nn.parallel{{30}, {40}, {}} and the network itself.

net[l][k] is layer k of block l, counted through all its branches: those of parallel[a - b | c] are
1, 2 and 3. net:layer "3.1" names the same place, and so do messages, tables and files; a layer's
name may stand for its number: net:layer "wide.2", net.wide[2].

Sharing: a layer value that stands twice in one nn.net, or @name, is one layer at two places. It has
one w and one b, they are counted once, and their gradients add. A layer stands in one network
only: layer:clone() gives another a copy.

Nesting: a network inside another is still the same value and trains alone, and both see what either
learns. But its parameters move into the storage of the outer one, so tensors that you took before
(net:params(), net[1].w) keep the old numbers and belong to nobody: take them anew. net:append,
net:replace, net:cut and net:to move the storage likewise; what fits keeps its numbers. Only the
outermost network can be changed by them.]=],
    [=[net = nn.net "8 - residual[16 relu - 8] - parallel[4 | net[6] |] name=wide"
net[1][2].w.shape[1]            → 8
net:layer "wide.2" == net[2][2] → true
inner = nn.net "4 - 3 tanh"
outer = nn.net{4, inner, 2}
outer[1] == inner               → true
outer:count()                   → 23
a = nn.dense{4, "tanh"}
nn.net{4, a, a}:count()         → 20]=])

page("sequences", [=[
A network that begins with * takes sequences of any length: "*x3" steps of 3 features, "*" words,
whole numbers from 1 for embedding. rnn, lstm and gru go through them step by step; layers=2 stacks
them, both adds a direction from the end, last gives the last step alone, of the second direction
the first. dense works on each step. y is one answer a sequence behind last, else one for each step.

Sequences of different lengths are a list of tensors, for data.set{x = list, y = …} and wherever x
may stand: net(list) gives a list. Inside a batch is padded to its longest, and padding counts
nowhere: not in a state, a cost (the mean over the real steps), a gradient or an accuracy. Where
every step has its answer y is a list too.

s = net:stream() remembers: s(x) answers the next step, or several, and what it gives is what net(x)
gives for the whole sequence. Layers that must see the end are refused by name (both).

Letters as rows of zeros with a 1 cost no more than words: the rows of w that they mean are
read.]=],
    [[
x = {tensor.randn(4, 3), tensor.randn(2, 3), tensor.randn(6, 3)}
net = nn.net("*x3 - lstm 8 - 2 softmax : cross_entropy", {seed = 1})
y = {tensor{1, 1, 2, 2}, tensor{1, 2}, tensor{2, 2, 1, 1, 1, 2}}
net:train(data.set{x = x, y = y}, {epochs = 5, batch = 2, lr = 0.1, progress = false})
print(net:evaluate(x, y))
s = net:stream()
print(s(x[1][1]), s(x[1][2]))
]])

page("shapes", [[
The first item of a network is the shape of one example. "64" is a vector of 64 numbers. "*x64" is
steps: any number of them, 64 numbers each, as in a text or a series; the batch brings how many,
and dense works on each step alone. A batch has a dimension more in front: examples × 64, examples
× steps × 64. A single example goes without it and comes back without it.

A * is a free size; a layer that must know it, as dense must know its inputs, says so. Fixed sizes
from two on ("3x2") are open: dense, residual and parallel, which could read them in two ways, say
both; flatten makes a vector of them, reshape 3x2 the other way round; functions of your own (nn.fn)
take them as they are. A word behind the sizes says how they are read: "8x14x14 space", "8x*x*
space" for pictures of any size, "3x2 steps" for 3 steps of 2 features. A clone of a network that
stood behind conv says so. In tables a shape is {"*", 64}, {3, 2}, {8, 14, 14, "space"}.
Targets and classes stand at every step: y is then examples × steps × outputs, or examples × steps
for class numbers, and a cost averages over the steps as over the examples.

Space is channels, then rows and columns: "1x28x28", what conv and its like give. Classes at every
place stand along the channels: y is then examples × rows × columns of class numbers, as for finding
what each point of a picture belongs to. Each place is an answer that softmax, the cost's mean and
the accuracy take by itself. Other targets have the output's shape, and the picture is one
example.]],
    [[net = nn.net "*x3 - 4 tanh - 2 softmax : cross_entropy"
net(tensor.ones(5, 7, 3)):dim()                     → 3
net(tensor.ones(7, 3)).shape                        → {7, 2}
net:cost(tensor.ones(1, 3, 3), tensor{{1, 2, 1}}) > 0 → true
net = nn.net "1x8x8 - conv 4 3 padding=same relu - conv 3 1 softmax : cross_entropy"
net:evaluate(tensor.ones(5, 1, 8, 8), tensor.ones(5, 8, 8)).answers → 320
net = nn.net "1x8x8 - conv 4 3 relu - net[residual[conv 4 3 padding=same] - global_avg_pool]"
net[2]:clone():notation():match "^%S+ %a+" → 4x6x6 space
nn.net("4x*x* space - global_avg_pool")(tensor.ones(3, 4, 5, 7)).shape → {3, 4}]])

page("index", [[
x[i] is entry i of the first dimension: a view, or a number where one element is left. x[{i, j}]
goes on into the next dimensions. A table in place of a number is a range, both ends included:
{} everything, {a, b} from a to b, {a, b, step} every step-th one, as far as there are any. Indices
count from 1; -1 is the last one; 0 is an error.

A tensor in place of a number is a list of indices: their shape stands where the dimension was.
A u8 tensor is a mask, as x:gt(0) gives it: the entries where it is not 0, for as many dimensions
as it has; one of x's own shape gives the elements in one dimension. Several such tensors are
broadcast together, element by element; what they give stands in their place when they are
neighbours, else first. What indices and masks give is a copy.

Gradients flow through what is read. So where x takes part in a gradient, and outside nn.no_grad,
x[i], x[{i, j}] and x:each() give one element as a tensor without dimensions, on the tape. It
computes and compares by < and > as a number does; == then asks whether both sides are the same
tensor, as Lua has it, so write x[i]:item() == 2. tensor{x[1], 2 * x[2]} and tensor.stack stay on
the tape too.

x[key] = value writes a number, a table or a tensor that broadcasts into what x[key] names; where
an index stands several times the last one counts. What the dtype of x does not hold (300 in u8,
2.5 in i32) is an error. A gradient would not see a change, so it is refused for tensors that
take part in one, but for inside nn.no_grad. The parameters of a network may change whenever no
recorded result needs their values: net[1].w[{2, 3}] = net[1].w[{2, 3}] + 0.01 writes the value
alone, without its tape. net[1].w = value takes what has the shape of w, or a number, which fills
it; nothing is broadcast there, net[1].w[{}] = value does that.

index_select, take, gather, scatter_add, masked_select and masked_fill are methods for the same,
which take lists as well ({3, 1}, {true, false}) and indices of any dtype; nonzero makes indices
of a mask.]],
    [[x = tensor{{1, 2, 3}, {4, 5, 6}}
x[2]                   → 4 5 6
x[{2, -1}]             → 6.0
x[{ {}, {1, 2} }]      → 1 2 / 4 5
x[{ {}, tensor{3, 1} }] → 3 1 / 6 4
x[x:gt(4)]             → 5 6
x[1] = 0
x[x:gt(4)] = tensor{7, 8}
x                      → 0 0 0 / 4 7 8]])

page("broadcasting", [[
Operators and the methods behind them work element by element on tensors whose shapes fit:
shapes are aligned at the last dimension, and sizes must be equal or 1, which repeats. Numbers
stand on either side. Only sizes count, never the number of elements.]],
    "tensor{{1}, {2}} + tensor{10, 20, 30}  → 11 21 31 / 12 22 32")

page("gradients", [[
x:requires_grad_() makes x a parameter: what is computed from it is recorded. c:backward(),
where c is one number, computes the gradient at every parameter and puts it into .grad, fresh
each time unless {accumulate = true}. The recording is spent then, unless {keep = true}.
x:detach() leaves the tape, nn.no_grad(f) runs f without one.

The parameters of a network are on the tape already, and their gradients have one home:
net:grads(), one flat tensor in the order of net:params(), and net[l].w.grad, net[l].b.grad, which
are places in it. Every backward that reaches one of the parameters fills it anew, from net:record,
net:backprop or arithmetic with net[l].w; where the pass did not reach stands 0. A tensor that you
took from there shows the next gradient too: net:grads():clone() keeps one.

net:train with plain gradient descent (sgd without momentum) may add the gradients straight into the
weights and keep none; net:grads() then says so. net:backprop(x, y) computes them at any time.

Gradients that vanish end at 0: on x86-64 what a backward pass or an optimizer's step computes is 0
below the smallest normal number (f32: 1.2e-38, f64: 2.2e-308), for the processor takes a hundred
times as long for such. All else keeps them.]],
    [[w = tensor{1, 2}:requires_grad_()
c = (w * tensor{3, 4}):sum()
c:backward()
w.grad  → 3 4
net = nn.net "1 - 2 - 1"
net[2].w:sum():backward()
net:grads()    → 0 0 0 0 1 1 0
net[2].w.grad  → 1 1]])

page("frozen", [[
net[l].frozen = true, net:freeze(l) or the word frozen in notation: training leaves the parameters
of layer l as they are, of a block those of all its layers. A pass that training runs computes no
gradients there; trace, gradcheck and backprop show them all the same. net:thaw(l) undoes it;
without l both take the whole network. net[l].factor = 0.1 lets a layer learn at a tenth of the
rate.]],
    [[net = nn.net "4 - 3 frozen - 2"
net[1].frozen  → true
net:thaw()
net[1].factor = 0.1]])

page("comparing", [[
x:lt(y), le, gt, ge, eq and ne compare element by element and give u8 tensors of 0 and 1. The
signs < <= > >= compare numbers and tensors without dimensions. == asks whether two names mean
the same thing, as it does for tables.]],
    [[tensor{1, 2, 3}:gt(2)           → 0 0 1
tensor{1, 2}:sum() < 4          → true]])

page("dtype", [[
f32 (the default; nabla.dtype("f64") changes it) and f64 compute; u8 and i32 store: images,
masks, labels, indices. Tensors that meet in an operator or a method meet in the widest that
computes: f32 and f64 give f64, and u8 or i32 beside one of them becomes what that is. Where
none computes, i32 becomes f64, which holds all its numbers, and u8 alone nabla.dtype(). A
number takes the dtype of the tensor beside it where that holds it; beside u8 or i32 a number
that they do not hold is what the tensor becomes, and one beyond f32 makes f64. What adds up u8 or
i32 (sum, mean, prod, cumsum, cumprod, var, std, norm, dot, matmul, trace) gives f64, which holds
every count. Comparisons give u8 of 0 and 1, indices are i32, and tensor.cat, tensor.stack and where
keep a u8 or i32 that all their tensors share.
x:to(dtype) converts by name: to u8 and i32 it rounds towards zero, keeps to their range (0 to
255, -2147483648 to 2147483647) and makes NaN 0. Nothing else does so: constructors and
assignments refuse what does not fit, and u8 and i32 tensors do not compute in place.]],
    [[(tensor.ones(2, {dtype = "f64"}) + tensor.ones(2):to("u8")).dtype  → f64
tensor{-1.7, 1.7, 300}:to("u8")  → 0 1 255]])

page("layout", [[
A batch is rows: x has the shape (examples, inputs), and a layer computes Z = A Wᵀ + b, where w has
the shape (outputs, inputs) as in the notes. The notes write one example as a column and z = w a +
b; one example here is a vector, and reads as printed: net[l].w:matmul(a) + net[l].b. To read the
notes with a whole batch, transpose both sides. net[l].w[{j, k}] is the weight from neuron k of
layer l - 1 to neuron j of layer l, as the notes' w_jk.

Derivatives are laid out in two ways in books. Of one number, C, this program gives them in the
shape of what they are taken by: ∂C/∂w is like w, δ = ∂C/∂z like z, so that w - η ∂C/∂w fits. (The
other layout gives the transpose, a row for a column.) Of a vector by a vector, the Jacobian has a
row for each output and a column for each input: t[l]:jacobian(i)[{j, k}] is ∂a_j/∂z_k. The chain
rule then reads δ = Jᵀ ∇ₐC; books of the other layout write ∇ₐC J, or give J transposed.]],
    [[w, a = tensor{{1, 2}, {3, 4}}, tensor{{1, 1}}
a:matmul(w:t())           → 3 7
w:matmul(tensor{1, 1})    → 3 7
net = nn.net "3 - 2 softmax"
t = net:trace({1, 2, 3}, {0, 1})
t[1].dw.shape             → {2, 3}
t[1]:jacobian():t():matmul(t.grad_a):allclose(t[1].delta)  → true]])

page("lr", [[
The learning rate, the book's η (eta). Where none is given train and step take one that suits
network and cost. For gradient descent it is

  3     for quadratic, mse and huber after sigmoid and what else stays within 0 … 1
  0.5   for quadratic after softmax
  0.3   for cross_entropy, nll, kl, hinge and cosine
  0.1   for quadratic after linear, tanh, relu and the like, and for costs of your own
  0.03  for poisson

of mse K/2 times as much for K outputs, since it is 2/K of quadratic, of mae K/4; a fifth unless
there are hidden neurons and all of them stay within 0 … 1, as the book's do; and with momentum μ (1
- μ)/(1 + μ) times that. adam takes 0.001. Objects such as nn.sgd{lr = 0.5} keep their own.

It is a rule of thumb for inputs of a size around 1, chosen to be slow rather than wild. The line of
progress shows what is used, and the history has it in .lr. Where the cost jumps or is not finite,
take a third of it after net:reset(); where it creeps, three times as much.]],
    [[net = nn.net "64 - 30 - 10"
h = net:train(data.digits().train, {epochs = 2, progress = false})
h.lr[1] → 3]])

page("interrupting", [[
Ctrl-C stops Lua code, training, long products and prints, and gives the prompt back with
everything whole: training keeps what it learned up to the last whole batch. What cannot be
stopped: an endless __gc function or debug hook; one call of Lua's own that runs by itself for
long (string.find, string.rep, gsub over 100 million characters, table.move, table.sort and
table.concat of millions); and one matrix in solve, inverse, lstsq, cholesky, qr, svd or eigh; of
a batch the next matrix is not begun.]],
    "nabla.threads()")

end
