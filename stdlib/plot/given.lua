-- What callers give: the kind of a value and its words in a message, options and their limits. An
-- error is a text that is handed back; who was called raises it where its caller stands.

local math, table = math, table
local getmetatable, ipairs, pairs, rawget, tostring, type =
    getmetatable, ipairs, pairs, rawget, tostring, type

local given = {}

-- "tensor", "history", "data set", …, or Lua's own name of the type.
function given.kind(x)
    local name = getmetatable(x)
    name = type(name) == "table" and rawget(name, "__name")
    return type(name) == "string" and name:match "^nabla%.(.+)$" or type(x)
end

-- A value in the words of a message: "a network", "nil", "'x'".
function given.describe(x)
    if type(x) == "string" then return "'" .. x .. "'" end
    if x ~= x then return "nan" end
    if type(x) == "number" then return ("%.14g"):format(x) end
    if x == nil or type(x) == "boolean" then return tostring(x) end
    local kind = given.kind(x)
    return (kind:find "^[aeiou]" and "an " or "a ") .. kind
end

-- "2x2x2", "a number".
function given.shape(x)
    return x:dim() == 0 and "a number" or table.concat(x.shape, "x")
end

-- Numbers of a list or of a tensor of one dimension, as a list; nil where they are none.
function given.numbers(x)
    if given.kind(x) == "tensor" then return x:dim() == 1 and x:totable() or nil end
    if type(x) ~= "table" or #x == 0 then return nil end
    for i = 1, #x do
        if type(x[i]) ~= "number" then return nil end
    end
    return x
end

-- "1,797"
function given.grouped(n)
    local text = ("%d"):format(n):reverse():gsub("(%d%d%d)", "%1,"):reverse()
    return (text:gsub("^,", ""))
end

-- 1 … n.
function given.counted(n)
    local out = {}
    for i = 1, n do out[i] = i end
    return out
end

-- ---- Options ----

-- An option is {name, text, kind, standard}, with `least` and `most` a whole number between them;
-- either: or true or false.
function given.options(...)
    local out = {}
    for _, list in ipairs {...} do table.move(list, 1, #list, #out + 1, out) end
    return out
end

-- What an option must be, in words, and whether a value is that.
local function wanted(option, value)
    if option.either and type(value) == "boolean" then return true end
    if option.least then
        local fits = type(value) == "number" and value >= option.least and value <= option.most and
            math.floor(value) == value
        return fits, ("a whole number from %d to %d"):format(option.least, option.most)
    end
    if option.kind == "number" then
        return type(value) == "number" and value - value == 0, "a finite number"
    end
    local fits = type(value) == option.kind or given.kind(value) == option.kind
    return fits, "a " .. option.kind
end

local function unknown(name, list, key)
    local names = {}
    for i, option in ipairs(list) do names[i] = option.name end
    return ("%s has no option '%s'; it has %s"):format(name, tostring(key),
        table.concat(names, ", "))
end

-- The options as the function `name` takes them, whole numbers as integers; nil and a message where
-- one is not what it must be.
function given.check(name, list, options)
    if options == nil then return {} end
    if type(options) ~= "table" then
        return nil, ("options of %s must be a table, not %s"):format(name, given.describe(options))
    end
    local out = {}
    for key, value in pairs(options) do
        local known
        for _, option in ipairs(list) do known = option.name == key and option or known end
        if not known then return nil, unknown(name, list, key) end
        local fits, words = wanted(known, value)
        if not fits then
            local message = "%s: %s must be %s, not %s"
            return nil, message:format(name, key, words, given.describe(value))
        end
        out[key] = known.least and value ~= true and value and math.floor(value) or value
    end
    if out.low and out.high and not (out.low < out.high) then
        local message = "%s: low must be below high, not %s and %s"
        return nil, message:format(name, tostring(out.low), tostring(out.high))
    end
    return out
end

return given
