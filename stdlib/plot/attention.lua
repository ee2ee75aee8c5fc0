-- Where attention looks: for each head a square with a row for every step that looks and a column
-- for every one that it looks at. A picture is {maps, head, title, width, depth, way}, a map
-- {title, shares, steps}: shares heads x steps x steps, steps the names of these or nil.

local given = require "nabla.plot.given"
local hinton = require "nabla.plot.hinton"
local matrix = require "nabla.plot.matrix"
local pixels = require "nabla.plot.pixels"
local screen = require "nabla.plot.screen"

local table = table
local ipairs = ipairs

local attention = {}

-- The names of an example's steps, where they are words that the network knows.
local function step_names(maps, example)
    local x, words, out = maps.x, maps.words, {}
    if not words or given.kind(x) ~= "tensor" then return nil end
    if x:dim() == 2 then x = x:select(1, example) end
    if x:dim() ~= 1 or x.dtype ~= "i32" then return nil end
    for i, word in ipairs(x:totable()) do out[i] = words[word] or word end
    return out
end

-- The maps that are asked for, of one example; nil and a message where there are none such.
function attention.read(maps, options)
    local example = options.example or 1
    local out, paths = {}, {}
    for i, map in ipairs(maps) do
        paths[i] = map.layer
        local shares, all = map.shares, 1
        if shares:dim() == 4 then all, shares = shares:size(1), nil end
        if example > all then
            return nil, ("there is no example %d of %d"):format(example, all)
        end
        if not options.layer or options.layer == map.layer then
            out[#out + 1] = {title = map.title, steps = step_names(maps, example),
                shares = shares or map.shares:select(1, example)}
        end
    end
    if #out == 0 then
        return nil, ("there is no attention in layer %s; it is in layer %s"):format(options.layer,
            table.concat(paths, ", "))
    end
    for _, map in ipairs(out) do
        local heads = map.shares:size(1)
        if options.head and options.head > heads then
            return nil, ("%s has %d head%s, not %d"):format(map.title, heads,
                heads == 1 and "" or "s", options.head)
        end
    end
    return out
end

-- The heads of a map as tiles.
function attention.tiles(map)
    local tiles = {}
    for h = 1, map.shares:size(1) do
        local pixels = map.shares:select(1, h)
        tiles[h] = {rows = pixels:size(1), columns = pixels:size(2), pixels = pixels,
            name = "head " .. h}
    end
    return tiles
end

-- One head large, its steps by name.
local function draw_head(map, picture)
    return hinton.draw {matrix = map.shares:select(1, picture.head), rows = map.steps, high = 1,
        shares = true, width = picture.width, depth = picture.depth, way = picture.way}
end

local function draw_heads(map, picture)
    local tiles = attention.tiles(map)
    return matrix.draw {tiles = tiles, all = #tiles, low = 0, high = 1, width = picture.width,
        depth = picture.depth, way = picture.way}
end

-- The picture as a list of lines.
function attention.draw(picture)
    local out = {}
    if picture.title then out[1] = screen.clean(picture.title) end
    for _, map in ipairs(picture.maps) do
        local lines, message = (picture.head and draw_head or draw_heads)(map, picture)
        if not lines then return nil, message end
        out[#out + 1] = map.title .. (picture.head and ", head " .. picture.head or "")
        pixels.append(out, lines)
    end
    return out
end

return attention
