-- Pages of the help that lead from the notes on backpropagation (chapter 2) to the names here.

return function(page)

local LEARNER <const> = [[
net = nn.net("3 - 4 - 2", {dtype = "f64"})
t = net:trace({1, 0, -1}, {0, 1})
]]

page("chapter", [[
From the notes to the names. t = net:trace(x, y) holds one pass; l counts layers from 1.

  w, b of layer l         net[l].w (outputs × inputs), net[l].b
  z, a, δ of layer l      t[l].z, t[l].a, t[l].delta; t[0].a is the input
  z = w a + b             net[l].w:matmul(t[l - 1].a) + net[l].b
  C = 1/n Σ C_x           t.cost, net:cost(x, y)
  s ⊙ t                   s * t                            (page "hadamard")
  σ(z), σ'(z)             nn.sigmoid(z), nn.sigmoid.df(z)
  σ'(z) of layer l        t[l].slope, each neuron's own f  (page "slope")
  ∇ₐC, ∂C/∂x              t.grad_a, t.grad_x
  BP1, BP2, BP3, BP4      t[#net].delta, t[l].delta, t[l].db, t[l].dw; each has
                          a page of its own
  ∇w, ∇b                  nabla_w, nabla_b = net:backprop(x, y)
  w → w - η ∂C/∂w         net:step(x, y, {lr = 3})
  mini-batches, epochs    net:train(set, {epochs = 30, batch = 10, lr = 3})
  one modified neuron     net[l]:neuron(k).activation = f
  linear neurons          "linear", as in nn.net "4 - 3 linear"
  quiet, saturated        t[l - 1].a, t[l].slope           (page "saturation")
  differences             net:gradcheck(x, y), net:numeric_gradient(x, y)

δ holds 1/n. C is a mean over n examples, so the δ of each example in a batch is its own divided by
n, and so are t.grad_a and t.grad_x; sums over the rows are then the gradients of C as they stand.
Of one example n is 1.

Derivatives come in two layouts; here they have the shape of what they are taken by (page "layout").
One example is a vector, and the equations read as they are printed; a batch is rows, and they are
transposed: Z = A Wᵀ + b.

learn() goes through all of it step by step, on your network, with a question behind each.
The tour in nine scripts, examples/notes, works through all of it; it is in the source and, once
installed, in share/doc/nabla/examples.]],
    LEARNER .. [[
z = net[2].w:matmul(t[1].a) + net[2].b
z:allclose(t[2].z)           → true
y = tensor({0, 1}, {dtype = "f64"})
t.grad_a:allclose(t[2].a - y)  → true
both = net:trace({{1, 0, -1}, {1, 0, -1}}, {{0, 1}, {0, 1}})
half = t[2].delta / 2
both[2].delta[1]:allclose(half)  → true]])

page("BP1", [[
The error of the last layer: δ = ∇ₐC ⊙ σ'(z). How far C moves with an output, times how far
the output moves with its z. With the quadratic cost ∇ₐC is a - y.

Where each output depends on every z of its layer, as softmax's does, ⊙ σ'(z) becomes a product with
the Jacobian: δ = Jᵀ ∇ₐC. cross_entropy after softmax or sigmoid is computed from z in one step, and
δ is a - y: the slope is gone, and with it the slow start of a saturated output. δ of a batch holds
the 1/n of the mean (page "chapter").]],
    LEARNER .. [[
bp1 = t.grad_a * t[2].slope
bp1:allclose(t[2].delta)     → true
soft = nn.net("3 - 2 softmax : cross_entropy", {dtype = "f64"})
t = soft:trace({1, 0, -1}, {0, 1})
bp1 = t[1]:jacobian():t():matmul(t.grad_a)
bp1:allclose(t[1].delta)     → true
y = tensor({0, 1}, {dtype = "f64"})
t[1].delta:allclose(t[1].a - y)  → true]])

page("BP2", [[
The error of a layer from that of the next: δ of layer l is (wᵀ δ) ⊙ σ'(z), with w and δ of layer
l + 1 and z of layer l. The first factor is what the next layer asks of each neuron, the second how
far the neuron can follow. Going back layer by layer it gives every δ, whatever the depth: that is
backpropagation. A batch has one example a row: δ w ⊙ σ'(z).]],
    LEARNER .. [[
bp2 = net[2].w:t():matmul(t[2].delta) * t[1].slope
bp2:allclose(t[1].delta)     → true
t = net:trace({{1, 0, -1}, {0, 1, 0}}, {{0, 1}, {1, 0}})
bp2 = t[2].delta:matmul(net[2].w) * t[1].slope
bp2:allclose(t[1].delta)     → true]])

page("BP3", [[
How C answers a bias: ∂C/∂b = δ. The bias adds to z, so it has z's own error. Over a batch the rows
of δ are summed; the mean's 1/n is in them already.]],
    LEARNER .. [[
t[1].db:allclose(t[1].delta)      → true
t = net:trace({{1, 0, -1}, {0, 1, 0}}, {{0, 1}, {1, 0}})
t[1].db:allclose(t[1].delta:sum(1))  → true]])

page("BP4", [[
How C answers a weight: ∂C/∂w_jk = a_k δ_j, the output of the neuron that speaks times the error of
the neuron that hears. For all weights of a layer that is the outer product of δ and the a before
it; over a batch δᵀ a, one matrix product. Where a is near 0 the weight learns slowly, however large
the error: a quiet input (page "saturation").]],
    LEARNER .. [[
bp4 = t[2].delta:outer(t[1].a)
bp4:allclose(t[2].dw)             → true
bp4 = t[1].delta:outer(t.x)
bp4:allclose(t[1].dw)             → true
t = net:trace({{1, 0, -1}, {0, 1, 0}}, {{0, 1}, {1, 0}})
bp4 = t[2].delta:t():matmul(t[1].a)
bp4:allclose(t[2].dw)             → true]])

page("convolution", [[
BP2 to BP4 where weights are shared. In a convolution every place of the window is a neuron of its
own; those of one channel have the same w and b. z of channel c at place p sums over the window:
z_cp = b_c + Σ w_cdq a_d(p + q), over the channels d that come and the places q under the window.

  BP2   δ of the layer before at place r: Σ w_cdq δ_c(r - q) ⊙ σ'(z). Every δ goes back through w
        to what stood under its window: a convolution again, with w turned around
  BP3   ∂C/∂b_c = Σ δ_cp over all places, for b is part of every z of its channel
  BP4   ∂C/∂w_cdq = Σ δ_cp a_d(p + q) over all places: a convolution of the input with δ

conv_transpose is BP2 as a layer. A pool has no weights: max_pool hands δ to the largest number
under its window, avg_pool the same share to all. A channel counts as one neuron: its activation,
name and frozen are net[l]:neuron(c)'s, its weights net[l].w[c].]],
    [[
net = nn.net("1x4x4 - conv 1 2 linear - conv 1 3 tanh", {dtype = "f64"})
x = tensor.randn(1, 4, 4, {dtype = "f64", seed = 1})
t = net:trace(x, {{{0.5}}})
w, d = net[2].w[{1, 1}], t[2].delta
t[1].delta[1]:allclose(w * d:item())       → true
t[2].db[1] == d:sum():item()               → true
t[2].dw[{1, 1}]:allclose(t[1].a[1] * d:item())  → true
windows = x[{1, {1, 3}, {1, 3}}]
t[1].dw[{1, 1, 1, 1}] - (windows * t[1].delta[1]):sum():item() < 1e-15  → true]])

page("slope", [[
f'(z), how far a neuron's output follows its weighted input. t[l].slope has it for every neuron of
layer l, each with its own f, for functions of Lua as well; nn.NAME.df(z) is the function itself.
BP1 and BP2 multiply with it, so where it is near 0 an error ends (page "saturation"). sigmoid's is
a (1 - a), at most 1/4, which is why errors fade through many layers of it.

softmax and log_softmax have no slope of one neuron: every output moves with every z. The Jacobian
t[l]:jacobian(i) has all of it; of other layers it is the slopes on the diagonal.]],
    [[
nn.sigmoid.df(0)                  → 0.25
nn.relu.df(tensor{-1, 2})         → 0 1
net = nn.net("3 - 4 relu@2 - 2", {dtype = "f64"})
t = net:trace({1, 0, -1}, {0, 1})
t[2].slope:allclose(t[2].a * (1 - t[2].a))  → true
t[1].slope[2] == nn.relu.df(t[1].z[2])      → true
nn.softmax.df(tensor{0, 0})       → 0.25 -0.25 / -0.25 0.25]])

page("saturation", [[
A neuron is saturated where its f is flat: its output no longer follows z, the slope is near 0, and
with it the error that BP1 and BP2 let through. It then learns slowly although it may be very wrong.
A sigmoid saturates far from 0 on both sides, relu is dead below 0.

A weight stands still for one of three reasons, and a trace tells them apart:
  a quiet input      t[l - 1].a of the neuron that speaks is near 0     (BP4)
  a saturated neuron t[l].slope of the neuron that hears is near 0      (BP1, BP2)
  nobody asks        net[l + 1].w:t():matmul(t[l + 1].delta) is near 0  (BP2)

What helps: smaller first weights (init=lecun is one over the root of the inputs), inputs of about
the same size, an activation that does not flatten there, and for the outputs a cost that takes the
slope away: cross_entropy after sigmoid or softmax (page "BP1").]],
    [[
nn.sigmoid.df(10) < 1e-4          → true
net = nn.net("2 - 3 - 1", {dtype = "f64"})
net[1]:neuron(2).b = 20
t = net:trace({1, -1}, {0})
t[1].slope[2] < 1e-6              → true
nn.softplus.df(10) > 0.99         → true]])

page("hadamard", [[
s ⊙ t, the product element by element, is s * t: (1, 2) ⊙ (3, 4) = (3, 8). It is not the matrix
product, which is s:matmul(t), nor the dot product, s:dot(t), which is one number. ⊙ with a vector
is the matrix product with a diagonal matrix, which is how σ'(z) gets into the equations: each
neuron's error is weighed with its own slope and with no other's. Shapes that do not fit are
broadcast where sizes are 1, else an error (page "broadcasting").]],
    [[
tensor{1, 2} * tensor{3, 4}       → 3 8
tensor{1, 2}:dot(tensor{3, 4})    → 11.0
d = tensor.eye(2) * tensor{1, 2}
d:matmul(tensor{3, 4})            → 3 8]])

end
