#!/bin/sh
# A sweep on several processes: the rows and the networks of one, on each of them; how it ends where
# they are not alike. Skipped where there is no MPI module.
# (the program is $NABLA, else ./nabla; the launcher $MPIRUN, else mpirun)
set -u

. "$(dirname "$0")/launch.sh"

# Every process writes what it has: figures, errors, the best network's bits.
script 'local digits = data.digits()
local runs = nn.sweep {net = "64 - 8 relu - dropout 0.2 - batch_norm - 10", epochs = 2, batch = 20,
    set = digits.train:take(120), test = digits.test:take(50), lr = {0.1, -1, 1}, seed = {1, 2, 3},
    progress = arg[2] == "loud"}
local lines = {}
for _, run in ipairs(runs) do
    lines[#lines + 1] = ("%d %s %a %a"):format(run.run, run.error, run.cost or 0, run.test or 0)
end
local best = runs:best()
for _, x in ipairs(best.net:params():totable()) do lines[#lines + 1] = ("%a"):format(x) end
lines[#lines + 1] = ("%a"):format(best.net:evaluate(digits.test).cost)
local file = assert(io.open(arg[1] .. "/" .. nabla.ranks() .. "-" .. nabla.rank(), "w"))
file:write(table.concat(lines, "\n"))
file:close()'

same_rows() {
    for file in "$scratch"/rows/*; do cmp -s "$file" "$scratch/rows/1-0" || return 1; done
    [ "$(ls "$scratch/rows" | wc -l)" -eq 10 ] && [ "$(wc -l < "$scratch/rows/1-0")" -gt 600 ]
}

mkdir "$scratch/rows"
alone "$scratch/rows" quiet
holds "one process" ends 0
for count in 2 3 4; do
    run $count "$scratch/rows" quiet
    holds "$count processes" ends 0
done
holds "the same rows and the same network in every process of 1, 2, 3 and 4" same_rows

# The first process alone shows the rows.
run 2 "$scratch/rows" loud
holds "it says how many" grep -q '^9 runs: lr 3 x seed 3 · .* on 2 processes$' "$scratch/out"
holds "a line for each run" test "$(grep -c '^ *[0-9]  ' "$scratch/out")" -eq 9
holds "the best, once" test "$(grep -c '^9 runs in .* best: run ' "$scratch/out")" -eq 1

# A network that was not kept is made again in each process, alone.
script 'local digits = data.digits()
local runs = nn.sweep {net = "64 - 10", set = digits.train:take(60), epochs = 1, seed = {1, 2},
    on_epoch = function() end, progress = false}
local net = nn.net("64 - 10", {seed = runs:best().seed})
if nabla.rank() == 0 then print(runs:best().net:count(), runs[1].net, #runs) end'
run 3
holds "a run made again" ends 0
holds "its network" grep -q '^650' "$scratch/out"

# ---- The examples ----

for example in sweep ranks; do
    for count in 1 3; do
        told "$mpirun" -n $count "$nabla" "$(dirname "$0")/../../examples/$example.lua"
        holds "examples/$example.lua on $count" ends 0
        mv "$scratch/out" "$scratch/example-$count"
    done
    # But for what was shown of seconds.
    holds "and the same" test "$(tail -n 1 "$scratch/example-1")" = \
        "$(tail -n 1 "$scratch/example-3")"
done

# ---- Where they differ ----

script 'nn.sweep {net = "64 - 10", set = data.digits().train:take(50), epochs = 1, progress = false,
    seed = {1, 2 + nabla.rank()}}'
run 2
holds "other options end it" fails
holds "and say so" err_once "seed differs between process 0 and process 1"

script 'nn.sweep {net = "64 - 10", set = data.digits().train:take(50 + nabla.rank()), epochs = 1,
    seed = {1, 2}, progress = false}'
run 2
holds "other sets end it" fails
holds "and the set is named" err_once "set differs between process 0 and process 1"

script 'local set = data.digits().train:take(50)
if nabla.rank() == 0 then nn.sweep {net = "64 - 10", set = set, epochs = 1, seed = {1, 2}} end'
run 2
holds "who sweeps alone is stopped" fails
holds "and told why" err_once \
    "script.lua:2: nn.sweep: process 0 runs a sweep while process 1 has ended its script"

finish
