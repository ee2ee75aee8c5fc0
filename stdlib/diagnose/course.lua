-- How the runs of a diagnosis go: what they begin with, learn from and are judged by.

local _, nabla = ...

local arm = require "nabla.diagnose.arm"
local experiment = require "nabla.diagnose.experiment"
local part = require "nabla.diagnose.part"
local quality = require "nabla.diagnose.quality"

local math = math
local pcall, tostring, type = pcall, tostring, type

local course = {}

local FEW <const> = 8       -- examples on which to see whether train takes them at all
local EPOCHS <const> = {lbfgs = 1000, cg = 1000, lm = 10000} -- as of train
local OTHERS <const> = 30
local PART <const> = 1      -- the seed of what is taken of a large set

-- How the network is judged, with the quality of chance.
local function judged_of(net, set)
    local judged = quality.of(net, set)
    if judged.chance then return judged end
    local fits, _, classes = pcall(quality.judge, judged, net:clone(), set)
    if not fits then classes = set.classes and #set.classes or 2 end
    judged.chance = 1 / math.max(1, classes)
    judged.worst = judged.chance
    return judged
end

local function epochs_of(o)
    local optimizer = o.optimizer
    local name = type(optimizer) == "string" and optimizer or optimizer and optimizer.name
    return o.epochs or EPOCHS[name] or OTHERS
end

-- anew: each run draws its parameters again, as the initialisers say. Else it begins with those
-- that the network has. seconds: of a budget, or nil, by which fewer examples are taken at all.
function course.new(net, set, o, anew, seconds)
    local whole = part.of(set, o)
    if seconds then part.bound(whole, seconds, PART) end
    return {net = net, part = whole, anew = anew, judged = judged_of(net, whole.test or whole.set),
        examples = #whole.set, bounded = whole.share, epochs = epochs_of(o), set_share = 1,
        epochs_share = 1}
end

-- What train refuses before it has learned anything, as its message; nil where it begins.
function course.refusal(of)
    local set, _, o = part.draw(of.part, 0)
    local copy = of.net:clone()
    o = arm.options(o)
    o.weights, o.epochs, o.progress, o.seed = nil, 1, false, 0
    local learned, message = pcall(copy.train, copy, set:take(math.min(FEW, #set)), o)
    return not learned and copy.history == nil and tostring(message) or nil
end

-- What a run with a cure takes, in runs as it is: by epochs, examples and parameters; or nil and
-- why its text does not run.
function course.price(of, text)
    local set, _, o = part.draw(of.part, 0)
    local cured, message = arm.cure(text, of.net:clone(), set, arm.options(o))
    if not cured then return nil, message end
    local size = math.max(1, cured.net:count()) / math.max(1, of.net:count())
    local longer = (math.tointeger(epochs_of(cured.o)) or of.epochs) / of.epochs
    return longer * (#cured.set / #set) * math.max(1, size)
end

-- The least quality that is no chance any more: that of chance, two standard errors of it on so
-- many examples more, and at least what counts as a gain. All examples there are make no error.
function course.above(of)
    local whole, chance = of.part, of.judged.chance
    local n = whole.same and math.huge or #(whole.varies and whole.set or whole.test)
    local error_of = of.judged.kind == "targets" and 4 / n or
        2 * math.sqrt(chance * (1 - chance) / n)
    return chance + math.max(experiment.GAIN, error_of)
end

return course
