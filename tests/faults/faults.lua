-- The broken programs of tests/faults, judged and shown; the script `run` beside it calls it so:
-- nabla faults.lua check | diagnose PROGRAM   judges one program and prints what it found as Lua
-- nabla faults.lua show FILE…                 prints such findings as tables, with their totals

local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/?.lua;" .. package.path
local judge = require "judge"

-- What is to hold, of twenty patterns.
local HOLD <const> = {patterns = 20, right = 18, cured = 14, false_alarms = 2}
local RIGHT <const> = 4 -- seeds of five in which the first kind must be an accepted one

-- ---- Findings as text ----

local function write(value)
    if type(value) ~= "table" then return ("%q"):format(value) end
    local fields = {}
    for k, v in pairs(value) do fields[#fields + 1] = ("[%q] = %s"):format(k, write(v)) end
    return "{" .. table.concat(fields, ", ") .. "}"
end

local function judge_one(how, path)
    local program = dofile(path)
    local found = judge[how](program)
    found.how, found.name = how, path:match "([^/]+)%.lua$"
    found.pattern, found.accepts = program.pattern, program.accepts
    found.promised = program.refused
    print("return " .. write(found))
end

-- ---- Tables ----

local function print_row(...) print(table.concat({...}, "  ")) end

local function number(value) return value and ("%6.3f"):format(value) or "     –" end

-- Whether the program is what it promises: written so that NaN fails. Where a refusal is promised
-- every seed must meet it, elsewhere none.
local function sound(f)
    return f.worst < judge.PLATEAU and f.least >= judge.COST and
        (not f.still or f.still < (f.broken + f.twin) / 2) and
        f.refusals == (f.promised and judge.SEEDS or 0) and (f.promised or not f.refused)
end

local function show_checks(list)
    if #list == 0 then return true end
    print_row("fault                     ", "broken", "  twin", "   5 ×", " worst", " still", "")
    local all = true
    for _, f in ipairs(list) do
        all = all and sound(f)
        print_row(("%-26s"):format(f.name), number(f.broken), number(f.twin), number(f.longer),
            number(f.worst), number(f.still), sound(f) and "" or "← not what it says",
            f.refused or "")
    end
    return all
end

local function show_details(f)
    for seed = 1, judge.SEEDS do
        local text = f.cures[seed]:gsub("\n", "; ")
        print(("      %-18s %s"):format(f.kinds[seed], text))
    end
    for _, text in ipairs(f.alarms) do print("      twin: " .. text:gsub("\n", "; ")) end
    if f.cure_refused then print("      a cure was refused: " .. f.cure_refused) end
end

-- A total, with what is to hold where all patterns of the list were judged.
local function show_total(list, text, count, of, held)
    local bound = #list == HOLD.patterns and (" (held: %s)"):format(held) or ""
    print(("%s: %d of %d%s"):format(text, count, of, bound))
end

local function show_totals(list, t)
    show_total(list, ("right first kind in %d of %d seeds"):format(RIGHT, judge.SEEDS), t.right,
        #list, HOLD.right .. " of 20")
    show_total(list, "half the gap closed by the first cure", t.cured, t.curable,
        HOLD.cured .. " of 17")
    show_total(list, "twins in which something was confirmed", t.false_alarms,
        #list * judge.SEEDS, "at most " .. HOLD.false_alarms .. " of 100")
end

local function show_diagnoses(list)
    if #list == 0 then return true end
    local totals = {right = 0, cured = 0, curable = 0, false_alarms = 0}
    for _, f in ipairs(list) do
        local right = f.right >= RIGHT
        if right then totals.right = totals.right + 1 end
        if f.share then totals.curable = totals.curable + 1 end
        if f.share and f.share >= judge.CURED then totals.cured = totals.cured + 1 end
        totals.false_alarms = totals.false_alarms + f.false_alarms
        print(("%-26s %d of %d right%s, share of the gap%s, twins %d of %d   accepts: %s"):format(
            f.name, f.right, judge.SEEDS, right and "" or " ←", number(f.share), f.false_alarms,
            judge.SEEDS, table.concat(f.accepts, ", ")))
        show_details(f)
    end
    show_totals(list, totals)
    return #list < HOLD.patterns or totals.right >= HOLD.right and totals.cured >= HOLD.cured and
        totals.false_alarms <= HOLD.false_alarms
end

local function show(files)
    local found = {check = {}, diagnose = {}}
    for _, path in ipairs(files) do
        local f = dofile(path)
        table.insert(found[f.how], f)
    end
    local sound_all, held = show_checks(found.check), show_diagnoses(found.diagnose)
    os.exit(sound_all and held)
end

if arg[1] == "show" then show(table.move(arg, 2, #arg, 1, {})) else judge_one(arg[1], arg[2]) end
