-- One training by several processes:
--
--     mpirun -n 4 nabla examples/ranks.lua
--     nabla examples/ranks.lua                 alone, with the same bits
--
-- Every process runs all of this. Each takes its share of a batch's pieces, the sum of their
-- gradients moves the network, and print speaks for the first process only.

nabla.seed(7)
digits = data.digits()
net = nn.net "64 - 128 relu - dropout 0.2 - 10 softmax : cross_entropy"

local h = net:train(digits.train, {epochs = 10, batch = 256, optimizer = nn.adam {lr = 3e-3},
    pieces = 8, seed = 1, test = digits.test})
print(h)

-- The sum of all parameters, to the last bit, whoever has computed it.
local function bits()
    return ("%a"):format(net:params():to("f64"):sum():item())
end

print(("%d process%s, parameters %s"):format(nabla.ranks(), nabla.ranks() == 1 and "" or "es", bits()))

-- What each does for itself it says on standard error; a file of its own needs a name of its own.
if nabla.ranks() > 1 then
    io.stderr:write(("process %d: parameters %s\n"):format(nabla.rank(), bits()))
end

-- What stands behind this is the first's alone. Training is never.
if nabla.rank() == 0 then
    local e = net:evaluate(digits.test)
    print(("the first process: %.1f %% right of %d"):format(100 * e.accuracy, #digits.test))
end
