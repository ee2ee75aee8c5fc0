-- Judging an answer: how near it is to what is right, and else which error of thought gives it.

local _, nabla = ...

local given = require "nabla.plot.given"

local math, table = math, table
local ipairs, pcall, tonumber, tostring, type = ipairs, pcall, tonumber, tostring, type

local judge = {}

local EACH <const>, ALL <const> = 5e-3, 5e-4 -- of each number, of the largest
local LEAST <const> = 1e-12 -- what is so small is 0
local NEAR <const> = 10 -- times that is near

-- ---- Reading ----

-- Sizes of 1 say nothing: a row is a vector, a vector of one number is a number.
local function squeezed(shape)
    local out = {}
    for _, size in ipairs(shape) do
        if size ~= 1 then out[#out + 1] = size end
    end
    return out
end

local function read_tensor(x)
    x = x:detach():to "f64"
    return {shape = squeezed(x.shape), values = x:reshape(x:numel()):totable()}
end

-- An answer as numbers and their shape, or as a word; nil and why it is none.
function judge.read(x)
    if type(x) == "string" then
        local number = tonumber(x)
        return number and judge.read(number) or {word = x:lower():match "^%s*(.-)%s*$"}
    end
    if type(x) == "number" then return {shape = {}, values = {x + 0.0}} end
    if given.kind(x) == "tensor" then return read_tensor(x) end
    if given.kind(x) == "table" then
        local fine, t = pcall(nabla.tensor, x, {dtype = "f64"})
        if fine then return read_tensor(t) end
    end
    if x == nil then
        return nil, "That is nil: what was computed has no value, or a name is not there."
    end
    return nil, ("An answer is a number, a tensor, a list of numbers or a word, not %s."):format(
        given.describe(x))
end

-- ---- Comparing ----

local function same_shape(a, b)
    return table.concat(a.shape, "x") == table.concat(b.shape, "x")
end

-- Written so that NaN is near nothing.
local function close(a, b, times)
    if a.word or b.word then return a.word == b.word end
    if not same_shape(a, b) then return false end
    local most = 0
    for _, v in ipairs(b.values) do most = math.max(most, math.abs(v)) end
    for i, v in ipairs(b.values) do
        local room = times * (EACH * math.abs(v) + ALL * most) + LEAST
        if not (math.abs(a.values[i] - v) <= room) then return false end
    end
    return true
end

function judge.is_right(answer, right, exact)
    return close(answer, right, exact and 0 or 1)
end

local function turned(x)
    local values = {}
    for i, v in ipairs(x.values) do values[i] = -v end
    return {shape = x.shape, values = values}
end

-- ---- What went wrong ----

local function shape_words(x)
    if #x.shape == 0 then return "one number" end
    if #x.shape == 1 then return ("a vector of %d"):format(x.shape[1]) end
    return "a tensor of " .. table.concat(x.shape, "x")
end

local function has_nan(x)
    for _, v in ipairs(x.values) do
        if v ~= v then return true end
    end
    return false
end

-- What an answer that no known error gives has about it.
local function plain_words(answer, right)
    if right.word then
        return answer.word and "It is none of those words, or not the one." or
            'A word is asked for, as in answer "' .. right.word:gsub(".*", "…") .. '".'
    end
    if answer.word then
        return "A number is asked for: type it, or what computes it, without quotes."
    end
    if has_nan(answer) then return "There is a NaN in it." end
    if not same_shape(answer, right) then
        return ("The answer is %s; this is %s."):format(shape_words(right), shape_words(answer))
    end
    if close(answer, turned(right), 1) then return "The sign is turned." end
    if close(answer, right, NEAR) then return "That is near, but not to three figures." end
    return "That is not it. `learn`.hint() says where to look."
end

-- Words about a wrong answer; `errors` are {answer, words} of errors of thought.
function judge.words(answer, right, errors, exact)
    for _, one in ipairs(errors) do
        if close(answer, one[1], exact and 0 or 1) then return one[2] end
    end
    return plain_words(answer, right)
end

return judge
