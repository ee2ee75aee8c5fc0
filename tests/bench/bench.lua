-- The benchmark: starts the children, lets each run one epoch in turn, and prints the tables.
-- Called by run: bench.lua NABLA TOOLS SCRATCH MNIST.

local program, tools, scratch, mnist = table.unpack(arg, 1, 4)
local here = arg[0]:match "^(.*)/" or "."
local report, programs = dofile(here .. "/report.lua"), dofile(here .. "/programs.lua")
local tables, optimizers = dofile(here .. "/tables.lua"), dofile(here .. "/optimizers.lua")
local instruments, one = dofile(here .. "/instruments.lua"), dofile(here .. "/one.lua")
local median, column, sorted = report.median, report.column, report.sorted
local figures, spread, verdict = report.figures, report.spread, report.verdict
local lines_of, numbers, tell = programs.lines_of, programs.numbers, programs.tell

local ROUNDS <const> = 5
-- While a child rests, others take its place in the caches and the processor slows down: one whose
-- epoch takes fewer seconds runs so many, as epochs follow one another when a network is trained,
-- or so many times, and their median counts, without the first.
local SHORT <const>, AGAIN <const> = 0.5, 12
local PYTHON <const> = "/usr/bin/python3"
local LENET <const> = {"lenet", 64}
local BOOK <const>, DEEP <const> = {10, 784, 30, 10}, {128, 784, 512, 512, 10} -- batch, layers

-- ---- Children that run an epoch when they are told to ----

