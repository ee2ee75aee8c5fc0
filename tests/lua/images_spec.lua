-- Folders of images: pixels of golden files, classes and parts, options, errors in plain words.

local folder = arg[0]:match("^(.*)/") or "."
package.path = folder .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local data, nn = spec.nabla.data, spec.nabla.nn

-- Runs f with a folder that holds these files, {["a/1.pgm"] = text}.
local function with(files, f)
    local path = os.tmpname()
    os.remove(path)
    for name, text in pairs(files) do
        assert(os.execute(("mkdir -p '%s/%s'"):format(path, name:match "^(.*)/")))
        local file = assert(io.open(path .. "/" .. name, "wb"))
        file:write(text)
        file:close()
    end
    local ok, message = pcall(f, path)
    os.execute(("rm -r '%s'"):format(path))
    if not ok then error(message, 0) end
end

local function from_hex(text)
    return (text:gsub("..", function(two) return string.char(tonumber(two, 16)) end))
end

local goldens = {}
for line in io.lines(folder .. "/../golden/images.txt") do
    local kind, name, rows, columns, samples, _, file, pixels =
        line:match "(%w+) (%S+) (%d+) (%d+) (%d+) (%d) (%x+) (%x+)"
    if kind == "image" then
        goldens[name] = {rows = tonumber(rows), columns = tonumber(columns),
                         samples = tonumber(samples), file = from_hex(file),
                         pixels = from_hex(pixels)}
    end
end

local function pixel(golden, row, column, sample)
    return golden.pixels:byte(((row - 1) * golden.columns + column - 1) * golden.samples + sample)
end

test("pixels are those of the file, 0 to 1", function()
    local rgb, grey = goldens["rgb-16-9x11-interlaced"], goldens["grey-2-9x11"]
    with({["a/1"] = rgb.file, ["b/1"] = grey.file}, function(path)
        local set = data.images(path)
        eq(set.x.shape, {2, 3, 9, 11})
        eq(set.classes, {"a", "b"})
        eq(set.y, {1, 2})
        for row = 1, 9 do
            for column = 1, 11 do
                for channel = 1, 3 do
                    local x = set.x[{1, channel, row, column}]
                    near(x, pixel(rgb, row, column, channel) / 255, 1e-6)
                    near(set.x[{2, channel, row, column}], pixel(grey, row, column, 1) / 255, 1e-6)
                end
            end
        end
        eq(tostring(set):match ": (.*)", "2 examples · x 3x9x11 · 2 classes a, b")
        eq(data.images(path, {grey = true}).x.shape, {2, 1, 9, 11})
    end)
end)

test("one channel where all are grey", function()
    local files = {}
    for _, name in ipairs {"grey-1-5x3", "grey-8-5x3", "grey-16-5x3-interlaced"} do
        files["a/" .. name] = goldens[name].file
    end
    with(files, function(path)
        local set = data.images(path)
        eq(set.x.shape, {3, 1, 5, 3})
        for i, name in ipairs {"grey-1-5x3", "grey-16-5x3-interlaced", "grey-8-5x3"} do
            near(set.x[{i, 1, 4, 2}], pixel(goldens[name], 4, 2, 1) / 255, 1e-6)
        end
    end)
end)

test("numbers are classes in the order of their values", function()
    with({["10/a"] = "P2 1 1 1 1", ["9/a"] = "P2 1 1 1 0"}, function(path)
        local set = data.images(path)
        eq(set.classes, {9, 10})
        eq(set[1].y, 9)
        near(set[2].x[{1, 1, 1}], 1, 0)
    end)
end)

test("size, and what it does to proportions", function()
    with({["a/1"] = "P2 4 2 255 0 100 0 0 100 200 0 8", ["b/1"] = "P2 1 1 255 51"}, function(path)
        fails(function() data.images(path) end, "a/1 is 2x4 %(rows x columns%) and")
        fails(function() data.images(path) end, "size = {2, 4} brings all to one size")
        local set = data.images(path, {size = {1, 2}})
        eq(set.x.shape, {2, 1, 1, 2})
        near(set.x[{1, 1, 1, 1}], 100 / 255, 1e-6)
        near(set.x[{1, 1, 1, 2}], 2 / 255, 1e-6)
        near(set.x[{2, 1, 1, 2}], 0.2, 1e-6)
        eq(data.images(path, {size = 3}).x.shape, {2, 1, 3, 3})
    end)
end)

