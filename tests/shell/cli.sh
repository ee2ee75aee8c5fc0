#!/bin/sh
# The command line, pipes and exit statuses.
# usage: cli.sh     (the program is $NABLA, else ./nabla)
set -u

nabla=${NABLA:-./nabla}
case $nabla in /*) ;; *) nabla=$PWD/$nabla ;; esac
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
unset LUA_INIT LUA_INIT_5_4 LUA_PATH LUA_PATH_5_4 LUA_CPATH LUA_CPATH_5_4
HOME=$scratch XDG_CONFIG_HOME=$scratch/config XDG_STATE_HOME=$scratch/state
LC_ALL=C.UTF-8 TERM=xterm
export HOME XDG_CONFIG_HOME XDG_STATE_HOME LC_ALL TERM

passed=0 failed=0

# verdict WHAT: counts what the last command said.
verdict() {
    if [ $? -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $1"
        sed 's/^/  out: /' out
        sed 's/^/  err: /' err
        echo "  status: ${status:-}"
    fi
}

# run ARGUMENTS: with standard input from the file `in`; leaves `out`, `err` and $status.
: > in
run() {
    status=0
    "$nabla" "$@" < in > out 2> err || status=$?
}

# gives STATUS TEXT: the last run ended so, wrote exactly that, and nothing on standard error.
gives() {
    [ "$status" -eq "$1" ] && [ "$(cat out)" = "$2" ] && [ ! -s err ]
}

# complains STATUS TEXT: nothing on standard output, and TEXT within standard error.
complains() {
    [ "$status" -eq "$1" ] && [ ! -s out ] && grep -qF -e "$2" err
}

# ---- Code and modules ----

run -e 'print(1 + 1)'
gives 0 2; verdict '-e runs code'
run -e 'x = 1' -e 'print(x)'
gives 0 1; verdict 'several -e share their globals'
run --execute='print(3)'
gives 0 3; verdict '--execute is -e'
run -e 'print(4)' -e 'error("no")' -e 'print(5)'
[ "$status" -eq 1 ] && [ "$(cat out)" = 4 ] && grep -q 'nabla: .*no' err
verdict 'the first failure ends it'
echo 'return {name = "mine"}' > mine.lua
run -l mine -e 'print(mine.name)'
gives 0 mine; verdict '-l gives a global'
run -l other=mine -e 'print(other.name, mine)'
gives 0 "mine	nil"; verdict '-l GLOBAL=NAME'
run -l there.is.none
complains 1 'there.is.none'; verdict '-l of a module that is missing'
run -e 'print(tensor.zeros(2).shape ~= nil, nn ~= nil, data ~= nil, nabla.version ~= nil)'
gives 0 "true	true	true	true"; verdict 'scripts see the globals of the prompt'

# ---- Errors in functions that the core calls ----

cat > inside.lua <<'LUA'
local function bad(z)
    return z:nothing()
end
local net = nn.net{2, nn.dense{3, bad}}

net(tensor.ones(1, 2))
LUA
run inside.lua
complains 1 'nabla: inside.lua:2: layer 1: the function of this activation: a tensor has no field'
verdict 'an error inside an activation names the line in it'
complains 1 '  inside.lua:2: return z:nothing()'; verdict 'and shows it'
complains 1 '  inside.lua:6: net(tensor.ones(1, 2))'; verdict 'with the line that called'

# ---- Options ----

run -v
[ "$status" -eq 0 ] && grep -qx 'nabla [0-9.]*' out; verdict '-v prints the version'
run --version
[ "$status" -eq 0 ] && grep -qx 'nabla [0-9.]*' out; verdict '--version'
run --help
[ "$status" -eq 0 ] && grep -q '^usage: nabla' out && grep -q -e '--seed' out; verdict '--help'
run --seed 7 -e 'print(tensor.randn(3))'
cp out first
run --seed=7 -e 'print(tensor.randn(3))'
[ "$status" -eq 0 ] && cmp -s out first; verdict 'the same seed, the same numbers'
run --seed 8 -e 'print(tensor.randn(3))'
[ "$status" -eq 0 ] && ! cmp -s out first; verdict 'another seed, other numbers'
run --threads 1 -e 'print(nabla.threads())'
gives 0 1; verdict '--threads'
run -W -e 'warn("careful")'
complains 0 'warning: careful'; verdict '-W shows warnings'
run -e 'warn("careful")'
gives 0 ''; verdict 'without -W there are none'
LUA_INIT='print("init")' LUA_PATH='/nowhere/?.lua' \
    run -E -e 'print(package.path:find("nowhere", 1, true))'
gives 0 nil; verdict '-E heeds no environment'
LUA_PATH='/nowhere/?.lua' run -e 'print(package.path:find("nowhere", 1, true) ~= nil)'
gives 0 true; verdict 'LUA_PATH is heeded else'

# ---- Wrong usage ----

for wrong in '-x' '--nothing' '--seed=abc' '--seed=-1' '--seed' '--threads=0' '--threads=257' \
    '--threads=x' '-e' '--help=1'; do
    run "$wrong"
    complains 2 'nabla --help' && [ "$(wc -l < err)" -eq 1 ]; verdict "wrong usage: $wrong"
done

# ---- Scripts ----

cat > script.lua <<'END'
#!/usr/bin/env nabla
print(..., #arg, arg[0], arg[1], arg[2])
END
run script.lua one two
gives 0 "one	2	script.lua	one	two"; verdict 'arguments and arg'
run script.lua -e x
[ "$status" -eq 0 ] && grep -q 'script.lua	-e	x' out
verdict 'options behind the script are the script'"'"'s'
echo 'print(arg[-1])' > before.lua
run -W before.lua
gives 0 -W; verdict 'what stands before the script has negative places'
echo 'print("dash")' > -dash.lua
run -- -dash.lua
gives 0 dash; verdict '-- ends the options'
run missing.lua
complains 1 missing.lua; verdict 'a script that is missing'
echo 'x = = 1' > wrong.lua
run wrong.lua
complains 1 wrong.lua:1:; verdict 'a script that is wrong'
printf 'local function f()\n  error("deep")\nend\nf()\n' > deep.lua
run deep.lua
complains 1 'nabla: deep.lua:2: deep'; verdict 'a script that fails'
[ "$(cat err)" = 'nabla: deep.lua:2: deep
  deep.lua:2: error("deep")
  deep.lua:4: f()' ]
verdict 'each line on the way to an error is shown'
printf 'local function g() error "one" end g()\n' > same.lua
run same.lua
[ "$(cat err)" = 'nabla: same.lua:1: one
  same.lua:1: local function g() error "one" end g()' ]
verdict 'a line that calls itself is shown once'
run -e 'error(nil)'
complains 1 nil; verdict 'error(nil)'
run -e 'error{code = 1}'
complains 1 code; verdict 'error{}'
run -e 'os.exit(7)'
gives 7 ''; verdict 'os.exit'
run -e 'os.exit(true, true)'
gives 0 ''; verdict 'os.exit that closes the state'

# ---- Pipes with a name ----

mkfifo pipe.lua
printf 'local x = 1\nerror("no")\n' > pipe.lua &
run pipe.lua
complains 1 'nabla: pipe.lua:2: no'; verdict 'a script from a pipe fails and ends'
printf 'print(...)\n' > pipe.lua &
run pipe.lua 1 2
gives 0 '1	2'; verdict 'a script from a pipe runs'
run -e 'pid = io.open("/proc/self/stat"):read "n"' \
    -e 'asleep = "[ \"$(cut -d\" \" -f3 /proc/" .. pid .. "/stat)\" = S ]"' \
    -e 'io.popen("until " .. asleep .. "; do :; done; kill -INT " .. pid)' pipe.lua
complains 130 interrupted; verdict 'a pipe that nobody writes is left by Ctrl-C'
mkdir folder && mkfifo folder/plot.lua
NABLA_PATH=folder run -e 'print(1)'
gives 0 1; verdict 'a pipe is no file of NABLA_PATH'
rm pipe.lua

# ---- Binary chunks ----

run -e 'f = io.open("binary.lua", "wb") f:write(string.dump(function() print "ran" end)) f:close()'
gives 0 ''; verdict 'string.dump writes'
run binary.lua
complains 1 'nabla: binary.lua: a binary chunk is not loaded'; verdict 'no binary script'
{ echo '#!/usr/bin/env nabla'; cat binary.lua; } > marked.lua
run marked.lua
complains 1 'a binary chunk is not loaded'; verdict 'none behind a line of #!'
cp binary.lua in
run
complains 1 'nabla: stdin: a binary chunk is not loaded'; verdict 'none from standard input'
: > in
for code in 'dofile "binary.lua"' 'require "binary"' 'assert(loadfile "binary.lua")()' \
    'assert(loadfile("binary.lua", "bt"))()' 'assert(loadfile("binary.lua", "b", {}))()' \
    'assert(load(io.open("binary.lua", "rb"):read "a"))()' \
    'assert(load(string.dump(function() print "ran" end), "x", "b"))()' \
    'assert(load(string.dump(function() print "ran" end), "x", "bt", _ENV))()' \
    'local f = io.open("binary.lua", "rb") assert(load(function() return f:read(1) end))()' \
    'assert(package.searchers[3]("binary"))()' 'assert(load("print(1)", "x", "b"))()' \
    'local _, own = debug.getupvalue(load, 1) own(string.dump(print))' \
    'debug.setupvalue(load, 1, print)'; do
    run -e "$code"
    [ "$status" -eq 1 ] && [ ! -s out ]; verdict "refused: $code"
done
run -l binary
complains 1 'a binary chunk is not loaded'; verdict 'refused: -l'
cat > text.lua <<'END'
print(load("return ...", "x", "t")(1), load("return x", "x", "bt", {x = 2})())
print(load(function() return nil end)())
print(select("#", load("x = 1", "x", "t", nil)), pcall(load("return x", "=x", "t", nil)))
print(load("x ="))
print(pcall(load))
print(pcall(load, "x", "x", {}))
print(pcall(loadfile, {}))
print(pcall(dofile, "missing.lua"))
print(loadfile "missing.lua")
local seen = {}
debug.sethook(function(event) seen[#seen + 1] = event end, "cr")
load("return 1")() pcall(dofile, "missing.lua") loadfile("mine.lua")(1)
debug.sethook()
print(table.concat(seen, " "))
END
run text.lua
gives 0 "1	2

1	false	x:1: attempt to index a nil value (upvalue '_ENV')
nil	[string \"x =\"]:1: unexpected symbol near <eof>
false	bad argument #1 to 'load' (function expected, got no value)
false	bad argument #3 to 'load' (string expected, got table)
false	bad argument #1 to 'loadfile' (string expected, got table)
false	cannot open missing.lua: No such file or directory
nil	cannot open missing.lua: No such file or directory
return call return call return call call return call return call return call"
verdict 'text is loaded as lua 5.4 does it, hooks and all'
echo 'local a, b = ... coroutine.yield(a, b) return 1, nil' > yields.lua
run -e 'local f = coroutine.wrap(dofile) print(f "yields.lua") print(f())'
gives 0 "nil	nil
1	nil"; verdict 'dofile yields and gives all'
echo 'return {...}' > names.lua
run -e 'print(table.concat(require "names", " "))' \
    -e 'package.path = {} print(select(2, pcall(require, "none")))'
gives 0 "names ./names.lua
'package.path' must be a string"; verdict 'require gives name and file'
echo 'x =' > wrong.lua
run -e 'require "wrong"'
complains 1 "error loading module 'wrong' from file './wrong.lua':"
verdict 'a module that is wrong'
chmod +x script.lua

# ---- Standard input ----

cat > in <<'END'
print(_VERSION ~= nil)
1
END
run
complains 1 'stdin:'; verdict 'standard input is a file, not a prompt'
printf 'x = 2\nprint(x)\n' > in
run
gives 0 2; verdict 'no banner, no prompt'
printf 'print("dash", ...)\n' > in
run - a b
gives 0 "dash	a	b"; verdict '- with arguments'
printf '1 + 1\nx = 3\nx\n"a;b"\n' > in
run -i
[ "$status" -eq 0 ] && [ "$(cat out)" = '2
3
"a;b"' ] && [ ! -s err ]; verdict '-i in a pipe: values, and nothing else'
printf 'error("no")\n2\n' > in
run -i
[ "$status" -eq 0 ] && [ "$(cat out)" = 2 ] && grep -q 'error: no' err
verdict '-i goes on after an error'
printf '{1,\n' > in
run -i
[ "$status" -eq 0 ] && grep -q 'ends in the middle' err; verdict '-i: input that ends too early'
: > in

# ---- Colours and progress ----

escape=$(printf '\033')
run -e 'print(tensor.zeros(2, 2))' -e 'error("x")'
! grep -q "$escape" out err; verdict 'no colour in a pipe'
run -e 'net = nn.net("64 - 10") net:train(data.digits().train, {epochs = 2})'
[ "$status" -eq 0 ] && ! grep -q "$(printf '[\033\r]')" out && grep -q 'epoch 2/2' out
verdict 'progress in a pipe: a line an epoch'
run -e 'net = nn.net("64 - 10") net:train(data.digits().train, {epochs = 2, progress = false})'
gives 0 ''; verdict 'no progress'

# ---- Control characters ----

# tame TEXT: the last run failed, said so with TEXT, and sent the terminal nothing to act on.
tame() {
    [ "$status" -ne 0 ] && grep -qF -e "$1" err && ! grep -q "$escape" err
}
run -e "error('a\\27[2Jb')"
tame 'a\027[2Jb'; verdict 'an error of a script is shown escaped'
run "a${escape}b.lua"
tame 'a\027b.lua'; verdict 'and the name of a file that is missing'
run "--a${escape}b"
tame 'a\027b'; verdict 'and an option that is none'
run -e 'io.write("\27[1m") print("\27[0m")'
gives 0 "${escape}[1m${escape}[0m"; verdict 'what the user prints goes out as it is'

# ---- Output that cannot be written ----

# ends STATUS: the first command of the last pipe did, and the second was told one line.
ends() {
    status=$(cat ended)
    [ "$status" -eq "$1" ] && [ "$(cat out)" = line ] && [ ! -s err ]
}
cat > lines.lua <<'END'
for i = 1, 100000 do print("line") end
END
{ "$nabla" -e 'for i = 1, 100000 do print("line") end' 2> err; echo $? > ended; } | head -1 > out
ends 141; verdict 'a closed pipe ends -e quietly, by its signal'
{ "$nabla" lines.lua 2> err; echo $? > ended; } | head -1 > out
ends 141; verdict 'and a script'
{ "$nabla" < lines.lua 2> err; echo $? > ended; } | head -1 > out
ends 141; verdict 'and standard input'
{ "$nabla" -i < lines.lua 2> err; echo $? > ended; } | head -1 > out
ends 141; verdict 'and a prompt that is none'
{ "$nabla" -e 'pcall(function() for i = 1, 100000 do io.write("line\n") end end) os.exit(3)' 2> err
  echo $? > ended; } | head -1 > out
ends 141; verdict 'pcall does not keep it'
{ (trap '' PIPE; exec "$nabla" lines.lua 2> err); echo $? > ended; } | head -1 > out
status=$(cat ended)
[ "$status" -eq 1 ] && grep -q 'cannot write to standard output' err
verdict 'who ignores the signal is told'
run -e 'p = io.popen("exit 0", "w") p:setvbuf "no"' \
    -e 'local fine, why repeat fine, why = p:write "x" until not fine print(why)'
gives 0 'Broken pipe'; verdict 'another pipe without a reader is an error'
run -e 'os.execute "{ yes 2> noise; echo $? > ended; } | head -1"'
[ "$(cat ended)" = 141 ] && gives 0 y; verdict 'commands of the system end by the signal'
(ulimit -f 1; "$nabla" -e 'print(io.open("large", "w"):setvbuf "no")' \
    -e 'print(io.open("large", "w"):write(("x"):rep(100000)))' 2> err; echo $? > ended) | cat > out
status=$(cat ended)
[ "$status" -eq 0 ] && grep -q 'File too large' out; verdict 'a limit on files is an error'
(ulimit -f 1; "$nabla" -e 'print(pcall(tensor.save, "large.npy", tensor.zeros(1000, 1000)))' 2> err
 echo $? > ended) | cat > out
status=$(cat ended)
[ "$status" -eq 0 ] && grep -q 'cannot write large.npy: File too large' out &&
    [ -z "$(ls -A | grep -e large.npy -e '^\.nabla')" ]
verdict 'a save against the limit leaves nothing'
if [ -w /dev/full ]; then
    status=0
    : > out
    "$nabla" -e 'print("x")' > /dev/full 2> err || status=$?
    complains 1 'cannot write'; verdict 'a full disk is told'
fi

# ---- Killed in the middle of a save ----

mkdir bin saves
printf '#!/bin/sh\necho half\nkill -9 $PPID\n' > bin/gnuplot
chmod +x bin/gnuplot
echo old > saves/picture.svg
PATH=$PWD/bin:$PATH run -e 'plot({1, 2}, {file = "saves/picture.svg"})' 2> /dev/null
[ "$status" -eq 137 ] && [ "$(cat saves/picture.svg)" = old ] && ls -A saves | grep -q '^\.nabla-'
verdict 'the old file stays, and a temporary'
run -e 'tensor.save("saves/x.npy", tensor.ones(2))'
[ "$status" -eq 0 ] && [ "$(ls -A saves)" = 'picture.svg
x.npy' ]; verdict 'the next save there removes it'

# ---- Ctrl-C ----

# The script has the signal sent to itself, and goes on until it comes: a shell would start it in
# the background with SIGINT ignored. Where this script was started so, the loops end by themselves,
# and the test fails.
for code in 'for i = 1, 1 << 33 do end' 'while on() do pcall(function() while on() do end end) end' \
    'coroutine.wrap(function() for i = 1, 1 << 33 do end end)()'; do
    cat > endless.lua <<END
local function on() return os.clock() < 20 end
io.popen("kill -INT " .. io.open("/proc/self/stat"):read("n"))
$code
END
    run endless.lua
    complains 130 interrupted; verdict "SIGINT ends a script: $code"
done

# ---- Starting in odd places ----

HOME='' XDG_STATE_HOME='' XDG_CONFIG_HOME='' run -e 'print(1)'
gives 0 1; verdict 'without a home'
TERM='' LC_ALL=C run -e 'print(2)'
gives 0 2; verdict 'without a terminal name'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
