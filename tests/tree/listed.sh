#!/bin/sh
# Every file of the sources, tests and examples is named in Makefile.am: what is forgotten there is
# neither built, tested nor shipped, and nothing else would notice. Every script of examples/ is on
# the help page that lists them.
set -u

cd "${srcdir:-.}" || exit 1
# What a build in the source tree leaves is none of them.
missing=$(find src stdlib tests examples data -type f ! -path '*/.*' \
               ! -name '*.o' ! -name '*.l[ao]' ! -name '*.log' ! -name '*.trs' ! -name '*.gc*' |
    while read -r file; do
        # A test program in C is listed by the program's name.
        case $file in
            tests/c/*/test_*.c | tests/bench/*.c) name=${file%.c} ;;
            *) name=$file ;;
        esac
        grep -qFw -e "$name" Makefile.am || echo "$file is not in Makefile.am"
    done)
missing=$missing$(page=$(sed -n '/^page("examples"/,/\]\]/p' stdlib/help/start.lua)
    for file in examples/*.lua; do
        case $page in
            *"${file#examples/}"*) ;;
            *) echo "$file is not on the help page \"examples\"" ;;
        esac
    done)
[ -z "$missing" ] || { echo "$missing"; exit 1; }
