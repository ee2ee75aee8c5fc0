-- The book of help: everything public has a page, every page is whole, every example runs.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla
local book, help = nabla._book, nabla._help

-- ---- The page ----

test("a table's row that is too wide goes on below its last column", function()
    eq(help.wrap("  δ  one two three four\n  ab   one two\n", "", 15),
        "  δ  one two\n     three four\n  ab   one two\n")
    eq(help.wrap("  a  b  one two three\n        four five", "", 16),
        "  a  b  one two\n        three\n        four\n        five")
    local fits = "  a  one\n     two"
    eq(help.wrap(fits, "", 15), fits)
    local code = '  f(x) -- all of it stays as it is'
    eq(help.wrap(code, "", 15), code)
    eq(help.wrap("  a    one", "", 8), "  a    one") -- no room beside it
end)

-- The book asks for the window anew at every page.
local function in_columns(columns, f)
    local window = book.window
    book.window = function() return columns, 24 end
    local fine, message = pcall(f)
    book.window = window
    if not fine then error(message, 0) end
end

test("pages are broken at the window's width", function()
    in_columns(22, function()
        eq(help.wrap("one two three four five", ""), "one two three four\nfive")
        -- Below its name where there is no room beside it.
        eq(help.wrap("  a            one two three", ""), "  a\n    one two three")
        eq(help.wrap("  a  one two three four five", ""), "  a  one two three\n     four five")
    end)
    in_columns(300, function() eq(#help.text("train"):match "^.-\n%s+(.-)\n" <= 78, true) end)
    for _, columns in ipairs {20, 30, 46, 79, 80} do
        in_columns(columns, function()
            for _, entry in ipairs(book) do -- examples are code and stay as they are typed
                local page = help.text(entry.name):gsub("\n  example\n.*", "")
                for line in page:gmatch "[^\n]+" do
                    local is_code = line:find "^%s" and line:find "[=({;%[]"
                    local words = select(2, line:gsub("%S+", ""))
                    local fits = utf8.len(line) <= columns or words < 3 or is_code
                    if entry.kind ~= "page" then assert(fits, columns .. ": " .. line) end
                end
            end
        end)
    end
end)

test("tables of all pages fit 80 columns", function()
    for _, entry in ipairs(book) do
        for line in help.text(entry.name):gmatch "[^\n]+" do
            local column = line:match "^%s+%S.*%s%s+()%S"
            local is_code = line:find "[=({;]" -- which stays as it is typed
            assert(not column or column > 54 or is_code or utf8.len(line) <= 80, line)
        end
    end
end)

-- ---- Everything public is in the book ----

local modules = {nabla = nabla}
for _, name in ipairs {"tensor", "nn", "data", "plot", "learn"} do modules[name] = nabla[name] end

local function check_help(name, value)
    local public = type(value) == "function" and not name:find("[.:]_")
    if public and not help.of_value(value) then error(name .. " has no help") end
end

test("activations are found by their name, their value and their derivative", function()
    local found = 0
    for name, value in pairs(nabla.nn) do
        if type(value) == "userdata" then
            eq(help.of_value(value).kind, "activation")
            eq((help.text(value)):find("activation " .. name, 1, true), 1)
            eq((help.text("nn." .. name)):find("activation " .. name, 1, true), 1)
            eq((help.text("nn." .. name .. ".df")):find("nn.NAME.df(z", 1, true), 1)
            found = found + 1
        end
    end
    assert(found >= 22)
end)

for name, module in pairs(modules) do
    test("every function of " .. name .. " has help", function()
        for field, value in pairs(module) do check_help(name .. "." .. field, value) end
    end)
end

-- Metatables of handles are in the registry under their names; methods are in .methods or in
-- __index.
local function method_tables()
    local found = {}
    for name, meta in pairs(debug.getregistry()) do
        local short = type(name) == "string" and name:match("^nabla%.(.+)$")
        if short and type(meta) == "table" then
            local index = rawget(meta, "methods") or rawget(meta, "__index")
            if type(index) == "table" then found[short] = index end
        end
    end
    return found
end

test("the registry shows the methods of tensors and networks", function()
    local found = method_tables()
    eq(type(found.tensor), "table")
    eq(type(found.tensor.matmul), "function")
    eq(type(found.network), "table")
end)

for short, methods in pairs(method_tables()) do
    test("every method of " .. short .. " has help", function()
        for name, value in pairs(methods) do check_help(short .. ":" .. name, value) end
    end)
end

-- ---- Every page is whole ----

test("every page has a name, a kind, a text and an example; functions say how they are called",
    function()
    for i, entry in ipairs(book) do
        for _, part in ipairs {"name", "kind", "text", "example"} do
            local value = entry[part]
            if type(value) ~= "string" or value == "" then
                error(("page %d (%s %s) has no %s"):format(i, entry.kind, entry.name, part))
            end
        end
        local called = entry.kind == "function" or entry.kind == "method" or entry.kind == "field"
        if called and not entry.usage then error(entry.name .. " has no usage") end
        for _, option in ipairs(entry.options or {}) do
            local whole = option.name and option.text
            if not whole then error(entry.name .. " has an option without text") end
        end
    end
end)

test("no name stands twice in one family", function()
    local seen = {}
    for _, entry in ipairs(book) do
        local key = entry.kind .. " " .. entry.name
        if seen[key] then error(key .. " is there twice") end
        seen[key] = true
    end
end)

-- ---- Every example runs ----

-- What an example does to the whole program is undone, and what it prints is not shown.
local function fresh()
    local env = {print = function() end}
    for name, module in pairs(modules) do env[name] = module end
    env.help = function(...) help.text(...) end
    return setmetatable(env, {__index = _G})
end

local function quietly(fn, ...)
    local dtype, loud = nabla.dtype(), print
    print = function() end
    local ok, message = pcall(fn, ...)
    print = loud
    nabla.dtype(dtype)
    if not ok then error(message, 0) end
end

for _, entry in ipairs(book) do
    if entry.example then
        test(("the example of %s %s runs"):format(entry.kind, entry.name), function()
            quietly(help.run, entry.example, fresh())
        end)
    end
end

-- Pasted as one block, such a line would call what stands before it.
test("no line of an example begins with a bracket that could be a call", function()
    for _, entry in ipairs(book) do
        if ("\n" .. (entry.example or "")):find("[^\n]\n%(") then
            error("the example of " .. entry.name)
        end
    end
end)

-- ---- What the arrows say is what comes ----

-- The words that an arrow would say: "1 2 / 3 4" of a matrix, "{2, 3}" of a list.
local function in_words(value)
    if type(value) == "table" then return "{" .. table.concat(value, ", ") .. "}" end
    if not spec.is_tensor(value) then return tostring(value) end
    local rows = value:dim() == 2 and value:totable() or {value:flatten():totable()}
    for i, row in ipairs(rows) do rows[i] = table.concat(row, " ") end
    return table.concat(rows, " / ")
end

-- Numbers are told with a few digits.
local function same_word(got, told)
    local a, b = tonumber(got), tonumber(told)
    if not a or not b then return got == told end
    return math.abs(a - b) <= (b == 0 and 1e-6 or 5e-4 * math.abs(b))
end

local function check_arrow(value, told)
    local got, wanted = {}, {}
    for word in in_words(value):gmatch("%S+") do got[#got + 1] = word end
    for word in told:gmatch("%S+") do wanted[#wanted + 1] = word end
    local same = #got == #wanted
    for i = 1, #wanted do same = same and same_word(got[i], wanted[i]) end
    if same then return end
    error(("the example gives %s, the arrow says %s"):format(in_words(value), told))
end

-- The lines before an arrow, then its own, whose first value it tells.
local function check_arrows(example)
    local env, before = fresh(), ""
    for line in (example .. "\n"):gmatch("(.-)\n") do
        local code, told = line:match("^(.-)%s*→%s*(.-)%s*$")
        if code then
            if before:find("%S") then help.run(before, env) end
            before = ""
            check_arrow(help.run(code, env), told)
        else
            before = before .. line .. "\n"
        end
    end
end

for _, entry in ipairs(book) do
    if entry.example and entry.example:find("→", 1, true) then
        test(("the example of %s %s gives what it says"):format(entry.kind, entry.name), function()
            quietly(check_arrows, entry.example)
        end)
    end
end

-- ---- Asking ----

test("help finds names, whole and short, functions and values", function()
    eq((help.text("tensor.zeros")):find("tensor.zeros(sizes…, {dtype})", 1, true), 1)
    eq((help.text("zeros")):find("initialiser zeros", 1, true) ~= nil, true)
    eq((help.text(nabla.tensor.zeros)):find("tensor.zeros", 1, true), 1)
    eq((help.text("x:matmul")):find("a:matmul(b)", 1, true), 1)
    eq((help.text("add_")):find("x:add_(y)", 1, true), 1)
    eq((help.text("sigmoid")):find("activation sigmoid", 1, true) ~= nil, true)
    local text, known = help.text(nabla.tensor {1})
    eq(known, true)
    eq(text:find(":matmul", 1, true) ~= nil, true)
    eq((help.text(nabla.nn)):find("module nn", 1, true), 1)
    eq((help.text(nabla.nn.net "2 - 1")):find(":train", 1, true) ~= nil, true)
end)

test("options stand in the page with what they take and their default", function()
    local text = help.text(nabla.tensor.rand):gsub("%s+", " ")
    eq(text:find("dtype", 1, true) ~= nil, true)
    eq(text:find("by default nabla.dtype()", 1, true) ~= nil, true)
end)

test("an unknown name gives the nearest names and where the word appears", function()
    local text, known = help.text("zeross")
    eq(known, false)
    eq(text:find("there is no help on 'zeross'; near it: zeros", 1, true), 1)
    text = help.text("chance")
    eq(text:find("these speak of 'chance':", 1, true) ~= nil, true)
    eq(select(2, help.text("qqqqqqqq")), false)
end)

test("words of other tools are answered with ours, and the page that is named is there", function()
    local text, known = help.text("transpose")
    eq(text:find("it is: x:t(), or x:permute(dims…)\n\nx:permute(", 1, true) ~= nil, true)
    eq(known, true)
    for word, page in pairs {sparse = "data.set{", mpi = "ranks\n", grid_search = "sweeps\n"} do
        eq(help.text(word):find("\n\n" .. page, 1, true) ~= nil, true)
    end
    local count = 0
    repeat
        count = count + 1
        local word, here, topic = book.foreign(count)
        -- The prompt knows its own commands.
        if topic and topic:sub(1, 1) ~= "." and not help.name_text(topic) then
            error(("%s: there is no page %s"):format(word, topic))
        end
        if word and #here == 0 then error(word .. " has no answer") end
    until not word
    eq(count > 100, true)
    eq(book.foreign(0), nil)
end)

test("a method is found with a dot as well", function()
    local text, known = help.text("tensor.where")
    eq(text:find("tensor.where(condition", 1, true), 1)
    eq(known, true)
end)

test("a family is explained by its name, one or many", function()
    for _, name in ipairs {"optimizer", "optimizers"} do
        local text, known = help.text(name)
        eq(known, true)
        eq(text:find("optimizers\n  sgd  ", 1, true) ~= nil, true)
    end
end)

test("a constructor's page stands for its descriptor's", function()
    local text = help.text("adam")
    eq(text:find("nn.adam{", 1, true), 1)
    eq(text:find("optimizer adam", 1, true), nil)
end)

test("what must be given is no default", function()
    local text = help.text("nn.cost"):gsub("%s+", " ")
    eq(text:find("(must be given)", 1, true) ~= nil, true)
    eq(text:find("by default must", 1, true), nil)
end)

test("a search finds options, and words by their beginnings alone", function()
    local found = {}
    for _, entry in ipairs(help.search("eta")) do found[entry.name] = true end
    eq(found["net:train"], true)
    eq(found["tensor:detach"], nil)
end)

test("a module shows its names", function()
    eq(tostring(nabla.plot), "module plot\n  .attention .confusion .heat .hinton " ..
        ".hist .image .lines .network .show\n  .sweep .trace .weights")
    eq(tostring(nabla):find("_book", 1, true), nil)
end)

test("help stands without the globals that a user may overwrite", function()
    local kept = {table, string, math, utf8, ipairs, pairs, type, select}
    table, string, math, utf8, ipairs, pairs, type, select = nil
    local page = pcall(help.text, "relu")
    local overview = pcall(help.text)
    local unknown = pcall(help.text, "rleu")
    local picture = pcall(nabla.plot.image, nabla.tensor.eye(2), {text = true})
    table, string, math, utf8, ipairs, pairs, type, select = kept[1], kept[2], kept[3], kept[4],
        kept[5], kept[6], kept[7], kept[8]
    eq({page, overview, unknown, picture}, {true, true, true, true})
end)

test("values without help say so", function()
    eq((help.text(5)), "there is no help on this number; help() shows what there is")
    eq((help.text(nil)), "there is no help on this nil; help() shows what there is")
    eq((help.text({})), "there is no help on this table; help() shows what there is")
end)

test("the overview names every function of the modules", function()
    local overview = help.text()
    for _, name in ipairs {"zeros", "net", "digits", "image", "seed", "sigmoid", "mse", "adam"} do
        eq(overview:find(name, 1, true) ~= nil, true)
    end
end)

test("no line of a page is longer than 100 letters", function()
    for _, entry in ipairs(book) do
        for line in (help.text(entry.name) .. "\n"):gmatch("(.-)\n") do
            if (utf8.len(line) or #line) > 100 then error(entry.name .. ": " .. line) end
        end
    end
end)

test("help prints its text", function()
    local loud, printed = print, nil
    print = function(text) printed = text end
    nabla.help("matmul")
    print = loud
    eq(printed:find("a:matmul(b)", 1, true), 1)
end)

spec.report()