test("what is transparent", function()
    local golden = goldens["grey-4-trns"]
    with({["a/1.png"] = golden.file}, function(path)
        fails(function() data.images(path) end, "is transparent; say what stands behind")
        for _, background in ipairs {0, 1, 0.5} do
            local x = data.images(path, {background = background}).x
            for row = 1, golden.rows do
                for column = 1, golden.columns do
                    local alpha = pixel(golden, row, column, 2)
                    local value = alpha == 255 and pixel(golden, row, column, 1) / 255
                        or background == 0.5 and 128 / 255 or background
                    near(x[{1, 1, row, column}], value, 1e-6)
                end
            end
        end
    end)
end)

test("train, valid and test", function()
    with({["train/a/1"] = "P2 1 1 255 1", ["train/b/1"] = "P2 1 1 255 2",
          ["val/b/1"] = "P2 1 1 255 3", ["test/b/1"] = "P2 1 1 255 4",
          ["test/b/2"] = "P2 1 1 255 5"}, function(path)
        local set = data.images(path)
        eq({#set, #set.train, #set.valid, #set.test}, {3, 2, 1, 2})
        eq(set.train.y, {1, 2})
        eq(set.valid.y, {2})
        eq(set.test.y, {2, 2})
        eq(set.test.classes, {"a", "b"})
        near(set.test.x[{2, 1, 1, 1}], 5 / 255, 1e-6)
        near(set.valid.x[{1, 1, 1, 1}], 3 / 255, 1e-6)
    end)
    with({["train/a/1"] = "P2 1 1 255 1", ["test/c/1"] = "P2 1 1 255 2"}, function(path)
        fails(function() data.images(path) end, "test has the class c, which train does not have")
    end)
    with({["train/a/1"] = "P2 1 1 255 1"}, function(path)
        local set = data.images(path)
        eq({#set.train, set.valid == nil, set.test == nil}, {1, true, true})
    end)
end)

test("a network learns from them and answers with the folders' names", function()
    local files = {}
    for i = 1, 8 do
        files["dark/" .. i] = ("P2 2 2 255 %d 0 10 %d"):format(i, 3 * i)
        files["light/" .. i] = ("P2 2 2 255 %d 255 240 %d"):format(255 - i, 250 - 3 * i)
    end
    with(files, function(path)
        local set = data.images(path)
        local net = nn.net "1x2x2 - flatten - 4 tanh - 2 softmax : cross_entropy"
        net:train(set, {epochs = 60, batch = 4, lr = 0.5, seed = 1, progress = false})
        eq(net:classify(set[1]), "dark")
        eq(net:classify(set[16]), "light")
        eq(net.classes, {"dark", "light"})
    end)
end)

test("what is refused, and that nothing is left", function()
    with({["a/1.png"] = "\xff\xd8\xff\xe0"}, function(path)
        fails(function() data.images(path) end, "a/1.png: is a JPEG; images are read as PNG")
    end)
    local png = goldens["rgb-8-5x3"].file
    with({["a/1.png"] = png:sub(1, -20)}, function(path)
        fails(function() data.images(path) end, "a/1.png: is cut short")
    end)
    with({["a/1.png"] = png:gsub("IDAT.........", function(s) return s:sub(1, -2) .. "?" end)},
        function(path)
            fails(function() data.images(path) end, "a/1.png: is damaged: ")
        end)
    fails(function() data.images "/nowhere/at all" end, "cannot open /nowhere/at all: No such file")
    fails(function() data.images(".", {size = 0}) end, "size must be a whole number of pixels")
    fails(function() data.images(".", {size = {2, 2, 2}}) end, "or {rows, columns}, not 2x2x2")
    fails(function() data.images(".", {background = 2}) end, "background must be a number from 0")
    fails(function() data.images(".", {gray = true}) end, "did you mean 'grey'?")
    fails(function() data.images() end, "argument 1 must be a path")
end)

spec.report()
