-- nn.sweep: runs of training over a grid of options, each in a process of its own. This file says
-- what may be asked for and raises the errors; its parts are loaded when they are needed.

local _, nabla = ...

local table = table
local error, ipairs, pairs, rawget, require, select, setmetatable, type =
    error, ipairs, pairs, rawget, require, select, setmetatable, type

local doc = nabla._help.doc

-- ---- What may be asked for ----

local OWN <const> = {
    {name = "net", text = "what learns: notation, a network (each run has a copy), a function " ..
        "of the point that gives either, or a list of these", standard = "must be given"},
    {name = "set", text = "what is learned from: a data set, a function of the point that gives " ..
        "one, or a list of these; valid and test likewise", standard = "must be given"},
    {name = "variables", text = "options of your own that functions of the point read: " ..
        "{hidden = {10, 30}}", standard = "none"},
    {name = "reset", text = "networks that are given begin with parameters drawn anew by the " ..
        "seed; false: with those that they have", standard = "false"},
    {name = "limit", text = "how many runs there may be", range = "a whole number from 1",
        standard = "1000"},
}

-- Options of train that write files: all runs would write the same.
local FILES <const> = {checkpoint = true, every = true, resume = true}

-- The options of train, as the book of help has them, without those of files.
local function options_of_train()
    local out = {}
    for _, page in ipairs(nabla._book) do
        for _, option in ipairs(page.name == "net:train" and page.options or {}) do
            if not FILES[option.name] then out[#out + 1] = option end
        end
    end
    return out
end

-- Our own in front, then train's.
local function all_options()
    local out = table.move(OWN, 1, #OWN, 1, {})
    local others = options_of_train()
    return table.move(others, 1, #others, #out + 1, out)
end

-- What is wrong with a name, or nil.
local function wrong_name(key, known, names)
    if known[key] then return nil end
    if FILES[key] then
        return ("all runs would write the file of '%s'; the best one can be made again by " ..
            "net:train"):format(key)
    end
    if type(key) ~= "string" then return "options are written name = value" end
    local nearest = nabla._help.foreign(key) or nabla._help.nearest_of(key, names)
    if nearest and known[nearest] then
        return ("there is no option '%s'; did you mean '%s'?"):format(key, nearest)
    end
    return nearest or ("train has no option '%s'; one of your own, which functions of the point " ..
        "read, stands in variables = {%s = …}"):format(key, key)
end

local function check_names(asked)
    local known, names = {}, {}
    for i, option in ipairs(all_options()) do
        known[option.name] = true
        names[i] = option.name
    end
    for key in pairs(asked) do
        local message = wrong_name(key, known, names)
        if message then return message end
    end
    for _, name in ipairs {"net", "set"} do
        if asked[name] == nil then
            return ("%s is missing: nn.sweep{net = \"64 - 10\", set = digits.train, lr = {0.1, 1}}")
                :format(name)
        end
    end
end

-- ---- The call ----

local function refuse(message, level)
    error("nn.sweep: " .. nabla._shown(message), level + 1)
end

local function sweep(asked, ...)
    if type(asked) ~= "table" or select("#", ...) > 0 then
        refuse("everything stands in one table: nn.sweep{net = …, set = …, lr = {0.1, 1}}", 2)
    end
    local message = check_names(asked)
    if message then refuse(message, 2) end
    local plan, wrong = require("nabla.sweep.grid").plan(asked)
    if not plan then refuse(wrong, 2) end
    return require("nabla.sweep.loop")(plan)
end

-- ---- Help ----

-- Our page holds train's options, and looking for those reads the whole book: it is written when
-- somebody asks for it.
local function unfold(page, key)
    page.name, page.kind = "nn.sweep", "function"
    page.usage = "nn.sweep{net =, set =, lr = {0.1, 1}, …}"
    page.text = "Trains once for every combination of the options that are lists, each the run " ..
        "that net:train alone would give, bit for bit, in a process of its own, as many at once " ..
        "as nabla.threads() says; under a launcher on all its processes. Every option of train " ..
        "may be a list, but those of files; metrics and weights, which are lists themselves, in " ..
        "a list of lists. Gives a table of the runs, which prints, sorts and plots itself: " ..
        "sweep[1].lr .cost .test .seconds .history .error …, sweep:best(), sweep:sort(), " ..
        "sweep:mean(), plot(sweep). A run that fails is a row with its error. Ctrl-C leaves the " ..
        "table so far in _. More on the page sweeps."
    page.example = "digits = data.digits()\n" ..
        'runs = nn.sweep{net = "64 - 10", set = digits.train, test = digits.test, epochs = 2,\n' ..
        "    lr = {0.1, 3}, seed = {1, 2}}\nprint(runs)\nprint(runs:best().lr)"
    setmetatable(page, nil)
    page.options = all_options()
    return rawget(page, key)
end

doc(sweep, setmetatable({}, {__index = unfold}))
for _, page in ipairs(require "nabla.sweep.pages") do doc(nil, page) end

return sweep
