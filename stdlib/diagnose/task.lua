-- What suits a task: the outputs and the cost that its targets ask for, and the Lua text that
-- gives a network both at once, since nn.net refuses a cost whose outputs do not suit it.

local layout = require "nabla.diagnose.layout"

local table = table

local task = {}

-- By what y is (figures/set.lua); one output of two classes is sigmoid's.
local SUITS <const> = {
    classes = {"softmax", "cross_entropy"},
    steps = {"softmax", "cross_entropy"},
    ["one-hot"] = {"softmax", "cross_entropy"},
    shares = {"softmax", "cross_entropy"},
    one = {"sigmoid", "cross_entropy"},
    many = {"sigmoid", "cross_entropy"},
    sign = {"linear", "hinge"},
    signs = {"linear", "hinge"},
    targets = {"linear", "mse"},
}

-- The activation and the cost that suit a case; nil where y is not known.
function task.suits(case)
    local suits = SUITS[case.data.answers]
    if suits and case.own.units == 1 and suits[1] == "softmax" then suits = SUITS.one end
    if suits then return suits[1], suits[2] end
end

-- Whether the set asks for classes, or nil where nobody knows.
function task.classes(case)
    local kind = case.data.answers
    return kind and kind ~= "targets" and kind ~= "shares"
end

-- Text that sets the outputs' activation and the cost; those that are so already are left.
function task.text(case, activation, cost)
    local own, lines = case.own, {}
    if own.output.activation == nil then
        lines[1] = ('net:append("act %s")'):format(activation)
    elseif own.output.activation ~= activation then
        lines[1] = layout.activated(own.output, activation)
    end
    local same = own.cost == cost and not own.cost_text:find "logits"
    if not same then lines[#lines + 1] = layout.rebuilt(case.net, own, {cost = cost}) end
    return table.concat(lines, "\n")
end

return task
