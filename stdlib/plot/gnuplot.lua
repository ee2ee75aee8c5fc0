-- Pictures in files: gnuplot draws them, when it is installed; what it is told and what it draws
-- goes through pipes.

local _, nabla = ...

local script = require "nabla.plot.script"

local error, tostring = error, tostring

local gnuplot = {}

-- The endings of files, and the terminals of gnuplot that write them.
local TERMINALS <const> = {
    svg = "svg size 800,500 dynamic background rgb 'white' font 'sans,14'",
    png = "pngcairo size 1200,750 font 'sans,18'",
    pdf = "pdfcairo size 16cm,10cm font 'sans,11'",
}

local function terminal_of(path)
    local ending = tostring(path):match "%.(%w+)$"
    local terminal = ending and TERMINALS[ending:lower()]
    if terminal then return terminal end
    error(("file must end in .svg, .png or .pdf, not '%s'"):format(tostring(path)), 0)
end

-- Writes a picture of a kind into a file, which appears whole or not at all. Errors have no
-- position: they are the caller's.
function gnuplot.write(kind, picture, path)
    local input = "set terminal " .. terminal_of(path) .. "\n" .. script.write(kind, picture)
    local fine, said, told = nabla._write_by(path, input, "gnuplot")
    if fine then return end
    if fine == nil then
        error("a picture in a file is drawn by gnuplot, which is not installed; " ..
            "on Debian: apt-get install gnuplot-nox", 0)
    end
    if told then error(said, 0) end
    local reason = said:match "([^\n]*[%w][^\n]*)\n*$" or "no reason given"
    error(("cannot draw %s: %s"):format(path, reason), 0)
end

return gnuplot
