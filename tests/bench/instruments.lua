-- What looks into networks, as rows of the table of whole runs.

local instruments = {}

-- Gradients of all examples, as times of a pass of training over them: of dense layers 1.15, of
-- others one more BP4, a third of what a pass multiplies.
local EXAMPLES <const> = {
    {"64-30-10, batch 10, 1,437 examples", "64 - 30 - 10", 1437, "64", 10, 1.15},
    {"784-512-512-10, batch 128, 4,096 examples",
     "784 - 512 relu - 512 relu - 10 softmax : cross_entropy", 4096, "784", 128, 1.15},
    {"LeNet, batch 64, 1,024 examples",
     "1x28x28 - conv 20 5 relu - max_pool 2 - conv 40 5 relu - max_pool 2 - flatten - " ..
     "100 relu - 10 softmax : cross_entropy", 1024, "1x28x28", 64, 4 / 3},
}

local function examples_row(program, here, programs, report, case)
    local name, notation, count, sizes, batch, most = table.unpack(case)
    local lines, ratio = programs.lines_of(program, here .. "/nabla_examples.lua", notation, count,
        sizes, batch), {}
    for i, line in ipairs(assert(lines, "nabla_examples.lua failed")) do
        local both = programs.numbers(line)
        ratio[i] = both[1] / both[2]
    end
    return {"norms of all examples' gradients, to a pass of training: " .. name,
        report.figures(report.median(ratio), 3) .. " ×", report.spread(ratio, 3) .. " ×",
        report.verdict(("%.3g × at most"):format(most), report.median(ratio) <= most)}
end

local function influence_row(program, here, programs, report)
    local lines, seconds = programs.lines_of(program, here .. "/nabla_influence.lua"), {}
    for i, line in ipairs(assert(lines, "nabla_influence.lua failed")) do
        seconds[i] = tonumber(line)
    end
    return {"influence of all 1,437 digits, 64-30-10, 10 epochs, one seed",
        report.figures(report.median(seconds), 3) .. " s", report.spread(seconds, 3) .. " s",
        report.verdict("6 s on two cores", report.median(seconds) < 6)}
end

-- What the user waits for a diagnosis, and what copies of the process save of it.
local SECONDS <const> = 3
local function diagnose_rows(program, here, programs, report)
    local lines = programs.lines_of(program, here .. "/nabla_diagnose.lua", SECONDS)
    local waited, ratio = {}, {}
    for i, line in ipairs(assert(lines, "nabla_diagnose.lua failed")) do
        local all = programs.numbers(line)
        waited[i], ratio[i] = all[1], all[2] / all[3]
    end
    local name = "diagnosis of the digits, 64-30-10, 30 epochs, "
    return {name .. ("budget = %d"):format(SECONDS),
        report.figures(report.median(waited), 3) .. " s", report.spread(waited, 3) .. " s",
        report.verdict(("%.1f s at most"):format(1.2 * SECONDS),
            report.median(waited) <= 1.2 * SECONDS)},
        {name .. "33 runs: one process to all cores", report.figures(report.median(ratio), 3) ..
            " ×", report.spread(ratio, 3) .. " ×",
            report.verdict("1.3 × on two cores", report.median(ratio) >= 1.3)}
end

-- A run of 150,000 steps under glass: what it costs, going back, the search for an event.
local function glass_rows(program, here, programs, report)
    local lines = programs.lines_of(program, here .. "/nabla_glass.lua")
    local ratio, back, bisect = {}, {}, {}
    for _, line in ipairs(assert(lines, "nabla_glass.lua failed")) do
        local kind, a, b = line:match "^(%a+) (%S+) ?(%S*)$"
        if kind == "epoch" then ratio[#ratio + 1] = tonumber(b) / tonumber(a)
        elseif kind == "back" then back[#back + 1] = 1000 * tonumber(a)
        else bisect[#bisect + 1] = tonumber(a) end
    end
    local slowest = math.max(table.unpack(bisect))
    return {"training under glass, to net:train: 784-30-10, batch 10, an epoch of 50,000",
        report.figures(report.median(ratio), 3) .. " ×", report.spread(ratio, 3) .. " ×",
        report.verdict("1.05 × at most", report.median(ratio) <= 1.05)},
        {"t:back(50) of 150,000 steps of it", report.figures(report.median(back), 2) .. " ms",
        report.spread(back, 2) .. " ms", ""},
        {("t:bisect among its 150,000 steps: %d events, each found exactly"):format(#bisect),
        report.figures(report.median(bisect), 2) .. " s", report.spread(bisect, 2) .. " s",
        report.verdict("each 2 s", slowest < 2)}
end

function instruments.rows(program, here, programs, report)
    local rows = {}
    for i, case in ipairs(EXAMPLES) do
        rows[i] = examples_row(program, here, programs, report, case)
    end
    rows[#rows + 1] = influence_row(program, here, programs, report)
    rows[#rows + 1], rows[#rows + 2] = diagnose_rows(program, here, programs, report)
    table.move({glass_rows(program, here, programs, report)}, 1, 3, #rows + 1, rows)
    return rows
end

return instruments
