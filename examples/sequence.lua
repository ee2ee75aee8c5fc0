-- An lstm learns a grammar from strings of different lengths, and then
-- reads a string letter by letter.
--
--     nabla examples/sequence.lua          learns from 500 strings
--     nabla examples/sequence.lua 200      … from fewer
--
-- The strings are those on which Hochreiter and Schmidhuber showed in 1997 what an lstm is for:
-- Reber's grammar between two letters that must agree, B T … T E or B P … P E. Which of the two
-- must come near the end was said at the second letter, and everything between says nothing of it:
-- a network can know only what it remembers.

local STRINGS = math.tointeger(tonumber(arg and arg[1] or 500))
local LETTERS = {"B", "T", "P", "S", "X", "V", "E"}
local NUMBER = {}
for i, letter in ipairs(LETTERS) do NUMBER[letter] = i end

-- From each state of Reber's grammar two ways lead on: a letter, and the state behind it.
local WAYS = {
    { {"T", 2}, {"P", 3} },
    { {"S", 2}, {"X", 4} },
    { {"T", 3}, {"V", 5} },
    { {"X", 3}, {"S", 6} },
    { {"P", 4}, {"V", 6} },
}

math.randomseed(1)

local function reber()
    local text, state = "B", 1
    while state < 6 do
        local way = WAYS[state][math.random(2)]
        text, state = text .. way[1], way[2]
    end
    return text .. "E"
end

local function draw()
    local outer = math.random(2) == 1 and "T" or "P"
    return "B" .. outer .. reber() .. outer .. "E"
end

-- A string as word numbers; x is all but its last letter, y what follows each of them.
local function numbers(text)
    local list = {}
    for letter in text:gmatch "." do list[#list + 1] = NUMBER[letter] end
    return tensor(list, {dtype = "i32"})
end

local function strings(count)
    local x, y, texts = {}, {}, {}
    for i = 1, count do
        texts[i] = draw()
        local all = numbers(texts[i])
        x[i], y[i] = all[{ {1, -2} }], all[{ {2, -1} }]
    end
    return data.set {x = x, y = y, classes = LETTERS}, texts, x
end

-- ---- Learning ----

local train, texts = strings(STRINGS)
local test, test_texts, test_x = strings(200)
print(train)
print(("the first three: %s"):format(table.concat(texts, " ", 1, 3)))

-- Batches are padded to their longest string; padding counts nowhere. Every step has a class.
net = nn.net("* - embedding 7 7 - lstm 20 - 7 softmax : cross_entropy", {seed = 1})
print(net)
net:train(train, {epochs = math.ceil(20000 / STRINGS), batch = 10, optimizer = nn.adam {lr = 0.01},
    seed = 1, progress = false})

-- How many of the test strings end as they began: the last letter but one decides.
local right = 0
for i, out in ipairs(net(test_x)) do
    local text = test_texts[i]
    local outer, answer = text:sub(2, 2), out[#text - 2]
    local other = outer == "T" and "P" or "T"
    if answer[NUMBER[outer]] > answer[NUMBER[other]] then right = right + 1 end
end
print(("\n%d of %d new strings: the letter that must agree is remembered"):format(right, #test))
print(net:evaluate(test))
assert(right >= 0.95 * #test, "the lstm remembers across the grammar between")

-- ---- A stream ----

-- The same network step by step: s(letter) answers with what it expects next, and remembers.
local text = draw()
local s = net:stream()
print(("\nreading %s:"):format(text))
for letter in text:gmatch "." do
    local expected = {}
    for i, p in ipairs(s(NUMBER[letter]):totable()) do
        if p > 0.1 then expected[#expected + 1] = ("%s %.0f %%"):format(LETTERS[i], 100 * p) end
    end
    print(("  %s   then %s"):format(letter, table.concat(expected, ", ")))
end
