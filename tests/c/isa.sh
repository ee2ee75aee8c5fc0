#!/bin/sh
# Runs the kernel tests under every instruction set, so that the slower tables are tested too. On a
# processor without one of them the program falls back to what it has, and the test repeats itself.
set -u

failed=0
for isa in $ISA_NAMES; do
    for program in $ISA_TESTS; do
        echo "NABLA_ISA=$isa $program"
        NABLA_ISA=$isa "./$program" || failed=1
    done
done
exit $failed
