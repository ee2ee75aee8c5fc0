-- What can be shown as pictures: tensors, examples, sets, layers become a list of tiles. A tile is
-- {rows, columns, pixels, name}: pixels a matrix, or red, green and blue of each as a tensor
-- rows x columns x 3. What cannot be read is nil and a message.

local given = require "nabla.plot.given"

local _, nabla = ...

local math, table = math, table
local ipairs, pcall, tostring, type = ipairs, pcall, tostring, type

local pictures = {}

local COLOURS <const> = 3

-- ---- Tensors ----

local function new_tile(matrix, name)
    return {rows = matrix:size(1), columns = matrix:size(2), pixels = matrix, name = name}
end

-- The square that a row's elements make; nil where they make none.
local function squared(x)
    local side = math.floor(math.sqrt(x:numel()) + 0.5)
    return side * side == x:numel() and x:reshape(side, side) or nil
end

-- A tensor without its own gradients, in a kind that computes.
local function plain(x)
    x = x:detach()
    return (x.dtype == "f32" or x.dtype == "f64") and x or x:to "f32"
end

-- One picture of channels x rows x columns: of one channel grey, of three in colours where they
-- are asked for; else nil.
local function of_channels(x, colours, name)
    if x:size(1) == 1 then return new_tile(x:select(1, 1), name) end
    if x:size(1) == COLOURS and colours then return new_tile(x:permute(2, 3, 1), name) end
end

