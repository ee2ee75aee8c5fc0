-- Steps 11 to 14: why a weight learns slowly, and why backpropagation is fast.

local CAUSES <const> = {"quiet", "saturated", "unasked"}
local FLAT <const> = 12 -- z where a sigmoid is flat

-- A patient: a copy of the network and an example, with one thing done to one of them.
local function prepare(g, names, turn)
    local j, cause = g.numbers.j, CAUSES[turn % #CAUSES + 1]
    if cause == "quiet" and g.is_scaled then cause = "unasked" end
    local ill, sick = g.net:clone(), g.x
    if cause == "quiet" then sick = g.x * 0.001
    elseif cause == "unasked" then ill[2].w[{ {}, j }] = ill[2].w[{ {}, j }]:detach() * 0.001
    else
        local neuron = ill[1]:neuron(j)
        neuron.activation = "sigmoid"
        neuron.b = FLAT + ill[1].b:detach()[j] - g.net:trace(g.x, g.y)[1].z[j]
    end
    names.put("ill", ill)
    names.put("sick", sick)
    return cause
end

return {
    {
        name = "quiet", title = "Slow learning: a quiet input", see = "saturation", dense = true,
        text = [[
Why does a weight learn slowly? Its gradient is a product, a_k δ_j, so look at one factor after
the other. First a_k. All weights into one neuron share its δ; what makes one faster than another
is how loud its input is. From an input near 0 a weight learns next to nothing, however wrong the
neuron may be.]],
        run = {
            "t = net:trace(x, y)",
            "t[0].a[$k], t[0].a[$m]",
            "t[1].delta[$j]",
        },
        ask = [[
Two weights go into neuron $j of layer 1, one from input $k and one from input $m. Take the
gradient of the first over that of the second: what is it?]],
        way = "t[0].a[$k] / t[0].a[$m]",
        hint = "Write both gradients by BP4. What do they have in common?",
        suits = "loud",
        wrong = {
            {"t[0].a[$m] / t[0].a[$k]", "Turned over: the first is that of input $k."},
            {"1", "δ is the same for both, but the gradient is a times δ."},
            {"net[1].w[{$j, $k}] / net[1].w[{$j, $m}]",
                "Those are the weights. They do not come into their gradients."},
            {"t[0].a[$k]", "That is one of the two factors. Take the ratio of both gradients."},
            {"t[0].a[$k] * t[1].delta[$j]", "That is the first gradient. Divide it by the second."},
            {"t[1].dw[{$k, $j}] / t[1].dw[{$m, $j}]",
                "Rows and columns are changed round: the neuron that listens is the row."},
        },
        right = [[
That is why inputs are best brought to about the same size before learning: set:standardize() does
it.]],
    },
    {
        name = "saturated", title = "Slow learning: saturated, or not asked", see = "saturation",
        dense = true,
        text = [[
Then δ_j, and by BP2 that is a product as well. A neuron is saturated when its z is where f is
flat: the slope is near 0, and little of what is asked gets through. Or nobody asks: its weights
to the layer after, or the errors there, are near 0. Here a bias of 9 takes neuron $h of layer $H,
a sigmoid, to the flat end.]],
        run = {
            "other = net:clone()",
            "other[$H]:neuron($h).activation, other[$H]:neuron($h).b = \"sigmoid\", 9",
            "u = other:trace(x, y)",
            "asked = other[$L].w:t():matmul(u[$L].delta)",
            "asked[$h], u[$H].slope[$h], u[$H].delta[$h]",
        },
        ask = [[
As much is asked of it as above, but let its z be 0, where a sigmoid is steepest. What would its δ
be?]],
        way = "0.25 * asked[$h]",
        hint = "σ' is a (1 - a). What is a at z = 0?",
        wrong = {
            {"asked[$h]", "That is what is asked. The slope of a sigmoid at 0 is not 1."},
            {"0.5 * asked[$h]", "½ is σ(0), the output. The slope there is σ(0) (1 - σ(0))."},
            {"0.25", "That is the slope. δ is it times what is asked."},
            {"0.25 * u[$H].delta[$h]",
                "The flat slope is still in that δ. Begin with what is asked."},
            {"t[$H].delta[$h]",
                "That is the δ of `net`. Other outputs, so other things are asked."},
            {"u[$H].delta[$h]", "That is its δ at the flat end."},
        },
        right = [[
So many times faster would its weights and its bias learn there, and net:why says the same of all
three examples:]],
        after = {"0.25 / u[$H].slope[$h]", "other:why($H, $h, some)"},
    },
    {
        name = "why", title = "Slow learning: which of the three?", see = "saturation",
        dense = true, suits = "awake",
        prepare = prepare,
        text = [[
A patient. `ill` is a copy of net, `sick` is its example; one of the two is not as it was, and now
neuron $j of layer 1 hardly learns. Three things can be small: what it hears, its slope, or what
is asked of it. The largest gradients of its weights, then and now:]],
        run = {
            "t, u = net:trace(x, y), ill:trace(sick, y)",
            "t[1].dw[$j]:abs():max():item(), u[1].dw[$j]:abs():max():item()",
        },
        ask = [[
Look at the three, and compare them with those of `t`. Which is it: answer "quiet", "saturated" or
"unasked"?]],
        way = {
            "t[0].a:abs():max():item(), u[0].a:abs():max():item()",
            "t[1].slope[$j], u[1].slope[$j]",
            "net[2].w:t():matmul(t[2].delta)[$j], ill[2].w:t():matmul(u[2].delta)[$j]",
        },
        hint = [[
`u[0].a` is what it hears, `u[1].slope[$j]` its slope, and `ill[2].w:t():matmul(u[2].delta)[$j]`
what is asked of it.]],
        wrong = {
            {'"quiet"', "Look at `t[0].a` and `u[0].a`: it hears what it always heard."},
            {'"saturated"',
                "Look at `t[1].slope[$j]` and `u[1].slope[$j]`: it could follow well enough."},
            {'"unasked"',
                "Look at `net[2].w:t():matmul(t[2].delta)[$j]` and " ..
                "`ill[2].w:t():matmul(u[2].delta)[$j]`: it is asked."},
        },
        right = [[
Each has another cure: inputs of one size, smaller first weights or another f, and patience with
the layers after. net:why looks at all factors at once, and tries cures. Come back to this step,
and the patient has something else.]],
        after = {"ill:why(1, $j, sick, y)"},
    },
    {
        name = "fast", title = "Why it is fast", see = "net:gradcheck",
        text = [[
The gradient can be measured without any of this: turn one weight up a little, run the network,
turn it down, run it again, and divide. It needs no thought, and two passes for every single
parameter. Backpropagation needs one pass forward and one back, of about the same work, for all of
them together. net:gradcheck does both.]],
        run = {
            "net:count()",
            {dense = true, "net:gradcheck(x, y)"},
            {dense = false, "net:gradcheck(some[1])"},
        },
        suits = "cheap",
        ask = [[
How many passes forward would such differences take for one gradient of the notes' network, 784 -
30 - 10?]],
        way = "2 * (784 * 30 + 30 + 30 * 10 + 10)",
        hint = "Count its weights and its biases, layer by layer. How many passes for each?",
        wrong = {
            {"784 * 30 + 30 + 30 * 10 + 10",
                "So many parameters it has; each is turned up and down."},
            {"784 * 30 + 30 + 30 * 10 + 10 + 1",
                "That is the one-sided way, a pass for each and one more. Turned both ways, as " ..
                "here, it is about twice that."},
            {"2 * (784 * 30 + 30 * 10)", "The biases are parameters too: one for each neuron."},
            {"784 * 30 + 30 * 10",
                "Those are the weights. The biases are missing, and each is turned both ways."},
            {"2 * net:count()", "That is for net. 784 - 30 - 10 has more."},
            {"2", "So many passes does backpropagation take, forward and back."},
        },
        exact = true,
        right = [[
And that for every single step of learning, where backpropagation takes the work of two or three
passes. So networks of this size, and far larger ones, learn at all.]],
    },
}
