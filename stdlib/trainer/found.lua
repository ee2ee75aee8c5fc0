-- What a bisection found, as text.

local grouped = require("nabla.plot.given").grouped

local ipairs, table = ipairs, table

local SHOWN <const> = 20 -- examples that are told

local function numbers(list)
    local parts = {}
    for i, n in ipairs(list) do
        if i > SHOWN then
            parts[i] = ("and %s more"):format(grouped(#list - SHOWN))
            break
        end
        parts[i] = grouped(n)
    end
    return table.concat(parts, " ")
end

-- Whose doing it was.
local function deciding(b)
    if b.untried then return "none was left out: " .. b.untried end
    local few = #b.without
    if few == 0 then return "without any one of them it holds there too: none decides alone" end
    if few == 1 then
        return ("without example %s it would not hold there"):format(grouped(b.example))
    end
    if few == #b.examples then return "without any one of them it would not hold there" end
    return "without one of these it would not hold there: " .. numbers(b.without)
end

-- What the value of t:bisect(f) says of itself.
return function(b)
    if b.never then
        local words = b.first and "it holds after none of the steps up to %s" or
            "it does not hold at step %s, where the run stands" ..
            (b.brought_back and " and the best epoch's parameters came back" or "") ..
            "; {first = true} looks behind every step"
        return words:format(grouped(b.last))
    end
    if b.before then
        local where = b.step == 0 and "from the start" or "where the run's record begins"
        return ("it holds %s: at step %s already"):format(where, grouped(b.step))
    end
    if b.by_hand then
        return ("it holds since the stop behind step %s, by what was changed there, not by a step")
            :format(grouped(b.step))
    end
    return table.concat({
        ("it holds since step %s: epoch %s, batch %s"):format(grouped(b.step),
            grouped(b.epoch), grouped(b.batch)),
        ("its examples: %s"):format(numbers(b.examples)),
        deciding(b),
    }, "\n")
end
