#!/bin/sh
# What is written from the book of help: the manual page names everything, troff has nothing to say
# of it, and the language server's definitions are Lua.
set -u

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

# Names of all kinds, each as its page begins.
"$NABLA" -E -e '
    local page = assert(io.open "man/nabla-lua.3"):read "a"
    local missing = 0
    for _, entry in ipairs(nabla._book) do
        local text = (entry.usage or entry.name):gsub("\\", "\\e"):gsub("%-", "\\-")
        text = text:gsub("…", "...")
        if entry.kind ~= "module" and not page:find(text, 1, true) then
            print("not on the page: " .. entry.name)
            missing = missing + 1
        end
    end
    os.exit(missing == 0)'
holds "every name stands on the page" $?

for file in meta/*.lua; do
"$LUA" -e "assert(loadfile('$file', 't'))"
    holds "$file is Lua" $?
done

if command -v man > /dev/null; then
    said=$(MANWIDTH=80 man -l --warnings man/nabla-lua.3 2>&1 > /dev/null)
    [ -z "$said" ]
    holds "troff warns of nothing" $?
fi

# A file that cannot be made stops the build.
"$NABLA" -E "${srcdir:-.}/scripts/manual.lua" meta no/such/folder > /dev/null 2>&1
[ $? -ne 0 ]
holds "a folder that is missing is an error" $?

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
