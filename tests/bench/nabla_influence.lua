-- What each of the 1,437 digits does to the test cost of 64-30-10 in 10 epochs, one seed, on all
-- threads. Prints seconds by the clock, which date keeps, line by line.

local digits = data.digits()
local net = nn.net("64 - 30 - 10", {seed = 1})
local o = {test = digits.test, epochs = 10, batch = 10, lr = 3.0, seed = 1}

local function now()
    local pipe = assert(io.popen "date +%s.%N")
    local time = tonumber(pipe:read())
    pipe:close()
    return time
end

for _ = 1, 3 do
    local began = now()
    net:influence(digits.train, o)
    print(("%.3f"):format(now() - began))
end
