-- What specs of pictures share: the text of a picture, whatever the terminal.

local spec = require "spec"

local plotted = {}

-- Runs fn with an environment of our own and gives back what was printed. The terminal is as told.
function plotted.printed(variables, columns, fn)
    local getenv, loud, terminal = os.getenv, print, spec.nabla._terminal
    local lines = {}
    os.getenv = function(name) return variables[name] end
    print = function(text) lines[#lines + 1] = text end
    spec.nabla._terminal = function() return columns end
    local ok, message = pcall(fn)
    os.getenv, print, spec.nabla._terminal = getenv, loud, terminal
    if not ok then error(message, 0) end
    return table.concat(lines, "\n")
end

plotted.ASCII, plotted.UTF8 = {LANG = "C"}, {LANG = "C.UTF-8"}

-- What a function of plot gives back in such an environment.
function plotted.drawn(variables, fn, ...)
    local arguments, text = table.pack(...), nil
    plotted.printed(variables, nil, function()
        text = fn(table.unpack(arguments, 1, arguments.n))
    end)
    return text
end

-- The widest line of a picture, without what colours it.
function plotted.widest(text)
    local most = 0
    for line in text:gsub("\27%[[%d;]*m", ""):gmatch "[^\n]+" do
        most = math.max(most, utf8.len(line))
    end
    return most
end

return plotted
