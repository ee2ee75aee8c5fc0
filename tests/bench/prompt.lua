-- What the prompt must keep to: Ctrl-C, Tab, the length of what is printed. For bench.lua.

local here = arg[0]:match "^(.*)/" or "."
local report, programs = dofile(here .. "/report.lua"), dofile(here .. "/programs.lua")
local median, sorted, figures = report.median, report.sorted, report.figures
local spread, verdict = report.spread, report.verdict

local ROUNDS <const> = 5

local function milliseconds(line)
    local out = programs.numbers(line)
    for i, value in ipairs(out) do out[i] = 1000 * value end
    return out
end

local function prompt_row(what, list, limit)
    return {what, figures(median(list), 2) .. " ms", spread(list, 2) .. " ms",
        verdict(limit .. " ms", sorted(list)[#list] < limit)}
end

-- How many bytes the prompt prints for what would fill many screens, the most of a few values.
local function printed_row(program)
    local most, values = 0, {"('x'):rep(1e7)", "tensor.randn(300, 300, 300)",
        "(function() local t = {} for i = 1, 1e5 do t[i] = ('x'):rep(1000) end return t end)()"}
    for _, value in ipairs(values) do
        local command = ("echo %s | %s -i"):format(programs.quote(value), programs.quote(program))
        local pipe = assert(io.popen(command))
        most = math.max(most, #pipe:read "a" - 1) -- without the newline behind it
        assert(pipe:close(), "nabla -i failed")
    end
    return {"any print", ("%.1f KiB"):format(most / 1024), "",
        verdict("20 KiB", most <= 20 * 1024)}
end

-- Every single time must hold, not the median.
local function run(program, tools)
    local names = {loop = "Ctrl-C to prompt: a loop in Lua", training = "Ctrl-C: training",
        product = "Ctrl-C: a product of 4,000 × 4,000", show = "Ctrl-C: showing a huge table",
        print = "Ctrl-C: printing", completion = "Tab with 10,000 globals",
        list = "Tab again: the list of them"}
    local rows = { {"the prompt", "median", "min–max", "asked"} }
    local lines = programs.lines_of(tools .. "/prompt", ROUNDS, "env", "LC_ALL=C.UTF-8",
        "TERM=xterm", "NO_COLOR=1", "INPUTRC=/dev/null", program)
    for _, line in ipairs(assert(lines, "prompt failed")) do
        local name = line:match "^%a+"
        rows[#rows + 1] = prompt_row(names[name], milliseconds(line),
            (name == "completion" or name == "list") and 50 or 100)
    end
    rows[#rows + 1] = printed_row(program)
    report.show(rows)
end

return {run = run}
