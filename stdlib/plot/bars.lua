-- A histogram in the terminal: one bar a line, as long as its count.

local screen = require "nabla.plot.screen"

local math, table, utf8 = math, table, utf8
local ipairs = ipairs

local bars = {}

local EIGHTHS <const> = {"▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"}
local LEAST_WIDE <const> = 10

-- A bar of a length in columns, fractions in eighths where the terminal has the letters.
local function bar(length)
    if not screen.is_utf8() then return ("#"):rep(math.floor(length + 0.5)) end
    local whole = math.floor(length)
    local rest = math.floor((length - whole) * 8 + 0.5)
    if rest == 0 then return EIGHTHS[8]:rep(whole) end
    return EIGHTHS[8]:rep(whole) .. EIGHTHS[rest]
end

local function width_of(text)
    return utf8.len(text) or #text
end

-- The edges as texts, all with as many decimals as tell them apart.
local function edge_texts(edges)
    local step = (edges[#edges] - edges[1]) / (#edges - 1)
    local texts = {}
    local low, high = edges[1], edges[#edges]
    local fixed = math.max(math.abs(low), math.abs(high)) < 1e6 and step >= 1e-4
    local decimals = fixed and math.max(0, 1 - math.floor(math.log(step, 10) + 1e-9)) or 0
    for i, edge in ipairs(edges) do
        texts[i] = fixed and ("%." .. decimals .. "f"):format(edge) or ("%.3g"):format(edge)
    end
    return texts
end

-- picture: {counts, edges, title, width, depth}.
function bars.draw(picture)
    local out, wide, most = {}, 0, 0
    local texts = edge_texts(picture.edges)
    local dash = screen.is_utf8() and " … " or " .. "
    for i, count in ipairs(picture.counts) do
        most = math.max(most, count)
        wide = math.max(wide, width_of(texts[i] .. dash .. texts[i + 1]))
    end
    local counted = ("%d"):format(most)
    local columns = picture.width or screen.size()
    local room = math.max(LEAST_WIDE, columns - wide - #counted - 4)
    for i, count in ipairs(picture.counts) do
        local name = texts[i] .. dash .. texts[i + 1]
        local drawn = screen.paint(bar(most > 0 and count / most * room or 0), screen.SERIES[1],
            picture.depth)
        out[#out + 1] = (" "):rep(wide - width_of(name)) .. name .. " " ..
            (" "):rep(#counted - #("%d"):format(count)) .. ("%d"):format(count) .. " " .. drawn
        out[#out] = out[#out]:gsub(" +$", "")
    end
    if picture.title then table.insert(out, 1, picture.title) end
    return out
end

return bars
