-- How a step looks: its title, texts, commands with what they give.

local _, nabla = ...

local screen = require "nabla.plot.screen"
local names = require "nabla.learn.names"

local math, table = math, table
local _G, print = _G, print

local page = {}

local WIDEST <const>, NARROWEST <const> = 78, 20

-- With the session's own print, where it has one.
function page.say(text)
    local say = _G.print or print
    say(text)
end

local function wrapped(text, indent)
    local width = math.max(NARROWEST, math.min(WIDEST, (screen.size())))
    return nabla._help.wrap(text, indent or "", width)
end

-- A text of a lesson: `code` in it is shown as it can be typed.
function page.text(text)
    page.say(wrapped((text:gsub("`(.-)`", names.shown))))
end

function page.title(text)
    page.say(screen.colours() and "\27[1m" .. text .. "\27[0m" or text)
end

function page.quiet(text)
    text = wrapped((text:gsub("`(.-)`", names.shown)))
    page.say(screen.colours() and "\27[2m" .. text .. "\27[0m" or text)
end

-- Runs a command under its own line, as if it had been typed: a ; at its end keeps it quiet. What
-- it raises goes on.
function page.command(code)
    local mark = screen.is_utf8() and "∇ " or "nabla> "
    if screen.colours() then mark = "\27[1;34m" .. mark .. "\27[0m" end -- as the prompt has it
    page.say(mark .. names.shown(code))
    local values = table.pack(names.run(code))
    if values.n > 0 and not code:find ";$" then page.say(names.text(values)) end
end

return page
