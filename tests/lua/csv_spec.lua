-- Tables of text: what Python's csv makes of them, data.csv's options and words, the irises.

local folder = arg[0]:match("^(.*)/") or "."
package.path = folder .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, near, fails = spec.test, spec.eq, spec.near, spec.fails
local data, nn = spec.nabla.data, spec.nabla.nn

local function with(text, f)
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    local ok, message = pcall(f, path)
    os.remove(path)
    if not ok then error(message, 0) end
end

local function same(case, set)
    eq(#set, #case.x)
    eq(set.columns, case.columns)
    local before = spec.nabla.dtype()
    spec.nabla.dtype "f64"
    local x = set.x:totable()
    spec.nabla.dtype(before)
    for i, row in ipairs(case.x) do
        for k, value in ipairs(row) do
            assert(x[i][k] == value, ("%q: %d %d"):format(case.text, i, k))
        end
    end
    if case.y then
        eq(set.classes, case.classes)
        eq(set.y, case.y)
    end
end

-- How many rows there are is guessed by the first lines.
test("more rows than the first lines promise", function()
    for _, first in ipairs {1, 3, 50} do
        for _, every in ipairs {1, 9} do
            local lines, sum = {"a,b,c"}, 0
            for i = 1, 4000 do
                local long = i <= first and "." .. ("0"):rep(200) or ""
                local some = i % every == 0
                local a, b = some and i % 7 + 1 or 0, some and i % 5 + 1 or 0
                lines[#lines + 1] = ("%d%s,%d%s,%d"):format(a, long, b, long, i)
                sum = sum + a + b
            end
            with(table.concat(lines, "\n"), function(path)
                local set = data.csv(path, {y = "c", classes = false})
                eq(#set, 4000)
                eq(set.x:sum(), sum)
            end)
        end
    end
end)

test("what Python reads", function()
    local cases = dofile(os.getenv "NABLA_CSV_GOLDENS" or folder .. "/../golden/csv.lua")
    assert(#cases >= 100)
    for _, case in ipairs(cases) do
        with(case.text, function(path)
            if case.fails then
                fails(function() data.csv(path, case.options) end, case.fails)
                return
            end
            same(case, data.csv(path, case.options))
            -- Delimiter and header are found where the table says enough.
            if #case.x > 1 and #case.columns > 1 then
                local o = {y = case.options.y, dtype = "f64"}
                same(case, data.csv(path, o))
            end
        end)
    end
end)

local TABLE = "id,width,height,kind\n7,1.5,2,cat\n8,0.5,1,dog\n9,2,3,cat\n"

test("columns, classes and names", function()
    with(TABLE, function(path)
        local set = data.csv(path, {x = {"width", 3}, y = "kind"})
        eq(set.columns, {"width", "height"})
        eq(set.targets, {"kind"})
        eq(set.classes, {"cat", "dog"})
        eq(set[2].y, "dog")
        eq(set[2].x, {0.5, 1})
        assert(tostring(set):find("3 examples · x 2 (width, height) · 2 classes cat, dog", 1, true))
        eq(set:take(2).columns, {"width", "height"})
        local targets = data.csv(path, {x = "width", y = "id"})
        eq(targets.classes, nil)
        eq(targets[3].y, 9)
        eq(targets.x, {{1.5}, {0.5}, {2}})
        eq(data.csv(path, {y = {-1}, classes = {"eel", "dog", "cat"}}).y, {3, 2, 3})
        eq(data.csv(path, {x = "id", y = "width", classes = true}).classes, {"0.5", "1.5", "2"})
        eq(data.csv(path, {x = "width", y = "id", classes = true}).classes, {7, 8, 9})
        local net = nn.net "2 - 1 linear : mse"
        net:train(data.csv(path, {x = {"width", "height"}, y = "id"}),
                  {epochs = 1, progress = false})
    end)
end)

test("options that are wrong", function()
    with(TABLE, function(path)
        local function refused(o, words)
            local message = fails(function() data.csv(path, o) end, words, true)
            assert(message:find("data.csv", 1, true), message)
        end
        refused({y = "knd"}, "unknown column 'knd'; did you mean 'kind'?")
        refused({y = 9}, "4 columns; there is no column 9")
        refused({y = {}}, "y holds no column")
        refused({y = true}, "y must be a column's name or number, or a list of them, not true")
        refused({x = {"id", {}}}, "x must be a column's name or number")
        refused({y = "kind", x = {"kind"}}, "asked for twice")
        refused({y = {"id", "kind"}}, "classes come from one column")
        refused({y = "kind", classes = {"a"}}, "'cat' is none of the 1 classes given")
        refused({y = "kind", classes = {"a", "a"}}, "classes hold 'a' twice")
        refused({y = "kind", classes = 3}, "classes must be true or a list of names, not 3")
        refused({classes = true}, "classes need y")
        refused({delimiter = ":"}, 'delimiter must be ",", ";", "|" or "\\t"')
        refused({decimal = "x"}, 'decimal must be "." or ","')
        refused({delimiter = ",", decimal = ","}, "both a comma")
        refused({header = "yes"}, "header must be true or false, not 'yes'")
        refused({missing = "skip"}, 'missing must be "drop", "mean" or a number, not \'skip\'')
        refused({missing = 0 / 0}, "missing must be")
        refused({dtype = "u8"}, 'dtype must be "f32" or "f64"')
        refused({delimeter = ","}, "did you mean 'delimiter'?")
        refused({}, "row 1 (line 2), column 4 (kind): 'cat' is no number; y = makes a column")
        refused({y = "id"}, "column 4 (kind): 'cat' is no number; x = ")
        fails(function() data.csv "/no/such/file" end, "No such file")
        -- The file's name is not the function's, though it may end so.
        local named = path .. ".csv"
        os.rename(path, named)
        fails(function() data.csv(named) end, ": data.csv: " .. named .. ": row 1", true)
        os.rename(named, path)
        fails(function() data.csv(path, {}, 3) end, "one argument too many")
    end)
end)

test("missing values", function()
    with("a,b\n1,2\n,4\n4,NA\n", function(path)
        fails(function() data.csv(path) end, "row 2 (line 3), column 1 (a): an empty cell", true)
        eq(data.csv(path, {missing = "drop"}).x, {{1, 2}})
        eq(data.csv(path, {missing = "mean"}).x, {{1, 2}, {2.5, 4}, {4, 3}})
        eq(data.csv(path, {missing = 0}).x, {{1, 2}, {0, 4}, {4, 0}})
    end)
end)

test("the irises", function()
    local iris = data.iris()
    eq(#iris, 150)
    eq(iris.classes, {"setosa", "versicolor", "virginica"})
    eq(iris.columns[4], "petal_width")
    eq(iris[150].y, "virginica")
    near(iris[150].x, {5.9, 3.0, 5.1, 1.8}, 1e-6)
    -- Fisher's means, as his paper's table has them.
    near(iris.x:mean(1), {5.8433333, 3.0573333, 3.758, 1.1993333}, 1e-5)
    local most = iris:split(0.8, 1)
    eq(#most, 120)
    local net = nn.net("4 - 8 relu - 3 softmax : cross_entropy", {seed = 1})
    net:train(most,
              {epochs = 60, batch = 10, optimizer = "adam", lr = 0.01, seed = 1, progress = false})
    assert(net:evaluate(most).accuracy > 0.9)
end)

spec.report()
