-- Steps 4 to 7: BP1 to BP4.

return {
    {
        name = "BP1", title = "BP1: the error of the last layer", see = "BP1", dense = true,
        text = [[
The error δ of a neuron is ∂C/∂z: how far C would move if something turned its z a little. In the
last layer two factors make it, how far C moves with the output, and how far the output follows z,
which is the slope f'(z). Every output has its own, so they meet by ⊙. Of the quadratic cost ∇ₐC
is a - y.
  δ = ∇ₐC ⊙ f'(z)]],
        run = {
            "t = net:trace(x, y)",
            {few = "L", "t.grad_a * t[$L].slope"},
            {few = "L", "t[$L].delta"},
            "moved = net:demon($L, $i, 0.01, x, y)",
            "moved.predicted, moved.measured",
        },
        ask = [[
Suppose 1 - y were wanted in the place of y. The outputs are what they are; what would δ of layer
$L be?]],
        way = "(t[$L].a - (1 - y)) * t[$L].slope",
        hint = "Only ∇ₐC changes: it is a - y with another y. Then BP1, with `t[$L].slope`.",
        wrong = {
            {"t[$L].a - (1 - y)", "That is ∇ₐC. δ is at z, not at a: the slope is missing."},
            {"((1 - y) - t[$L].a) * t[$L].slope",
                "The sign is turned. C grows with an output that is too large already: ∇ₐC is " ..
                "a - y."},
            {"t[$L].delta", "That is δ for y as it is."},
            {"-t[$L].delta", "Not every difference turns its sign: work a - (1 - y) out."},
            {"(t[$L].a - (1 - y)) * t[$L].a", "The second factor is f'(z), `t[$L].slope`, not a."},
            {"(t[$L].a - (1 - y)):dot(t[$L].slope)",
                "That is one number, a dot product; δ has a number for each output."},
            {"(t[$L].a - (1 - y)) * t[$L].slope * t[$L].slope", "The slope comes once."},
        },
        right = [[
However wrong an output is, a slope near 0 leaves little of it in δ: the first reason for slow
learning is in BP1 already.]],
    },
    {
        name = "BP2", title = "BP2: the error, one layer back", see = "BP2", dense = true,
        text = [[
What neuron k of layer $H says reaches every neuron j of layer $L by way of w_jk. The errors come
back the way they are caused: Σ_j w_jk δ_j for neuron k, for all of them wᵀδ. So much is asked of
them; how far each can follow is its own slope. With w and δ of the layer after, and z of this
one:
  δ = (wᵀδ) ⊙ f'(z)]],
        run = {
            "t = net:trace(x, y)",
            {few = "H", "net[$L].w:t():matmul(t[$L].delta)"},
            {few = "H", "net[$L].w:t():matmul(t[$L].delta) * t[$H].slope"},
            {few = "H", "t[$H].delta"},
            "d = tensor.ones(#t[$L].a)",
        },
        ask = "Let δ of layer $L be `d`, 1 for every neuron. What is δ of layer $H then?",
        way = "net[$L].w:t():matmul(d) * t[$H].slope",
        hint = "Put `d` where `t[$L].delta` stood in the lines above.",
        wrong = {
            {"net[$L].w:t():matmul(d)",
                "That is what is asked of layer $H. How far it can follow, its slope, is " ..
                "missing."},
            {"net[$L].w:matmul(d) * t[$H].slope",
                "w was not turned: its rows are what neurons of layer $L hear; the error goes " ..
                "along its columns, wᵀδ."},
            {"net[$L].w:matmul(d)", "w was not turned, wᵀδ, and the slope is missing."},
            {"net[$L].w:sum(2)",
                "Those are sums along the rows, what neurons of layer $L hear. The error goes " ..
                "along the columns: wᵀδ."},
            {"net[$L].w:t():matmul(d) * t[$L].slope",
                "That is the slope of layer $L, which its δ has in it. The one of layer $H is " ..
                "meant."},
            {"net[$L].w:t():matmul(d) * t[$H].a",
                "The second factor is the slope of layer $H, not its output."},
            {"t[$H].delta",
                "That is δ of layer $H in `t`, with the δ of layer $L that is there. Here it " ..
                "is 1."},
            {"(net[$L].w:t():matmul(d) * t[$H].slope):sum()",
                "That is their sum. Every neuron of layer $H has a δ of its own."},
        },
        right = [[
A product with wᵀ and a ⊙, for each layer on the way back: no more work than the way there. It
adds up every path by which a weight reaches the cost, without walking one of them:]],
        after = {"net:paths(1, $j, $k, x, y, {top = 3})"},
    },
    {
        name = "BP3", title = "BP3: the gradient of a bias", see = "BP3", dense = true,
        text = [[
A bias goes into z as it is: turning b is turning z. So its gradient is the neuron's δ, and
nothing is to be computed. Of several examples C is the mean, and the mean's 1/n is in every δ of
a trace of a batch, one row for each example. What is left to do is to add the rows up.
  ∂C/∂b = δ]],
        run = {
            "t = net:trace(x, y)",
            {few = "L", "t[$L].db - t[$L].delta"},
            "batch = net:trace(some)",
            {small = "L", "batch[$L].delta"},
            {large = "L", "batch[$L].delta.shape"},
        },
        ask = [[
C is that of the three examples of `some`, whose δ are in `batch`. What is ∂C/∂b of neuron $i of
layer $L?]],
        way = "batch[$L].delta:sum(1)[$i]",
        hint = [[
Column $i of `batch[$L].delta` is what the three examples have to say of that neuron.]],
        wrong = {
            {"batch[$L].delta:mean(1)[$i]",
                "The mean's 1/n is in each δ of a batch already; with the mean of the rows it " ..
                "is in twice. Add them up."},
            {"batch[$L].delta[{1, $i}]",
                "That is the share of the first example. The others are to be added."},
            {"3 * batch[$L].delta:sum(1)[$i]",
                "That is the sum of the examples' own gradients. C is their mean."},
            {"t[$L].delta[$i]", "That is the gradient of the first example alone."},
            {"batch[$L].delta:sum(1)",
                "That is right for all neurons of the layer; neuron $i alone was asked for."},
            {"batch[$L].delta:sum()",
                "That is the sum over all neurons too. Each has a bias of its own."},
            {"batch[$L].delta:sum(2)",
                "Those are sums over the neurons, one for each example. The rows are the " ..
                "examples: add along those."},
        },
        right = "`batch[$L].db` has it for all neurons:",
        after = {{few = "L", "batch[$L].db"}},
    },
    {
        name = "BP4", title = "BP4: the gradient of a weight", see = "BP4", dense = true,
        text = [[
w_jk is multiplied by a_k on its way into z_j. So turning it turns z_j by a_k times as much: the
gradient is what the one says times the error of the other. Those of a layer are the outer product
of δ and a, in the shape of w.
  ∂C/∂w_jk = a_k δ_j]],
        run = {
            "t = net:trace(x, y)",
            {small = 1, "t[1].delta:outer(t[0].a)"},
            {small = 1, "t[1].dw"},
            {large = 1, "t[1].dw.shape"},
            {large = 1, "t[0].a[$k] * t[1].delta[$j], t[1].dw[{$j, $k}]"},
        },
        ask = [[
Let input $k be three times as loud, and δ of layer 1 stay what it is. What is the gradient of the
weight by which neuron $j of layer 1 hears it?]],
        way = "3 * t[0].a[$k] * t[1].delta[$j]",
        hint = [[
Two numbers are multiplied, a of the one that speaks and δ of the one that listens. Which of them
is three times as large?]],
        wrong = {
            {"t[1].dw[{$j, $k}]",
                "That is the gradient as it is. The input speaks three times as loud."},
            {"3 * t[0].a[$j] * t[1].delta[$k]",
                "Rows and columns are changed round: a at $k, δ at $j."},
            {"3 * t[1].delta[$j]",
                "δ alone is the gradient of the bias (BP3). What the input says is missing."},
            {"3 * t[0].a[$k] * t[1].delta[$j] * t[1].slope[$j]", "The slope is in δ already."},
            {"3 * net[1].w[{$j, $k}] * t[1].delta[$j]",
                "The weight itself is not in its gradient; w δ is what goes back to the input " ..
                "(BP2)."},
            {"3 * t[1].dw[{$k, $j}]",
                "Rows and columns are changed round: `dw` has the shape of w, row $j and " ..
                "column $k."},
        },
        right = [[
The weight's own value does not come into it. And where the input is 0, the gradient is 0,
whatever δ asks.]],
    },
}
