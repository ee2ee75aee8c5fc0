#!/bin/sh
# README's picture is what scripts/picture.lua makes of the stored screen.
# usage: picture.sh     (the program is $NABLA, else ./nabla)
set -u

tree=$(cd "$(dirname "$0")/../.." && pwd)
failed=0
for ground in dark light; do
    "${NABLA:-./nabla}" "$tree/scripts/picture.lua" "$tree/man/pictures/session.txt" $ground |
        cmp - "$tree/man/pictures/session-$ground.svg" || failed=$((failed + 1))
    grep -q "man/pictures/session-$ground.svg" "$tree/README.md" || failed=$((failed + 1))
done
echo "$((2 - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
