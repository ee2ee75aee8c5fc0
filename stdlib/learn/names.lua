-- The names of a lesson, and its commands. What a command makes is a field of learn, and a global
-- as well where the session has none of that name: nothing of the user's is ever written over. A
-- command is shown with the names that are true, so that it can be typed as it stands.

local start <const>, _, nabla = _ENV, ...

local given = require "nabla.plot.given"

local table = table
local _G, error, ipairs, load, next, pairs, rawequal, rawget, rawset, setmetatable, tostring, type =
    _G, error, ipairs, load, next, pairs, rawequal, rawget, rawset, setmetatable, tostring, type

local names = {}

local learn = nabla.learn
local vars = {} -- the names of the lesson and what they stand for
local placed = {} -- those that became globals
local MODULES <const> = {nn = true, tensor = true, data = true, plot = true}
-- Names that commands may make or use, also before there is one.
local MADE <const> = {}
local LIST <const> =
    "answer asked batch d ill moved nabla_b nabla_w net other s sick some t u w x y"
for name in LIST:gmatch "%S+" do MADE[name] = true end

-- ---- Where a name stands ----

-- Whether learn is a global here: in the program, not in a Lua that loaded the module. Only there
-- others become globals.
function names.is_program()
    return rawequal(rawget(_G, "learn"), learn)
end

local function is_free(name)
    local value = rawget(_G, name)
    if not names.is_program() then return false end
    return value == nil or rawequal(value, placed[name])
end

-- What a field of the module is called here.
local function field(name)
    local module = rawget(_G, "nabla")
    if rawequal(module, nabla) then return "nabla." .. name end
    return 'require "nabla".' .. name
end

-- The name that `name` of a lesson goes by in this session.
local function called(name)
    if name == "learn" then return names.is_program() and name or field(name) end
    local value = MODULES[name] and nabla[name] or vars[name]
    local is_there = value ~= nil and rawequal(rawget(_G, name), value)
    if is_there or not MODULES[name] and is_free(name) then return name end
    if MODULES[name] then return field(name) end
    return called "learn" .. "." .. name
end

-- Gives a name of the lesson its value.
function names.put(name, value)
    local free = is_free(name)
    vars[name] = value
    rawset(learn, name, value)
    if free then
        rawset(_G, name, value)
        placed[name] = value
    end
end

-- Whether a global is one that a lesson made.
function names.is_placed(name, value)
    return value ~= nil and rawequal(value, placed[name])
end

-- Code as it can be typed here. What stands behind a dot or a colon is a field.
function names.shown(code)
    return (code:gsub("()%f[%w_]([%a_][%w_]*)", function(at, word)
        local is_field = code:sub(at - 1, at - 1):find "[.:]"
        local is_known = MADE[word] or MODULES[word] or word == "learn"
        if is_known and not is_field then return called(word) end
    end))
end

-- ---- Running ----

-- Names of the lesson, then the modules as they are, then those of the start; what is assigned
-- becomes a name of the lesson.
local env = setmetatable({}, {
    __index = function(_, name)
        if vars[name] ~= nil then return vars[name] end
        if MODULES[name] then return nabla[name] end
        return start[name]
    end,
    __newindex = function(_, name, value) names.put(name, value) end,
})

-- The values of a command; raises what it raises.
function names.run(code)
    local chunk = load("return " .. code, "=learn", "t", env)
    if chunk then return chunk() end
    local message
    chunk, message = load(code, "=learn", "t", env)
    if not chunk then error(message, 0) end
    chunk()
end

-- ---- Values as the prompt shows them ----

local function list(value)
    local parts = {}
    for i, item in ipairs(value) do parts[i] = tostring(item) end
    return "{" .. table.concat(parts, ", ") .. "}"
end

local function text_of(value)
    if type(value) == "string" then return ("%q"):format(value) end
    local plain = type(value) == "table" and given.kind(value) == "table"
    return plain and list(value) or tostring(value)
end

-- Values one beside the other, or below where one has lines.
function names.text(values)
    local out, had_lines = "", false
    for i = 1, values.n do
        local text = text_of(values[i])
        local has_lines = text:find("\n", 1, true) ~= nil
        local gap = i == 1 and "" or (had_lines or has_lines) and "\n" or "\t"
        out, had_lines = out .. gap .. text, has_lines
    end
    return out
end

return names
