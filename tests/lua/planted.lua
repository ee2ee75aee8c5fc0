-- What the specs of nabla.anomaly share: NaN and infinity are planted,
-- and the message must name them.

local spec = require "spec"

local planted = {count = 0}

-- The bits of a tensor, NaN and all.
function planted.bits(t)
    return t:format{all = true} .. t:isfinite():sum():item()
end

-- f must fail, with all of the texts in its message, and leave the network's parameters.
function planted.named(net, f, ...)
    local before = planted.bits(net:params())
    local ok, message = pcall(f)
    planted.count = planted.count + 1
    assert(not ok, "no error was raised where " .. ... .. " was expected, in " .. net:notation())
    message = tostring(message)
    for _, text in ipairs {...} do
        if not message:find(text, 1, true) then
            error(("%q has no %q in it: %s"):format(message, text, net:notation()), 2)
        end
    end
    assert(planted.bits(net:params()) == before, "something was learned from " .. message)
end

-- A random index of a tensor, as a list and as it is written.
function planted.somewhere(shape)
    local index, text = {}, ""
    for i, size in ipairs(shape) do
        index[i] = math.random(size)
        text = text .. "[" .. index[i] .. "]"
    end
    return index, text
end

return planted
