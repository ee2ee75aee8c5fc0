-- Pictures as gnuplot's commands, numbers included. A picture is what the parts for the terminal
-- take.

local attention = require "nabla.plot.attention"
local axes = require "nabla.plot.axes"
local matrix = require "nabla.plot.matrix"
local network = require "nabla.plot.network"
local screen = require "nabla.plot.screen"

local math, table = math, table
local error, ipairs, pairs, tostring, type = error, ipairs, pairs, tostring, type

local script = {}

local PALETTE <const> = "set palette defined (0 '#0d0850', 1 '#541080', 2 '#9c2880', " ..
    "3 '#d85060', 4 '#f89040', 5 '#fae164')\n"
-- Around 0, which is white on paper.
local SIGNED <const> = "set palette defined (-1 '#e69f00', 0 '#ffffff', 1 '#0072b2')\n"
local LIGHT <const> = 0.65 -- of the palette is light from here
local COLUMNS <const> = 2000 -- of dots that a line is drawn on
local PIXELS <const> = 1000 -- rows or columns of a matrix
local FEW <const> = 12 -- whole numbers, between which gnuplot would put ticks at halves
local TILES <const> = 100 -- of a gallery where no count is asked for

-- A text as gnuplot reads it.
function script.quoted(text)
    return "'" .. screen.clean(text):gsub("'", "''") .. "'"
end

local function number(value)
    if value - value ~= 0 then return "NaN" end
    return ("%.12g"):format(value)
end

