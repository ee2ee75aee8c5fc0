-- Pictures in pixels: which way they take, where they stand among the letters, and which pixels
-- they have. The bytes of each way are read in tests/c/io/picture.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local tensor, nn, plot, data = nabla.tensor, nabla.nn, nabla.plot, nabla.data

-- ---- The way ----

test("the way is the user's, or the best that there is", function()
    eq({nabla.pictures()}, {"auto", "blocks"})
    for _, way in ipairs {"kitty", "blocks", "auto"} do
        eq(select("#", nabla.pictures(way)), 0)
        eq({nabla.pictures()}, {way, "blocks"}) -- this is no terminal
    end
    fails(function() nabla.pictures "png" end,
        [[pictures: it is "kitty", "sixel", "blocks" or "auto", not 'png']], true)
    fails(function() nabla.pictures "" end, "not ''", true)
    fails(function() nabla.pictures(1) end, "not 1", true)
    fails(function() nabla.pictures(nil) end, "not nil", true)
    fails(function() nabla.pictures("kitty", 2) end, "one argument too many", true)
    eq(nabla.pictures(), "auto")
end)

test("sixel is there, or the reason why not", function()
    local fine, message = pcall(nabla.pictures, "sixel")
    if fine then eq(nabla.pictures(), "sixel")
    else assert(message:find("without libsixel", 1, true), message) end
    nabla.pictures "auto"
end)

-- ---- A terminal ----

-- Where the cursor goes with what is printed. Gives the rows of text without what colours them, and
-- the pictures that were put there, each {row, column, high, wide, rows, columns, bytes, pixels};
-- pixels are those that it was to have. No picture may begin above the window.
local function read(text, shown, rows)
    local lines, row, column, lowest, saved = {""}, 1, 0, 1, nil
    local function number(n) return tonumber(n) or 1 end
    local function put(letter)
        lines[row] = lines[row] .. (" "):rep(column - utf8.len(lines[row])) .. letter
        column = column + 1
    end
    local sequences = {
        {"^\27%[[%d;]*m", function() end},
        {"^\0277", function() saved = {row, column} end},
        {"^\0278", function() row, column = saved[1], saved[2] end},
        {"^\27%[(%d*)A", function(n) row = row - number(n) end},
        {"^\27%[(%d*)C", function(n) column = column + number(n) end},
        {"^\1(%d+)\2", function(n)
            local picture = shown[tonumber(n)]
            picture.row, picture.column = row, column
            assert(row > lowest - rows and row >= 1, "a picture begins above the window")
            row, column = row + 3, column + 7 -- wherever a terminal leaves it
        end},
        {"^\n", function()
            row, column = row + 1, 0
            lowest, lines[row] = math.max(lowest, row), lines[row] or ""
        end},
        {"^([^\27\1\2\n][\128-\191]*)", put},
    }
    local at = 1
    while at <= #text do
        local found
        for _, one in ipairs(sequences) do
            local from, to, caught = text:find(one[1], at)
            if from then
                found = one[2](caught) or true
                at = to + 1
                break
            end
        end
        assert(found, "the terminal does not know this: " .. ("%q"):format(text:sub(at, at + 9)))
    end
    eq({row, column}, {lowest, 0}) -- what is printed next stands below
    lines[row] = nil
    return lines
end

local no_colour, escapes -- NO_COLOR; whether letters had colours

