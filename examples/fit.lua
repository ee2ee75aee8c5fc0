-- A certified problem as a network: how well data determine what a model says of them.
--
--     nabla examples/fit.lua
--
-- Pasture grows with time along a curve that begins slowly and levels off: y = b1 / (1 + exp(b2 -
-- b3 x)). That is one sigmoid neuron and one linear neuron behind it, and its weights are the b's.
-- The data, and values and standard errors certified to eleven digits, are NIST's (Rat42 of its
-- Statistical Reference Datasets, public domain; Ratkowsky 1983).

nabla.dtype "f64"
local time = tensor {9, 14, 21, 28, 42, 57, 63, 70, 79}
local yield = tensor {8.93, 10.8, 18.59, 22.33, 39.35, 56.11, 61.73, 64.62, 67.08}
pasture = data.set {x = time:reshape(9, 1), y = yield:reshape(9, 1)}

net = nn.net "1 - 1 sigmoid - 1 linear bias=false"

-- NIST's first start: b1 = 100, b2 = 1, b3 = 0.1.
net[1].w[{1, 1}], net[1].b[1], net[2].w[{1, 1}] = 0.1, -1, 100

-- lm takes the whole set in every iteration and ends where no step lowers the squares.
print(net:train(pasture, {optimizer = "lm", progress = false}))
print()
errors = net:errors(pasture)
print(errors)

-- ---- Beside what is certified ----

local certified = {
    {"b3", 6.7359200066e-02, 3.4465663377e-03, 1},
    {"b2", 2.6180768402e+00, 8.8295217536e-02, -1},
    {"b1", 7.2462237576e+01, 1.7340283401e+00, 1},
}
print "\n       weight            certified         error            certified"
for i, row in ipairs(certified) do
    local name, value, error, sign = table.unpack(row)
    print(("  %s   %-16.11g  %-16.11g  %-15.9g  %.9g"):format(name, sign * errors.value[i], value,
        errors.error[i], error))
    assert(math.abs(sign * errors.value[i] / value - 1) < 1e-9, "nine digits and more")
    assert(math.abs(errors.error[i] / error - 1) < 1e-6, "and six of the errors")
end

-- ---- How sure the curve is, between the data and beyond ----

-- The error of what the network says at x is √(gᵀ C g), g the slopes of its output.
print "\n  time   yield"
for _, x in ipairs {5, 35, 75, 120} do
    local at = tensor {{x}}
    net:backprop(at, tensor {{net(at):item() - 1}}) -- a cost whose gradient is the output's
    local g = net:grads()
    local spread = math.sqrt(g:dot(errors.covariance:matmul(g)):item())
    print(("  %4d   %5.1f ± %.1f"):format(x, net(at):item(), spread))
end

-- Two neurons for one curve: the data cannot tell them apart, and errors says so by name.
local two = nn.net "1 - 2 sigmoid - 1 linear bias=false"
two[1].w:fill_(0.07)
two[1].b:fill_(-2.6)
two[2].w:fill_(36)
print("\n" .. select(2, pcall(two.errors, two, pasture)))
