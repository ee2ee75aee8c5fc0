-- NIST's certified nonlinear regression problems (Statistical Reference Datasets, public domain) by
-- lm, from both starts: digits of the worst parameter, iterations, evaluations (of the residuals
-- or, once an iteration, of their Jacobian by backpropagation), and digits of the worst standard
-- error. SciPy's evaluations are of the residuals alone, from whose differences it makes its
-- Jacobian.
--
--     nabla tests/nist/run.lua DATA-FOLDER [TABLE]      TABLE: of SciPy's, which by_scipy.py writes
--
-- Ends with 1 where a parameter has under 6 digits, the runs' worst have under 10 on average, or a
-- standard error has under 6 (Lanczos1: 2, for its data do not fit f64).

local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/?.lua;" .. package.path
local problems = require "problems"
local folder = arg[1] or here .. "/data"
nabla.dtype "f64"

local NAMES = {
    "Misra1a", "Chwirut2", "Lanczos3", "DanWood", "Misra1b",
    "Kirby2", "Hahn1", "MGH17", "Lanczos1", "Gauss1", "ENSO",
    "MGH10", "Rat42", "Eckerle4", "BoxBOD",
}

-- "Misra1a 1 digits evaluations" in every line
local function read_table(path)
    local found = {}
    if not path then return found end
    for line in io.lines(path) do
        local name, start, rest = line:match "^(%S+) (%d) (.*)"
        if name then found[name .. start] = rest end
    end
    return found
end

local function worst(values, certified)
    local least = 11
    for i = 1, #certified do
        least = math.min(least, problems.digits(values[i], certified[i]))
    end
    return least
end

local others, total, runs, bad = read_table(arg[2]), 0, 0, {}
print("problem   start   digits   iterations   evaluations   errors' digits"
    .. (next(others) and "   SciPy: digits, evaluations" or ""))
for _, name in ipairs(NAMES) do
    local problem, file = problems[name], problems.read(folder .. "/" .. name .. ".dat")
    for start = 1, 2 do
        local net, set = problems.begin(problem, file.starts[start]), problems.set(problem, file)
        local o = nn.lm()
        local h = net:train(set, {optimizer = o, progress = false})
        local digits = worst(problems.parameters(problem, net), file.certified)
        local errors = worst(problems.errors(problem, net, net:errors(set)), file.errors)
        if digits < 6 or errors < (name == "Lanczos1" and 2 or 6) then bad[#bad + 1] = name end
        if not h.converged then bad[#bad + 1] = name .. " has not converged" end
        total, runs = total + digits, runs + 1
        print(("%-9s %5d %8.1f %12d %13d %16.1f   %s"):format(name, start, digits, h.epochs,
            o.evaluations, errors, others[name .. start] or ""))
    end
end
if arg[2] and not next(others) then
    print "/usr/bin/python3 cannot import scipy: its column is left out"
end
print(("%d runs, worst parameters %.2f digits on average"):format(runs, total / runs))
if total / runs < 10 then bad[#bad + 1] = "the average" end
if #bad > 0 then
    print("short of digits: " .. table.concat(bad, ", "))
    os.exit(1)
end
