-- help(x): reads the book of help to the user. The book is a list of entries
-- {name, kind, usage, text, options, example, value} that the C side fills from its descriptors;
-- files of stdlib/ add theirs with doc. Pages that belong to no function are in stdlib/help/.
--
-- book.foreign(i) gives the words of other tools one by one: the word, what it is here, the name of
-- the page that says more. book.shown(text) is a text as it may be shown. book.window() gives the
-- columns of the terminal that is printed to, nothing where there is none.
--
-- In an example "→" begins a comment: what the line gives.

local _, book = ...

-- Of its own, because at a prompt a global soon has another value.
local concat, move, sort = table.concat, table.move, table.sort
local pack, unpack = table.pack, table.unpack
local length, offset = utf8.len, utf8.offset
local max, min = math.max, math.min
local require = require
local error, getmetatable, ipairs, load, pairs, rawequal, rawget, select, type =
    error, getmetatable, ipairs, load, pairs, rawequal, rawget, select, type
local _G, standard_print = _G, print

local M = {}

-- Adds an entry; value is what help(value) finds it by.
function M.doc(value, entry)
    entry.value = value
    book[#book + 1] = entry
    return value
end

-- ---- Finding ----

-- The name behind the last "." or ":", by which people ask.
local function short(name)
    return name:match("[^.:]+$") or name
end

-- All entries with this name, whole or short, in the order of the book; a method is also found with
-- a dot.
function M.find(name)
    local whole, part = {}, {}
    name = name:gsub("^x:", "tensor:"):gsub("%(%)$", ""):gsub("^net%[%w+%]", "net[l]")
    name = name:gsub("^t%[%w+%]([.:])", "trace%1"):gsub("^nn%.[%w_]+%.df$", "activation.df")
    local method, under_nn = name:gsub("%.([%w_]+)$", ":%1"), name:match("^nn%.([%w_]+)$")
    for _, entry in ipairs(book) do
        local activation = entry.name == under_nn and entry.kind == "activation"
        if entry.name == name or entry.name == method or activation then
            whole[#whole + 1] = entry
        elseif short(entry.name) == name then part[#part + 1] = entry end
    end
    move(part, 1, #part, #whole + 1, whole)
    return whole
end

-- The entry of a value: a function, a module.
function M.of_value(value)
    if value == nil then return nil end
    for _, entry in ipairs(book) do
        if rawequal(entry.value, value) then return entry end
    end
end

-- All that an entry says, in one line.
local function words_of(entry)
    local parts = {entry.name, entry.kind, entry.usage or "", entry.text or ""}
    for _, option in ipairs(entry.options or {}) do
        parts[#parts + 1] = option.name
        parts[#parts + 1] = option.text
    end
    return (concat(parts, " "):gsub("%s+", " "))
end

-- All entries in which a word begins so, in any case.
function M.search(word)
    local found = {}
    local pattern = word:lower():gsub("%p", "%%%0")
    if word:find("^%w") then pattern = "%f[%w]" .. pattern end
    for _, entry in ipairs(book) do
        if words_of(entry):lower():find(pattern) then found[#found + 1] = entry end
    end
    return found
end

-- How many letters must be put in, left out, replaced or swapped with their neighbour to make b
-- of a.
local function distance(a, b)
    local before, row = {}, {}
    for j = 0, #b do row[j] = j end
    for i = 1, #a do
        local next = {[0] = i}
        for j = 1, #b do
            local x, y = a:byte(i), b:byte(j)
            next[j] = min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (x == y and 0 or 1))
            local swapped = i > 1 and j > 1 and x == b:byte(j - 1) and a:byte(i - 1) == y
            if swapped then next[j] = min(next[j], before[j - 2] + 1) end
        end
        before, row = row, next
    end
    return row[#b]
end

local MOST_NEAR = 5 -- names proposed for an unknown one
local LONGEST = 64 -- bytes of a word that may be a name

-- What a word of other tools is here, in a line, and the page that says more; nil for others.
function M.foreign(word)
    local i, told, topic = 1, nil, nil
    repeat
        local other, here, page = book.foreign(i)
        if other == word and not told then
            told = ("'%s' is a word of other tools; here it is: %s"):format(word, here)
            topic = page
        end
        i = i + 1
    until not other
    return told, topic
end

-- The one of a few names that a word is nearest to; nil where none is near.
function M.nearest_of(word, names)
    return book.nearest_of(word, names)
end

-- The names nearest to a word that is none, best first.
function M.nearest(word)
    local seen, near = {}, {}
    word = short(word):lower()
    if #word > LONGEST then return {} end
    for place, entry in ipairs(book) do
        local name = short(entry.name)
        local away = distance(word, name:lower())
        if not seen[name] and away <= max(1, #word // 3) then
            seen[name] = true
            near[#near + 1] = {name = name, away = away, place = place}
        end
    end
    sort(near, function(a, b)
        if a.away ~= b.away then return a.away < b.away end
        return a.place < b.place
    end)
    local names = {}
    for i = 1, min(#near, MOST_NEAR) do names[i] = near[i].name end
    return names
end

-- ---- Writing ----

local WIDEST <const>, NARROWEST <const> = 78, 16

-- Columns of a page; parts of it are indented once more, by two.
local function page_width()
    local columns = book.window() or WIDEST + 2
    return max(NARROWEST, min(WIDEST, columns - 2))
end

-- The letters of a line, not its bytes.
local function letters(text)
    return length(text) or #text
end

-- The column at which the last one of a table's row begins, behind a gap; nil where it is no row.
local function last_column(line)
    local before = line:match("^%s+%S.*%s%s+()%S")
    return before and letters(line:sub(1, before - 1))
end

-- Words from a column on, behind what stands before it.
local function fold_row(head, words, column, width)
    local lines, line, blank = {}, head, true
    for word in words:gmatch("%S+") do
        if not blank and letters(line) + 1 + letters(word) > width then
            lines[#lines + 1], line, blank = line, (" "):rep(column), true
        end
        line, blank = blank and line .. word or line .. " " .. word, false
    end
    lines[#lines + 1] = line
    return concat(lines, "\n")
end

local BELOW <const> = 4 -- columns before what stands below its name

-- A row of a table that is too wide goes on below its last column, with what went on there already;
-- in a window that is narrower than pages are, where the column leaves no room, below its name.
local function fold_tables(text, width)
    local out, row, narrow = {}, {}, page_width() < WIDEST
    local function finish()
        if row.wide and 3 * row.column >= 2 * width then
            out[#out + 1] = row.head:gsub("%s+$", "")
            out[#out + 1] = fold_row((" "):rep(BELOW), row.words, BELOW, width)
        elseif row.wide then
            out[#out + 1] = fold_row(row.head, row.words, row.column, width)
        else
            move(row, 1, #row, #out + 1, out)
        end
        row = {}
    end
    for line in (text .. "\n"):gmatch("(.-)\n") do
        local goes_on = row.column and line:match("^%s+()%S") == row.column + 1
        if not goes_on then
            finish()
            row.column = last_column(line)
            local begin = row.column and offset(line, row.column + 1) or 1
            row.head, row.words = line:sub(1, begin - 1), line:sub(begin)
        else
            row.words = row.words .. line
        end
        row[#row + 1] = line
        local beside = row.column and 3 * row.column < 2 * width
        local below = row.column and narrow and width > 2 * BELOW
        row.wide = row.wide or letters(line) > width and (beside or below)
    end
    finish()
    return concat(out, "\n")
end

-- Breaks a text into lines at blanks. An empty line ends a paragraph; lines that begin with a blank
-- stay as they are.
local function wrap(text, indent, width)
    local lines = {}
    width = width or page_width()
    text = fold_tables(text:gsub("(%S)\n(%S)", "%1 %2"), width - letters(indent))
    for line in (text .. "\n"):gmatch("(.-)\n") do
        local current = indent
        if line:find("^%s") or line == "" then
            current = indent .. line
        else
            for word in line:gmatch("%S+") do
                if letters(current) + letters(word) >= width and current ~= indent then
                    lines[#lines + 1] = current
                    current = indent
                end
                current = current == indent and indent .. word or current .. " " .. word
            end
        end
        lines[#lines + 1] = (current:gsub("%s+$", ""))
    end
    return concat(lines, "\n")
end

M.wrap = wrap

local function indented(text)
    return "  " .. text:gsub("\n", "\n  ")
end

local NEEDED = "must be given" -- stands where a default would, in options that have none

-- Name, text and what is allowed, the text wrapped beside the names.
local function option_lines(options)
    local lines, wide = {}, 0
    for _, option in ipairs(options) do wide = max(wide, letters(option.name)) end
    local below = 2 * (wide + 4) > page_width()
    for i, option in ipairs(options) do
        local notes = {option.range}
        if option.standard == NEEDED then notes[#notes + 1] = NEEDED
        elseif option.standard then notes[#notes + 1] = "by default " .. option.standard end
        local note = #notes > 0 and " (" .. concat(notes, "; ") .. ")" or ""
        local margin = (" "):rep(below and BELOW or wide + 4)
        local name = "  " .. option.name .. (" "):rep(wide - letters(option.name)) .. "  "
        if below then name = "  " .. option.name .. "\n" .. margin end
        lines[i] = name .. wrap((option.text or "") .. note, margin):sub(#margin + 1)
    end
    return concat(lines, "\n")
end

local CALLED = {["function"] = true, method = true, field = true}

-- A heading, its further lines indented.
local function hanging(text)
    return wrap(text, "  "):sub(3)
end

local function entry_text(entry)
    local parts = {}
    if CALLED[entry.kind] then
        parts[1] = hanging(entry.usage)
    else
        parts[1] = hanging(entry.kind == "page" and entry.name or entry.kind .. " " .. entry.name)
        local usage = entry.usage or ""
        if usage ~= "" and usage ~= entry.name then parts[2] = wrap(usage, "  ") end
    end
    parts[#parts + 1] = wrap(entry.text or "", "  ")
    if entry.options and #entry.options > 0 then
        parts[#parts + 1] = "  options\n" .. indented(option_lines(entry.options))
    end
    if entry.example then
        parts[#parts + 1] = "  example\n" .. indented(indented(entry.example))
    end
    return concat(parts, "\n")
end

local LEAST_TEXT <const> = 10 -- letters of a text that is begun

-- One line for lists: the name and the beginning of its text.
local function line_of(entry, wide)
    local text = (entry.text or ""):match("^%s*([^\n]*)")
    local name = entry.name .. (" "):rep(wide - letters(entry.name))
    local room = page_width() - wide - 4
    if room < LEAST_TEXT then return "  " .. entry.name end
    if letters(text) > room then
        text = text:sub(1, offset(text, room) - 1):gsub("%s+%S*$", "") .. " …"
    end
    return "  " .. name .. "  " .. text
end

local function list_of(entries)
    local lines, wide = {}, 0
    for _, entry in ipairs(entries) do wide = max(wide, letters(entry.name)) end
    for i, entry in ipairs(entries) do lines[i] = line_of(entry, wide) end
    return concat(lines, "\n")
end

-- Names of a family in a few lines: what a handle can do, what a module holds.
local function members_text(prefix)
    local names = {}
    for _, entry in ipairs(book) do
        local mark, name = entry.name:match("^" .. prefix .. "([.:])([%w_]+)$")
        if name then names[#names + 1] = (mark == ":" and ":" or ".") .. name end
    end
    if #names == 0 then return nil end
    return "  " .. prefix .. " has\n" .. indented(wrap(concat(names, " "), "  "))
end

local FAMILIES = {
    {"layer", "layers"}, {"activation", "activations"}, {"cost", "costs"},
    {"optimizer", "optimizers"}, {"schedule", "schedules"}, {"initialiser", "initialisers"},
    {"metric", "metrics"}, {"file format", "file formats"}, {"page", "pages"},
}

-- The family that is called so, one or many: "cost", "costs".
local function family_text(name)
    for _, family in ipairs(FAMILIES) do
        local entries = {}
        for _, entry in ipairs(book) do
            if entry.kind == family[1] then entries[#entries + 1] = entry end
        end
        local asked = name == family[1] or name == family[2]
        if asked and #entries > 0 then return family[2] .. "\n" .. list_of(entries) end
    end
end

-- What a module that is called as a whole says first, by its name.
M.openings = {}

-- How a module shows itself at the prompt.
function M.module_text(name, module)
    local names = {}
    for key in pairs(module) do
        if type(key) == "string" and not key:find("^_") then names[#names + 1] = "." .. key end
    end
    sort(names)
    local opening = M.openings[name]
    opening = opening and "  " .. opening .. "\n" or ""
    return "module " .. name .. "\n" .. opening .. wrap(concat(names, " "), "  ")
end

-- A heading and the names under it; nothing without names.
local function add_names(parts, heading, names)
    if #names == 0 then return end
    parts[#parts + 1] = heading .. "\n" .. wrap(concat(names, " "), "  ")
end

local FIRST_STEPS = [[
A network learns digits:
  digits = data.digits()
  net = nn.net "64 - 30 - 10"
  net:train(digits.train, {epochs = 30, batch = 10, lr = 3, test = digits.test})
  net:gradcheck(digits.test:take(5))
One with a block of layers (networks are written as help("notation") says):
  nn.net "64 - residual[30 relu - 64 linear] - 10 softmax : cross_entropy"]]

-- What there is, by family.
function M.overview()
    local parts = {
        wrap('help(name) or help(value) explains one thing: help("backward"), help(nn.net).', ""),
        FIRST_STEPS,
    }
    for _, module in ipairs {"tensor", "nn", "data", "plot", "learn", "nabla"} do
        local names = {}
        for _, entry in ipairs(book) do
            local name = entry.name:match("^" .. module .. "%.([%w_]+)$")
            if name and entry.kind == "function" then names[#names + 1] = name end
        end
        add_names(parts, module, names)
    end
    for _, family in ipairs(FAMILIES) do
        local names = {}
        for _, entry in ipairs(book) do
            if entry.kind == family[1] then names[#names + 1] = entry.name end
        end
        add_names(parts, family[2], names)
    end
    parts[#parts + 1] = wrap('Methods of a tensor: help("tensor"), of a network: help("net").', "")
    return concat(parts, "\n")
end

-- ---- Asking ----

local function unknown(name)
    local told, topic = M.foreign(name)
    if told then
        local page = topic and M.name_text(topic)
        told = wrap(told, "")
        return page and told .. "\n\n" .. page or told, true
    end
    local shown = book.shown(name)
    local parts = {("there is no help on '%s'"):format(shown)}
    local near = M.nearest(name)
    local found = M.search(name)
    if #near > 0 then parts[1] = parts[1] .. "; near it: " .. concat(near, ", ")
    elseif #found == 0 then parts[1] = parts[1] .. "; help() shows what there is" end
    parts[1] = wrap(parts[1], "")
    if #found > 0 then
        parts[#parts + 1] = ("these speak of '%s':"):format(shown)
        parts[#parts + 1] = list_of(found)
    end
    return concat(parts, "\n"), false
end

-- Whether another of these entries, a constructor, says all that this descriptor does.
local function is_said(entry, entries)
    for _, other in ipairs(entries) do
        if CALLED[other.kind] and not CALLED[entry.kind] and other.text == entry.text then
            return true
        end
    end
    return false
end

-- The page of a name; nil when the book does not know it.
function M.name_text(name)
    local texts, entries = {}, M.find(name)
    for _, entry in ipairs(entries) do
        if not is_said(entry, entries) then texts[#texts + 1] = entry_text(entry) end
    end
    texts[#texts + 1] = members_text(name:gsub("[^%w_]", "%%%0"))
    texts[#texts + 1] = family_text(name)
    return #texts > 0 and concat(texts, "\n\n") or nil
end

local FAMILY_OF_HANDLE = {network = "net", ["data set"] = "set"}

-- Handles are asked by the name of their metatable: "nabla.tensor" is the family "tensor".
local function family_of(value)
    local meta = getmetatable(value)
    local name = type(meta) == "table" and rawget(meta, "__name")
    local noun = type(name) == "string" and name:match("^nabla%.(.+)$")
    return noun and (FAMILY_OF_HANDLE[noun] or noun)
end

-- The text for whatever help is given; second result: whether it was known.
function M.text(...)
    if select("#", ...) == 0 then return M.overview(), true end
    local what = ...
    if type(what) == "string" then
        local text = M.name_text(what)
        if text then return text, true end
        return unknown(what)
    end
    local entry = M.of_value(what)
    if entry then
        local members = type(what) == "table" and members_text(entry.name)
        return entry_text(entry) .. (members and "\n\n" .. members or ""), true
    end
    local family = family_of(what)
    local text = family and M.name_text(family)
    if text then return text, true end
    local noun = family or type(what)
    return ("there is no help on this %s; help() shows what there is"):format(noun), false
end

function M.help(...)
    local show = _G.print or standard_print
    show((M.text(...)))
end

-- ---- Examples ----

-- An example as Lua: what follows an arrow is a comment.
function M.code(example)
    return (example:gsub("→", "--→"))
end

-- Runs an example in `env` as the prompt would: whole if it compiles as one piece, else line by
-- line. Returns the values of its last expression.
function M.run(example, env)
    local source = M.code(example)
    local function compile(text)
        local function try(code) return load(code .. "\n", "=example", "t", env) end
        return try("return " .. text) or try(text)
    end
    local whole = compile(source)
    if whole then return whole() end
    local pending, results = "", pack()
    for line in (source .. "\n"):gmatch("(.-)\n") do
        pending = pending .. line .. "\n"
        local piece = compile(pending)
        if piece then
            results = pack(piece())
            pending = ""
        end
    end
    if pending:find("%S") then error(select(2, load(pending, "=example", "t", env)), 0) end
    return unpack(results, 1, results.n)
end

-- ---- Pages ----

M.doc(M.help, {
    name = "help", kind = "function", usage = "help(x)",
    text = "Explains a name, a function or a value; without x it shows what there is.",
    example = 'help("matmul")',
})

local function page(name, text, example)
    M.doc(nil, {name = name, kind = "page", text = text, example = example})
end

for _, name in ipairs {"language", "chapter", "diagnose", "ranks", "start", "sweep", "trainer"} do
    require("nabla.help." .. name)(page)
end

return M
