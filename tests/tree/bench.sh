#!/bin/sh
# What make bench writes: its report is whole or as it was. The program that measures is a stand-in.
set -u

here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

# is WHAT COMMAND...: the command succeeds.
is() {
    what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $what"
    fi
}

# bench STATUS: a run of a program that prints a table and ends so.
bench() {
    printf '#!/bin/sh\necho "| a | table |"\nexit %s\n' "$1" > "$scratch/program"
    chmod +x "$scratch/program"
    NABLA=$scratch/program BENCH=$scratch REPORT=$report sh "$here/../bench/run" \
        > "$scratch/out" 2>&1
}

differs() { ! "$@"; }

report=$scratch/BENCHMARKS.md
echo old > "$report"
is 'a run that fails says so' differs bench 1
is 'and leaves the report' grep -qx old "$report"
is 'a run succeeds' bench 0
is 'its table is in the report' grep -qx '| a | table |' "$report"
is 'with the day' grep -q "^Measured on $(date -u +%Y)-" "$report"
is 'it is shown too' cmp -s "$report" "$scratch/out"
is 'nothing is left beside it' test "$(ls "$scratch" | grep -c BENCHMARKS)" -eq 1
report=$scratch/none/BENCHMARKS.md
is 'a report that cannot be written is an error' differs bench 0
report=
is 'without a report the tables are shown' bench 0
is 'all of them' grep -qx '| a | table |' "$scratch/out"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
