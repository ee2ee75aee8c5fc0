#!/bin/sh
# Several processes under a launcher: who speaks, who writes, how all end, and what is refused.
# Skipped where there is no MPI module.
# (the program is $NABLA, else ./nabla; the launcher $MPIRUN, else mpirun)
set -u

. "$(dirname "$0")/launch.sh"

# ---- Who is who, and who speaks ----

script 'print(nabla.rank(), nabla.ranks())
io.write("written\n")
os.execute "echo said"
io.stderr:write(nabla.rank() .. " of " .. nabla.ranks() .. "\n")'
for count in 1 3; do
    run "$count"
    holds "$count processes end well" ends 0
    holds "of $count the first alone prints" out_is "$(printf '0\t%d\nwritten\nsaid' "$count")"
    for rank in $(seq 0 $((count - 1))); do
        holds "each knows who it is" err_has "$rank of $count"
    done
done

# The cores are shared by those on the machine.
script 'io.stderr:write("threads " .. nabla.threads() .. "\n")'
run 2
own=$(($(nproc) / 2))
holds "two share the cores" err_has "threads $((own > 0 ? own : 1))"
told "$mpirun" -n 2 "$nabla" --threads 3 "$scratch/script.lua"
holds "or take what they are told" test "$(grep -o "threads 3" "$scratch/err" | wc -l)" -eq 2

# Alone nothing of MPI is in the process, also where a child of a launched process runs alone.
lonely='for line in io.lines "/proc/self/maps" do assert(not line:find "libmpi" and not line:find "nabla%-mpi", line)
end
assert(nabla.ranks() == 1 and nabla.rank() == 0)'
told "$nabla" -e "$lonely"
holds "without a launcher nothing of MPI is loaded" ends 0
printf '%s\n' "$lonely" > "$scratch/alone.lua"
script 'assert(io.open "/proc/self/maps":read "a":find("nabla-mpi.so", 1, true))
assert(os.execute(arg[1] .. " -E " .. arg[2] .. " > /dev/null"))'
run 2 "$nabla" "$scratch/alone.lua"
holds "what a launched process starts is alone" ends 0

# Standard input comes to the first; others find its end, for which they would wait for ever.
script 'io.stderr:write(nabla.rank() .. " read " .. tostring(io.read "l") .. "\n")'
told sh -c 'echo given | timeout 20 "$0" -n 2 "$1" "$2"' "$mpirun" "$nabla" "$scratch/script.lua"
holds "reading ends" ends 0
holds "the first reads what is given" err_has "0 read given"
holds "others read nothing" err_has "1 read nil"

# UCX, on which MPICH stands, prints no page of calls where another process was killed, unless told.
script 'assert(os.getenv "UCX_HANDLE_ERRORS" == arg[1])'
run 2 none
holds "what UCX does at a kill is said to it" ends 0
UCX_HANDLE_ERRORS=bt run 2 bt
holds "and the user is heard" ends 0

# Open MPI gives each process a terminal of its own to write to; what it passes on may be a file.
if command -v script > /dev/null; then
    script 'nn.net("1 - 1"):train(data.set{x = {{1}}, y = {{1}}}, {epochs = 2})
print(plot({1, 2}, {text = true}):find "\27", nabla._terminal())'
    told "$mpirun" -n 2 script -qec "TERM=xterm '$nabla' '$scratch/script.lua'" /dev/null
    holds "under a launcher a terminal is none" ends 0
    holds "and has no colours, nor lines that are drawn again" \
        sh -c '! grep -q "$(printf "\033")" "$1"' sh "$scratch/out"
    holds "nor a size" grep -q '^nil[[:cntrl:]]*$' "$scratch/out"
fi

# ---- Files ----

script 'tensor.full(2, nabla.rank()):save(arg[1] .. "/t.npy")
data.xor():save(arg[1] .. "/set.npz")
nn.net "2 - 3 - 1":save(arg[1] .. "/net.st")
io.open(arg[1] .. "/own-" .. nabla.rank(), "w"):close()'
run 3 "$scratch"
holds "files are written" ends 0
holds "by the first" test "$("$nabla" -e "print(tensor.load('$scratch/t.npy'):sum())")" = 0
for file in set.npz net.st own-0 own-1 own-2; do
    holds "$file is there" test -e "$scratch/$file"
