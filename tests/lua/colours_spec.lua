-- nabla.colours: what it takes, what it gives back, what it refuses. How terminals show it is
-- looked at in tests/c/shell/test_palette.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local colours = spec.nabla.colours

local names = {"plain", "keyword", "name", "number", "string", "notation", "comment", "command",
    "suggestion", "prompt", "unknown", "match", "pasted"}

test("it gives a look for every style", function()
    local all, count = colours(), 0
    for _ in pairs(all) do count = count + 1 end
    eq(count, #names)
    for _, name in ipairs(names) do assert(all[name] ~= nil, name) end
    eq(all.plain, false)
    eq(all.unknown, "underline")
end)

test("what is set is given back, and the rest stays", function()
    local before = colours()
    for _, look in ipairs {"red", "bright red", "grey", "bold", "bold italic underline reverse blue",
        "#00ff7f", "bold 0", "255", false} do
        eq(select("#", colours {keyword = look}), 0)
        eq(colours().keyword, look)
    end
    for name, look in pairs(colours()) do
        if name ~= "keyword" then eq(look, before[name]) end
    end
    colours {keyword = 98}
    eq(colours().keyword, "98")
    colours {keyword = "  blue   bold "}
    eq(colours().keyword, "bold blue")
    colours {keyword = "#ABCDEF", string = "black"}
    eq(colours().keyword, "#abcdef")
    colours {keyword = true, string = true}
    eq(colours(), before)
    colours {}
    colours(colours())
    eq(colours(), before)
end)

test("what is no colour is refused, and nothing is set then", function()
    local before = colours()
    for _, wrong in ipairs {"", " ", "red blue", "bright", "bright grey", "bright 7", "#12345",
        "#1234567", "#12345g", "256", "-1", "+1", "1.5", "0x10", 256, -1, 1.5, 0 / 0, {}, print} do
        fails(function() colours {keyword = wrong} end, "keyword must be a colour, as ", true)
    end
    fails(function() colours {keyword = "bleu"} end,
        "colours: keyword: unknown colour 'bleu'; did you mean 'blue'?", true)
    fails(function() colours {keyword = "blod red"} end, "did you mean 'bold'?", true)
    fails(function() colours {keyword = "red\0"} end, "NUL", true)
    fails(function() colours {keywrod = "red"} end,
        "colours: unknown style 'keywrod'; did you mean 'keyword'?", true)
    fails(function() colours {keyword = "red", strign = "red"} end, "did you mean 'string'?", true)
    fails(function() colours {keyword = "red", string = "rde"} end, "did you mean 'red'?", true)
    fails(function() colours {keyword = "rde", string = "red"} end, "did you mean 'red'?", true)
    fails(function() colours {"red"} end, [[as in {keyword = "blue"}; 1 is none]], true)
    fails(function() colours "red" end, "argument 1 must be a table", true)
    fails(function() colours(nil) end, "argument 1 must be a table", true)
    fails(function() colours({}, 1) end, "one argument too many", true)
    eq(colours(), before)
end)

test("only the table's own fields count", function()
    local before = colours()
    colours(setmetatable({}, {__index = function() error("asked") end,
        __pairs = function() error("asked") end}))
    eq(colours(), before)
end)

spec.report()
