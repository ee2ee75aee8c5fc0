-- Confusion matrices: who was taken for whom. A picture is {counts, names, cells, set, examples,
-- title, width, depth}, counts a row for each class that was wanted, with a column for each that
-- was answered: the classes themselves, then what else was answered. cells: the numbers of the
-- examples behind each count; so many of them are told where examples is set.

local given = require "nabla.plot.given"
local matrix = require "nabla.plot.matrix"
local pictures = require "nabla.plot.pictures"
local pixels = require "nabla.plot.pixels"
local screen = require "nabla.plot.screen"

local math, table = math, table
local error, ipairs, pcall, tonumber, tostring, type =
    error, ipairs, pcall, tonumber, tostring, type

local confusion = {}

confusion.MOST = 1000 -- classes
local WORST <const> = 20 -- mistakes that are told where the table is wider than the window
local LEAST_SIDE <const> = 4 -- rows and columns of an example that is a picture
confusion.EXAMPLES = 8 -- of each mistake that are told where no number is asked for

-- The place of a class that is asked for by its name or as the set writes it; nil: there is none.
function confusion.place(names, name)
    for i, own in ipairs(names) do
        if own == tostring(name) then return i end
    end
end

-- ---- Counting ----

-- What net:classify gives for each example of a set. Where the network has no names of its own and
-- not as many outputs as the set has classes, that is an output's number, and a class's as well.
local function answers_of(net, set, outputs)
    local answers = net:classify(set)
    if type(answers) ~= "table" then answers = {answers} end
    if outputs <= 1 or outputs == #set.classes then return answers end
    local places = net(set.x):argmax(-1):totable()
    for i, place in ipairs(places) do
        if answers[i] ~= place then return answers end
    end
    for i, place in ipairs(places) do
        answers[i] = set.classes[place] or ("output %d"):format(place)
    end
    return answers
end

-- By the number at the end where both have one, else as texts.
local function comes_before(a, b)
    local m, n = tonumber(a:match "%d+$"), tonumber(b:match "%d+$")
    if m and n and m ~= n then return m < n end
    return a < b
end

