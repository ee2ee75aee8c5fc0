-- The benchmark's tables of tensors: statements timed in nabla, PyTorch and NumPy in turn, one
-- thread each, by the processor time that they take.

local here = arg[0]:match "^(.*)/" or "."
local report, programs = dofile(here .. "/report.lua"), dofile(here .. "/programs.lua")
local median, figures, verdict = report.median, report.figures, report.verdict
local time_text = report.time

local ROUNDS <const> = 5
local PYTHON <const> = "/usr/bin/python3"
local LARGE <const>, BLOCK <const> = 10000000, 40000000 -- elements; bytes of f32 in them
local NEAR <const> = 10000 -- elements in the caches: what their instructions take, and no memory
local SHARE <const> = 0.8 -- of the copy bandwidth, asked of what is larger than the caches

-- ---- What is timed ----

-- One case: operands as all three write them, a statement for each; `times` is how many times
-- faster than PyTorch nabla is asked to be, `bytes` what LARGE elements move through memory.
local function case(name, operands, nabla, torch, numpy, times, bytes)
    return {name = name, operands = operands, times = times or 1, bytes = bytes,
        statement = {nabla = nabla, torch = torch, numpy = numpy}, before = {}}
end

local ELEMENT_WISE <const> = {
    {"add", 2, "local z = x + y", "x + y", "x + y"},
    {"mul", 2, "local z = x * y", "x * y", "x * y"},
    {"exp", 1, "local z = x:exp()", "x.exp()", "numpy.exp(x)"},
    {"tanh", 1, "local z = x:tanh()", "x.tanh()", "numpy.tanh(x)"},
    {"sigmoid", 1, "local z = x:sigmoid()", "x.sigmoid()", "1 / (1 + numpy.exp(-x))"},
}

