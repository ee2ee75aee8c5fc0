#!/bin/sh
# Files are read by others: examples/python/read.py, which knows the published format alone, gives
# the outputs that the program gave.
# (the program is $NABLA, else ./nabla)
set -u

root=$(cd "$(dirname "$0")/.." && pwd)
nabla=${NABLA:-./nabla}
read=$root/examples/python/read.py

python=
for each in python3 /usr/bin/python3; do
    if "$each" -c 'import numpy' 2> /dev/null; then
        python=$each
        break
    fi
done
[ -n "$python" ] || { echo "no python3 with NumPy, by which files would be read"; exit 77; }

# Nobody's own settings, and nothing written beside the sources.
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
unset LUA_INIT LUA_INIT_5_4 LUA_PATH LUA_PATH_5_4 LUA_CPATH LUA_CPATH_5_4 NABLA_PATH PYTHONPATH
HOME=$scratch XDG_CONFIG_HOME=$scratch XDG_STATE_HOME=$scratch PYTHONDONTWRITEBYTECODE=1
export HOME XDG_CONFIG_HOME XDG_STATE_HOME PYTHONDONTWRITEBYTECODE

passed=0
failed=0

# count NAME COMMAND...: the command passes when it ends with 0.
count() {
    name=$1
    shift
    if "$@" > "$scratch/out" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$name failed; it printed:"
        sed 's/^/    /' "$scratch/out"
    fi
}

writes() {
    "$python" "$read" "$net.safetensors" "$net-x.npy" "$scratch/y.npy" &&
        "$nabla" -e "assert(tensor.load('$scratch/y.npy'):allclose(tensor.load('$net-y.npy')))"
}

prints() {
    "$python" "$read" "$net.safetensors" "$net-x.npy" | grep '^\[\['
}

# refuses WORDS ARGUMENT...: it ends with 1 and says why in one line.
refuses() {
    words=$1
    shift
    said=$("$python" "$read" "$@" 2>&1)
    status=$?
    echo "$said"
    [ $status -eq 1 ] && [ "$(echo "$said" | wc -l)" -eq 1 ] && echo "$said" | grep -qF -e "$words"
}

nets=$scratch/nets
mkdir "$nets" || exit 1
"$nabla" "$root/tests/python/save.lua" "$nets" || exit 1
"$python" "$root/tests/python/compare.py" "$root/examples/python" "$nets"
same=$?

net=$nets/01-f64
count 'an output in a file' writes
count 'an output on the screen' prints
count 'usage' refuses 'usage: python3 read.py MODEL.safetensors' "$net.safetensors"
count 'no model' refuses 'not a safetensors file' "$net-x.npy" "$net-x.npy"
count 'no file' refuses 'No such file' "$nets/none.safetensors" "$net-x.npy"
count 'another width' refuses 'x is 3x2; the network takes 3' "$net.safetensors" "$nets/classes-x.npy"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$same" -eq 0 ]
