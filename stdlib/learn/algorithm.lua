-- Steps 8 to 10: the algorithm, and the exercises of one modified neuron and of linear neurons.

return {
    {
        name = "algorithm", title = "The algorithm, and a step of learning", see = "net:backprop",
        dense = true,
        text = [[
Put together: the example is a of layer 0; go forward and keep every z and a; BP1 gives δ of the
last layer, BP2 those of the others, one after the other; BP3 and BP4 read the gradients off. A
mini-batch does it for each of its examples and takes the mean; then every weight and bias goes a
step against its gradient:
  w → w - η ∂C/∂w    b → b - η ∂C/∂b]],
        run = {
            "other = net:clone()",
            "nabla_w, nabla_b = other:backprop(some)",
            {small = 1, "nabla_w[1]"},
            {large = 1, "nabla_w[1].shape"},
            {large = 1, "nabla_w[1][{$j, $k}]"},
        },
        ask = [[
With η = 0.5, by how much does one step over `some` change the weight by which neuron $j of layer
1 hears input $k?]],
        way = "-0.5 * nabla_w[1][{$j, $k}]",
        hint = "The change is what is added to w: look at the sign.",
        wrong = {
            {"0.5 * nabla_w[1][{$j, $k}]",
                "That goes up the slope: C would grow. The step is against the gradient."},
            {"nabla_w[1][{$j, $k}]", "That is the gradient. η and the sign are missing."},
            {"-nabla_w[1][{$j, $k}]", "η is missing."},
            {"-0.5 / 3 * nabla_w[1][{$j, $k}]",
                "The mean over the three examples is in the gradient already."},
            {"-1.5 * nabla_w[1][{$j, $k}]",
                "That is a step down the sum of the examples' gradients. C is their mean."},
            {"net[1].w[{$j, $k}] - 0.5 * nabla_w[1][{$j, $k}]",
                "That is the weight after the step. How much was added to it?"},
            {"-0.5 * nabla_w[1][{$k, $j}]",
                "That is row $k, column $j. Neuron $j listens, so row $j."},
            {"-0.5 * net:trace(x, y)[1].dw[{$j, $k}]",
                "That is the step of the first example alone."},
        },
        right = [[
net:step does all of it, here on the copy: the change of that weight, then C before and after.]],
        after = {
            "other:step(some, {lr = 0.5});",
            "other[1].w[{$j, $k}] - net[1].w[{$j, $k}]",
            "net:cost(some), other:cost(some)",
        },
    },
    {
        name = "neuron", title = "One neuron with another f", see = "slope", dense = true,
        suits = "sloped",
        text = [[
Neuron $h of layer $H gets an f of its own. What becomes of the algorithm? On the way there, its a
is its own f(z). On the way back, its δ has its own f'(z) as the slope, one factor in BP2; all
else is as before. But δ goes on backwards: who forgets that one factor has this neuron's δ wrong,
and all those before it.]],
        run = {
            "other = net:clone()",
            "other[$H]:neuron($h).activation = \"$f\"",
            "t, u = net:trace(x, y), other:trace(x, y)",
            "t[$H].z[$h], u[$H].z[$h]",
            "t[$H].slope[$h], u[$H].slope[$h]",
        },
        ask = [[
Somebody takes the old slope for this neuron in BP2 of `other`. How many times the right δ is the
δ that comes out?]],
        way = "t[$H].slope[$h] / u[$H].slope[$h]",
        hint = [[
What is asked of the neuron, wᵀδ, is the same in both sums. Only one factor is another.]],
        wrong = {
            {"u[$H].slope[$h] / t[$H].slope[$h]",
                "That is the right one in terms of the wrong one: turn it over."},
            {"t[$H].delta[$h] / u[$H].delta[$h]",
                "`t` has other outputs, so more than the slope is different there: compare two " ..
                "δ of `other`."},
            {"t[$H].a[$h] / u[$H].a[$h]", "Those are the outputs. The factor in BP2 is the slope."},
            {"t[$H].slope[$h]", "That is the old slope. How many times the new one is it?"},
            {"u[$H].slope[$h]", "That is the right slope. How many times that one is the old one?"},
            {"1", "The two slopes are not the same."},
        },
        right = [[
Differences, which know no derivatives, agree with the one that each neuron has of its own:]],
        after = {{cheap = true, "other:gradcheck(x, y)"}, "u[$H].delta[$h]"},
    },
    {
        name = "linear", title = "Linear neurons, f(z) = z", see = "slope", dense = true,
        text = [[
Now let every f be f(z) = z. Its slope is 1 everywhere, and ⊙ f'(z) goes from BP1 and BP2: δ of
the outputs is ∇ₐC, and going back is a product with wᵀ and nothing else. No neuron can be
saturated any more. But layers of that kind, one after the other, are one matrix in the end: depth
gains nothing.]],
        run = {
            "other = net:clone()",
            "for l = 1, #other do other[l].activation = \"linear\" end",
            "u = other:trace(x, y)",
            {few = "L", "u[$L].slope"},
            {few = "L", "u[$L].a"},
        },
        ask = "Give δ of layer $H of `other`, from its outputs `u[$L].a`, y and w alone.",
        way = "other[$L].w:t():matmul(u[$L].a - y)",
        hint = "BP1 without a slope, then BP2 without a slope.",
        wrong = {
            {"other[$L].w:t():matmul(u[$L].a - y) * net:trace(x, y)[$H].slope",
                "That has the slope of `net` in it. Here it is 1."},
            {"u[$L].a - y", "That is δ of layer $L. One more product takes it to layer $H."},
            {"other[$L].w:t():matmul(y - u[$L].a)", "The sign is turned: ∇ₐC is a - y."},
            {"other[$L].w:t():matmul(u[$L].a)", "What was wanted, y, is missing."},
            {"other[$L].w:matmul(u[$L].a - y)", "w was not turned: wᵀδ."},
            {"other[$L].w:t():matmul(net:trace(x, y)[$L].a - y)",
                "Those are the outputs of `net`. `other` puts out something else."},
        },
        right = "And the depth: what layers 1 and 2 do to an input, one matrix does as well.",
        after = {"w = other[2].w:matmul(other[1].w)", {small = 1, "w"}, {large = 1, "w.shape"}},
    },
}
