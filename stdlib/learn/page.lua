-- How a step looks: its title, texts, commands with what they give.

local _, nabla = ...

local screen = require "nabla.plot.screen"
local names = require "nabla.learn.names"

local math, table = math, table
local _G, pcall, print, require, tostring = _G, pcall, print, require, tostring

local page = {}

local WIDEST <const>, NARROWEST <const> = 78, 20
local MARK <const> = {86, 180, 233} -- the colour of the prompt's sign
local QUIET <const> = {140, 140, 140}

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
    local depth = screen.colours()
    text = wrapped((text:gsub("`(.-)`", names.shown)))
    page.say(depth and screen.paint(text, QUIET, depth) or text)
end

-- Runs a command under its own line, as if it had been typed. What it raises goes on.
function page.command(code)
    local mark = screen.is_utf8() and "∇ " or "nabla> "
    page.say(screen.paint(mark, MARK, screen.colours()) .. names.shown(code))
    local values = table.pack(names.run(code))
    if values.n > 0 then page.say(names.text(values)) end
end

return page
