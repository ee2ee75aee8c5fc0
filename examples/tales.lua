-- Short tales for char_rnn.lua and char_transformer.lua, and what is right
-- in those that a network writes.
--
--     nabla examples/tales.lua          prints five
--
-- Every line is one: "Anna has three books. Ben gives her four more. Now she has seven." To go on
-- with it letter by letter one must know how words are spelt, how the sentences go, whom "she"
-- means, and sums.

local NUMBERS = {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
local PEOPLE = {
    {"Anna", "her", "she"}, {"Ben", "him", "he"},
    {"Clara", "her", "she"}, {"David", "him", "he"},
}
local THINGS = {"apples", "books", "coins", "stones"}
local TALE = "%s has %s %s. %s gives %s %s more. Now %s has %s."

local VALUE, PERSON = {}, {}
for i, word in ipairs(NUMBERS) do VALUE[word] = i end
for _, person in ipairs(PEOPLE) do PERSON[person[1]] = person end

local tales = {}

local function draw(list)
    return list[math.random(#list)]
end

local function tale()
    local who, giver, has, more = draw(PEOPLE), draw(PEOPLE), math.random(2, 5), math.random(1, 4)
    while giver == who do giver = draw(PEOPLE) end
    return TALE:format(who[1], NUMBERS[has], draw(THINGS), giver[1], who[2], NUMBERS[more], who[3],
                       NUMBERS[has + more])
end

-- So many of them, a line each; always the same ones.
function tales.text(count)
    math.randomseed(1)
    local lines = {}
    for i = 1, count do lines[i] = tale() .. "\n" end
    return table.concat(lines)
end

-- Of the lines that end in a text: how many there are, how many are built as a tale, of these how
-- many speak of their people rightly, and how many sums are right.
function tales.judge(text)
    local lines, built, people, sums = 0, 0, 0, 0
    local pattern = "^" .. TALE:gsub("%.", "%%."):gsub("%%s", "(%%a+)") .. "$"
    for line in text:gmatch "([^\n]*)\n" do
        lines = lines + 1
        local who, has, _, giver, to, more, now, all = line:match(pattern)
        local person = PERSON[who]
        if person and PERSON[giver] and VALUE[has] and VALUE[more] and VALUE[all] then
            built = built + 1
            if to == person[2] and now == person[3] then people = people + 1 end
            if VALUE[has] + VALUE[more] == VALUE[all] then sums = sums + 1 end
        end
    end
    return lines, built, people, sums
end

if arg and (arg[0] or ""):match "tales%.lua$" then io.write(tales.text(5)) end

return tales
