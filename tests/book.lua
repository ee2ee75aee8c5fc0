-- The book's result of its third chapter on all of MNIST: 784-100-10, cross-entropy, η = 0.5,
-- λ = 5.0, mini-batches of 10, 30 epochs. It must reach 97.5 % of the validation digits, where the
-- book has 97.92 %. Some minutes at most; make book runs it.
--
--     nabla tests/book.lua DIR

local there, mnist = pcall(data.mnist, arg[1] or "")
if not there then
    io.stderr:write(tostring(mnist), "\nName MNIST's folder: NABLA_MNIST=DIR make book\n")
    os.exit(2)
end

nabla.seed(1)
local net = nn.net("784 - 100 - 10 : cross_entropy", {seed = 1})
for l = 1, 2 do -- as the book draws them there
    net[l].w:normal_(0, 1)
    net[l].b:normal_(0, 1)
end
local h = net:train(mnist.train, {epochs = 30, batch = 10, lr = 0.5, l2 = 5, seed = 1,
    valid = mnist.valid})
print(("%.2f %% of the validation digits after 30 epochs, %.0f s; the book has 97.92 %%"):format(
    100 * h.valid[30], h.seconds))
os.exit(h.valid[30] >= 0.975)
