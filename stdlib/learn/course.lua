-- The course: its steps in order, where one stands, and what learn() and its functions do. What
-- they return is a message, where they refuse what was asked.

local _, nabla = ...

local given = require "nabla.plot.given"
local screen = require "nabla.plot.screen"
local judge = require "nabla.learn.judge"
local lesson = require "nabla.learn.lesson"
local names = require "nabla.learn.names"
local page = require "nabla.learn.page"
local place = require "nabla.learn.place"

local math, table = math, table
local _G, ipairs, pairs, rawget, require, type = _G, ipairs, pairs, rawget, require, type

local course = {}

local steps, order, place_of = {}, {}, {}
for _, part in ipairs {"forward", "equations", "algorithm", "slow"} do
    for _, step in ipairs(require("nabla.learn." .. part)) do
        steps[#steps + 1], order[#order + 1] = step, step.name
        place_of[step.name:lower()] = #steps
    end
end

-- Other words for a step.
local ALSO <const> = {
    forward = "matrix", hadamard = "product", backprop = "algorithm", backpropagation = "algorithm",
    descent = "algorithm", saturation = "saturated", slow = "quiet", differences = "fast",
    gradcheck = "fast",
}
for word, name in pairs(ALSO) do place_of[word] = place_of[name] end

-- Where one stands, 0 behind the welcome and nil before it, and which steps are done: "right", or
-- "seen" where the answer was shown. Both are kept.
local now = {at = nil, done = {}}
local hand -- the lesson that is on the screen, and its place
local words_told -- which network the last step stood on
local is_read, is_kept = false, true -- the file; false once it does not serve

-- ---- Keeping ----

local function remark(text)
    page.quiet("(" .. text .. ")")
end

-- There is no keeping it; said once.
local function lose_place(message)
    is_kept = false
    remark("your place is kept for this session only: " .. message)
end

local function read_place()
    if is_read then return end
    is_read = true
    local kept, message, is_foreign = place.read()
    if is_foreign then
        is_kept = false
        return remark(message .. "; learn.reset() makes it anew, else your place is not kept")
    end
    if not kept then return lose_place(message) end
    for name, how in pairs(kept.done) do
        if place_of[name:lower()] then now.done[name] = how end
    end
    now.at = kept.at and place_of[kept.at:lower()]
end

local function keep_place()
    if not is_kept then return end
    local message = place.write({at = now.at and order[now.at], done = now.done}, order)
    if message then lose_place(message) end
end

-- ---- A step ----

-- Puts the step on the screen.
local function show_step(at)
    local step = steps[at]
    local one = lesson.begin(step)
    local mark = now.done[step.name] == "right" and ", answered" or ""
    page.title(("%d of %d%s · %s"):format(at, #steps, mark, step.title))
    if one.words ~= words_told then remark(one.words) end
    page.say ""
    page.text(lesson.filled(step.text, one.ground))
    page.say ""
    now.at, hand = at, nil
    lesson.run(one, page.command)
    one.at, hand, words_told = at, one, one.words
    page.say ""
    page.text(lesson.filled(step.ask, one.ground))
    local help = names.is_program() and "?" .. step.see or ('nabla.help "%s"'):format(step.see)
    page.quiet("`answer`(…) · `learn`.hint() · `learn`.next() · " .. help)
    keep_place()
end

-- The lesson in hand, made ready without a word where this session has not shown it.
local function in_hand()
    read_place()
    now.at = math.max(now.at or 1, 1)
    if hand and hand.at == now.at then return hand end
    local one = lesson.begin(steps[now.at])
    lesson.run(one, names.run)
    one.at, hand = now.at, one
    return one
end

-- ---- The whole ----

local function mark_of(at)
    local how = now.done[order[at]]
    local utf8 = screen.is_utf8()
    if how == "right" then return utf8 and "✓" or "+" end
    return how and "." or " "
end

function course.list()
    read_place()
    for at, step in ipairs(steps) do
        local here = at == now.at and (screen.is_utf8() and "▸" or ">") or " "
        page.say(("%s %s %2d  %-10s  %s"):format(here, mark_of(at), at, step.name, step.title))
    end
end

local WELCOME <const> = [[
The notes on backpropagation, live: fourteen steps, each a short text, commands that are run before
your eyes, and a question. What the commands make is yours to play with. Answer with answer(x), x a
number or what computes it, or with answer() alone, which takes the last result; three figures will
do. learn() goes on, also another day; learn(3) and learn "BP2" jump.]]

local function welcome()
    page.title "learn()"
    page.text(WELCOME)
    page.say ""
    course.list()
    page.say ""
    page.text "`learn`() begins."
end

-- What is said behind the last step.
local function finish()
    local open = {}
    for _, name in ipairs(order) do
        if now.done[name] ~= "right" then open[#open + 1] = name end
    end
    if #open == 0 then
        page.title(("All %d are answered."):format(#steps))
        return page.text("From here: ?tutorial trains a network on digits; the scripts of " ..
            "examples/notes do what you did by plain tensors; net:gradcheck judges whatever you " ..
            "change.")
    end
    page.title(("That was the last one; %d of %d are answered."):format(#steps - #open, #steps))
    page.text(("Open: %s. `learn` \"%s\" goes there."):format(table.concat(open, ", "), open[1]))
end

-- Where learn() alone goes.
local function go_on()
    if not now.at then
        now.at = 0
        return welcome()
    end
    local at = math.max(now.at, 1)
    if now.done[order[now.at]] then at = at + 1 end
    if at > #steps then return finish() end
    return show_step(at)
end

-- ---- Asking for a step ----

local function step_at(what)
    if type(what) == "number" then
        local at = math.tointeger(what)
        if at and steps[at] then return at end
        return nil, ("learn: the steps are 1 to %d, not %s"):format(#steps, given.describe(what))
    end
    local at = place_of[what:lower()]
    if at then return at end
    return nil, ("learn has no step '%s'; they are %s"):format(nabla._shown(what),
        table.concat(order, ", "))
end

-- Takes what learn{…} is given; a message where it cannot be. `known` lists the options.
local function take(known, options)
    local is_small = rawget(options, "net") == "small"
    local checked, message = given.check("learn", known,
        is_small and {set = rawget(options, "set")} or options)
    if not checked then return message end
    if is_small and checked.set then return "learn: the small network has examples of its own" end
    message = lesson.take(not is_small and checked.net, checked.set)
    return message and "learn: " .. message
end

function course.learn(known, count, what)
    if count > 1 then return "learn takes one argument: a number, a name, or {net = …, set = …}" end
    read_place()
    if count == 0 then return go_on() end
    if type(what) == "number" or type(what) == "string" then
        local at, message = step_at(what)
        return message or show_step(at)
    end
    if given.kind(what) ~= "table" then
        return ("learn takes a step's number or name, or {net = …, set = …}, not %s"):format(
            given.describe(what))
    end
    return take(known, what) or show_step(math.max(now.at or 1, 1))
end

function course.next()
    read_place()
    local at = (now.at or 0) + 1
    if at > #steps then return finish() end
    return show_step(at)
end

function course.back()
    read_place()
    return show_step(math.max((now.at or 1) - 1, 1))
end

function course.reset()
    read_place()
    now.at, now.done, hand, words_told, is_kept = nil, {}, nil, nil, true
    lesson.forget()
    keep_place()
    page.text "Forgotten; `learn`() begins anew."
end

-- ---- Answers ----

-- The step is done; what was shown is not answered before it is shown anew.
local function mark(how)
    local name = order[now.at]
    if how == "seen" then hand.is_solved = true end
    if not now.done[name] or not hand.is_solved then now.done[name] = how end
    keep_place()
end

local function say_what_follows()
    local following = steps[now.at + 1]
    if not following then return page.text "`learn`() ends." end
    page.text(("`learn`() goes on: %d of %d · %s"):format(now.at + 1, #steps, following.title))
end

local function praise(one)
    page.text("Right. " .. lesson.filled(one.step.right, one.ground))
    mark "right"
    for _, code in ipairs(lesson.codes(one.ground, one.step.after)) do page.command(code) end
    say_what_follows()
end

function course.answer(count, x)
    if count > 1 then return "answer takes one value; several numbers are a list, {1, 2}" end
    if count == 0 then x = rawget(_G, "_") end
    if count == 0 and x == nil then return "answer takes what you found: answer(x)" end
    local one = in_hand()
    local answer, words = judge.read(x)
    if answer and lesson.is_right(one, answer) then return praise(one) end
    if answer and lesson.is_stale(one) then
        lesson.run(one, names.run)
        if lesson.is_right(one, answer) then return praise(one) end
        remark "net has changed since the step was shown; t and all else were computed anew"
    end
    page.text(words or lesson.words(one, answer))
end

function course.hint()
    local one = in_hand()
    one.hints = one.hints + 1
    page.text(lesson.filled(one.step.hint, one.ground))
    if one.hints > 1 then page.quiet "`learn`.solve() shows a way" end
end

function course.solve()
    local one = in_hand()
    local way = one.step.way
    for _, code in ipairs(lesson.codes(one.ground, type(way) == "table" and way or {way})) do
        page.command(code)
    end
    if one.word then page.text(('So it is "%s".'):format(one.word)) end
    mark "seen"
    say_what_follows()
end

return course
