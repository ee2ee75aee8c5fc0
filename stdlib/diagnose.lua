-- net:diagnose: what looks wrong, each a cause with a cure, and the experiment that tries them.
-- Nothing of the user's changes: all runs are made on copies, and chance goes on as if none was.

local _, nabla = ...

local given = require "nabla.plot.given"
local arm = require "nabla.diagnose.arm"
local budgets = require "nabla.diagnose.budget"
local courses = require "nabla.diagnose.course"
local experiment = require "nabla.diagnose.experiment"
local looks = require "nabla.diagnose.looks"
local part = require "nabla.diagnose.part"
local permutation = require "nabla.diagnose.permutation"
local quality = require "nabla.diagnose.quality"

local math, table = math, table
local ipairs, next, pairs, pcall = ipairs, next, pairs, pcall
local setmetatable, type = setmetatable, type

local SECONDS <const> = 5
local LOOKING <const> = 0.25 -- of the seconds, for what looks train themselves
local LEAST <const> = 1e-4   -- of a run, if it were ever so long
local SEEDS <const> = 1000   -- between those of one seed of the user's and the next
local MOST_SEED <const> = 2 ^ 40

-- ---- What is asked for ----

-- {seconds =} or {runs =}, or nil and a message.
local function read_budget(asked)
    if asked == nil then return {seconds = SECONDS} end
    local is_time = type(asked) == "number" and asked >= 0 and asked < math.huge
    if is_time then return {seconds = asked} end
    local runs = type(asked) == "table" and asked.runs
    local alone = runs and next(asked, next(asked)) == nil
    if alone and math.type(runs) == "integer" and runs >= 0 then return {runs = runs} end
    return nil, ("budget must be a number of seconds from 0 or {runs = n}, not %s"):format(
        runs and alone and "runs = " .. given.describe(runs) or given.describe(asked))
end

-- The options of train, without our own.
local function options_of(asked)
    local o = {}
    for key, value in pairs(asked) do o[key] = value end
    o.budget, o.reset, o.progress = nil, nil, nil
    return o
end

-- Puts chance back to where it was when it goes out of scope.
local function keep_chance()
    local seed, draws = nabla._chance()
    return setmetatable({}, {__close = function() nabla._chance(seed, draws) end})
end

-- ---- Causes ----

-- The quality of the looks' own run on what is held out, or nil.
local function measured(course, figures, test)
    local run = figures and figures.run
    if not run or run.failed or run.epochs == 0 then return nil end
    local has, value = pcall(quality.judge, course.judged, run.net, test)
    return has and value or nil
end

-- What the looks say, on copies, of a run that takes so much of a whole one. Their own runs have
-- seeds above those of the experiment.
local function look(d, course, share, seed)
    local set, test, o = part.draw(course.part, seed)
    local set_share, epochs_share = budgets.shares(course, share)
    if set_share < 1 then set, o = part.reduce(set, o, set_share, seed) end
    o = arm.options(o)
    arm.shorten(o, course.epochs, epochs_share)
    d.looked = share < 1 and share or nil
    local about = {test = test, seed = seed + SEEDS // 2, trained = course.anew, net = course.net,
        whole = course.whole}
    local figures, causes = looks(course.net:clone(), set, o, about)
    d.figures, d.layers = figures, figures and figures.layers
    d.measured = measured(course, figures, test)
    return causes
end

