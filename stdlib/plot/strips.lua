-- Traces as strips: for each layer what its neurons give, and δ below. A picture is {layers, title,
-- told, width, depth, way}, told texts above all, a layer {title, depth, strips, saturated, share};
-- a strip {name, tiles, signed} or {name, rows, signed}: of vectors a row for each example, of
-- steps time to the right, of space its channels side by side.

local cells = require "nabla.plot.cells"
local given = require "nabla.plot.given"
local half = require "nabla.trainer.half"
local matrix = require "nabla.plot.matrix"
local pictures = require "nabla.plot.pictures"
local pixels = require "nabla.plot.pixels"
local screen = require "nabla.plot.screen"
local signs = require "nabla.plot.signs"

local _, nabla = ...

local math, table = math, table
local error, getmetatable, ipairs, pcall, rawget, type =
    error, getmetatable, ipairs, pcall, rawget, type

local strips = {}

strips.EXAMPLES = 4 -- rows of a strip where no count is asked for
strips.SATURATED = 0.01 -- a slope below it hardly moves what is before it
local LEAST <const> = 10 -- columns of a layer that has pixels
local TALL <const> = 8 -- rows of letters of a strip that is a picture
local LETTERS <const> = {[true] = {" ", "░", "▒", "▓", "█"}, [false] = {" ", ".", "-", "+", "#"}}

-- ---- Reading ----

local function floats(x)
    return x:detach():to "f64"
end

