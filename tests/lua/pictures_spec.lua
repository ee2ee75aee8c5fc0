-- Pictures in pixels: which way they take, where they stand among the letters, and which pixels they
-- have. The bytes of each way are read in tests/c/io/picture.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local spec = require "spec"
local test, eq, fails = spec.test, spec.eq, spec.fails
local nabla = spec.nabla

-- ---- The way ----

test("the way is the user's, or the best that there is", function()
    eq({nabla.pictures()}, {"auto", "blocks"})
    for _, way in ipairs {"kitty", "blocks", "auto"} do
        eq(select("#", nabla.pictures(way)), 0)
        eq({nabla.pictures()}, {way, "blocks"}) -- this is no terminal
    end
    fails(function() nabla.pictures "png" end,
        [[pictures: it is "kitty", "sixel", "blocks" or "auto", not 'png']], true)
    fails(function() nabla.pictures "" end, "not ''", true)
    fails(function() nabla.pictures(1) end, "not 1", true)
    fails(function() nabla.pictures(nil) end, "not nil", true)
    fails(function() nabla.pictures("kitty", 2) end, "one argument too many", true)
    eq(nabla.pictures(), "auto")
end)

test("sixel is there, or the reason why not", function()
    local fine, message = pcall(nabla.pictures, "sixel")
    if fine then eq(nabla.pictures(), "sixel")
    else assert(message:find("without libsixel", 1, true), message) end
    nabla.pictures "auto"
end)

spec.report()
