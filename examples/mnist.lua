-- The book's network on MNIST: 784-30-10, quadratic cost, η = 3.0, mini-batches of 10, 30 epochs.
--
--     nabla examples/mnist.lua DIR [EPOCHS]
--
-- DIR holds the four IDX files of MNIST, plain or gzip.

local folder, epochs = arg[1], tonumber(arg[2] or 30)
if not folder or not epochs then
    io.stderr:write("usage: nabla examples/mnist.lua DIR [EPOCHS]\n",
        "DIR holds MNIST's files: train-images-idx3-ubyte.gz and the other three, plain or gzip\n")
    os.exit(2)
end

mnist = data.mnist(folder)
net = nn.net "784 - 30 - 10"

print(mnist)
print(net)

local function report(now)
    print(("epoch %2d · cost %.4f · right on %s of %d test digits"):format(
        now.epoch, now.cost, ("%.0f"):format(now.test * #mnist.test), #mnist.test))
end

local history = net:train(mnist.train, {epochs = epochs, batch = 10, lr = 3.0, test = mnist.test,
    on_epoch = report, progress = false})
print(("%.2f s with the tests · %.0f examples a second · test accuracy %.2f %%"):format(
    history.seconds, history.examples_per_second, 100 * history.test[history.epochs]))
