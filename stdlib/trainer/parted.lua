-- Two runs side by side, as text: where they part, and what differs there.

local grouped = require("nabla.plot.given").grouped

local ipairs, table = ipairs, table

local SHOWN <const> = 6 -- parameters that are told
local PLACES <const> = 12 -- examples likewise

local function number(x)
    return ("%.6g"):format(x)
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
    if p.same_examples then
        add(lines, "both took the same examples there")
    else
        add(lines, "examples there: %s\n           and: %s", places(p.examples[1]),
            places(p.examples[2]))
    end
end

local function add_parameters(p, lines)
    for i, part in ipairs(p) do
        if i > SHOWN then
            add(lines, "and %d parameters more", #p - SHOWN)
            break
        end
        add(lines, "%s: %s and %s, apart by %s (the most; %s of %s numbers differ)", part.where,
            number(part[1]), number(part[2]), number(part.most), grouped(part.differing),
            grouped(part.count))
    end
end

local WHO <const> = {"the first", "the second"}

local function add_changes(p, lines)
    for k, who in ipairs(WHO) do
        if p.by_hand[k] then add(lines, "in %s run something was changed by hand there", who) end
    end
end

local function first_line(p)
    if p.unlike then return "the networks have other parameters, so no step was held against another" end
    if not p.step then
        return ("no difference up to step %s, as far as both have come"):format(grouped(p.to))
    end
    if p.step == p.from then
        return ("they differ from the start: at step %s already"):format(grouped(p.step))
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
