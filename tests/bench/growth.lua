-- Cost against size: the time of an epoch and the memory held, from small to large, one growing
-- thing at a time. Each size is a program of its own (nabla_growth.lua), on one thread. What the
-- cost should be in proportion to is a power of the size; the exponent found is that of the line
-- through the logarithms of the LARGE largest sizes, for what is small costs the fixed share alone.
--
-- Where all is products of dense layers, the bare calls of the BLAS at the same sizes stand beside:
-- what outgrows a cache makes them dearer too, and nobody can be asked to grow less than they do.
-- Who is faster than they are where all fits the caches grows more from there: that holds as long
-- as none of the sizes takes longer than they do.

local growth = {}

local LARGE <const>, SLACK <const> = 3, 0.1
local BARE_SLACK <const> = 0.05 -- above the power of the bare products
local BATCH <const> = 64
local MIB <const> = 1024 -- KiB

local function repeated(size, times)
    local sizes = {}
    for i = 1, times do sizes[i] = size end
    return sizes
end

-- time, memory: the powers of the size with which they should grow; bare: the sizes of the layers
-- whose products are all of it, the input's first.
local KINDS <const> = {
    {name = "examples", what = "an epoch of 20-30-5, batches of 32, by examples",
        unit = "an example", sizes = {1000, 10000, 100000, 1000000}, time = 1, memory = 1},
    {name = "width", what = "a step of n-n-n, 64 examples, by width n", unit = "for each of n²",
        sizes = {10, 64, 256, 1024, 4096}, time = 2, memory = 2,
        bare = function(n) return repeated(n, 3) end},
    {name = "depth", what = "a step of 128-128-…-10, 64 examples, by layers", unit = "a layer",
        sizes = {1, 3, 10, 30, 100}, time = 1, memory = 1,
        bare = function(n)
            local sizes = repeated(128, n + 1)
            sizes[#sizes + 1] = 10
            return sizes
        end},
    {name = "lstm", what = "a step of lstm 32, 4 examples, by steps of a sequence", unit = "a step",
        sizes = {10, 100, 1000, 10000}, time = 1, memory = 1},
    {name = "conv", what = "a step of conv 32 5, 4 examples, by steps of a sequence",
        unit = "a step", sizes = {10, 100, 1000, 10000}, time = 1, memory = 1},
    {name = "attention", what = "a step of attention 2, 32 features, by steps T of a sequence",
        unit = "for each of T²", sizes = {10, 100, 1000, 10000}, time = 2, memory = 1},
}

-- ---- Measuring ----

-- What a program prints, and the most memory that it held, in KiB.
local function run(bench, ...)
    local lines = assert(bench.programs.lines_of(bench.tools .. "/measure", 1, bench.program,
        bench.here .. "/nabla_growth.lua", ...), "nabla_growth.lua failed")
    return lines[1], bench.programs.numbers(lines[#lines])[2]
end

-- The seconds of a step's products alone.
local function run_bare(bench, sizes)
    local lines = assert(bench.programs.lines_of(bench.tools .. "/sgemm", "step", BATCH,
        table.unpack(sizes)), "sgemm failed")
    return tonumber(lines[1])
end

-- Fills seconds and memory of a kind, size by size; `held` is what the program holds without.
local function grow(bench, kind, held)
    local of = {kind = kind, seconds = {}, memory = {}, bare = kind.bare and {}}
    for i, size in ipairs(kind.sizes) do
        local _, memory = run(bench, kind.name, size, "once")
        of.seconds[i] = tonumber((run(bench, kind.name, size)))
        of.memory[i] = math.max(memory - held, 1)
        if of.bare then of.bare[i] = run_bare(bench, kind.bare(size)) end
    end
    return of
end

-- The power of the size with which a cost grows, by least squares through the LARGE largest.
local function exponent(sizes, costs)
    local x, y, mean_x, mean_y = {}, {}, 0, 0
    for i = #sizes - LARGE + 1, #sizes do
        x[#x + 1], y[#y + 1] = math.log(sizes[i]), math.log(costs[i])
        mean_x, mean_y = mean_x + x[#x] / LARGE, mean_y + y[#y] / LARGE
    end
    local up, across = 0, 0
    for i = 1, LARGE do
        up = up + (x[i] - mean_x) * (y[i] - mean_y)
        across = across + (x[i] - mean_x) ^ 2
    end
    return up / across
end

-- ---- Tables and the plot ----

local function memory_text(report, kib)
    return kib < 102.4 and "under 0.1 MiB" or report.figures(kib / MIB, 3) .. " MiB"
end

local function size_rows(report, grown, rows)
    for _, of in ipairs(grown) do
        for i, size in ipairs(of.kind.sizes) do
            rows[#rows + 1] = {i == 1 and of.kind.what or "", ("%d"):format(size),
                report.time(of.seconds[i]),
                ("%s %s"):format(report.time(of.seconds[i] / size ^ of.kind.time), of.kind.unit),
                of.bare and report.time(of.bare[i] / size ^ of.kind.time) or "", memory_text(report, of.memory[i])}
        end
    end
    return rows
end

-- Whether none of the LARGE largest sizes takes longer than the bare products.
local function is_faster(costs, bare)
    for i = #costs - LARGE + 1, #costs do
        if costs[i] > bare[i] then return false end
    end
    return true
end

-- The power found, and whether it holds: at most what is asked, or what the bare products have.
local function verdict_of(report, sizes, costs, power, bare)
    local found, most = exponent(sizes, costs), power + SLACK
    local asked = ("%.1f at most"):format(most)
    if bare then
        local of_bare = exponent(sizes, bare)
        asked = ("%s, or the bare products' %.2f + %.2f or time"):format(asked, of_bare, BARE_SLACK)
        most = is_faster(costs, bare) and found or math.max(most, of_bare + BARE_SLACK)
    end
    return ("%.2f"):format(found), report.verdict(asked, found <= most)
end

local function verdict_rows(report, grown, rows)
    for _, of in ipairs(grown) do
        local sizes = of.kind.sizes
        local time, time_holds = verdict_of(report, sizes, of.seconds, of.kind.time, of.bare)
        local memory, memory_holds = verdict_of(report, sizes, of.memory, of.kind.memory)
        rows[#rows + 1] = {of.kind.what, time, time_holds, memory, memory_holds}
    end
    return rows
end

local DECADE <const>, DOTS <const> = 10, 60

-- All sizes of all kinds as points: how much less is to be done than at the largest size, in powers
-- of ten, and what of its cost that takes. What grows in proportion lies on the diagonal, `…`.
local function plot_of(grown, what, power)
    local at, lists, least = {}, {}, 0
    for k, of in ipairs(grown) do
        local sizes = of.kind.sizes
        for i, size in ipairs(sizes) do
            local x = of.kind[power] * math.log(size / sizes[#sizes], DECADE)
            at[#at + 1] = {x = x, y = of[what][i] / of[what][#sizes], series = k + 1}
            least = math.min(least, x)
        end
    end
    for i = 0, DOTS do
        local x = least * i / DOTS
        at[#at + 1] = {x = x, y = 10 ^ x, series = 1}
    end
    for k = 1, #grown + 1 do
        lists[k + 1] = {}
        for i, point in ipairs(at) do
            lists[k + 1][i] = point.series == k and point.y or 0 / 0
        end
    end
    lists[1] = {}
    for i, point in ipairs(at) do lists[1][i] = point.x end
    return lists
end

local function show_plot(grown, what, title)
    local labels = {"in proportion"}
    for k, of in ipairs(grown) do labels[k + 1] = of.kind.name end
    print "```"
    print(plot.lines(plot_of(grown, what, what == "seconds" and "time" or "memory"), {
        text = true, points = true, log = true, width = 100, height = 18, labels = labels,
        title = title, xlabel = "how much less than at the largest size, powers of ten"}))
    print "```\n"
end

-- program, tools, here: as bench.lua has them; programs, report: its parts.
function growth.run(bench)
    local report, grown = bench.report, {}
    local _, held = run(bench, "nothing", 0)
    for k, kind in ipairs(KINDS) do grown[k] = grow(bench, kind, held) end
    report.show(size_rows(report, grown, { {"cost against size, f32, one thread", "size", "time",
        "of it", "bare products", "memory"} }))
    report.show(verdict_rows(report, grown, { {"grows with the power of the size", "time", "asked",
        "memory", "asked"} }))
    show_plot(grown, "seconds", "time, as a share of that at the largest size")
    show_plot(grown, "memory", "memory, likewise")
end

return growth
