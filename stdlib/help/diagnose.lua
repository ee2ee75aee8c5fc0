-- The page on what net:diagnose looks at.

return function(page)

page("diagnose", [[
net:diagnose(set, o) says what is wrong with a training: o is what net:train was or will be given.
It first measures, on copies and a part of the set, and shows a line for each layer:

  saturated    neurons whose slope is below 0.01 on nine tenths of the examples
  dead         neurons whose slope is 0 on all of them
  quiet        neurons whose |a| is below 0.01 in the mean, so that BP4 hardly moves what
               hears them
  equal        neurons whose weights and gradients are those of another, so that they stay so
  ∇w/w         the size of the gradient beside that of the weights
  Δw/w         the same of a step, in the mean of the first ten
  δ/above      the size of δ beside that of the layer above (BP2)
  rank         in how many directions the activations vary, (Σλ)²/Σλ² of their covariance

d.layers[i] has them as .saturated .dead .quiet .equal (a count) .relative .update .ratio .rank, and
.path, the layer's place. Shares are of neurons; channels are those of conv.

Then causes. Each kind has a look, which fires on what was measured and on nothing else, and cures,
Lua over net, set and o. A cure counts where the experiment confirms it; what it does not confirm is
noticed. Where several are as good, the first of this list is named:

  data               numbers that are not finite, inputs that never vary
  labels             labels shifted by some classes; neighbours and held-out answers that
                     agree no more than with shuffled ones
  balance            classes with under a fifth of an even share that are not found, or that are
                     held out and never learned from
  input scale        a size of x above 10 or below 0.03, columns whose deviations are 30 times
                     apart, a mean 10 deviations from 0
  target scale       targets of linear outputs with a deviation above 10 or below 0.03, or a
                     mean above 10
  output activation  softmax over one unit; targets out of the activation's reach; softmax for
                     rows that do not add up to 1; outputs without slope
  cost               one that is not least where outputs are the targets; one of classes for
                     numbers, or of numbers for classes; outputs that are sure and wrong,
                     whose slope takes the cost's pull away
  hidden activation  softmax inside; sums with nothing between; layers without slope; δ that
                     slopes use up to a hundredth
  initialiser        numbers of the network that are not finite; equal neurons; weights that
                     make sums 5 times as large as what comes in, or a tenth; biases that
                     decide where neurons stand
  depth              four dense layers or more, through which δ falls to a hundredth or grows
                     to 100 times
  learning rate      a run that fails, ends above where it began, or leaps; layers whose
                     neurons lose their slope on the way; steps of half the weights; layers
                     that end as they were drawn; what clip or schedule cut away
  optimizer          momentum from 0.95; layers whose gradients are 100 times apart; signs of
                     single batches
  batch              under 200 steps, of many examples; leaps from one or two; batches of one
                     class
  epochs             a cost that still falls by a hundredth at the end; layers as they were
                     drawn; a held-out cost that was least half of the way
  regularisation     penalties that pull half as hard as the cost or halve the weights;
                     dropout from 0.6; 0.15 between what was learned and what is held out
  mode               layers that no step moves, frozen, masked or with a factor of 0; dropout
                     behind the outputs; batch_norm whose running figures are not the batches'
  structure          sizes that do not go together; no hidden layer, narrow ones, no biases,
                     where even what was learned is answered badly

Kinds that judge the run are looked for only where held-out quality leaves room for a gain of 0.05.
Labels that are wrong and numbers that are none have no cure, or one that needs no experiment: there
the evidence is the finding. The reasons for the figures stand beside them in stdlib/diagnose.]],
    [[
set = data.iris()
net = nn.net("4 - 8 tanh - 3 softmax : cross_entropy", {seed = 1})
d = net:diagnose(set, {epochs = 5, lr = 1e-4, budget = {runs = 40}, progress = false})
print(d)]])

end
