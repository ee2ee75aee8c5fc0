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
    print("1 passed, 0 failed")'
