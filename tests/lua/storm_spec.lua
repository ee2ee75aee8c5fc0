-- Random programs on networks whose dense layers stand in a row (tests/storm/play.lua) print the
-- same, bit by bit, where those layers run as one operation and where they run one by one, and
-- where training runs through and where it is left and resumed. What they hold stays as it was, and
-- what is frozen or masked does not move.
--
-- NABLA_PROGRAMS: how many. NABLA_PROGRAMS_FROM: the first one's number.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test = spec.test

local program = os.getenv "NABLA" or arg[-1]
local player = (arg[0]:match("^(.*)/") or ".") .. "/../storm/play.lua"

-- Fewer where each takes long.
local MANY <const>, FEW_SANITIZED <const>, FEW_STRESSED <const> = 300, 100, 10

local function programs_to_play()
    local asked = tonumber(os.getenv "NABLA_PROGRAMS" or nil)
    if asked then return asked end
    if os.getenv "NABLA_STRESS" then return FEW_STRESSED end
    return os.getenv "NABLA_SANITIZED" and FEW_SANITIZED or MANY
end

local from = tonumber(os.getenv "NABLA_PROGRAMS_FROM" or 1)
local to = from + programs_to_play() - 1

-- ---- Playing ----

local FUSED <const> = {fuse = 1, options = ""}
local APART <const> = {fuse = 0, options = ""}
local RESUMED <const> = {fuse = 1, options = " resumed"}

local function command(way, first, last, more)
    return ("NABLA_FUSE=%d %s %s %d %d%s%s"):format(way.fuse, program, player, first, last,
        way.options, more or "")
end

-- The lines of each program by its number; .rest: what stands behind all; .died: the number of one
-- that did not end.
local function play(way, first, last, more)
    local played, lines, number = {rest = {}}, {}, nil
    local pipe = assert(io.popen(command(way, first, last, more) .. " 2>&1"))
    for line in pipe:lines() do
        local begins = tonumber(line:match "^program (%d+)$")
        if begins then
            number, lines = begins, {}
            played[number] = lines
        elseif line == "all programs" then
            lines = played.rest
        else
            lines[#lines + 1] = line
        end
    end
    if not pipe:close() then played.died = number or first end
    return played
end

-- ---- Comparing ----

-- The first line that two lists have not in common, and the operation before it; or nil.
local function difference(a, b)
    local operation
    for i = 1, math.max(#a, #b) do
        if a[i] ~= b[i] then return i, operation or "its first step" end
        operation = a[i]:match "^operation .*$" or operation
    end
end

local function differing(a, b)
    local numbers = {}
    for number = from, to do
        if difference(a[number] or {}, b[number] or {}) then numbers[#numbers + 1] = number end
    end
    return numbers
end

-- The operations of a program's lines that may be left out with its two ways still at odds, as an
-- option of the player.
local function needless(number, lines, one, other)
    local left_out, last = {}, 0
    for _, line in ipairs(lines) do last = tonumber(line:match "^operation (%d+)") or last end
    for i = 1, last do
        left_out[#left_out + 1] = i
        local option = " without=" .. table.concat(left_out, ",")
        local a, b = play(one, number, number, option), play(other, number, number, option)
        if not difference(a[number], b[number]) then left_out[#left_out] = nil end
    end
    return #left_out > 0 and " without=" .. table.concat(left_out, ",") or ""
end

-- What is left of the program then, where its ways part, and how to see it again.
local function told(number, lines, one, other)
    local option = needless(number, lines, one, other)
    local a = play(one, number, number, option)[number]
    local b = play(other, number, number, option)[number]
    local at, operation = difference(a, b)
    local text = {"program " .. number .. ": " .. a[1]}
    for _, line in ipairs(a) do
        if line:find "^operation" then text[#text + 1] = "  " .. line end
    end
    text[#text + 1] = ("line %d, behind %s:"):format(at, operation)
    for _, side in ipairs {{one, a}, {other, b}} do
        text[#text + 1] = "  " .. (side[2][at] or "nothing")
        text[#text + 1] = "  " .. command(side[1], number, number, option)
    end
    return table.concat(text, "\n")
end

local function check_ended(played)
    if not played.died then return end
    local lines = played[played.died] or played.rest
    error(("program %d did not end:\n%s"):format(played.died,
        table.concat(lines, "\n", math.max(1, #lines - 40))), 0)
end

local function alike(a, b, one, other)
    check_ended(b)
    local numbers = differing(a, b)
    if #numbers == 0 then return end
    error(("%d of %d programs differ: %s\n%s"):format(#numbers, to - from + 1,
        table.concat(numbers, " "), told(numbers[1], a[numbers[1]], one, other)), 0)
end

-- ---- Tests ----

local fused = play(FUSED, from, to, " counts")

test("programs end, and what they held and what rests stays as it was", function()
    check_ended(fused)
    for number = from, to do
        for i, line in ipairs(fused[number]) do
            if line:find "^WRONG" then
                error(("line %d: %s\n%s"):format(i, line, command(FUSED, number, number)), 0)
            end
        end
    end
end)

test("dense layers as one operation give the bits of dense layers one by one", function()
    alike(fused, play(APART, from, to), FUSED, APART)
end)

test("runs that are left and resumed give the bits of runs in one go", function()
    alike(fused, play(RESUMED, from, to), FUSED, RESUMED)
end)

-- What is tried and always refused tests nothing.
test("every operation is done somewhere", function()
    if to - from + 1 < MANY then return end
    local seen = 0
    for _, line in ipairs(fused.rest) do
        local name, done = line:match "^(%w+%.[%w_]+) +%d+ +(%d+) +%d+$"
        seen = seen + (name and 1 or 0)
        assert(not name or tonumber(done) > 0, line)
    end
    assert(seen > 0, "no counts")
end)

spec.report()
