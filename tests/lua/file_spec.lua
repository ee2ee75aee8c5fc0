-- Tensors in files: round trips of every dtype and shape, views, tables, what is refused.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local tensor, nn = nabla.tensor, nabla.nn

local folder = os.tmpname()
os.remove(folder)
assert(os.execute("mkdir '" .. folder .. "'"))

local function path(name) return folder .. "/" .. name end

local golden = (os.getenv("srcdir") or (arg[0]:match("^(.*)/") or ".") .. "/../..") ..
    "/tests/golden/npy/"

local function content(name)
    local file <close> = assert(io.open(name, "rb"))
    return file:read("a")
end

local function exists(name)
    local file = io.open(name, "rb")
    return file and file:close() or false
end

local DTYPES = {"f32", "f64", "u8", "i32"}
local SHAPES = {{}, {1}, {5}, {2, 3}, {3, 1, 4}, {0}, {3, 0, 2}, {1, 2, 1, 2, 1, 2, 1, 2}}

local function same(got, wanted)
    eq(got.dtype, wanted.dtype)
    eq(got.shape, wanted.shape)
    eq(got, wanted)
end

-- Whole numbers in rising order; no sizes: one number.
local function numbers(shape, dtype)
    local count = 1
    for _, size in ipairs(shape) do count = count * size end
    local flat = tensor.range(1, count, {dtype = dtype})
    if #shape == 0 then return tensor(7, {dtype = dtype}) end
    return flat:reshape(table.unpack(shape))
end

-- ---- One tensor ----

test("npy gives back every dtype and shape", function()
    for _, dtype in ipairs(DTYPES) do
        for _, shape in ipairs(SHAPES) do
            local x = numbers(shape, dtype)
            x:save(path "x.npy")
            same(tensor.load(path "x.npy"), x)
            tensor.save(path "y.npy", x)
            eq(content(path "y.npy"), content(path "x.npy"))
        end
    end
end)

test("numbers keep their bits", function()
    local x = tensor({1 / 3, -0.0, 1e300, math.huge, -math.huge, 5e-324}, {dtype = "f64"})
    x:save(path "x.npy")
    local back = tensor.load(path "x.npy")
    eq(back, x)
    eq(1 / back[2], -math.huge)
    tensor({0 / 0}):save(path "x.npy")
    local nan = tensor.load(path "x.npy")[1]
    eq(nan ~= nan, true)
end)

test("views are written as their elements", function()
    local x = tensor.range(1, 24):reshape(4, 6)
    local views = {x:t(), x[{{2, 3}}], x[{{}, {6, 1, -2}}], x[{2}], x:narrow(2, 2, 1):expand(4, 5)}
    for _, view in ipairs(views) do
        view:save(path "x.npy")
        local back = tensor.load(path "x.npy")
        same(back, view)
        eq(back:is_contiguous(), true)
    end
end)

test("what takes part in a gradient is saved as its elements", function()
    local w = tensor {1, 2}:requires_grad_()
    local c = w * 2
    c:save(path "x.npy")
    local back = tensor.load(path "x.npy")
    eq(back, {2, 4})
    eq(back.requires_grad, false)
    c:sum():backward()
    eq(w.grad, {2, 2})
end)

-- ---- What NumPy wrote ----

test("files of NumPy", function()
    eq(tensor.load(golden .. "f4-big.npy"), {{-1.5, -1, -0.5}, {0, 0.5, 1}})
    eq(tensor.load(golden .. "i8-little.npy").dtype, "i32")
    eq(tensor.load(golden .. "b1-little.npy").dtype, "u8")
    local c, f = tensor.load(golden .. "version1-C.npy"), tensor.load(golden .. "version1-F.npy")
    same(f, c)
    eq(f:is_contiguous(), false)
    f:save(path "x.npy")
    eq(content(path "x.npy"), content(golden .. "version1-C.npy"))
    fails(function() tensor.load(golden .. "refused-object.npy") end,
          "refused-object.npy holds Python objects, which only Python can read", true)
    fails(function() tensor.load(golden .. "refused-large-i8.npy") end,
          "tensor.load: ", true)
end)

test("archives of NumPy", function()
    for _, name in ipairs {"stored.npz", "deflated.npz"} do
        local t = tensor.load(golden .. name)
        eq(t.a, {{-1.5, -1, -0.5}, {0, 0.5, 1}})
        eq(t["b/c"], {-3, -2, -1, 0})
        eq(t.s:item(), -1.5)
    end
    eq(tensor.load(golden .. "none.npz"), {})
end)