-- What a function shows in a window of such a size: rows of text and pictures. way: {name, wide,
-- high}.
local function shown(columns, rows, way, f)
    local loud, terminal, pictures, picture = print, nabla._terminal, nabla._pictures,
        nabla._picture
    local getenv = os.getenv
    os.getenv = function(name)
        if name == "NO_COLOR" then return no_colour end
        return getenv(name)
    end
    local texts, list = {}, {}
    print = function(text) texts[#texts + 1] = text end
    nabla._terminal = function() return columns, rows end
    nabla._pictures = function() return table.unpack(way) end
    nabla._picture = function(name, bytes, n, m, high, wide, letters_high, letters_wide)
        eq(name, way[1])
        eq(#bytes, 3 * n * m)
        assert(letters_high < rows and letters_wide <= columns)
        list[#list + 1] = {rows = n, columns = m, bytes = bytes, high = letters_high,
            wide = letters_wide, pixels = {high, wide}}
        return ("\1%d\2"):format(#list)
    end
    local fine, message = pcall(f)
    print, nabla._terminal, nabla._pictures, nabla._picture = loud, terminal, pictures, picture
    os.getenv = getenv
    if not fine then error(message, 0) end
    escapes = table.concat(texts):find "\27%[[%d;]*m" ~= nil
    return read(table.concat(texts, "\n") .. "\n", list, rows), list
end

local KITTY <const>, SIXEL <const> = {"kitty", 10, 20}, {"sixel", 9, 17}

-- Pictures lie beside or below each other, and on blank lines.
local function check_apart(lines, list)
    for i, a in ipairs(list) do
        for row = a.row, a.row + a.high - 1 do
            local line = lines[row]
            for at, code in utf8.codes(line) do
                local column = utf8.len(line, 1, at) - 1
                assert(column < a.column or column >= a.column + a.wide or code == 32,
                    ("a letter lies below picture %d: %q"):format(i, line))
            end
        end
        for k = i + 1, #list do
            local b = list[k]
            assert(a.row + a.high <= b.row or b.row + b.high <= a.row or
                a.column + a.wide <= b.column or b.column + b.wide <= a.column)
        end
    end
end

-- ---- Images ----

test("an image is its elements, dark to light", function()
    local x = tensor {{0, 0.5, 1}, {1, 0, 0 / 0}}
    local lines, list = shown(80, 24, KITTY, function() plot.image(x) end)
    eq(#list, 1)
    local one = list[1]
    eq({one.rows, one.columns, one.row, one.column}, {2, 3, 1, 0})
    eq({one.bytes:byte(1, -1)}, {0, 0, 0, 128, 128, 128, 255, 255, 255, 255, 255, 255, 0, 0, 0,
        214, 60, 60})
    eq(one.wide % 3, 0)
    eq(one.wide / 3, 2 * one.high / 2) -- a letter is twice as high as wide
    eq(one.pixels, {20 * one.high, 10 * one.wide})
    eq(lines[one.high + 1], "█ NaN")
    eq(#lines, one.high + 1)
end)

test("three channels are red, green and blue", function()
    local x = tensor.zeros(3, 1, 2)
    x[1][1][1], x[2][1][2], x[3][1][2] = 1, 1, 1
    local _, list = shown(80, 24, SIXEL, function() plot.image(x) end)
    eq({list[1].bytes:byte(1, -1)}, {255, 0, 0, 0, 255, 255})
end)

test("heat has its colours, and says what they mean", function()
    local lines, list = shown(80, 24, KITTY, function() plot.heat {tensor {{0, 1}, {2, 4}}} end)
    local colours = {list[1].bytes:byte(1, -1)}
    eq(table.move(colours, 1, 3, 1, {}), {13, 8, 80})
    eq(table.move(colours, 10, 12, 1, {}), {250, 225, 100})
    assert(lines[#lines]:find "^0 .*█ 4$", lines[#lines])
end)

test("without colours what hangs on them is in letters, and all without a colour's code", function()
    no_colour = "1"
    local net = nn.net "4 - 3 - 2"
    local x = tensor.randn(2, 4, {seed = 1})
    local function letters(f)
        local lines, list = shown(80, 24, KITTY, f)
        eq({#list, escapes}, {0, false})
        eq(#lines > 0, true)
    end
    letters(function() plot.heat(x) end)
    letters(function() plot.hinton(x) end)
    letters(function() plot {{1, 2}, {2, 1}} end)
    letters(function() plot.weights(net[1]) end)
    letters(function() plot.network(net) end)
    letters(function() plot.confusion(tensor.eye(3)) end)
    letters(function() plot.trace(net:trace(x[1], tensor {1, 0})) end)
    local lines, list = shown(80, 24, KITTY, function() plot.image(tensor {{0, 0 / 0}}) end)
    eq({#list, escapes, lines[#lines]}, {1, false, "red: NaN"})
    no_colour = ""
    lines, list = shown(80, 24, KITTY, function() plot.heat(x) end)
    eq({#list, escapes}, {1, true})
    no_colour = nil
end)

test("a gallery has its names above its pictures", function()
    local digits = data.digits()
    local lines, list = shown(70, 30, KITTY, function()
        plot.image(digits.test, {title = "digits"})
    end)
    check_apart(lines, list)
    assert(#list > 3)
    eq(lines[1], "digits")
    for i, one in ipairs(list) do
        eq({one.rows, one.columns}, {8, 8})
        local name = lines[one.row - 1]:sub(one.column + 1):match "%S+"
        eq(name, tostring(digits.test[i].y))
    end
    eq(lines[#lines], ("%d of 360"):format(#list))
end)

-- ---- Sizes ----

test("what is larger than the window fits into it", function()
    for _, size in ipairs {{20, 8}, {80, 24}, {200, 60}} do
        for _, way in ipairs {KITTY, SIXEL} do
            for _, shape in ipairs {{1, 3000}, {3000, 1}, {300, 400}, {28, 28}, {1, 1}} do
                for _, name in ipairs {"image", "heat"} do
                    local lines, list = shown(size[1], size[2], way, function()
                        plot[name](tensor.rand(shape[1], shape[2], {seed = 1}))
                    end)
                    eq(#list, 1)
                    check_apart(lines, list)
                    local one = list[1]
                    assert(one.rows <= one.pixels[1] and one.columns <= one.pixels[2])
                    local means = lines[#lines]:find "means of" or lines[#lines - 1]:find "means of"
                    eq(one.rows < shape[1] or one.columns < shape[2], means ~= nil)
                end
            end
        end
    end
end)

test("an image keeps its sides", function()
    for _, n in ipairs {100, 250, 500} do
        local _, list = shown(100, 40, KITTY, function() plot.image(tensor.rand(n, 2 * n)) end)
        local pixels = list[1].pixels
        assert(math.abs(pixels[2] / pixels[1] - 2) < 0.1, pixels[2] / pixels[1])
    end
end)

test("scale enlarges, up to the window", function()
    local x = tensor.eye(4)
    local function wide(scale)
        local _, list = shown(80, 24, KITTY, function() plot.image(x, {scale = scale}) end)
        return list[1].wide
    end
    eq({wide(1), wide(2), wide(3)}, {4, 8, 12})
    eq(wide(100), 40) -- 20 rows
    local _, list = shown(80, 24, KITTY, function()
        plot.image(tensor.rand(30, 500), {scale = 100, width = 1000})
    end)
    eq(list[1].wide, 80)
end)

-- ---- Weights, attention ----

test("weights and heads are pictures too", function()
    local net = nn.net("64 - 10 - 3", {seed = 1})
    local lines, list = shown(100, 40, KITTY, function() plot(net[1], {parameter = "w"}) end)
    eq(#list, 10)
    check_apart(lines, list)
    local w = net[1].w:detach()
    local row, column = w[1]:abs():argmax(), nil
    row, column = (row - 1) // 8, (row - 1) % 8
    eq(list[1].rows, 8)
    local at = 3 * (8 * row + column)
    local r = list[1].bytes:byte(at + 1)
    assert((r > 100) == (w[1][8 * row + column + 1] < 0), r) -- orange below 0, blue above
    net = nn.net("*x4 - attention 2 causal - 3", {seed = 1})
    lines, list = shown(80, 24, SIXEL, function()
        plot.attention(net, tensor.randn(5, 4, {seed = 1}))
    end)
    eq(#list, 2)
    check_apart(lines, list)
    assert(lines[list[2].row - 1]:find "head 2")
end)

test("the examples behind a confusion are pictures", function()
    local digits = data.digits()
    local net = nn.net("64 - 10", {seed = 1})
    net:train(digits.train, {epochs = 1, lr = 3, progress = false, seed = 1})
    local lines, list = shown(80, 24, KITTY, function()
        plot.confusion(net, digits.test, {examples = 3, title = "mistakes"})
    end)
    check_apart(lines, list)
    eq(lines[1], "mistakes")
    assert(#list > 3)
    for _, one in ipairs(list) do
        eq({one.rows, one.columns}, {8, 8})
        local above = lines[one.row - 1]
        local first = tonumber(above:match "%d+: (%d+)")
        if one.column == 2 then
            local pixel = digits.test[first].x:reshape(8, 8)[4][4] * 255
            local byte = one.bytes:byte(3 * (8 * 3 + 3) + 1)
            assert((byte > 128) == (pixel > 128) or math.abs(byte - pixel) < 60)
        end
    end
end)

-- ---- Cells ----

local ABOVE <const>, BELOW <const>, DARK <const>, GREY <const> =
    {86, 180, 233}, {230, 159, 0}, {20, 20, 20}, {128, 128, 128}

-- How many pixels of each colour a part of a picture has, from pixel row and column 0 on; and the
-- first and last rows and columns of those that are not dark.
local function colours_in(picture, row, column, high, wide)
    local counts, top, bottom, left, right = {}, nil, nil, nil, nil
    for i = row, row + high - 1 do
        for j = column, column + wide - 1 do
            local place = 3 * (i * picture.columns + j)
            local key = table.concat({picture.bytes:byte(place + 1, place + 3)}, " ")
            counts[key] = (counts[key] or 0) + 1
            if key ~= table.concat(DARK, " ") then
                top, bottom = top or i, i
                left, right = math.min(left or j, j), math.max(right or j, j)
            end
        end
    end
    return counts, {top, bottom, left, right}
end

-- A cell is dark but for a square in its middle, of so many pixels a side.
local function check_square(picture, row, column, high, wide, side, colour)
    local counts, edges = colours_in(picture, row, column, high, wide)
    local key = table.concat(colour, " ")
    eq(counts[key] or 0, side * side)
    eq(counts[table.concat(DARK, " ")], high * wide - side * side)
    if side == 0 then return end
    eq({edges[2] - edges[1] + 1, edges[4] - edges[3] + 1}, {side, side})
    assert(math.abs(edges[1] - row - (row + high - 1 - edges[2])) <= 1)
    assert(math.abs(edges[3] - column - (column + wide - 1 - edges[4])) <= 1)
end

test("a Hinton diagram has squares, their areas the shares of the largest", function()
    local x = tensor {{1, -0.25, 0}, {0 / 0, -1 / 0, 0.0001}}
    local lines, list = shown(80, 24, KITTY, function() plot.hinton(x, {high = 1}) end)
    check_apart(lines, list)
    eq(#list, 1)
    local one = list[1]
    eq({one.row, one.column, one.high, one.wide}, {2, 2, 2, 6}) -- behind the rows' numbers
    eq({one.rows, one.columns}, one.pixels)
    eq({lines[1], lines[2], lines[3], lines[4]}, {"  1", "1", "2",
        "██ 1   ██ -1   ██ infinite   ██ NaN"})
    check_square(one, 0, 0, 20, 20, 19, ABOVE)
    check_square(one, 0, 20, 20, 20, 10, BELOW) -- half as wide: a quarter of the area, rounded
    check_square(one, 0, 40, 20, 20, 0, ABOVE)
    check_square(one, 20, 0, 20, 20, 19, GREY)
    check_square(one, 20, 20, 20, 20, 19, GREY)
    check_square(one, 20, 40, 20, 20, 0, ABOVE)
end)

test("cells grow narrow with the window, then are colours, then the largest of several", function()
    local x = tensor.zeros(1, 60)
    x[1][60] = -2
    local lines, list = shown(80, 24, SIXEL, function() plot.hinton(x) end)
    check_apart(lines, list)
    local one = list[1]
    local side = 78 * 9 // 60 -- one column is the row's number, one blank, and the window has 80
    eq(one.wide, math.ceil(60 * side / 9))
    check_square(one, 0, 59 * side, 17, side, side - 1, BELOW)
    x = tensor.zeros(2, 300)
    x[1][300], x[2][1] = -2, 1
    _, list = shown(80, 24, KITTY, function() plot.hinton(x) end)
    one = list[1]
    eq({one.rows, one.columns, one.high, one.wide}, {2, 300, 2, 60}) -- 2 pixels a number
    eq({one.bytes:byte(898, 900)}, BELOW)
    eq({one.bytes:byte(901, 903)}, {53, 100, 127}) -- half way from dark
    x = tensor.zeros(1, 1700)
    x[1][1700] = 1
    lines, list = shown(80, 24, KITTY, function() plot.hinton(x) end)
    one = list[1]
    eq({one.columns, one.wide}, {567, 57}) -- of 3 numbers a pixel: 780 are there
    eq({one.bytes:byte(-3, -1)}, ABOVE)
    assert(lines[3]:find("each the largest of 1 x 3", 1, true))
end)

test("more rows than the window has are several pictures, without a gap", function()
    local x = tensor.ones(50, 2)
    local lines, list = shown(40, 12, KITTY, function() plot.hinton(x) end)
    check_apart(lines, list)
    local next_row = 2
    for _, one in ipairs(list) do
        eq(one.row, next_row)
        next_row = next_row + one.high
    end
    eq(next_row, 52)
    for row = 1, 50 do eq(lines[row + 1], ("%2d"):format(row)) end
end)

test("a narrow window has letters, a narrow picture pixels", function()
    local net = nn.net("8 - 3", {seed = 1})
    for columns = 8, 30 do
        local lines, list = shown(columns, 24, KITTY, function() plot.weights(net[1]) end)
        check_apart(lines, list)
        for _, one in ipairs(list) do assert(one.column + one.wide <= columns) end
        _, list = shown(columns, 24, KITTY, function() plot(net:trace(tensor.rand(3, 8),
            tensor.rand(3, 3))) end)
        eq(#list > 0, columns >= 10)
        for _, one in ipairs(list) do assert(one.column + one.wide <= columns) end
    end
    local _, list = shown(30, 24, KITTY, function()
        plot.hinton(tensor.ones(1, 100), {width = 1000})
    end)
    assert(list[1].column + list[1].wide <= 30)
end)

test("one head of attention large", function()
    local net = nn.net("*x4 - attention 2 causal - 3", {seed = 1})
    local lines, list = shown(80, 24, KITTY, function()
        plot.attention(net, tensor.randn(5, 4, {seed = 1}), {head = 1})
    end)
    check_apart(lines, list)
    check_square(list[1], 0, 0, 20, 20, 19, ABOVE) -- the first step sees itself alone
    check_square(list[1], 0, 20, 20, 20, 0, ABOVE)
    eq(lines[#lines], "██ 1")
end)

-- ---- Strips of traces ----

test("what neurons give is from dark to light, their δ cells", function()
    local net = nn.net("3 - 4 relu - 2 linear", {seed = 1, cost = "quadratic"})
    net[1].w:fill_(0)
    net[1].b:copy_(tensor {0, 1, 2, 4})
    net[2].w:fill_(0)
    net[2].w[1][1], net[2].w[1][4] = 1, -1
    local trace = net:trace(tensor {{1, 0, 0}, {0, 0, 1}}, tensor {{0, 0}, {0, 0}})
    local lines, list = shown(80, 24, KITTY, function() plot(trace) end)
    check_apart(lines, list)
    eq(#list, 5) -- the input's a, and two layers' a and δ
    local a = list[2]
    eq({a.rows, a.columns, a.high, a.wide, a.column}, {2, 4, 2, 8, 2})
    eq(lines[a.row]:sub(1, 2), "a")
    eq({a.bytes:byte(1, 3)}, {13, 8, 80})
    eq({a.bytes:byte(10, 12)}, {250, 225, 100})
    eq(a.bytes:sub(1, 12), a.bytes:sub(13, 24))
    -- The network gives -4, so δ of its first neuron is below 0; by BP2 that of neuron 4 above it.
    local delta, last = list[3], list[5]
    eq(lines[delta.row], "δ")
    check_square(last, 0, 0, 20, 20, 19, BELOW)
    check_square(last, 0, 20, 20, 20, 0, BELOW)
    check_square(delta, 0, 60, 20, 20, 19, ABOVE)
    check_square(delta, 0, 20, 20, 20, 0, ABOVE)
    eq(lines[a.row + 2], "  ^^") -- z of neuron 1 is 0 in both
    eq(lines[#lines], "██ above 0   ██ below 0   ^ saturated in every example")
end)

test("pictures of a trace are whole, and beside each other where there is room", function()
    local net = nn.net("1x28x28 - conv 3 3 relu - flatten - 2", {seed = 1})
    local x, y = tensor.rand(1, 1, 28, 28, {seed = 2}), tensor.zeros(1, 2)
    for _, columns in ipairs {40, 80, 120} do
        local lines, list = shown(columns, 40, KITTY, function() plot(net:trace(x, y)) end)
        check_apart(lines, list)
        for _, one in ipairs(list) do assert(one.column + one.wide <= columns) end
        eq({list[1].rows, list[1].columns}, {28, 28})
        eq({list[2].rows, list[2].columns}, {26, 26})
    end
    local lines, list = shown(100, 40, KITTY, function()
        plot(nn.net("*x4 - rnn 6 - 3", {seed = 1}):trace(tensor.randn(1, 9, 4, {seed = 1}),
            tensor.zeros(1, 9, 3)))
    end)
    check_apart(lines, list)
    eq(list[2].row, list[3].row)
    local mark = lines[list[2].row]
    eq(utf8.len(mark, 1, mark:find "δ"), list[3].column - 1) -- its name, a blank, the picture
end)

test("what a window has no room for has letters", function()
    local net = nn.net("1x28x28 - conv 3 3 relu - flatten - 2", {seed = 1})
    local x, y = tensor.rand(1, 1, 28, 28, {seed = 2}), tensor.zeros(1, 2)
    local _, list = shown(80, 9, KITTY, function() plot(net:trace(x, y)) end)
    for _, one in ipairs(list) do assert(one.high < 9) end
end)

-- ---- Curves ----

local BLUE <const>, ORANGE <const>, GROUND <const> = {86, 180, 233}, {230, 159, 0}, {18, 18, 18}

-- The colour of a pixel, from 0.
local function at(picture, row, column)
    local place = 3 * (row * picture.columns + column)
    return {picture.bytes:byte(place + 1, place + 3)}
end

test("a curve lies where the axes' marks say", function()
    for _, way in ipairs {KITTY, SIXEL, {"kitty", 7, 15}} do
        local lines, list = shown(60, 24, way, function()
            plot({{0, 4}, {0, 4}}, {height = 9, low = 0, high = 4, title = "up"})
        end)
        eq(#list, 1)
        check_apart(lines, list)
        local one = list[1]
        eq({one.rows, one.columns}, one.pixels)
        eq({one.row, one.high, one.column + one.wide}, {2, 9, 59})
        eq(lines[1], "up")
        local marked = 0
        for row = one.row, one.row + one.high - 1 do
            local value = tonumber(lines[row]:match "^%s*([%d.]+) ┤")
            if value then
                marked = marked + 1
                local middle = (row - one.row) * way[3] + way[3] // 2
                local column = way[2] / 2 + value / 4 * (one.columns - way[2])
                assert(at(one, middle, math.floor(column))[3] > 150) -- of BLUE it has 233
                eq(at(one, middle, math.floor(column + one.columns // 4) % one.columns), GROUND)
            end
        end
        assert(marked > 2)
        local _, marks = lines[one.row + one.high]:gsub("┬", "")
        local numbers = lines[one.row + one.high + 1]
        assert(marks > 2 and numbers:find "^%s*0 .* 4$", numbers)
    end
end)

test("series have colours and names; gaps are gaps", function()
    local lines, list = shown(80, 24, KITTY, function()
        plot({{1, 2, 3, 4, 5}, {1, 1, 0 / 0, 1, 1}, {0, 0, 0, 0, 0}}, {labels = {"one", "two"},
            low = 0, high = 2})
    end)
    check_apart(lines, list)
    eq(lines[1], "██ one   ██ two")
    local one = list[1]
    eq(at(one, one.rows // 2, one.columns // 8), BLUE)
    eq(at(one, one.rows // 2, one.columns // 2), GROUND)
    eq(at(one, one.rows - 10, one.columns // 2), ORANGE)
end)

test("points are not joined", function()
    local _, list = shown(80, 24, KITTY, function()
        plot({{1, 2, 3}, {1, 1, 1}}, {points = true, low = 0, high = 2})
    end)
    local one = list[1]
    eq(at(one, one.rows // 2, one.columns // 2), BLUE)
    eq(at(one, one.rows // 2, one.columns // 4), GROUND)
end)

test("a history has a picture for each panel", function()
    local digits = data.digits()
    local history = nn.net("64 - 10", {seed = 1}):train(digits.train, {epochs = 3, lr = 3,
        progress = false, test = digits.test})
    local lines, list = shown(80, 40, SIXEL, function() plot(history) end)
    eq(#list, 2)
    check_apart(lines, list)
    assert(lines[list[1].row - 1]:find "cost" and lines[list[2].row - 1]:find "right in %%")
end)

test("what is as high or wide as the window has letters", function()
    for _, options in ipairs {{height = 23}, {height = 50}, {width = 81}} do
        local _, list = shown(80, 24, KITTY, function() plot({1, 2, 3}, options) end)
        eq(#list, 0)
    end
    local _, list = shown(80, 24, KITTY, function() plot({1, 2, 3}, {height = 22}) end)
    eq(#list, 1)
    _, list = shown(80, 24, KITTY, function() plot {0 / 0, 1 / 0} end)
    eq(#list, 0)
end)

-- ---- Where there is none ----

test("letters stay where pixels have no place", function()
    local function none(columns, rows, f)
        local _, list = shown(columns, rows, KITTY, f)
        eq(#list, 0)
    end
    none(80, 3, function() plot.image(tensor.eye(2)) end)
    none(7, 24, function() plot.image(tensor.eye(2)) end)
    none(1, 1, function() plot.image(tensor.eye(2)) end)
    none(80, 24, function() print(plot.image(tensor.eye(2), {text = true})) end)
    none(80, 24, function() plot.image(tensor.zeros(0, 5)) end)
end)

test("an error while a picture is made shows nothing of it", function()
    local printed = {}
    local loud, terminal, pictures, picture = print, nabla._terminal, nabla._pictures,
        nabla._picture
    print = function(text) printed[#printed + 1] = text end
    nabla._terminal = function() return 80, 24 end
    nabla._pictures = function() return "kitty", 10, 20 end
    nabla._picture = function() error("not enough memory", 0) end
    local fine, message = pcall(plot.image, tensor.eye(3))
    print, nabla._terminal, nabla._pictures, nabla._picture = loud, terminal, pictures, picture
    eq({fine, message, #printed}, {false, "not enough memory", 0})
end)

spec.report()
