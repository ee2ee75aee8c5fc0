#!/bin/sh
# Completion of the command line: both shells know every option of --help, and bash offers them.
set -u

folder=$(cd "${srcdir:-.}" && pwd)/completions
passed=0
failed=0
holds() {
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "does not hold: $1"
    fi
}

# The words of --help that begin an entry: "-e, --execute CODE" gives -e and --execute.
options=$("$NABLA" --help |
    sed -n 's/^  *\(-[^ ]*\),* *\(--[a-z-]*\)\{0,1\}.*/\1 \2/p' | tr -d ,)
[ "$(echo "$options" | wc -w)" -ge 14 ]
holds "--help lists the options" $?
for option in $options; do
    [ "$option" = - ] || [ "$option" = -- ] || {
        grep -qFe "$option" "$folder/_nabla"
        holds "zsh knows $option" $?
    }
    grep -qFwe "$option" "$folder/nabla.bash"
    holds "bash knows $option" $?
done

# offers LINE...: what bash completes the last word to.
offers() {
    bash --norc -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _nabla
        printf "%s\n" "${COMPREPLY[@]}"' "$folder/nabla.bash" "$@"
}

if command -v bash > /dev/null; then
    work=$(mktemp -d) || exit 1
    trap 'rm -rf "$work"' EXIT
    cd "$work" || exit 1
    : > train.lua
    : > train.txt
    mkdir models
    [ "$(offers nabla --se)" = --seed ]
    holds "--se is --seed" $?
    [ "$(offers nabla tr)" = train.lua ]
    holds "a script is a Lua file" $?
    [ "$(offers nabla mo)" = models/ ]
    holds "or lies in a folder" $?
    [ "$(offers nabla -i train.lua tr | sort | tr '\n' ' ')" = "train.lua train.txt " ]
    holds "its arguments are any files" $?
    [ -z "$(offers nabla -e pri)" ]
    holds "code is not completed" $?
fi

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
