-- Pictures of matrices in the terminal: images and heat maps, one or a gallery with names, in
-- pixels, half blocks or shades. A picture is {tiles, all, grey, signed, low, high, title, scale,
-- count, width, depth, way}; pictures.lua says what a tile is, pixels.lua what a way. signed:
-- around 0, in two colours (signs.lua).

local axes = require "nabla.plot.axes"
local pictures = require "nabla.plot.pictures"
local pixels = require "nabla.plot.pixels"
local screen = require "nabla.plot.screen"
local signs = require "nabla.plot.signs"

local math, string, table = math, string, table
local ipairs, type = ipairs, type

local matrix = {}

local BLOCKS <const> = {" ", "░", "▒", "▓", "█"}
local ASCII <const> = {" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"}
local NAN_GREY <const>, NAN_HEAT <const> = {214, 60, 60}, {128, 128, 128}

-- ---- Sizes ----

local AROUND <const> = 4 -- rows of a window that are no part of the picture
local GAP <const> = 2 -- columns between the tiles of a gallery
local LARGEST <const> = 12 -- what a picture is enlarged by on its own
local ENOUGH <const> = 10 -- tiles that a gallery rather shows than enlarges fewer
local MOST_PLACES <const> = 1000000
local TALL <const> = 100 -- rows where no window limits them

-- Whether an element is a square of one colour: half a letter or pixels.
local function has_squares(picture)
    return picture.way ~= nil or screen.is_utf8() and picture.depth ~= nil
end

-- Columns and rows of one element in the smallest picture. Letters are twice as high as wide.
local function element(picture)
    if has_squares(picture) then return 1, 0.5 end
    return 2, 1
end

-- Columns and rows that there are, and how many rows a picture and a gallery fill on their own.
local function room(picture)
    local columns, rows, window = screen.size()
    local wide = picture.width or columns
    if picture.way then wide = math.min(wide, columns) end
    return wide, window and math.max(2, rows - AROUND) or TALL, rows // 2, rows * 2 // 3
end

local function largest(tiles)
    local rows, columns = 0, 0
    for _, tile in ipairs(tiles) do
        rows, columns = math.max(rows, tile.rows), math.max(columns, tile.columns)
    end
    return rows, columns
end

