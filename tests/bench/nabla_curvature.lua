-- The whole spectrum of the Hessian and of the Gauss-Newton matrix of 64-30-10, 2,260 parameters,
-- on the 1,437 digits, after ten epochs. Prints seconds.

local digits = data.digits()
local net = nn.net("64 - 30 - 10", {seed = 1})
net:train(digits.train, {epochs = 10, batch = 10, lr = 3.0, progress = false})
local c = net:curvature(digits.train)
assert(c.values:numel() == 2260)
print(("%.3f"):format(c.seconds))
