-- Judges one pattern: whether program and twin are what they say (check), and what net:diagnose
-- finds in them (diagnose). Nothing here knows how the diagnosis works: it is called as a user
-- calls it, and its cure is run as its text says.

local parts = require "parts"

local judge = {}

judge.SEEDS = 5
judge.PLATEAU = 0.02 -- of quality: what five times the epochs may gain on a twin
judge.COST = 0.1     -- of quality: what a fault takes from its twin at least
judge.RUNS = 100     -- of training, for one diagnosis
judge.CURED = 0.5    -- of the gap to the twin

local function copy(o, more)
    local all = {}
    for k, v in pairs(o) do all[k] = v end
    for k, v in pairs(more) do all[k] = v end
    return all
end

-- The quality that training as the program says reaches, or leaves where it is refused, and the
-- refusal. `change` has net, set and o as a table and may change them.
local function trained(program, seed, broken, change)
    local net, set, o = program.make(seed, broken)
    local test = o.test
    local run = {net = net, set = set, o = copy(o, {progress = false})}
    local ok, message = pcall(function()
        if change then change(run) end
        run.net:train(run.set, run.o)
    end)
    message = not ok and tostring(message):gsub("^%S+:%d+: ", "") or nil
    return parts.quality(run.net, test), message
end

-- ---- What the programs promise ----

local function times(option, factor)
    return function(run) run.o[option] = run.o[option] * factor end
end

-- Whether a message says one of the texts that are parted by "|".
local function says(message, texts)
    if not message or not texts then return false end
    for text in texts:gmatch "[^|]+" do
        if message:find(text, 1, true) then return true end
    end
    return false
end

-- Means over the seeds of the quality with the fault, of the twin, and of the twin after five times
-- the epochs; .worst is the most that these gain in one seed, .least the least that the fault
-- costs, .still the mean of what must not cure, .refused the last refusal, .refusals how many
-- seeds.
function judge.check(program)
    local found = {broken = 0, twin = 0, longer = 0, worst = -1, least = 1, refusals = 0}
    for seed = 1, judge.SEEDS do
        local broken, refused = trained(program, seed, true)
        local twin, fault = trained(program, seed, false)
        local longer = trained(program, seed, false, times("epochs", 5))
        if fault then error("the twin does not train: " .. fault) end
        found.refused = refused or found.refused
        if says(refused, program.refused) then found.refusals = found.refusals + 1 end
        found.broken = found.broken + broken / judge.SEEDS
        found.twin = found.twin + twin / judge.SEEDS
        found.longer = found.longer + longer / judge.SEEDS
        found.worst = math.max(found.worst, longer - twin)
        found.least = math.min(found.least, twin - broken)
        if program.cures_not then
            local still = trained(program, seed, true, times(table.unpack(program.cures_not)))
            found.still = (found.still or 0) + still / judge.SEEDS
        end
    end
    return found
end

-- ---- What the diagnosis finds ----

-- A list of causes; where it is refused, one without any and .refused, the words.
function judge.diagnosis(program, seed, broken)
    local net, set, o = program.make(seed, broken)
    local ok, d = pcall(net.diagnose, net, set,
        copy(o, {progress = false, budget = {runs = judge.RUNS}}))
    return ok and d or {noticed = {}, refused = tostring(d)}
end

-- The cause that is named first: one that was confirmed, or, where evidence is all there can be,
-- one that was noticed; or nil.
function judge.first(program, d)
    local evidence = program.cure == false and d.noticed and d.noticed[1]
    return d[1] or evidence or nil
end

function judge.accepted(program, cause)
    for _, kind in ipairs(program.accepts) do
        if cause and cause.kind == kind then return true end
    end
    return false
end

local function apply(text)
    return function(run)
        assert(load(text, "=cure", "t", setmetatable(run, {__index = _G})))()
    end
end

-- Quality with the fault, of the twin, and with the fault and the cure, on the other examples and
-- with the other seed that belong to this one; and why the cure was refused, where it was.
function judge.try_cure(program, seed, cure)
    local other = parts.OTHER + seed
    local cured, refused = trained(program, other, true, cure and apply(cure))
    return {broken = trained(program, other, true), twin = trained(program, other, false),
            cured = cured, refused = cure and refused}
end

function judge.share(tried)
    return (tried.cured - tried.broken) / (tried.twin - tried.broken)
end

local function add_cure(sums, tried)
    for _, k in ipairs {"broken", "twin", "cured"} do sums[k] = (sums[k] or 0) + tried[k] end
    sums.refused = sums.refused or tried.refused
end

local function add_twin(found, twin)
    if not twin[1] and not twin.refused then return end
    found.false_alarms = found.false_alarms + 1
    found.alarms[found.false_alarms] = twin.refused or
        ("%s: %s"):format(twin[1].kind, twin[1].cure)
end

-- .kinds of the first cause by seed ("–": none), .cures, .right how many are accepted, .share of
-- the gap that the first cures close together, .false_alarms of the twins, with their .alarms.
function judge.diagnose(program)
    local found = {kinds = {}, cures = {}, right = 0, false_alarms = 0, alarms = {}}
    local sums = {}
    for seed = 1, judge.SEEDS do
        local d = judge.diagnosis(program, seed, true)
        local cause = judge.first(program, d)
        found.kinds[seed] = cause and cause.kind or d.refused and "refused" or "–"
        found.cures[seed] = cause and cause.cure or d.refused or ""
        if judge.accepted(program, cause) then found.right = found.right + 1 end
        if program.cure ~= false then
            add_cure(sums, judge.try_cure(program, seed, d[1] and d[1].cure))
        end
        add_twin(found, judge.diagnosis(program, seed, false))
    end
    found.share = program.cure ~= false and judge.share(sums) or nil
    found.cure_refused = sums.refused
    return found
end

return judge
