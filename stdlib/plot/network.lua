-- Small networks drawn: neurons in columns, weights as strokes between them, blue and unbroken
-- above 0, orange and dashed below, the thicker the larger. A picture is {layers, inputs, outputs,
-- largest, lost, title, width, depth}: a layer {title, count, w, at}, w rows of numbers of what
-- comes to it, nil of the first, which is the input, at its number; inputs and outputs names, or
-- nil; lost words on weights that are no stroke, or nil.

local canvas = require "nabla.plot.canvas"
local screen = require "nabla.plot.screen"

local _, nabla = ...

local math, table = math, table
local ipairs, tostring = ipairs, tostring

local network = {}

network.MOST = 24 -- neurons of a layer
network.LEAST = 1 / 20 -- of the largest weight: less is not drawn
local GAP <const> = 10 -- columns between two layers at least
local LABEL <const> = 14 -- columns of a name at most
local SPACIOUS <const> = 10 -- neurons up to which a row stays free between two

-- Layers that change nothing of which neuron is which.
local THROUGH <const> = {act = true, dropout = true}

-- ---- Reading ----

local function too_large(where, count, number)
    local way = number and ("plot(net[%d]) draws its weights"):format(number) or
        "plot(net[1]) draws the weights of layer 1"
    return ("plot(net) draws layers of at most %d neurons; %s has %d; %s"):format(network.MOST,
        where, count, way)
end

local function refused(facts)
    local way = #facts.params > 0 and ("; plot(net[%s]) draws its weights"):format(
        (facts.path:gsub("%.", "]["))) or ""
    return ("plot(net) draws dense layers; %s is %s%s"):format(facts.where, facts.type, way)
end

local function largest_of(layers)
    local most = 0
    for _, layer in ipairs(layers) do
        for _, row in ipairs(layer.w or {}) do
            for _, value in ipairs(row) do
                local size = math.abs(value)
                if size > most and size < math.huge then most = size end
            end
        end
    end
    return most
end

-- Words on what cannot be drawn, NaN and infinity; nil where all can.
local function lost_among(layers)
    local count, first = 0, nil
    for _, layer in ipairs(layers) do
        for j, row in ipairs(layer.w or {}) do
            for k, value in ipairs(row) do
                if not (value - value == 0) then
                    count = count + 1
                    first = first or ("net[%d].w[%d][%d] is %s"):format(layer.at, j, k,
                        value ~= value and "nan" or value > 0 and "inf" or "-inf")
                end
            end
        end
    end
    if count == 0 then return nil end
    if count == 1 then return first .. ", not drawn" end
    return ("%d weights are not drawn, the first: %s"):format(count, first)
end

