-- The numbers of a run that a condition may name, each after the last step: {name, help, of}, where
-- of(t) gives the number, NaN where there is none yet.

local sample = require "nabla.trainer.sample"

local NAN <const> = 0 / 0

-- What the last epoch's end said of a set.
local function judged(name)
    return function(t)
        local list = t.history and t.history[name]
        return list and list[#list] or NAN
    end
end

-- Length of the gradient over the sample, where the network stands.
local function gradient(t)
    return t.net:example_gradients(sample.of(t)).mean
end

return {
    {name = "cost", help = "of the last step's examples, before its update",
        of = function(t) return t.step_cost end},
    {name = "mean_cost", help = "of the epoch's batches so far",
        of = function(t) return t.cost end},
    {name = "step", help = "updates so far", of = function(t) return t.step_number end},
    {name = "epoch", help = "the one under way, from 1",
        of = function(t) return t.epoch_number end},
    {name = "batch", help = "batches of it that are done",
        of = function(t) return t.batch_number end},
    {name = "lr", help = "the learning rate of the last step",
        of = function(t) return t.step_lr or NAN end},
    {name = "gradient", help = "length of ∇C over " .. sample.WORDS .. ", as the network stands",
        of = gradient},
    {name = "weights", help = "length of all parameters together",
        of = function(t) return t.net:params():norm():item() end},
    {name = "valid", help = "share of valid that was right at the last epoch's end",
        of = judged "valid"},
    {name = "valid_cost", help = "cost on valid then", of = judged "valid_cost"},
    {name = "test", help = "share of test that was right at the last epoch's end",
        of = judged "test"},
    {name = "test_cost", help = "cost on test then", of = judged "test_cost"},
}