-- How many tiles of so many columns stand side by side.
local function beside(columns, wide)
    return math.max(1, (columns + GAP) // (wide + GAP))
end

-- The largest scale by which what is to be seen fits into so many rows; below 1 none does.
local function best_scale(count, wide, high, columns, rows)
    local scale = 0
    while scale < LARGEST do
        local next_wide, next_high = (scale + 1) * wide, math.ceil((scale + 1) * high)
        if next_wide > columns then break end
        local lines = math.ceil(count / beside(columns, next_wide))
        if lines * (next_high + (count > 1 and 1 or 0)) > rows then break end
        scale = scale + 1
    end
    return scale
end

-- Where there is no room for a picture in half blocks: of how many elements a place is the mean,
-- so that it fits.
local function shrink(picture, out, tile_rows, tile_columns)
    local columns, rows = room(picture)
    local wide, high = element(picture)
    out.scale = 1
    out.down = math.ceil(tile_rows / (rows // high))
    out.across = math.ceil(tile_columns / math.max(1, columns // wide))
    if picture.grey or picture.signed then
        out.down = math.max(out.down, out.across)
        out.across = out.down
    end
end

-- The same in so many columns and rows of pixels, of which a place has x * y; less than one is
-- none, so that means are shown. square: places stay as high as wide.
local function shrink_pixels(way, out, tile_rows, tile_columns, columns, rows, square)
    local x = math.min(way.wide, columns * way.wide / tile_columns)
    local y = math.min(way.high / 2, rows * way.high / tile_rows)
    if square then
        x = math.min(x, y * 2 * way.wide / way.high)
        y = x * way.high / 2 / way.wide
    end
    out.down, out.across = math.max(1, math.ceil(1 / y)), math.max(1, math.ceil(1 / x))
    out.x, out.y = x * out.across, y * out.down
end

-- The largest scale up to that which is asked for that fits into the window; 0: none does.
local function asked_scale(picture, tile_rows, tile_columns)
    local columns, rows = room(picture)
    if not picture.way or not picture.scale then return picture.scale end
    return math.min(picture.scale, columns // tile_columns, rows * 2 // tile_rows)
end

-- Columns and rows of letters that a tile takes, of so many rows and columns when it is shrunk.
local function letters_of(picture, how, rows, columns)
    local wide, high = element(picture)
    if not picture.way then
        return columns * wide * how.scale, math.ceil(rows * high * how.scale)
    end
    local x = columns * (how.x or how.scale * picture.way.wide) / picture.way.wide
    local y = rows * (how.y or how.scale * picture.way.high / 2) / picture.way.high
    local most_wide, most_high = room(picture)
    return math.max(1, math.min(math.floor(x + 0.5), most_wide)),
        math.max(1, math.min(math.floor(y + 0.5), most_high))
end

-- {scale, down, across, beside, count}: how large an element is, of how many it is the mean, how
-- many tiles stand beside each other and how many are shown.
local function plan(picture)
    local columns, rows, half, most = room(picture)
    local wide, high = element(picture)
    local tile_rows, tile_columns = largest(picture.tiles)
    local out, count = {down = 1, across = 1}, #picture.tiles
    local function scale_of(tiles, most_rows)
        return best_scale(tiles, wide * tile_columns, high * tile_rows, columns, most_rows)
    end
    -- Signs are letters that look like nothing when they are repeated.
    local fixed = picture.signed and not has_squares(picture) and scale_of(1, half) > 0 and 1
    -- What neurons look for is compared: rather all of them than large ones.
    local all = picture.signed and scale_of(count, most) or 0
    out.scale = asked_scale(picture, tile_rows, tile_columns) or fixed or all > 0 and all or
        scale_of(math.min(count, ENOUGH), half)
    if out.scale == 0 then
        local square = picture.grey or picture.signed
        if picture.way then
            shrink_pixels(picture.way, out, tile_rows, tile_columns, columns, rows, square)
        else shrink(picture, out, tile_rows, tile_columns) end
    end
    local tile_wide, tile_high = letters_of(picture, out, math.ceil(tile_rows / out.down),
        math.ceil(tile_columns / out.across))
    tile_high = tile_high + (count > 1 and 1 or 0)
    out.beside = beside(columns, tile_wide)
    out.count = math.min(count, picture.count or out.beside * math.max(1, most // tile_high))
    return out, out.count * tile_wide * tile_high
end

-- Leaves the tiles that are shown, as lists of numbers, and finds the ends of what they hold.
function matrix.prepare(picture, count, down, across)
    local tiles = pictures.listed(table.move(picture.tiles, 1, count, 1, {}), down, across,
        picture.signed)
    local rows = {}
    for _, tile in ipairs(tiles) do
        for _, row in ipairs(tile.values) do
            if tile.colours then table.move(row, 1, #row, #rows + 1, rows)
            else rows[#rows + 1] = row end
        end
    end
    local low, high = axes.limits(rows)
    picture.tiles = tiles
    picture.low, picture.high = picture.low or low or 0, picture.high or high or 0
    if picture.signed then
        picture.high = math.max(math.abs(picture.low), math.abs(picture.high))
        picture.low = -picture.high
    end
end

-- ---- Pixels ----

-- A function that says how light a number is, 0 to 1; nil of NaN.
local function lightness(low, high)
    local share = axes.share(low, high)
    return function(value)
        if value ~= value then return nil end
        if not (high > low) then return value > 0 and 1 or 0 end
        return math.max(0, math.min(share(value), 1))
    end
end

-- The levels of red, green and blue; nil where one is NaN.
local function levels_of(value, level)
    local r, g, b = level(value[1]), level(value[2]), level(value[3])
    if r and g and b then return r, g, b end
end

-- From the level of a number its share of the largest, from -1 to 1.
local function share_of(value, level, picture)
    if picture.high == 0 and value == 0 then return 0 end
    if not (value - value == 0) then return value end
    return 2 * (level(value) or 0 / 0) - 1
end

local function colour_of(value, level, picture)
    if picture.signed then return signs.colour(share_of(value, level, picture)) end
    if type(value) == "table" then
        local r, g, b = levels_of(value, level)
        if not r then return NAN_GREY end
        return {math.floor(255 * r + 0.5), math.floor(255 * g + 0.5), math.floor(255 * b + 0.5)}
    end
    local at = level(value)
    if not at then return picture.grey and NAN_GREY or NAN_HEAT end
    return (picture.grey and screen.grey or screen.heat)(at)
end

-- Without colours, of red, green and blue what is seen as bright (ITU-R BT.601).
local function shade_of(value, level, letters)
    local at
    if type(value) == "table" then
        local r, g, b = levels_of(value, level)
        at = r and 0.299 * r + 0.587 * g + 0.114 * b
    else
        at = level(value)
    end
    return at and letters[math.floor(at * (#letters - 1) + 0.5) + 1] or "?"
end

-- Two rows of pixels in a line of letters: the upper half block in one colour, on another; each
-- code where it changes.
local function half_blocks(tile, picture, scale, level)
    local lines, values = {}, tile.values
    for i = 1, tile.rows * scale, 2 do
        local upper = values[(i - 1) // scale + 1]
        local lower = i < tile.rows * scale and values[i // scale + 1]
        local line, before = {}, nil
        for j = 1, tile.columns do
            local code = screen.code(38, colour_of(upper[j], level, picture), picture.depth)
            if lower then
                code = code .. ";" ..
                    screen.code(48, colour_of(lower[j], level, picture), picture.depth)
            end
            line[j] = (code ~= before and "\27[" .. code .. "m" or "") .. ("▀"):rep(scale)
            before = code
        end
        lines[#lines + 1] = table.concat(line) .. "\27[0m"
    end
    return lines
end

-- A letter twice for a pixel, because letters are higher than wide.
local function shades(tile, picture, scale, level)
    local letters, lines = screen.is_utf8() and BLOCKS or ASCII, {}
    for i = 1, tile.rows do
        local line = {}
        for j = 1, tile.columns do
            local value = tile.values[i][j]
            line[j] = picture.signed and
                signs.cell(share_of(value, level, picture), 2):rep(scale) or
                shade_of(value, level, letters):rep(2 * scale)
        end
        line = table.concat(line)
        for _ = 1, scale do lines[#lines + 1] = line end
    end
    return lines
end

-- Three bytes for each element. Of a thousand levels no eye tells two apart.
local LEVELS <const> = 1024

local function bytes_of(tile, picture, level)
    local known, rows = {}, {}
    for i = 1, tile.rows do
        local line = {}
        for j = 1, tile.columns do
            local value = tile.values[i][j]
            local at = not picture.signed and type(value) == "number" and level(value)
            local key = at and at * (LEVELS - 1) // 1
            local code = key and known[key]
            if not code then
                local colour = colour_of(value, level, picture)
                code = string.char(colour[1], colour[2], colour[3])
                if key then known[key] = code end
            end
            line[j] = code
        end
        rows[i] = table.concat(line)
    end
    return table.concat(rows)
end

-- ---- The picture ----

-- Pictures side by side on blank lines.
local function add_pixels(out, tiles, picture, sizes, level)
    local column, row, most = 0, #out + 1, 0
    for k, tile in ipairs(tiles) do
        local wide, high = sizes[k][1], sizes[k][2]
        pixels.add(out, {row = row, column = column, wide = wide, high = high, rows = tile.rows,
            columns = tile.columns, bytes = bytes_of(tile, picture, level)})
        column, most = column + wide + GAP, math.max(most, high)
    end
    for _ = 1, most do out[#out + 1] = "" end
end

-- Letters side by side.
local function add_letters(out, tiles, picture, how, sizes, level)
    local drawn, most, gap = {}, 0, (" "):rep(GAP)
    for k, tile in ipairs(tiles) do
        drawn[k] = has_squares(picture) and half_blocks(tile, picture, how.scale, level) or
            shades(tile, picture, how.scale, level)
        most = math.max(most, #drawn[k])
    end
    for i = 1, most do
        local parts = {}
        for k, lines in ipairs(drawn) do parts[k] = lines[i] or (" "):rep(sizes[k][1]) end
        out[#out + 1] = (table.concat(parts, gap):gsub(" +$", ""))
    end
end

-- Tiles side by side, each below its name.
local function add_row(out, tiles, picture, how, level)
    local names, sizes = {}, {}
    for k, tile in ipairs(tiles) do
        sizes[k] = {letters_of(picture, how, tile.rows, tile.columns)}
        local name = screen.fit(screen.clean(tile.name or ""), math.max(1, sizes[k][1]))
        names[k] = screen.left(name, sizes[k][1])
    end
    if picture.all > 1 then
        out[#out + 1] = (table.concat(names, (" "):rep(GAP)):gsub(" +$", ""))
    end
    if picture.way then add_pixels(out, tiles, picture, sizes, level)
    else add_letters(out, tiles, picture, how, sizes, level) end
end

-- From the lowest colour to the highest, with the values at their ends.
local function scale_line(picture)
    local low, high = ("%.4g"):format(picture.low), ("%.4g"):format(picture.high)
    local columns = room(picture)
    local steps, parts = math.max(2, math.min(20, columns - #low - #high - 3)), {}
    local letters = screen.is_utf8() and BLOCKS or ASCII
    for i = 0, steps - 1 do
        local level = i / (steps - 1)
        if has_squares(picture) then
            parts[#parts + 1] = screen.swatch(1, screen.heat(level), picture.depth)
        else
            parts[#parts + 1] = letters[math.floor(level * (#letters - 1) + 0.5) + 1]
        end
    end
    return {low .. " " .. table.concat(parts) .. " " .. high, #low + #high + steps + 2}
end

local function has_nan(picture)
    for _, tile in ipairs(picture.tiles) do
        for _, row in ipairs(tile.values) do
            for _, value in ipairs(row) do
                if value ~= value then return true end
                if type(value) == "table" and not levels_of(value, lightness(0, 1)) then
                    return true
                end
            end
        end
    end
    return false
end

-- What the colours mean, and what is not seen.
local function foot(picture, how)
    local parts = {}
    local function say(text) parts[#parts + 1] = {text, screen.width(text)} end
    if picture.signed then
        parts = signs.legend(picture.high, has_squares(picture), picture.depth)
        local part = nil
        for _, tile in ipairs(picture.tiles) do
            part = part or signs.infinite(tile.values, has_squares(picture), picture.depth)
        end
        parts[#parts + 1] = part
    elseif not picture.grey then
        parts[1] = scale_line(picture)
    end
    if has_nan(picture) then
        local colour = picture.grey and NAN_GREY or NAN_HEAT
        local sign = has_squares(picture) and screen.swatch(1, colour, picture.depth) or
            screen.paint("?", colour, picture.depth)
        if picture.way and not picture.depth then say "red: NaN"
        else parts[#parts + 1] = {sign .. " NaN", 5} end
    end
    if how.down > 1 or how.across > 1 then
        local words = picture.signed and "each the largest of %d x %d" or "means of %d x %d"
        say(words:format(how.down, how.across))
    end
    if picture.all > how.count then say(("%d of %d"):format(how.count, picture.all)) end
    return parts
end

-- As many tiles as stand side by side in so many columns and rows, each without a name, as lines;
-- and {down, across, count}.
function matrix.strip(picture, columns, rows)
    local wide, high = element(picture)
    local tile_rows, tile_columns = largest(picture.tiles)
    local how = {scale = 1, down = math.ceil(tile_rows * high / rows),
        across = math.ceil(tile_columns * wide / columns)}
    local square = #picture.tiles > 1
    if picture.way then
        shrink_pixels(picture.way, how, tile_rows, tile_columns, columns, rows, square)
    elseif square then
        how.down = math.max(how.down, how.across)
        how.across = how.down
    end
    how.count = math.min(#picture.tiles, beside(columns,
        (letters_of(picture, how, tile_rows // how.down, math.ceil(tile_columns / how.across)))))
    matrix.prepare(picture, how.count, how.down, how.across)
    picture.all = 1
    local out = {}
    add_row(out, picture.tiles, picture, how, lightness(picture.low, picture.high))
    return out, how
end

-- The picture as a list of lines; nil and a message where it would be too large.
function matrix.draw(picture)
    local out = {}
    if picture.title then out[1] = screen.clean(picture.title) end
    local rows, columns = largest(picture.tiles)
    if rows * columns == 0 then
        out[#out + 1] = "nothing to draw: no elements"
        return out
    end
    local how, places = plan(picture)
    if places > MOST_PLACES then
        local message = "the picture has more than %d places; without scale it fits the window"
        return nil, message:format(MOST_PLACES)
    end
    matrix.prepare(picture, how.count, how.down, how.across)
    if picture.all == 1 and picture.tiles[1].name then
        out[#out + 1] = screen.clean(picture.tiles[1].name)
    end
    local level = lightness(picture.low, picture.high)
    for first = 1, how.count, how.beside do
        local last = math.min(first + how.beside - 1, how.count)
        add_row(out, table.move(picture.tiles, first, last, 1, {}), picture, how, level)
    end
    local lines = screen.flow(foot(picture, how), (room(picture)))
    table.move(lines, 1, #lines, #out + 1, out)
    return out
end

return matrix