-- The pictures along the first dimension, at most `most`, by their numbers.
local function of_stack(x, colours, most, prefix)
    local tiles = {}
    for i = 1, math.min(x:size(1), most) do
        local one, name = x:select(1, i), (prefix or "") .. i
        if one:dim() == 2 then
            tiles[#tiles + 1] = new_tile(one, name)
        else
            local tile = of_channels(one, colours, name)
            local channels = tile and {tile} or of_stack(one, colours, most, name .. ".")
            for _, channel in ipairs(channels) do
                if #tiles < most then tiles[#tiles + 1] = channel end
            end
        end
    end
    return tiles
end

-- The same of any tensor, without colours.
function pictures.stacked(x, most)
    return of_stack(plain(x), false, most)
end

-- Tiles of a tensor, at most `most`, and how many there are; nil where its shape is no picture.
local function of_tensor(x, colours, most)
    x = plain(x)
    local dims = x:dim()
    if dims == 1 then
        local matrix = squared(x)
        if not matrix then return nil end
        return {new_tile(matrix)}, 1
    end
    if dims == 2 then return {new_tile(x)}, 1 end
    if dims ~= 3 and dims ~= 4 then return nil end
    local tile = dims == 3 and of_channels(x, colours)
    if tile then return {tile}, 1 end
    local each = dims == 3 and 1 or x:size(2)
    if each == COLOURS and colours then each = 1 end
    return of_stack(x, colours, most), x:size(1) * each
end

-- ---- Examples, sets, layers ----

local function name_of(y)
    return (type(y) == "string" or type(y) == "number") and tostring(y) or nil
end

-- The one tile of an example's x, with what it is as its name.
local function of_example(example, colours)
    local tiles, all = of_tensor(example.x or example[1], colours, 1)
    if not tiles or all ~= 1 then return nil end
    tiles[1].name = name_of(example.y or example[2])
    return tiles[1]
end

-- The first examples of a list of them, or of a set.
local function of_examples(list, colours, most)
    local tiles = {}
    for i = 1, math.min(#list, most) do
        local one = list[i]
        tiles[i] = given.kind(one) == "tensor" and (of_tensor(one, colours, 1) or {})[1] or
            given.kind(one) == "example" and of_example(one, colours)
        if not tiles[i] then return nil end
        tiles[i].name = tiles[i].name or tostring(i)
    end
    return tiles, #list
end

-- What each neuron weighs, as a picture where its inputs are one; else all weights in one.
local function of_layer(layer, colours, most)
    local fine, w = pcall(function() return layer.w end)
    if not fine then return nil, (tostring(w):gsub("^[^:]*:%d+: ", "")) end
    w = plain(w)
    if w:dim() ~= 2 then return of_tensor(w, colours, most) end
    local side = math.floor(math.sqrt(w:size(2)) + 0.5)
    if side * side ~= w:size(2) or side == 1 then return {new_tile(w)}, 1 end
    return of_stack(w:reshape(w:size(1), side, side), colours, most), w:size(1)
end

local READERS <const> = {
    tensor = of_tensor, layer = of_layer, table = of_examples, ["data set"] = of_examples,
    example = function(x, colours)
        local tile = of_example(x, colours)
        return tile and {tile}, 1
    end,
}

local NO_PICTURE <const> = {
    tensor = " takes a matrix, a row with a square number of elements, or three or four " ..
        "dimensions, not %s",
    table = " takes tensors or examples in a list that have a picture's shape",
    example = ": the example has no picture's shape: it is %s",
    ["data set"] = ": the examples have no picture's shape; plot.heat(set.x) shows them as rows",
}

local function no_picture(name, x, kind)
    local of = kind == "example" and (x.x or x[1]) or x
    return name .. NO_PICTURE[kind]:format(given.kind(of) == "tensor" and given.shape(of) or "")
end

-- The tiles of x, at most `most`, and how many there are. colours: three channels are red, green
-- and blue. name: the function's, for the message.
function pictures.read(x, name, colours, most)
    local kind = given.kind(x)
    local reader = READERS[kind]
    if not reader or kind == "table" and #x == 0 then
        local words = kind == "network" and "a network; its layers are net[1] …" or
            given.describe(x)
        return nil, ("%s takes a tensor, an example, a set or a layer, not %s"):format(name, words)
    end
    local tiles, all = reader(x, colours, most)
    if tiles then return tiles, all end
    return nil, type(all) == "string" and name .. ": " .. all or no_picture(name, x, kind)
end

-- ---- Sizes ----

-- Of the numbers that a pixel stands for, along one dimension: their mean; or the one of the
-- largest size, with its sign.
local FOLDS <const> = {
    mean = function(x, dim, keep) return x:mean(dim, {keep = keep}) end,
    extreme = function(x, dim, keep)
        local low, high = x:min(dim, {keep = keep}), x:max(dim, {keep = keep})
        return nabla.tensor.where((low + high):lt(0), low, high)
    end,
}

-- Blocks of k along a dimension of two or three, each as one number; the last may be smaller.
local function blocks(x, dim, k, fold)
    local size = x:size(dim)
    if k == 1 or size == 0 then return x end
    local whole, parts = size // k, {}
    if whole > 0 then
        local shape = x.shape
        table.move(shape, dim + 1, #shape, dim + 2)
        shape[dim], shape[dim + 1] = whole, k
        parts[1] = fold(x:narrow(dim, 1, whole * k):reshape(table.unpack(shape)), dim + 1)
    end
    if whole * k < size then
        parts[#parts + 1] = fold(x:narrow(dim, whole * k + 1, size - whole * k), dim, true)
    end
    return nabla.tensor.cat(parts, dim)
end

-- A matrix of which each element is a block of down x across: its mean, or with extreme = true the
-- number of the largest size in it.
function pictures.shrunk(x, down, across, extreme)
    local fold = FOLDS[extreme and "extreme" or "mean"]
    return blocks(blocks(x, 1, down, fold), 2, across, fold)
end

-- Tiles shrunk so that a pixel is one of down rows and across columns, as lists of rows.
function pictures.listed(tiles, down, across, extreme)
    local out = {}
    for i, tile in ipairs(tiles) do
        local pixels = pictures.shrunk(tile.pixels, down, across, extreme)
        out[i] = {rows = pixels:size(1), columns = pixels:size(2), name = tile.name,
            values = pixels:totable(), colours = pixels:dim() == 3}
    end
    return out
end

return pictures