local function epoch(child, most)
    local first = assert(tell(child, "epoch"), child.name .. " died")
    if first >= SHORT then return first end
    local behind, sum = {}, first
    repeat
        local seconds = assert(tell(child, "epoch"), child.name .. " died")
        behind[#behind + 1], sum = seconds, sum + seconds
    until sum >= SHORT or #behind == most
    return median(behind)
end

-- Fills seconds and accuracy of those children that run, and returns these. What is no epoch, but
-- measured over many by the child itself, runs once more at most.
local function race(children, most)
    local running = {}
    for number, child in ipairs(children) do
        child.seconds = {}
        if programs.start(child, scratch, number) then running[#running + 1] = child end
    end
    for _ = 1, ROUNDS do
        for _, child in ipairs(running) do
            child.seconds[#child.seconds + 1] = epoch(child, most)
        end
    end
    for _, child in ipairs(running) do child.accuracy = tell(child, "end") end
    for _, child in ipairs(children) do programs.stop(child) end
    return running
end

-- How many times as long as `ours` a child takes, or what share of the products' rate ours reaches.
local function compare(child, ours)
    local ratio = median(child.seconds) / median(ours.seconds)
    if child == ours then return "", "" end
    if child.share then
        return ("%.0f %%"):format(100 * ratio),
            verdict(("%.0f %%"):format(100 * child.share), ratio >= child.share)
    end
    if child.most then
        return figures(ratio, 3) .. " ×", verdict(child.most .. " × at most", ratio <= child.most)
    end
    local asked = child.times and verdict(child.times .. " ×", ratio >= child.times) or ""
    return figures(ratio, 3) .. " ×", asked
end

-- Seconds as they are, or where the unit says so as microseconds.
local SECONDS <const>, MICROSECONDS <const> = {1, "s"}, {1e6, "µs"}

local function race_table(title, children, unit)
    local scale, word = table.unpack(unit or SECONDS)
    local rows = { {title, "median", "min–max", "to nabla", "asked", "test"} }
    local ours
    for _, child in ipairs(race(children, unit and 1 or AGAIN)) do
        ours = child.ours and child or ours
        local ratio, asked = compare(child, ours)
        local times = {}
        for i, seconds in ipairs(child.seconds) do times[i] = scale * seconds end
        rows[#rows + 1] = {child.name, figures(median(times), 3) .. " " .. word,
            spread(times, 3), ratio, asked,
            child.accuracy and ("%.1f %%"):format(100 * child.accuracy) or ""}
    end
    report.show(rows)
end

-- ---- Who takes part ----

local function nabla_child(name, script, ...)
    return {name = name, ours = true, command = {program, here .. "/" .. script, mnist, ...}}
end

local function python_child(name, times, script, ...)
    return {name = name, times = times, command = {PYTHON, here .. "/" .. script, mnist, ...}}
end

local function sgemm_child(share, sizes)
    return {name = "bare sgemm", share = share, command = {tools .. "/sgemm", table.unpack(sizes)}}
end

local function with_threads(threads, child)
    child.threads = threads
    return child
end

local function python_has(module)
    return os.execute(("%s -c 'import %s' 2>/dev/null"):format(PYTHON, module))
end

local function book_children(has)
    local children = {nabla_child("nabla", "nabla_book.lua"), sgemm_child(0.85, BOOK)}
    if has.torch then
        children[#children + 1] = python_child("PyTorch, nn.Module", 17, "torch_book.py")
        children[#children + 1] = python_child("PyTorch, by hand", 5, "torch_book_by_hand.py")
    end
    if has.numpy then
        children[#children + 1] = python_child("NumPy, matrix form", 5, "numpy_book.py")
    end
    return children
end

local function deep_children(has)
    local children = {}
    local asked = { -- times: on one thread, on two
        sgd = {share = 0.95, times = {1.15, 1.4}},
        adam = {share = 0.9, times = {1.4, 1.8}},
    }
    for _, optimizer in ipairs {"sgd", "adam"} do
        local hold = asked[optimizer]
        local function name(who) return who .. ", " .. optimizer end
        children[#children + 1] = nabla_child(name "nabla", "nabla_deep.lua", optimizer, 1)
        children[#children + 1] = sgemm_child(hold.share, DEEP)
        if has.torch then
            children[#children + 1] =
                python_child(name "PyTorch", hold.times[1], "torch_deep.py", optimizer)
        end
    end
    for _, optimizer in ipairs {"sgd", "adam"} do
        local function name(who) return ("%s, %s, 2 threads"):format(who, optimizer) end
        children[#children + 1] = nabla_child(name "nabla", "nabla_deep.lua", optimizer, 2)
        if has.torch then
            children[#children + 1] = with_threads(2, python_child(name "PyTorch",
                asked[optimizer].times[2], "torch_deep.py", optimizer))
        end
    end
    return children
end

-- The pieces that several processes would have, in one.
local function pieces_children()
    local children = {}
    for threads = 1, 2 do
        local function name(pieces)
            return (pieces == 1 and "a batch whole" or pieces .. " pieces") ..
                (threads == 2 and ", 2 threads" or "")
        end
        local whole = nabla_child(name(1), "nabla_pieces.lua", 1, threads)
        local parts = nabla_child(name(8), "nabla_pieces.lua", 8, threads)
        parts.ours, parts.most = false, 1.2
        children[#children + 1], children[#children + 2] = whole, parts
    end
    return children
end

-- What the character LSTM reads, and what is held: sgemm's share, how many times PyTorch's time.
local LETTERS <const> = { {"rows", 0, 0.9, 2.7}, {"embedding", 64, 0.9, 2.2} }

local function lstm_children(has)
    local children = {}
    for _, way in ipairs(LETTERS) do
        local word, inputs, share, times = table.unpack(way)
        for threads = 1, 2 do
            local end_of_name = threads == 2 and word .. ", 2 threads" or word
            local function name(who) return who .. ", " .. end_of_name end
            children[#children + 1] = nabla_child(name "nabla", "nabla_lstm.lua", word, threads)
            if threads == 1 then children[#children + 1] = sgemm_child(share, {"lstm", inputs}) end
            if has.torch then
                local child = python_child(name "PyTorch", threads == 1 and times or nil,
                    "torch_lstm.py", word)
                children[#children + 1] = with_threads(threads, child)
            end
        end
    end
    return children
end

local function lenet_children(has)
    local children = {nabla_child("nabla", "nabla_lenet.lua", 1), sgemm_child(0.85, LENET)}
    if has.torch then
        children[#children + 1] = python_child("PyTorch", 2.5, "torch_lenet.py", "plain")
        children[#children + 1] =
            python_child("PyTorch, channels last", 1.5, "torch_lenet.py", "last")
    end
    children[#children + 1] = nabla_child("nabla, 2 threads", "nabla_lenet.lua", 2)
    if has.torch then
        children[#children + 1] = with_threads(2,
            python_child("PyTorch, channels last, 2 threads", nil, "torch_lenet.py", "last"))
    end
    return children
end

local function transformer_children(has)
    local children = {}
    for threads = 1, 2 do
        local function name(who) return threads == 2 and who .. ", 2 threads" or who end
        children[#children + 1] = nabla_child(name "nabla", "nabla_transformer.lua", threads)
        if threads == 1 then children[#children + 1] = sgemm_child(0.73, {"transformer"}) end
        for _, mode in ipairs(has.torch and {"eager", "jit"} or {}) do
            children[#children + 1] = with_threads(threads, python_child(name("PyTorch, " .. mode),
                threads == 1 and 1.7 or nil, "torch_transformer.py", mode))
        end
    end
    return children
end

-- ---- The machine ----

local function read_processor()
    local model, count = "a processor", 0
    for line in io.lines "/proc/cpuinfo" do
        model = line:match "^model name%s*:%s*(.+)" or model
        if line:find "^processor" then count = count + 1 end
    end
    return model, count
end

local function describe_machine(has)
    local model, count = read_processor()
    local parts = {"nabla " .. nabla.version}
    for _, module in ipairs {"torch", "numpy"} do
        local code = ("import %s; print(%s.__version__)"):format(module, module)
        if has[module] then parts[#parts + 1] = module .. " " .. lines_of(PYTHON, "-c", code)[1] end
    end
    print(("%s, %d processors · %s · %s"):format(model, count, lines_of(tools .. "/sgemm")[1],
        table.concat(parts, " · ")))
    print "Medians of five, interleaved; one BLAS thread unless a row says otherwise.\n"
    for _, module in ipairs {"torch", "numpy"} do
        if not has[module] then
            print(("%s cannot import %s: its rows are left out.\n"):format(PYTHON, module))
        end
    end
end

-- ---- Whole runs ----

local MB <const> = 1024 -- KiB

-- The book's network on MNIST, five seeds: the whole program from start to end.
local function mnist_row()
    local accuracy, seconds, memory, requests = {}, {}, {}, {}
    for seed = 1, ROUNDS do
        local lines = assert(lines_of(tools .. "/measure", 1, program, here .. "/nabla_mnist.lua",
            mnist, seed), "nabla_mnist.lua failed")
        local result, cost = numbers(lines[1]), numbers(lines[2])
        accuracy[seed], requests[seed] = 100 * result[1], result[2]
        seconds[seed], memory[seed] = cost[1], cost[2] / MB
    end
    local holds = median(accuracy) >= 95.5 and median(seconds) < 1 and median(memory) <= 50
    return {"MNIST, the book's network, 30 epochs, five seeds",
        ("%.2f %% · %s s · %.0f MB"):format(median(accuracy), figures(median(seconds), 3),
            median(memory)),
        ("%s %%"):format(spread(accuracy, 4)), verdict("95.5 % · 1 s · 50 MB", holds)},
        {"requests to the allocator in its epochs 3 and 4", ("%d"):format(median(requests)),
        ("%d–%d"):format(sorted(requests)[1], sorted(requests)[ROUNDS]),
        verdict("0", sorted(requests)[ROUNDS] == 0)}
end

local function digits_row()
    local rows = {}
    local lines = assert(lines_of(program, here .. "/nabla_digits.lua"), "nabla_digits.lua failed")
    for i, line in ipairs(lines) do rows[i] = numbers(line) end
    local accuracy, seconds = sorted(column(rows, 1)), sorted(column(rows, 2))
    for i, share in ipairs(accuracy) do accuracy[i] = 100 * share end
    return {"digits, 64-30-10, 30 epochs, five seeds",
        ("%.1f %% · %s s"):format(median(accuracy), figures(median(seconds), 2)),
        ("%s %% · %s s"):format(spread(accuracy, 3), spread(seconds, 2)),
        verdict("each 96 % · 0.5 s", accuracy[1] >= 96 and seconds[#seconds] < 0.5)}
end

-- From the call of train to the first step done.
local function begin_row()
    local lines, ms = lines_of(program, here .. "/nabla_begin.lua", mnist), {}
    for i, line in ipairs(assert(lines, "nabla_begin.lua failed")) do
        ms[i] = 1000 * tonumber(line)
    end
    return {"train is called to its first step, 784-30-10 on MNIST, 20 times",
        ("%s ms"):format(figures(median(ms), 2)), ("%s ms"):format(spread(ms, 2)),
        verdict("10 ms", median(ms) < 10)}
end

local function why_row()
    local lines, seconds = lines_of(program, here .. "/nabla_why.lua"), {}
    for i, line in ipairs(assert(lines, "nabla_why.lua failed")) do seconds[i] = tonumber(line) end
    return {"net:why of a neuron of 784-30-10, 10,000 examples, one thread, five times",
        ("%s s"):format(figures(median(seconds), 2)), ("%s s"):format(spread(seconds, 2)),
        verdict("0.5 s", median(seconds) < 0.5)}
end

local function curvature_row()
    local lines = lines_of(program, here .. "/nabla_curvature.lua")
    local seconds = tonumber(assert(lines, "nabla_curvature.lua failed")[1])
    local text = report.figures(seconds, 3) .. " s"
    return {"the whole spectrum of 64-30-10 on the digits, once", text, text,
        verdict("10 s", seconds < 10)}
end

local function start_row(what, ...)
    local rows = {}
    for i, line in ipairs(assert(lines_of(tools .. "/measure", ...), what .. ": failed")) do
        rows[i] = numbers(line)
    end
    local seconds, memory = column(rows, 1), column(rows, 2)
    for i, value in ipairs(seconds) do seconds[i] = 1000 * value end
    for i, value in ipairs(memory) do memory[i] = value / MB end
    return {what, ("%s ms · %s MB"):format(figures(median(seconds), 2), figures(median(memory), 2)),
        ("%s ms · %s MB"):format(spread(seconds, 2), spread(memory, 2)),
        verdict("15 ms · 15 MB", median(seconds) < 15 and median(memory) < 15)}
end

-- ---- All of it ----

local has = {torch = python_has "torch", numpy = python_has "numpy"}
local there = pcall(data.mnist, mnist)

describe_machine(has)
dofile(here .. "/tensors.lua").run(program, tools, scratch, has)
race_table("a table of 200,000 rows, 10 columns and a class, 20 MB, read",
    tables.csv_children(has, program, PYTHON, here, tables.write(scratch)))
if there then
    race_table("784-30-10, sigmoid, batch 10, an epoch of 50,000", book_children(has))
    race_table("784-30-10, batch 10, an epoch of 50,000, rows from memory and from files",
        tables.rows_children(program, here, tables.unpack_mnist(mnist, scratch)))
    race_table("784-512-512-10, relu, batch 128, an epoch of 50,000", deep_children(has))
    race_table("784-512-512-10, relu, batch 1,024, an epoch of 50,000, pieces", pieces_children())
    race_table("LeNet of 20 and 40 filters, batch 64, momentum, an epoch of 50,000",
        lenet_children(has))
else
    print(("MNIST is not in %s, so its rows are left out."):format(mnist))
    print "Name its folder: NABLA_MNIST=DIR make bench.\n"
end

for _, name in ipairs(optimizers.names) do
    race_table(("%s on 16.8 million parameters, 8 steps of one example"):format(name),
        optimizers.children(has, program, PYTHON, here, name))
end
race_table("transformer of 4 blocks, 64 wide, 64 steps, batch 32, Adam, 16 batches",
    transformer_children(has))
race_table("char LSTM 64-128, 64 steps, batch 32, Adam, 20 batches", lstm_children(has))

for _, name in ipairs {"dense", "lenet"} do
    race_table(one.titles[name], one.children(has, program, PYTHON, here, scratch, name),
        MICROSECONDS)
end

local rows = { {"whole runs", "median", "min–max", "asked"} }
if there then
    table.move({mnist_row()}, 1, 2, #rows + 1, rows)
    rows[#rows + 1] = begin_row()
end
rows[#rows + 1] = digits_row()
rows[#rows + 1] = why_row()
rows[#rows + 1] = curvature_row()
for _, row in ipairs(instruments.rows(program, here, programs, report)) do rows[#rows + 1] = row end
rows[#rows + 1] = start_row("nabla -e \"\", 20 times", 20, program, "-e", "")
rows[#rows + 1] = start_row("start to first prompt, 20 times", "-p", "∇", 20, "env",
    "LC_ALL=C.UTF-8", "TERM=xterm", program)
report.show(rows)
dofile(here .. "/growth.lua").run {program = program, tools = tools, here = here,
    programs = programs, report = report}
dofile(here .. "/prompt.lua").run(program, tools, scratch)
