-- A histogram in the terminal: one bar a line, as long as its count.

local screen = require "nabla.plot.screen"

local math, table = math, table
local ipairs = ipairs

local bars = {}

local EIGHTHS <const> = {"▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"}
local LEAST_WIDE <const> = 2
local SPACIOUS <const> = 30 -- columns from which blanks stand around a dash

-- A bar of a length in columns, fractions in eighths where the terminal has the letters.
local function bar(length)
    if not screen.is_utf8() then return ("#"):rep(math.floor(length + 0.5)) end
    local whole = math.floor(length)
    local rest = math.floor((length - whole) * 8 + 0.5)
    if rest == 0 then return EIGHTHS[8]:rep(whole) end
    return EIGHTHS[8]:rep(whole) .. EIGHTHS[rest]
end

-- The edges as texts, all with as many decimals as tell them apart.
local function edge_texts(edges)
    local texts, low, high = {}, edges[1], edges[#edges]
    local step = high / (#edges - 1) - low / (#edges - 1)
    local size = math.max(math.abs(low), math.abs(high))
    local decimals = math.max(0, 1 - math.floor(math.log(step, 10) + 1e-9))
    local format = "%." .. decimals .. "f"
    if size >= 1e6 or step < 1e-4 then
        local digits = math.ceil(math.log(size, 10) - math.log(step, 10)) + 2
        format = "%." .. math.max(3, math.min(17, digits)) .. "g"
    end
    for i, edge in ipairs(edges) do texts[i] = format:format(edge) end
    return texts
end

-- picture: {counts, edges, all, title, width, depth}; all: how many numbers there are.
function bars.draw(picture)
    local out, wide, most = {}, 0, 0
    local texts = edge_texts(picture.edges)
    local columns = picture.width or (screen.size())
    local dash = screen.is_utf8() and "…" or ".."
    if columns >= SPACIOUS then dash = " " .. dash .. " " end
    for i, count in ipairs(picture.counts) do
        most = math.max(most, count)
        wide = math.max(wide, screen.width(texts[i] .. dash .. texts[i + 1]))
    end
    local counted = ("%d"):format(most)
    local room = math.max(LEAST_WIDE, columns - wide - #counted - 4)
    for i, count in ipairs(picture.counts) do
        local name = texts[i] .. dash .. texts[i + 1]
        local drawn = screen.paint(bar(most > 0 and count / most * room or 0), screen.SERIES[1],
            picture.depth)
        out[#out + 1] = screen.right(name, wide) .. " " ..
            screen.right(("%d"):format(count), #counted) .. " " .. drawn
        out[#out] = out[#out]:gsub(" +$", "")
    end
    local missed = picture.all
    for _, count in ipairs(picture.counts) do missed = missed - count end
    if missed > 0 then
        out[#out + 1] = ("%d of %d are outside or not finite"):format(missed, picture.all)
    end
    if picture.title then table.insert(out, 1, screen.clean(picture.title)) end
    return out
end

return bars
