-- The closed list of kinds, in the order in which one of several equally good cures is named. Each
-- is a descriptor:
--   kind    its name
--   words   what its look measures, a line of the help
--   look    function(case) → list of findings; a case is what figures.lua gathers. A finding is
--           {where, evidence, …}: where it lies in words, what was measured in a sentence
--           with the figures. certain = true: it is a fact, no experiment is needed. null: text
--           that takes all meaning from the set, where the run must be no better than with it.
--           longer: its cures only make the run longer or the steps larger
--   cure    function(case, finding) → list of Lua texts over net, set and o, the first the most
--           likely; {} where no program can cure it
--   run     true where it judges what came out: nothing to look for in a run that is as good as
--           can be
-- To add one: its table in a file of kinds/, its name here.


local ipairs = ipairs

local FILES <const> = {"data", "scales", "outputs", "hidden", "rates", "rest"}

local kinds = {}
for _, file in ipairs(FILES) do
    for _, descriptor in ipairs(require("nabla.diagnose.kinds." .. file)) do
        kinds[#kinds + 1] = descriptor
    end
end

return kinds
