-- The small library under the specs: named tests, comparisons, a count at the end.

local nabla = require "nabla"

local spec = {}

local passed, failed = 0, 0

-- Runs fn; a test fails when it raises.
function spec.test(name, fn)
    local ok, message = xpcall(fn, function(e)
        return debug.traceback(tostring(e), 2)
    end)
    if ok then
        passed = passed + 1
    else
        failed = failed + 1
        io.stderr:write("FAILED ", name, "\n  ", (message:gsub("\n", "\n  ")), "\n")
    end
end

function spec.is_tensor(x)
    local meta = type(x) == "userdata" and getmetatable(x)
    return meta and meta.__name == "nabla.tensor" or false
end

-- Tensors are compared by their elements.
local function plain(x)
    return spec.is_tensor(x) and x:totable() or x
end

local function show(x)
    if type(x) ~= "table" then return type(x) == "string" and ("%q"):format(x) or tostring(x) end
    local parts = {}
    for i, v in ipairs(x) do parts[i] = show(v) end
    for k, v in pairs(x) do
        if math.type(k) ~= "integer" or k < 1 or k > #x then
            parts[#parts + 1] = ("[%s] = %s"):format(show(k), show(v))
        end
    end
    return "{" .. table.concat(parts, ", ") .. "}"
end

local function same(a, b, close)
    a, b = plain(a), plain(b)
    if type(a) == "number" and type(b) == "number" then return close(a, b) end
    if type(a) ~= "table" or type(b) ~= "table" then return rawequal(a, b) end
    for k, v in pairs(a) do if not same(v, b[k], close) then return false end end
    for k in pairs(b) do if a[k] == nil then return false end end
    return true
end

local function check(got, wanted, close)
    if same(got, wanted, close) then return end
    error(("got %s, expected %s"):format(show(plain(got)), show(plain(wanted))), 3)
end

-- Equal in every element, name and number (1 and 1.0 are equal; NaN is equal to nothing).
function spec.eq(got, wanted)
    check(got, wanted, function(a, b) return a == b end)
end

-- Equal but for a relative and absolute error; written so that NaN fails.
function spec.near(got, wanted, tolerance)
    tolerance = tolerance or 1e-6
    check(got, wanted, function(a, b) return math.abs(a - b) <= tolerance * (1 + math.abs(b)) end)
end

-- fn must raise a message in which the pattern is found; with plain = true, the text itself.
function spec.fails(fn, pattern, is_plain)
    local ok, message = pcall(fn)
    if ok then error("no error was raised", 2) end
    if not tostring(message):find(pattern, 1, is_plain) then
        error(("the error was %q, expected %q"):format(tostring(message), pattern), 2)
    end
    return message
end

function spec.report()
    print(("%d passed, %d failed"):format(passed, failed))
    if failed > 0 then os.exit(1, true) end
end

-- ---- Networks ----

-- n examples of so many inputs and outputs, always the same ones.
function spec.samples(n, inputs, outputs)
    return nabla.tensor.randn(n, inputs, {dtype = "f64", seed = 1}),
           nabla.tensor.rand(n, outputs, {dtype = "f64", seed = 2})
end

-- The network after a way through a file.
function spec.saved(net)
    local path = os.tmpname()
    net:save(path)
    local again = nabla.nn.load(path)
    os.remove(path)
    return again
end

-- f must raise `message`, and change nothing of the network.
function spec.refused(net, f, message)
    local notation, params, count = net:notation(), net:params(), #net
    local values = params:totable()
    local full = spec.fails(f, message, true)
    spec.eq(net:notation(), notation)
    spec.eq(#net, count)
    assert(net:params() == params)
    spec.eq(params, values)
    return full
end

spec.nabla = nabla
return spec
