-- Numbers and places as the diagnosis says them.

local math = math
local tonumber = tonumber

local words = {}

-- Three figures, without an exponent where that is short.
function words.number(x)
    if x ~= x then return "nan" end
    if math.abs(x) == math.huge then return x > 0 and "inf" or "-inf" end
    if x == 0 then return "0" end
    local size = math.abs(x)
    if size >= 100 and size < 1e6 then
        local text = ("%.0f"):format(x):reverse():gsub("(%d%d%d)", "%1,"):reverse()
        return (text:gsub("^,", ""):gsub("^%-,", "-"))
    end
    return (("%.3g"):format(x):gsub("e([+-])0*(%d)", function(sign, digits)
        return "e" .. (sign == "-" and "-" or "") .. digits
    end))
end

-- As Lua reads it, three figures.
function words.plain(x)
    if x == math.floor(x) and math.abs(x) < 1e6 then return ("%d"):format(x) end
    return ("%.3g"):format(x)
end

-- A share as a percentage.
function words.percent(share)
    local value = 100 * share
    if value > 0 and value < 1 then
        return words.number(tonumber(("%.1g"):format(value))) .. " %"
    end
    return ("%.0f %%"):format(value)
end

-- "1 example", "3 examples".
function words.count(n, noun)
    return ("%s %s%s"):format(words.number(n), noun, n == 1 and "" or "s")
end

-- "layer 3 (dense 30 relu)"
function words.layer(figure)
    return "layer " .. figure.path
end

return words
