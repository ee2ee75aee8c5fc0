-- Looks at a network, a set and a run: figures, and what might be wrong, in the order of the kinds.
-- Nothing is judged here but by what is measured; whether a cure cures is another's experiment.

local figures = require "nabla.diagnose.figures"
local kinds = require "nabla.diagnose.kinds"

local ipairs, pcall, tostring = ipairs, pcall, tostring

-- A finding as causes: one for each cure that may be tried, one without where there is none. Where
-- quality is so high that no cure could gain what a cause must, nothing is tried.
local function add(causes, descriptor, finding, cures, case)
    local function cause(cure)
        causes[#causes + 1] = {kind = descriptor.kind, where = finding.where,
            evidence = finding.evidence, cure = cure, certain = finding.certain,
            longer = finding.longer, null = not cure and case.room and finding.null or nil}
    end
    if not case.room and not finding.certain then cures = {} end
    for _, cure in ipairs(cures) do cause(cure) end
    if #cures == 0 then cause(nil) end
end

-- What one kind's look finds. A look that fails, over a network that it does not understand, is
-- named, and the others go on.
local function ask(out, descriptor, case)
    if descriptor.run and not case.room then return end
    local done, list = pcall(descriptor.look, case)
    for _, finding in ipairs(done and list or {}) do
        local has, cures = pcall(descriptor.cure, case, finding)
        if not has then done, list, cures = false, cures, {} end
        add(out.causes, descriptor, finding, cures or {}, case)
    end
    if not done then
        case.left_out[#case.left_out + 1] = {kind = descriptor.kind, why = tostring(list)}
    end
end

-- Gives figures (figures.lua) and causes {kind, where, evidence, cure, certain, null, longer}. net
-- is a copy, set what it learns from; about = {test = what is held out, seed =, trained =}.
return function(net, set, o, about)
    local case = figures.of(net, set, o, about or {})
    local out = {causes = {}}
    case.left_out = {}
    for _, descriptor in ipairs(kinds) do ask(out, descriptor, case) end
    return case, out.causes
end
