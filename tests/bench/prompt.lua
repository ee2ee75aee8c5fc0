-- What the prompt must keep to: Ctrl-C, Tab, the length of what is printed. For bench.lua.

local here = arg[0]:match "^(.*)/" or "."
local report, programs = dofile(here .. "/report.lua"), dofile(here .. "/programs.lua")
local median, sorted, figures = report.median, report.sorted, report.figures
local spread, verdict = report.spread, report.verdict

local ROUNDS <const>, KEYS <const>, ENTRIES <const> = 5, 10000, 10000

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

-- Lines as they are typed again and again, none twice; block by
-- block, as a long session leaves them.
local function write_history(folder)
    assert(os.execute(("mkdir -p %s/nabla"):format(programs.quote(folder))), "no folder")
    local file = assert(io.open(folder .. "/nabla/history", "w"))
    for i = 1, ENTRIES do
        local line = i % 3 == 0 and "for i = 1, %d do\\n  print(i)\\nend\n" or
            i % 3 == 1 and "net = nn.net '64 - %d - 10'\n" or "net:train(set, {epochs = %d})\n"
        file:write(line:format(i))
    end
    file:close()
end

-- From a key to its frame on the screen, colours and suggestions on.
local function keys_row(program, tools, scratch)
    write_history(scratch .. "/keys")
    local lines = programs.lines_of(tools .. "/prompt", "keys", KEYS, "env", "LC_ALL=C.UTF-8",
        "TERM=xterm", "NO_COLOR=", "INPUTRC=/dev/null", "XDG_STATE_HOME=" .. scratch .. "/keys",
        program)
    local times = sorted(milliseconds(assert(lines, "prompt failed")[1]))
    local p99 = times[math.ceil(0.99 * #times)]
    return {("a key in a block of 40 lines, %d times"):format(#times),
        figures(median(times), 2) .. " ms", "p99 " .. figures(p99, 2) .. " ms",
        verdict("2 ms at p99", p99 < 2)}
end

-- Every single time must hold, not the median.
local function run(program, tools, scratch)
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
    rows[#rows + 1] = keys_row(program, tools, scratch)
    rows[#rows + 1] = printed_row(program)
    report.show(rows)
end

-- Alone: `make bench-keys`.
if arg[0]:match "prompt%.lua$" then
    report.show { {"the prompt", "median", "", "asked"}, keys_row(arg[1], arg[2], arg[3])}
end

return {run = run}
