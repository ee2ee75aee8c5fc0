-- What stops a run: a function, one of a few words, or an expression over named numbers. A
-- condition is {text, holds, fails}: holds(t) gives what is so now, in words, and of a word the
-- place, or nil; fails says that it is about a step that cannot be made.

local figures = require "nabla.trainer.figures"
local given = require "nabla.plot.given"
local screen = require "nabla.plot.screen"
local words = require "nabla.trainer.words"

local _, nabla = ...

local math, table = math, table
local error, ipairs, load, pcall, rawset, setmetatable, tostring, type =
    error, ipairs, load, pcall, rawset, setmetatable, tostring, type

local condition = {}

local LONGEST <const> = 200 -- bytes of an expression
local SHARED <const> = {"abs", "ceil", "exp", "floor", "huge", "log", "max", "min", "pi", "sqrt"}
local KEYWORDS <const> = {["and"] = true, ["or"] = true, ["not"] = true, ["true"] = true,
    ["false"] = true}

-- ---- Names ----

local function names_of(...)
    local out = {}
    for _, list in ipairs {...} do
        for _, entry in ipairs(list) do out[#out + 1] = entry.name or entry end
    end
    return out
end

local function find(list, name)
    for _, entry in ipairs(list) do
        if entry.name == name then return entry end
    end
end

local function find_shared(name)
    for _, shared in ipairs(SHARED) do
        if shared == name then return true end
    end
end

local function quoted(list)
    local out = {}
    for i, entry in ipairs(list) do out[i] = '"' .. entry.name .. '"' end
    return table.concat(out, ", ")
end

-- "; did you mean 'cost'?" or what there is.
local function proposed(name, names)
    local near = nabla._help.nearest_of(name, names)
    if near then return ("; did you mean '%s'?"):format(near) end
    return "; there are " .. table.concat(names, ", ")
end

-- ---- Expressions ----

-- As it stands in a message.
local function shown(text)
    return "'" .. screen.clean(text) .. "'"
end

-- What is wrong with a name that is known: a function without what it is of, or nil.
local function check_name(name, text, behind)
    if name == "nil" then
        return nil, shown(text) .. " has nil, and all that is named is a number"
    end
    if type(math[name]) == "function" and find_shared(name) and not text:find("^%s*%(", behind) then
        return nil, ("%s is a function in %s: %s(x)"):format(name, shown(text), name)
    end
    return true
end

-- Whether all names in it are known; nil and a message otherwise.
local function check_names(text)
    for name, behind in text:gmatch "%f[%w_]([%a_][%w_]*)()" do
        local fine, message = check_name(name, text, behind)
        if not fine then return nil, message end
        local known = KEYWORDS[name] or find(figures, name)
        if not known and not find_shared(name) then
            return nil, ("%s has no number '%s'%s"):format(shown(text), name,
                proposed(name, names_of(figures, SHARED)))
        end
    end
    return true
end

-- Each number is asked for once in a step, when it is named.
local function environment()
    local env, now = {}, nil
    for _, name in ipairs(SHARED) do env[name] = math[name] end
    local shared = env
    return function(t)
        now = setmetatable({}, {__index = function(seen, name)
            local figure = find(figures, name)
            local value = shared[name] or figure and figure.of(t)
            rawset(seen, name, value)
            return value
        end})
        return now
    end
end

-- Of an error in an expression only its words count.
local function bare(message)
    local words = tostring(message):gsub("^.-:%d+: ", "")
    if words:find "attempt to compare .*boolean" then
        return "what is compared is a number, not true or false; write 1 < cost and cost < 2"
    end
    return screen.clean(words)
end

local function wrong_value(text, value)
    if type(value) == "number" then
        return ("%s is a number, neither true nor false; compare it, as in cost > 2"):format(
            shown(text))
    end
    return ("%s is %s, neither true nor false"):format(shown(text), given.describe(value))
end

-- "cost 2.31, lr 0.5": the numbers that were named.
local function told(text, env)
    local parts, seen = {}, {}
    for name in text:gmatch "%f[%w_][%a_][%w_]*" do
        if find(figures, name) and not seen[name] then
            parts[#parts + 1] = ("%s %.4g"):format(name, env[name])
            seen[name] = true
        end
    end
    return table.concat(parts, ", ")
end

local function compile(text)
    local fine, message = check_names(text)
    if not fine then return nil, message end
    local env, fresh = {}, environment()
    local chunk
    chunk, message = load("return " .. text, "=condition", "t",
        setmetatable({}, {__index = function(_, name) return env[name] end}))
    if not chunk then
        local hint = text:find "[^=<>~]=[^=]" and "; == compares" or ""
        return nil, ("%s is no expression: %s%s"):format(shown(text), bare(message), hint)
    end
    return function(t)
        env = fresh(t)
        local ran, value = pcall(chunk)
        if not ran then
            if type(value) ~= "string" then error(value, 0) end
            error(("%s: %s"):format(shown(text), bare(value)), 0)
        end
        if type(value) ~= "boolean" then error(wrong_value(text, value), 0) end
        return value and told(text, env) or nil
    end
end

-- ---- Reading ----

local META <const> = {__name = "nabla.condition", __tostring = function(c)
    return "stops the run: " .. c.text
end, __index = nabla._fields("condition", "a condition", nil, {"fails", "given"})}

local function of_word(word, afresh)
    local known = {}
    return setmetatable({text = word.name, fails = word.fails, holds = function(t)
        if word.look then return word.look(t, afresh and {} or known) end
    end}, META)
end

-- What a function gives back may say why.
local function of_function(f)
    return setmetatable({text = "a function", given = f, holds = function(t)
        local value = f(t)
        if not value then return nil end
        return type(value) == "string" and value or "it holds"
    end}, META)
end

local WANTED <const> = "a function, one of the words %s, or an expression such as \"cost > 2\""

-- The condition that `what` is for the trainer t; nil and a message where it is none. afresh: a
-- word tells again what it has told.
function condition.read(what, t, afresh)
    if type(what) == "function" then return of_function(what) end
    if type(what) ~= "string" then
        return nil, ("takes %s, not %s"):format(WANTED:format(quoted(words)), given.describe(what))
    end
    if not what:find "%S" then
        return nil, ("takes %s, not an empty string"):format(WANTED:format(quoted(words)))
    end
    local word = find(words, what)
    if word then return of_word(word, afresh) end
    if what:find "^%s*[%a_][%w_]*%s*$" and not find(figures, what) then
        return nil, ("knows no '%s'%s"):format(what, proposed(what, names_of(words)))
    end
    if #what > LONGEST then
        return nil, ("takes an expression of at most %d letters; write a function"):format(LONGEST)
    end
    local holds, message = compile(what)
    if not holds then return nil, message end
    local fine, value = pcall(holds, t)
    if not fine then
        if type(value) ~= "string" then error(value, 0) end
        return nil, value
    end
    return setmetatable({text = what, holds = holds}, META)
end

condition.words, condition.figures = words, figures

return condition
