#!/bin/sh
# The storm of random keys, once more where it fails: the order of a signal and of keys that come in
# the same millisecond is nobody's to say, on a busy machine not even who comes first. What is wrong
# is wrong twice.
# usage: storm.sh     (the program is $NABLA, else ./nabla; the player tests/shell/storm in the
# current folder)
set -u

for attempt in first second; do
    if tests/shell/storm; then
        echo "1 passed, 0 failed"
        exit 0
    fi
    echo "the $attempt attempt failed"
done
echo "0 passed, 1 failed"
exit 1
