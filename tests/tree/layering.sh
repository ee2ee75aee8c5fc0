#!/bin/sh
# The tree keeps its floors, and scripts/layering sees an offence of every kind: a script that lets
# one through would catch nothing.
set -u

layering=$(cd "${srcdir:-.}" && pwd)/scripts/layering
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
passed=0
failed=0

# verdict STATUS WHAT: the tree gives this exit status.
verdict() {
    "$layering" "$tree" > "$tree/output" 2>&1
    if [ $? -eq "$1" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "wanted status $1 for $2"
        cat "$tree/output"
    fi
}

# expect STATUS FILE INCLUDE...: a tree with this one file gives this exit status.
expect() {
    wanted=$1
    file=$2
    shift 2
    rm -rf "$tree/src"
    mkdir -p "$tree/$(dirname "$file")"
    printf '#include %s\n' "$@" > "$tree/$file"
    verdict "$wanted" "$file with $*"
}

# plant FILE LINE...: adds a file to the tree.
plant() {
    mkdir -p "$tree/src/$(dirname "$1")"
    planted=$tree/src/$1
    shift
    printf '%s\n' "$@" > "$planted"
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
expect 1 src/lua/push.c '"shell/line/line.h"'
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

# Circles. Two units, each by one of its files.
rm -rf "$tree/src"
plant shell/a.c '#include "shell/a.h"' '#include "shell/run/b.h"'
plant shell/a.h 'void sh_a(void);'
plant shell/run/b.c '#include "shell/run/b.h"' '/* sh_a( would do this */' '// or sh_a(2);'
plant shell/run/b.h 'void sh_b(void);'
verdict 0 'two files, one above the other'
plant shell/run/b.h '#include "shell/a.h"'
verdict 1 'a circle of two files'

# Of three, one of them a header only.
plant shell/run/b.h '#include "shell/c.h"'
plant shell/c.h '#include "shell/a.h"'
verdict 1 'a circle of three files'
grep -q '^a circle: .*src/shell/c ' "$tree/output" ||
    { failed=$((failed + 1)); echo "it is not told"; }

# A header that declares what another file holds.
rm -rf "$tree/src"
plant shell/a.h 'void sh_held(int many,' '             int arguments);'
plant shell/a.c '#include "shell/a.h"' 'void sh_a(void)' '{' '    sh_held(1, 2);' '}'
plant shell/b.c '#include "shell/a.h"' 'static void sh_a(void);'
verdict 0 'a function that is nowhere'
plant shell/b.c '#include "shell/a.h"' 'void sh_held(int many,' '             int arguments)' '{' '}'
verdict 1 'a circle through a declaration'

# A floor without such an order.
rm -rf "$tree/src"
plant kernel/a.h '#include "kernel/b.h"'
plant kernel/b.h '#include "kernel/a.h"'
verdict 0 'a circle where no order is kept'

if "$layering" "${srcdir:-.}"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
