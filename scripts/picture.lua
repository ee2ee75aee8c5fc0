-- Draws a screen that steps have stored (tests/shell/looks.h) as an SVG, on a dark or a light
-- ground.
-- usage: nabla scripts/picture.lua SCREEN dark|light > PICTURE

local WIDTH <const>, HEIGHT <const>, MARGIN <const>, SIZE <const> = 8.43, 19, 16, 14
local grounds = {
    -- The prompt's palette has its contrast on black.
    dark = {ground = "#080808", text = "#d4d4d4", frame = "#3c3c3c"},
    light = {ground = "#ffffff", text = "#24292f", frame = "#d0d7de"},
}
local names = {bold = 'font-weight="bold"', italic = 'font-style="italic"',
    underline = 'text-decoration="underline"', dim = 'opacity=".6"'}
local shades = {[0x2588] = 1, [0x2593] = .75, [0x2592] = .5, [0x2591] = .25} -- █ ▓ ▒ ░
local escapes = {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;"}

-- One of xterm's 256 beyond the first 16: a cube of 6 x 6 x 6, 24 greys.
local function colour_of(number)
    local function level(k) return k == 0 and 0 or 55 + 40 * k end
    if number >= 232 then
        local grey = 8 + 10 * (number - 232)
        return ("#%02x%02x%02x"):format(grey, grey, grey)
    end
    assert(number >= 16, "the first 16 colours are the terminal's own")
    local at = number - 16
    return ("#%02x%02x%02x"):format(level(at // 36), level(at // 6 % 6), level(at % 6))
end

-- Rows with their letters, looks by letter, the cursor's place.
local function read(path)
    local rows, looks, cursor = {}, {}, nil
    for line in assert(io.lines(path)) do
        local kind, rest = line:sub(1, 1), line:sub(2)
        if kind == "|" then
            rows[#rows + 1] = {text = rest, letters = ""}
        elseif kind == ":" then
            rows[#rows].letters = rest
        elseif line:match "^cursor " then
            cursor = {line:match "^cursor (%d+) (%d+)$"}
        else
            looks[kind] = rest
        end
    end
    return rows, looks, cursor
end

-- As attributes, which every renderer of SVG knows.
local function style_of(look)
    local out, on = {}, look:match " on (%S+)"
    assert(not on, "a colour behind the text is not drawn")
    for word in look:gmatch "%S+" do
        local colour = word:match "^#" and word or tonumber(word) and colour_of(tonumber(word))
        out[#out + 1] = assert(colour and ('fill="%s"'):format(colour) or names[word], word)
    end
    return " " .. table.concat(out, " ")
end

-- Stretches of one look without two blanks in a row, none at their ends: column, text, letter. A
-- shade is one of its own, with its share: fonts leave gaps between the rows.
local function stretches(row)
    local out, column, blanks = {}, 0, 2
    for _, code in utf8.codes(row.text) do
        local letter, last = row.letters:sub(column + 1, column + 1), out[#out]
        if letter == "" then letter = " " end
        local shade = shades[code]
        if code ~= 32 and (blanks > 1 or last.letter ~= letter or last.shade ~= shade) then
            out[#out + 1] = {column = column, letter = letter, text = utf8.char(code), shade = shade}
        elseif code ~= 32 then
            last.text = last.text .. (" "):rep(blanks) .. utf8.char(code)
        end
        blanks, column = code == 32 and blanks + 1 or 0, column + 1
    end
    return out
end

local function write_shade(s, i, style, ground)
    io.write(('<rect x="%.2f" y="%d" width="%.2f" height="%d" opacity="%.2f"%s/>\n'):format(
        MARGIN + s.column * WIDTH, MARGIN + (i - 1) * HEIGHT, utf8.len(s.text) * WIDTH, HEIGHT,
        s.shade, style:find "fill=" and style or ('%s fill="%s"'):format(style, ground.text)))
end

local function write_row(row, i, looks, ground)
    for _, s in ipairs(stretches(row)) do
        local style = s.letter == " " and "" or style_of(looks[s.letter])
        if s.shade then
            write_shade(s, i, style, ground)
        else
            io.write(('<text x="%.2f" y="%d" textLength="%.2f"%s>%s</text>\n'):format(
                MARGIN + s.column * WIDTH, MARGIN + i * HEIGHT - 5, utf8.len(s.text) * WIDTH,
                style, (s.text:gsub("[&<>]", escapes))))
        end
    end
end

local function write(rows, looks, cursor, ground)
    local columns = 0
    for _, row in ipairs(rows) do columns = math.max(columns, utf8.len(row.text) + 1) end
    local width = math.ceil(columns * WIDTH + 2 * MARGIN)
    local height = #rows * HEIGHT + 2 * MARGIN
    io.write('<svg xmlns="http://www.w3.org/2000/svg" ',
        ('width="%d" height="%d" '):format(width, height),
        ('viewBox="0 0 %d %d" role="img">\n'):format(width, height),
        "<title>A session at nabla's prompt</title>\n",
        ('<rect x=".5" y=".5" width="%d" height="%d" rx="8" fill="%s" stroke="%s"/>\n'):format(
            width - 1, height - 1, ground.ground, ground.frame),
        ('<rect x="%.2f" y="%d" width="%.2f" height="%d" fill="%s" opacity=".5"/>\n'):format(
            MARGIN + cursor[2] * WIDTH, MARGIN + cursor[1] * HEIGHT, WIDTH, HEIGHT, ground.text),
        '<g shape-rendering="crispEdges" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" ',
        ('font-size="%d" fill="%s">\n'):format(SIZE, ground.text))
    for i, row in ipairs(rows) do write_row(row, i, looks, ground) end
    io.write "</g>\n</svg>\n"
end

local ground = grounds[arg[2]]
if not arg[1] or not ground then
    io.stderr:write "usage: nabla scripts/picture.lua SCREEN dark|light\n"
    os.exit(2)
end
local rows, looks, cursor = read(arg[1])
write(rows, looks, cursor, ground)
