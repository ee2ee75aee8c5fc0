-- Pages of help on what nn.sweep gives. Its methods are made where they are first wanted (runs.lua)
-- and get their pages there.

local pages = {}

local RUNS <const> = "digits = data.digits()\n" ..
    'runs = nn.sweep{net = "64 - 10", set = digits.train, test = digits.test, epochs = 1,\n' ..
    "    lr = {0.1, 3}, seed = {1, 2}, progress = false}\n"

local function method(name, usage, text, example)
    pages[#pages + 1] = {name = "sweep:" .. name, kind = "method", usage = usage, text = text,
        example = RUNS .. example}
end

method("best", "sweep:best([figure] [, {least}])", "The best run: the row with the highest " ..
    "share of right answers, or the lowest cost, on valid, else on test, else in training; or by " ..
    "the figure that is named. Its .net is the trained network, with the bits of net:train alone; " ..
    "where it was not kept the run is made again, which is said.",
    "best = runs:best()\nprint(best.lr, best.test, best.net:evaluate(digits.test).accuracy)")
method("sort", "sweep:sort([name] [, {descending}])", "The same runs in another order: by a " ..
    "figure or an option, rising unless descending = true; without a name the best first. What " ..
    "has no such figure comes last. The sweep itself stays as it is.",
    'print(runs:sort())\nprint(runs:sort("lr", {descending = true}))')
method("mean", "sweep:mean([name | {names}])", "Means over seeds, or over whatever option is " ..
    "named: a row for the runs whose other options are the same, with .runs, .failed and, for " ..
    "each figure, .spread, the standard deviation of a sample. It prints, sorts and plots as a " ..
    "sweep does.", "means = runs:mean()\nprint(means)\nprint(means[1].test, means[1].spread.test)")
method("show", "sweep:show(options)", "Shows it as a picture, as plot.sweep does.", "runs:show()")
pages[#pages + 1] = {name = "sweep[i]", kind = "operator", usage = "sweep[i]",
    text = "Run i, a row whose fields are its options and figures: .lr .batch …, .cost .test " ..
        ".test_cost .valid .valid_cost .metrics .seconds .history, .error where it failed, .net " ..
        "while its network is kept, .run its number, .options all options. #sweep counts them.",
    example = RUNS .. "for i, run in ipairs(runs) do print(run.lr, run.test, run.error) end"}

return pages
