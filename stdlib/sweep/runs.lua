-- What a sweep gives: a list of runs that prints, sorts and plots itself. A run is a row: its
-- options and figures are its fields. What else is known of tables and rows hangs on them unseen.

local _, nabla = ...
local fields = require "nabla.sweep.fields"
local given = require "nabla.plot.given"

local math, table = math, table
local error, ipairs, next, pairs, rawget, rawset, require, setmetatable, tostring, type =
    error, ipairs, next, pairs, rawget, rawset, require, setmetatable, tostring, type

local runs = {}

local KEPT <const> = 2 ^ 26 -- bytes of networks' numbers that stay, those of the best runs

-- Of a table: {plan =, kept = rows whose networks' numbers are here, bytes = of these}; of a row:
-- {plan =, sent = what its copy sent, made = its network}.
local hidden = setmetatable({}, {__mode = "k"})

-- ---- Figures ----

-- What a history says of a run, and whether more is better.
local FIGURES <const> = {
    {name = "valid", highest = true}, {name = "valid_cost"}, {name = "test", highest = true},
    {name = "test_cost"}, {name = "cost"},
}
-- Of the metrics that are measured, those of which less is better.
local LEAST <const> = {mean_absolute_error = true}

runs.FIGURES = FIGURES

-- Puts a history's figures into a row: those of the epoch whose parameters the network has.
local function set_figures(row, history)
    local at = history.best or history.epochs
    for _, figure in ipairs(FIGURES) do row[figure.name] = history[figure.name][at] end
    row.metrics = history.metrics and {}
    for name, list in pairs(history.metrics or {}) do row.metrics[name] = list[at] end
end

-- A figure of a row, by its name: its own, or a metric's; NaN counts as none.
function runs.figure(row, name)
    local value, metrics = rawget(row, name), rawget(row, "metrics")
    if value == nil and metrics then value = rawget(metrics, name) end
    if type(value) == "number" and value == value then return value end
end

-- The names of the metrics in any row, in order.
function runs.metrics(sweep)
    local seen, out = {}, {}
    for _, row in ipairs(sweep) do
        for name in pairs(rawget(row, "metrics") or {}) do
            if not seen[name] then out[#out + 1] = name end
            seen[name] = true
        end
    end
    table.sort(out)
    return out
end

local function has_figure(sweep, name)
    for _, row in ipairs(sweep) do
        if runs.figure(row, name) then return true end
    end
    return false
end

-- By what runs are judged: valid, else test, else cost.
function runs.judge(sweep)
    for _, figure in ipairs(FIGURES) do
        if has_figure(sweep, figure.name) then return figure end
    end
    return FIGURES[#FIGURES]
end

-- The figure of this name, as {name =, highest =}; nil where no row has it.
function runs.find_figure(sweep, name)
    if not has_figure(sweep, name) then return nil end
    for _, figure in ipairs(FIGURES) do
        if figure.name == name then return figure end
    end
    return {name = name, highest = not LEAST[name] and name ~= "seconds"}
end

-- ---- Order ----

-- Whether a row comes before another: those without the value last, equal ones as they ran.
local function before(value, descending)
    return function(a, b)
        local x, y = value(a), value(b)
        if (x == nil) ~= (y == nil) then return y == nil end
        if x == nil or x == y then return a.run < b.run end
        if type(x) ~= type(y) or type(x) ~= "number" then x, y = tostring(x), tostring(y) end
        if x == y then return a.run < b.run end
        if descending then return x > y end
        return x < y
    end
end

local function by_figure(figure)
    return before(function(row) return runs.figure(row, figure.name) end, figure.highest)
end

-- The best row, or nil where no run succeeded.
function runs.first(sweep, figure)
    figure = figure or runs.judge(sweep)
    local is_before, best = by_figure(figure), nil
    for _, row in ipairs(sweep) do
        local counts = not rawget(row, "error") and runs.figure(row, figure.name)
        if counts and (not best or is_before(row, best)) then best = row end
    end
    return best
end

-- Whether a row is better than the best so far, if any.
function runs.is_better(row, best)
    if rawget(row, "error") then return false end
    return not best or by_figure(runs.judge {best})(row, best)
end

-- ---- Rows ----

-- Its fields that are made when they are asked for.
local MADE <const> = {
    history = function(row)
        local sent = hidden[row].sent
        return sent.history and nabla._learned_history(sent.history)
    end,
    net = function(row)
        local own = hidden[row]
        if not own.sent.numbers then return nil end
        return require("nabla.sweep.run").restore(own.plan, row.run, own.sent)
    end,
}

-- Figures and options of one name: the field is the figure, and nil where there is none.
local FIGURE_FIRST <const> = {valid = true, test = true, metrics = true}

local row_meta = {__name = "nabla.run"}

-- A field of a part of a row, nil where it has none.
local function part_of(row, part, key)
    local held = rawget(row, part)
    return held and rawget(held, key)
end

local function dress(row)
    fields.dress(row)
    return setmetatable(row, row_meta)
end

function row_meta.__index(row, key)
    local own = hidden[row]
    local make = own and own.sent and MADE[key]
    if make then
        local value, message = make(row)
        if message then error(message, 2) end
        if value ~= nil then rawset(row, key, value) end
        return value
    end
    local metric, option = part_of(row, "metrics", key), part_of(row, "options", key)
    if metric ~= nil then return metric end
    if option ~= nil and not FIGURE_FIRST[key] then return option end
    local message = fields.unknown(row, key)
    if message then error(message, 2) end
end

function row_meta.__tostring(row)
    return require("nabla.sweep.print").row(row, hidden[row] and hidden[row].plan)
end

local function new_row(plan, i, sent)
    local point = require("nabla.sweep.grid").point(plan, i)
    local row = {run = i, options = point, error = sent.error}
    hidden[row] = {plan = plan, sent = sent}
    local history = sent.history and nabla._learned_history(sent.history)
    if history then
        row.seconds = history.seconds
        if not sent.error then set_figures(row, history) end
    end
    return dress(row)
end

-- ---- Networks that stay ----

-- Lets go of those of the worst runs, down to half of what may stay.
local function let_go(own, sweep)
    table.sort(own.kept, by_figure(runs.judge(sweep)))
    while own.bytes > KEPT / 2 and #own.kept > 1 do
        local sent = hidden[table.remove(own.kept)].sent
        own.bytes = own.bytes - #sent.numbers
        sent.numbers = nil
    end
end

local function keep(sweep, row)
    local own, numbers = hidden[sweep], hidden[row].sent.numbers
    if not numbers then return end
    own.kept[#own.kept + 1] = row
    own.bytes = own.bytes + #numbers
    if own.bytes > KEPT then let_go(own, sweep) end
end

-- ---- The table ----

local methods = {}
local meta = {__name = "nabla.sweep", methods = methods,
    __index = nabla._fields("sweep", "a sweep", methods, {"asked", "over", "stopped"})}

function meta.__tostring(sweep)
    return require("nabla.sweep.print").table(sweep)
end

local function like(plan, rows)
    local sweep = setmetatable(rows, meta)
    hidden[sweep] = {plan = plan, kept = {}, bytes = 0}
    return sweep
end

-- The plan of a table's runs.
function runs.plan(sweep)
    return hidden[sweep].plan
end

local function tell_stopped(sweep)
    sweep.stopped = ("stopped; %s of %s runs"):format(given.grouped(#sweep),
        given.grouped(sweep.asked))
end

-- An empty one, which says that it was stopped until it is finished.
function runs.new(plan)
    local sweep = like(plan, {asked = plan.count})
    tell_stopped(sweep)
    return sweep
end

-- Adds the row of run i, in the order of runs, and returns it.
function runs.add(sweep, i, sent)
    local row, at = new_row(hidden[sweep].plan, i, sent), #sweep + 1
    while at > 1 and sweep[at - 1].run > i do at = at - 1 end
    table.insert(sweep, at, row)
    keep(sweep, row)
    tell_stopped(sweep)
    return row
end

function runs.finish(sweep)
    sweep.stopped = nil
end

-- ---- What may be asked of it ----

-- Raises an error at the line that called the method `level` calls up.
local function refuse(message, level)
    error(nabla._shown(message), level + 1)
end

local function check(sweep, name, usage)
    if given.kind(sweep) ~= "sweep" then
        refuse(("sweep:%s is a method of a sweep, called with a colon: %s"):format(name, usage), 3)
    end
end

-- The names of what rows can be ordered by; options that are the same in all order nothing.
local function names_of(sweep)
    local out = runs.metrics(sweep)
    for _, figure in ipairs(FIGURES) do
        if has_figure(sweep, figure.name) then out[#out + 1] = figure.name end
    end
    for _, column in ipairs(hidden[sweep].plan.columns) do
        local differs = #column.values > 1 and not runs.find_figure(sweep, column.name)
        if differs then out[#out + 1] = column.name end
    end
    table.move({"seconds", "run"}, 1, 2, #out + 1, out)
    return out
end

function runs.unknown(sweep, by)
    local names = names_of(sweep)
    local nearest = type(by) == "string" and nabla._help.nearest_of(by, names)
    return ("there is no %s in this sweep; it has %s%s"):format(given.describe(by),
        table.concat(names, ", "), nearest and ("; did you mean '%s'?"):format(nearest) or "")
end

-- The value of an option or figure for an order; nil and a message where there is none.
local function value_by(sweep, by)
    if by == "run" or by == "seconds" or runs.find_figure(sweep, by) then
        return function(row) return runs.figure(row, by) end
    end
    for _, column in ipairs(hidden[sweep].plan.columns) do
        if column.name == by then
            local text = require("nabla.sweep.print").value
            return function(row)
                local value = row.options[by]
                return type(value) == "number" and value or text(column, value)
            end
        end
    end
    return nil, runs.unknown(sweep, by)
end

-- An option that is true, false or absent, alone in a table.
local function read_flag(options, name, whose)
    if options == nil then return nil end
    local alone = type(options) == "table" and
        (next(options) == nil or type(options[name]) == "boolean" and next(options, name) == nil and
        next(options) == name)
    if alone then return options[name] end
    refuse(("%s takes {%s = true} and no other option"):format(whose, name), 3)
end

function methods.sort(sweep, by, options)
    check(sweep, "sort", "sweep:sort(\"lr\")")
    if type(by) == "table" then by, options = nil, by end
    local descending = read_flag(options, "descending", "sweep:sort")
    local value, message, order
    if by == nil then
        local figure = runs.judge(sweep)
        order = by_figure {name = figure.name, highest = (figure.highest or false) ~=
            (descending or false)}
    else
        value, message = value_by(sweep, by)
        if not value then refuse("sweep:sort: " .. message, 2) end
        order = before(value, descending)
    end
    local out = like(hidden[sweep].plan, table.move(sweep, 1, #sweep, 1, {asked = sweep.asked,
        over = sweep.over, stopped = sweep.stopped}))
    table.sort(out, order)
    return out
end

-- Why there is no best run.
local function none_succeeded(sweep)
    local first = sweep[1] and rawget(sweep[1], "error")
    if not first then return "there are no runs" end
    for _, row in ipairs(sweep) do
        if rawget(row, "error") ~= first then return "no run succeeded; the first: " .. first end
    end
    return #sweep == 1 and "the run failed: " .. first or
        ("all %s runs failed: %s"):format(given.grouped(#sweep), first)
end

function methods.best(sweep, by, options)
    check(sweep, "best", "sweep:best()")
    if type(by) == "table" then by, options = nil, by end
    local least = read_flag(options, "least", "sweep:best")
    local figure = by == nil and runs.judge(sweep) or runs.find_figure(sweep, by)
    if not figure then refuse("sweep:best: " .. runs.unknown(sweep, by), 2) end
    if least ~= nil then figure = {name = figure.name, highest = not least} end
    local best = runs.first(sweep, figure)
    if not best then refuse("sweep:best: " .. none_succeeded(sweep), 2) end
    if not sweep.over and rawget(best, "net") == nil then
        local own = hidden[best]
        local net, failed = require("nabla.sweep.run").network(own.plan, best.run, own.sent)
        if failed then refuse("sweep:best: " .. failed, 2) end
        rawset(best, "net", net)
    end
    return best
end

function methods.mean(sweep, over)
    check(sweep, "mean", "sweep:mean()")
    if sweep.over then refuse("sweep:mean: these are means already", 2) end
    local rows, message = require("nabla.sweep.mean")(sweep, over, hidden[sweep].plan)
    if not rows then refuse("sweep:mean: " .. message, 2) end
    fields.dress_spread(rows, runs.metrics(sweep))
    for _, row in ipairs(rows) do
        hidden[dress(row)] = {plan = rows.plan}
    end
    local plan = rows.plan
    rows.plan = nil
    return like(plan, rows)
end

function methods.show(sweep, options, ...)
    return nabla.plot.show(sweep, options, ...)
end

-- Their pages stand in the book already.
for _, page in ipairs(require "nabla.sweep.pages") do
    local name = page.name:match "^sweep:(%a+)$"
    page.value = name and methods[name]
end

return runs
