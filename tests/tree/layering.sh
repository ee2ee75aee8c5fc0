#!/bin/sh
# The tree keeps its floors, and scripts/layering sees an offence of every kind: a script that lets
# one through would catch nothing.
set -u

layering=$(cd "${srcdir:-.}" && pwd)/scripts/layering
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
passed=0
failed=0

# expect STATUS FILE INCLUDE...: a tree with this one file gives this exit status.
expect() {
    wanted=$1
    file=$2
    shift 2
    rm -rf "$tree/src"
    mkdir -p "$tree/$(dirname "$file")"
    printf '#include %s\n' "$@" > "$tree/$file"
    "$layering" "$tree" > "$tree/output" 2>&1
    if [ $? -eq "$wanted" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "wanted status $wanted for $file with $*"
    fi
}

expect 0 src/nn/net.c '"nn/net.h"' '"io/sink.h"' '"grad/tape.h"' '<math.h>'
expect 0 src/kernel/blas.c '<cblas.h>' '"kernel/blas.h"'
expect 0 src/lua/push.c '<lua.h>' '"lauxlib.h"' '"nn/net.h"'
expect 0 src/shell/line.c '<readline/readline.h>' '"lua/push.h"' '<lua.h>'
expect 0 src/main.c '"shell/run/eval.h"' '"base/context.h"' '<lua.h>'

expect 1 src/base/text.c '"kernel/kernel.h"'
expect 1 src/kernel/kernel.c '"tensor/tensor.h"'
expect 1 src/tensor/view.h '"grad/tape.h"'
expect 1 src/grad/tape.c '"io/sink.h"'
expect 1 src/grad/tape.c '"nn/net.h"'
expect 1 src/io/idx.c '"grad/tape.h"'
expect 1 src/io/idx.c '"kernel/kernel.h"'
expect 1 src/nn/net.c '"lua/push.h"'
expect 1 src/lua/push.c '"shell/screen/line.h"'
expect 1 src/kernel/product.inc ' "nn/net.h"'
expect 1 src/kernel/product.c '<cblas.h>'
expect 1 src/tensor/blas.c '"cblas.h"'
expect 1 src/nn/net.c '<lua.h>'
expect 1 src/nn/net.c '"lauxlib.h"'
expect 1 src/lua/push.c '<readline/history.h>'
expect 1 src/main.c '<readline/readline.h>'
expect 1 src/nn/net.c '"net.h"'
expect 1 src/attic/net.c '<math.h>'
expect 1 src/stray.c '<math.h>'

if "$layering" "${srcdir:-.}"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