done
script 'if nabla.rank() == 1 then tensor.ones(2):save "/nowhere/at/all.npy" end print "on"'
run 2
holds "others write nothing, so that they cannot fail" out_is on
script 'if nabla.rank() == 1 then tensor.load "/nowhere/at/all.npy" end'
run 2
holds "who reads too early fails" fails
holds "and is told when not" err_once "others find behind nabla.barrier()"
script 'tensor.ones(2):save "/nowhere/at/all.npy"'
run 2
holds "the first can" fails
holds "and says so once" err_once "cannot write /nowhere/at/all.npy"

# ---- A barrier ----

# The first is slow: without the barrier the others find no file, or that of the time before.
script 'local path = arg[1] .. "/late.npy"
for time = 1, 3 do
    if nabla.rank() == 0 then
        local x = tensor.randn(300, 300)
        for i = 1, 30 do x = x:matmul(x):tanh() end
    end
    tensor.full(2, time):save(path)
    nabla.barrier()
    assert(tensor.load(path):sum():item() == 2 * time)
    nabla.barrier()
end
io.stderr:write(nabla.rank() .. " is through\n")'
for count in 1 2 3; do
    rm -f "$scratch/late.npy"
    run "$count" "$scratch"
    holds "what the first saves all load behind the barrier" ends 0
    for rank in $(seq 0 $((count - 1))); do
        holds "and go on" err_has "$rank is through"
    done
done
script 'if nabla.rank() == 1 then nabla.barrier() end'
run 2
holds "who waits alone is told" fails
holds "why" err_once "process 0 has ended its script while process 1 waits at a barrier"
holds "and what to do" err_has "must come to each nabla.barrier()"
script 'if nabla.rank() == 0 then nabla.barrier() end
nn.net("2 - 3 - 1"):train(data.xor(), {epochs = 1, progress = false})'
run 3
holds "who waits while others train is told" fails
holds "why" err_once "process 0 waits at a barrier while process 1 begins to train"
script 'nabla.barrier()
if nabla.rank() == 1 then error "boom" end
nabla.barrier()'
run 2
holds "an error elsewhere ends who waits" fails
holds "with its message" err_has "script.lua:2: boom"
script 'nn.net("2 - 3 - 1"):train(data.xor(), {epochs = 2, progress = false,
    on_epoch = function() nabla.barrier() end})
print "on"'
run 2
holds "a callback may wait" out_is on

# ---- Errors outside of training ----

script 'local x = nabla.rank() == 2 and error "boom" print "no"
net = nn.net "2 - 3 - 1"
net:train(data.xor(), {epochs = 3, progress = false})'
run 3
holds "an error on one ends all" fails
holds "with its message" err_once "process 2: "
holds "which is whole" err_has "script.lua:1: boom"
script 'error "everywhere"'
run 4
holds "an error on all ends all" fails
holds "and is told once" err_once "script.lua:1: everywhere"
script 'local = 3'
run 3
holds "so is one of the language" err_once "script.lua:1:"
script 'os.exit(3)'
run 2
holds "os.exit has its status" ends 3
holds "and is no error" says_nothing
script 'os.exit(true, true)'
run 2
holds "os.exit ends well" ends 0

# ---- What a launcher cannot have ----

told "$mpirun" -n 3 "$nabla" -i "$scratch/script.lua"
holds "-i is refused" fails
holds "with the reason" err_once "a prompt has no place there"
told "$mpirun" -n 3 "$nabla"
holds "standard input is refused" fails
holds "with the reason" err_once "standard input comes to the first alone"
mkdir "$scratch/bare"
cp "$nabla" "$scratch/bare/nabla"
script 'print "no"'
for variables in "PMI_RANK=0 PMI_SIZE=4" "OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=4" \
    "PMIX_RANK=0 SLURM_STEP_NUM_TASKS=4" "SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=4"; do
    # shellcheck disable=SC2086 # two variables
    told env $variables "$scratch/bare/nabla" "$scratch/script.lua"
    # One that is installed is found also from there.
    if err_has "two MPI libraries"; then continue; fi
    holds "without the module $variables is refused" fails
    holds "with the package" err_once "libmpich-dev"
done
# An MPI that knows nothing of the launcher is alone in each process.
told env OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=4 "$nabla" "$scratch/script.lua"
holds "two MPI libraries are refused" fails
holds "with the reason" err_once "two MPI libraries"
# A batch script of Slurm's is one process.
told env SLURM_PROCID=0 SLURM_NTASKS=4 "$nabla" -e 'print(nabla.ranks())'
holds "a batch script is alone" out_is 1

finish
