-- Pictures in files: gnuplot draws them, when it is installed. A picture is what the parts for the
-- terminal take; the numbers go through a pipe.

local io, math, os, table = io, math, os, table
local error, ipairs, pairs, tostring = error, ipairs, pairs, tostring

local gnuplot = {}

-- The endings of files, and the terminals of gnuplot that write them.
local TERMINALS <const> = {
    svg = "svg size 800,500 dynamic background rgb 'white' font 'sans,14'",
    png = "pngcairo size 1200,750 font 'sans,18'",
    pdf = "pdfcairo size 16cm,10cm font 'sans,11'",
}

local PALETTE <const> = "set palette defined (0 '#0d0850', 1 '#541080', 2 '#9c2880', " ..
    "3 '#d85060', 4 '#f89040', 5 '#fae164')\n"

local function terminal_of(path)
    local ending = tostring(path):match "%.(%w+)$"
    local terminal = ending and TERMINALS[ending:lower()]
    if terminal then return terminal end
    error(("file must end in .svg, .png or .pdf, not '%s'"):format(tostring(path)), 0)
end

local LIGHT <const> = 0.65 -- of the palette is light from here

-- A word for the system's shell, and one for gnuplot.
local function shell_word(text)
    return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function quoted(text)
    return "'" .. tostring(text):gsub("'", "''"):gsub("\n", " ") .. "'"
end

local function number(value)
    if value ~= value or value == math.huge or value == -math.huge then return "NaN" end
    return ("%.9g"):format(value)
end

local function titles(picture)
    local out = {}
    for name, command in pairs {title = "title", xlabel = "xlabel", ylabel = "ylabel"} do
        if picture[name] then
            out[#out + 1] = ("set %s %s noenhanced\n"):format(command, quoted(picture[name]))
        end
    end
    table.sort(out)
    return table.concat(out)
end

local drawn = {}

function drawn.lines(picture)
    local plots, data = {}, {}
    for i, series in ipairs(picture.series) do
        local label = series.label
        local title = label and "title " .. quoted(label) .. " noenhanced" or "notitle"
        plots[i] = ("'-' using 1:2 with %s lw 2 %s"):format(picture.points and "points" or "lines",
            title)
        for k, x in ipairs(series.x) do
            data[#data + 1] = number(x) .. " " .. number(series.y[k])
        end
        data[#data + 1] = "e"
    end
    local range = ("set yrange [%s:%s]\n"):format(picture.low and number(picture.low) or "*",
        picture.high and number(picture.high) or "*")
    return "set grid\n" .. range .. (picture.log and "set logscale y\n" or "") .. "plot " ..
        table.concat(plots, ", ") .. "\n" .. table.concat(data, "\n") .. "\n"
end

function drawn.bars(picture)
    local data = {}
    for i, count in ipairs(picture.counts) do
        local low, high = picture.edges[i], picture.edges[i + 1]
        data[i] = ("%s %s %s"):format(number((low + high) / 2), number(count), number(high - low))
    end
    return "set style fill solid 0.8\nset yrange [0:*]\n" ..
        "plot '-' using 1:2:3 with boxes notitle\n" ..
        table.concat(data, "\n") .. "\ne\n"
end

-- Row 1 is the upper one, as in the terminal.
function drawn.matrix(picture)
    local lines = {}
    for i = 1, picture.rows do
        local line = {}
        for j = 1, picture.columns do line[j] = number(picture.values[i][j]) end
        lines[i] = table.concat(line, " ")
    end
    local colours = picture.grey and "set palette gray\n" or PALETTE
    return colours .. ("set cbrange [%s:%s]\n"):format(number(picture.low), number(picture.high)) ..
        "set size ratio -1\nset yrange [:] reverse\nset autoscale fix\nunset key\n" ..
        (picture.grey and "unset tics\nunset colorbox\n" or "") ..
        "$rows << END\n" .. table.concat(lines, "\n") .. "\nEND\n" ..
        "plot $rows matrix using ($1+1):($2+1):3 with image\n"
end

function drawn.confusion(picture)
    local tics, cells, most = {}, {}, 0
    for i, name in ipairs(picture.names) do tics[i] = ("%s %d"):format(quoted(name), i - 1) end
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
        "plot $cells using 1:2:3 with image, $cells using 1:2:3:4 with labels tc rgb variable\n"
end

-- Writes a picture of a kind into a file, which appears whole or not at all. Errors have no
-- position: they are the caller's.
function gnuplot.write(kind, picture, path)
    local terminal = terminal_of(path)
    if not os.execute "command -v gnuplot > /dev/null 2>&1" then
        error("a picture in a file is drawn by gnuplot, which is not installed; " ..
            "on Debian: apt-get install gnuplot-nox", 0)
    end
    local whole = path .. ".part"
    local pipe = io.popen("gnuplot > /dev/null 2> " .. shell_word(whole .. ".log"), "w")
    pipe:write("set terminal ", terminal, "\nset output ", quoted(whole), "\n", titles(picture),
        drawn[kind](picture), "unset output\n")
    local fine = pipe:close()
    local log = io.open(whole .. ".log")
    local said = log and log:read "a" or ""
    if log then log:close() end
    os.remove(whole .. ".log")
    if fine and os.rename(whole, path) then return end
    os.remove(whole)
    local reason = said:match "([^\n]*[%w][^\n]*)\n*$" or "no reason given"
    error(("cannot draw %s: %s"):format(path, reason), 0)
end

return gnuplot
