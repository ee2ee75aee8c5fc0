#!/bin/sh
# Runs specs with the program that was just built: those that are named, else all beside this
# script.
# usage: run.sh [SPEC...]     (the program is $NABLA, else ./nabla)
set -u

here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- "$here"/*_spec.lua

# Nobody's own settings: no init file, no history, no Lua path.
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
unset LUA_INIT LUA_INIT_5_4 LUA_PATH LUA_PATH_5_4 LUA_CPATH LUA_CPATH_5_4 NABLA_PATH
HOME=$scratch XDG_CACHE_HOME=$scratch XDG_CONFIG_HOME=$scratch XDG_STATE_HOME=$scratch
export HOME XDG_CACHE_HOME XDG_CONFIG_HOME XDG_STATE_HOME

failed=0
for spec in "$@"; do
    "${NABLA:-./nabla}" "$spec" || { failed=1; echo "$spec failed"; }
done
exit $failed
