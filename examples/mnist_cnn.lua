-- A LeNet reads MNIST: two convolutions with pools between them, then two dense layers.
--
--     nabla examples/mnist_cnn.lua DIR [EPOCHS [EXAMPLES]]
--
-- DIR holds the four IDX files of MNIST, plain or gzip. Three epochs of all 50,000 examples reach
-- 98.5 % of the test digits and more.

local folder, epochs, examples = arg[1], tonumber(arg[2] or 3), tonumber(arg[3] or 50000)
if not folder or not epochs or not examples then
    io.stderr:write("usage: nabla examples/mnist_cnn.lua DIR [EPOCHS [EXAMPLES]]\n",
        "DIR holds MNIST's files: train-images-idx3-ubyte.gz and the other three, plain or gzip\n")
    os.exit(2)
end

mnist = data.mnist(folder)
net = nn.net [==[784 - reshape 1x28x28
    - conv 20 5 relu name=strokes - max_pool 2
    - conv 40 5 relu - max_pool 2
    - flatten - 100 relu - 10 softmax : cross_entropy]==]

print(net)

local function report(now)
    print(("epoch %d · cost %.4f · test %.2f %%"):format(now.epoch, now.cost, 100 * now.test))
end

local history = net:train(mnist.train:take(examples), {epochs = epochs, batch = 64,
    optimizer = nn.sgd {lr = 0.05, momentum = 0.9}, test = mnist.test, on_epoch = report,
    progress = false})
print(("%.1f s with the tests · test accuracy %.2f %%"):format(history.seconds,
    100 * history.test[history.epochs]))

-- A channel is a neuron: its weights are a picture of what it looks for.
print "\nwhat the first four channels look for:"
for k = 1, 4 do
    print(plot.image(net.strokes:neuron(k).w[1], {text = true}))
end
