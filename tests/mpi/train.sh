#!/bin/sh
# Training by several processes: the same bits at any number of them, how it ends where one of them
# fails, and what they must have alike. Skipped where there is no MPI module.
# (the program is $NABLA, else ./nabla; the launcher $MPIRUN, else mpirun)
set -u

. "$(dirname "$0")/launch.sh"

# ---- The same bits ----

# Every process writes its own; `o` and `net` are the script's arguments.
script 'local notation, options, folder = arg[1], load("return " .. arg[2])(), arg[3]
nabla.seed(5)
local digits = data.digits()
local net = nn.net(notation)
options.epochs, options.progress, options.seed, options.test = 2, false, 3, digits.test
if options.optimizer ~= "lbfgs" and options.optimizer ~= "lm" then
    options.batch = options.batch or 100
end
local set = digits.train:take(350)
if options.few then
    local rows = {}
    for i, row in ipairs(set.x:totable()) do
        rows[i] = {}
        for j, v in ipairs(row) do rows[i][j] = v > 0.8 and v or nil end
    end
    set = data.set {x = rows, y = set.y, columns = 64}
    assert(set.nonzero < 0.25)
    options.few, options.test = nil, nil
end
net:train(set, options)
local bits = {}
for _, x in ipairs(net:params():totable()) do bits[#bits + 1] = string.format("%a", x) end
local name = folder .. "/" .. nabla.ranks() .. "-" .. nabla.rank()
assert(io.open(name, "w")):write(table.concat(bits, "\n"))'

same_bits() {
    for file in "$scratch"/bits/*; do cmp -s "$file" "$scratch/bits/1-0" || return 1; done
    [ "$(ls "$scratch/bits" | wc -l)" -eq "$1" ]
}

# bits WHAT NOTATION OPTIONS: on 1 process with 8 pieces, and on 2, 3, 4 and 8.
bits() {
    rm -rf "$scratch/bits"
    mkdir "$scratch/bits"
    alone "$2" "$(echo "$3" | sed 's/}$/, pieces = 8}/')" "$scratch/bits"
    holds "$1: alone" ends 0
    for count in 2 3 4 8; do
        run $count "$2" "$3" "$scratch/bits"
        holds "$1: $count processes" ends 0
    done
    holds "$1: the same bits in every process of 1, 2, 3, 4 and 8" same_bits 18
}

bits "sgd" "64 - 30 - 10" "{lr = 3.0}"
bits "adam, dropout, norms" \
    "64 - 20 relu - batch_norm - dropout 0.3 - 10 softmax : cross_entropy" \
    "{optimizer = \"adam\"}"
bits "lbfgs" "64 - 10 tanh - 10 softmax : cross_entropy" "{optimizer = \"lbfgs\"}"
bits "lm" "64 - 2 tanh - 10 : quadratic" "{optimizer = \"lm\"}"
bits "small batches, accumulated" "64 - 12 - 10" "{lr = 1.0, batch = 5, accumulate = 3, clip = 1}"
bits "rows of non-zeros" "64 - 30 relu - 10 softmax : cross_entropy" \
    "{few = true, lr = 0.5, momentum = 0.9}"
bits "rows of non-zeros, few and many" "64 - 70 relu - dropout 0.2 - 10 softmax : cross_entropy" \
    "{few = true, batch = 300, optimizer = \"adam\"}"

# A file of four processes goes on in two and in one.
script 'local path, stop = arg[1], tonumber(arg[2])
nabla.seed(5)
local digits = data.digits()
local net = nn.net "64 - 16 - dropout 0.2 - 10"
net:train(digits.train:take(350), {epochs = 4, batch = 50, lr = 1.0, seed = 3, progress = false,
    pieces = 8, checkpoint = path, resume = path,
    on_epoch = function(e) return e.epoch < stop end})
if nabla.rank() == 0 then print(string.format("%a", net:params():sum():item())) end'
alone "$scratch/whole.st" 9
whole=$(cat "$scratch/out")
run 4 "$scratch/parts.st" 2
holds "four stop after an epoch" ends 0
run 2 "$scratch/parts.st" 3
holds "two go on" ends 0
alone "$scratch/parts.st" 9
holds "one ends it with the bits of one" test "$(tail -n 1 "$scratch/out")" = \
    "$(echo "$whole" | tail -n 1)"

# ---- Who trains alone ----

prelude='local xor = data.xor()
local net = nn.net "2 - 3 - 1"
local o = {epochs = 20, batch = 2, lr = 1, seed = 1, progress = false}
'
script "$prelude"'if nabla.rank() == 0 then net:train(xor, o) end'
run 3
holds "who trains alone is stopped" fails
holds "and told why, once" err_once "process 0 begins to train while process 1 has ended its script"
script "$prelude"'if nabla.rank() ~= 0 then net:train(xor, o) end'
run 4
holds "others who do are stopped" fails
holds "and one tells why" err_once "process 0 has ended its script while process"
script "$prelude"'if nabla.rank() == 1 then os.exit(true) end net:train(xor, o)'
run 2
holds "os.exit is leaving" fails
holds "and told" err_once "has ended its script"
script "$prelude"'if nabla.rank() == 0 then
    print((select(2, pcall(net.train, net, xor, o)):find "has ended its script") ~= nil)
    print(pcall(net.train, net, xor, o))
end'
run 2
holds "the error may be caught, again and again" ends 0
holds "and is one" test "$(head -n 1 "$scratch/out")" = true
script "$prelude"'o.on_batch = function(b)
    if nabla.rank() == 1 and b.epoch == 3 then os.exit(true) end
end
net:train(xor, o)'
run 2
holds "os.exit in a callback is leaving" fails
holds "and told" err_once "has ended its script"

# ---- Under glass ----

# Processes whose clocks differ go back to the same frame.
script 'nabla.seed(5)
local function network() return nn.net("64 - 16 - dropout 0.2 - 10", {seed = 4}) end
local set, options = data.digits().train:take(350), {epochs = 12, batch = 50, lr = 1.0, seed = 3,
    pieces = 8, progress = false}
local net, whole = network(), network()
local t = net:trainer(set, options)
local function wait(many)
    for i = 1, many do
        t:step()
        local till = os.clock() + 0.001 * nabla.rank() * i
        while os.clock() < till do end
    end
end
wait(20)
t:back(11)
wait(25)
t:seek(7)
t:run()
whole:train(set, options)
assert(net:params():equal(whole:params()))
print(t:bisect(function() return t.step_number >= 40 end))'
run 3
holds "a run goes back in several processes" ends 0
holds "and is searched" grep -q '^it holds since step 40:' "$scratch/out"

# ---- Failures on one process ----

script "$prelude"'local at
o.on_batch = function(b)
    at = b.epoch .. "." .. b.batch
    if nabla.rank() == 1 and b.epoch == 3 then error "oops" end
end
local fine, message = pcall(net.train, net, xor, o)
io.stderr:write(("%d: %s %s %s %a\n"):format(nabla.rank(), fine, at, tostring(message):match "oops",
    net:params():sum():item()))
assert(fine, message)'
run 3
holds "a callback that fails stops all" fails
holds "at the same batch" test "$(grep -c 'false 3.1 oops' "$scratch/err")" -eq 3
holds "with the same parameters" \
    test "$(sed -n 's/^[0-9]: false 3.1 oops //p' "$scratch/err" | sort -u | wc -l)" -eq 1
holds "and one message" test "$(grep -c '^nabla: ' "$scratch/err")" -eq 1
script "$prelude"'o.on_epoch = function(e) if nabla.rank() == 0 and e.epoch == 2 then return false end end
net:train(xor, o)'
run 2
holds "a stop on one is an error" err_once "whether a callback has stopped the training differs"
script "$prelude"'local cost = nn.cost{name = "odd", f = function(a, y)
    local c = ((a - y) ^ 2):mean()
    if nabla.rank() == 1 then c = c * (0 / 0) end
    return c
end}
net = nn.net{2, 3, 1, cost = cost}
local before = net:params():clone()
local fine, message = pcall(net.train, net, xor, o)
io.stderr:write(nabla.rank() .. " " .. tostring(before:equal(net:params())) .. "\n")
assert(fine, message)'
run 2
holds "NaN on one process stops all" fails
holds "before anything is learned" test "$(grep -c '^[01] true$' "$scratch/err")" -eq 2
holds "with one message" test "$(grep -c '^nabla: ' "$scratch/err")" -eq 1

# spoiled LAYER LINE: what each process is told of an example that LINE
# spoils, behind "epoch 1, batch 1".
spoiled() {
    script 'nabla.threads(1)
local rows = tensor.randn(32, 4, {seed = 2})
local net = nn.net("4 - 8 relu - '"$1"'3 softmax : cross_entropy", {seed = 1})
'"$2"'
local set = data.set{x = rows, y = tensor.randint(1, 3, 32, {seed = 3}):to "i32"}
local fine, message = pcall(net.train, net, set, {epochs = 1, batch = 32, lr = 0.1,
    shuffle = false, pieces = 4, progress = false})
io.stderr:write(nabla.rank() .. ": " .. message .. "\n")'
    run 2
}
huge='rows[{20, 3}], net[1].w = 3e38, net[1].w * 1e3'
for layer in '' 'batch_norm - '; do
    spoiled "$layer" "$huge"
    holds "${layer}NaN in another's rows is named by its example" \
        test "$(grep -c 'neuron [0-9]*, example 20: the sum of 3e38' "$scratch/err")" -eq 2
done
spoiled '' 'rows[{3, 3}] = 0 / 0'
holds "NaN in the data of one is told to all" \
    test "$(grep -c 'nan in example 3;' "$scratch/err")" -eq 2
holds "as it was there" err_once '1: net:train: process 0: epoch 1, batch 1: x holds nan'
holds "without what does not help" test "$(grep -c 'smaller lr' "$scratch/err")" -eq 0

# ---- What differs ----

# differs WHAT LINE: the line is run on the last of three processes, and WHAT is said to differ.
differs() {
    script "$prelude"'if nabla.rank() == 2 then '"$2"' end net:train(xor, o)'
    run 3
    holds "$1 that differs is refused" fails
    holds "and named" err_once "net:train: $1"
    holds "and whose it is" err_once "differs between process 0 and process 2"
}

# The cause that a script alone does not show. (Seeded apart here: by itself math.random goes by
# the second and an address, which two sanitized processes may have in common.)
script 'math.randomseed(nabla.rank())
net = nn.net("1 - 1", {seed = 1})
net:train({{math.random()}, {1}}, {{1}, {0}}, {seed = 1, progress = false})'
run 2
holds "a set by math.random is refused" err_once "the set differs between process 0 and process 1"
holds "and math.random is named" err_once "which math.random and clocks do not"

differs "the seed of the run" "o.seed = 2"
differs "the seed of chance" "nabla.seed(9)"
differs "batch" "o.batch = 3"
differs "lr" "o.lr = 2"
differs "epochs" "o.epochs = 21"
differs "the optimizer" "o.optimizer, o.lr = 'adam', nil"
differs "the vector of parameters" "net[1].w[1][1] = 7"
differs "the network" 'net = nn.net "2 - 3 tanh - 1"'
differs "the network" 'net[1].mask = {w = tensor {{1, 0}, {1, 1}, {1, 1}}}'
differs "metrics" 'o.metrics = {"r2"} end
xor = data.set{x = xor.x, y = tensor{{0}, {1}, {1}, {0}}}
o.test, o.metrics = xor, o.metrics or {"mean_absolute_error"}
if nabla.rank() < 0 then'
differs "the set" "xor = xor:shuffle(4)"
differs "on_batch" "o.on_batch = function() end"
differs "l2" "o.l2 = 0.1"

# changes WHAT LINE: the same of what a callback does on one of them, told behind the epoch.
changes() {
    for hook in on_batch on_epoch; do
        script "$prelude"'o.optimizer, o.lr = nn.sgd {lr = 1}, nil
o.'$hook' = function(at) if nabla.rank() == 1 and at.epoch == 2 then '"$2"' end end
o.on_batch = o.on_batch or function(at) io.stderr:write(nabla.rank() .. " in " .. at.epoch .. "\n") end
net:train(xor, o)'
        run 2
        holds "$1 that $hook changes on one is refused" fails
        holds "and named" err_once "net:train: $1 (has a callback changed it?)"
        holds "before the next epoch" test "$(grep -c "in 3" "$scratch/err")" -eq 0
    done
}
changes "the vector of parameters" "net[1].w[1][1] = 7"
changes "the network" "net[1].frozen = true"
changes "the network" "net[1].mask = {w = tensor {{1, 0}, {1, 1}, {1, 1}}}"
changes "lr, or another option of the optimizer" "o.optimizer.lr = 0.5"
script "$prelude"'o.schedule = function() return nabla.rank() == 1 and 0.5 or 1 end
net:train(xor, o)'
run 2
holds "a schedule that differs is refused" fails
holds "as the rate that it gives" err_once \
    "net:train: lr, or another option of the optimizer (has a callback changed it?), differs"

script "$prelude"'o.resume = arg[1] .. nabla.rank()
if nabla.rank() == 0 then
    o.checkpoint, o.epochs = arg[1] .. 0, 20
end
net:train(xor, o)'
alone "$scratch/seen-"
holds "a run is kept" test -e "$scratch/seen-0"
script "$prelude"'o.resume, o.pieces = arg[1] .. nabla.rank(), nil
net:train(xor, o)'
run 2 "$scratch/seen-"
holds "a checkpoint that one sees is refused" fails

# ---- Signals, and an end from outside ----

# The signal comes while they train: to this process, after a second.
script 'local digits = data.digits().train
local net = nn.net "64 - 30 - 10"
if nabla.rank() == tonumber(arg[3]) then
    os.execute("{ sleep 1; kill -" .. arg[2] .. " " .. io.open "/proc/self/stat":read "n" .. "; } &")
end
local o = {epochs = 100000000, lr = 1, seed = 1, progress = false, checkpoint = arg[1], every = "1 h"}
local fine, message = pcall(net.train, net, digits, o)
io.stderr:write(string.format("%s %a\n", message, net:params():sum():item()))
error(message, 0)'
for signal in INT TERM; do
    run 3 "$scratch/stopped.st" $signal 1
    holds "SIG$signal to one stops all" ends 130
    # The code of the one that got it is stopped too.
    holds "the others as well" test "$(grep -c 'interrupted -*0x' "$scratch/err")" = 2
    holds "at the same batch" test "$(grep 'interrupted -*0x' "$scratch/err" | sort -u | wc -l)" = 1
    holds "told once" test "$(grep -c '^interrupted$' "$scratch/err")" -eq 1
done
run 3 "$scratch/killed.st" KILL 2
# Some launchers end as the process did: 128 + 9, which is not their own end by the limit.
holds "a process that is killed ends all" test "$status" -ne 0 -a "$status" -ne 124

finish
