-- Steps 1 to 3: a layer as a product, what a cost must be, and ⊙. What a step holds stands in
-- learn/course.lua.

return {
    {
        name = "matrix", title = "The matrix form: z = w a + b", see = "layout", dense = true,
        text = [[
A layer is a table of weights, w, and a list of biases, b. Row j of w belongs to neuron j, which
listens; column k to input or neuron k before it, which speaks. So one product gives what all of
them hear, z, and f of that is what they say, a. `t` holds one pass: the input is `t[0].a`, the
product below `t[1].z`.]],
        run = {
            "t = net:trace(x, y)",
            {small = 1, "net[1].w"},
            {large = 1, "net[1].w.shape"},
            {few = 1, "net[1].w:matmul(t[0].a) + net[1].b"},
        },
        ask = [[
Number $k of `t[0].a` grows by 0.1, and nothing else changes. By how much does z of neuron $j of
layer 1 grow?]],
        way = "0.1 * net[1].w[{$j, $k}]",
        hint = [[
Write z of neuron $j as its sum: b[$j] + w[$j][1] a[1] + w[$j][2] a[2] + … Which one of its terms
changes?]],
        wrong = {
            {"0.1 * net[1].w[{$k, $j}]",
                "That is the weight of row $k and column $j. Rows are the neurons that listen, " ..
                "columns those that speak."},
            {"net[1].w[{$j, $k}]",
                "That is the weight: what z grows by when the input grows by 1."},
            {"0.1 * net[1].w[{$j, $k}] + net[1].b[$j]",
                "The bias is in z before and after; the difference of the two has none."},
            {"t[1].z[$j] + 0.1 * net[1].w[{$j, $k}]",
                "That is the new z. By how much did it grow?"},
            {"0.1 * net[1].w[{$j, $k}] * t[1].slope[$j]",
                "That is what its output a grows by. z is what comes before f."},
        },
        right = [[
b and all other terms of the sum stay what they are, so z moves by w[$j][$k] times the change. By
that same weight an error comes back: BP2.]],
    },
    {
        name = "cost", title = "The cost: a mean, and made of the outputs", see = "chapter",
        text = [[
A cost C must be two things. It is a mean over examples, C = 1/n Σ C_x: so it is enough to find
the gradient of one example's C_x, and take the mean of those. And C_x is made of the outputs a
alone, for y belongs to the example. So the way back begins with one question: how does C move
with each output?]],
        run = {
            "net:cost(some)",
            "net:cost(some[1]), net:cost(some[2]), net:cost(some[3])",
            {dense = true, "t = net:trace(x, y)"},
            {dense = true, few = "L", "t.grad_a"},
            {dense = true, few = "L", "t[$L].a - y"},
        },
        ask = [[
`some` holds three examples. A fourth one comes that costs 0. What is C of all four?]],
        way = "0.75 * net:cost(some)",
        hint = "What do the three cost together? And how many share it now?",
        wrong = {
            {"net:cost(some)", "An example without cost counts too: the mean is taken over four."},
            {"3 * net:cost(some)", "That is the sum of the C_x. C is their mean."},
            {"net:cost(some) / 4",
                "C of the three is a mean already: their sum is three times as much."},
            {"net:cost(some) * 4 / 3", "Four share it, where three did: it becomes less."},
        },
        right = [[
The gradient is a mean in the same way: an example that costs nothing pulls at no weight, and
makes the pull of the others count for less.]],
    },
    {
        name = "product", title = "s ⊙ t, the product element by element", see = "hadamard",
        dense = true,
        text = [[
The equations need one more product: s ⊙ t takes two vectors of one size and multiplies each
number with its opposite, here s * t. It lets every neuron have a factor of its own. It is not the
dot product, which goes on to add everything up, and not the matrix product, in which everybody
meets everybody.]],
        run = {
            "s = tensor{1, 2, 3}",
            "s * s",
            "s:dot(s)",
            "t = net:trace(x, y)",
            {few = "L", "y - t[$L].a"},
        },
        ask = [[
C_x is ½ Σ (y - a)² over the outputs a = `t[$L].a`. Give the share of each output, as one vector.]],
        way = "0.5 * (y - t[$L].a) * (y - t[$L].a)",
        hint = "Take the vector y - a, multiply it by itself with ⊙, and halve it.",
        wrong = {
            {"0.5 * (y - t[$L].a):dot(y - t[$L].a)",
                "That is one number, all of C: a dot product. With * the outputs stay apart."},
            {"(y - t[$L].a) * (y - t[$L].a)", "The ½ is missing."},
            {"0.5 * (y - t[$L].a)", "The difference is to be squared: (y - a) ⊙ (y - a)."},
            {"0.5 * (y - t[$L].a):outer(y - t[$L].a)",
                "That is a table of every output with every other, an outer product. ⊙ is only " ..
                "its diagonal."},
        },
        right = "Added up they are `t.cost`:",
        after = {"(0.5 * (y - t[$L].a) ^ 2):sum()", "t.cost"},
    },
}
