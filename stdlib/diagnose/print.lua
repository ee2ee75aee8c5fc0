-- A diagnosis as text: figures by layer, of the set and of the run; the causes that an experiment
-- confirmed; what was noticed beside them; what was tried.

local curve = require "nabla.diagnose.curve"
local screen = require "nabla.plot.screen"
local words = require "nabla.diagnose.words"

local math, table = math, table
local ipairs, tostring = ipairs, tostring

local EDGE <const> = 6 -- layers that are shown at either end of a long network
local MOVED <const> = 0.2 -- of a layer's neurons: so many that lost their slope are told
local NARROWEST <const> = 40 -- columns for text

-- ---- Text in a window ----

-- A text's words in lines of so many columns, behind a margin.
local function wrapped(text, margin, width)
    local lines, line = {}, nil
    for word in screen.clean(text):gmatch "%S+" do
        if line and screen.width(line) + 1 + screen.width(word) > width - #margin then
            lines[#lines + 1], line = margin .. line, word
        else
            line = line and line .. " " .. word or word
        end
    end
    lines[#lines + 1] = margin .. (line or "")
    return table.concat(lines, "\n")
end

-- Lua as it stands, line by line.
local function code(text, margin, most)
    local lines = {}
    for line in (text .. "\n"):gmatch "(.-)\n" do
        if most and #lines == most then
            lines[#lines + 1] = margin .. "…"
            break
        end
        lines[#lines + 1] = margin .. screen.clean(line)
    end
    return table.concat(lines, "\n")
end

-- ---- Layers ----

-- What a column holds of a layer's figures: its heading, and the text of a figure; `share`: it is
-- left out where it is 0 in every layer.
local COLUMNS <const> = {
    {head = "saturated", field = "saturated", share = true, text = words.percent},
    {head = "dead", field = "dead", share = true, text = words.percent},
    {head = "quiet", field = "quiet", share = true, text = words.percent},
    {head = "equal", field = "equal", share = true, text = words.number},
    {head = "∇w/w", field = "relative", text = words.number},
    {head = "Δw/w", field = "update", text = words.number},
    {head = "δ/above", field = "ratio", text = words.number},
    {head = "rank", field = "rank", text = function(value, layer)
        return ("%s/%d"):format(value < 9.95 and ("%.1f"):format(value) or words.number(value),
            layer.neurons)
    end},
}

-- Layers that have something to say: weights, or a slope.
local function telling(list)
    local out = {}
    for _, layer in ipairs(list or {}) do
        if layer.relative or layer.slope then out[#out + 1] = layer end
    end
    return out
end

local function used(list)
    local out, none = {}, {}
    for _, column in ipairs(COLUMNS) do
        local some = not column.share
        for _, layer in ipairs(list) do some = some or (layer[column.field] or 0) > 0 end
        if some then out[#out + 1] = column else none[#none + 1] = column.head end
    end
    return out, none
end

local function row_of(layer, columns)
    local row = {layer.path, screen.clean((layer.title:gsub("^dense ", "")))}
    for k, column in ipairs(columns) do
        local value = layer[column.field]
        row[k + 2] = value and column.text(value, layer) or ""
    end
    return row
end

-- Rows with every column as wide as its texts, the titles in what is left.
local function aligned(rows, width)
    local wide, total = {}, 0
    for _, row in ipairs(rows) do
        for k, text in ipairs(row) do wide[k] = math.max(wide[k] or 0, screen.width(text)) end
    end
    for k, w in ipairs(wide) do total = total + (k == 2 and 0 or w + 2) end
    wide[2] = math.min(wide[2], math.max(width - total, 8))
    for i, row in ipairs(rows) do
        local parts = {}
        for k, text in ipairs(row) do
            if k == 2 then text = screen.fit(text, wide[2]) end
            parts[k] = (k < 3 and screen.left or screen.right)(text, wide[k])
        end
        rows[i] = (table.concat(parts, "  "):gsub(" +$", ""))
    end
    return rows
end

local function layer_lines(lines, list, width)
    list = telling(list)
    if #list == 0 then return end
    local columns, none = used(list)
    local rows = {{"", "layer"}}
    for k, column in ipairs(columns) do rows[1][k + 2] = column.head end
    for i, layer in ipairs(list) do
        if i <= EDGE or i > #list - EDGE then rows[#rows + 1] = row_of(layer, columns) end
        if i == EDGE and #list > 2 * EDGE then
            rows[#rows + 1] = {"…", ("%d more"):format(#list - 2 * EDGE)}
        end
    end
    table.move(aligned(rows, width), 1, #rows, #lines + 1, lines)
    if #none > 0 then
        lines[#lines + 1] = wrapped("no neuron is " .. table.concat(none, ", ", 1, #none - 1) ..
            (#none > 1 and " or " or "") .. none[#none], "", width)
    end
end

-- What the run did to slopes.
local function after_lines(lines, figures, width)
    local parts = {}
    for i, layer in ipairs(figures.finish or {}) do
        local before = figures.start and figures.start[i]
        if layer.dead and before and before.dead and
            layer.dead + layer.saturated > before.dead + before.saturated + MOVED then
            parts[#parts + 1] = ("layer %s saturated %s, dead %s"):format(layer.path,
                words.percent(layer.saturated), words.percent(layer.dead))
        end
    end
    if #parts > 0 then
        lines[#lines + 1] = wrapped("after the run: " .. table.concat(parts, "; "), "", width)
    end
end

-- ---- The set and the run ----

local function class_text(counts)
    local least, most, total = math.huge, 0, 0
    for _, n in ipairs(counts) do
        least, most, total = math.min(least, n), math.max(most, n), total + n
    end
    local low, high = words.percent(least / total), words.percent(most / total)
    return ("%d classes, %s of the examples each"):format(#counts,
        low == high and low or low .. " to " .. high)
end

local function set_text(data)
    local parts = {words.count(data.count, "example")}
    local x, y = data.x, data.y
    if x then
        parts[2] = ("x %s to %s, mean %s, size %s"):format(words.number(x.least),
            words.number(x.most), words.number(x.all_mean), words.number(x.all_size))
        if x.constant > 0 then
            parts[3] = words.count(x.constant, "column") .. " constant"
        end
    end
    if data.counts then parts[#parts + 1] = class_text(data.counts)
    elseif data.answers == "steps" then parts[#parts + 1] = "classes at every step"
    elseif y then
        parts[#parts + 1] = ("y %s to %s, mean %s"):format(words.number(y.least),
            words.number(y.most), words.number(y.all_mean))
    end
    local near = data.near
    if near then
        parts[#parts + 1] = ("nearest examples agree in %s (by chance %s)"):format(
            words.percent(math.max(near.share, 0)), words.percent(near.chance))
    end
    return "set: " .. table.concat(parts, " · ")
end

local function run_text(figures)
    local run = figures.run
    local parts = {words.count(run.epochs, "epoch")}
    if #run.cost > 0 then
        parts[2] = ("cost %s to %s"):format(
            words.number(figures.start and figures.start.cost or run.cost[1]),
            words.number(run.cost[#run.cost]))
        local fall = curve.fall((curve.of(figures)))
        if fall and fall > 0 then
            parts[3] = ("falling by %s over the last fifth"):format(words.percent(fall))
        end
    end
    local learned, held = figures.train_answers, figures.held_answers
    if run.epochs == 0 then learned, held = nil, nil end
    if learned and not learned.broken then
        parts[#parts + 1] = "learned " .. words.number(learned.quality)
    end
    if held and not held.broken then
        parts[#parts + 1] = "held out " .. words.number(held.quality)
    end
    if learned and learned.alike and learned.alike > 1 - 1e-9 then
        parts[#parts + 1] = "all answers are alike"
    end
    if run.failed then
        parts[#parts + 1] = (run.begun and "stopped: " or "refused: ") .. run.failed
    end
    return "run: " .. table.concat(parts, " · ")
end

local function figure_lines(lines, figures, refused, width)
    layer_lines(lines, figures.layers, width)
    after_lines(lines, figures, width)
    if figures.data then lines[#lines + 1] = wrapped(set_text(figures.data), "", width) end
    if figures.run and not refused then
        lines[#lines + 1] = wrapped(run_text(figures), "", width)
    end
end

-- ---- Causes ----

local function gain_text(cause)
    if not cause.gain then return cause.certain and "a fact" or "confirmed" end
    local p = cause.p and (" (p %.2g)"):format(cause.p) or ""
    return ("gain %.2f ± %.2f, confirmed%s"):format(cause.gain, cause.spread or 0, p)
end

-- The kind, and where, which is not said twice.
local function title(cause)
    local where = cause.where
    if not where or where == cause.kind then return cause.kind end
    return ("%s · %s"):format(cause.kind, where)
end

-- A cause; `likewise`: the one before has the same evidence, and another cure.
local function cause_lines(lines, i, cause, likewise, width)
    if not likewise then
        lines[#lines + 1] = ""
        lines[#lines + 1] = wrapped(("%d. %s · %s"):format(i, title(cause), gain_text(cause)), "",
            width)
        lines[#lines + 1] = wrapped(cause.evidence, "   ", width)
    end
    if cause.cure then
        lines[#lines + 1] = likewise and ("%d. likewise, %s:"):format(i, gain_text(cause)) or
            "   cure:"
        lines[#lines + 1] = code(cause.cure, "     ")
    else
        lines[#lines + 1] = "   no program can cure this"
    end
end

-- Causes that share kind and evidence are told once, with what each cure did.
local function gathered(list)
    local out, by = {}, {}
    for _, cause in ipairs(list) do
        local key = cause.kind .. "\0" .. tostring(cause.where) .. "\0" .. cause.evidence
        if not by[key] then
            by[key] = {cause = cause, cures = {}}
            out[#out + 1] = by[key]
        end
        if cause.cure then table.insert(by[key].cures, cause) end
    end
    return out
end

local function cure_text(cause, width)
    local first = cause.cure:gsub("\n.*", " …")
    return screen.fit(screen.clean(first), math.max(width // 2, 20)) ..
        (cause.why and ": " .. cause.why or "")
end

local function noticed_lines(lines, list, width)
    for _, each in ipairs(gathered(list)) do
        local cause = each.cause
        lines[#lines + 1] = wrapped(("%s: %s"):format(title(cause), cause.evidence), "  ", width)
        for _, tried in ipairs(each.cures) do
            lines[#lines + 1] = wrapped(cure_text(tried, width), "    ", width)
        end
        if #each.cures == 0 and cause.why then
            lines[#lines + 1] = wrapped(cause.why, "    ", width)
        end
    end
end

-- ---- All of it ----

local function heading(d)
    local text = d.quality and d.base and ("%s %.2f ± %.2f"):format(d.quality, d.base.mean,
        d.base.spread or 0) or d.quality and d.measured and
        ("%s %.2f"):format(d.quality, d.measured) or d.quality or ""
    if d.chance then text = ("%s (chance %.2f)"):format(text, d.chance) end
    local noticed = d.noticed and #d.noticed > 0
    local what = #d > 0 and words.count(#d, "cause") or
        noticed and "nothing confirmed" or "nothing found"
    return text == "" and what or what .. " · " .. text
end

-- The kinds whose cures ran, each once.
local function tried_text(d)
    local names, seen = {}, {}
    for _, cause in ipairs(d.tried or {}) do
        if not seen[cause.kind] then
            seen[cause.kind] = true
            names[#names + 1] = cause.kind
        end
    end
    local curable = false
    for _, cause in ipairs(d.noticed or {}) do curable = curable or cause.cure ~= nil end
    local what = #names > 0 and ("tried: %s of %s"):format(words.count(#d.tried, "cure"),
        table.concat(names, ", ")) or curable and "no cure was tried" or
        "no look fired on what a cure could mend"
    local parts = {what}
    if d.runs then parts[#parts + 1] = words.count(d.runs, "run") end
    if d.seconds then parts[#parts + 1] = ("%.1f s"):format(d.seconds) end
    return table.concat(parts, " · ")
end

-- The text of a diagnosis for a window of so many columns; by default the one that there is.
return function(d, columns)
    local width = math.max(columns or (screen.size()), NARROWEST)
    local lines = {heading(d)}
    if d.refused and not (d.figures and d.figures.run) then
        lines[#lines + 1] = wrapped("train refuses: " .. d.refused, "", width)
    end
    local run = d.figures and d.figures.run
    local refused = run and run.epochs == 0 and d[1] and d[1].certain -- which says it
    if d.figures then figure_lines(lines, d.figures, refused, width) end
    for i, cause in ipairs(d) do
        local before = d[i - 1]
        local likewise = before and before.kind == cause.kind and
            before.evidence == cause.evidence and cause.cure
        cause_lines(lines, i, cause, likewise, width)
    end
    if #d > 0 or d.noticed and #d.noticed > 0 then lines[#lines + 1] = "" end
    if d.noticed and #d.noticed > 0 then
        lines[#lines + 1] = "noticed, not confirmed:"
        noticed_lines(lines, d.noticed, width)
    end
    lines[#lines + 1] = wrapped(tried_text(d), "", width)
    for _, note in ipairs(d.notes or {}) do lines[#lines + 1] = wrapped(note, "", width) end
    for _, left in ipairs(d.figures and d.figures.left_out or {}) do
        local text = ("not looked at: %s (%s)"):format(left.kind, left.why)
        lines[#lines + 1] = wrapped(text, "", width)
    end
    return table.concat(lines, "\n")
end
