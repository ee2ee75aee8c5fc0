-- A run that can be killed: it is kept in a file and goes on from there, with the same bits.
--
--     nabla examples/resume.lua             trains, is cut off on its way, goes on, compares
--     nabla examples/resume.lua FILE        keeps its run in FILE; kill it, start it again
--
-- `checkpoint` writes parameters, the optimizer's state, the history and the place in the epoch,
-- whole or not at all; `resume` goes on from such a file, or begins where there is none. Whoever
-- writes both into a script can start it again after a power cut and gets what an undisturbed run
-- had given.

digits = data.digits()

-- Dropout and the order of the batches are functions of seed and step, so
-- that nothing is left to chance.
local function fresh()
    return nn.net("64 - 60 relu - dropout 0.2 - 10 softmax : cross_entropy", {seed = 1})
end

local function options(more)
    local o = {epochs = 20, batch = 10, optimizer = nn.adam {lr = 2e-3}, seed = 1,
        test = digits.test, progress = false}
    for name, value in pairs(more) do o[name] = value end
    return o
end

if arg[1] then
    local h = fresh():train(digits.train, options {checkpoint = arg[1], resume = arg[1],
        every = "1 s", progress = true})
    print(h)
    return
end

-- A name that stands in the script is the same in all processes (mpirun -n 2 nabla
-- examples/resume.lua); os.tmpname gives each its own.
local path = "resume-example.safetensors"

-- The run as it should be, and one that an error cuts off in its ninth epoch.
local straight = fresh()
local whole = straight:train(digits.train, options {})

local ok, why = pcall(function()
    fresh():train(digits.train, options {checkpoint = path, every = 2, on_batch = function(b)
        if b.epoch == 9 and b.batch == 50 then error "the power is gone" end
    end})
end)
print(("cut off: %s"):format(why:match "[^:]*$"))
print(("the file holds %d parameters"):format(nn.load(path):count()))

-- Another process could do this: nothing is needed but the script and the file.
local again = fresh()
local h = again:train(digits.train, options {checkpoint = path, resume = path})
print(h)
os.remove(path)

assert(not ok and h.epochs == whole.epochs)
assert(again:params():equal(straight:params()), "the same bits")
print "every parameter is, to the last bit, that of the undisturbed run"
