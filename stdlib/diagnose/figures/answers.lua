-- What a network answers on a set: how good that is, and whether it answers all alike. Quality is
-- balanced accuracy, the mean recall of the classes that occur, or R².

local given = require "nabla.plot.given"

local math = math
local ipairs, pcall = ipairs, pcall

local answers = {}

local ALIKE <const> = 1e-3 -- of the targets' deviation: outputs that vary less are constant

-- Class numbers from 1 of the outputs: the largest of several, of one above one half, of a logit
-- above 0.
local function said(outputs, logit)
    if outputs:size(2) == 1 then
        return (outputs:reshape(-1):gt(logit and 0 or 0.5):to "f64" + 1):totable()
    end
    return outputs:argmax(2):totable()
end

local function confusion(truth, answer, classes)
    local table_of = {}
    for k = 1, classes do
        table_of[k] = {}
        for j = 1, classes do table_of[k][j] = 0 end
    end
    for i, k in ipairs(truth) do
        local row = table_of[math.tointeger(k)]
        local j = math.tointeger(answer[i])
        if row and row[j] then row[j] = row[j] + 1 end
    end
    return table_of
end

-- Recall by class, false where a class does not occur, and the largest share of one answer.
local function judge(out, table_of)
    local sum, occur, total, correct, columns = 0, 0, 0, 0, {}
    out.recall = {}
    for k, row in ipairs(table_of) do
        local count = 0
        for j, n in ipairs(row) do
            count = count + n
            columns[j] = (columns[j] or 0) + n
        end
        out.recall[k] = count > 0 and row[k] / count
        if count > 0 then
            sum, occur = sum + row[k] / count, occur + 1
            total, correct = total + count, correct + row[k]
        end
    end
    out.quality, out.chance = sum / occur, 1 / occur
    out.accuracy = correct / total
    local most = 0
    for j, n in ipairs(columns) do
        if n > most then most, out.usual = n, j end
    end
    out.alike = most / total
    out.confusion, out.occur, out.total = table_of, occur, total
end

local function judge_targets(out, outputs, rows)
    local mean = rows:mean(1, {keep = true})
    local whole = ((rows - mean) ^ 2):sum():item()
    local rest = ((rows - outputs) ^ 2):sum():item()
    local spread = ((outputs - outputs:mean(1, {keep = true})) ^ 2):sum():item()
    out.quality, out.chance = whole > 0 and 1 - rest / whole or 0, 0
    out.alike = spread <= (ALIKE * ALIKE) * whole and 1 or 0
    out.spread = whole > 0 and math.sqrt(spread / whole) or 0
end

-- The mean over the columns of the recall of both signs; those that do not occur do not count.
local function judge_signs(out, outputs, rows)
    local sum, count = 0, 0
    for _, sign in ipairs {-1, 1} do
        local there = rows:eq(sign):to "f64"
        local right = (there * (outputs * sign):gt(0):to "f64"):sum(1):totable()
        for j, n in ipairs(there:sum(1):totable()) do
            if n > 0 then sum, count = sum + right[j] / n, count + 1 end
        end
    end
    out.quality, out.chance = sum / count, 0.5
    out.total = rows:size(1)
end

-- Answers at every step or place, as net:evaluate counts them.
local function judge_steps(net, set)
    local has, result = pcall(net.evaluate, net, set)
    local recall = has and result.recall
    if not recall then return nil, has and "its outputs stand at every step" or result end
    local out, sum, occur = {kind = "steps", recall = {}}, 0, 0
    for k, value in ipairs(recall) do
        if value == value then sum, occur = sum + value, occur + 1 end
        out.recall[k] = value == value and value
    end
    if occur == 0 then return nil, "no class occurs" end
    out.quality, out.chance, out.total = sum / occur, 1 / occur, result.answers
    out.accuracy = result.accuracy
    return out
end

-- Of a network on a set with these figures (figures/set.lua); nil, with a reason, where outputs
-- and y cannot be set against each other. `logit`: one linear output that is sigmoid's.
function answers.of(net, set, figures, logit)
    local rows = figures.y_rows
    local has, outputs = pcall(net, set)
    if not has then return nil, outputs end
    if not rows or given.kind(outputs) ~= "tensor" then
        return nil, "its outputs are no one tensor"
    end
    outputs = outputs:detach():to "f64"
    local even = outputs:numel() == rows:numel() and outputs:size(1) == rows:size(1)
    if outputs:size(1) ~= rows:size(1) or
        outputs:dim() > 2 and not (even and figures.answers == "targets") then
        return judge_steps(net, set)
    end
    outputs = outputs:reshape(rows:size(1), -1)
    local out = {outputs = outputs, kind = figures.answers, labels = figures.labels}
    local finite = (outputs * 0):isnan():to "f64":max():item() == 0
    if not finite then
        out.quality, out.chance, out.alike, out.broken = -math.huge, 0, 0, true
        return out
    end
    if figures.labels then
        judge(out, confusion(figures.labels, said(outputs, logit),
            math.max(#figures.counts, outputs:size(2))))
    elseif outputs:size(2) == rows:size(2) then
        judge_targets(out, outputs, rows)
        if figures.answers == "signs" then judge_signs(out, outputs, rows) end
    else
        return nil, "outputs and targets differ in number"
    end
    return out
end

return answers
