-- Where one stands, kept between sessions: a text of lines "at NAME", "right NAME" and "seen NAME".

local _, nabla = ...

local table = table
local ipairs = ipairs

local place = {}

local HEAD <const> = "nabla learn 1"
local FILE <const> = "learn"

-- {at, done = {name = "right" or "seen"}}; nil, a message and whether it is a file of something
-- else, where there is one that does not serve.
function place.read()
    local text, message = nabla._keep(FILE)
    if not text then return nil, message end
    local kept = {done = {}}
    if text == "" then return kept end
    if text:match "^[^\n]*" ~= HEAD then 
        return nil, "the file of your place holds something else", true
    end
    for key, name in text:gmatch "\n(%a+) (%w+)" do
        if key == "at" then kept.at = name
        elseif key == "right" or key == "seen" then kept.done[name] = key end
    end
    return kept
end

-- nil, or why it could not be kept; `order` is of all names.
function place.write(kept, order)
    local lines = {HEAD}
    if kept.at then lines[2] = "at " .. kept.at end
    for _, name in ipairs(order) do
        if kept.done[name] then lines[#lines + 1] = kept.done[name] .. " " .. name end
    end
    local done, message = nabla._keep(FILE, table.concat(lines, "\n") .. "\n")
    return not done and message or nil
end

return place
