-- Looks at a network, a set and a run: figures, and what might be wrong, in the order of the kinds.
-- Nothing is judged here but by what is measured; whether a cure cures is another's experiment.

local figures = require "nabla.diagnose.figures"
local kinds = require "nabla.diagnose.kinds"

local ipairs, pcall, tostring = ipairs, pcall, tostring

-- What one kind's look finds, with cures. A look that fails over a network it does not understand
-- is named, and the others go on. Where quality is so high that no cure could gain what a cause
-- must, looks at the run have nothing to find, and there is nothing to try.
local function ask(found, descriptor, rank, case)
    if descriptor.run and not case.room then return end
    local done, list = pcall(descriptor.look, case)
    for _, finding in ipairs(done and list or {}) do
        local has, cures = pcall(descriptor.cure, case, finding)
        if not has then done, list, cures = false, cures, {} end
        found.causes[#found.causes + 1] = {kind = descriptor.kind, rank = rank,
            where = finding.where, evidence = finding.evidence,
            cures = case.room and cures or {},
            fact = finding.fact, certain = finding.certain}
    end
    if not done then
        found.left_out[#found.left_out + 1] = {kind = descriptor.kind, why = tostring(list)}
    end
end

-- {case = …, causes = {{kind, rank, where, evidence, cures, fact, certain}, …},
-- left_out = {{kind, why}, …}}. `held` is what is held out, or nil.
return function(net, set, o, held)
    local found = {case = figures.of(net, set, o, held), causes = {}, left_out = {}}
    for rank, descriptor in ipairs(kinds) do ask(found, descriptor, rank, found.case) end
    return found
end
