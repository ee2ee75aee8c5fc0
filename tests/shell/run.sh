#!/bin/sh
# Plays the sessions: those that are named, else all beside this script.
# usage: run.sh [FILE.steps...]     (the program is $NABLA, else ./nabla; the player is $NABLA_PTY,
# tests/shell/pty in the current folder)
set -u

here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- "$here"/*.steps

passed=0 failed=0
for steps in "$@"; do
    if "${NABLA_PTY:-tests/shell/pty}" "$steps"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
