-- Times statements that bench.lua sends: a line with the operands x and y, one that goes before,
-- one with the statement. Answers with the seconds of processor time that one takes.

local LEAST <const> = 0.02 -- seconds of one measurement

nabla.threads(1)

-- `run(n)` executes the statement n times; how many make a measurement is found at the first one.
local function make(operands, before, statement)
    local source = ([[
local randn = tensor.randn
local x, y = %s
%s
return function(n) for _ = 1, n do %s end end]]):format(operands, before, statement)
    return {source = source, run = assert(load(source, "=" .. statement))(), count = 1}
end

local function seconds_of(case)
    while true do
        local began = os.clock()
        case.run(case.count)
        local seconds = os.clock() - began
        if seconds >= LEAST then return seconds / case.count end
        case.count = 2 * case.count
    end
end

print "ready"
io.stdout:flush()
local case, asked
for operands in io.lines() do
    local before, statement = io.read "l", io.read "l"
    local wanted = table.concat({operands, before, statement}, "\n")
    if wanted ~= asked then
        case, asked = nil, wanted
        collectgarbage()
        case = make(operands, before, statement)
    end
    print(("%.12f"):format(seconds_of(case)))
    io.stdout:flush()
end