-- ---- Tables ----

local function sample()
    local t = {}
    for _, dtype in ipairs(DTYPES) do
        for i, shape in ipairs(SHAPES) do t[dtype .. "/" .. i] = numbers(shape, dtype) end
    end
    t.view = tensor.range(1, 6):reshape(2, 3):t()
    t["name with ü"] = tensor {1}
    return t
end

test("npz and safetensors give back tables", function()
    local wanted = sample()
    for _, name in ipairs {"x.npz", "x.safetensors"} do
        tensor.save(path(name), wanted)
        local got = tensor.load(path(name))
        for key, x in pairs(wanted) do same(got[key], x) end
        for key in pairs(got) do eq(wanted[key] ~= nil, true) end
    end
    tensor.save(path "x.npz", wanted, {compress = true})
    for key, x in pairs(tensor.load(path "x.npz")) do same(x, wanted[key]) end
end)

test("an empty table is a file without tensors", function()
    for _, name in ipairs {"x.npz", "x.safetensors"} do
        tensor.save(path(name), {})
        eq(tensor.load(path(name)), {})
    end
end)

test("compress makes a smaller file, and equal tables make equal files", function()
    local zeros = {x = tensor.zeros(10000), y = tensor.ones(10000)}
    tensor.save(path "stored.npz", zeros)
    tensor.save(path "again.npz", {y = tensor.ones(10000), x = tensor.zeros(10000)})
    tensor.save(path "packed.npz", zeros, {compress = true})
    eq(#content(path "stored.npz") > 80000, true)
    eq(#content(path "packed.npz") < 2000, true)
    eq(content(path "again.npz"), content(path "stored.npz"))
end)

test("a network's file holds its parameters", function()
    local net = nn.net "4 - 3 - 2"
    net:save(path "net.nabla")
    local t = tensor.load(path "net.nabla")
    eq(t["1.w"], net[1].w)
    eq(t["2.b"], net[2].b)
end)

test("content decides, not the name", function()
    tensor {1, 2}:save(path "x.npy")
    os.rename(path "x.npy", path "x.safetensors")
    eq(tensor.load(path "x.safetensors"), {1, 2})
end)

-- ---- What is refused ----

test("paths that say no format, or another", function()
    local x = tensor {1, 2}
    fails(function() x:save(path "x.txt") end, "those are .npy, .npz and .safetensors", true)
    fails(function() x:save(path "x.npyz") end, "did you mean '.npy'?", true)
    fails(function() x:save(path "x.npz") end, "tensor.save(path, {x = x})", true)
    fails(function() tensor.save(path "x.safetensors", x) end, "holds tensors by name", true)
    fails(function() tensor.save(path "x2.npy", {x = x}) end, "one tensor without a name", true)
    fails(function() x:save(path "none/x.npy") end, "No such file or directory", true)
    fails(function() x:save(path "x2.npy", {compress = true}) end, "cannot be compressed", true)
    fails(function() x:save(3) end, "save: argument 1 must be a path, not 3", true)
    fails(function() x:save("x.npy\0") end, "must be a path", true)
    fails(function() x:save() end, "must be a path, not nothing", true)
    eq(exists(path "x2.npy"), false)
end)

test("tables that hold something else", function()
    local x = tensor {1, 2}
    local function refuse(t, words, o)
        fails(function() tensor.save(path "bad.npz", t, o) end, words, true)
    end
    refuse({x}, "tensors are saved by names, such as {w = x}; 1 is none")
    refuse({[x] = x}, "tensors are saved by names")
    refuse({w = 1}, "save: w must be a tensor, not 1")
    refuse({["a\0b"] = x}, "the name 'a' goes on behind a NUL character")
    refuse({["\xff"] = x}, "a tensor's name is not valid UTF-8")
    refuse({__metadata__ = x}, "a tensor cannot be called '__metadata__'")
    refuse(nil, "argument 2 must be a tensor or a table of tensors by name, not nil")
    refuse({x = x}, "tensor.save has no option 'compres'; did you mean 'compress'?",
           {compres = true})
    refuse({x = x}, "compress must be true or false, not 1", {compress = 1})
    eq(exists(path "bad.npz"), false)
    fails(function() tensor.save(path "bad.safetensors", {x = x}, {compress = true}) end,
          "a .safetensors file cannot be compressed; a .npz can", true)
end)

test("files that hold no tensors", function()
    local file = assert(io.open(path "text", "wb"))
    file:write("hello")
    file:close()
    fails(function() tensor.load(path "text") end, "begins with bytes 68 65 6c 6c", true)
    fails(function() tensor.load(path "missing.npy") end, "No such file or directory", true)
    fails(function() tensor.load(folder) end, "is a directory", true)
    fails(function() tensor.load() end, "must be a path, not nothing", true)
end)

test("a save that fails leaves the old file", function()
    local x = tensor {1, 2}
    x:save(path "old.npy")
    local old = content(path "old.npy")
    fails(function() tensor.save(path "old.npy", {x = x}) end, "without a name", true)
    eq(content(path "old.npy"), old)
end)

test("help shows the formats", function()
    local text = nabla._help.text "file formats"
    for _, name in ipairs {"npy", "npz", "safetensors", "idx"} do
        eq(text:find(name, 1, true) ~= nil, true)
    end
end)

os.execute("rm -r '" .. folder .. "'")
-- ---- Files of which a part can be read ----------------------------------------------------------

-- A safetensors file of {name, dtype, shape, bytes}.
local function safetensors(path, entries)
    local header, data = {}, ""
    for _, e in ipairs(entries) do
        header[#header + 1] = ('"%s":{"dtype":"%s","shape":[%s],"data_offsets":[%d,%d]}'):format(
            e[1], e[2], e[3], #data, #data + #e[4])
        data = data .. e[4]
    end
    local text = "{" .. table.concat(header, ",") .. "}"
    local file <close> = assert(io.open(path, "wb"))
    file:write(("<I8"):pack(#text), text, data)
end

test("safetensors of every dtype are read by the rules of .npy", function()
    local path = os.tmpname()
    safetensors(path, {
        {"f16", "F16", "2", "\x00\x3c\x00\xc1"}, {"bf16", "BF16", "2", "\x80\x3f\x20\xc0"},
        {"i64", "I64", "2", ("<i8i8"):pack(-5, 2^31 - 1)}, {"i8", "I8", "2", "\x80\x7f"},
        {"i16", "I16", "2", ("<i2i2"):pack(-32768, 3)}, {"u16", "U16", "1", "\xff\xff"},
        {"u32", "U32", "1", ("<I4"):pack(7)}, {"bool", "BOOL", "1,2", "\1\0"},
        {"f64", "F64", "", ("<d"):pack(1e300)},
    })
    local t, more = tensor.load(path)
    eq(more, nil)
    for name, want in pairs {f16 = {1, -2.5}, bf16 = {1, -2.5}, i64 = {-5, 2^31 - 1},
        i8 = {-128, 127}, i16 = {-32768, 3}, u16 = {65535}, u32 = {7}, bool = {{1, 0}}} do
        eq(t[name], want)
    end
    eq(t.f64:item(), 1e300)
    eq({t.f16.dtype, t.bf16.dtype, t.i8.dtype, t.bool.dtype}, {"f32", "f32", "i32", "u8"})
    os.remove(path)
end)

test("what cannot be read does not take the others along", function()
    local path = os.tmpname()
    safetensors(path, {
        {"c", "C64", "1", ("<ff"):pack(1, 2)}, {"a", "F32", "1", ("<f"):pack(3)},
        {"big", "I64", "3", ("<i8i8i8"):pack(1, 2^40, 2)}, {"b", "U8", "1", "\7"},
    })
    local t, more = tensor.load(path)
    eq(t, {a = {3}, b = {7}})
    eq(more:find("'c' is 'C64'", 1, true) ~= nil, true)
    eq(more:find("element 2 .* 1099511627776") ~= nil, true)
    eq(tensor.load(path, "b"), {7})
    fails(function() tensor.load(path, "big") end, "i32 cannot hold")
    fails(function() tensor.load(path, "x") end, "holds no tensor 'x', but a, b", true)
    fails(function() nabla.nn.load(path) end, "C64")
    safetensors(path, {{"c", "C64", "1", ("<ff"):pack(1, 2)}})
    fails(function() tensor.load(path) end, "C64")
    os.remove(path)
end)

spec.report()
