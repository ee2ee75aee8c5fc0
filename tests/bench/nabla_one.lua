-- One example through a network, called from Lua. Told the file of parameters and examples that
-- one.lua wrote, which network, and how many threads; answers with the seconds of one call, at the
-- end with the share of the examples whose outputs are right to rounding.

local one = dofile((arg[0]:gsub("[^/]*$", "one.lua")))
local parts, name = tensor.load(arg[1]), arg[2]

local CALLS <const> = name == "dense" and 20000 or 1000
local ROUNDING <const> = 1e-5

nabla.threads(math.tointeger(arg[3]))
local net = nn.net(one.notations[name])
for i, place in ipairs(one.layers[name]) do
    net[place].w, net[place].b = parts["w" .. i], parts["b" .. i]
end

local x = parts.x[1]:clone()

local function calls(n)
    local began = nabla._clock()
    for _ = 1, n do net(x) end
    return (nabla._clock() - began) / n
end

local function right()
    local share = 0
    for i = 1, #parts.x do
        local off = (net(parts.x[i]):to "f64" - parts.y[i]):abs():max()
        if off <= ROUNDING then share = share + 1 / #parts.x end
    end
    return share
end

calls(CALLS)
print "ready"
io.stdout:flush()
while io.read() == "epoch" do
    print(("%.12f"):format(calls(CALLS)))
    io.stdout:flush()
end
print(right())