-- The part of a tensor with a row for each example that is drawn: rows of vectors, or one example.
-- single: it has no dimension for examples.
local function chosen(x, pick, vector)
    if pick.single then return vector and x:reshape(1, #x) or x end
    if vector then return x:narrow(1, pick.first, pick.count) end
    return x:select(1, pick.first)
end

-- A strip of one tensor: `reading` says how one example of it is read, lengths how many of its
-- steps are real, where some are padding.
local function new_strip(name, x, reading, pick, lengths)
    local dims = x:dim() - (pick.single and 0 or 1)
    local y = floats(chosen(x, pick, dims == 1))
    if lengths and dims == 2 then y = y:narrow(1, 1, lengths[pick.first]) end
    local strip = {name = name, signed = name == "δ" or y:numel() > 0 and y:min():item() < 0}
    if dims == 1 then
        strip.rows = y
    elseif dims == 2 then
        if reading == "steps" then y = y:t() end
        strip.tiles = {{rows = y:size(1), columns = y:size(2), pixels = y}}
    else
        strip.tiles = pictures.stacked(y, y:size(1))
    end
    return strip
end

-- The mean over what is no padding.
local function real_mean(x, lengths)
    if not lengths then return x:mean():item() end
    local sum, count = 0, 0
    for i, length in ipairs(lengths) do
        local real = x:select(1, i):narrow(1, 1, length)
        sum, count = sum + real:sum():item(), count + real:numel()
    end
    return sum / count
end

-- Which neurons hardly answer in any example of the trace, and the share of all.
local function read_slope(layer, slope, pick, lengths)
    if given.kind(slope) ~= "tensor" or slope:numel() == 0 then return end
    local small = slope:detach():abs():lt(strips.SATURATED):to "f64"
    layer.share = real_mean(small, lengths)
    local dims = small:dim() - (pick.single and 0 or 1)
    if dims ~= 1 then return end
    layer.saturated = (pick.single and small or small:mean(1)):totable()
end

local function new_layer(part, depth, pick)
    local about = getmetatable(part)
    local lengths = about.lengths and not pick.single and about.lengths:totable() or nil
    local layer = {title = about.title, depth = depth, strips = {}}
    if about.waits then layer.title = layer.title .. ": not yet" end
    for k, name in ipairs {"a", "delta"} do
        local x = rawget(part, name)
        if given.kind(x) == "tensor" and x:numel() > 0 then
            layer.strips[#layer.strips + 1] = new_strip(k == 1 and "a" or "δ", x, about.reading,
                pick, lengths)
        end
    end
    read_slope(layer, rawget(part, "slope"), pick, lengths)
    return layer
end

-- A layer's part, then those of what stands in it.
local function add_layers(out, part, depth, pick)
    out[#out + 1] = new_layer(part, depth, pick)
    for i = 1, #part do add_layers(out, part[i], depth + 1, pick) end
end

local function plural(n, word)
    return ("%d %s%s"):format(n, word, n == 1 and "" or "s")
end

local function read_a(part)
    return part.a
end

-- What has a row for each example; nil and a message where it has not come yet.
local function rows_of(trace)
    local x = rawget(trace, "x")
    if x then return x end
    local fine, found = pcall(read_a, trace)
    if fine then return found end
    if type(found) ~= "string" then error(found, 0) end
    return nil, (found:gsub("^[^:]*:%d+: ", ""))
end

-- Which examples are drawn: {single, first, count, all}; nil and a message where there is no such.
local function pick_of(trace, options)
    local single = getmetatable(trace[1] or trace).single
    local x, message = rows_of(trace)
    if not x then return nil, message end
    local all = single and 1 or x:size(1)
    local first = options.example or 1
    if first > all then
        return nil, ("there is no example %d; the trace has %s"):format(first,
            plural(all, "example"))
    end
    local count = options.example and 1 or math.min(all, options.count or strips.EXAMPLES)
    return {single = single, first = first, count = count, all = all}
end

-- Which examples are seen.
local function words(trace, layers, pick)
    local vectors, others = false, false
    for _, layer in ipairs(layers) do
        for _, strip in ipairs(layer.strips) do
            vectors, others = vectors or strip.rows ~= nil, others or strip.tiles ~= nil
        end
    end
    local parts, cost = {}, rawget(trace, "cost")
    parts[1] = half.told(trace)
    if cost then parts[#parts + 1] = ("cost %.4g"):format(cost) end
    if pick.count > 1 and vectors then
        local first = pick.count < pick.all and "the first " or ""
        parts[#parts + 1] = ("%s%d of %d examples, a row each"):format(first, pick.count, pick.all)
        if others then parts[#parts + 1] = "steps and pictures of the first" end
    elseif pick.all > 1 then
        parts[#parts + 1] = ("example %d of %d"):format(pick.first, pick.all)
    end
    return parts
end

-- The layers of a trace, or of a layer's part of one, and what is said above them; nil and a
-- message where there is no such example.
function strips.read(trace, options)
    local pick, message = pick_of(trace, options)
    if not pick then return nil, message end
    local out = {}
    if given.kind(trace) == "trace" then
        if given.kind(trace[0].a) == "tensor" and trace[1] then
            out[1] = {title = "input", depth = 0, strips = {
                new_strip("a", trace[0].a, getmetatable(trace[1]).into, pick)}}
        end
        for l = 1, #trace do add_layers(out, trace[l], 0, pick) end
    else
        add_layers(out, trace, 0, pick)
    end
    return out, words(trace, out, pick)
end

-- ---- Drawing ----

-- How light a number is, 0 to 1; nil of NaN.
local function level_of(value, strip)
    local level = strip.high > strip.low and (value - strip.low) / (strip.high - strip.low) or
        value > 0 and 1 or 0
    if level ~= level then return nil end
    return math.max(0, math.min(1, level))
end

-- A row of cells of so many columns each; steps from low to high, or signs up to the largest.
local function cell_row(row, strip, how, depth)
    local letters, parts = LETTERS[screen.is_utf8()], {}
    for j, value in ipairs(row) do
        if strip.signed then
            local share = strip.high > 0 and value / strip.high or value
            parts[j] = screen.paint(signs.cell(share, how.wide), signs.ink(share), depth)
        else
            local level = level_of(value, strip)
            if not level then parts[j] = ("?"):rep(how.wide)
            elseif depth then
                parts[j] = screen.paint((screen.is_utf8() and "█" or "#"):rep(how.wide),
                    screen.heat(level), depth)
            else
                parts[j] = letters[math.floor(level * (#letters - 1) + 0.5) + 1]:rep(how.wide)
            end
        end
    end
    return (table.concat(parts):gsub(" +$", ""))
end

-- The ends of what is drawn: 0 is always one of them, so that nothing is dark that is not small.
local function measure(strip, rows)
    local low, high = 0, 0
    for _, row in ipairs(rows) do
        for _, value in ipairs(row) do
            if value - value == 0 then low, high = math.min(low, value), math.max(high, value) end
        end
    end
    strip.low, strip.high = low, high
    if strip.signed then strip.high = math.max(-low, high) end
end

-- The same in pixels: of numbers with a sign cells of a Hinton diagram.
local function add_pixels(out, rows, strip, how, way)
    local names = {}
    for i = 1, #rows do names[i] = "" end
    if strip.signed then cells.add(out, rows, names, how, way, strip.high)
    else cells.add(out, rows, names, how, way, nil, function(x) return level_of(x, strip) end) end
end

local function plan_rows(strip, neurons, columns, way)
    if way then return cells.plan(neurons, columns, way) end
    local narrowest = strip.signed and signs.narrowest() or 1
    local how = {wide = 2 * neurons <= columns and 2 or narrowest}
    how.across = math.ceil(neurons * how.wide / columns)
    return how
end

local function draw_rows(strip, columns, picture)
    local how = plan_rows(strip, strip.rows:size(2), columns, picture.way)
    local rows = pictures.shrunk(strip.rows, 1, how.across, strip.signed):totable()
    measure(strip, rows)
    local lines = {}
    if picture.way then
        add_pixels(lines, rows, strip, how, picture.way)
        return lines, how
    end
    for i, row in ipairs(rows) do lines[i] = cell_row(row, strip, how, picture.depth) end
    return lines, how
end

local function draw_tiles(strip, columns, picture)
    local tiles = {tiles = strip.tiles, signed = strip.signed, depth = picture.depth,
        way = pixels.fits(TALL, columns) and picture.way or nil}
    if not strip.signed then tiles.low = 0 end
    local lines, how = matrix.strip(tiles, columns, TALL)
    strip.low, strip.high = tiles.low, tiles.high
    how.all = #strip.tiles
    return lines, how
end

-- Marks below the neurons that hardly answer in any example; nil where there are none.
local function marks(saturated, how)
    if not saturated or how.across > 1 then return nil end
    local line, any = "", false
    for j, share in ipairs(saturated) do
        any = any or share == 1
        line = line .. (share == 1 and "^" or " "):rep(j * how.wide // 1 - #line)
    end
    return any and line:gsub(" +$", "") or nil
end

-- What a strip's colours mean, in the layer's line.
local function told(strip, how)
    local text = strip.signed and ("%s ±%.3g"):format(strip.name, strip.high) or
        ("%s %.3g … %.3g"):format(strip.name, strip.low, strip.high)
    if not screen.is_utf8() then text = text:gsub("δ", "delta"):gsub("±", "+-"):gsub("…", "..") end
    if how.across > 1 or (how.down or 1) > 1 then
        text = text .. (" (%s of %d x %d)"):format(strip.signed and "largest" or "means",
            how.down or 1, how.across)
    end
    if how.all and how.all > how.count then
        text = text .. (" (%d of %d)"):format(how.count, how.all)
    end
    return text
end

-- A strip's lines with its name before the first.
local function named(strip, drawn)
    local sign = strip.name == "δ" and not screen.is_utf8() and "d" or strip.name
    local out = {pictures = drawn.pictures}
    for i, line in ipairs(drawn) do out[i] = (i == 1 and sign or " ") .. " " .. line end
    pixels.shift(out, 0, 2)
    return out
end

local function widest(lines)
    local most = 0
    for _, line in ipairs(lines) do most = math.max(most, screen.seen_width(line)) end
    for _, picture in ipairs(lines.pictures or {}) do
        most = math.max(most, picture.column + picture.wide)
    end
    return most
end

-- Lines beside lines, where those at the left are so wide.
local function join(left, right, wide)
    local out = {pictures = left.pictures}
    for i = 1, math.max(#left, #right) do
        local line = left[i] or ""
        out[i] = line .. (" "):rep(wide - screen.seen_width(line)) .. (right[i] or "")
    end
    pixels.shift(right, 0, wide)
    for _, picture in ipairs(right.pictures or {}) do pixels.add(out, picture) end
    return out
end

-- All strips of a layer below each other; two pictures beside each other where there is room.
local function draw_strips(layer, columns, parts, picture)
    local lines, left, first = {}, nil, layer.strips[1]
    local half = (columns - 3) // 2
    local beside = #layer.strips == 2 and first.tiles and 2 * first.tiles[1].columns + 2 <= half
        and (#first.tiles == 1 or (2 * first.tiles[1].columns + 2) * #first.tiles <= half)
    for i, strip in ipairs(layer.strips) do
        local room = math.max(8, (beside and half or columns) - 2)
        local drawn, how = (strip.rows and draw_rows or draw_tiles)(strip, room, picture)
        local block = named(strip, drawn)
        local below = i == 1 and strip.rows and marks(layer.saturated, how)
        if below then
            block[#block + 1] = "  " .. below
            layer.marked = true
        end
        parts[#parts + 1] = told(strip, how)
        if beside and i == 1 then left = block
        else
            if left then block = join(left, block, widest(left) + 3) end
            pixels.append(lines, block)
        end
    end
    return lines
end

-- Texts side by side, each cut where it is longer than the picture is wide.
local function flow(texts, columns)
    local parts = {}
    for i, text in ipairs(texts) do
        text = screen.fit(text, columns)
        parts[i] = {text, screen.width(text)}
    end
    return screen.flow(parts, columns)
end

local function draw_layer(out, layer, columns, picture)
    local indent = ("  "):rep(layer.depth)
    local parts = {layer.title}
    local lines = draw_strips(layer, columns - #indent, parts, {depth = picture.depth,
        way = columns - #indent >= LEAST and picture.way or nil})
    if layer.share and layer.share > 0 then
        parts[#parts + 1] = ("saturated %.0f %%"):format(100 * layer.share)
    end
    for _, line in ipairs(flow(parts, columns - #indent)) do out[#out + 1] = indent .. line end
    pixels.append(out, lines, #indent)
end

-- What cells with a sign mean, and the marks, where there are any.
local function legend(layers, depth, whole)
    local parts, signed, marked = {}, false, false
    for _, layer in ipairs(layers) do
        marked = marked or layer.marked
        for _, strip in ipairs(layer.strips) do signed = signed or strip.signed end
    end
    local function add(sign, columns, text)
        parts[#parts + 1] = {sign .. text, columns + #text}
    end
    local function add_sign(share, text)
        local ink = signs.ink(share)
        local whole_cell = whole and screen.swatch(2, ink, depth)
        add(whole_cell or screen.paint(signs.cell(share, 2), ink, depth), 2, text)
    end
    if signed then
        add_sign(1, " above 0")
        add_sign(-1, " below 0")
    end
    if marked then add("^", 1, " saturated in every example") end
    return parts
end

-- The picture as a list of lines.
function strips.draw(picture)
    local out, columns = {}, screen.size()
    columns = math.min(picture.width or columns, picture.way and columns or math.huge)
    if picture.title then out[1] = screen.clean(picture.title) end
    local above = flow(picture.told, columns)
    table.move(above, 1, #above, #out + 1, out)
    for _, layer in ipairs(picture.layers) do draw_layer(out, layer, columns, picture) end
    local below = screen.flow(legend(picture.layers, picture.depth, picture.way ~= nil), columns)
    table.move(below, 1, #below, #out + 1, out)
    return out
end

return strips
