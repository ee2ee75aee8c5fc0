-- Two runs side by side, as text: where they part, and what differs there.

local grouped = require("nabla.plot.given").grouped
local screen = require "nabla.plot.screen"

local math, table = math, table
local ipairs = ipairs

local SHOWN <const> = 6 -- parameters that are told
local PLACES <const> = 12 -- examples likewise

local function number(x)
    return ("%.4g"):format(x)
end

local function places(list)
    local parts = {}
    for i, place in ipairs(list) do
        if i > PLACES then
            parts[i] = "…"
            break
        end
        parts[i] = grouped(place)
    end
    return table.concat(parts, " ")
end

local function add(lines, text, ...)
    lines[#lines + 1] = text:format(...)
end

local function add_options(p, lines)
    for _, o in ipairs(p.options) do add(lines, "%s: %s and %s", o.name, o[1], o[2]) end
    if p.notation then add(lines, "network: %s\n     and: %s", p.notation[1], p.notation[2]) end
    if #p.options == 0 and not p.notation then add(lines, "no option differs") end
end

local function add_examples(p, lines)
    if #p.examples[1] == 0 then return end
    if p.other then
        add(lines, "example %s, which both took there, is not the same in both sets",
            grouped(p.other))
    elseif p.same_examples then
        add(lines, "both took the same examples there")
    else
        add(lines, "examples there: %s\n           and: %s", places(p.examples[1]),
            places(p.examples[2]))
    end
end

-- Rows of texts, the first column at the left, the others at the right.
local function add_rows(lines, rows)
    local wide = {}
    for _, row in ipairs(rows) do
        for k, text in ipairs(row) do wide[k] = math.max(wide[k] or 0, screen.width(text)) end
    end
    for _, row in ipairs(rows) do
        local parts = {}
        for k, text in ipairs(row) do
            parts[k] = (k == 1 and screen.left or screen.right)(text, wide[k])
        end
        lines[#lines + 1] = table.concat(parts, "  ")
    end
end

-- The number of each parameter that is furthest apart, and how many are.
local function add_parameters(p, lines)
    local rows = {{"furthest apart", "first", "second", "by", "apart"}}
    for i = 1, math.min(#p, SHOWN) do
        local part = p[i]
        rows[i + 1] = {part.where, number(part[1]), number(part[2]), number(part.most),
            ("%s of %s"):format(grouped(part.differing), grouped(part.count))}
    end
    if #p > 0 then add_rows(lines, rows) end
    if #p > SHOWN then add(lines, "and %d parameters more", #p - SHOWN) end
end

local WHO <const> = {"the first", "the second"}

local function add_changes(p, lines)
    for k, who in ipairs(WHO) do
        local step = p.by_hand[k]
        if step then
            add(lines, "in %s run something was changed by hand after step %s", who, grouped(step))
        end
    end
    if p.by_end then add(lines, "the best epoch's parameters, which came back there, differ") end
end

local function first_line(p)
    if p.unlike then
        return "the networks have other parameters: no step was held against another"
    end
    if not p.step then
        return ("no difference up to step %s, as far as both have come"):format(grouped(p.to))
    end
    if p.step == p.from then
        local where = p.step == 0 and "from the start" or "where the later record begins"
        return ("they differ %s: at step %s already"):format(where, grouped(p.step))
    end
    return ("the same up to step %s; they part in step %s: epoch %s, batch %s"):format(
        grouped(p.step - 1), grouped(p.step), grouped(p.epoch), grouped(p.batch))
end

-- What the value of t:compare(u) says of itself.
return function(p)
    local lines = {first_line(p)}
    add_options(p, lines)
    if p.step then
        add_changes(p, lines)
        add_examples(p, lines)
        add_parameters(p, lines)
    end
    return table.concat(lines, "\n")
end
