-- What is watched of a run: views of a network's numbers, and functions. A watch is {name, read,
-- steps, values}: read() gives its numbers now, as a list, or nil and why there are none any more.
-- What was read stands by step, within a bound: when it is full every second one goes.

local given = require "nabla.plot.given"
local screen = require "nabla.plot.screen"

local _, nabla = ...

local math, table = math, table
local error, ipairs, setmetatable, type = error, ipairs, setmetatable, type

local watch = {}

watch.MOST = 4096 -- steps whose numbers a watch keeps
local WIDEST <const> = 60 -- columns of a name
local SINGLE <const> = 8 -- numbers that have a line of their own in a picture; of more their size

-- ---- Reading ----

-- All of a few numbers, else the root of their mean square: then true is the third value.
local function numbers_of(x)
    x = x:detach():to "f64"
    if x:numel() <= SINGLE then return x:flatten():totable() end
    return {x:norm():item() / math.sqrt(x:numel())}, nil, true
end

-- A function's answer as numbers; nil and a message where it is none.
local function answer(value)
    if type(value) == "number" then return {value} end
    if type(value) == "boolean" then return {value and 1 or 0} end
    if given.kind(value) == "tensor" and value:numel() > 0 then return numbers_of(value) end
    return nil, "t:watch: the function must give a number or a tensor, not " ..
        given.describe(value)
end

local function of_view(t, x)
    local name = nabla._place(t.net, x)
    if not name then
        return nil, "this tensor holds none of the network's parameters or buffers; " ..
            "watch a view such as net[1].w[{5, {17, 17}}], or a function"
    end
    return {text = name, read = function()
        if nabla._place(t.net, x) ~= name then
            return nil, name .. " is watched no more: the network holds it elsewhere now, or " ..
                "not at all"
        end
        return numbers_of(x)
    end}
end

local function of_function(t, f)
    return {text = "f", given = f, read = function()
        local numbers, message, root = answer(f(t))
        if not numbers then error(message, 0) end
        return numbers, nil, root
    end}
end

-- What a watch on this is called; nil where it is none.
function watch.name_of(t, what)
    if type(what) == "string" then return screen.clean(what) end
    return given.kind(what) == "tensor" and nabla._place(t.net, what) or nil
end

-- ---- Keeping ----

-- Every second step goes, and from now on of as many.
local function thin(w)
    local steps, values = w.steps, w.values
    local kept = 0
    w.every = 2 * w.every
    for i, step in ipairs(steps) do
        if step % w.every == 0 then
            kept = kept + 1
            steps[kept], values[kept] = step, values[i]
        end
    end
    for i = #steps, kept + 1, -1 do steps[i], values[i] = nil, nil end
end

-- What stands from this step on is of a way that was left by going back.
local function forget(w, step)
    local steps, values = w.steps, w.values
    while steps[#steps] and steps[#steps] >= step do
        steps[#steps], values[#values] = nil, nil
    end
end

-- Reads what it is now. nil and why where there is nothing to read any more.
function watch.read(w)
    local numbers, message, root = w.read()
    w.now, w.root = numbers, root
    return numbers, message
end

-- The same, and keeps it as what it is after this step.
function watch.look(w, step)
    local numbers, message = watch.read(w)
    if not numbers then return nil, message end
    forget(w, step)
    w.at = step
    if step % w.every ~= 0 then return true end
    w.steps[#w.steps + 1], w.values[#w.values + 1] = step, numbers
    if #w.steps > watch.MOST then thin(w) end
    return true
end

-- As it is shown where the run stands: a view is read, and of a function, which may do anything,
-- only what it gave behind that step is told. nil and why where there is nothing to read any more.
function watch.show(w, step)
    if not w.given then return watch.read(w) end
    if w.at == step then return w.now end
    w.now, w.at = {missing = "not asked at step " .. given.grouped(step)}, step
    for i = #w.steps, 1, -1 do
        if w.steps[i] == step then w.now = w.values[i] end
    end
    return w.now
end

local function number(x)
    return x ~= x and "nan" or ("%.6g"):format(x)
end

-- Its numbers now, in a few words.
local function now(w)
    local numbers = w.now or {}
    if numbers.missing then return numbers.missing end
    local parts = {}
    for i, x in ipairs(numbers) do parts[i] = number(x) end
    return (w.root and "rms " or "") .. table.concat(parts, " ")
end

local META <const> = {__name = "nabla.watch", __tostring = function(w)
    return w.text .. "  " .. now(w)
end, __index = nabla._fields("watch", "a watch", nil, {"at", "given", "now", "root"})}

local function begin(w, text)
    w.text, w.steps, w.values, w.every = text, {}, {}, 1
    return setmetatable(w, META)
end

-- The cost of every step, which is drawn beside what is watched.
function watch.cost(t)
    return begin({read = function() return {t.step_cost} end}, "cost")
end

local WANTED <const> = "takes a view such as net[1].w[{5, {17, 17}}] or a function, not "

-- A watch on `what` of the trainer t; nil and a message.
function watch.new(t, what, name)
    local w, message
    if type(what) == "function" then w = of_function(t, what)
    elseif given.kind(what) == "tensor" then w, message = of_view(t, what:detach())
    elseif type(what) == "number" then
        message = "a number does not change; watch a view that holds it, such as " ..
            "net[1].w[{5, {17, 17}}], or a function"
    else message = WANTED .. given.describe(what) end
    if not w then return nil, message end
    if name ~= nil and type(name) ~= "string" then
        return nil, "a watch's name must be a string, not " .. given.describe(name)
    end
    if name and screen.width(screen.clean(name)) > WIDEST then
        return nil, ("a watch's name has at most %d letters"):format(WIDEST)
    end
    return begin(w, name and screen.clean(name) or w.text)
end

-- ---- Showing ----

-- A line each, names at the left, numbers below each other.
function watch.lines(list)
    local lines, wide = {}, 0
    for _, w in ipairs(list) do wide = math.max(wide, screen.width(w.text)) end
    for i, w in ipairs(list) do
        lines[i] = ("  %s  %s"):format(screen.left(w.text, wide), now(w))
    end
    return lines
end

-- {x, y, label} for each of its numbers.
function watch.series(w)
    local out, first = {}, w.values[1] or {}
    for k = 1, #first do
        local y = {}
        for i, numbers in ipairs(w.values) do y[i] = numbers[k] or 0 / 0 end
        out[k] = {x = table.move(w.steps, 1, #w.steps, 1, {}), y = y,
            label = #first > 1 and ("%s, %d"):format(w.text, k) or
                w.text .. (w.root and ", rms" or "")}
    end
    return out
end

return watch
