-- Sets from texts: rows, vocabularies, parts; what is refused.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data

-- The set of a text in a file of its own, and the file's name.
local function text(content, options)
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "wb"))
    file:write(content)
    file:close()
    local ok, set = pcall(data.text, path, options)
    os.remove(path)
    if not ok then error(set, 0) end
    return set, path:match "[^/]*$"
end

local function refused(content, options, message)
    fails(function() text(content, options) end, message, true)
end

-- The rows of word numbers as the characters that they are.
local function rows(numbers, classes)
    local lines = {}
    for i, row in ipairs(numbers:totable()) do
        local line = {}
        for k, number in ipairs(row) do line[k] = classes[math.tointeger(number)] end
        lines[i] = table.concat(line)
    end
    return table.concat(lines, "/")
end

local function check(set, x, y)
    eq(rows(set.x, set.classes), x)
    eq(rows(set.y, set.classes), y)
end

test("rows are characters, y what follows each", function()
    local set, name = text("hello world", {steps = 4})
    eq(set.classes, {" ", "d", "e", "h", "l", "o", "r", "w"})
    eq(#set, 2)
    check(set, "hell/o wo", "ello/ wor")
    eq(set.x, {{4, 3, 5, 5}, {6, 1, 8, 6}})
    eq(set.y.dtype, "i32")
    eq(set[2].y, {1, 8, 6, 7})
    eq(tostring(set[2]), 'x: "o wo"\ny: " wor"')
    eq(tostring(set):match "^(.-)%.?: 2 examples · x 4", name:match "^[^.]*")
    check(text("hello world", {steps = 4, stride = 3}), "hell/lo w/worl", "ello/o wo/orld")
    check(text("abcdefg", {steps = 1, stride = 2}), "a/c/e", "b/d/f")
    eq(#text(("a"):rep(65), {}), 1)
    local long = tostring(text("\n" .. ("a"):rep(200), {steps = 101})[1])
    eq(long, ('x: "\\n%s…"\ny: "%s…"'):format(("a"):rep(99), ("a"):rep(100)))
end)

test("characters are UTF-8's, in the order of code points, and whatever else a file holds", function()
    local set = text("\u{FEFF}aä\r\n∇\0😀a", {steps = 3})
    eq(set.classes, {"\0", "\n", "\r", "a", "ä", "∇", "😀"})
    assert(tostring(set):find("7 characters \\0\\n\\raä∇😀", 1, true))
    check(set, "aä\r/\n∇\0", "ä\r\n/∇\0😀")
    set = text("aä\xFF\0", {steps = 4, bytes = true})
    eq(set.classes, {"\0", "a", "\xA4", "\xC3", "\xFF"})
    check(set, "a\xC3\xA4\xFF", "\xC3\xA4\xFF\0")
    eq(text("aaaa", {steps = 2}).classes, {"a"})
end)

test("the end of a text is kept back", function()
    local set = text("abcdefghijklmnopqrstu", {steps = 2, valid = 0.2, test = 0.1})
    eq({#set, #set.train, #set.valid, #set.test}, {10, 7, 2, 1})
    check(set.valid, "op/qr", "pq/rs")
    check(set.test, "st", "tu")
    eq(set.train.classes, set.classes)
    set = text("abcdefgh", {steps = 3, stride = 1, test = 0.2})
    check(set.test, "efg", "fgh")
    check(set.train, "abc/bcd", "bcd/cde") -- e is given to the test, f is the first it is asked for
    eq(set.valid, nil)
    fails(function() set:split(0.5) end, "set:split: the rows of this text overlap", true)
    fails(function() set:kfold(2) end, "the rows of this text overlap", true)
    eq(#text("abcdefgh", {steps = 3}).x, 2)
    local most, rest = text("abcdefghi", {steps = 2}):split(0.5, 1)
    eq({#most, #rest}, {2, 2})
end)

test("what is done with other sets", function()
    local set = text("abcdefghi", {steps = 2})
    fails(function() set:standardize() end,
          "set:standardize: x holds words, which have no scale", true)
    local back = set:map(function(x, y) return x:index_select(1, tensor {2, 1}), y end)
    eq(back.words, set.words)
    eq(back:decode(back.x), {"ba", "dc", "fe", "hg"})
    eq(set:decode(set:take(-1).x), {"gh"})
    eq(#set:without {1}.words, 9)
    for x, y in set:batches(3) do eq({set:decode(x)[1], set:decode(y)[1]}, {"ab", "bc"}) break end
end)

test("what is no text", function()
    refused("", {steps = 2}, "holds no character")
    refused("ab\ncd\xFFef", {steps = 2},
            "byte 6, in line 2, is no UTF-8 (0xFF); bytes = true takes")
    refused("abc", {steps = 3}, "holds 3 characters; a row of 3 steps and what follows it need 4")
    refused("abc", {steps = 0}, "steps must be a whole number from 1")
    refused("abc", {steps = 1, stride = -1}, "stride must be a whole number from 1")
    refused("abc", {steps = 1, test = 1}, "test must be a number from 0, below 1")
    refused("abc", {steps = 1, test = 0.5, valid = 0.5},
            "valid and test leave nothing to learn from")
    refused("abc", {step = 1}, "steps")
    fails(function() data.text "/nowhere/none.txt" end, "cannot open /nowhere/none.txt", true)
    fails(function() data.text "/" end, "is a directory", true)
    fails(function() data.text() end, "data.text", true)
end)

-- ---- Vocabularies ----

-- A network of one layer that says with certainty what follows a character: of
-- "abcd" each its next, and a after d.
local function round()
    local net = nn.net("* - embedding 4 4 - 4 softmax : cross_entropy", {dtype = "f64", seed = 1})
    net:train(text("abcda", {steps = 4}), {epochs = 1, progress = false})
    net[1].w = tensor.eye(4)
    net[2].w = 30 * tensor {{0, 0, 0, 1}, {1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}
    net[2].b = tensor.zeros(4)
    return net
end

test("numbers become text", function()
    local set = text("a∇\0b∇", {steps = 2})
    eq(set.words, {"\0", "a", "b", "∇"})
    eq(set:decode(4), "∇")
    eq(set:decode {2, 4, 1, 3}, "a∇\0b")
    eq(set:decode(tensor {4, 4}:to "u8"), "∇∇")
    eq(set:decode(set.x), {"a∇", "\0b"})
    eq(set:decode(set[2].y), "b∇")
    eq(set:decode(tensor.zeros(0)), "")
    eq(set.x.dtype, "i32")
    fails(function() set:decode {1, 0} end,
          "set:decode: number 2 is 0; the vocabulary has 1 to 4", true)
    fails(function() set:decode(5) end, "number 1 is 5", true)
    fails(function() set:decode(1.5) end, "1.5 does not fit into i32", true)
    fails(function() set:decode(tensor.ones(1, 1, 1)) end, "not 3 dimensions", true)
    fails(function() data.xor():decode(1) end, "the set has no vocabulary", true)
    fails(function() nn.net "2 - 2":decode(1) end,
          "net:decode: the network has no vocabulary", true)
end)

test("a network that learned from a text takes text", function()
    local net = round()
    eq(net.words, {"a", "b", "c", "d"})
    eq(net.classes, net.words)
    eq(net:decode(net "abcd":argmax(2)), "bcda")
    eq(net "ab", net {1, 2})
    eq(net {"ab", "cd"}, net {{1, 2}, {3, 4}})
    local list = net {"abc", "d"}
    eq(list[2], net "d")
    eq(#list, 2)
    near(net:cost("abcd", "bcda"), net:cost({1, 2, 3, 4}, {2, 3, 4, 1}), 0)
    near(net:cost({"ab", "d"}, {"bc", "b"}),
         net:cost({tensor {1, 2}, tensor {4}}, {tensor {2, 3}, tensor {2}}), 0)
    eq(net:trace("ad", "ba").x, {1, 4})
    eq(net:evaluate("abcd", "bcdd").correct, 3)
    local s = net:stream()
    eq(net:decode(s "ab":argmax(2)), "bc")
    eq(s("c").shape, {1, 4})
    eq(s("cd")[-1], s(4))
end)

test("vocabularies go with copies and files", function()
    local net = round()
    for _, other in ipairs {net:clone(), spec.saved(net)} do
        eq(other:decode(other "abcd":argmax(2)), "bcda")
        eq(other.words, net.words)
    end
    local set = text("\0\n\\x\xE9\xFFab", {steps = 2, bytes = true})
    local bytes = nn.net "* - embedding 8 2 - 8 softmax : cross_entropy"
    bytes:train(set, {epochs = 1, progress = false})
    local back = spec.saved(bytes)
    eq(back.words, {"\0", "\n", "\\", "a", "b", "x", "\xE9", "\xFF"})
    eq(back "\xFF\0\\", bytes {8, 1, 3})
    fails(function() back "aé" end,
          "byte 2 of the text is 0xC3, which is none of the 8 bytes", true)
end)

test("text that is not understood", function()
    local net = round()
    fails(function() net "abxa" end,
          "character 3 of the text is 'x', which is none of the 4 of the vocabulary", true)
    fails(function() net "aé" end, "character 2 of the text is 'é'", true)
    fails(function() net:stream() "a\xE9" end, "byte 2 of the text is no UTF-8 (0xE9)", true)
    fails(function() net "" end, "the text is empty", true)
    fails(function() net {"a", ""} end, "the text is empty", true)
    fails(function() net {"a", 2} end, "entry 2 of a list of texts must be one, not 2", true)
    fails(function() net:cost("ab", "bz") end, "character 2 of the text is 'z'", true)
    fails(function() net:cost("ab", "b") end, "y", true)
    fails(function() nn.net "* - embedding 4 4 - 4" "ab" end,
          "x is text, and the network has no vocabulary", true)
    fails(function() net:classify "ab" end, "net:classify gives one class", true)
end)

spec.report()