-- The columns of a network; nil and a message where it cannot be drawn.
function network.read(net)
    local first = nabla._facts(net[1])
    if first.reading ~= "vector" then return nil, refused(first) end
    if first.into[1] > network.MOST then return nil, too_large("the input", first.into[1]) end
    local layers = {{title = "input", count = first.into[1]}}
    for l = 1, #net do
        local facts = nabla._facts(net[l])
        if facts.type == "dense" then
            local w = net[l].w:detach()
            if w:size(1) > network.MOST then
                return nil, too_large(facts.where, w:size(1), l)
            end
            layers[#layers + 1] = {title = w:size(1) .. " " .. (facts.activation or "mixed"),
                count = w:size(1), w = w:totable(), at = l}
        elseif not THROUGH[facts.type] then
            return nil, refused(facts)
        end
    end
    if #layers == 1 then return nil, "plot(net) draws dense layers; this network has none" end
    local last = layers[#layers].count
    return {layers = layers, largest = largest_of(layers), lost = lost_among(layers),
        inputs = first.columns and #first.columns == layers[1].count and first.columns or nil,
        outputs = first.classes and #first.classes == last and first.classes or nil}
end

-- ---- Drawing ----

-- How strong a weight is drawn: 0 not at all, 1 to 3; and its series: 1 above 0, 2 below.
function network.stroke(value, largest)
    local share = largest > 0 and math.abs(value) / largest or 0
    local series = value > 0 and 1 or 2
    if not (share >= network.LEAST and share < math.huge) then return 0, series end
    return share < 1 / 3 and 1 or share < 2 / 3 and 2 or 3, series
end

-- Strokes from the weakest to the strongest, so that these lie on top: {from, to, strength,
-- series}.
local function strokes_of(layer, largest)
    local out = {}
    for k, row in ipairs(layer.w) do
        for j, value in ipairs(row) do
            local strength, series = network.stroke(value, largest)
            if strength > 0 then out[#out + 1] = {j, k, strength, series} end
        end
    end
    table.sort(out, function(a, b)
        for _, i in ipairs {3, 2} do
            if a[i] ~= b[i] then return a[i] < b[i] end
        end
        return a[1] < b[1]
    end)
    return out
end

local OFFSETS <const> = {{0}, {0, 1}, {-1, 0, 1}} -- rows of dots of a stroke
local DASH <const> = 3 -- dots of a dash, and between two

-- A stroke between two dots; where letters are marks, weaker ones have gaps.
local function draw_stroke(c, x1, y1, x2, y2, strength, series)
    local steps = math.max(math.abs(x2 - x1), math.abs(y2 - y1), 1)
    for i = 0, steps do
        local x = math.floor(x1 + i / steps * (x2 - x1) + 0.5)
        local y = math.floor(y1 + i / steps * (y2 - y1) + 0.5)
        if not c.braille then
            if i % (4 - strength) == 0 then c:dot(x, y, series) end
        elseif series == 1 or i // DASH % 2 == 0 then
            for _, by in ipairs(OFFSETS[strength]) do
                if y + by >= 0 and y + by < c.high then c:dot(x, y + by, series) end
            end
        end
    end
end

-- The rows of letters, from 0, of each neuron of a layer, in the middle of so many.
local function rows_of(count, spacing, rows)
    local out, first = {}, (rows - (count - 1) * spacing - 1) // 2
    for k = 1, count do out[k] = first + (k - 1) * spacing end
    return out
end

local function names_of(list, count)
    local out, wide = {}, 0
    for k = 1, count do
        out[k] = list and screen.fit(screen.clean(tostring(list[k])), LABEL) or ""
        wide = math.max(wide, screen.width(out[k]))
    end
    return out, wide
end

-- Titles above their columns, each as far as the next one lets it.
local function titles(layers, at, step, margin)
    local line = (" "):rep(margin)
    for i, layer in ipairs(layers) do
        local text = screen.fit(layer.title, i == #layers and LABEL or step - 1)
        local width = screen.width(text)
        local from = margin + at[i] - (i == 1 and 0 or i == #layers and width - 1 or width // 2)
        line = line .. (" "):rep(math.max(from - screen.width(line), i == 1 and 0 or 1)) .. text
    end
    return (line:gsub(" +$", ""))
end

local function place(layers, columns)
    local out, most = {at = {}, rows = {}}, 0
    for _, layer in ipairs(layers) do most = math.max(most, layer.count) end
    out.spacing = most <= SPACIOUS and 2 or 1
    out.high = (most - 1) * out.spacing + 1
    for i, layer in ipairs(layers) do
        out.at[i] = math.floor((i - 1) / (#layers - 1) * (columns - 1) + 0.5)
        out.rows[i] = rows_of(layer.count, out.spacing, out.high)
    end
    return out
end

local function draw_canvas(picture, where, columns)
    local c = canvas.new(columns, where.high, 1, 2, picture.depth, "+-")
    local wide, high = c.braille and 2 or 1, c.braille and 4 or 1
    local function dot(i, k)
        return where.at[i] * wide, where.rows[i][k] * high + high // 2
    end
    for i = 2, #picture.layers do
        for _, s in ipairs(strokes_of(picture.layers[i], picture.largest)) do
            local x1, y1 = dot(i - 1, s[1])
            local x2, y2 = dot(i, s[2])
            draw_stroke(c, x1, y1, x2, y2, s[3], s[4])
        end
    end
    for i, layer in ipairs(picture.layers) do
        for k = 1, layer.count do
            local x, y = dot(i, k)
            c:put(x, y, screen.is_utf8() and "●" or "o")
        end
    end
    return c
end

local function legend(picture, columns)
    local utf8, parts = screen.is_utf8(), {}
    local function add(series, sign, text)
        local drawn = screen.paint(sign, screen.SERIES[series], picture.depth)
        parts[#parts + 1] = {drawn .. " " .. text, screen.width(sign) + 1 + #text}
    end
    add(1, utf8 and "━━━" or "+++", "above 0")
    add(2, utf8 and "╺╸╺" or "---", "below 0")
    local text = ("the thickest %.4g, thinner below %.4g and %.4g"):format(picture.largest,
        picture.largest * 2 / 3, picture.largest / 3)
    parts[#parts + 1] = {text, #text}
    if picture.lost then parts[#parts + 1] = {picture.lost, #picture.lost} end
    return screen.flow(parts, columns)
end

-- The picture as a list of lines; nil and a message where the window is too narrow.
function network.draw(picture)
    local out, columns = {}, picture.width or (screen.size())
    local layers = picture.layers
    local left, margin = names_of(picture.inputs, layers[1].count)
    local right, behind = names_of(picture.outputs, layers[#layers].count)
    local before = margin > 0 and margin + 1 or 0
    local room = columns - before - (behind > 0 and behind + 1 or 0)
    local step = (room - 1) / (#layers - 1)
    if step < GAP then
        return nil, ("%d layers need %d columns, and there are %d"):format(#layers - 1,
            columns - room + GAP * (#layers - 1) + 1, columns)
    end
    if picture.title then out[1] = screen.clean(picture.title) end
    local where = place(layers, room)
    out[#out + 1] = titles(layers, where.at, math.floor(step), before)
    local first, last = {}, {}
    for k, row in ipairs(where.rows[1]) do first[row] = left[k] end
    for k, row in ipairs(where.rows[#layers]) do last[row] = right[k] end
    local lines = draw_canvas(picture, where, room):lines()
    for i, line in ipairs(lines) do
        local name = first[i - 1] or ""
        if before > 0 then line = screen.right(name, margin) .. " " .. line end
        if last[i - 1] and behind > 0 then line = line .. " " .. last[i - 1] end
        out[#out + 1] = line:gsub(" +$", "")
    end
    local below = legend(picture, columns)
    table.move(below, 1, #below, #out + 1, out)
    return out
end

return network
