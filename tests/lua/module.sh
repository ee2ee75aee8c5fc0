#!/bin/sh
# The Lua module loads into a plain Lua, gives the same table twice, works, and lets Lua close.
set -u

[ -n "${LUA:-}" ] || { echo "no lua5.4 to load the module into"; exit 77; }
[ -z "${NABLA_SANITIZED:-}" ] || { echo "a plain Lua does not load a sanitized module"; exit 77; }

unset LUA_INIT LUA_INIT_5_4 LUA_CPATH_5_4
LUA_CPATH="$(dirname "$NABLA_MODULE")/?.so" "$LUA" -e '
    nabla = require "nabla"
    assert(type(nabla.version) == "string", "no version")
    assert(require "nabla" == nabla, "a second copy")
    local x = nabla.tensor {1, 2, 3}
    assert((x + x):sum():item() == 12, "wrong sum")
    local exported = {}
    for name in pairs(_G) do exported[name] = true end
    assert(not exported.tensor and not exported.nn, "the module leaves globals in a plain Lua")
    assert(load(string.dump(function() return 7 end))() == 7, "load is not the host'"'"'s own")
    print("1 passed, 0 failed")' || exit 1

# A pipe without a reader and a limit on files are errors of the save, and how the host stands to
# its signals stays as it was: the defaults, which would end it.
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

# The notes, live, are there too, keep their place, and make no globals.
LUA_CPATH="$(dirname "$NABLA_MODULE")/?.so" XDG_STATE_HOME=$scratch "$LUA" -e '
    local nabla = require "nabla"
    local before, said, loud = {}, "", print
    for name in pairs(_G) do before[name] = true end
    print = function(text) said = said .. text .. "\n" end
    nabla.learn "cost"
    nabla.learn.answer(0.75 * nabla.learn.net:cost(nabla.learn.some))
    print = loud
    assert(said:find("2 of 14", 1, true) and said:find("\nRight", 1, true), said)
    for name in pairs(_G) do assert(before[name], name) end' || exit 1
grep -qx 'right cost' "$scratch/nabla/learn" || exit 1
mkfifo "$scratch/pipe"
cat > "$scratch/saves.lua" <<'END'
local folder = ...
local function signals()
    local status, out = io.open("/proc/self/status"):read("a"), {}
    -- Those up to 32; the others are the C library's own.
    for _, name in ipairs {"Blk", "Ign", "Cgt"} do
        out[#out + 1] = name .. " " .. status:match("Sig" .. name .. ":%s*%x+(%x%x%x%x%x%x%x%x)\n")
    end
    return table.concat(out, " ")
end
local before = signals()
local nabla = require "nabla"
local x = nabla.tensor.zeros(1000, 1000)
local function fails(path, words)
    local fine, message
    repeat -- until the reader is there
        fine, message = pcall(nabla.tensor.save, path, x)
    until fine or not message:find("No such device", 1, true)
    assert(not fine and message:find(words, 1, true), message)
end
fails(folder .. "/pipe.npy", "Broken pipe")
fails(folder .. "/large.npy", "File too large")
assert(signals() == before, before .. " became " .. signals())
END
ln -s pipe "$scratch/pipe.npy"
# The reader takes a byte and goes.
head -c 1 "$scratch/pipe" > /dev/null &
(
    ulimit -f 100
    LUA_CPATH="$(dirname "$NABLA_MODULE")/?.so" exec "$LUA" "$scratch/saves.lua" "$scratch"
)