-- Names of the set's classes, then of what else the network answered, and the place of each.
local function name_classes(set, answers)
    local names, others, place = {}, {}, {}
    for i, class in ipairs(set.classes) do
        names[i] = tostring(class)
        place[names[i]] = i
    end
    for _, answer in ipairs(answers) do
        local name = tostring(answer)
        if not place[name] then
            others[#others + 1] = name
            place[name] = 0
        end
    end
    table.sort(others, comes_before)
    table.move(others, 1, #others, #names + 1, names)
    for i, name in ipairs(names) do place[name] = i end
    return names, place
end

-- How many examples each cell has, and their numbers.
local function tally(set, answers, place, rows, columns)
    local counts, cells = {}, {}
    for i = 1, rows do
        counts[i], cells[i] = {}, {}
        for j = 1, columns do counts[i][j], cells[i][j] = 0, {} end
    end
    for i, answer in ipairs(answers) do
        local wanted, answered = place[tostring(set[i].y or set[i][2])], place[tostring(answer)]
        counts[wanted][answered] = counts[wanted][answered] + 1
        table.insert(cells[wanted][answered], i)
    end
    return counts, cells
end

local function count(net, set)
    local first, classes = set[1], #set.classes
    local outputs = first and net(first.x or first[1]):size(-1) or 0
    if outputs > 1 and outputs < classes then
        return nil, (": the set has %d classes; the network gives %d"):format(classes, outputs)
    end
    local answers = first and answers_of(net, set, outputs) or {}
    local names, place = name_classes(set, answers)
    if #names > confusion.MOST then
        return nil, (": at most %d classes, not %d"):format(confusion.MOST, #names)
    end
    local counts, cells = tally(set, answers, place, classes, #names)
    return counts, names, cells
end

-- Counts from a network and a set, the names, and the numbers of each cell's examples; nil and a
-- message where the network can never answer some of the classes, they are too many, or the set is
-- none for it.
function confusion.of(net, set)
    local fine, counts, names, cells = pcall(count, net, set)
    if fine then return counts, names, cells end
    if type(counts) ~= "string" then error(counts, 0) end
    return nil, ": " .. counts:gsub("^[^:]*:%d+: ", "")
end

-- The rows of a square matrix of counts; nil and a message where it is none.
function confusion.counts(x)
    if given.kind(x) ~= "tensor" or x:dim() ~= 2 or x:size(1) ~= x:size(2) then
        return nil, " takes a network and a set with classes, or a square matrix, not " ..
            given.describe(x)
    end
    if x:size(1) > confusion.MOST then
        return nil, (": at most %d classes, not %d"):format(confusion.MOST, x:size(1))
    end
    local names = {}
    for i = 1, x:size(1) do names[i] = tostring(i) end
    return x:totable(), names
end

-- Those of net:evaluate(set), with the names that it has.
function confusion.evaluated(evaluation)
    local counts = evaluation.confusion
    if given.kind(counts) ~= "tensor" then
        return nil, ": what was evaluated has no classes, so there is no confusion"
    end
    local rows, names = confusion.counts(counts)
    local own = type(evaluation.classes) == "table" and evaluation.classes or {}
    for i = 1, #(rows and names or {}) do names[i] = tostring(own[i] or names[i]) end
    return rows, names
end

-- ---- The picture ----

local function count_text(n)
    return n == 0 and "." or ("%.6g"):format(n)
end

local function share_text(row, i)
    local all = 0
    for _, n in ipairs(row) do all = all + n end
    return all > 0 and ("%5.1f %%"):format(100 * row[i] / all) or "      -"
end

-- How wide the widest name or count is.
local function width_of(picture)
    local wide = 2
    for _, name in ipairs(picture.names) do wide = math.max(wide, screen.width(name)) end
    for _, row in ipairs(picture.counts) do
        for _, n in ipairs(row) do wide = math.max(wide, #count_text(n)) end
    end
    return wide
end

local function draw_table(picture, wide)
    local heading = {(" "):rep(wide)}
    for i, name in ipairs(picture.names) do heading[i + 1] = screen.right(name, wide) end
    local lines = {table.concat(heading, " ") .. "   right"}
    for i, row in ipairs(picture.counts) do
        local cells = {screen.right(picture.names[i], wide)}
        for j, n in ipairs(row) do
            local colour = n > 0 and (i == j and screen.SERIES[3] or screen.SERIES[6]) or nil
            cells[j + 1] = screen.paint(screen.right(count_text(n), wide), colour,
                picture.depth)
        end
        lines[#lines + 1] = table.concat(cells, " ") .. "  " .. share_text(row, i)
    end
    return lines
end

-- The mistakes that were made most often; of equal ones the first.
local function mistakes(counts)
    local out = {}
    for i, row in ipairs(counts) do
        for j, n in ipairs(row) do
            if i ~= j and n > 0 then out[#out + 1] = {i, j, n} end
        end
    end
    table.sort(out, function(a, b)
        if a[3] ~= b[3] then return a[3] > b[3] end
        if a[1] ~= b[1] then return a[1] < b[1] end
        return a[2] < b[2]
    end)
    return out
end

-- Where the table is wider than the window: each class with its share, then the worst mistakes.
local function draw_list(picture, wide, columns)
    local parts = {}
    for i, row in ipairs(picture.counts) do
        local text = screen.right(picture.names[i], wide) .. " " .. share_text(row, i)
        parts[i] = {text, screen.width(text)}
    end
    local lines = screen.flow(parts, columns)
    local list = mistakes(picture.counts)
    local arrow = screen.is_utf8() and " → " or " -> "
    for k = 1, math.min(#list, WORST) do
        local i, j, n = list[k][1], list[k][2], list[k][3]
        lines[#lines + 1] = screen.right(picture.names[i], wide) .. arrow ..
            screen.left(picture.names[j], wide) .. "  " .. count_text(n)
    end
    if #list > WORST then
        lines[#lines + 1] = ("%d kinds of mistakes more"):format(#list - WORST)
    end
    return lines
end

-- ---- The examples behind a cell ----

local TALL <const> = 8 -- rows of letters of a picture of an example

-- As pictures side by side, at most those that fit; nothing where the set has none.
local function add_pictures(lines, picture, list, columns)
    local examples = {}
    for k = 1, math.min(#list, picture.examples) do examples[k] = picture.set[list[k]] end
    local tiles = pictures.read(examples, "", true, #examples)
    if not tiles or math.min(tiles[1].rows, tiles[1].columns) < LEAST_SIDE then return end
    local drawn = matrix.strip({tiles = tiles, grey = true, depth = picture.depth,
        way = pixels.fits(TALL, columns) and picture.way or nil}, columns - 2, TALL)
    pixels.append(lines, drawn, 2)
end

-- "3 → 8   5: 12 40 77", then their pictures.
local function add_cell(lines, picture, i, j, columns)
    local list, parts = picture.cells[i][j], {}
    local arrow = screen.is_utf8() and " → " or " -> "
    for k = 1, math.min(#list, picture.examples) do parts[k] = tostring(list[k]) end
    if #list > #parts then parts[#parts + 1] = screen.is_utf8() and "…" or ".." end
    local head = picture.names[i] .. arrow .. picture.names[j] .. ("  %d: "):format(#list)
    local line = head
    for _, text in ipairs(parts) do
        if screen.width(line) + #text > columns and #line > #head then
            lines[#lines + 1], line = line:gsub(" +$", ""), "  "
        end
        line = line .. text .. " "
    end
    lines[#lines + 1] = line:gsub(" +$", "")
    add_pictures(lines, picture, list, columns)
end

-- The examples of one cell, or of the mistakes made most often.
local function add_examples(lines, picture, columns)
    if picture.cell then
        add_cell(lines, picture, picture.cell[1], picture.cell[2], columns)
        return
    end
    local list = mistakes(picture.counts)
    lines[#lines + 1] = #list > 0 and "wanted, answered, how often: which examples, set[i]" or
        "no mistakes"
    for k = 1, math.min(#list, WORST) do
        add_cell(lines, picture, list[k][1], list[k][2], columns)
    end
    if #list > WORST then
        lines[#lines + 1] = ("%d kinds of mistakes more"):format(#list - WORST)
    end
end

-- The picture as a list of lines.
function confusion.draw(picture)
    for i, name in ipairs(picture.names) do picture.names[i] = screen.clean(name) end
    local columns, wide = picture.width or (screen.size()), width_of(picture)
    local lines = (wide + 1) * (#picture.names + 1) + 8 <= columns and draw_table(picture, wide) or
        draw_list(picture, wide, columns)
    if picture.title then table.insert(lines, 1, screen.clean(picture.title)) end
    if picture.examples then add_examples(lines, picture, columns) end
    return lines
end

return confusion
