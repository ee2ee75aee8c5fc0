#!/bin/sh
# How tests are run: tests/limit ends what hangs, with all that it started, and gives signals back.
set -u

limit=$PWD/tests/limit
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

# gives STATUS WHAT COMMAND...: the command ends so.
gives() {
    wanted=$1 what=$2
    shift 2
    "$@" > "$scratch/out" 2>&1
    status=$?
    if [ $status -eq "$wanted" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $what: status $status"
        cat "$scratch/out"
    fi
}

gives 0 'the status' "$limit" 60 true
gives 3 'the status' "$limit" 60 sh -c 'exit 3'
gives 143 'the signal' "$limit" 60 sh -c 'kill -TERM $$'
gives 127 'no such command' "$limit" 60 "$scratch/none"
gives 2 'no command' "$limit" 60
gives 2 'no time' "$limit" 0 true
gives 0 'nothing on standard input' "$limit" 60 sh -c '! read -r line' < "$limit"

# An endless loop that another started: the pipe stays open as long as it lives.
mkfifo "$scratch/held"
cat "$scratch/held" > "$scratch/read" &
gives 124 'an endless loop' "$limit" 1 sh -c '(while :; do :; done) > "$1" & wait' - "$scratch/held"
cp "$scratch/out" "$scratch/told"
gives 0 'it is told' grep -q 'no end after 1 seconds' "$scratch/told"
gives 0 'the loop has ended' wait $!

# Signals that the caller ignores end a test all the same.
for signal in 'HUP 1' 'INT 2' 'PIPE 13'; do
    # shellcheck disable=SC2016 # the words are those of the shell that is started
    gives $((128 + ${signal#* })) "$signal ends it" \
        sh -c 'trap "" "$1"; exec "$2" 60 sh -c "kill -$1 \$\$; true"' - "${signal% *}" "$limit"
done

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
