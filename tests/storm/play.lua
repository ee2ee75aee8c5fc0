-- Plays random programs on networks whose dense layers stand in a row: an operation, which changes,
-- looks or learns, then mostly a step; and so on. What it prints hangs on all bits, so two ways to
-- run the same are compared by their lines: NABLA_FUSE=0 and 1, runs in one go and resumed.
-- usage: nabla play.lua FROM TO [resumed] [counts] [without=3,7] (programs FROM … TO)
--
-- resumed: training is left in the middle and gone on with. counts: behind all programs, how often
-- each operation was tried, was done, and stood between two steps that learned. without: operations
-- that are left out; the others stay what they are. tests/lua/storm_spec.lua compares.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local program = require "program"
local changes, looks, learning = require "changes", require "looks", require "learning"

local OPERATIONS <const> = 22

-- ---- Which operation ----

local function sorted(t)
    local names = {}
    for name in pairs(t) do names[#names + 1] = name end
    table.sort(names)
    return names
end

-- A kind of operations: how often it is drawn, and its groups, whose lists are put in order.
local function kind(share, groups)
    for _, group in ipairs(groups) do group.names = sorted(group.ops) end
    return {share = share, groups = groups}
end

local KINDS <const> = {kind(6, changes), kind(2, looks), kind(2, learning)}

local function drawn(p)
    local group = p:by_share(p:by_share(KINDS).groups)
    local name = p:pick(group.names)
    return {name = group.name .. "." .. name, f = group.ops[name], group = group}
end

-- ---- Counts ----

local counts = {}

local function count(name, what)
    local c = counts[name] or {tried = 0, done = 0, between = 0}
    counts[name] = c
    c[what] = c[what] + 1
end

local function print_counts()
    print(("%-36s%8s%8s%8s"):format("operation", "tried", "done", "between"))
    for _, k in ipairs(KINDS) do
        for _, group in ipairs(k.groups) do
            for _, name in ipairs(group.names) do
                name = group.name .. "." .. name
                local c = counts[name] or {tried = 0, done = 0, between = 0}
                print(("%-36s%8d%8d%8d"):format(name, c.tried, c.done, c.between))
            end
        end
    end
end

-- ---- Programs ----

-- A step; `waiting` are the operations since the last one.
local function step(p, waiting)
    local learned = p:step()
    for _, name in ipairs(learned and waiting.behind_step and waiting or {}) do
        count(name, "between")
    end
    p:go_on()
    return {behind_step = learned}
end

local function operate(p, op)
    if op.group.spends and p:chance(0.8) then p:do_waiting() end
    if op.group.alone and p:chance(0.3) then p:loosen() end
    local ok, message = pcall(op.f, p)
    count(op.name, "tried")
    if ok then count(op.name, "done") else p:say("error", message) end
    if op.group.refits then p:refit() end
    p:check_held()
    if p:chance(0.1) then collectgarbage() end
    return ok
end

local function play(number, resumes, without)
    local p = program.new(number, print, resumes)
    local waiting = step(p, {})
    for i = 1, OPERATIONS do
        if not without[i] then
            p:draws_for(i)
            local op = drawn(p)
            p:say(("operation %d %s"):format(i, op.name))
            if operate(p, op) then table.insert(waiting, op.name) end
            if p:chance(0.8) then waiting = step(p, waiting) end
        end
    end
    p:do_waiting()
    p:check_held()
end

-- ---- What is asked ----

local resumes, counted, without = false, false, {}
for i = 3, #arg do
    local left_out = arg[i]:match "^without=([%d,]+)$" or ""
    resumes = resumes or arg[i] == "resumed"
    counted = counted or arg[i] == "counts"
    for n in left_out:gmatch "%d+" do without[tonumber(n)] = true end
end
-- What a crash leaves says where it was.
io.stdout:setvbuf "line"
for number = tonumber(arg[1]), tonumber(arg[2]) do
    print("program " .. number)
    play(number, resumes, without)
end
print "all programs"
if counted then print_counts() end
