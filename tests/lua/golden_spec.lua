-- Values and gradients against PyTorch's, which scripts/goldens.py wrote into tests/golden/ (its
-- README.txt says how the lines read), in f64 and in f32; and every op, activation, cost and
-- optimizer has such a case or a reason to have none.

local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/?.lua;" .. package.path
local spec = require "spec"
local test, nabla = spec.test, spec.nabla
local tensor, nn = nabla.tensor, nabla.nn

local folder = here .. "/../golden/"
local kinds = {"make", "elementwise", "reduce", "statistics", "order", "shape", "index", "linalg",
               "nn", "attention", "conv", "costs", "sequences", "norms", "optimizers"}

-- |got - wanted| <= absolute + relative |wanted|
local tolerances = {
    f64 = {relative = 1e-10, absolute = 1e-10},
    f32 = {relative = 1.3e-6, absolute = 1e-5},
}

-- ---- Reading ----

local special = {inf = math.huge, ["-inf"] = -math.huge, nan = 0 / 0}

local function number(word)
    return special[word] or tonumber(word) or error("no number: " .. word)
end

-- The words of a line from the one at `first`: "[dtype] shape numbers…", or a plain value.
local function value(words, first)
    if words[first] == "boolean" then return {plain = words[first + 1] == "true"} end
    if words[first] == "number" then return {plain = number(words[first + 1])} end
    local out = {shape = {}}
    if words[first]:find "^%a" then
        out.dtype, first = words[first], first + 1
    end
    for size in words[first]:gmatch "%d+" do out.shape[#out.shape + 1] = tonumber(size) end
    for i = first + 1, #words do out[#out + 1] = number(words[i]) end
    return out
end

local readers = {
    case = function(case, text) case.name, case.op = text, text:match "%S+" end,
    ["do"] = function(case, text) case.code = case.code .. text .. "\n" end,
    lua = function(case, text) case.code = case.code .. "return " .. text end,
    ["in"] = function(case, _, words) case.inputs[words[2]] = value(words, 3) end,
    out = function(case, _, words) case.out[#case.out + 1] = value(words, 2) end,
    weight = function(case, _, words) case.weight[#case.weight + 1] = value(words, 2) end,
    grad = function(case, _, words) case.grad[words[2]] = value(words, 3) end,
}

local function read(kind)
    local cases, case = {}, nil
    for line in io.lines(folder .. kind .. ".txt") do
        local word, text = line:match "^(%l+) (.*)$"
        local words = {}
        for w in line:gmatch "%S+" do words[#words + 1] = w end
        if word == "case" then
            case = {code = "", inputs = {}, out = {}, weight = {}, grad = {}}
            cases[#cases + 1] = case
        end
        if word then readers[word](case, text, words) end
    end
    assert(#cases > 0, "no cases of " .. kind)
    return cases
end

-- ---- Comparing ----

local function make(from, dtype)
    local options = {dtype = from.dtype or dtype}
    if #from.shape == 0 then return tensor(from[1], options) end
    return tensor(table.move(from, 1, #from, 1, {}), options):reshape(table.unpack(from.shape))
end

-- What an f32 tensor can hold of x: beyond its largest number that is infinity.
local function rounded(x, dtype)
    return dtype == "f32" and ("f"):unpack(("f"):pack(x)) or x
end

local function agree(got, wanted, dtype)
    wanted = rounded(wanted, dtype)
    if got == wanted then return true end
    if wanted ~= wanted then return got ~= got end
    local t = tolerances[dtype]
    local d = math.abs(got - wanted)
    return d <= t.absolute + t.relative * math.abs(wanted) and d < math.huge
end

local function elements(x)
    if x:dim() == 0 then return {x:item()} end
    return x:flatten():totable()
end

local function written(shape)
    return #shape == 0 and "-" or table.concat(shape, "x")
end

-- Raises where got is not what PyTorch gave.
local function compare(what, got, wanted, dtype)
    if wanted.plain ~= nil then
        local equal = got == wanted.plain
        if not equal and type(got) == "number" then equal = agree(got, wanted.plain, dtype) end
        if not equal then error(("%s: got %s, PyTorch %s"):format(what, got, wanted.plain), 0) end
        return
    end
    if not spec.is_tensor(got) then error(("%s: got %s, no tensor"):format(what, got), 0) end
    local exact = wanted.dtype
    local kind = got.dtype .. " " .. written(got.shape)
    local asked = (exact or dtype) .. " " .. written(wanted.shape)
    if kind ~= asked then error(("%s: got %s, PyTorch %s"):format(what, kind, asked), 0) end
    for i, x in ipairs(elements(got)) do
        if x ~= wanted[i] and (exact or not agree(x, wanted[i], dtype)) then
            error(("%s, element %d: got %.17g, PyTorch %.17g"):format(what, i, x, wanted[i]), 0)
        end
    end
end

-- ---- Running ----

local function inputs_of(case, dtype)
    local scope = {tensor = tensor, nn = nn, dtype = dtype, math = math, table = table}
    for name, from in pairs(case.inputs) do
        scope[name] = make(from, dtype)
        if case.grad[name] then scope[name]:requires_grad_() end
    end
    return scope
end

-- backward from the sum of all real outputs times their weights.
local function backward(case, outputs, dtype)
    local total, k = nil, 0
    for i, wanted in ipairs(case.out) do
        if wanted.shape and not wanted.dtype then
            k = k + 1
            local part = (outputs[i] * make(case.weight[k], dtype)):sum()
            total = total and total + part or part
        end
    end
    total:backward()
end

local function run(case, dtype)
    local scope = inputs_of(case, dtype)
    local outputs = table.pack(assert(load(case.code, "=" .. case.name, "t", scope))())
    assert(outputs.n == #case.out, ("%d outputs, PyTorch %d"):format(outputs.n, #case.out))
    for i, wanted in ipairs(case.out) do compare("output " .. i, outputs[i], wanted, dtype) end
    if next(case.grad) then backward(case, outputs, dtype) end
    for name, wanted in pairs(case.grad) do
        compare("gradient of " .. name, scope[name].grad, wanted, dtype)
    end
end

local in_book = {}
for _, entry in ipairs(nabla._book) do in_book[entry.name] = true end

-- The case with an in-place form where it calls a method that has one: code and the form's name.
-- Only where the result has the shape of what is changed.
local function in_place(case)
    local name, arguments = case.code:match "^return a:([%w_]+)(%(.*%))$"
    if not name or not in_book["tensor:" .. name .. "_"] then return end
    if written(case.out[1].shape) ~= written(case.inputs.a.shape) then return end
    return {
        name = case.name .. ", in place", op = case.op .. "_",
        code = ("local y = a:%s_%s; return y == a and y"):format(name, arguments),
        inputs = case.inputs, out = case.out, weight = {}, grad = {},
    }
end

local covered = {}

local function try(case)
    covered[case.op] = true
    for _, dtype in ipairs {"f64", "f32"} do
        test(case.name .. " in " .. dtype, function() run(case, dtype) end)
    end
end

for _, kind in ipairs(kinds) do
    for _, case in ipairs(read(kind)) do
        try(case)
        local changing = in_place(case)
        if changing then try(changing) end
    end
end

-- ---- What has no case ----

-- Names of the book of help that PyTorch has nothing to say to.
local exceptions = {
    looks = {"tensor:dim", "tensor:each", "tensor:format", "tensor:is_contiguous", "tensor:item",
             "tensor:numel", "tensor:show", "tensor:size", "tensor:totable"},
    writes_what_it_is_given = {"tensor", "tensor:copy_", "tensor:fill_", "tensor:zero_"},
    belongs_to_the_tape = {"tensor:backward", "tensor:detach", "tensor:requires_grad_"},
    has_other_random_numbers = {"layer:dropout", "tensor.rand", "tensor.randint", "tensor.randn",
                                "tensor.randperm", "tensor:bernoulli_", "tensor:exponential_",
                                "tensor:multinomial", "tensor:normal_", "tensor:uniform_"},
    moves_to_and_from_files = {"tensor.load", "tensor.save", "tensor:save"},
    is_the_user_s_own = {"layer:fn"},
    searches_in_a_way_of_its_own = {"optimizer:cg", "optimizer:lbfgs", "optimizer:lm"},
}

local excused = {}
for reason, list in pairs(exceptions) do
    for _, name in ipairs(list) do excused[name] = reason end
end

local families = {activation = true, cost = true, layer = true, optimizer = true, schedule = true}

-- The name under which cases stand; nil for what is no op, function on tensors or family's member.
local function covered_as(entry)
    if families[entry.kind] then return entry.kind .. ":" .. entry.name end
    if entry.kind == "method" and entry.name:find "^tensor:" then return entry.name end
    if entry.kind == "function" and entry.name:find "^tensor" then return entry.name end
end

-- All such names, listed and as keys.
local names = {}
for _, entry in ipairs(nabla._book) do
    local name = covered_as(entry)
    if name then
        names[#names + 1] = name
        names[name] = true
    end
end

test("every op, activation, cost, layer, optimizer and schedule has a case", function()
    local missing = {}
    for _, name in ipairs(names) do
        if not covered[name] and not excused[name] then missing[#missing + 1] = name end
    end
    if #missing > 0 then
        error("neither case nor reason: " .. table.concat(missing, " ") ..
            "; scripts/golden/ holds the tables of cases", 0)
    end
end)

test("excuses are of what there is and has no case", function()
    for name in pairs(excused) do assert(names[name] and not covered[name], name) end
end)

-- ---- That wrong answers are found ----

test("a wrong value, sign, dtype, number of outputs or gradient is found", function()
    local function fails(pattern, change)
        local case = {
            name = "planted", code = "return a:exp(), a:gt(0)", grad = {a = {shape = {2}, 1, -2}},
            inputs = {a = {shape = {2}, 0, 0}}, weight = {{shape = {2}, 1, -2}},
            out = {{shape = {2}, 1, 1}, {dtype = "u8", shape = {2}, 0, 0}},
        }
        change(case)
        if pattern then spec.fails(function() run(case, "f64") end, pattern)
        else run(case, "f64") end
    end
    fails(nil, function() end)
    fails("output 1, element 2", function(case) case.out[1][2] = 1 + 1e-9 end)
    fails("output 1, element 1", function(case) case.out[1][1] = 0 / 0 end)
    fails("output 2, element 1", function(case) case.out[2][1] = 1 end)
    fails("output 2: got u8 2, PyTorch i32 2", function(case) case.out[2].dtype = "i32" end)
    fails("output 1: got f64 2, PyTorch f64 2x1", function(case) case.out[1].shape = {2, 1} end)
    fails("2 outputs, PyTorch 1", function(case) case.out[2] = nil end)
    fails("gradient of a, element 2", function(case) case.grad.a[2] = 2 end)
    fails("gradient of a: got f64 2, PyTorch f64 -", function(case) case.grad.a.shape = {} end)
end)

test("NaN and numbers outside the tolerances do not agree", function()
    local nan, t = 0 / 0, tolerances
    assert(agree(nan, nan, "f64") and not agree(nan, 1, "f64") and not agree(1, nan, "f64"))
    assert(not agree(math.huge, 1, "f64") and not agree(1, math.huge, "f32"))
    assert(not agree(-math.huge, math.huge, "f64"))
    for dtype, by in pairs(t) do
        local most = by.absolute + by.relative * 8
        assert(agree(8 + 0.99 * most, 8, dtype) and not agree(8 + 1.01 * most, 8, dtype), dtype)
        assert(agree(8 - 0.99 * most, 8, dtype) and not agree(8 - 1.01 * most, 8, dtype), dtype)
    end
    assert(agree(math.huge, 1e300, "f32") and not agree(math.huge, 1e300, "f64"))
end)

spec.report()
