-- Sweeps as text: a line for each run, with the options that differ and the figures. What is wider
-- than the window has its words cut, then loses figures from the right, which is said.

local _, nabla = ...
local given = require "nabla.plot.given"
local runs = require "nabla.sweep.runs"
local screen = require "nabla.plot.screen"

local math, table = math, table
local ipairs, pairs, rawget, tostring, type = ipairs, pairs, rawget, tostring, type

local out = {}

local ROWS <const> = 60 -- of a longer table the first and the last ones are shown
local FIRST <const>, LAST <const> = 40, 10
local NARROWEST <const> = 8 -- letters of an option's text that stay
local WIDEST <const> = 40
local SAID <const> = 32 -- letters of an error that are shown at the least, where there is room
local GAP <const> = 2

-- ---- Values ----

local LISTED <const> = 4 -- entries of a list that is written out

local function number(value)
    return math.type(value) == "integer" and ("%d"):format(value) or ("%.6g"):format(value)
end

-- "value=1", of a table by name.
local function named(value)
    local parts = {}
    for key, each in pairs(value) do
        local words = type(each) == "function" and "" or "=" .. tostring(each)
        parts[#parts + 1] = tostring(key) .. words
    end
    table.sort(parts)
    return table.concat(parts, " ")
end

-- "1, 2", of a short list of numbers or words; nil of others.
local function listed(value)
    local parts = {}
    for i, each in ipairs(value) do
        if i > LISTED or type(each) ~= "number" and type(each) ~= "string" then return nil end
        parts[i] = type(each) == "number" and number(each) or each
    end
    return table.concat(parts, ", ")
end

-- "adam lr=0.01": what is not as it is by default.
local function optimizer_text(optimizer)
    local parts = {optimizer.name}
    for _, page in ipairs(nabla._book) do
        for _, option in ipairs(page.name == "nn." .. optimizer.name and page.options or {}) do
            local value = optimizer[option.name]
            local text = type(value) == "number" and number(value) or tostring(value)
            if text ~= option.standard then parts[#parts + 1] = option.name .. "=" .. text end
        end
    end
    return table.concat(parts, " ")
end

local KINDS <const> = {
    number = number, string = screen.clean, boolean = tostring,
    network = function(net) return net:notation() end,
    optimizer = function(optimizer) return optimizer_text(optimizer) end,
}

-- What a value of a column is called: what has no words of its own by its place among them.
function out.value(column, value)
    local kind = given.kind(value)
    if KINDS[kind] then return screen.clean(KINDS[kind](value)) end
    local words = kind == "table" and (#value == 0 and named(value) or listed(value))
    if words then return screen.clean(words) end
    for i, each in ipairs(column.values) do
        if each == value then return ("%s %d"):format(kind, i) end
    end
    return kind
end

local function percent(value) return ("%.2f %%"):format(100 * value) end
local function short(value) return ("%.4g"):format(value) end

-- How figures are written: shares of right answers in percent.
local FORMS <const> = {valid = percent, test = percent, accuracy = percent, top_k = percent,
    seconds = function(value) return ("%.2g s"):format(value) end}

-- "0.91 ± 0.02", the spread with the same digits.
local function figure_text(row, name)
    local value = runs.figure(row, name)
    if not value then
        local cost = (name == "valid" or name == "test") and runs.figure(row, name .. "_cost")
        return cost and short(cost) or ""
    end
    local form = FORMS[name] or short
    local spread = rawget(row, "spread")
    spread = spread and spread[name]
    if not spread then return form(value) end
    if form == percent then return ("%.2f ± %.2f %%"):format(100 * value, 100 * spread) end
    return ("%s ± %s"):format(form(value):gsub(" s$", ""), ("%.2g"):format(spread)) ..
        (name == "seconds" and " s" or "")
end

-- "test 96.1 %", the figure by which runs are judged.
function out.figure(sweep, row)
    local name = runs.judge(sweep).name
    return ("%s %s"):format(name, figure_text(row, name))
end

-- ---- Columns of text ----

-- The figures that rows have, those that say most in front.
local function figures_of(rows)
    local list = {}
    local function add(name)
        for _, row in ipairs(rows) do
            if runs.figure(row, name) then
                list[#list + 1] = name
                return
            end
        end
    end
    add "cost"
    for _, set in ipairs {"valid", "test"} do
        local before = #list
        add(set)
        if #list == before then add(set .. "_cost") end
    end
    for _, name in ipairs(runs.metrics(rows)) do add(name) end
    add "seconds"
    return list
end

-- What a table shows: {title, text = of a row, left = at the left of its column, option =}.
local function layout(plan, figures, means)
    local list = {{title = means and "" or "run", text = function(row)
        return given.grouped(row.run)
    end}}
    for _, column in ipairs(plan.columns) do
        if #column.values > 1 then
            local words = type(column.values[1]) ~= "number"
            list[#list + 1] = {title = column.name, left = words, option = true,
                text = function(row) return out.value(column, row.options[column.name]) end}
        end
    end
    if means then
        list[#list + 1] = {title = "runs", text = function(row)
            return row.failed > 0 and ("%d - %d"):format(#row.runs, row.failed) or
                given.grouped(#row.runs)
        end}
    end
    for _, name in ipairs(figures) do
        list[#list + 1] = {title = name, figure = true,
            text = function(row) return figure_text(row, name) end}
    end
    return list
end

-- How wide each column is, for these rows; figures that are still to come may be a little wider.
local function measure(list, rows, room)
    for _, column in ipairs(list) do
        column.wide = screen.width(column.title)
        for _, row in ipairs(rows) do
            column.wide = math.max(column.wide, screen.width(column.text(row)))
        end
        if column.option then column.wide = math.min(column.wide, WIDEST) end
        if column.figure then column.wide = math.max(column.wide, room or 0) end
    end
    return list
end

-- What all columns take, with room for errors where `said` of them is wanted behind the options.
local function width_of(list, said)
    local width, options = -GAP, -GAP
    for _, column in ipairs(list) do
        width = width + column.wide + GAP
        if not column.figure then options = options + column.wide + GAP end
    end
    return math.max(width, options + (said > 0 and GAP + said or 0))
end

-- How wide the longest error of some rows is, as far as it must be seen.
local function said_by(rows)
    local wide = 0
    for _, row in ipairs(rows) do
        local failed = rawget(row, "error")
        if failed then wide = math.max(wide, screen.width(screen.clean(failed))) end
    end
    return math.min(wide, SAID)
end

-- Makes columns fit: cuts the widest words, then leaves out figures, whose titles it gives.
local function squeeze(list, columns, said)
    local gone = {}
    while width_of(list, said) > columns do
        local widest
        for _, column in ipairs(list) do
            local cuts = column.option and column.left and column.wide > NARROWEST
            if cuts and (not widest or column.wide > widest.wide) then widest = column end
        end
        if widest then
            widest.wide = math.max(NARROWEST, widest.wide - (width_of(list, said) - columns))
        elseif list[#list].figure then
            table.insert(gone, 1, table.remove(list).title)
        else
            break
        end
    end
    return gone
end

local function cell(column, text)
    text = screen.fit(text, column.wide)
    return (column.left and screen.left or screen.right)(text, column.wide)
end

local function heading(list)
    local parts = {}
    for k, column in ipairs(list) do parts[k] = cell(column, column.title) end
    return (table.concat(parts, (" "):rep(GAP)):gsub(" +$", ""))
end

-- A row's line; an error takes the place of the figures, in what is left of the window.
local function line(list, row, columns)
    local parts, width, failed = {}, 0, rawget(row, "error")
    for k, column in ipairs(list) do
        if failed and column.figure then break end -- the last ones
        parts[k] = cell(column, column.text(row))
        width = width + column.wide + GAP
    end
    if failed then
        local text = screen.clean((failed:gsub("\n.*", " …")))
        parts[#parts + 1] = screen.fit(text, math.max(NARROWEST, columns - width))
    end
    return (table.concat(parts, (" "):rep(GAP)):gsub(" +$", ""))
end

-- ---- Tables ----

-- "lr 0.1 · epochs 5", of the columns that have one value; sets say nothing here.
local function constants(plan, over)
    local parts = {}
    for _, column in ipairs(plan.columns) do
        local value = column.values[1]
        local kind = given.kind(value)
        local told = #column.values == 1 and (KINDS[kind] or kind == "table" and #value == 0)
        if told and not (over and over[column.name]) then
            parts[#parts + 1] = column.name .. " " .. screen.fit(out.value(column, value), WIDEST)
        end
    end
    return parts
end

local function failures(sweep)
    local failed = 0
    for _, row in ipairs(sweep) do
        if rawget(row, "error") then failed = failed + 1 end
    end
    return failed > 0 and failed
end

local function over_text(sweep)
    local names = {}
    for name in pairs(sweep.over or {}) do names[#names + 1] = name end
    table.sort(names)
    return #names > 0 and " · means over " .. table.concat(names, ", ") or ""
end

-- "9 runs · 1 failed · epochs 5"
local function title(sweep, plan)
    local text = ("%s %s%s"):format(given.grouped(#sweep), sweep.over and "row" or "run",
        #sweep == 1 and "" or "s") .. over_text(sweep)
    local failed = failures(sweep)
    if sweep.stopped then text = sweep.stopped end
    if failed then text = ("%s · %s failed"):format(text, given.grouped(failed)) end
    local parts = constants(plan, sweep.over)
    table.insert(parts, 1, text)
    return parts
end

local function shown_rows(sweep)
    if #sweep <= ROWS then return sweep, 0 end
    local shown = table.move(sweep, 1, FIRST, 1, {})
    return table.move(sweep, #sweep - LAST + 1, #sweep, FIRST + 1, shown), #sweep - FIRST - LAST
end

local function footer(sweep, gone)
    local lines, best = {}, runs.first(sweep)
    if best and #sweep > 1 then
        lines[1] = ("best: %s, %s"):format(sweep.over and ("row %d"):format(best.run) or
            ("run %d"):format(best.run), out.figure(sweep, best))
    end
    if #gone > 0 then lines[#lines + 1] = "no room for " .. table.concat(gone, ", ") end
    return lines
end

-- The text of a sweep for a window of so many columns; by default the one that there is.
function out.table(sweep, columns)
    local plan = runs.plan(sweep)
    columns = columns or (screen.size())
    local rows, hidden = shown_rows(sweep)
    local parts = {}
    for k, text in ipairs(title(sweep, plan)) do parts[k] = {text, screen.width(text)} end
    local lines = screen.flow(parts, columns)
    local list = measure(layout(plan, figures_of(rows), sweep.over), rows)
    local gone = squeeze(list, columns, said_by(rows))
    if #rows > 0 then lines[#lines + 1] = heading(list) end
    for k, row in ipairs(rows) do
        if hidden > 0 and k == FIRST + 1 then
            lines[#lines + 1] = ("… %s more …"):format(given.grouped(hidden))
        end
        lines[#lines + 1] = line(list, row, columns)
    end
    local below = footer(sweep, gone)
    return table.concat(table.move(below, 1, #below, #lines + 1, lines), "\n")
end

-- A value so that others of its name are told apart: sets and networks by what they hold.
local function word(column, value)
    local kind, text = given.kind(value), out.value(column, value)
    if kind ~= "data set" and kind ~= "network" then return text end
    return ("%s %x"):format(text, nabla._digest(value))
end

-- What a plan is, as names and texts that are the same in all processes of a launcher; nothing
-- where there is but one.
function out.words(plan)
    if nabla.ranks() == 1 then return {} end
    local names, seeded = {}, false
    for i, column in ipairs(plan.columns) do
        names[i] = column.name
        seeded = seeded or column.name == "seed"
    end
    local list = {"what the sweep goes over", plan.words .. "\n" .. table.concat(names, " "),
        "the state of nabla.seed", seeded and "" or plan.seed .. " " .. plan.draws}
    for _, column in ipairs(plan.columns) do
        local texts = {}
        for i, value in ipairs(column.values) do texts[i] = word(column, value) end
        table.move({column.name, table.concat(texts, "\n")}, 1, 2, #list + 1, list)
    end
    return list
end

-- ---- One run ----

-- A row by itself: its options, its figures, or its error.
function out.row(row, plan)
    local parts = {(row.runs and "row %s" or "run %s"):format(given.grouped(row.run))}
    for _, column in ipairs(plan and plan.columns or {}) do
        local text = out.value(column, row.options[column.name])
        if #column.values > 1 then parts[#parts + 1] = ("%s %s"):format(column.name, text) end
    end
    if rawget(row, "error") then
        parts[#parts + 1] = screen.clean(row.error)
    else
        for _, name in ipairs(figures_of {row}) do
            parts[#parts + 1] = ("%s %s"):format(name, figure_text(row, name))
        end
    end
    return table.concat(parts, " · ")
end

-- ---- While it runs ----

local ROOM <const> = 9 -- columns of a figure that is to come
local AROUND <const> = 4 -- rows of a window that are no part of the table

-- A row for every value of every column, for widths.
local function all_values(plan)
    local most, rows = 0, {}
    for _, column in ipairs(plan.columns) do most = math.max(most, #column.values) end
    for i = 1, most do
        rows[i] = {run = plan.count, options = {}}
        for _, column in ipairs(plan.columns) do
            rows[i].options[column.name] = column.values[math.min(i, #column.values)]
        end
    end
    return rows
end

-- The figures that rows will have, as far as the options say.
local function figures_to_come(plan)
    local asked, list = {}, {"cost"}
    for _, column in ipairs(plan.columns) do asked[column.name] = column.values[1] end
    for _, set in ipairs {"valid", "test"} do
        if asked[set] ~= nil then list[#list + 1] = set end
    end
    for _, name in ipairs(type(asked.metrics) == "table" and asked.metrics or {}) do
        if type(name) == "string" then list[#list + 1] = name end
    end
    list[#list + 1] = "seconds"
    return list
end

-- A function that gives the lines which a row adds to a table that fills: where it would fill the
-- window, only what is better than all before.
function out.live(plan)
    local columns, rows, moves = screen.size()
    local list = measure(layout(plan, figures_to_come(plan)), all_values(plan), ROOM)
    local headed, best = false, nil
    squeeze(list, columns, 0)
    return function(row)
        local better = runs.is_better(row, best)
        best = better and row or best
        if moves and plan.count > rows - AROUND and not better then return {} end
        local lines = headed and {} or {heading(list)}
        headed = true
        lines[#lines + 1] = line(list, row, columns)
        return lines
    end
end

return out
