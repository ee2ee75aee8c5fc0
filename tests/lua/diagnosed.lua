-- What the specs of net:diagnose stand on: sets of two classes and of numbers, what a look finds of
-- one kind, what a cure makes.

local spec = require "spec"
local eq = spec.eq
local nabla = spec.nabla
local tensor, nn, data = nabla.tensor, nabla.nn, nabla.data
local kinds = require "nabla.diagnose.kinds"
local looks = require "nabla.diagnose.looks"

local diagnosed = {}

-- Looks make the same calls over and over. Where each of them collects all garbage, one test in
-- eight has made them all.
local SKIPPED <const> = os.getenv "NABLA_STRESS" and 8 or 1
local count = 0

function diagnosed.test(name, f)
    count = count + 1
    if count % SKIPPED == 0 then spec.test(name, f) end
end

function diagnosed.close(a, b, tolerance)
    if not (math.abs(a - b) <= (tolerance or 1e-6)) then
        error(("%.9g is not %.9g"):format(a, b), 2)
    end
end

function diagnosed.kind_of(name)
    for _, descriptor in ipairs(kinds) do
        if descriptor.kind == name then return descriptor end
    end
end

-- The same examples with answers in another order: on what is held out so, no network is good, and
-- there is something to cure.
function diagnosed.mixed(set, seed)
    local order = tensor.randperm(#set, {seed = seed or 5})
    local _, y = pcall(function() return set.y:index_select(1, order) end)
    local _, x = pcall(function() return set.x end)
    return data.set {x = x, y = y, classes = set.classes}
end

-- The causes of one kind, with all figures.
function diagnosed.found(name, net, set, o, held)
    o = o or {epochs = 2}
    o.seed = 1
    if held == nil then
        local done, other = pcall(diagnosed.mixed, set)
        held = done and other or set
    end
    local case, causes = looks(net, set, o, {test = held, seed = 1})
    local list = {}
    for _, cause in ipairs(causes) do
        if cause.kind == name then list[#list + 1] = cause end
    end
    eq(#case.left_out, 0)
    return list, case
end

function diagnosed.fires(name, ...)
    local list, case = diagnosed.found(name, ...)
    assert(#list > 0, name .. " does not fire")
    return list, case
end

function diagnosed.is_still(name, ...)
    local list = diagnosed.found(name, ...)
    if #list > 0 then error(name .. " fires: " .. list[1].evidence, 2) end
end

-- Runs a cure; gives what it makes of the three.
function diagnosed.cured(text, net, set, o)
    local env = setmetatable({net = net:clone(), set = set, o = o or {}, nn = nn, data = data,
        tensor = tensor}, {__index = _G})
    assert(load(text, "=cure", "t", env))()
    return env
end

-- Two classes that a plane parts, x drawn from -1 to 1.
function diagnosed.plane(n, seed)
    local x = tensor.rand(n, 2, {seed = seed or 1}) * 2 - 1
    local y = {}
    for i = 1, n do y[i] = x[{i, 1}] + x[{i, 2}] > 0 and 2 or 1 end
    return data.set {x = x, y = y}
end

-- Numbers that a plane gives.
function diagnosed.slope(n, seed, scale, offset)
    local x = tensor.randn(n, 2, {seed = seed or 1})
    return data.set {x = x, y = x:matmul(tensor {{1}, {2}}) * (scale or 1) + (offset or 0)}
end

return diagnosed
