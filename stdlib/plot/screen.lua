-- What the terminal shows: letters, colours, its size. All is asked anew for every picture, for the
-- window and the environment may have changed.

local _, nabla = ...

local math, os, table, utf8 = math, os, table, utf8
local ipairs, tostring = ipairs, tostring

local screen = {}

local COLUMNS <const>, ROWS <const> = 80, 24 -- where nobody knows

function screen.is_utf8()
    for _, name in ipairs {"LC_ALL", "LC_CTYPE", "LANG"} do
        local value = os.getenv(name)
        if value and value ~= "" then return value:lower():find("utf%-?8") ~= nil end
    end
    return false
end

-- Whether the user wants none. Where it is so, nothing of what is printed hangs on them.
function screen.is_colourless()
    local no = os.getenv "NO_COLOR"
    return no ~= nil and no ~= ""
end

-- "full" (24 bits), "256", or nil for none. Text that is not printed on a terminal has no colours.
function screen.colours()
    local term = os.getenv "TERM" or ""
    if screen.is_colourless() or term == "" or term == "dumb" or not nabla._terminal() then
        return nil
    end
    local depth = os.getenv "COLORTERM" or ""
    if depth == "truecolor" or depth == "24bit" then return "full" end
    -- xterm has them, and mostly no such TERM.
    return (term:find("256color", 1, true) or os.getenv "XTERM_VERSION") and "256" or nil
end

-- Columns and rows of the window, and whether there is one.
function screen.size()
    local columns, rows = nabla._terminal()
    return columns or COLUMNS, rows or ROWS, columns ~= nil
end

-- ---- Text ----

-- What a terminal would obey is spelled out: ESC is \027, as Lua writes it. What is no UTF-8 too.
screen.clean = nabla._shown

-- First and last of the letters that take two columns, and of those that take none.
local WIDE <const> = {
    0x1100, 0x115f, 0x2e80, 0xa4cf, 0xac00, 0xd7a3, 0xf900, 0xfaff, 0xfe30, 0xfe6f, 0xff00, 0xff60,
    0x1f300, 0x1faff, 0x20000, 0x3fffd,
}
local NONE <const> = {0x300, 0x36f, 0x200b, 0x200f, 0xfe00, 0xfe0f}

local function among(code, ranges)
    for i = 1, #ranges, 2 do
        if code >= ranges[i] and code <= ranges[i + 1] then return true end
    end
    return false
end

local function columns_of(code)
    if code < 0x300 then return 1 end
    return among(code, WIDE) and 2 or among(code, NONE) and 0 or 1
end

-- How many columns a clean text takes.
function screen.width(text)
    local width = 0
    for _, code in utf8.codes(text) do width = width + columns_of(code) end
    return width
end

-- The same of a text with colours.
function screen.seen_width(text)
    return screen.width((text:gsub("\27%[[%d;]*m", "")))
end

-- A clean text in as many columns as there are: cut where it is longer.
function screen.fit(text, most)
    if screen.width(text) <= most then return text end
    local sign = screen.is_utf8() and "…" or "~"
    local width, out = 1, {}
    for _, code in utf8.codes(text) do
        width = width + columns_of(code)
        if width > most then break end
        out[#out + 1] = utf8.char(code)
    end
    return table.concat(out) .. sign
end

-- A text at the right or at the left of so many columns.
function screen.right(text, width)
    return (" "):rep(width - screen.width(text)) .. text
end

function screen.left(text, width)
    return text .. (" "):rep(width - screen.width(text))
end

-- Parts side by side, in as many lines as they need; each part is {text, columns it takes}.
function screen.flow(parts, most)
    local lines, line, width = {}, {}, 0
    for _, part in ipairs(parts) do
        if #line > 0 and width + 3 + part[2] > most then
            lines[#lines + 1], line, width = table.concat(line, "   "), {}, 0
        end
        width = width + (#line > 0 and 3 or 0) + part[2]
        line[#line + 1] = part[1]
    end
    if #line > 0 then lines[#lines + 1] = table.concat(line, "   ") end
    return lines
end

-- ---- Colours ----

-- Those of the 256 that no user has changed: a cube of 6 x 6 x 6, and 24 greys.
local function nearest_of_256(r, g, b)
    if r == g and g == b then return 232 + math.floor(r / 255 * 23 + 0.5) end
    local function level(v) return math.floor(v / 255 * 5 + 0.5) end
    return 16 + 36 * level(r) + 6 * level(g) + level(b)
end

-- A colour as the middle of an escape sequence; place 38 is the letter, 48 what is behind it.
function screen.code(place, colour, depth)
    local r, g, b = colour[1], colour[2], colour[3]
    if depth == "full" then return ("%d;2;%d;%d;%d"):format(place, r, g, b) end
    return ("%d;5;%d"):format(place, nearest_of_256(r, g, b))
end

-- A text in a colour; as it is where there are none.
function screen.paint(text, colour, depth)
    if not depth or not colour then return tostring(text) end
    return ("\27[%sm%s\27[0m"):format(screen.code(38, colour, depth), text)
end

-- So many columns of a colour, also where no letter fills a column.
function screen.swatch(columns, colour, depth)
    if screen.is_utf8() or not depth then return screen.paint(("█"):rep(columns), colour, depth) end
    return ("\27[%sm%s\27[0m"):format(screen.code(48, colour, depth), (" "):rep(columns))
end

-- Colours of series that are told apart also by those who see no red or no green (Okabe and Ito
-- 2008), lightened for dark windows where needed.
screen.SERIES = {
    {86, 180, 233}, {230, 159, 0}, {0, 158, 115}, {204, 121, 167}, {240, 228, 66}, {213, 94, 0},
}

-- Dark to light and blue to yellow, each step lighter than the one before; between them it is
-- linear.
local HEAT <const> = {
    {13, 8, 80}, {84, 16, 128}, {156, 40, 128}, {216, 80, 96}, {248, 144, 64}, {250, 225, 100},
}

-- The colour of a level from 0 to 1.
function screen.heat(level)
    local at = level * (#HEAT - 1)
    local below = math.min(math.floor(at), #HEAT - 2)
    local share, low, high = at - below, HEAT[below + 1], HEAT[below + 2]
    local out = {}
    for i = 1, 3 do out[i] = math.floor(low[i] + share * (high[i] - low[i]) + 0.5) end
    return out
end

function screen.grey(level)
    local value = math.floor(level * 255 + 0.5)
    return {value, value, value}
end

return screen
