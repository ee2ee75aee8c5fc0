-- A diagnosis of 64-30-10 on the digits with a rate too low, three times: seconds by the clock,
-- which date keeps, of one with the budget given (in seconds), and of one of 33 runs in one process
-- and on all threads, line by line.

local digits = data.digits()
local net = nn.net("64 - 30 - 10", {seed = 1})
local budget, runs = tonumber(arg[1]), {runs = 33}

local function now()
    local pipe = assert(io.popen "date +%s.%N")
    local time = tonumber(pipe:read())
    pipe:close()
    return time
end

local function seconds(budget_of_it)
    local began = now()
    net:diagnose(digits, {epochs = 30, lr = 0.003, seed = 1, budget = budget_of_it})
    return now() - began
end

local threads = nabla.threads()
for _ = 1, 3 do
    local whole = seconds(budget)
    nabla.threads(1)
    local alone = seconds(runs)
    nabla.threads(threads)
    print(("%.3f %.3f %.3f"):format(whole, alone, seconds(runs)))
end
