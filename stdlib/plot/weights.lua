-- What layers weigh: each parameter as a Hinton diagram, or, where what comes to the neurons is a
-- picture, as a gallery of what each of them looks for. A picture is {parts, title, width, depth},
-- a part {name, matrix, rows, columns} or {name, tiles}.

local given = require "nabla.plot.given"
local hinton = require "nabla.plot.hinton"
local matrix = require "nabla.plot.matrix"
local pictures = require "nabla.plot.pictures"
local pixels = require "nabla.plot.pixels"
local screen = require "nabla.plot.screen"

local _, nabla = ...

local math, table = math, table
local ipairs, pcall, tostring = ipairs, pcall, tostring

local weights = {}

local LEAST_SIDE <const> = 4 -- of a square that a row of inputs is taken for
local MOST_NAMED <const> = 20 -- columns whose names are told
local MOST_TILES <const> = 1000

-- The gates of recurrent layers, in the order of their rows.
local GATES <const> = {lstm = {"i", "f", "g", "o"}, gru = {"r", "z", "n"}}

-- ---- Reading ----

-- Rows x columns that a dense layer's inputs are, with channels in front where there are several:
-- as told, as the picture was before flatten, or a square of the network's own inputs; or nil.
local function picture_shape(facts, told)
    if told then return told end
    if facts.picture then return facts.picture end
    local side = math.floor(math.sqrt(facts.into[#facts.into]) + 0.5)
    if facts.first and facts.reading == "vector" and side >= LEAST_SIDE and
        side * side == facts.into[1] then
        return {side, side}
    end
end

local function product(list)
    local out = 1
    for _, size in ipairs(list) do out = out * size end
    return out
end

-- Names of a parameter's rows: classes of the last layer, gates; nil: their numbers.
local function row_names(layer, facts, rows)
    local gates, names = GATES[facts.type], {}
    if gates and rows % #gates == 0 then
        local units = rows // #gates
        for i = 1, rows do names[i] = gates[(i - 1) // units + 1] .. (i - 1) % units + 1 end
        return names
    end
    if facts.last and facts.classes and #facts.classes == rows then return facts.classes end
    if facts.type == "embedding" and facts.words and #facts.words == rows then
        return facts.words
    end
end

local function of_pictures(w, name, count)
    local tiles = pictures.stacked(w, count or MOST_TILES)
    return {name = name, tiles = tiles, all = w:numel() // (tiles[1].rows * tiles[1].columns)}
end

local function name_tiles(part, names)
    for i, tile in ipairs(part.tiles) do tile.name = names and tostring(names[i]) or tile.name end
    return part
end

local function new_part(layer, facts, name, options)
    local w = layer[name]:detach()
    local shape = ("%s %s"):format(name, given.shape(w))
    if w:dim() > 2 then return of_pictures(w, shape, options.count) end
    if w:dim() == 1 then return {name = shape, matrix = w:reshape(1, #w), rows = {""}} end
    local at = facts.type == "dense" and name == "w" and not options.hinton and
        picture_shape(facts, options.shape)
    if at then
        local part = of_pictures(w:reshape(w:size(1), table.unpack(at)), shape, options.count)
        return name_tiles(part, #at == 2 and row_names(layer, facts, w:size(1)))
    end
    local columns = facts.first and facts.columns
    return {name = shape, matrix = w, rows = row_names(layer, facts, w:size(1)),
        columns = columns and #columns == w:size(2) and #columns <= MOST_NAMED and columns or nil}
end

-- What is wrong with the sizes that are told, or nil.
local function check_shape(facts, shape)
    if not shape then return nil end
    for _, size in ipairs(shape) do
        if math.type(size) ~= "integer" or size < 1 then
            return "shape takes sizes, as in {28, 28}, not " .. given.describe(size)
        end
    end
    local inputs = facts.into[#facts.into]
    if facts.type ~= "dense" then
        return ("shape is for dense layers; %s is %s"):format(facts.where, facts.type)
    end
    if #shape < 2 or #shape > 3 or product(shape) ~= inputs then
        return ("shape takes rows and columns, or channels, rows and columns, of %d inputs"):format(
            inputs)
    end
end

local function no_parameters(facts)
    if facts.children > 0 then
        return ("%s has no weights of its own; the layers that stand in it have: net[%s][1]")
            :format(facts.where, (facts.path:gsub("%.", "][")))
    end
    return ("%s has no weights: it is %s"):format(facts.where, facts.type)
end

-- The parts of a layer; nil and a message where there is none.
function weights.read(layer, options)
    local facts = nabla._facts(layer)
    if not facts then
        return nil, "this layer is part of no network yet, so it has no weights; " ..
            "nn.net{…, layer} gives it some"
    end
    local wrong = check_shape(facts, options.shape)
    if wrong then return nil, wrong end
    local parts, names = {}, {}
    for _, name in ipairs(facts.params) do
        names[#names + 1] = name
        if not options.parameter or options.parameter == name then
            parts[#parts + 1] = new_part(layer, facts, name, options)
        end
    end
    if #names == 0 then return nil, no_parameters(facts) end
    if #parts == 0 then
        return nil, ("%s has no parameter '%s'; it has %s"):format(facts.where, options.parameter,
            table.concat(names, ", "))
    end
    return parts, facts.title
end

-- What one neuron weighs, a picture where it is one.
local function of_neuron(neuron, options)
    local fine, w = pcall(function() return neuron.w:detach() end)
    if not fine then return nil, (tostring(w):gsub("^[^:]*:%d+: ", "")) end
    local shape = ("w %s"):format(given.shape(w))
    local side = math.floor(math.sqrt(w:numel()) + 0.5)
    local at = options.shape or side >= LEAST_SIDE and side * side == w:numel() and {side, side}
    if w:dim() == 1 and at and not options.hinton then
        if product(at) ~= w:numel() then
            return nil, ("shape takes sizes whose product is %d"):format(w:numel())
        end
        w = w:reshape(table.unpack(at))
    end
    if w:dim() == 1 then return {name = shape, matrix = w:reshape(1, #w), rows = {""}} end
    return of_pictures(w:reshape(1, table.unpack(w.shape)), shape, options.count)
end

weights.of_neurons = {}

function weights.of_neurons.neuron(neuron, options)
    local part, message = of_neuron(neuron, options)
    return part and {part}, part and tostring(neuron) or message
end

-- Those of several that are as large: side by side as pictures, else a row each.
function weights.of_neurons.neurons(list, options)
    local first, tiles, rows = nil, {}, {}
    for i = 1, math.min(#list, options.count or MOST_TILES) do
        local part, message = of_neuron(list[i], options)
        if not part then return nil, message end
        first = first or part
        if part.name ~= first.name then
            return nil, "these neurons have weights of several shapes"
        end
        if part.matrix then rows[i] = part.matrix
        else
            part.tiles[1].name = tostring(i)
            table.move(part.tiles, 1, #part.tiles, #tiles + 1, tiles)
        end
    end
    if not first then return nil, "there are no neurons among these" end
    if first.matrix then first.matrix, first.rows = nabla.tensor.cat(rows, 1), nil
    else first.tiles, first.all = tiles, #list * #first.tiles end
    return {first}, tostring(list)
end

-- ---- The picture ----

local function draw_part(part, picture)
    if part.matrix then
        return hinton.draw {matrix = part.matrix, rows = part.rows, columns = part.columns,
            high = picture.high, width = picture.width, depth = picture.depth, way = picture.way}
    end
    local high = picture.high
    return matrix.draw {tiles = part.tiles, all = part.all, signed = true, low = high and -high,
        high = high, scale = picture.scale, count = picture.count, width = picture.width,
        depth = picture.depth, way = picture.way}
end

-- The picture as a list of lines; nil and a message where it would be too large.
function weights.draw(picture)
    local out = {}
    if picture.title then out[1] = screen.clean(picture.title) end
    for _, part in ipairs(picture.parts) do
        local lines, message = draw_part(part, picture)
        if not lines then return nil, message end
        out[#out + 1] = part.name
        pixels.append(out, lines)
    end
    return out
end

return weights
