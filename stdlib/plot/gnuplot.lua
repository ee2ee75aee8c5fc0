-- Pictures in files: gnuplot draws them, when it is installed; what it is told goes through a pipe.

local script = require "nabla.plot.script"

local io, os = io, os
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

-- A word for the system's shell, and one for gnuplot.
local function shell_word(text)
    return "'" .. text:gsub("'", "'\\''") .. "'"
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
    pipe:write("set terminal ", terminal, "\nset output ", script.quoted(whole), "\n",
        script.write(kind, picture), "unset output\n")
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