local function element_wise()
    local cases, near = {}, {}
    for _, size in ipairs {300, NEAR, 1000000, LARGE} do
        for _, op in ipairs(ELEMENT_WISE) do
            local operands = ("randn(%d)"):format(size)
            if op[2] == 2 then operands = operands .. ", " .. operands end
            cases[#cases + 1] = case(("%s, %s"):format(op[1], size == LARGE and "10^7" or size),
                operands, op[3], op[4], op[5], size == 300 and 2 or 1,
                size == LARGE and 4 * LARGE * (op[2] + 1) or nil)
            near[op[1]] = size == NEAR and cases[#cases] or near[op[1]]
            cases[#cases].near = near[op[1]]
        end
    end
    return cases
end

local function reductions()
    local square <const> = "randn(1000, 1000)"
    return {
        case("sum, 300", "randn(300)", "local z = x:sum()", "x.sum()", "x.sum()", 2),
        case("sum, 1000x1000", square, "local z = x:sum()", "x.sum()", "x.sum()"),
        case("mean, 1000x1000", square, "local z = x:mean()", "x.mean()", "x.mean()"),
        case("sum of each row", square, "local z = x:sum(2)", "x.sum(1)", "x.sum(1)"),
        case("sum of each column", square, "local z = x:sum(1)", "x.sum(0)", "x.sum(0)"),
        case("mean of each column", square, "local z = x:mean(1)", "x.mean(0)", "x.mean(0)"),
        case("max, 1000x1000", square, "local z = x:max()", "x.max()", "x.max()"),
    }
end

local function products()
    local cases = {}
    for _, size in ipairs { {4, 3, 2}, {10, 784, 30}, {128, 128, 128}, {512, 512, 512},
        {1024, 1024, 1024} } do
        local m, k, n = table.unpack(size)
        cases[#cases + 1] = case(("matmul, %dx%d by %dx%d"):format(m, k, k, n),
            ("randn(%d, %d), randn(%d, %d)"):format(m, k, k, n), "local z = x:matmul(y)", "x @ y",
            "x @ y")
    end
    return cases
end

local function views()
    local function sum(name, operands)
        return case(name, operands, "local z = x + y", "x + y", "x + y")
    end
    return {
        sum("1000x1000 + a row", "randn(1000, 1000), randn(1000)"),
        sum("1000x1000 + a column", "randn(1000, 1000), randn(1000, 1)"),
        sum("300000x3 + a row", "randn(300000, 3), randn(3)"),
        sum("300000x3 + a column", "randn(300000, 3), randn(300000, 1)"),
        sum("1000x1000 + a number", "randn(1000, 1000), 2"),
        case("1000x1000, transposed, + y", "randn(1000, 1000), randn(1000, 1000)",
            "local z = x:t() + y", "x.t() + y", "x.T + y"),
        case("1000x1000, transposed, copied", "randn(1000, 1000)",
            "local z = x:t():contiguous()", "x.t().contiguous()", "numpy.ascontiguousarray(x.T)"),
        case("every second of 1000000, exp", "randn(1000000)",
            "local z = x[{ {1, -1, 2} }]:exp()", "x[::2].exp()", "numpy.exp(x[::2])"),
    }
end

-- Rows and elements by lists of indices, and what puts rows in order. Both shapes hold 10^6
-- numbers: long rows, and rows so short that each costs more than its elements.
local function indexing()
    local cases = {}
    local function add(name, rows, columns, lists, nabla, torch)
        local made = case(("%s, %dx%d"):format(name, rows, columns),
            ("randn(%d, %d)"):format(rows, columns), nabla, torch)
        made.before = lists(rows, columns)
        cases[#cases + 1] = made
    end
    local function rows(n, m)
        return {nabla = ("local z, r = tensor.zeros(%d, %d), tensor.randperm(%d)"):format(n, m, n),
            torch = ("z = torch.zeros(%d, %d); r = torch.randperm(%d)"):format(n, m, n)}
    end
    local function columns(_, m)
        return {nabla = ("local r = tensor.randperm(%d)"):format(m),
            torch = ("r = torch.randperm(%d)"):format(m)}
    end
    local function elements(n, m)
        return {nabla = ("local g = tensor.randint(1, %d, %d, %d)"):format(m, n, m),
            torch = ("g = torch.randint(0, %d, (%d, %d))"):format(m, n, m)}
    end
    local function none() return {nabla = "", torch = ""} end
    local function tracked() return {nabla = "x:requires_grad_()", torch = "x.requires_grad_()"} end
    for _, shape in ipairs { {1000, 1000}, {100000, 10} } do
        local n, m = table.unpack(shape)
        add("z[r] = x", n, m, rows, "z[r] = x", "z[r] = x")
        add("index_select(2)", n, m, columns, "local z = x:index_select(2, r)",
            "x.index_select(1, r)")
        add("gather(2)", n, m, elements, "local z = x:gather(2, g)", "x.gather(1, g)")
        add("scatter_add(2)", n, m, elements, "local z = x:scatter_add(2, g, x)",
            "x.scatter_add(1, g, x)")
        add("topk(3) of each row", n, m, none, "local z = x:topk(3)", "x.topk(3)")
        add("backward of prod(2)", n, m, tracked, "x:prod(2):sum():backward()",
            "x.prod(1).sum().backward(); x.grad = None")
    end
    return cases
end

-- Twenty ops and their gradient, by five rounds of four.
local function chain(size)
    local operands = ("randn(%d), randn(%d)"):format(size, size)
    local made = case(("20 ops and backward, %d"):format(size), operands,
        "f(f(f(f(f(x))))):sum():backward()", "f(f(f(f(f(x))))).sum().backward(); x.grad = None",
        nil)
    made.before = {
        nabla = "x:requires_grad_() local function f(z) return (z * y + x):tanh():sigmoid() end",
        torch = "x.requires_grad_(); f = lambda z: (z * y + x).tanh().sigmoid()",
    }
    return made
end

-- ---- Timing ----

local function python_child(module)
    return {name = module, command = {PYTHON, here .. "/statements.py", module}}
end

local function nabla_child(program, isa)
    return {name = "nabla", command = {"env", isa and "NABLA_ISA=" .. isa or "LC_ALL=C", program,
        here .. "/statements.lua"}}
end

-- One measurement of each child that has a statement for the case.
local function measure(children, case)
    for _, child in ipairs(children) do
        local statement = case.statement[child.name]
        if statement then
            local seconds = programs.tell(child, case.operands, case.before[child.name] or "",
                statement)
            local list = case.seconds[child.name]
            list[#list + 1] = assert(seconds, child.name .. " died")
        end
    end
end

-- Beside what is bound by memory stands the copier, for others on the machine take of it too.
local function time(children, case, copier)
    case.seconds, case.copies = {nabla = {}, torch = {}, numpy = {}}, {}
    for round = 1, ROUNDS do
        measure(children, case)
        if case.bytes then case.copies[round] = programs.tell(copier, "") end
    end
end

-- ---- Tables ----

-- The median of a program, and how many times nabla's it is.
local function compare(case, name)
    local list = case.seconds[name]
    if #list == 0 then return "", "" end
    local seconds = median(list)
    local ratio = seconds / median(case.seconds.nabla)
    return time_text(seconds), figures(ratio, 3) .. " ×", ratio
end

local function time_table(title, children, cases, copier)
    local rows = { {title, "nabla", "PyTorch", "to nabla", "asked", "NumPy", "to nabla"} }
    for _, case in ipairs(cases) do
        time(children, case, copier)
        local torch, torch_ratio, ratio = compare(case, "torch")
        local numpy, numpy_ratio = compare(case, "numpy")
        rows[#rows + 1] = {case.name, time_text(median(case.seconds.nabla)), torch, torch_ratio,
            ratio and verdict(case.times .. " ×", ratio >= case.times) or "", numpy, numpy_ratio}
    end
    report.show(rows)
end

-- What the cases of LARGE elements, timed before, reach of the bandwidth of memcpy: bytes read and
-- written. Where the instructions alone, as they run from the caches, leave less than is asked of
-- memory, they are the bound, and the share is of theirs.
local function bandwidth_table(cases)
    local rows = { {"memory, GB/s", "nabla", "memcpy", "share", "from caches", "share", "asked"} }
    local function share(part, whole) return ("%.0f %%"):format(100 * part / whole) end
    for _, case in ipairs(cases) do
        if case.bytes then
            local rate, copy = case.bytes / median(case.seconds.nabla), median(case.copies)
            local near = case.bytes / LARGE * NEAR / median(case.near.seconds.nabla)
            local bound = near < copy and near or copy
            rows[#rows + 1] = {case.name, figures(rate / 1e9, 3), figures(copy / 1e9, 3),
                share(rate, copy), figures(near / 1e9, 3), share(rate, near),
                verdict(("%.0f %% of %s"):format(100 * SHARE, near < copy and "the caches' rate" or
                    "memcpy"), rate >= SHARE * bound)}
        end
    end
    report.show(rows)
end

local ISAS <const> = { {"x86-64"}, {"x86-64-v3", 0.65}, {"x86-64-v4", 0.4} }

-- An instruction set that the processor lacks brings a complaint.
local function runs_with(program, isa)
    local lines = programs.lines_of("sh", "-c", 'NABLA_ISA=$0 "$1" -e "" 2>&1', isa, program)
    return lines and #lines == 0
end

local function isa_table(program, scratch)
    local size <const> = 1000000
    local rows = { {"sigmoid of 10^6, an element", "median", "asked"} }
    for number, isa in ipairs(ISAS) do
        local name, asked = table.unpack(isa)
        if runs_with(program, name) then
            local child = nabla_child(program, name)
            local timed = case("", ("randn(%d)"):format(size), "local z = x:sigmoid()")
            if programs.start(child, scratch, "isa" .. number) then time({child}, timed) end
            programs.stop(child)
            local ns = median(timed.seconds.nabla) / size * 1e9
            rows[#rows + 1] = {name, figures(ns, 2) .. " ns",
                asked and verdict(asked .. " ns", ns <= asked) or ""}
        end
    end
    report.show(rows)
end

-- The most memory that a program of so many temporaries holds.
local function temporaries_row(program, tools, count, size, text, most)
    local script = ("local x = tensor.zeros(%d) for _ = 1, %d do local y = x + x end"):format(size,
        count)
    local line = assert(programs.lines_of(tools .. "/measure", 1, program, "-e", script))[1]
    local megabytes = tonumber(line:match "%S+$") / 1024
    return {("%d temporaries of %s"):format(count, text), figures(megabytes, 3) .. " MiB",
        verdict(most .. " MiB", megabytes <= most)}
end

local function memory_table(program, tools)
    report.show { {"most memory held", "", "asked"},
        temporaries_row(program, tools, 4000, 262144, "1 MiB", 128),
        temporaries_row(program, tools, 1000000, 300, "1.2 KB", 95) } -- 100 MB
end

-- ---- All of it ----

local tensors = {}

local function tables(children, copier, program, tools, scratch)
    local element_wise_cases = element_wise()
    time_table("element by element, f32", children, element_wise_cases, copier)
    bandwidth_table(element_wise_cases)
    time_table("reductions", children, reductions())
    time_table("products", children, products())
    time_table("broadcasting and views", children, views())
    time_table("by indices and in order", children, indexing())
    time_table("chains", children, {chain(300), chain(100000)})
    isa_table(program, scratch)
    memory_table(program, tools)
end

-- program, tools, scratch: as bench.lua has them; has.torch, has.numpy: what Python can import.
function tensors.run(program, tools, scratch, has)
    local children = {nabla_child(program)}
    if has.torch then children[#children + 1] = python_child "torch" end
    if has.numpy then children[#children + 1] = python_child "numpy" end
    local copier = {name = "copy", command = {tools .. "/copy", BLOCK}}
    local running, started = {}, {copier, table.unpack(children)}
    for number, child in ipairs(started) do
        if programs.start(child, scratch, number) then running[#running + 1] = child end
    end
    assert(table.remove(running, 1) == copier and running[1] == children[1])
    print "Tensors: by processor time, each measurement 20 ms or more.\n"
    tables(running, copier, program, tools, scratch)
    for _, child in ipairs(started) do programs.stop(child) end
end

return tensors