-- Facts stand by themselves; the others are tried, but those whose cure does not run.
local function divide(d, causes, course)
    local facts, open = {}, {}
    for _, cause in ipairs(causes) do
        local text, message = cause.cure or cause.null, nil
        if cause.certain then
            cause.confirmed = true
            facts[#facts + 1] = cause
        elseif text then
            cause.price, message = courses.price(course, text)
            cause.why = message and "its cure does not run: " .. message
        end
        if not cause.certain then
            local list = text and not message and open or d.noticed
            list[#list + 1] = cause
        end
    end
    return facts, open
end

-- ---- The experiment ----

-- Makes runs on copies of the process. told: {words =, began =, total =, by_clock =}, as of
-- _in_copies.
local function runner(d, course, seed, told)
    return function(tasks, deadline)
        local function one(i)
            local cause = tasks[i].cause
            local found = arm.run(course, cause and (cause.cure or cause.null),
                seed + tasks[i].seed, deadline)
            return found.quality or 0, found.seconds, found.share, found.quality and 1 or 0,
                found.message and 1 or 0
        end
        local done = told.by_clock and told.began or d.runs
        local results = nabla._in_copies(#tasks, one, told.words, done, told.total, told.by_clock)
        for i, found in ipairs(results) do
            results[i] = {quality = found[4] == 1 and found[1] or nil, seconds = found[2],
                share = found[3]}
            if not tasks[i].cause and found[5] == 1 then d.fails = (d.fails or 0) + 1 end
        end
        d.runs = d.runs + #tasks
        return results
    end
end

-- In runs what there is to be told is known once it is known which cures are tried.
local function count_runs(purse, told)
    local choose = purse.choose
    function purse.choose(causes)
        local tried = choose(causes)
        told.total = purse.planned(#tried)
        return tried
    end
end

-- The purse of a budget, and what makes its runs.
local function begin(d, course, seed, budget, began, words)
    local told = {words = words, began = began, by_clock = not budget.runs, total = budget.seconds}
    local make, purse = runner(d, course, seed, told), nil
    if budget.runs then
        purse = budgets.runs(budget.runs)
        count_runs(purse, told)
    else
        purse = budgets.seconds(course, make, began + budget.seconds, nabla.threads())
    end
    return purse, function(tasks) return make(tasks, purse.deadline) end
end

-- How much of a run the looks may take.
local function share_of_looks(purse, budget)
    if budget.runs then return 1 end
    local seconds = budget.seconds > 0 and budget.seconds or SECONDS
    purse.measure(seconds)
    return math.min(1, math.max(LOOKING * seconds / purse.run, LEAST))
end

local function try_cures(d, course, open, run, purse)
    local found = experiment.find(open, run, purse, courses.above(course))
    for _, cause in ipairs(found.noticed) do d.noticed[#d.noticed + 1] = cause end
    table.move(found.confirmed, 1, #found.confirmed, #d + 1, d)
    d.tried, d.run = found.tried, purse.run
    if found.base then
        d.base = {mean = permutation.mean(found.base.quality),
            spread = permutation.spread(found.base.quality)}
    end
end

-- ---- What is told beside it ----

local HOOKS <const> = {"on_epoch", "on_batch", "checkpoint", "resume"}

local function percent(share)
    return ("%.2g %%"):format(100 * share)
end

local function notes_of(d, course, asked, budget, open)
    local notes = {}
    local function add(text, ...) notes[#notes + 1] = text:format(...) end
    if course.anew and asked.reset == nil then
        add("it has been trained, so each run begins with parameters drawn anew; reset = false: " ..
            "with those that it has")
    end
    if d.looked then
        add("the looks saw a run made shorter, %s of a whole one", percent(d.looked))
    end
    if course.bounded then
        add("of the examples to learn from %s are taken at all, for the budget",
            percent(course.bounded))
    end
    if course.set_share < 1 then
        add("of the examples the runs learn from %s, for the budget", percent(course.set_share))
    end
    if course.epochs_share < 1 then
        add("the runs have %s of their epochs, for the budget", percent(course.epochs_share))
    end
    local left_out = {}
    for _, name in ipairs(HOOKS) do
        if asked[name] ~= nil then left_out[#left_out + 1] = name end
    end
    if #left_out > 0 then add("not in these runs: %s", table.concat(left_out, ", ")) end
    if budget.runs and budget.runs < budgets.FEWEST and #open > 0 then
        add("%d runs are too few to try a cure: that takes %d", budget.runs, budgets.FEWEST)
    end
    if budget.seconds and d.run and #d.tried == 0 then
        add("a run takes about %.2g s, too long to try a cure in %g s", d.run, budget.seconds)
    end
    if course.judged.chance == 1 then add "all examples are of one class: none is to be learned" end
    if d.fails then add("training fails in %d of the runs as it is", d.fails) end
    return notes
end

-- In the kinds' order, as the looks gave them.
local function sort_noticed(d, causes)
    local place = {}
    for i, cause in ipairs(causes) do place[cause] = i end
    table.sort(d.noticed, function(a, b) return place[a] < place[b] end)
end

-- What is wrong with the set to judge by alone, where the network takes the one to learn from: it
-- would be held against every run. Or nil.
local function wrong_test(net, set, test)
    if test == nil then return nil end
    if given.kind(test) ~= "data set" then
        return ("test must be a data set, not %s"):format(given.describe(test))
    end
    if not pcall(net.evaluate, net, (set.train or set):take(1)) then return nil end
    local fits, message = pcall(net.evaluate, net, test)
    return not fits and "test: " .. message:gsub("^.*net:evaluate: ", "") or nil
end

-- net:diagnose(set | x, y, asked), the names of whose options are checked. words: of the progress,
-- or nil. trained: whether the network has learned anything. Gives nil and a message where
-- something is wrong with what it was given.
local function diagnose(net, set, y, asked, words, trained)
    local began = nabla._clock()
    if y then set = nabla.data.set {x = set, y = y} end
    local budget, message = read_budget(asked.budget)
    message = message or wrong_test(net, set, asked.test)
    if message then return nil, message end
    local chance <close> = keep_chance()
    local o = options_of(asked)
    local seed = (o.seed or nabla._chance()) % MOST_SEED * SEEDS
    if asked.reset ~= nil then trained = asked.reset end
    local course = courses.new(net, set, o, trained, budget.seconds)
    course.whole = set
    local d = {noticed = {}, tried = {}, runs = 0, budget = budget, judged = course.part.words,
        quality = course.judged.name, chance = course.judged.chance,
        refused = courses.refusal(course)}
    local purse, run = begin(d, course, seed, budget, began, words)
    local causes = look(d, course, share_of_looks(purse, budget), seed)
    if d.refused and #causes == 0 then return nil, d.refused end
    local facts, open = divide(d, causes, course)
    local one = course.judged.chance == 1 -- class: nothing is to be learned
    if #facts > 0 or one then
        table.move(facts, 1, #facts, 1, d)
        table.move(open, 1, #open, #d.noticed + 1, d.noticed)
        for _, cause in ipairs(open) do
            cause.why = one and "of one class nothing is to be learned" or
                "not tried: what is certain comes first"
        end
    elseif #open > 0 then
        try_cures(d, course, open, run, purse)
    end
    sort_noticed(d, causes)
    d.notes = notes_of(d, course, asked, budget, open)
    d.seconds = nabla._clock() - began
    return d
end

return diagnose
