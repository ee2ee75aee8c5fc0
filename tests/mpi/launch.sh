# What the tests under a launcher share; read by each of them. Each run has an end, and nothing on
# its standard input: a launcher whose child reads a pipe that nobody writes never ends.

nabla=${NABLA:-./nabla}
mpirun=${MPIRUN:-mpirun}
[ -e "${nabla%/*}/src/mpi/nabla-mpi.so" ] || { echo "there is no MPI module"; exit 77; }
command -v "$mpirun" > /dev/null || { echo "there is no $mpirun"; exit 77; }

passed=0
failed=0
status=0
limit=240
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
unset LUA_INIT LUA_INIT_5_4 LUA_PATH LUA_PATH_5_4 LUA_CPATH LUA_CPATH_5_4 NABLA_PATH
HOME=$scratch XDG_CACHE_HOME=$scratch XDG_CONFIG_HOME=$scratch XDG_STATE_HOME=$scratch
export HOME XDG_CACHE_HOME XDG_CONFIG_HOME XDG_STATE_HOME
# Open MPI asks for these; others do not know them.
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM OMPI_MCA_rmaps_base_oversubscribe
# What an MPI keeps to its end is not ours.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
export ASAN_OPTIONS

# script TEXT: what the next runs run.
script() {
    printf '%s\n' "$1" > "$scratch/script.lua"
}

# told COMMAND…: runs it; status, out and err are its.
told() {
    status=0
    timeout -k 5 "$limit" "$@" < /dev/null > "$scratch/out" 2> "$scratch/err" || status=$?
}

# run PROCESSES [ARGUMENT…]: the script under the launcher.
run() {
    count=$1
    shift
    told "$mpirun" -n "$count" "$nabla" "$scratch/script.lua" "$@"
}

# alone [ARGUMENT…]: without one.
alone() {
    told "$nabla" "$scratch/script.lua" "$@"
}

# holds WHAT COMMAND…: the command ends with 0.
holds() {
    what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "does not hold: $what (status $status)"
        sed 's/^/    out: /' "$scratch/out"
        sed 's/^/    err: /' "$scratch/err"
    fi
}

out_is() { [ "$(cat "$scratch/out")" = "$1" ]; }
err_has() { grep -qF -e "$1" "$scratch/err"; }
# What nabla itself has said, once.
err_once() { [ "$(grep -cF -e "$1" "$scratch/err")" -eq 1 ]; }
says_nothing() { ! grep -q nabla "$scratch/err"; }
ends() { [ "$status" -eq "$1" ]; }
# With an error, and in time.
fails() { [ "$status" -ne 0 ] && [ "$status" -lt 124 ] || [ "$status" -gt 137 ]; }

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
