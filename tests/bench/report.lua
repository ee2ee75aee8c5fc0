-- What the parts of the benchmark share to report: medians, numbers for people, tables.

local report = {}

function report.sorted(list)
    local out = table.move(list, 1, #list, 1, {})
    table.sort(out)
    return out
end

function report.median(list)
    local order = report.sorted(list)
    return (order[(#order + 1) // 2] + order[#order // 2 + 1]) / 2
end

function report.column(rows, i)
    local out = {}
    for k, row in ipairs(rows) do out[k] = row[i] end
    return out
end

-- A number with `digits` figures, never in powers of ten.
function report.figures(value, digits)
    local before = math.floor(math.log(math.max(value, 1e-9), 10)) + 1
    return ("%%.%df"):format(math.max(0, digits - before)):format(value)
end

local UNITS <const> = { {1, "s"}, {1e-3, "ms"}, {1e-6, "µs"}, {1e-9, "ns"} }

function report.time(seconds)
    for i, unit in ipairs(UNITS) do
        if seconds >= unit[1] or i == #UNITS then
            return report.figures(seconds / unit[1], 3) .. " " .. unit[2]
        end
    end
end

function report.spread(list, digits)
    local order = report.sorted(list)
    return ("%s–%s"):format(report.figures(order[1], digits),
        report.figures(order[#order], digits))
end

function report.verdict(asked, holds)
    return ("%s: %s"):format(asked, holds and "holds" or "does not hold")
end

-- Prints rows of texts as a table that reads well as it is and as Markdown.
function report.show(rows)
    local widths = {}
    for _, row in ipairs(rows) do
        for i, text in ipairs(row) do widths[i] = math.max(widths[i] or 3, utf8.len(text)) end
    end
    for place, row in ipairs(rows) do
        local cells = {}
        for i, text in ipairs(row) do cells[i] = text .. (" "):rep(widths[i] - utf8.len(text)) end
        print("| " .. table.concat(cells, " | ") .. " |")
        if place == 1 then
            for i, width in ipairs(widths) do cells[i] = ("-"):rep(width) end
            print("| " .. table.concat(cells, " | ") .. " |")
        end
    end
    print()
end

return report