local function titles(picture)
    local out = {}
    for name, command in pairs {title = "title", xlabel = "xlabel", ylabel = "ylabel"} do
        if picture[name] then
            out[#out + 1] = ("set %s %s\n"):format(command, script.quoted(picture[name]))
        end
    end
    table.sort(out)
    return table.concat(out)
end

-- ---- Lines ----

local function ascends(xs)
    for k = 2, #xs do
        if not (xs[k] >= xs[k - 1]) then return false end
    end
    return #xs > 0
end

-- Where in a series the ends and the extremes of each of so many columns stand, in order: the eye
-- sees no more of a line.
local function seen(xs, ys)
    local places, at = {}, axes.share(xs[1], xs[#xs])
    local from, column, low, high = 1, 0, 1, 1
    local function close(last)
        local found = {from, math.min(low, high), math.max(low, high), last}
        for i, place in ipairs(found) do
            if i == 1 or place ~= found[i - 1] then places[#places + 1] = place end
        end
    end
    for k = 1, #xs do
        local here = math.floor(at(xs[k]) * COLUMNS)
        -- A gap is kept: it is a column of its own.
        if here ~= column or ys[k] - ys[k] ~= 0 or ys[from] - ys[from] ~= 0 then
            if k > 1 then close(k - 1) end
            from, column, low, high = k, here, k, k
        else
            if ys[k] < ys[low] then low = k end
            if ys[k] > ys[high] then high = k end
        end
    end
    close(#xs)
    return places
end

-- A series' points as lines of text.
local function add_points(data, series, points)
    local xs, ys = series.x, series.y
    local places = #xs > 4 * COLUMNS and not points and ascends(xs) and xs[1] < xs[#xs] and
        seen(xs, ys)
    for i = 1, places and #places or #xs do
        local k = places and places[i] or i
        data[#data + 1] = number(xs[k]) .. " " .. number(ys[k])
    end
    data[#data + 1] = "e"
end

-- Marks and dashes besides colours, so that series are told apart in print.
local function style(series, points)
    if points then return ("points pt %d lc %d"):format(series.number, series.number) end
    return ("lines lw 2 lc %d dt %d"):format(series.number, (series.number - 1) // 8 % 5 + 1)
end

local function panel_script(panel, picture, first)
    local plots, data = {}, {}
    for i, series in ipairs(panel.series) do
        local title = series.label and "title " .. script.quoted(series.label) or "notitle"
        plots[i] = ("'-' using 1:2 with %s %s"):format(style(series, picture.points), title)
        add_points(data, series, picture.points)
    end
    local low, high = first and picture.low, first and picture.high
    local log = panel.log or first and picture.log
    return (panel.label and ("set title %s\n"):format(script.quoted(panel.label)) or "") ..
        ("set yrange [%s:%s]\n"):format(low and number(low) or "*", high and number(high) or
        "*") .. (log and "set logscale y\n" or "unset logscale y\n") ..
        "plot " .. table.concat(plots, ", ") .. "\n" .. table.concat(data, "\n") .. "\n"
end

-- Words in the place of numbers below the horizontal axis.
local function ticks_script(ticks)
    local parts = {}
    for i, tick in ipairs(ticks) do
        parts[i] = ("%s %s"):format(script.quoted(tick.text), number(tick.value))
    end
    return ("set xtics (%s)\n"):format(table.concat(parts, ", "))
end

local drawn = {}

function drawn.lines(picture)
    local xs, ys = {}, {}
    for _, panel in ipairs(picture.panels) do
        for _, series in ipairs(panel.series) do
            xs[#xs + 1], ys[#ys + 1] = series.x, series.y
        end
    end
    local low, high = axes.limits(xs)
    if not low or not axes.limits(ys) then error("nothing to draw: no finite numbers", 0) end
    local out = {"set grid\n"}
    if picture.whole and high - low < FEW then out[2] = "set xtics 1\n" end
    if picture.xlog then out[#out + 1] = "set logscale x\n" end
    if picture.xticks then out[#out + 1] = ticks_script(picture.xticks) end
    local count = #picture.panels
    if count > 1 then
        out[#out + 1] = ("set multiplot layout %d,1%s\nunset title\nset lmargin 10\n"):format(count,
            picture.title and " title " .. script.quoted(picture.title) or "")
    end
    for i, panel in ipairs(picture.panels) do
        if i == 2 then out[#out + 1] = "unset ylabel\n" end
        out[#out + 1] = panel_script(panel, picture, i == 1)
    end
    return table.concat(out) .. (count > 1 and "unset multiplot\n" or "")
end

function drawn.bars(picture)
    local data = {}
    for i, count in ipairs(picture.counts) do
        local low, high = picture.edges[i], picture.edges[i + 1]
        data[i] = ("%s %s %s"):format(number(low / 2 + high / 2), number(count), number(high - low))
    end
    return "set style fill solid 0.8\nset yrange [0:*]\n" ..
        "plot '-' using 1:2:3 with boxes notitle\n" ..
        table.concat(data, "\n") .. "\ne\n"
end

-- ---- Matrices ----

-- One colour of a pixel, 0 to 255; NaN, which has none, is left away.
local function byte(value, share)
    if value ~= value then return "NaN" end
    return ("%d"):format(math.floor(255 * math.max(0, math.min(1, share(value))) + 0.5))
end

-- The pixels of a tile as boxes around their places, row 1 the upper one: gnuplot's own images
-- must have two rows and two columns.
local function tile_script(tile, picture, title)
    local lines, share = {}, axes.share(axes.widen(picture.low, picture.high))
    for i, row in ipairs(tile.values) do
        for j, value in ipairs(row) do
            local ink
            if type(value) == "table" then
                ink = byte(value[1], share) .. " " .. byte(value[2], share) .. " " ..
                    byte(value[3], share)
            else
                ink = number(value)
            end
            lines[#lines + 1] = ("%d %d %s"):format(j, i, ink)
        end
    end
    local how = tile.colours and
        "(0.5):(0.5):(int($3)*65536+int($4)*256+int($5)) with boxxyerror fs solid " ..
        "lc rgb variable" or
        "(0.5):(0.5):3 with boxxyerror fs solid lc palette"
    return (title and "set title " .. title .. "\n" or "") ..
        ("set xrange [0.5:%d.5]\nset yrange [%d.5:0.5]\n"):format(tile.columns, tile.rows) ..
        (tile.columns < FEW and "set xtics 1\n" or "") ..
        (tile.rows < FEW and "set ytics 1\n" or "") ..
        "plot '-' using 1:2:" .. how .. "\n" .. table.concat(lines, "\n") .. "\ne\n"
end

function drawn.matrix(picture)
    local rows, columns = 0, 0
    for _, tile in ipairs(picture.tiles) do
        rows, columns = math.max(rows, tile.rows), math.max(columns, tile.columns)
    end
    if rows * columns == 0 then error("nothing to draw: no elements", 0) end
    local count = math.min(#picture.tiles, picture.count or TILES)
    matrix.prepare(picture, count, math.ceil(rows / PIXELS), math.ceil(columns / PIXELS))
    local low, high = axes.widen(picture.low, picture.high)
    local out = {picture.grey and "set palette gray\n" or picture.signed and SIGNED or PALETTE,
        ("set cbrange [%s:%s]\n"):format(number(low), number(high)),
        "set size ratio -1\nunset key\n",
        (picture.grey or count > 1) and "set format ''\nset tics scale 0\nunset colorbox\n" or ""}
    if count == 1 then
        local tile = picture.tiles[1]
        local title = picture.title or tile.name
        out[#out + 1] = tile_script(tile, picture, title and script.quoted(title))
        return table.concat(out)
    end
    local across = math.ceil(math.sqrt(count * 1.6))
    out[#out + 1] = ("set multiplot layout %d,%d margins 0.02,0.98,0.02,%g spacing 0.01,0.06%s\n")
        :format(math.ceil(count / across), across, picture.title and 0.88 or 0.95,
            picture.title and " title " .. script.quoted(picture.title) or "")
    for i = 1, count do
        local title = script.quoted(picture.tiles[i].name or i) .. " offset 0,-0.7"
        out[#out + 1] = tile_script(picture.tiles[i], picture, title)
    end
    return table.concat(out) .. "unset multiplot\n"
end

function drawn.confusion(picture)
    local tics, cells, most = {}, {}, 0
    for i, name in ipairs(picture.names) do
        tics[i] = ("%s %d"):format(script.quoted(name), i - 1)
    end
    for _, row in ipairs(picture.counts) do
        for _, count in ipairs(row) do most = math.max(most, count) end
    end
    for i, row in ipairs(picture.counts) do
        for j, count in ipairs(row) do
            -- White on dark, black on light.
            local ink = count > LIGHT * most and 0 or 0xffffff
            cells[#cells + 1] = ("%d %d %s %d"):format(j - 1, i - 1, number(count), ink)
        end
    end
    local list = table.concat(tics, ", ")
    return PALETTE .. "set size ratio -1\nunset key\n" ..
        "set xlabel 'answered'\nset ylabel 'wanted'\n" ..
        ("set xtics (%s)\nset ytics (%s)\nset yrange [:] reverse\nset autoscale fix\n"):format(list,
            list) ..
        "$cells << END\n" .. table.concat(cells, "\n") .. "\nEND\n" ..
        "plot $cells using 1:2:(0.5):(0.5):3 with boxxyerror fs solid lc palette, " ..
        "$cells using 1:2:3:4 with labels tc rgb variable\n"
end

-- ---- What is inside networks ----

local ABOVE <const>, BELOW <const> = 0x0072b2, 0xe69f00
local HALF <const> = 0.46 -- of the side of a cell that is full

-- Squares whose areas are the sizes of a matrix's numbers, row 1 the upper one.
local function squares(part, most, title)
    local values, lines, marks = part.matrix:totable(), {}, {}
    local largest = most or 0
    for _, row in ipairs(most and {} or values) do
        for _, value in ipairs(row) do
            local size = math.abs(value)
            if size > largest and size < math.huge then largest = size end
        end
    end
    for i, row in ipairs(values) do
        for j, value in ipairs(row) do
            if not (value - value == 0) then
                marks[#marks + 1] = ("set label '%s' at %d,%d center\n"):format(
                    value ~= value and "NaN" or value > 0 and "inf" or "-inf", j, i)
            elseif value ~= 0 and largest > 0 then
                local half = HALF * math.sqrt(math.min(1, math.abs(value) / largest))
                lines[#lines + 1] = ("%d %d %.4f %d"):format(j, i, half, value > 0 and ABOVE or
                    BELOW)
            end
        end
    end
    if #lines == 0 then lines[1] = "NaN NaN NaN 0" end
    local tics = {}
    for i, name in ipairs(part.rows or {}) do
        tics[i] = ("%s %d"):format(script.quoted(name), i)
    end
    return ("set title %s\n"):format(script.quoted(title)) ..
        (#tics > 0 and ("set ytics (%s)\n"):format(table.concat(tics, ", ")) or
        #values < FEW and "set ytics 1\n" or "set ytics autofreq\n") ..
        (#values[1] < FEW and "set xtics 1\n" or "set xtics autofreq\n") ..
        ("set xrange [0.5:%d.5]\nset yrange [%d.5:0.5]\n"):format(#values[1], #values) ..
        "unset label\n" .. table.concat(marks) ..
        "plot '-' using 1:2:3:3:4 with boxxyerror fs solid noborder lc rgb variable\n" ..
        table.concat(lines, "\n") .. "\ne\n"
end

local HINTON <const> = "set size ratio -1\nunset key\nset tics scale 0\nset object 1 rectangle " ..
    "from graph 0,0 to graph 1,1 fc rgb '#e4e4e4' fs solid noborder behind\n"

function drawn.hinton(picture)
    if picture.matrix:numel() == 0 then error("nothing to draw: no elements", 0) end
    return HINTON .. squares(picture, picture.high, picture.title or "")
end

-- Where one of a layer's parameters is a gallery, it is drawn; else all, below each other.
function drawn.weights(picture)
    for _, part in ipairs(picture.parts) do
        if part.tiles then
            return drawn.matrix {tiles = part.tiles, signed = true, title = picture.title,
                high = picture.high, low = picture.high and -picture.high, count = picture.count}
        end
    end
    local out = {HINTON, ("set multiplot layout %d,1 title %s\n"):format(#picture.parts,
        script.quoted(picture.title))}
    for _, part in ipairs(picture.parts) do
        out[#out + 1] = squares(part, picture.high, part.name)
    end
    return table.concat(out) .. "unset multiplot\n"
end

-- All heads of all layers.
function drawn.attention(picture)
    local tiles = {}
    for _, map in ipairs(picture.maps) do
        for h, tile in ipairs(attention.tiles(map)) do
            tile.name = #picture.maps > 1 and map.title:match "^[^:]*" .. ", " .. tile.name or
                tile.name
            if not picture.head or picture.head == h then tiles[#tiles + 1] = tile end
        end
    end
    return drawn.matrix {tiles = tiles, low = 0, high = 1, title = picture.title}
end

-- Neurons at places from 0 to 1, an arrow without a head for each weight that is drawn.
function drawn.network(picture)
    local out, dots, labels, layers = {}, {}, {}, picture.layers
    local function place(i, k)
        return (i - 1) / (#layers - 1), 1 - (k - 0.5) / layers[i].count
    end
    local function label(text, x, y, where)
        labels[#labels + 1] = ("set label %s at %.4f,%.4f %s\n"):format(script.quoted(text), x, y,
            where)
    end
    for i, layer in ipairs(layers) do
        label(layer.title, (i - 1) / (#layers - 1), 1.06, "center")
        for k, row in ipairs(layer.w or {}) do
            local x, y = place(i, k)
            for j, value in ipairs(row) do
                local strength, series = network.stroke(value, picture.largest)
                local from_x, from_y = place(i - 1, j)
                if strength > 0 then
                    out[#out + 1] = ("set arrow from %.4f,%.4f to %.4f,%.4f nohead back lw %.2f " ..
                        "dt %d lc rgb %d\n"):format(from_x, from_y, x, y,
                        5 * math.min(1, math.abs(value) / picture.largest), series,
                        series == 1 and ABOVE or BELOW)
                end
            end
        end
        for k = 1, layer.count do dots[#dots + 1] = ("%.4f %.4f"):format(place(i, k)) end
    end
    for side, names in pairs {[1] = picture.inputs, [#layers] = picture.outputs} do
        for k, name in ipairs(names) do
            local x, y = place(side, k)
            label(tostring(name), x, y, side == 1 and "right offset -1,0" or "left offset 1,0")
        end
    end
    if picture.lost then label(picture.lost, 0.5, -0.03, "center") end
    return "unset border\nunset tics\nunset key\nset xrange [-0.25:1.25]\n" ..
        "set yrange [-0.05:1.12]\n" .. table.concat(out) .. table.concat(labels) ..
        "plot '-' using 1:2 with points pt 7 ps 2 lc rgb 'black'\n" ..
        table.concat(dots, "\n") .. "\ne\n"
end

-- What gnuplot is told of a picture of a kind. Errors have no position: they are the caller's.
function script.write(kind, picture)
    return "set termoption noenhanced\n" .. titles(picture) .. drawn[kind](picture)
end

return script
