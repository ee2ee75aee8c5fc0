-- What a program of the storm prints of a value: numbers as the hash of all their bits, so that
-- two runs differ in a line as soon as one bit does, and messages without what no two runs share.

local printed = {}

local ODD <const> = 0x9E3779B97F4A7C15

-- All NaN are one: which of them a sum of two gives is the processor's to say.
local function mix_number(hash, v)
    hash = (hash ~ (hash >> 32)) * ODD
    if v ~= v then return hash + 77 end
    return hash + string.unpack("<i8", string.pack("<d", v))
end

local function mix(hash, v)
    if type(v) == "number" then return mix_number(hash, v) end
    if type(v) == "boolean" then return mix_number(hash, v and 1 or 0) end
    if type(v) == "table" then for i = 1, #v do hash = mix(hash, v[i]) end end
    return hash
end

-- Of a number, a list of lists of them, or a tensor with its sizes and dtype; 0 of nil.
function printed.hash(value)
    if value == nil then return 0 end
    if type(value) ~= "userdata" then return mix(5, value) end
    local hash = #value.shape + (value.dtype == "f64" and 1 or 0)
    for _, size in ipairs(value.shape) do hash = hash * 31 + size end
    return mix(hash, value:totable())
end

-- Messages name addresses, temporary files, and the lines of a program, which are others where a
-- run is resumed.
function printed.clean(text)
    text = tostring(text):gsub("0x%x+", "ADDRESS"):gsub("/tmp/lua_%w+", "FILE")
    return (text:gsub("[^%s]*/storm/%w+%.lua:%d+", "LINE"):gsub("%-nan", "nan"):gsub("\n", " "))
end

return printed
